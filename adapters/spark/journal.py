"""The journal of a load, in the target: what recovery must know after a death at any moment.

Imported by the Spark connections and the load. Parquet has no UPDATE, so a step is a table: one is
there while a load is, a second one while it switches. Dropping the second is the one moment at
which the target becomes new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from .session import quoted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOAD, SWITCH = "schemasynth_load", "schemasynth_switch"


@dataclass(frozen=True, slots=True)
class Swap:
    """A table whose rows are replaced.

    Attributes:
        run_id: of the load.
        schema: of all three tables; None for the current one.
        table: the name in question.
        staged: the table that holds the new rows.
        old: the old table's name while the new one has its own.
        version: of a Delta table before it is overwritten; None where tables are renamed.
    """

    run_id: str
    schema: str | None
    table: str
    staged: str
    old: str
    version: int | None = None

    def place(self, name: str) -> str:
        """Return the quoted name of one of the three tables."""
        return quoted(*(self.schema.split(".") if self.schema else ()), name)


def begin(connection: sa.Connection, step: str, swaps: Sequence[Swap]) -> None:
    """Write down what is about to happen to which tables."""
    table = _table(step)
    table.drop(connection, checkfirst=True)
    table.create(connection)
    if swaps:
        names = table.columns.keys()
        rows = [dict(zip(names, astuple(swap), strict=True)) for swap in swaps]
        connection.execute(sa.insert(table), rows)


def swaps_of(connection: sa.Connection, session: SparkSession, step: str) -> tuple[Swap, ...]:
    """Return what was written down; nothing where there is no such table."""
    if not session.catalog.tableExists(step):
        return ()
    return tuple(Swap(*row) for row in connection.execute(sa.select(_table(step))))


def end(connection: sa.Connection, step: str) -> None:
    """Forget a step."""
    _table(step).drop(connection, checkfirst=True)


def leftovers(connection: sa.Connection, session: SparkSession) -> tuple[str, ...]:
    """Return the loads that were begun and not finished."""
    return tuple(sorted({swap.run_id for swap in swaps_of(connection, session, LOAD)}))


def _table(name: str) -> sa.Table:
    texts = ("run_id", "schema_name", "table_name", "staged", "old")
    return sa.Table(
        name,
        sa.MetaData(),
        *(sa.Column(text, sa.Text) for text in texts),
        sa.Column("version", sa.BigInteger),
    )
