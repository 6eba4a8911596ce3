"""What an attacker who holds synthetic rows learns of a person whose row was trained on.

Pure; imports distances. Two attacks of Giomi et al., "A Unified Framework for Quantifying Privacy
Risk in Synthetic Data" (PoPETs 2023), whose success on rows that the generator saw is held against
that on rows it did not see: what the source's patterns tell of anybody is no leak.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from schemasynth.verify.distance import ALARM, Compared, affordable, compared

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemasynth.plan.model import TablePlan
    from schemasynth.rows import Rows
    from schemasynth.verify.distance import Floats

ATTACKED = 1_000
"""Rows of either side that are attacked: the AUC is then known to 0.013."""
CANDIDATES = 5_000
"""Synthetic rows that the attacker holds."""


@dataclass(frozen=True, slots=True)
class Attack:
    """How well an attack tells rows that were trained on from others.

    Attributes:
        auc: chance that it succeeds better on a row that the generator saw than on one that it
            did not; 0.5 is ideal.
        chance: at most that of such a difference for a generator that saw neither.
    """

    auc: float
    chance: float

    @property
    def suspicious(self) -> bool:
        """Whether the attacker learns more of rows that were trained on."""
        return self.chance < ALARM


@dataclass(frozen=True, slots=True)
class Attacks:
    """Both attacks on one table.

    Attributes:
        linkability: two halves of a row's columns, held apart, are joined by way of the synthetic
            rows that are near to both.
        inference: each column of a row is guessed as that of the synthetic row nearest in all
            others.
    """

    linkability: Attack
    inference: Attack


def attacks(
    table: TablePlan,
    training: Rows,
    holdout: Rows,
    synthetic: Rows,
    seed: int = 0,
) -> Attacks | None:
    """Attack rows that the generator saw and rows that it did not.

    Args:
        table: whose learned columns the attacker knows and wants.
        training: rows that the generator learned from.
        holdout: rows of the same source that it did not see.
        synthetic: rows that it made.
        seed: chooses which rows are attacked where there are many.

    Returns:
        None where fewer than two columns are learned or a side has no row.
    """
    limits = affordable(table, ATTACKED, CANDIDATES)
    sides = compared(table, training, holdout, synthetic, seed, limits)
    if sides is None or len(sides.columns) < 2:
        return None
    links, guesses = np.empty(sides.real), np.empty(sides.real)
    for here in sides.steps(sides.real, len(sides.columns)):
        apart = [column.apart(column.real[here], column.made) for column in sides.columns]
        links[here] = _linked(apart)
        guesses[here] = _guessed(apart)
    return Attacks(_judged(sides, links), _judged(sides, guesses))


def _linked(apart: Sequence[Floats]) -> Floats:
    """Return how well a synthetic row joins both halves of each row, 0 at best.

    That is the least number of neighbours to be looked at on both sides until one is shared.
    """
    halves = [np.asarray(sum(apart[start::2])) for start in (0, 1)]
    ranks = [rankdata(half, method="min", axis=1) for half in halves]
    worst: Floats = np.maximum(*ranks).min(axis=1)
    return -worst


def _guessed(apart: Sequence[Floats]) -> Floats:
    """Return how near guesses of each row's columns are, 1 at best."""
    total = np.asarray(sum(apart))
    rows = np.arange(len(total))
    right = np.zeros(len(total))
    for secret in apart:
        nearest = (total - secret).argmin(axis=1)
        right += 1 - secret[rows, nearest]
    return right / len(apart)


def _judged(sides: Compared, scores: Floats) -> Attack:
    ranks = rankdata(scores)
    seen, unseen = sides.seen, sides.real - sides.seen
    auc = (ranks[:seen].sum() - seen * (seen + 1) / 2) / (seen * unseen)
    return Attack(float(auc), sides.chance(ranks - ranks.mean()))
