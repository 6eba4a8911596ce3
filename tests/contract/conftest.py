"""Databases for the contract suite where an adapter's test file brings none of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest


@pytest.fixture
def databases(tmp_path: Path) -> Callable[[], str]:
    """Each call returns the URL of a new, empty SQLite file."""
    numbers = count()

    def new() -> str:
        path = tmp_path / f"d{next(numbers)}.sqlite"
        sqlite3.connect(path).execute("PRAGMA user_version = 1")
        return f"sqlite:///{path}"

    return new
