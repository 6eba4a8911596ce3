"""Inclusion of all columns in each other, out of which columns share how many values.

Pure functions of arrays; both ways of collecting end here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from schemasynth.infer.evidence.figures import (
    KEY_LENGTH,
    MIN_INCLUSION,
    MIN_ROW_INCLUSION,
    ColumnFigures,
    ColumnId,
    Inclusions,
)

if TYPE_CHECKING:
    from schemasynth.infer.evidence.store import Groups

    Grouping: TypeAlias = Callable[[Sequence[ColumnId]], Groups]

COMPARED = 200
"""Columns compared with all others at once: bounds the memory that it takes."""


def inclusions(grouping: Grouping, figures: Mapping[ColumnId, ColumnFigures]) -> Inclusions:
    """Compare the columns that could be keys or refer to one.

    Args:
        grouping: groups the values of columns.
        figures: of all columns.
    """
    import numpy as np
    from scipy.sparse import coo_array, csr_array

    eligible = [c for c, f in figures.items() if may_refer(f)]
    groups = grouping(eligible) if eligible else None
    if groups is None or not len(groups.group):
        return Inclusions.of({})
    shape = (int(groups.group.max()) + 1, len(eligible))
    where = (groups.group, groups.column)
    member = coo_array((np.ones(len(groups.group)), where), shape=shape).tocsc()
    values_of, rows_of = (
        csr_array(coo_array((counts, where), shape=shape).transpose())
        for counts in (groups.values, groups.rows)
    )
    profiles = [figures[column].profile for column in eligible]
    distinct = np.array([p.distinct for p in profiles])
    present = np.array([p.rows - p.nulls for p in profiles])
    referable = np.array([_may_be_referred(figures[column]) for column in eligible])
    counted, children, measured = [], [], []
    for start in range(0, len(eligible), COMPARED):
        # A row a parent, a column a child.
        part = slice(start, start + COMPARED)
        values, rows = (
            csr_array(by.dot(member[:, part])).todense().transpose() for by in (values_of, rows_of)
        )
        kept = (values >= MIN_INCLUSION * distinct) | (rows >= MIN_ROW_INCLUSION * present)
        kept &= (values > 0) & referable[part, None]
        kept[np.arange(len(kept)), np.arange(start, start + len(kept))] = False
        parent, child = np.nonzero(kept)
        shared = values[kept]
        shares = (shared / distinct[child], shared / distinct[start + parent])
        counted.append(kept.sum(axis=1))
        children.append(child.astype(np.int32))
        measured.append(np.column_stack([*shares, rows[kept] / present[child]]).round(6))
    ends = np.cumsum(np.concatenate(counted))
    return Inclusions(eligible, ends, np.concatenate(children), np.concatenate(measured))


def may_refer(figures: ColumnFigures) -> bool:
    """Tell whether a column could refer to a key, by its own values."""
    profile = figures.profile
    return (
        profile.distinct > 0
        and (profile.max_length or 0) <= KEY_LENGTH
        and figures.sort not in ("number", "flag", "other")
    )


def _may_be_referred(figures: ColumnFigures) -> bool:
    """Tell whether a column may be part of a key; uniqueness is judged with the rest."""
    return figures.profile.distinct > 1 or figures.profile.rows == 1
