"""What a refresh says of privacy: measured on the loaded rows, against rows held out."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from schemasynth import api
from schemasynth.demo import write_source, write_target
from schemasynth.model.privacy import Privacy
from schemasynth.refresh import RefreshOptions, Step
from schemasynth.report import RefreshReport
from schemasynth.verify.measure import NO_HOLDOUT

PEOPLE = 1_200
TABLES = {"titular", "pagamentnomina", "actuacionsnomina"}


def refreshed(folder: Path, people: int = PEOPLE, privacy: Privacy | None = None) -> RefreshReport:
    write_source(folder / "live.sqlite", people)
    write_target(folder / "pre.sqlite")
    api.init_target(str(folder / "pre.sqlite"))
    live, pre = str(folder / "live.sqlite"), str(folder / "pre.sqlite")
    for until in (Step.PLAN, Step.TRAIN, None):
        options = RefreshOptions(workdir=folder / "w", until=until, resume=until is not Step.PLAN)
        report = api.refresh(live, pre, privacy=privacy, options=options)
    return report


def test_copied_rows_are_found_although_the_run_was_resumed(tmp_path: Path, stand_in: None) -> None:
    report = refreshed(tmp_path)
    privacy = report.privacy
    assert privacy is not None
    assert {table.table for table in privacy.tables if table.suspicious} == TABLES
    assert not any((tmp_path / "w" / name).exists() for name in ("training", "holdout", "source"))
    people = sqlite3.connect(tmp_path / "live.sqlite").execute("SELECT * FROM titular").fetchall()
    text = json.dumps(report.to_dict()) + (tmp_path / "w" / "manifest.json").read_text()
    assert not any(str(row[0]) in text for row in people)


def test_few_subjects_are_said_to_be_too_few(tmp_path: Path, stand_in: None) -> None:
    privacy = refreshed(tmp_path, 200).privacy
    assert privacy is not None
    assert {t.why for t in privacy.tables if t.table == "titular"} == {"no holdout, 200 rows"}


def test_a_plan_can_hold_out_nothing(tmp_path: Path, stand_in: None) -> None:
    privacy = refreshed(tmp_path, privacy=Privacy(holdout=0)).privacy
    assert privacy is not None
    assert {table.why for table in privacy.tables} == {NO_HOLDOUT}


@pytest.mark.parametrize("people", [200, PEOPLE])
def test_identifiers_are_looked_for(tmp_path: Path, stand_in: None, people: int) -> None:
    write_source(tmp_path / "live.sqlite", people)
    write_target(tmp_path / "pre.sqlite")
    api.init_target(str(tmp_path / "pre.sqlite"))
    privacy = api.refresh(str(tmp_path / "live.sqlite"), str(tmp_path / "pre.sqlite")).privacy
    assert privacy is not None
    assert privacy.looked_for
    assert privacy.identifiers == ()
