"""The SQLite adapter keeps the contract."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from schemasynth.testing.suite import (
    LoadContract,
    ReadContract,
    ReflectionContract,
    SafetyContract,
)
from schemasynth_adapters.sqlite import SQLiteAdapter


@pytest.fixture
def databases(tmp_path: Path) -> Callable[[], str]:
    numbers = count()

    def new() -> str:
        path = tmp_path / f"d{next(numbers)}.sqlite"
        sqlite3.connect(path).execute("PRAGMA user_version = 1")
        return f"sqlite:///{path}"

    return new


class TestReflection(ReflectionContract):
    adapter = SQLiteAdapter


class TestRead(ReadContract):
    adapter = SQLiteAdapter


class TestSafety(SafetyContract):
    adapter = SQLiteAdapter


class TestLoad(LoadContract):
    adapter = SQLiteAdapter
