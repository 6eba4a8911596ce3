"""The Spark adapter keeps the contract, on real Spark with Parquet tables."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")

from schemasynth.testing.suite import (
    LoadContract,
    ReadContract,
    ReflectionContract,
    SafetyContract,
)
from schemasynth_adapters.spark import SparkAdapter


@pytest.fixture
def databases(spark_database_factory: Callable[[], str]) -> Callable[[], str]:
    return spark_database_factory


class TestReflection(ReflectionContract):
    adapter = SparkAdapter
    absent = frozenset({"hour"})


class TestRead(ReadContract):
    adapter = SparkAdapter
    absent = frozenset({"hour"})


class TestSafety(SafetyContract):
    adapter = SparkAdapter


class TestLoad(LoadContract):
    adapter = SparkAdapter
    absent = frozenset({"hour"})
