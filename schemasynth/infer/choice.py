"""One choice over all candidates: a mixed-integer programme over primary and foreign keys.

Pure; used by the inference of keys. Solved with HiGHS through scipy, table group by table group.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.infer.features import Beliefs, Candidates

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Bools: TypeAlias = npt.NDArray[np.bool_]

KEY_THRESHOLD = 0.4
"""Belief from which a primary key is worth choosing: a table mostly has one."""
REFERENCE_THRESHOLD = 0.35
"""The same for foreign keys of one column."""
COMPOSITE_THRESHOLD = 0.5
"""The same for those of several, which take the place of single ones."""
ALTERNATE_PRICE = 0.2
"""Log-odds it costs to refer to columns that are not the chosen primary key, once a target."""
SECONDS = 20.0
"""Time for one group of tables; then the best choice so far is taken."""
LEAST = 1e-4
"""Beliefs are clipped to this and one less it: trees are never sure."""

Verdicts: TypeAlias = Mapping[int, bool]
"""Candidates that are decided already: by place among keys, singles and composites, in a row."""
NO_VERDICTS: Verdicts = {}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, as indices into the candidates, and how far it may be from the best."""

    keys: tuple[int, ...]
    singles: tuple[int, ...]
    composites: tuple[int, ...]
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class Solution:
    """Which variables are at one, and for which gains and bounds that was found."""

    taken: Bools
    gains: Floats
    lower: Bools
    upper: Bools
    gap: float


def choose(found: Candidates, beliefs: Beliefs, verdicts: Verdicts = NO_VERDICTS) -> Choice:
    """Choose the keys that together are likeliest.

    At most one primary key a table and one single foreign key a column; a foreign key refers
    to the chosen primary key or pays for an alternate one; of two mutual keys one stays; a
    composite foreign key excludes its own parts to the same parts of the parent.

    Args:
        found: the candidates.
        beliefs: their probabilities.
        verdicts: what is decided already; it holds even against the rules above, which then
            bind the rest.
    """
    programme = Programme(found)
    return programme.choice(programme.solve(beliefs, verdicts))


class Programme:
    """The variables and rules of a choice; beliefs and verdicts are given when it is solved."""

    def __init__(self, found: Candidates) -> None:
        """State the rules: rows of variables of which at most one may be chosen, or a target."""
        self._found = found
        self._references = (*found.singles, *found.composites)
        self._offset = len(found.keys)
        self._size = self._offset + len(self._references)
        self._rows: list[tuple[list[tuple[int, float]], float]] = []
        self._one_of_each([key.table for key in found.keys], 0)
        self._one_of_each([(r.table, frozenset(r.columns)) for r in self._references], self._offset)
        self._aim()
        self._exclude_mutual()
        self._exclude_parts()
        self._matrix, self._limits = self._rules()

    def _at_most(self, terms: Iterable[tuple[int, float]], limit: float) -> None:
        self._rows.append((list(terms), limit))

    def _one_of_each(self, groups: Sequence[Hashable], offset: int) -> None:
        members: defaultdict[Hashable, list[int]] = defaultdict(list)
        for variable, group in enumerate(groups, offset):
            members[group].append(variable)
        for variables in members.values():
            if len(variables) > 1:
                self._at_most([(v, 1.0) for v in variables], 1.0)

    def _aim(self) -> None:
        """A reference needs its target: the primary key, or an alternate one at a price."""
        primary = {(key.table, frozenset(key.columns)): v for v, key in enumerate(self._found.keys)}
        alternate: dict[Hashable, int] = {}
        for variable, reference in enumerate(self._references, self._offset):
            target = (reference.referred, frozenset(reference.referred_columns))
            price = alternate.setdefault(target, self._size + len(alternate))
            terms = [(variable, 1.0), (price, -1.0)]
            if target in primary:
                terms.append((primary[target], -1.0))
            self._at_most(terms, 0.0)
        self._size += len(alternate)

    def _exclude_mutual(self) -> None:
        by_ends = {
            (r.table, r.columns, r.referred, r.referred_columns): v
            for v, r in enumerate(self._references, self._offset)
        }
        for (table, columns, referred, target), variable in by_ends.items():
            back = by_ends.get((referred, target, table, columns))
            if back is not None and variable < back:
                self._at_most([(variable, 1.0), (back, 1.0)], 1.0)

    def _exclude_parts(self) -> None:
        single = {
            (r.table, r.columns[0], r.referred, r.referred_columns[0]): v
            for v, r in enumerate(self._references, self._offset)
            if len(r.columns) == 1
        }
        for variable, reference in enumerate(self._references, self._offset):
            if len(reference.columns) == 1:
                continue
            for here, there in zip(reference.columns, reference.referred_columns, strict=True):
                part = single.get((reference.table, here, reference.referred, there))
                if part is not None:
                    self._at_most([(variable, 1.0), (part, 1.0)], 1.0)

    def _rules(self) -> tuple[Any, Floats]:
        import numpy as np
        from scipy.sparse import coo_array

        entries = [(r, v, c) for r, (terms, _) in enumerate(self._rows) for v, c in terms]
        rows, variables, values = np.array(entries or np.zeros((0, 3))).T
        where = (rows.astype(np.int64), variables.astype(np.int64))
        matrix = coo_array((values, where), shape=(len(self._rows), self._size)).tocsc()
        return matrix, np.array([limit for _, limit in self._rows])

    def choice(self, solution: Solution) -> Choice:
        """Return the candidates that a solution takes."""
        taken = [v for v, chosen in enumerate(solution.taken.tolist()) if chosen]
        first, last = self._offset, self._offset + len(self._found.singles)
        end = self._offset + len(self._references)
        return Choice(
            tuple(v for v in taken if v < first),
            tuple(v - first for v in taken if first <= v < last),
            tuple(v - last for v in taken if last <= v < end),
            solution.gap,
        )

    def solve(
        self, beliefs: Beliefs, verdicts: Verdicts = NO_VERDICTS, before: Solution | None = None
    ) -> Solution:
        """Return the choice of greatest total gain.

        Args:
            beliefs: probabilities of the candidates.
            verdicts: what is decided already.
            before: another solution; groups of tables in which nothing differs are taken from it.
        """
        import numpy as np

        gains = np.full(self._size, -ALTERNATE_PRICE)
        gains[: self._offset] = _gains(beliefs.keys, KEY_THRESHOLD)
        end = self._offset + len(beliefs.singles) + len(beliefs.composites)
        middle = self._offset + len(beliefs.singles)
        gains[self._offset : middle] = _gains(beliefs.singles, REFERENCE_THRESHOLD)
        gains[middle:end] = _gains(beliefs.composites, COMPOSITE_THRESHOLD)
        lower, upper = np.zeros(self._size, dtype=bool), np.ones(self._size, dtype=bool)
        for variable, verdict in verdicts.items():
            (lower if verdict else upper)[variable] = verdict
        return self._solved(gains, lower, upper, before)

    def _solved(
        self, gains: Floats, lower: Bools, upper: Bools, before: Solution | None
    ) -> Solution:
        """Solve each group of variables that rules connect.

        A reference that is not worth choosing opens nothing for others, so it is left out.
        """
        import numpy as np
        from scipy.sparse.csgraph import connected_components

        if before is None:
            changed, taken = np.ones(self._size, dtype=bool), np.zeros(self._size, dtype=bool)
        else:
            changed = (gains != before.gains) | (lower != before.lower) | (upper != before.upper)
            taken = before.taken.copy()
        end = self._offset + len(self._references)
        active = (gains > 0) | lower
        active[: self._offset] = active[end:] = True
        if before is not None:
            active |= changed
        inside = np.flatnonzero(active)
        rules = abs(self._matrix[:, inside])
        _, part = connected_components(rules.T @ rules, directed=False)
        gap = 0.0
        for label in np.unique(part[changed[inside]]):
            group = inside[part == label]
            taken[group], found_gap = self._group(group, gains, lower, upper)
            gap = max(gap, found_gap)
        return Solution(taken, gains, lower, upper, gap)

    def _group(self, group: Any, gains: Floats, lower: Bools, upper: Bools) -> tuple[Bools, float]:
        import numpy as np
        from scipy.optimize import Bounds, LinearConstraint, milp

        forced = lower[group]
        if gains[group].max() <= 0 and not forced.any():
            return forced, 0.0
        rules = self._matrix[:, group]
        rows = np.unique(rules.indices)
        matrix = rules.tocsr()[rows]
        limits = self._limits[rows]
        relaxed = np.where(limits > 0, np.maximum(limits, matrix @ forced), limits)
        result = milp(
            -gains[group],
            constraints=LinearConstraint(matrix, -np.inf, relaxed) if len(rows) else (),
            integrality=np.ones(len(group), dtype=np.int64),
            bounds=Bounds(forced.astype(float), upper[group].astype(float)),
            options={"time_limit": SECONDS},
        )
        if result.x is None:
            return forced, 0.0
        return result.x > 0.5, float(result.mip_gap or 0.0)


def _gains(probabilities: Sequence[float], threshold: float) -> Floats:
    import numpy as np

    p = np.clip(np.array(probabilities, dtype=float), LEAST, 1 - LEAST)
    odds: Floats = np.log(p / (1 - p)) - math.log(threshold / (1 - threshold))
    return odds
