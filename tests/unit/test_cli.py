"""Bad input gets one clear line and the right exit code, and nothing is written."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from schemasynth.api import Finding
from schemasynth.cli import main
from schemasynth.demo import write_source, write_target


@pytest.fixture
def run() -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def live(tmp_path: Path) -> Path:
    path = tmp_path / "live.sqlite"
    write_source(path, 200)
    return path


@pytest.fixture
def marked(tmp_path: Path, run: Callable[..., Result]) -> Path:
    path = tmp_path / "pre.sqlite"
    write_target(path)
    assert run("target", "init", path).exit_code == 0
    return path


def refused(result: Result, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    lines = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert len(lines) == 1
    assert "Traceback" not in result.output
    for word in words:
        assert word in lines[0]


def test_introspect_prints_only_the_result(run: Callable[..., Result], live: Path) -> None:
    result = run("introspect", live, "--format", "json")
    assert result.exit_code == 0
    model = json.loads(result.stdout)
    assert model["schemasynth"] == 1
    assert len(model["tables"]) == 3
    assert len(model["implicit_entities"]) == 1


@pytest.mark.parametrize("form", ["summary", "markdown", "mermaid"])
def test_every_format_is_written_to_a_file(
    run: Callable[..., Result], live: Path, tmp_path: Path, form: str
) -> None:
    out = tmp_path / "out.txt"
    result = run("introspect", live, "--format", form, "--output", out)
    assert result.exit_code == 0
    assert result.stdout == ""
    assert "titular" in out.read_text("utf-8")


def test_no_such_file(run: Callable[..., Result], tmp_path: Path) -> None:
    refused(run("introspect", tmp_path / "no.sqlite"), 3, "no file")
    assert list(tmp_path.iterdir()) == []


def test_not_a_database(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "x.sqlite"
    path.write_text("this is no database, but long enough to be looked at" * 20)
    refused(run("introspect", path), 3, "not a database")


def test_nonsense_urls(run: Callable[..., Result]) -> None:
    refused(run("introspect", "nonsense"), 2, "nonsense")
    refused(run("introspect", "warp://host/db"), 2, "warp")
    refused(run("introspect", "postgresql://u:${NO_SUCH_VARIABLE}@h/d"), 2, "NO_SUCH_VARIABLE")


def test_an_unreachable_server_does_not_repeat_the_password(run: Callable[..., Result]) -> None:
    result = run("introspect", "postgresql://alice:s3cr3t@127.0.0.1:1/live")
    refused(result, 3, "127.0.0.1:1")
    assert "s3cr3t" not in result.output
    assert "alice" not in result.output


def test_a_missing_driver_names_the_extra(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pymysql", None)
    refused(run("introspect", "mysql://u:p@127.0.0.1/d"), 2, "schemasynth[mysql]")


def test_an_empty_schema(run: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    sqlite3.connect(path).execute("PRAGMA user_version = 1")
    refused(run("introspect", path), 3, "No tables")


def test_a_target_without_marker(run: Callable[..., Result], live: Path, tmp_path: Path) -> None:
    path = tmp_path / "pre.sqlite"
    write_target(path)
    before = path.read_bytes()
    refused(run("refresh", live, path, "--yes"), 5, "schemasynth target init")
    assert path.read_bytes() == before


@pytest.mark.parametrize("spelling", ["same", "dots", "symlink", "hardlink"])
def test_the_source_is_no_target(
    run: Callable[..., Result], live: Path, tmp_path: Path, spelling: str
) -> None:
    other = {"same": live, "dots": tmp_path / ".." / tmp_path.name / live.name}.get(
        spelling, tmp_path / "other.sqlite"
    )
    if spelling == "symlink":
        other.symlink_to(live)
    if spelling == "hardlink":
        other.hardlink_to(live)
    before = live.read_bytes()
    refused(run("refresh", live, other, "--yes"), 5, "same database")
    assert live.read_bytes() == before


def test_a_marked_source_is_refused(run: Callable[..., Result], live: Path, marked: Path) -> None:
    assert run("target", "init", live).exit_code == 0
    refused(run("refresh", live, marked, "--yes"), 5, "marker")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE titular", ("titular is missing",)),
        ("ALTER TABLE titular DROP COLUMN sexe", ("titular.sexe is missing",)),
        (
            "ALTER TABLE titular ADD COLUMN must INTEGER NOT NULL DEFAULT 1",
            (),
        ),
    ],
)
def test_a_target_of_another_shape(
    run: Callable[..., Result], live: Path, marked: Path, statement: str, words: tuple[str, ...]
) -> None:
    connection = sqlite3.connect(marked)
    connection.execute(statement)
    connection.commit()
    connection.close()
    result = run("refresh", live, marked, "--dry-run")
    if words:
        refused(result, 1, *words)
    else:
        assert result.exit_code == 0


def test_a_required_column_that_nobody_fills(
    run: Callable[..., Result], live: Path, marked: Path
) -> None:
    connection = sqlite3.connect(marked)
    connection.execute("DROP TABLE titular")
    connection.execute(
        "CREATE TABLE titular (identificador VARCHAR(9), sexe CHAR(1), data_naixement DATE,"
        " provincia VARCHAR(20), municipi VARCHAR(40), nacionalitat VARCHAR(20),"
        " estat_civil VARCHAR(20), grau_discapacitat INTEGER, must INTEGER NOT NULL)"
    )
    connection.commit()
    connection.close()
    refused(run("refresh", live, marked, "--dry-run"), 1, "must is NOT NULL")


def test_a_plan_with_an_unknown_table(
    run: Callable[..., Result], live: Path, marked: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.toml"
    assert run("plan", live, "--output", plan).exit_code == 0
    plan.write_text(plan.read_text("utf-8").replace('"titular"', '"persones"'), "utf-8")
    refused(run("refresh", live, marked, "--plan", plan, "--yes"), 2, "persones")


def test_a_dry_run_changes_nothing(run: Callable[..., Result], live: Path, marked: Path) -> None:
    result = run("refresh", live, marked, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "no row changed" in result.stdout
    assert sqlite3.connect(marked).execute("SELECT count(*) FROM titular").fetchone() == (0,)


def test_no_is_no(live: Path, marked: Path) -> None:
    result = CliRunner().invoke(main, ["refresh", str(live), str(marked)], input="n\n")
    assert result.exit_code == 5
    assert "nothing was changed" in result.stderr


def test_config_of_a_plan(run: Callable[..., Result], live: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    assert run("plan", live, "--output", plan).exit_code == 0
    result = run("config", plan)
    assert result.exit_code == 0, result.output
    assert len(json.loads(result.stdout)["tables"]) == 4
    script = run("config", plan, "--format", "python")
    compile(script.stdout, "config", "exec")


def test_config_of_something_else(run: Callable[..., Result], tmp_path: Path) -> None:
    refused(run("config", tmp_path / "no.toml"), 2, "no.toml")
    bad = tmp_path / "bad.toml"
    bad.write_text("x = [")
    refused(run("config", bad), 2, "not valid TOML")


def test_verify_finds_a_violation(run: Callable[..., Result], live: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    assert run("introspect", live, "--format", "json", "--output", model).exit_code == 0
    assert run("verify", live, "--model", model).exit_code == 0
    connection = sqlite3.connect(live)
    connection.execute("DELETE FROM titular WHERE rowid = 1")
    connection.commit()
    connection.close()
    result = run("verify", live, "--model", model, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["violations"] > 0


def test_verify_against_another_model(
    run: Callable[..., Result], live: Path, tmp_path: Path, data: Path
) -> None:
    model = tmp_path / "model.json"
    source = data / "world/world.declared.sqlite"
    assert run("introspect", source, "--format", "json", "--output", model).exit_code == 0
    refused(run("verify", live, "--model", model), 1, "is missing")


def test_recover_has_nothing_to_do(run: Callable[..., Result], marked: Path) -> None:
    result = run("recover", marked)
    assert result.exit_code == 0
    assert "Nothing to recover" in result.stderr


def test_the_doctor_names_the_cure(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Finding("local mode", "broken", False, "pip install something")
    monkeypatch.setattr("schemasynth.api.doctor", lambda: (bad,))
    result = run("doctor")
    assert result.exit_code == 1
    assert "pip install something" in result.stdout


def test_every_command_shows_an_example(run: Callable[..., Result]) -> None:
    for name, command in main.commands.items():
        if name == "target":
            continue
        assert "Example:" in run(name, "--help").stdout, name
        assert command.help


@pytest.mark.parametrize(
    "text",
    [
        "reader:S3cr3t@host/live",
        "postgresql:/u:S3cr3t@h/db",
        "postgresql://u:S3cr3t@w/S3cr3t#@127.0.0.1:5432/db",
        "postgresql://u:S3cr3t@127.0.0.1:1/db",
    ],
)
@pytest.mark.parametrize("debug", [(), ("--debug",)])
def test_passwords_are_never_echoed(
    run: Callable[..., Result], text: str, debug: tuple[str, ...]
) -> None:
    result = run(*debug, "introspect", text)
    assert result.exit_code in (2, 3)
    assert "S3cr3t" not in result.output


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"[" * 100_000, "nested"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"schemasynth": 1' + b"0" * 5000 + b"}", "digits"),
    ],
)
def test_hostile_models_are_refused(
    run: Callable[..., Result], tmp_path: Path, content: bytes, word: str
) -> None:
    model = tmp_path / "model.json"
    model.write_bytes(content)
    refused(run("plan", model), 2, word)


def test_a_model_that_refers_to_nothing(
    run: Callable[..., Result], tmp_path: Path, data: Path
) -> None:
    model = tmp_path / "model.json"
    source = data / "chinook/chinook.declared.sqlite"
    assert run("introspect", source, "--format", "json", "--output", model).exit_code == 0
    content = json.loads(model.read_text("utf-8"))
    content["tables"][0]["foreign_keys"][0]["referred_columns"] = ["nope"]
    model.write_text(json.dumps(content), "utf-8")
    refused(run("plan", model), 2, "nope")
    refused(run("verify", source, "--model", model), 2, "nope")


def test_untyped_columns_survive_the_plan_file(run: Callable[..., Result], tmp_path: Path) -> None:
    path, plan = tmp_path / "u.sqlite", tmp_path / "plan.toml"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE t (a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y');")
    connection.close()
    assert run("plan", path, "--output", plan).exit_code == 0
    assert run("config", plan).exit_code == 0


def test_a_workdir_that_cannot_be_made(
    run: Callable[..., Result], live: Path, marked: Path
) -> None:
    result = run("refresh", live, marked, "--yes", "--until", "plan", "--workdir", live / "x")
    refused(result, 1, str(live / "x"))


def test_sizes_are_planned(run: Callable[..., Result], live: Path) -> None:
    result = run("plan", live, "--scale", "2", "--size", "titular=50")
    assert result.exit_code == 0, result.output
    assert "size = 50" in result.stdout
    refused(run("plan", live, "--size", "titular"), 2, "TABLE=ROWS")
    refused(run("plan", live, "--size", "nobody=5"), 2, "no table nobody")
