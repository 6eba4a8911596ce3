"""The MySQL adapter: how sessions are opened, read-only for a source.

Imports the shared SQL base; found through the entry points. The driver is imported when an engine
is made, so that its absence names the extra that brings it.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from schemasynth.adapter import Adapter, Capabilities, SourceConnection, TargetConnection

from .._sql.connection import connecting, new_engine
from .._sql.guard import MYSQL, only_reads
from .._sql.tally import Tally
from .connection import MySQLSource, MySQLTarget
from .errors import let_in
from .grants import ON_SCHEMA, TO_READ, TO_SEE

DRIVER = "mysql+pymysql"
CONNECT_SECONDS = 15
"""How long a server may take to answer."""
LOCK_SECONDS = 30
"""How long a statement waits for other sessions; the server's own default is a day."""
PAUSE_SECONDS = 3600
"""How long a reader may leave a stream alone; the server's own default is a minute."""
_MODE = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"
"""What does not fit is an error, 0 stays 0 in a counter, zero dates are kept as they are.

Whatever the server's own mode is, backslashes escape and double quotes enclose texts, as the
statement guard reads them.
"""


class MySQLAdapter(Adapter):
    """MariaDB 10.6 and MySQL 8.0 or later, through PyMySQL."""

    backend = "mysql"
    capabilities = Capabilities(
        schemas=True,
        comments=True,
        sequences=False,
        computed_columns=True,
        identity_columns=True,
        checks=True,
        deferrable_foreign_keys=False,
        unvalidated_constraints=True,
        foreign_keys_enforced="row",
        session_read_only=True,
        atomic_switch="rename",
        bulk_reflection=True,
        bulk_load=True,
        max_identifier_length=64,
    )

    def source(self, url: sa.URL) -> SourceConnection:
        """Open a session whose transactions are read-only, with one snapshot for its lifetime."""
        engine = _engine(url)
        only_reads(engine, MYSQL)

        @sa.event.listens_for(engine, "connect")
        def refuse_writes(connection: Any, _record: Any) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

        with connecting(url, let_in((*TO_READ, *TO_SEE))):
            return MySQLSource(url, engine)

    def target(self, url: sa.URL) -> TargetConnection:
        """Open a session on a database that may be refreshed."""
        engine = _engine(url, local_infile=True).execution_options(isolation_level="AUTOCOMMIT")
        tally = Tally()

        @sa.event.listens_for(engine, "connect")
        def count(connection: Any, _record: Any) -> None:
            send = connection.query

            def query(sql: Any, *arguments: Any, **options: Any) -> Any:
                tally.count(sql)
                return send(sql, *arguments, **options)

            connection.query = query

        with connecting(url, let_in(ON_SCHEMA)):
            return MySQLTarget(url, engine, tally)


def _engine(url: sa.URL, **options: Any) -> sa.Engine:
    # Set by the driver itself, because the dialect looks at the mode before any listener runs.
    session = (
        f"SET SESSION sql_mode = '{_MODE}', time_zone = '+00:00', "
        f"lock_wait_timeout = {LOCK_SECONDS}, innodb_lock_wait_timeout = {LOCK_SECONDS}, "
        f"net_write_timeout = {PAUSE_SECONDS}, net_read_timeout = {PAUSE_SECONDS}"
    )
    return new_engine(
        url.set(drivername=DRIVER, query=_plain_query(url)),
        poolclass=sa.NullPool,
        connect_args={
            "charset": "utf8mb4",
            "init_command": session,
            "connect_timeout": int(str(url.query.get("connect_timeout", CONNECT_SECONDS))),
            **options,
        },
    )


def _plain_query(url: sa.URL) -> dict[str, Any]:
    """Drop what this adapter decides itself."""
    own = {"charset", "init_command", "connect_timeout", "local_infile", "sql_mode"}
    return {name: value for name, value in url.query.items() if name not in own}
