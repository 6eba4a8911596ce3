"""What a MySQL target says about a load to come.

Imported by the MySQL connections only.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

import sqlalchemy as sa

from schemasynth.adapter import Need, Reference, Session, TargetFacts, Trigger

from . import catalog, journal
from .reflect import Place

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def facts(
    connection: sa.Connection,
    places: Collection[Place],
    same: Callable[[str, str], bool],
    needs: tuple[Need, ...] | None,
    home: Place,
) -> TargetFacts:
    """Return the facts.

    Args:
        connection: on the target.
        places: schema and name of the tables to be replaced.
        same: tells whether two names mean the same there.
        needs: privileges.
        home: host of the URL, and its schema.
    """
    schemas = {"schemas": sorted({schema for schema, _ in places}) or [""]}
    triggers = {
        (schema, table, name): None
        for schema, table, name, *_ in connection.execute(catalog.TRIGGERS, schemas)
        if (schema, table) in places
    }
    host, database = home
    return TargetFacts(
        needs=needs,
        triggers=tuple(Trigger(f"{s}.{t}", f"trigger {name}") for s, t, name in triggers),
        references=incoming(connection, places, same),
        sessions=tuple(
            Session(f"{user}@{address}", schema, f"{command}, {state}" if state else command)
            for user, address, schema, command, state in connection.execute(
                catalog.SESSIONS, schemas
            )
        ),
        free_bytes=_free(connection, database) if host in _LOCAL else None,
        interrupted=_interrupted(connection),
        blocked=True,
    )


def incoming(
    connection: sa.Connection, places: Collection[Place], same: Callable[[str, str], bool]
) -> tuple[Reference, ...]:
    """Return the foreign keys of other tables into these.

    Args:
        connection: on the target.
        places: schema and name of these.
        same: tells whether two names mean the same there.
    """
    schemas = {"schemas": sorted({schema for schema, _ in places}) or [""]}
    return tuple(
        Reference(f"{schema}.{table}", key, referred)
        for schema, table, key, there, referred in connection.execute(catalog.INCOMING, schemas)
        if any(same(there, s) and same(referred, t) for s, t in places)
        and not any(same(schema, s) and same(table, t) for s, t in places)
    )


def _interrupted(connection: sa.Connection) -> tuple[str, ...]:
    driver = connection.connection.driver_connection
    # Without privileges the journal cannot be read; then those are what is missing.
    with suppress(driver.Error), driver.cursor() as cursor:  # type: ignore[union-attr]
        return tuple(run_id for run_id, _, _ in journal.unfinished(cursor))
    return ()


def _free(connection: sa.Connection, database: str) -> int | None:
    """Return the room on the server's disk, if the server runs on this machine."""
    folder = Path(str(connection.exec_driver_sql("SELECT @@datadir").scalar_one()))
    with suppress(OSError):
        if database and (folder / database).is_dir():
            return shutil.disk_usage(folder).free
    return None
