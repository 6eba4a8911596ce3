"""How well patterns between children and parents are kept: source rows against synthetic ones.

Pure functions of frames; imports the plan's values and levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemasynth.arrays import NONE, array, lookup, take
from schemasynth.levels import cut
from schemasynth.plan.model import ColumnTreatment, ForeignKeyPlan, RefreshPlan, TablePlan

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.arrays import Ints

LONGEST = 100
"""Numbers of children from here on count as one."""


@dataclass(frozen=True, slots=True)
class KeyPatterns:
    """What is kept along one foreign key; accuracies are 1 − the total variation distance.

    Attributes:
        table: the child.
        key: the foreign key as planned.
        bivariate: mean accuracy over all pairs of a child's and a parent's column, both cut into
            deciles; None where there is no pair.
        children: accuracy of the number of children a parent.
    """

    table: str
    key: ForeignKeyPlan
    bivariate: float | None
    children: float


def key_patterns(
    plan: RefreshPlan, source: Mapping[str, pd.DataFrame], synthetic: Mapping[str, pd.DataFrame]
) -> Iterator[KeyPatterns]:
    """Compare the two sides along every foreign key between tables of the plan.

    Args:
        plan: which columns are learned, and the foreign keys.
        source: rows by table as text.
        synthetic: the same tables.
    """
    for table in plan.tables:
        for key in table.foreign_keys:
            if str(table.name) in source and str(key.referred) in source:
                yield _patterns(table, key, plan.table(key.referred), source, synthetic)


def _patterns(
    table: TablePlan,
    key: ForeignKeyPlan,
    parent: TablePlan,
    source: Mapping[str, pd.DataFrame],
    synthetic: Mapping[str, pd.DataFrame],
) -> KeyPatterns:
    names = str(table.name), str(parent.name)
    children = [frames[names[0]] for frames in (source, synthetic)]
    parents = [frames[names[1]] for frames in (source, synthetic)]
    found = [_positions(key, *side) for side in zip(children, parents, strict=True)]
    rows = [np.flatnonzero(positions != NONE) for positions in found]
    owners = [positions[chosen] for positions, chosen in zip(found, rows, strict=True)]
    own, theirs = _compared(table, children, rows), _compared(parent, parents, owners)
    accuracies = [accuracy(_pair(x, y, 0), _pair(x, y, 1)) for x in own for y in theirs]
    counts = [
        np.minimum(np.bincount(chosen, minlength=len(frame)), LONGEST)
        for chosen, frame in zip(owners, parents, strict=True)
    ]
    return KeyPatterns(
        names[0], key, float(np.mean(accuracies)) if accuracies else None, accuracy(*counts)
    )


def _positions(key: ForeignKeyPlan, child: pd.DataFrame, parent: pd.DataFrame) -> Ints:
    return lookup(
        [array(child, name) for name in key.columns],
        [array(parent, name) for name in key.referred_columns],
    )


def _compared(
    table: TablePlan, frames: Sequence[pd.DataFrame], rows: Sequence[Ints]
) -> list[tuple[Ints, Ints]]:
    """Return the levels of each learned column on both sides, cut as the source is."""
    found = []
    for column in table.columns:
        if column.treatment is not ColumnTreatment.LEARN:
            continue
        known, made = (
            take(array(frame, column.name), at) for frame, at in zip(frames, rows, strict=True)
        )
        levels = cut(known)
        if levels is not None:
            found.append((levels.codes(known), levels.codes(made)))
    return found


def _pair(one: tuple[Ints, Ints], other: tuple[Ints, Ints], side: int) -> Ints:
    width = max(int(codes.max(initial=0)) for codes in other) + 1
    return one[side] * width + other[side]


def accuracy(known: Ints, made: Ints) -> float:
    """Return 1 − the total variation distance of two samples of small codes.

    As the generator's own reports do (Platzer and Reutterer 2021).
    """
    if len(known) == 0 or len(made) == 0:
        return float(len(known) == len(made))
    size = int(max(known.max(), made.max())) + 1
    shares = [np.bincount(codes, minlength=size) / len(codes) for codes in (known, made)]
    return float(1 - np.abs(shares[0] - shares[1]).sum() / 2)
