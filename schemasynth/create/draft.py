"""A schema drafted for another database: the operations that build it, and what they leave out.

Pure functions of the model; nothing is read, nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic.operations import ops
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.visitors import iterate

from schemasynth.create.dialects import Home, kind_of
from schemasynth.create.expressions import NotPortable, portable, portable_default
from schemasynth.create.keys import KeyRoom
from schemasynth.create.names import Names, unfit_names
from schemasynth.create.types import Typed, Written, WrittenNumber, arriving, common, held
from schemasynth.graph import load_order
from schemasynth.load.preflight import Finding, Place, Severity, Topic
from schemasynth.model import (
    Check,
    Column,
    ConstraintState,
    ForeignKey,
    Index,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
)
from schemasynth.model.types import bounds

if TYPE_CHECKING:
    import pyarrow as pa

LARGEST_NUMBER = 2**63 - 1
"""Of a BIGINT; MySQL's unsigned one holds twice as many."""
INDEX_PREFIX = 191
"""Characters of a long text that an index holds where it must be cut: 767 bytes of utf8mb4."""


@dataclass(frozen=True, slots=True)
class Values:
    """What is known of a source's values.

    Attributes:
        kinds: the Arrow types in which they come, by table.
        longest: characters of the longest text, by column.
    """

    kinds: Mapping[TableName, pa.Schema]
    longest: Mapping[Place, int]


UNKNOWN = Values({}, {})


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that is made, and how it is taken back where the database cannot do that."""

    does: ops.MigrateOperation
    undoes: ops.MigrateOperation


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be built.

    Attributes:
        steps: in the order in which they are possible.
        findings: refusals, then notes of what is left out or changed.
    """

    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]


def draft(
    schema: Schema, home: Home, values: Values = UNKNOWN, missing: Iterable[str] = ()
) -> Draft:
    """Draft a schema for a database.

    Args:
        schema: the source's.
        home: the database.
        values: of the source.
        missing: schemas that must be made first.
    """
    return _Drafting(schema, home, values).draft(missing)


def agreed(schema: Schema, values: Values, *, alike: bool = False) -> Schema:
    """Return the schema with the types that its values have, the same along foreign keys.

    Args:
        schema: the source's.
        values: of the source.
        alike: whether it stays in the same kind of database, which has all its types.
    """
    kinds: dict[Place, SqlType] = {
        (table.name, column.name): arriving(
            column,
            values.kinds[table.name].field(column.name).type
            if table.name in values.kinds
            else None,
            values.longest.get((table.name, column.name)),
        )
        for table in schema
        for column in table.columns
    }
    groups = linked(schema)
    for group in groups:
        kinds |= dict.fromkeys(group, common(kinds[place] for place in group))
    if not alike:
        kinds |= _counted(schema, groups, kinds)
    return schema.with_tables(
        replace(
            table,
            columns=tuple(replace(c, type=kinds[table.name, c.name]) for c in table.columns),
        )
        for table in schema
    )


def _counted(
    schema: Schema, groups: Iterable[Iterable[Place]], kinds: Mapping[Place, SqlType]
) -> dict[Place, SqlType]:
    """Return the types of unsigned counters and of what refers to them: none counts beyond."""
    counters = {(t.name, c.name) for t in schema for c in t.columns if c.identity is not None}
    found: dict[Place, SqlType] = {}
    for group in (*map(set, groups), *({place} for place in counters)):
        wide = [place for place in group if (bounds(kinds[place]) or (0, 0))[1] > LARGEST_NUMBER]
        if wide and group & counters and kinds[wide[0]].family is TypeFamily.INTEGER:
            found |= dict.fromkeys(group, SqlType("bigint", TypeFamily.INTEGER))
    return found


def linked(schema: Schema) -> list[list[Place]]:
    """Return the sets of columns that foreign keys compare with each other."""
    import networkx as nx

    graph: nx.Graph[Place] = nx.Graph()
    for table in schema:
        for key in table.foreign_keys:
            if key.referred in schema:
                for here, there in zip(key.columns, key.referred_columns, strict=True):
                    graph.add_edge((table.name, here), (key.referred, there))
    return [sorted(part) for part in nx.connected_components(graph)]


class _Drafting:
    """The draft of one schema; collects what is to be said of it."""

    def __init__(self, schema: Schema, home: Home, values: Values) -> None:
        self.declared, self.home, self.holds = schema, home, home.holds
        self.source = kind_of(schema.dialect)
        self.alike = self.source == home.holds.kind
        self.schema = agreed(schema, values, alike=self.alike)
        self.findings: list[Finding] = []
        self.names = Names(home, self.schema)
        self.metadata = sa.MetaData()
        self.tables: dict[TableName, sa.Table] = {}
        self.places: dict[TableName, int] = {}
        self.enums: dict[str, tuple[str, ...]] = {}
        self.types = self._types()
        groups = linked(self.schema)
        self.room = KeyRoom(self.schema, home.holds, self.types, groups, values.longest)
        self.types |= self.room.fitted
        for (table, column), typed in self.room.fitted.items():
            self._said(f"column {table}.{column}", typed.note)

    def draft(self, missing: Iterable[str]) -> Draft:
        for where, what in unfit_names(self.schema, self.home):
            self._refuse(Topic.NAME, where, what, "rename it, or leave it out with --exclude")
        if not any(finding.severity is Severity.REFUSED for finding in self.findings):
            return Draft(tuple(self._steps(missing)), self._sorted())
        return Draft((), self._sorted())

    def _sorted(self) -> tuple[Finding, ...]:
        order = list(Severity)
        return tuple(sorted(self.findings, key=lambda finding: order.index(finding.severity)))

    def _refuse(self, topic: Topic, where: str, found: str, cure: str) -> None:
        self.findings.append(Finding(Severity.REFUSED, topic, where, found, cure))

    def _note(self, where: str, found: str) -> None:
        self.findings.append(Finding(Severity.NOTE, Topic.DROPPED, where, found))

    def _types(self) -> dict[Place, Typed]:
        found: dict[Place, Typed] = {}
        for table in self.schema:
            for column in table.columns:
                typed = held(column.type, self.source, self.holds, self._enum(table, column))
                found[table.name, column.name] = typed
                self._tell_type(table, column, typed)
        return found

    def _tell_type(self, table: Table, column: Column, typed: Typed) -> None:
        where = f"column {table.name}.{column.name}"
        was = self.declared.table(table.name).column(column.name).type
        if typed.type is None:
            what = f"is {was.sql}, which has no home in {self.home.dialect}"
            cure = "leave the table out with --exclude, or change the column's type"
            self._refuse(Topic.TYPE, where, what, cure)
        elif column.type.family is not was.family:
            kind = was.sql or "without a type"
            self._said(where, f"is declared {kind}; its values or its key are {column.type.family}")
        elif typed.note:
            self._said(where, f"{was.sql} {typed.note}")

    def _said(self, where: str, found: str) -> None:
        self.findings.append(Finding(Severity.NOTE, Topic.TYPE, where, found))

    def _enum(self, table: Table, column: Column) -> str:
        """Return the name of a column's enumerated type, shared where the source shares it."""
        if not column.type.values or self.holds.enums != "type":
            return ""
        own = column.type.sql.rpartition(".")[2].strip('"')
        name = own if self.source == "postgresql" and own else f"{table.name.name}_{column.name}"
        name = self.names.shortened(name)
        if self.enums.setdefault(name, column.type.values) != column.type.values:
            name = self.names.shortened(f"{table.name.name}_{column.name}")
            self.enums[name] = column.type.values
        return name

    def _steps(self, missing: Iterable[str]) -> Iterator[Step]:
        for schema in missing:
            yield _executed(sa.schema.CreateSchema(schema), sa.schema.DropSchema(schema))
        for name, members in self.enums.items():
            kind = postgresql.ENUM(*members, name=name)
            yield _executed(postgresql.CreateEnumType(kind), postgresql.DropEnumType(kind))
        yield from self._sequences()
        parents = {t.name: [key.referred for key in t.foreign_keys] for t in self.schema}
        ordered = [self.schema.table(name) for name in load_order(parents)]
        self.places = {table.name: place for place, table in enumerate(ordered)}
        for table in ordered:
            self.tables[table.name] = self._table(table)
        keys = {table.name: self._foreign_keys(table) for table in ordered}
        for table in ordered:
            made = self.tables[table.name]
            if not self.holds.alters:
                for key in keys[table.name]:
                    made.append_constraint(key)
            yield _reversible(ops.CreateTableOp.from_table(made))
        for table in ordered:
            for index in self._indexes(table):
                yield _reversible(ops.CreateIndexOp.from_index(index))
        for table in ordered if self.holds.alters else ():
            for key in keys[table.name]:
                self.tables[table.name].append_constraint(key)
                yield _executed(sa.schema.AddConstraint(key), sa.schema.DropConstraint(key))

    def _sequences(self) -> Iterator[Step]:
        """Yield the sequences that no column owns; those of columns come with them."""
        for sequence in self.schema.sequences:
            if sequence.owner is not None:
                continue
            if not self.home.capabilities.sequences:
                self._note(f"sequence {sequence.name}", "is left out: there are no sequences")
                continue
            made = sa.Sequence(
                sequence.name,
                start=sequence.start,
                increment=sequence.increment,
                schema=sequence.schema,
            )
            yield _executed(sa.schema.CreateSequence(made), sa.schema.DropSequence(made))

    def _table(self, table: Table) -> sa.Table:
        left_out = {c.name for c in table.columns if self._is_lost(table, c)}
        for name in sorted(left_out):
            self._note(
                f"column {table.name}.{name}",
                "is left out: its expression is not one that other databases compute alike",
            )
        self.room.leave_out(table.name, left_out)
        columns = [self._column(table, c) for c in table.columns if c.name not in left_out]
        comment = table.comment if self.home.capabilities.comments else None
        if not self.home.capabilities.comments and (
            table.comment or any(c.comment for c in table.columns)
        ):
            self._note(f"table {table.name}", "loses its comments: there are none")
        options: dict[str, Any] = {}
        if self.holds.kind == "mysql":
            options[f"{self.home.dialect}_engine"] = "InnoDB"
            if self.home.collation:
                options[f"{self.home.dialect}_charset"] = "utf8mb4"
                options[f"{self.home.dialect}_collate"] = self.home.collation
        made: sa.Table = sa.Table(
            sa.quoted_name(table.name.name, quote=True),
            self.metadata,
            *columns,
            *self._keys(table),
            *self._checks(table),
            schema=sa.quoted_name(table.name.schema, quote=True) if table.name.schema else None,
            comment=comment,
            **options,
        )
        return made

    def _is_lost(self, table: Table, column: Column) -> bool:
        return column.computed is not None and self._computed(table, column) is None

    def _computed(self, table: Table, column: Column) -> sa.Computed | None:
        if column.computed is None:
            return None
        found = self._expression(column.computed.sql, table)
        if found is None:
            return None
        stored = column.computed.stored if self.alike else True
        return sa.Computed(found, persisted=stored)

    def _expression(self, sql: str, table: Table) -> Any:
        """Return the database's own text as it came, or what it says for any database."""
        if self.alike:
            return sa.literal_column(sql)
        try:
            found = portable(sql, table, self.holds.length)
        except NotPortable:
            return None
        counting = {column.name for column in table.columns if column.identity is not None}
        # Neither MySQL nor MariaDB lets an expression read a counter.
        return None if self.holds.counters == "key" and counting & _read(found) else found

    def _column(self, table: Table, column: Column) -> sa.Column[Any]:
        typed = self.types[table.name, column.name]
        counter = self._counter(table, column)
        items = [item for item in (counter, self._computed(table, column)) if item is not None]
        alone = self._counts(table, column) and counter is None
        return sa.Column(
            sa.quoted_name(column.name, quote=True),
            self._counting(table, column) or typed.type,
            *items,
            nullable=column.nullable and column.name not in _primary(table),
            server_default=self._default(table, column),
            autoincrement="auto" if counter is not None else alone,
            comment=column.comment if self.home.capabilities.comments else None,
        )

    def _counts(self, table: Table, column: Column) -> bool:
        """Tell whether a column counts by itself in the target, too."""
        if column.identity is None or column.type.family is not TypeFamily.INTEGER:
            return False
        match self.holds.counters:
            case "any":
                return True
            case "rowid":
                return _primary(table) == (column.name,)
            case "key":
                leads = any(key[0] == column.name for key in self.room.kept(table))
                first = next(c.name for c in table.columns if c.identity is not None)
                return leads and first == column.name
            case _:
                return False

    def _counting(self, table: Table, column: Column) -> Any:
        """Return the type that a counting column must have."""
        if self.holds.counters == "rowid" and self._counts(table, column):
            return sa.Integer()
        return None

    def _counter(self, table: Table, column: Column) -> sa.Identity | None:
        if column.identity is None:
            return None
        if not self._counts(table, column):
            what = "does not count by itself there; a refresh fills it"
            self._note(f"column {table.name}.{column.name}", what)
            return None
        if self.holds.counters != "any":
            return None
        given = column.identity
        return sa.Identity(always=given.always, start=given.start, increment=given.increment)

    def _default(self, table: Table, column: Column) -> Any:
        if column.default is None or column.identity or column.computed:
            return None
        if self.alike and self._is_kept(table, column):
            return sa.literal_column(column.default)
        try:
            return self._written(
                column, portable_default(column, column.default, precise=self.holds.precise_time)
            )
        except NotPortable:
            pass
        what = "loses its default, which other databases do not read alike"
        self._note(f"column {table.name}.{column.name}", what)
        return None

    def _is_kept(self, table: Table, column: Column) -> bool:
        """Tell whether a column has the very type that it has in the source."""
        typed = self.types[table.name, column.name]
        return bool(column.type.values) or isinstance(typed.type, Written | WrittenNumber)

    def _written(self, column: Column, default: Any) -> Any:
        """Return a default as the target takes it: MySQL wants that of a long text in brackets."""
        long = column.type.family in (TypeFamily.TEXT, TypeFamily.JSON) and not column.type.length
        if self.holds.kind == "mysql" and long and not column.type.values:
            return Grouping(default)
        return default

    def _keys(self, table: Table) -> Iterator[sa.Constraint]:
        for key in (table.primary_key, *table.unique_keys):
            if key is None:
                continue
            primary = key is table.primary_key
            where = f"{'primary' if primary else 'unique'} key {table.name}({_list(key.columns)})"
            reason = self.room.why_not(table, key.columns)
            if reason and primary:
                cure = "leave the table out with --exclude, or shorten the columns"
                self._refuse(Topic.NAME, where, f"cannot be held: {reason}", cure)
            elif reason:
                self._note(where, f"is left out: {reason}")
            else:
                self._claimed(where, key.state)
                made = sa.PrimaryKeyConstraint if primary else sa.UniqueConstraint
                waits = key.state.deferrable and self.holds.kind == "postgresql"
                yield made(
                    *key.columns,
                    name=self._named_index(table, key.name, where),
                    deferrable=waits or None,
                    initially="DEFERRED" if waits and key.state.initially_deferred else None,
                )

    def _claimed(self, where: str, state: ConstraintState) -> None:
        """Note a key that the source does not vouch for; new rows keep to it all the same."""
        if not (state.enforced and state.validated):
            self._note(where, "is a claim in the source; here it is enforced")

    def _named_index(self, table: Table, name: str | None, where: str) -> str | None:
        return self._named(name, self.names.of_index(table.name, name), where)

    def _named(self, wanted: str | None, found: str | None, where: str) -> str | None:
        if found != wanted:
            self._note(where, f"is named {found}, not {wanted}")
        return found

    def _checks(self, table: Table) -> Iterator[sa.CheckConstraint]:
        for check in table.checks:
            where = f"check {check.name or check.sql} of {table.name}"
            if _is_json(check, table):
                continue
            if not (check.state.enforced and check.state.validated):
                self._note(where, "is left out: rows of the source may violate it")
                continue
            found = self._condition(check, table)
            if found is None:
                self._note(where, "is left out: it is not one that other databases read alike")
                continue
            name = self._named(check.name, self.names.of_constraint(table.name, check.name), where)
            yield sa.CheckConstraint(found, name=name)
        for column in table.columns:
            members = self.types[table.name, column.name].members
            if members:
                place = sa.column(sa.quoted_name(column.name, quote=True), sa.String)
                yield sa.CheckConstraint(place.in_(members))

    def _condition(self, check: Check, table: Table) -> Any:
        lost = self.room.lost(table.name)
        kept = replace(table, columns=tuple(c for c in table.columns if c.name not in lost))
        return self._expression(check.sql, kept)

    def _indexes(self, table: Table) -> Iterator[sa.Index]:
        made, known = self.tables[table.name], {frozenset(k) for k in table.candidate_keys}
        for index in table.indexes:
            if index.unique and index.where is None and frozenset(index.columns) in known:
                continue
            where = f"index {index.name} of {table.name}"
            columns, reason = self._indexed(table, index)
            if reason:
                self._note(where, f"is left out: {reason}")
                continue
            options: dict[str, Any] = {}
            if index.where is not None:
                options[f"{self.home.dialect}_where"] = self._expression(index.where, table)
            if cut := self._cut(table, columns):
                options[f"{self.home.dialect}_length"] = cut
                self._note(where, f"holds the first {INDEX_PREFIX} characters of {_list(cut)}")
            name = self._named_index(table, index.name, where)
            yield sa.Index(name, *(made.c[c] for c in columns), unique=index.unique, **options)

    def _indexed(self, table: Table, index: Index) -> tuple[tuple[str, ...], str]:
        """Return the columns of an index, and why it cannot be held."""
        columns = tuple(column for column in index.columns if column is not None)
        if len(columns) < len(index.columns):
            return columns, "it is over an expression"
        if self.room.lost(table.name) & set(columns):
            return columns, "one of its columns is left out"
        if index.where is not None and not self.holds.partial_indexes:
            return columns, "it is over some rows only"
        if index.where is not None and self._expression(index.where, table) is None:
            return columns, "its condition is not one that other databases read alike"
        cut = self._cut(table, columns)
        if cut and index.unique:
            return columns, "a text in it has no limit"
        return columns, self.room.too_long(table, columns, INDEX_PREFIX)

    def _cut(self, table: Table, columns: Iterable[str]) -> dict[str, int]:
        """Return the columns of which an index holds the beginning only."""
        if self.holds.unbounded_keys:
            return {}
        return {c: INDEX_PREFIX for c in columns if self.room.is_unbounded((table.name, c))}

    def _foreign_keys(self, table: Table) -> list[sa.ForeignKeyConstraint]:
        made = (self._foreign_key(table, key) for key in table.foreign_keys)
        return [key for key in made if key is not None]

    def _foreign_key(self, table: Table, key: ForeignKey) -> sa.ForeignKeyConstraint | None:
        where = f"foreign key {table.name}({_list(key.columns)})"
        reason = self._unreferred(table, key)
        if reason:
            self._note(where, f"is left out: {reason}")
            return None
        self._claimed(where, key.state)
        parent = self.tables[key.referred]
        waits = key.state.deferrable and self.home.capabilities.deferrable_foreign_keys
        if key.state.deferrable and not waits:
            self._note(where, "is checked at once: there are no deferrable ones")
        return sa.ForeignKeyConstraint(
            list(key.columns),
            [parent.c[column] for column in key.referred_columns],
            name=self._named(key.name, self.names.of_foreign_key(table.name, key.name), where),
            ondelete=self._action(where, "ON DELETE", key.on_delete),
            onupdate=self._action(where, "ON UPDATE", key.on_update),
            deferrable=waits or None,
            initially="DEFERRED" if waits and key.state.initially_deferred else None,
        )

    def _unreferred(self, table: Table, key: ForeignKey) -> str:
        """Return why a foreign key cannot be held; nothing where it can."""
        if key.referred not in self.schema:
            return f"{key.referred} is not among the tables"
        later = self.places[key.referred] > self.places[table.name]
        if later and not self.holds.alters and not self.holds.forward:
            return "it closes a cycle, for which a key must be added to a table that is there"
        parent = self.schema.table(key.referred)
        held_keys = {frozenset(columns) for columns in self.room.kept(parent)}
        if frozenset(key.referred_columns) not in held_keys:
            return f"{key.referred}({_list(key.referred_columns)}) is no key there"
        return self.room.why_not(table, key.columns)

    def _action(self, where: str, clause: str, action: str | None) -> str | None:
        if action is None or action in self.holds.actions:
            return action
        self._note(where, f"loses {clause} {action}, which is not known there")
        return None


def _read(expression: Any) -> set[str]:
    """Return the columns that stand in an expression."""
    return {str(part.name) for part in iterate(expression) if isinstance(part, sa.ColumnClause)}


def _list(columns: Iterable[str]) -> str:
    return ", ".join(columns)


def _primary(table: Table) -> tuple[str, ...]:
    return table.primary_key.columns if table.primary_key else ()


def _is_json(check: Check, table: Table) -> bool:
    """Tell whether a check is the one that MariaDB makes of a JSON column by itself."""
    names = (c.name for c in table.columns if c.type.family is TypeFamily.JSON)
    return any(check.sql.lower() == f"json_valid(`{name.lower()}`)" for name in names)


def _reversible(operation: Any) -> Step:
    return Step(operation, operation.reverse())


def _executed(does: Any, undoes: Any) -> Step:
    return Step(ops.ExecuteSQLOp(does), ops.ExecuteSQLOp(undoes))
