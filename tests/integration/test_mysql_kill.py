"""A load into MariaDB killed at any statement leaves the old tables or the new ones."""

from __future__ import annotations

import random
from collections.abc import Callable

from mysql_kills import LOADER, NEVER, RECOVERER, attempt, look, prepare, recover

MOMENTS = 10
"""Drawn anew in each run; the benchmark of the same name takes many more."""


def test_kills_at_random_statements(mysql_database_factory: Callable[[], str]) -> None:
    url = mysql_database_factory()
    prepare(url)
    old = look(url)
    statements = attempt(url, LOADER, NEVER)
    new = look(url)
    assert new.definitions == old.definitions
    assert new.contents != old.contents

    for moment in sorted(random.SystemRandom().sample(range(1, statements), MOMENTS)):
        killed = mysql_database_factory()
        prepare(killed)
        assert attempt(killed, LOADER, moment) == moment
        if moment % 2:
            attempt(killed, RECOVERER, moment % 20 + 1)
        recover(killed)
        assert look(killed) in (old, new), moment
        assert recover(killed) == (), moment
