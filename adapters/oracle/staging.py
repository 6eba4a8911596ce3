"""Staged tables: how one is made, and how arrays of rows come into it.

Imported by the Oracle load only. A staged table has the columns of the target's, the computed ones
too, and its NOT NULLs, but no keys, indexes or triggers: so the direct path is open.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from schemasynth.errors import LoadError
from schemasynth.model import Column, Table

from .journal import Refill
from .names import quoted
from .values import bound, bound_type, conversion, is_loadable

STATEMENT_BYTES = 32 * 1024 * 1024
"""About so many bytes of rows go into one array: bounds the memory of the driver."""


def coming(table: Table, first: pa.RecordBatch | None) -> list[Column]:
    """Return the columns whose values come.

    Args:
        table: the target's.
        first: the first rows; None where none come, which then fill every column.

    Raises:
        LoadError: the rows have none of the columns, or one of a type that cannot be written.
    """
    stored = [column for column in table.columns if column.computed is None]
    if first is None:
        return [column for column in stored if is_loadable(column)]
    columns = [column for column in stored if column.name in first.schema.names]
    if not columns:
        raise LoadError(f"Table {table.name}: the rows have none of its columns.")
    for column in columns:
        if not is_loadable(column):
            raise LoadError(
                f"Table {table.name}: column {column.name} is of the type {column.type.sql}, which "
                "cannot be loaded; leave the table out with --exclude."
            )
    return columns


def held_columns(table: Table, given: Sequence[Column]) -> tuple[str, ...]:
    """Return the stored columns of a staged table: those that come, and those with a default.

    What counts by itself, and what cannot be written, is left to the target where it does not come.

    Args:
        table: the target's.
        given: the columns that come.
    """
    return tuple(
        column.name
        for column in table.columns
        if column in given
        or (column.computed is None and column.identity is None and is_loadable(column))
    )


def created(refill: Refill, table: Table, given: Sequence[Column], home: str) -> Iterator[str]:
    """Yield the statements that create an empty staged table.

    Args:
        refill: names it, and its stored columns.
        table: the target's.
        given: the columns that come.
        home: its schema.
    """
    staged = quoted(home, refill.staged)
    columns = ", ".join(map(quoted, refill.columns))
    yield (
        f"CREATE TABLE {staged} AS "  # noqa: S608 quoted
        f"SELECT {columns} FROM {quoted(*refill.place)} WHERE 1 = 0"
    )
    for column in table.columns:
        absent = column.name in refill.columns and column not in given
        if absent and column.default is not None:
            yield f"ALTER TABLE {staged} MODIFY ({quoted(column.name)} DEFAULT {column.default})"
        if column.computed is not None:
            expression = f"GENERATED ALWAYS AS ({column.computed.sql}) VIRTUAL"
            yield f"ALTER TABLE {staged} ADD ({quoted(column.name)} {expression})"


def insert_statement(refill: Refill, columns: Sequence[Column], home: str) -> str:
    """Return the statement that inserts an array of rows by the direct path.

    With triggers or foreign keys the server would silently take the ordinary way.

    Args:
        refill: names the staged table.
        columns: the target's, those that come.
        home: the schema of the staged table.
    """
    names = ", ".join(quoted(column.name) for column in columns)
    values = ", ".join(
        conversion(column).format(f":v{i}") for i, column in enumerate(columns, start=1)
    )
    into = quoted(home, refill.staged)
    return f"INSERT /*+ APPEND_VALUES */ INTO {into} ({names}) VALUES ({values})"  # noqa: S608 quoted


def bound_size(column: Column, driver: Any) -> Any:
    """Return what the driver is told of a column before rows are bound: type, or characters."""
    kind = bound_type(column, driver)
    if kind is driver.DB_TYPE_VARCHAR and column.type.length:
        return column.type.length
    return kind


def rows_of(batch: pa.RecordBatch, columns: Sequence[Column]) -> list[tuple[Any, ...]]:
    """Return the rows of a batch as the driver binds them."""
    values = (bound(batch.column(column.name), column) for column in columns)
    return list(zip(*values, strict=True))


def parts_of(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Cut a batch into parts of about so many bytes."""
    rows = max(1, batch.num_rows * STATEMENT_BYTES // max(batch.nbytes, 1))
    for start in range(0, max(batch.num_rows, 1), rows):
        yield batch.slice(start, rows)
