"""The catalogue: tables and columns by Spark's own interface, keys from Unity Catalog.

Imported by the Spark connections only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from schemasynth.adapter import Selection
from schemasynth.errors import ReflectionError
from schemasynth.model import Column, Computed, Schema, Table, TableName

from .._sql.connection import OWN_PREFIX
from .dbapi import DatabaseError, raising
from .session import quoted
from .types import sql_type
from .unity import with_keys

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructField

TABLE_KINDS = frozenset({"MANAGED", "EXTERNAL"})
"""Views hold no rows of their own."""
_WRITTEN = "__CHAR_VARCHAR_TYPE_STRING"
"""Where Spark keeps the declared type of a column that it reads as a string."""
_DEFAULT, _COMMENT = "CURRENT_DEFAULT", "comment"
_GENERATED = "delta.generationExpression"


def reflect(connection: sa.Connection, session: SparkSession, selection: Selection) -> Schema:
    """Read the catalogue.

    Raises:
        ReflectionError: a schema does not exist, or the catalogue cannot be read.
    """
    tables: list[Table] = []
    here = session.catalog.currentDatabase()
    try:
        with raising():
            for schema in selection.schemas or (None,):
                if schema and not session.catalog.databaseExists(quoted(*schema.split("."))):
                    raise ReflectionError(f"There is no schema {schema}.")
                found = list(_tables(session, schema, selection))
                tables += with_keys(connection, session, schema or here, found)
    except DatabaseError as error:
        raise ReflectionError(f"The catalogue cannot be read: {error}") from None
    return Schema(connection.dialect.name, here, tuple(sorted(tables, key=lambda t: t.name)))


def _tables(session: SparkSession, schema: str | None, selection: Selection) -> Iterable[Table]:
    place = quoted(*schema.split(".")) if schema else None
    for entry in session.catalog.listTables(place):
        name = TableName(entry.name, schema)
        if entry.isTemporary or entry.tableType not in TABLE_KINDS:
            continue
        if entry.name.startswith(OWN_PREFIX) or not selection.selects(name):
            continue
        columns = session.table(relation_name(name)).schema
        yield Table(
            name, tuple(_column(field) for field in columns), comment=entry.description or None
        )


def relation_name(name: TableName) -> str:
    """Return the quoted name of a table."""
    return quoted(*(name.schema.split(".") if name.schema else ()), name.name)


def _column(field: StructField) -> Column:
    metadata: Mapping[str, Any] = field.metadata or {}
    generated = metadata.get(_GENERATED)
    return Column(
        name=field.name,
        type=sql_type(metadata.get(_WRITTEN) or field.dataType.simpleString()),
        nullable=field.nullable,
        default=metadata.get(_DEFAULT),
        computed=Computed(generated, stored=True) if generated else None,
        comment=metadata.get(_COMMENT),
    )
