"""The Oracle adapter: how sessions are opened, thin or thick, read-only for a source.

Imports the shared SQL base; found through the entry point.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schemasynth.adapter import Adapter, Capabilities, SourceConnection, TargetConnection
from schemasynth.errors import AdapterError, SettingsError
from schemasynth.settings import shown

from .._sql.connection import connecting, first_line, new_engine
from .._sql.tally import Tally
from . import catalog
from .connection import OracleSource, OracleTarget
from .dialect import DRIVER
from .errors import let_in, needs_thick
from .guard import guard

CONNECT_SECONDS = 15.0
"""How long a server may take to answer."""
LOCK_SECONDS = 30
"""How long a statement waits for other sessions; a definition's would not wait at all."""
_THICK = "thick"
_LIBRARIES = {"lib_dir": "lib_dir", "config_dir": "config_dir"}
"""What the client libraries of thick mode are told when they are loaded, once a process."""
_YES = frozenset({"1", "on", "true", "yes"})
_NO = frozenset({"", "0", "no", "false", "off"})


class OracleAdapter(Adapter):
    """Oracle Database 12.1 or later, through python-oracledb, thin or thick."""

    backend = "oracle"
    capabilities = Capabilities(
        schemas=True,
        comments=True,
        sequences=True,
        computed_columns=True,
        identity_columns=True,
        checks=True,
        deferrable_foreign_keys=True,
        unvalidated_constraints=True,
        foreign_keys_enforced="statement",
        session_read_only=False,  # a definition (DDL) ends a read-only transaction and runs
        atomic_switch="transaction",
        bulk_reflection=True,
        bulk_load=True,
        max_identifier_length=128,
        quotes_in_names=False,
    )

    def source(self, url: sa.URL) -> SourceConnection:
        """Open a session with one read-only transaction, hence one snapshot, for its lifetime."""
        engine = _engine(url)
        guard(engine)
        with connecting(url, _cure):
            return OracleSource(url, engine)

    def target(self, url: sa.URL) -> TargetConnection:
        """Open a session on a database that may be refreshed."""
        engine = _engine(url)
        tally = Tally()

        @sa.event.listens_for(engine, "connect")
        def wait_for_locks(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER SESSION SET DDL_LOCK_TIMEOUT = {LOCK_SECONDS}")

        @sa.event.listens_for(engine, "before_cursor_execute")
        def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            tally.count(statement)

        with connecting(url, _cure):
            return OracleTarget(url, engine, tally)


def _cure(error: Exception, url: sa.URL) -> str:
    """Return the GRANT that lets a user in; says so where the thin driver cannot talk at all."""
    if needs_thick(error):
        raise AdapterError(
            f"Cannot connect to {shown(url)}: {first_line(error, url)}. If the server needs what "
            "the thin driver lacks, such as native network encryption, install Oracle Instant "
            "Client and add ?thick=yes&lib_dir=FOLDER to the URL."
        ) from None
    return let_in(error, url)


def _engine(url: sa.URL) -> sa.Engine:
    plain, thick = split(url)
    options: dict[str, Any] = {"thick_mode": thick} if thick is not None else {}
    try:
        return new_engine(
            plain.set(drivername=DRIVER),
            poolclass=sa.NullPool,
            arraysize=catalog.FETCHED_ROWS,
            connect_args={"tcp_connect_timeout": CONNECT_SECONDS},
            **options,
        )
    except Exception as error:
        # The driver's own error, of which nothing is imported here before an engine is made.
        if thick is None or type(error).__module__.partition(".")[0] != "oracledb":
            raise
        raise AdapterError(
            f"Thick mode cannot be used: {first_line(error, url)}. Install Oracle Instant Client "
            "and name its folder: ?thick=yes&lib_dir=FOLDER."
        ) from None


def split(url: sa.URL) -> tuple[sa.URL, dict[str, str] | None]:
    """Take from a URL what the client libraries of thick mode are told.

    Args:
        url: as typed, for example ``oracle://user:password@host/?service_name=sales&thick=yes``.

    Returns:
        The URL as SQLAlchemy reads it, and the settings; None in thin mode.

    Raises:
        SettingsError: ``thick`` is neither yes nor no.
    """
    query = {name: str(value) for name, value in url.query.items()}
    wanted = query.pop(_THICK, "").casefold()
    if wanted not in _YES | _NO:
        raise SettingsError(f"thick={wanted} in the URL is neither yes nor no.")
    if wanted in _NO:
        return url.set(query=query), None
    thick = {option: query.pop(name) for name, option in _LIBRARIES.items() if name in query}
    return url.set(query=query), thick
