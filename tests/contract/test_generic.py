"""The generic adapter keeps, on SQLite, the contract."""

from __future__ import annotations

from schemasynth.testing.suite import (
    LoadContract,
    ReadContract,
    ReflectionContract,
    SafetyContract,
)
from schemasynth_adapters.generic import GenericAdapter


class TestReflection(ReflectionContract):
    adapter = GenericAdapter


class TestRead(ReadContract):
    adapter = GenericAdapter


class TestSafety(SafetyContract):
    adapter = GenericAdapter


class TestLoad(LoadContract):
    adapter = GenericAdapter
