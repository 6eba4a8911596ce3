"""Spark: how the time of evidence grows with rows and shrinks with cores, and a whole refresh."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from measures import Record, at_least, at_most, for_information
from there_and_back import read

from schemasynth import api
from schemasynth.demo import write_source
from schemasynth.refresh import RefreshOptions
from schemasynth.settings import database_url

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
pytestmark = pytest.mark.bench

PROGRAM = Path(__file__).with_name("spark_evidence.py")
ROWS, TIMES = 100_000, 10
RATIO = 12
PEOPLE, EPOCHS = 600, 2.0


def seconds(master: str, *sizes: int) -> dict[int, float]:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), master, *map(str, sizes)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return {int(rows): took for rows, took in json.loads(done.stdout.splitlines()[-1]).items()}


def test_evidence_on_spark(record: Record) -> None:
    small, large = ROWS, ROWS * TIMES
    one, two = seconds("local[1]", small, large), seconds("local[2]", small, large)
    record(
        for_information(f"Spark, {small:,} rows, local[1]: evidence, seconds", one[small]),
        for_information(f"Spark, {large:,} rows, local[1]: evidence, seconds", one[large]),
        for_information(f"Spark, {large:,} rows, local[2]: evidence, seconds", two[large]),
        for_information("Spark: local[1] by local[2]", one[large] / two[large]),
        at_most(f"Spark: {TIMES} times the rows, local[1]", one[large] / one[small], RATIO),
        at_most(f"Spark: {TIMES} times the rows, local[2]", two[large] / two[small], RATIO),
    )


def test_a_social_services_database_without_keys(
    spark: Any, spark_database_factory: Callable[[], str], tmp_path: Path, record: Record
) -> None:
    """From Spark tables without any key to Spark tables, with the real generator."""
    write_source(tmp_path / "demo.sqlite", people=PEOPLE)
    _, frames = read(tmp_path / "demo.sqlite")
    live, target = spark_database_factory(), spark_database_factory()
    there, here = (str(database_url(url).database) for url in (live, target))
    for name, rows in frames.items():
        spark.createDataFrame(pa.Table.from_pandas(rows)).write.saveAsTable(f"{there}.{name}")
        spark.sql(f"CREATE TABLE {here}.{name} LIKE {there}.{name}")
    api.init_target(target)
    options = RefreshOptions(max_epochs=EPOCHS, seed=1, workdir=tmp_path / "work")
    report = api.refresh(live, target, options=options)
    assert report.integrity is not None
    found = [result for result in report.integrity.results if result.kind == "foreign key"]
    record(
        for_information("Spark to Spark: rows", sum(t.rows or 0 for t in report.tables)),
        for_information("Spark to Spark: seconds", sum(s.seconds for s in report.steps)),
        at_least("Spark to Spark: implicit entities", sum(t.is_entity for t in report.tables), 1),
        at_least("Spark to Spark: foreign keys proven", len(found), 1),
        at_most("Spark to Spark: violations", sum(report.integrity.violations.values()), 0),
    )
