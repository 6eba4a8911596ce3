"""Which rows of a large source are read: subjects, all that belongs to them, what they refer to.

Builds SELECTs of SQLAlchemy Core from a plan; imports the adapter port and the plan. Reading runs
them, a few for each table, all of bounded result.

A table without a context is sampled by the place of its rows in the order of its key: the number
of a row, scattered by arithmetic that every database does alike, is below a limit or not. So equal
seeds choose equal rows, keys of any type serve, and no share of the table is preferred. A table
with a context follows its parent: all children of a chosen parent are chosen, none of another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

import sqlalchemy as sa

from schemasynth.adapter import SourceConnection
from schemasynth.arrays import generator
from schemasynth.graph.order import component_order
from schemasynth.model import Schema, TableName, TypeFamily
from schemasynth.plan.model import (
    ColumnTreatment,
    ForeignKeyPlan,
    RefreshPlan,
    Role,
    TablePlan,
)

DEFAULT_SAMPLE_ROWS = 1_000_000
"""Rows of the largest table of a subject that are read. The SDK's quality report compares 100,000
subjects at most (`qa_sample_size_heuristic`); a million rows are ten for each of them."""
MIN_SUBJECTS = 100
"""Subjects that are read whatever their number of descendants: with fewer the SDK measures no
accuracy, and hardly learns."""
MAX_LEVELS = 100
"""Generations of a hierarchy that are followed upwards; one that is deeper is read whole."""
PRIME = 2_147_483_647
"""Modulus of the scattered row numbers (2^31 - 1): products of two residues fit 64 bits."""
_NUMBER = "schemasynth_number"
_SORTED = frozenset(
    {
        TypeFamily.BOOLEAN,
        TypeFamily.DATE,
        TypeFamily.DATETIME,
        TypeFamily.DECIMAL,
        TypeFamily.FLOAT,
        TypeFamily.INTEGER,
        TypeFamily.TEXT,
        TypeFamily.UUID,
    }
)
"""Families of types by which every database can order rows."""
_NUMBERS = frozenset({TypeFamily.DECIMAL, TypeFamily.FLOAT, TypeFamily.INTEGER})
_MOMENTS = frozenset({TypeFamily.DATE, TypeFamily.DATETIME})
_TEXT_LENGTH = 4_000
"""Characters of keys compared as text where their types differ; Oracle's longest."""
Query: TypeAlias = "sa.Select[Any]"


def shares(plan: RefreshPlan, limit: int | None) -> dict[TableName, float]:
    """Return the share of each table's rows to be chosen; 1 for tables that are read whole.

    Args:
        plan: tables that are linked share the fraction of their subject.
        limit: about as many rows are chosen of the largest table of a subject; None chooses all.
    """
    trees: dict[TableName, list[TablePlan]] = {}
    for table in plan.tables:
        trees.setdefault(_subject(plan, table), []).append(table)
    result: dict[TableName, float] = {}
    for subject, members in trees.items():
        largest = max(table.rows for table in members)
        share = 1.0
        if limit is not None and largest > limit and plan.table(subject).role is not Role.REFERENCE:
            few = MIN_SUBJECTS / max(plan.table(subject).rows, 1)
            share = min(1.0, max(limit / largest, few))
        result |= {table.name: share for table in members}
    return result


def _subject(plan: RefreshPlan, table: TablePlan) -> TableName:
    while table.context is not None:
        table = plan.table(table.context.referred)
    return table.name


@dataclass(frozen=True, slots=True)
class _Relation:
    """A table or implicit entity in SQL, with the kinds of its columns."""

    clause: sa.FromClause
    families: Mapping[str, TypeFamily]
    row_key: tuple[str, ...]
    """Columns that identify a row; empty where none are known to."""


class Sample:
    """The rows of a source that are read, as SELECTs.

    Attributes:
        shares: the share of each table's rows that is chosen.
    """

    def __init__(
        self,
        plan: RefreshPlan,
        schema: Schema,
        source: SourceConnection,
        limit: int | None,
        seed: int,
    ) -> None:
        """Plan which rows to read.

        Args:
            plan: what was decided.
            schema: the source's tables.
            source: where they are; is asked only where tables refer to themselves or to each other.
            limit: as for `shares`.
            seed: equal seeds choose equal rows.
        """
        self.shares = shares(plan, limit)
        self._plan, self._schema, self._source, self._seed = plan, schema, source, seed
        self._names = count()
        self._relations = {
            t.name: self._entity(t) if t.is_entity else self._table(t)
            for t in plan.tables
            if t.role is not Role.SKIP
        }
        self._chosen: dict[TableName, sa.FromClause] = {}
        self._needed: dict[TableName, sa.FromClause] = {}
        self._whole: set[TableName] = set()
        self._follow_references()

    def chosen(self, table: TableName, columns: Sequence[str]) -> tuple[sa.FromClause, ...]:
        """Return relations that together hold the chosen rows of a table.

        Args:
            table: of the plan.
            columns: which columns.
        """
        selects = self._choose(self._plan.table(table), columns)
        return tuple(select.subquery() for select in selects)

    def needed(self, table: TableName, columns: Sequence[str]) -> sa.FromClause | None:
        """Return a relation that holds the other rows to which rows of the sample refer.

        Args:
            table: of the plan.
            columns: which columns.

        Returns:
            None for a table of which all rows are chosen, or to which nothing refers.
        """
        place = self._relations[table]
        if table in self._whole:
            return self._others(table, place.clause, columns).subquery()
        if table not in self._needed:
            return None
        keys = self._needed[table]
        on = self._same(place, place.clause, place.row_key, place, keys, place.row_key)
        return self._join(place, columns, keys, on).subquery()

    def _table(self, table: TablePlan) -> _Relation:
        found = self._schema.table(table.name)
        referred = (
            key.referred_columns
            for other in self._plan.tables
            for key in other.foreign_keys
            if key.referred == table.name
        )
        keys = (table.primary_key, *table.unique_keys, *referred)
        return _Relation(
            self._source.relation(found),
            {column.name: column.type.family for column in found.columns},
            next((key for key in keys if key), ()),
        )

    def _entity(self, entity: TablePlan) -> _Relation:
        """Return the distinct keys of all members, with the parent that one of them names."""
        members = [
            (table, key)
            for table in self._plan.tables
            for key in table.foreign_keys
            if key.to_entity and key.referred == entity.name
        ]
        families: dict[str, TypeFamily] = {}
        for place, name in enumerate(entity.primary_key):
            kinds = {
                self._schema.table(t.name).column(k.columns[place]).type.family for t, k in members
            }
            families[name] = _comparable(kinds)
        keys = sa.union(*(self._member_keys(entity, t, k, families, ()) for t, k in members))
        clause: sa.FromClause = keys.subquery()
        context = entity.context
        if context is None:
            return _Relation(clause, families, entity.primary_key)
        owner, key = next(
            (t, k) for t, k in members if all(_is_determined(t, name) for name in context.columns)
        )
        told = self._member_keys(entity, owner, key, families, context.columns).subquery()
        on = sa.and_(*(clause.c[name] == told.c[name] for name in entity.primary_key))
        both = sa.select(
            *(clause.c[name] for name in entity.primary_key),
            *(told.c[name] for name in context.columns),
        ).select_from(clause.outerjoin(told, on))
        found = self._schema.table(owner.name)
        families |= {name: found.column(name).type.family for name in context.columns}
        return _Relation(both.subquery(), families, entity.primary_key)

    def _member_keys(
        self,
        entity: TablePlan,
        member: TablePlan,
        key: ForeignKeyPlan,
        families: Mapping[str, TypeFamily],
        told: Sequence[str],
    ) -> Query:
        """Return the distinct keys that a member holds, with a value of columns they determine."""
        found = self._schema.table(member.name)
        relation = self._source.relation(found)
        columns = [
            _of_family(relation.c[here], found.column(here).type.family, families[name])
            for here, name in zip(key.columns, entity.primary_key, strict=True)
        ]
        labelled = [c.label(name) for c, name in zip(columns, entity.primary_key, strict=True)]
        values = [sa.func.min(relation.c[name]).label(name) for name in told]
        present = sa.and_(*(relation.c[here].is_not(None) for here in key.columns))
        return sa.select(*labelled, *values).where(present).group_by(*columns)

    def _choose(self, table: TablePlan, columns: Sequence[str]) -> list[Query]:
        """Return SELECTs of the chosen rows of a table or entity."""
        place = self._relations[table.name]
        context = table.context
        if self.shares[table.name] == 1:
            return [_picked(place.clause, columns)]
        if context is None:
            return [self._scattered(table, columns, None)]
        parent = self._relations[context.referred]
        chosen = self._links(context.referred)
        parents = sa.select(*(chosen.c[n] for n in context.referred_columns)).distinct().subquery()
        on = self._same(
            place, place.clause, context.columns, parent, parents, context.referred_columns
        )
        attached = self._join(place, columns, parents, on)
        everyone = parent.clause.alias()
        match = self._same(
            place, place.clause, context.columns, parent, everyone, context.referred_columns
        )
        lost = ~sa.exists(sa.select(sa.literal(1)).select_from(everyone).where(match))
        return [attached, self._scattered(table, columns, lost)]

    def _links(self, table: TableName) -> sa.FromClause:
        """Return the chosen rows of a table, with the columns by which tables hang together."""
        if self.shares[table] == 1:
            return self._relations[table].clause
        if table not in self._chosen:
            names = self._link_columns(table)
            selects = self._choose(self._plan.table(table), names)
            name = f"schemasynth_chosen_{next(self._names)}"
            self._chosen[table] = sa.union_all(*selects).cte(name)
        return self._chosen[table]

    def _link_columns(self, table: TableName) -> list[str]:
        planned = self._plan.table(table)
        names = {*self._relations[table].row_key}
        context = planned.context
        if planned.is_entity:
            names |= set(context.columns) if context else set()
        else:
            names |= {name for key in planned.foreign_keys for name in key.columns}
        for other in self._plan.tables:
            for key in other.foreign_keys:
                if key.referred == table:
                    names |= set(key.referred_columns)
        return sorted(names)

    def _scattered(
        self, table: TablePlan, columns: Sequence[str], only: sa.ColumnElement[bool] | None
    ) -> Query:
        """Return a SELECT of a share of the rows, by their number in the order of the key.

        A database of many machines has a number of the key itself, for which nothing is sorted.
        """
        place = self._relations[table.name]
        order = place.row_key or tuple(n for n, f in place.families.items() if f in _SORTED)
        by_key = bool(place.row_key) and only is None
        wanted = place.row_key if by_key else tuple(dict.fromkeys((*columns, *order)))
        key = [place.clause.c[name] for name in order]
        number = self._source.scattered(key)
        if number is None:
            number = sa.func.row_number().over(order_by=key)
        numbered = _picked(place.clause, wanted).add_columns(number.label(_NUMBER))
        if only is not None:
            numbered = numbered.where(only)
        inner = numbered.subquery()
        kept = self._scatter(inner.c[_NUMBER], table.name) < round(self.shares[table.name] * PRIME)
        if not by_key:
            return _picked(inner, columns).where(kept)
        keys = _picked(inner, wanted).where(kept).subquery()
        on = self._same(place, place.clause, wanted, place, keys, wanted)
        return self._join(place, columns, keys, on)

    @staticmethod
    def _join(
        place: _Relation, columns: Sequence[str], keys: sa.FromClause, on: sa.ColumnElement[bool]
    ) -> Query:
        joined = place.clause.join(keys, on)
        return sa.select(*(place.clause.c[name] for name in columns)).select_from(joined)

    def _scatter(self, number: Any, table: TableName) -> Any:
        """Return a row number's residue under a linear map that the seed decides.

        Neighbours land far apart and all residues are hit alike (a Weyl sequence), so every
        stretch of the key's order gives its share.
        """
        rng = generator(self._seed, "sample", str(table))
        factor, start = (int(n) for n in rng.integers(PRIME // 4, PRIME, 2))
        return ((number % PRIME) * factor + start) % PRIME

    def _same(
        self,
        left: _Relation,
        here: sa.FromClause,
        names: Sequence[str],
        right: _Relation,
        there: sa.FromClause,
        others: Sequence[str],
    ) -> sa.ColumnElement[bool]:
        """Return the condition that columns are equal, as text where their types differ."""
        pairs = []
        for name, other in zip(names, others, strict=True):
            a, b = left.families[name], right.families[other]
            common = a if a is b else TypeFamily.TEXT
            pairs.append(
                _of_family(here.c[name], a, common) == _of_family(there.c[other], b, common)
            )
        return sa.and_(*pairs)

    def _references(self, table: TablePlan) -> Iterator[tuple[ForeignKeyPlan, TableName]]:
        """Yield the foreign keys whose parents may not all be chosen."""
        for key in table.foreign_keys:
            parent = key.referred
            if not key.to_entity and parent in self._relations and self.shares[parent] < 1:
                yield key, parent

    def _follow_references(self) -> None:
        """Find what rows of the sample refer to, children first."""
        tables = [t for t in self._plan.tables if not t.is_entity and t.name in self._relations]
        parents = {t.name: [parent for _, parent in self._references(t)] for t in tables}
        for part in reversed(component_order(parents)):
            inner = any(parent in part for name in part for parent in parents[name])
            if inner:
                self._close(part)
            else:
                self._need(part)

    def _need(self, part: Sequence[TableName]) -> None:
        """Add one generation of needed rows to tables, of what the sample holds until now."""
        found = {name: self._level(name) for name in part if self.shares[name] < 1}
        self._needed |= {name: keys for name, keys in found.items() if keys is not None}

    def _close(self, part: Sequence[TableName]) -> None:
        """Follow references within a cycle of tables until no row is added."""
        before: list[int] = []
        for _ in range(MAX_LEVELS):
            self._need(part)
            now = [self._count(self._needed[name]) for name in part if name in self._needed]
            if now == before:
                return
            before = now
        self._whole |= {name for name in part if self.shares[name] < 1}

    def _count(self, keys: sa.FromClause) -> int:
        return int(self._source.select(sa.select(sa.func.count()).select_from(keys))[0][0])

    def _level(self, table: TableName) -> sa.FromClause | None:
        """Return the links of rows that are not chosen and that the sample refers to now."""
        place, columns = self._relations[table], self._link_columns(table)
        by_columns: dict[tuple[str, ...], list[tuple[TablePlan, ForeignKeyPlan]]] = {}
        for child in self._plan.tables:
            if child.is_entity or child.name not in self._relations:
                continue
            for key, parent in self._references(child):
                if parent == table:
                    by_columns.setdefault(key.referred_columns, []).append((child, key))
        if not by_columns:
            return None
        found: list[Query] = []
        for referred, holders in by_columns.items():
            common = {
                name: self._common(place.families[name], holders, at)
                for at, name in enumerate(referred)
            }
            selects = [s for child, key in holders for s in self._referred(child, key, common)]
            values = sa.union(*selects).subquery()
            on = sa.and_(
                *(
                    _of_family(place.clause.c[name], place.families[name], kind) == values.c[name]
                    for name, kind in common.items()
                )
            )
            joined = place.clause.join(values, on)
            found.append(sa.select(*(place.clause.c[n] for n in columns)).select_from(joined))
        rows = sa.union(*found).subquery()
        return self._others(table, rows, columns).cte(f"schemasynth_needed_{next(self._names)}")

    def _common(
        self, family: TypeFamily, holders: Sequence[tuple[TablePlan, ForeignKeyPlan]], at: int
    ) -> TypeFamily:
        """Return the family in which a referred column is compared with all that refer to it."""
        kinds = {self._relations[t.name].families[k.columns[at]] for t, k in holders}
        return _comparable({family, *kinds})

    def _referred(
        self, child: TablePlan, key: ForeignKeyPlan, common: Mapping[str, TypeFamily]
    ) -> list[Query]:
        """Return the values of a foreign key in the sample, under the names of the parent."""
        held = [self._links(child.name)]
        if child.name in self._needed:
            held.append(self._needed[child.name])
        families = self._relations[child.name].families
        pairs = list(zip(key.columns, common, strict=True))
        return [
            sa.select(*(_of_family(rows.c[a], families[a], common[b]).label(b) for a, b in pairs))
            .where(*(rows.c[a].is_not(None) for a, _ in pairs))
            .distinct()
            for rows in held
        ]

    def _others(self, table: TableName, rows: sa.FromClause, columns: Sequence[str]) -> Query:
        """Return those rows of a relation that are not among the chosen ones of a table."""
        place = self._relations[table]
        chosen = self._links(table)
        on = self._same(place, rows, place.row_key, place, chosen, place.row_key)
        missing = chosen.c[place.row_key[0]].is_(None)
        joined = rows.outerjoin(chosen, on)
        return sa.select(*(rows.c[name] for name in columns)).select_from(joined).where(missing)


def _picked(rows: sa.FromClause, columns: Sequence[str]) -> Query:
    return sa.select(*(rows.c[name] for name in columns)).select_from(rows)


def _is_determined(table: TablePlan, name: str) -> bool:
    return any(c.name == name and c.treatment is ColumnTreatment.DETERMINED for c in table.columns)


def _comparable(families: Collection[TypeFamily]) -> TypeFamily:
    """Return the family in which values of several can be compared: one of them, or text."""
    alike = any(set(families) <= kinds for kinds in (_NUMBERS, _MOMENTS))
    return min(families) if alike or len(set(families)) == 1 else TypeFamily.TEXT


def _of_family(value: Any, family: TypeFamily, wanted: TypeFamily) -> Any:
    """Return a value as text where it is compared with one of another type.

    Keys that are numbers are whole ones; 7.0 would not be equal to the text 7.
    """
    if wanted is not TypeFamily.TEXT or family is TypeFamily.TEXT:
        return value
    if family in _NUMBERS:
        value = sa.cast(value, sa.BigInteger)
    return sa.cast(value, sa.String(_TEXT_LENGTH))
