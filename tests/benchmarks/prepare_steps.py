"""The steps that `test_prepare.py` measures, each run as a program of its own.

python tests/benchmarks/prepare_steps.py make|prepare|generate|restore FOLDER ROWS
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import array, frame, generator, lookup, rank_in_group, repeated, tuple_codes
from schemasynth.model import (
    Column,
    ForeignKey,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
    UniqueKey,
)
from schemasynth.plan import make_plan, read_plan, write_plan
from schemasynth.refresh import load_prepared, save_prepared, save_restored
from schemasynth.rewrite import Source
from schemasynth.testing.standin import generate
from schemasynth.workspace import Workspace

SEED = 7
SAMPLE = 100_000
INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
TEXT = SqlType("VARCHAR(40)", TypeFamily.TEXT, length=40)
DATE = SqlType("DATE", TypeFamily.DATE)
MONEY = SqlType("NUMERIC(10, 2)", TypeFamily.DECIMAL, precision=10, scale=2)
FIRST_DAY = 18_000


def schema(sizes: dict[str, int]) -> Schema:
    def table(
        name: str, primary: tuple[str, ...], columns: dict[str, SqlType], *foreign: ForeignKey
    ) -> Table:
        fields = tuple(Column(n, kind, n in ("boss", "note")) for n, kind in columns.items())
        unique = (UniqueKey(("nif",)),) if "nif" in columns else ()
        return Table(
            TableName(name), fields, PrimaryKey(primary), unique, foreign, row_count=sizes[name]
        )

    def to(name: str, columns: tuple[str, ...], referred: tuple[str, ...] = ("id",)) -> ForeignKey:
        return ForeignKey(columns, TableName(name), referred)

    order = ("year", "number")
    return Schema(
        "sqlite",
        "shop",
        (
            table("region", ("id",), {"id": INTEGER, "name": TEXT}),
            table(
                "staff", ("id",),
                {"id": INTEGER, "boss": INTEGER, "region": INTEGER, "hired": DATE, "grade": TEXT},
                to("staff", ("boss",)), to("region", ("region",)),
            ),
            table(
                "customer", ("id",),
                {"id": INTEGER, "nif": TEXT, "region": INTEGER, "born": DATE, "segment": TEXT},
                to("region", ("region",)),
            ),
            table(
                "orders", order,
                {"year": INTEGER, "number": INTEGER, "customer": INTEGER, "staff": INTEGER,
                 "placed": DATE, "status": TEXT, "total": MONEY},
                to("customer", ("customer",)), to("staff", ("staff",)),
            ),
            table(
                "line", (*order, "line"),
                {"year": INTEGER, "number": INTEGER, "line": INTEGER, "quantity": INTEGER,
                 "price": MONEY, "note": TEXT},
                to("orders", order, order),
            ),
            table(
                "advice", ("customer", "staff"),
                {"customer": INTEGER, "staff": INTEGER, "since": DATE, "kind": TEXT},
                to("customer", ("customer",)), to("staff", ("staff",)),
            ),
        ),
    )  # fmt: skip


def tables(rows: int) -> dict[str, dict[str, pa.Array[Any]]]:
    rng = generator(SEED, "source")

    def ids(size: int) -> pa.Array[Any]:
        return pa.array(np.arange(1, size + 1))

    def days(size: int) -> pa.Array[Any]:
        return pa.array(rng.integers(0, 2_000, size).astype("int32") + FIRST_DAY).cast(pa.date32())

    def words(size: int, *choices: str) -> pa.Array[Any]:
        return pa.array(choices).take(pa.array(rng.integers(0, len(choices), size)))

    def money(size: int) -> pa.Array[Any]:
        cents = pa.array(rng.integers(100, 99_999, size) / 100).cast(
            pa.decimal128(18, 2), safe=False
        )
        return cents.cast(pa.decimal128(10, 2))

    def skewed(size: int, parents: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        return (rng.random(size) ** 2 * parents).astype(np.int64)

    staff, customers, orders = rows // 50, rows // 10, rows * 6 // 25
    above = (rng.random(staff) * np.arange(staff)).astype(np.int64) + 1
    number = np.arange(orders)
    per_year = orders // 10 + 1
    made: dict[str, dict[str, pa.Array[Any]]] = {
        "region": {"id": ids(60), "name": pa.array([f"Region {i}" for i in range(60)])},
        "staff": {
            "id": ids(staff),
            "boss": pa.array(above, mask=np.arange(staff) < 20),
            "region": pa.array(skewed(staff, 60) + 1),
            "hired": days(staff),
            "grade": words(staff, "A", "B", "C", "D"),
        },
        "customer": {
            "id": ids(customers),
            "nif": pa.array([f"X-{n:08d}" for n in rng.permutation(customers * 3)[:customers]]),
            "region": pa.array(skewed(customers, 60) + 1),
            "born": days(customers),
            "segment": words(customers, "private", "firm", "public"),
        },
        "orders": {
            "year": pa.array(2015 + number // per_year),
            "number": pa.array(number % per_year + 1),
            "customer": pa.array(skewed(orders, customers) + 1),
            "staff": pa.array(skewed(orders, staff) + 1),
            "placed": days(orders),
            "status": words(orders, "open", "sent", "paid", "back"),
            "total": money(orders),
        },
    }
    pairs = np.stack([skewed(rows // 6, customers), skewed(rows // 6, staff)])
    pairs = pairs[:, ~repeated(tuple_codes(list(pairs), rows // 6))][:, : rows * 7 // 50]
    made["advice"] = {
        "customer": pa.array(pairs[0] + 1),
        "staff": pa.array(pairs[1] + 1),
        "since": days(pairs.shape[1]),
        "kind": words(pairs.shape[1], "sales", "help", "legal"),
    }
    lines = rows - sum(len(t[next(iter(t))]) for t in made.values())
    of = np.sort(skewed(lines, orders))
    made["line"] = {
        "year": made["orders"]["year"].take(pa.array(of)),
        "number": made["orders"]["number"].take(pa.array(of)),
        "line": pa.array(rank_in_group(of) + 1),
        "quantity": pa.array(rng.integers(1, 100, lines)),
        "price": money(lines),
        "note": pa.array([f"note {n}" for n in rng.integers(0, 10**6, lines)]),
    }
    return made


def make(workspace: Workspace, rows: int) -> None:
    frames = {n: frame(t, len(t[next(iter(t))])) for n, t in tables(rows).items()}
    made = schema({name: len(rows) for name, rows in frames.items()})
    samples = {name: rows.head(SAMPLE) for name, rows in frames.items()}
    plan = make_plan(made, samples, source="shop")
    (workspace.path / "plan.toml").write_text(write_plan(plan), "utf-8")
    workspace.save_frames("source", frames)


def plan_of(workspace: Workspace) -> Any:
    return read_plan((workspace.path / "plan.toml").read_text("utf-8"))


def measured(step: Callable[[], Any]) -> dict[str, Any]:
    """Run a step; return its seconds and its peak memory above that of the imports."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    result = step()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": seconds, "megabytes": (peak - before) / 1024, "result": result}


def restored(workspace: Workspace) -> dict[str, Any]:
    plan = plan_of(workspace)
    facts = measured(lambda: save_restored(workspace, plan, SEED))
    facts["repaired"] = sum(repair.rows for repair in facts.pop("result"))
    facts["violations"] = list(violations(workspace))
    return facts


def violations(workspace: Workspace) -> Iterator[str]:
    frames = workspace.frames("restored")
    source = workspace.frames("source")
    made = schema({name: len(frames[name]) for name in frames})
    for table in made:
        rows, old = frames[str(table.name)], source[str(table.name)]
        if len(rows) != len(old):
            yield f"{table.name}: {len(old):,} rows became {len(rows):,}"
        for key in table.candidate_keys:
            if pd.DataFrame({c: rows[c] for c in key}).duplicated().any():
                yield f"{table.name}{key}: not unique"
        for foreign in table.foreign_keys:
            child = [array(rows, c) for c in foreign.columns]
            parent = frames[str(foreign.referred)]
            found = lookup(child, [array(parent, c) for c in foreign.referred_columns])
            lost = int((found < 0).sum()) - child[0].null_count
            if lost:
                yield f"{table.name}{foreign.columns}: {lost:,} orphans"


def main() -> None:
    step, folder, rows = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    workspace = Workspace(folder / "work", resume=(folder / "work").exists())
    facts: dict[str, Any] = {}
    if step == "make":
        make(workspace, rows)
    elif step == "prepare":
        plan = plan_of(workspace)
        source = Source(workspace.tables("source"))
        facts = measured(lambda: save_prepared(workspace, plan, source, SEED))
        facts.pop("result")
    elif step == "generate":
        workspace.save_frames("synthetic", generate(load_prepared(workspace), SEED))
    else:
        facts = restored(workspace)
    json.dump(facts, sys.stdout)


if __name__ == "__main__":
    main()
