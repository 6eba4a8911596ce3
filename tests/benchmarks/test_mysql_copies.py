"""Every database of the collection goes through load and verification in MariaDB."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from measures import Record, at_least, for_information
from mysql_copies import copied

pytestmark = pytest.mark.bench


def test_the_collection(
    keybench: Path, mysql_database_factory: Callable[[], str], record: Record
) -> None:
    paths = sorted(keybench.rglob("*.declared.sqlite"))
    whole, rows, keys, left_out = 0, 0, 0, 0
    for path in paths:
        copy = copied(path, mysql_database_factory())
        good = copy.report.ok and not copy.different
        if not good:
            print(f"{path.name}: {copy.report.violations} {copy.different}")
        whole += good
        rows, keys, left_out = rows + copy.rows, keys + copy.keys, left_out + copy.left_out
    record(
        at_least(f"MariaDB: whole copies of {len(paths)} databases", whole, len(paths)),
        for_information("MariaDB: rows in them", rows),
        for_information("MariaDB: foreign keys in them", keys),
        for_information("MariaDB: foreign keys that the data violate or it cannot hold", left_out),
    )
