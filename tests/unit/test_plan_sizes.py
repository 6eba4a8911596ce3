"""Sizes of tables: scaled, set by hand, within what keys and contexts allow."""

from __future__ import annotations

from typing import Any

import pytest

from schemasynth.errors import PlanError
from schemasynth.model import SqlType, TableName, TypeFamily
from schemasynth.plan import check_plan, read_plan, resized, write_plan
from schemasynth.plan.model import (
    ColumnPlan,
    ColumnTreatment,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    KeyFormat,
    KeyKind,
    RefreshPlan,
    Role,
    TablePlan,
)

INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
ID = ColumnPlan(
    "id", INTEGER, False, ColumnTreatment.KEY, key_format=KeyFormat(KeyKind.INTEGER, 1, 9)
)


def to(parent: str, treatment: ForeignKeyTreatment) -> ForeignKeyPlan:
    return ForeignKeyPlan((parent,), TableName(parent), ("id",), treatment, nullable=False)


def table(name: str, role: Role, rows: int, *keys: ForeignKeyPlan, **more: Any) -> TablePlan:
    columns = (
        ID,
        *(ColumnPlan(k.columns[0], INTEGER, False, ColumnTreatment.FOREIGN_KEY) for k in keys),
    )
    given = {"primary_key": ("id",), "columns": columns, "foreign_keys": keys} | more
    return TablePlan(TableName(name), role, rows, rows, **given)


CONTEXT, RESTORED = ForeignKeyTreatment.CONTEXT, ForeignKeyTreatment.RESTORED
PLAN = RefreshPlan(
    "live",
    "f" * 64,
    (
        table("kind", Role.REFERENCE, 7),
        table("person", Role.SUBJECT, 100),
        table("product", Role.SUBJECT, 40),
        table("order", Role.LINKED, 300, to("person", CONTEXT)),
        table("line", Role.LINKED, 900, to("order", CONTEXT), to("product", RESTORED)),
        table(
            "likes",
            Role.LINKED,
            200,
            to("person", CONTEXT),
            to("product", RESTORED),
            primary_key=("person", "product"),
        ),
    ),
)


def sizes(plan: RefreshPlan) -> dict[str, int]:
    return {table.name.name: table.size for table in plan.tables}


def test_without_a_wish_nothing_changes() -> None:
    assert resized(PLAN) == PLAN
    check_plan(PLAN)


@pytest.mark.parametrize("scale", [0.1, 0.5, 3.0])
def test_scale_means_all_generated_tables(scale: float) -> None:
    made = resized(PLAN, scale)
    assert made.scale == scale
    wanted = {t.name.name: round(t.rows * scale) for t in PLAN.tables}
    assert sizes(made) == {**wanted, "kind": 7}
    check_plan(made)
    assert read_plan(write_plan(made)) == made


def test_scaling_twice_is_scaling_once() -> None:
    assert resized(resized(PLAN, 3.0), 0.5) == resized(PLAN, 0.5)


def test_a_filled_table_never_becomes_empty() -> None:
    assert set(sizes(resized(PLAN, 1e-6)).values()) == {1, 7}


def test_what_is_linked_follows() -> None:
    made = sizes(resized(PLAN, sizes={"person": 50}))
    assert made == {**sizes(PLAN), "person": 50, "order": 150, "line": 450, "likes": 100}


def test_what_is_linked_may_have_fewer_rows_of_its_own() -> None:
    made = resized(PLAN, sizes={"person": 200, "line": 10})
    assert (sizes(made)["order"], sizes(made)["line"]) == (600, 10)
    check_plan(made)


def test_a_scale_and_a_size_go_together() -> None:
    made = sizes(resized(PLAN, 2.0, {"person": 100}))
    assert (made["person"], made["order"], made["product"]) == (100, 300, 80)


def test_a_bridge_has_no_more_rows_than_its_parents_have_pairs() -> None:
    made = resized(PLAN, sizes={"product": 1})
    assert sizes(made)["likes"] == 100
    check_plan(made)
    with pytest.raises(PlanError, match=r"likes has the size 200.* 100 combinations"):
        check_plan(resized(made, sizes={"likes": 200}))


def test_a_linked_table_cannot_outgrow_its_context() -> None:
    with pytest.raises(PlanError, match=r"300 rows of that will have about 900; make order larger"):
        check_plan(resized(PLAN, sizes={"line": 1_000}))


def test_the_line_of_a_size_is_named() -> None:
    text = write_plan(resized(PLAN, sizes={"line": 1_000}))
    line = next(i for i, entry in enumerate(text.splitlines(), 1) if entry == "size = 1000")
    with pytest.raises(PlanError, match=f"Line {line} of the plan"):
        read_plan(text)


@pytest.mark.parametrize(("name", "why"), [("nothing", "no table nothing"), ("kind", "is copied")])
def test_sizes_of_other_tables_are_refused(name: str, why: str) -> None:
    with pytest.raises(PlanError, match=why):
        resized(PLAN, sizes={name: 5})
