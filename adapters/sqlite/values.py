"""Between SQLite's storage classes and Arrow: which type a column's values fit, both ways.

Imported by the SQLite connections only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from schemasynth.model import Column, Table, TypeFamily, arrow_type
from schemasynth.model.types import DECIMAL_MAX_PRECISION

COLUMNS_A_SCAN = 200
"""Columns examined by one statement: eight aggregates each stay below SQLite's 2000 columns."""
EXACT_DIGITS = 15
"""Decimal digits a double holds exactly (IEEE 754); SQLite's NUMERIC affinity stores doubles, so
decimals declared without a precision were doubles before."""
_DATE = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_CLASSES = ("integer", "real", "text", "blob")


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
    names = [column.name for column in table.columns]
    return [
        sa.select(
            *(
                sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)
                for name in names[start : start + COLUMNS_A_SCAN]
                for condition in _conditions(relation.c[name])
            )
        ).select_from(relation)
        for start in range(0, len(names), COLUMNS_A_SCAN)
    ]


def _conditions(column: sa.ColumnElement[Any]) -> list[sa.ColumnElement[bool]]:
    kind = sa.func.typeof(column)
    text = kind == "text"
    day = sa.func.substr(column, 1, 10)
    dated = sa.and_(text, sa.func.glob(_DATE + "*", column), sa.func.date(day) == day)
    length = sa.func.length(column)
    return [
        *(kind == name for name in _CLASSES),
        sa.and_(dated, length == len("YYYY-MM-DD")),
        sa.and_(
            dated,
            sa.func.glob("[ T][0-9][0-9]:[0-9][0-9]*", sa.func.substr(column, 11)),
            sa.func.datetime(column).is_not(None),
            sa.not_(sa.func.glob("*[Zz+-]*", sa.func.substr(column, 11))),
        ),
        sa.and_(text, sa.func.glob("[0-9][0-9]:[0-9][0-9]:[0-9][0-9]*", column)),
        sa.and_(kind == "integer", column.in_((0, 1))),
    ]


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
    if _fits(column.type.family, found):
        return _temporal(found) or arrow_type(column.type)
    if found.integer == found.values:
        return pa.int64()
    if found.integer + found.real == found.values:
        return pa.float64()
    return pa.binary() if found.blob else pa.string()


def _temporal(found: Contents) -> pa.DataType | None:
    """Return date for values that are all dates, whatever kind of time was declared."""
    return pa.date32() if found.values and found.dates == found.values else None


def _fits(family: TypeFamily, found: Contents) -> bool:
    values = found.values
    if values == 0:
        return True
    match family:
        case TypeFamily.INTEGER:
            return found.integer == values
        case TypeFamily.BOOLEAN:
            return found.flags == values
        case TypeFamily.DECIMAL | TypeFamily.FLOAT:
            return found.integer + found.real == values
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
    return pc.round(pa.array(values, pa.float64()), kind.scale).cast(kind)


def from_arrow(values: pa.Array[Any]) -> list[Any]:
    """Return an Arrow array as the values SQLite stores: ISO times, numbers, text, bytes."""
    stored: list[Any] = _storable(values).to_pylist()
    if pa.types.is_time(values.type):
        return [None if v is None else v.isoformat() for v in stored]
    if pa.types.is_duration(values.type):
        return [None if v is None else v.total_seconds() for v in stored]
    return stored


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
    whole = values.cast(pa.timestamp("s", tz=values.type.tz), safe=False)
    fraction = pc.any(pc.not_equal(whole.cast(values.type), values)).as_py()
    return pc.strftime(values if fraction else whole, "%Y-%m-%d %H:%M:%S")
