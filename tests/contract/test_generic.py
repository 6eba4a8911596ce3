"""The generic adapter keeps, on SQLite, the contract."""

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
from schemasynth_adapters.generic import GenericAdapter


@pytest.fixture
def databases(tmp_path: Path) -> Callable[[], str]:
    numbers = count()

    def new() -> str:
        path = tmp_path / f"d{next(numbers)}.sqlite"
        sqlite3.connect(path).execute("PRAGMA user_version = 1")
        return f"sqlite:///{path}"

    return new


class TestReflection(ReflectionContract):
    adapter = GenericAdapter


class TestRead(ReadContract):
    adapter = GenericAdapter


class TestSafety(SafetyContract):
    adapter = GenericAdapter


class TestLoad(LoadContract):
    adapter = GenericAdapter
