"""Fixtures shared by all tests: real servers and databases."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from schemasynth.testing import mysql, oracle
from schemasynth.testing.mysql import fresh_mysql_database, mysql_url
from schemasynth.testing.oracle import fresh_oracle_schema, oracle_url
from schemasynth.testing.servers import fresh_database, postgresql_url
from schemasynth.testing.spark import NoSpark, fresh_schema, spark_session


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


@pytest.fixture(scope="session")
def mysql_server() -> Iterator[str]:
    """The URL of an administrator on a MySQL or MariaDB server."""
    pytest.importorskip("pymysql", reason="the extra `mysql` is not installed")
    with ExitStack() as stack:
        try:
            url = stack.enter_context(mysql_url())
        except mysql.NoServer as error:
            pytest.skip(str(error))
        yield url


@pytest.fixture
def mysql_database_factory(mysql_server: str) -> Iterator[Callable[[], str]]:
    """Each call creates an empty database and returns its URL; dropped after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_mysql_database(mysql_server))


@pytest.fixture
def mysql_database(mysql_database_factory: Callable[[], str]) -> str:
    """The URL of an empty database of this test's own."""
    return mysql_database_factory()


@pytest.fixture(scope="session")
def oracle_server() -> Iterator[str]:
    """The URL of an administrator on an Oracle server."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(oracle_url())
        except oracle.NoServer as error:
            pytest.skip(str(error))
        yield url


@pytest.fixture
def oracle_schema_factory(oracle_server: str) -> Iterator[Callable[[], str]]:
    """Each call creates a user with an empty schema and returns its URL; dropped after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_oracle_schema(oracle_server))


DATA = Path(__file__).parent / "data"
KEYBENCH = Path(__file__).parents[2] / "shared" / "keybench"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of small public databases."""
    return DATA


@pytest.fixture(scope="session")
def keybench() -> Path:
    """The folder of the large collection of databases, where this machine has it."""
    folder = Path(os.environ.get("SCHEMASYNTH_KEYBENCH", KEYBENCH))
    if not folder.is_dir():
        pytest.skip("keybench is not on this machine; name it in SCHEMASYNTH_KEYBENCH")
    return folder


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """The one Spark session of this test process."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    with ExitStack() as stack:
        try:
            session = stack.enter_context(spark_session())
        except NoSpark as error:
            pytest.skip(str(error))
        yield session


@pytest.fixture
def spark_database_factory(spark: object) -> Iterator[Callable[[], str]]:
    """Each call creates an empty schema and returns its URL; dropped after the test."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_schema(spark))


@pytest.fixture
def spark_database(spark_database_factory: Callable[[], str]) -> str:
    """The URL of an empty schema of this test's own."""
    return spark_database_factory()
