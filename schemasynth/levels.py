"""Columns cut into a few levels, so that two of them can be compared and matched.

Knows nothing of the package but arrays; used by the graph, the plan and the rewrites.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import NONE, nulls

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

LEVELS = 10
"""Levels of a column: deciles of numbers and times, as in the generator's own reports."""
MAX_VALUES = 50
"""Text with more values is taken for an identifier or free text, which no pattern holds."""
NULL = 0
"""Level of NULL."""
REST = 1
"""Level of all values that have none of their own."""


@dataclass(frozen=True, slots=True)
class Levels:
    """How a column is cut.

    Attributes:
        values: texts that have a level of their own, where the column is cut by value.
        edges: between levels, where it is cut by size.
    """

    values: tuple[str, ...] = ()
    edges: tuple[float, ...] = ()

    def codes(self, column: Array) -> Ints:
        """Return the level of each value: `NULL`, or from `REST` on.

        Args:
            column: of the kind that was cut.
        """
        if self.values:
            known = pa.array(self.values, pa.string())
            found = pc.index_in(_texts(column), value_set=known).fill_null(NONE)
            codes = np.asarray(found, dtype=np.int64) + REST + 1
        else:
            numbers = _numbers(column)
            codes = np.searchsorted(np.asarray(self.edges), numbers, side="right") + REST
        return np.where(nulls(column), NULL, codes).astype(np.int64)


def cut(column: Array, most: int = LEVELS) -> Levels | None:
    """Return how to cut a column; None where it is constant, or too various to hold a pattern.

    Args:
        column: any values.
        most: levels, besides that of NULL.
    """
    present = column.drop_null()
    if len(present) == 0 or pa.types.is_nested(column.type):
        return None
    counted = _texts(present).value_counts()
    counts = np.asarray(counted.field("counts"), dtype=np.int64)
    if len(counts) == 1 and not column.null_count:
        return None
    is_number = _is_number(column.type)
    if len(counts) <= most or not is_number:
        if not is_number and len(counts) > MAX_VALUES:
            return None
        own = most if len(counts) <= most else most - 1
        commonest = np.argsort(-counts, kind="stable")[:own]
        return Levels(values=tuple(counted.field("values").take(commonest).to_pylist()))
    quantiles = np.quantile(_numbers(present), np.linspace(0, 1, most + 1)[1:-1])
    return Levels(edges=tuple(float(edge) for edge in np.unique(quantiles)))


def _is_number(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_date(kind)
        or pa.types.is_timestamp(kind)
        or pa.types.is_time(kind)
    )


def _texts(column: Array) -> Array:
    if pa.types.is_binary(column.type):
        return pc.binary_length(column).cast(pa.string())
    return column.cast(pa.string())


def _numbers(column: Array) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return numbers; times as their storage; 0 for NULL."""
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.int32() if column.type.bit_width == 32 else pa.int64())
    floats = column.cast(pa.float64(), safe=False).fill_null(0.0)
    return np.asarray(floats, dtype=np.float64)
