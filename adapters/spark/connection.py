"""Spark as a source and as a target.

Imported by the Spark adapter only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import (
    CHUNK_ROWS,
    DatabaseIdentity,
    Load,
    Selection,
    SourceConnection,
    TargetConnection,
    TargetFacts,
)
from schemasynth.errors import AdapterError
from schemasynth.model import Schema, Table, arrow_type
from schemasynth.settings import shown

from .._sql.connection import MARKER, SqlMarker, SqlRelations
from .._sql.stream import part_of
from .._sql.tally import Tally
from . import journal
from .dbapi import DatabaseError
from .evidence import SparkPushDown
from .load import SparkLoad, recover
from .read import batches, text_of
from .reflect import reflect
from .session import quoted
from .types import exported, fitted

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SCATTERED = 2**31 - 1
"""A prime, so that hashes are spread evenly below it."""
_LOCATION, _CATALOG, _NAME = "Location", "Catalog Name", "Namespace Name"
"""Rows of DESCRIBE NAMESPACE that tell one schema from all others."""


class SparkConnection(SqlRelations):
    """What source and target share."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        """Open the session."""
        self.url = url
        self.connection = engine.connect()

    @property
    def session(self) -> SparkSession:
        """The session of this connection."""
        driver: Any = self.connection.connection.driver_connection
        session: SparkSession = driver.session
        return session

    def close(self) -> None:
        """Let go of the session."""
        self.connection.close()

    def reflect(self, selection: Selection = Selection()) -> Schema:  # noqa: B008
        """Read the catalogue."""
        return reflect(self.connection, self.session, selection)

    def relation(self, table: Table) -> sa.TableClause:
        """Return the table itself; a schema may name its catalogue."""
        return self.relation_called(table, table.name.name)

    def relation_called(self, table: Table, name: str) -> sa.TableClause:
        """Return a relation of another name beside a table, with its columns."""
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in table.column_names]
        schema = table.name.schema
        # Quoted here: SQLAlchemy takes catalogue and schema for one name.
        place = sa.quoted_name(quoted(*schema.split(".")), quote=False) if schema else None
        return sa.table(name, *columns, schema=place)

    def identity(self) -> DatabaseIdentity:
        """Return where the schema is kept, and what its catalogue calls it."""
        facts = self._namespace()
        return DatabaseIdentity(
            ("spark", *(facts.get(n, "") for n in (_CATALOG, _NAME, _LOCATION)))
        )

    def names(self) -> tuple[str, ...]:
        """Return the schema, its catalogue and where it is kept."""
        return tuple(self._namespace().values())

    def _namespace(self) -> dict[str, str]:
        name = quoted(self.session.catalog.currentDatabase())
        rows = self.connection.exec_driver_sql(f"DESCRIBE NAMESPACE {name}").all()
        return {row[0]: row[1] for row in rows if row[0] in (_LOCATION, _CATALOG, _NAME)}


class SparkSource(SparkConnection, SourceConnection):
    """A schema that is only read."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        """Open the session."""
        super().__init__(url, engine)
        self._push_down = SparkPushDown(self)

    def close(self) -> None:
        """Let go of the session, and of what the executors keep for it."""
        if not self.connection.closed:
            self._push_down.release()
        super().close()

    def scattered(self, key: Sequence[sa.ColumnElement[Any]]) -> sa.ColumnElement[int]:
        """Return a hash of a key: a row number would bring all rows to one executor."""
        return sa.func.pmod(sa.func.xxhash64(*key), SCATTERED, type_=sa.BigInteger)

    def push_down(self) -> SparkPushDown:
        """Return the jobs that compute on the executors."""
        return self._push_down

    def arrow_schema(self, table: Table) -> pa.Schema:
        """Return the declared types."""
        return pa.schema([pa.field(c.name, arrow_type(c.type)) for c in table.columns])

    def read(
        self,
        table: Table,
        columns: Sequence[str] | None = None,
        *,
        part: sa.FromClause | None = None,
        limit: int | None = None,
        chunk_rows: int = CHUNK_ROWS,
    ) -> Iterator[pa.RecordBatch]:
        """Stream the rows, one partition after another."""
        schema = part_of(self.arrow_schema(table), columns)
        relation = self.relation(table) if part is None else part
        values = [
            exported(table.column(name), relation.c[name]).label(f"c{i}")
            for i, name in enumerate(schema.names)
        ]
        query = text_of(sa.select(*values).select_from(relation).limit(limit), self.dialect)
        empty = True
        for batch in self.streamed(table, query, chunk_rows):
            empty = False
            yield fitted(batch, schema)
        if empty:
            yield pa.RecordBatch.from_pylist([], schema=schema)

    def streamed(self, table: Table, query: str, rows: int) -> Iterator[pa.RecordBatch]:
        """Run a SELECT over a table and yield its batches as Spark has them.

        Raises:
            AdapterError: Spark refused or failed.
        """
        try:
            yield from batches(self.session, query, rows)
        except DatabaseError as error:
            raise AdapterError(
                f"{shown(self.url)} could not read table {table.name}: {error}. Reading needs "
                "Python with pyarrow on the executors."
            ) from None

    def write_privileges(self) -> tuple[str, ...]:
        """Return that nothing is known: Spark's session can do what its account can."""
        return ("unknown",)


class SparkTarget(SparkConnection, SqlMarker, TargetConnection):
    """A schema that may be refreshed."""

    def __init__(self, url: sa.URL, engine: sa.Engine, tally: Tally) -> None:
        """Open the session."""
        super().__init__(url, engine)
        self._tally = tally

    def write_nonce(self, value: str) -> None:
        """Write the marker anew, for Parquet has no UPDATE."""
        known = self.marker()
        if known is None:
            return
        row = (known.target_id, known.environment, known.created_at, value)
        try:
            self.connection.exec_driver_sql(
                f"INSERT OVERWRITE TABLE {quoted(MARKER.name)} VALUES (?, ?, ?, ?)",  # noqa: S608 quoted
                row,
            )
        except sa.exc.DBAPIError as error:
            raise self.refused(error) from None

    def statements(self) -> Mapping[str, int]:
        """Return how many statements of which class were sent."""
        return self._tally.take()

    def facts(self, schema: Schema) -> TargetFacts:
        """Return which loads were never finished; privileges are not known."""
        left = journal.leftovers(self.connection, self.session)
        return TargetFacts(interrupted=left, blocked=bool(left))

    def load(self, schema: Schema, run_id: str, *, resume: bool = False) -> Load:
        """Stage into tables beside those of the target."""
        return SparkLoad(self, schema, run_id, resume=resume)

    def recover(self) -> Sequence[str]:
        """Undo a switch that died before its end; drop what was staged or replaced."""
        return recover(self)
