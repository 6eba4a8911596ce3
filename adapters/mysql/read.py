"""Reading a table as Arrow batches through an unbuffered cursor.

Imported by the MySQL connections only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.errors import AdapterError, SafetyError
from schemasynth.model import Table

from .._sql.guard import MYSQL, is_read
from .errors import INTERRUPTED, code
from .values import Misread, exported, parsed

if TYPE_CHECKING:
    import pymysql

BLOCK_BYTES = 64 * 1024 * 1024
"""A batch aims to stay below it, even with fewer rows than asked for: bounds memory."""
FIRST_ROWS = 1000
"""Rows of the first batch, whose size tells how many rows the next may have."""
_SAVEPOINT = "schemasynth_read"
SNAPSHOT = ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY", f"SAVEPOINT {_SAVEPOINT}")


@contextmanager
def released(driver: pymysql.Connection) -> Iterator[None]:
    """Give up, at the end, the metadata locks that reading took; the snapshot stays.

    A transaction that has read a table otherwise makes every ALTER TABLE of it wait, and all who
    come after that.
    """
    try:
        yield
    finally:
        with suppress(driver.Error), driver.cursor() as cursor:
            cursor.execute(f"ROLLBACK TO SAVEPOINT {_SAVEPOINT}")


def export_select(
    table: Table, relation: sa.FromClause, schema: pa.Schema, limit: int | None
) -> sa.Select[Any]:
    """Return the SELECT that exports the schema's columns of a table.

    Args:
        table: of the model.
        relation: where its rows are.
        schema: names and Arrow types of the columns wanted.
        limit: at most so many rows.
    """
    values = [
        exported(table.column(field.name), relation.c[field.name]).label(f"c{i}")
        for i, field in enumerate(schema)
    ]
    return sa.select(*values).select_from(relation).limit(limit)


def text_of(statement: sa.Select[Any], dialect: sa.Dialect) -> str:
    """Return a SELECT as the driver's unbuffered cursor takes it.

    Raises:
        SafetyError: the statement would not only read.
    """
    text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    text = text.replace("%%", "%")  # doubled for a driver that formats, which it does not here
    if not is_read(text, MYSQL):
        raise SafetyError("A source is only read; a statement that could write was not sent.")
    return text


def stream(
    driver: pymysql.Connection,
    statement: str,
    table: Table,
    schema: pa.Schema,
    chunk_rows: int,
    cancel: Callable[[], None],
) -> Iterator[pa.RecordBatch]:
    """Run a SELECT and yield its rows; at least one batch, possibly empty.

    Args:
        driver: the driver's connection.
        statement: from `text_of`.
        table: for messages.
        schema: of the batches.
        chunk_rows: at most so many rows a batch.
        cancel: stops the statement from another session, if the reader leaves early.

    Raises:
        AdapterError: a value does not fit its column's Arrow type.
        pymysql.Error: the server refused.
    """
    from pymysql.cursors import SSCursor

    cursor = driver.cursor(SSCursor)
    whole = False
    try:
        cursor.execute(statement)
        rows = min(FIRST_ROWS, chunk_rows)
        read = 0
        while part := cursor.fetchmany(rows):
            batch = _batch(part, table, schema)
            yield batch
            read += batch.num_rows
            rows = _fitting_rows(batch, chunk_rows)
        whole = True
        if not read:
            yield pa.RecordBatch.from_pylist([], schema=schema)
    finally:
        if not whole:
            with suppress(driver.Error):
                cancel()
        with _interrupted_only(driver):
            cursor.close()


def _fitting_rows(batch: pa.RecordBatch, chunk_rows: int) -> int:
    bytes_a_row: int = max(1, batch.nbytes // batch.num_rows)
    return min(chunk_rows, max(1, BLOCK_BYTES // bytes_a_row))


@contextmanager
def _interrupted_only(driver: pymysql.Connection) -> Iterator[None]:
    """Let pass what the server answers to a statement that was cancelled."""
    try:
        yield
    except driver.Error as error:
        if code(error) != INTERRUPTED:
            raise


def _batch(rows: Sequence[Sequence[Any]], table: Table, schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for values, field in zip(zip(*rows, strict=True), schema, strict=True):
        try:
            arrays.append(parsed(values, field.type))
        except (pa.ArrowException, Misread):
            raise AdapterError(
                f"Table {table.name}: column {field.name} holds a value that does not fit its type."
            ) from None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
