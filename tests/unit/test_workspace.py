"""The private folder of a refresh."""

from __future__ import annotations

import stat
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from schemasynth.errors import SettingsError
from schemasynth.workspace import Workspace


def test_steps_and_frames_survive(tmp_path: Path) -> None:
    kind = pd.ArrowDtype(pa.decimal128(5, 2))
    frame = pd.DataFrame({"a/b": pd.Series(["1.50", None], dtype=kind)})
    workspace = Workspace(tmp_path / "w")
    workspace.save_frames("rows", {"../x": frame})
    workspace.done("plan", tables=3)
    again = Workspace(tmp_path / "w", resume=True)
    assert "plan" in again
    assert again.facts("plan")["tables"] == 3
    pd.testing.assert_frame_equal(again.frames("rows")["../x"], frame)


def test_it_is_private(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.save_frames("rows", {})
    for path in (workspace.path, workspace.path / "rows"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(SettingsError, match="not a workspace"):
        Workspace(tmp_path)


def test_an_earlier_run_must_be_resumed(tmp_path: Path) -> None:
    Workspace(tmp_path / "w").done("plan")
    with pytest.raises(SettingsError, match="--resume"):
        Workspace(tmp_path / "w")
    with pytest.raises(SettingsError, match="nothing to resume"):
        Workspace(tmp_path / "other", resume=True)


def test_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    Workspace(tmp_path / "w")
    (tmp_path / "w" / "manifest.json").write_text("{")
    with pytest.raises(SettingsError, match="damaged"):
        Workspace(tmp_path / "w")


def test_wiping_removes_only_what_is_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "w")
    workspace.save_frames("rows", {})
    workspace.save_frames("kept", {})
    workspace.wipe(["rows", "nothing"])
    assert not (workspace.path / "rows").exists()
    assert (workspace.path / "kept").exists()
