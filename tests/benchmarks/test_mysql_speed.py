"""Rates of the MySQL adapter against the bare ways, on the same data in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import sqlalchemy as sa
from measures import Record, at_least, at_most, for_information

from schemasynth.adapter import SourceConnection
from schemasynth.model import Schema, TableName
from schemasynth.settings import database_url
from schemasynth.verify import CheckKind, check_integrity
from schemasynth_adapters.mysql import MySQLAdapter
from schemasynth_adapters.mysql.values import enclosed, joined, wire

pytestmark = pytest.mark.bench

ROWS, PARENTS, CHUNK = 1_000_000, 100_000, 50_000
CREATE = (
    "CREATE TABLE parent (id int PRIMARY KEY, name varchar(20))",
    "CREATE TABLE child (id int PRIMARY KEY, parent_id int NOT NULL, big bigint, "
    "price decimal(12,2), ratio double, word varchar(20), note varchar(60), day date, "
    "at datetime(6), flag tinyint(1), KEY day (day), "
    "CONSTRAINT k FOREIGN KEY (parent_id) REFERENCES parent (id))",
)
ROUNDS = 2
"""Of all ways in turn, the best of each counts: other work on the machine disturbs single ones."""
ANTI_JOIN = (
    "SELECT COUNT(*) FROM child c WHERE parent_id IS NOT NULL AND NOT EXISTS "
    "(SELECT 1 FROM parent p WHERE p.id = c.parent_id)"
)


def children(rows: int = ROWS) -> pa.Table:
    """Return rows of ten mixed columns."""
    rng = np.random.default_rng(0)
    words = pa.array([f"word {i}" for i in range(997)])
    cents = pa.array(rng.integers(0, 10**7, rows)).cast(pa.decimal128(19, 0))
    return pa.table(
        {
            "id": pa.array(np.arange(rows)),
            "parent_id": pa.array(rng.integers(0, PARENTS, rows)),
            "big": pa.array(rng.integers(0, 2**62, rows)),
            "price": pa.array(cents.cast(pa.decimal128(12, 2), safe=False)),
            "ratio": pa.array(rng.random(rows)),
            "word": words.take(pa.array(rng.integers(0, 997, rows))),
            "note": words.take(pa.array(rng.integers(0, 997, rows))),
            "day": pa.array(rng.integers(0, 20_000, rows).astype("int32")).cast(pa.date32()),
            "at": pa.array(rng.integers(0, 2**50, rows)).cast(pa.timestamp("us")),
            "flag": pa.array(rng.random(rows) < 0.5),
        }
    )


def parents() -> pa.Table:
    """Return the referenced rows."""
    names = pa.array([f"name {i}" for i in range(PARENTS)])
    return pa.table({"id": pa.array(np.arange(PARENTS)), "name": names})


def run(url: str, *statements: str) -> float:
    """Run statements; return the seconds that they took."""
    engine = sa.create_engine(
        url,
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"local_infile": True},
    )
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        started = time.perf_counter()
        for statement in statements:
            cursor.execute(statement)
        return time.perf_counter() - started


@pytest.fixture(scope="module")
def content() -> pa.Table:
    return children()


def file_of(content: pa.Table, schema: Schema, path: Path) -> Path:
    columns = schema.table(TableName("child")).columns
    with path.open("wb") as file:
        for batch in content.to_batches(CHUNK):
            texts = [enclosed(wire(batch.column(c.name), c), '"') for c in columns]
            file.write(joined(texts, "", "\n"))
    return path


def loaded(url: str, content: pa.Table) -> tuple[Schema, dict[str, float]]:
    """Load through the adapter; return the seconds of staging the child and of the switch."""
    with MySQLAdapter().target(database_url(url)) as target:
        schema = target.reflect()
        with target.load(schema, "bench") as load:
            load.stage(schema.table(TableName("parent")), parents().to_batches(CHUNK))
            started = time.perf_counter()
            load.stage(schema.table(TableName("child")), content.to_batches(CHUNK))
            staged = time.perf_counter()
            load.switch()
            return schema, {"stage": staged - started, "switch": time.perf_counter() - staged}


def test_loading(
    mysql_database_factory: Callable[[], str], content: pa.Table, tmp_path: Path, record: Record
) -> None:
    ours, bare = mysql_database_factory(), mysql_database_factory()
    run(ours, *CREATE)
    run(bare, *CREATE)
    run(bare, f"INSERT INTO parent SELECT seq, 'x' FROM seq_0_to_{PARENTS - 1}")
    path = tmp_path / "rows.csv"
    statement = (
        f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE child CHARACTER SET utf8mb4 "
        "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n'"
    )
    rounds = []
    for _ in range(ROUNDS):
        schema, seconds = loaded(ours, content)
        file_of(content, schema, path)
        for name, check in (("enforced", 1), ("unchecked", 0)):
            run(bare, "DROP TABLE child", CREATE[1])
            seconds[name] = run(bare, f"SET foreign_key_checks = {check}", statement)
        rounds.append(seconds)
    best = {name: min(seconds[name] for seconds in rounds) for name in rounds[0]}
    whole = min(seconds["stage"] + seconds["switch"] for seconds in rounds)
    inserted = _inserted(bare, content.slice(0, ROWS // 10)) * 10
    record(
        for_information("MariaDB, 1 M rows: rows/s staged", ROWS / best["stage"]),
        for_information("MariaDB: seconds of the switch, proof included", best["switch"]),
        at_least(
            "MariaDB: rate to LOAD DATA with foreign keys checked", best["enforced"] / whole, 0.8
        ),
        for_information(
            "MariaDB: staging to LOAD DATA unchecked", best["unchecked"] / best["stage"]
        ),
        for_information("MariaDB: rate to pandas' way of inserting", inserted / whole),
    )


def _inserted(url: str, content: pa.Table) -> float:
    """Insert rows as pandas' `to_sql` does: thousand at a time through SQLAlchemy."""
    run(url, "DELETE FROM child")
    table = sa.table("child", *(sa.column(name) for name in content.column_names))
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        started = time.perf_counter()
        for batch in content.to_batches(1000):
            connection.execute(sa.insert(table), batch.to_pylist())
    return time.perf_counter() - started


def test_reading_and_verifying(mysql_database: str, content: pa.Table, record: Record) -> None:
    run(mysql_database, *CREATE)
    loaded(mysql_database, content)
    with MySQLAdapter().source(database_url(mysql_database)) as source:
        schema = source.reflect()
        child = schema.table(TableName("child"))
        source.arrow_schema(child)
        started = time.perf_counter()
        assert sum(batch.num_rows for batch in source.read(child)) == ROWS
        ours = time.perf_counter() - started
        joins = [(_verified(source, schema), run(mysql_database, ANTI_JOIN)) for _ in range(4)]
    from pymysql.cursors import SSCursor

    engine = sa.create_engine(mysql_database, poolclass=sa.NullPool)
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        started = time.perf_counter()
        with driver.cursor(SSCursor) as cursor:
            cursor.execute("SELECT * FROM child")
            while cursor.fetchmany(CHUNK):
                pass
        bare = time.perf_counter() - started
    record(
        for_information("MariaDB, 1 M rows: rows/s read into Arrow", ROWS / ours),
        at_least("MariaDB: reading to the driver's own rows", bare / ours, 0.8),
        at_most(
            "MariaDB: verifying one key to the bare anti-join",
            min(ours for ours, _ in joins) / min(theirs for _, theirs in joins),
            1.3,
        ),
    )


def _verified(source: SourceConnection, schema: Schema) -> float:
    """Verify all keys; return the seconds of the foreign key."""
    results = check_integrity(source, schema).results
    return next(r for r in results if r.kind is CheckKind.FOREIGN_KEY).milliseconds / 1000
