"""Source tables as frames or files, whole or sampled, in the Arrow types of the model.

Imports the adapter port and samples; used by the API and the refresh alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import SourceConnection
from schemasynth.model import Schema, Table
from schemasynth.plan.model import (
    ColumnTreatment,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    RefreshPlan,
    Role,
    TablePlan,
)
from schemasynth.progress import Listener, Progress, silent
from schemasynth.rewrite.references import law_frame
from schemasynth.rewrite.sizes import law_name
from schemasynth.sampling import Sample
from schemasynth.workspace import TableWriter

if TYPE_CHECKING:
    import pandas as pd

SAMPLE_ROWS = 100_000
"""Rows a table that the planner looks at: enough for shares to ±0.3 points, a second to read."""

PLANNING_SEED = 0
"""Seed of the sample that the planner looks at: equal sources give equal plans."""


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


def read_sample(
    source: SourceConnection, schema: Schema, sample: Sample, listener: Listener = silent
) -> dict[str, pd.DataFrame]:
    """Read a sample into memory.

    Args:
        source: where it is.
        schema: the tables, all of the sample's plan.
        sample: which rows.
        listener: hears a message a table.

    Returns:
        Frames as of `read_frames`; the rows to which others only refer come last.
    """
    import pandas as pd

    frames = {}
    for done, table in enumerate(schema, 1):
        batches = [batch for part in _parts(source, table, sample) for batch in part]
        whole = pa.Table.from_batches(batches)
        frames[str(table.name)] = whole.to_pandas(types_mapper=pd.ArrowDtype)
        listener(Progress("read", str(table.name), done, len(schema.tables)))
    return frames


def read_into(
    writer: TableWriter,
    source: SourceConnection,
    schema: Schema,
    sample: Sample,
    listener: Listener = silent,
) -> dict[str, int]:
    """Write a sample to a workspace, batch by batch.

    Args:
        writer: of the folder it goes to.
        source: where it is.
        schema: the tables, all of the sample's plan.
        sample: which rows.
        listener: hears a message a table.

    Returns:
        The number of chosen rows, by table; they stand before those to which others only refer.
    """
    chosen = {}
    for done, table in enumerate(schema, 1):
        wanted = _arrow_schema(source, table, _stored(table))
        rows = writer.put_batches(str(table.name), wanted, *_parts(source, table, sample))
        chosen[str(table.name)] = rows[0]
        listener(Progress("read", str(table.name), done, len(schema.tables)))
    return chosen


def _parts(
    source: SourceConnection, table: Table, sample: Sample
) -> tuple[Iterator[pa.RecordBatch], Iterator[pa.RecordBatch]]:
    """Return the batches of the chosen rows, and of those to which others only refer."""
    names = _stored(table)
    if sample.shares[table.name] == 1:
        return source.read(table, names), iter(())
    chosen = sample.chosen(table.name, names)
    needed = sample.needed(table.name, names)
    others = iter(()) if needed is None else source.read(table, names, part=needed)
    return chain.from_iterable(source.read(table, names, part=part) for part in chosen), others


def read_keys(
    writer: TableWriter, source: SourceConnection, schema: Schema, plan: RefreshPlan, sample: Sample
) -> None:
    """Write the keys of all rows of sampled tables: new ones must differ from every one of them.

    Args:
        writer: of the folder they go to.
        source: where they are.
        schema: the tables.
        plan: decides which columns hold keys that are made new, and hierarchies.
        sample: which tables are sampled.
    """
    for table in schema:
        planned = plan.table(table.name)
        if sample.shares[table.name] == 1 or planned.role is Role.REFERENCE:
            continue
        made = (ColumnTreatment.KEY, ColumnTreatment.PROVIDER)
        own = [c for c in planned.columns if c.treatment in made]
        columns = {c.name for c in own}
        columns.update(name for c in own if c.key_format for name in c.key_format.sources)
        for key in planned.foreign_keys:
            if key.referred == table.name or key.to_entity:
                columns.update(key.columns)
            if key.referred == table.name:
                columns.update(key.referred_columns)
        names = [name for name in _stored(table) if name in columns]
        if names:
            wanted = _arrow_schema(source, table, names)
            writer.put_batches(str(table.name), wanted, source.read(table, names))


def read_laws(
    source: SourceConnection, schema: Schema, plan: RefreshPlan, sample: Sample
) -> dict[str, pd.DataFrame]:
    """Count in the source how many parents have how many children, where a sample cannot tell.

    Children are sampled with their context parent; other parents lack some of theirs.

    Args:
        source: is asked once for each foreign key.
        schema: the tables, with row counts.
        plan: its foreign keys.
        sample: which tables are sampled.

    Returns:
        Laws as `rewrite` keeps them, by their names.
    """
    laws = {}
    for table in (t for t in plan.tables if not t.is_entity and t.role is not Role.SKIP):
        for index, key in enumerate(table.foreign_keys):
            sampled = min(sample.shares[table.name], sample.shares.get(key.referred, 1)) < 1
            counted = key.treatment is ForeignKeyTreatment.RESTORED and not key.to_entity
            if sampled and counted and key.referred in schema:
                laws[law_name(table, index)] = _law(source, schema, table, key)
    return laws


def _law(
    source: SourceConnection, schema: Schema, table: TablePlan, key: ForeignKeyPlan
) -> pd.DataFrame:
    relation = source.relation(schema.table(table.name))
    columns = [relation.c[name] for name in key.columns]
    present = sa.and_(*(column.is_not(None) for column in columns))
    each = sa.select(sa.func.count().label("children")).where(present)
    each = each.select_from(relation).group_by(*columns)
    counts = each.subquery()
    law = sa.select(counts.c.children, sa.func.count()).group_by(counts.c.children)
    found = sorted((int(n), int(parents)) for n, parents in source.select(law))
    childless = (schema.table(key.referred).row_count or 0) - sum(p for _, p in found)
    return law_frame([(0, max(childless, 0)), *found])


def _arrow_schema(source: SourceConnection, table: Table, names: Sequence[str]) -> pa.Schema:
    known = source.arrow_schema(table)
    return pa.schema([known.field(name) for name in names])


def _stored(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.computed is None]


def _frame(source: SourceConnection, table: Table, limit: int | None) -> pd.DataFrame:
    import pandas as pd

    batches = list(source.read(table, _stored(table), limit=limit))
    frame: pd.DataFrame = pa.Table.from_batches(batches).to_pandas(types_mapper=pd.ArrowDtype)
    return frame
