"""Evidence from columns streamed into DuckDB: the way for most databases.

Reads through the adapter port, one scan a table; keeps hashes, and texts of the first rows only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemasynth.adapter import SourceConnection
from schemasynth.infer.evidence.figures import KEY_LENGTH, ColumnFigures, ColumnId
from schemasynth.infer.evidence.head import HEAD_ROWS, Head
from schemasynth.infer.evidence.inclusion import inclusions
from schemasynth.infer.evidence.store import Store
from schemasynth.infer.evidence.totals import WHOLE, Totals, column_figures
from schemasynth.model import Schema, Table
from schemasynth.progress import Listener, Progress

if TYPE_CHECKING:
    import pyarrow as pa

    from schemasynth.infer.evidence.figures import Inclusions

TEXTS = "texts"
"""The batch at hand: each column as canonical text, and as a number under a longer name."""
BATCH_ROWS = 100_000
"""Rows a batch: DuckDB's cost of a statement is spread over them, and 100 MB hold a wide table."""

HASHED_BYTES = 12
"""Bytes of a text up to which DuckDB's hash tells texts apart. Of longer ones it takes eight bytes
at a time, and where two of these eights differ in their last byte alone, as numbered parts of a
code do, one difference often undoes the other: 1,000 texts had 248 hashes. A digest has no such
places."""


def collect(
    source: SourceConnection,
    schema: Schema,
    store: Store,
    limit: int | None,
    listener: Listener,
) -> tuple[dict[ColumnId, ColumnFigures], Inclusions]:
    """Read every table once.

    Args:
        source: the database.
        schema: which tables.
        store: where hashes, and the codes of first rows, are kept.
        limit: at most so many rows a table, the first ones.
        listener: hears a message a table.
    """
    figures: dict[ColumnId, ColumnFigures] = {}
    for done, table in enumerate(schema, 1):
        figures.update(_scan(store, source, table, limit))
        listener(Progress("scan", str(table.name), done, len(schema.tables)))
    listener(Progress("compare", "all columns"))
    return figures, inclusions(store.groups, figures)


def _scan(
    store: Store, source: SourceConnection, table: Table, limit: int | None
) -> Iterator[tuple[ColumnId, ColumnFigures]]:
    totals = [Totals() for _ in table.columns]
    store.rows[table.name] = 0
    kinds: pa.Schema | None = None
    first: list[pa.Table] = []
    for batch in source.read(table, limit=limit, chunk_rows=BATCH_ROWS):
        kinds = batch.schema if kinds is None else kinds
        parts = _take(store, table, batch)
        if sum(map(len, first)) < HEAD_ROWS:
            first.append(_first(store, table))
        totals = [known + part for known, part in zip(totals, parts, strict=True)]
    assert kinds is not None  # noqa: S101 the port yields at least one batch
    codes = store.codes[table.name] = Head.of(first).codes()
    exact = limit is None or store.rows[table.name] < limit
    columns = zip(table.columns, totals, store.distinct_values(table), strict=True)
    for i, (column, total, distinct) in enumerate(columns):
        kind, family = kinds.field(column.name).type, column.type.family
        figures = column_figures(total, distinct, kind, family, codes[:, i], exact=exact)
        yield (table.name, column.name), figures


def _take(store: Store, table: Table, batch: pa.RecordBatch) -> list[Totals]:
    """Keep the hashes of a batch; return the totals of its columns."""
    columns = [store.column((table.name, name)) for name in table.column_names]
    kinds = [batch.schema.field(name).type for name in table.column_names]
    typed = list(zip(columns, kinds, strict=True))
    texts = ", ".join(f"{_text(c, kind)} AS {c}, {_number(c, kind)} AS n{c}" for c, kind in typed)
    store.replace(TEXTS, batch.select(table.column_names).rename_columns(columns), texts)
    hashes = ", ".join(f"{_hash(c)} AS {c}" for c in columns)
    store.insert(store.table(table.name), TEXTS, hashes)
    store.rows[table.name] += batch.num_rows
    counts = store.row(TEXTS, ", ".join(_counted(c, kind) for c, kind in typed))
    parts = (counts[start : start + COUNTED] for start in range(0, len(counts), COUNTED))
    return [Totals(batch.num_rows, *part) for part in parts]


def _hash(name: str) -> str:
    """Return the SQL of the hash of a canonical text."""
    return (
        f"CASE WHEN strlen({name}) <= {HASHED_BYTES} THEN hash({name}) "
        f"WHEN {name} IS NOT NULL THEN hash(md5({name})) END"
    )


def _first(store: Store, table: Table) -> pa.Table:
    """Return the first rows of the batch at hand as texts."""
    columns = ", ".join(store.column((table.name, name)) for name in table.column_names)
    found = store.connection.sql(f"SELECT {columns} FROM {TEXTS} LIMIT {HEAD_ROWS}")  # noqa: S608 own names
    return found.to_arrow_table()


def _text(name: str, kind: pa.DataType) -> str:
    """Return the SQL that writes a value as canonical text."""
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return f"CAST(CAST({name} AS TINYINT) AS VARCHAR)"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        whole = f"CAST(CAST({name} AS HUGEINT) AS VARCHAR)"
        return f"CASE WHEN {_is_whole(name)} THEN {whole} ELSE CAST({name} AS VARCHAR) END"
    if pa.types.is_binary(kind):
        return f"left(hex({name}), {2 * KEY_LENGTH + 2})"
    if pa.types.is_string(kind):
        return f"left(trim({name}), {KEY_LENGTH + 1})"
    return f"CAST({name} AS VARCHAR)"


def _is_whole(name: str) -> str:
    return f"({name} = floor({name}) AND abs({name}) < 1e18)"


def _number(name: str, kind: pa.DataType) -> str:
    """Return the SQL of a value as a number; NULL where it is none."""
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return f"CAST(CAST({name} AS TINYINT) AS DOUBLE)"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return f"CASE WHEN {_is_whole(name)} THEN CAST({name} AS DOUBLE) END"
    if pa.types.is_integer(kind):
        return f"CAST({name} AS DOUBLE)"
    if pa.types.is_string(kind):
        # TRY_CAST first: it costs little where a text is no number.
        tried = f"TRY_CAST({name} AS DOUBLE)"
        return (
            f"CASE WHEN {tried} IS NOT NULL AND regexp_full_match(trim({name}), '{WHOLE}') "
            f"THEN {tried} END"
        )
    return "CAST(NULL AS DOUBLE)"


COUNTED = 8
"""Aggregates a column, in the order of the attributes of `Totals` after the rows."""


def _counted(c: str, kind: pa.DataType) -> str:
    """Return the SQL of the totals of a column of `TEXTS`."""
    import pyarrow as pa

    spaced, digits = "0", f"count({c})"
    if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        spaced = f"coalesce(count_if(contains({c}, ' ')), 0)"
        digits = f"coalesce(count_if(regexp_matches({c}, '[0-9]')), 0)"
    return (
        f"count({c}), max(length({c})), CAST(coalesce(sum(length({c})), 0) AS BIGINT), "
        f"count(n{c}), min(n{c}), max(n{c}), {spaced}, {digits}"
    )
