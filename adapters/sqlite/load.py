"""Staging for SQLite: a private copy of the file is filled, verified, and takes its place.

Imported by the SQLite connections only.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import Load
from schemasynth.errors import LoadError
from schemasynth.model import Schema, Table

from .._sql.connection import SqlRelations, new_engine
from .values import from_arrow

STAGED_SUFFIX = ".schemasynth-staged"
"""Copies are called ``NAME.RUN.schemasynth-staged`` beside the target, so a rename is atomic."""
_SIDE_FILES = ("-wal", "-shm", "-journal")


def leftovers(target: Path) -> Iterator[Path]:
    """Yield the copies beside a target that no load holds any more."""
    for path in target.parent.glob("*"):
        if path.name.startswith(target.name + ".") and STAGED_SUFFIX in path.name:
            yield path


class SQLiteLoad(SqlRelations, Load):
    """A copy of the target in which tables are refilled."""

    def __init__(self, url: sa.URL, target: Path, schema: Schema, run_id: str) -> None:
        """Copy the target and empty the tables of the load."""
        self.url, self.target, self.schema = url, target, schema
        self.staged = target.with_name(f"{target.name}.{run_id}{STAGED_SUFFIX}")
        self._switched = False
        try:
            _copy(target, self.staged)
            engine = new_engine(
                sa.URL.create("sqlite", database=str(self.staged)), poolclass=sa.NullPool
            )
            self.connection = engine.connect()
            self._empty_tables()
        except (sqlite3.Error, sa.exc.DBAPIError, OSError) as error:
            self._remove()
            raise LoadError(f"{target} cannot be staged: {_kind(error)}.") from None

    def _empty_tables(self) -> None:
        for pragma in ("foreign_keys = OFF", "synchronous = OFF", "journal_mode = MEMORY"):
            self.connection.exec_driver_sql(f"PRAGMA {pragma}")
        self.connection.commit()
        self._triggers = [
            (name, sql)
            for name, sql in self.connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            )
        ]
        quote = self.dialect.identifier_preparer.quote_identifier
        for name, _ in self._triggers:
            self.connection.exec_driver_sql(f"DROP TRIGGER {quote(name)}")
        for table in self.schema:
            self.connection.execute(sa.delete(self.relation(table)))
        self.connection.commit()

    def stage(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Insert the rows of a table."""
        stored = [column.name for column in table.columns if column.computed is None]
        names: list[str] | None = None
        statement = ""
        rows = 0
        try:
            for batch in batches:
                if names is None:
                    names = [name for name in stored if name in batch.schema.names]
                    statement = self._insert(table, names)
                columns = [from_arrow(batch.column(name)) for name in names]
                self._execute(statement, list(zip(*columns, strict=True)))
                rows += batch.num_rows
            self.connection.commit()
        except (sa.exc.DBAPIError, pa.ArrowException) as error:
            raise LoadError(
                f"Table {table.name}: {_kind(error)} among rows {rows + 1:,} and after."
            ) from None
        return rows

    def _insert(self, table: Table, names: list[str]) -> str:
        relation = self.relation(table)
        insert = sa.insert(relation).values(
            {name: sa.bindparam(f"p{i}") for i, name in enumerate(names)}
        )
        return str(insert.compile(dialect=self.dialect))

    def _execute(self, statement: str, rows: list[tuple[object, ...]]) -> None:
        if rows:
            self.connection.exec_driver_sql(statement, rows)

    def switch(self) -> None:
        """Restore triggers, set sequences, and rename the copy over the target."""
        try:
            for _, sql in self._triggers:
                self.connection.exec_driver_sql(sql)
            self.connection.commit()
            self.connection.close()
            self._replace()
        except (sqlite3.Error, sa.exc.DBAPIError, OSError) as error:
            raise LoadError(f"{self.target} was not switched: {_kind(error)}.") from None
        self._switched = True

    def _replace(self) -> None:
        old = sqlite3.connect(self.target, timeout=10.0, isolation_level=None)
        try:
            journal = old.execute("PRAGMA journal_mode").fetchone()[0]
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            old.execute("BEGIN EXCLUSIVE")
            if journal == "wal":
                _set_wal(self.staged)
            _sync(self.staged)
            shutil.copymode(self.target, self.staged)
            _copy_owner(self.target, self.staged)
            self.staged.replace(self.target)
            _sync(self.target.parent)
        finally:
            old.close()

    def abort(self) -> None:
        """Remove the copy."""
        self.connection.close()
        if not self._switched:
            self._remove()

    def _remove(self) -> None:
        for suffix in ("", *_SIDE_FILES):
            Path(f"{self.staged}{suffix}").unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    old, new = sqlite3.connect(source), sqlite3.connect(target)
    try:
        old.backup(new)
    finally:
        old.close()
        new.close()


def _set_wal(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_owner(old: Path, new: Path) -> None:
    status = old.stat()
    if hasattr(os, "chown") and os.geteuid() == 0:
        os.chown(new, status.st_uid, status.st_gid)


def _kind(error: Exception) -> str:
    """Return what SQLite says; its messages name tables and columns, never values."""
    text = str(getattr(error, "orig", None) or error).strip().splitlines()
    return (
        text[0].rstrip(".")
        if isinstance(error, (sqlite3.Error, sa.exc.DBAPIError))
        else (type(error).__name__ if isinstance(error, pa.ArrowException) else str(error))
    )
