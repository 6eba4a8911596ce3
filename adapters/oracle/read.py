"""Reading a table as Arrow batches, some thousand rows in a round trip.

Imported by the Oracle connections only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.errors import AdapterError
from schemasynth.model import Table

from .guard import require_read
from .types import is_blank_padded
from .values import Misread, exported, is_readable, parsed

if TYPE_CHECKING:
    import oracledb

BLOCK_BYTES = 64 * 1024 * 1024
"""A batch aims to stay below it, even with fewer rows than asked for: bounds memory."""
FIRST_ROWS = 1000
"""Rows of the first batch, whose size tells how many rows the next may have."""
TRIP_ROWS = 5_000
"""Rows that the driver holds in memory at most, besides a batch."""


def export_select(
    table: Table, relation: sa.FromClause, schema: pa.Schema, limit: int | None
) -> sa.Select[Any]:
    """Return the SELECT that exports the schema's columns of a table.

    Args:
        table: of the model.
        relation: where its rows are.
        schema: names and Arrow types of the columns wanted.
        limit: at most so many rows.

    Raises:
        AdapterError: a column is of a type that cannot be read.
    """
    for field in schema:
        if not is_readable(table.column(field.name)):
            raise AdapterError(
                f"Table {table.name}: column {field.name} is of the type "
                f"{table.column(field.name).type.sql}, which cannot be read; leave the table out "
                "with --exclude."
            )
    values = [
        exported(table.column(field.name), field.type, relation.c[field.name]).label(f"c{i}")
        for i, field in enumerate(schema)
    ]
    return sa.select(*values).select_from(relation).limit(limit)


def text_of(statement: sa.Select[Any], dialect: sa.Dialect) -> str:
    """Return a SELECT as a cursor of the driver takes it.

    Raises:
        SafetyError: the statement would not only read.
    """
    text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    require_read(text)
    return text


def stream(
    driver: oracledb.Connection, statement: str, table: Table, schema: pa.Schema, chunk_rows: int
) -> Iterator[pa.RecordBatch]:
    """Run a SELECT and yield its rows; at least one batch, possibly empty.

    Args:
        driver: the driver's connection.
        statement: from `text_of`.
        table: for types and messages.
        schema: of the batches.
        chunk_rows: at most so many rows a batch.

    Raises:
        AdapterError: a value does not fit its column's Arrow type.
        oracledb.Error: the server refused.
    """
    with closing(driver.cursor()) as cursor:
        cursor.outputtypehandler = fetched_type
        rows = min(FIRST_ROWS, chunk_rows)
        cursor.arraysize = min(TRIP_ROWS, chunk_rows)
        cursor.prefetchrows = 0
        cursor.execute(statement)
        read = 0
        while part := cursor.fetchmany(rows):
            batch = _batch(part, table, schema)
            yield batch
            read += batch.num_rows
            rows = min(chunk_rows, max(1, BLOCK_BYTES * batch.num_rows // max(batch.nbytes, 1)))
        if not read:
            yield pa.RecordBatch.from_pylist([], schema=schema)


def fetched_type(cursor: Any, metadata: Any) -> Any:
    """Return how the driver fetches a column: numbers exactly, large values whole.

    Not as texts, which client libraries in thick mode write with the decimal comma of the session.
    """
    import oracledb

    kinds: dict[Any, Any] = {
        oracledb.DB_TYPE_NUMBER: Decimal,
        oracledb.DB_TYPE_CLOB: oracledb.DB_TYPE_LONG,
        oracledb.DB_TYPE_NCLOB: oracledb.DB_TYPE_LONG_NVARCHAR,
        oracledb.DB_TYPE_BLOB: oracledb.DB_TYPE_LONG_RAW,
    }
    wanted = kinds.get(metadata.type_code)
    return None if wanted is None else cursor.var(wanted, arraysize=cursor.arraysize)


def _batch(rows: Sequence[Sequence[Any]], table: Table, schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for values, field in zip(zip(*rows, strict=True), schema, strict=True):
        padded = is_blank_padded(table.column(field.name).type)
        try:
            arrays.append(parsed(values, field.type, padded=padded))
        except (pa.ArrowException, Misread):
            raise AdapterError(
                f"Table {table.name}: column {field.name} holds a value that does not fit its type."
            ) from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
