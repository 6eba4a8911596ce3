"""Reading a table as Arrow batches through COPY.

Imported by the PostgreSQL connections only.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from schemasynth.errors import AdapterError, SafetyError
from schemasynth.model import Table

from .._sql.guard import is_read
from .names import text_of
from .values import blamed_column, exported, parse

BLOCK_BYTES = 64 * 1024 * 1024
"""A batch ends here even if it has fewer rows than asked for: bounds memory on wide texts."""


def export_statement(
    table: Table, relation: sa.FromClause, schema: pa.Schema, limit: int | None
) -> str:
    """Return the COPY that exports the schema's columns of a table.

    Args:
        table: of the model.
        relation: where its rows are.
        schema: names and Arrow types of the columns wanted.
        limit: at most so many rows.

    Raises:
        SafetyError: the statement would not only read.
    """
    values = [
        exported(table.column(field.name), field.type, relation.c[field.name]).label(f"c{i}")
        for i, field in enumerate(schema)
    ]
    select = text_of(sa.select(*values).select_from(relation).limit(limit))
    if not is_read(select):
        raise SafetyError("A source is only read; a statement that could write was not sent.")
    return f"COPY ({select}) TO STDOUT (FORMAT csv)"


def stream(
    connection: psycopg.Connection, statement: str, table: Table, schema: pa.Schema, rows: int
) -> Iterator[pa.RecordBatch]:
    """Run a COPY and yield its rows.

    Args:
        connection: in a transaction, which goes on whatever happens here.
        statement: from `export_statement`.
        table: for messages.
        schema: of the batches.
        rows: at most so many a batch.

    Raises:
        AdapterError: a value is no valid text, or does not fit its column's Arrow type.
        psycopg.Error: the server refused.
    """
    # A savepoint, because leaving early cancels the statement, and would end the snapshot.
    with (
        connection.transaction(),
        connection.cursor() as cursor,
        cursor.copy(statement.encode()) as copy,
    ):
        for block in _blocks(copy, rows):
            try:
                yield parse(block, schema)
            except pa.ArrowException as error:
                raise AdapterError(
                    f"Table {table.name}: {blamed_column(error, schema)} holds a value that is "
                    "not valid UTF-8 or does not fit its type."
                ) from None


def _blocks(copy: psycopg.Copy, rows: int) -> Iterator[bytes]:
    """Join lines to blocks; the server sends each row as one message (protocol, CopyData)."""
    lines: list[bytes | bytearray | memoryview] = []
    size = 0
    for line in copy:
        lines.append(line)
        size += len(line)
        if len(lines) == rows or size >= BLOCK_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)
