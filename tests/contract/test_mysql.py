"""The MySQL adapter keeps the contract, on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemasynth.testing.suite import (
    LoadContract,
    ReadContract,
    ReflectionContract,
    SafetyContract,
)
from schemasynth_adapters.mysql import MySQLAdapter


@pytest.fixture
def databases(mysql_database_factory: Callable[[], str]) -> Callable[[], str]:
    return mysql_database_factory


class TestReflection(ReflectionContract):
    adapter = MySQLAdapter


class TestRead(ReadContract):
    adapter = MySQLAdapter


class TestSafety(SafetyContract):
    adapter = MySQLAdapter


class TestLoad(LoadContract):
    adapter = MySQLAdapter
