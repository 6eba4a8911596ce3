"""The PostgreSQL adapter: how sessions are opened, read-only for a source.

Imports the shared SQL base; found through the entry point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

from schemasynth.adapter import Adapter, Capabilities, SourceConnection, TargetConnection

from .._sql.connection import connecting, new_engine
from .._sql.guard import only_reads
from .._sql.tally import Tally
from .connection import PostgreSQLSource, PostgreSQLTarget
from .errors import let_in, tolerant
from .names import counting_cursor

DRIVER = "postgresql+psycopg"
APPLICATION = "schemasynth"
CONNECT_SECONDS = 15
"""How long a server may take to answer; the driver itself would wait for minutes."""
LOCK_SECONDS = 30
"""How long a statement waits for other sessions before it gives up with a clear error."""
_SESSION = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "row_security": "off",  # a policy that hides rows is an error, not a smaller table
}
"""Fixes how values are written, whatever the role's or the database's settings are."""


_READING = {
    "synchronize_seqscans": "off",  # the first rows are the table's first
    "work_mem": "64MB",  # counting the values of a table in memory; more is spilled to disk
    "jit": "off",  # compiling a statement of many columns takes longer than running it
}
"""Of a source's session only; any role may set them."""


class PostgreSQLAdapter(Adapter):
    """PostgreSQL 12 and later, through psycopg."""

    backend = "postgresql"
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
        session_read_only=True,
        atomic_switch="transaction",
        bulk_reflection=True,
        bulk_load=True,
        max_identifier_length=63,
    )

    def source(self, url: sa.URL) -> SourceConnection:
        """Open a session whose transactions are read-only, with one snapshot for its lifetime."""
        engine = _engine(
            url,
            {"default_transaction_read_only": "on", **_READING},
            isolation_level="REPEATABLE READ",
            postgresql_readonly=True,
        )
        only_reads(engine)
        with connecting(url, let_in):
            return PostgreSQLSource(url, engine)

    def target(self, url: sa.URL) -> TargetConnection:
        """Open a session on a database that may be refreshed."""
        engine, tally = _engine(url, {}, isolation_level="AUTOCOMMIT"), Tally()

        @sa.event.listens_for(engine, "connect")
        def count(connection: Any, _record: Any) -> None:
            connection.cursor_factory = counting_cursor(tally)

        with connecting(url, let_in):
            return PostgreSQLTarget(url, engine, tally)


def _engine(url: sa.URL, settings: Mapping[str, str], **execution: Any) -> sa.Engine:
    options = [str(url.query.get("options", ""))]
    options += [f"-c {name}={value}" for name, value in {**_SESSION, **settings}.items()]
    engine = new_engine(
        url.set(drivername=DRIVER),
        poolclass=sa.NullPool,
        use_native_hstore=False,
        execution_options=execution,
        connect_args={
            "options": " ".join(options).strip(),
            "application_name": APPLICATION,
            "client_encoding": "utf8",
            "connect_timeout": url.query.get("connect_timeout", CONNECT_SECONDS),
            "prepare_threshold": None,  # prepared statements do not survive a pooler
        },
    )

    @sa.event.listens_for(engine, "connect")
    def load_any_date(connection: Any, _record: Any) -> None:
        for name, loader in (
            ("date", DateLoader),
            ("timestamp", TimestampLoader),
            ("timestamptz", TimestamptzLoader),
        ):
            connection.adapters.register_loader(name, tolerant(loader))

    return engine
