"""Values between MySQL and Arrow, both ways.

Imported by the MySQL adapter only. Out of the server come texts, which Arrow parses in bulk; into
it go quoted texts, which the server casts to any of its types and refuses where they do not fit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from schemasynth.model import Column, TypeFamily, arrow_type

from .._sql.wire import ColumnMisfit, clock, without_padding
from .types import kind_of

_LARGEST = 2**63 - 1
_FIRST_DAY = "0001-01-01"
_EPOCH_DAY = "1970-01-01 "
_ENCODED = frozenset({TypeFamily.BINARY, TypeFamily.OTHER})
_TEXTUAL = frozenset({"inet4", "inet6", "uuid"})
"""Types without an Arrow peer whose text is read and written by the server itself."""


class Misread(ValueError):
    """A value that is not of the type its column has."""


def fitting(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any] | None:
    """Return the condition, 0 or 1, under which a value fits its column's declared Arrow type.

    Args:
        column: of the model.
        value: the column in a statement.

    Returns:
        None where every value fits. The condition is false for dates with a zero in them and for
        days that no month has, for times below zero or beyond a day, for flags other than 0 and 1,
        and for unsigned numbers beyond 63 bits.
    """
    raw: sa.ColumnElement[Any] = sa.type_coerce(value, sa.String)
    match column.type.family:
        case TypeFamily.BOOLEAN if kind_of(column.type) != "bit":
            return sa.type_coerce(value, sa.Integer).in_(_numbers(0, 1))
        case TypeFamily.INTEGER if column.type.sql.endswith("unsigned") or _is_bits(column):
            return sa.type_coerce(value, sa.Integer) <= sa.literal_column(str(_LARGEST))
        case TypeFamily.DATE | TypeFamily.DATETIME:
            day, last = sa.func.dayofmonth(raw), sa.func.dayofmonth(sa.func.last_day(raw))
            within = sa.and_(
                raw >= _text(_FIRST_DAY), last.is_not(None), day <= sa.func.coalesce(last, 0)
            )
            return sa.case((raw.is_(None), None), else_=within)
        case TypeFamily.TIME:
            return sa.and_(raw >= _text("00:00:00"), raw < _text("24:00:00"))
        case _:
            return None


def _numbers(*numbers: int) -> list[sa.ColumnElement[Any]]:
    return [sa.literal_column(str(number)) for number in numbers]


def _text(text: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"'{text}'")


def _is_bits(column: Column) -> bool:
    return kind_of(column.type) == "bit"


def is_encoded(column: Column) -> bool:
    """Tell whether a column's values travel as hexadecimal digits: bytes and geometries."""
    return column.type.family in _ENCODED and kind_of(column.type) not in _TEXTUAL


def exported(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the expression whose value `parsed` understands.

    Args:
        column: of the model.
        value: the column in a statement.
    """
    raw: sa.ColumnElement[Any] = sa.type_coerce(value, sa.String)
    match column.type.family:
        case TypeFamily.TEXT | TypeFamily.BINARY | TypeFamily.JSON:
            return raw  # functions give NULL where a value exceeds the largest packet
        case TypeFamily.FLOAT:
            # A FLOAT alone is written with six digits; as a DOUBLE with all it has.
            return sa.cast(raw.op("+")(sa.literal_column("0e0")), sa.CHAR)
        case TypeFamily.INTEGER | TypeFamily.BOOLEAN if _is_bits(column):
            return sa.cast(raw.op("+")(sa.literal_column("0")), sa.CHAR)
        case TypeFamily.OTHER if is_encoded(column):
            return sa.func.hex(raw)
        case _:
            return sa.cast(raw, sa.CHAR)


def parsed(values: Sequence[Any], kind: pa.DataType) -> Any:
    """Return the values of a column in a batch.

    Args:
        values: texts, or bytes of a binary column.
        kind: the Arrow type wanted.

    Raises:
        Misread: a value is of another kind.
        pa.ArrowException: a value does not fit; the message may hold it.
    """
    if pa.types.is_binary(kind):
        return pa.array(values, kind)
    try:
        texts = pa.array(values, pa.string())
    except (pa.ArrowTypeError, UnicodeDecodeError) as error:
        raise Misread(type(error).__name__) from None
    if pa.types.is_time(kind):
        moments = pc.binary_join_element_wise(_EPOCH_DAY, texts, "")
        return moments.cast(pa.timestamp("us")).cast(kind)
    if pa.types.is_timestamp(kind):
        return texts.cast(pa.timestamp("us")).cast(kind)
    return texts.cast(kind)


def conversion(column: Column) -> str | None:
    """Return the expression that makes a column's value of a text, ``{}``; None where none must.

    Args:
        column: the target's.
    """
    if is_encoded(column):
        return "UNHEX({})"
    if kind_of(column.type) in ("bit", "year"):
        return "CAST({} AS UNSIGNED)"  # as texts, '1' is a character's bits and '0' the year 2000
    return None


def wire(values: Any, column: Column) -> Any:
    """Return values as texts that the server casts to the column's type.

    Args:
        values: an Arrow array.
        column: the target's.

    Raises:
        ColumnMisfit: values cannot be cast to the column's type.
    """
    try:
        texts = _texts(values, column)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise ColumnMisfit(column.name, type(error).__name__) from None
    if texts.null_count and not column.nullable and column.identity is None:
        raise ColumnMisfit(column.name, "a NULL in a column that is NOT NULL")
    return texts


def _texts(values: Any, column: Column) -> Any:
    if isinstance(values.type, pa.DictionaryType):
        values = values.dictionary_decode()
    kind, family = values.type, column.type.family
    if pa.types.is_string(kind) or pa.types.is_null(kind):
        return (
            _hexadecimal_text(values) if family is TypeFamily.BINARY else values.cast(pa.string())
        )
    if family is TypeFamily.BINARY:
        return _hexadecimal(values.cast(pa.binary()))
    if pa.types.is_duration(kind):
        return clock(values.cast(pa.duration("us")).cast(pa.int64()))
    if pa.types.is_timestamp(kind):
        return values.cast(pa.timestamp("us")).cast(pa.string())
    if pa.types.is_boolean(kind):
        return values.cast(pa.int8()).cast(pa.string())
    if family is TypeFamily.INTEGER and _is_fraction(kind):
        return values.cast(arrow_type(column.type)).cast(pa.string())
    if pa.types.is_decimal(kind) and column.type.precision is None:
        return without_padding(values.cast(pa.string()))
    if pa.types.is_nested(kind):
        return pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())
    return values.cast(pa.string())


def _is_fraction(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _hexadecimal(octets: Any) -> Any:
    return pa.array([None if v is None else v.hex() for v in octets.to_pylist()], pa.string())


def _hexadecimal_text(values: Any) -> Any:
    return _hexadecimal(values.cast(pa.string()).cast(pa.binary()))


def enclosed(texts: Any, quote: str) -> Any:
    """Return texts in quotes, in which a quote stands twice; NULL stands without."""
    doubled = pc.replace_substring(texts, quote, quote * 2)
    return pc.coalesce(pc.binary_join_element_wise(quote, doubled, quote, ""), pa.scalar("NULL"))


def joined(fields: Sequence[Any], begin: str, end: str) -> bytes:
    """Return rows: of each its fields with commas between, enclosed by `begin` and `end`."""
    first = pc.binary_join_element_wise(begin, fields[0], "")
    rows = pc.binary_join_element_wise(first, *fields[1:], ",")
    return _contents(pc.binary_join_element_wise(rows, end, ""))


def _contents(texts: Any) -> bytes:
    """Return all texts of an array, one behind the other."""
    joined = pc.binary_join(pa.LargeListArray.from_arrays([0, len(texts)], texts), "")
    contents: bytes = joined[0].as_buffer().to_pybytes()
    return contents
