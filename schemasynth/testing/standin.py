"""A stand-in for the generator in tests: draws rows of the source, renames keys, learns nothing.

It copies real rows, so it is no engine that users can choose, and never writes to a target.
"""

from __future__ import annotations

import uuid

import numpy as np
import pyarrow as pa

from schemasynth.arrays import NONE, Ints, array, frame, generator, ranges, take
from schemasynth.rewrite.draw import pick
from schemasynth.rewrite.prepared import Frames, Prepared, PreparedReference, PreparedTable


def generate(prepared: Prepared, seed: int) -> Frames:
    """Return as many rows as the SDK would, in another order and with keys as it writes them.

    A table without a context gets its size: every row as often as that allows, and some of them
    once more. A row below a context parent comes once for each time that its parent was drawn.
    With the source's sizes all rows come exactly once.

    Args:
        prepared: tables and rows.
        seed: decides rows, order and keys.
    """
    drawn: dict[str, Ints] = {}
    owners: dict[str, Ints] = {}
    for table in prepared.tables:
        _draw(prepared, table, drawn, owners, seed)
    names = {name: _key_names(len(rows), seed, name) for name, rows in drawn.items()}
    result = {}
    for table in prepared.tables:
        rows = prepared.frames[table.name]
        columns = {name: take(array(rows, name), drawn[table.name]) for name in rows.columns}
        columns[table.key] = names[table.name]
        for reference in table.references:
            chosen = (
                owners[table.name]
                if reference.is_context
                else _matched(prepared, table, reference, drawn, seed)
            )
            columns[reference.column] = take(names[reference.table], chosen)
        result[table.name] = frame(columns, len(drawn[table.name]))
    return result


def _draw(
    prepared: Prepared,
    table: PreparedTable,
    drawn: dict[str, Ints],
    owners: dict[str, Ints],
    seed: int,
) -> None:
    """Draw the rows of a table, and the drawn row that each is a child of."""
    rng = generator(seed, "stand-in", table.name)
    rows = len(prepared.frames[table.name])
    context = next((r for r in table.references if r.is_context), None)
    if context is None:
        size = table.size if rows else 0
        whole = np.tile(np.arange(rows, dtype=np.int64), size // max(rows, 1))
        drawn[table.name] = rng.permutation(
            np.concatenate([whole, rng.permutation(rows)[: size - len(whole)]])
        )
        return
    positions = _positions(prepared, table, context)
    order = np.argsort(positions, kind="stable")
    first = np.searchsorted(positions[order], drawn[context.table])
    count = np.searchsorted(positions[order], drawn[context.table], side="right") - first
    mixed = rng.permutation(int(count.sum()))
    drawn[table.name] = order[ranges(first, count)][mixed]
    owners[table.name] = np.repeat(np.arange(len(count)), count)[mixed]


def _positions(prepared: Prepared, table: PreparedTable, reference: PreparedReference) -> Ints:
    column = array(prepared.frames[table.name], reference.column)
    return np.asarray(column.fill_null(NONE), dtype=np.int64)


def _matched(
    prepared: Prepared,
    table: PreparedTable,
    reference: PreparedReference,
    drawn: dict[str, Ints],
    seed: int,
) -> Ints:
    """Return a drawn parent for each drawn row: the row's own, else any."""
    rng = generator(seed, "stand-in", table.name, reference.column)
    wanted = _positions(prepared, table, reference)[drawn[table.name]]
    parents = drawn[reference.table]
    chosen = pick(wanted, parents, rng)
    lost = (chosen == NONE) & (wanted != NONE)
    if len(parents):
        chosen[lost] = rng.integers(0, len(parents), int(lost.sum()))
    return chosen


def _key_names(rows: int, seed: int, table: str) -> pa.Array[str]:
    raw = generator(seed, "stand-in keys", table).bytes(16 * rows)
    texts = (f"mostly{uuid.UUID(bytes=raw[i : i + 16])!s:.22}" for i in range(0, 16 * rows, 16))
    return pa.array(list(texts), pa.string())
