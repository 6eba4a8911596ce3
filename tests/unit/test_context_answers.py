"""Contexts that a person states or refuses, and the questions where two are nearly as good."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from schemasynth.errors import SettingsError
from schemasynth.infer import Answers, read_answers
from schemasynth.model import (
    Column,
    ForeignKey,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
)
from schemasynth.plan import check_plan, make_plan
from schemasynth.plan.model import ForeignKeyTreatment, RefreshPlan

WHOLE = SqlType("INTEGER", TypeFamily.INTEGER)
PARENTS, ROWS = 600, 3_000
LEFT, RIGHT, CHILD = map(TableName, ("left", "right", "child"))
BY_LEFT = "context:child(left_id)->left(id)"
BY_RIGHT = "context:child(right_id)->right(id)"


def _parent(name: TableName) -> Table:
    columns = (Column("id", WHOLE, nullable=False), Column("size", WHOLE))
    return Table(name, columns, primary_key=PrimaryKey(("id",)), row_count=PARENTS)


def _schema() -> Schema:
    columns = [Column(name, WHOLE, nullable=False) for name in ("id", "left_id", "right_id")]
    child = Table(
        CHILD,
        (*columns, Column("kind", WHOLE), Column("level", WHOLE)),
        primary_key=PrimaryKey(("id",)),
        foreign_keys=(
            ForeignKey(("left_id",), LEFT, ("id",)),
            ForeignKey(("right_id",), RIGHT, ("id",)),
        ),
        row_count=ROWS,
    )
    return Schema("sqlite", "s", (_parent(LEFT), _parent(RIGHT), child))


def _frames() -> dict[str, pd.DataFrame]:
    """Two parents of the same worth: each decides one column of the child."""
    rng = np.random.default_rng(3)
    sizes = {name: rng.permutation(np.arange(PARENTS) % 5) for name in ("left", "right")}
    keys = {name: rng.integers(0, PARENTS, ROWS) for name in sizes}
    child = pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "left_id": keys["left"],
            "right_id": keys["right"],
            "kind": sizes["left"][keys["left"]],
            "level": sizes["right"][keys["right"]],
        }
    )
    parents = {n: pd.DataFrame({"id": np.arange(PARENTS), "size": s}) for n, s in sizes.items()}
    frames = {**parents, "child": child}
    return {name: frame.astype("int64[pyarrow]") for name, frame in frames.items()}


def _plan(*accept: str, reject: tuple[str, ...] = ()) -> RefreshPlan:
    return make_plan(_schema(), _frames(), source="s", answers=read_answers(accept, reject))


def _context(plan: RefreshPlan) -> TableName | None:
    key = plan.table(CHILD).context
    return key.referred if key else None


@pytest.mark.parametrize(("answer", "parent"), [(BY_LEFT, LEFT), (BY_RIGHT, RIGHT)])
def test_a_stated_context_is_the_context(answer: str, parent: TableName) -> None:
    plan = _plan(answer)
    check_plan(plan)
    assert _context(plan) == parent
    other = next(k for k in plan.table(CHILD).foreign_keys if k.referred != parent)
    assert other.treatment is ForeignKeyTreatment.RESTORED
    assert other.traits == ("size",)
    assert plan.questions == ()


def test_a_rejected_parent_is_no_context() -> None:
    assert _context(_plan(reject=(BY_LEFT,))) == RIGHT
    assert _context(_plan(reject=("context:child(right_id)",))) == LEFT
    assert _context(_plan(reject=("context:child",))) is None


def test_a_close_choice_is_a_question_and_answers_itself() -> None:
    plan = _plan()
    (question,) = plan.questions
    second = RIGHT if _context(plan) == LEFT else LEFT
    assert f"Should {second} be the context of child" in question.text
    assert _context(_plan(question.id)) == second
    rejected = _plan(reject=(question.id,))
    assert _context(rejected) == _context(plan)
    assert rejected.questions == ()


def test_answers_about_tables_that_are_left_out_are_passed_over() -> None:
    told = read_answers([BY_LEFT], [BY_RIGHT]).about(lambda name: name != RIGHT)
    assert told == read_answers([BY_LEFT], [])
    assert not read_answers([BY_LEFT], []).about(lambda name: name != LEFT)


def test_answers_that_cannot_be_followed_are_refused() -> None:
    with pytest.raises(SettingsError, match="no such foreign key"):
        _plan("context:child(level)->left(id)")
    with pytest.raises(SettingsError, match="no such foreign key"):
        _plan(reject=("context:nothing",))


def test_stated_contexts_that_form_a_cycle_are_refused() -> None:
    schema, frames = _schema(), _frames()
    left = replace(
        schema.table(LEFT),
        columns=(*schema.table(LEFT).columns, Column("child_id", WHOLE)),
        foreign_keys=(ForeignKey(("child_id",), CHILD, ("id",)),),
    )
    frames["left"]["child_id"] = pd.Series(np.arange(PARENTS), dtype="int64[pyarrow]")
    schema = replace(schema, tables=(left, *schema.tables[1:]))
    both: Answers = read_answers([BY_LEFT, "context:left(child_id)->child(id)"], [])
    with pytest.raises(SettingsError, match="cycle: "):
        make_plan(schema, frames, source="s", answers=both)
