"""What is loaded when: the command line must answer at once, and no package imports upwards."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import schemasynth
from schemasynth.generator.environment import DISPENSABLE_DISTRIBUTIONS

ROOT = Path(__file__).parents[2]

HEAVY = {
    *DISPENSABLE_DISTRIBUTIONS,
    "duckdb",
    "mostlyai",
    "networkx",
    "numpy",
    "oracledb",
    "pandas",
    "psycopg",
    "pyarrow",
    "schemasynth_adapters",
    "scipy",
    "torch",
    "transformers",
}

STARTUP_LIMIT_SECONDS = 0.5
STARTUP_LIMIT_RATIO = 12
"""Against a bare interpreter on the same machine; `--help` was measured at 5 to 6 times one."""


def python(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def modules_after(statement: str) -> set[str]:
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    return {name.split(".")[0] for name in json.loads(python("-c", program).splitlines()[-1])}


HELP = "import schemasynth.cli\ntry: schemasynth.cli.main(['--help'])\nexcept SystemExit: pass"


@pytest.mark.parametrize("statement", ["import schemasynth", HELP], ids=["import", "help"])
def test_nothing_heavy_is_loaded(statement: str) -> None:
    assert not modules_after(statement) & HEAVY


def best_of(attempts: int, *arguments: str) -> float:
    def once() -> float:
        start = time.perf_counter()
        python(*arguments)
        return time.perf_counter() - start

    return min(once() for _ in range(attempts))


def test_help_answers_at_once() -> None:
    bare = best_of(5, "-c", "")
    answer = best_of(5, "-m", "schemasynth", "--help")
    assert answer < max(STARTUP_LIMIT_SECONDS, STARTUP_LIMIT_RATIO * bare)


@pytest.mark.parametrize("name", schemasynth.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(schemasynth, name) is not None


@pytest.mark.parametrize("point", entry_points(group="schemasynth.adapters"), ids=lambda p: p.name)
def test_every_registered_adapter_loads(point: object) -> None:
    adapter = point.load()  # type: ignore[attr-defined]
    assert adapter.__module__.startswith(("schemasynth_adapters.", "schemasynth."))


LAYERS = (
    "errors",
    "settings",
    "model",
    "adapter",
    "infer",
    "settings_file",
    "graph",
    "plan",
    "rewrite",
    "generator",
    "load",
    "create",
    "verify",
    "document",
    "report",
    "api",
    "cli",
)
"""The core from its foundation upwards; each imports only itself and those before it."""


def imported(path: Path) -> set[str]:
    """Dotted names that a module imports when it runs, without those for type checkers only."""
    tree = ast.parse(path.read_text("utf-8"))
    checked_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    names: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in checked_only:
            continue
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer_of(dotted: str) -> str | None:
    first, _, rest = dotted.partition(".")
    part = rest.partition(".")[0]
    return part if first == "schemasynth" and part in LAYERS else None


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_go_one_way(layer: str) -> None:
    folder = ROOT / "schemasynth"
    files = [folder / f"{layer}.py", *(folder / layer).rglob("*.py")]
    allowed = {*LAYERS[: LAYERS.index(layer) + 1]}
    upward = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in files
        if path.exists()
        for name in imported(path)
        if (found := layer_of(name)) and found not in allowed
    }
    assert not upward


def test_core_imports_no_adapter_and_no_driver() -> None:
    drivers = {"adapters", "oracledb", "psycopg", "pymysql", "pyodbc", "schemasynth_adapters"}
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / "schemasynth").rglob("*.py")
        for name in imported(path)
        if name.split(".")[0] in drivers
    }
    assert not found


def test_adapters_are_never_imported_by_their_folder_name() -> None:
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for folder in ("schemasynth", "adapters", "tests")
        for path in (ROOT / folder).rglob("*.py")
        for name in imported(path)
        if name.split(".")[0] == "adapters"
    }
    assert not found
