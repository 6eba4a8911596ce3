"""How well patterns along foreign keys are kept: source rows against synthetic ones.

Pure functions of rows; imports the plan's values and levels; called by the refresh.

Two samples of the same rows differ by chance, so 1 is not what to expect: a half of the source is
held against as many synthetic rows, and against its other half.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from schemasynth.arrays import NONE, array, generator, lookup, take
from schemasynth.levels import cut
from schemasynth.plan.entity import entity_frame
from schemasynth.rewrite import implicit_entities

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints
    from schemasynth.plan.model import ForeignKeyPlan, RefreshPlan, TablePlan
    from schemasynth.rows import Rows, Tables

LONGEST = 100
"""Numbers of children from here on count as one."""
ROWS = 20_000
"""Rows of a child that are compared, siblings together: halves of them tell the accuracy of a
hundred cells to about 0.03, and alike for both comparisons."""
COLUMNS = 12
"""Columns of each table that are compared, the first ones: at most 144 pairs a foreign key."""
FEWEST = 20
"""Rows below which nothing is told."""

Codes: TypeAlias = "tuple[Ints, Ints, Ints]"
"""A column of both halves of the source and of the synthetic rows, as small codes."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How alike a pattern is: 1 − the total variation distance of small codes.

    As in the generator's own reports (Platzer and Reutterer 2021).

    Attributes:
        made: a half of the source and as many synthetic rows.
        ideal: both halves of the source.
    """

    made: float
    ideal: float


@dataclass(frozen=True, slots=True)
class KeyPatterns:
    """What is kept along one foreign key; None where there is nothing to compare.

    Attributes:
        table: the child.
        columns: of the foreign key.
        referred: the parent.
        treatment: of the foreign key.
        children: number of children a parent.
        bivariate: a child's and a parent's column together, mean over pairs.
        siblings: a column of two siblings together, mean over columns.
        farther: a child's column and one of its parent's parents, mean over pairs.
    """

    table: str
    columns: tuple[str, ...]
    referred: str
    treatment: str
    children: Kept | None = None
    bivariate: Kept | None = None
    siblings: Kept | None = None
    farther: Kept | None = None


def key_patterns(
    plan: RefreshPlan, source: Tables, synthetic: Tables, seed: int
) -> tuple[KeyPatterns, ...]:
    """Compare the two sides along every foreign key between tables that both have.

    Args:
        plan: which columns hold patterns, and the foreign keys.
        source: rows by table. Of one that was sampled the number of children is not told.
        synthetic: the same tables.
        seed: chooses what is compared.
    """
    sides = _Side(plan, source), _Side(plan, synthetic)
    return tuple(
        _compared(plan, table, key, sides, seed)
        for table in plan.tables
        for key in table.foreign_keys
        if all(side.has(table, key) for side in sides)
    )


def read_patterns(content: Iterable[Mapping[str, Any]]) -> tuple[KeyPatterns, ...]:
    """Return what `dataclasses.asdict` made of patterns."""
    from pydantic import TypeAdapter

    return TypeAdapter(tuple[KeyPatterns, ...]).validate_python(content)


class _Side:
    """The rows of the source, or the synthetic ones, with those of implicit entities."""

    def __init__(self, plan: RefreshPlan, tables: Tables) -> None:
        """Form the implicit entities."""
        self.tables: dict[str, Rows] = dict(tables)
        for entity in implicit_entities(plan):
            if all(member.table in tables for member in entity.members):
                key = entity.table.primary_key
                self.tables[str(entity.table.name)] = entity_frame(key, entity.members, tables)

    def has(self, table: TablePlan, key: ForeignKeyPlan) -> bool:
        """Tell whether both ends of a foreign key are there."""
        child, parent = (self.tables.get(str(name)) for name in (table.name, key.referred))
        if child is None or parent is None:
            return False
        return all(name in child.columns for name in key.columns)

    def parents(self, table: TablePlan, key: ForeignKeyPlan) -> Ints:
        """Return the position of each row's parent; `NONE` where there is none."""
        child, parent = self.tables[str(table.name)], self.tables[str(key.referred)]
        return lookup(
            [array(child, name) for name in key.columns],
            [array(parent, name) for name in key.referred_columns],
        )


@dataclass(frozen=True, slots=True)
class _Sample:
    """Children of some parents: their rows, siblings together, and whose each of them is."""

    side: _Side
    rows: Ints
    owners: Ints
    children: Ints

    def first(self, rows: int) -> _Sample:
        """Return a sample of fewer rows; of as many parents."""
        return _Sample(self.side, self.rows[:rows], self.owners[:rows], self.children)


_Three: TypeAlias = tuple[_Sample, _Sample, _Sample]


def _compared(
    plan: RefreshPlan,
    table: TablePlan,
    key: ForeignKeyPlan,
    sides: tuple[_Side, _Side],
    seed: int,
) -> KeyPatterns:
    known, made = (side.parents(table, key) for side in sides)
    parents = [len(side.tables[str(key.referred)]) for side in sides]
    rng = generator(seed, "patterns", str(table.name), *key.columns)
    one, other = np.array_split(rng.permutation(parents[0]), 2)
    third = rng.permutation(parents[1])[: len(one)]
    samples = (
        _sample(sides[0], known, one),
        _sample(sides[0], known, other),
        _sample(sides[1], made, third),
    )
    counted = [np.minimum(sample.children, LONGEST) for sample in samples]
    whole = len(known) == table.rows
    size = min(len(sample.rows) for sample in samples)
    own, theirs, farther = [], [], []
    if size >= FEWEST:
        alike = tuple(sample.first(size) for sample in samples)
        own = _codes(table, [(s.side, s.rows) for s in alike])
        parent = plan.table(key.referred)
        theirs = _codes(parent, [(s.side, s.owners) for s in alike])
        farther = list(_above(plan, parent, alike))
    return KeyPatterns(
        str(table.name),
        key.columns,
        str(key.referred),
        str(key.treatment),
        _kept((counted[0], counted[1], counted[2])) if whole else None,
        _mean(_kept(_both(x, y)) for x in own for y in theirs),
        _mean(_siblings(x, samples, size) for x in own),
        _mean(_kept(_both(x, y)) for x in own for y in farther),
    )


def _sample(side: _Side, parents: Ints, order: Ints) -> _Sample:
    """Take parents in an order until their children are enough.

    Args:
        side: whose rows they are.
        parents: of each row.
        order: positions of parents.
    """
    most = max(int(parents.max(initial=NONE)), int(order.max(initial=NONE))) + 1
    children = np.bincount(parents[parents != NONE], minlength=most)[order]
    enough = int(np.searchsorted(np.cumsum(children), ROWS // 2)) + 1
    place = np.full(most + 1, NONE, dtype=np.int64)
    place[order[:enough]] = np.arange(len(order[:enough]))
    rows = np.flatnonzero(place[parents] != NONE)
    rows = rows[np.argsort(place[parents[rows]], kind="stable")]
    return _Sample(side, rows, parents[rows], children)


def _codes(table: TablePlan, places: Sequence[tuple[_Side, Ints]]) -> list[Codes]:
    """Return the levels of the columns that hold patterns, cut as the first place's are."""
    found = []
    for name in table.patterned[:COLUMNS]:
        if not all(name in side.tables[str(table.name)].columns for side, _ in places):
            continue
        read: dict[int, Array] = {
            id(side): array(side.tables[str(table.name)], name) for side, _ in places
        }
        values = [take(read[id(side)], rows) for side, rows in places]
        levels = cut(values[0])
        if levels is not None:
            one, other, made = (levels.codes(v) for v in values)
            found.append((one, other, made))
    return found


def _above(plan: RefreshPlan, parent: TablePlan, samples: Sequence[_Sample]) -> Iterator[Codes]:
    """Yield the columns of the parents of a parent."""
    for key in parent.foreign_keys:
        if key.referred == parent.name or not all(s.side.has(parent, key) for s in samples):
            continue
        found = [(s.side, s.side.parents(parent, key)[s.owners]) for s in samples]
        yield from _codes(plan.table(key.referred), found)


def _both(one: Codes, other: Codes) -> Codes:
    width = max(int(codes.max(initial=0)) for codes in other) + 1
    first, second, third = (a * width + b for a, b in zip(one, other, strict=True))
    return first, second, third


def _siblings(column: Codes, samples: _Three, size: int) -> Kept | None:
    """Compare the values of each two siblings that stand one after the other."""
    width = max(int(codes.max(initial=0)) for codes in column) + 1
    pairs = []
    for codes, sample in zip(column, samples, strict=True):
        owners = sample.owners[:size]
        together = owners[1:] == owners[:-1]
        pairs.append((codes[:-1] * width + codes[1:])[together])
    if min(map(len, pairs)) < FEWEST:
        return None
    return _kept((pairs[0], pairs[1], pairs[2]))


def _kept(codes: Codes) -> Kept:
    one, other, made = codes
    return Kept(round(accuracy(one, made), 4), round(accuracy(one, other), 4))


def _mean(found: Iterable[Kept | None]) -> Kept | None:
    known = [kept for kept in found if kept is not None]
    if not known:
        return None
    made = float(np.mean([kept.made for kept in known]))
    ideal = float(np.mean([kept.ideal for kept in known]))
    return Kept(round(made, 4), round(ideal, 4))


def accuracy(known: Ints, made: Ints) -> float:
    """Return 1 − the total variation distance of two samples of small codes."""
    if len(known) == 0 or len(made) == 0:
        return float(len(known) == len(made))
    size = int(max(known.max(), made.max())) + 1
    shares = [np.bincount(codes, minlength=size) / len(codes) for codes in (known, made)]
    return float(1 - np.abs(shares[0] - shares[1]).sum() / 2)
