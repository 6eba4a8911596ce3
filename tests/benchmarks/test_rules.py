"""How well rules are discovered, on databases with planted ones, and how long it takes."""

from __future__ import annotations

import time

import numpy as np
import pyarrow as pa
import pytest
from measures import Record, at_least, at_most
from planted_rules import planted, said

from schemasynth.arrays import frame
from schemasynth.infer.rules import discover_rules
from schemasynth.model import (
    Column,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
)
from schemasynth.reading import SAMPLE_ROWS

pytestmark = pytest.mark.bench

SEEDS = range(20)
BAR = 0.95
SECONDS = 60.0


def scores(noise: float) -> tuple[float, float]:
    wanted = hits = found = false = 0
    for seed in SEEDS:
        source = planted(seed, noise)
        got = {said(rule) for rule in discover_rules(source.schema, source.frames)}
        wanted += len(source.required)
        hits += len(source.required & got)
        found += len(got)
        false += len(got - source.required - source.allowed)
    return hits / wanted, 1 - false / found


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_planted_rules(noise: float, record: Record) -> None:
    recall, precision = scores(noise)
    record(
        at_least(f"rules, {noise:.0%} exceptions: recall", recall, BAR),
        at_least(f"rules, {noise:.0%} exceptions: precision", precision, BAR),
    )


def wide() -> tuple[Schema, dict[str, object]]:
    """Return a table of 200 columns as the planner sees it: a sample of 5 million rows."""
    rng, rows = np.random.default_rng(1), SAMPLE_ROWS
    words = np.array([f"text {i}" for i in range(5000)])
    columns: dict[str, pa.Array] = {"id": pa.array(np.arange(rows))}
    for i in range(70):
        values = np.round(rng.normal(100, 50, rows), 2)
        columns[f"number{i}"] = pa.array(values, mask=rng.random(rows) < 0.1 * (i % 3))
    for i in range(40):
        columns[f"count{i}"] = pa.array(rng.integers(0, 1000, rows))
        columns[f"kind{i}"] = pa.array(words[rng.integers(0, 20, rows)])
    for i in range(20):
        days = rng.integers(0, 900, rows).astype("timedelta64[D]")
        columns[f"day{i}"] = pa.array((np.datetime64("2020-01-01") + days).astype("M8[us]"))
    for i in range(29):
        columns[f"text{i}"] = pa.array(words[rng.integers(0, 5000, rows)])
    assert len(columns) == 200
    families = {"i": TypeFamily.INTEGER, "d": TypeFamily.FLOAT, "t": TypeFamily.DATETIME}
    own = tuple(
        Column(name, SqlType("X", families.get(str(values.type)[0], TypeFamily.TEXT)))
        for name, values in columns.items()
    )
    table = Table(TableName("wide"), own, PrimaryKey(("id",)), row_count=5_000_000)
    return Schema("sqlite", "wide", (table,)), {"wide": frame(columns, rows)}


def test_a_wide_table_in_time(record: Record) -> None:
    schema, frames = wide()
    started = time.perf_counter()
    found = discover_rules(schema, frames)  # type: ignore[arg-type]
    record(
        at_most("rules of 200 columns, seconds", time.perf_counter() - started, SECONDS),
        at_most("rules of 200 independent columns, found", len(found), 0),
    )
