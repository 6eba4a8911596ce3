"""The Oracle adapter keeps the contract, on a real server where there is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from schemasynth.testing.suite import (
    LoadContract,
    ReadContract,
    ReflectionContract,
    SafetyContract,
)
from schemasynth_adapters.oracle import OracleAdapter


@pytest.fixture
def databases(oracle_schema_factory: Callable[[], str]) -> Callable[[], str]:
    return oracle_schema_factory


class Oracle:
    """Oracle has no type for a day or a time of day alone, and no empty texts."""

    adapter = OracleAdapter
    absent = frozenset({"day", "hour"})
    empty_is_null = True


class TestReflection(Oracle, ReflectionContract):
    pass


class TestRead(Oracle, ReadContract):
    pass


class TestSafety(Oracle, SafetyContract):
    pass


class TestLoad(Oracle, LoadContract):
    pass
