"""Evidence that the database computes: one statement counts and compares the values of all tables.

Works through the adapter port; what leaves the database are counts, the first rows, and hashes of
the columns that may be part of a composite key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from schemasynth.adapter import PushDown, SourceConnection
from schemasynth.infer.evidence.figures import KEY_LENGTH, ColumnFigures, ColumnId
from schemasynth.infer.evidence.head import HEAD_ROWS, Head, HeadTexts
from schemasynth.infer.evidence.inclusion import inclusions
from schemasynth.infer.evidence.store import Groups, Store
from schemasynth.infer.evidence.totals import Totals, column_figures
from schemasynth.model import Schema, Table, TableName, TypeFamily, arrow_type
from schemasynth.progress import Listener, Progress

if TYPE_CHECKING:
    import sqlalchemy as sa

    from schemasynth.infer.evidence.figures import Inclusions

COMPARABLE = frozenset(
    {
        TypeFamily.INTEGER,
        TypeFamily.DECIMAL,
        TypeFamily.FLOAT,
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
"""Families of which a value may refer to a key; of numbers the whole ones."""
NUMBERS = frozenset({TypeFamily.DECIMAL, TypeFamily.FLOAT})
CODE_BYTES = 7
"""A column's code has 56 bits: sums of codes tell sets of columns apart."""
COUNTED, SHARED = 0, 1
"""What a row of the statement is: totals of a column, or a column's part in a group."""


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
    counted = {int(row[1]): row[2:] for row in rows if row[0] == COUNTED}
    figures = dict(_figures(schema, store, codes, counted, words, digits, limit))
    shared = [(r[1], r[2], r[3], r[4]) for r in rows if r[0] == SHARED]
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
) -> sa.CompoundSelect[Any]:
    """Return the grouped inclusion of SINDY (Kruse, Papenbrock, Naumann 2015) with totals.

    Each table is scanned once, to count the values of each of its columns. The sum of the codes
    of the columns that hold a value stands for the set of these columns.
    """
    import sqlalchemy as sa

    counts = [
        push_down.value_counts(
            table, [codes[table.name, c] for c in table.column_names], words[table.name], limit
        )
        for table in schema
        if table.columns
    ]
    held = sa.union_all(*counts).cte("held")
    families = {
        codes[table.name, column.name]: column.type.family
        for table in schema
        for column in table.columns
    }
    prose = {
        codes[table, name]
        for table, columns in words.items()
        for name, texts in columns.items()
        if texts.longest > KEY_LENGTH
    }
    return sa.union_all(_totals(held), _shared(held, families, prose))


def _totals(held: sa.CTE) -> sa.Select[Any]:
    """Return the SELECT of what `Totals` needs of each column, and of its number of values."""
    import sqlalchemy as sa

    value, number, n, length = held.c.hash, held.c.number, held.c.n, held.c.length

    def rows_where(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return _whole(sa.func.coalesce(sa.func.sum(sa.case((condition, n))), 0))

    return sa.select(
        sa.literal(COUNTED).label("kind"),
        held.c.code,
        sa.func.sum(n),
        rows_where(value.is_not(None)),
        _whole(sa.func.count(value)),
        _whole(sa.func.max(length)),
        _whole(sa.func.coalesce(sa.func.sum(n * length), 0)),
        rows_where(number.is_not(None)),
        sa.func.min(number),
        sa.func.max(number),
        rows_where(held.c.spaced),
    ).group_by(held.c.code)


def _shared(
    held: sa.CTE, families: Mapping[int, TypeFamily], prose: Collection[int]
) -> sa.Select[Any]:
    """Return the SELECT of what stands in which set of columns: values and rows a column.

    Args:
        held: the values of all columns.
        families: of the columns, by their codes.
        prose: codes of columns that hold texts longer than any key.
    """
    import sqlalchemy as sa

    value, number, code = held.c.hash, held.c.number, held.c.code
    numbers = [c for c, family in families.items() if family in NUMBERS]
    others = [c for c, family in families.items() if family not in COMPARABLE or c in prose]
    compared = sa.and_(
        value.is_not(None),
        sa.func.coalesce(held.c.length, 0) <= KEY_LENGTH,
        code.not_in(others),
        sa.or_(code.not_in(numbers), number.is_not(None)),
    )
    sets = (
        sa.select(value, sa.func.sum(code).label("columns"))
        .where(compared)
        .group_by(value)
        .having(sa.func.count() > 1)
        .subquery("sets")
    )
    return (
        sa.select(
            sa.literal(SHARED),
            code,
            sets.c.columns,
            _whole(sa.func.count()),
            _whole(sa.func.sum(held.c.n)),
            *(sa.null() for _ in range(6)),
        )
        .select_from(held.join(sets, value == sets.c.hash))
        .where(compared)
        .group_by(sets.c.columns, code)
    )


def _whole(expression: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    import sqlalchemy as sa

    return sa.cast(expression, sa.BigInteger)


def _figures(
    schema: Schema,
    store: Store,
    codes: Mapping[ColumnId, int],
    by_code: Mapping[int, tuple[Any, ...]],
    words: Mapping[TableName, Mapping[str, HeadTexts]],
    digits: Mapping[ColumnId, float],
    limit: int | None,
) -> Iterator[tuple[ColumnId, ColumnFigures]]:
    for table in schema:
        ranks = store.codes[table.name]
        for i, column in enumerate(table.columns):
            rows, values, distinct, longest, length, whole, low, high, spaced = by_code.get(
                codes[table.name, column.name], (0, 0, 0, None, 0, 0, None, None, 0)
            )
            store.rows[table.name] = int(rows)
            if (texts := words[table.name].get(column.name)) is not None:
                longest, length = texts.longest, round(texts.length * values)
                spaced = round(texts.spaced * values)
            totals = Totals(
                int(rows),
                values,
                longest,
                length,
                whole,
                low,
                high,
                spaced,
                round(digits[table.name, column.name] * values),
            )
            kind = arrow_type(column.type)
            exact = limit is None or int(rows) < limit
            figures = column_figures(
                totals, distinct, kind, column.type.family, ranks[:, i], exact=exact
            )
            yield (table.name, column.name), figures


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
