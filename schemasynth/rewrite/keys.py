"""The rewrite of keys: own parts made new, composite keys unique, without losing rows.

Imports the base, references and key values; compiled from the plan.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import (
    NONE,
    array,
    cast,
    counts_of,
    joint_codes,
    nulls,
    rank_in_group,
    repeated,
    take,
    tuple_codes,
)
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, ForeignKeyTreatment, TablePlan
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.draw import child_counts
from schemasynth.rewrite.references import Reference, unreferred
from schemasynth.rewrite.values import Exhausted, new_values
from schemasynth.rows import part

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

NUMBERED = 0.9
"""Share of groups that count from the start without a gap, for a part to be a line number."""
FEW = 0.2
"""A part with fewer distinct values by rows repeats: its values are drawn from the source's."""
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
class Keys:
    """The own, non-foreign parts of a table's keys, and the uniqueness of all its keys.

    Attributes:
        table: the table.
        references: its foreign keys that are restored before.
    """

    table: TablePlan
    references: tuple[Reference, ...]

    @property
    def name(self) -> str:
        """The table's name as text."""
        return str(self.table.name)

    @property
    def _own(self) -> tuple[ColumnPlan, ...]:
        return tuple(c for c in self.table.columns if c.treatment is ColumnTreatment.KEY)

    @property
    def _keys(self) -> tuple[tuple[str, ...], ...]:
        keys = (self.table.primary_key, *self.table.unique_keys)
        return tuple(key for key in keys if key)

    def describe(self) -> str:
        """Say what it does."""
        names = ", ".join(column.name for column in self._own)
        return f"Keys of {self.name} ({names or 'all foreign'}) are made new and unique."

    def prepare(self, work: Preparation) -> None:
        """Keep the values that must not come back, and how parts of composite keys repeat."""
        own = [column.name for column in self._own]
        work.kept[f"keys:{self.name}"] = part(work.all_keys(self.name), own)
        facts = [(name, *self._numbering(work, name)) for name in own]
        work.kept[f"numbering:{self.name}"] = pd.DataFrame(
            facts, columns=["column", "numbered", "start"]
        )

    def _composite(self, column: str) -> tuple[str, ...]:
        """Return the composite key that a column is part of, if it is no key by itself."""
        if (column,) in self._keys:
            return ()
        return next((key for key in self._keys if column in key), ())

    def _numbering(self, work: Preparation, column: str) -> tuple[bool, int]:
        """Tell whether a column numbers the rows of the rest of its key, and from where."""
        others = [name for name in self._composite(column) if name != column]
        values = work.values(self.name, column)
        if not others or not pa.types.is_integer(values.type) or len(values) == 0:
            return False, 0
        parts = [_codes(work.values(self.name, name)) for name in others]
        groups = pd.Series(tuple_codes(parts, len(values)))
        numbers = pd.Series(values.to_pandas()).groupby(groups)
        low, high, size = numbers.min(), numbers.max(), numbers.size()
        start = int(low.mode().iloc[0]) if len(low) else 0
        runs = (low == start) & (high == start + size - 1)
        return bool(len(runs) and runs.mean() >= NUMBERED and size.max() > 1), start

    def restore(self, work: Restoration) -> None:
        """Make the parts, then repair duplicates of every key."""
        for column in self._ordered(work):
            self._make(work, column)
        for reference in self.references:
            self._reattach(work, reference)
        for reference in self.references:
            self._drop(work, unreferred(work, reference), "no parent left for a required key")
        for key in self._keys:
            if all(name in work.columns[self.name] for name in key):
                self._unique(work, key)

    def _reattach(self, work: Restoration, reference: Reference) -> None:
        """Give parents to rows that have none because another key shares a column.

        The row takes a parent that others have, and its other keys follow in what they share.
        """
        lost = unreferred(work, reference)
        if len(lost) == 0:
            return
        rng = work.random(self.name, str(reference.index), "reattach")
        positions = work.parents[self.name, reference.index].copy()
        used = positions[positions != NONE]
        pool = used if len(used) else np.arange(work.rows[reference.parent])
        if len(pool) == 0:
            return
        positions[lost] = rng.choice(pool, len(lost))
        work.parents[self.name, reference.index] = positions
        reference.copy(work)
        for other in self.references:
            if other is not reference and set(other.key.columns) & set(reference.key.columns):
                other.replace(work, work.parents[self.name, other.index])
        left = unreferred(work, reference)
        what = f"{reference.parent}: moved to a parent that agrees in the columns two keys share"
        work.repaired(self.name, what, len(lost) - len(left))

    def _source(self, work: Restoration, column: str) -> Array:
        return array(work.kept[f"keys:{self.name}"], column)

    def _fact(self, work: Restoration, column: str) -> tuple[bool, int]:
        facts = work.kept[f"numbering:{self.name}"]
        row = facts[facts["column"] == column].iloc[0]
        return bool(row["numbered"]), int(row["start"])

    def _ordered(self, work: Restoration) -> list[ColumnPlan]:
        """Return own columns, the one with most distinct values first: others number within it."""
        distinct = {c.name: len(self._source(work, c.name).unique()) for c in self._own}
        return sorted(self._own, key=lambda c: -distinct[c.name])

    def _make(self, work: Restoration, column: ColumnPlan) -> None:
        rows = work.rows[self.name]
        rng = work.random(self.name, column.name, "key")
        source = self._source(work, column.name)
        columns = work.columns[self.name]
        numbered, start = self._fact(work, column.name)
        others = [n for n in self._composite(column.name) if n != column.name and n in columns]
        if numbered and others:
            groups = tuple_codes([_codes(columns[name]) for name in others], rows)
            numbers = pa.array(rank_in_group(groups) + start, pa.int64())
            columns[column.name] = cast(numbers, source.type)
            return
        if others and len(source) and len(source.unique()) < FEW * len(source):
            columns[column.name] = source.take(pa.array(rng.integers(0, len(source), rows)))
            return
        columns[column.name] = self._new(work, column, source, rows, rng)

    def _new(
        self,
        work: Restoration,
        column: ColumnPlan,
        source: Array,
        rows: int,
        rng: np.random.Generator,
    ) -> Array:
        """Return new values; part of a composite key repeats as often as in the source."""
        assert column.key_format is not None  # noqa: S101 checked with the plan
        present = source.drop_null()
        alone = not self._composite(column.name)
        if alone or len(present) == 0:
            values = self._fresh(work, column, present, rows, rng)
            return self._with_nulls(column, source, values, rng)
        sizes, weights = np.unique(counts_of(_codes(present)), return_counts=True)
        per_value = np.maximum(weights // sizes, 1)
        distinct = max(1, round(rows * len(present.unique()) / len(present)))
        counts = child_counts(sizes, per_value, distinct, rows, rng)
        values = self._fresh(work, column, present, distinct, rng)
        return values.take(pa.array(rng.permutation(np.repeat(np.arange(distinct), counts))))

    def _fresh(
        self,
        work: Restoration,
        column: ColumnPlan,
        source: Array,
        size: int,
        rng: np.random.Generator,
    ) -> Array:
        assert column.key_format is not None  # noqa: S101 checked with the plan
        try:
            return new_values(column.key_format, column.type, source, size, rng)
        except Exhausted:
            nobody = source.slice(0, 0)
            values = new_values(column.key_format, column.type, nobody, size, rng)
            work.repaired(self.name, f"{column.name}: values of the source used again", size)
            return values

    @staticmethod
    def _with_nulls(
        column: ColumnPlan, source: Array, values: Array, rng: np.random.Generator
    ) -> Array:
        """Set as many values to NULL, by rows, as the source has."""
        share = source.null_count / len(source) if len(source) else 0.0
        if not share or not column.nullable:
            return values
        places = np.arange(len(values))
        places[rng.permutation(len(values))[: round(share * len(values))]] = NONE
        return take(values, places)

    def _unique(self, work: Restoration, key: tuple[str, ...]) -> None:
        """Repair rows that repeat a key: draw again what may change, drop what cannot."""
        duplicates = self._duplicates(work, key)
        if len(duplicates) == 0:
            return
        found = len(duplicates)
        for move, rounds in self._movers(work, key):
            for _ in range(rounds):
                if len(duplicates) == 0:
                    break
                move(duplicates)
                duplicates = self._duplicates(work, key)
        names = ", ".join(key)
        work.repaired(self.name, f"({names}): drawn again to be unique", found - len(duplicates))
        self._drop(work, duplicates, f"({names}): no free value left")

    def _duplicates(self, work: Restoration, key: tuple[str, ...]) -> Ints:
        parts = [_codes(work.columns[self.name][name]) for name in key]
        return np.flatnonzero(repeated(tuple_codes(parts, work.rows[self.name])))

    def _drop(self, work: Restoration, rows: Ints, why: str) -> None:
        if len(rows):
            work.repaired(self.name, f"rows dropped, {why}", len(rows))
            work.keep_rows(self.table, np.setdiff1d(np.arange(work.rows[self.name]), rows))

    def _movers(self, work: Restoration, key: tuple[str, ...]) -> Iterator[tuple[Mover, int]]:
        """Yield ways to change a row's key, those that harm patterns least first."""
        rng = work.random(self.name, *key, "unique")
        own = {column.name: column for column in self._own}
        learned = [
            c for c in self.table.columns if c.name in key and c.treatment is ColumnTreatment.LEARN
        ]
        for name in (n for n in key if n in own):
            yield (lambda rows, c=own[name]: self._renew(work, c, rows, rng)), ROUNDS  # type: ignore[misc]
        holders = [r for r in self.references if set(r.key.columns) & set(key)]
        holders.sort(key=lambda r: _EXCHANGED.index(r.key.treatment))
        contexts = [r for r in holders if r.key.treatment is ForeignKeyTreatment.CONTEXT]
        for reference in (r for r in holders if r not in contexts):
            yield from self._partners(work, reference, key, rng)
        for column in learned:
            yield (lambda rows, c=column: _resample(work, self.name, c.name, rows, rng)), ROUNDS  # type: ignore[misc]
        for reference in contexts:
            yield from self._partners(work, reference, key, rng)
        if len(holders) > 1:
            yield self._free_tuple(work, holders, rng), 1
            yield self._exchange_all(work, holders, rng), ROUNDS
        for column in learned:
            yield (lambda rows, c=column: self._shift(work, c, rows)), ROUNDS  # type: ignore[misc]

    def _partners(
        self,
        work: Restoration,
        reference: Reference,
        key: tuple[str, ...],
        rng: np.random.Generator,
    ) -> Iterator[tuple[Mover, int]]:
        """Yield ways to give rows another parent: one in use elsewhere, then any that is free."""
        if set(key) - set(reference.key.columns):
            yield self._exchange(work, reference, rng), ROUNDS
        yield self._free_partner(work, reference, key, rng), 1

    def _renew(
        self, work: Restoration, column: ColumnPlan, rows: Ints, rng: np.random.Generator
    ) -> None:
        """Give rows new values of a key column."""
        source = self._source(work, column.name).drop_null()
        known = work.columns[self.name][column.name]
        used = pa.concat_arrays([source, cast(known.drop_null(), source.type)])
        assert column.key_format is not None  # noqa: S101 checked with the plan
        try:
            fresh = new_values(column.key_format, column.type, used, len(rows), rng)
        except Exhausted:
            return
        work.columns[self.name][column.name] = _replaced(known, rows, fresh)

    @staticmethod
    def _exchange(work: Restoration, reference: Reference, rng: np.random.Generator) -> Mover:
        return lambda rows: reference.redraw(work, rows, rng)

    def _exchange_all(
        self, work: Restoration, references: Sequence[Reference], rng: np.random.Generator
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

        def move(rows: Ints) -> None:
            shape = [work.rows[reference.parent] for reference in references]
            if not 0 < math.prod(shape) <= COUNTABLE:
                return
            placed = [work.parents[self.name, reference.index] for reference in references]
            whole = np.flatnonzero(np.all([p != NONE for p in placed], axis=0))
            taken = np.ravel_multi_index([p[whole] for p in placed], shape)
            free = rng.permutation(np.setdiff1d(np.arange(math.prod(shape)), taken))[: len(rows)]
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
    ) -> Mover:
        """Return a mover that takes, of all parents, one that the rest of the key has not yet."""

        def move(rows: Ints) -> None:
            count = work.rows[self.name]
            positions = work.parents[self.name, reference.index].copy()
            wanted, offered = reference.agreement(work)
            rest = [name for name in key if name not in reference.key.columns]
            parts = [_codes(work.columns[self.name][name]) for name in rest]
            groups = tuple_codes([*parts, wanted], count)
            order = np.argsort(groups, kind="stable")
            ordered = groups[order]
            for group in np.unique(groups[rows]):
                first, last = np.searchsorted(ordered, [group, group + 1])
                members = order[first:last]
                moving = np.intersect1d(members, rows)
                able = np.flatnonzero(offered == wanted[members[0]])
                free = rng.permutation(np.setdiff1d(able, positions[members]))[: len(moving)]
                positions[moving[: len(free)]] = free
            reference.replace(work, positions)

        return move

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


def _codes(values: Array) -> Ints:
    return joint_codes(values, values.slice(0, 0))[0]


def _resample(
    work: Restoration, table: str, column: str, rows: Ints, rng: np.random.Generator
) -> None:
    """Give rows other values of the same column."""
    values = work.columns[table][column]
    present = np.flatnonzero(~nulls(values))
    if len(present):
        fresh = values.take(pa.array(rng.choice(present, len(rows))))
        work.columns[table][column] = _replaced(values, rows, fresh)


def _replaced(values: Array, rows: Ints, fresh: Array) -> Array:
    """Return values with those at some rows replaced."""
    places = np.arange(len(values))
    places[rows] = len(values) + np.arange(len(rows))
    both = pa.concat_arrays([values, cast(fresh, values.type)])
    return both.take(pa.array(places))
