"""A stand-in for the generator in tests: permutes rows and renames keys, learns nothing.

It copies real rows, so it is no engine that users can choose, and never writes to a target.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import array, frame, generator, positions, take
from schemasynth.rewrite.prepared import Frames, Prepared, PreparedTable
from schemasynth.rows import Rows

if TYPE_CHECKING:
    from schemasynth.arrays import Ints


def generate(prepared: Prepared, seed: int) -> Frames:
    """Return the prepared tables with rows in another order and keys as the SDK writes them.

    A table without a context gets as many rows as planned: whole copies of its rows, then some
    of them. One with a context gets the rows of each of its parents' copies.

    Args:
        prepared: tables and rows.
        seed: decides order and keys.
    """
    origins: dict[str, Ints] = {}
    names: dict[str, pa.Array[str]] = {}
    parents: dict[str, Ints] = {}
    for table in _contexts_first(prepared):
        origins[table.name], parents[table.name] = _copied(table, prepared, origins, seed)
        names[table.name] = _key_names(len(origins[table.name]), seed, table.name)
    result: dict[str, pd.DataFrame] = {}
    for table in prepared.tables:
        rows, origin = prepared.frames[table.name], origins[table.name]
        columns = {name: take(array(rows, name), origin) for name in rows.columns}
        columns[table.key] = names[table.name]
        for reference in table.references:
            chosen = (
                parents[table.name]
                if reference.is_context
                else _codes(columns[reference.column], origins[reference.table])
            )
            columns[reference.column] = take(names[reference.table], chosen)
        result[table.name] = frame(columns, len(origin))
    return result


def _contexts_first(prepared: Prepared) -> list[PreparedTable]:
    known = {table.name: table for table in prepared.tables}

    def depth(table: PreparedTable) -> int:
        context = next((r.table for r in table.references if r.is_context), None)
        return 0 if context is None else 1 + depth(known[context])

    return sorted(prepared.tables, key=depth)


def _copied(
    table: PreparedTable, prepared: Prepared, origins: Mapping[str, Ints], seed: int
) -> tuple[Ints, Ints]:
    """Return for each new row the one it copies, and its parent among the new ones."""
    rows = prepared.frames[table.name]
    rng = generator(seed, "stand-in", table.name)
    context = next((r for r in table.references if r.is_context), None)
    if context is None:
        order = rng.permutation(len(rows))
        return np.resize(order, table.size), np.zeros(0, dtype=np.int64)
    owners = _positions(rows, context.column)
    children = np.argsort(owners, kind="stable")
    counts = np.bincount(owners, minlength=len(prepared.frames[context.table]))
    first = np.cumsum(counts) - counts
    copied = origins[context.table]
    many = counts[copied]
    parents = np.repeat(np.arange(len(copied)), many)
    rank = np.arange(len(parents)) - np.repeat(np.cumsum(many) - many, many)
    order = rng.permutation(len(parents))
    return children[first[copied[parents]] + rank][order], parents[order]


def _positions(rows: Rows, column: str) -> Ints:
    values = array(rows, column).cast(pa.int64()).fill_null(-1)
    return np.asarray(values, dtype=np.int64)


def _codes(wanted: pa.Array[int], offered: Ints) -> Ints:
    return positions(np.asarray(wanted.fill_null(-1), dtype=np.int64), offered)


def _key_names(rows: int, seed: int, table: str) -> pa.Array[str]:
    raw = generator(seed, "stand-in keys", table).bytes(16 * rows)
    texts = (f"mostly{uuid.UUID(bytes=raw[i : i + 16])!s:.22}" for i in range(0, 16 * rows, 16))
    return pa.array(list(texts), pa.string())
