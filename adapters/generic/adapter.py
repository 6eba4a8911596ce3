"""The adapter for databases without one of their own: plain SQL, every lack declared.

Imports the shared SQL base; found through the entry point.
"""

from __future__ import annotations

import sqlalchemy as sa

from schemasynth.adapter import Adapter, Capabilities, SourceConnection, TargetConnection

from .._sql.connection import connecting, new_engine
from .._sql.guard import only_reads
from .connection import GenericSource, GenericTarget


class GenericAdapter(Adapter):
    """Reflection by SQLAlchemy's Inspector, streamed reads, plain inserts in one transaction."""

    backend = "generic"
    capabilities = Capabilities(
        schemas=True,
        comments=False,
        sequences=False,
        computed_columns=True,
        identity_columns=True,
        checks=True,
        deferrable_foreign_keys=False,
        unvalidated_constraints=False,
        foreign_keys_enforced="row",
        session_read_only=False,
        atomic_switch="transaction",
        bulk_reflection=False,
        bulk_load=False,
        max_identifier_length=30,
    )

    def source(self, url: sa.URL) -> SourceConnection:
        """Open a connection on which only reads are sent."""
        engine = new_engine(url, poolclass=sa.NullPool)
        only_reads(engine)
        with connecting(url):
            return GenericSource(url, engine)

    def target(self, url: sa.URL) -> TargetConnection:
        """Open a connection that may refresh the database."""
        engine = new_engine(url, poolclass=sa.NullPool)
        with connecting(url):
            return GenericTarget(url, engine)
