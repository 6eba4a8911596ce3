"""The rewrite of self-references: a forest with the source's depth, fan-out and roots.

Imports the base and references; compiled from the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import NONE, array, joint_tuple_codes, lookup
from schemasynth.plan.model import Encoding
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.prepared import PreparedColumn
from schemasynth.rewrite.references import Reference

if TYPE_CHECKING:
    from schemasynth.arrays import Ints
    from schemasynth.rows import Rows

LEVELS = 30
"""Depths learned as categories of their own; deeper rows count as the last."""


def depths(parents: Ints) -> Ints:
    """Return how far each node is from its root; 0 for roots.

    Args:
        parents: position of each node's parent; `NONE` or itself for roots. Nodes on a cycle,
            and below one, get −1.

    Each round doubles how far `above` looks, so a chain takes no more rounds than a bush.
    """
    nodes = np.arange(len(parents), dtype=np.int64)
    above = np.where(parents == NONE, nodes, parents)
    roots = above == nodes
    steps = (~roots).astype(np.int64)
    for _ in range(len(parents).bit_length()):
        steps += steps[above]
        above = above[above]
    return np.where(roots[above], steps, NONE)


def grow(parents: Ints, levels: Ints, size: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return a forest of another size with the shape of a given one.

    Args:
        parents: of the given forest, `NONE` or itself for roots.
        levels: its depths.
        size: nodes of the new forest.
        rng: source of randomness.

    Returns:
        Parents and depths of the new nodes: whole copies of the forest, then the upper part of
        one more, so that every node's ancestors are there.
    """
    rows = len(parents)
    if rows == 0 or size == 0:
        return np.full(size, NONE, dtype=np.int64), np.zeros(size, dtype=np.int64)
    shuffled = rng.permutation(rows)
    order = shuffled[np.argsort(levels[shuffled], kind="stable")]
    place = np.empty(rows, dtype=np.int64)
    place[order] = np.arange(rows)
    above = np.where(parents[order] == NONE, NONE, place[parents[order]])
    copies = np.arange(size) // rows
    node = np.arange(size) % rows
    result = above[node]
    result = np.where(result == NONE, NONE, result + copies * rows)
    return result, levels[order][node]


@dataclass(frozen=True, slots=True)
class SelfReference(Reference):
    """A hierarchy kept out of the generator, which learns only how deep each row stands."""

    def describe(self) -> str:
        """Say what it does."""
        return (
            f"{self.name}({', '.join(self.key.columns)}) -> itself: a forest with the source's "
            "depth, fan-out and roots."
        )

    @property
    def _forest(self) -> str:
        return f"forest:{self.name}:{self.index}"

    @property
    def _level(self) -> str:
        return f"schemasynth:level:{self.index}"

    def prepare(self, work: Preparation) -> None:
        """Keep the shape; hand over each row's depth."""
        parents, levels = self._shape(work.all_keys(self.name))
        work.kept[self._forest] = pd.DataFrame({"parent": parents, "level": levels})
        if self.name in work.keys:
            levels = self._shape(work.read.rows[self.name])[1][: len(work.source[self.name])]
        spec = PreparedColumn(self._level, Encoding.CATEGORICAL)
        work.learn(self.name, spec, pa.array(np.minimum(levels, LEVELS)).cast(pa.string()))

    def _shape(self, rows: Rows) -> tuple[Ints, Ints]:
        """Return each row's parent and depth; rows on a cycle count as roots."""
        parents = lookup(
            [array(rows, name) for name in self.key.columns],
            [array(rows, name) for name in self.key.referred_columns],
        )
        levels = depths(parents)
        cyclic = levels == NONE
        return np.where(cyclic, NONE, parents), np.where(cyclic, 0, levels)

    def restore(self, work: Restoration) -> None:
        """Grow the forest and set rows into it by their depth."""
        rng = work.random(self.name, self._forest)
        shape = work.kept[self._forest]
        rows = work.rows[self.name]
        parents, levels = grow(
            shape["parent"].to_numpy(dtype=np.int64),
            shape["level"].to_numpy(dtype=np.int64),
            rows,
            rng,
        )
        learned = pd.to_numeric(work.synthetic[self.name][self._level], errors="coerce")
        wanted = np.asarray(learned.fillna(LEVELS).astype("int64"), dtype=np.int64)
        shuffled = rng.permutation(rows)
        row_of = np.empty(rows, dtype=np.int64)
        row_of[np.argsort(levels, kind="stable")] = shuffled[
            np.argsort(wanted[shuffled], kind="stable")
        ]
        positions = np.full(rows, NONE, dtype=np.int64)
        positions[row_of] = np.where(parents == NONE, NONE, row_of[parents])
        positions = self._within_shared(work, positions)
        if not self.key.nullable:
            roots = np.flatnonzero(positions == NONE)
            positions[roots] = roots
        work.parents[self.name, self.index] = positions
        self.copy(work)

    def _within_shared(self, work: Restoration, positions: Ints) -> Ints:
        """Make roots of rows whose parent differs in a column that both keys share."""
        shared = self._shared(work)
        if not shared:
            return positions
        wanted, offered = joint_tuple_codes(
            [work.columns[self.name][here] for here, _ in shared],
            [work.columns[self.name][there] for _, there in shared],
        )
        foreign = (positions != NONE) & (offered[positions] != wanted)
        work.repaired(
            self.name, "hierarchy: made a root, its parent is foreign", int(foreign.sum())
        )
        return np.where(foreign, NONE, positions)
