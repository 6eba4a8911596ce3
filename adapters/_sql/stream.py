"""Rows of a relation as Arrow batches, through SQLAlchemy's streamed results.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa


def stream(
    connection: sa.Connection,
    relation: sa.FromClause,
    schema: pa.Schema,
    convert: Callable[[Sequence[Any], pa.Field[Any]], pa.Array[Any]],
    *,
    limit: int | None,
    chunk_rows: int,
) -> Iterator[pa.RecordBatch]:
    """Yield the columns of a schema in batches; at least one, possibly empty.

    Args:
        connection: rows are streamed where its driver can.
        relation: where the rows are.
        schema: names, order and types of the columns.
        convert: the values of a column in a batch to its type.
        limit: at most so many rows.
        chunk_rows: at most so many rows a batch.
    """
    statement = sa.select(*(relation.c[name] for name in schema.names)).limit(limit)
    rows = connection.execution_options(stream_results=True).execute(statement)
    empty = True
    for part in rows.partitions(chunk_rows):
        empty = False
        columns = zip(zip(*part, strict=True), schema, strict=True)
        arrays = [convert(values, field) for values, field in columns]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)
    if empty:
        yield pa.RecordBatch.from_pylist([], schema=schema)


def part_of(known: pa.Schema, columns: Sequence[str] | None) -> pa.Schema:
    """Return the fields of some columns, in their order; all by default."""
    return known if columns is None else pa.schema([known.field(name) for name in columns])
