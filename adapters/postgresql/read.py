"""Reading a table as Arrow batches through COPY.

Imported by the PostgreSQL connections only.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Any, Literal, TypeAlias

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from schemasynth.errors import AdapterError, SafetyError
from schemasynth.model import Table

from .._sql.guard import is_read
from .names import text_of
from .values import blamed_column, exported, parse

Data: TypeAlias = bytes | bytearray | memoryview
BLOCK_BYTES = 64 * 1024 * 1024
"""A batch ends here even if it has fewer rows than asked for: bounds memory on wide texts."""


def export_select(
    table: Table, relation: sa.FromClause, schema: pa.Schema, limit: int | None
) -> sa.Select[Any]:
    """Return the SELECT of the schema's columns of a table, as `parse` understands them.

    Args:
        table: of the model.
        relation: where its rows are.
        schema: names and Arrow types of the columns wanted.
        limit: at most so many rows.
    """
    values = [
        exported(table.column(field.name), field.type, relation.c[field.name]).label(f"c{i}")
        for i, field in enumerate(schema)
    ]
    return sa.select(*values).select_from(relation).limit(limit)


def copied(
    connection: psycopg.Connection, select: sa.Select[Any], form: Literal["csv", "binary"]
) -> Generator[Data, None, None]:
    """Run a COPY and yield its messages: the server sends a row each (protocol, CopyData).

    Args:
        connection: in a transaction, which goes on whatever happens here.
        select: what is exported.
        form: of the messages.

    Raises:
        SafetyError: the statement would not only read.
        psycopg.Error: the server refused.
    """
    text = text_of(select)
    if not is_read(text):
        raise SafetyError("A source is only read; a statement that could write was not sent.")
    # A savepoint, because leaving early cancels the statement, and would end the snapshot.
    with (
        connection.transaction(),
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({text}) TO STDOUT (FORMAT {form})".encode()) as copy,
    ):
        yield from copy


def batches(
    lines: Iterable[Data], table: Table, schema: pa.Schema, rows: int
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a COPY.

    Args:
        lines: of `copied`, as CSV.
        table: for messages.
        schema: of the batches.
        rows: at most so many a batch.

    Raises:
        AdapterError: a value is no valid text, or does not fit its column's Arrow type.
    """
    for block in _blocks(lines, rows):
        try:
            yield parse(block, schema)
        except pa.ArrowException as error:
            raise AdapterError(
                f"Table {table.name}: {blamed_column(error, schema)} holds a value that is "
                "not valid UTF-8 or does not fit its type."
            ) from None


def _blocks(copy: Iterable[Data], rows: int) -> Iterator[bytes]:
    """Join lines to blocks."""
    lines: list[Data] = []
    size = 0
    for line in copy:
        lines.append(line)
        size += len(line)
        if len(lines) == rows or size >= BLOCK_BYTES:
            yield b"".join(lines)
            lines, size = [], 0
    if lines:
        yield b"".join(lines)
