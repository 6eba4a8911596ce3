"""One choice over all candidates: a mixed-integer programme over primary and foreign keys.

Pure; used by the inference of keys. Solved with HiGHS through scipy, table group by table group.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from schemasynth.infer.candidates import KeyCandidate, ReferenceCandidate
from schemasynth.infer.features import Beliefs, Candidates
from schemasynth.model import TableName

KEY_THRESHOLD = 0.4
"""Belief from which a primary key is worth choosing: a table mostly has one."""
REFERENCE_THRESHOLD = 0.45
"""The same for foreign keys."""
ALTERNATE_PRICE = 1.0
"""Log-odds it costs to refer to columns that are not the chosen primary key, once a target."""
SECONDS = 20.0
"""Time for one group of tables; then the best choice so far is taken."""
LEAST = 1e-4
"""Beliefs are clipped to this and one less it: trees are never sure."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen, as indices into the candidates, and how far it may be from the best."""

    keys: tuple[int, ...]
    singles: tuple[int, ...]
    composites: tuple[int, ...]
    gap: float = 0.0


@dataclass(slots=True)
class _Programme:
    """Variables with gains, and rows of at most one thing each."""

    gains: list[float] = field(default_factory=list)
    rows: list[tuple[list[tuple[int, float]], float]] = field(default_factory=list)

    def variable(self, gain: float) -> int:
        self.gains.append(gain)
        return len(self.gains) - 1

    def at_most(self, terms: Iterable[tuple[int, float]], limit: float) -> None:
        self.rows.append((list(terms), limit))

    def one_of_each(self, groups: Mapping[Hashable, Sequence[int]]) -> None:
        for members in groups.values():
            if len(members) > 1:
                self.at_most([(m, 1.0) for m in members], 1.0)


def choose(found: Candidates, beliefs: Beliefs) -> Choice:
    """Choose the keys that together are likeliest.

    At most one primary key a table and one single foreign key a column; a foreign key refers
    to the chosen primary key or pays for an alternate one; of two mutual keys one stays; a
    composite foreign key excludes its own parts to the same parts of the parent.

    Args:
        found: the candidates.
        beliefs: their probabilities.
    """
    programme = _Programme()
    keys = [programme.variable(_gain(p, KEY_THRESHOLD)) for p in beliefs.keys]
    references = (*found.singles, *found.composites)
    chances = (*beliefs.singles, *beliefs.composites)
    chosen = [programme.variable(_gain(p, REFERENCE_THRESHOLD)) for p in chances]
    programme.one_of_each(_grouped(keys, [key.table for key in found.keys]))
    programme.one_of_each(_grouped(chosen, [(r.table, frozenset(r.columns)) for r in references]))
    _aim(programme, found.keys, keys, references, chosen)
    _exclude_mutual(programme, references, chosen)
    _exclude_parts(programme, references, chosen)
    taken, gap = _solved(programme)
    offset = len(keys)
    width = offset + len(found.singles)
    return Choice(
        tuple(i for i in keys if i in taken),
        tuple(i - offset for i in chosen if i in taken and i < width),
        tuple(i - width for i in chosen if i in taken and i >= width),
        gap,
    )


def _gain(probability: float, threshold: float) -> float:
    p = min(max(probability, LEAST), 1 - LEAST)
    return math.log(p / (1 - p)) - math.log(threshold / (1 - threshold))


def _grouped(variables: Sequence[int], by: Sequence[Hashable]) -> dict[Hashable, list[int]]:
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for variable, group in zip(variables, by, strict=True):
        groups[group].append(variable)
    return groups


def _aim(
    programme: _Programme,
    candidates: Sequence[KeyCandidate],
    keys: Sequence[int],
    references: Sequence[ReferenceCandidate],
    chosen: Sequence[int],
) -> None:
    """A reference needs its target: the primary key, or an alternate one at a price."""
    primary = {
        (key.table, frozenset(key.columns)): v for key, v in zip(candidates, keys, strict=True)
    }
    alternate: dict[tuple[TableName, frozenset[str]], int] = {}
    for reference, variable in zip(references, chosen, strict=True):
        target = (reference.referred, frozenset(reference.referred_columns))
        if target not in alternate:
            alternate[target] = programme.variable(-ALTERNATE_PRICE)
        terms = [(variable, 1.0), (alternate[target], -1.0)]
        if target in primary:
            terms.append((primary[target], -1.0))
        programme.at_most(terms, 0.0)


def _exclude_mutual(
    programme: _Programme, references: Sequence[ReferenceCandidate], chosen: Sequence[int]
) -> None:
    by_ends = {
        (r.table, r.columns, r.referred, r.referred_columns): v
        for r, v in zip(references, chosen, strict=True)
    }
    for (table, columns, referred, target), variable in by_ends.items():
        back = by_ends.get((referred, target, table, columns))
        if back is not None and variable < back:
            programme.at_most([(variable, 1.0), (back, 1.0)], 1.0)


def _exclude_parts(
    programme: _Programme, references: Sequence[ReferenceCandidate], chosen: Sequence[int]
) -> None:
    single = {
        (r.table, r.columns[0], r.referred, r.referred_columns[0]): v
        for r, v in zip(references, chosen, strict=True)
        if len(r.columns) == 1
    }
    for reference, variable in zip(references, chosen, strict=True):
        if len(reference.columns) == 1:
            continue
        for here, there in zip(reference.columns, reference.referred_columns, strict=True):
            part = single.get((reference.table, here, reference.referred, there))
            if part is not None:
                programme.at_most([(variable, 1.0), (part, 1.0)], 1.0)


def _solved(programme: _Programme) -> tuple[set[int], float]:
    """Return the variables at one, and the largest relative gap of the independent parts."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    size = len(programme.gains)
    if not size:
        return set(), 0.0
    entries = [(r, v, c) for r, (terms, _) in enumerate(programme.rows) for v, c in terms]
    row, column, value = (
        (np.array(x) for x in zip(*entries, strict=True))
        if entries
        else (
            np.zeros(0, dtype=int),
            np.zeros(0, dtype=int),
            np.zeros(0),
        )
    )
    matrix = coo_array((value, (row, column)), shape=(len(programme.rows), size)).tocsr()
    _, part = connected_components(abs(matrix).T @ abs(matrix), directed=False)
    limits = np.array([limit for _, limit in programme.rows])
    gains = np.array(programme.gains)
    row_part = np.full(len(limits), -1)
    row_part[row] = part[column]
    taken: set[int] = set()
    gap = 0.0
    for label in range(part.max() + 1):
        inside = np.flatnonzero(part == label)
        if gains[inside].max() <= 0:
            continue
        rows = np.flatnonzero(row_part == label)
        rules = LinearConstraint(matrix[rows][:, inside], -np.inf, limits[rows])
        result = milp(
            -gains[inside],
            constraints=rules if len(rows) else (),
            integrality=np.ones(len(inside), dtype=np.int64),
            bounds=Bounds(0, 1),
            options={"time_limit": SECONDS},
        )
        if result.x is not None:
            taken.update(int(i) for i in inside[result.x > 0.5])
            gap = max(gap, float(result.mip_gap or 0.0))
    return taken, gap
