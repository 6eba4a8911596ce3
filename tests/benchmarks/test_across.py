"""PostgreSQL to MariaDB with the real generator after short training: built, refreshed, proven."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from across import carried
from measures import Record, at_most, for_information

from schemasynth import api
from schemasynth.model.serialize import loads
from schemasynth.refresh import MODEL_FILE, RefreshOptions

pytestmark = pytest.mark.bench


@pytest.mark.parametrize("name", ["chinook", "northwind", "oracle_co"])
def test_postgresql_to_mariadb(
    keybench: Path,
    tmp_path: Path,
    postgresql_database: str,
    mysql_database_factory: Callable[[], str],
    record: Record,
    name: str,
) -> None:
    carried(keybench / name / f"{name}.declared.sqlite", postgresql_database)
    target = mysql_database_factory()
    made = api.create_target(postgresql_database, target)
    api.init_target(target)
    options = RefreshOptions(max_epochs=1, seed=1, workdir=tmp_path / "work")
    report = api.refresh(postgresql_database, target, options=options)
    model = loads((tmp_path / "work" / MODEL_FILE).read_text("utf-8"))
    verified = api.verify(target, model=model)
    record(
        for_information(f"{name}: tables built", made.tables),
        for_information(f"{name}: rows loaded", sum(table.rows or 0 for table in report.tables)),
        for_information(f"{name}: checks", len(verified.results)),
        for_information(f"{name}: seconds", sum(step.seconds for step in report.steps)),
        at_most(f"{name}: violations", sum(verified.violations.values()), 0),
    )
