"""PostgreSQL as a source and as a target.

Imported by the PostgreSQL adapter only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import (
    CHUNK_ROWS,
    DatabaseIdentity,
    Load,
    Marker,
    Selection,
    SourceConnection,
    TargetConnection,
)
from schemasynth.errors import AdapterError
from schemasynth.model import Schema, Table, TableName, arrow_type

from .._sql.connection import SqlMarker, SqlRelations
from .load import PostgreSQLLoad, drop_leftovers
from .reflect import reflect
from .values import misfit, selected

NAMES_SHOWN = 3
"""Tables named in a line about a privilege; the others are counted."""
_MAY_IDENTIFY = sa.text(
    "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')"
)
_DATABASE = "(SELECT oid FROM pg_database WHERE datname = current_database())"
_BY_CLUSTER = sa.text(f"SELECT system_identifier::text, {_DATABASE}::text FROM pg_control_system()")  # noqa: S608
_BY_SERVER = sa.text(
    "SELECT coalesce(inet_server_addr()::text, ''), coalesce(inet_server_port()::text, ''), "
    f"pg_postmaster_start_time()::text, {_DATABASE}::text"
)
_PRIVILEGES = sa.text("""
WITH own AS (
  SELECT n.oid AS namespace, n.nspname FROM pg_namespace n
  WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT 'superuser', current_user::text, 1 FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL
SELECT 'CREATE on database', current_database()::text, 1
WHERE has_database_privilege(current_database(), 'CREATE')
UNION ALL
SELECT 'CREATE on schema', nspname::text, 1 FROM own WHERE has_schema_privilege(namespace, 'CREATE')
UNION ALL
SELECT p.privilege || ' on table', own.nspname || '.' || c.relname, 2
FROM own JOIN pg_class c ON c.relnamespace = own.namespace
  CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) p (privilege)
WHERE c.relkind IN ('r', 'p') AND has_schema_privilege(own.namespace, 'USAGE')
  AND CASE WHEN p.privilege IN ('INSERT', 'UPDATE')
    THEN has_any_column_privilege(c.oid, p.privilege)
    ELSE has_table_privilege(c.oid, p.privilege) END
ORDER BY 3, 1, 2
""")


class _PostgreSQLConnection(SqlRelations):
    """What source and target share."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        self.url, self.engine = url, engine
        self.connection = engine.connect()

    def close(self) -> None:
        """Release the session."""
        self.connection.close()

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT; after a refused one the session can be used again."""
        try:
            return super().select(statement)
        except AdapterError:
            self.connection.rollback()
            raise

    def reflect(self, selection: Selection = Selection()) -> Schema:  # noqa: B008
        """Read the catalogue."""
        return reflect(self.connection, selection)

    def identity(self) -> DatabaseIdentity:
        """Return cluster and database; without the right to ask, address and start time."""
        permitted = self.connection.execute(_MAY_IDENTIFY).scalar_one()
        facts = self.connection.execute(_BY_CLUSTER if permitted else _BY_SERVER).one()
        return DatabaseIdentity(("postgresql", *(str(fact) for fact in facts)))


class _Fresh(SqlRelations):
    """A connection of its own, whose snapshot is newer."""

    def __init__(self, url: sa.URL, connection: sa.Connection) -> None:
        self.url, self.connection = url, connection


class PostgreSQLSource(_PostgreSQLConnection, SourceConnection):
    """A session that only reads, in one snapshot."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        """Open the session."""
        super().__init__(url, engine)
        self._types: dict[TableName, pa.Schema] = {}

    @contextmanager
    def _fresh(self) -> Iterator[_Fresh]:
        with self.engine.connect() as connection:
            yield _Fresh(self.url, connection)

    def marker(self) -> Marker | None:
        """Return the marker as it is now, whatever the snapshot."""
        with self._fresh() as fresh:
            return fresh.marker()

    def nonce(self) -> str | None:
        """Return the nonce as it is now, whatever the snapshot."""
        with self._fresh() as fresh:
            return fresh.nonce()

    def arrow_schema(self, table: Table) -> pa.Schema:
        """Return the declared types, text for columns with values that do not fit them."""
        if table.name not in self._types:
            unfit = self._unfit(table)
            self._types[table.name] = pa.schema(
                [
                    pa.field(c.name, pa.string() if c.name in unfit else arrow_type(c.type))
                    for c in table.columns
                ]
            )
        return self._types[table.name]

    def _unfit(self, table: Table) -> set[str]:
        """Find the columns with a value that does not fit, in one scan, if any can have one."""
        relation = self.relation(table)
        doubts = {c.name: misfit(c, relation.c[c.name]) for c in table.columns}
        asked = {name: doubt for name, doubt in doubts.items() if doubt is not None}
        if not asked:
            return set()
        found = (sa.func.bool_or(doubt) for doubt in asked.values())
        row = self.select(sa.select(*found).select_from(relation))[0]
        return {name for name, unfit in zip(asked, row, strict=True) if unfit}

    def read(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        *,
        limit: int | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows through a server-side cursor."""
        names = list(table.column_names if columns is None else columns)
        known = self.arrow_schema(table)
        schema = pa.schema([known.field(name) for name in names])
        relation = self.relation(table)
        statement = sa.select(
            *(
                selected(table.column(f.name), relation.c[f.name], f.type).label(f"v{i}")
                for i, f in enumerate(schema)
            )
        ).select_from(relation)
        empty = True
        for rows in self._partitions(statement.limit(limit), chunk_rows):
            empty = False
            columns_of = zip(zip(*rows, strict=True), schema, strict=True)
            arrays = [pa.array(values, field.type) for values, field in columns_of]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=schema)

    def _partitions(self, statement: sa.Select[Any], size: int) -> Iterator[Sequence[sa.Row[Any]]]:
        streaming = {"stream_results": True, "max_row_buffer": size}
        try:
            with self.connection.execute(statement, execution_options=streaming) as result:
                yield from result.partitions(size)
        except sa.exc.DBAPIError as error:
            self.connection.rollback()
            raise self.refused(error) from None

    def write_privileges(self) -> tuple[str, ...]:
        """Return one line per privilege, with the first tables that it is held on."""
        held: dict[str, list[str]] = {}
        for privilege, name, _ in self.connection.execute(_PRIVILEGES):
            held.setdefault(privilege, []).append(name)
        return tuple(f"{privilege}: {_listed(names)}" for privilege, names in held.items())


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    shown = ", ".join(names[:NAMES_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


class PostgreSQLTarget(_PostgreSQLConnection, SqlMarker, TargetConnection):
    """A database that may be refreshed."""

    def load(self, schema: Schema, run_id: str) -> Load:
        """Stage into a schema of its own in the same database."""
        return PostgreSQLLoad(self.url, self.connection, schema, run_id)

    def recover(self) -> Sequence[str]:
        """Drop the staging schemas of refreshes that are no more."""
        return drop_leftovers(self.url, self.connection)
