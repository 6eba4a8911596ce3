"""The JSON form of a schema."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemasynth.errors import SettingsError
from schemasynth.model import (
    Check,
    Column,
    Computed,
    ConstraintState,
    EntityMember,
    ForeignKey,
    Identity,
    ImplicitEntity,
    Index,
    Origin,
    PrimaryKey,
    Question,
    Schema,
    Sequence,
    SqlType,
    Table,
    TableName,
    TypeFamily,
    UniqueKey,
)
from schemasynth.model.fingerprint import fingerprint
from schemasynth.model.serialize import VERSION, dumps, from_dict, loads, to_dict

TEXT = st.one_of(
    st.text(max_size=8),
    st.sampled_from(["", " ", '"', "'", "a.b", "[0]", "select", "ñ", "表", "\x00", "\u2028", "😀"]),
)
NUMBER = st.none() | st.integers()
SHARE = st.floats(0, 1)
EVIDENCE = st.dictionaries(
    TEXT,
    st.none() | st.booleans() | st.integers() | TEXT | st.floats(allow_nan=False, width=32).filter(
        lambda value: abs(value) != float("inf")
    ),
    max_size=3,
)  # fmt: skip
STATES = st.builds(ConstraintState, *[st.booleans()] * 4)
NAMES = st.builds(TableName, TEXT, st.none() | TEXT)
TYPES = st.builds(
    SqlType,
    TEXT,
    st.sampled_from(TypeFamily),
    NUMBER,
    NUMBER,
    NUMBER,
    st.booleans(),
    st.lists(TEXT, max_size=3).map(tuple),
)
STANDING = {
    "name": st.none() | TEXT,
    "state": STATES,
    "origin": st.sampled_from(Origin),
    "confidence": SHARE,
    "evidence": EVIDENCE,
}


def columns(name: str) -> st.SearchStrategy[Column]:
    return st.builds(
        Column,
        st.just(name),
        TYPES,
        st.booleans(),
        st.none() | TEXT,
        st.none() | st.builds(Identity, st.booleans(), NUMBER, NUMBER, st.none() | TEXT),
        st.none() | st.builds(Computed, TEXT, st.none() | st.booleans()),
        st.none() | TEXT,
    )


@st.composite
def foreign_keys(draw: st.DrawFn, own: st.SearchStrategy[tuple[str, ...]]) -> ForeignKey:
    key = draw(own)
    referred = tuple(draw(st.lists(TEXT, min_size=len(key), max_size=len(key))))
    actions = {"on_delete": st.none() | TEXT, "on_update": st.none() | TEXT}
    return draw(
        st.builds(ForeignKey, st.just(key), NAMES, st.just(referred), **actions, **STANDING)
    )


@st.composite
def tables(draw: st.DrawFn, name: TableName) -> Table:
    names = draw(st.lists(TEXT, min_size=1, max_size=4, unique=True))
    own = st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True).map(tuple)
    return Table(
        name=name,
        columns=tuple(draw(columns(column)) for column in names),
        primary_key=draw(st.none() | st.builds(PrimaryKey, own, **STANDING)),
        unique_keys=tuple(draw(st.lists(st.builds(UniqueKey, own, **STANDING), max_size=2))),
        foreign_keys=tuple(draw(st.lists(foreign_keys(own), max_size=2))),
        checks=tuple(draw(st.lists(st.builds(Check, TEXT, st.none() | TEXT, STATES), max_size=2))),
        indexes=tuple(
            draw(
                st.lists(
                    st.builds(
                        Index,
                        st.none() | TEXT,
                        st.lists(st.none() | TEXT, max_size=2).map(tuple),
                        st.booleans(),
                        st.none() | TEXT,
                    ),
                    max_size=2,
                )
            )
        ),
        comment=draw(st.none() | TEXT),
        row_count=draw(st.none() | st.integers(0)),
    )


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    some_names = st.lists(TEXT, min_size=1, max_size=2).map(tuple)
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    members = st.builds(EntityMember, NAMES, some_names, st.lists(TEXT, max_size=2).map(tuple))
    return Schema(
        dialect=draw(TEXT),
        name=draw(TEXT),
        tables=tuple(draw(tables(name)) for name in names),
        sequences=tuple(
            draw(
                st.lists(
                    st.builds(
                        Sequence, TEXT, st.none() | TEXT, NUMBER, NUMBER,
                        st.none() | st.tuples(NAMES, TEXT),
                    ),
                    max_size=2,
                )
            )
        ),
        implicit_entities=tuple(
            draw(
                st.lists(
                    st.builds(
                        ImplicitEntity, TEXT, some_names, st.lists(members, max_size=2).map(tuple),
                        SHARE, EVIDENCE, st.sampled_from(Origin),
                    ),
                    max_size=2,
                )
            )
        ),
        questions=tuple(draw(st.lists(st.builds(Question, *[TEXT] * 4, SHARE), max_size=2))),
    )  # fmt: skip


@given(schemas())
@settings(max_examples=60, deadline=None)
def test_every_field_comes_back_equal(schema: Schema) -> None:
    text = dumps(schema)
    again = loads(text)
    assert again == schema
    assert dumps(again) == text
    assert json.loads(text)["fingerprint"] == fingerprint(schema)


INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)


def small() -> Schema:
    parent = Table(TableName("p"), (Column("id", INTEGER, nullable=False),), PrimaryKey(("id",)))
    child = Table(
        TableName("c", "s"),
        (Column("id", INTEGER), Column("p", INTEGER)),
        foreign_keys=(ForeignKey(("p",), parent.name, ("id",), origin=Origin.INFERRED),),
    )
    return Schema("sqlite", "small", (parent, child))


def test_the_form_is_the_documented_one() -> None:
    value = to_dict(small())
    assert list(value) == [
        "schemasynth", "dialect", "name", "fingerprint", "tables", "sequences",
        "implicit_entities", "questions", "rules",
    ]  # fmt: skip
    assert value["schemasynth"] == VERSION == 1
    child = value["tables"][1]
    assert (child["schema"], child["name"]) == ("s", "c")
    assert child["columns"][0]["type"] == "INTEGER"
    assert child["columns"][0]["family"] == "integer"
    key = child["foreign_keys"][0]
    assert (key["referred_schema"], key["referred_table"]) == (None, "p")
    assert key["referred_columns"] == ["id"]
    assert key["origin"] == "inferred"


def test_what_may_be_empty_may_be_left_out() -> None:
    column = {"name": "id", "type": "INTEGER", "family": "integer"}
    table = {"name": "t", "columns": [column], "primary_key": {"columns": ["id"]}}
    value = {"schemasynth": 1, "dialect": "sqlite", "name": "n", "tables": [table]}
    expected = Table(TableName("t"), (Column("id", INTEGER),), PrimaryKey(("id",)))
    assert from_dict(value) == Schema("sqlite", "n", (expected,))


def test_evidence_that_is_not_finite_is_written_as_null() -> None:
    key = PrimaryKey(("id",), evidence={"ratio": float("nan"), "limit": float("inf")})
    table = Table(TableName("p"), (Column("id", INTEGER),), key)
    (again,) = loads(dumps(Schema("sqlite", "n", (table,))))
    assert again.primary_key is not None
    assert again.primary_key.evidence == {"ratio": None, "limit": None}


def _set(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        value[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("schemasynth", to=2), "schemasynth: version 2 is not known"),
        (_set("schemasynth", to=None), "the version is missing"),
        (_set("tables", to={}), "at tables: expected a list, found an object"),
        (_set("tables", 0, to=3), "at tables[0]: expected an object, found the number 3"),
        (_set("tables", 0, "name", to=None), "at tables[0].name: a text is missing"),
        (_set("tables", 0, "colums", to=[]), "at tables[0].colums: unknown key"),
        (
            _set("tables", 0, "columns", 0, "family", to="int"),
            "at tables[0].columns[0].family: 'int' is none of integer, decimal",
        ),
        (
            _set("tables", 0, "columns", 0, "nullable", to=1),
            "at tables[0].columns[0].nullable: expected true or false, found the number 1",
        ),
        (
            _set("tables", 0, "row_count", to=True),
            "at tables[0].row_count: expected an integer, found true",
        ),
        (
            _set("tables", 0, "primary_key", "columns", to=["x"]),
            "at tables[0].primary_key.columns[0]: table p has no column 'x'",
        ),
        (
            _set("tables", 0, "primary_key", "confidence", to=1.5),
            "at tables[0].primary_key.confidence: expected a number from 0 to 1, found 1.5",
        ),
        (
            _set("tables", 1, "foreign_keys", 0, "referred_columns", to=["a", "b"]),
            "at tables[1].foreign_keys[0].referred_columns: expected as many names",
        ),
        (
            _set("tables", 1, "foreign_keys", 0, "evidence", to={"x": []}),
            "at tables[1].foreign_keys[0].evidence.x: expected a figure or a text, found a list",
        ),
        (_set("tables", 1, "columns", 1, "name", to="id"), "column 'id' stands twice"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(change: Callable[[Any], None], said: str) -> None:
    value = json.loads(dumps(small()))
    change(value)
    with pytest.raises(SettingsError) as caught:
        from_dict(value)
    assert said in str(caught.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"x"', "NaN"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match=r"(Model, at|model is not JSON)"):
        loads(text)
