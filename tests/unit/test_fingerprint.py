"""The fingerprint of a schema's declared structure, and drift in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from schemasynth.model import (
    Column,
    ForeignKey,
    ImplicitEntity,
    Origin,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
    UniqueKey,
)
from schemasynth.model.fingerprint import differences, fingerprint

INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
TEXT = SqlType("TEXT", TypeFamily.TEXT)
PARENT = TableName("parent")
CHILD = TableName("child", "other")


def schema() -> Schema:
    parent = Table(
        PARENT,
        (Column("a", INTEGER, nullable=False), Column("b", INTEGER, nullable=False)),
        PrimaryKey(("a", "b"), name="pk_1"),
        row_count=7,
    )
    child = Table(
        CHILD,
        (Column("id", INTEGER), Column("pa", INTEGER), Column("pb", INTEGER), Column("t", TEXT)),
        unique_keys=(UniqueKey(("id",)), UniqueKey(("t", "id"))),
        foreign_keys=(
            ForeignKey(("pa", "pb"), PARENT, ("a", "b"), name="fk_1"),
            ForeignKey(("id",), PARENT, ("a",), origin=Origin.INFERRED),
        ),
    )
    return Schema("sqlite", "live", (parent, child))


def edited(name: TableName, edit: Callable[[Table], Table]) -> Schema:
    return schema().with_tables([edit(schema().table(name))])


def columns_of(**types: SqlType) -> tuple[Column, ...]:
    return tuple(Column(name, sql_type) for name, sql_type in types.items())


EQUAL: list[Schema] = [
    replace(schema(), tables=schema().tables[::-1]),
    replace(schema(), name="other", implicit_entities=(ImplicitEntity("x", ("a",), ()),)),
    edited(PARENT, lambda t: replace(t, row_count=8, comment="changed", columns=t.columns[::-1])),
    edited(PARENT, lambda t: replace(t, primary_key=PrimaryKey(("b", "a"), name="sys_1"))),
    edited(CHILD, lambda t: replace(t, unique_keys=t.unique_keys[::-1])),
    edited(CHILD, lambda t: replace(t, foreign_keys=t.foreign_keys[:1])),
    edited(
        CHILD,
        lambda t: replace(t, foreign_keys=(ForeignKey(("pb", "pa"), PARENT, ("b", "a")),)),
    ),
    edited(
        CHILD,
        lambda t: replace(t, primary_key=PrimaryKey(("id",), origin=Origin.OVERRIDE)),
    ),
]

DIFFERENT: list[tuple[Schema, str]] = [
    (replace(schema(), tables=schema().tables[:1]), "Table other.child is missing."),
    (
        replace(schema(), tables=(*schema().tables, Table(TableName("n"), ()))),
        "Table n is new.",
    ),
    (
        edited(CHILD, lambda t: replace(t, columns=t.columns[:3])),
        "Column other.child.t is missing.",
    ),
    (
        edited(CHILD, lambda t: replace(t, columns=(*t.columns, Column("n", TEXT, False)))),
        "Column other.child.n is new (TEXT NOT NULL).",
    ),
    (
        edited(CHILD, lambda t: replace(t, columns=(*t.columns[:3], Column("t", INTEGER)))),
        "Column other.child.t: expected TEXT, found INTEGER.",
    ),
    (
        edited(PARENT, lambda t: replace(t, columns=(Column("a", INTEGER), t.columns[1]))),
        "Column parent.a: expected INTEGER NOT NULL, found INTEGER.",
    ),
    (
        edited(PARENT, lambda t: replace(t, primary_key=None)),
        "Primary key of parent: expected (a, b), found none.",
    ),
    (
        edited(CHILD, lambda t: replace(t, unique_keys=t.unique_keys[:1])),
        "Unique key of other.child is missing: (id, t).",
    ),
    (
        edited(CHILD, lambda t: replace(t, foreign_keys=())),
        "Foreign key of other.child is missing: (pa, pb) → parent (a, b).",
    ),
]


@pytest.mark.parametrize("other", EQUAL)
def test_order_counts_names_and_inferred_keys_do_not_matter(other: Schema) -> None:
    assert other != schema()
    assert fingerprint(other) == fingerprint(schema())
    assert differences(schema(), other) == ()


@pytest.mark.parametrize(("other", "line"), DIFFERENT)
def test_a_difference_changes_the_fingerprint_and_is_said(other: Schema, line: str) -> None:
    assert fingerprint(other) != fingerprint(schema())
    assert differences(schema(), other) == (line,)


def test_references_that_swap_columns_differ() -> None:
    swapped = edited(
        CHILD, lambda t: replace(t, foreign_keys=(ForeignKey(("pa", "pb"), PARENT, ("b", "a")),))
    )
    assert fingerprint(swapped) != fingerprint(schema())
    assert len(differences(schema(), swapped)) == 2


def test_names_cannot_be_confused_with_schemas() -> None:
    dotted = Schema("x", "n", (Table(TableName("a.b"), columns_of(i=INTEGER)),))
    nested = Schema("x", "n", (Table(TableName("b", "a"), columns_of(i=INTEGER)),))
    assert fingerprint(dotted) != fingerprint(nested)
    assert differences(dotted, nested)


def test_it_stays_the_same_between_releases() -> None:
    """Saved plans hold it."""
    assert fingerprint(schema()) == (
        "5acb941001ea020a157e72e5b0cefddcb4d3807e7165ce7ddb42039677622b23"
    )
