"""Which tables are copied: small, shared, and not about people by name or content."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest

from schemasynth.demo import identifier
from schemasynth.errors import SettingsError
from schemasynth.infer import read_answers
from schemasynth.model import Column, ForeignKey, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.plan import make_plan, read_plan, write_plan
from schemasynth.plan.model import ForeignKeyTreatment, Role

TEXT = SqlType("TEXT", TypeFamily.TEXT)
INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
NAME, CHILD = TableName("parent"), TableName("facts")


def schema(name: TableName, rows: int, *columns: str, children: int = 1_000) -> Schema:
    parent = Table(
        name,
        (Column("id", INTEGER, False), *(Column(c, TEXT) for c in columns)),
        row_count=rows,
    )
    child = Table(
        CHILD,
        (Column("id", INTEGER, False), Column("parent", INTEGER)),
        foreign_keys=(ForeignKey(("parent",), name, ("id",)),),
        row_count=children,
    )
    return Schema("sqlite", "s", (parent, child))


def frame(rows: int, **columns: list[str]) -> pd.DataFrame:
    data = {"id": pa.array(range(rows)), **{k: pa.array(v) for k, v in columns.items()}}
    return pd.DataFrame({k: pd.arrays.ArrowExtensionArray(v) for k, v in data.items()})


def role(source: Schema, **columns: list[str]) -> Role:
    name = source.tables[0].name
    rows = source.tables[0].row_count or 0
    plan = make_plan(source, {str(name): frame(rows, **columns)}, source="s")
    assert read_plan(write_plan(plan)) == plan
    return plan.table(name).role


def test_a_small_shared_table_is_copied_and_its_reference_a_category() -> None:
    source = schema(NAME, 4, "label")
    assert role(source, label=["open", "closed", "paid", "lost"]) is Role.REFERENCE
    plan = make_plan(source, {}, source="s")
    treatments = {k.treatment for k in plan.table(CHILD).foreign_keys}
    assert treatments == {ForeignKeyTreatment.CATEGORY}
    assert "shared by" in plan.table(NAME).reason


@pytest.mark.parametrize(
    "column",
    ["first_name", "Cognom1", "apellidos", "data_naixement", "fecha_nacimiento", "DNI", "gender"],
)
def test_columns_that_only_people_have_forbid_copying(column: str) -> None:
    assert role(schema(NAME, 4, column), **{column: ["a", "b", "c", "d"]}) is Role.SUBJECT


@pytest.mark.parametrize("name", ["customers", "Empleats", "tb_pacientes", "Persona"])
def test_tables_called_after_people_are_not_copied(name: str) -> None:
    assert role(schema(TableName(name), 4, "code"), code=["a", "b", "c", "d"]) is Role.SUBJECT


CONTENT = {
    "document numbers": [identifier(n * 7_919, nie=False) for n in range(30)],
    "names": ["Maria Puig", "Jordi Vila", "Anna Roca"] * 10,
    "names, surname first": ["Murphy, Mary", "Bott, Laura", "Jones, Peter", "Roca, Pau"] * 8,
}


@pytest.mark.parametrize("what", CONTENT)
def test_content_about_people_forbids_copying(what: str) -> None:
    values = CONTENT[what]
    assert role(schema(NAME, len(values), "x1"), x1=values) is Role.SUBJECT


def test_places_called_after_people_are_places() -> None:
    towns = ["San José", "Sant Jordi", "San Francisco", "Sabadell", "Reus", "Lugo"]
    assert role(schema(NAME, 6, "town"), town=towns) is Role.REFERENCE


def test_large_and_unshared_tables_are_generated() -> None:
    assert role(schema(NAME, 600, "x", children=10**6), x=["a"] * 600) is Role.SUBJECT
    assert role(schema(NAME, 40, "x", children=50), x=["a"] * 40) is Role.SUBJECT


def test_a_list_of_codes_is_copied_though_hardly_used() -> None:
    source = schema(TableName("order_types"), 40, "label", children=50)
    assert role(source, label=[f"t{i}" for i in range(40)]) is Role.REFERENCE


def test_a_doubtful_table_is_generated_and_asked_about() -> None:
    source = schema(NAME, 4, "company", "phone")
    plan = make_plan(source, {}, source="s")
    assert plan.table(NAME).role is Role.SUBJECT
    (question,) = plan.questions
    assert question.id == "reference:parent"
    assert "phone" in question.text
    assert read_plan(write_plan(plan)) == plan
    answered = make_plan(source, {}, source="s", answers=read_answers([question.id], []))
    assert answered.table(NAME).role is Role.REFERENCE
    assert answered.questions == ()


def test_an_answer_that_cannot_be_followed_is_refused() -> None:
    source = schema(NAME, 4, "first_name")
    grandchild = Table(
        TableName("more"),
        (Column("facts", INTEGER),),
        foreign_keys=(ForeignKey(("facts",), CHILD, ("id",)),),
        row_count=10_000,
    )
    source = replace(source, tables=(*source.tables, grandchild))
    with pytest.raises(SettingsError, match="depends on parent"):
        make_plan(source, {}, source="s", answers=read_answers(["reference:facts"], []))
