"""The list of rewrites that a plan means, and the way there and back.

Imports all rewrites; called by the refresh.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa

from schemasynth.arrays import Array, array, cast, frame
from schemasynth.model import TableName, arrow_type
from schemasynth.plan.entity import Member
from schemasynth.plan.model import (
    WRITTEN,
    ColumnTreatment,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    RefreshPlan,
    Role,
    TablePlan,
)
from schemasynth.rewrite.base import ROW, Preparation, Restoration, Rewrite
from schemasynth.rewrite.hierarchy import SelfReference
from schemasynth.rewrite.keys import Keys
from schemasynth.rewrite.people import People, RepeatedPeople, keep_taken, made_up
from schemasynth.rewrite.peoplemaker import provider_of
from schemasynth.rewrite.prepared import Frames, Prepared, PreparedTable, Repair, Source
from schemasynth.rewrite.references import (
    CategoryReference,
    GeneratedReference,
    Reference,
    RestoredReference,
    urgency,
)
from schemasynth.rewrite.refused import keep_checks
from schemasynth.rewrite.rules import keep_rules, measure_rules, rule_groups
from schemasynth.rewrite.scrub import scrub, source_identifiers
from schemasynth.rewrite.sentences import Sentences, written
from schemasynth.rewrite.sizes import bring_to_size
from schemasynth.rewrite.tables import (
    CopiedTable,
    DeterminedColumns,
    FixedColumns,
    ImplicitEntity,
    LearnedColumns,
)
from schemasynth.rewrite.unique import UniqueKeys

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.rows import Tables

_REFERENCES: dict[ForeignKeyTreatment, type[Reference]] = {
    ForeignKeyTreatment.CONTEXT: GeneratedReference,
    ForeignKeyTreatment.MATCHED: GeneratedReference,
    ForeignKeyTreatment.CATEGORY: CategoryReference,
    ForeignKeyTreatment.RESTORED: RestoredReference,
}


@dataclass(frozen=True, slots=True)
class Restored:
    """Rows of the original schema, and what was changed so that its constraints hold."""

    frames: Frames
    repairs: tuple[Repair, ...]


def rewrites(plan: RefreshPlan) -> tuple[Rewrite, ...]:
    """Return the rewrites of a plan in the order in which rows are restored.

    Args:
        plan: its tables stand parents first; a reference to a later table closes a cycle and is
            restored when all rows are there.
    """
    opened: list[_Open] = []
    result: list[Rewrite] = [*implicit_entities(plan)]
    ready: dict[str, set[str]] = {}
    for table in plan.tables:
        if table.role is not Role.SKIP:
            result += _of_table(plan, table, ready, opened)
    return (*result, *_closed(opened, ready))


@dataclass(frozen=True, slots=True)
class _Open:
    """A table whose references close a cycle, and what has to wait for them.

    Attributes:
        table: the table.
        restored: its references so far.
        late: those that wait for a later table.
        keys: those whose columns are not all there yet.
    """

    table: TablePlan
    restored: list[Reference]
    late: list[Reference]
    keys: list[tuple[str, ...]]


def _closed(opened: Sequence[_Open], ready: dict[str, set[str]]) -> Iterator[Rewrite]:
    """Yield late references, each when the columns it copies are there and unique."""
    waiting = [(owner, reference) for owner in opened for reference in owner.late]
    while waiting:
        chosen = next((w for w in waiting if _is_ready(w[1], ready)), waiting[0])
        waiting.remove(chosen)
        owner, reference = chosen
        yield reference
        owner.restored.append(reference)
        ready[reference.name] |= set(reference.key.columns)
        missing = {n for one, later in waiting if one is owner for n in later.key.columns}
        known = {column.name for column in owner.table.columns} - missing
        copied = frozenset(
            name
            for other in opened
            for r in other.restored
            if r.parent == reference.name
            for name in r.key.referred_columns
        )
        yield from _unique(owner.table, owner.keys, known, tuple(owner.restored), copied)
    for owner in (one for one in opened if one.late):
        yield from _last(owner.table)


def _last(table: TablePlan) -> Iterator[Rewrite]:
    """Yield what needs all references of a table: people who repeat others, texts about people."""
    if RepeatedPeople(table).columns:
        yield RepeatedPeople(table)
    if written(table):
        yield Sentences(table)


def _is_ready(reference: Reference, ready: Mapping[str, set[str]]) -> bool:
    taken = {*reference.key.referred_columns, *reference.key.traits}
    return taken <= ready.get(reference.parent, set())


def implicit_entities(plan: RefreshPlan) -> Iterator[ImplicitEntity]:
    """Yield the implicit entities of a plan, with their members."""
    for entity in (table for table in plan.tables if table.is_entity):
        names = {column.name for column in entity.columns} - set(entity.primary_key)
        members = []
        for table in plan.tables:
            for key in table.foreign_keys:
                if key.to_entity and key.referred == entity.name:
                    determined = tuple(
                        c.name
                        for c in table.columns
                        if c.treatment is ColumnTreatment.DETERMINED and c.name in names
                    )
                    members.append(Member(str(table.name), key.columns, determined))
        yield ImplicitEntity(entity, tuple(members))


def _of_table(
    plan: RefreshPlan,
    table: TablePlan,
    ready: dict[str, set[str]],
    opened: list[_Open],
) -> Iterator[Rewrite]:
    if table.role is Role.REFERENCE:
        ready[str(table.name)] = {column.name for column in table.columns}
        yield CopiedTable(table)
        if made_up(table):
            yield People(table)
        return
    yield LearnedColumns(table)
    if made_up(table):
        yield People(table)
    references = list(_references(plan, table))
    own = tuple(r for r in references if r.parent == str(table.name))
    early = tuple(r for r in references if r not in own and _is_ready(r, ready))
    later = tuple(r for r in references if r not in own and r not in early)
    keys = [key for key in (table.primary_key, *table.unique_keys) if key]
    copied = frozenset(_copied(table))

    yield from early
    yield Keys(table, early)
    yield from _unique(table, keys, _columns(table, early, _MADE), early)
    yield from own
    yield FixedColumns(table)
    entities = tuple(
        (index, plan.table(key.referred))
        for index, key in enumerate(table.foreign_keys)
        if key.to_entity
    )
    if entities:
        yield DeterminedColumns(table, entities)
    here = (*early, *own)
    yield from _unique(table, keys, _columns(table, here, _STORED), here, copied)
    if not later:
        yield from _last(table)
    ready[str(table.name)] = _columns(table, here, _STORED)
    opened.append(_Open(table, [*here], [*later], keys))


_MADE = frozenset(
    {
        ColumnTreatment.LEARN,
        ColumnTreatment.KEY,
        ColumnTreatment.PROVIDER,
    }
)
_STORED = frozenset(ColumnTreatment) - {
    ColumnTreatment.FOREIGN_KEY,
    ColumnTreatment.COMPUTED,
    *WRITTEN,
}


def _copied(table: TablePlan) -> Iterator[str]:
    """Yield the columns of a table that its own rows copy."""
    for key in table.foreign_keys:
        if key.referred == table.name:
            yield from key.referred_columns


def _columns(
    table: TablePlan, references: tuple[Reference, ...], treatments: Collection[ColumnTreatment]
) -> set[str]:
    """Return the columns that are there when some references are restored."""
    foreign = {name for reference in references for name in reference.key.columns}
    return foreign | {c.name for c in table.columns if c.treatment in treatments}


def _unique(
    table: TablePlan,
    keys: list[tuple[str, ...]],
    known: set[str],
    references: tuple[Reference, ...],
    fixed: frozenset[str] = frozenset(),
) -> Iterator[UniqueKeys]:
    """Yield the rewrite of the keys whose columns are all known; they leave the list."""
    whole = tuple(key for key in keys if set(key) <= known)
    keys[:] = [key for key in keys if key not in whole]
    if whole:
        yield UniqueKeys(table, whole, references, fixed)


def _references(plan: RefreshPlan, table: TablePlan) -> Iterator[Reference]:
    """Yield the references that are restored, in their order."""
    for index in urgency(table):
        key = table.foreign_keys[index]
        determined = all(
            table.column(name).treatment is ColumnTreatment.DETERMINED for name in key.columns
        )
        if determined or plan.table(key.referred).role is Role.SKIP:
            continue
        own = key.referred == table.name
        yield (SelfReference if own else _REFERENCES[key.treatment])(table, index)


Put: TypeAlias = "Callable[[str, pd.DataFrame], None]"
"""Takes a finished table by its name, which may be forgotten then."""


def prepare(plan: RefreshPlan, source: Tables, seed: int) -> Prepared:
    """Make the tables that the generator accepts, all in memory.

    Args:
        plan: what was decided.
        source: rows by table.
        seed: of the run.
    """
    frames: dict[str, pd.DataFrame] = {}
    kept: dict[str, pd.DataFrame] = {}
    read = Source(source)
    tables = prepare_each(plan, read, seed, frames.__setitem__, kept.__setitem__)
    return Prepared(tables, frames, kept)


def prepare_each(
    plan: RefreshPlan, source: Source, seed: int, put: Put, keep: Put
) -> tuple[PreparedTable, ...]:
    """Make the tables that the generator accepts one after another, holding one at a time.

    Args:
        plan: what was decided.
        source: what was read of it.
        seed: of the run.
        put: takes the rows of a table for the generator.
        keep: takes what `restore` needs.

    Returns:
        What the generator learns, parents first.
    """
    work = Preparation.of(plan, source, seed)
    measure_rules(work)
    keep_taken(work)
    prepared: dict[TableName, PreparedTable] = {}
    for rewrite, is_last in _with_ends(rewrites(plan)):
        rewrite.prepare(work)
        table = rewrite.table
        if is_last and table.role is not Role.REFERENCE:
            prepared[table.name] = _prepared_table(work, table)
            put(str(table.name), _prepared_frame(work, str(table.name)))
        for name in list(work.kept):
            keep(name, work.kept.pop(name))
    return tuple(prepared[table.name] for table in plan.tables if table.name in prepared)


def _with_ends(steps: Sequence[Rewrite]) -> Iterator[tuple[Rewrite, bool]]:
    """Yield rewrites, each with whether it is the last one of its table."""
    last = {rewrite.table.name: place for place, rewrite in enumerate(steps)}
    for place, rewrite in enumerate(steps):
        yield rewrite, last[rewrite.table.name] == place


def _prepared_table(work: Preparation, table: TablePlan) -> PreparedTable:
    name = str(table.name)
    return PreparedTable(
        name=name,
        key=ROW,
        columns=tuple(work.specs.get(name, ())),
        references=tuple(work.references.get(name, ())),
        size=table.size if len(work.source[name]) else 0,
    )


def outline(plan: RefreshPlan) -> tuple[PreparedTable, ...]:
    """Return the tables that `prepare` would make, without any rows.

    Args:
        plan: what was decided.
    """
    frames = {
        str(table.name): frame({c.name: pa.nulls(0, arrow_type(c.type)) for c in table.columns}, 0)
        for table in plan.tables
        if not table.is_entity
    }
    sizes = {str(table.name): table.size for table in plan.tables}
    return tuple(
        replace(table, size=sizes[table.name]) for table in prepare(plan, frames, 0).tables
    )


def _prepared_frame(work: Preparation, name: str) -> pd.DataFrame:
    rows = len(work.source[name])
    key: dict[str, Array] = {ROW: pa.array(np.arange(rows), pa.int64())}
    return frame({**key, **work.columns.pop(name)}, rows)


def restore(plan: RefreshPlan, synthetic: Tables, kept: Frames, seed: int) -> Restored:
    """Make rows of the original schema of what was generated, all in memory.

    Args:
        plan: the one that prepared.
        synthetic: the generator's tables, with the columns of the prepared ones.
        kept: of `prepare`.
        seed: of the run.
    """
    frames: dict[str, pd.DataFrame] = {}
    repairs = restore_each(plan, synthetic, kept, seed, frames.__setitem__)
    return Restored(frames, repairs)


def restore_each(
    plan: RefreshPlan, synthetic: Tables, kept: Frames, seed: int, put: Put
) -> tuple[Repair, ...]:
    """Make rows of the original schema one table after another, holding one and the keys of all.

    Tables that rules bind to each other are held together, until the rules are kept.

    Args:
        plan: the one that prepared.
        synthetic: the generator's tables, with the columns of the prepared ones.
        kept: of `prepare`.
        seed: of the run.
        put: takes the rows of a table.

    Returns:
        What had to be changed.
    """
    work = Restoration(plan, dict(synthetic), kept, seed)
    referred, groups = _referred(plan), rule_groups(plan)
    restored: set[TableName] = set()
    identifiers = source_identifiers(work)
    bring_to_size(plan, work)
    for rewrite, is_last in _with_ends(rewrites(plan)):
        rewrite.restore(work)
        table = rewrite.table
        if not is_last:
            continue
        restored.add(table.name)
        group = groups.get(table.name, frozenset({table.name}))
        if not group <= restored:
            continue
        members = [t for t in plan.tables if t.name in group and not t.is_entity]
        for member in members:
            scrub(work, member, identifiers)
        keep_rules(work, group)
        if sum(keep_checks(work, member) for member in members):
            keep_rules(work, group)
            for member in members:
                keep_checks(work, member)
        for member in members if table.name in groups else ():
            scrub(work, member, identifiers)
        for name in (member.name for member in members):
            put(str(name), _restored_frame(work, plan.table(name)))
            columns = work.columns[str(name)]
            work.columns[str(name)] = {c: columns[c] for c in referred[name]}
    return tuple(work.repairs)


def _referred(plan: RefreshPlan) -> Mapping[TableName, Collection[str]]:
    """Return the columns of each table that rows of other tables will take from it."""
    found: defaultdict[TableName, set[str]] = defaultdict(set)
    for table in plan.tables:
        for key in table.foreign_keys:
            found[key.referred].update((*key.referred_columns, *key.traits))
            found[key.referred].update(_repeated(table, key))
    return found


def _repeated(table: TablePlan, key: ForeignKeyPlan) -> Iterator[str]:
    """Yield the columns of the referenced row that made-up people repeat."""
    for column in made_up(table):
        provider = provider_of(column)
        if provider.link == key.columns and provider.source is not None:
            yield provider.source


def _restored_frame(work: Restoration, table: TablePlan) -> pd.DataFrame:
    """Return the restored columns in the source's order and types."""
    name = str(table.name)
    like = kept_types(work, name)
    stored = (c.name for c in table.columns if c.treatment is not ColumnTreatment.COMPUTED)
    columns = {c: cast(work.columns[name][c], array(like, c).type) for c in stored}
    return frame(columns, work.rows[name])


def kept_types(work: Restoration, name: str) -> pd.DataFrame:
    """Return a frame whose columns have the types of the source."""
    rows = work.kept.get(f"rows:{name}")
    return work.kept[f"types:{name}"] if rows is None else rows
