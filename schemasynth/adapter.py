"""The port to databases: what an adapter must do, and the registry that finds it by URL.

Imports the model and errors only; adapters, and all packages that read or write, import it.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, Self

from schemasynth.errors import AdapterError, AdapterNotFound, DriverMissing, PrivilegeError
from schemasynth.model import Schema, Table, TableName

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

ENTRY_POINT_GROUP = "schemasynth.adapters"
GENERIC = "generic"
CHUNK_ROWS = 50_000
"""Rows read or written at a time: about 50 MB of a wide table, large enough for bulk speed."""
VALUE_LENGTH = 101
"""Characters of a value that are compared: one more than any key's value has."""
STREAMED_BYTES = 1 << 30
"""Measured with PostgreSQL: moving a gigabyte costs about as much as the database's own work."""
UNION_LIMIT = 200
"""Selects joined by one UNION ALL; SQLite refuses more than 500."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a database and its adapter can do; the contract suite tests every claim.

    Attributes:
        schemas: tables live in named schemas.
        comments: tables and columns have comments.
        sequences: sequences exist as objects of their own.
        computed_columns: generated columns are reflected.
        identity_columns: identity or serial columns are reflected.
        checks: CHECK constraints are reflected.
        deferrable_foreign_keys: foreign keys can wait until commit.
        unvalidated_constraints: a constraint can stand although rows violate it.
        foreign_keys_enforced: when foreign keys are checked.
        session_read_only: the database itself refuses writes on a source connection.
        atomic_switch: how staged tables take the place of old ones at one moment.
        bulk_reflection: the catalogue is read in a fixed number of statements.
        bulk_load: rows are loaded by the database's bulk path.
        max_identifier_length: in bytes.
        quotes_in_names: a name may hold a double quote.
        keys: primary, unique and foreign keys and NOT NULL can be declared of any table.
        indexes: tables have indexes.
        quoted_table_names: tables can have any name, columns can in any case.
        constraint_names: constraints keep the names that they were given.
        text_lengths: the declared length of a text is kept.
        referential_actions: a foreign key can act when its parent changes.
        replaces_referenced: rows that others refer to can be replaced with those in one load.
    """

    schemas: bool
    comments: bool
    sequences: bool
    computed_columns: bool
    identity_columns: bool
    checks: bool
    deferrable_foreign_keys: bool
    unvalidated_constraints: bool
    foreign_keys_enforced: Literal["row", "statement", "commit", "never"]
    session_read_only: bool
    atomic_switch: Literal["file", "transaction", "rename", "none"]
    bulk_reflection: bool
    bulk_load: bool
    max_identifier_length: int
    quotes_in_names: bool = True
    keys: bool = True
    indexes: bool = True
    quoted_table_names: bool = True
    constraint_names: bool = True
    text_lengths: bool = True
    referential_actions: bool = True
    replaces_referenced: bool = True


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tables are meant.

    Attributes:
        schemas: named schemas; empty means the connection's default schema.
        include: glob patterns on the table's name or dotted name; empty means all.
        exclude: glob patterns to leave out; stronger than `include`.
    """

    schemas: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def selects(self, name: TableName) -> bool:
        """Tell whether the patterns let a table through."""
        included = not self.include or _matches(name, self.include)
        return included and not _matches(name, self.exclude)

    def means(self, name: TableName) -> bool:
        """Tell whether a table is among those asked for, as far as its name says."""
        schemas = (*self.schemas, None) if self.schemas else (name.schema,)
        return name.schema in schemas and self.selects(name)


def _matches(name: TableName, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.name, p) or fnmatchcase(str(name), p) for p in patterns)


@dataclass(frozen=True, slots=True)
class DatabaseIdentity:
    """Facts that tell one database from every other one; equal facts mean the same database."""

    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Marker:
    """The row by which a database says that it may be refreshed.

    Attributes:
        target_id: random, made by `target init`.
        environment: what people call the database.
        created_at: ISO 8601, UTC.
    """

    target_id: str
    environment: str
    created_at: str


class Purpose(enum.StrEnum):
    """What a role is for."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Need:
    """A privilege without which a role cannot do its work.

    Attributes:
        statement: gives it to a role that has nothing.
        missing: gives the session's own role what it lacks of it; empty if it lacks nothing.
        why: what it is for.
    """

    statement: str
    missing: str
    why: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger or a rule that inserting or deleting rows would set off.

    Attributes:
        table: dotted.
        name: its own.
    """

    table: str
    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of a table that stays, into one whose rows are replaced.

    Attributes:
        table: the referring one, dotted.
        name: the key's.
        referred: the referenced table.
    """

    table: str
    name: str
    referred: str


@dataclass(frozen=True, slots=True)
class Session:
    """Another session on the target.

    Attributes:
        who: role and program.
        where: the table it uses, dotted; the database where tables cannot be told.
        doing: its state.
    """

    who: str
    where: str
    doing: str


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What a target says about a load to come; nothing is judged here.

    Attributes:
        needs: privileges, those missing among them; None where that is not known.
        triggers: they stay silent during a refresh and are there again behind it.
        references: from tables that stay.
        sessions: others, which a switch must wait for.
        free_bytes: on the disk of the database; None if that cannot be told from here.
        interrupted: loads that were never finished, one name each.
        blocked: whether such a load must be recovered before another one can begin.
        types_bind: whether the declared type of a column limits its values.
    """

    needs: tuple[Need, ...] | None = None
    triggers: tuple[Trigger, ...] = ()
    references: tuple[Reference, ...] = ()
    sessions: tuple[Session, ...] = ()
    free_bytes: int | None = None
    interrupted: tuple[str, ...] = ()
    blocked: bool = False
    types_bind: bool = True


class Relations(Protocol):
    """Something that can be queried by table of the model: a source, a target or staged tables."""

    @property
    def dialect(self) -> sa.Dialect:
        """The SQLAlchemy dialect, for quoting and compiling."""

    def relation(self, table: Table) -> sa.TableClause:
        """Return the relation that holds the table's rows here, with the model's columns."""

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT and return its rows; for aggregates and samples, not for whole tables."""


class PushDown(Protocol):
    """What a database computes itself, so that its rows need not travel.

    Values are compared as canonical text: ``1``, ``1.0`` and ``'1'`` are equal, and a long text
    is cut to `VALUE_LENGTH` characters.

    Attributes:
        streamed_bytes: size of a database up to which moving its rows costs less than this.
    """

    streamed_bytes: float = STREAMED_BYTES

    def size(self, schema: Schema) -> int:
        """Return the bytes of tables, as the catalogue has them."""

    def value_counts(
        self, table: Table, codes: Sequence[int], worded: Collection[str], limit: int | None
    ) -> sa.Select[Any] | sa.CompoundSelect[Any]:
        """Return a SELECT of every value of every column, in one scan.

        Args:
            table: the table.
            codes: a number for each column.
            worded: columns that hold words, of which hashes suffice; their numbers and lengths
                may be NULL.
            limit: at most so many rows of the table.

        Returns:
            Columns ``code``, ``hash`` of the value (64 bits or NULL), ``number`` (the value as a
            double where it is a whole number, else NULL), ``length`` (characters), ``spaced``
            (1 where there is a space in it, else 0 or NULL), ``n`` (rows that hold the value).
        """

    def head(self, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream the first rows, every column as canonical text."""

    def hashes(
        self, table: Table, columns: Sequence[str], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        """Stream a hash of each value as ``uint64``, NULL where there is none."""


class Connection(AbstractContextManager["Connection"], Relations, ABC):
    """What source and target share: reflection, queries, identity."""

    url: sa.URL

    def __enter__(self) -> Self:
        """Return the open connection."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Release the connection; may be called twice."""

    @abstractmethod
    def reflect(self, selection: Selection = Selection()) -> Schema:
        """Read the catalogue in a fixed number of statements a schema.

        Args:
            selection: which tables.

        Returns:
            The schema with declared keys only, without row counts, without the tables of
            schemasynth itself.

        Raises:
            ReflectionError: the catalogue cannot be read, or a schema does not exist.
        """

    @abstractmethod
    def identity(self) -> DatabaseIdentity:
        """Return what tells this database from any other, whatever the URL's spelling."""

    def names(self) -> tuple[str, ...]:
        """Return what the database and its server call themselves, and where they are."""
        return ()

    @abstractmethod
    def marker(self) -> Marker | None:
        """Return the marker if this database carries one."""

    @abstractmethod
    def nonce(self) -> str | None:
        """Return the value last written by `TargetConnection.write_nonce`, if there is any."""

    def needs(
        self, schema: Schema, purpose: Purpose, role: str | None = None
    ) -> tuple[Need, ...] | None:
        """Return what a role must be allowed: no more than that, nothing that all roles may.

        Args:
            schema: the tables that are read or replaced, as reflected here.
            purpose: what is done with them.
            role: to whom the statements grant, as the database knows it; by default the
                session's own.

        Returns:
            Nothing where the database has no roles; None where the adapter does not know.
        """
        return None


class SourceConnection(Connection):
    """A read-only connection: has no method that writes, and refuses statements that would."""

    @abstractmethod
    def arrow_schema(self, table: Table) -> pa.Schema:
        """Return the schema of the batches that `read` yields.

        A column has `model.arrow_type` of its type, unless the values do not fit it: then text.
        """

    @abstractmethod
    def read(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        *,
        part: sa.FromClause | None = None,
        limit: int | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pa.RecordBatch]:
        """Stream a table.

        Args:
            table: the table.
            columns: which columns, in which order; all by default.
            part: a relation that holds some of the table's rows, with these columns, built of
                `relation(table)`; the table itself by default.
            limit: at most so many rows.
            chunk_rows: at most so many rows a batch.

        Returns:
            Batches of `arrow_schema`, restricted to `columns`; at least one, possibly empty.
        """

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads within see one state of the database, as far as it can.

        An adapter whose sessions are snapshots anyway need not do anything.
        """
        yield

    def scattered(self, key: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[int] | None:
        """Return a number of a row's key, alike for equal keys and spread evenly over 31 bits.

        Samples are chosen by it where numbering the rows would bring them all to one place.

        Args:
            key: columns that identify a row.

        Returns:
            None where rows are numbered in the order of their key.
        """
        return None

    def push_down(self) -> PushDown | None:
        """Return what computes in the database; None where only streaming serves."""
        return None

    @abstractmethod
    def write_privileges(self) -> tuple[str, ...]:
        """Return what this role could write, one line per privilege; empty if nothing."""


class Load(AbstractContextManager["Load"], Relations, ABC):
    """Tables staged beside those of the target; gone without trace unless switched."""

    def __enter__(self) -> Self:
        """Return the load."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what is staged and not switched."""
        self.abort()

    @abstractmethod
    def stage(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Load the rows of one table beside the target.

        Args:
            table: the target's table, with the target's types.
            batches: columns by name; computed columns are left out by the loader.

        Returns:
            The number of rows loaded.

        Raises:
            LoadError: the rows do not fit; names table and column, never a value.
        """

    def keep(self, table: Table, part: str, rows: int) -> None:
        """Note in the target that all rows of a table are staged, for a later process.

        An adapter whose staged rows do not survive this process does nothing.

        Args:
            table: staged just now.
            part: identifies the rows and the table they were staged for.
            rows: how many.
        """
        return

    def kept(self, table: Table, part: str) -> int | None:
        """Take over what an earlier process of the same run staged.

        Args:
            table: the target's table.
            part: as given to `keep`.

        Returns:
            The number of rows; None if they are not there, or are not those.
        """
        return None

    @abstractmethod
    def switch(self) -> None:
        """Put all staged tables in the place of the target's at one moment; sets sequences.

        Raises:
            LoadError: the database refused; the target is as it was.
        """

    @abstractmethod
    def abort(self) -> None:
        """Drop the staged tables; the target is as it was. Harmless after `switch`."""


class TargetConnection(Connection):
    """A connection that may refresh a marked database."""

    @abstractmethod
    def write_marker(self, environment: str) -> Marker:
        """Mark this database as refreshable; keeps a marker that is already there."""

    @abstractmethod
    def write_nonce(self, value: str) -> None:
        """Store a random value beside the marker, committed, for the probe through the source."""

    def build(self, steps: Callable[[sa.Connection], None]) -> None:
        """Run what builds a schema, and commit; roll back what fails, as far as that goes.

        Args:
            steps: gets the connection.

        Raises:
            AdapterError: the database refused a statement, or its adapter builds no schemas.
        """
        raise AdapterError(
            f"The adapter of {self.url.get_backend_name()} builds no schemas; create the tables "
            "with the database's own tools."
        )

    def statements(self) -> Mapping[str, int]:
        """Return how many statements of which class were sent since the last call.

        For the audit file. Classes are verbs with the kind of object, such as ``DROP INDEX``.
        """
        return {}

    def facts(self, schema: Schema) -> TargetFacts:
        """Return what a person should know before the rows of tables are replaced.

        Args:
            schema: these tables, as reflected from this target.
        """
        return TargetFacts(needs=self.needs(schema, Purpose.TARGET))

    @abstractmethod
    def load(self, schema: Schema, run_id: str, *, resume: bool = False) -> Load:
        """Open a load.

        Args:
            schema: the tables to be replaced, as reflected from this target; others stay.
            run_id: names what is staged.
            resume: leave what an earlier process staged under this name, for `Load.kept`.
        """

    @abstractmethod
    def recover(self) -> Sequence[str]:
        """Remove what an interrupted load left; returns what was done, one line each."""


class Adapter(ABC):
    """One kind of database."""

    backend: ClassVar[str]
    """SQLAlchemy's backend name, for example ``postgresql``."""
    capabilities: ClassVar[Capabilities]

    @abstractmethod
    def source(self, url: sa.URL) -> SourceConnection:
        """Open a read-only connection.

        Raises:
            AdapterError: the database cannot be reached; the message holds no password.
            DriverMissing: the driver is not installed.
        """

    @abstractmethod
    def target(self, url: sa.URL) -> TargetConnection:
        """Open a connection to a database that may be refreshed; raises as `source`."""


_registered: dict[str, type[Adapter]] = {}


def register(backend: str, adapter: type[Adapter]) -> None:
    """Register an adapter in this process; stronger than entry points.

    Args:
        backend: SQLAlchemy's backend name.
        adapter: its class.
    """
    _registered[backend] = adapter


def available() -> Mapping[str, EntryPoint]:
    """Return the entry points of installed adapters by backend name."""
    return {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}


def adapter_for(url: sa.URL) -> Adapter:
    """Return the adapter for a URL; `generic` where the database has none of its own.

    Args:
        url: a SQLAlchemy URL.

    Raises:
        AdapterNotFound: neither an adapter nor a SQLAlchemy dialect knows the backend.
        DriverMissing: the adapter is there, what it imports is not.
    """
    backend = url.get_backend_name()
    if backend in _registered:
        return _registered[backend]()
    points = available()
    point = points.get(backend) or points.get(GENERIC)
    if point is None:
        raise AdapterNotFound(
            f"No adapter for {backend!r}; installed: {', '.join(sorted(points)) or 'none'}."
        )
    try:
        adapter: type[Adapter] = point.load()
    except ModuleNotFoundError as error:
        raise DriverMissing(
            f"The adapter {point.name!r} needs the module {error.name!r}: "
            f"install it with `pip install 'schemasynth[{backend}]'`."
        ) from error
    return adapter()


def require_privileges(needs: Iterable[Need] | None, shown_url: str) -> None:
    """Refuse to begin what a role may not finish.

    Args:
        needs: from `Connection.needs`.
        shown_url: the database, for people.

    Raises:
        PrivilegeError: privileges are missing; names all of them.
    """
    missing = [need.missing for need in needs or () if need.missing]
    if missing:
        raise PrivilegeError(f"{shown_url}: the role lacks privileges. Needed: {' '.join(missing)}")


def count_rows(relations: Relations, schema: Schema) -> Schema:
    """Return the schema with exact row counts, counted in one statement per `UNION_LIMIT` tables.

    Args:
        relations: where the tables are.
        schema: the tables to count.
    """
    import sqlalchemy as sa

    counted: list[Table] = []
    for start in range(0, len(schema.tables), UNION_LIMIT):
        part = schema.tables[start : start + UNION_LIMIT]
        selects = [
            sa.select(sa.literal(i).label("i"), sa.func.count().label("n")).select_from(
                relations.relation(table)
            )
            for i, table in enumerate(part)
        ]
        counts = {int(i): int(n) for i, n in relations.select(sa.union_all(*selects))}
        counted += [replace(table, row_count=counts[i]) for i, table in enumerate(part)]
    return replace(schema, tables=tuple(counted))
