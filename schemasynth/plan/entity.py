"""An implicit entity as a frame: its distinct keys over all members, with what they determine.

Imports arrays and the plan's values only; the plan measures with it, the rewrites prepare with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import array, frame, joint_codes, nulls, take, tuple_codes

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.arrays import Array, Ints
    from schemasynth.rows import Tables


@dataclass(frozen=True, slots=True)
class Member:
    """A table that holds the entity's key in `columns` and determines `determined` of it."""

    table: str
    columns: tuple[str, ...]
    determined: tuple[str, ...] = ()


def entity_frame(columns: Sequence[str], members: Sequence[Member], frames: Tables) -> pd.DataFrame:
    """Return one row for each distinct key without NULLs.

    Args:
        columns: names of the key's columns in the result.
        members: the tables that hold it; the first decides the types.
        frames: their rows.

    Returns:
        The key's columns, then the determined columns by their names in the members; a
        determined value is the commonest of the key's rows, NULL where no member tells it.
    """
    parts = [
        _stacked([array(frames[m.table], m.columns[i]) for m in members])
        for i in range(len(columns))
    ]
    rows = len(parts[0])
    key = tuple_codes([joint_codes(part, part.slice(0, 0))[0] for part in parts], rows)
    present = np.flatnonzero(key >= 0)
    _, first = np.unique(key[present], return_index=True)
    chosen = present[np.sort(first)]
    result: dict[str, Array] = {
        name: take(part, chosen) for name, part in zip(columns, parts, strict=True)
    }
    start = 0
    for member in members:
        end = start + len(frames[member.table])
        for name in member.determined:
            values = array(frames[member.table], name)
            result[name] = take(values, _commonest(key[start:end], values, key[chosen]))
        start = end
    return frame(result, len(chosen))


def _stacked(arrays: Sequence[Array]) -> Array:
    kinds = {values.type for values in arrays}
    if len(kinds) > 1:
        arrays = [values.cast(pa.string()) for values in arrays]
    whole = pa.chunked_array(list(arrays), type=arrays[0].type).combine_chunks()
    return whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole


def _commonest(key: Ints, values: Array, wanted: Ints) -> Ints:
    """Return for each wanted key a row that has its commonest value, −1 where there is none."""
    codes = joint_codes(values, values.slice(0, 0))[0]
    rows = np.flatnonzero((key >= 0) & ~nulls(values))
    if len(rows) == 0:
        return np.full(len(wanted), -1, dtype=np.int64)
    pairs = np.stack([key[rows], codes[rows]], axis=1)
    unique, first, counts = np.unique(pairs, axis=0, return_index=True, return_counts=True)
    order = np.lexsort((-counts, unique[:, 0]))
    keys, head = np.unique(unique[order, 0], return_index=True)
    place = np.searchsorted(keys, wanted)
    place = np.minimum(place, len(keys) - 1)
    found = keys[place] == wanted
    return np.where(found, rows[first[order[head[place]]]], -1).astype(np.int64)
