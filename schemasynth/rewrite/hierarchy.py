"""The rewrite of self-references: a forest with the source's depth, fan-out and roots.

Imports the base, references and forests; compiled from the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import NONE, array, codes, lookup, tuple_codes
from schemasynth.plan.model import Encoding
from schemasynth.rewrite.base import Preparation, Restoration, nothing
from schemasynth.rewrite.draw import pick
from schemasynth.rewrite.forest import Forest, acyclic, depths, grow
from schemasynth.rewrite.prepared import PreparedColumn
from schemasynth.rewrite.references import Reference

if TYPE_CHECKING:
    from schemasynth.arrays import Ints
    from schemasynth.rows import Rows

LEVELS = 30
"""Depths learned as categories of their own; deeper rows count as the last."""


@dataclass(frozen=True, slots=True)
class SelfReference(Reference):
    """A hierarchy kept out of the generator, which learns only how deep each row stands.

    Where the key shares columns with other keys (a tenant), no tree reaches beyond rows that
    agree in them.
    """

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
        shape = self._shape(work.all_keys(self.name))
        work.kept[self._forest] = shape
        if self.name in work.keys:
            shape = self._shape(work.read.rows[self.name]).iloc[: len(work.source[self.name])]
        levels = shape["level"].to_numpy(dtype=np.int64)
        spec = PreparedColumn(self._level, Encoding.CATEGORICAL)
        work.learn(self.name, spec, pa.array(np.minimum(levels, LEVELS)).cast(pa.string()))

    def _shape(self, rows: Rows) -> pd.DataFrame:
        """Return each row's parent, depth and scope; rows on a cycle count as roots."""
        given = lookup(
            [array(rows, name) for name in self.key.columns],
            [array(rows, name) for name in self.key.referred_columns],
        )
        parents, own = acyclic(given), np.arange(len(given))
        scopes = [codes(array(rows, t)) for here, t in self.pairs if not self.alone(here)]
        return pd.DataFrame(
            {
                "parent": np.where(parents == own, NONE, parents),
                "level": depths(parents),
                "group": tuple_codes(scopes, len(own)),
                "own": given == own,
            }
        )

    def restore(self, work: Restoration) -> None:
        """Grow the forest and set rows into it by their depth, within rows that agree."""
        rng = work.random(self.name, self._forest)
        kept = work.kept[self._forest]
        shape = Forest(*(kept[c].to_numpy(dtype=np.int64) for c in ("parent", "level", "group")))
        wanted, offered = self.agreement(work)
        native = np.flatnonzero((wanted == offered) & (wanted != NONE))
        forest, stands_for = grow(shape, offered[native], rng)
        rows = native[self._by_level(work, offered, native, rng)]
        nodes = np.lexsort((forest.levels, forest.groups))
        row_of = np.empty(len(rows), dtype=np.int64)
        row_of[nodes] = rows
        positions = nothing(work.rows[self.name])
        positions[row_of] = np.where(forest.parents == NONE, NONE, row_of[forest.parents])
        own = kept["own"].to_numpy(dtype=np.bool_)
        own_root = own[stands_for] if len(own) else np.zeros(len(rows), dtype=np.bool_)
        roots = row_of[(forest.parents == NONE) & own_root]
        self._attach_guests(work, positions, np.flatnonzero(wanted != offered), rng)
        positions[roots] = roots
        if not self.key.nullable:
            left = np.flatnonzero(positions == NONE)
            positions[left] = left
        self.show(work, positions)
        work.parents[self.name, self.index] = positions
        self.copy(work)

    def _by_level(
        self, work: Restoration, groups: Ints, rows: Ints, rng: np.random.Generator
    ) -> Ints:
        """Return the order of rows by group, then by the depth that was learned."""
        learned = pd.to_numeric(work.synthetic[self.name][self._level], errors="coerce")
        depth = np.asarray(learned.fillna(LEVELS).astype("int64"), dtype=np.int64)[rows]
        order: Ints = np.lexsort((rng.random(len(rows)), depth, groups[rows]))
        return order

    def eligible(self, work: Restoration, *, alike: bool) -> tuple[Ints, Ints]:
        """Let a row move only below rows of the level of its parent: no cycle can come of it."""
        wanted, offered = self.agreement(work)
        positions = work.parents[self.name, self.index]
        levels = depths(positions)
        rows, width = len(levels), int(levels.max(initial=0)) + 2
        codes = np.where(offered == NONE, NONE, offered * width + levels)
        root = (positions == NONE) | (positions == np.arange(rows))
        above = np.where(root, NONE, wanted * width + levels[positions])
        return np.where(wanted == NONE, NONE, above), codes

    def _attach_guests(
        self, work: Restoration, positions: Ints, guests: Ints, rng: np.random.Generator
    ) -> None:
        """Put rows whose parents stand in another group below rows at home there: no cycle."""
        if len(guests) == 0:
            return
        wanted, offered = self.agreement(work)
        hosts = offered.copy()
        hosts[guests] = NONE
        positions[guests] = pick(wanted[guests], hosts, rng)
        lost = (positions[guests] == NONE) & (wanted[guests] != NONE)
        what = "hierarchy: made a root, no parent agrees in the columns that keys share"
        work.repaired(self.name, what, int(lost.sum()))
