"""Refreshes whose source and target are different kinds of database, on real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from across import carried

from schemasynth import api
from schemasynth.refresh import RefreshOptions

DATA = Path(__file__).parents[1] / "data"


def file_of(name: str) -> Path:
    return DATA / name / f"{name}.declared.sqlite"


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("name", ["chinook", "northwind", "oracle_co", "oracle_hr_oe"])
def test_postgresql_to_mariadb(postgresql_database: str, mysql_database: str, name: str) -> None:
    before = carried(file_of(name), postgresql_database)
    made = api.create_target(postgresql_database, mysql_database)
    assert made.tables == len(before.tables)
    api.init_target(mysql_database)
    report = api.refresh(postgresql_database, mysql_database, options=RefreshOptions(seed=1))
    assert report.integrity is not None
    assert report.integrity.ok
    assert api.verify(mysql_database, model=before).violations == {}
    assert {t.name: t.rows for t in report.tables} == {
        t.name: t.source_rows for t in report.tables
    }
