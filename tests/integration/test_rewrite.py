"""There and back: with a generator that only permutes rows, every constraint holds again."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from constraints import violations
from there_and_back import Trip, read, there_and_back

from schemasynth.arrays import NONE, array, lookup
from schemasynth.generator import GeneratorSettings, emit
from schemasynth.model import ForeignKey, TableName
from schemasynth.plan.model import Role
from schemasynth.rewrite import outline
from schemasynth.rewrite.forest import depths

DATABASES = ("chinook", "northwind", "oracle_co", "oracle_hr_oe", "pubs", "world")


def trip(path: Path, scale: float = 1.0) -> Trip:
    return there_and_back(*read(path), scale=scale)


@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
@pytest.mark.parametrize("name", ["chinook", "berka"])
def test_tables_have_the_planned_number_of_rows(keybench: Path, name: str, scale: float) -> None:
    there = trip(keybench / name / f"{name}.declared.sqlite", scale)
    for table in there.plan.tables:
        rows = len(there.restored.frames[str(table.name)])
        assert rows == pytest.approx(table.size, rel=0.1), table.name
        if table.role is not Role.REFERENCE:
            assert table.size == pytest.approx(scale * table.rows, rel=0.1, abs=1), table.name


@pytest.mark.parametrize("name", DATABASES)
def test_constraints_hold_again(data: Path, name: str) -> None:
    assert violations(trip(data / name / f"{name}.declared.sqlite")) == []


def test_all_of_keybench(keybench: Path) -> None:
    """Every constraint holds again, and the SDK's own model takes the configuration."""
    from mostlyai.sdk.domain import GeneratorConfig

    failed, paths = {}, sorted(keybench.rglob("*.declared.sqlite"))
    for path in paths:
        there = trip(path)
        tables = there.prepared.tables
        config = emit(tables, GeneratorSettings()).config
        accepted = GeneratorConfig.model_validate(config)
        assert len(accepted.tables) == len(tables), path.parent.name
        assert [t.name for t in outline(there.plan)] == [t.name for t in tables]
        found = violations(there)
        if found:
            failed[path.parent.name] = found
    assert len(paths) > 70
    assert failed == {}


def test_null_shares_are_the_sources(data: Path) -> None:
    there = trip(data / "oracle_hr_oe/oracle_hr_oe.declared.sqlite")
    frames, restored = there.frames, there.restored
    for table in there.schema:
        for key in table.foreign_keys:
            old = frames[str(table.name)][list(key.columns)].isna().any(axis=1).sum()
            new = restored.frames[str(table.name)][list(key.columns)].isna().any(axis=1).sum()
            assert old == new, (table.name, key.columns)


@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize("name", ["chinook", "northwind", "oracle_hr_oe"])
def test_a_hierarchy_keeps_its_shape(data: Path, name: str, scale: float) -> None:
    there = trip(data / name / f"{name}.declared.sqlite", scale)
    found = 0
    for table in there.schema:
        for key in (k for k in table.foreign_keys if k.referred == table.name):
            found += 1
            old, new = (
                shape(frames[str(table.name)], key)
                for frames in (there.frames, there.restored.frames)
            )
            assert new["levels"] == {level: n * scale for level, n in old["levels"].items()}
            assert new["fans"] == {fan: n * scale for fan, n in old["fans"].items()}
    assert found


def shape(frame: pd.DataFrame, key: ForeignKey) -> dict[str, Counter[int]]:
    """Return how many rows stand at each depth, and how many have so many children."""
    parents = lookup(
        [array(frame, c) for c in key.columns], [array(frame, c) for c in key.referred_columns]
    )
    fans = np.bincount(parents[parents != NONE])
    return {"levels": Counter(depths(parents).tolist()), "fans": Counter(fans[fans > 0].tolist())}


def test_equal_seeds_give_equal_rows(data: Path) -> None:
    path = data / "northwind/northwind.declared.sqlite"
    first, second = trip(path).restored, trip(path).restored
    for name, frame in first.frames.items():
        pd.testing.assert_frame_equal(frame, second.frames[name])


def test_reference_rows_are_copied(data: Path) -> None:
    there = trip(data / "chinook/chinook.declared.sqlite")
    assert there.plan.table(TableName("Genre")).role is Role.REFERENCE
    pd.testing.assert_frame_equal(there.restored.frames["Genre"], there.frames["Genre"])


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
    there = trip(path)
    restored = there.restored
    assert violations(there) == []
    assert {name: len(frame) for name, frame in restored.frames.items()} == {
        "parent": 0,
        "child": 2,
        "lonely": 1,
    }
    assert restored.frames["child"]["parent"].isna().all()
