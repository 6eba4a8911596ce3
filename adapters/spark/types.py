"""Spark's types as types of the model, and values on their way from and to columns.

Imported by the Spark connections only.
"""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.model import Column, SqlType, TypeFamily

_FAMILIES = {
    "tinyint": TypeFamily.INTEGER,
    "smallint": TypeFamily.INTEGER,
    "int": TypeFamily.INTEGER,
    "bigint": TypeFamily.INTEGER,
    "decimal": TypeFamily.DECIMAL,
    "float": TypeFamily.FLOAT,
    "double": TypeFamily.FLOAT,
    "boolean": TypeFamily.BOOLEAN,
    "string": TypeFamily.TEXT,
    "char": TypeFamily.TEXT,
    "varchar": TypeFamily.TEXT,
    "date": TypeFamily.DATE,
    "timestamp": TypeFamily.DATETIME,
    "timestamp_ntz": TypeFamily.DATETIME,
    "binary": TypeFamily.BINARY,
}
"""By the word a type begins with; what is not here (arrays, maps, structs, …) is OTHER."""
_NESTED = frozenset({"array", "map", "struct", "variant"})
"""Travel as JSON text."""
_WORD = re.compile(r"[a-z_]+")
_DAY_TIME = re.compile(r"interval (day|hour|minute|second)\b")
_ARGUMENTS = re.compile(r"\((\d+)(?:,\s*(\d+))?\)")


def sql_type(written: str) -> SqlType:
    """Return the model's type of a column.

    Args:
        written: as Spark writes it, in small letters.
    """
    word = _word(written)
    family = _FAMILIES.get(word, TypeFamily.OTHER)
    if _DAY_TIME.match(written):
        family = TypeFamily.INTERVAL
    numbers = _ARGUMENTS.search(written) if word in ("decimal", "char", "varchar") else None
    first = int(numbers.group(1)) if numbers else None
    exact = family is TypeFamily.DECIMAL
    return SqlType(
        sql=written if word in _NESTED else written.upper(),
        family=family,
        length=first if family is TypeFamily.TEXT else None,
        precision=first if exact else None,
        scale=int(numbers.group(2) or 0) if numbers and exact else None,
        timezone=word == "timestamp",
    )


def _word(written: str) -> str:
    found = _WORD.match(written.lower())
    return found.group() if found else ""


def exported(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return an expression that arrives in the Arrow type of a column, or can be cast to it."""
    if column.type.family is not TypeFamily.OTHER:
        return value
    if _word(column.type.sql) in _NESTED:
        return sa.func.to_json(value)
    return sa.cast(value, sa.String)


def imported(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return an expression that a column takes, of a value in its Arrow type."""
    if column.type.family is not TypeFamily.OTHER:
        return value
    if _word(column.type.sql) == "variant":
        return sa.func.parse_json(value)
    if _word(column.type.sql) in _NESTED:
        return sa.func.from_json(value, sa.literal(column.type.sql))
    return sa.cast(value, _Named(column.type.sql))


class _Named(sa.types.UserDefinedType[Any]):
    """A type of the catalogue, as it is written there."""

    cache_ok = True

    def __init__(self, written: str) -> None:
        self.written = written

    def get_col_spec(self, **_: Any) -> str:
        """Write it."""
        return self.written


def fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return what Spark sent under the names and in the types of a schema."""
    arrays = [
        array if array.type == field.type else array.cast(field.type)
        for array, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
