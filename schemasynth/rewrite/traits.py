"""What a parent is like, learned with the child: so that a fitting one is found again.

Imports the base and draws; used by restored references.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import NONE, Ints, array, take, tuple_codes
from schemasynth.levels import Levels, cut
from schemasynth.plan.model import Encoding, ForeignKeyPlan
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.draw import paired, pick, share
from schemasynth.rewrite.prepared import PreparedColumn

UNKNOWN = 99
"""Level of a trait that was not generated: more than `levels.LEVELS`."""


@dataclass(frozen=True, slots=True)
class Traits:
    """The traits of one foreign key's parents.

    Attributes:
        child: the table.
        index: of the foreign key among its own.
        key: the foreign key.
    """

    child: str
    index: int
    key: ForeignKeyPlan

    @property
    def _kept(self) -> str:
        return f"traits:{self.child}:{self.index}"

    @property
    def _fanouts(self) -> str:
        return f"fanouts:{self.child}:{self.index}"

    def _column(self, place: int) -> str:
        return f"schemasynth:trait:{self.index}:{place}"

    def prepare(self, work: Preparation, positions: Ints) -> None:
        """Hand over each row's traits; keep how they are cut, and the children of each kind.

        Args:
            work: is added to.
            positions: of the rows' parents.
        """
        parent = str(self.key.referred)
        known: list[tuple[int, str | None, float | None]] = []
        kinds = []
        for place, name in enumerate(self.key.traits):
            values = work.referred(parent, name)
            levels = cut(values) or Levels()
            known += [(place, text, None) for text in levels.values]
            known += [(place, None, edge) for edge in levels.edges]
            codes = pa.array(levels.codes(values))
            told = take(codes, positions).cast(pa.string())
            work.learn(self.child, PreparedColumn(self._column(place), Encoding.CATEGORICAL), told)
            kinds.append(np.asarray(codes, dtype=np.int64))
        work.kept[self._kept] = pd.DataFrame(
            {
                "place": pd.Series([k[0] for k in known], dtype="int64"),
                "value": pd.Series([k[1] for k in known], dtype="str"),
                "edge": pd.Series([k[2] for k in known], dtype="float64"),
            }
        )
        size = len(kinds[0])
        children = np.bincount(positions[positions != NONE], minlength=size)
        named = {f"trait {place}": codes for place, codes in enumerate(kinds)}
        work.kept[self._fanouts] = pd.DataFrame({"children": children, **named})

    def kinds(self, work: Restoration, depth: int | None = None) -> tuple[Ints, Ints]:
        """Return codes of the kind of parent that each row wants, and of the parents there are.

        Args:
            work: the restored rows.
            depth: how many of the traits count, the most telling first; all by default.
        """
        count = len(self.key.traits) if depth is None else depth
        wanted = [self._wanted(work, place) for place in range(count)]
        offered = [self._offered(work, place) for place in range(count)]
        rows, parents = work.rows[self.child], work.rows[str(self.key.referred)]
        both = [np.concatenate(pair) for pair in zip(wanted, offered, strict=True)]
        codes = tuple_codes(both, rows + parents)
        return codes[:rows], codes[rows:]

    def _wanted(self, work: Restoration, place: int) -> Ints:
        made = array(work.synthetic[self.child], self._column(place)).cast(pa.string())
        numbers = pd.to_numeric(pd.Series(made.to_pylist(), dtype=object), errors="coerce")
        return np.asarray(numbers.fillna(UNKNOWN).astype("int64"), dtype=np.int64)

    def _offered(self, work: Restoration, place: int) -> Ints:
        kept = work.kept[self._kept]
        kept = kept[kept["place"] == place]
        levels = Levels(
            tuple(str(text) for text in kept["value"].dropna()),
            tuple(float(edge) for edge in kept["edge"].dropna()),
        )
        return levels.codes(work.columns[str(self.key.referred)][self.key.traits[place]])

    def match(self, work: Restoration, rows: Ints, counts: Ints, rng: np.random.Generator) -> Ints:
        """Return a parent for each row: of the kind it wants as far as parents have room.

        Args:
            work: the restored rows.
            rows: those that get a parent.
            counts: children of each parent were it not for its kind; sums up to `rows`.
            rng: source of randomness.
        """
        slots = np.repeat(np.arange(len(counts)), self._of_kind(work, counts, rng))
        positions = np.full(len(rows), NONE, dtype=np.int64)
        for depth in range(len(self.key.traits), -1, -1):
            wanted, offered = self.kinds(work, depth)
            left = np.flatnonzero(positions == NONE)
            mates = paired(wanted[rows[left]], offered[slots], rng)
            found = mates != NONE
            positions[left[found]] = slots[mates[found]]
            slots = np.delete(slots, mates[found])
        return positions

    def _of_kind(self, work: Restoration, counts: Ints, rng: np.random.Generator) -> Ints:
        """Return as many children for each parent as one of its kind had in the source."""
        kept = work.kept[self._fanouts]
        known = [kept[f"trait {p}"].to_numpy(dtype=np.int64) for p in range(len(self.key.traits))]
        offered = [self._offered(work, place) for place in range(len(self.key.traits))]
        both = [np.concatenate(pair) for pair in zip(offered, known, strict=True)]
        codes = tuple_codes(both, len(counts) + len(kept))
        like = pick(codes[: len(counts)], codes[len(counts) :], rng)
        children = kept["children"].to_numpy(dtype=np.int64)
        return share(int(counts.sum()), np.where(like == NONE, counts, children[like]))
