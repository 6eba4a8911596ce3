"""A server whose settings are nobody's defaults: nothing depends on them."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from mysql_copies import copied

from schemasynth.adapter import Selection
from schemasynth.model import TableName
from schemasynth.settings import database_url
from schemasynth.testing.mysql import embedded_mysql, fresh_mysql_database
from schemasynth.testing.suite import LoadContract, ReadContract
from schemasynth.testing.suite.base import Databases
from schemasynth.verify import check_integrity, require
from schemasynth_adapters.mysql import MySQLAdapter

CHINOOK = Path(__file__).parents[1] / "data" / "chinook" / "chinook.declared.sqlite"
OPTIONS = (
    "--local-infile=0",
    "--sql-mode=NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,NO_ZERO_DATE,PAD_CHAR_TO_FULL_LENGTH",
    "--log-bin=binlog",
    "--server-id=7",
    "--character-set-server=latin1",
    "--default-time-zone=+05:00",
    "--transaction-isolation=READ-COMMITTED",
    "--explicit-defaults-for-timestamp=0",
    "--innodb-strict-mode=0",
    "--max-allowed-packet=1M",
)


@contextmanager
def started(*options: str) -> Iterator[str]:
    pytest.importorskip("pymysql")
    if shutil.which("mariadbd") is None:
        pytest.skip("mariadbd is not installed")
    with embedded_mysql(*options) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with started(*OPTIONS) as url:
        yield url


@pytest.fixture
def databases(server: str) -> Iterator[Databases]:
    with ExitStack() as stack:
        yield lambda: stack.enter_context(fresh_mysql_database(server))


class TestRead(ReadContract):
    adapter = MySQLAdapter


class TestLoad(LoadContract):
    adapter = MySQLAdapter


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_a_copy_is_whole(databases: Databases) -> None:
    copy = copied(CHINOOK, databases())
    require(copy.report)
    assert copy.different == ()


def test_zones_and_padding_of_the_server_do_not_matter(databases: Databases) -> None:
    url = databases()
    run(
        url,
        "CREATE TABLE t (at timestamp NULL, c char(5))",
        "INSERT INTO t VALUES ('2024-01-01 05:00:00', 'x')",
    )
    with MySQLAdapter().source(database_url(url)) as source:
        read = pa.Table.from_batches(source.read(source.reflect().table(TableName("t"))))
    assert read.to_pylist() == [{"at": dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "c": "x"}]


def test_names_that_ignore_case() -> None:
    with (
        started("--lower-case-table-names=1") as server,
        fresh_mysql_database(server) as url,
    ):
        run(
            url,
            "CREATE TABLE Parent (Id int PRIMARY KEY)",
            "CREATE TABLE CHILD (p int, CONSTRAINT K FOREIGN KEY (P) REFERENCES PARENT (ID))",
        )
        name = str(sa.make_url(url).database)
        with MySQLAdapter().target(database_url(url.replace(name, name.upper()))) as target:
            schema = target.reflect(Selection(schemas=(name.upper(),)))
            child = schema.tables[0]
            assert child.foreign_keys[0].referred.name == "parent"
            assert child.foreign_keys[0].referred_columns == ("Id",)
            with target.load(schema, "r") as load:
                for table in schema:
                    content = pa.RecordBatch.from_pydict({table.column_names[0]: [7]})
                    load.stage(table, [content])
                require(check_integrity(load, schema))
                load.switch()
            assert target.reflect(Selection(schemas=(name,))) == schema
            with MySQLAdapter().target(database_url(url)) as same:
                assert same.identity() == target.identity()
