"""The journal of a load, in the target: what recovery must know after a death at any moment.

Imported by the Oracle load only. Definitions (DDL) commit on their own here, so each step is
written down before it begins; that the rows are new is written in the transaction that makes them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from . import catalog

JOURNAL = sa.Table(
    "schemasynth_journal",
    sa.MetaData(),
    sa.Column("run_id", sa.String(200), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("step", sa.String(20), nullable=False),
    sa.Column("changed_at", sa.String(40), nullable=False),
    sa.Column("entry", sa.Text, nullable=False),
)
"""A row for each table of a load."""


class Step(StrEnum):
    """How far a load has come.

    Up to SWITCHING the rows are wholly old, from SWITCHED on wholly new; in both, keys and
    triggers may still be disabled.
    """

    STAGING = "staging"
    SWITCHING = "switching"
    SWITCHED = "switched"


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key that was enabled.

    Attributes:
        name: its own.
        validated: whether all rows were known to keep it.
        rely: whether the optimiser was told to believe it.
    """

    name: str
    validated: bool
    rely: bool


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that was enabled.

    Attributes:
        schema: its own, which need not be the table's.
        name: its own.
    """

    schema: str
    name: str


@dataclass(frozen=True, slots=True)
class Counter:
    """An identity column.

    Attributes:
        column: its name.
        always: whether it takes no values from anybody.
        on_null: whether it replaces a NULL that is given to it.
        start: where it began.
        increment: its step.
    """

    column: str
    always: bool
    on_null: bool
    start: int
    increment: int


@dataclass(frozen=True, slots=True)
class Draw:
    """A sequence from which a column is filled.

    Attributes:
        schema: its own.
        name: its own.
        column: the column.
        increment: its step.
    """

    schema: str
    name: str
    column: str
    increment: int


@dataclass(frozen=True, slots=True)
class Refill:
    """A table whose rows are replaced.

    Attributes:
        schema: the table's.
        table: its name.
        staged: the name of the table that holds the new rows, in the session's schema.
        columns: those that come.
        part: identifies the rows once all of them are staged.
        rows: how many they are.
        keys: its foreign keys.
        triggers: its triggers.
        counters: its identity columns.
        draws: sequences that fill its columns.
    """

    schema: str
    table: str
    staged: str
    columns: tuple[str, ...] = ()
    part: str = ""
    rows: int = 0
    keys: tuple[Key, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    counters: tuple[Counter, ...] = ()
    draws: tuple[Draw, ...] = ()

    @property
    def place(self) -> tuple[str, str]:
        """Schema and name of the table."""
        return self.schema, self.table


def dumped(refill: Refill) -> str:
    """Return what is written down of a table."""
    return json.dumps(asdict(refill), ensure_ascii=False)


def loaded(entry: str) -> Refill:
    """Return what was written down."""
    found: dict[str, Any] = json.loads(entry)
    return Refill(
        **{
            **found,
            "columns": tuple(found["columns"]),
            "keys": tuple(Key(**key) for key in found["keys"]),
            "triggers": tuple(Trigger(**trigger) for trigger in found["triggers"]),
            "counters": tuple(Counter(**counter) for counter in found["counters"]),
            "draws": tuple(Draw(**draw) for draw in found["draws"]),
        }
    )


def write(
    connection: sa.Connection, run_id: str, refills: Sequence[Refill], step: Step = Step.STAGING
) -> None:
    """Write down a load as it is about to go on; committed before it does.

    Args:
        connection: on the target.
        run_id: names the load.
        refills: its tables.
        step: what is about to happen.
    """
    if not exists(connection):
        JOURNAL.create(connection, checkfirst=False)
    connection.execute(_own(sa.delete(JOURNAL), run_id))
    rows = [
        {
            "run_id": run_id,
            "n": n,
            "step": step.value,
            "changed_at": _now(),
            "entry": dumped(refill),
        }
        for n, refill in enumerate(refills)
    ]
    if rows:
        connection.execute(sa.insert(JOURNAL), rows)
    connection.commit()


def switched(connection: sa.Connection, run_id: str) -> None:
    """Write down that the rows are new; committed with them, by the caller."""
    update = _own(sa.update(JOURNAL), run_id)
    connection.execute(update.values(step=Step.SWITCHED.value, changed_at=_now()))


def finish(connection: sa.Connection, run_id: str) -> None:
    """Forget a load."""
    if exists(connection):
        connection.execute(_own(sa.delete(JOURNAL), run_id))
        connection.commit()


def _own(statement: Any, run_id: str) -> Any:
    return statement.where(JOURNAL.c.run_id == run_id)


def exists(connection: sa.Connection) -> bool:
    """Tell whether the target has a journal."""
    return bool(connection.execute(catalog.TABLE_EXISTS, {"name": JOURNAL.name}).all())


def unfinished(connection: sa.Connection) -> list[tuple[str, Step, tuple[Refill, ...]]]:
    """Return the loads that were begun and not finished."""
    if not exists(connection):
        return []
    found: dict[tuple[str, str], list[Refill]] = {}
    for row in connection.execute(sa.select(JOURNAL).order_by(JOURNAL.c.run_id, JOURNAL.c.n)):
        found.setdefault((row.run_id, row.step), []).append(loaded(row.entry))
    return [(run_id, Step(step), tuple(refills)) for (run_id, step), refills in found.items()]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
