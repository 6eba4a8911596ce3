"""The relational model: a schema with its tables, columns and keys, as frozen values.

Knows nothing of databases, frames or files; may be imported by the whole package.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from schemasynth.errors import SettingsError
from schemasynth.model.types import SqlType

if TYPE_CHECKING:
    from schemasynth.model.rules import Rule

Evidence: TypeAlias = Mapping[str, float | int | str | bool | None]
"""Named figures that speak for or against a key."""


class Origin(enum.StrEnum):
    """Where a key comes from."""

    DECLARED = "declared"
    INFERRED = "inferred"
    OVERRIDE = "override"


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's name; `schema` is None in the connection's default schema."""

    name: str
    schema: str | None = None

    def __str__(self) -> str:
        """Return the dotted name, for people."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def __lt__(self, other: TableName) -> bool:
        """Order by schema, then name; the default schema first."""
        return (self.schema or "", self.name) < (other.schema or "", other.name)


@dataclass(frozen=True, slots=True)
class ConstraintState:
    """What the database says of a constraint; one not enforced or not validated is a claim."""

    enforced: bool = True
    validated: bool = True
    deferrable: bool = False
    initially_deferred: bool = False


@dataclass(frozen=True, slots=True)
class Identity:
    """A column filled by the database from a sequence (identity, serial, auto-increment)."""

    always: bool = False
    start: int | None = None
    increment: int | None = None
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """A column that the database computes from others."""

    sql: str
    stored: bool | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    type: SqlType
    nullable: bool = True
    default: str | None = None
    identity: Identity | None = None
    computed: Computed | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class PrimaryKey:
    """The primary key of a table."""

    columns: tuple[str, ...]
    name: str | None = None
    state: ConstraintState = ConstraintState()
    origin: Origin = Origin.DECLARED
    confidence: float = 1.0
    evidence: Evidence = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """A unique constraint, or a unique index over plain columns of the whole table."""

    columns: tuple[str, ...]
    name: str | None = None
    state: ConstraintState = ConstraintState()
    origin: Origin = Origin.DECLARED
    confidence: float = 1.0
    evidence: Evidence = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key of a table; `columns[i]` references `referred_columns[i]`."""

    columns: tuple[str, ...]
    referred: TableName
    referred_columns: tuple[str, ...]
    name: str | None = None
    on_delete: str | None = None
    on_update: str | None = None
    state: ConstraintState = ConstraintState()
    origin: Origin = Origin.DECLARED
    confidence: float = 1.0
    evidence: Evidence = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint in the database's own SQL."""

    sql: str
    name: str | None = None
    state: ConstraintState = ConstraintState()


@dataclass(frozen=True, slots=True)
class Index:
    """An index; `columns` holds None where an expression stands."""

    name: str | None
    columns: tuple[str | None, ...]
    unique: bool = False
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence; `owner` is the (table, column) that draws from it, if the database says so."""

    name: str
    schema: str | None = None
    start: int | None = None
    increment: int | None = None
    owner: tuple[TableName, str] | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its columns, keys and row count (None where not counted)."""

    name: TableName
    columns: tuple[Column, ...]
    primary_key: PrimaryKey | None = None
    unique_keys: tuple[UniqueKey, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    comment: str | None = None
    row_count: int | None = None

    def column(self, name: str) -> Column:
        """Return the column called `name`.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the columns, in the table's order."""
        return tuple(column.name for column in self.columns)

    @property
    def candidate_keys(self) -> tuple[tuple[str, ...], ...]:
        """The columns of the primary key, then of each unique key."""
        primary = (self.primary_key.columns,) if self.primary_key else ()
        return primary + tuple(key.columns for key in self.unique_keys)


@dataclass(frozen=True, slots=True)
class EntityMember:
    """A table that holds an implicit entity's key.

    Attributes:
        table: the table.
        columns: its columns that hold the key, in the entity's order.
        determined: further columns of it that the key determines.
    """

    table: TableName
    columns: tuple[str, ...]
    determined: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImplicitEntity:
    """A thing that several tables identify by the same columns and no table is the list of."""

    name: str
    columns: tuple[str, ...]
    members: tuple[EntityMember, ...]
    confidence: float = 1.0
    evidence: Evidence = field(default_factory=dict, hash=False)
    origin: Origin = Origin.INFERRED


@dataclass(frozen=True, slots=True)
class Question:
    """A decision that a person should confirm.

    Attributes:
        id: of the key it is about, by which it is accepted or rejected.
        text: the question, for people.
        if_accepted: what yes changes.
        if_rejected: what no changes.
        confidence: how likely yes is, 0 to 1.
    """

    id: str
    text: str
    if_accepted: str
    if_rejected: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a database, what was inferred of them, and what is still in doubt."""

    dialect: str
    name: str
    tables: tuple[Table, ...]
    sequences: tuple[Sequence, ...] = ()
    implicit_entities: tuple[ImplicitEntity, ...] = ()
    questions: tuple[Question, ...] = ()
    rules: tuple[Rule, ...] = ()
    _by_name: Mapping[TableName, Table] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the tables by name."""
        by_name = {table.name: table for table in reversed(self.tables)}
        object.__setattr__(self, "_by_name", by_name)

    def __iter__(self) -> Iterator[Table]:
        """Iterate over the tables."""
        return iter(self.tables)

    def __contains__(self, name: TableName) -> bool:
        """Tell whether a table of that name is here."""
        return name in self._by_name

    def table(self, name: TableName) -> Table:
        """Return the table called `name`.

        Raises:
            SettingsError: there is none.
        """
        if name not in self._by_name:
            raise SettingsError(f"Table {name} is not in schema {self.name}.")
        return self._by_name[name]

    def with_tables(self, tables: Iterable[Table]) -> Schema:
        """Return a copy in which `tables` stand for those of the same name."""
        by_name = {table.name: table for table in tables}
        return replace(self, tables=tuple(by_name.get(t.name, t) for t in self.tables))
