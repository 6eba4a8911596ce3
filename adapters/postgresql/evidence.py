"""What PostgreSQL computes itself for the inference of keys.

Imported by the PostgreSQL connections only. Each statement is a SELECT that any role with SELECT
may run; a table's values are counted by GROUPING SETS, in one scan for all of its columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import VALUE_LENGTH, PushDown
from schemasynth.model import Column, Schema, Table, TypeFamily

from .._sql.evidence import EXACT, HASH_ROWS, SIGNS_AND_DIGITS, WHOLE, WHOLE_LIMIT
from .values import parse

if TYPE_CHECKING:
    from .connection import PostgreSQLSource

GROUPING_ARGUMENTS = 31
"""Expressions that one GROUPING() takes (its result is an integer)."""
COPY_HEADER = 19
"""Bytes before the first row of COPY's binary format: signature, flags, length of no extension."""
NO_VALUE = 0
"""Stands for NULL among hashes; one value in 2^64 has that hash too."""

_TIMES = frozenset({TypeFamily.DATE, TypeFamily.TIME, TypeFamily.DATETIME, TypeFamily.INTERVAL})
_GROUPABLE = EXACT | _TIMES | {TypeFamily.INTEGER, TypeFamily.BOOLEAN, TypeFamily.UUID}
"""Families whose values are grouped as they are; others as text, for not all types can be."""


class PostgreSQLPushDown(PushDown):
    """Statements for one source connection."""

    def __init__(self, source: PostgreSQLSource) -> None:
        """Keep the connection."""
        self._source = source

    def size(self, schema: Schema) -> int:
        """Return the bytes of the tables' pages, without indexes."""
        return self._source.size(schema)

    def value_counts(
        self, table: Table, codes: Sequence[int], worded: Collection[str], limit: int | None
    ) -> sa.Select[Any]:
        """Return the SELECT that counts the values of all columns in one scan.

        Sorting hashes takes PostgreSQL half as long as sorting words, and a fraction of the space.
        """
        place = self._source.relation(table)
        hashed = [column.name in worded for column in table.columns]
        grouped = (
            sa.select(
                *(
                    (_hash(c, place.c[c.name]) if worded else _grouped(c, place.c[c.name])).label(
                        f"k{i}"
                    )
                    for i, (c, worded) in enumerate(zip(table.columns, hashed, strict=True))
                )
            )
            .select_from(place)
            .limit(limit)
            .subquery()
        )
        keys = [grouped.c[f"k{i}"] for i in range(len(table.columns))]
        known = list(zip(table.columns, keys, hashed, strict=True))
        texts = [sa.null() if worded else _text(c, key) for c, key, worded in known]
        hashes = [
            key if worded else sa.func.hashtextextended(_text(c, key), 0)
            for c, key, worded in known
        ]
        numbers = [
            sa.cast(sa.null(), sa.Double) if worded else _number(c, key) for c, key, worded in known
        ]
        found = (
            sa.select(
                _of_its_column(keys, [sa.literal(code, sa.BigInteger) for code in codes]).label(
                    "code"
                ),
                _of_its_column(keys, hashes).label("hash"),
                _of_its_column(keys, numbers).label("number"),
                _of_its_column(keys, texts).label("value"),
                sa.func.count().label("n"),
            )
            .group_by(sa.func.grouping_sets(*(sa.tuple_(key) for key in keys)))
            .subquery()
        )
        return sa.select(
            found.c.code,
            found.c.hash,
            found.c.number,
            sa.func.length(found.c.value).label("length"),
            sa.cast(found.c.value.like("% %"), sa.Integer).label("spaced"),
            found.c.n,
        )

    def head(self, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream the first rows as text."""
        place = self._source.relation(table)
        texts = (_row_text(c, place.c[c.name]).label(f"c{i}") for i, c in enumerate(table.columns))
        lines = self._source.copied(table, sa.select(*texts).select_from(place).limit(rows), "csv")
        schema = pa.schema([(name, pa.string()) for name in table.column_names])
        block = b"".join(lines)
        yield parse(block, schema) if block else pa.RecordBatch.from_pylist([], schema=schema)

    def hashes(
        self, table: Table, columns: Sequence[str], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        """Stream hashes through COPY's binary format, in which they have a fixed width."""
        place = self._source.relation(table)
        hashed = [
            sa.func.coalesce(_hash(table.column(name), place.c[name]), NO_VALUE).label(f"c{i}")
            for i, name in enumerate(columns)
        ]
        statement = sa.select(*hashed).select_from(place).limit(limit)
        rows = self._source.copied(table, statement, "binary")
        block = b"".join(islice(rows, HASH_ROWS))[COPY_HEADER:]
        while block:
            yield _hash_batch(block, columns)
            block = b"".join(islice(rows, HASH_ROWS))


_HASH = np.dtype([("length", ">i4"), ("value", ">i8")])
"""A field of COPY's binary format that holds a bigint."""


def _hash_batch(block: bytes, columns: Sequence[str]) -> pa.RecordBatch:
    """Return whole rows of COPY's binary format; what follows the last one is dropped."""
    row = np.dtype([("fields", ">i2"), *((f"c{i}", _HASH) for i in range(len(columns)))])
    rows = np.frombuffer(block, row, len(block) // row.itemsize)
    values = [rows[f"c{i}"]["value"].astype(np.int64) for i in range(len(columns))]
    arrays = [pa.array(v.view(np.uint64), mask=v == NO_VALUE) for v in values]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _of_its_column(
    keys: Sequence[sa.ColumnElement[Any]], results: Sequence[sa.ColumnElement[Any]]
) -> sa.ColumnElement[Any]:
    """Return the result of the one column by which a row is grouped.

    A bit of GROUPING() is 0 for the column that is grouped by; it takes some columns at a time.
    """
    parts = []
    for start in range(0, len(keys), GROUPING_ARGUMENTS):
        part = slice(start, start + GROUPING_ARGUMENTS)
        grouping = sa.func.grouping(*keys[part])
        width = len(keys[part])
        none = 2**width - 1
        own = {none - (1 << (width - 1 - i)): result for i, result in enumerate(results[part])}
        parts.append((grouping != none, sa.case(own, value=grouping)))
    return parts[0][1] if len(parts) == 1 else sa.case(*parts)


def _grouped(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return what a column is grouped by: its values, or the beginning of their texts."""
    if column.type.family is TypeFamily.DECIMAL:
        return sa.cast(value, sa.Numeric)  # money would come with its currency
    if column.type.family is TypeFamily.BINARY:
        return sa.func.left(sa.func.upper(sa.func.encode(value, "hex")), 2 * VALUE_LENGTH)
    short = column.type.length is not None and column.type.length < VALUE_LENGTH
    if column.type.family in _GROUPABLE or (column.type.family is TypeFamily.TEXT and short):
        return value
    return sa.func.left(sa.cast(value, sa.Text), VALUE_LENGTH)


def _row_text(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return _text(column, _grouped(column, value))


def _hash(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.hashtextextended(_row_text(column, value), 0)


def _text(column: Column, key: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the canonical text of a value."""
    if column.type.family is TypeFamily.BOOLEAN:
        return sa.cast(sa.cast(key, sa.Integer), sa.Text)
    if column.type.family in EXACT:
        whole = sa.cast(sa.cast(sa.func.trunc(key), sa.Numeric), sa.Text)
        return sa.case((_is_whole(key), whole), else_=sa.cast(key, sa.Text))
    text = sa.cast(key, sa.Text)
    return text if column.type.family in _GROUPABLE else sa.func.btrim(text)


def _number(column: Column, key: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a value as a double where it is a whole number."""
    match column.type.family:
        case TypeFamily.INTEGER:
            return sa.cast(key, sa.Double)
        case TypeFamily.BOOLEAN:
            return sa.cast(sa.cast(key, sa.Integer), sa.Double)
        case TypeFamily.DECIMAL | TypeFamily.FLOAT:
            return sa.case((_is_whole(key), sa.cast(key, sa.Double)))
        case TypeFamily.TEXT:
            text = sa.cast(key, sa.Text)
            likely = sa.func.ascii(text).between(*SIGNS_AND_DIGITS)
            whole = sa.and_(likely, text.regexp_match(WHOLE))
            return sa.case((whole, sa.cast(text, sa.Double)))
        case _:
            return sa.cast(sa.null(), sa.Double)


def _is_whole(key: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    # NaN equals its truncation, and is greater than any number.
    return sa.and_(sa.func.trunc(key) == key, sa.func.abs(key) < WHOLE_LIMIT)
