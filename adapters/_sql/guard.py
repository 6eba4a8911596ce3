"""The tripwire on source connections: a statement that is not a read never reaches the driver.

One of several layers; imported by the adapters of single databases only.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from schemasynth.errors import SafetyError

_READS = frozenset({"SELECT", "WITH", "VALUES", "EXPLAIN", "SHOW", "PRAGMA", "DESCRIBE", "TABLE"})
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE"})
"""What can follow a WITH clause or stand in one; elsewhere the words are functions or columns."""
_EXPLAINED = _CHANGES | {"CREATE", "EXECUTE", "DECLARE", "REFRESH", "CALL"}
"""What EXPLAIN ANALYZE would run."""
_WRITING_FUNCTIONS = frozenset(
    {
        "NEXTVAL", "SETVAL", "SET_CONFIG", "DBLINK", "DBLINK_EXEC", "PG_TERMINATE_BACKEND",
        "PG_CANCEL_BACKEND", "PG_RELOAD_CONF", "PG_NOTIFY", "PG_LOGICAL_EMIT_MESSAGE", "LO_CREATE",
        "LO_CREAT", "LO_FROM_BYTEA", "LO_IMPORT", "LO_EXPORT", "LO_PUT", "LO_UNLINK", "LOWRITE",
        "GET_LOCK", "LOAD_EXTENSION", "WRITEFILE", "FTS3_TOKENIZER",
        "REFLECT", "TRY_REFLECT", "JAVA_METHOD",
    }
)  # fmt: skip
"""Functions of the databases themselves by which a SELECT changes something."""
_EXPLAINS = frozenset({"EXPLAIN", "DESCRIBE"})
_LOCKS = frozenset(
    {("FOR", "UPDATE"), ("FOR", "SHARE"), ("FOR", "NO"), ("FOR", "KEY"), ("IN", "SHARE")}
)
"""Beginnings of FOR UPDATE, FOR NO KEY UPDATE, LOCK IN SHARE MODE, …"""
READ_PRAGMAS = frozenset(
    {
        "table_info",
        "table_xinfo",
        "table_list",
        "index_list",
        "index_info",
        "index_xinfo",
        "foreign_key_list",
        "foreign_key_check",
        "database_list",
        "query_only",
        "read_uncommitted",
    }
)
"""SQLite's pragmas that a source needs."""
SETTING_PRAGMAS = frozenset({"query_only", "read_uncommitted"})
"""Pragmas whose argument is a new value, not the name of what is read."""
_PRAGMA = re.compile(r"""\s*PRAGMA\s+(?:(?:\w+|"[^"]*")\s*\.\s*)?(\w+)\s*(\(?)""", re.IGNORECASE)
_EXECUTED_COMMENT = re.compile(r"/\*M?!")
"""MySQL and MariaDB run what stands in such a comment."""
STANDARD = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]   # literals, quoted names
  | --[^\n]* | /\*.*?\*/                                            # comments
  | (?P<dollar>\$[A-Za-z_]*\$).*?(?P=dollar)                        # PostgreSQL literals
  | (?P<word>[A-Za-z_][A-Za-z0-9_$]*) | (?P<mark>[;()])
    """,
    re.VERBOSE | re.DOTALL,
)
"""Finds words and marks outside quotes and comments, in most databases' SQL."""
MYSQL = re.compile(
    r"""
    '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*`
  | \#[^\n]* | --(?=[\s\x00-\x1f]|$)[^\n]* | /\*.*?\*/
  | (?P<word>[A-Za-z_$][A-Za-z0-9_$]*) | (?P<mark>[;()])
    """,
    re.VERBOSE | re.DOTALL,
)
"""The same where backslashes escape, and ``--`` begins a comment only before a space."""
SPARK = re.compile(
    r"""
    '(?:[^'\\]|\\.|'')*' | "(?:[^"\\]|\\.|"")*" | `(?:[^`]|``)*`
  | --[^\n]* | /\*.*?\*/
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*) | (?P<mark>[;()])
    """,
    re.VERBOSE | re.DOTALL,
)
"""The same where backslashes escape and ``#`` begins no comment."""


def is_read(statement: str, grammar: re.Pattern[str] = STANDARD) -> bool:
    """Tell whether a statement only reads.

    Args:
        statement: one SQL statement; names and literals in quotes are not looked into.
        grammar: how the database quotes and comments.
    """
    found = [m.group() for m in grammar.finditer(statement) if m.group("word") or m.group("mark")]
    tokens = [text.upper() for text in found]
    words = [text for text in tokens if text not in (";", "(", ")")]
    if not words or words[0] not in _READS or _EXECUTED_COMMENT.search(statement):
        return False
    if ";" in tokens and tokens.index(";") < len(tokens) - 1:
        return False
    if words[0] == "PRAGMA":
        return _reads_pragma(statement)
    if words[0] in _EXPLAINS and _EXPLAINED.intersection(words):
        return False
    if any(name in _WRITING_FUNCTIONS and mark == "(" for name, mark in pairwise(tokens)):
        return False
    return not ("INTO" in words or _LOCKS.intersection(pairwise(words)) or _changes(tokens))


def _reads_pragma(statement: str) -> bool:
    match = _PRAGMA.match(statement)
    if match is None or "=" in statement:
        return False
    name, argument = match.group(1).lower(), match.group(2)
    return name in READ_PRAGMAS and not (argument and name in SETTING_PRAGMAS)


def _changes(tokens: list[str]) -> bool:
    """Tell whether a change stands where a statement begins: after a WITH clause, or in one."""
    clause = tokens[0] == "WITH"
    for i, token in enumerate(tokens):
        if token not in _CHANGES:
            continue
        before = tokens[max(i - 2, 0) : i]
        if before[-2:] in (["AS", "("], ["MATERIALIZED", "("]) or (clause and before[-1:] == [")"]):
            return True
    return False


def only_reads(engine: sa.Engine, grammar: re.Pattern[str] = STANDARD) -> None:
    """Make an engine refuse every statement that is not a read.

    Args:
        engine: of a source.
        grammar: how its database quotes and comments.

    Raises:
        SafetyError: later, from the refused statement, which is not sent.
    """

    @sa.event.listens_for(engine, "before_cursor_execute")
    def refuse(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not is_read(statement, grammar):
            raise SafetyError("A source is only read; a statement that could write was not sent.")
