"""The rewrite that makes keys unique: rows that repeat one get another partner or value.

Imports the base, references and key values; compiled from the plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import NONE, array, cast, codes, nulls, repeated, tuple_codes
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, ForeignKeyTreatment, TablePlan
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.keys import rows_beside
from schemasynth.rewrite.references import Reference
from schemasynth.rewrite.values import Exhausted, new_values

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

ROUNDS = 30
"""Times that duplicates are drawn again before the next way is tried."""
COUNTABLE = 2**22
"""Combinations of parents that are written out to find the free ones: 32 MB of positions."""
_EXCHANGED = (
    ForeignKeyTreatment.RESTORED,
    ForeignKeyTreatment.CATEGORY,
    ForeignKeyTreatment.MATCHED,
    ForeignKeyTreatment.CONTEXT,
)
"""The order in which parents are exchanged: those first whose choice carries no pattern."""

Mover = Callable[["Ints"], None]
"""Changes the given rows so that their keys may become unique."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A mover, and how often it is tried.

    Attributes:
        move: changes rows.
        rounds: tries at most.
        changes_generated: it takes back what the generator chose, which counts as a repair; own
            parts of keys and restored references were drawn here a moment before.
    """

    move: Mover
    rounds: int
    changes_generated: bool = True


@dataclass(frozen=True, slots=True)
class UniqueKeys:
    """Keys of a table whose columns are all there: duplicates are drawn again.

    Attributes:
        table: the table.
        keys: the columns of each.
        references: the table's foreign keys that are restored so far.
        fixed: columns that other rows have copied, which cannot change any more; where there
            are any, no row can be dropped either.
    """

    table: TablePlan
    keys: tuple[tuple[str, ...], ...]
    references: tuple[Reference, ...]
    fixed: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The table's name as text."""
        return str(self.table.name)

    def describe(self) -> str:
        """Say what it does."""
        keys = ", ".join(f"({', '.join(key)})" for key in self.keys)
        return f"{keys} of {self.name}: unique, rows that repeat one are drawn again."

    def prepare(self, work: Preparation) -> None:
        """Do nothing: the rewrite of keys keeps what is needed."""

    def restore(self, work: Restoration) -> None:
        """Repair rows that repeat a key."""
        for key in self.keys:
            self._unique(work, key)
        for key in self.keys:
            self._give_up(work, key, self._repeating(work, key))

    def _unique(self, work: Restoration, key: tuple[str, ...]) -> None:
        wrong = self._wrong(work, key)
        if len(wrong) == 0:
            return
        changed = 0
        for way in self._ways(work, key):
            found = len(wrong)
            for _ in range(way.rounds):
                if len(wrong) == 0:
                    break
                way.move(wrong)
                wrong = self._wrong(work, key)
            changed += found - len(wrong) if way.changes_generated else 0
        names = ", ".join(key)
        work.repaired(self.name, f"({names}): drawn again to be unique", changed)

    def _repeating(self, work: Restoration, key: tuple[str, ...]) -> Ints:
        parts = [codes(work.columns[self.name][name]) for name in key]
        return np.flatnonzero(repeated(tuple_codes(parts, work.rows[self.name])))

    def _wrong(self, work: Restoration, key: tuple[str, ...]) -> Ints:
        """Return rows that repeat a key, or refer twice to one row as no row of the source does."""
        rows = self._repeating(work, key)
        for reference in self._holders(key):
            other = reference.apart(work)
            if other is not None and (self.name, other) in work.parents:
                own = work.parents[self.name, reference.index]
                twice = (own == work.parents[self.name, other]) & (own != NONE)
                rows = np.union1d(rows, np.flatnonzero(twice))
        return rows

    def _give_up(self, work: Restoration, key: tuple[str, ...], rows: Ints) -> None:
        """Refer to nothing where that is allowed, else drop rows where nobody needs them.

        Rows that others have copied stay, and are reported: the proof before the switch finds them.
        """
        if len(rows) == 0:
            return
        names = ", ".join(key)
        for reference in self._holders(key):
            free = [c for c in reference.key.columns if c in key and reference.alone(c)]
            if reference.key.nullable and any(self.table.column(c).nullable for c in free):
                positions = work.parents[self.name, reference.index].copy()
                positions[rows] = NONE
                reference.replace(work, positions)
                work.repaired(self.name, f"({names}): set to NULL to be unique", len(rows))
                return
        if self.fixed:
            what = f"({names}): still repeated, other rows refer to them; verification will refuse"
            work.repaired(self.name, what, len(rows))
            return
        work.repaired(self.name, f"rows dropped, ({names}): no free value left", len(rows))
        work.keep_rows(self.table, np.setdiff1d(np.arange(work.rows[self.name]), rows))

    def _holders(self, key: tuple[str, ...]) -> list[Reference]:
        return [r for r in self.references if set(r.key.columns) & set(key)]

    def _ways(self, work: Restoration, key: tuple[str, ...]) -> Iterator[_Way]:
        """Yield ways to change a row's key, those that harm patterns least first."""
        rng = work.random(self.name, *key, "unique")
        free = [c for c in self.table.columns if c.name in key and c.name not in self.fixed]
        learned = [c for c in free if c.treatment is ColumnTreatment.LEARN]
        for column in (c for c in free if c.treatment is ColumnTreatment.KEY):
            yield _Way(partial(self._renew, work, column, rng), ROUNDS, changes_generated=False)
        holders = [r for r in self._holders(key) if not set(r.key.columns) & self.fixed]
        holders.sort(key=lambda r: _EXCHANGED.index(r.key.treatment))
        contexts = [r for r in holders if r.key.treatment is ForeignKeyTreatment.CONTEXT]
        for reference in (r for r in holders if r not in contexts):
            yield from self._partners(work, reference, key, rng)
        for column in learned:
            yield _Way(partial(self._resample, work, column, rng), ROUNDS)
        for reference in contexts:
            yield from self._partners(work, reference, key, rng)
        if len(holders) > 1:
            yield _Way(self._free_tuple(work, holders, rng), 1)
            yield _Way(self._exchange_all(work, holders, rng), ROUNDS)
        for column in learned:
            yield _Way(partial(self._shift, work, column), ROUNDS)

    def _partners(
        self,
        work: Restoration,
        reference: Reference,
        key: tuple[str, ...],
        rng: np.random.Generator,
    ) -> Iterator[_Way]:
        """Yield ways to give rows another parent: one in use elsewhere, then any that is free."""
        generated = reference.key.treatment is not ForeignKeyTreatment.RESTORED
        for alike in (True, False) if reference.traits is not None else (False,):
            if set(key) - set(reference.key.columns):
                yield _Way(self._exchange(work, reference, rng, alike=alike), ROUNDS, generated)
            partner = self._free_partner(work, reference, key, rng, alike=alike)
            yield _Way(partner, 1, generated)

    def _renew(
        self, work: Restoration, column: ColumnPlan, rng: np.random.Generator, rows: Ints
    ) -> None:
        """Give rows new values of a key column."""
        source = array(work.kept[f"keys:{self.name}"], column.name).drop_null()
        known = work.columns[self.name][column.name]
        beside = rows_beside(work, self.name, column).at(rows)
        assert column.key_format is not None  # noqa: S101 checked with the plan
        try:
            fresh = new_values(
                column.key_format, column.type, source, len(rows), rng,
                rows=beside, taken=known.drop_null(),
            )  # fmt: skip
        except Exhausted:
            return
        work.columns[self.name][column.name] = _replaced(known, rows, fresh)

    @staticmethod
    def _exchange(
        work: Restoration, reference: Reference, rng: np.random.Generator, *, alike: bool
    ) -> Mover:
        return lambda rows: reference.redraw(work, rows, rng, alike=alike)

    @staticmethod
    def _exchange_all(
        work: Restoration, references: Sequence[Reference], rng: np.random.Generator
    ) -> Mover:
        """Return a mover that exchanges all parents of a row at once, for nearly full bridges."""

        def move(rows: Ints) -> None:
            for reference in references:
                reference.redraw(work, rows, rng, everyone=True)

        return move

    def _free_tuple(
        self, work: Restoration, references: Sequence[Reference], rng: np.random.Generator
    ) -> Mover:
        """Return a mover that takes combinations of parents that no row has, if they are few."""
        places = {reference.index: i for i, reference in enumerate(references)}
        apart = [
            (places[r.index], places[other])
            for r in references
            if (other := r.apart(work)) is not None and other in places
        ]

        def move(rows: Ints) -> None:
            shape = [work.rows[reference.parent] for reference in references]
            own = any(reference.parent == self.name for reference in references)
            if own or not 0 < math.prod(shape) <= COUNTABLE:
                return
            placed = [work.parents[self.name, reference.index] for reference in references]
            whole = np.flatnonzero(np.all([p != NONE for p in placed], axis=0))
            whole = np.setdiff1d(whole, rows)
            taken = np.ravel_multi_index([p[whole] for p in placed], shape)
            free = np.setdiff1d(np.arange(math.prod(shape)), taken)
            for one, other in apart:
                cells = np.unravel_index(free, shape)
                free = free[cells[one] != cells[other]]
            free = rng.permutation(free)[: len(rows)]
            chosen = np.unravel_index(free, shape)
            for reference, positions, fresh in zip(references, placed, chosen, strict=True):
                moved = positions.copy()
                moved[rows[: len(free)]] = fresh
                reference.replace(work, moved)

        return move

    def _free_partner(
        self,
        work: Restoration,
        reference: Reference,
        key: tuple[str, ...],
        rng: np.random.Generator,
        *,
        alike: bool,
    ) -> Mover:
        """Return a mover that takes, of all parents, one that the rest of the key has not yet."""

        def move(rows: Ints) -> None:
            count = work.rows[self.name]
            positions = work.parents[self.name, reference.index].copy()
            wanted, offered = reference.eligible(work, alike=alike)
            other = reference.apart(work)
            avoid = work.parents.get((self.name, other)) if other is not None else None
            rest = [name for name in key if name not in reference.key.columns]
            parts = [codes(work.columns[self.name][name]) for name in rest]
            groups = tuple_codes([*parts, wanted], count)
            order = np.argsort(groups, kind="stable")
            ordered = groups[order]
            for group in np.unique(groups[rows]):
                first, last = np.searchsorted(ordered, [group, group + 1])
                members = order[first:last]
                moving = np.intersect1d(members, rows)
                able = np.flatnonzero(offered == wanted[members[0]])
                taken = positions[members]
                if avoid is not None:
                    taken = np.concatenate([taken, avoid[moving]])
                free = rng.permutation(np.setdiff1d(able, taken))[: len(moving)]
                positions[moving[: len(free)]] = free
            reference.replace(work, positions)

        return move

    def _resample(
        self, work: Restoration, column: ColumnPlan, rng: np.random.Generator, rows: Ints
    ) -> None:
        """Give rows other values of the same column."""
        values = work.columns[self.name][column.name]
        present = np.flatnonzero(~nulls(values))
        if len(present):
            fresh = values.take(pa.array(rng.choice(present, len(rows))))
            work.columns[self.name][column.name] = _replaced(values, rows, fresh)

    def _shift(self, work: Restoration, column: ColumnPlan, rows: Ints) -> None:
        """Move numbers and times of rows by one unit beyond the largest."""
        values = work.columns[self.name][column.name]
        kind = values.type
        if pa.types.is_string(kind):
            limit = column.type.length or 2**31
            fresh = pa.array(
                [
                    f"{v}"[: limit - len(s := str(i))] + s
                    for i, v in enumerate(values.take(pa.array(rows)).to_pylist())
                ]
            )
            work.columns[self.name][column.name] = _replaced(values, rows, fresh.cast(kind))
            return
        if pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_boolean(kind):
            return
        storage = pa.int32() if kind.bit_width == 32 else pa.int64()
        numbers = np.asarray(values.cast(storage).fill_null(0), dtype=np.int64)
        step = 86_400_000_000 if pa.types.is_timestamp(kind) else 1
        fresh = numbers.max() + step * np.arange(1, len(rows) + 1)
        work.columns[self.name][column.name] = _replaced(
            values, rows, pa.array(fresh, pa.int64()).cast(storage).cast(kind)
        )


def _replaced(values: Array, rows: Ints, fresh: Array) -> Array:
    """Return values with those at some rows replaced."""
    places = np.arange(len(values))
    places[rows] = len(values) + np.arange(len(rows))
    both = pa.concat_arrays([values, cast(fresh, values.type)])
    return both.take(pa.array(places))
