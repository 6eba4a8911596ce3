"""Between PostgreSQL's values and Arrow: which type a column's values fit, both ways.

Imported by the PostgreSQL connections and loads only.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from schemasynth.model import Column, TypeFamily, arrow_type

MONEY = "money"
INTERVAL_SECONDS = 9 * 10**12
"""About 285,000 years: what an Arrow duration in microseconds holds (2^63 us)."""
_DRIVER_READS_TEXT = frozenset({TypeFamily.TEXT})
"""Families that arrive as text by themselves; a cast would strip the padding of CHAR."""
_FIRST, _AFTER_LAST = "0001-01-01", "10000-01-01"
"""Bounds of Python's dates, which the driver makes; PostgreSQL's reach further."""


def misfit(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool] | None:
    """Return the condition under which a value does not fit its declared Arrow type.

    Args:
        column: as declared.
        value: the column in a statement.

    Returns:
        None where every value fits. The condition finds NaN, infinities, dates before Christ or
        after 9999, decimals without a declared scale that need more places, 24:00, and intervals
        of months, which have no fixed length.
    """
    match column.type.family:
        case TypeFamily.DECIMAL:
            return _decimal_misfit(arrow_type(column.type), column, value)
        case TypeFamily.DATE | TypeFamily.DATETIME:
            first, after_last = (sa.literal_column(f"'{day}'") for day in (_FIRST, _AFTER_LAST))
            return sa.or_(~sa.func.isfinite(value), value < first, value >= after_last)
        case TypeFamily.TIME:
            return value == sa.literal_column("TIME '24:00'")
        case TypeFamily.INTERVAL:
            return sa.or_(
                sa.extract("year", value) != 0,
                sa.extract("month", value) != 0,
                sa.func.abs(sa.extract("epoch", value)) > INTERVAL_SECONDS,
            )
        case _:
            return None


def _decimal_misfit(
    kind: pa.DataType, column: Column, value: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool] | None:
    if not pa.types.is_decimal(kind) or column.type.sql == MONEY:
        return None
    # NaN is greater than every number here.
    too_large = sa.func.abs(value) >= sa.literal(Decimal(10) ** (kind.precision - kind.scale))
    if column.type.precision is not None:
        return too_large
    return sa.or_(too_large, sa.func.scale(value) > kind.scale)


def selected(column: Column, value: sa.ColumnElement[Any], kind: pa.DataType) -> Any:
    """Return what is selected so that the driver gives values of an Arrow type.

    Args:
        column: as declared.
        value: the column in a statement.
        kind: the Arrow type.
    """
    if pa.types.is_string(kind) and column.type.family not in _DRIVER_READS_TEXT:
        return sa.cast(value, sa.Text)
    if column.type.sql == MONEY:
        return sa.cast(value, sa.Numeric)
    return value


def to_csv(batch: pa.RecordBatch, columns: Sequence[Column]) -> bytes:
    """Return rows as the CSV that COPY reads: values in quotes, NULL as nothing.

    Args:
        batch: holds `columns` by name, in any Arrow types that fit them.
        columns: which ones, in order.

    Raises:
        UnfitColumn: the values of a column cannot be of its type.
    """
    from pyarrow import csv

    arrays = [_written(batch.column(column.name), column) for column in columns]
    table = pa.Table.from_arrays(arrays, names=[str(i) for i in range(len(arrays))])
    written = io.BytesIO()
    options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
    csv.write_csv(table, written, options)
    return written.getvalue()


class UnfitColumn(Exception):
    """The values of a column cannot be of its type; holds the column's name."""


def _written(values: pa.Array[Any], column: Column) -> pa.Array[Any]:
    kind = arrow_type(column.type)
    try:
        # Text is left to PostgreSQL, which knows its types' spellings best.
        fitted = values if pa.types.is_string(values.type) else values.cast(kind)
    except pa.ArrowException:
        raise UnfitColumn(column.name) from None
    if pa.types.is_binary(fitted.type):
        parts = [None if v is None else "\\x" + v.hex() for v in fitted.to_pylist()]
        return pa.array(parts, pa.string())
    if pa.types.is_duration(fitted.type):
        return pc.binary_join_element_wise(
            fitted.cast(pa.int64()).cast(pa.string()), "microseconds", " "
        )
    if pa.types.is_decimal(fitted.type) and column.type.precision is None:
        return _without_padding(fitted.cast(pa.string()))
    return fitted.cast(pa.string())


def _without_padding(numbers: pa.Array[Any]) -> pa.Array[Any]:
    """Drop zeros that only the Arrow type's scale put there."""
    whole = pc.replace_substring_regex(numbers, r"^(-?\d+)\.0+$", r"\1")
    return pc.replace_substring_regex(whole, r"^(-?\d+\.\d*[1-9])0+$", r"\1")
