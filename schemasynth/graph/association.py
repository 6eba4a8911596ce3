"""How much one column says of another, corrected for chance, from samples.

Pure functions of frames; used by the choice of context parents.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Codes: TypeAlias = npt.NDArray[np.int64]

BINS = 10
"""Quantiles into which numbers and times are cut: deciles, as in the generator's own reports."""
MAX_CATEGORIES = 50
"""Text with more values is taken for an identifier or free text, which no pattern holds."""
NULL_CODE = -1


def column_codes(column: pd.Series[Any]) -> Codes | None:
    """Return a small code for each value of a column.

    Args:
        column: any values.

    Returns:
        Codes with NULL as `NULL_CODE`; None for columns that are constant or nearly unique.
    """
    codes, values = pd.factorize(column)
    if len(values) < 2:
        return None
    if len(values) <= MAX_CATEGORIES:
        return np.asarray(codes, dtype=np.int64)
    numbers = _as_numbers(column)
    if numbers is None:
        return None
    edges = np.unique(np.nanquantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
    binned = np.digitize(numbers, edges).astype(np.int64)
    binned[np.isnan(numbers)] = NULL_CODE
    return binned


def _as_numbers(column: pd.Series[Any]) -> npt.NDArray[np.float64] | None:
    values = pa.array(column.array, from_pandas=True)
    if pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    elif pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    numeric = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    if not (numeric or pa.types.is_decimal(values.type)):
        return None
    return np.asarray(values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def association(given: Codes, told: Codes) -> float:
    """Return how much better a column is predicted when another is known, 0 to 1.

    Goodman and Kruskal's τ (1954), less what it is expected to be by chance with as many groups
    (its permutation mean, (groups − 1) / (rows − 1)), rescaled.

    Args:
        given: codes of what is known, for example the parent.
        told: codes of the column to predict.
    """
    rows = len(told)
    if rows < 2:
        return 0.0
    groups, group_sizes = _compact(given)
    values, value_sizes = _compact(told)
    k, m = len(group_sizes), len(value_sizes)
    if k < 2 or m < 2 or k >= rows:
        return 0.0
    _, cells = np.unique(groups * m + values, return_counts=True)
    owners = np.unique(groups * m + values) // m
    within = float((cells.astype(float) ** 2 / group_sizes[owners]).sum()) / rows
    overall = float(((value_sizes / rows) ** 2).sum())
    tau = (within - overall) / (1 - overall)
    chance = (k - 1) / (rows - 1)
    return max(0.0, (tau - chance) / (1 - chance))


def _compact(codes: Codes) -> tuple[Codes, Codes]:
    _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    return inverse.reshape(-1).astype(np.int64), counts.astype(np.int64)


def dispersion(counts: Codes) -> float:
    """Return how much the number of children varies more than by chance, 0 to 1.

    Args:
        counts: children of each parent that has any, or 0.

    Returns:
        The index of dispersion (variance by mean, 1 for Poisson) d as (d − 1) / d, at least 0.
    """
    if len(counts) < 2 or counts.mean() == 0:
        return 0.0
    index = float(counts.var() / counts.mean())
    return max(0.0, 1 - 1 / index) if index > 0 else 0.0
