"""The wheel: what is in it, what it registers, and that it works without the source tree."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE_ROOTS = {"schemasynth": ROOT / "schemasynth", "schemasynth_adapters": ROOT / "adapters"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def packages_on_disk() -> set[str]:
    return {
        ".".join((name, *init.parent.relative_to(root).parts))
        for name, root in SOURCE_ROOTS.items()
        for init in root.rglob("__init__.py")
    }


def source_files() -> set[str]:
    """All files that belong into the wheel, by their path in it."""
    return {
        f"{name}/{path.relative_to(root).as_posix()}"
        for name, root in SOURCE_ROOTS.items()
        for path in root.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def run(*command: str | Path, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def installed_programs() -> str:
    return "Scripts" if os.name == "nt" else "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    sources = folder / "sources"
    sources.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "schemasynth", "adapters"):
        (sources / name).symlink_to(ROOT / name)
    run(
        sys.executable,
        *("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--wheel-dir", folder, sources),
        cwd=folder,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel, which takes the dependencies from this one.

    Returns its Python.
    """
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, symlinks=True)
    python = home / installed_programs() / "python"
    run(
        sys.executable,
        *("-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel),
        cwd=home,
    )
    location = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = Path(run(python, "-c", location, cwd=home).strip())
    theirs = run(sys.executable, "-c", location, cwd=home).strip()
    # Appended to the path, so the wheel's packages come first; .pth files there do not count.
    (own / "dependencies.pth").write_text(theirs + "\n", "utf-8")
    return python


def test_listed_packages_are_those_on_disk() -> None:
    listed = PROJECT["tool"]["setuptools"]["packages"]
    assert listed == sorted(listed)
    assert set(listed) == packages_on_disk()


def test_wheel_holds_every_source_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == source_files()


def test_wheel_has_two_top_level_packages_both_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == set(SOURCE_ROOTS)
    assert {"schemasynth/py.typed", "schemasynth_adapters/py.typed"} <= names


def test_top_level_is_declared(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (declared,) = (n for n in archive.namelist() if n.endswith(".dist-info/top_level.txt"))
        assert archive.read(declared).decode().split() == sorted(SOURCE_ROOTS)


def test_wheel_carries_the_license(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (text,) = (n for n in archive.namelist() if n.endswith("/licenses/LICENSE"))
        assert b"Apache License" in archive.read(text)


def test_wheel_registers_the_declared_entry_points(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (listing,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        parser = configparser.ConfigParser()
        parser.read_string(archive.read(listing).decode())
    declared = PROJECT["project"]["entry-points"]["schemasynth.adapters"]
    assert dict(parser["schemasynth.adapters"]) == declared
    assert dict(parser["console_scripts"]) == PROJECT["project"]["scripts"]


PRINT_HOMES = """
from importlib.metadata import entry_points
import schemasynth, schemasynth_adapters
print(schemasynth.__file__)
print(schemasynth_adapters.__file__)
for point in entry_points(group="schemasynth.adapters"):
    print(point.load().__module__)
"""


def test_installed_wheel_works_away_from_the_sources(installed: Path, tmp_path: Path) -> None:
    core, adapters, *modules = run(installed, "-c", PRINT_HOMES, cwd=tmp_path).splitlines()
    assert ROOT not in Path(core).parents
    assert ROOT not in Path(adapters).parents
    assert len(modules) == len(PROJECT["project"]["entry-points"]["schemasynth.adapters"])
    assert all(module.startswith("schemasynth_adapters.") for module in modules)


def test_console_script_of_the_wheel_runs(installed: Path, tmp_path: Path) -> None:
    script = installed.parent / "schemasynth"
    assert PROJECT["project"]["version"] in run(script, "--version", cwd=tmp_path)


def test_installed_adapters_are_found_from_the_repository_root(installed: Path) -> None:
    _, _, *modules = run(installed, "-c", PRINT_HOMES, cwd=ROOT).splitlines()
    assert all(module.startswith("schemasynth_adapters.") for module in modules)


def test_editable_installation_sees_the_source_tree(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "schemasynth", "adapters"):
        (sources / name).symlink_to(ROOT / name)
    venv.create(tmp_path / "environment", symlinks=True)
    python = tmp_path / "environment" / installed_programs() / "python"
    site = "import sysconfig; print(sysconfig.get_path('purelib'))"
    run(
        sys.executable,
        *("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"),
        *("--target", run(python, "-c", site, cwd=tmp_path).strip(), "--editable", sources),
        cwd=tmp_path,
    )
    # No dependency is installed there, so modules are found but not run.
    program = (
        "from importlib.util import find_spec\n"
        "print(find_spec('schemasynth.cli').origin)\n"
        "print(find_spec('schemasynth_adapters.sqlite').origin)"
    )
    core, adapter = run(python, "-c", program, cwd=tmp_path).splitlines()
    assert Path(core).resolve() == ROOT / "schemasynth" / "cli" / "__init__.py"
    assert Path(adapter).resolve() == ROOT / "adapters" / "sqlite" / "__init__.py"
