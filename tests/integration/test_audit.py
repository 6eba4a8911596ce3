"""A refresh leaves in the audit file what was done, phase by phase, and no value."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from schemasynth import api
from schemasynth.errors import DriftError
from schemasynth.refresh import RefreshOptions

SECRET = "a secret of the rows"
LIVE = (
    "CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(40))",
    "CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent)",
    f"INSERT INTO parent VALUES (1, '{SECRET}'), (2, '{SECRET}'), (3, 'x')",
    "INSERT INTO child VALUES (1, 1), (2, 2), (3, 2)",
)
TARGET = (
    "CREATE TABLE parent (id int PRIMARY KEY, name varchar(40))",
    "CREATE TABLE child (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES parent (id))",
)
PHASES = [
    "begin", "plan", "preflight", "staged", "verified", "switching", "switched", "cleaned", "end",
]  # fmt: skip
pytestmark = pytest.mark.usefixtures("stand_in")


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


@pytest.fixture
def live(tmp_path: Path) -> str:
    path = tmp_path / "live.sqlite"
    execute(f"sqlite:///{path}", *LIVE)
    return str(path)


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'pre.sqlite'}"
    else:
        url = request.getfixturevalue(f"{request.param}_database")
    execute(url, *TARGET)
    api.init_target(url)
    return str(url)


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_refresh_is_written_phase_by_phase(live: str, target: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    api.refresh(live, target, options=RefreshOptions(audit=path))
    found = {entry["event"]: entry for entry in read(path)}
    assert list(found) == PHASES
    assert found["staged"]["rows"] == {"parent": 3, "child": 3}
    classes = set(found["staged"]["statements"])
    assert classes & {"COPY", "LOAD DATA", "INSERT"}
    switching = {s for name in ("switched", "cleaned") for s in found[name]["statements"]}
    if not target.startswith("sqlite"):
        assert switching & {"TRUNCATE", "RENAME TABLE"}
        assert all(re.fullmatch(r"[A-Z ]+", name) for name in classes | switching)
    assert found["preflight"]["source"] != found["preflight"]["target"]
    assert re.fullmatch("[0-9a-f]{64}", found["plan"]["plan"])
    assert SECRET not in path.read_text("utf-8")
    assert ":@" not in path.read_text("utf-8")
    assert api.audit(path).ok


def test_recovery_and_failure_are_written_too(live: str, target: str, tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    api.recover(target, audit=path)
    execute(target, "ALTER TABLE parent RENAME COLUMN name TO title")
    with pytest.raises(DriftError):
        api.refresh(live, target, options=RefreshOptions(audit=path))
    entries = read(path)
    assert [e["event"] for e in entries] == [
        "begin", "recovered", "end", "begin", "plan", "preflight", "end",
    ]  # fmt: skip
    assert entries[-1]["outcome"] == "failed"
    assert entries[-1]["error"] == "DriftError"
    assert entries[-2]["findings"]["refused drift"] == 1
    assert api.audit(path).ok


def test_a_workspace_has_a_file_of_its_own(live: str, target: str, tmp_path: Path) -> None:
    work = tmp_path / "work"
    api.refresh(live, target, options=RefreshOptions(workdir=work))
    api.refresh(live, target, options=RefreshOptions(workdir=work, resume=True))
    assert api.audit(work / "audit.jsonl").runs == 2
