"""Staging for PostgreSQL: a private schema is filled, verified, and copied over in one switch.

Imported by the PostgreSQL connections only.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

import psycopg
import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import Load, Purpose, require_privileges
from schemasynth.errors import LoadError, SafetyError
from schemasynth.model import Column, Schema, Table, TableName, TypeFamily
from schemasynth.settings import shown

from .._sql.ahead import ahead
from .._sql.connection import SqlRelations
from .._sql.wire import ColumnMisfit
from .errors import driver_lost, end, misfit, reason
from .names import (
    STAGE_COMMENT,
    STAGE_PREFIX,
    literal,
    quoted,
    relation,
    stage_name,
)
from .refill import Place, Refilling, incoming, places, refill
from .values import encode

if TYPE_CHECKING:
    from .connection import PostgreSQLTarget

ADVISORY_LOCK = 0x736368656D617379
"""One load a database at a time: the session lock that a load holds ("schemasy" in ASCII)."""
DEAD_SESSION_SECONDS = 3.0
"""How long a server may need to notice that the client of a load is gone."""
_LOCK = "SELECT pg_catalog.pg_try_advisory_lock(%s)"
_NOTED = """
    SELECT pg_catalog.obj_description(c.oid, 'pg_class') FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s
"""
_LEFTOVERS = """
    SELECT nspname FROM pg_catalog.pg_namespace
    WHERE starts_with(nspname, %s) AND pg_catalog.obj_description(oid, 'pg_namespace') = %s
    ORDER BY nspname
"""


def _acquired(driver: psycopg.Connection) -> bool:
    """Take the lock; a session whose client was killed keeps it until the server notices."""
    deadline = time.monotonic() + DEAD_SESSION_SECONDS
    while True:
        row = driver.execute(_LOCK, (ADVISORY_LOCK,)).fetchone()
        if row is not None and row[0]:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)


@contextmanager
def _locked(target: PostgreSQLTarget) -> Iterator[tuple[sa.Connection, psycopg.Connection]]:
    """Open a session that holds the lock; it is closed only if the block fails.

    Raises:
        LoadError: another load holds it.
    """
    connection = target.engine.connect()
    try:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)  # noqa: S101 for the type checker
        if not _acquired(driver):
            raise LoadError(
                f"Another load into {shown(target.url)} is running; wait until it is done."
            )
        yield connection, driver
    except BaseException:
        end(connection)
        raise


def recover(target: PostgreSQLTarget) -> tuple[str, ...]:
    """Drop what dead loads staged.

    Args:
        target: an open target.

    Returns:
        One line per schema dropped.

    Raises:
        LoadError: a load is running, or the server refused.
    """
    done = []
    with _locked(target) as (connection, driver):
        try:
            for name in leftovers(driver.cursor()):
                driver.execute(f"DROP SCHEMA {quoted(name)} CASCADE".encode())
                done.append(f"Dropped schema {name}, left by an interrupted load.")
        except psycopg.Error as error:
            raise LoadError(f"{shown(target.url)} cannot be recovered: {reason(error)}.") from None
        end(connection)
    return tuple(done)


def leftovers(cursor: psycopg.Cursor[Any]) -> list[str]:
    """Return the schemas of loads that were begun and not finished."""
    rows = cursor.execute(_LEFTOVERS, (STAGE_PREFIX, STAGE_COMMENT)).fetchall()
    return [name for (name,) in rows]


class PostgreSQLLoad(SqlRelations, Load):
    """Rows staged in a schema of their own, on a session that holds the target's lock."""

    def __init__(
        self, target: PostgreSQLTarget, schema: Schema, run_id: str, *, resume: bool
    ) -> None:
        """Take the lock, refuse what cannot work, create the schema.

        Raises:
            LoadError: another load is running, or a table is missing.
            PrivilegeError: the role lacks what the switch needs; names the GRANTs.
            SafetyError: tables that are not refilled reference some that are.
        """
        self.url, self.schema, self._target = target.url, schema, target
        self.stage_schema = stage_name(run_id)
        self._staged: dict[TableName, Refilling] = {}
        self._closed = False
        with _locked(target) as (self.connection, self._driver):
            try:
                self._places = self._preflight()
                if not (resume and self.stage_schema in leftovers(self._driver.cursor())):
                    self._create_stage()
            except psycopg.Error as error:
                raise LoadError(f"{shown(self.url)} cannot be staged: {reason(error)}.") from None

    def _create_stage(self) -> None:
        """Create the schema and its comment at once: by the comment a recovery knows it."""
        stage = self._stage()
        with self._driver.transaction():
            self._driver.execute(f"DROP SCHEMA IF EXISTS {stage} CASCADE".encode())
            self._driver.execute(f"CREATE SCHEMA {stage}".encode())
            self._driver.execute(f"COMMENT ON SCHEMA {stage} IS {literal(STAGE_COMMENT)}".encode())

    def _stage(self, *name: str) -> str:
        return quoted(self.stage_schema, *name)

    def _preflight(self) -> dict[TableName, Place]:
        where = {table.name: self._target.place(table) for table in self.schema}
        with self._driver.cursor() as cursor:
            found = places(cursor, list(where.values()))
            missing = [str(name) for name, place in where.items() if place not in found]
            if missing:
                raise LoadError(f"{shown(self.url)} has no table {', '.join(missing)}.")
            oids = [place.oid for place in found.values()]
            require_privileges(self._target.needs(self.schema, Purpose.TARGET), shown(self.url))
            referencing = incoming(cursor, oids)
        if referencing:
            keys = (f"{s}.{t} ({key} references {referred})" for s, t, key, referred in referencing)
            raise SafetyError(
                f"Tables that are not refreshed reference some that are: {'; '.join(keys)}. "
                "Refresh them too, or leave the referenced tables out."
            )
        return {name: found[place] for name, place in where.items()}

    def relation(self, table: Table) -> sa.TableClause:
        """Return the staged table; the target's own if none is staged."""
        if table.name not in self._staged:
            return self._target.relation(table)
        return relation(self.stage_schema, self._staged_name(table), table)

    def _staged_name(self, table: Table) -> str:
        return f"t{self._places[table.name].oid}"

    def stage(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Create an unlogged copy of the table's columns and fill it through COPY."""
        if table.name not in self._places:
            raise LoadError(f"Table {table.name} is not one of this load.")
        stored = [column for column in table.columns if column.computed is None]
        remaining = iter(batches)
        first = next(remaining, None)
        given = [c for c in stored if first is None or c.name in first.schema.names]
        if not given:
            raise LoadError(f"Table {table.name}: the rows have none of its columns.")
        staged = self._stage(self._staged_name(table))
        try:
            self._create(table, staged, [c for c in stored if c not in given])
            rows = self._copy(table, staged, given, first, remaining)
            self._driver.execute(f"ANALYZE {staged}".encode())
        except psycopg.Error as error:
            raise LoadError(f"Table {table.name}: {reason(error)}.") from None
        names = tuple(column.name for column in stored)
        self._staged[table.name] = Refilling(self._places[table.name], staged, names, rows)
        return rows

    def keep(self, table: Table, part: str, rows: int) -> None:
        """Note part and rows in the comment of the staged table."""
        staged = self._stage(self._staged_name(table))
        note = literal(f"{STAGE_COMMENT}: {rows} {part}")
        try:
            self._driver.execute(f"COMMENT ON TABLE {staged} IS {note}".encode())
        except psycopg.Error as error:
            raise LoadError(f"Table {table.name}: {reason(error)}.") from None

    def kept(self, table: Table, part: str) -> int | None:
        """Take over a staged table; rows are counted, for a crash of the server empties it."""
        name = self._staged_name(table)
        staged = self._stage(name)
        with self._driver.cursor() as cursor:
            cursor.execute(_NOTED, (self.stage_schema, name))
            noted = str((cursor.fetchone() or ("",))[0] or "").removeprefix(f"{STAGE_COMMENT}: ")
            rows, _, known = noted.partition(" ")
            if known != part or not rows.isdecimal():
                return None
            cursor.execute(f"SELECT count(*) FROM {staged}".encode())  # noqa: S608 quoted
            if (cursor.fetchone() or (0,))[0] != int(rows):
                return None
        names = tuple(column.name for column in table.columns if column.computed is None)
        place = self._places[table.name]
        self._staged[table.name] = Refilling(place, staged, names, int(rows))
        return int(rows)

    def _create(self, table: Table, staged: str, absent: list[Column]) -> None:
        """Create the staged table; columns that no row brings are filled as in the target.

        Their defaults apply, but numbers come from a sequence of the staged table, because an
        abandoned load must not move those of the target.
        """
        like = self._places[table.name].sql
        self._driver.execute(f"DROP TABLE IF EXISTS {staged}".encode())
        self._driver.execute(
            f"CREATE UNLOGGED TABLE {staged} "
            f"(LIKE {like} INCLUDING DEFAULTS INCLUDING GENERATED)".encode()
        )
        for column in absent:
            if column.identity and column.type.family is TypeFamily.INTEGER:
                name = quoted(column.name)
                self._driver.execute(
                    f"ALTER TABLE {staged} ALTER {name} DROP DEFAULT, ALTER {name} SET NOT NULL, "
                    f"ALTER {name} ADD GENERATED BY DEFAULT AS IDENTITY".encode()
                )

    def _copy(
        self,
        table: Table,
        staged: str,
        columns: list[Column],
        first: pa.RecordBatch | None,
        remaining: Iterator[pa.RecordBatch],
    ) -> int:
        names = [column.name for column in columns]
        into = f"COPY {staged} ({', '.join(map(quoted, names))}) FROM STDIN (FORMAT csv)"
        rows = 0
        batches = remaining if first is None else chain([first], remaining)
        try:
            with self._driver.cursor() as cursor, cursor.copy(into.encode()) as copy:
                for batch, block in ahead(batches, lambda batch: encode(batch, columns)):
                    copy.write(block)
                    rows += batch.num_rows
        except psycopg.Error as error:
            raise LoadError(f"Table {table.name}, {misfit(error, names)}.") from None
        except ColumnMisfit as error:
            raise LoadError(
                f"Table {table.name}, column {error.column}: {error.kind} on the way to "
                f"{table.column(error.column).type.sql}, after row {rows:,}."
            ) from None
        return rows

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT over staged and other tables."""
        try:
            return [tuple(row) for row in self.connection.execute(statement)]
        except sa.exc.DBAPIError as error:
            raise self._target.refused(error) from None

    def switch(self) -> None:
        """Refill all staged tables in one transaction; statistics follow after it."""
        refilled = False
        try:
            with self._driver.transaction(), self._driver.cursor() as cursor:
                refill(cursor, list(self._staged.values()))
                refilled = True
        except psycopg.errors.LockNotAvailable:
            raise LoadError(
                f"{shown(self.url)} was not switched: other sessions use its tables. Nothing was "
                "changed; end them and try again."
            ) from None
        except psycopg.Error as error:
            lost = refilled and driver_lost(error)
            raise LoadError(self._unswitched(error, lost=lost)) from None
        if self._staged:
            analysed = ", ".join(table.place.sql for table in self._staged.values())
            # The rows are committed; a server too busy for statistics makes them itself later.
            with suppress(psycopg.Error):
                self._driver.execute(f"ANALYZE {analysed}".encode())
        self.abort()

    def _unswitched(self, error: psycopg.Error, *, lost: bool) -> str:
        if lost:
            return (
                f"{shown(self.url)}: the session ended during the commit. The tables are wholly "
                "old or wholly new; look at them, and remove what is staged with `recover`."
            )
        table = f"table {error.diag.table_name}: " if error.diag.table_name else ""
        return f"{shown(self.url)} was not switched: {table}{reason(error)}. Nothing was changed."

    def abort(self) -> None:
        """Drop what is staged and end the session, and with it the lock."""
        if self._closed:
            return
        self._closed = True
        # A lost session cannot drop anything; `recover` does.
        with suppress(psycopg.Error):
            self._driver.execute(f"DROP SCHEMA IF EXISTS {self._stage()} CASCADE".encode())
        end(self.connection)
