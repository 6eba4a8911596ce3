"""Between SQLite's storage classes and Arrow: which type a column's values fit, both ways.

Imported by the SQLite connections only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from schemasynth.model import Column, SqlType, Table, TypeFamily, arrow_type
from schemasynth.model.types import DECIMAL_MAX_PRECISION

COLUMNS_A_SCAN = 150
"""Columns examined by one statement: ten aggregates each stay below SQLite's 2000 columns."""
EXACT_INTEGER = 2**53
"""Largest integer below which a double holds every one."""
EXACT_DIGITS = 15
"""Decimal digits a double holds exactly (IEEE 754); SQLite's NUMERIC affinity stores doubles, so
decimals declared without a precision were doubles before."""
_DATE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_NORMALISED = "+0 days"
"""Makes SQLite count: without it 30 February stays as written."""
_MINUTES = "[0-2][0-9]:[0-5][0-9]"
_SECONDS = _MINUTES + ":[0-5][0-9]"
_FRACTION_DIGITS = 6
"""Of a second: what Arrow's microseconds hold; longer ones travel as text."""
_CLASSES = ("integer", "real", "text", "blob")
_DIALECT = sqlite.dialect()
_PREPARER = _DIALECT.identifier_preparer
_COLUMN = "\x00"
"""Stands for the name of a column, which cannot hold it."""
TYPES_KEPT = 1000
"""Declared types whose aggregates are kept as SQL: writing them anew takes longer than running."""


@dataclass(frozen=True, slots=True)
class Contents:
    """How many values of a column are of which storage class and form."""

    integer: int
    real: int
    text: int
    blob: int
    dates: int
    datetimes: int
    times: int
    flags: int
    decimals: int
    wide: int

    @property
    def values(self) -> int:
        """Values that are not NULL."""
        return self.integer + self.real + self.text + self.blob


def contents_statements(table: Table, relation: sa.TableClause) -> list[sa.Select[Any]]:
    """Return the aggregate scans that tell the contents of every column.

    Args:
        table: the table.
        relation: where its rows are.
    """
    statements: list[sa.Select[Any]] = []
    for start in range(0, len(table.columns), COLUMNS_A_SCAN):
        part = table.columns[start : start + COLUMNS_A_SCAN]
        figures: list[sa.ColumnElement[Any]] = [
            sa.literal_column(figure.replace(_COLUMN, _PREPARER.quote_identifier(column.name)))
            for column in part
            for figure in _written(column.type)
        ]
        statements.append(sa.select(*figures).select_from(relation))
    return statements


@lru_cache(maxsize=TYPES_KEPT)
def _written(declared: SqlType) -> tuple[str, ...]:
    """Return the SQL of the aggregates over a column of a type, written once for all of them."""
    column: sa.ColumnElement[Any] = sa.literal_column(_COLUMN)
    options = {"literal_binds": True}
    return tuple(
        str(figure.compile(dialect=_DIALECT, compile_kwargs=options))
        for figure in _figures(column, declared)
    )


def _figures(column: sa.ColumnElement[Any], declared: SqlType) -> list[sa.ColumnElement[int]]:
    """Return one aggregate for each field of `Contents`; 0 for forms that are not declared."""
    kind = sa.func.typeof(column)
    forms = _forms(column, declared)
    wide = sa.and_(kind == "integer", sa.not_(column.between(-EXACT_INTEGER, EXACT_INTEGER)))
    return [
        *(_rows_where(kind == name) for name in _CLASSES),
        *(
            _rows_where(forms[form]) if form in forms else sa.literal_column("0", sa.Integer)
            for form in ("dates", "datetimes", "times", "flags", "decimals")
        ),
        _rows_where(wide),
    ]


def _rows_where(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    return sa.func.coalesce(sa.func.sum(condition, type_=sa.Integer), 0)


def _forms(
    column: sa.ColumnElement[Any], declared: SqlType
) -> Mapping[str, sa.ColumnElement[bool]]:
    """Return the conditions that values have the forms of the declared family."""
    kind = sa.func.typeof(column)
    match declared.family:
        case TypeFamily.DATE | TypeFamily.DATETIME:
            day = sa.func.substr(column, 1, 10)
            dated = sa.and_(
                kind == "text",
                sa.func.glob(_DATE + "*", column),
                sa.func.date(day, _NORMALISED) == day,
                day >= dt.date.min.isoformat(),
            )
            parted = sa.func.substr(column, 11, 1).in_((" ", "T"))
            clock = _is_clock(sa.func.substr(column, 12), _MINUTES)
            return {
                "dates": sa.and_(dated, sa.func.length(column) == len("YYYY-MM-DD")),
                "datetimes": sa.and_(dated, parted, clock),
            }
        case TypeFamily.TIME:
            return {"times": sa.and_(kind == "text", _is_clock(column, _SECONDS))}
        case TypeFamily.BOOLEAN:
            return {"flags": sa.and_(kind == "integer", column.in_((0, 1)))}
        case TypeFamily.DECIMAL if pa.types.is_decimal(arrow_type(declared)):
            return {"decimals": _is_decimal(column, arrow_type(declared))}
        case _:
            return {}


def _is_clock(text: sa.ColumnElement[Any], shortest: str) -> sa.ColumnElement[bool]:
    """Return the condition that a text is a time of day, at least as long as `shortest`."""
    whole = len("HH:MM:SS")
    fraction = sa.and_(
        sa.func.glob(_SECONDS + ".[0-9]*", text),
        sa.not_(sa.func.glob("*[^0-9]*", sa.func.substr(text, whole + 2))),
        sa.func.length(text) <= whole + 1 + _FRACTION_DIGITS,
    )
    return sa.and_(
        sa.func.substr(text, 1, 2) <= "23",
        sa.or_(sa.func.glob(shortest, text), sa.func.glob(_SECONDS, text), fraction),
    )


def _is_decimal(column: sa.ColumnElement[Any], kind: pa.DataType) -> sa.ColumnElement[bool]:
    """Return the condition that a number is one of the precision and scale of `kind`.

    Equal to `EXACT_DIGITS` digits is equal: a sum of decimals stored as a double is a decimal.
    """
    rounded = sa.func.round(column, kind.scale)
    return sa.and_(
        sa.func.typeof(column).in_(("integer", "real")),
        sa.func.abs(rounded) < 10.0 ** (kind.precision - kind.scale),
        sa.func.abs(column - rounded) <= sa.func.abs(column) * 10.0**-EXACT_DIGITS,
    )


def read_contents(rows: Sequence[tuple[Any, ...]]) -> list[Contents]:
    """Read what `contents_statements` returned, in the table's order of columns."""
    figures = [int(figure) for row in rows for figure in row]
    width = len(Contents.__slots__)
    return [Contents(*figures[i : i + width]) for i in range(0, len(figures), width)]


def fitting_type(column: Column, found: Contents) -> pa.DataType:
    """Return the Arrow type of a column whose values must all fit it.

    Args:
        column: as declared.
        found: what its values are.

    Returns:
        The declared type's Arrow type where the values fit, else the narrowest of integer,
        float, text and binary in which all of them fit.
    """
    if _fits(column.type, found):
        return _temporal(column.type.family, found) or arrow_type(column.type)
    if found.integer == found.values:
        return pa.int64()
    if found.integer + found.real == found.values and not found.wide:
        return pa.float64()
    return pa.binary() if found.blob else pa.string()


def _temporal(family: TypeFamily, found: Contents) -> pa.DataType | None:
    """Return date or datetime by what the values are, whichever of the two was declared."""
    if family not in (TypeFamily.DATE, TypeFamily.DATETIME) or not found.values:
        return None
    return pa.timestamp("us") if found.datetimes else pa.date32()


def _fits(declared: SqlType, found: Contents) -> bool:
    values = found.values
    if values == 0:
        return True
    match declared.family:
        case TypeFamily.INTEGER:
            return found.integer == values
        case TypeFamily.BOOLEAN:
            return found.flags == values
        case TypeFamily.DECIMAL if pa.types.is_decimal(arrow_type(declared)):
            return found.decimals == values and not (found.wide and found.real)
        case TypeFamily.FLOAT:
            return found.integer + found.real == values and not found.wide
        case TypeFamily.DATE | TypeFamily.DATETIME:
            return found.dates + found.datetimes == values
        case TypeFamily.TIME:
            return found.times == values
        case TypeFamily.TEXT | TypeFamily.UUID | TypeFamily.JSON:
            return found.text == values
        case TypeFamily.BINARY:
            return found.blob == values
        case _:
            return False


def to_arrow(values: Sequence[Any], kind: pa.DataType) -> pa.Array[Any]:
    """Return SQLite's values as an Arrow array.

    Args:
        values: of one column.
        kind: of `fitting_type`.
    """
    if pa.types.is_string(kind):
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    if pa.types.is_binary(kind):
        return pa.array([_bytes(v) for v in values], pa.binary())
    if pa.types.is_decimal(kind):
        return _decimals(values, kind)
    if pa.types.is_boolean(kind):
        return pa.array([None if v is None else bool(v) for v in values], pa.bool_())
    if pa.types.is_time(kind):
        return pa.array([None if v is None else dt.time.fromisoformat(v) for v in values], kind)
    if pa.types.is_temporal(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


def _bytes(value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    return str(value).encode()


def _decimals(values: Sequence[Any], kind: pa.DataType) -> pa.Array[Any]:
    if any(isinstance(value, float) for value in values):
        return pc.round(pa.array(values, pa.float64()), kind.scale).cast(kind)
    return pa.array([None if v is None else Decimal(v) for v in values], kind)


def from_arrow(values: pa.Array[Any]) -> list[Any]:
    """Return an Arrow array as the values SQLite stores: ISO times, numbers, text, bytes."""
    if pa.types.is_time(values.type):
        return [None if v is None else v.isoformat() for v in values.to_pylist()]
    if pa.types.is_duration(values.type):
        return [None if v is None else v.total_seconds() for v in values.to_pylist()]
    return _objects(_storable(values))


def _objects(values: pa.Array[Any]) -> list[Any]:
    """Return `to_pylist()` of numbers, texts and bytes, by way of NumPy: five times as fast."""
    kind = values.type
    if pa.types.is_integer(kind) and values.null_count:
        numbers = values.fill_null(0).to_numpy(zero_copy_only=False).astype(object)
        numbers[values.is_null().to_numpy(zero_copy_only=False)] = None
        return list(numbers)
    # SQLite stores NaN, which stands for NULL among floats here, as NULL whichever it was.
    plain = (pa.types.is_integer, pa.types.is_floating, pa.types.is_string, pa.types.is_binary)
    if any(test(kind) for test in plain):
        return list(values.to_numpy(zero_copy_only=False).tolist())
    return list(values.to_pylist())


def _storable(values: pa.Array[Any]) -> pa.Array[Any]:
    kind = values.type
    if pa.types.is_decimal(kind):
        exact = kind.precision <= EXACT_DIGITS or kind.precision == DECIMAL_MAX_PRECISION
        return values.cast(pa.float64()) if exact else values.cast(pa.string())
    if pa.types.is_boolean(kind):
        return values.cast(pa.int64())
    if pa.types.is_date(kind):
        return values.cast(pa.string())
    return _datetimes(values) if pa.types.is_timestamp(kind) else values


def _datetimes(values: pa.Array[Any]) -> pa.Array[Any]:
    """Write ``YYYY-MM-DD HH:MM:SS``, with six digits of a fraction only where there is one."""
    if values.type.tz is not None:
        values = pc.local_timestamp(values)
    whole = pc.floor_temporal(values, unit="second").cast(pa.timestamp("s"))
    even = pc.equal(whole.cast(values.type), values)
    written = whole.cast(pa.string())
    if pc.all(even).as_py() is not False:
        return written
    return pc.if_else(even, written, values.cast(pa.timestamp("us")).cast(pa.string()))
