"""Each kind of check finds the violation planted for it, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from schemasynth.errors import IntegrityError
from schemasynth.model import (
    Check,
    Column,
    ConstraintState,
    ForeignKey,
    Origin,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
    UniqueKey,
)
from schemasynth.settings import database_url
from schemasynth.verify import CheckKind, IntegrityReport, check_integrity, require
from schemasynth_adapters.sqlite import SQLiteAdapter

INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
ODD = 'Línea "n°" 100% .x'
PARENT, CHILD = TableName("parent"), TableName(ODD)
SCHEMA = Schema(
    "sqlite",
    "planted",
    (
        Table(
            PARENT,
            (
                Column("a", INTEGER, nullable=False),
                Column("b", INTEGER, nullable=False),
                Column("code", INTEGER),
                Column("lock", INTEGER, nullable=False),
            ),
            PrimaryKey(("a", "b")),
            (UniqueKey(("code",)),),
            checks=(Check("lock % 2 = 0", "even"),),
        ),
        Table(
            CHILD,
            (Column("Select", INTEGER), Column("b", INTEGER), Column("code", INTEGER)),
            foreign_keys=(
                ForeignKey(("Select", "b"), PARENT, ("a", "b"), origin=Origin.INFERRED),
                ForeignKey(("code",), PARENT, ("code",)),
            ),
        ),
    ),
)
GOOD_PARENTS = [(1, 1, 10, 0), (1, 2, None, 2), (2, 1, None, 4)]
GOOD_CHILDREN = [(1, 2, 10), (9, None, None), (None, 9, 10)]


def verified(
    folder: Path,
    parents: list[tuple[object, ...]] = [],  # noqa: B006 only read
    children: list[tuple[object, ...]] = [],  # noqa: B006 only read
    schema: Schema = SCHEMA,
) -> IntegrityReport:
    path = folder / "planted.sqlite"
    odd = ODD.replace('"', '""')
    with sqlite3.connect(path) as connection:
        connection.execute('CREATE TABLE parent (a, b, code, "lock")')
        connection.execute(f'CREATE TABLE "{odd}" ("Select", b, code)')
        insert = "INSERT INTO parent VALUES (?, ?, ?, ?)"
        connection.executemany(insert, GOOD_PARENTS + parents)
        connection.executemany(f'INSERT INTO "{odd}" VALUES (?, ?, ?)', GOOD_CHILDREN + children)
    with SQLiteAdapter().target(database_url(str(path))) as target:
        return check_integrity(target, schema)


def test_sound_rows_pass_every_check(tmp_path: Path) -> None:
    report = verified(tmp_path)
    assert report.ok
    assert report.violations == {}
    require(report)
    kinds = [result.kind for result in report.results]
    assert {kind: kinds.count(kind) for kind in CheckKind} == {
        CheckKind.NOT_NULL: 3,
        CheckKind.PRIMARY_KEY: 1,
        CheckKind.UNIQUE: 1,
        CheckKind.FOREIGN_KEY: 2,
        CheckKind.CHECK: 1,
    }
    assert {result.rows for result in report.results} == {3}


@pytest.mark.parametrize(
    ("parents", "children", "expected"),
    [
        ([(1, 1, None, 0), (1, 1, None, 0)], [], {"primary key parent(a, b)": 2}),
        ([(None, 7, None, 0)], [], {"not null parent(a)": 1}),
        ([(3, 3, None, None)], [], {"not null parent(lock)": 1}),
        ([(3, 3, 10, 0), (4, 4, 10, 0)], [], {"unique parent(code)": 2}),
        ([(3, 3, None, 1)], [], {"check parent(even)": 1}),
        ([], [(2, 2, None)], {f"foreign key {ODD}(Select, b) -> parent(a, b)": 1}),
        ([], [(1, 1, 11)] * 2, {f"foreign key {ODD}(code) -> parent(code)": 2}),
    ],
)
def test_each_kind_finds_what_is_planted_for_it(
    tmp_path: Path,
    parents: list[tuple[object, ...]],
    children: list[tuple[object, ...]],
    expected: dict[str, int],
) -> None:
    report = verified(tmp_path, parents, children)
    assert report.violations == expected
    assert not report.ok
    with pytest.raises(IntegrityError) as caught:
        require(report)
    assert caught.value.violations == expected
    assert caught.value.exit_code == 1
    assert all(name in str(caught.value) for name in expected)


def test_nulls_repeat_no_key(tmp_path: Path) -> None:
    assert verified(tmp_path, [(5, 5, None, 0), (6, 6, None, 0)]).ok


def test_claims_are_not_checked_as_facts(tmp_path: Path) -> None:
    claim = Check("lock > 99", "claim", ConstraintState(validated=False))
    parent = replace(SCHEMA.tables[0], checks=(claim,))
    assert verified(tmp_path, schema=SCHEMA.with_tables([parent])).ok


def test_checks_of_another_dialect_are_not_run(tmp_path: Path) -> None:
    foreign = replace(SCHEMA, dialect="oracle")
    report = verified(tmp_path, [(3, 3, None, 1)], schema=foreign)
    assert report.ok
    assert CheckKind.CHECK not in {result.kind for result in report.results}


def test_a_reference_out_of_the_schema_is_left_out(tmp_path: Path) -> None:
    alone = replace(SCHEMA, tables=SCHEMA.tables[1:])
    assert verified(tmp_path, schema=alone).results == ()


def test_the_report_is_json_with_origins(tmp_path: Path) -> None:
    found = json.loads(json.dumps(verified(tmp_path, children=[(2, 2, None)]).to_dict()))
    assert (found["ok"], found["violations"]) == (False, 1)
    (broken,) = (check for check in found["checks"] if check["violations"])
    assert broken["origin"] == "inferred"
    assert broken["columns"] == ["Select", "b"]
    assert broken["milliseconds"] >= 0


def test_not_null_has_the_origin_of_the_key_that_demands_it(tmp_path: Path) -> None:
    parent = SCHEMA.table(PARENT)
    columns = tuple(
        replace(column, nullable=True) if column.name == "b" else column
        for column in parent.columns
    )
    key = PrimaryKey(("a", "b"), origin=Origin.INFERRED)
    schema = SCHEMA.with_tables([replace(parent, columns=columns, primary_key=key)])
    results = verified(tmp_path, schema=schema).results
    origins = {r.columns: r.origin for r in results if r.kind is CheckKind.NOT_NULL}
    assert origins[("a",)] is Origin.DECLARED
    assert origins[("b",)] is Origin.INFERRED
