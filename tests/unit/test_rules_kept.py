"""Rules of the source hold on restored rows, even where the generator has mixed up all columns."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from planted_rules import Planted, planted
from there_and_back import read

from schemasynth.arrays import array, frame
from schemasynth.infer.rules import discover_rules
from schemasynth.model.rules import Rule
from schemasynth.plan import check_plan, make_plan, read_plan, write_plan
from schemasynth.plan.model import RefreshPlan
from schemasynth.rewrite import Prepared, Restored, prepare, restore
from schemasynth.rewrite.rulefix import standing
from schemasynth.rewrite.rulestate import Tables
from schemasynth.testing.standin import generate


def mixed_up(prepared: Prepared, seed: int) -> dict[str, pd.DataFrame]:
    """Generate rows whose columns have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    synthetic = dict(generate(prepared, seed))
    for table in prepared.tables:
        rows = synthetic[table.name]
        learned = {column.name for column in table.columns}
        columns = {
            name: array(rows, name).take(pa.array(rng.permutation(len(rows))))
            if name in learned
            else array(rows, name)
            for name in rows.columns
        }
        synthetic[table.name] = frame(columns, len(rows))
    return synthetic


def refreshed(source: Planted, rules: tuple[Rule, ...]) -> tuple[RefreshPlan, Prepared, Restored]:
    schema = replace(source.schema, rules=rules)
    plan = make_plan(schema, source.frames, source="test")
    check_plan(plan, schema)
    assert read_plan(write_plan(plan)) == plan
    prepared = prepare(plan, source.frames, 1)
    return plan, prepared, restore(plan, mixed_up(prepared, 2), prepared.kept, 3)


def shares(plan: RefreshPlan, frames: Mapping[str, pd.DataFrame], prepared: Prepared) -> dict:
    """Return the share of rows that break each rule, and the share in the source."""
    columns = {n: {c: array(rows, c) for c in rows.columns} for n, rows in frames.items()}
    known = {
        str(rule.id): prepared.kept[f"rule:{rule.id}"]
        for rule in plan.rules
        if f"rule:{rule.id}" in prepared.kept
    }
    tables = Tables(plan, columns, {n: len(rows) for n, rows in frames.items()}, known)
    allowed = prepared.kept["rules"].set_index("rule")["share"]
    result = {}
    for rule in plan.rules:
        now = standing(rule, tables)
        result[rule.id] = now.broken.sum() / max(now.applies.sum(), 1), allowed[str(rule.id)]
    return result


@pytest.mark.parametrize("seed", range(3))
def test_a_rule_without_exceptions_holds_on_all_rows(seed: int) -> None:
    source = planted(seed)
    rules = discover_rules(source.schema, source.frames)
    plan, prepared, restored = refreshed(source, rules)
    found = shares(plan, restored.frames, prepared)
    assert {rule: pair for rule, pair in found.items() if pair[0] > 0} == {}
    assert not [r for r in restored.repairs if "could not" in r.what]


@pytest.mark.parametrize("seed", range(3))
def test_a_rule_with_exceptions_holds_on_about_as_many(seed: int) -> None:
    source = planted(seed, 0.01)
    rules = discover_rules(source.schema, source.frames)
    plan, prepared, restored = refreshed(source, rules)
    found = shares(plan, restored.frames, prepared)
    assert len(found) == len(rules)
    assert {rule: (s, a) for rule, (s, a) in found.items() if s > a + 0.005} == {}


def test_two_columns_that_determine_a_third_do_not_fight(tmp_path: Path) -> None:
    """A customer has one name and several addresses, each of them with one name too."""
    database = tmp_path / "orders.sqlite"
    rng = np.random.default_rng(4)
    customers = rng.integers(1, 41, 800)
    streets = customers * 10 + rng.integers(0, 3, 800)
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            "CREATE TABLE customer (id INTEGER PRIMARY KEY, size INTEGER);"
            "CREATE TABLE bill (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL "
            "REFERENCES customer, branch TEXT, site TEXT, amount INTEGER)"
        )
        connection.executemany(
            "INSERT INTO customer VALUES (?, ?)", [(i, i % 7) for i in range(1, 41)]
        )
        connection.executemany(
            "INSERT INTO bill VALUES (?, ?, ?, ?, ?)",
            [
                (i, int(c), f"B{c}", f"S{s}", int(rng.integers(900)))
                for i, (c, s) in enumerate(zip(customers, streets, strict=True), 1)
            ],
        )
        connection.commit()
    schema, frames = read(database)
    rules = discover_rules(schema, frames)
    wanted = {"determined:bill(customer_id,branch)", "determined:bill(site,branch)"}
    assert wanted <= {str(rule.id) for rule in rules}
    _, _, restored = refreshed(Planted(schema, frames), rules)
    left = {r.what: r.rows for r in restored.repairs if "could not" in r.what}
    changed = sum(r.rows for r in restored.repairs if "changed" in r.what)
    assert left == {}
    assert changed <= 3 * 800


def _kept(database: Path, script: str, rows: Mapping[str, list[tuple]]) -> tuple[set[str], list]:
    """Return the rules of a database, and what of them could not be kept on mixed-up rows."""
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(script)
        for table, content in rows.items():
            marks = ", ".join("?" * len(content[0]))
            connection.executemany(f"INSERT INTO {table} VALUES ({marks})", content)
        connection.commit()
    schema, frames = read(database)
    rules = discover_rules(schema, frames)
    _, _, restored = refreshed(Planted(schema, frames), rules)
    return {str(rule.id) for rule in rules}, [r for r in restored.repairs if "could not" in r.what]


def test_columns_that_determine_each_other_keep_to_it(tmp_path: Path) -> None:
    """A customer has one address, and each address its own code: fewer codes may come out."""
    rng = np.random.default_rng(5)
    customers = [(i, i % 7) for i in range(1, 61)]
    bills = [(i, c := int(rng.integers(1, 61)), f"Way {c}", f"P{c}") for i in range(1, 701)]
    rules, left = _kept(
        tmp_path / "bills.sqlite",
        "CREATE TABLE customer (id INTEGER PRIMARY KEY, size INTEGER);"
        "CREATE TABLE bill (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL "
        "REFERENCES customer, site TEXT, code TEXT)",
        {"customer": customers, "bill": bills},
    )
    assert {"determined:bill(site,code)", "determined:bill(code,site)"} <= rules
    assert left == []


def test_a_copied_parent_is_chosen_anew_where_it_does_not_fit(tmp_path: Path) -> None:
    """All songs of an album have one price, and so have all of a genre."""
    rng = np.random.default_rng(6)
    prices = {i: 0.99 if i % 3 else 1.99 for i in range(1, 301)}
    genres = {0.99: (1, 2, 3, 4), 1.99: (5, 6)}
    songs = [
        (i, a := int(rng.integers(1, 301)), int(rng.choice(genres[prices[a]])), prices[a])
        for i in range(1, 2_001)
    ]
    rules, left = _kept(
        tmp_path / "songs.sqlite",
        "CREATE TABLE genre (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
        "CREATE TABLE album (id INTEGER PRIMARY KEY, year INTEGER);"
        "CREATE TABLE song (id INTEGER PRIMARY KEY, album_id INTEGER NOT NULL REFERENCES album, "
        "genre_id INTEGER NOT NULL REFERENCES genre, price REAL)",
        {
            "genre": [(i, f"genre {i}") for i in range(1, 7)],
            "album": [(i, 1990 + i % 30) for i in range(1, 301)],
            "song": songs,
        },
    )
    assert {"determined:song(album_id,price)", "determined:song(genre_id,price)"} <= rules
    assert left == []
