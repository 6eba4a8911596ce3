"""The check of the SDK's local mode, on environments that are really broken."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from schemasynth.generator.environment import (
    LocalModeStatus,
    check_local_mode,
    import_error,
    installed_version,
    main,
    repair_local_mode,
)

ROOT = Path(__file__).parents[2]

BROKEN = 'raise RuntimeError("operator torchvision::nms does not exist")\n'


def test_import_error_is_none_for_what_can_be_imported() -> None:
    assert import_error("json", "xml.dom") is None


def test_import_error_is_the_last_line_of_the_interpreter() -> None:
    error = import_error("json", "no_such_module")
    assert error == "ModuleNotFoundError: No module named 'no_such_module'"


def test_import_error_survives_a_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "crashing.py").write_text("import os\nos.abort()\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    error = import_error("crashing")
    assert error is not None
    assert "ended with status" in error


def test_import_error_tells_a_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hanging.py").write_text("import time\ntime.sleep(60)\n", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("schemasynth.generator.environment.PROBE_TIMEOUT_SECONDS", 1)
    assert import_error("hanging") == "no answer within 1 s"


def test_version_of_what_is_and_is_not_installed() -> None:
    assert installed_version("click") is not None
    assert installed_version("no-such-distribution") is None


def test_unsupported_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemasynth.generator.environment.FIRST_UNSUPPORTED_PYTHON", (3, 0))
    status = check_local_mode()
    assert not status.ok
    assert "needs Python < 3.0" in (status.problem or "")


def test_missing_distribution_is_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("schemasynth.generator.environment.REQUIRED_DISTRIBUTIONS", ("no-such",))
    assert main([]) == 1
    said = capsys.readouterr().err
    assert "not installed: no-such" in said
    assert "schemasynth[local]" in said


def test_nothing_removable_means_no_repair() -> None:
    status = LocalModeStatus(ok=False, problem="a problem", cure="a cure")
    assert repair_local_mode(status) is status


def environment_with_broken_torchvision(home: Path) -> tuple[Path, Path]:
    """Makes an environment whose torchvision raises on import; all else is this one's.

    Returns:
        Its Python and its own site-packages.
    """
    venv.create(home, symlinks=True, with_pip=True)
    python = home / "bin" / "python"
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(subprocess.check_output([python, "-c", ask], text=True).strip())
    shared = [
        sysconfig.get_path("purelib"),
        *(p for p in sys.path if (Path(p) / "mostlyai").is_dir()),
    ]
    (site / "shared.pth").write_text("\n".join(dict.fromkeys(shared)) + "\n", "utf-8")
    (site / "torchvision").mkdir()
    (site / "torchvision" / "__init__.py").write_text(BROKEN, "utf-8")
    information = site / "torchvision-0.28.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n", "utf-8"
    )
    (information / "INSTALLER").write_text("pip\n", "utf-8")
    (information / "RECORD").write_text(
        "torchvision/__init__.py,,\ntorchvision-0.28.0.dist-info/METADATA,,\n"
        "torchvision-0.28.0.dist-info/INSTALLER,,\ntorchvision-0.28.0.dist-info/RECORD,,\n",
        "utf-8",
    )
    return python, site


@pytest.mark.e2e
@pytest.mark.skipif(os.name == "nt", reason="the folders of an environment differ")
def test_broken_torchvision_is_found_and_removed(tmp_path: Path) -> None:
    if not check_local_mode().ok:
        pytest.skip("needs a working local mode to break")
    python, site = environment_with_broken_torchvision(tmp_path / "environment")
    command = [str(python), "-m", "schemasynth.generator.environment"]

    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert found.returncode == 1
    assert "torchvision 0.28.0 cannot be loaded beside torch" in found.stderr
    assert "uninstall --yes torchvision" in found.stderr
    assert (site / "torchvision").exists()

    repaired = subprocess.run(
        [*command, "--repair"], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert repaired.returncode == 0, repaired.stderr
    assert not (site / "torchvision").exists()
