"""SQL that means the same everywhere: a database's own text, read and written for another one.

Imports the model; used by the draft of a new schema. What it does not know, it does not carry.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import sqlalchemy as sa

from schemasynth.model import Column, Table, TypeFamily

Expression: TypeAlias = sa.ColumnElement[Any]

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>(?:_utf8mb[34]|_utf8|N)?'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`)
  | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
  | (?P<word>[^\W\d][\w$]*)
  | (?P<sign>::|\|\||<>|!=|<=|>=|[-+*=<>(),\[\]])
    )""",
    re.VERBOSE,
)
_COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SUMS: Mapping[str, tuple[type[Any], Callable[[Any, Any], Any]]] = {
    "+": (sa.Numeric, operator.add),
    "-": (sa.Numeric, operator.sub),
    "||": (sa.String, lambda left, right: left.concat(right)),
}
_KINDS: Mapping[TypeFamily, type[Any]] = {
    TypeFamily.TEXT: sa.String,
    TypeFamily.BOOLEAN: sa.Boolean,
    TypeFamily.INTEGER: sa.Integer,
    TypeFamily.DECIMAL: sa.Numeric,
    TypeFamily.FLOAT: sa.Float,
}
"""What operators are checked against; times and other values are compared with texts only."""
_TEXTUAL = frozenset({"text", "character", "varying", "varchar", "bpchar", "char"})
"""Words of types to which a cast changes no text."""
_FUNCTIONS = frozenset({"upper", "lower", "abs", "coalesce"})
_LENGTHS = frozenset({"length", "char_length", "character_length"})
_NOW = frozenset(
    {"current_timestamp", "now", "localtimestamp", "getdate", "sysdate", "systimestamp"}
)
_TODAY = frozenset({"current_date", "curdate"})
_RESERVED = frozenset(
    {"and", "or", "not", "in", "is", "between", "any", "array", "case", "like", "select"}
)


class NotPortable(ValueError):
    """A text that other databases may read in another way."""


def portable(sql: str, table: Table, length: str) -> Expression:
    """Return what a text says, as an expression that SQLAlchemy writes for any database.

    Args:
        sql: a condition or a value over columns of the table: comparisons, ``IN``, ``BETWEEN``,
            ``IS NULL``, ``AND``, ``OR``, ``NOT``, sums, products, concatenations and literals.
        table: whose columns stand in it.
        length: the function that counts characters where it is to be written.

    Raises:
        NotPortable: something else stands in it.
    """
    return _Reader(sql, {c.name.casefold(): c for c in table.columns}, length).whole()


def portable_default(column: Column, sql: str, *, precise: bool) -> Expression:
    """Return a default as an expression for any database: a literal, or the time.

    Args:
        column: whose default it is.
        sql: the database's own text.
        precise: whether the time is asked for with its microseconds.

    Raises:
        NotPortable: it is something else.
    """
    text = sql.strip().lower()
    while text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    word = re.sub(r"\s*\(\s*\d*\s*\)$", "", text)
    if word in _NOW and column.type.family is TypeFamily.DATETIME:
        return sa.text("CURRENT_TIMESTAMP(6)" if precise else "CURRENT_TIMESTAMP")  # type: ignore[return-value]
    if word in _TODAY and column.type.family is TypeFamily.DATE:
        return sa.text("(CURRENT_DATE)")  # type: ignore[return-value]
    value = _Reader(sql, {}, "").whole()
    if column.type.family is TypeFamily.BOOLEAN:
        return _flag(value)
    return value


def _flag(value: Expression) -> Expression:
    shown = str(value.value if isinstance(value, sa.BindParameter) else value).lower()
    if shown in ("1", "t", "true"):
        return sa.true()
    if shown in ("0", "f", "false"):
        return sa.false()
    if isinstance(value.type, sa.Boolean | sa.types.NullType):
        return value
    raise NotPortable(shown)


class _Reader:
    """A recursive descent over the tokens of one text."""

    def __init__(self, sql: str, columns: Mapping[str, Column], length: str) -> None:
        self.tokens = list(_tokens(sql))
        self.columns, self.length = columns, length
        self.at = 0

    def whole(self) -> Expression:
        found = self._either()
        if self.at != len(self.tokens):
            raise NotPortable(self._text)
        return found

    @property
    def _kind(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else "end"

    @property
    def _text(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    @property
    def _word(self) -> str:
        return self._text.lower() if self._kind in ("word", "sign") else ""

    def _take(self, *wanted: str) -> bool:
        """Pass over the words, if they come next."""
        before = self.at
        for word in wanted:
            if self._word != word:
                self.at = before
                return False
            self.at += 1
        return True

    def _need(self, *wanted: str) -> None:
        if not self._take(*wanted):
            raise NotPortable(self._text)

    def _either(self) -> Expression:
        found = self._both()
        while self._take("or"):
            found = sa.or_(found, self._both())
        return found

    def _both(self) -> Expression:
        found = self._negated()
        while self._take("and"):
            found = sa.and_(found, self._negated())
        return found

    def _negated(self) -> Expression:
        return sa.not_(self._negated()) if self._take("not") else self._predicate()

    def _predicate(self) -> Expression:
        left = self._sum()
        if self._take("is", "not", "null"):
            return left.is_not(None)
        if self._take("is", "null"):
            return left.is_(None)
        inverted = self._take("not")
        if self._take("in"):
            members = _alike(left, self._list("(", ")"))
            return left.not_in(members) if inverted else left.in_(members)
        if self._take("between"):
            low = self._sum()
            self._need("and")
            low, high = _alike(left, [low, self._sum()])
            found = left.between(low, high)
            return ~found if inverted else found
        if inverted:
            raise NotPortable(self._text)
        compare = _COMPARISONS.get(self._word)
        return left if compare is None else self._compared(left, compare)

    def _compared(self, left: Expression, compare: Callable[[Any, Any], Any]) -> Expression:
        equal = self._word == "="
        self.at += 1
        if equal and self._take("any", "("):
            found = left.in_(_alike(left, self._array()))
            self._need(")")
            return found
        (right,) = _alike(left, [self._sum()])
        if isinstance(right.type, sa.Boolean):
            (left,) = _alike(right, [left])
        return compare(left, right)  # type: ignore[no-any-return]

    def _array(self) -> list[Expression]:
        """Read ``ARRAY[…]`` as PostgreSQL writes it: in parentheses, with casts."""
        if self._take("("):
            found = self._array()
            self._need(")")
        else:
            self._need("array")
            found = self._list("[", "]")
        self._cast(None)
        return found

    def _list(self, begin: str, end: str) -> list[Expression]:
        self._need(begin)
        found = [self._sum()]
        while self._take(","):
            found.append(self._sum())
        self._need(end)
        return found

    def _sum(self) -> Expression:
        found = self._product()
        while self._word in _SUMS:
            kind, combine = _SUMS[self._word]
            self.at += 1
            found = combine(_of(kind, found), _of(kind, self._product()))
        return found

    def _product(self) -> Expression:
        found = self._factor()
        while self._take("*"):
            found = _of(sa.Numeric, found) * _of(sa.Numeric, self._factor())
        return found

    def _factor(self) -> Expression:
        if self._take("-"):
            negative: Expression = -_of(sa.Numeric, self._factor())
            return negative
        found: Expression = self._cast(self._primary())
        return found

    def _cast(self, value: Any) -> Any:
        """Pass over casts that change nothing: of literals, and of texts to texts."""
        while self._take("::"):
            words = self._type()
            literal = isinstance(value, sa.BindParameter | sa.Null)
            plain = value is None or literal or getattr(value, "is_literal", False)
            if not plain and not (isinstance(value.type, sa.String) and words <= _TEXTUAL):
                raise NotPortable(" ".join(sorted(words)))
        return value

    def _type(self) -> set[str]:
        words = set()
        while self._kind == "word" and self._word not in _RESERVED:
            words.add(self._word)
            self.at += 1
        if not words:
            raise NotPortable(self._text)
        if self._take("("):
            while not self._take(")"):
                self._pass_number()
                self._take(",")
        self._take("[", "]")
        return words

    def _pass_number(self) -> None:
        if self._kind != "number":
            raise NotPortable(self._text)
        self.at += 1

    def _primary(self) -> Expression:
        kind, text = self._kind, self._text
        if self._take("("):
            found = self._either()
            self._need(")")
            return found
        self.at += 1
        if kind == "number":
            return sa.literal_column(text, sa.Numeric) if "e" in text.lower() else _number(text)
        if kind == "text":
            return sa.literal(_unquoted(text), sa.String)
        if kind == "quoted":
            return self._column(text[1:-1].replace(text[0] * 2, text[0]))
        if kind != "word" or text.lower() in _RESERVED:
            raise NotPortable(text)
        return self._named(text)

    def _named(self, name: str) -> Expression:
        word = name.lower()
        if self._word == "(":
            return self._call(word)
        if word in ("true", "false"):
            return sa.true() if word == "true" else sa.false()
        return sa.null() if word == "null" else self._column(name)

    def _call(self, word: str) -> Expression:
        if word not in _FUNCTIONS | _LENGTHS:
            raise NotPortable(word)
        arguments = self._list("(", ")")
        if word in _LENGTHS:
            return sa.Function(self.length, _of(sa.String, arguments[0]), type_=sa.Integer)
        return sa.Function(word, *arguments, type_=arguments[0].type)

    def _column(self, name: str) -> Expression:
        found = self.columns.get(name.casefold())
        if found is None:
            raise NotPortable(name)
        return sa.column(sa.quoted_name(found.name, quote=True), _KINDS.get(found.type.family))


def _tokens(sql: str) -> list[tuple[str, str]]:
    found, at, text = [], 0, sql.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or "\\" in match.group():  # which escapes in some databases only
            raise NotPortable(text[at : at + 1])
        found.append((match.lastgroup or "", match.group(match.lastgroup or 0)))
        at = match.end()
    return found


def _alike(value: Expression, others: list[Expression]) -> list[Expression]:
    """Return what a value is compared with, where every database compares it in the same way."""
    if isinstance(value.type, sa.Boolean):
        return [_flag(other) for other in others]
    numbers = (sa.Integer, sa.Numeric)
    counts = isinstance(value.type, numbers)
    for other in others:
        if isinstance(other.type, numbers) != counts and not _is_text(other):
            raise NotPortable(str(other))
    return others


def _is_text(value: Expression) -> bool:
    """Tell whether a value is a literal in quotes, which takes the type of its other side."""
    return isinstance(value, sa.BindParameter)


def _of(kind: type[Any], value: Expression) -> Expression:
    """Return a value of the kind that an operator means the same for everywhere."""
    kinds = (sa.Integer, sa.Numeric) if kind is sa.Numeric else (kind,)
    if not isinstance(value.type, kinds):
        raise NotPortable(str(value.type))
    return value


def _number(text: str) -> Expression:
    return sa.literal_column(text, sa.Numeric if "." in text else sa.Integer)


def _unquoted(text: str) -> str:
    return text[text.index("'") + 1 : -1].replace("''", "'")
