"""Any SQLAlchemy database as a source and as a target.

Imported by the generic adapter only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import (
    CHUNK_ROWS,
    DatabaseIdentity,
    Load,
    Selection,
    SourceConnection,
    TargetConnection,
)
from schemasynth.errors import AdapterError, LoadError
from schemasynth.model import Schema, Table, arrow_type
from schemasynth.settings import shown

from .._sql.connection import SqlMarker, SqlRelations, reflecting
from .._sql.stream import part_of, stream
from .reflect import Types, reflect
from .waves import Row, Waves


def typed_relation(table: Table, types: Types, dialect: sa.Dialect) -> sa.TableClause:
    """Return a table whose columns have their reflected types.

    All names are quoted, for a dialect need not know its database's reserved words; but not where
    it writes small letters for names in capital ones.
    """
    quote = None if dialect.requires_name_normalize else True

    def named(name: str) -> str:
        return sa.quoted_name(name, quote)

    schema, name = table.name.schema, table.name.name
    columns = (sa.column(named(c), types.get((schema, name, c))) for c in table.column_names)
    return sa.table(named(name), *columns, schema=schema)


class _GenericConnection(SqlRelations):
    """What source and target share."""

    def __init__(self, url: sa.URL, engine: sa.Engine) -> None:
        self.url = url
        self.connection = engine.connect()
        self._types: Types = {}

    def close(self) -> None:
        """Release the connection."""
        self.connection.close()

    def reflect(self, selection: Selection = Selection()) -> Schema:  # noqa: B008
        """Read the catalogue."""
        with reflecting(self.url):
            schema, types = reflect(self.connection, selection)
        self._types |= types
        return schema

    def relation(self, table: Table) -> sa.TableClause:
        """Return the table with SQLAlchemy's own types, by which values are converted."""
        return typed_relation(table, self._types, self.dialect)

    def identity(self) -> DatabaseIdentity:
        """Return what the URL says; the nonce tells databases apart that have two URLs."""
        url = self.url
        return DatabaseIdentity(
            (url.get_backend_name(), url.host or "", str(url.port or ""), url.database or "")
        )


class GenericSource(_GenericConnection, SourceConnection):
    """A database that is only read."""

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
        """Stream the rows through a server-side cursor where the driver has one."""
        try:
            yield from stream(
                self.connection,
                self.relation(table) if part is None else part,
                part_of(self.arrow_schema(table), columns),
                partial(self._array, table),
                limit=limit,
                chunk_rows=chunk_rows,
            )
        except sa.exc.DBAPIError as error:
            raise self.refused(error) from None
        except (ValueError, TypeError, OverflowError) as error:
            raise AdapterError(
                f"Table {table.name} of {shown(self.url)} holds values that are not of their "
                f"column's declared type ({type(error).__name__}); leave it out with --exclude."
            ) from None

    def _array(self, table: Table, values: Sequence[Any], field: pa.Field[Any]) -> pa.Array[Any]:
        try:
            return _array(values, field.type)
        except (pa.ArrowException, ValueError, TypeError, OverflowError):
            raise AdapterError(
                f"Column {table.name}.{field.name} of {shown(self.url)} holds values that are not "
                f"{field.type}, as declared; leave the table out with --exclude."
            ) from None

    def write_privileges(self) -> tuple[str, ...]:
        """Return that nothing is known: SQL has no common way to ask."""
        return ("unknown",)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_string(kind):
        return pa.array([None if v is None else str(v) for v in values], kind)
    return pa.array(values).cast(kind)


class GenericTarget(_GenericConnection, SqlMarker, TargetConnection):
    """A database that may be refreshed."""

    def load(self, schema: Schema, run_id: str, *, resume: bool = False) -> Load:
        """Open the transaction in which all tables are replaced."""
        self.connection.rollback()
        return _GenericLoad(self.url, self.connection, schema, self._types)

    def recover(self) -> Sequence[str]:
        """Do nothing: an interrupted transaction leaves nothing."""
        return ()


class _GenericLoad(SqlRelations, Load):
    """One transaction: rows deleted children first, inserted parents first, then committed."""

    def __init__(
        self, url: sa.URL, connection: sa.Connection, schema: Schema, types: Types
    ) -> None:
        self.url, self.connection, self._types = url, connection, types
        try:
            for table in reversed(schema.tables):
                connection.execute(sa.delete(self.relation(table)))
        except sa.exc.DBAPIError as error:
            connection.rollback()
            raise LoadError(
                f"{shown(url)} refused to empty {table.name}: {type(error.orig).__name__}. "
                "Rows of other tables may refer to it."
            ) from None

    def relation(self, table: Table) -> sa.TableClause:
        """Return the table itself: rows are inserted in place, and not committed."""
        return typed_relation(table, self._types, self.dialect)

    def stage(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Insert the rows of a table, parents of the same table first."""
        stored = [column.name for column in table.columns if column.computed is None]
        waves, rows = Waves(table), 0
        for batch in batches:
            names = [name for name in stored if name in batch.schema.names]
            for part in waves.ready(batch.select(names).to_pylist()):
                rows += self._insert(table, part, rows)
        return rows + self._insert(table, waves.rest(), rows)

    def _insert(self, table: Table, part: list[Row], before: int) -> int:
        """Insert rows; names travel apart from them, for parameters have plain ones."""
        if not part:
            return 0
        keys = {name: f"p{i}" for i, name in enumerate(part[0])}
        insert = sa.insert(self.relation(table)).values(
            {name: sa.bindparam(key) for name, key in keys.items()}
        )
        try:
            self.connection.execute(
                insert, [{keys[name]: value for name, value in row.items()} for row in part]
            )
        except sa.exc.DBAPIError as error:
            raise LoadError(
                f"Table {table.name}: {type(error.orig).__name__} among rows {before + 1:,} "
                f"to {before + len(part):,}."
            ) from None
        return len(part)

    def switch(self) -> None:
        """Commit."""
        try:
            self.connection.commit()
        except sa.exc.DBAPIError as error:
            raise LoadError(
                f"{shown(self.url)} did not commit: {type(error.orig).__name__}."
            ) from None

    def abort(self) -> None:
        """Roll back what is not committed."""
        self.connection.rollback()
