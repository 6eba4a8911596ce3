"""Values between Oracle and Arrow, both ways.

Imported by the Oracle adapter only. Both ways they are Python's own, numbers decimal and so exact;
into it go bound arrays, typed by the target's columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.model import Column, SqlType, TypeFamily, arrow_type

from .._sql.wire import ColumnMisfit, without_padding
from .types import fraction_digits, is_blank_padded, kind_of, may_exceed_int64

if TYPE_CHECKING:
    from types import ModuleType

_LARGEST = 2**63 - 1
_MICROSECONDS = 6
"""Digits of a second that Arrow's moments have here."""
_NUMBERS = frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT})
_READ_AS_TEXT = {
    "INTERVAL YEAR TO MONTH": "TO_CHAR",
    "ROWID": "ROWIDTOCHAR",
    "UROWID": "ROWIDTOCHAR",
}
"""Functions that write values of types without an Arrow peer."""
_DOCUMENTS = frozenset({"XMLTYPE", "SYS.XMLTYPE", "PUBLIC.XMLTYPE"})
_EXACT = "DB_TYPE_NUMBER"
_LARGE = {"CLOB": "DB_TYPE_CLOB", "NCLOB": "DB_TYPE_NCLOB", "BLOB": "DB_TYPE_BLOB"}
_BOUND = {
    "BINARY_DOUBLE": "DB_TYPE_BINARY_DOUBLE",
    "BINARY_FLOAT": "DB_TYPE_BINARY_DOUBLE",
    "BOOLEAN": "DB_TYPE_BOOLEAN",
    "CHAR": "DB_TYPE_VARCHAR",
    "DATE": "DB_TYPE_DATE",
    "INTERVAL DAY TO SECOND": "DB_TYPE_INTERVAL_DS",
    "INTERVAL YEAR TO MONTH": "DB_TYPE_VARCHAR",
    "JSON": "DB_TYPE_CLOB",
    "NCHAR": "DB_TYPE_NVARCHAR",
    "NUMBER": _EXACT,
    "FLOAT": _EXACT,
    "NVARCHAR2": "DB_TYPE_NVARCHAR",
    "RAW": "DB_TYPE_RAW",
    "TIMESTAMP": "DB_TYPE_TIMESTAMP",
    "TIMESTAMP WITH LOCAL TIME ZONE": "DB_TYPE_TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE": "DB_TYPE_TIMESTAMP",
    "VARCHAR2": "DB_TYPE_VARCHAR",
    **_LARGE,
}
"""How the driver binds values, by type without digits; what is not here cannot be loaded."""
_ZONED = "FROM_TZ({}, 'UTC')"
_CONVERSIONS = {
    "INTERVAL YEAR TO MONTH": "TO_YMINTERVAL({})",
    "JSON": "JSON({})",
    "TIMESTAMP WITH LOCAL TIME ZONE": _ZONED,
    "TIMESTAMP WITH TIME ZONE": _ZONED,
}
BLANK = " "
"""What an empty text becomes in a padded column, where the server would take it for NULL."""


class Misread(ValueError):
    """A value that is not of the type its column has."""


def is_readable(column: Column) -> bool:
    """Tell whether values of a column can be read: not objects, files, vectors."""
    known = column.type.family is not TypeFamily.OTHER
    return known or kind_of(column.type) in _READ_AS_TEXT or kind_of(column.type) in _DOCUMENTS


def is_loadable(column: Column) -> bool:
    """Tell whether values of a column can be written."""
    return kind_of(column.type) in _BOUND


def fitting(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any] | None:
    """Return the condition, 0 or 1, under which a value fits its column's declared Arrow type.

    Args:
        column: of the model.
        value: the column in a statement.

    Returns:
        None where every value fits. The condition is false for whole numbers beyond 64 bits, for
        numbers without a declared scale that need more places or digits, for days before the year
        1, and for moments finer than a microsecond.
    """
    condition = _fits(column, value)
    if condition is None:
        return None
    return sa.case((value.is_(None), _sql("NULL")), (condition, _sql("1")), else_=_sql("0"))


def _sql(text: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(text)


def _fits(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool] | None:
    kind = arrow_type(column.type)
    match column.type.family:
        case TypeFamily.INTEGER if may_exceed_int64(column.type):
            return sa.func.abs(value) <= _sql(str(_LARGEST))
        case TypeFamily.DECIMAL if column.type.precision is None and pa.types.is_decimal(kind):
            most = _sql(f"1e{kind.precision - kind.scale}")
            exact = sa.func.trunc(value, _sql(str(kind.scale))) == value
            return sa.and_(sa.func.abs(value) < most, exact)
        case TypeFamily.DATETIME:
            began = value >= _sql("DATE '0001-01-01'")
            if fraction_digits(column.type) <= _MICROSECONDS:
                return began
            return sa.and_(began, sa.cast(value, sa.TIMESTAMP) == value)
        case _:
            return None


def exported(
    column: Column, kind: pa.DataType, value: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return the expression whose value `parsed` understands.

    Args:
        column: of the model.
        kind: the Arrow type wanted; text where values do not fit the declared one.
        value: the column in a statement.
    """
    name, family = kind_of(column.type), column.type.family
    if family is TypeFamily.DATETIME:
        moment = sa.func.sys_extract_utc(value) if column.type.timezone else value
        if not pa.types.is_string(kind):
            return moment
        digits = f".FF{fraction_digits(column.type)}" if fraction_digits(column.type) else ""
        return sa.func.to_char(moment, _sql(f"'SYYYY-MM-DD HH24:MI:SS{digits}'"))
    clob = _sql("CLOB")
    if family is TypeFamily.JSON:
        return sa.func.json_serialize(value.op("RETURNING")(clob))
    if name in _DOCUMENTS:
        content = _sql("CONTENT").op("", precedence=20)(value)
        return sa.func.xmlserialize(content.op("AS", precedence=10)(clob))
    if name in _READ_AS_TEXT:
        return getattr(sa.func, _READ_AS_TEXT[name].lower())(value)  # type: ignore[no-any-return]
    return value


def parsed(values: Sequence[Any], kind: pa.DataType, *, padded: bool) -> Any:
    """Return the values of a column in a batch.

    Args:
        values: as the driver gives them.
        kind: the Arrow type wanted.
        padded: whether the server has filled texts up with blanks.

    Raises:
        Misread: a value is of another kind.
        pa.ArrowException: a value does not fit; the message may hold it.
    """
    if padded:
        # A text of blanks is not NULL: it becomes an empty one, which is written as a blank again.
        values = [None if value is None else value.rstrip(BLANK) for value in values]
    if any(isinstance(value, Decimal) for value in values):
        values = _numbers(values, kind)
    try:
        if pa.types.is_timestamp(kind):
            return pa.array(values, pa.timestamp("us")).cast(kind)
        return pa.array(values, kind)
    except (TypeError, UnicodeDecodeError, OverflowError) as error:
        raise Misread(type(error).__name__) from None


def _numbers(values: Sequence[Any], kind: pa.DataType) -> Sequence[Any]:
    convert: Any = Decimal
    if pa.types.is_integer(kind):
        convert = int
    elif pa.types.is_floating(kind):
        convert = float
    elif pa.types.is_string(kind):
        convert = "{:f}".format
    return [None if value is None else convert(value) for value in values]


def conversion(column: Column) -> str:
    """Return the expression that makes a column's value of a bound one, ``{}``."""
    return _CONVERSIONS.get(kind_of(column.type), "{}")


def bound_type(column: Column, driver: ModuleType) -> Any:
    """Return how the driver binds values of a column; all NULL, they would be texts otherwise."""
    name = _BOUND[kind_of(column.type)]
    # As NUMBER alone they would go through floats in thick mode.
    return Decimal if name == _EXACT else getattr(driver, name)


def bound(values: Any, column: Column) -> list[Any]:
    """Return values as the driver binds them.

    Args:
        values: an Arrow array.
        column: the target's.

    Raises:
        ColumnMisfit: values cannot be cast to the column's type, or one is missing.
    """
    try:
        found = _bound(values, column)
    except (pa.ArrowException, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise ColumnMisfit(column.name, type(error).__name__) from None
    if not column.nullable and column.identity is None and any(v in (None, "", b"") for v in found):
        raise ColumnMisfit(column.name, "a NULL or an empty text in a column that is NOT NULL")
    return found


def _bound(values: Any, column: Column) -> list[Any]:
    if isinstance(values.type, pa.DictionaryType):
        values = values.dictionary_decode()
    kind, family = values.type, column.type.family
    if pa.types.is_null(kind):
        return [None] * len(values)
    if family in _NUMBERS:
        return _bound_numbers(values, column.type)
    if family is TypeFamily.BOOLEAN:
        return values.cast(pa.bool_()).to_pylist()  # type: ignore[no-any-return]
    if family is TypeFamily.DATETIME:
        # In UTC, and without a zone, as the driver takes it.
        if pa.types.is_timestamp(kind) and kind.tz:
            values = values.cast(pa.timestamp("us", tz="UTC"))
        return values.cast(pa.timestamp("us")).to_pylist()  # type: ignore[no-any-return]
    if family is TypeFamily.INTERVAL:
        return values.cast(pa.duration("us")).to_pylist()  # type: ignore[no-any-return]
    if family is TypeFamily.BINARY:
        return values.cast(pa.binary()).to_pylist()  # type: ignore[no-any-return]
    texts: list[Any] = _texts(values).to_pylist()
    if is_blank_padded(column.type):
        return [text if text is None or text else BLANK for text in texts]
    return texts


def _texts(values: Any) -> Any:
    kind = values.type
    if pa.types.is_nested(kind):
        return pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())
    if pa.types.is_decimal(kind):
        return without_padding(values.cast(pa.string()))
    return values.cast(pa.string())


def _bound_numbers(values: Any, sql: SqlType) -> list[Any]:
    kind = values.type
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int8())
    elif sql.family is TypeFamily.INTEGER and not pa.types.is_string(kind):
        values = values.cast(pa.int64())
    elif sql.family is TypeFamily.FLOAT:
        values = values.cast(pa.float64())
    elif pa.types.is_string(kind):
        try:
            return [None if text is None else Decimal(text) for text in values.to_pylist()]
        except InvalidOperation as error:
            raise ValueError(type(error).__name__) from None
    found: list[Any] = values.to_pylist()
    return found
