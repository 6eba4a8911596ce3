"""SQLite as a source and as a target.

Imported by the SQLite adapter only.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import (
    CHUNK_ROWS,
    DatabaseIdentity,
    Load,
    Need,
    Purpose,
    Reference,
    Selection,
    Session,
    SourceConnection,
    TargetConnection,
    TargetFacts,
    Trigger,
)
from schemasynth.model import Schema, Table, TableName

from .._sql.connection import SqlMarker, SqlRelations, reflecting
from .._sql.stream import part_of, stream
from .._sql.tally import Tally
from .load import SQLiteLoad, leftovers
from .reflect import reflect
from .values import contents_statements, fitting_type, read_contents, to_arrow

_TRIGGERS = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'trigger' ORDER BY name"


class _SQLiteConnection(SqlRelations):
    """What source and target share."""

    def __init__(self, url: sa.URL, path: Path, engine: sa.Engine) -> None:
        self.url, self.path = url, path
        self._engine = engine
        self.connection = engine.connect()

    def close(self) -> None:
        """Release the file."""
        self.connection.close()

    def reflect(self, selection: Selection = Selection()) -> Schema:  # noqa: B008
        """Read the catalogue."""
        with reflecting(self.url):
            return reflect(self.connection, selection)

    def names(self) -> tuple[str, ...]:
        """Return the path of the file itself, whatever links lead to it."""
        return (str(self.path),)

    def needs(
        self, schema: Schema, purpose: Purpose, role: str | None = None
    ) -> tuple[Need, ...] | None:
        """Return nothing: SQLite has no roles."""
        return ()

    def identity(self) -> DatabaseIdentity:
        """Return device and inode, which no spelling of the path changes."""
        status = self.path.stat()
        return DatabaseIdentity(("sqlite", str(status.st_dev), str(status.st_ino)))


class SQLiteSource(_SQLiteConnection, SourceConnection):
    """A file opened for reading."""

    def __init__(self, url: sa.URL, path: Path, engine: sa.Engine) -> None:
        """Open the file."""
        super().__init__(url, path, engine)
        self._types: dict[TableName, pa.Schema] = {}

    def arrow_schema(self, table: Table) -> pa.Schema:
        """Return the types that all values of each column fit, found in one scan."""
        if table.name not in self._types:
            relation = self.relation(table)
            rows = [self.select(s)[0] for s in contents_statements(table, relation)]
            found = read_contents(rows)
            self._types[table.name] = pa.schema(
                [
                    pa.field(column.name, fitting_type(column, contents))
                    for column, contents in zip(table.columns, found, strict=True)
                ]
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
        """Stream the rows."""
        try:
            yield from stream(
                self.connection,
                self.relation(table) if part is None else part,
                part_of(self.arrow_schema(table), columns),
                lambda values, field: to_arrow(values, field.type),
                limit=limit,
                chunk_rows=chunk_rows,
            )
        except sa.exc.DBAPIError as error:
            raise self.refused(error) from None

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read in one transaction; without WAL, writers wait until it ends."""
        driver = self.connection.connection.driver_connection
        assert driver is not None  # noqa: S101 for the type checker
        self.connection.rollback()
        driver.execute("BEGIN")
        try:
            yield
        finally:
            driver.rollback()

    def write_privileges(self) -> tuple[str, ...]:
        """Return nothing: the file is opened read-only, whatever its mode."""
        return ()


class SQLiteTarget(_SQLiteConnection, SqlMarker, TargetConnection):
    """A file that may be refreshed."""

    def __init__(self, url: sa.URL, path: Path, engine: sa.Engine, tally: Tally) -> None:
        """Open the file."""
        super().__init__(url, path, engine)
        self._tally = tally

    def statements(self) -> Mapping[str, int]:
        """Return how many statements of which class were sent, to staged copies as well."""
        return self._tally.take()

    def facts(self, schema: Schema) -> TargetFacts:
        """Return what a person should know before tables are replaced."""
        names = {table.name for table in schema}
        rows = self.connection.exec_driver_sql(_TRIGGERS).all()
        folded = {name.name.casefold() for name in names}
        facts = TargetFacts(
            needs=(),
            triggers=tuple(Trigger(t, f"trigger {n}") for n, t in rows if t.casefold() in folded),
            references=tuple(
                Reference(str(table.name), key.name or ", ".join(key.columns), str(key.referred))
                for table in self.reflect()
                if table.name not in names
                for key in table.foreign_keys
                if key.referred in names
            ),
            free_bytes=shutil.disk_usage(self.path.parent).free - self.path.stat().st_size,
            interrupted=tuple(path.name for path in leftovers(self.path)),
            types_bind=False,
        )
        self.connection.rollback()
        return replace(facts, sessions=self._others())

    def _others(self) -> tuple[Session, ...]:
        try:
            with closing(sqlite3.connect(self.path, timeout=0, isolation_level=None)) as probe:
                probe.execute("BEGIN EXCLUSIVE")
                probe.execute("ROLLBACK")
        except sqlite3.OperationalError:
            return (Session("another connection", self.path.name, "holds a lock"),)
        return ()

    def load(self, schema: Schema, run_id: str, *, resume: bool = False) -> Load:
        """Stage into a copy of the file; it is written without a journal, so never resumed."""
        self.connection.rollback()
        return SQLiteLoad(
            self.url, self.path, schema, run_id, self._suspended, self._tally, resume=resume
        )

    @contextmanager
    def _suspended(self) -> Iterator[None]:
        """Close the connection and open it anew: on the new file after a switch."""
        self.connection.close()
        try:
            yield
        finally:
            self.connection = self._engine.connect()

    def recover(self) -> Sequence[str]:
        """Remove copies that an interrupted load left beside the file."""
        done = []
        for path in leftovers(self.path):
            path.unlink(missing_ok=True)
            done.append(f"Removed {path.name}, left by an interrupted load.")
        return done
