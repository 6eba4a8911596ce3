"""A refresh that is interrupted goes on where it was, or says why it cannot.

The stand-in takes the generator's place: what is tested is the way between the steps.
"""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from schemasynth import api
from schemasynth.demo import write_source, write_target
from schemasynth.errors import DriftError, SchemasynthError, SettingsError
from schemasynth.refresh import RefreshOptions, Step
from schemasynth.workspace import Workspace

module = import_module("schemasynth.refresh")
SOURCE_FOLDERS = ("source", "keys", "prepared", "kept", "training", "holdout")
Run = Callable[..., Any]


@pytest.fixture
def run(tmp_path: Path, stand_in: None) -> Run:
    source, target = tmp_path / "live.sqlite", tmp_path / "pre.sqlite"
    write_source(source, 300)
    write_target(target)
    api.init_target(str(target))

    def refresh(**given: Any) -> Any:
        options = {"workdir": tmp_path / "work"}
        options |= {k: given.pop(k) for k in list(given) if k in RefreshOptions.__slots__}
        return api.refresh(str(source), str(target), options=RefreshOptions(**options), **given)

    return refresh


def rows(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("SELECT count(*) FROM titular").fetchone()[0])


def interrupted(*_: Any, **__: Any) -> Any:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "step",
    ["read_into", "read_keys", "save_prepared", "train", "generate", "save_restored",
     "refresh_tables"],
)  # fmt: skip
def test_every_step_can_be_interrupted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before = (tmp_path / "pre.sqlite").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(module, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            run()
    assert rows(tmp_path / "pre.sqlite") == 0
    assert len((tmp_path / "pre.sqlite").read_bytes()) == len(before)
    report = run(resume=True)
    assert report.outcome.startswith("Refreshed:")
    assert rows(tmp_path / "pre.sqlite") == rows(tmp_path / "live.sqlite")
    assert api.verify(str(tmp_path / "pre.sqlite")).ok
    assert not any((tmp_path / "work" / name).exists() for name in SOURCE_FOLDERS)


@pytest.mark.parametrize("step", list(Step))
def test_every_step_can_be_the_last(run: Run, tmp_path: Path, step: Step) -> None:
    report = run(until=step)
    assert rows(tmp_path / "pre.sqlite") == 0
    assert "not switched" in report.outcome or "as it was" in report.outcome
    with pytest.raises(SettingsError, match="--resume"):
        run()
    assert run(resume=True).outcome.startswith("Refreshed:")
    assert run(resume=True).outcome == "Refreshed by an earlier run; nothing was left to do."


def test_source_rows_go_as_soon_as_no_step_needs_them(run: Run, tmp_path: Path) -> None:
    left = {}
    for step in (Step.PLAN, Step.TRAIN, Step.GENERATE):
        run(until=step, resume=step is not Step.PLAN)
        left[step] = {n for n in SOURCE_FOLDERS if (tmp_path / "work" / n).exists()}
    compared = {"kept", "training", "holdout"}
    assert left == {Step.PLAN: {"prepared", *compared}, Step.TRAIN: compared, Step.GENERATE: set()}


def test_source_rows_are_kept_on_request(run: Run, tmp_path: Path) -> None:
    run(keep_source_rows=True)
    assert all((tmp_path / "work" / name).exists() for name in SOURCE_FOLDERS)


def test_only_the_owner_can_read(run: Run, tmp_path: Path) -> None:
    run(keep_source_rows=True)
    work = tmp_path / "work"
    for path in (work, *work.rglob("*")):
        if path.name != "model.txt":
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


def test_the_manifest_names_every_file(run: Run, tmp_path: Path) -> None:
    run()
    content = json.loads((tmp_path / "work" / "manifest.json").read_text())
    restored = {f["table"]: f["rows"] for f in content["files"]["restored"]}
    assert restored["titular"] == rows(tmp_path / "live.sqlite")
    assert {"plan", "train", "generate", "switch"} <= set(content["steps"])
    assert all(step["version"] for step in content["steps"].values())


def test_a_damaged_file_is_noticed(run: Run, tmp_path: Path) -> None:
    run(until=Step.GENERATE)
    path = next((tmp_path / "work" / "restored").glob("*.parquet"))
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(SettingsError, match="was changed after it was written"):
        run(resume=True)
    path.unlink()
    with pytest.raises(SettingsError, match="is missing"):
        run(resume=True)


def test_an_edited_plan_is_prepared_again(run: Run, tmp_path: Path) -> None:
    run(until=Step.PLAN)
    path = tmp_path / "work" / "plan.toml"
    path.write_text(path.read_text().replace("size = 300", "size = 100"))
    report = run(resume=True)
    assert any("prepared again" in note for note in report.notes)
    assert rows(tmp_path / "pre.sqlite") == 100


def test_a_size_given_later_is_a_change_of_the_plan(run: Run, tmp_path: Path) -> None:
    run(until=Step.PLAN)
    run(resume=True, sizes={"titular": 50})
    assert rows(tmp_path / "pre.sqlite") == 50


def test_a_plan_edited_after_training_is_refused(run: Run, tmp_path: Path) -> None:
    run(until=Step.TRAIN)
    path = tmp_path / "work" / "plan.toml"
    whole = path.read_text()
    path.write_text(whole.replace("size = 300", "size = 100"))
    with pytest.raises(SettingsError, match=r"not the one that .* was trained with"):
        run(resume=True)
    path.write_text(whole)
    assert run(resume=True).outcome.startswith("Refreshed:")


def test_another_seed_or_source_is_refused(run: Run, tmp_path: Path) -> None:
    run(until=Step.PLAN, seed=5)
    with pytest.raises(SettingsError, match="begun with the seed 5, not 6"):
        run(resume=True, seed=6)
    other = tmp_path / "other.sqlite"
    other.write_bytes((tmp_path / "live.sqlite").read_bytes())
    with pytest.raises(SettingsError, match="begun with the source"):
        api.refresh(
            str(other),
            str(tmp_path / "pre.sqlite"),
            options=RefreshOptions(workdir=tmp_path / "work", resume=True),
        )


def test_a_changed_source_is_noticed_until_it_is_learned(run: Run, tmp_path: Path) -> None:
    run(until=Step.PLAN)
    with sqlite3.connect(tmp_path / "live.sqlite") as connection:
        connection.execute("ALTER TABLE titular ADD COLUMN more TEXT")
    with pytest.raises(DriftError, match="changed since its rows were prepared"):
        run(resume=True)


def test_a_changed_target_is_noticed(run: Run, tmp_path: Path) -> None:
    run(until=Step.GENERATE)
    with sqlite3.connect(tmp_path / "pre.sqlite") as connection:
        connection.execute("DROP TABLE titular")
    with pytest.raises(SchemasynthError, match="table titular is missing"):
        run(resume=True)


def test_a_sample_is_enough(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemasynth.sampling.MIN_SUBJECTS", 50)
    report = run(sample_rows=200, keep_source_rows=True)
    learned = [note for note in report.notes if note.startswith("Learned from")]
    assert any("titular" in note for note in learned), report.notes
    assert rows(tmp_path / "pre.sqlite") == 300
    assert api.verify(str(tmp_path / "pre.sqlite")).ok
    read = {f.table: f.rows for f in Workspace(tmp_path / "work", resume=True).files("source")}
    assert read["titular"] < 300
