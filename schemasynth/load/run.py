"""The load protocol: stage every table, verify what is staged, switch at one moment.

Imports the adapter port; called by the refresh.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from schemasynth.adapter import Relations, TargetConnection
from schemasynth.model import Schema, TableName
from schemasynth.progress import Listener, Progress, silent

if TYPE_CHECKING:
    import pyarrow as pa


def refresh_tables(
    target: TargetConnection,
    schema: Schema,
    rows: Mapping[TableName, Iterable[pa.RecordBatch]],
    *,
    run_id: str,
    verify: Callable[[Relations], None],
    switch: bool = True,
    listener: Listener = silent,
) -> dict[TableName, int]:
    """Replace the rows of tables; until the switch, and if anything fails, nothing changes.

    Args:
        target: a marked database.
        schema: the tables to be replaced, in load order, as reflected from the target.
        rows: the new rows of each table.
        run_id: names what is staged.
        verify: gets the staged relations and raises if they must not be switched.
        switch: False stages and verifies only.
        listener: hears a message a table.

    Returns:
        Rows loaded, by table.

    Raises:
        LoadError: rows do not fit, or the database refused.
        IntegrityError: from `verify`.
    """
    loaded: dict[TableName, int] = {}
    with target.load(schema, run_id) as load:
        for done, table in enumerate(schema, 1):
            loaded[table.name] = load.stage(table, rows[table.name])
            listener(Progress("stage", str(table.name), done, len(schema.tables)))
        listener(Progress("verify"))
        verify(load)
        if switch:
            listener(Progress("switch"))
            load.switch()
    return loaded
