"""The Spark adapter: sessions behind a SQLAlchemy engine, on which a source sends only reads.

Imports the shared SQL base; found through the entry points `spark` and `databricks`.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import registry

from schemasynth.adapter import Adapter, Capabilities, SourceConnection, TargetConnection

from .._sql.connection import connecting, new_engine
from .._sql.guard import SPARK, only_reads
from .._sql.tally import Tally
from .connection import SparkSource, SparkTarget
from .dialect import NAME, SparkDialect

registry.register(NAME, SparkDialect.__module__, SparkDialect.__name__)


class SparkAdapter(Adapter):
    """Spark 4 and Databricks, through PySpark."""

    backend = NAME
    capabilities = Capabilities(
        schemas=True,
        comments=True,
        sequences=False,
        computed_columns=False,
        identity_columns=False,
        checks=False,
        deferrable_foreign_keys=False,
        unvalidated_constraints=True,
        foreign_keys_enforced="never",
        session_read_only=False,
        atomic_switch="rename",
        bulk_reflection=False,
        bulk_load=True,
        max_identifier_length=255,
        keys=False,
        indexes=False,
        quoted_table_names=False,
        quotes_in_names=False,
    )

    def source(self, url: sa.URL) -> SourceConnection:
        """Open a session on which only reads are sent."""
        engine = _engine(url)
        only_reads(engine, SPARK)
        with connecting(url):
            return SparkSource(url, engine)

    def target(self, url: sa.URL) -> TargetConnection:
        """Open a session that may refresh a schema."""
        engine = _engine(url)
        tally = Tally()

        @sa.event.listens_for(engine, "before_cursor_execute")
        def count(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            tally.count(statement)

        with connecting(url):
            return SparkTarget(url, engine, tally)


def _engine(url: sa.URL) -> sa.Engine:
    # Databricks' own dialect goes through SQL warehouses; sessions are Spark's everywhere.
    return new_engine(url.set(drivername=NAME), poolclass=sa.NullPool, connect_args={"url": url})
