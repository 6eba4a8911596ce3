"""PostgreSQL as a source and as a target.

Imported by the PostgreSQL adapter only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any, Literal

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import (
    CHUNK_ROWS,
    DatabaseIdentity,
    Load,
    Marker,
    Need,
    Purpose,
    PushDown,
    Selection,
    SourceConnection,
    TargetConnection,
    TargetFacts,
)
from schemasynth.errors import AdapterError, PrivilegeError
from schemasynth.model import Schema, Table, TableName
from schemasynth.settings import shown

from .._sql.connection import MARKER, SqlMarker, SqlRelations
from .._sql.fitting import fitting_schema
from .._sql.snapshot import OneReader, SqlSnapshot
from .._sql.tally import Tally
from . import catalog
from .errors import HIDDEN_ROWS, driver_error, end, reason, refusal
from .evidence import PostgreSQLPushDown
from .facts import facts
from .grants import Places, needs
from .load import PostgreSQLLoad, recover
from .names import quoted, relation
from .read import Data, batches, copied, export_select
from .refill import owners, places
from .reflect import reflect
from .values import fitting

NAMES_SHOWN = 3
"""Objects named in a line about a privilege; the others are counted."""


class _PostgreSQLConnection(SqlRelations):
    """What source and target share."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        self.url, self.engine = url, engine
        self.connection = engine.connect()
        session = self.connection.execute(catalog.SESSION).one()
        self.default_schema: str | None = session[0]
        self.database: str = session[1]
        self.role: str = session[2]
        self._inherited: set[tuple[str, str]] | None = None

    @property
    def driver(self) -> psycopg.Connection:
        """The driver's own connection."""
        found = self.connection.connection.driver_connection
        assert isinstance(found, psycopg.Connection)  # noqa: S101 for the type checker
        return found

    def close(self) -> None:
        """End the session."""
        end(self.connection)

    def reflect(self, selection: Selection = Selection()) -> Schema:  # noqa: B008
        """Read the catalogue."""
        self._inherited = None
        if self.default_schema is None and not selection.schemas:
            self._require_usage()
        return reflect(self.connection, selection, self.default_schema, self.database)

    def _require_usage(self) -> None:
        """Refuse a search path of which the role may use nothing that exists.

        Raises:
            PrivilegeError: names the GRANT.
        """
        for (schema,) in self.connection.execute(catalog.UNUSABLE):
            raise PrivilegeError(
                f"{shown(self.url)}: permission denied for schema {schema}. Needed: "
                f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {self.role};"
            )

    def relation(self, table: Table) -> sa.TableClause:
        """Return the table itself, without the rows of tables that inherit from it."""
        schema, name = self.place(table)
        if self._inherited is None:
            rows = self.connection.execute(catalog.INHERITED)
            self._inherited = {(row[0], row[1]) for row in rows}
        return relation(schema, name, table, only=(schema, name) in self._inherited)

    def place(self, table: Table) -> tuple[str, str]:
        """Return schema and name of a table."""
        return table.name.schema or self.default_schema or "", table.name.name

    def identity(self) -> DatabaseIdentity:
        """Return the cluster's system identifier and the database's oid.

        Where the role may not ask for the identifier: address, port and start of the server. A
        standby has the identity of its primary.
        """
        allowed = self.connection.execute(catalog.MAY_ASK_SYSTEM).scalar_one()
        row = self.connection.execute(catalog.SYSTEM if allowed else catalog.SERVER).one()
        return DatabaseIdentity(("postgresql", *(str(fact) for fact in row)))

    def names(self) -> tuple[str, ...]:
        """Return database, cluster, and the host and address that the driver reached."""
        info = self.driver.info
        (cluster,) = self.connection.execute(catalog.CLUSTER).one()
        return (self.database, cluster or "", info.host, info.hostaddr)

    def needs(
        self, schema: Schema, purpose: Purpose, role: str | None = None
    ) -> tuple[Need, ...] | None:
        """Return the GRANTs for a role, and those that the session's own role lacks."""
        where = [self.place(table) for table in schema]
        with self.driver.transaction(), self.driver.cursor() as cursor:
            cursor.execute(catalog.GRANTEE, {"role": role, "table": MARKER.name})
            name, quoted_name, marker = cursor.fetchone() or ("", "", None)
            oids = [place.oid for place in places(cursor, where).values()]
            found = Places(
                database=self.database,
                schemas=sorted({schema for schema, _ in where}),
                oids=oids,
                owners=owners(cursor, oids) if purpose is Purpose.TARGET else (),
                marker=marker,
                home=self.default_schema,
            )
            return needs(cursor, found, purpose, name, quoted_name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done within, or roll it back."""
        with self.driver.transaction():
            yield

    def refused(self, error: sa.exc.DBAPIError) -> AdapterError:
        """Return the error of a refused statement; a missing privilege names its GRANT."""
        return refusal(error, shown(self.url), self.role)

    def has_table(self, name: str) -> bool:
        """Tell whether the default schema has a table of that name."""
        return bool(self.connection.execute(catalog.MARKED, {"name": name}).all())


class PostgreSQLSource(OneReader, SqlSnapshot, _PostgreSQLConnection, SourceConnection):
    """A read-only session: one transaction, hence one snapshot, until it is closed."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        """Open the session; its first statement takes the snapshot."""
        super().__init__(url, engine)
        self._types: dict[TableName, pa.Schema] = {}

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT; if it fails, the snapshot stays."""
        self._idle()
        try:
            return self._rows(statement)
        except sa.exc.DBAPIError as error:
            raise self.refused(error) from None

    def _rows(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        with self.driver.transaction():
            return [tuple(row) for row in self.connection.execute(statement)]

    def arrow_schema(self, table: Table) -> pa.Schema:
        """Return the declared types; text for columns with a value that does not fit its own.

        One scan finds them, of a table with dates, times, intervals or exact numbers.
        """
        if table.name not in self._types:
            self._types[table.name] = self._fitting(table)
        return self._types[table.name]

    def _fitting(self, table: Table) -> pa.Schema:
        def ask(statement: sa.Select[Any]) -> tuple[Any, ...]:
            try:
                return self._rows(statement)[0]
            except sa.exc.DBAPIError as error:
                raise self._unreadable(table, error) from None

        return fitting_schema(table, self.relation(table), fitting, sa.func.bool_and, ask)

    def read(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        *,
        part: sa.FromClause | None = None,
        limit: int | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows through COPY; one table at a time."""
        names = list(table.column_names if columns is None else columns)
        self._idle()
        known = self.arrow_schema(table)
        schema = pa.schema([known.field(name) for name in names])
        relation = self.relation(table) if part is None else part
        lines = self.copied(table, export_select(table, relation, schema, limit), "csv")
        empty = True
        for batch in batches(lines, table, schema, chunk_rows):
            empty = False
            yield batch
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=schema)

    def copied(
        self, table: Table, select: sa.Select[Any], form: Literal["csv", "binary"]
    ) -> Iterator[Data]:
        """Export what a SELECT on one table returns, a message a row."""
        try:
            with self._reads(table), closing(copied(self.driver, select, form)) as lines:
                yield from lines
        except psycopg.Error as error:
            raise self._unreadable(table, error) from None

    def push_down(self) -> PushDown:
        """Return what computes here."""
        return PostgreSQLPushDown(self)

    def size(self, tables: Iterable[Table]) -> int:
        """Return the bytes of tables and their partitions, without indexes."""
        schemas, names = zip(*map(self.place, tables), strict=True)
        places = {"schemas": list(schemas), "names": list(names)}
        return int(self.connection.execute(catalog.SIZE, places).scalar_one())

    def _unreadable(self, table: Table, error: Exception) -> AdapterError:
        what = f"Table {table.name} cannot be read: {reason(error)}"
        if not isinstance(driver_error(error), psycopg.errors.InsufficientPrivilege):
            return AdapterError(f"{what}.")
        schema, name = self.place(table)
        cure = (
            f"ALTER ROLE {self.role} BYPASSRLS;"
            if HIDDEN_ROWS in what
            else f"GRANT USAGE ON SCHEMA {quoted(schema)} TO {self.role}; "
            f"GRANT SELECT ON TABLE {quoted(schema, name)} TO {self.role};"
        )
        return PrivilegeError(f"{what}. Needed: {cure}")

    def write_privileges(self) -> tuple[str, ...]:
        """Return one line per privilege, with the first of what it is held on."""
        held: dict[str, list[str]] = {}
        for privilege, name in self.connection.execute(catalog.WRITE_PRIVILEGES):
            held.setdefault(privilege, []).append(name)
        return tuple(f"{privilege} {_listed(names)}" for privilege, names in held.items())

    def _now(self) -> AbstractContextManager[SqlRelations]:
        return closing(_PostgreSQLConnection(self.url, self.engine))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    first = ", ".join(names[:NAMES_SHOWN])
    return f"{first} and {more} more" if more > 0 else first


class PostgreSQLTarget(_PostgreSQLConnection, SqlMarker, TargetConnection):
    """A session on a database that may be refreshed; each statement commits."""

    def __init__(self, url: sa.URL, engine: sa.Engine, tally: Tally) -> None:
        """Open the session."""
        super().__init__(url, engine)
        self._tally = tally

    def statements(self) -> Mapping[str, int]:
        """Return how many statements of which class were sent, by loads as well."""
        return self._tally.take()

    def write_marker(self, environment: str) -> Marker:
        """Mark the database as refreshable; keeps a marker that is there."""
        if self.default_schema is None:
            self._require_usage()
            raise AdapterError(f"{shown(self.url)}: no schema on the search_path exists.")
        return super().write_marker(environment)

    def refused(self, error: sa.exc.DBAPIError) -> AdapterError:
        """Return the error of a refused statement; a missing privilege names its GRANT."""
        found = driver_error(error)
        if isinstance(found, psycopg.errors.InsufficientPrivilege) and self.default_schema:
            schema = quoted(self.default_schema)
            if f"schema {self.default_schema}" in reason(error):
                return PrivilegeError(
                    f"{shown(self.url)}: {reason(error)}. Needed: "
                    f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {self.role};"
                )
            if MARKER.name in reason(error):
                return PrivilegeError(
                    f"{shown(self.url)}: {reason(error)}. Needed: GRANT SELECT, UPDATE ON TABLE "
                    f"{schema}.{quoted(MARKER.name)} TO {self.role};"
                )
        return super().refused(error)

    def facts(self, schema: Schema) -> TargetFacts:
        """Return what a person should know before tables are refilled."""
        where = [self.place(table) for table in schema]
        with self.driver.cursor() as cursor:
            oids = [place.oid for place in places(cursor, where).values()]
            return facts(cursor, oids, self.needs(schema, Purpose.TARGET), self.url.host)

    def load(self, schema: Schema, run_id: str, *, resume: bool = False) -> Load:
        """Stage into a schema of the run's own, on a session of its own."""
        self._inherited = None
        return PostgreSQLLoad(self, schema, run_id, resume=resume)

    def recover(self) -> Sequence[str]:
        """Drop what dead loads staged.

        Raises:
            LoadError: a load is running.
        """
        return recover(self)
