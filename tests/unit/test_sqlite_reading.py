"""SQLite holds any value in any column: each arrives unchanged, in a type that all of them fit."""

from __future__ import annotations

import datetime as dt
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from schemasynth.adapter import Selection
from schemasynth.errors import AdapterError
from schemasynth.model import Schema, TableName
from schemasynth.settings import database_url
from schemasynth_adapters.sqlite import SQLiteAdapter
from schemasynth_adapters.sqlite import adapter as sqlite_adapter

Database = Callable[..., Path]
DAY = dt.date(2020, 1, 2)
MIDNIGHT = dt.datetime.fromisoformat("2020-01-02")
MOMENT = dt.datetime.fromisoformat("2020-01-02T10:00:00.120000")
BIG = 2**53 + 1


@pytest.fixture
def database(tmp_path: Path) -> Database:
    def new(script: str, values: Sequence[Any] = ()) -> Path:
        path = tmp_path / "d.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript(script)
            if values:
                connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
            connection.commit()
        return path

    return new


def reflected(path: Path) -> Schema:
    with SQLiteAdapter().source(database_url(str(path))) as source:
        return source.reflect(Selection())


@pytest.mark.parametrize(
    ("declared", "values", "kind", "read"),
    [
        ("DATE", ["2020-01-02", None], pa.date32(), [DAY, None]),
        ("DATE", ["2020-01-02T10:00:00.12", "2020-01-02"], pa.timestamp("us"), [MOMENT, MIDNIGHT]),
        ("DATETIME", ["2020-01-02 00:00"], pa.timestamp("us"), [MIDNIGHT]),
        ("TIMESTAMP WITH TIME ZONE", ["2020-01-02 00:00:00"], pa.timestamp("us"), [MIDNIGHT]),
        ("DATETIME", ["2020-01-02 10:00:00+02"], pa.string(), None),
        ("DATETIME", ["2020-01-02 10:00:00.1234567"], pa.string(), None),
        ("DATETIME", ["2020-01-02 24:00:00"], pa.string(), None),
        ("DATE", ["02/01/2020"], pa.string(), None),
        ("DATE", ["2023-02-30"], pa.string(), None),
        ("DATE", ["0000-01-01"], pa.string(), None),
        ("TEXT", ["2020-01-02"], pa.string(), None),
        ("TEXT", ["007", "1"], pa.string(), None),
        ("TIME", ["07:30:00"], pa.time64("us"), [dt.time(7, 30)]),
        ("TIME", ["25:00:00"], pa.string(), None),
        ("TIME", ["07:30:00+02:00"], pa.string(), None),
        ("INTEGER", ["x", 1], pa.string(), ["x", "1"]),
        ("TEXT", ["x", b"\xff"], pa.binary(), [b"x", b"\xff"]),
        ("BOOLEAN", [1, 0], pa.bool_(), [True, False]),
        ("BOOLEAN", [1, 2], pa.int64(), None),
        ("DECIMAL(10,2)", [0.1, 3], pa.decimal128(10, 2), [Decimal("0.10"), Decimal("3.00")]),
        ("DECIMAL(10,2)", [0.1 + 0.2], pa.decimal128(10, 2), [Decimal("0.30")]),
        ("DECIMAL(4,0)", [123456], pa.int64(), None),
        ("NUMERIC(10,2)", [1.005], pa.float64(), None),
        ("NUMERIC", [1e300], pa.float64(), None),
        ("NUMERIC(20,0)", [BIG], pa.decimal128(20, 0), [Decimal(BIG)]),
        ("", [BIG, 0.5], pa.string(), [str(BIG), "0.5"]),
        ("", [1, 2.5], pa.float64(), [1.0, 2.5]),
        ("", [], pa.string(), None),
    ],
)
def test_values_arrive_unchanged(
    database: Database, declared: str, values: list[Any], kind: pa.DataType, read: list[Any] | None
) -> None:
    path = database(f"CREATE TABLE t (a {declared})", values)
    with SQLiteAdapter().source(database_url(str(path))) as source:
        (table,) = source.reflect()
        found = pa.Table.from_batches(list(source.read(table)))
    assert found.schema.field("a").type == kind
    assert found["a"].to_pylist() == (values if read is None else read)


@pytest.mark.parametrize("name", ["load", "lock", "call", "merge", "do", "exec", "into", "grant"])
def test_columns_may_be_called_like_statements(database: Database, name: str) -> None:
    path = database(f'CREATE TABLE t ("{name}" INTEGER)', [1])
    with SQLiteAdapter().source(database_url(str(path))) as source:
        (table,) = source.reflect()
        assert pa.Table.from_batches(list(source.read(table)))[name].to_pylist() == [1]


def test_virtual_tables_their_shadows_and_views_are_no_tables(database: Database) -> None:
    path = database(
        "CREATE VIRTUAL TABLE docs USING fts5(x); CREATE VIEW v AS SELECT 1 AS a;"
        "CREATE TABLE docs_extra (a); CREATE TABLE t (a)"
    )
    assert [str(table.name) for table in reflected(path)] == ["docs_extra", "t"]


def test_only_a_row_id_counts_by_itself(database: Database) -> None:
    schema = reflected(
        database(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INT PRIMARY KEY);"
            "CREATE TABLE c (id INTEGER PRIMARY KEY) WITHOUT ROWID"
        )
    )
    assert [table.columns[0].identity is not None for table in schema] == [True, False, False]
    assert [table.columns[0].nullable for table in schema] == [False, True, False]


def test_the_text_of_the_table_is_understood(database: Database) -> None:
    (table,) = reflected(
        database(
            "CREATE TABLE t (a CONSTRAINT ua UNIQUE, b INTEGER CONSTRAINT pb PRIMARY KEY,"
            "c AS (a || ')x') STORED, d DEFAULT (1+(2)) CHECK (d > 0),"
            "CONSTRAINT [c k] CHECK (a IN ('(', 'b,')));"
            "CREATE UNIQUE INDEX i ON t (a)\nWHERE b > 0;"
            "CREATE INDEX j ON t (lower(a)) where a = ' WHERE x'"
        )
    )
    assert table.primary_key is not None
    assert table.primary_key.name == "pb"
    assert [key.name for key in table.unique_keys] == ["ua"]
    assert [(check.sql, check.name) for check in table.checks] == [
        ("d > 0", None),
        ("a IN ('(', 'b,')", "c k"),
    ]
    assert table.column("c").computed is not None
    assert table.column("c").computed.sql == "a || ')x'"
    assert {index.name: (index.columns, index.where) for index in table.indexes} == {
        "i": (("a",), "b > 0"),
        "j": ((None,), "a = ' WHERE x'"),
    }


def test_foreign_keys_without_known_columns_are_left_out(database: Database) -> None:
    schema = reflected(
        database(
            "CREATE TABLE Parent (Id INTEGER PRIMARY KEY);"
            "CREATE TABLE t (a REFERENCES PARENT, b REFERENCES parent (ID), c REFERENCES gone)"
        )
    )
    keys = schema.table(TableName("t")).foreign_keys
    assert [(key.columns, key.referred, key.referred_columns) for key in keys] == [
        (("a",), TableName("Parent"), ("Id",)),
        (("b",), TableName("Parent"), ("Id",)),
    ]


def test_a_locked_file_is_not_read_behind_the_lock(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_adapter, "BUSY_SECONDS", 0.1)
    path = database("CREATE TABLE t (a)", [1])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(AdapterError, match="locked"):
            SQLiteAdapter().source(database_url(str(path)))


WRITER = """
import os, signal, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA cache_size = 5")
c.execute("BEGIN")
c.execute("UPDATE t SET a = 99")
c.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(5000)])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_half_written_file_is_refused(database: Database) -> None:
    path = database("CREATE TABLE t (a)", [1])
    killed = subprocess.run([sys.executable, "-c", WRITER, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.with_name("d.sqlite-journal").exists()
    with pytest.raises(AdapterError, match="unfinished"):
        SQLiteAdapter().source(database_url(str(path)))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
def test_a_wal_file_in_a_folder_that_cannot_be_written_is_read(database: Database) -> None:
    path = database("PRAGMA journal_mode = WAL; CREATE TABLE t (a)", [1])
    path.parent.chmod(0o555)
    try:
        assert len(reflected(path).tables) == 1
    finally:
        path.parent.chmod(0o755)
