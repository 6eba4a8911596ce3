"""Values between PostgreSQL's COPY CSV and Arrow.

Imported by the PostgreSQL adapter only. CSV, not binary: the server casts text to any of its
types and refuses what does not fit, where binary would need the exact representation of each.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from pyarrow import csv

from schemasynth.model import Column, TypeFamily, arrow_type

from .._sql.wire import ColumnMisfit, clock, without_padding

_MICROSECONDS = 1_000_000
_FIRST_DAY = sa.literal_column("DATE '0001-01-01'", sa.Date)
_AFTER_LAST_DAY = sa.literal_column("DATE '10000-01-01'", sa.Date)
"""Bounds of Python's dates, which all that works on Arrow dates must be able to make. As literals:
casts of texts to dates depend on the session, so parameters would be cast again for each row."""
_MIDNIGHT_AFTER = sa.literal_column("TIME '24:00'", sa.Time)
_NOT_A_NUMBER = sa.literal_column("'NaN'::numeric", sa.Numeric)
_INTERVAL_SECONDS = 9 * 10**12
"""About 285,000 years: what an Arrow duration in microseconds holds (2^63 us)."""
_COLUMN = re.compile(r"CSV column #(\d+)")


def fitting(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool] | None:
    """Return the condition under which a value fits its column's declared Arrow type.

    Args:
        column: of the model.
        value: the column in a statement.

    Returns:
        None where every value fits. The condition is false for NaN and infinities of exact
        numbers, dates and intervals, numbers without a declared scale that need more places,
        years before 1 or after 9999, the time 24:00, and intervals of months, which have no
        fixed length.
    """
    kind = arrow_type(column.type)
    match column.type.family:
        case TypeFamily.DECIMAL if pa.types.is_decimal(kind):
            return _fitting_number(column, kind, sa.cast(value, sa.Numeric))
        case TypeFamily.DATE | TypeFamily.DATETIME:
            return sa.and_(value >= _FIRST_DAY, value < _AFTER_LAST_DAY)
        case TypeFamily.TIME:
            return value < _MIDNIGHT_AFTER
        case TypeFamily.INTERVAL:
            return sa.and_(
                sa.func.isfinite(value),
                sa.func.date_part("year", value) == 0,
                sa.func.date_part("month", value) == 0,
                sa.func.abs(sa.func.date_part("epoch", value)) < _INTERVAL_SECONDS,
            )
        case _:
            return None


def _fitting_number(
    column: Column, kind: Any, number: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    if column.type.precision is not None:
        return number != _NOT_A_NUMBER  # which cannot be infinite then
    largest = sa.cast(sa.literal(f"1e{kind.precision - kind.scale}"), sa.Numeric)
    # NaN is greater than all other numbers there.
    return sa.and_(sa.func.abs(number) < largest, sa.func.scale(number) <= kind.scale)


def exported(
    column: Column, kind: pa.DataType, value: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return the expression whose text `parse` understands.

    Args:
        column: of the model.
        kind: the Arrow type wanted; text where values do not fit the declared one.
        value: the column in a statement.
    """
    if pa.types.is_string(kind):
        # Strips the padding of char(n), which no comparison in the database sees either.
        return sa.cast(value, sa.Text)
    match column.type.family:
        case TypeFamily.DECIMAL:
            return sa.cast(value, sa.Numeric)  # money would come with its currency
        case TypeFamily.DATETIME if column.type.timezone:
            return sa.func.timezone("UTC", value)
        case TypeFamily.INTERVAL:
            seconds = sa.func.date_part("epoch", value)
            return sa.cast(sa.func.round(seconds * _MICROSECONDS), sa.BigInteger)
        case TypeFamily.BINARY:
            return sa.func.encode(value, "hex")
        case _:
            return value


def parse(block: bytes, schema: pa.Schema) -> pa.RecordBatch:
    """Return the rows of a block of CSV.

    Args:
        block: whole lines, in the order of the schema's fields.
        schema: the types wanted.

    Raises:
        pa.ArrowInvalid: a value does not fit; the message may hold it.
    """
    names = [str(position) for position in range(len(schema))]
    wire = {name: _wire(field.type) for name, field in zip(names, schema, strict=True)}
    table = csv.read_csv(
        io.BytesIO(block),
        read_options=csv.ReadOptions(column_names=names, block_size=len(block) + 1),
        parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        convert_options=csv.ConvertOptions(
            column_types=wire,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
            true_values=["t"],
            false_values=["f"],
        ),
    )
    arrays = [
        _from_wire(pa.concat_arrays(column.chunks), field.type)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def blamed_column(error: pa.ArrowException, schema: pa.Schema) -> str:
    """Return the column that `parse` could not convert, for people."""
    found = _COLUMN.search(str(error))
    return schema.names[int(found.group(1))] if found else "one of its columns"


def _wire(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_duration(kind):
        return pa.int64()
    if pa.types.is_binary(kind):
        return pa.string()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    return kind


def _from_wire(values: Any, kind: pa.DataType) -> Any:
    if pa.types.is_binary(kind):
        return pa.array([None if v is None else bytes.fromhex(v) for v in values.to_pylist()], kind)
    if values.type == kind:
        return values
    return values.cast(kind)


def encode(batch: pa.RecordBatch, columns: Sequence[Column]) -> bytes:
    """Return rows as CSV in which NULL is empty and every text is quoted.

    Args:
        batch: its columns are looked up by name.
        columns: the target's columns, in the order of COPY.

    Raises:
        ColumnMisfit: values cannot be cast to a column's type.
    """
    arrays = []
    for column in columns:
        try:
            arrays.append(_to_wire(batch.column(column.name), column))
        except (pa.ArrowException, UnicodeDecodeError) as error:
            raise ColumnMisfit(column.name, type(error).__name__) from None
    sink = io.BytesIO()
    names = [str(position) for position in range(len(arrays))]
    # All texts are quoted: unquoted, an empty one would be NULL and `\.` the end of the data.
    csv.write_csv(
        pa.RecordBatch.from_arrays(arrays, names=names),
        sink,
        csv.WriteOptions(include_header=False, quoting_style="needed"),
    )
    return sink.getvalue()


def _to_wire(values: Any, column: Column) -> Any:
    if isinstance(values.type, pa.DictionaryType):
        values = values.dictionary_decode()
    kind, family = values.type, column.type.family
    if pa.types.is_null(kind):
        return values.cast(pa.string())
    if pa.types.is_duration(kind):
        return clock(values.cast(pa.duration("us")).cast(pa.int64()))
    if family is TypeFamily.BINARY and not pa.types.is_string(kind):
        octets = values.cast(pa.binary())
        hexadecimal = [None if v is None else "\\x" + v.hex() for v in octets.to_pylist()]
        return pa.array(hexadecimal, pa.string())
    if family is TypeFamily.INTEGER and not pa.types.is_integer(kind) and _is_number(kind):
        return values.cast(arrow_type(column.type))
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return values.cast(pa.string())
    if pa.types.is_decimal(kind) and column.type.precision is None:
        return without_padding(values.cast(pa.string()))
    if pa.types.is_boolean(kind) and family in (TypeFamily.INTEGER, TypeFamily.DECIMAL):
        return values.cast(pa.int8())
    if pa.types.is_nested(kind):
        return pa.array([None if v is None else str(v) for v in values.to_pylist()], pa.string())
    return values


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind))
