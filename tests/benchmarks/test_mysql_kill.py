"""Kills of a load into MariaDB at every statement it sends, and of the recovery as well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from mysql_kills import LOADER, NEVER, RECOVERER, attempt, look, prepare, recover

RECOVERY_MOMENTS = (3, 6, 9, 12, 15, 18, 21, 24, 27)


@pytest.mark.bench
def test_kills_at_every_statement(mysql_database_factory: Callable[[], str]) -> None:
    url = mysql_database_factory()
    prepare(url)
    old = look(url)
    statements = attempt(url, LOADER, NEVER)
    new = look(url)
    found: Counter[str] = Counter()
    for moment in range(1, statements):
        for again in (NEVER, RECOVERY_MOMENTS[moment % len(RECOVERY_MOMENTS)]):
            killed = mysql_database_factory()
            prepare(killed)
            assert attempt(killed, LOADER, moment) == moment
            if again != NEVER:
                attempt(killed, RECOVERER, again)
            recover(killed)
            state = look(killed)
            assert state in (old, new), (moment, again)
            assert recover(killed) == ()
            found["old" if state == old else "new"] += 1
    print(f"{statements} statements, {found.total()} kills: {dict(found)}")
    assert set(found) == {"old", "new"}
