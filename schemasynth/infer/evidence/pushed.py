"""Evidence that the database computes: one statement counts and compares the values of all tables.

Works through the adapter port; what leaves the database are counts, the first rows, and hashes of
the columns that may be part of a composite key.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemasynth.adapter import PushDown, SourceConnection
from schemasynth.infer.evidence.figures import KEY_LENGTH, ColumnFigures, ColumnId
from schemasynth.infer.evidence.head import HEAD_ROWS, Head, HeadTexts
from schemasynth.infer.evidence.inclusion import inclusions
from schemasynth.infer.evidence.store import Groups, Store
from schemasynth.infer.evidence.totals import Totals, column_figures
from schemasynth.model import Column, Schema, Table, TableName, TypeFamily, arrow_type
from schemasynth.progress import Listener, Progress

if TYPE_CHECKING:
    import pyarrow as pa
    import sqlalchemy as sa

    from schemasynth.infer.evidence.figures import Inclusions

COMPARABLE = frozenset(
    {
        TypeFamily.INTEGER,
        TypeFamily.DECIMAL,
        TypeFamily.FLOAT,
        TypeFamily.BOOLEAN,
        TypeFamily.TEXT,
        TypeFamily.DATE,
        TypeFamily.TIME,
        TypeFamily.DATETIME,
        TypeFamily.INTERVAL,
        TypeFamily.UUID,
        TypeFamily.JSON,
        TypeFamily.OTHER,
    }
)
"""Families of which a value may refer to a key: whole numbers, and flags that count beyond 1."""
NUMBERS = frozenset({TypeFamily.DECIMAL, TypeFamily.FLOAT})
UNBOUNDED = (-math.inf, math.inf)
BOUNDS = {TypeFamily.BOOLEAN: (0, 1), TypeFamily.INTEGER: (-(2.0**63), math.nextafter(2.0**63, 0))}
"""What Arrow's types hold, where databases put more into a flag or a whole number."""
NOTHING = (0, Totals())
"""Distinct values and totals of a column of an empty table."""
CODE_BYTES = 7
"""A column's code has 56 bits: sums of codes tell sets of columns apart."""


def collect(
    source: SourceConnection,
    push_down: PushDown,
    schema: Schema,
    store: Store,
    limit: int | None,
    listener: Listener,
) -> tuple[dict[ColumnId, ColumnFigures], Inclusions]:
    """Have the database count and compare all values.

    Args:
        source: the database.
        push_down: of it.
        schema: which tables.
        store: where the codes of first rows, and hashes, are kept.
        limit: at most so many rows a table, the first ones.
        listener: hears of progress.
    """
    import pyarrow as pa

    codes = {
        (table.name, name): _code(i, j)
        for i, table in enumerate(schema)
        for j, name in enumerate(table.column_names)
    }
    words: dict[TableName, dict[str, HeadTexts]] = {}
    digits: dict[ColumnId, float] = {}
    for done, table in enumerate(schema, 1):
        head = Head.of([pa.Table.from_batches([b]) for b in push_down.head(table, HEAD_ROWS)])
        store.codes[table.name] = head.codes()
        words[table.name] = _worded(head, table)
        shares = (head.digits(i) for i in range(len(table.columns)))
        digits.update(zip(((table.name, c) for c in table.column_names), shares, strict=True))
        listener(Progress("scan", str(table.name), done, len(schema.tables)))
    listener(Progress("compare", "all columns", message="in the database"))
    rows = source.select(_statement(push_down, schema, codes, words, limit))
    figures = dict(_figures(schema, store, codes, _counted(rows), words, digits, limit))
    shared = [
        (code, columns, values, totals[1])
        for code, columns, values, *totals in rows
        if columns is not None and columns != code
    ]
    wanted = {
        table.name: [name for name in table.column_names if _may_be_part(figures[table.name, name])]
        for table in schema
    }
    store.read_later(lambda table, columns: push_down.hashes(table, columns, limit), wanted)
    return figures, inclusions(lambda columns: _groups(shared, codes, columns), figures)


def _code(table: int, column: int) -> int:
    digest = hashlib.blake2b(f"{table}.{column}".encode(), digest_size=CODE_BYTES).digest()
    return int.from_bytes(digest, "big")


def _worded(head: Head, table: Table) -> dict[str, HeadTexts]:
    """Return the text columns that hold something else than whole numbers, by the first rows."""
    found = {
        column.name: head.texts(i)
        for i, column in enumerate(table.columns)
        if column.type.family is TypeFamily.TEXT
    }
    return {name: texts for name, texts in found.items() if not texts.whole}


def _may_be_part(figures: ColumnFigures) -> bool:
    """Tell whether a column may be asked about: all but bytes may be part of a key."""
    return figures.sort != "other" and figures.profile.distinct > 1


def _statement(
    push_down: PushDown,
    schema: Schema,
    codes: Mapping[ColumnId, int],
    words: Mapping[TableName, Mapping[str, HeadTexts]],
    limit: int | None,
) -> sa.Select[Any]:
    """Return the grouped inclusion of SINDY (Kruse, Papenbrock, Naumann 2015) with totals.

    Each table is scanned once, to count the values of each of its columns; these counts are read
    once, for not every database keeps the result of a common table expression. The sum of the
    codes of the columns that hold a value stands for the set of these columns.

    Returns:
        Code of a column, sum of the codes of those that hold the same values, number of these
        values, and what `Totals` needs of them.
    """
    import sqlalchemy as sa

    counts = [
        push_down.value_counts(
            table, [codes[table.name, c] for c in table.column_names], words[table.name], limit
        )
        for table in schema
        if table.columns
    ]
    held = sa.union_all(*counts).subquery("held")
    member = sa.case((_compared(held, schema, codes, words), held.c.code)).label("member")
    compared = sa.select(*held.c, member).subquery("compared")
    together = sa.func.sum(compared.c.member).over(partition_by=compared.c.hash)
    columns = sa.case((compared.c.member.is_not(None), together)).label("columns")
    marked = sa.select(*compared.c, columns).subquery("marked")
    value, number, n, length = marked.c.hash, marked.c.number, marked.c.n, marked.c.length

    def rows_where(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return _whole(sa.func.coalesce(sa.func.sum(sa.case((condition, n))), 0))

    return sa.select(
        marked.c.code,
        marked.c.columns,
        _whole(sa.func.count(value)),
        _whole(sa.func.sum(n)),
        rows_where(value.is_not(None)),
        _whole(sa.func.max(length)),
        _whole(sa.func.coalesce(sa.func.sum(n * length), 0)),
        rows_where(number.is_not(None)),
        sa.func.min(number),
        sa.func.max(number),
        _whole(sa.func.coalesce(sa.func.sum(n * marked.c.spaced), 0)),
    ).group_by(marked.c.code, marked.c.columns)


def _compared(
    held: sa.Subquery,
    schema: Schema,
    codes: Mapping[ColumnId, int],
    words: Mapping[TableName, Mapping[str, HeadTexts]],
) -> sa.ColumnElement[bool]:
    """Return the condition that a value may refer to a key, or be one."""
    import sqlalchemy as sa

    columns = [((table.name, c.name), c.type.family) for table in schema for c in table.columns]
    numbers = [codes[column] for column, family in columns if family in NUMBERS]
    prose = {
        codes[table, name]
        for table, texts in words.items()
        for name, text in texts.items()
        if text.longest > KEY_LENGTH
    }
    others = prose | {codes[column] for column, family in columns if family not in COMPARABLE}
    return sa.and_(
        held.c.hash.is_not(None),
        sa.func.coalesce(held.c.length, 0) <= KEY_LENGTH,
        held.c.code.not_in(sorted(others)),
        sa.or_(held.c.code.not_in(numbers), held.c.number.is_not(None)),
    )


def _whole(expression: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    import sqlalchemy as sa

    return sa.cast(expression, sa.BigInteger)


def _counted(rows: Iterable[Sequence[Any]]) -> dict[int, tuple[int, Totals]]:
    """Return distinct values and totals of columns by their codes, of all rows of the statement."""
    found: dict[int, tuple[int, Totals]] = {}
    for code, _, values, *totals in rows:
        distinct, known = found.get(int(code), NOTHING)
        found[int(code)] = distinct + values, known + Totals(*totals)
    return found


def _figures(
    schema: Schema,
    store: Store,
    codes: Mapping[ColumnId, int],
    by_code: Mapping[int, tuple[int, Totals]],
    words: Mapping[TableName, Mapping[str, HeadTexts]],
    digits: Mapping[ColumnId, float],
    limit: int | None,
) -> Iterator[tuple[ColumnId, ColumnFigures]]:
    for table in schema:
        ranks = store.codes[table.name]
        for i, column in enumerate(table.columns):
            distinct, totals = by_code.get(codes[table.name, column.name], NOTHING)
            store.rows[table.name] = totals.rows
            values = totals.values
            if (texts := words[table.name].get(column.name)) is not None:
                totals = replace(
                    totals,
                    longest=texts.longest,
                    length=round(texts.length * values),
                    spaced=round(texts.spaced * values),
                )
            totals = replace(totals, digits=round(digits[table.name, column.name] * values))
            exact = limit is None or totals.rows < limit
            figures = column_figures(
                totals,
                distinct,
                _kind(column, totals),
                column.type.family,
                ranks[:, i],
                exact=exact,
            )
            yield (table.name, column.name), figures


def _kind(column: Column, totals: Totals) -> pa.DataType:
    """Return the type in which the values travel: as text where one exceeds the declared type."""
    import pyarrow as pa

    low, high = BOUNDS.get(column.type.family, UNBOUNDED)
    fits = (totals.low is None or low <= totals.low) and (
        totals.high is None or totals.high <= high
    )
    return arrow_type(column.type) if fits else pa.string()


def _groups(
    shared: Sequence[tuple[Any, ...]], codes: Mapping[ColumnId, int], columns: Sequence[ColumnId]
) -> Groups:
    """Return the groups that the statement found, of some columns only."""
    import numpy as np

    places = {codes[column]: i for i, column in enumerate(columns)}
    kept = [row for row in shared if int(row[0]) in places]
    sets: dict[int, int] = {}
    group = [sets.setdefault(int(row[1]), len(sets)) for row in kept]
    return Groups(
        np.array(group, dtype=np.int64),
        np.array([places[int(row[0])] for row in kept], dtype=np.int64),
        np.array([row[2] for row in kept], dtype=np.int64),
        np.array([row[3] for row in kept], dtype=np.int64),
    )
