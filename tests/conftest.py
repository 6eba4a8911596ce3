"""Fixtures shared by all tests: real PostgreSQL servers and databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from schemasynth.testing.servers import fresh_database, postgresql_url


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """The URL of a superuser on a PostgreSQL server of this test process."""
    with postgresql_url() as url:
        yield url


@pytest.fixture
def postgresql_database_factory(postgresql_server: str) -> Iterator[Callable[[], str]]:
    """Each call creates an empty database and returns its URL; dropped after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_database(postgresql_server))


@pytest.fixture
def postgresql_database(postgresql_database_factory: Callable[[], str]) -> str:
    """The URL of an empty database of this test's own."""
    return postgresql_database_factory()
