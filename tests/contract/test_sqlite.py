"""The SQLite adapter keeps the contract."""

from __future__ import annotations

from schemasynth.testing.suite import (
    LoadContract,
    ReadContract,
    ReflectionContract,
    SafetyContract,
)
from schemasynth_adapters.sqlite import SQLiteAdapter


class TestReflection(ReflectionContract):
    adapter = SQLiteAdapter


class TestRead(ReadContract):
    adapter = SQLiteAdapter


class TestSafety(SafetyContract):
    adapter = SQLiteAdapter


class TestLoad(LoadContract):
    adapter = SQLiteAdapter
