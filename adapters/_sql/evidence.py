"""What databases compute for the inference of keys: canonical texts, and values counted.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import PushDown
from schemasynth.model import Column, Schema, Table, TypeFamily

EXACT = frozenset({TypeFamily.DECIMAL, TypeFamily.FLOAT})
"""Families whose values may be whole, and are then written as whole numbers."""
WHOLE_LIMIT = 10**18
"""Numbers below are written as whole numbers where they are: 64 bits always hold them."""
WHOLE = "^[-+]?[0-9]{1,18}$"
SIGNS_AND_DIGITS = ord("+"), ord("9")
"""Range of the first character of a number, by which most texts are told from one at once."""
HASH_ROWS = 500_000
"""Rows of hashes a batch: 8 bytes a column."""
HASH_BYTES = 8
NO_VALUE = 0
"""Stands for NULL among hashes that are read; one value in 2^64 has that hash too."""


class Writing(Protocol):
    """How a database writes values, so that those of any two columns can be compared.

    Attributes:
        no_number: NULL in the type of `number`.
    """

    no_number: sa.ColumnElement[Any]

    def text(self, column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the canonical text of a value, which compares by its characters alone."""

    def number(self, column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return a value as a double where it is a whole number, else `no_number`."""

    def hash(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return 64 bits of a text, NULL of none."""


class Streaming(Protocol):
    """What pushing down needs of a source connection."""

    def relation(self, table: Table) -> sa.TableClause:
        """Return the relation that holds a table's rows."""

    def size(self, tables: Iterable[Table]) -> int:
        """Return the bytes of tables, as the catalogue has them."""

    def streamed(
        self, table: Table, select: sa.Select[Any], schema: pa.Schema, chunk_rows: int
    ) -> Iterator[pa.RecordBatch]:
        """Stream what a SELECT on one table returns, in the types of a schema."""


class UnpivotPushDown(PushDown):
    """Statements for a source whose database has neither arrays nor GROUPING SETS of any size.

    Each row is repeated once a column, and of each repetition one column's value is taken, so that
    a table is scanned once.
    """

    def __init__(self, source: Streaming, writing: Writing) -> None:
        """Keep the connection, and how its database writes values."""
        self._source, self._writing = source, writing

    def size(self, schema: Schema) -> int:
        """Return the bytes of the tables, as the catalogue has them."""
        return self._source.size(schema)

    def value_counts(
        self, table: Table, codes: Sequence[int], worded: Collection[str], limit: int | None
    ) -> sa.Select[Any]:
        """Return the SELECT that counts the values of all columns in one scan."""
        return counted(self._cells(table, codes, worded, limit).subquery("cells"))

    def _cells(
        self, table: Table, codes: Sequence[int], worded: Collection[str], limit: int | None
    ) -> sa.Select[Any]:
        """Return the SELECT of every value of every column, a small row each."""
        place = self._source.relation(table)
        return cells(self._writing, place, table, codes, worded, limit)

    def head(self, table: Table, rows: int) -> Iterator[pa.RecordBatch]:
        """Stream the first rows as text."""
        place = self._source.relation(table)
        texts = {c.name: self._writing.text(c, place.c[c.name]) for c in table.columns}
        return self._streamed(table, place, texts, pa.string(), rows, rows)

    def _hashes_of(
        self, table: Table, place: sa.TableClause, names: Sequence[str]
    ) -> dict[str, sa.ColumnElement[Any]]:
        """Return the expressions of hashes of columns."""
        texts = {name: self._writing.text(table.column(name), place.c[name]) for name in names}
        return {name: self._writing.hash(text) for name, text in texts.items()}

    def _streamed(
        self,
        table: Table,
        place: sa.TableClause,
        values: Mapping[str, sa.ColumnElement[Any]],
        kind: pa.DataType,
        limit: int | None,
        rows: int,
    ) -> Iterator[pa.RecordBatch]:
        """Stream expressions by the names that they get, all of one type."""
        labelled = (value.label(f"c{i}") for i, value in enumerate(values.values()))
        select = sa.select(*labelled).select_from(place).limit(limit)
        schema = pa.schema([(name, kind) for name in values])
        return self._source.streamed(table, select, schema, rows)


def cells(
    writing: Writing,
    place: sa.FromClause,
    table: Table,
    codes: Sequence[int],
    worded: Collection[str],
    limit: int | None,
) -> sa.Select[Any]:
    """Return the SELECT of every value of every column: code, hash, number, length, spaced."""
    columns = [(column, place.c[column.name]) for column in table.columns]
    texts = [writing.text(c, value).label(f"v{i}") for i, (c, value) in enumerate(columns)]
    numbers = [
        (writing.no_number if c.name in worded else writing.number(c, value)).label(f"n{i}")
        for i, (c, value) in enumerate(columns)
    ]
    written = sa.select(*texts, *numbers).select_from(place).limit(limit).subquery("written")
    known = [sa.literal_column(str(code), sa.BigInteger) for code in codes]
    parts = sa.union_all(*(sa.select(code.label("code")) for code in known)).subquery("parts")

    def of_part(prefix: str) -> sa.Label[Any]:
        own = {code: written.c[f"{prefix}{i}"] for i, code in enumerate(known)}
        return sa.case(own, value=parts.c.code).label(prefix)

    # Every pair, for the condition always holds; an outer join's left table is read once.
    pairs = written.outerjoin(parts, parts.c.code.is_not(None))
    taken = sa.select(parts.c.code, of_part("v"), of_part("n")).select_from(pairs).subquery("taken")
    value = taken.c.v
    spaced = sa.case((value.like(sa.literal_column("'% %'")), 1), else_=0)
    return sa.select(
        taken.c.code,
        writing.hash(value).label("hash"),
        taken.c.n.label("number"),
        sa.func.char_length(value).label("length"),
        spaced.label("spaced"),
    )


def counted(values: sa.Subquery) -> sa.Select[Any]:
    """Return the SELECT that `schemasynth.adapter.PushDown.value_counts` asks for, of `cells`."""
    return sa.select(
        values.c.code,
        values.c.hash,
        sa.func.max(values.c.number).label("number"),
        sa.func.max(values.c.length).label("length"),
        sa.func.max(values.c.spaced).label("spaced"),
        sa.func.count().label("n"),
    ).group_by(values.c.code, values.c.hash)


def hash_batch(block: bytes, columns: Sequence[str]) -> pa.RecordBatch:
    """Return hashes of rows, which stand one behind the other, as a batch of columns.

    Args:
        block: `HASH_BYTES` a column, all of a row before those of the next.
        columns: their names.
    """
    found = np.frombuffer(block, np.uint64).reshape(-1, len(columns))
    arrays = [
        pa.array(found[:, i].copy(), mask=found[:, i] == NO_VALUE) for i in range(len(columns))
    ]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))
