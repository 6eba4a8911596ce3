"""The SQLite adapter: how files are opened, read-only for a source.

Imports the shared SQL base; found through the entry point.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from schemasynth.adapter import Adapter, Capabilities, SourceConnection, TargetConnection
from schemasynth.errors import AdapterError

from .._sql.connection import connecting
from .._sql.guard import READ_PRAGMAS, SETTING_PRAGMAS, only_reads
from .._sql.tally import Tally
from .connection import SQLiteSource, SQLiteTarget
from .engine import counting, sqlite_engine

BUSY_SECONDS = 10.0
"""How long a connection waits for another process's lock."""
_READ_ACTIONS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)
_WAL_VERSION_OFFSET = 18
"""Byte of the header that is 2 for a WAL database (sqlite.org/fileformat2.html, §1.3.3)."""
_WAL_VERSION = 2
_UNFINISHED = (
    "a transaction was left unfinished and must be rolled back first: open the file once with the "
    "program that writes it"
)


class SQLiteAdapter(Adapter):
    """SQLite files."""

    backend = "sqlite"
    capabilities = Capabilities(
        schemas=False,
        comments=False,
        sequences=False,
        computed_columns=True,
        identity_columns=True,
        checks=True,
        deferrable_foreign_keys=True,
        unvalidated_constraints=False,
        foreign_keys_enforced="statement",
        session_read_only=True,
        atomic_switch="file",
        bulk_reflection=True,
        bulk_load=True,
        max_identifier_length=1_000_000,
    )

    def source(self, url: sa.URL) -> SourceConnection:
        """Open a file for reading; SQLite puts beside one in WAL mode the files it locks by."""
        path = existing_file(url)
        engine = sqlite_engine(url, creator=_reader(path))
        only_reads(engine)
        with connecting(url):
            return SQLiteSource(url, path, engine)

    def target(self, url: sa.URL) -> TargetConnection:
        """Open a file that may be refreshed; it must exist."""
        path = existing_file(url)
        tally = Tally()
        engine = sqlite_engine(url, creator=_writer(path, tally))
        with connecting(url):
            return SQLiteTarget(url, path, engine, tally)


def existing_file(url: sa.URL) -> Path:
    """Return the file of a URL.

    Raises:
        AdapterError: there is none, or it is a database in memory.
    """
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise AdapterError("A SQLite database must be a plain file: sqlite:///path/to/file.sqlite.")
    path = Path(url.database)
    if not path.is_file():
        raise AdapterError(f"There is no file {path}.")
    return path.resolve()


def _uri(path: Path, mode: str) -> str:
    return f"file:{quote(str(path))}?{mode}"


def _reader(path: Path) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        try:
            return _checked(_uri(path, "mode=ro"))
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_READONLY:
                raise sqlite3.OperationalError(_UNFINISHED) from None
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CANTOPEN or not _resting_wal(path):
                raise
            return _checked(_uri(path, "mode=ro&immutable=1"))

    return connect


def _resting_wal(path: Path) -> bool:
    """Tell whether a WAL database has all its content in the file.

    In a folder that cannot be written SQLite cannot lock such a database, and nobody can change
    it: only then may locks be ignored. A lock held or a journal to be rolled back is no such case.
    """
    log = path.with_name(path.name + "-wal")
    with path.open("rb") as file:
        header = file.read(_WAL_VERSION_OFFSET + 1)
    resting = not log.exists() or log.stat().st_size == 0
    return header[_WAL_VERSION_OFFSET:] == bytes([_WAL_VERSION]) and resting


def _checked(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    connection.text_factory = _text
    connection.set_authorizer(_authorise)
    return connection


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _authorise(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action in _READ_ACTIONS:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA and first in READ_PRAGMAS:
        changes = first in SETTING_PRAGMAS and second is not None
        return sqlite3.SQLITE_DENY if changes else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_TRANSACTION:
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_UPDATE and first == "sqlite_master":
        # Asked when a pragma function is declared; a real update needs a pragma denied above.
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _writer(path: Path, tally: Tally) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            _uri(path, "mode=rw"), uri=True, timeout=BUSY_SECONDS, factory=counting(tally)
        )
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    return connect
