"""Rules along foreign keys: times after the parent's, totals of lines, balances, periods.

Imports the base of rules; called by the discovery.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import lookup, tuple_codes
from schemasynth.infer.rules.chance import MAX_EXCEPTIONS, is_rule
from schemasynth.infer.rules.comparisons import in_order
from schemasynth.infer.rules.facts import RELATIVE
from schemasynth.infer.rules.place import Place, shuffled_share
from schemasynth.model import ForeignKey
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    from schemasynth.arrays import Bools, Ints
    from schemasynth.infer.rules.facts import Facts, Floats

PROBE = 256
"""Rows on which balances are tried before they are counted on all."""
PROBE_SHARE = 0.85
MAX_FACTORS = 12
"""Columns of numbers of a child, up to which products are tried as what is summed up."""
MIN_FAMILY = 1.2
"""Rows a parent on the mean, below which a sum is only a copy."""
MAX_BALANCES = 60
"""Columns of numbers up to which balances are looked for."""
MIN_NEIGHBOURS = 30
"""Pairs of rows that follow each other within a group, at least."""


@dataclass(frozen=True)
class Link:
    """A foreign key with all rows of both sides.

    Attributes:
        key: the foreign key.
        child: the table that has it.
        parent: the referenced table.
        positions: row of the parent for each row of the child, -1 for none.
        whole: no row of either table is missing.
    """

    key: ForeignKey
    child: Place
    parent: Place
    positions: Ints
    whole: bool


def link_of(key: ForeignKey, child: Place, parent: Place, *, whole: bool) -> Link:
    """Return a foreign key with the rows that it binds."""
    positions = lookup(
        [child.facts.columns[name] for name in key.columns],
        [parent.facts.columns[name] for name in key.referred_columns],
    )
    return Link(key, child, parent, positions, whole)


def along(link: Link) -> Iterator[Rule]:
    """Yield the rules between rows and the row that they refer to."""
    yield from _in_time(link)
    if link.whole:
        yield from _totals(link)
        yield from _counts(link)


def _rule(
    link: Link,
    kind: RuleKind,
    columns: Sequence[str],
    referred: str,
    rows: int,
    exceptions: int,
    how: str = "",
) -> Rule:
    return Rule(
        kind,
        link.child.table,
        tuple(columns),
        link.parent.table,
        (referred,),
        link.key.columns,
        how,
        rows,
        exceptions,
    )


def _in_time(link: Link) -> Iterator[Rule]:
    attached = np.flatnonzero(link.positions >= 0)
    tried = 2 * len(link.child.times) * len(link.parent.times)
    for here in link.child.times:
        for there in link.parent.times:
            own = link.child.facts.numbers(here)[attached]
            above = link.parent.facts.numbers(there)[link.positions[attached]]
            present = ~(np.isnan(own) | np.isnan(above))
            own, above = own[present], above[present]
            rows = len(own)
            before, after = int((own < above).sum()), int((own > above).sum())
            looks = (_sorted(own), _sorted(above))
            if before <= MAX_EXCEPTIONS * rows:
                if is_rule(rows, before, in_order(looks[1], looks[0]), tried):
                    yield _rule(link, RuleKind.AFTER_PARENT, (here,), there, rows, before)
            elif after <= MAX_EXCEPTIONS * rows and is_rule(
                rows, after, in_order(looks[0], looks[1]), tried
            ):
                yield _rule(link, RuleKind.BEFORE_PARENT, (here,), there, rows, after)


def _sorted(values: Floats) -> Floats:
    ordered: Floats = np.sort(values)
    return ordered[:: max(1, len(ordered) // 1_000)]


def summed(facts: Facts, columns: Sequence[str], how: str) -> Floats:
    """Return what a rule sums up, for each row of the child: NaN where a part is NULL.

    Args:
        facts: of the child.
        columns: of the rule.
        how: empty for the product of all columns; `less` and `plus`, one word for each column
            after the first, for shares that are taken off or put on.
    """
    words = how.split() or ["by"] * (len(columns) - 1)
    factors = [facts.numbers(columns[0])]
    for name, word in zip(columns[1:], words, strict=True):
        part = facts.numbers(name)
        factors.append({"by": part, "less": 1.0 - part, "plus": 1.0 + part}[word])
    return functools.reduce(np.multiply, factors)


def lines_slack(facts: Facts, target: str, counts: Ints, columns: Sequence[str]) -> Floats:
    """Return by how much a total may differ because each line was rounded, or cut, before.

    Args:
        facts: of the parent.
        target: its total.
        counts: lines of each parent.
        columns: what is multiplied; a single column is not rounded.
    """
    decimals = facts.decimals(target)
    if len(columns) == 1 or decimals is None:
        return np.zeros(len(counts))
    return np.asarray((len(columns) - 1) * counts * 10.0**-decimals, dtype=np.float64)


def _summands(place: Place) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield columns that may be summed up, and how they are multiplied, simple ones first."""
    names = place.numbers
    for name in names:
        yield (name,), ""
    if len(names) > MAX_FACTORS:
        return
    for pair in combinations(names, 2):
        yield pair, ""
    shares = [name for name in names if np.nanmax(np.abs(place.facts.numbers(name))) <= 1.0]
    for name in names:
        for share in shares:
            if share == name:
                continue
            yield (name, share), "less"
            for other in shares:
                if other not in (name, share):
                    yield (name, share, other), "less plus"
    for first, second in combinations(names, 2):
        for share in shares:
            if share not in (first, second):
                yield (first, second, share), "by less"


def _totals(link: Link) -> Iterator[Rule]:
    parents = link.parent.facts.rows
    attached = link.positions >= 0
    counts = np.bincount(link.positions[attached], minlength=parents).astype(np.int64)
    used = int((counts > 0).sum())
    if not used or attached.sum() < MIN_FAMILY * used:
        return
    summands = list(_summands(link.child))
    open_targets = list(link.parent.numbers)
    tried = len(summands) * len(open_targets)
    for columns, how in summands:
        if not open_targets:
            return
        values = summed(link.child.facts, columns, how)
        weights = np.where(np.isnan(values), 0.0, values)[attached]
        totals = np.bincount(link.positions[attached], weights, parents).astype(np.float64)
        for target in tuple(open_targets):
            rule = _total(link, columns, target, how, (counts, totals), tried)
            if rule is not None:
                open_targets.remove(target)
                yield rule


def _total(
    link: Link,
    columns: tuple[str, ...],
    target: str,
    how: str,
    sums: tuple[Ints, Floats],
    tried: int,
) -> Rule | None:
    counts, totals = sums
    facts = link.parent.facts
    present = (counts > 0) & ~np.isnan(facts.numbers(target))
    slack = lines_slack(facts, target, counts, columns)
    rows = int(present.sum())
    exceptions = rows - int(facts.close(target, totals, slack)[present].sum())
    if not rows or exceptions > MAX_EXCEPTIONS * rows:
        return None
    chosen = np.flatnonzero(present)
    moved = np.full(len(totals), np.nan)
    moved[chosen] = totals[np.roll(chosen, rows // 3 + 1)]
    chance = shuffled_share(facts.close(target, moved, slack)[present], rows)
    if not is_rule(rows, exceptions, chance, tried):
        return None
    return _rule(link, RuleKind.CHILD_SUM, columns, target, rows, exceptions, how)


def _counts(link: Link) -> Iterator[Rule]:
    parents = link.parent.facts.rows
    counts = np.bincount(link.positions[link.positions >= 0], minlength=parents).astype(np.float64)
    for target in link.parent.numbers:
        values = link.parent.facts.numbers(target)
        present = ~np.isnan(values)
        rows = int(present.sum())
        exceptions = int((values[present] != counts[present]).sum())
        if not rows or exceptions > MAX_EXCEPTIONS * rows:
            continue
        moved = np.roll(counts[present], rows // 3 + 1)
        chance = shuffled_share(moved == values[present], rows)
        if is_rule(rows, exceptions, chance, len(link.parent.numbers)):
            yield _rule(link, RuleKind.CHILD_COUNT, link.key.columns, target, rows, exceptions)


def within(place: Place, periods: Sequence[tuple[str, str]]) -> Iterator[Rule]:
    """Yield rules between rows of the same parent: balances, and periods that do not overlap.

    Args:
        place: a table with all its rows.
        periods: columns of times that are in order.
    """
    for link in place.links:
        if len(link) != 1:
            continue
        group = tuple_codes([place.facts.codes(name) for name in link], place.facts.rows)
        yield from _disjoint(place, link[0], group, periods)
        yield from _running(place, link[0], group)


def in_sequence(group: Ints, order: Floats) -> tuple[Ints, Ints]:
    """Return the rows that have a row before them in their group, and those rows before.

    Args:
        group: code of each row, -1 for none.
        order: what the rows of a group are ordered by; equal ones stay as they stand.
    """
    usable = np.flatnonzero((group >= 0) & ~np.isnan(order))
    sequence = usable[np.lexsort((order[usable], group[usable]))]
    follows = group[sequence][1:] == group[sequence][:-1]
    return sequence[1:][follows], sequence[:-1][follows]


def overlaps(start: Floats, end: Floats, rows: Ints, before: Ints) -> Bools:
    """Return which periods begin before the one before them ends; one without end is endless."""
    ends = np.where(np.isnan(end[before]), np.inf, end[before])
    result: Bools = start[rows] < ends
    return result


def _disjoint(
    place: Place, name: str, group: Ints, periods: Sequence[tuple[str, str]]
) -> Iterator[Rule]:
    moved = np.random.default_rng(len(group)).permutation(group)
    for first, last in periods:
        start, end = place.facts.numbers(first), place.facts.numbers(last)
        rows, before = in_sequence(group, start)
        if len(rows) < MIN_NEIGHBOURS:
            continue
        exceptions = int(overlaps(start, end, rows, before).sum())
        others = in_sequence(moved, start)
        chance = 1.0 - float(overlaps(start, end, *others).mean())
        if is_rule(len(rows), exceptions, chance, len(periods) * len(place.links)):
            yield place.rule(RuleKind.DISJOINT, (name, first, last), len(rows), exceptions)


def _running(place: Place, name: str, group: Ints) -> Iterator[Rule]:
    numbers = place.numbers[:MAX_BALANCES]
    if not numbers:
        return
    open_targets = set(numbers)
    orders = [*place.times, *_counters(place, name)]
    for order in orders:
        rows, before = in_sequence(group, place.facts.numbers(order))
        if len(rows) < MIN_NEIGHBOURS:
            continue
        chosen = np.random.default_rng(len(rows)).permutation(len(rows))[:PROBE]
        amounts = np.column_stack([place.facts.numbers(n)[rows[chosen]] for n in numbers])
        for balance in sorted(open_targets):
            values = place.facts.numbers(balance)
            grown = (values[rows] - values[before])[chosen]
            near = (
                np.abs(amounts - grown[:, None])
                <= 1e-6 + 1e-9 * np.abs(values[rows[chosen]])[:, None]
            )
            for i in np.flatnonzero(near.sum(axis=0) >= PROBE_SHARE * len(chosen)):
                columns = (name, order, numbers[i], balance)
                rule = _balance(place, columns, rows, before, len(orders) * len(numbers) ** 2)
                if rule is not None and balance in open_targets:
                    open_targets.remove(balance)
                    yield rule


def _slack(values: Floats) -> Floats:
    """Return by how much differences of floating point numbers may differ."""
    result: Floats = 1e-6 + RELATIVE * np.abs(values)
    return result


def _counters(place: Place, link: str) -> Iterator[str]:
    """Yield whole numbers of keys, by which rows may be ordered."""
    for name in place.names:
        if name == link or not pa.types.is_integer(place.facts.kind(name)):
            continue
        if name in place.identifying - place.foreign:
            yield name


def _balance(
    place: Place, columns: tuple[str, ...], rows: Ints, before: Ints, tried: int
) -> Rule | None:
    amount, values = place.facts.numbers(columns[2])[rows], place.facts.numbers(columns[3])
    grown = values[rows] - values[before]
    present = ~(np.isnan(grown) | np.isnan(amount))
    if not present.any() or columns[2] == columns[3]:
        return None
    grown, amount = grown[present], amount[present]
    slack = _slack(values[rows][present])
    exceptions = int((np.abs(grown - amount) > slack).sum())
    moved = np.roll(amount, len(amount) // 3 + 1)
    chance = shuffled_share(np.abs(grown - moved) <= slack, len(amount))
    if (grown == 0).mean() > 0.5 or not is_rule(len(amount), exceptions, chance, tried):
        return None
    return place.rule(RuleKind.RUNNING, columns, len(amount), exceptions)
