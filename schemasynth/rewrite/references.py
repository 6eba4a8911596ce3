"""Rewrites of foreign keys: context, category, restored; the referenced row gives the columns.

Imports the base and draws; compiled from the plan.
"""

from __future__ import annotations

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
)
from schemasynth.plan.model import (
    ColumnTreatment,
    Encoding,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    TablePlan,
)
from schemasynth.rewrite.base import ROW, Preparation, Restoration, nothing
from schemasynth.rewrite.draw import assign, child_counts, pick
from schemasynth.rewrite.prepared import PreparedColumn, PreparedReference
from schemasynth.rewrite.sizes import law_name, reference_column

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints


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

    def source_positions(self, work: Preparation) -> Ints:
        """Return the parent's row for each source row."""
        return lookup(
            [work.values(self.name, column) for column in self.key.columns],
            [work.referred(self.parent, column) for column in self.key.referred_columns],
        )

    def place(self, work: Restoration, positions: Ints) -> None:
        """Refer each row to a parent, in agreement with the columns that are there already."""
        positions = self._agreeing(work, positions)
        work.parents[self.name, self.index] = positions
        self.copy(work)

    def copy(self, work: Restoration) -> None:
        """Copy the referenced columns of the chosen parents."""
        positions = work.parents[self.name, self.index]
        own = work.columns[self.name]
        for here, there in zip(self.key.columns, self.key.referred_columns, strict=True):
            if self.table.column(here).treatment is ColumnTreatment.DETERMINED:
                continue
            values = take(work.columns[self.parent][there], positions)
            own[here] = _keeping(own.get(here), values, positions)

    def _shared(self, work: Restoration) -> list[tuple[str, str]]:
        pairs = zip(self.key.columns, self.key.referred_columns, strict=True)
        return [(here, there) for here, there in pairs if here in work.columns[self.name]]

    def _agreeing(self, work: Restoration, positions: Ints) -> Ints:
        """Exchange parents whose shared columns differ from those of the row."""
        shared = self._shared(work)
        if not shared or work.rows[self.parent] == 0:
            return positions
        wanted, offered = joint_tuple_codes(
            [work.columns[self.name][here] for here, _ in shared],
            [work.columns[self.parent][there] for _, there in shared],
        )
        referring = positions != NONE
        disagree = referring & (offered[positions] != wanted) & (wanted != NONE)
        if disagree.any():
            rng = work.random(self.name, str(self.index), "agree")
            positions = positions.copy()
            positions[disagree] = pick(wanted[disagree], offered, rng)
        return positions

    def agreement(self, work: Restoration) -> tuple[Ints, Ints]:
        """Return codes of what each row wants of a parent for other keys' sake, and of parents."""
        pairs = zip(self.key.columns, self.key.referred_columns, strict=True)
        shared = [(here, there) for here, there in pairs if not self._owns(here)]
        if not shared:
            rows, parents = work.rows[self.name], work.rows[self.parent]
            return np.zeros(rows, dtype=np.int64), np.zeros(parents, dtype=np.int64)
        return joint_tuple_codes(
            [work.columns[self.name][here] for here, _ in shared],
            [work.columns[self.parent][there] for _, there in shared],
        )

    def redraw(
        self, work: Restoration, rows: Ints, rng: np.random.Generator, *, everyone: bool = False
    ) -> None:
        """Refer some rows to other parents.

        Args:
            work: is changed.
            rows: which rows.
            rng: source of randomness.
            everyone: draw from all parents alike, not as often as they are in use.
        """
        positions = work.parents[self.name, self.index].copy()
        used = positions[positions != NONE]
        pool = np.arange(work.rows[self.parent]) if everyone or len(used) == 0 else used
        if len(pool):
            positions[rows] = rng.choice(pool, len(rows))
            self.replace(work, positions)

    def replace(self, work: Restoration, positions: Ints) -> None:
        """Refer each row to another parent, as far as other keys' columns allow it."""
        for column in filter(self._owns, self.key.columns):
            work.columns[self.name].pop(column, None)
        self.place(work, positions)

    def _owns(self, column: str) -> bool:
        """Tell whether no other foreign key decides a column."""
        return sum(column in key.columns for key in self.table.foreign_keys) == 1


def _keeping(known: Array | None, values: Array, positions: Ints) -> Array:
    """Return new values; where the row refers to nothing, what another key put there."""
    if known is None:
        return values
    return pc.if_else(pa.array(positions != NONE), values.cast(known.type), known)


def null_positions(positions: Ints, wanted: int, rng: np.random.Generator, everyone: Ints) -> Ints:
    """Return positions of which exactly `wanted` are `NONE`.

    Args:
        positions: as generated.
        wanted: rows that refer to nothing.
        rng: source of randomness.
        everyone: the parent each row would have.
    """
    missing = np.flatnonzero(positions == NONE)
    result = positions.copy()
    surplus = len(missing) - wanted
    if surplus > 0:
        rows = rng.choice(missing, surplus, replace=False)
        result[rows] = everyone[rows]
    elif surplus < 0:
        rows = rng.choice(np.flatnonzero(positions != NONE), -surplus, replace=False)
        result[rows] = NONE
    return result


def children_law(positions: Ints, parents: int) -> pd.DataFrame:
    """Return how many parents have how many children, and the share of rows without a parent."""
    children = np.bincount(positions[positions != NONE], minlength=parents)
    values, weights = np.unique(children, return_counts=True)
    missing = float((positions == NONE).mean()) if len(positions) else 0.0
    return law_frame(list(zip(values.tolist(), weights.tolist(), strict=True)), missing)


def law_frame(counts: Sequence[tuple[int, int]], null_share: float) -> pd.DataFrame:
    """Return a law of children a parent as it is kept.

    Args:
        counts: a number of children, and how many parents have it.
        null_share: share of rows without a parent.
    """
    law = pd.DataFrame(counts, columns=["children", "parents"], dtype="int64")
    return law.assign(null_share=null_share)


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
    def _flag(self) -> str:
        return f"schemasynth:attached:{self.index}"

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
        if self._is_context and self.key.nullable and (missing.any() or self.key.null_share):
            spec = PreparedColumn(self._flag, Encoding.CATEGORICAL)
            work.learn(self.name, spec, pa.array(~missing))
        work.kept[law_name(self.table, self.index)] = children_law(positions, parents)
        reference = PreparedReference(self._column, self.parent, self._is_context)
        work.refer(self.name, reference, positions)

    def restore(self, work: Restoration) -> None:
        """Find the generated parents, detach flagged rows."""
        frame = work.synthetic[self.name]
        everyone = lookup([array(frame, self._column)], [array(work.synthetic[self.parent], ROW)])
        positions = everyone
        if self._flag in frame:
            attached = pc.fill_null(array(frame, self._flag).cast(pa.bool_()), True)
            detached = ~np.asarray(attached.to_numpy(zero_copy_only=False), dtype=np.bool_)
            wanted = round(self.key.null_share * len(frame))
            rng = work.random(self.name, self._flag)
            positions = null_positions(np.where(detached, NONE, everyone), wanted, rng, everyone)
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

    def prepare(self, work: Preparation) -> None:
        """Hand over the parent's position as a category."""
        positions = self.source_positions(work)
        values = pa.array(positions, pa.int64(), mask=positions == NONE).cast(pa.string())
        work.learn(self.name, PreparedColumn(self._column, Encoding.CATEGORICAL), values)

    def restore(self, work: Restoration) -> None:
        """Map each category to a row; a generated parent stands for one of the source."""
        rng = work.random(self.name, self._column)
        made = array(work.synthetic[self.name], self._column)
        numbers = pd.to_numeric(pd.Series(made.to_pylist(), dtype=object), errors="coerce")
        wanted = np.asarray(numbers.fillna(NONE).astype("int64"), dtype=np.int64)
        parents = work.rows[self.parent]
        if parents == 0:
            self.place(work, nothing(len(wanted)))
            return
        copied = f"rows:{self.parent}" in work.kept
        stands_for = np.arange(parents) if copied else rng.permutation(parents)
        positions = np.where(wanted == NONE, NONE, stands_for[wanted % parents])
        missing = positions == NONE
        if self.key.nullable:
            missing &= ~nulls(made)
        if missing.any():
            used = positions[positions != NONE]
            pool = used if len(used) else np.arange(parents)
            positions[missing] = rng.choice(pool, int(missing.sum()))
            work.repaired(self.name, f"{self.parent}: no parent generated", int(missing.sum()))
        self.place(work, positions)


@dataclass(frozen=True, slots=True)
class RestoredReference(Reference):
    """A reference kept out of the generator: children a parent follow the source's law."""

    def describe(self) -> str:
        """Say what it does."""
        return (
            f"{self.name}({', '.join(self.key.columns)}) -> {self.parent} is drawn again, with "
            "the source's number of children a parent."
        )

    @property
    def _law(self) -> str:
        return law_name(self.table, self.index)

    def prepare(self, work: Preparation) -> None:
        """Keep how many parents have how many children."""
        law = work.read.laws.get(self._law)
        if law is None:
            law = children_law(self.source_positions(work), len(work.source[self.parent]))
        work.kept[self._law] = law

    def restore(self, work: Restoration) -> None:
        """Draw parents under the law."""
        rng = work.random(self.name, self._law)
        rows, parents = work.rows[self.name], work.rows[self.parent]
        law = work.kept[self._law]
        share = float(law["null_share"].max()) if len(law) and self.key.nullable else 0.0
        missing = rows if parents == 0 else round(share * rows)
        counts = child_counts(
            law["children"].to_numpy(dtype=np.int64),
            law["parents"].to_numpy(dtype=np.int64),
            parents,
            rows - missing,
            rng,
        )
        positions = nothing(rows)
        chosen = rng.permutation(rows)[: rows - missing]
        positions[chosen] = assign(counts, rng)
        self.place(work, positions)


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
