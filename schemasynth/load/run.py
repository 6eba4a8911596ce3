"""The load protocol: stage every table, verify what is staged, switch at one moment.

Imports the adapter port; called by the refresh.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.adapter import Load, Relations, TargetConnection
from schemasynth.model import Schema, Table, TableName
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
    parts: Mapping[TableName, str] | None = None,
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
        parts: identifies the rows of each table; with it, what an earlier process of this run
            staged is taken over.
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
    with target.load(schema, run_id, resume=parts is not None) as load:
        for done, table in enumerate(schema, 1):
            loaded[table.name] = _staged(
                load, table, rows[table.name], (parts or {}).get(table.name)
            )
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


def _staged(load: Load, table: Table, rows: Iterable[pa.RecordBatch], part: str | None) -> int:
    """Stage a table, unless it is staged already."""
    if part is None:
        return load.stage(table, rows)
    shape = [(c.name, c.type.sql, c.nullable, c.computed is None) for c in table.columns]
    identified = sha256(repr((part, shape)).encode()).hexdigest()
    known = load.kept(table, identified)
    if known is not None:
        return known
    staged = load.stage(table, rows)
    load.keep(table, identified, staged)
    return staged


def _named(rows: Mapping[TableName, int]) -> dict[str, int]:
    return {str(name): count for name, count in rows.items()}
