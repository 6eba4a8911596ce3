"""Lines of an audit file cannot be altered, removed or moved unnoticed."""

from __future__ import annotations

import json
import multiprocessing
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemasynth.audit import END, AuditFile, verify_audit
from schemasynth.cli import main
from schemasynth.errors import SettingsError
from schemasynth_adapters._sql.tally import Tally, statement_class


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "audit.jsonl"
    for run in ("one", "two"):
        log = AuditFile(path, run)
        log.begin(target="postgresql://h/d")
        log.note("staged", rows={"Línea": 3}, statements={"COPY": 1})
        log.note(END, outcome="done")
    return path


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_a_whole_file(file: Path) -> None:
    found = verify_audit(file)
    assert (found.ok, found.lines, found.runs, found.unfinished) == (True, 6, 2, ())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    first = json.loads(lines(file)[0])
    assert first["before"] == "0" * 64
    assert {"line", "at", "run", "event", "version", "user", "hash"} <= set(first)
    assert json.loads(lines(file)[1])["before"] == first["hash"]


@pytest.mark.parametrize("number", range(6))
def test_a_removed_line_is_found(file: Path, number: int) -> None:
    left = lines(file)
    del left[number]
    file.write_bytes(b"".join(left))
    found = verify_audit(file)
    assert not found.ok
    assert ("no end" if number == 5 else f"Line {number + 1} ") in found.fault


@pytest.mark.parametrize("number", range(5))
def test_lines_out_of_order_are_found(file: Path, number: int) -> None:
    moved = lines(file)
    moved[number], moved[number + 1] = moved[number + 1], moved[number]
    file.write_bytes(b"".join(moved))
    assert "does not follow" in verify_audit(file).fault


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"line"', b'"line" '), (b'"run":"', b'"run":"x'), (b'"at":"2', b'"at":"1')],
)
def test_an_altered_line_is_found(file: Path, number: int, old: bytes, new: bytes) -> None:
    content = lines(file)
    assert old in content[number]
    content[number] = content[number].replace(old, new)
    file.write_bytes(b"".join(content))
    assert f"Line {number + 1} was altered" in verify_audit(file).fault


def test_a_line_that_is_altered_with_its_hash_breaks_the_next_one(file: Path) -> None:
    from schemasynth.audit import _hash, _written

    content = lines(file)
    entry = json.loads(content[1])
    entry["rows"] = {"Línea": 4}
    del entry["hash"]
    content[1] = _written({**entry, "hash": _hash(entry)}) + b"\n"
    file.write_bytes(b"".join(content))
    assert "Line 3 does not follow" in verify_audit(file).fault


def test_a_repeated_line_is_found(file: Path) -> None:
    content = lines(file)
    file.write_bytes(b"".join([*content, content[-1]]))
    assert not verify_audit(file).ok


def test_a_file_cut_between_runs_is_found_by_the_hash_that_was_kept(file: Path) -> None:
    head = verify_audit(file).head
    file.write_bytes(b"".join(lines(file)[:3]))
    assert verify_audit(file).ok
    assert "hash that was kept" in verify_audit(file, head).fault


def test_an_earlier_hash_still_counts(file: Path) -> None:
    head = verify_audit(file).head
    AuditFile(file, "three").note(END)
    assert verify_audit(file, head).ok


def test_a_killed_run_is_told_and_does_not_spoil_the_file(file: Path) -> None:
    AuditFile(file, "killed").begin()
    assert "no end" in verify_audit(file).fault
    log = AuditFile(file, "next")
    log.begin()
    log.note(END)
    found = verify_audit(file)
    assert found.ok
    assert found.unfinished == ("killed",)


@pytest.mark.parametrize("tail", [b'{"line":7', b"nonsense\n", b"[1]\n", b"\n"])
def test_what_is_no_line_is_found_and_not_added_to(file: Path, tail: bytes) -> None:
    file.write_bytes(file.read_bytes() + tail)
    assert not verify_audit(file).ok
    with pytest.raises(SettingsError, match="damaged"):
        AuditFile(file, "x").note("begin")


def test_an_empty_file_and_an_absent_one(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert "no lines" in verify_audit(tmp_path / "empty").fault
    with pytest.raises(SettingsError, match="absent"):
        verify_audit(tmp_path / "absent")
    with pytest.raises(SettingsError, match="cannot be written"):
        AuditFile(tmp_path, "x").note("begin")


def _write(path: Path, name: str) -> None:
    for _ in range(25):
        AuditFile(path, name).note("staged")
    AuditFile(path, name).note(END)


def test_processes_may_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(path, f"r{i}")) for i in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = verify_audit(path)
    assert (found.lines, found.fault) == (104, "")


def test_the_command(file: Path) -> None:
    shown = CliRunner().invoke(main, ["audit", str(file)])
    assert shown.exit_code == 0
    assert shown.stdout.startswith("ok    6 lines of 2 runs")
    head = shown.stdout.split()[-1]
    assert CliRunner().invoke(main, ["audit", str(file), "--head", head]).exit_code == 0
    file.write_bytes(b"".join(lines(file)[1:]))
    shown = CliRunner().invoke(main, ["audit", str(file)])
    assert shown.exit_code == 1
    assert "FAIL" in shown.stdout


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 'x'", "SELECT"),
        (b"COPY t FROM STDIN", "COPY"),
        ("create unlogged table s3cr3t (a int)", "CREATE TABLE"),
        ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX"),
        ("CREATE DEFINER=`a`@`%` TRIGGER t BEFORE INSERT", "CREATE TRIGGER"),
        ("LOAD DATA LOCAL INFILE '/dev/fd/3'", "LOAD DATA"),
        ("ALTER TABLE ONLY t DISABLE TRIGGER x", "ALTER TABLE"),
        ("s3cr3t", "OTHER"),
        ("", "OTHER"),
    ],
)
def test_classes_of_statements_hold_no_names(statement: str | bytes, expected: str) -> None:
    assert statement_class(statement) == expected


def test_a_tally_begins_anew_when_it_is_taken() -> None:
    tally = Tally()
    tally.count("SELECT 1")
    tally.count("SELECT 2")
    assert tally.take() == {"SELECT": 2}
    assert tally.take() == {}
