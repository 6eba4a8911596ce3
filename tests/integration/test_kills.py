"""A load killed at any moment leaves the old tables or the new ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

from kills import POSTGRESQL_VICTIM, SQLITE_VICTIM, survived

MOMENTS = 8
"""Drawn anew in each run; the benchmark of the same name takes many more."""


def some(moments: int) -> Sequence[int]:
    """Draw moments of a load, its last ones among them: there the switch is."""
    early = random.SystemRandom().sample(range(1, moments - MOMENTS), MOMENTS // 2)
    return sorted(early) + list(range(moments - MOMENTS // 2, moments))


def test_postgresql(postgresql_database_factory: Callable[[], str]) -> None:
    assert survived(POSTGRESQL_VICTIM, postgresql_database_factory, some).total() == MOMENTS


def test_sqlite(tmp_path: Path) -> None:
    numbers = count()

    def database() -> str:
        return f"sqlite:///{tmp_path / f'd{next(numbers)}.sqlite'}"

    assert survived(SQLITE_VICTIM, database, some).total() == MOMENTS
