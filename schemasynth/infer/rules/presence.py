"""When columns are NULL: by a status, together, never both.

Imports the base of rules; called by the discovery.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from schemasynth.infer.rules.chance import MAX_EXCEPTIONS, MIN_ROWS, is_rule
from schemasynth.infer.rules.place import Place
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    import numpy.typing as npt

    from schemasynth.arrays import Bools

    Counts = npt.NDArray[np.int64]


def presence(place: Place) -> Iterator[Rule]:
    """Yield the rules about NULL."""
    patterns = _patterns(place)
    for same in patterns:
        rows, filled = place.facts.rows, int((~place.facts.missing(same[0])).sum())
        chance = (filled / rows) ** 2 + (1 - filled / rows) ** 2
        if is_rule(rows, 0, chance, len(place.names) ** 2):
            for name in same[1:]:
                yield place.rule(RuleKind.TOGETHER, (same[0], name), rows, 0)
    firsts = [same[0] for same in patterns]
    decided = [rule for name in firsts for rule in _by_status(place, name)]
    yield from decided
    yield from _pairs(place, firsts, {rule.columns[1] for rule in decided})


def _patterns(place: Place) -> list[list[str]]:
    """Return optional columns, those that are NULL on the same rows together."""
    groups: dict[bytes, list[str]] = {}
    for name in place.facts.columns:
        missing = place.facts.missing(name)
        if 0 < missing.sum() < place.facts.rows and name not in place.settled:
            groups.setdefault(np.packbits(missing).tobytes(), []).append(name)
    return list(groups.values())


def _by_status(place: Place, name: str) -> Iterator[Rule]:
    """Yield the columns whose values decide whether another one is NULL, the best one only."""
    missing = place.facts.missing(name)
    found = []
    for source in place.categories:
        if source != name:
            rule = _decides(place, source, name, missing)
            if rule is not None:
                found.append(rule)
    yield from sorted(found, key=lambda rule: (-rule.rows, rule.exceptions))[:1]


def _decides(place: Place, source: str, name: str, missing: Bools) -> Rule | None:
    key = place.facts.codes(source)
    present = key >= 0
    groups = int(key.max()) + 1
    totals = np.bincount(key[present], minlength=groups)
    absent = np.bincount(key[present & missing], minlength=groups)
    rest = np.minimum(absent, totals - absent)
    share = float(absent.sum()) / max(int(totals.sum()), 1)
    likely = np.flatnonzero((rest <= MAX_EXCEPTIONS * totals) & (totals >= MIN_ROWS))
    tried = len(place.categories) * groups * max(len(place.names), 1)
    pure = [
        group
        for group in likely
        if is_rule(
            int(totals[group]),
            int(rest[group]),
            share if absent[group] > rest[group] else 1 - share,
            tried,
        )
    ]
    if not pure:
        return None
    rows, exceptions = int(totals[pure].sum()), int(rest[pure].sum())
    return place.rule(RuleKind.PRESENCE, (source, name), rows, exceptions)


def _pairs(place: Place, names: list[str], decided: set[str]) -> Iterator[Rule]:
    """Yield what two optional columns say of each other, unless a status says it of both."""
    if len(names) < 2:
        return
    filled = np.column_stack([~place.facts.missing(name) for name in names]).astype(np.float32)
    both = np.rint(filled.T @ filled).astype(np.int64)
    single, rows, tried = np.diag(both), place.facts.rows, len(names) ** 2
    for i in range(len(names)):
        for j in range(i + 1, len(names)):
            if names[i] in decided and names[j] in decided:
                continue
            cells = _Cells(int(both[i, j]), int(single[i]), int(single[j]), rows)
            for kind, reverse, exceptions, chance in cells.kinds():
                if is_rule(rows, exceptions, chance, tried):
                    pair = (names[j], names[i]) if reverse else (names[i], names[j])
                    yield place.rule(kind, pair, rows, exceptions)
                    if kind is RuleKind.TOGETHER:
                        break


class _Cells:
    """The four cells of two columns that are set or not."""

    def __init__(self, both: int, left: int, right: int, rows: int) -> None:
        self.both, self.rows = both, rows
        self.left, self.right = left - both, right - both
        self.neither = rows - left - right + both
        self.p, self.q = left / rows, right / rows

    def kinds(self) -> Iterator[tuple[RuleKind, bool, int, float]]:
        """Yield kinds with whether they are turned, exceptions, and their share by chance."""
        p, q = self.p, self.q
        alone = self.left + self.right
        yield RuleKind.TOGETHER, False, alone, p * q + (1 - p) * (1 - q)
        yield RuleKind.EXCLUSIVE, False, self.both, 1 - p * q
        yield RuleKind.EITHER, False, self.neither, 1 - (1 - p) * (1 - q)
        yield RuleKind.IMPLIES, False, self.left, 1 - p * (1 - q)
        yield RuleKind.IMPLIES, True, self.right, 1 - q * (1 - p)
