"""Columns that are equal or in order: start before end, minimum below maximum.

Imports the base of rules; called by the discovery.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from schemasynth.infer.rules.chance import MAX_EXCEPTIONS, is_rule
from schemasynth.infer.rules.place import Place
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    from schemasynth.infer.rules.facts import Floats

LOOK = 1_000
"""Values of each column that tell how often independent ones are in order."""
SAME_RANGE = 0.95
"""Numbers in order more often than this by chance have different units: age and salary."""
MAX_TIED = 1e-4
"""Share of equal pairs up to which an order with exceptions is strict."""


def comparisons(place: Place) -> Iterator[Rule]:
    """Yield the order of dates and of numbers, without what follows from other orders."""
    found = [
        *_orders(place, place.times, 1.0),
        *_orders(place, place.numbers, SAME_RANGE),
    ]
    yield from without_detours(found)


def _orders(place: Place, names: tuple[str, ...], most: float) -> Iterator[Rule]:
    if len(names) < 2:
        return
    values = np.column_stack([place.facts.numbers(name) for name in names])
    looks = [_look(values[:, i]) for i in range(len(names))]
    tried = len(names) * (len(names) - 1)
    for i, name in enumerate(names[:-1]):
        apart = values[:, i + 1 :] - values[:, i : i + 1]
        above, below = (apart > 0).sum(axis=0), (apart < 0).sum(axis=0)
        same = (apart == 0).sum(axis=0)
        for offset, (up, down, tied) in enumerate(zip(above, below, same, strict=True)):
            rows = int(up + down + tied)
            j = i + 1 + offset
            if tied > (1 - MAX_EXCEPTIONS) * rows:
                if _is_equal(values[:, i], values[:, j], rows, int(tied), tried):
                    yield place.rule(RuleKind.EQUAL, (name, names[j]), rows, rows - int(tied))
            elif min(up, down) <= MAX_EXCEPTIONS * rows:
                first, last = (i, j) if down <= up else (j, i)
                exceptions = int(min(up, down))
                chance = in_order(looks[first], looks[last])
                if chance <= most and is_rule(rows, exceptions, chance, tried):
                    strict = tied <= MAX_TIED * rows and (exceptions or not tied)
                    kind = RuleKind.STRICT_ORDER if strict else RuleKind.ORDER
                    broken = exceptions + (int(tied) if strict else 0)
                    yield place.rule(kind, (names[first], names[last]), rows, broken)


def _look(values: Floats) -> Floats:
    """Return values spread evenly over the sorted ones: quantiles, so that ends count little."""
    present = np.sort(values[~np.isnan(values)])
    if len(present) <= LOOK:
        return present
    chosen = np.linspace(0, len(present) - 1, LOOK).astype(np.int64)
    return present[chosen]


def in_order(first: Floats, last: Floats) -> float:
    """Return how often a value of the first is at most one of the last, drawn independently."""
    if not len(first) or not len(last):
        return 1.0
    below = np.searchsorted(last, first, side="left")
    return 1.0 - float(below.mean()) / len(last)


def _is_equal(left: Floats, right: Floats, rows: int, same: int, tried: int) -> bool:
    present = ~(np.isnan(left) | np.isnan(right))
    moved = np.roll(right[present], 1)
    chance = max(float((left[present] == moved).mean()), 1.0 / rows)
    return is_rule(rows, rows - same, chance, tried)


def without_detours(rules: Iterable[Rule]) -> Iterator[Rule]:
    """Yield rules without orders that follow from two others without exceptions."""
    rules = list(rules)
    orders = (RuleKind.ORDER, RuleKind.STRICT_ORDER)
    after: dict[str, set[str]] = {}
    for rule in rules:
        if rule.kind in orders and not rule.exceptions:
            after.setdefault(rule.columns[0], set()).add(rule.columns[1])
    for rule in rules:
        if rule.kind in orders:
            first, last = rule.columns
            between = after.get(first, set()) - {last}
            if any(last in after.get(name, set()) for name in between):
                continue
        yield rule
