"""Numbers that follow from other numbers of the row: sums, products, ratios.

Imports the base of rules; called by the discovery.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from schemasynth.infer.rules.chance import MAX_EXCEPTIONS, is_rule
from schemasynth.infer.rules.facts import RELATIVE, ROUNDING, Floats
from schemasynth.infer.rules.place import Place, shuffled_share
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    from schemasynth.arrays import Bools, Ints

PROBE = 48
"""Rows on which all combinations are tried before any is counted on all rows."""
PROBE_SHARE = 0.85
"""Of the probe that has to agree: 99 % of all rows do, seven in 48 may fail by bad luck."""
MIN_PROBE = 10
"""Rows of the probe on which no part is NULL, at least."""
TRIVIAL = 0.9
"""Share of rows on which one part alone is the result already: then the other adds nothing."""
MAX_TERMS = 40
"""Columns up to which sums of three terms are tried."""
PERCENT = 100.0

Formula = Callable[[tuple[Floats, ...], str], Floats]


def _discounted(parts: tuple[Floats, ...], how: str) -> Floats:
    scale = PERCENT if how == "percent" else 1.0
    result: Floats = parts[0] * parts[1] * (1.0 - parts[2] / scale)
    return result


def _ratio(parts: tuple[Floats, ...], how: str) -> Floats:
    del how
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = parts[0] / parts[1]
    return np.where(np.isfinite(result), result, np.nan)


FORMULAS: Mapping[RuleKind, Formula] = {
    RuleKind.SUM: lambda parts, _: np.sum(parts, axis=0),
    RuleKind.NET: lambda parts, _: parts[0] + parts[1] - parts[2],
    RuleKind.PRODUCT: lambda parts, _: parts[0] * parts[1],
    RuleKind.DISCOUNTED: _discounted,
    RuleKind.RATIO: _ratio,
    RuleKind.FACTOR: lambda parts, how: parts[0] * float(how),
}
"""What the last column of a rule is, of all columns before it."""


def arithmetic(place: Place) -> Iterator[Rule]:
    """Yield the numbers that follow from others, each by its simplest formula."""
    names = tuple(_without_copies(place))
    if len(names) < 2:
        return
    found = [rule for target in names for rule in _of_target(place, names, target)]
    best: dict[frozenset[str], Rule] = {}
    for rule in sorted(found, key=lambda rule: _coarseness(place, rule)):
        best.setdefault(frozenset(rule.columns), rule)
    yield from best.values()


def _coarseness(place: Place, rule: Rule) -> tuple[float, int]:
    """Return how much rounding hides of a result, by its spread; then how far left it stands.

    Of formulas for the same columns the sharpest is meant: a quantity is a rounded ratio as well.
    """
    target = rule.columns[-1]
    spread = float(np.nanstd(place.facts.numbers(target)))
    return _unit(place, target) / max(spread, RELATIVE), -place.numbers.index(target)


def _without_copies(place: Place) -> Iterator[str]:
    seen: list[Floats] = []
    for name in place.numbers:
        values = place.facts.numbers(name)
        if not any(np.array_equal(values, other, equal_nan=True) for other in seen):
            seen.append(values)
            yield name


def _of_target(place: Place, names: tuple[str, ...], target: str) -> Iterator[Rule]:
    rows = _probe_rows(place, target)
    if len(rows) < MIN_PROBE:
        return
    others = [name for name in names if name != target]
    probe = np.array([place.facts.numbers(name)[rows] for name in others])
    wanted = place.facts.numbers(target)[rows]
    unit = _unit(place, target)
    factor = _factor(place, others, probe, target, wanted)
    if factor is not None:
        yield factor
        return
    tried = len(names) ** 3
    for candidates in (_twos, _discounts, _threes):
        found = []
        for kind, columns, how in candidates(others, probe, wanted, unit):
            rule = counted(place, kind, (*columns, target), how, tried)
            if rule is not None:
                found.append(rule)
        if found:
            yield from sorted(found, key=lambda rule: rule.exceptions)[:1]
            return


def _probe_rows(place: Place, target: str) -> Ints:
    """Return rows whose result is there, is not 0, and differs as far as possible."""
    values = place.facts.numbers(target)
    usable = np.flatnonzero(~np.isnan(values) & (values != 0))
    chosen = np.random.default_rng(len(usable)).permutation(usable)[: 20 * PROBE]
    _, first = np.unique(values[chosen], return_index=True)
    different = chosen[np.sort(first)]
    rest = np.setdiff1d(chosen, different)
    return np.concatenate([different, rest])[:PROBE]


def _unit(place: Place, target: str) -> float:
    decimals = place.facts.decimals(target)
    return 0.0 if decimals is None else ROUNDING * 10.0**-decimals


def _agree(results: Floats, wanted: Floats, unit: float) -> Bools:
    """Tell which rows of a probe's results agree often enough."""
    valid = ~np.isnan(results)
    hits = np.abs(results - wanted) <= unit + RELATIVE * np.abs(wanted)
    enough = valid.sum(axis=1) >= MIN_PROBE
    result: Bools = enough & (hits.sum(axis=1) >= PROBE_SHARE * valid.sum(axis=1))
    return result


Candidate = tuple[RuleKind, tuple[str, ...], str]


def _twos(names: list[str], probe: Floats, wanted: Floats, unit: float) -> Iterator[Candidate]:
    left, right = np.triu_indices(len(names), 1)
    tries: tuple[tuple[RuleKind, Ints, Ints], ...] = (
        (RuleKind.SUM, left, right),
        (RuleKind.PRODUCT, left, right),
        (RuleKind.RATIO, left, right),
        (RuleKind.RATIO, right, left),
    )
    for kind, first, second in tries:
        results = FORMULAS[kind]((probe[first], probe[second]), "")
        for i in np.flatnonzero(_agree(results, wanted, unit)):
            yield kind, (names[first[i]], names[second[i]]), ""


def _discounts(names: list[str], probe: Floats, wanted: Floats, unit: float) -> Iterator[Candidate]:
    """Yield products less a share, or a percentage."""
    largest = np.nanmax(np.abs(np.where(np.isnan(probe), 0.0, probe)), axis=1)
    reduced = [i for i in range(len(names)) if 0 < largest[i] <= PERCENT]
    for i in reduced:
        how = "share" if largest[i] <= 1 else "percent"
        rest = np.array([j for j in range(len(names)) if j != i], dtype=np.int64)
        left, right = np.triu_indices(len(rest), 1)
        parts = (probe[rest[left]], probe[rest[right]], probe[i])
        results = _discounted(parts, how)
        for k in np.flatnonzero(_agree(results, wanted, unit)):
            columns = (names[rest[left[k]]], names[rest[right[k]]], names[i])
            yield RuleKind.DISCOUNTED, columns, how


def _threes(names: list[str], probe: Floats, wanted: Floats, unit: float) -> Iterator[Candidate]:
    """Yield sums of three terms, one of them perhaps taken off."""
    if len(names) > MAX_TERMS:
        return
    for i, j in combinations(range(len(names)), 2):
        two = probe[i] + probe[j]
        for k in np.flatnonzero(_agree(two + probe, wanted, unit)):
            if k > j:
                yield RuleKind.SUM, (names[i], names[j], names[k]), ""
        for k in np.flatnonzero(_agree(two - probe, wanted, unit)):
            if k not in (i, j):
                yield RuleKind.NET, (names[i], names[j], names[k]), ""


def _factor(
    place: Place, names: Iterable[str], probe: Floats, target: str, wanted: Floats
) -> Rule | None:
    """Return the column of which the target is a constant multiple, the one to the left only."""
    position = {name: i for i, name in enumerate(place.numbers)}
    for name, values in zip(names, probe, strict=True):
        if position[name] > position[target]:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            quotients = wanted / values
        quotients = quotients[np.isfinite(quotients)]
        if len(quotients) < MIN_PROBE:
            continue
        middle = float(np.median(quotients))
        for decimals in range(5):
            rounded = round(middle, decimals)
            if rounded in (0.0, 1.0) or abs(rounded - middle) > 0.01 * abs(middle):
                continue
            if not _agree((values * rounded)[None, :], wanted, _unit(place, target)).any():
                continue
            rule = counted(
                place, RuleKind.FACTOR, (name, target), repr(rounded), len(position) ** 2
            )
            if rule is not None:
                return rule
    return None


def counted(
    place: Place, kind: RuleKind, columns: tuple[str, ...], how: str, tried: int
) -> Rule | None:
    """Return a rule if it holds on the rows of the sample, and would not by chance.

    Args:
        place: the table.
        kind: with a formula.
        columns: the result last.
        how: of the rule.
        tried: rules tried on the table.
    """
    facts = place.facts
    parts = tuple(facts.numbers(name) for name in columns[:-1])
    wanted, target = FORMULAS[kind](parts, how), columns[-1]
    actual = facts.numbers(target)
    present = ~(np.isnan(wanted) | np.isnan(actual))
    rows = int(present.sum())
    if rows == 0:
        return None
    exceptions = rows - int(facts.close(target, wanted)[present].sum())
    if exceptions > MAX_EXCEPTIONS * rows or _is_trivial(place, parts, target, present, kind):
        return None
    unit = _unit(place, target)
    shares = []
    for shift in (1, rows // 3 + 1, rows // 2 + 1):
        moved = np.roll(actual[present], shift)
        hits = np.abs(moved - wanted[present]) <= unit + RELATIVE * np.abs(moved)
        shares.append(shuffled_share(hits, rows))
    if not is_rule(rows, exceptions, max(shares), tried):
        return None
    return place.rule(kind, columns, rows, exceptions, how)


def _is_trivial(
    place: Place, parts: tuple[Floats, ...], target: str, present: Bools, kind: RuleKind
) -> bool:
    """Tell whether a part adds nothing on most rows: it is 0 in a sum, or 1 in a product."""
    if kind is RuleKind.FACTOR:
        return False
    rows = max(int(present.sum()), 1)
    neutral = 1.0 if kind in (RuleKind.PRODUCT, RuleKind.RATIO, RuleKind.DISCOUNTED) else 0.0
    for i, part in enumerate(parts):
        idle = 0.0 if kind is RuleKind.DISCOUNTED and i == 2 else neutral
        if (part[present] == idle).sum() > TRIVIAL * rows:
            return True
    actual = place.facts.numbers(target)[present]
    return bool((actual == 0).sum() > TRIVIAL * rows)
