"""The type that a column gets in another kind of database, or that it has none there.

Imports the model; used by the draft of a new schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine, UserDefinedType

from schemasynth.create.dialects import Holds
from schemasynth.model import Column, SqlType, TypeFamily, arrow_type
from schemasynth.model.types import DECIMAL_DEFAULT_SCALE, DECIMAL_MAX_PRECISION, bounds

Make: TypeAlias = Callable[[SqlType], TypeEngine[Any]]

UUID_CHARACTERS = 36
INTERVAL_CHARACTERS = 64
"""The longest that PostgreSQL writes has 60: years, months, days and microseconds, all negative."""
LARGEST_CHAR = 255
"""Of MySQL; a longer one is no code but a text."""
_BITS = {16: sa.SmallInteger, 32: sa.Integer, 64: sa.BigInteger}
_CHAR = re.compile(r"^(n?char|character|bpchar)\b(?! varying)", re.IGNORECASE)
_TEXTS = {
    "inet": 49,
    "cidr": 49,
    "macaddr": 17,
    "macaddr8": 23,
    "inet4": 15,
    "inet6": 39,
    "time with time zone": 21,
    "timetz": 21,
    "xml": None,
}
"""Types that only one database has, whose text every one can hold: its longest."""
_OWN = frozenset(
    {
        "bigint",
        "bit",
        "bit_varying",
        "boolean",
        "box",
        "bytea",
        "char",
        "character",
        "character_varying",
        "cidr",
        "circle",
        "date",
        "daterange",
        "datemultirange",
        "double_precision",
        "inet",
        "int4range",
        "int4multirange",
        "int8range",
        "int8multirange",
        "integer",
        "interval",
        "json",
        "jsonb",
        "jsonpath",
        "line",
        "lseg",
        "macaddr",
        "macaddr8",
        "money",
        "numeric",
        "nummultirange",
        "numrange",
        "oid",
        "path",
        "pg_lsn",
        "point",
        "polygon",
        "real",
        "smallint",
        "text",
        "time",
        "time_with_time_zone",
        "time_without_time_zone",
        "timestamp",
        "timestamp_with_time_zone",
        "timestamp_without_time_zone",
        "tsmultirange",
        "tsquery",
        "tsrange",
        "tstzmultirange",
        "tstzrange",
        "tsvector",
        "txid_snapshot",
        "uuid",
        "xml",
        "name",
    }
)
"""PostgreSQL's own types, which are in each of its databases."""
_POSTGRESQL_ARGUMENTS = re.compile(r"\([^)]*\)|\[\]")


class Written(UserDefinedType[Any]):
    """A type by the words that the database itself has for it."""

    cache_ok = True

    def __init__(self, sql: str) -> None:
        """Keep the words."""
        self.sql = sql

    def get_col_spec(self, **_: Any) -> str:
        """Return them."""
        return self.sql


class WrittenNumber(sa.Integer):
    """A whole number's type by the words that the database has for it; it can count."""

    def __init__(self, sql: str) -> None:
        """Keep the words."""
        self.sql = sql


@compiles(WrittenNumber)
def _written_number(kind: WrittenNumber, *_: Any, **__: Any) -> str:
    return kind.sql


@dataclass(frozen=True, slots=True)
class Typed:
    """A column's type in the target.

    Attributes:
        type: SQLAlchemy's; None where it has no home there.
        note: what of the source's type changes; empty where nothing does.
        members: that a CHECK must keep, of an enumerated type.
    """

    type: TypeEngine[Any] | None
    note: str = ""
    members: tuple[str, ...] = ()


def _of(made: Any) -> Make:
    return lambda _: made


def _json(kind: SqlType) -> TypeEngine[Any]:
    return postgresql.JSON() if kind.sql.lower() == "json" else postgresql.JSONB()


def _octets(kind: SqlType) -> TypeEngine[Any]:
    return mysql.VARBINARY(kind.length) if kind.length else mysql.LONGBLOB()


_PLAIN: Mapping[str, Mapping[TypeFamily, Make]] = {
    "postgresql": {
        TypeFamily.FLOAT: _of(sa.Double()),
        TypeFamily.BOOLEAN: _of(sa.Boolean()),
        TypeFamily.DATE: _of(sa.Date()),
        TypeFamily.TIME: _of(sa.Time()),
        TypeFamily.DATETIME: lambda kind: sa.DateTime(timezone=kind.timezone),
        TypeFamily.INTERVAL: _of(postgresql.INTERVAL()),
        TypeFamily.BINARY: _of(postgresql.BYTEA()),
        TypeFamily.UUID: _of(postgresql.UUID()),
        TypeFamily.JSON: _json,
    },
    "mysql": {
        TypeFamily.FLOAT: _of(mysql.DOUBLE()),
        TypeFamily.BOOLEAN: _of(mysql.TINYINT(display_width=1)),
        TypeFamily.DATE: _of(sa.Date()),
        TypeFamily.TIME: _of(mysql.TIME(fsp=6)),
        TypeFamily.DATETIME: _of(mysql.DATETIME(fsp=6)),
        TypeFamily.INTERVAL: _of(sa.String(INTERVAL_CHARACTERS)),
        TypeFamily.BINARY: _octets,
        TypeFamily.UUID: _of(sa.CHAR(UUID_CHARACTERS)),
        TypeFamily.JSON: _of(sa.JSON()),
    },
    "sqlite": {
        TypeFamily.FLOAT: _of(sa.Double()),
        TypeFamily.BOOLEAN: _of(Written("BOOLEAN")),
        TypeFamily.DATE: _of(sa.Date()),
        TypeFamily.TIME: _of(sa.Time()),
        TypeFamily.DATETIME: _of(sa.DateTime()),
        TypeFamily.INTERVAL: _of(Written("INTERVAL")),
        TypeFamily.BINARY: _of(sa.LargeBinary()),
        TypeFamily.UUID: _of(Written("UUID")),
        TypeFamily.JSON: _of(sa.JSON()),
    },
    "standard": {
        TypeFamily.FLOAT: _of(sa.Double()),
        TypeFamily.BOOLEAN: _of(sa.Boolean()),
        TypeFamily.DATE: _of(sa.Date()),
        TypeFamily.TIME: _of(sa.Time()),
        TypeFamily.DATETIME: lambda kind: sa.DateTime(timezone=kind.timezone),
        TypeFamily.INTERVAL: _of(sa.String(INTERVAL_CHARACTERS)),
        TypeFamily.BINARY: _of(sa.LargeBinary()),
        TypeFamily.UUID: _of(sa.String(UUID_CHARACTERS)),
        TypeFamily.JSON: _of(sa.Text()),
    },
}
"""By kind of database: what a family that has neither digits nor a length becomes there."""
_NOTES: Mapping[tuple[str, TypeFamily], str] = {
    ("mysql", TypeFamily.INTERVAL): "is held as text: there are no intervals",
    ("sqlite", TypeFamily.INTERVAL): "is held as seconds",
    ("standard", TypeFamily.INTERVAL): "is held as text: intervals are not the same everywhere",
    ("standard", TypeFamily.JSON): "is held as text",
}


def held(kind: SqlType, source: str, holds: Holds, enum: str) -> Typed:
    """Return what a type becomes.

    Args:
        kind: of the source's column, or of what its values are.
        source: the kind of database that it comes from.
        holds: where it goes.
        enum: names an enumerated type, where types have names.
    """
    if source == holds.kind and _is_own(kind, source):
        made = WrittenNumber if kind.family is TypeFamily.INTEGER else Written
        return Typed(made(kind.sql))
    found = _carried(kind, source, holds, enum)
    if source == holds.kind and kind.sql and not kind.values and not found.note:
        return replace(found, note="is a type of that database alone; the one below it is taken")
    return found


def _carried(kind: SqlType, source: str, holds: Holds, enum: str) -> Typed:
    match kind.family:
        case TypeFamily.INTEGER:
            return _integer(kind, source, holds)
        case TypeFamily.DECIMAL:
            return _decimal(kind, holds)
        case TypeFamily.TEXT:
            return _text(kind, source, holds, enum)
        case TypeFamily.OTHER:
            return _other(kind, holds)
    common_to = holds.kind if holds.kind in _PLAIN else "standard"
    note = _NOTES.get((common_to, kind.family), "")
    if kind.timezone and holds.kind in ("mysql", "sqlite"):
        note = "holds its times in UTC, without a zone"
    return Typed(_PLAIN[common_to][kind.family](kind), note)


def _is_own(kind: SqlType, source: str) -> bool:
    """Tell whether each database of a kind has the type: no enumeration, no domain of its own."""
    if not kind.sql:
        return False
    if source != "postgresql":
        return True
    plain = _POSTGRESQL_ARGUMENTS.sub("", kind.sql).strip().replace(" ", "_")
    return re.sub("_+", "_", plain) in _OWN


def _integer(kind: SqlType, source: str, holds: Holds) -> Typed:
    ends = bounds(kind) if source != "sqlite" else None  # whose types bind no value
    if ends is not None:
        for bits, made in _BITS.items():
            if -(2 ** (bits - 1)) <= ends[0] and ends[1] < 2 ** (bits - 1):
                return Typed(made())
        return Typed(sa.Numeric(len(str(ends[1])), 0), "is wider than a whole number there")
    return Typed(sa.BigInteger())


def _decimal(kind: SqlType, holds: Holds) -> Typed:
    if kind.precision is None:
        if holds.any_decimal:
            return Typed(sa.Numeric())
        before = DECIMAL_MAX_PRECISION - DECIMAL_DEFAULT_SCALE
        note = f"holds {before} digits before the point and {DECIMAL_DEFAULT_SCALE} behind it"
        return Typed(sa.Numeric(DECIMAL_MAX_PRECISION, DECIMAL_DEFAULT_SCALE), note)
    scale = max(kind.scale or 0, 0)
    precision = max(kind.precision - min(kind.scale or 0, 0), scale)
    if holds.precision is not None and (precision > holds.precision or scale > holds.scale):
        return Typed(None)
    return Typed(sa.Numeric(precision, scale))


def _text(kind: SqlType, source: str, holds: Holds, enum: str) -> Typed:
    if kind.values:
        return _enumeration(kind, holds, enum)
    if not kind.length or (holds.varchar is not None and kind.length > holds.varchar):
        note = f"of {kind.length:,} characters has no limit there" if kind.length else ""
        return Typed(mysql.LONGTEXT() if holds.kind == "mysql" else sa.Text(), note)
    padded = source != "sqlite" and _CHAR.match(kind.sql) and kind.length <= LARGEST_CHAR
    return Typed(sa.CHAR(kind.length) if padded else sa.String(kind.length))


def _enumeration(kind: SqlType, holds: Holds, enum: str) -> Typed:
    if holds.enums == "type":
        return Typed(postgresql.ENUM(*kind.values, name=enum, create_type=False))
    if holds.enums == "column":
        return Typed(mysql.ENUM(*kind.values))
    longest = max(map(len, kind.values))
    note = "is held as text with a CHECK: there are no enumerated types"
    return Typed(sa.String(max(longest, 1)), note, kind.values)


def _other(kind: SqlType, holds: Holds) -> Typed:
    name = re.sub(r"\(\d+\)", "", kind.sql.lower()).strip()
    if name not in _TEXTS:
        return Typed(None)
    length = _TEXTS[name]
    unbounded = mysql.LONGTEXT() if holds.kind == "mysql" else sa.Text()
    return Typed(sa.String(length) if length else unbounded, f"is held as text: {name}")


_ARRIVING: tuple[tuple[Callable[[Any], bool], TypeFamily], ...] = (
    (pa.types.is_integer, TypeFamily.INTEGER),
    (pa.types.is_floating, TypeFamily.FLOAT),
    (pa.types.is_date, TypeFamily.DATE),
    (pa.types.is_timestamp, TypeFamily.DATETIME),
    (pa.types.is_binary, TypeFamily.BINARY),
)


def arriving(column: Column, kind: pa.DataType | None, longest: int | None) -> SqlType:
    """Return the type that a column's values are of, where it is not the declared one.

    Args:
        column: of the source.
        kind: the Arrow type in which its values come; None where that is not known.
        longest: characters of its longest text, where its declared length binds nobody.
    """
    declared = column.type
    if kind is not None and kind != arrow_type(declared):
        family = next((f for test, f in _ARRIVING if test(kind)), TypeFamily.TEXT)
        return SqlType("", family, timezone=declared.timezone)
    if longest is not None and declared.length is not None and longest > declared.length:
        return replace(declared, sql="", length=None)
    return declared


_NUMBERS = frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT})


def common(kinds: Iterable[SqlType]) -> SqlType:
    """Return a type for columns that refer to each other: the widest, text where they differ."""
    found = list(dict.fromkeys(kinds))
    if len(found) == 1:
        return found[0]
    families = {kind.family for kind in found}
    if len(families) == 1:
        return _widest(found)
    if not families <= _NUMBERS:
        return SqlType("", TypeFamily.TEXT)
    if TypeFamily.FLOAT in families:
        return SqlType("", TypeFamily.FLOAT)
    decimals = [kind for kind in found if kind.family is TypeFamily.DECIMAL]
    if any(kind.precision is None for kind in decimals):
        return SqlType("", TypeFamily.DECIMAL)
    scale = max(kind.scale or 0 for kind in decimals)
    whole = max(len(str(2**63)), *((kind.precision or 0) - (kind.scale or 0) for kind in decimals))
    return SqlType("", TypeFamily.DECIMAL, precision=whole + scale, scale=scale)


def _widest(kinds: list[SqlType]) -> SqlType:
    family = kinds[0].family
    if family is TypeFamily.INTEGER:
        return max(kinds, key=lambda kind: (bounds(kind) or (0, 2**63))[1])
    if family is TypeFamily.DECIMAL and all(kind.precision for kind in kinds):
        scale = max(kind.scale or 0 for kind in kinds)
        whole = max((kind.precision or 0) - (kind.scale or 0) for kind in kinds)
        return SqlType("", family, precision=whole + scale, scale=scale)
    lengths = [kind.length for kind in kinds]
    longest = None if None in lengths else max(length or 0 for length in lengths)
    zoned = any(kind.timezone for kind in kinds)
    return SqlType("", family, length=longest, timezone=zoned)
