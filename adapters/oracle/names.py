"""Quoted names, and relations whose names are as the dictionary spells them.

Imported by the Oracle adapter only.
"""

from __future__ import annotations

import hashlib
from typing import Any

import sqlalchemy as sa

from schemasynth.model import Table

STAGE_PREFIX = "schemasynth_n_"
"""Begins the names of staged tables, which fit the 30 bytes of Oracle 12.1."""
_DIGEST = 10
"""Hexadecimal digits that tell runs apart: a collision in 10^6 runs has a chance of 0.5."""


def quoted(*parts: str) -> str:
    """Return a dotted name, each part in quotes; no name here can hold a quote."""
    return ".".join(f'"{part}"' for part in parts)


def run_digest(run_id: str) -> str:
    """Return the part of names that tells what one run made."""
    return hashlib.sha256(run_id.encode()).hexdigest()[:_DIGEST]


def relation(schema: str | None, name: str, table: Table) -> sa.TableClause:
    """Return a relation with the columns of a table, untyped so that raw values come back.

    Args:
        schema: where it is.
        name: its name.
        table: whose columns it has.
    """
    columns: list[sa.ColumnClause[Any]] = [sa.column(column) for column in table.column_names]
    return sa.table(name, *columns, schema=schema)
