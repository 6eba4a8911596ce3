"""Peak memory of a load of ten million rows, above what importing the program takes."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from measures import Record, at_most, for_information
from test_loading_speed import POSTGRESQL, SQLITE

pytestmark = pytest.mark.bench

ROWS = 10_000_000
MEGABYTE = 1_000_000
BAR_MEGABYTES = 600
PROGRAM = Path(__file__).with_name("load_memory.py")


def measured(url: str, record: Record, name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), url, str(ROWS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["rows"] == ROWS
    record(
        for_information(f"{name}: rows/s of 10 M, with verification", ROWS / figures["seconds"]),
        at_most(f"{name}: MB above import at the peak", figures["above"] / MEGABYTE, BAR_MEGABYTES),
    )


def test_postgresql(postgresql_database: str, record: Record) -> None:
    with psycopg.connect(postgresql_database.replace("+psycopg", ""), autocommit=True) as made:
        for statement in POSTGRESQL:
            made.execute(statement.encode())
    measured(postgresql_database, record, "PostgreSQL")


def test_sqlite(tmp_path: Path, record: Record) -> None:
    path = tmp_path / "d.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(SQLITE)
    measured(f"sqlite:///{path}", record, "SQLite")
