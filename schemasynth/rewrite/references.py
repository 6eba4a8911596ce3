"""Rewrites of foreign keys: context, category, restored; the referenced row gives the columns.

Imports the base and draws; compiled from the plan.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import (
    NONE,
    array,
    joint_tuple_codes,
    lookup,
    nulls,
    take,
    tuple_codes,
)
from schemasynth.plan.model import (
    ColumnTreatment,
    Encoding,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    TablePlan,
)
from schemasynth.rewrite.base import ROW, Preparation, Restoration, neutral, nothing
from schemasynth.rewrite.draw import assign, child_counts, pick
from schemasynth.rewrite.prepared import PreparedColumn, PreparedReference
from schemasynth.rewrite.sizes import law_name, reference_column
from schemasynth.rewrite.traits import Traits

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools, Ints

ATTACHED = "attached"
"""Learned of rows that refer to a parent; of others, which columns of the key hold values."""
SHOWN, HIDDEN = "1", "0"
"""A column of a key that refers to nothing holds a value, or NULL."""
SAME, OTHER = "same", "other"
"""Learned of rows with two keys to one parent table: whether both refer to the same row."""
NOISE = 3.0
"""Standard deviations by which a learned share of NULLs may miss the source's before rows are
attached or detached: fewer would be corrected by chance, and with it what rows agreed in."""
SWAPS = 30
"""Times that rows which must refer to two different parents exchange one with another row."""


def urgency(table: TablePlan) -> tuple[int, ...]:
    """Return the foreign keys in the order in which they are restored.

    The context comes first, then those of most columns, which decide shared ones.
    """

    def rank(index: int) -> tuple[bool, int, int]:
        key = table.foreign_keys[index]
        return key.treatment is not ForeignKeyTreatment.CONTEXT, -len(key.columns), index

    return tuple(sorted(range(len(table.foreign_keys)), key=rank))


@dataclass(frozen=True, slots=True)
class Reference(ABC):
    """A foreign key of a table.

    Attributes:
        table: the child.
        index: of the key among the child's.
    """

    table: TablePlan
    index: int

    @abstractmethod
    def describe(self) -> str:
        """Say what it does and what comes back."""

    @abstractmethod
    def prepare(self, work: Preparation) -> None:
        """Hand over what the generator gets, keep what `restore` needs."""

    @abstractmethod
    def restore(self, work: Restoration) -> None:
        """Choose the parents."""

    @property
    def key(self) -> ForeignKeyPlan:
        """The foreign key as planned."""
        return self.table.foreign_keys[self.index]

    @property
    def name(self) -> str:
        """The child as text."""
        return str(self.table.name)

    @property
    def parent(self) -> str:
        """The referenced table as text."""
        return str(self.key.referred)

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """The child's and the parent's column of each part of the key."""
        return tuple(zip(self.key.columns, self.key.referred_columns, strict=True))

    def alone(self, column: str) -> bool:
        """Tell whether only this key gives a column its values."""
        holders = sum(column in key.columns for key in self.table.foreign_keys)
        return holders == 1 and self.table.column(column).treatment is ColumnTreatment.FOREIGN_KEY

    @property
    def _twin(self) -> int | None:
        """The key to the same columns of the same table that is restored before, if any."""
        target = (self.key.referred, self.key.referred_columns)
        for index in urgency(self.table):
            if index == self.index:
                return None
            other = self.table.foreign_keys[index]
            if (other.referred, other.referred_columns) == target:
                return index
        return None

    @property
    def _apart(self) -> str:
        return f"apart:{self.name}:{self.index}"

    def compare(self, work: Preparation, positions: Ints) -> Bools:
        """Return the rows that both this key and its twin refer to; keep whether there are any."""
        if self._twin is None:
            return np.zeros(len(positions), dtype=np.bool_)
        other = RestoredReference(self.table, self._twin).source_positions(work)
        both = (positions != NONE) & (other != NONE)
        same: Bools = both & (positions == other)
        work.kept[self._apart] = pd.DataFrame({"apart": [bool(both.any() and not same.any())]})
        return same

    def apart(self, work: Restoration) -> int | None:
        """Return the twin, if no row of the source has both keys the same."""
        kept = work.kept.get(self._apart)
        return self._twin if kept is not None and bool(kept["apart"].all()) else None

    def twin_positions(self, work: Restoration) -> Ints:
        """Return the rows that the twin refers to; `NONE` where there is no twin."""
        known = work.parents.get((self.name, NONE if self._twin is None else self._twin))
        return nothing(work.rows[self.name]) if known is None else known

    @property
    def traits(self) -> Traits | None:
        """What is learned of the parents; None where nothing is."""
        return Traits(self.name, self.index, self.key) if self.key.traits else None

    def source_positions(self, work: Preparation) -> Ints:
        """Return the parent's row for each source row."""
        return lookup(
            [work.values(self.name, column) for column in self.key.columns],
            [work.referred(self.parent, column) for column in self.key.referred_columns],
        )

    def place(self, work: Restoration, positions: Ints) -> None:
        """Refer each row to a parent, in agreement with the columns that are there already."""
        self._put(work, positions)
        if self.key.nullable:
            lost = (positions != NONE) & (work.parents[self.name, self.index] == NONE)
            what = f"{self.parent}: set to NULL, no parent agrees in the columns that keys share"
            work.repaired(self.name, what, int(lost.sum()))

    def _put(self, work: Restoration, positions: Ints) -> None:
        work.parents[self.name, self.index] = self._agreeing(work, positions)
        self.copy(work)

    def copy(self, work: Restoration) -> None:
        """Copy the referenced columns of the chosen parents."""
        positions = work.parents[self.name, self.index]
        own = work.columns[self.name]
        for here, there in self.pairs:
            if self.table.column(here).treatment is ColumnTreatment.DETERMINED:
                continue
            offered = work.columns[self.parent][there]
            if here in own:
                own[here] = _keeping(own[here], take(offered, positions), positions)
                continue
            shown = work.shown.get((self.name, self.index, here), positions)
            values = take(offered, np.where(positions == NONE, shown, positions))
            own[here] = values if len(offered) else self._without_parents(here, values)

    def _without_parents(self, column: str, values: Array) -> Array:
        """Return something for a NOT NULL column of an optional key to an empty table."""
        if not self.key.nullable or self.table.column(column).nullable:
            return values
        return pa.array([neutral(values.type)] * len(values), values.type)

    def _agreeing(self, work: Restoration, positions: Ints) -> Ints:
        """Exchange parents whose shared columns differ from those of the row."""
        wanted, offered = self.agreement(work)
        referring = positions != NONE
        disagree = referring & (offered[positions] != wanted) if len(offered) else referring
        if not self.key.nullable:
            disagree &= wanted != NONE
        if disagree.any():
            rng = work.random(self.name, str(self.index), "agree")
            positions = positions.copy()
            positions[disagree] = pick(wanted[disagree], offered, rng)
        return positions

    def agreement(self, work: Restoration) -> tuple[Ints, Ints]:
        """Return codes of what each row wants of a parent for other keys' sake, and of parents."""
        own = work.columns[self.name]
        shared = [(here, t) for here, t in self.pairs if here in own and not self.alone(here)]
        if not shared:
            rows, parents = work.rows[self.name], work.rows[self.parent]
            return np.zeros(rows, dtype=np.int64), np.zeros(parents, dtype=np.int64)
        return joint_tuple_codes(
            [own[here] for here, _ in shared],
            [work.columns[self.parent][there] for _, there in shared],
        )

    def eligible(self, work: Restoration, *, alike: bool) -> tuple[Ints, Ints]:
        """Return codes of the parents that each row may be moved to, and of all parents.

        Args:
            work: the restored rows.
            alike: only parents of the kind that the row wants.
        """
        wanted, offered = self.agreement(work)
        if not alike or self.traits is None:
            return wanted, offered
        kinds = self.traits.kinds(work)
        rows = len(wanted)
        both = [np.concatenate((wanted, offered)), np.concatenate(kinds)]
        joint = tuple_codes(both, rows + len(offered))
        return joint[:rows], joint[rows:]

    def redraw(
        self,
        work: Restoration,
        rows: Ints,
        rng: np.random.Generator,
        *,
        everyone: bool = False,
        alike: bool = False,
    ) -> None:
        """Refer some rows to other parents.

        Args:
            work: is changed.
            rows: which rows.
            rng: source of randomness.
            everyone: draw from all parents with equal chances, not as often as they are in use.
            alike: only parents of the kind that the row wants.
        """
        positions = work.parents[self.name, self.index].copy()
        used = positions[positions != NONE]
        pool = np.arange(work.rows[self.parent]) if everyone or len(used) == 0 else used
        wanted, offered = self.eligible(work, alike=alike)
        chosen = pick(wanted[rows], offered[pool], rng)
        found = chosen != NONE
        positions[rows[found]] = pool[chosen[found]]
        self.replace(work, positions)

    def replace(self, work: Restoration, positions: Ints) -> None:
        """Refer each row to another parent, as far as other keys' columns allow it."""
        for column in filter(self.alone, self.key.columns):
            work.columns[self.name].pop(column, None)
        self._put(work, positions)

    @property
    def _flag(self) -> str:
        return f"schemasynth:attached:{self.index}"

    def learn_attached(self, work: Preparation, missing: Bools) -> None:
        """Hand over which rows refer to nothing, and which columns hold values nevertheless."""
        if not self.key.nullable or not (missing.any() or self.key.null_share):
            return
        values = _where(missing, self._shapes(work), pa.repeat(ATTACHED, len(missing)))
        work.learn(self.name, PreparedColumn(self._flag, Encoding.CATEGORICAL), values)

    def _shapes(self, work: Preparation) -> Array:
        """Return which columns of the key hold values, as text; a whole key counts as NULL."""
        filled = np.stack([~nulls(work.values(self.name, c)) for c in self.key.columns])
        filled &= ~filled.all(axis=0)
        marks = pa.array([HIDDEN, SHOWN])
        parts = (marks.take(pa.array(part.astype(np.int64))) for part in filled)
        return pc.binary_join_element_wise(*parts, "")

    def attached(self, work: Restoration) -> Bools:
        """Return which rows refer to a parent, as many as in the source but for noise."""
        rows = work.rows[self.name]
        if self._flag not in work.synthetic[self.name]:
            return np.ones(rows, dtype=np.bool_)
        shapes = array(work.synthetic[self.name], self._flag)
        absent = _matches(shapes, f"^[{SHOWN}{HIDDEN}]{{{len(self.key.columns)}}}$")
        share = self.key.null_share
        noise = NOISE * math.sqrt(rows * share * (1 - share))
        wanted = round(share * rows)
        if abs(int(absent.sum()) - wanted) > noise:
            absent = _as_many(absent, wanted, work.random(self.name, self._flag))
        return ~absent

    def show(self, work: Restoration, positions: Ints, shapes: Array | None = None) -> None:
        """Choose the values that columns hold where the key refers to nothing.

        Args:
            work: is changed.
            positions: the parents of the rows that have one.
            shapes: learned of each row; by default those of `learn_attached`.
        """
        absent = positions == NONE
        parents = work.rows[self.parent]
        if not self.key.nullable or not parents or len(self.key.columns) == 1 or not absent.any():
            return
        if shapes is None:
            made = work.synthetic[self.name]
            shapes = array(made, self._flag) if self._flag in made else pa.nulls(len(made))
        used = positions[~absent]
        rng = work.random(self.name, self._flag, "shown")
        donors = rng.choice(used if len(used) else np.arange(parents), len(positions))
        for place, column in enumerate(self.key.columns):
            shown = absent & _matches(shapes, f"^.{{{place}}}{SHOWN}")
            if not self.table.column(column).nullable:
                shown = absent
            work.shown[self.name, self.index, column] = np.where(shown, donors, NONE)


def _matches(texts: Array, pattern: str) -> Bools:
    found = pc.match_substring_regex(texts.cast(pa.string()), pattern)
    filled = pc.fill_null(found, False)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _where(condition: Bools, chosen: Array, other: Array) -> Array:
    return pc.if_else(pa.array(condition), chosen, other)


def _keeping(known: Array, values: Array, positions: Ints) -> Array:
    """Return new values; where the row refers to nothing, what another key put there."""
    return pc.if_else(pa.array(positions != NONE), values.cast(known.type), known)


def _as_many(absent: Bools, wanted: int, rng: np.random.Generator) -> Bools:
    """Return flags of which exactly `wanted` hold."""
    result = absent.copy()
    surplus = int(absent.sum()) - wanted
    candidates = np.flatnonzero(absent if surplus > 0 else ~absent)
    result[rng.choice(candidates, abs(surplus), replace=False)] ^= True
    return result


def children_law(positions: Ints, parents: int) -> pd.DataFrame:
    """Return how many parents have how many children."""
    children = np.bincount(positions[positions != NONE], minlength=parents)
    values, weights = np.unique(children, return_counts=True)
    return law_frame(list(zip(values.tolist(), weights.tolist(), strict=True)))


def law_frame(counts: Sequence[tuple[int, int]]) -> pd.DataFrame:
    """Return a law of children a parent as it is kept.

    Args:
        counts: a number of children, and how many parents have it.
    """
    return pd.DataFrame(counts, columns=["children", "parents"], dtype="int64")


@dataclass(frozen=True, slots=True)
class GeneratedReference(Reference):
    """A context (or matched) reference, made by the generator.

    Rows that refer to nothing would be dropped by it: they are attached to random parents under
    a learned flag, and detached again.
    """

    def describe(self) -> str:
        """Say what it does."""
        return (
            f"{self.name}({', '.join(self.key.columns)}) -> {self.parent} as {self.key.treatment}."
        )

    @property
    def _column(self) -> str:
        return reference_column(self.index)

    @property
    def _is_context(self) -> bool:
        return self.key.treatment is ForeignKeyTreatment.CONTEXT

    def prepare(self, work: Preparation) -> None:
        """Hand over the reference, and the flag where it is needed."""
        positions = self.source_positions(work)
        missing = positions == NONE
        parents = len(work.source[self.parent])
        if self._is_context and missing.any() and parents:
            rng = work.random(self.name, self._column)
            positions = positions.copy()
            positions[missing] = rng.integers(0, parents, int(missing.sum()))
        self.learn_attached(work, missing)
        work.kept[law_name(self.table, self.index)] = children_law(positions, parents)
        reference = PreparedReference(self._column, self.parent, self._is_context)
        work.refer(self.name, reference, positions)

    def restore(self, work: Restoration) -> None:
        """Find the generated parents, detach flagged rows."""
        frame = work.synthetic[self.name]
        everyone = lookup([array(frame, self._column)], [array(work.synthetic[self.parent], ROW)])
        positions = np.where(self.attached(work), everyone, NONE)
        self.show(work, positions)
        self.place(work, positions)


@dataclass(frozen=True, slots=True)
class CategoryReference(Reference):
    """A reference to one of few rows: the child learns which one as a category."""

    def describe(self) -> str:
        """Say what it does."""
        return f"{self.name}({', '.join(self.key.columns)}) -> {self.parent} as a category."

    @property
    def _column(self) -> str:
        return f"schemasynth:category:{self.index}"

    @property
    def _shaped(self) -> bool:
        """Whether the key can refer to nothing with some of its columns filled."""
        return self.key.nullable and len(self.key.columns) > 1

    def prepare(self, work: Preparation) -> None:
        """Hand over the parent's position as a category."""
        positions = self.source_positions(work)
        self.compare(work, positions)
        values = pa.array(positions, pa.int64(), mask=positions == NONE).cast(pa.string())
        if self._shaped and (positions == NONE).any():
            shapes = pc.binary_join_element_wise(ATTACHED, self._shapes(work), ":")
            values = _where(positions == NONE, shapes, values)
        work.learn(self.name, PreparedColumn(self._column, Encoding.CATEGORICAL), values)

    def restore(self, work: Restoration) -> None:
        """Map each category to a row; a generated parent stands for one of the source."""
        rng = work.random(self.name, self._column)
        made = array(work.synthetic[self.name], self._column).cast(pa.string())
        shaped = _matches(made, f"^{ATTACHED}:")
        numbers = pd.to_numeric(pd.Series(made.to_pylist(), dtype=object), errors="coerce")
        wanted = np.asarray(numbers.fillna(NONE).astype("int64"), dtype=np.int64)
        parents = work.rows[self.parent]
        if parents == 0:
            self.place(work, nothing(len(wanted)))
            return
        copied = f"rows:{self.parent}" in work.kept
        shuffled = work.random("stands for", self.parent).permutation(parents)
        stands_for = np.arange(parents) if copied else shuffled
        positions = np.where(wanted == NONE, NONE, stands_for[wanted % parents])
        missing = positions == NONE
        if self.key.nullable:
            missing &= ~nulls(made) & ~shaped
        if missing.any():
            used = positions[positions != NONE]
            pool = used if len(used) else np.arange(parents)
            positions[missing] = rng.choice(pool, int(missing.sum()))
            work.repaired(self.name, f"{self.parent}: no parent generated", int(missing.sum()))
        if self.apart(work) is not None:
            positions = _parted(positions, self.twin_positions(work), rng)
        if self._shaped:
            self.show(work, positions, pc.utf8_slice_codeunits(made, len(ATTACHED) + 1))
        self.place(work, positions)


@dataclass(frozen=True, slots=True)
class RestoredReference(Reference):
    """A reference kept out of the generator: children a parent follow the source's law.

    Which rows refer to a parent is learned, so that keys of which only one is filled, or all or
    none, come back so. Of two keys to one table it is learned where both refer to one row.
    """

    def describe(self) -> str:
        """Say what it does."""
        return (
            f"{self.name}({', '.join(self.key.columns)}) -> {self.parent} is drawn again, with "
            "the source's number of children a parent."
        )

    @property
    def _law(self) -> str:
        return law_name(self.table, self.index)

    @property
    def _same(self) -> str:
        return f"schemasynth:same:{self.index}"

    def prepare(self, work: Preparation) -> None:
        """Keep how many parents have how many children; hand over what is learned."""
        positions = self.source_positions(work)
        self.learn_attached(work, positions == NONE)
        same = self.compare(work, positions)
        if self._twin is not None:
            values = _where(same, pa.repeat(SAME, len(same)), pa.repeat(OTHER, len(same)))
            work.learn(self.name, PreparedColumn(self._same, Encoding.CATEGORICAL), values)
        if self.traits is not None:
            self.traits.prepare(work, np.where(same, NONE, positions))
        law = work.read.laws.get(self._law) if self._twin is None else None
        if law is None:
            given = np.where(same, NONE, positions)
            law = children_law(given, len(work.source[self.parent]))
        work.kept[self._law] = law

    def restore(self, work: Restoration) -> None:
        """Draw parents under the law."""
        rng = work.random(self.name, self._law)
        rows, parents = work.rows[self.name], work.rows[self.parent]
        if parents == 0:
            self.place(work, nothing(rows))
            return
        attached = self.attached(work)
        twin = self.twin_positions(work)
        same = attached & (twin != NONE) & self._flagged_same(work)
        drawn = np.flatnonzero(attached & ~same)
        law = work.kept[self._law]
        values, weights = (law[c].to_numpy(dtype=np.int64) for c in ("children", "parents"))
        positions = np.where(same, twin, NONE)
        counts = child_counts(values, weights, parents, len(drawn), rng)
        if self.traits is None:
            positions[drawn] = assign(counts, rng)
        else:
            positions[drawn] = self.traits.match(work, drawn, counts, rng)
        positions[drawn] = _parted(positions[drawn], twin[drawn], rng)
        self.show(work, positions)
        self.place(work, positions)

    def _flagged_same(self, work: Restoration) -> Bools:
        made = work.synthetic[self.name]
        if self._same not in made:
            return np.zeros(len(made), dtype=np.bool_)
        return _matches(array(made, self._same), f"^{SAME}$")


def _parted(positions: Ints, others: Ints, rng: np.random.Generator) -> Ints:
    """Exchange positions among rows until none is that of the other key, as far as possible."""
    result = positions.copy()
    for _ in range(SWAPS):
        clash = np.flatnonzero((result == others) & (result != NONE))
        rest = np.setdiff1d(np.arange(len(result)), clash)
        pairs = min(len(clash), len(rest))
        if pairs == 0:
            break
        clash, partners = clash[:pairs], rng.permutation(rest)[:pairs]
        result[clash], result[partners] = result[partners], result[clash]
    return result


def unreferred(work: Restoration, reference: Reference) -> Ints:
    """Return the rows that must refer to a parent and do not.

    They must where the key may not be NULL, and where another key filled all its columns.
    """
    key = reference.key
    if work.rows[reference.parent] == 0 and key.nullable:
        return np.zeros(0, dtype=np.int64)
    own = work.columns[reference.name]
    partial = np.zeros(work.rows[reference.name], dtype=np.bool_)
    for column in key.columns:
        partial |= nulls(own[column])
    missing = work.parents[reference.name, reference.index] == NONE
    return np.flatnonzero(missing & ~partial if key.nullable else missing | partial)
