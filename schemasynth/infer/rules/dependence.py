"""Columns that decide others: determined ones, values that go with a status, constants.

Imports the base of rules; called by the discovery.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import networkx as nx
import numpy as np

from schemasynth.arrays import runs
from schemasynth.infer.rules.chance import LEFT, MAX_EXCEPTIONS, MIN_ROWS, is_rule
from schemasynth.infer.rules.place import Place
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    from schemasynth.arrays import Ints

MIN_REPEATED = 0.3
"""Share of rows whose determining value stands in an earlier row too, at least: a price of its own
for nearly every product does not decide the product."""
MAX_CLUSTERED = 3.0
"""How many times more often than by chance exceptions may fall on the same value. Dirt is spread
over all values; a status that changes at some date is mixed around that date only."""
MIN_CONSTANT = 20
"""Rows from which one value in all of them is a constant."""
TOP_VALUES = 8
"""Most frequent values that a column of many values may be bound to."""


def dependence(place: Place) -> Iterator[Rule]:
    """Yield determined columns, conditional values and constants."""
    determined = list(_determined(place))
    yield from without_equivalents(place, determined)
    decided = {rule.columns for rule in determined}
    yield from _conditional(place, decided)
    for name in place.names:
        present = int((place.facts.codes(name) >= 0).sum())
        if place.distinct[name] == 1 and present >= MIN_CONSTANT and name not in place.settled:
            yield place.rule(RuleKind.CONSTANT, (name,), present, 0)


def _determined(place: Place) -> Iterator[Rule]:
    facts = place.facts
    targets = [
        name for name in place.names if name not in place.identifying and place.distinct[name] > 1
    ]
    targets = [name for name in targets if name not in place.settled]
    sources = [
        name for name in place.names if 1 < place.distinct[name] <= (1 - MIN_REPEATED) * facts.rows
    ]
    if not targets:
        return
    matrix = np.column_stack([facts.codes(name).astype(np.int32) for name in targets])
    tried = len(targets) * len(sources)
    for source in sources:
        key = facts.codes(source)
        order = np.argsort(key, kind="stable")
        order = order[key[order] >= 0]
        ordered = matrix[order]
        same = key[order][1:] == key[order][:-1]
        before, after = ordered[:-1][same], ordered[1:][same]
        changes = ((before != after) & (before >= 0) & (after >= 0)).sum(axis=0)
        few = changes <= 2 * MAX_EXCEPTIONS * max(len(before), 1)
        for i in np.flatnonzero(few):
            if targets[i] != source:
                yield from _decided(place, source, targets[i], tried)


def _decided(place: Place, source: str, target: str, tried: int) -> Iterator[Rule]:
    left, right = place.facts.codes(source), place.facts.codes(target)
    present = (left >= 0) & (right >= 0)
    left, right = left[present], right[present]
    groups = len(np.unique(left))
    repeated = len(left) - groups
    if repeated < max(MIN_ROWS, MIN_REPEATED * len(left)):
        return
    owners, hits, _ = most_frequent(left, right)
    exceptions = len(left) - int(hits.sum())
    if _clustered(np.bincount(left)[owners], hits):
        return
    most = int(np.bincount(right).max())
    if exceptions > LEFT * (len(right) - most):
        return
    if is_rule(repeated, exceptions, most / len(right), tried):
        yield place.rule(RuleKind.DETERMINED, (source, target), len(left), exceptions)


def _clustered(sizes: Ints, hits: Ints) -> bool:
    """Tell whether exceptions fall on the same values, which dirt does not do."""
    exceptions = sizes - hits
    share = exceptions.sum() / max(int(sizes.sum()), 1)
    together = (exceptions * (exceptions - 1)).sum()
    expected = (sizes * (sizes - 1)).sum() * share**2
    return bool(together > MAX_CLUSTERED * (expected + 1))


def most_frequent(left: Ints, right: Ints) -> tuple[Ints, Ints, Ints]:
    """Return, for each code on the left in order, how often and with what it goes most.

    Returns:
        The codes on the left, the frequency, and the code on the right.
    """
    width = int(right.max(initial=0)) + 1
    pairs, counts = np.unique(left * width + right, return_counts=True)
    owner = pairs // width
    order = np.lexsort((-counts, owner))
    starts, _ = runs(owner[order])
    chosen = order[starts]
    return owner[chosen], counts[chosen], pairs[chosen] % width


def without_equivalents(place: Place, rules: list[Rule]) -> Iterator[Rule]:
    """Yield dependences without those that follow from others.

    Columns that determine each other are bound to the first of them, both ways.
    """
    by_columns = {rule.columns: rule for rule in rules}
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((rule.columns[0], rule.columns[1]) for rule in rules)
    position = {name: i for i, name in enumerate(place.names)}
    groups = nx.condensation(graph)
    first = {}
    for group, data in groups.nodes(data=True):
        names = sorted(data["members"], key=lambda name: position[name])
        first[group] = names[0]
        for name in names[1:]:
            for pair in ((names[0], name), (name, names[0])):
                if pair in by_columns:
                    yield by_columns[pair]
    for above, below in nx.transitive_reduction(groups).edges:
        pair = (first[above], first[below])
        members = groups.nodes[above]["members"], groups.nodes[below]["members"]
        if pair in by_columns:
            yield by_columns[pair]
        else:
            rest = (by_columns.get((a, b)) for a in members[0] for b in members[1])
            yield from [rule for rule in rest if rule is not None][:1]


def _conditional(place: Place, decided: set[tuple[str, ...]]) -> Iterator[Rule]:
    targets = [
        name
        for name in place.names
        if name not in place.identifying | place.settled and place.distinct[name] > 1
    ]
    tops = {name: _top(place.facts.codes(name)) for name in targets}
    tried = len(place.categories) * len(targets)
    for source in place.categories:
        for target in targets:
            pairs = {(source, target), (target, source)}
            if source != target and not pairs & decided:
                yield from _bound(place, source, target, tops[target], tried)


def _top(values: Ints) -> Ints:
    """Return codes of the most frequent values, 0 for all others, -1 for NULL."""
    counts = np.bincount(values[values >= 0])
    top = np.argsort(-counts, kind="stable")[:TOP_VALUES]
    table = np.zeros(len(counts) + 1, dtype=np.int64)
    table[-1] = -1
    table[top] = np.arange(1, len(top) + 1)
    return table[values]


def _bound(place: Place, source: str, target: str, top: Ints, tried: int) -> Iterator[Rule]:
    left = place.facts.codes(source)
    present = (left >= 0) & (top >= 0)
    width = TOP_VALUES + 1
    groups = int(left.max()) + 1
    table = np.bincount(left[present] * width + top[present], minlength=groups * width)
    table = table.reshape(groups, width)
    shares = table.sum(axis=0) / max(int(present.sum()), 1)
    totals, best = table.sum(axis=1), table[:, 1:].argmax(axis=1) + 1
    hits = table[np.arange(groups), best]
    likely = (hits >= (1 - MAX_EXCEPTIONS) * totals) & (totals >= MIN_ROWS)
    bound = [
        group
        for group in np.flatnonzero(likely)
        if is_rule(
            int(totals[group]),
            int(totals[group] - hits[group]),
            float(shares[best[group]]),
            tried * groups,
        )
    ]
    if bound and len(bound) < groups:
        rows = int(totals[bound].sum())
        yield place.rule(
            RuleKind.CONDITIONAL, (source, target), rows, rows - int(hits[bound].sum())
        )
