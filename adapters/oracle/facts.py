"""What an Oracle target says about a load to come.

Imported by the Oracle connections only. Sessions and room on disks are in views of administrators.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

import sqlalchemy as sa

from schemasynth.adapter import Need, Reference, TargetFacts, Trigger

from . import catalog, journal
from .reflect import Place, rows_of


def facts(
    connection: sa.Connection, places: Collection[Place], needs: tuple[Need, ...] | None
) -> TargetFacts:
    """Return the facts.

    Args:
        connection: on the target.
        places: schema and name of the tables to be replaced.
        needs: privileges.
    """
    schemas = {schema for schema, _ in places}
    triggers = [
        Trigger(f"{schema}.{table}", f"trigger {name}")
        for schema, table, _, name, _, _, state, _ in rows_of(connection, catalog.TRIGGERS, schemas)
        if (schema, table) in places and state == "ENABLED"
    ]
    return TargetFacts(
        needs=needs,
        triggers=tuple(triggers),
        references=incoming(connection, places),
        interrupted=_interrupted(connection),
        blocked=True,
    )


def incoming(connection: sa.Connection, places: Collection[Place]) -> tuple[Reference, ...]:
    """Return the foreign keys of other tables into these that are checked.

    Args:
        connection: on the target.
        places: schema and name of these.
    """
    schemas = {schema for schema, _ in places}
    return tuple(
        Reference(f"{schema}.{table}", key, referred)
        for schema, table, key, there, referred in rows_of(connection, catalog.INCOMING, schemas)
        if (there, referred) in places and (schema, table) not in places
    )


def _interrupted(connection: sa.Connection) -> tuple[str, ...]:
    # Without privileges the journal cannot be read; then those are what is missing.
    with suppress(sa.exc.DBAPIError):
        return tuple(run_id for run_id, _, _ in journal.unfinished(connection))
    return ()
