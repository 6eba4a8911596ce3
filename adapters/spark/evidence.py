"""What Spark computes itself for the inference of keys, as jobs over all executors.

Imported by the Spark connections only. A row is exploded to one small row a column, and these are
counted by column and hash: partly where they are read, so that only counts are shuffled.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import VALUE_LENGTH, PushDown
from schemasynth.errors import AdapterError
from schemasynth.model import Column, Schema, Table, TypeFamily
from schemasynth.settings import shown

from .._sql.evidence import EXACT, HASH_ROWS, WHOLE, WHOLE_LIMIT
from .dbapi import DatabaseError, raising
from .read import text_of
from .types import exported

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from .connection import SparkSource

CODE = sa.Numeric(17, 0)
"""Holds the 56 bits of a code; a sum of codes has ten digits more, and no end at 64 bits."""
_PLAIN = frozenset({TypeFamily.INTEGER, TypeFamily.DATE, TypeFamily.DATETIME, TypeFamily.INTERVAL})
"""Families whose values are short however they are written."""
_UTC = "+00"
"""Spark leaves the zone out of a text."""
_FIELDS = ("code", "hash", "number", "length", "spaced", "n")
_SIZE = re.compile(r"sizeInBytes=([0-9.E+]+) ([KMGTPE]i)?B")
_UNITS = {None: 0, "Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


class SparkPushDown(PushDown):
    """Queries for one source connection; what they counted is kept on the executors."""

    def __init__(self, source: SparkSource) -> None:
        """Keep the connection."""
        self._source = source
        self._numbers = count()
        self._kept: dict[str, DataFrame] = {}

    def size(self, schema: Schema) -> int:
        """Return the bytes that Spark's planner expects to read."""
        return sum(self._bytes(table) for table in schema)

    def _bytes(self, table: Table) -> int:
        everything = sa.select(sa.text("*")).select_from(self._source.relation(table))
        query = f"EXPLAIN COST {text_of(everything, self._source.dialect)}"
        found = _SIZE.search(str(self._source.connection.exec_driver_sql(query).scalar()))
        return int(float(found.group(1)) * 1024 ** _UNITS[found.group(2)]) if found else 0

    def value_counts(
        self, table: Table, codes: Sequence[int], worded: Collection[str], limit: int | None
    ) -> sa.Select[Any]:
        """Return a SELECT from a view whose rows are counted once, when first asked for."""
        statement = _value_counts(self._source.relation(table), table, codes, worded, limit)
        name = f"schemasynth_values_{next(self._numbers)}"
        try:
            with raising():
                frame = self._source.session.sql(text_of(statement, self._source.dialect))
                with suppress(NotImplementedError):
                    frame = frame.persist()
                frame.createOrReplaceTempView(name)
        except DatabaseError as error:
            raise AdapterError(
                f"{shown(self._source.url)} cannot count the values of {table.name}: {error}."
            ) from None
        self._kept[name] = frame
        view = sa.table(name, *(sa.column(field) for field in _FIELDS))
        return sa.select(*view.c)

    def release(self) -> None:
        """Drop the views and what the executors keep of them."""
        for name, frame in self._kept.items():
            frame.unpersist()
            self._source.session.catalog.dropTempView(name)
        self._kept = {}

    def head(self, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream the first rows as text."""
        place = self._source.relation(table)
        texts = [_text(c, place.c[c.name]).label(f"c{i}") for i, c in enumerate(table.columns)]
        schema = pa.schema([(name, pa.string()) for name in table.column_names])
        query = text_of(sa.select(*texts).select_from(place).limit(rows), self._source.dialect)
        yield pa.RecordBatch.from_pylist([], schema=schema)
        for batch in self._source.streamed(table, query, rows):
            yield batch.rename_columns(schema.names).cast(schema)

    def hashes(
        self, table: Table, columns: Sequence[str], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        """Stream hashes, eight bytes each."""
        place = self._source.relation(table)
        hashed = [
            _hash(_text(table.column(name), place.c[name])).label(f"c{i}")
            for i, name in enumerate(columns)
        ]
        statement = sa.select(*hashed).select_from(place).limit(limit)
        query = text_of(statement, self._source.dialect)
        for batch in self._source.streamed(table, query, HASH_ROWS):
            arrays = [column.view(pa.uint64()) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _value_counts(
    place: sa.TableClause,
    table: Table,
    codes: Sequence[int],
    worded: Collection[str],
    limit: int | None,
) -> sa.Select[Any]:
    texts = [_text(c, place.c[c.name]).label(f"k{i}") for i, c in enumerate(table.columns)]
    numbers = [_number(c, place.c[c.name]).label(f"n{i}") for i, c in enumerate(table.columns)]
    written = sa.select(*texts, *numbers).select_from(place).limit(limit).subquery("written")
    cells = [
        _cell(code, written.c[f"k{i}"], written.c[f"n{i}"], words=column.name in worded)
        for i, (column, code) in enumerate(zip(table.columns, codes, strict=True))
    ]
    exploded = sa.select(sa.func.explode(sa.func.array(*cells)).label("v")).subquery("cells")
    fields: list[sa.ColumnElement[Any]] = [
        sa.literal_column(f"cells.v.{field}") for field in _FIELDS[:-1]
    ]
    code, hashed, number, length, spaced = fields
    return (
        sa.select(
            code.label("code"),
            hashed.label("hash"),
            sa.func.max(number).label("number"),
            sa.func.max(length).label("length"),
            sa.func.max(spaced).label("spaced"),
            sa.func.count().label("n"),
        )
        .select_from(exploded)
        .group_by(code, hashed)
    )


def _cell(
    code: int, text: sa.ColumnElement[Any], number: sa.ColumnElement[Any], *, words: bool
) -> sa.ColumnElement[Any]:
    """Return a value as a struct, of the same type for every column."""
    return sa.func.named_struct(
        "code",
        sa.cast(sa.literal(code, sa.BigInteger), CODE),
        "hash",
        _hash(text),
        "number",
        sa.cast(sa.null(), sa.Double) if words else number,
        "length",
        sa.cast(sa.null() if words else sa.func.length(text), sa.Integer),
        "spaced",
        sa.cast(sa.null() if words else text.like("% %"), sa.Integer),
    )


def _hash(text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return 64 bits of a text; Spark's hash of NULL is its seed."""
    return sa.case((text.is_not(None), sa.func.xxhash64(text)))


def _text(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the canonical text of a value."""
    family = column.type.family
    if family in _PLAIN:
        text = sa.cast(value, sa.String)
        return text.concat(_UTC) if column.type.timezone else text
    if family is TypeFamily.BOOLEAN:
        return sa.cast(sa.cast(value, sa.Integer), sa.String)
    if family in EXACT:
        whole = sa.cast(sa.cast(value, sa.BigInteger), sa.String)
        return sa.case((_is_whole(value), whole), else_=sa.cast(value, sa.String))
    if family is TypeFamily.BINARY:
        return sa.func.left(sa.func.hex(value), 2 * VALUE_LENGTH)
    short = column.type.length is not None and column.type.length < VALUE_LENGTH
    trimmed = sa.func.trim(exported(column, value))
    return trimmed if short else sa.func.left(trimmed, VALUE_LENGTH)


def _number(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a value as a double where it is a whole number."""
    match column.type.family:
        case TypeFamily.INTEGER:
            return sa.cast(value, sa.Double)
        case TypeFamily.BOOLEAN:
            return sa.cast(sa.cast(value, sa.Integer), sa.Double)
        case TypeFamily.DECIMAL | TypeFamily.FLOAT:
            return sa.case((_is_whole(value), sa.cast(value, sa.Double)))
        case TypeFamily.TEXT:
            text = sa.func.trim(value)
            return sa.case((sa.func.rlike(text, WHOLE), sa.cast(text, sa.Double)))
        case _:
            return sa.cast(sa.null(), sa.Double)


def _is_whole(value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    # Spark takes NaN for equal to itself and greater than any number.
    return sa.and_(sa.func.abs(value) < WHOLE_LIMIT, sa.func.floor(value) == value)
