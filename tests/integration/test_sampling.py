"""Samples of real and generated databases: no orphans, all children, nothing twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemasynth.arrays import array
from schemasynth.model import Schema, TableName
from schemasynth.plan.model import ColumnTreatment, Role
from schemasynth.rewrite import prepare_each, restore
from schemasynth.rewrite.prepared import Prepared
from schemasynth.rewrite.sizes import law_name
from schemasynth.settings import database_url
from schemasynth.testing.standin import generate
from schemasynth_adapters.generic import GenericAdapter
from tests.integration.chinook import create_chinook
from tests.integration.sampled import Sampled, faults, sampled
from tests.unit.test_rewrite_properties import sources

TENTH = 10
FEW = 3
"""Subjects that are read at least here: most databases are small."""


def tenth(path: Path, folder: Path, seed: int = 1) -> Sampled:
    import sqlite3

    with sqlite3.connect(path) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        quoted = ['"' + name.replace('"', '""') + '"' for (name,) in names]
        counts = [connection.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in quoted]
    return sampled(str(path), folder, max(max(counts) // TENTH, 1), seed=seed)


def rows_of(found: Sampled, name: str) -> set[tuple[object, ...]]:
    rows = found.read.rows[name]
    return set(zip(*(array(rows, c).to_pylist() for c in rows.columns), strict=True))


def test_all_of_keybench(keybench: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemasynth.sampling.MIN_SUBJECTS", FEW)
    failed: dict[str, list[str]] = {}
    smaller = 0
    paths = sorted(keybench.rglob("*.declared.sqlite"))
    for number, path in enumerate(paths):
        found = tenth(path, tmp_path / str(number))
        smaller += min(found.sample.shares.values()) < 1
        if wrong := list(faults(found)):
            failed[path.parent.name] = wrong
    assert failed == {}
    assert len(paths) > 70
    assert smaller > 40


def test_equal_seeds_choose_equal_rows(data: Path, tmp_path: Path) -> None:
    path = data / "chinook" / "chinook.declared.sqlite"
    one, two, other = (tenth(path, tmp_path / str(i), seed) for i, seed in enumerate((1, 1, 2)))
    names = [str(table.name) for table in one.schema]
    assert all(rows_of(one, name) == rows_of(two, name) for name in names)
    assert any(rows_of(one, name) != rows_of(other, name) for name in names)


def test_the_generic_adapter_chooses_the_same_rows(data: Path, tmp_path: Path) -> None:
    path = data / "chinook" / "chinook.declared.sqlite"
    own = sampled(str(path), tmp_path / "own", 500)
    other = sampled(str(path), tmp_path / "other", 500, adapter=GenericAdapter())
    assert list(faults(other)) == []
    key = {str(t.name): t.primary_key.columns for t in own.schema if t.primary_key}
    for name, columns in key.items():
        one, two = own.read.rows[name], other.read.rows[name]
        for column in columns:
            assert sorted(array(one, column).to_pylist()) == sorted(array(two, column).to_pylist())


def test_postgresql(postgresql_database: str, tmp_path: Path) -> None:
    create_chinook(postgresql_database)
    found = sampled(postgresql_database, tmp_path / "w", 500)
    assert list(faults(found)) == []
    invoice = TableName("InvoiceLine")
    assert found.sample.shares[invoice] < 1
    assert 0 < len(found.read.rows["InvoiceLine"]) < len(found.whole["InvoiceLine"])


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """People with orders and a boss, orders of products, lines; much of it."""
    rng = np.random.default_rng(3)
    people, orders = 4_000, 20_000
    boss = (rng.random(people) * np.arange(people)).astype(int) + 1
    frames = {
        "person": pd.DataFrame({"id": np.arange(1, people + 1), "boss": boss}),
        "product": pd.DataFrame({"code": [f"P{i:04d}" for i in range(3_000)]}),
        "orders": pd.DataFrame(
            {"id": np.arange(orders), "person": (rng.random(orders) ** 2 * people).astype(int) + 1}
        ),
    }
    frames["person"]["boss"] = frames["person"]["boss"].where(np.arange(people) > 4)
    frames["orders"]["product"] = [
        f"P{i:04d}" for i in (rng.random(orders) ** 2 * 3_000).astype(int)
    ]
    frames["orders"]["kind"] = rng.choice(["a", "b", "c"], orders)
    path = tmp_path / "shop.sqlite"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for statement in (
            "CREATE TABLE person (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES person)",
            "CREATE TABLE product (code TEXT PRIMARY KEY NOT NULL)",
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES "
            "person, product TEXT NOT NULL REFERENCES product, kind TEXT)",
        ):
            connection.execute(sa.text(statement))
        for name, frame in frames.items():
            frame.to_sql(name, connection, if_exists="append", index=False)
    engine.dispose()
    return path


def test_a_sample_is_prepared_like_the_whole(shop: Path, tmp_path: Path) -> None:
    """Laws, forests and key values are the whole source's, whatever was read of its rows."""
    found = sampled(str(shop), tmp_path / "w", 2_000)
    assert list(faults(found)) == []
    assert {n: round(s, 2) for n, s in found.sample.shares.items()} == {
        TableName("person"): 0.1,
        TableName("orders"): 0.1,
        TableName("product"): 0.67,
    }
    assert abs(found.read.chosen["person"] - 400) <= 8
    prepared, kept = _prepared(found)
    restored = restore(found.plan, generate(prepared, 3), kept, 4)
    for table in found.plan.tables:
        rows, old = restored.frames[str(table.name)], found.whole[str(table.name)]
        assert abs(len(rows) - len(old)) <= 0.1 * len(old), table.name
        key = table.primary_key[0]
        assert not rows[key].isin(old[key]).any()
        assert not rows[key].duplicated().any()
    new, old = restored.frames["orders"], found.whole["orders"]
    made, wanted = (f["product"].value_counts().to_numpy() for f in (new, old))
    assert abs(len(made) - len(wanted)) <= 0.1 * len(wanted)
    assert abs(made.max() - wanted.max()) <= 0.1 * wanted.max()
    forest = kept["forest:person:0"]
    assert len(forest) == len(found.whole["person"])
    counted = found.read.laws[law_name(found.plan.table(TableName("orders")), 1)]
    assert (counted["children"] * counted["parents"]).sum() == len(old)
    assert counted["parents"].sum() == len(found.whole["product"])


def _prepared(found: Sampled) -> tuple[Prepared, dict[str, pd.DataFrame]]:
    frames: dict[str, pd.DataFrame] = {}
    kept: dict[str, pd.DataFrame] = {}
    tables = prepare_each(found.plan, found.read, 1, frames.__setitem__, kept.__setitem__)
    return Prepared(tables, frames), kept


def in_one_schema(
    schema: Schema, frames: dict[str, pd.DataFrame]
) -> tuple[Schema, dict[str, pd.DataFrame]]:
    """Return the tables under names that a SQLite file can hold."""
    names = {table.name: TableName(f"t{place}") for place, table in enumerate(schema)}
    tables = tuple(
        replace(
            table,
            name=names[table.name],
            foreign_keys=tuple(
                replace(key, referred=names[key.referred]) for key in table.foreign_keys
            ),
        )
        for table in schema
    )
    return replace(schema, tables=tables), {str(names[t.name]): frames[str(t.name)] for t in schema}


def write(schema: Schema, frames: dict[str, pd.DataFrame], path: Path) -> None:
    path.unlink(missing_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        for table in schema:
            columns = ", ".join(f'"{c.name}" {c.type.sql}' for c in table.columns)
            connection.execute(sa.text(f'CREATE TABLE "{table.name}" ({columns})'))
            rows = frames[str(table.name)]
            texts = {c.name: rows[c.name].map(_stored, na_action="ignore") for c in table.columns}
            plain = pd.DataFrame(texts, dtype=object)
            plain = plain.where(plain.notna(), None)
            plain.to_sql(str(table.name), connection, if_exists="append", index=False)
    engine.dispose()


def _stored(value: object) -> object:
    return value if isinstance(value, int) else str(value)


@settings(
    max_examples=30,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(source=sources(), limit=st.sampled_from([1, 5, 30]), seed=st.integers(0, 1000))
def test_any_schema(
    source: tuple[Schema, dict[str, pd.DataFrame]],
    limit: int,
    seed: int,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("schemasynth.sampling.MIN_SUBJECTS", FEW)
    schema, frames = in_one_schema(*source)
    folder = tmp_path_factory.mktemp("any")
    write(schema, frames, folder / "source.sqlite")
    url = database_url(str(folder / "source.sqlite"))
    found = sampled(url, folder / "w", limit, seed=seed, schema=schema)
    assert list(faults(found)) == []
    prepared, kept = _prepared(found)
    restored = restore(found.plan, generate(prepared, seed), kept, seed)
    for table in schema:
        planned, new = found.plan.table(table.name), restored.frames[str(table.name)]
        old = found.whole[str(table.name)]
        for key in table.candidate_keys:
            assert not new[list(key)].dropna().duplicated().any(), (table.name, key)
            made = len(key) == 1 and planned.column(key[0]).treatment is ColumnTreatment.KEY
            if made and planned.role is not Role.REFERENCE:
                assert not new[key[0]].dropna().isin(old[key[0]].dropna()).any()
        for foreign in table.foreign_keys:
            child = pd.MultiIndex.from_frame(new[list(foreign.columns)].dropna())
            there = restored.frames[str(foreign.referred)][list(foreign.referred_columns)]
            assert child.isin(pd.MultiIndex.from_frame(there.dropna())).all(), foreign
