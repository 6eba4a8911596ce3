"""What a PostgreSQL target says about a load to come.

Imported by the PostgreSQL connections only.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, TypeAlias

import psycopg

from schemasynth.adapter import Need, Reference, Session, TargetFacts, Trigger

from .load import leftovers
from .refill import firing, incoming

Cursor: TypeAlias = "psycopg.Cursor[Any]"

_SESSIONS = """
    SELECT DISTINCT COALESCE(a.usename::text, '?'), COALESCE(a.application_name, ''),
           n.nspname || '.' || c.relname, COALESCE(a.state, 'unknown')
    FROM pg_catalog.pg_locks l
    JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
    JOIN pg_catalog.pg_class c ON c.oid = l.relation
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE l.relation = ANY(%(oids)s::oid[]) AND l.pid <> pg_catalog.pg_backend_pid()
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    ORDER BY 3, 1, 2
"""
_SERVER = """
    SELECT pg_catalog.current_setting('data_directory'),
           extract(epoch FROM pg_catalog.pg_postmaster_start_time())::bigint
"""
_LOCAL = frozenset({None, "", "localhost", "127.0.0.1", "::1"})
_STARTED_LINE = 2
"""Line of ``postmaster.pid`` that holds when the server started, in seconds."""
_CLOCK_SECONDS = 2
"""How far that line and the server's own word may differ."""


def facts(
    cursor: Cursor, oids: list[int], needs: tuple[Need, ...] | None, host: str | None
) -> TargetFacts:
    """Return the facts.

    Args:
        cursor: on the target.
        oids: the tables to be refilled.
        needs: privileges.
        host: of the URL.
    """
    return TargetFacts(
        needs=needs,
        triggers=tuple(
            Trigger(f"{schema}.{table}", f"{kind.lower()} {name}")
            for schema, table, kind, name, _ in firing(cursor, oids)
        ),
        references=tuple(
            Reference(f"{schema}.{table}", key, referred)
            for schema, table, key, referred in incoming(cursor, oids)
        ),
        sessions=tuple(
            Session(f"{role} ({program})" if program else role, table, state)
            for role, program, table, state in cursor.execute(_SESSIONS, {"oids": oids})
        ),
        free_bytes=_free(cursor) if host in _LOCAL else None,
        interrupted=tuple(leftovers(cursor)),
    )


def _free(cursor: Cursor) -> int | None:
    """Return the room on the server's disk, if the server runs on this machine."""
    import shutil

    # Only few roles may ask where the server has its files.
    with suppress(psycopg.errors.InsufficientPrivilege, OSError, ValueError, IndexError):
        with cursor.connection.transaction():
            folder, started = cursor.execute(_SERVER).fetchone() or ("", 0)
        lines = (Path(folder) / "postmaster.pid").read_text("utf-8").splitlines()
        if abs(int(lines[_STARTED_LINE]) - int(started)) <= _CLOCK_SECONDS:
            return shutil.disk_usage(folder).free
    return None
