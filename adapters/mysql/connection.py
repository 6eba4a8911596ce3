"""MySQL as a source and as a target.

Imported by the MySQL adapter only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Any

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
from schemasynth.errors import AdapterError
from schemasynth.model import Schema, Table, TableName
from schemasynth.settings import shown

from .._sql.connection import OWN_PREFIX, SqlMarker, SqlRelations, end
from .._sql.fitting import fitting_schema
from .._sql.snapshot import OneReader, SqlSnapshot
from .._sql.tally import Tally
from . import catalog
from .errors import refusal
from .evidence import MySQLPushDown
from .facts import facts
from .grants import (
    TO_READ,
    TO_SEE,
    Wanted,
    account,
    acting,
    active_grants,
    needs,
    obtainable_grants,
    to_refresh,
    writes,
)
from .load import MySQLLoad, recover
from .names import Collation, relation
from .read import SNAPSHOT, export_select, released, stream, text_of
from .reflect import Place, Server, reflect
from .values import fitting

if TYPE_CHECKING:
    import pymysql


class MySQLConnection(SqlRelations):
    """What source and target share."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        """Open the session."""
        self.url, self.engine = url, engine
        self.connection = engine.connect()
        database, user, case, *session = self.connection.execute(catalog.SESSION).one()
        dialect = self.connection.dialect
        self.server = Server(
            mariadb=bool(getattr(dialect, "is_mariadb", False)),
            version=tuple(dialect.server_version_info or ()),
            fold=int(case) != 0,
            database=database,
        )
        self.account = account(user)
        self.session_id = int(session[0])
        self._address = (str(session[1]), str(session[2]))
        self._collations: Mapping[TableName, Mapping[str, Collation]] = {}

    @property
    def driver(self) -> pymysql.Connection:
        """The driver's own connection."""
        return self.connection.connection.driver_connection

    def close(self) -> None:
        """End the session."""
        end(self.connection)

    def reflect(self, selection: Selection = Selection()) -> Schema:  # noqa: B008
        """Read the catalogue."""
        found = reflect(self.connection, selection, self.server)
        self._collations = {**self._collations, **found.collations}
        return found.schema

    def relation(self, table: Table) -> sa.TableClause:
        """Return the table itself; its texts compare by their own collation."""
        return self.relation_in(table, table.name.schema, table.name.name)

    def relation_in(self, table: Table, schema: str | None, name: str) -> sa.TableClause:
        """Return a relation of another name with the columns of a table."""
        return relation(schema, name, table, self._collations.get(table.name, {}))

    def place(self, table: Table) -> Place:
        """Return schema and name of a table."""
        return table.name.schema or self.server.database or "", table.name.name

    def identity(self) -> DatabaseIdentity:
        """Return the server's own identifier and the database's name.

        Host and port as the server knows them where it has none; a replica has its own.
        """
        rows = self.connection.exec_driver_sql(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('server_uuid', 'server_uid')"
        ).all()
        server = (str(rows[0][1]),) if rows and rows[0][1] else self._address
        database = self.server.database or ""
        name = database.casefold() if self.server.fold else database
        return DatabaseIdentity(("mysql", *server, name))

    def names(self) -> tuple[str, ...]:
        """Return the database, and the host as the server and as the driver know it."""
        return (self._home, self._address[0], str(self.driver.host or ""))

    def needs(
        self, schema: Schema, purpose: Purpose, role: str | None = None
    ) -> tuple[Need, ...] | None:
        """Return the GRANTs for an account, and those that the session's own lacks.

        Args:
            schema: the tables.
            purpose: what is done with them.
            role: ``name`` or ``name@host``; by default the session's account.
        """
        to = self.account if role is None else account(role)
        places = [self.place(table) for table in schema]
        grants = active_grants(self.driver, mariadb=self.server.mariadb)
        if purpose is Purpose.SOURCE:
            return needs(grants, self._to_read(places), to)
        found = needs(grants, to_refresh({place[0] for place in places}, self._home), to)
        return found + acting(grants, self._definers(places), to, mariadb=self.server.mariadb)

    @property
    def _home(self) -> str:
        return self.server.database or ""

    def _to_read(self, places: Collection[Place]) -> Iterator[Wanted]:
        """Yield what reading needs: the whole of a schema of which all tables are read."""
        schemas = sorted({schema for schema, _ in places})
        rows = self.connection.execute(catalog.TABLES, {"schemas": schemas or [""]})
        there = {(row[0], row[1]) for row in rows if not row[1].startswith(OWN_PREFIX)}
        for schema in schemas:
            asked = {place for place in places if place[0] == schema}
            whole = {place for place in there if place[0] == schema} <= asked
            tables = sorted(table for _, table in asked)
            why = "rows are read, and the catalogue with checks and foreign keys"
            if whole:
                yield Wanted(TO_READ, schema, None, why, parts=tables, welcome=TO_SEE)
            else:
                yield from (Wanted(TO_READ, schema, table, "rows are read") for table in tables)
                yield Wanted((), schema, None, "shows checks and foreign keys", welcome=TO_SEE)

    def _definers(self, places: Collection[Place]) -> dict[str, str]:
        """Return for whom triggers of tables act, with the first trigger of each."""
        schemas = sorted({schema for schema, _ in places}) or [""]
        found: dict[str, str] = {}
        for schema, table, name, definer, *_ in self.connection.execute(
            catalog.TRIGGERS, {"schemas": schemas}
        ):
            if definer and (schema, table) in places:  # hidden without the privilege TRIGGER
                found.setdefault(account(definer), f"{name} on {schema}.{table}")
        return found

    def refused(self, error: sa.exc.DBAPIError) -> AdapterError:
        """Return the error of a refused statement; a missing privilege names its GRANT."""
        return refusal(error, f"{shown(self.url)} refused a query", self.account)

    def has_table(self, name: str) -> bool:
        """Tell whether the default schema has a table of that name."""
        return bool(self.connection.execute(catalog.TABLE_EXISTS, {"name": name}).all())


class MySQLSource(OneReader, SqlSnapshot, MySQLConnection, SourceConnection):
    """A read-only session: one transaction, hence one snapshot, until it is closed."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        """Open the session and take the snapshot."""
        super().__init__(url, engine)
        self._types: dict[TableName, pa.Schema] = {}
        with self.driver.cursor() as cursor:
            cursor.execute("ROLLBACK")
            for statement in SNAPSHOT:
                cursor.execute(statement)

    def reflect(self, selection: Selection = Selection()) -> Schema:  # noqa: B008
        """Read the catalogue."""
        self._idle()
        with released(self.driver):
            return super().reflect(selection)

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT; if it fails, the snapshot stays."""
        self._idle()
        with released(self.driver):
            return super().select(statement)

    def arrow_schema(self, table: Table) -> pa.Schema:
        """Return the declared types; text for columns with a value that does not fit its own.

        One scan finds them, of a table with dates, times, flags or large unsigned numbers.
        """
        if table.name not in self._types:
            place = self.relation(table)
            self._types[table.name] = fitting_schema(
                table, place, fitting, sa.func.min, lambda statement: self.select(statement)[0]
            )
        return self._types[table.name]

    def read(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        *,
        part: sa.FromClause | None = None,
        limit: int | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows through an unbuffered cursor; one table at a time."""
        names = list(table.column_names if columns is None else columns)
        self._idle()
        known = self.arrow_schema(table)
        schema = pa.schema([known.field(name) for name in names])
        relation = self.relation(table) if part is None else part
        yield from self.streamed(
            table, export_select(table, relation, schema, limit), schema, chunk_rows
        )

    def streamed(
        self, table: Table, select: sa.Select[Any], schema: pa.Schema, chunk_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Stream what a SELECT on one table returns, in the types of a schema."""
        statement = text_of(select, self.dialect)
        try:
            with self._reads(table), released(self.driver):
                yield from stream(self.driver, statement, table, schema, chunk_rows, self._cancel)
        except self.driver.Error as error:
            raise refusal(error, f"Table {table.name} cannot be read", self.account) from None

    def push_down(self) -> PushDown:
        """Return what computes here."""
        return MySQLPushDown(self)

    def size(self, tables: Iterable[Table]) -> int:
        """Return the bytes of tables without indexes, as the server estimates them."""
        places = {self.place(table) for table in tables}
        schemas = {"schemas": sorted({schema for schema, _ in places}) or [""]}
        return sum(
            int(size or 0)
            for schema, name, size in self.connection.execute(catalog.SIZES, schemas)
            if (schema, name) in places
        )

    def _cancel(self) -> None:
        """Stop the running statement from a second session; the snapshot stays."""
        with closing(MySQLConnection(self.url, self.engine)) as other, other.driver.cursor() as now:
            now.execute(f"KILL QUERY {self.session_id}")

    def write_privileges(self) -> tuple[str, ...]:
        """Return one line per privilege, with what it is held on; those of all roles count."""
        mariadb = self.server.mariadb
        with closing(MySQLConnection(self.url, self.engine)) as other:
            return writes(obtainable_grants(other.driver, mariadb=mariadb), self.server.database)

    def _now(self) -> AbstractContextManager[SqlRelations]:
        return closing(MySQLConnection(self.url, self.engine))


class MySQLTarget(MySQLConnection, SqlMarker, TargetConnection):
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
        if self.server.database is None:
            raise AdapterError(f"{shown(self.url)}: the URL names no database.")
        return super().write_marker(environment)

    def facts(self, schema: Schema) -> TargetFacts:
        """Return what a person should know before tables are replaced."""
        places = {self.place(table) for table in schema}
        needed = self.needs(schema, Purpose.TARGET)
        home = (self.url.host or "", self._home)
        return facts(self.connection, places, self.server.same, needed, home)

    def load(self, schema: Schema, run_id: str, *, resume: bool = False) -> Load:
        """Stage beside the tables, on a session of its own."""
        return MySQLLoad(self, schema, run_id, resume=resume)

    def recover(self) -> Sequence[str]:
        """Bring what an interrupted load left to wholly old or wholly new.

        Raises:
            LoadError: a load is running.
        """
        return recover(self)
