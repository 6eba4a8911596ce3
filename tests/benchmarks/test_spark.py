"""Evidence computed by Spark: how its time grows with rows, and shrinks with cores."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from measures import Record, at_most, for_information

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
pytestmark = pytest.mark.bench

PROGRAM = Path(__file__).with_name("spark_evidence.py")
ROWS, TIMES = 100_000, 10
RATIO = 12


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
