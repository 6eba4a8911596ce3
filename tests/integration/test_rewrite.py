"""There and back: with a generator that only permutes rows, every constraint holds again."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from schemasynth.adapter import adapter_for, count_rows
from schemasynth.model import Schema, Table, TableName
from schemasynth.plan import check_plan, make_plan, resized
from schemasynth.plan.model import ColumnTreatment, RefreshPlan, Role, TablePlan
from schemasynth.reading import read_frames
from schemasynth.rewrite import Restored, prepare, restore
from schemasynth.rewrite.hierarchy import depths
from schemasynth.settings import database_url
from schemasynth.testing.standin import generate

DATABASES = ("chinook", "northwind", "oracle_co", "oracle_hr_oe", "pubs", "world")


def read(path: Path) -> tuple[Schema, dict[str, pd.DataFrame]]:
    url = database_url(str(path))
    with adapter_for(url).source(url) as source:
        schema = count_rows(source, source.reflect())
        return schema, read_frames(source, schema)


def there_and_back(
    path: Path, seed: int = 1
) -> tuple[Schema, RefreshPlan, dict[str, pd.DataFrame], Restored]:
    schema, frames = read(path)
    plan = make_plan(schema, frames, source="test")
    check_plan(plan, schema)
    prepared = prepare(plan, frames, seed)
    synthetic = generate(prepared, seed + 1)
    return schema, plan, frames, restore(plan, synthetic, prepared.kept, seed + 2)


def problems(
    schema: Schema, plan: RefreshPlan, frames: dict[str, pd.DataFrame], restored: Restored
) -> list[str]:
    """Return what does not hold of the restored rows."""
    found: list[str] = []
    for table in schema:
        new, old = restored.frames[str(table.name)], frames[str(table.name)]
        if len(new) != len(old):
            found.append(f"{table.name}: {len(old)} rows became {len(new)}")
        if list(new.dtypes) != list(old[new.columns].dtypes):
            found.append(f"{table.name}: other types")
        required = [c.name for c in table.columns if not c.nullable and c.name in new]
        gone = new[required].isna().any() & ~old[required].isna().any()
        found += [f"{table.name}.{name}: NULL" for name in gone.index[gone]]
        found += _key_problems(table, plan.table(table.name), old, new)
        found += _reference_problems(table, restored)
    return found


def _key_problems(
    table: Table, planned: TablePlan, old: pd.DataFrame, new: pd.DataFrame
) -> Iterator[str]:
    for key in table.candidate_keys:
        if new[list(key)].dropna().duplicated().any():
            yield f"{table.name}{key}: not unique"
        made = planned.role is not Role.REFERENCE and len(key) == 1
        made = made and planned.column(key[0]).treatment is ColumnTreatment.KEY
        if made and new[key[0]].dropna().isin(old[key[0]]).any():
            yield f"{table.name}{key}: a key of the source"


def _reference_problems(table: Table, restored: Restored) -> Iterator[str]:
    for foreign in table.foreign_keys:
        child = restored.frames[str(table.name)][list(foreign.columns)].dropna()
        parent = restored.frames[str(foreign.referred)][list(foreign.referred_columns)]
        if not set(_texts(child)) <= set(_texts(parent)):
            yield f"{table.name}{foreign.columns}: orphans"


def _texts(frame: pd.DataFrame) -> list[tuple[str, ...]]:
    rows = frame.astype(object).itertuples(index=False)
    return [tuple(str(v).removesuffix(".0") for v in row) for row in rows]


@pytest.mark.parametrize("name", DATABASES)
def test_constraints_hold_again(data: Path, name: str) -> None:
    assert problems(*there_and_back(data / name / f"{name}.declared.sqlite")) == []


def test_all_of_keybench(keybench: Path) -> None:
    failed = {}
    for path in sorted(keybench.rglob("*.declared.sqlite")):
        found = problems(*there_and_back(path))
        if found:
            failed[path.parent.name] = found
    assert failed == {}


def test_null_shares_are_the_sources(data: Path) -> None:
    schema, _, frames, restored = there_and_back(data / "oracle_hr_oe/oracle_hr_oe.declared.sqlite")
    for table in schema:
        for key in table.foreign_keys:
            old = frames[str(table.name)][list(key.columns)].isna().any(axis=1).sum()
            new = restored.frames[str(table.name)][list(key.columns)].isna().any(axis=1).sum()
            assert old == new, (table.name, key.columns)


def test_a_hierarchy_keeps_its_shape(data: Path) -> None:
    _, _, frames, restored = there_and_back(data / "oracle_hr_oe/oracle_hr_oe.declared.sqlite")

    def shape(frame: pd.DataFrame) -> list[list[int]]:
        rows = {key: i for i, key in enumerate(frame["employee_id"])}
        parents = [rows.get(m, -1) if pd.notna(m) else -1 for m in frame["manager_id"]]
        levels = depths(pd.Series(parents).to_numpy())
        fanout = sorted(pd.Series([p for p in parents if p >= 0]).value_counts())
        return [sorted(levels), fanout]

    assert shape(frames["employees"]) == shape(restored.frames["employees"])


def test_equal_seeds_give_equal_rows(data: Path) -> None:
    path = data / "northwind/northwind.declared.sqlite"
    first, second = there_and_back(path)[3], there_and_back(path)[3]
    for name, frame in first.frames.items():
        pd.testing.assert_frame_equal(frame, second.frames[name])


def test_reference_rows_are_copied(data: Path) -> None:
    _, plan, frames, restored = there_and_back(data / "chinook/chinook.declared.sqlite")
    assert plan.table(TableName("Genre")).role is Role.REFERENCE
    pd.testing.assert_frame_equal(restored.frames["Genre"], frames["Genre"])


def test_empty_tables_stay_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
        CREATE TABLE child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent, note TEXT);
        CREATE TABLE lonely (id INTEGER PRIMARY KEY, lonely INTEGER REFERENCES lonely);
        INSERT INTO child VALUES (1, NULL, 'a'), (2, NULL, 'b');
        INSERT INTO lonely VALUES (7, 7);
        """
    )
    connection.commit()
    schema, plan, frames, restored = there_and_back(path)
    assert problems(schema, plan, frames, restored) == []
    assert {name: len(frame) for name, frame in restored.frames.items()} == {
        "parent": 0,
        "child": 2,
        "lonely": 1,
    }
    assert restored.frames["child"]["parent"].isna().all()


@pytest.mark.parametrize(
    ("name", "scale"), [("chinook", 0.1), ("chinook", 3.0), ("northwind", 3.0)]
)
def test_sizes_are_the_planned_ones(data: Path, name: str, scale: float) -> None:
    schema, frames = read(data / name / f"{name}.declared.sqlite")
    plan = resized(make_plan(schema, frames, source="test"), scale)
    prepared = prepare(plan, frames, 1)
    restored = restore(plan, generate(prepared, 2), prepared.kept, 3)
    for table in plan.tables:
        rows = len(restored.frames[str(table.name)])
        assert abs(rows - table.size) <= max(1, 0.1 * table.size), (table.name, table.size)
    assert [p for t in schema for p in _reference_problems(t, restored)] == []
