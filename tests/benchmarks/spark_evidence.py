"""Times evidence on Spark: `python spark_evidence.py MASTER ROWS…` prints the seconds as JSON.

A process of its own, because a JVM keeps what it was started with. Prints also how many rows came
to the driver.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from schemasynth.adapter import adapter_for
from schemasynth.infer import Collecting, Way, evidence_of
from schemasynth.infer.evidence.head import HEAD_ROWS
from schemasynth.settings import database_url
from schemasynth.testing.spark import fresh_schema, spark_session
from schemasynth_adapters.spark.connection import SparkSource

WARMING = 1_000
"""Rows of a first pass that is not timed: Java compiles in it."""
SETTINGS = {
    "spark.sql.codegen.wholeStage": "true",
    "spark.driver.extraJavaOptions": "",
    "spark.driver.memory": "3g",
    "spark.sql.shuffle.partitions": "4",
}
"""Those of a user, not those of short tests."""
TABLES = {
    "customer": (
        20,
        "i AS c_key, 'Customer#' || i AS c_name, md5(CAST(i AS STRING)) AS c_address, "
        "i % 25 AS c_nation, CAST(hash(i) / 100 AS DECIMAL(12, 2)) AS c_balance",
    ),
    "orders": (
        4,
        "i * 4 AS o_key, pmod(hash(i), {customer}) AS o_customer, "
        "DATE '2020-01-01' + CAST(pmod(hash(i), 2000) AS INT) AS o_date, "
        "element_at(array('O', 'F', 'P'), CAST(1 + i % 3 AS INT)) AS o_status, "
        "sha(CAST(i AS STRING)) AS o_comment",
    ),
    "line": (
        1,
        "CAST(i DIV 4 AS BIGINT) * 4 AS l_order, CAST(1 + i % 4 AS INT) AS l_number, "
        "pmod(hash(i), 1000) AS l_quantity, sha(CAST(i AS STRING)) AS l_comment, "
        "element_at(array('AIR', 'RAIL', 'SHIP'), CAST(1 + pmod(hash(i), 3) AS INT)) AS l_mode",
    ),
}
"""One row of how many of `line`, and the columns."""


def create(spark: Any, schema: str, rows: int) -> None:
    """Create the tables without keys."""
    sizes = {name: rows // part for name, (part, _) in TABLES.items()}
    for name, (_, columns) in TABLES.items():
        spark.sql(
            f"CREATE TABLE {schema}.{name} AS SELECT {columns.format(**sizes)} "
            f"FROM range({sizes[name]}) AS r(i)"
        )


def timed(url: str) -> tuple[float, int]:
    """Return the seconds of evidence of all columns, and the rows that came to the driver."""
    came = 0
    streamed = SparkSource.streamed

    def counted(self: Any, *arguments: Any) -> Iterator[pa.RecordBatch]:
        nonlocal came
        for batch in streamed(self, *arguments):
            came += batch.num_rows
            yield batch

    SparkSource.streamed = counted  # type: ignore[method-assign]
    try:
        address = database_url(url)
        with adapter_for(address).source(address) as source:
            schema = source.reflect()
            started = time.perf_counter()
            with evidence_of(source, schema, collecting=Collecting(Way.PUSH_DOWN)) as evidence:
                assert evidence.inclusions
            return time.perf_counter() - started, came
    finally:
        SparkSource.streamed = streamed  # type: ignore[method-assign]


def main(master: str, sizes: list[int]) -> None:
    """Print the seconds of each size."""
    found = {}
    with spark_session(master, **SETTINGS) as spark:
        for rows in (WARMING, *sizes):
            with fresh_schema(spark) as url:
                create(spark, str(database_url(url).database), rows)
                found[rows] = timed(url)
    assert all(came <= HEAD_ROWS * len(TABLES) for _, came in found.values())
    print(json.dumps({str(rows): found[rows][0] for rows in sizes}))


if __name__ == "__main__":
    main(sys.argv[1], [int(size) for size in sys.argv[2:]])
