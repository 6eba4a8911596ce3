"""The load protocol: stage every table, verify what is staged, switch at one moment.

Imports the adapter port; called by the refresh.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.adapter import Relations, TargetConnection
from schemasynth.model import Schema, TableName
from schemasynth.progress import Listener, Progress, silent

if TYPE_CHECKING:
    import pyarrow as pa


class Phase(enum.StrEnum):
    """How far a refresh has come; each is told when it is reached."""

    PLAN = "plan"
    PREFLIGHT = "preflight"
    STAGED = "staged"
    VERIFIED = "verified"
    SWITCHING = "switching"
    SWITCHED = "switched"
    CLEANED = "cleaned"


Tell: TypeAlias = Callable[..., None]
"""Hears of a phase, with figures about it by name."""


def unheard(_: Phase, **__: Any) -> None:
    """Tell nobody."""


def refresh_tables(
    target: TargetConnection,
    schema: Schema,
    rows: Mapping[TableName, Iterable[pa.RecordBatch]],
    *,
    run_id: str,
    verify: Callable[[Relations], None],
    switch: bool = True,
    listener: Listener = silent,
    tell: Tell = unheard,
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
        tell: hears of each phase, with the statements sent on the way to it by class.

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
        tell(Phase.STAGED, rows=_named(loaded), statements=dict(target.statements()))
        listener(Progress("verify"))
        verify(load)
        tell(Phase.VERIFIED, statements=dict(target.statements()))
        if switch:
            listener(Progress("switch"))
            tell(Phase.SWITCHING)
            load.switch()
            tell(Phase.SWITCHED, statements=dict(target.statements()))
    tell(Phase.CLEANED, statements=dict(target.statements()))
    return loaded


def _named(rows: Mapping[TableName, int]) -> dict[str, int]:
    return {str(name): count for name, count in rows.items()}
