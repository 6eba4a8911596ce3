"""A stand-in for the generator in tests: permutes rows and renames keys, learns nothing.

It copies real rows, so it is no engine that users can choose, and never writes to a target.
"""

from __future__ import annotations

import uuid

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import array, frame, generator, take
from schemasynth.rewrite.prepared import Frames, Prepared


def generate(prepared: Prepared, seed: int) -> Frames:
    """Return the prepared tables with rows in another order and keys as the SDK writes them.

    Args:
        prepared: tables and rows.
        seed: decides order and keys.
    """
    names = {
        table.name: _key_names(len(prepared.frames[table.name]), seed, table.name)
        for table in prepared.tables
    }
    result: dict[str, pd.DataFrame] = {}
    for table in prepared.tables:
        rows = prepared.frames[table.name]
        order = generator(seed, "stand-in", table.name).permutation(len(rows))
        columns = {name: take(array(rows, name), order) for name in rows.columns}
        columns[table.key] = take(names[table.name], order)
        for reference in table.references:
            positions = columns[reference.column].fill_null(-1)
            codes = np.asarray(positions, dtype=np.int64)
            columns[reference.column] = take(names[reference.table], codes)
        result[table.name] = frame(columns, len(rows))
    return result


def _key_names(rows: int, seed: int, table: str) -> pa.Array[str]:
    raw = generator(seed, "stand-in keys", table).bytes(16 * rows)
    texts = (f"mostly{uuid.UUID(bytes=raw[i : i + 16])!s:.22}" for i in range(0, 16 * rows, 16))
    return pa.array(list(texts), pa.string())
