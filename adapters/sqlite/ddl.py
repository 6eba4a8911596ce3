"""What SQLite keeps only in the text of CREATE TABLE: checks, computed columns, names, DEFERRABLE.

Imported by the SQLite reflection only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
  | (?P<text>[xX]?'(?:[^']|'')*')
  | (?P<word>[^\W\d][\w$]*)
  | (?P<open>\()|(?P<close>\))|(?P<comma>,)
  | (?P<other>\d[\w.]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)
_TABLE_CLAUSES = frozenset({"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


@dataclass(frozen=True, slots=True)
class NamedCheck:
    """A CHECK with its condition as written."""

    sql: str
    name: str | None


@dataclass(frozen=True, slots=True)
class ForeignKeyClause:
    """A REFERENCES clause, in the order of the text."""

    name: str | None
    deferrable: bool
    initially_deferred: bool


@dataclass(frozen=True, slots=True)
class KeyClause:
    """A PRIMARY KEY or UNIQUE constraint of the table with its name."""

    kind: str
    name: str | None
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableText:
    """What the text of a CREATE TABLE adds to the pragmas."""

    checks: tuple[NamedCheck, ...] = ()
    computed: tuple[tuple[str, str], ...] = ()
    foreign_keys: tuple[ForeignKeyClause, ...] = ()
    keys: tuple[KeyClause, ...] = ()
    autoincrement: str | None = None
    without_rowid: bool = False


def read_ddl(sql: str) -> TableText:
    """Read the text of a CREATE TABLE.

    Args:
        sql: as SQLite stores it.
    """
    clauses = list(_clauses(sql))
    checks: list[NamedCheck] = []
    computed: list[tuple[str, str]] = []
    foreign: list[ForeignKeyClause] = []
    keys: list[KeyClause] = []
    autoincrement = None
    for clause in clauses:
        checks += _checks(sql, clause)
        foreign += _foreign_keys(clause)
        if clause[0].keyword in _TABLE_CLAUSES:
            keys += _table_key(clause)
            continue
        column = identifier(clause[0].text)
        keys += _column_keys(clause, column)
        if expression := _computed(sql, clause):
            computed.append((column, expression))
        if any(token.keyword == "AUTOINCREMENT" for token in clause):
            autoincrement = column
    return TableText(
        tuple(checks),
        tuple(computed),
        tuple(foreign),
        tuple(keys),
        autoincrement,
        _without_rowid(sql),
    )


def identifier(text: str) -> str:
    """Return the name that a quoted or bare identifier stands for."""
    if text[:1] in "\"`'" and len(text) > 1:
        return text[1:-1].replace(text[0] * 2, text[0])
    return text[1:-1] if text[:1] == "[" else text


def _tokens(sql: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(sql):
        kind = match.lastgroup or "other"
        if kind != "space":
            yield _Token(kind, match.group(), match.start(), match.end())


def _clauses(sql: str) -> Iterator[list[_Token]]:
    """Yield the tokens of each column and constraint: what commas part at the first depth."""
    depth = 0
    clause: list[_Token] = []
    for token in _tokens(sql):
        depth += token.kind == "open"
        depth -= token.kind == "close"
        ends = depth == 0 and token.kind == "close"
        if ends or (depth == 1 and token.kind == "comma"):
            if clause:
                yield clause
            clause = []
            if ends:
                return
        elif depth > 1 or (depth == 1 and token.kind != "open") or (depth == 1 and clause):
            clause.append(token)


def _parenthesised(sql: str, clause: list[_Token], start: int) -> tuple[str, int]:
    """Return the text within the parentheses that open at or after a token, and where they end."""
    depth = 0
    begin = 0
    for i in range(start, len(clause)):
        token = clause[i]
        if token.kind == "open":
            depth += 1
            begin = begin or token.end
        elif token.kind == "close":
            depth -= 1
            if depth == 0:
                return sql[begin : token.start].strip(), i
    return "", len(clause)


def _name_before(clause: list[_Token], i: int) -> str | None:
    named = i >= 2 and clause[i - 2].keyword == "CONSTRAINT"
    return identifier(clause[i - 1].text) if named else None


def _top(clause: list[_Token]) -> Iterator[tuple[int, _Token]]:
    depth = 0
    for i, token in enumerate(clause):
        depth += token.kind == "open"
        if depth == 0:
            yield i, token
        depth -= token.kind == "close"


def _checks(sql: str, clause: list[_Token]) -> Iterator[NamedCheck]:
    for i, token in _top(clause):
        if token.keyword == "CHECK":
            yield NamedCheck(_parenthesised(sql, clause, i)[0], _name_before(clause, i))


def _computed(sql: str, clause: list[_Token]) -> str | None:
    for i, token in _top(clause):
        if i and token.keyword == "AS" and i + 1 < len(clause) and clause[i + 1].kind == "open":
            return _parenthesised(sql, clause, i)[0]
    return None


def _foreign_keys(clause: list[_Token]) -> Iterator[ForeignKeyClause]:
    keywords = [token.keyword for token in clause]
    for i, token in _top(clause):
        if token.keyword == "REFERENCES":
            rest = keywords[i:]
            deferrable = "DEFERRABLE" in rest and "NOT" not in _before(rest, "DEFERRABLE")
            head = keywords.index("FOREIGN") if "FOREIGN" in keywords[:i] else i
            yield ForeignKeyClause(
                _name_before(clause, head), deferrable, deferrable and "DEFERRED" in rest
            )


def index_condition(sql: str) -> str | None:
    """Return the condition of a partial index.

    Args:
        sql: the text of its CREATE INDEX.
    """
    for _, token in _top(list(_tokens(sql))):
        if token.keyword == "WHERE":
            return sql[token.end :].strip()
    return None


def virtual_module(sql: str) -> str | None:
    """Return the module of a virtual table in lower case, None for any other table.

    Args:
        sql: the text of its CREATE TABLE or CREATE VIRTUAL TABLE.
    """
    tokens = list(_tokens(sql))
    if [token.keyword for token in tokens[:2]] != ["CREATE", "VIRTUAL"]:
        return None
    using = next((i for i, token in enumerate(tokens) if token.keyword == "USING"), 0)
    return identifier(tokens[using + 1].text).lower()


def _without_rowid(sql: str) -> bool:
    words = [token.keyword for _, token in _top(list(_tokens(sql)))]
    return ("WITHOUT", "ROWID") in pairwise(words)


def _column_keys(clause: list[_Token], column: str) -> Iterator[KeyClause]:
    for i, token in _top(clause):
        if i and token.keyword in ("PRIMARY", "UNIQUE"):
            yield KeyClause(token.keyword, _name_before(clause, i), (column,))


def _before(words: list[str], word: str) -> list[str]:
    i = words.index(word)
    return words[max(i - 1, 0) : i]


def _table_key(clause: list[_Token]) -> Iterator[KeyClause]:
    for i, token in _top(clause):
        if token.keyword in ("PRIMARY", "UNIQUE"):
            yield KeyClause(token.keyword, _name_before(clause, i), _column_list(clause[i:]))
            return


def _column_list(clause: list[_Token]) -> tuple[str, ...]:
    columns: list[str] = []
    depth = 0
    expected = False
    for token in clause:
        depth += token.kind == "open"
        depth -= token.kind == "close"
        if depth == 0 and token.kind == "close":
            break
        if token.kind in ("open", "comma"):
            expected = True
        elif expected:
            columns.append(identifier(token.text))
            expected = False
    return tuple(columns)
