"""CHECKs: evaluated by a real engine, kept on rows whose columns were drawn one by one."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from there_and_back import read, stored

from schemasynth.arrays import array, frame, generator
from schemasynth.conditions import CheckEngine, broken, examined
from schemasynth.model import Check, SqlType, TypeFamily
from schemasynth.plan import make_plan, read_plan, write_plan
from schemasynth.plan.model import RefreshPlan
from schemasynth.rewrite import Prepared, Restored, prepare, restore
from schemasynth.testing.standin import generate

F = TypeFamily
TYPES = {
    "credit": SqlType("INTEGER", F.INTEGER),
    "status": SqlType("VARCHAR(5)", F.TEXT, length=5),
    "price": SqlType("NUMERIC(10,2)", F.DECIMAL, precision=10, scale=2),
    "code": SqlType("TEXT", F.TEXT),
    "day": SqlType("DATE", F.DATE),
    "order": SqlType("INTEGER", F.INTEGER),
    "flag": SqlType("BOOLEAN", F.BOOLEAN),
    "at": SqlType("TIMESTAMP", F.DATETIME),
}
ROWS = {
    "credit": pa.array([1, -1, None]),
    "status": pa.array(["a", "z", None]),
    "price": pa.array([Decimal("1.50"), Decimal("2.00"), None], pa.decimal128(10, 2)),
    "code": pa.array(["a1", "b", "c"]),
    "day": pa.array([date(1970, 1, 2), date(2024, 1, 1), None]),
    "order": pa.array([7, 2, 3]),
    "flag": pa.array([True, False, None]),
    "at": pa.array([0, 10**15, None], pa.timestamp("us")),
}


@pytest.mark.parametrize(
    ("dialect", "sql", "refused"),
    [
        ("postgresql", "((credit >= (0)::numeric))", [1]),
        ("postgresql", "((status)::text = ANY ((ARRAY['a'::character varying])::text[]))", [1]),
        ("postgresql", "(code ~ '[0-9]'::text)", [1, 2]),
        ("postgresql", "(btrim(code) <> 'b'::text)", [1]),
        ("postgresql", "(day > '2000-01-01'::date)", [0]),
        ("postgresql", '("order" / 2 = 3)', [1, 2]),
        ("postgresql", "((price >= 1.6) OR (status IS NULL))", [0]),
        ("postgresql", "flag", [1]),
        ("mysql", "(`order` / 2) = 3.5", [1, 2]),
        ("mysql", "`status` in ('a','b')", [1]),
        ("oracle", '"CREDIT" >= 0', [1]),
        ("sqlite", "[order] % 2 = 0", [0, 2]),
        ("sqlite", "\"day\" > '2000-01-01'", [0]),
        ("sqlite", "at < '1990-01-01 00:00:00'", [1]),
        ("sqlite", "price >= 1.6", [0]),
        ("sqlite", "code GLOB 'a*'", [1, 2]),
        ("sqlite", "typeof(price) = 'real'", [1, 2]),
        ("sqlite", "status IN ('a') AND credit > 0", [1]),
    ],
)
def test_the_engine_says_what_is_refused(dialect: str, sql: str, refused: list[int]) -> None:
    condition = examined(sql, dialect, TYPES, "name")
    assert condition.engine is not CheckEngine.TARGET, condition.reason
    found = broken(condition, TYPES, {name: ROWS[name] for name in condition.columns})
    assert [i for i, bad in enumerate(found) if bad and ROWS["code"][i] is not None] == refused


@pytest.mark.parametrize(
    ("dialect", "sql", "why"),
    [
        ("postgresql", "nosuch > 0", "one that the table has not"),
        ("postgresql", "code SIMILAR TO 'a'", "SIMILAR TO"),
        ("postgresql", "own_function(code)", "own_function"),
        ("mysql", "json_schema_valid('{}', code)", "json_schema_valid"),
        ("oracle", "credit >", "cannot read"),
        ("sqlite", "regexp_like(code, 'a')", "regexp_like"),
        ("sqlite", "1 = 1", "names no column"),
    ],
)
def test_what_no_engine_here_can_evaluate_is_said(dialect: str, sql: str, why: str) -> None:
    condition = examined(sql, dialect, TYPES)
    assert condition.engine is CheckEngine.TARGET
    assert why in condition.reason
    assert condition.sql == sql


CHECKS = {
    "visit": (
        "ends >= starts",
        "state IN ('open', 'done', 'void')",
        "(state = 'done') = (closed IS NOT NULL)",
        "amount BETWEEN 0 AND 500",
        "state <> 'void' OR amount = 0",
        "length(code) = 6",
    ),
    "line": ("line_no > 0", "price * quantity = total", "[date] > '2001-01-01'"),
}


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A database whose CHECKs are about several columns at once."""
    rng = np.random.default_rng(3)
    path = tmp_path / "clinic.sqlite"
    visit, line = (", ".join(f"CHECK ({sql})" for sql in CHECKS[name]) for name in CHECKS)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE visit (id INTEGER PRIMARY KEY, code TEXT NOT NULL, starts DATE NOT NULL, "
            "ends DATE NOT NULL, state TEXT NOT NULL, closed DATE, amount INTEGER NOT NULL, "
            f"{visit}); CREATE TABLE line (visit_id INTEGER NOT NULL REFERENCES visit, "
            "line_no INTEGER NOT NULL, price INTEGER NOT NULL, quantity INTEGER NOT NULL, "
            f"total INTEGER, date DATE NOT NULL, PRIMARY KEY (visit_id, line_no), {line});"
        )
        for number in range(1, 401):
            start = date(2020, 1, 1) + timedelta(days=int(rng.integers(900)))
            end = start + timedelta(days=int(rng.integers(20)))
            state = str(rng.choice(["open", "done", "void"]))
            connection.execute(
                "INSERT INTO visit VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    number,
                    f"AB{rng.integers(10**4):04d}",
                    start.isoformat(),
                    end.isoformat(),
                    state,
                    end.isoformat() if state == "done" else None,
                    0 if state == "void" else int(rng.integers(1, 500)),
                ),
            )
            for place in range(1, int(rng.integers(2, 4))):
                price, quantity = int(rng.integers(1, 9)), int(rng.integers(1, 5))
                values = (number, place, price, quantity, price * quantity, end.isoformat())
                connection.execute("INSERT INTO line VALUES (?, ?, ?, ?, ?, ?)", values)
        connection.commit()
    return path


def careless(prepared: Prepared, seed: int) -> dict[str, pd.DataFrame]:
    """Return what a generator would that has learned each column, but nothing between them."""
    specs = {table.name: table for table in prepared.tables}
    result = {}
    for name, made in generate(prepared, seed).items():
        columns = {str(c): array(made, str(c)) for c in made.columns}
        for column in specs[name].columns:
            order = generator(seed, name, column.name).permutation(len(made))
            columns[column.name] = columns[column.name].take(pa.array(order))
        result[name] = frame(columns, len(made))
    return result


def failing(restored: Restored) -> Mapping[str, int]:
    """Count the rows that SQLite itself refuses."""
    found = {}
    with closing(sqlite3.connect(":memory:")) as connection:
        for name, checks in CHECKS.items():
            rows = restored.frames[name]
            texts = rows.astype(object).where(rows.notna(), None)
            for column in ("starts", "ends", "closed", "date"):
                if column in texts:
                    texts[column] = [None if v is None else str(v)[:10] for v in texts[column]]
            texts.to_sql(name, connection, index=False)
            for sql in checks:
                query = f"SELECT count(*) FROM {name} WHERE NOT ({sql})"
                found[sql] = connection.execute(query).fetchone()[0]
    return found


def without_checks(plan: RefreshPlan) -> RefreshPlan:
    return replace(plan, rules=(), tables=tuple(replace(t, checks=()) for t in plan.tables))


@pytest.mark.parametrize("seed", range(5))
def test_no_row_is_refused_although_columns_do_not_agree(clinic: Path, seed: int) -> None:
    schema, frames = read(clinic)
    plan = make_plan(schema, frames, source="clinic")
    assert sum(len(table.checks) for table in plan.tables) == 9
    assert read_plan(write_plan(plan)) == plan
    outcomes = []
    for one in (without_checks(plan), plan):
        prepared = prepare(one, frames, seed)
        restored = restore(one, careless(prepared, seed), stored(prepared.kept), seed)
        outcomes.append(failing(restored))
        changed = [r for r in restored.repairs if "CHECK" in r.what]
    assert sum(outcomes[0].values()) > 100
    assert set(outcomes[1].values()) == {0}, outcomes[1]
    assert {repair.what for repair in changed} == {"changed so that CHECKs hold"}
    assert {len(restored.frames[name]) for name in ("visit",)} == {400}


def test_the_plan_says_what_only_the_target_can_evaluate(clinic: Path) -> None:
    schema, frames = read(clinic)
    tables = tuple(
        replace(t, checks=(Check("own(code) > 0", "mine"),)) if t.name.name == "visit" else t
        for t in schema
    )
    plan = make_plan(replace(schema, tables=tables), frames, source="clinic")
    assert [n for n in plan.notes if n.startswith("CHECK mine of visit can only be evaluated by")]
    assert read_plan(write_plan(plan)) == plan


def test_what_cannot_be_mended_is_reported(clinic: Path) -> None:
    schema, frames = read(clinic)
    plan = make_plan(schema, frames, source="clinic")
    visit = next(t for t in plan.tables if t.name.name == "visit")
    never = examined("amount < 0", "sqlite", {c.name: c.type for c in visit.columns}, "never")
    edited = replace(visit, checks=(never,))
    plan = replace(plan, tables=tuple(edited if t is visit else t for t in plan.tables))
    prepared = prepare(plan, frames, 1)
    repairs = restore(plan, generate(prepared, 2), stored(prepared.kept), 3).repairs
    assert [r.rows for r in repairs if r.what == "CHECK never: could not be kept"] == [400]
