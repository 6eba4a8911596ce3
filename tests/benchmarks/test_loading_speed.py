"""Rates of loading into PostgreSQL and SQLite against the bare ways, same data, same run."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa
from measures import Record, at_least, at_most, for_information
from test_mysql_speed import ANTI_JOIN, CHUNK, PARENTS, ROWS, children, parents

from schemasynth.adapter import adapter_for
from schemasynth.model import TableName
from schemasynth.settings import database_url
from schemasynth.verify import CheckKind, check_integrity
from schemasynth_adapters.postgresql.values import encode
from schemasynth_adapters.sqlite.values import from_arrow

pytestmark = pytest.mark.bench

ROUNDS = 3
"""Of all ways in turn, the best of each counts: other work on the machine disturbs single ones."""
PANDAS_ROWS = ROWS // 10
KEY = "ALTER TABLE child ADD CONSTRAINT k FOREIGN KEY (parent_id) REFERENCES parent (id)"
POSTGRESQL = (
    "CREATE TABLE parent (id int PRIMARY KEY, name varchar(20))",
    "CREATE TABLE child (id int PRIMARY KEY, parent_id int NOT NULL, big bigint, "
    "price numeric(12,2), ratio double precision, word varchar(20), note varchar(60), day date, "
    "at timestamp, flag boolean)",
    "CREATE INDEX day ON child (day)",
    KEY,
)
SQLITE = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(20));
CREATE TABLE child (id INTEGER PRIMARY KEY, parent_id INTEGER NOT NULL REFERENCES parent (id),
  big BIGINT, price NUMERIC(12,2), ratio DOUBLE, word VARCHAR(20), note VARCHAR(60), day DATE,
  at DATETIME, flag BOOLEAN);
CREATE INDEX day ON child (day);
"""


def loaded(url: str, content: pa.Table) -> dict[str, float]:
    """Load through the adapter; return seconds: from opening to the end, and of verifying a key."""
    address = database_url(url)
    with adapter_for(address).target(address) as target:
        schema = target.reflect()
        started = time.perf_counter()
        with target.load(schema, "bench") as load:
            load.stage(schema.table(TableName("parent")), parents().to_batches(CHUNK))
            load.stage(schema.table(TableName("child")), content.to_batches(CHUNK))
            staged = time.perf_counter()
            found = check_integrity(load, schema).results
            verified = time.perf_counter()
            load.switch()
            whole = time.perf_counter() - verified + staged - started
    key = next(r for r in found if r.kind is CheckKind.FOREIGN_KEY)
    assert key.violations == 0
    return {"ours": whole, "verify": key.milliseconds / 1000}


def best(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: min(seconds[name] for seconds in rounds) for name in rounds[0]}


def copied(
    connection: psycopg.Connection, blocks: list[bytes], before: list[str], after: list[str]
) -> float:
    """Copy into the emptied child; return the seconds, those of what follows included."""
    for statement in ("TRUNCATE child", *before):
        connection.execute(statement.encode())
    started = time.perf_counter()
    with connection.cursor().copy("COPY child FROM STDIN (FORMAT csv)") as copy:
        for block in blocks:
            copy.write(block)
    for statement in after:
        connection.execute(statement.encode())
    return time.perf_counter() - started


def test_postgresql(postgresql_database_factory: Callable[[], str], record: Record) -> None:
    content = children()
    ours, bare = postgresql_database_factory(), postgresql_database_factory()
    for url in (ours, bare):
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            for statement in POSTGRESQL:
                connection.execute(statement.encode())
    address = database_url(bare)
    with adapter_for(address).source(address) as source:
        columns = source.reflect().table(TableName("child")).columns
    blocks = [encode(batch, columns) for batch in content.to_batches(CHUNK)]
    drop, rounds = "ALTER TABLE child DROP CONSTRAINT k", []
    with psycopg.connect(bare.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO parent SELECT i, 'x' FROM generate_series(0, {PARENTS - 1}) i".encode()
        )
        for _ in range(ROUNDS):
            seconds = loaded(ours, content)
            seconds["checked"] = copied(connection, blocks, [], [])
            seconds["keys after"] = copied(connection, blocks, [drop], [KEY])
            seconds["all after"] = copied(
                connection,
                blocks,
                [drop, "DROP INDEX day", "ALTER TABLE child DROP CONSTRAINT child_pkey"],
                ["ALTER TABLE child ADD PRIMARY KEY (id)", POSTGRESQL[2], KEY],
            )
            connection.execute("ANALYZE child")
            started = time.perf_counter()
            connection.execute(ANTI_JOIN.encode())
            seconds["anti-join"] = time.perf_counter() - started
            rounds.append(seconds)
        connection.execute("TRUNCATE child")
    seconds = best(rounds)
    pandas = _pandas(bare, content.slice(0, PANDAS_ROWS)) * (ROWS / PANDAS_ROWS)
    record(
        for_information("PostgreSQL: rows/s loaded", (ROWS + PARENTS) / seconds["ours"]),
        at_least(
            "PostgreSQL: rate to COPY, key checked", seconds["checked"] / seconds["ours"], 0.85
        ),
        at_least(
            "PostgreSQL: rate to COPY, key after", seconds["keys after"] / seconds["ours"], 0.85
        ),
        for_information(
            "PostgreSQL: rate to COPY, all after", seconds["all after"] / seconds["ours"]
        ),
        at_least("PostgreSQL: rate to pandas to_sql", pandas / seconds["ours"], 8),
        at_most("PostgreSQL: key to anti-join", seconds["verify"] / seconds["anti-join"], 1.3),
    )


def _pandas(url: str, content: pa.Table) -> float:
    frame = content.to_pandas()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    started = time.perf_counter()
    types = {"price": sa.Numeric(12, 2)}
    frame.to_sql("child", engine, if_exists="append", index=False, chunksize=1000, dtype=types)
    return time.perf_counter() - started


def test_sqlite(tmp_path: Path, record: Record) -> None:
    content = children()
    ours = tmp_path / "ours.sqlite"
    with closing(sqlite3.connect(ours)) as connection:
        connection.executescript(SQLITE)
    rows = [
        row
        for batch in content.to_batches(CHUNK)
        for row in zip(*(from_arrow(column) for column in batch.columns), strict=True)
    ]
    rounds = []
    for i in range(ROUNDS):
        seconds = loaded(f"sqlite:///{ours}", content)
        with closing(sqlite3.connect(tmp_path / f"bare{i}.sqlite")) as connection:
            connection.executescript(SQLITE)
            connection.executemany(
                "INSERT INTO parent VALUES (?, 'x')", ((n,) for n in range(PARENTS))
            )
            connection.commit()
            started = time.perf_counter()
            connection.executemany(f"INSERT INTO child VALUES ({', '.join('?' * 10)})", rows)
            connection.commit()
            seconds["bare"] = time.perf_counter() - started
            started = time.perf_counter()
            connection.execute(ANTI_JOIN).fetchall()
            seconds["anti-join"] = time.perf_counter() - started
        rounds.append(seconds)
    seconds = best(rounds)
    record(
        for_information("SQLite: rows/s loaded", (ROWS + PARENTS) / seconds["ours"]),
        at_least("SQLite: rate to executemany in one go", seconds["bare"] / seconds["ours"], 0.8),
        at_most("SQLite: key to anti-join", seconds["verify"] / seconds["anti-join"], 1.3),
    )
