"""Oracle as a source and as a target.

Imported by the Oracle adapter only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Any, cast

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

from .._sql.connection import MARKER, SqlMarker, SqlRelations, end
from .._sql.fitting import fitting_schema
from .._sql.snapshot import SqlSnapshot
from .._sql.tally import Tally
from . import catalog
from .errors import refusal
from .evidence import OraclePushDown
from .facts import facts
from .grants import held, needs, to_read, to_refresh, writes
from .guard import READ_ONLY
from .load import OracleLoad, recover
from .names import quoted, relation
from .read import export_select, stream, text_of
from .reflect import Place, Server, reflect, rows_of
from .values import fitting

if TYPE_CHECKING:
    import oracledb


class OracleConnection(SqlRelations):
    """What source and target share."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        """Open the session."""
        self.url, self.engine = url, engine
        self.connection = engine.connect()
        schema, user, *names = self.connection.execute(catalog.SESSION).one()
        found: Any = self.connection.dialect.server_version_info
        version: tuple[int, ...] = tuple(found or ())
        self.server = Server(schema, user, version)
        self._names = tuple(str(name or "") for name in names)

    @property
    def driver(self) -> oracledb.Connection:
        """The driver's own connection."""
        return cast("oracledb.Connection", self.connection.connection.driver_connection)

    def close(self) -> None:
        """End the session."""
        end(self.connection)

    def reflect(self, selection: Selection = Selection()) -> Schema:  # noqa: B008
        """Read the catalogue."""
        return reflect(self.connection, selection, self.server)

    def relation(self, table: Table) -> sa.TableClause:
        """Return the table itself."""
        schema, name = self.place(table)
        return relation(schema, name, table)

    def place(self, table: Table) -> Place:
        """Return schema and name of a table."""
        return table.name.schema or self.server.schema, table.name.name

    def identity(self) -> DatabaseIdentity:
        """Return the names of database and container, the schema, and when it was made.

        All nodes of a cluster have the same; a copy under another name, or a standby, has another.
        """
        made = self.connection.execute(catalog.CREATED, {"name": self.server.schema}).scalar()
        _, unique, domain, container, *_ = self._names
        return DatabaseIdentity(
            ("oracle", unique, domain, container, self.server.schema, str(made or ""))
        )

    def names(self) -> tuple[str, ...]:
        """Return the schema, what database, container and service are called, and the hosts."""
        return tuple(filter(None, (self.server.schema, *self._names, self.url.host)))

    def needs(
        self, schema: Schema, purpose: Purpose, role: str | None = None
    ) -> tuple[Need, ...] | None:
        """Return the GRANTs for a user, and those that the session's own lacks.

        Args:
            schema: the tables.
            purpose: what is done with them.
            role: as the dictionary spells it, or in small letters; by default the session's user.
        """
        to = self.server.user if role is None else role.upper()
        places = {self.place(table) for table in schema}
        having = held(self.connection, self.server)
        if purpose is Purpose.SOURCE:
            return needs(having, to_read(places), to)
        return needs(having, to_refresh(self.connection, schema, places, self.server), to)

    def refused(self, error: sa.exc.DBAPIError) -> AdapterError:
        """Return the error of a refused statement; a missing privilege says what to ask for."""
        return refusal(error, f"{shown(self.url)} refused a query", self.url, self.server.user)

    def has_table(self, name: str) -> bool:
        """Tell whether the session's schema has a table of that name."""
        return bool(self.connection.execute(catalog.TABLE_EXISTS, {"name": name}).all())


class _Witness(OracleConnection):
    """A session outside the snapshot that sees the markers of all schemas.

    A user who reads the tables of another would not find the marker in a schema of his own.
    """

    def _marker_row(self) -> tuple[str, str, str, str | None] | None:
        for owner in self.connection.execute(catalog.MARKERS, {"name": MARKER.name}).scalars():
            columns: list[sa.ColumnClause[Any]] = [sa.column(column.name) for column in MARKER.c]
            place = sa.table(MARKER.name, *columns, schema=owner)
            for row in self.select(sa.select(*place.c)):
                return row[0], row[1], row[2], row[3]
        return None


class OracleSource(SqlSnapshot, OracleConnection, SourceConnection):
    """A read-only session: one transaction, hence one snapshot, until it is closed."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        """Open the session and take the snapshot."""
        super().__init__(url, engine)
        self._types: dict[TableName, pa.Schema] = {}
        self.driver.rollback()
        with self.driver.cursor() as cursor:
            cursor.execute(READ_ONLY)

    def arrow_schema(self, table: Table) -> pa.Schema:
        """Return the declared types; text for columns with a value that does not fit its own.

        One scan finds them, of a table with moments, or numbers without declared digits.
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
        """Stream the rows; several tables may be read at a time."""
        names = list(table.column_names if columns is None else columns)
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
        import oracledb

        statement = text_of(select, self.dialect)
        try:
            yield from stream(self.driver, statement, table, schema, chunk_rows)
        except oracledb.Error as error:
            what = f"Table {table.name} cannot be read"
            raise refusal(error, what, self.url, self.server.user) from None

    def push_down(self) -> PushDown:
        """Return what computes here."""
        return OraclePushDown(self)

    def size(self, tables: Iterable[Table]) -> int:
        """Return the bytes of rows by the optimizer's statistics; 0 for tables without any."""
        places = {self.place(table) for table in tables}
        schemas = {schema for schema, _ in places}
        return sum(
            int(rows or 0) * int(length or 0)
            for schema, name, rows, length in rows_of(self.connection, catalog.SIZES, schemas)
            if (schema, name) in places
        )

    def write_privileges(self) -> tuple[str, ...]:
        """Return one line per privilege, with what it is held on; those of all roles count."""
        maintained = {row[0] for row in rows_of(self.connection, catalog.MAINTAINED)}
        owned = self.connection.execute(catalog.OWNED).scalar_one()
        return writes(held(self.connection, self.server), maintained, int(owned))

    def _now(self) -> AbstractContextManager[SqlRelations]:
        return closing(_Witness(self.url, self.engine))


class OracleTarget(OracleConnection, SqlMarker, TargetConnection):
    """A session on a database that may be refreshed."""

    def __init__(self, url: sa.URL, engine: sa.Engine, tally: Tally) -> None:
        """Open the session."""
        super().__init__(url, engine)
        self.tally = tally

    def statements(self) -> Mapping[str, int]:
        """Return how many statements of which class were sent, by loads as well."""
        return self.tally.take()

    def write_marker(self, environment: str) -> Marker:
        """Mark the schema as refreshable; keeps a marker that is there.

        Everybody may read it, so that a source in the same database sees it whatever its user.
        """
        made = super().write_marker(environment)
        try:
            self.connection.exec_driver_sql(f"GRANT READ ON {quoted(MARKER.name)} TO PUBLIC")
        except sa.exc.DBAPIError as error:
            raise self.refused(error) from None
        return made

    def facts(self, schema: Schema) -> TargetFacts:
        """Return what a person should know before tables are replaced."""
        places = {self.place(table) for table in schema}
        return facts(self.connection, places, self.needs(schema, Purpose.TARGET))

    def load(self, schema: Schema, run_id: str, *, resume: bool = False) -> Load:
        """Stage beside the tables, on a session of its own."""
        return OracleLoad(self, schema, run_id, resume=resume)

    def recover(self) -> Sequence[str]:
        """Bring what an interrupted load left to wholly old or wholly new.

        Raises:
            LoadError: a load is running.
        """
        return recover(self)
