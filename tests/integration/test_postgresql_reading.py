"""PostgreSQL's odd values: what Arrow cannot hold comes as text, nothing crashes or is lost."""

from __future__ import annotations

import datetime as dt
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from schemasynth.model import Table
from schemasynth.settings import database_url
from schemasynth.testing.servers import fresh_database
from schemasynth_adapters.postgresql import PostgreSQLAdapter
from schemasynth_adapters.postgresql.values import fitting

VALUES = [
    ("numeric(6, 2)", "NaN", pa.string(), "NaN"),
    ("numeric(6, 2)", "1.5", pa.decimal128(6, 2), "1.50"),
    ("numeric", "0.12345678901", pa.string(), "0.12345678901"),
    ("numeric", "1e30", pa.string(), "1" + "0" * 30),
    ("numeric", "NaN", pa.string(), "NaN"),
    ("numeric", "-3.25", pa.decimal128(38, 10), "-3.2500000000"),
    ("numeric(60, 2)", "1", pa.string(), "1.00"),
    ("date", "infinity", pa.string(), "infinity"),
    ("date", "0044-03-15 BC", pa.string(), "0044-03-15 BC"),
    ("date", "9999-12-31", pa.date32(), "9999-12-31"),
    ("timestamp", "-infinity", pa.string(), "-infinity"),
    ("timestamp", "20000-01-01", pa.string(), "20000-01-01 00:00:00"),
    ("timestamptz", "infinity", pa.string(), "infinity"),
    ("time", "24:00", pa.string(), "24:00:00"),
    ("timetz", "12:00+02", pa.string(), "12:00:00+02"),
    ("interval", "1 mon", pa.string(), "1 mon"),
    ("interval", "-25:00:00.5", pa.duration("us"), str(-dt.timedelta(hours=25, seconds=0.5))),
    ("float8", "NaN", pa.float64(), "nan"),
    ("float8", "-Infinity", pa.float64(), "-inf"),
    ("real", "0.1", pa.float64(), "0.1"),
    ("money", "1234.5", pa.decimal128(19, 2), "1234.50"),
    ("char(5)", "ab", pa.string(), "ab"),
    ('"char"', "x", pa.string(), "x"),
    ("name", "n", pa.string(), "n"),
    ("oid", "4000000000", pa.int64(), "4000000000"),
    ("point", "(1,2)", pa.string(), "(1,2)"),
    ("int4range", "[1,3]", pa.string(), "[1,4)"),
    ("bytea", "\\x00ff", pa.binary(), str(b"\x00\xff")),
    ("text", "", pa.string(), ""),
    ("text", "\\.", pa.string(), "\\."),
    ("varchar", 'a\r\n"b",\tc', pa.string(), 'a\r\n"b",\tc'),
]


def read(url: str) -> tuple[Table, pa.Table]:
    with PostgreSQLAdapter().source(database_url(url)) as source:
        (table,) = source.reflect().tables
        return table, pa.Table.from_batches(source.read(table))


def fill(url: str, kind: str, value: str | None) -> None:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute("DROP TABLE IF EXISTS odd")
        connection.execute(f"CREATE TABLE odd (v {kind})")
        connection.execute(f"INSERT INTO odd VALUES (%s::text::{kind}), (NULL)", (value,))


@pytest.fixture(scope="module")
def database(postgresql_server: str) -> Any:
    with fresh_database(postgresql_server) as url:
        yield url


@pytest.mark.parametrize(("kind", "value", "arrow", "expected"), VALUES)
def test_odd_values(
    database: str, kind: str, value: str, arrow: pa.DataType, expected: str
) -> None:
    fill(database, kind, value)
    _, found = read(database)
    assert found.schema.field("v").type == arrow
    assert [None if v is None else str(v) for v in found["v"].to_pylist()] == [expected, None]


@pytest.mark.parametrize(("kind", "value"), [row[:2] for row in VALUES])
def test_odd_values_go_back_unchanged(database: str, kind: str, value: str) -> None:
    fill(database, kind, value)
    table, found = read(database)
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        before = connection.execute("SELECT v::text FROM odd").fetchall()
    with PostgreSQLAdapter().target(database_url(database)) as target:
        schema = target.reflect()
        with target.load(schema, "r") as load:
            load.stage(table, found.to_batches())
            load.switch()
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        assert connection.execute("SELECT v::text FROM odd").fetchall() == before


@pytest.mark.parametrize("value", ["Infinity", "-Infinity"])
def test_infinite_numbers_come_as_text(database: str, value: str) -> None:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        if connection.info.server_version < 14_00_00:
            pytest.skip("numbers are finite before PostgreSQL 14")
    fill(database, "numeric", value)
    assert read(database)[1].column("v").to_pylist() == [value, None]


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz", "time", "numeric(6, 2)"])
def test_the_scan_for_odd_values_casts_nothing_for_each_row(database: str, kind: str) -> None:
    """Casts of parameters to dates depend on the session: they took most of the scan's time."""
    fill(database, kind, None)
    table, _ = read(database)
    condition = fitting(table.columns[0], sa.column("v"))
    assert condition is not None
    assert not condition.compile(dialect=postgresql.dialect()).params


def test_infinite_dates_do_not_break_queries(database: str) -> None:
    fill(database, "date", "infinity")
    with PostgreSQLAdapter().source(database_url(database)) as source:
        (table,) = source.reflect().tables
        assert source.select(sa.select(source.relation(table).c.v)) == [(None,), (None,)]


def test_wide_rows_do_not_break_blocks(database: str) -> None:
    fill(database, "text", "x" * 3_000_000)
    _, found = read(database)
    assert [len(v) if v else None for v in found["v"].to_pylist()] == [3_000_000, None]


def test_columns_called_as_commands(database: str) -> None:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        connection.execute("DROP TABLE odd")
        connection.execute('CREATE TABLE odd (load int, "into" int, replace int, lock int)')
        connection.execute("INSERT INTO odd VALUES (1, 2, 3, 4)")
    with PostgreSQLAdapter().source(database_url(database)) as source:
        (table,) = source.reflect().tables
        assert pa.Table.from_batches(source.read(table)).to_pylist() == [
            {"load": 1, "into": 2, "replace": 3, "lock": 4}
        ]
        relation = source.relation(table)
        assert source.select(sa.select(relation.c.load, relation.c["into"])) == [(1, 2)]
