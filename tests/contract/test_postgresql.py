"""The PostgreSQL adapter keeps the contract, on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemasynth.testing.suite import (
    LoadContract,
    ReadContract,
    ReflectionContract,
    SafetyContract,
)
from schemasynth_adapters.postgresql import PostgreSQLAdapter


@pytest.fixture
def databases(postgresql_database_factory: Callable[[], str]) -> Callable[[], str]:
    return postgresql_database_factory


class TestReflection(ReflectionContract):
    adapter = PostgreSQLAdapter


class TestRead(ReadContract):
    adapter = PostgreSQLAdapter


class TestSafety(SafetyContract):
    adapter = PostgreSQLAdapter


class TestLoad(LoadContract):
    adapter = PostgreSQLAdapter
