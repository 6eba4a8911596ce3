"""The rewrite of keys: own parts made new, numbers within a parent as the source has them.

Imports the base, references and key values; compiled from the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import (
    NONE,
    array,
    cast,
    codes,
    counts_of,
    nulls,
    rank_in_group,
    runs,
    take,
    tuple_codes,
)
from schemasynth.plan.keyparts import NO_ROWS, Rows
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, TablePlan
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.draw import child_counts
from schemasynth.rewrite.references import Reference, unreferred
from schemasynth.rewrite.values import Exhausted, new_values
from schemasynth.rows import part

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

REPEATING = 0.5
"""A part of a key with fewer distinct values by rows tells rows apart only within the rest."""
COUNTING = 0.9
"""Share of groups that count up for a part to be a line number even where few groups make its
values repeat."""
GAPS = 3
"""Steps a row that a group may have counted: lines are deleted, but most stay."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The own, non-foreign parts of a table's keys.

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
    def _beside(self) -> tuple[str, ...]:
        """Other columns that parts of keys come from."""
        own = {column.name for column in self._own}
        names = [n for c in self._own if c.key_format for n in c.key_format.sources]
        return tuple(dict.fromkeys(name for name in names if name not in own))

    @property
    def _keys(self) -> tuple[tuple[str, ...], ...]:
        keys = (self.table.primary_key, *self.table.unique_keys)
        return tuple(key for key in keys if key)

    def describe(self) -> str:
        """Say what it does."""
        names = ", ".join(column.name for column in self._own)
        return f"Keys of {self.name} ({names or 'all foreign'}) are made new."

    def prepare(self, work: Preparation) -> None:
        """Keep the values that must not come back, and those that count within the rest."""
        own = [column.name for column in self._own]
        work.kept[f"keys:{self.name}"] = part(work.all_keys(self.name), [*own, *self._beside])
        distinct = {c.name: len(work.values(self.name, c.name).unique()) for c in self._own}
        order = sorted(distinct, key=lambda name: -distinct[name])
        work.kept[f"order:{self.name}"] = pd.DataFrame({"column": pd.Series(order, dtype="str")})
        for place, column in enumerate(order):
            later = order[place:]
            rest = [name for name in self._composite(column) if name not in later]
            sequence = self._sequence(work, column, rest)
            if sequence is not None:
                work.kept[self._within(column)] = sequence

    def _within(self, column: str) -> str:
        return f"within:{self.name}:{column}"

    def _composite(self, column: str) -> tuple[str, ...]:
        """Return the composite key that a column is part of, if it is no key by itself."""
        if (column,) in self._keys:
            return ()
        return next((key for key in self._keys if column in key), ())

    def _sequence(self, work: Preparation, column: str, rest: list[str]) -> pd.DataFrame | None:
        """Return the values of a part in order, with their group by the rest of the key.

        Returns:
            None where the part tells rows apart by itself.
        """
        values = work.values(self.name, column)
        if not rest or len(values) == 0:
            return None
        groups = tuple_codes([codes(work.values(self.name, n)) for n in rest], len(values))
        ordered = pd.DataFrame({"group": groups, "value": work.source[self.name][column]})
        ordered = ordered.sort_values(["group", "value"], kind="stable", ignore_index=True)
        repeats = len(values.unique()) < REPEATING * len(values)
        return ordered if repeats or _counts_up(ordered) else None

    def restore(self, work: Restoration) -> None:
        """Make the parts, and find parents for rows that keys with shared columns left without."""
        for name in work.kept[f"order:{self.name}"]["column"]:
            self._make(work, self.table.column(name))
        settle(work, self.table, self.references)

    def _make(self, work: Restoration, column: ColumnPlan) -> None:
        rows = work.rows[self.name]
        rng = work.random(self.name, column.name, "key")
        source = array(work.kept[f"keys:{self.name}"], column.name)
        columns = work.columns[self.name]
        rest = [n for n in self._composite(column.name) if n != column.name and n in columns]
        within = work.kept.get(self._within(column.name))
        if within is None or not rest:
            columns[column.name] = self._new(work, column, source, rows, rng)
            return
        groups = tuple_codes([codes(columns[name]) for name in rest], rows)
        columns[column.name] = cast(_counted(within, groups, rng), source.type)

    def _new(
        self,
        work: Restoration,
        column: ColumnPlan,
        source: Array,
        rows: int,
        rng: np.random.Generator,
    ) -> Array:
        """Return new values; part of a composite key repeats as often as in the source."""
        present = source.drop_null()
        alone = not self._composite(column.name)
        if alone or len(present) == 0:
            beside = rows_beside(work, self.name, column)
            values = self._fresh(work, column, present, rows, rng, beside)
            return self._with_nulls(column, source, values, rng)
        sizes, weights = np.unique(counts_of(codes(present)), return_counts=True)
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
        rows: Rows = NO_ROWS,
    ) -> Array:
        assert column.key_format is not None  # noqa: S101 checked with the plan
        form = column.key_format
        try:
            return new_values(form, column.type, source, size, rng, rows=rows)
        except Exhausted:
            nobody, alone = source.slice(0, 0), Rows({}, rows.made)
        try:
            values = new_values(form, column.type, nobody, size, rng, rows=alone)
        except Exhausted as error:
            raise Exhausted(
                f"Column {self.name}.{column.name} cannot have {size:,} new keys: {error}. Make "
                f"its type ({column.type.sql}) wider in the database, or plan fewer rows: a "
                "smaller scale, or a smaller size of this table in the plan."
            ) from None
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


def rows_beside(work: Restoration, table: str, column: ColumnPlan) -> Rows:
    """Return the columns that parts of a key come from, in the source and as restored."""
    assert column.key_format is not None  # noqa: S101 checked with the plan
    kept, made = work.kept[f"keys:{table}"], work.columns[table]
    there = ~nulls(array(kept, column.name))
    names = [name for name in column.key_format.sources if name in kept]
    return Rows(
        {name: array(kept, name).filter(pa.array(there)) for name in names},
        {name: made[name] for name in names if name in made},
    )


def _counts_up(ordered: pd.DataFrame) -> bool:
    """Tell whether integers count up in most groups, in even steps and with few gaps."""
    values = array(ordered, "value")
    if not pa.types.is_integer(values.type) or values.null_count:
        return False
    numbers = np.asarray(values.cast(pa.int64()), dtype=np.int64)
    step = max(1, int(np.gcd.reduce(numbers)))
    starts, sizes = runs(ordered["group"].to_numpy(dtype=np.int64))
    low, high = numbers[starts], numbers[starts + sizes - 1]
    return bool(((low >= 0) & (high <= GAPS * step * sizes)).mean() >= COUNTING)


def _counted(within: pd.DataFrame, groups: Ints, rng: np.random.Generator) -> Array:
    """Return for each row a value by its place in its group, as a group of the source has them.

    Args:
        within: ordered groups and values of the source.
        groups: of the rows.
        rng: chooses among groups of the source that have as many rows, or the next more; where
            none has, the largest goes on in steps of its own.
    """
    values = array(within, "value")
    starts, sizes = runs(within["group"].to_numpy(dtype=np.int64))
    order = np.argsort(groups, kind="stable")
    _, own_sizes = runs(groups[order])
    by_size = np.argsort(sizes, kind="stable")
    ascending = sizes[by_size]
    first = np.minimum(np.searchsorted(ascending, own_sizes), len(ascending) - 1)
    last = np.searchsorted(ascending, ascending[first], side="right")
    model = by_size[first + (rng.random(len(first)) * (last - first)).astype(np.int64)]
    places = np.empty(len(groups), dtype=np.int64)
    beyond = np.empty(len(groups), dtype=np.int64)
    offset = rank_in_group(groups[order])
    size = np.repeat(sizes[model], own_sizes)
    places[order] = np.repeat(starts[model], own_sizes) + np.minimum(offset, size - 1)
    beyond[order] = np.maximum(offset - size + 1, 0)
    chosen = values.take(pa.array(places))
    if not beyond.any() or not pa.types.is_integer(values.type):
        return chosen
    numbers = np.asarray(values.cast(pa.int64()), dtype=np.int64)
    inner = np.diff(numbers)[np.setdiff1d(np.arange(len(numbers) - 1), starts - 1)]
    step = max(1, int(np.median(inner))) if len(inner) else 1
    return pc.add(chosen.cast(pa.int64()), pa.array(beyond * step))


def settle(work: Restoration, table: TablePlan, references: tuple[Reference, ...]) -> None:
    """Give parents to rows that have none because keys share columns; drop who cannot have one."""
    for reference in references:
        _reattach(work, reference, references)
    for reference in references:
        lost = unreferred(work, reference)
        if len(lost):
            name = str(table.name)
            work.repaired(name, "rows dropped, no parent left for a required key", len(lost))
            work.keep_rows(table, np.setdiff1d(np.arange(work.rows[name]), lost))


def _reattach(work: Restoration, reference: Reference, references: tuple[Reference, ...]) -> None:
    """Give parents to rows that have none because another key shares a column.

    The row takes a parent that others have, and its other keys follow in what they share.
    """
    lost = unreferred(work, reference)
    if len(lost) == 0:
        return
    name = reference.name
    rng = work.random(name, str(reference.index), "reattach")
    positions = work.parents[name, reference.index].copy()
    used = positions[positions != NONE]
    pool = used if len(used) else np.arange(work.rows[reference.parent])
    if len(pool) == 0:
        return
    positions[lost] = rng.choice(pool, len(lost))
    work.parents[name, reference.index] = positions
    reference.copy(work)
    for other in references:
        if other is not reference and set(other.key.columns) & set(reference.key.columns):
            other.replace(work, work.parents[name, other.index])
    left = unreferred(work, reference)
    what = f"{reference.parent}: moved to a parent that agrees in the columns two keys share"
    work.repaired(name, what, len(lost) - len(left))
