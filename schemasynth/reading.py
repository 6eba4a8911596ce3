"""Source tables as frames, in the Arrow types of the model.

Imports the adapter port; used by the API and the refresh, the only places that read rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from schemasynth.adapter import SourceConnection
from schemasynth.model import Schema, Table
from schemasynth.progress import Listener, Progress, silent
from schemasynth.workspace import TableWriter

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 100_000
"""Rows a table that the planner looks at: enough for shares to ±0.3 points, a second to read."""


def read_frames(
    source: SourceConnection,
    schema: Schema,
    *,
    limit: int | None = None,
    listener: Listener = silent,
) -> dict[str, pd.DataFrame]:
    """Read the tables of a schema.

    Args:
        source: where they are.
        schema: which tables.
        limit: rows a table; all by default.
        listener: hears a message a table.

    Returns:
        Frames of `pandas.ArrowDtype` columns, by `str(TableName)`.
    """
    frames = {}
    for done, table in enumerate(schema, 1):
        frames[str(table.name)] = _frame(source, table, limit)
        listener(Progress("read", str(table.name), done, len(schema.tables)))
    return frames


def read_into(
    writer: TableWriter, source: SourceConnection, schema: Schema, listener: Listener = silent
) -> None:
    """Write the tables of a schema to a workspace, batch by batch.

    Args:
        writer: of the folder they go to.
        source: where they are.
        schema: which tables.
        listener: hears a message a table.
    """
    for done, table in enumerate(schema, 1):
        names = _stored(table)
        known = source.arrow_schema(table)
        wanted = pa.schema([known.field(name) for name in names])
        writer.put_batches(str(table.name), wanted, source.read(table, names))
        listener(Progress("read", str(table.name), done, len(schema.tables)))


def _stored(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.computed is None]


def _frame(source: SourceConnection, table: Table, limit: int | None) -> pd.DataFrame:
    import pandas as pd

    batches = list(source.read(table, _stored(table), limit=limit))
    frame: pd.DataFrame = pa.Table.from_batches(batches).to_pandas(types_mapper=pd.ArrowDtype)
    return frame
