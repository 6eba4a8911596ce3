"""The main job on the demo's data, with the real generator."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from schemasynth import api
from schemasynth.model import TableName
from schemasynth.plan import read_plan
from schemasynth.plan.model import ForeignKeyTreatment, RefreshPlan, Role

pytestmark = pytest.mark.e2e

PEOPLE = 800
MINUTES = 2.5
"""Enough on two slow cores that are shared with other tests."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> api.DemoResult:
    patch = pytest.MonkeyPatch()
    patch.setattr(api, "DEMO_MINUTES", MINUTES)
    try:
        return api.demo(tmp_path_factory.mktemp("demo") / "d", people=PEOPLE)
    finally:
        patch.undo()


def plan_of(demo: api.DemoResult) -> RefreshPlan:
    return read_plan((demo.folder / "work" / "plan.toml").read_text("utf-8"))


def test_people_are_the_subject_and_cases_an_entity_in_their_context(demo: api.DemoResult) -> None:
    plan = plan_of(demo)
    assert plan.table(TableName("titular")).role is Role.SUBJECT
    (entity,) = (table for table in plan.tables if table.is_entity)
    assert set(entity.primary_key) == {"N_Expedit", "N_Procediment"}
    assert entity.context is not None
    assert entity.context.referred == TableName("titular")
    for name in ("pagamentnomina", "actuacionsnomina"):
        context = plan.table(TableName(name)).context
        assert context is not None
        assert context.referred == entity.name
        assert context.treatment is ForeignKeyTreatment.CONTEXT


def test_nothing_is_violated(demo: api.DemoResult) -> None:
    assert demo.report.integrity is not None
    assert demo.report.integrity.ok
    model = demo.folder / "work" / "model.json"
    from schemasynth.model.serialize import loads

    target = str(demo.folder / "preproduction.sqlite")
    report = api.verify(target, model=loads(model.read_text("utf-8")))
    assert report.ok
    assert any(result.kind == "foreign key" for result in report.results)


def test_rows_are_as_planned(demo: api.DemoResult) -> None:
    tables = {table.name: table for table in demo.report.tables}
    assert tables["titular"].rows == PEOPLE
    for table in tables.values():
        assert table.rows is not None
        assert abs(table.rows - table.source_rows) <= 0.15 * table.source_rows, table
        assert table.accuracy is not None
        assert table.accuracy > 0.75


def test_planted_patterns_are_kept(demo: api.DemoResult) -> None:
    live, now = demo.source_figures, demo.synthetic_figures
    assert abs(now["actions_paid"] - live["actions_paid"]) <= 0.05
    assert now["valid_ids"] == 1.0
    assert live["disabled_dis"] - live["other_dis"] > 0.8
    assert now["disabled_dis"] - now["other_dis"] > 0.4
    assert now["effect_follows"] > 0.6


def test_no_key_of_the_source_and_no_trace_of_the_generator(demo: api.DemoResult) -> None:
    def values(name: str, column: str, table: str) -> set[str]:
        rows = sqlite3.connect(demo.folder / name).execute(f"SELECT {column} FROM {table}")
        return {str(value) for (value,) in rows if value is not None}

    for table, column in (
        ("titular", "identificador"),
        ("pagamentnomina", "Usuari_solicitant"),
        ("pagamentnomina", "N_Expedit"),
        ("actuacionsnomina", "N_Expedit"),
    ):
        old = values("live.sqlite", column, table)
        new = values("preproduction.sqlite", column, table)
        assert new
        assert not old & new, column
    assert traces(demo.folder / "preproduction.sqlite") == []


def traces(path: Path) -> list[str]:
    """Return tables in which a value of the generator's own making stands."""
    connection = sqlite3.connect(path)
    names = [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
    return [
        name
        for name in names
        for row in connection.execute(f'SELECT * FROM "{name}"')
        if any(isinstance(v, str) and ("mostly" in v or "_RARE_" in v) for v in row)
    ]


def test_source_rows_are_wiped_and_reports_hold_no_values(demo: api.DemoResult) -> None:
    source = sqlite3.connect(demo.folder / "live.sqlite")
    people = [r[0].encode() for r in source.execute("SELECT identificador FROM titular LIMIT 200")]
    files = [p for p in demo.folder.rglob("*") if p.is_file() and p.name != "live.sqlite"]
    for path in files:
        content = path.read_bytes()
        assert not any(person in content for person in people), path.name
    report = json.loads((demo.folder / "report" / "report.json").read_text("utf-8"))
    assert report["integrity"]["violations"] == 0
