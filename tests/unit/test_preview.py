"""A plan tried on made-up rows: no value of the source, every treatment to be seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from there_and_back import read

from schemasynth import api
from schemasynth.arrays import array, lookup, nulls
from schemasynth.cli import main
from schemasynth.model import Schema
from schemasynth.plan import make_plan, write_plan
from schemasynth.plan.model import ColumnTreatment, RefreshPlan, Role
from schemasynth.preview import ROWS, made_up_rows, preview
from schemasynth.rows import Tables

DATABASES = ("chinook", "northwind", "oracle_co", "oracle_hr_oe", "pubs", "world")


def planned(data: Path, name: str) -> tuple[Schema, Tables, RefreshPlan]:
    schema, frames = read(data / name / f"{name}.declared.sqlite")
    return schema, frames, make_plan(schema, frames, source=name)


@pytest.fixture(scope="module")
def data() -> Path:
    return Path(__file__).parents[1] / "data"


@pytest.mark.parametrize("name", DATABASES)
def test_every_plan_can_be_tried(data: Path, name: str) -> None:
    _, _, plan = planned(data, name)
    tried = preview(plan)
    wanted = {t.name for t in plan.tables if t.role is not Role.SKIP and not t.is_entity}
    assert {table.plan.name for table in tried} == wanted
    assert all(len(table.before) == ROWS for table in tried)
    assert all(len(table.after) for table in tried)
    text = api.preview(plan)
    for table in plan.tables:
        assert all(column.name in text for column in table.columns)


@pytest.mark.parametrize("name", DATABASES)
def test_made_up_rows_keep_all_keys(data: Path, name: str) -> None:
    _, _, plan = planned(data, name)
    rows = made_up_rows(plan)
    for table in plan.tables:
        for key in table.foreign_keys:
            child = [array(rows[str(table.name)], column) for column in key.columns]
            parent = [array(rows[str(key.referred)], column) for column in key.referred_columns]
            absent = np.logical_or.reduce([nulls(values) for values in child])
            assert (lookup(child, parent)[~absent] >= 0).all(), (table.name, key.columns)


@pytest.mark.parametrize("name", DATABASES)
def test_no_long_text_is_one_of_the_source(data: Path, name: str) -> None:
    _, frames, plan = planned(data, name)
    known = {
        str(value)
        for rows in frames.values()
        for column in rows.columns
        for value in array(rows, column).drop_null().unique().to_pylist()
        if isinstance(value, str) and len(value) > 20
    }
    shown = {
        str(value)
        for table in preview(plan)
        for rows in (table.before, table.after)
        for column in rows.columns
        for value in array(rows, column).to_pylist()
    }
    assert not known & shown


def test_treatments_are_to_be_seen(data: Path) -> None:
    _, _, plan = planned(data, "northwind")
    customers = next(t for t in plan.tables if t.name.name == "customers")
    columns = tuple(
        replace(c, treatment=ColumnTreatment.CONSTANT, value="x", encoding=None)
        if c.name == "city"
        else c
        for c in customers.columns
    )
    edited = replace(customers, columns=columns)
    plan = replace(plan, tables=tuple(edited if t is customers else t for t in plan.tables))
    tried = next(t for t in preview(plan) if t.plan is edited)
    assert set(tried.after["city"]) == {"x"}
    for column in ("customer_id", "contact_name", "phone"):
        assert not set(tried.before[column]) & set(tried.after[column])
    kept = {str(v) for v in tried.before["country"]}
    assert {str(v) for v in tried.after["country"]} <= kept
    text = api.preview(plan)
    assert "constant 'x'" in text
    assert "made up: full_name (en)" in text
    assert "refers to customers (context)" in text


def test_the_command_tries_sources_and_plan_files(data: Path, tmp_path: Path) -> None:
    source = data / "world" / "world.declared.sqlite"
    run = CliRunner()
    shown = run.invoke(main, ["plan", str(source), "--preview"], catch_exceptions=False)
    assert shown.exit_code == 0
    assert "What this plan does to ten made-up rows" in shown.stdout
    assert "schemasynth_plan" not in shown.stdout
    path = tmp_path / "plan.toml"
    both = run.invoke(main, ["plan", str(source), "--preview", "--output", str(path)])
    assert both.stdout == shown.stdout
    again = run.invoke(main, ["plan", str(path), "--preview"], catch_exceptions=False)
    assert again.stdout == shown.stdout
    assert path.read_text("utf-8") == write_plan(api.plan(str(source)))
