"""Some databases there and back, loaded into real databases and verified; all of them in bench."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from targets import create_in_postgresql, emptied_copy, loaded
from there_and_back import read, there_and_back

NAMES = ("chinook", "oracle_hr_oe", "pubs")


@pytest.mark.parametrize("name", NAMES)
def test_restored_rows_hold_in_sqlite(data: Path, tmp_path: Path, name: str) -> None:
    path = data / name / f"{name}.declared.sqlite"
    report = loaded(there_and_back(*read(path)), emptied_copy(path, tmp_path / path.name))
    assert report.ok, report.violations


@pytest.mark.parametrize("name", NAMES)
def test_restored_rows_hold_in_postgresql(
    data: Path, postgresql_database_factory: Callable[[], str], name: str
) -> None:
    trip = there_and_back(*read(data / name / f"{name}.declared.sqlite"))
    url = postgresql_database_factory()
    create_in_postgresql(trip.schema, dict(trip.frames), url)
    report = loaded(trip, url)
    assert report.ok, report.violations
