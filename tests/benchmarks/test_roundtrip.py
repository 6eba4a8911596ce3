"""All of keybench there and back, loaded into real databases and verified; 500 drawn schemas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from constraints import violations
from generated import SLOW, Source, sources
from hypothesis import given, settings
from hypothesis import strategies as st
from measures import Record, at_least, for_information
from targets import LeftOut, create_in_mysql, create_in_postgresql, emptied_copy, loaded
from there_and_back import Trip, read, there_and_back

from schemasynth.errors import SchemasynthError

pytestmark = pytest.mark.bench
DATABASES = 79


def test_all_of_keybench_in_sqlite(keybench: Path, tmp_path: Path, record: Record) -> None:
    def target(path: Path, _: Trip) -> str:
        return emptied_copy(path, tmp_path / path.name)

    count_clean("SQLite", keybench, target, record)


def test_all_of_keybench_in_postgresql(
    keybench: Path, postgresql_database_factory: Callable[[], str], record: Record
) -> None:
    def target(_: Path, trip: Trip) -> str:
        url = postgresql_database_factory()
        create_in_postgresql(trip.schema, dict(trip.frames), url)
        return url

    count_clean("PostgreSQL", keybench, target, record)


def test_all_of_keybench_in_mysql(
    keybench: Path, mysql_database_factory: Callable[[], str], record: Record
) -> None:
    left_out: dict[str, tuple[LeftOut, ...]] = {}

    def target(path: Path, trip: Trip) -> str:
        url = mysql_database_factory()
        left_out[path.parent.name] = create_in_mysql(trip.schema, dict(trip.frames), url)
        return url

    count_clean("MariaDB", keybench, target, record)
    for name, things in left_out.items():
        for thing in things:
            print(f"{name}: {thing.what} is left out: {thing.why}")
    record(for_information("keybench: keys MariaDB cannot hold", sum(map(len, left_out.values()))))


def count_clean(
    database: str, keybench: Path, target: Callable[[Path, Trip], str], record: Record
) -> None:
    """Load every database into a target of its own, and count those without a violation."""
    failed: dict[str, str] = {}
    paths = sorted(keybench.rglob("*.declared.sqlite"))
    for path in paths:
        trip = there_and_back(*read(path))
        try:
            report = loaded(trip, target(path, trip))
        except SchemasynthError as error:
            failed[path.parent.name] = str(error)
            continue
        if not report.ok:
            failed[path.parent.name] = str(report.violations)
    assert failed == {}
    record(at_least(f"keybench there and back, verified in {database}", len(paths), DATABASES))


@settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(sources(), st.integers(0, 1000))
def test_every_constraint_of_500_schemas_holds_again(source: Source, seed: int) -> None:
    trip = there_and_back(*source, seed)
    assert violations(trip) == [], trip.restored.repairs
