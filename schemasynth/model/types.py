"""SQL types reduced to what inference, rewriting and loading must know about them.

Belongs to the relational model: imports nothing of the package, may be imported by all of it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


class TypeFamily(enum.StrEnum):
    """What a column's values are, whatever the database calls the type."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    TIME = "time"
    DATETIME = "datetime"
    INTERVAL = "interval"
    BINARY = "binary"
    UUID = "uuid"
    JSON = "json"
    OTHER = "other"


DECIMAL_MAX_PRECISION = 38
"""Digits of Arrow's decimal128 and of Oracle's NUMBER; wider ones travel as text."""

DECIMAL_DEFAULT_SCALE = 10
"""Scale for a decimal declared without one: keeps ten places, leaves 28 integer digits."""

_BITS = {
    "tinyint": 8,
    "smallint": 16,
    "int2": 16,
    "smallserial": 16,
    "mediumint": 24,
    "int": 32,
    "integer": 32,
    "int4": 32,
    "serial": 32,
    "bigint": 64,
    "int8": 64,
    "bigserial": 64,
}
"""Of whole numbers, by the type's name in PostgreSQL, MySQL and the standard."""
_WORD = re.compile(r"[a-z]+\d?")


@dataclass(frozen=True, slots=True)
class SqlType:
    """A column's type.

    Attributes:
        sql: the type as the database writes it, for example ``NUMERIC(10, 2)``.
        family: what the values are.
        length: maximum characters (text) or bytes (binary), if limited.
        precision: total digits of a decimal, or of an integer that is declared by digits.
        scale: digits after the point of a decimal.
        timezone: whether times carry a time zone.
        values: the members of an enumerated type, in order.
    """

    sql: str
    family: TypeFamily
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    timezone: bool = False
    values: tuple[str, ...] = ()


def arrow_type(sql_type: SqlType) -> pa.DataType:
    """Return the one Arrow type in which a column's values travel through the library.

    Args:
        sql_type: the column's type.

    Returns:
        A lossless Arrow type. UUID, JSON and other types without an Arrow peer travel as text,
        intervals as ``duration('us')``, zoned datetimes in UTC.
    """
    import pyarrow as pa

    match sql_type.family:
        case TypeFamily.INTEGER:
            return pa.int64()
        case TypeFamily.DECIMAL:
            return _decimal(sql_type)
        case TypeFamily.FLOAT:
            return pa.float64()
        case TypeFamily.BOOLEAN:
            return pa.bool_()
        case TypeFamily.DATE:
            return pa.date32()
        case TypeFamily.TIME:
            return pa.time64("us")
        case TypeFamily.DATETIME:
            return pa.timestamp("us", tz="UTC" if sql_type.timezone else None)
        case TypeFamily.INTERVAL:
            return pa.duration("us")
        case TypeFamily.BINARY:
            return pa.binary()
        case _:
            return pa.string()


def _decimal(sql_type: SqlType) -> pa.DataType:
    import pyarrow as pa

    precision = sql_type.precision or DECIMAL_MAX_PRECISION
    default_scale = 0 if sql_type.precision else DECIMAL_DEFAULT_SCALE
    scale = sql_type.scale if sql_type.scale is not None else default_scale
    if precision > DECIMAL_MAX_PRECISION or not 0 <= scale <= precision:
        return pa.string()
    return pa.decimal128(precision, scale)


def bounds(kind: SqlType) -> tuple[int, int] | None:
    """Return the whole numbers next to the ends of a type's range; None where it has none."""
    exact = kind.family in (TypeFamily.DECIMAL, TypeFamily.INTEGER)
    if exact and kind.precision is not None:
        end: int = 10 ** (kind.precision - (kind.scale or 0))
        return 1 - end, end - 1
    word = _WORD.match(kind.sql.lower())
    bits = _BITS.get(word.group() if word else "")
    if kind.family is not TypeFamily.INTEGER or bits is None:
        return None
    if "unsigned" in kind.sql.lower():
        return 0, 2**bits - 1
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
