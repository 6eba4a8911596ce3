"""The generic adapter keeps, on a database that has no adapter of its own, the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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

pytest.importorskip("duckdb_engine", reason="the test dependency duckdb-engine is not installed")


class DuckDB(GenericAdapter):
    """The generic adapter, with what DuckDB and its dialect lack besides."""

    capabilities = replace(
        GenericAdapter.capabilities,
        identity_columns=False,  # it has sequences only
        constraint_names=False,  # it makes them up from the columns
        text_lengths=False,  # it forgets them
        referential_actions=False,  # it refuses them
        indexes=False,  # its dialect lists none
        replaces_referenced=False,  # it looks at references before the transaction, not within it
    )


@pytest.fixture
def databases(tmp_path: Path) -> Callable[[], str]:
    """Each call returns the URL of a new DuckDB file."""
    numbers = count()
    return lambda: f"duckdb:///{tmp_path}/d{next(numbers)}.duckdb"


class TestReflection(ReflectionContract):
    adapter = DuckDB


class TestRead(ReadContract):
    adapter = DuckDB


class TestSafety(SafetyContract):
    adapter = DuckDB


class TestLoad(LoadContract):
    adapter = DuckDB
