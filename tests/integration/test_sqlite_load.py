"""A SQLite target is wholly old until the switch and wholly new after it, whatever happens."""

from __future__ import annotations

import datetime as dt
import hashlib
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth.adapter import Load, TargetConnection
from schemasynth.errors import LoadError
from schemasynth.model import Schema, TableName
from schemasynth.settings import database_url
from schemasynth_adapters.sqlite import SQLiteAdapter
from schemasynth_adapters.sqlite import load as sqlite_load

SCRIPT = """
CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, twice AS (id * 2) STORED);
CREATE TABLE other (a);
CREATE TABLE seen (a);
CREATE INDEX t_a ON t (a);
CREATE VIEW v AS SELECT a FROM t;
CREATE TRIGGER "tr ""1"" é" AFTER INSERT ON t BEGIN INSERT INTO seen VALUES (new.id); END;
INSERT INTO other VALUES ('kept');
INSERT INTO t (a) VALUES ('old');
DELETE FROM seen;
PRAGMA user_version = 7;
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "d.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCRIPT)
    return path


@pytest.fixture
def target(path: Path) -> Iterator[TargetConnection]:
    with SQLiteAdapter().target(database_url(str(path))) as target:
        target.write_marker("test")
        yield target


def only_t(target: TargetConnection) -> Schema:
    schema = target.reflect()
    return replace(schema, tables=(schema.table(TableName("t")),))


def fill(load: Load, schema: Schema) -> None:
    batch = pa.RecordBatch.from_pydict({"id": [40, 41], "a": ["x", None]})
    assert load.stage(schema.tables[0], [batch]) == 2


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_all_else_survives_and_triggers_do_not_fire(path: Path, target: TargetConnection) -> None:
    path.chmod(0o640)
    schema = only_t(target)
    with target.load(schema, "r") as load:
        fill(load, schema)
        load.switch()
    assert query(path, "SELECT id, a, twice FROM t") == [(40, "x", 80), (41, None, 82)]
    assert query(path, "SELECT a FROM other") == [("kept",)]
    assert query(path, "SELECT a FROM seen") == []
    assert query(path, "SELECT count(*) FROM v") == [(2,)]
    assert query(path, "PRAGMA user_version") == [(7,)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO t (a) VALUES ('new')")
        connection.commit()
    assert query(path, "SELECT max(id) FROM t") == [(42,)]
    assert query(path, "SELECT a FROM seen") == [(42,)]
    assert target.marker() is not None


def test_the_open_connection_sees_the_new_rows(target: TargetConnection) -> None:
    schema = only_t(target)
    with target.load(schema, "r") as load:
        fill(load, schema)
        load.switch()
    count = sa.select(sa.func.count()).select_from(target.relation(schema.tables[0]))
    assert target.select(count) == [(2,)]


def test_what_others_commit_meanwhile_is_not_lost(path: Path, target: TargetConnection) -> None:
    schema = only_t(target)
    with target.load(schema, "r") as load:
        fill(load, schema)
        with closing(sqlite3.connect(path)) as other:
            other.execute("INSERT INTO other VALUES ('meanwhile')")
            other.commit()
        with pytest.raises(LoadError, match="another connection"):
            load.switch()
    assert query(path, "SELECT a FROM t") == [("old",)]
    assert query(path, "SELECT count(*) FROM other") == [(2,)]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_wal_target_stays_one(path: Path, target: TargetConnection) -> None:
    query(path, "PRAGMA journal_mode = WAL")
    schema = only_t(target)
    with target.load(schema, "r") as load:
        fill(load, schema)
        load.switch()
    assert query(path, "SELECT count(*) FROM t") == [(2,)]
    assert query(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_wal_target_that_others_read_is_not_switched(
    path: Path, target: TargetConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_load, "BUSY_SECONDS", 0.1)
    query(path, "PRAGMA journal_mode = WAL")
    schema = only_t(target)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchall()
        with target.load(schema, "r") as load:
            fill(load, schema)
            with pytest.raises(LoadError, match="locked"):
                load.switch()
    assert query(path, "SELECT a FROM t") == [("old",)]
    assert query(path, "PRAGMA journal_mode") == [("wal",)]


def test_a_copy_of_another_run_is_not_removed(path: Path, target: TargetConnection) -> None:
    other = path.with_name(f"{path.name}.r{sqlite_load.STAGED_SUFFIX}")
    other.write_text("of another run")
    with pytest.raises(LoadError):
        target.load(only_t(target), "r")
    assert other.exists()


def test_fractions_of_seconds_are_written_only_where_there_are_any(tmp_path: Path) -> None:
    path = tmp_path / "times.sqlite"
    query(path, "CREATE TABLE t (a DATETIME)")
    moments = [
        dt.datetime.fromisoformat("2020-01-02 03:04:05"),
        dt.datetime.fromisoformat("1960-01-02 03:04:05.250000"),
        None,
    ]
    with SQLiteAdapter().target(database_url(str(path))) as target:
        schema = target.reflect()
        with target.load(schema, "r") as load:
            load.stage(schema.tables[0], [pa.RecordBatch.from_pydict({"a": moments})])
            load.switch()
    assert query(path, "SELECT a FROM t") == [
        ("2020-01-02 03:04:05",),
        ("1960-01-02 03:04:05.250000",),
        (None,),
    ]


KILLED = """
import os, signal, sys
import pyarrow as pa
from pathlib import Path
from schemasynth.settings import database_url
from schemasynth_adapters.sqlite import SQLiteAdapter
point, path = sys.argv[1:]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def batches():
    yield pa.RecordBatch.from_pydict({"id": list(range(5000)), "a": ["x"] * 5000})
    if point == "stage":
        die()
with SQLiteAdapter().target(database_url(path)) as target:
    schema = target.reflect()
    load = target.load(schema, "r")
    for table in schema:
        if table.name.name == "t":
            load.stage(table, batches())
    if point == "staged":
        die()
    Path.replace = die
    load.switch()
"""


@pytest.mark.parametrize("point", ["stage", "staged", "switch"])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_kill_before_the_switch_changes_nothing(path: Path, point: str, journal: str) -> None:
    query(path, f"PRAGMA journal_mode = {journal}")
    before = hashlib.sha256(path.read_bytes()).digest()
    content = list(_dump(path))
    killed = subprocess.run([sys.executable, "-c", KILLED, point, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    if journal == "DELETE":
        assert hashlib.sha256(path.read_bytes()).digest() == before
    assert list(_dump(path)) == content
    with SQLiteAdapter().target(database_url(str(path))) as target:
        assert len(target.recover()) >= 1
        assert list(target.recover()) == []
    assert [p.name for p in path.parent.iterdir() if "staged" in p.name] == []


def _dump(path: Path) -> Iterator[str]:
    with closing(sqlite3.connect(path)) as connection:
        yield from connection.iterdump()
