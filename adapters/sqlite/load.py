"""Staging for SQLite: a private copy of the file is filled, verified, and takes its place.

Imported by the SQLite connections only.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import Load
from schemasynth.errors import LoadError
from schemasynth.model import Schema, Table

from .._sql.connection import SqlRelations
from .._sql.tally import Tally
from .engine import counting, sqlite_engine
from .values import from_arrow

BUSY_SECONDS = 10.0
"""How long the switch waits for another connection's lock."""
STAGED_SUFFIX = ".schemasynth-staged"
"""Copies are called ``NAME.RUN.schemasynth-staged`` beside the target, so a rename is atomic."""
_PRIVATE = (
    "foreign_keys = OFF",
    "synchronous = OFF",
    "journal_mode = MEMORY",
    "locking_mode = EXCLUSIVE",
    "cache_size = -65536",  # in KiB: the upper pages of an index of some ten million keys
)
"""Pragmas of a copy that nobody else opens, and that is thrown away if anything fails."""
_INDEXES = """
    SELECT name, sql FROM sqlite_master
    WHERE type = 'index' AND sql IS NOT NULL AND lower(tbl_name) = lower(?) ORDER BY rowid
"""
_SIDE_FILES = ("-wal", "-shm", "-journal")


def leftovers(target: Path) -> list[Path]:
    """Return the copies beside a target, which no load holds any more.

    Raises:
        LoadError: one is held: a load is running.
    """
    found = [
        path
        for path in sorted(target.parent.glob("*"))
        if path.name.startswith(target.name + ".") and STAGED_SUFFIX in path.name
    ]
    if any(path.name.endswith(STAGED_SUFFIX) and _held(path) for path in found):
        raise LoadError(f"Another load into {target} is running; wait until it is done.")
    return found


def _held(copy: Path) -> bool:
    """Tell whether a connection has locked a copy, as a load does from its first write on."""
    try:
        uri = f"file:{quote(str(copy))}?mode=rw"
        with closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            return False
    except sqlite3.OperationalError as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
    except sqlite3.DatabaseError:
        return False  # a copy that was never finished


class SQLiteLoad(SqlRelations, Load):
    """A copy of the target in which tables are refilled."""

    def __init__(
        self,
        url: sa.URL,
        target: Path,
        schema: Schema,
        run_id: str,
        suspended: Callable[[], AbstractContextManager[None]],
        tally: Tally,
        *,
        resume: bool,
    ) -> None:
        """Copy the target and empty the tables of the load.

        Raises:
            LoadError: another load is running, or the file cannot be copied.

        Args:
            url: of the target, for messages.
            target: its file.
            schema: the tables that will be filled.
            run_id: names the copy.
            suspended: within it, the caller's own connection to the target is closed.
            tally: counts the statements sent to the copy.
            resume: a copy of that name may be there; it is written anew.
        """
        self.url, self.target, self.schema = url, target, schema
        self.staged = target.with_name(f"{target.name}.{run_id}{STAGED_SUFFIX}")
        self._suspended = suspended
        self._switched = False
        leftovers(target)
        self._file = _place_of(target)
        if resume:
            self._remove()
        try:
            self._old, self._version = _copy(target, self.staged)
        except (sqlite3.Error, OSError) as error:
            raise LoadError(f"{target} cannot be staged: {_kind(error)}.") from None
        try:
            engine = sqlite_engine(
                sa.URL.create("sqlite", database=str(self.staged)),
                connect_args={"factory": counting(tally)},
            )
            self.connection = engine.connect()
            self._empty_tables()
        except (sqlite3.Error, sa.exc.DBAPIError, OSError) as error:
            self._old.close()
            self._remove()
            raise LoadError(f"{target} cannot be staged: {_kind(error)}.") from None

    def _empty_tables(self) -> None:
        for pragma in _PRIVATE:
            self.connection.exec_driver_sql(f"PRAGMA {pragma}")
        self.connection.commit()
        self._triggers = [
            (name, sql)
            for name, sql in self.connection.exec_driver_sql(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            )
        ]
        quoted = self.dialect.identifier_preparer.quote_identifier
        for name, _ in self._triggers:
            self.connection.exec_driver_sql(f"DROP TRIGGER {quoted(name)}")
        for table in self.schema:
            self.connection.execute(sa.delete(self.relation(table)))
        self.connection.commit()

    def stage(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Insert the rows of a table; its indexes are built again over all of them."""
        stored = [column.name for column in table.columns if column.computed is None]
        names: list[str] | None = None
        statement = ""
        rows = 0
        try:
            self._driver.execute("BEGIN")
            indexes = self._drop_indexes(table)
            for batch in batches:
                if names is None:
                    names = [name for name in stored if name in batch.schema.names]
                    statement = self._insert(table, names)
                columns = [from_arrow(batch.column(name)) for name in names]
                self._driver.executemany(statement, zip(*columns, strict=True))
                rows += batch.num_rows
        except (sqlite3.Error, pa.ArrowException) as error:
            self._driver.rollback()
            raise LoadError(
                f"Table {table.name}: {_kind(error)} among rows {rows + 1:,} and after."
            ) from None
        try:
            for sql in indexes:
                self._driver.execute(sql)
            self._driver.commit()
        except sqlite3.Error as error:
            self._driver.rollback()
            raise LoadError(f"Table {table.name}: {_kind(error)}.") from None
        return rows

    @property
    def _driver(self) -> sqlite3.Connection:
        found = self.connection.connection.driver_connection
        assert isinstance(found, sqlite3.Connection)  # noqa: S101 for the type checker
        return found

    def _drop_indexes(self, table: Table) -> list[str]:
        """Drop the indexes that are not part of a constraint; return how to make them again."""
        found = self._driver.execute(_INDEXES, (table.name.name,)).fetchall()
        quoted = self.dialect.identifier_preparer.quote_identifier
        for name, _ in found:
            self._driver.execute(f"DROP INDEX {quoted(name)}")
        return [sql for _, sql in found]

    def _insert(self, table: Table, names: list[str]) -> str:
        relation = self.relation(table)
        insert = sa.insert(relation).values(
            {name: sa.bindparam(f"p{i}") for i, name in enumerate(names)}
        )
        return str(insert.compile(dialect=self.dialect))

    def switch(self) -> None:
        """Restore triggers and rename the copy over the target.

        AUTOINCREMENT needs no help: SQLite raises a table's sequence with each larger key.
        """
        try:
            for _, sql in self._triggers:
                self.connection.exec_driver_sql(sql)
            self.connection.commit()
            self.connection.close()
            with self._suspended():
                self._replace()
        except (sqlite3.Error, sa.exc.DBAPIError, OSError) as error:
            raise LoadError(f"{self.target} was not switched: {_kind(error)}.") from None

    def _replace(self) -> None:
        with _alone(self._old) as journal:
            changed = _data_version(self._old) != self._version
            if changed or _place_of(self.target) != self._file:
                raise LoadError(
                    f"{self.target} was not switched: another connection changed it while the "
                    "load ran, and its changes would be lost. Stop what writes to it and refresh "
                    "again."
                )
            if journal == "wal":
                _set_wal(self.staged)
            _sync(self.staged)
            shutil.copymode(self.target, self.staged)
            _copy_owner(self.target, self.staged)
            self.staged.replace(self.target)
            self._switched = True
            _sync(self.target.parent)
        self._old.close()

    def abort(self) -> None:
        """Remove the copy."""
        self.connection.close()
        self._old.close()
        if not self._switched:
            self._remove()

    def _remove(self) -> None:
        for suffix in ("", *_SIDE_FILES):
            Path(f"{self.staged}{suffix}").unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> tuple[sqlite3.Connection, int]:
    """Copy a database; return the connection to the source and its version as copied."""
    old = sqlite3.connect(
        f"file:{quote(str(source))}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None
    )
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        version = _data_version(old)
        with closing(sqlite3.connect(target)) as new:
            old.backup(new)
    except BaseException as error:
        old.close()
        if not isinstance(error, FileExistsError):
            target.unlink(missing_ok=True)
        raise
    return old, version


def _place_of(path: Path) -> tuple[int, int]:
    """Return device and inode: another file of the same name has others."""
    status = path.stat()
    return status.st_dev, status.st_ino


def _data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes when another connection commits."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


@contextmanager
def _alone(connection: sqlite3.Connection) -> Iterator[str]:
    """Lock a database against everybody; gives the journal mode it had.

    A log left beside the file would be replayed into the file that takes its place. So a WAL
    database leaves that mode first, which SQLite allows only where no other connection is open.
    """
    journal: str = connection.execute("PRAGMA journal_mode").fetchone()[0]
    if journal == "wal":
        connection.execute("PRAGMA journal_mode = DELETE")
    try:
        connection.execute("BEGIN EXCLUSIVE")
        yield journal
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if journal == "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        raise


def _set_wal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


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
