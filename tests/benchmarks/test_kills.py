"""Sixty kills of a load into PostgreSQL and into SQLite, and of the recovery as well."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import count, pairwise
from pathlib import Path

import pytest
from kills import POSTGRESQL_VICTIM, SQLITE_VICTIM, survived
from measures import Record, at_least

pytestmark = pytest.mark.bench

KILLS, LAST = 60, 10


def spread(moments: int) -> Sequence[int]:
    """Draw one moment in each of fifty equal parts of a load, and its last ten: the switch."""
    edges = [1 + part * (moments - LAST) // (KILLS - LAST) for part in range(KILLS - LAST + 1)]
    drawn = [
        random.SystemRandom().randrange(low, max(high, low + 1)) for low, high in pairwise(edges)
    ]
    return [*drawn, *range(moments - LAST, moments)]


def test_postgresql(postgresql_database_factory: Callable[[], str], record: Record) -> None:
    found = survived(POSTGRESQL_VICTIM, postgresql_database_factory, spread)
    print(dict(found))
    record(at_least("PostgreSQL: kills that ended wholly old or wholly new", found.total(), KILLS))


def test_sqlite(tmp_path: Path, record: Record) -> None:
    numbers = count()

    def database() -> str:
        return f"sqlite:///{tmp_path / f'd{next(numbers)}.sqlite'}"

    found = survived(SQLITE_VICTIM, database, spread)
    print(dict(found))
    record(at_least("SQLite: kills that ended wholly old or wholly new", found.total(), KILLS))
