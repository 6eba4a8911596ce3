"""Databases carried into servers of other kinds: their schema built there, their rows loaded.

Imported by the tests of refreshes across databases.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from schemasynth import api
from schemasynth.adapter import adapter_for
from schemasynth.graph import load_order
from schemasynth.load import refresh_tables
from schemasynth.model import Schema
from schemasynth.settings import database_url
from schemasynth.verify import check_integrity, require


def carried(origin: str | Path, url: str) -> Schema:
    """Build the schema of a database in an empty one and load its rows as they are.

    Args:
        origin: URL or path of the database.
        url: of the empty one.

    Returns:
        The new schema, in load order.
    """
    api.create_target(str(origin), url)
    address, begin = database_url(url), database_url(str(origin))
    with adapter_for(begin).source(begin) as source, adapter_for(address).target(address) as target:
        before, after = source.reflect(), in_order(target.reflect())
        refresh_tables(
            target,
            after,
            {table.name: source.read(before.table(table.name)) for table in after},
            run_id="carried",
            verify=lambda staged: require(check_integrity(staged, after)),
        )
    return after


def in_order(schema: Schema) -> Schema:
    """Return the schema with parents first."""
    parents = {table.name: [key.referred for key in table.foreign_keys] for table in schema}
    return replace(schema, tables=tuple(schema.table(name) for name in load_order(parents)))
