"""Plans: made, written, read back, refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schemasynth import api
from schemasynth.errors import PlanError
from schemasynth.model import Column, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.model.privacy import DifferentialPrivacy, Privacy
from schemasynth.plan import check_plan, read_plan, write_plan
from schemasynth.plan.budget import count_models
from schemasynth.plan.model import (
    ColumnPlan,
    ColumnTreatment,
    Encoding,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    KeyFormat,
    KeyKind,
    RefreshPlan,
    Role,
    TablePlan,
)

INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
TEXT = SqlType("TEXT", TypeFamily.TEXT)
KEY = ColumnPlan(
    "id", INTEGER, False, ColumnTreatment.KEY, key_format=KeyFormat(KeyKind.INTEGER, 1, 9)
)
NAME = ColumnPlan("name", TEXT, True, ColumnTreatment.LEARN, encoding=Encoding.CATEGORICAL)
PARENT = TablePlan(TableName("parent"), Role.SUBJECT, 9, 9, ("id",), (), (KEY, NAME))
TO_PARENT = ForeignKeyPlan(
    ("parent_id",), PARENT.name, ("id",), ForeignKeyTreatment.CONTEXT, nullable=False
)
PARENT_ID = ColumnPlan("parent_id", INTEGER, False, ColumnTreatment.FOREIGN_KEY)
CHILD = TablePlan(
    TableName("child"), Role.LINKED, 20, 20, ("id",), (), (KEY, PARENT_ID, NAME), (TO_PARENT,)
)
PLAN = RefreshPlan("live", "f" * 64, (PARENT, CHILD), notes=('a "note"',))


def edited(table: TablePlan, **changes: object) -> RefreshPlan:
    changed = replace(table, **changes)  # type: ignore[arg-type]
    tables = tuple(changed if t.name == table.name else t for t in PLAN.tables)
    return replace(PLAN, tables=tables)


def columns(table: TablePlan, name: str, **changes: object) -> RefreshPlan:
    changed = tuple(
        replace(c, **changes) if c.name == name else c  # type: ignore[arg-type]
        for c in table.columns
    )
    return edited(table, columns=changed)


def restored(**changes: object) -> RefreshPlan:
    key = replace(TO_PARENT, treatment=ForeignKeyTreatment.RESTORED, **changes)  # type: ignore[arg-type]
    return edited(CHILD, role=Role.SUBJECT, foreign_keys=(key,))


def keys(**changes: object) -> RefreshPlan:
    return edited(CHILD, foreign_keys=(replace(TO_PARENT, **changes),))  # type: ignore[arg-type]


def test_a_good_plan_passes_and_comes_back_equal() -> None:
    check_plan(PLAN)
    assert read_plan(write_plan(PLAN)) == PLAN


TO_ITSELF = replace(TO_PARENT, referred=CHILD.name)
CATEGORY = {"treatment": ForeignKeyTreatment.CATEGORY}
MATCHED = {"treatment": ForeignKeyTreatment.MATCHED}
CONSTANT = {"treatment": ColumnTreatment.CONSTANT}


def pattern(shape: str, check: str | None = None) -> KeyFormat:
    kind = KeyKind.CHECKED if check else KeyKind.PATTERN
    return KeyFormat(kind, patterns=((shape, 1.0),), check=check)


REFUSED = [
    (edited(CHILD, foreign_keys=(TO_PARENT, TO_PARENT)), "has 2 contexts"),
    (edited(CHILD, role=Role.SUBJECT), "make it linked"),
    (
        keys(treatment=ForeignKeyTreatment.RESTORED),
        "none of its foreign keys has treatment context",
    ),
    (keys(referred=TableName("nobody")), "nobody, which is not in the plan"),
    (keys(referred_columns=("nothing",)), "parent.nothing, which is not in the plan"),
    (keys(columns=("nothing",)), "has treatment foreign_key but is in no foreign key"),
    (keys(to_entity=True), "to_entity does not agree"),
    (keys(referred=CHILD.name), "self-reference and cannot be a context"),
    (edited(PARENT, role=Role.SKIP), "parent, which is skipped; skip child too"),
    (edited(PARENT, role=Role.REFERENCE), "parent is copied, not generated"),
    (edited(PARENT, primary_key=("nothing",)), "nothing of a key of table parent"),
    (edited(PARENT, size=-1), "negative size"),
    (replace(PLAN, scale=0.0), "The scale is 0.0"),
    (keys(null_share=3.0), "null_share of 3.0"),
    (
        edited(CHILD, role=Role.SUBJECT, foreign_keys=(replace(TO_ITSELF, **CATEGORY),)),
        "self-reference and can only be restored",
    ),
    (
        edited(CHILD, role=Role.SUBJECT, foreign_keys=(replace(TO_ITSELF, **MATCHED),)),
        "self-reference and can only be restored",
    ),
    (columns(PARENT, "name", encoding=Encoding.NUMERIC_DIGIT), "cannot be learned as TABULAR_NUM"),
    (columns(PARENT, "id", key_format=KeyFormat(KeyKind.TEMPORAL)), "keys of kind temporal"),
    (columns(PARENT, "id", key_format=pattern("[a-z")), "is no pattern"),
    (columns(PARENT, "id", key_format=pattern(r"\d{8}", "es.nope")), "has no check 'es.nope'"),
    (columns(PARENT, "id", **CONSTANT, value="1"), "unique and cannot be constant"),
    (columns(CHILD, "parent_id", **CONSTANT, value="x"), "which its value does not read as"),
    (
        columns(CHILD, "parent_id", treatment=ColumnTreatment.LEARN, encoding=Encoding.CATEGORICAL),
        "its treatment is foreign_key, not learn",
    ),
    (edited(PARENT, name=CHILD.name), "stands twice"),
    (keys(traits=("name",)), "only the parents of restored keys are chosen by them"),
    (restored(traits=("nothing",)), "nothing, which is no column of parent"),
    (restored(traits=("id",)), "id, which is not learned of parent"),
    (columns(PARENT, "name", encoding=None), "parent.name is learned and needs an encoding"),
    (columns(PARENT, "id", key_format=None), "parent.id is a key and needs a key_format"),
    (columns(PARENT, "id", treatment=ColumnTreatment.NULL), "NOT NULL and cannot have"),
    (columns(PARENT, "name", treatment=ColumnTreatment.CONSTANT), "constant and needs a value"),
    (columns(PARENT, "name", treatment=ColumnTreatment.FOREIGN_KEY), "is in no foreign key"),
    (columns(PARENT, "name", treatment=ColumnTreatment.DETERMINED), "no implicit entity"),
]


@pytest.mark.parametrize(("plan", "message"), REFUSED, ids=[m[:30] for _, m in REFUSED])
def test_edits_that_cannot_work_are_refused(plan: RefreshPlan, message: str) -> None:
    with pytest.raises(PlanError) as caught:
        check_plan(plan)
    assert message in str(caught.value)


@pytest.mark.parametrize("ranges", [None, 2.0])
@pytest.mark.parametrize("limit", [None, 4.0])
def test_differential_privacy_comes_back_with_its_budget(
    limit: float | None, ranges: float | None
) -> None:
    told = DifferentialPrivacy(limit, 1e-6, value_protection_epsilon=ranges)
    plan = replace(PLAN, privacy=Privacy(10, told))
    text = write_plan(plan)
    assert read_plan(text) == plan
    models = count_models(plan)
    assert (f"at most epsilon 4, {4 * models} in all" in text) == (limit is not None)
    assert ("Ranges and categories of columns are not covered" in text) == (ranges is None)
    with pytest.raises(PlanError, match="privacy differential_privacy delta"):
        read_plan(text.replace("delta = 1e-06", "delta = 0.0"))


def test_a_huge_parent_is_no_category() -> None:
    plan = keys(treatment=ForeignKeyTreatment.CATEGORY)
    plan = replace(
        plan, tables=(replace(PARENT, rows=10**6), replace(plan.tables[1], role=Role.SUBJECT))
    )
    with pytest.raises(PlanError, match="cannot be a category"):
        check_plan(plan)


def test_contexts_in_a_circle_are_refused() -> None:
    up = replace(TO_PARENT, columns=("id",), referred=CHILD.name)
    plan = edited(PARENT, role=Role.LINKED, foreign_keys=(up,))
    with pytest.raises(PlanError, match="form a cycle"):
        check_plan(plan)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('role = "linked"', 'role = "leader"', "table 2 (child) role"),
        (
            'treatment = "context"',
            'treatment = "contex"',
            "table 2 (child) foreign_key 1 treatment",
        ),
        ("rows = 20", 'rows = "many"', "table 2 (child) rows"),
        ("schemasynth_plan = 1", "schemasynth_plan = 9", "version 9"),
        ('kind = "integer"', 'kind = "magic"', "key_format of column id"),
        ("rows = 20", "rows = 20\nlines = 3", "table 2 (child) lines"),
        ("[[table]]", "[[table", "not valid TOML"),
        ("holdout = 2500", "holdout = 0.1", "privacy holdout"),
    ],
)
def test_a_broken_file_is_refused_with_the_place(old: str, new: str, message: str) -> None:
    text = write_plan(PLAN)
    assert old in text
    with pytest.raises(PlanError) as caught:
        read_plan(text.replace(old, new, 1))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ('treatment = "context"', 'treatment = "contex"', 'treatment = "contex"'),
        ('role = "linked"', 'role = "subject"', "[[table]]"),
        ('encoding = "TABULAR_CATEGORICAL"', "", 'treatment = "learn"'),
        ("scale = 1.0", "scale = 0.0", "scale = 0.0"),
        ("holdout = 2500", "holdout = -1", "holdout = -1"),
    ],
)
def test_the_line_is_named(old: str, new: str, wrong: str) -> None:
    text = write_plan(PLAN).replace(old, new, 1)
    with pytest.raises(PlanError) as caught:
        read_plan(text)
    line = int(str(caught.value).split()[1])
    assert wrong in text.splitlines()[line - 1]


SOURCE = Schema(
    "sqlite",
    "live",
    (
        Table(PARENT.name, (Column("id", INTEGER, False), Column("name", TEXT, False))),
        Table(
            CHILD.name,
            (Column("id", INTEGER, False), Column("parent_id", INTEGER), Column("name", TEXT)),
        ),
    ),
)


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (replace(PLAN, tables=(PARENT,)), "child is missing in the plan; give it role skip"),
        (
            columns(PARENT, "name", treatment=ColumnTreatment.NULL),
            "parent.name is NOT NULL in the source",
        ),
        (
            columns(CHILD, "name", treatment=ColumnTreatment.COMPUTED),
            "the source does not compute it",
        ),
    ],
)
def test_what_the_source_does_not_allow_is_refused(plan: RefreshPlan, message: str) -> None:
    check_plan(PLAN, SOURCE)
    with pytest.raises(PlanError, match=message):
        check_plan(plan, SOURCE)


def test_a_table_unknown_to_the_source_is_refused(data: Path) -> None:
    schema = api.introspect(str(data / "world/world.declared.sqlite"), infer=False)
    with pytest.raises(PlanError, match="parent of the plan is not in the source"):
        check_plan(PLAN, schema)


def test_chinook(data: Path) -> None:
    plan = api.plan(str(data / "chinook/chinook.declared.sqlite"))
    roles = {str(t.name): t.role for t in plan.tables}
    assert roles["Genre"] is Role.REFERENCE
    assert roles["Employee"] is Role.SUBJECT
    assert roles["InvoiceLine"] is Role.LINKED
    own = plan.table(TableName("Employee")).foreign_keys[0]
    assert own.treatment is ForeignKeyTreatment.RESTORED
    bridge = plan.table(TableName("PlaylistTrack"))
    assert {k.treatment for k in bridge.foreign_keys} == {
        ForeignKeyTreatment.CONTEXT,
        ForeignKeyTreatment.CATEGORY,
    }
    assert read_plan(write_plan(plan)) == plan


def test_a_saved_model_is_a_source(data: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.json"
    schema = api.introspect(str(data / "world/world.declared.sqlite"))
    model.write_text(api.render(schema, "json"), "utf-8")
    assert {t.name for t in api.plan(str(model)).tables} == {t.name for t in schema}
