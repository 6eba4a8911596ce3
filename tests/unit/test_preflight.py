"""The list of findings is a pure function of two schemas and the target's facts."""

from __future__ import annotations

import re
from typing import Any

import pytest

from schemasynth.adapter import Need, Reference, Session, TargetFacts, Trigger
from schemasynth.errors import (
    DriftError,
    LoadError,
    PrivilegeError,
    SafetyError,
    SchemasynthError,
)
from schemasynth.load import Finding, Severity, Topic, as_text, at_risk, examine, refuse
from schemasynth.load.preflight import Extent, bounds, in_units
from schemasynth.model import (
    Column,
    Computed,
    Identity,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
)

NAME = TableName("t")
TEXT, INTEGER, DECIMAL = TypeFamily.TEXT, TypeFamily.INTEGER, TypeFamily.DECIMAL


def schema(*columns: Column) -> Schema:
    return Schema("postgresql", "d", (Table(NAME, columns),))


def column(kind: SqlType, **facts: Any) -> Column:
    return Column("c", kind, **{"nullable": True, **facts})


def listed(
    source: Column, target: Column, extent: Extent | None = None, **facts: Any
) -> list[Finding]:
    extents = {(NAME, "c"): extent} if extent else {}
    found = examine(schema(source), {NAME: 10}, schema(target), TargetFacts(**facts), extents)
    return [finding for finding in found if finding.topic is not Topic.SPACE]


def risky(source: Column, target: Column, *, types_bind: bool = True) -> bool:
    filled = {(NAME, "c")}
    return at_risk(schema(source), schema(target), filled, types_bind=types_bind) != {}


def text(length: int | None) -> SqlType:
    return SqlType(f"varchar({length})" if length else "text", TEXT, length=length)


def number(sql: str) -> SqlType:
    return SqlType(sql, INTEGER)


def exact(precision: int | None, scale: int | None = None) -> SqlType:
    return SqlType("numeric", DECIMAL, precision=precision, scale=scale)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        (text(10), text(10), False),
        (text(11), text(10), True),
        (text(None), text(10), True),
        (text(10), text(None), False),
        (number("integer"), number("bigint"), False),
        (number("bigint"), number("int(11)"), True),
        (number("int unsigned"), number("int"), True),
        (number("INTEGER"), number("smallint"), True),
        (exact(12, 2), exact(10, 2), True),
        (exact(10, 2), exact(12, 2), False),
        (exact(None), exact(10, 2), True),
        (number("integer"), exact(5), True),
        (number("smallint"), exact(5), False),
        (SqlType("double", TypeFamily.FLOAT), number("integer"), True),
        (SqlType("date", TypeFamily.DATE), text(5), False),
    ],
)
def test_columns_at_risk(source: SqlType, target: SqlType, *, expected: bool) -> None:
    assert risky(column(source), column(target)) == expected
    assert not risky(column(source), column(target), types_bind=False)


def test_a_nullable_column_is_at_risk_where_the_target_needs_a_value() -> None:
    assert risky(column(text(1)), column(text(1), nullable=False), types_bind=False)
    assert not risky(column(text(1), nullable=False), column(text(1), nullable=False))


def test_columns_that_get_other_values_are_not_at_risk() -> None:
    here, there = schema(column(text(9))), schema(column(text(1)))
    assert at_risk(here, there, set(), types_bind=True) == {}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("tinyint(1)", (-128, 127)),
        ("smallint unsigned", (0, 65535)),
        ("INTEGER", (-(2**31), 2**31 - 1)),
        ("bigint", (-(2**63), 2**63 - 1)),
        ("year", None),
    ],
)
def test_bounds_of_whole_numbers(sql: str, expected: tuple[int, int] | None) -> None:
    assert bounds(number(sql)) == expected


def test_bounds_of_exact_numbers() -> None:
    assert bounds(exact(5, 2)) == (-999, 999)
    assert bounds(exact(None)) is None


@pytest.mark.parametrize(
    ("source", "target", "extent", "severity", "words"),
    [
        (text(20), text(10), Extent(characters=11), "refused", "10 characters.*11 characters"),
        (text(20), text(10), Extent(characters=10), "warning", "shorter ones only"),
        (number("bigint"), number("int"), Extent(digits=11, beyond=True), "refused", "11 digits"),
        (number("bigint"), number("int"), Extent(digits=3), "warning", "smaller numbers only"),
        (exact(10, 4), exact(10, 2), Extent(), "warning", "rounded"),
    ],
)
def test_overflows(
    source: SqlType, target: SqlType, extent: Extent, severity: str, words: str
) -> None:
    found = listed(column(source), column(target), extent)[0]
    assert (found.severity, found.topic, found.where) == (severity, Topic.OVERFLOW, "column t.c")
    assert re.search(words, found.found)
    assert found.cure


def test_missing_values() -> None:
    here, there = column(text(1)), column(text(1), nullable=False)
    (refused,) = listed(here, there, Extent(nulls=1234))
    assert refused.severity is Severity.REFUSED
    assert "1,234 rows" in refused.found
    (warned,) = listed(here, there, Extent())
    assert warned.severity is Severity.WARNING


FACTS = TargetFacts(
    needs=(Need("GRANT A, B;", "GRANT A;", "reads"), Need("GRANT C;", "", "held")),
    triggers=(Trigger("public.t", "trigger x"),),
    references=(Reference("public.o", "o_t", "t"),),
    sessions=(Session("bob (psql)", "public.t", "idle in transaction"),),
    free_bytes=10,
    interrupted=("r1",),
    blocked=True,
)


def everything() -> tuple[Finding, ...]:
    there = schema(
        Column("c", text(1), nullable=True, computed=Computed("1", stored=True)),
        Column("id", number("int"), nullable=False, identity=Identity(True)),
    )
    return examine(schema(column(text(1)), column(text(2))), {NAME: 100_000}, there, FACTS)


def test_every_fact_becomes_a_line_and_refusals_come_first() -> None:
    found = everything()
    assert {finding.topic for finding in found} == set(Topic) - {
        Topic.SAFETY,
        Topic.OVERFLOW,
        Topic.DRIFT,
        Topic.TYPE,  # these three are of `target create`
        Topic.NAME,
        Topic.DROPPED,
    }
    severities = [finding.severity for finding in found]
    assert severities == sorted(severities, key=list(Severity).index)
    assert [f.cure for f in found if f.topic is Topic.PRIVILEGE] == ["GRANT A;"]
    (space,) = (f for f in found if f.topic is Topic.SPACE)
    assert space.severity is Severity.WARNING
    for finding in found:
        assert finding.where in as_text(found)
        assert set(finding.to_dict()) == {"severity", "topic", "where", "found", "cure"}
        assert (finding.severity is Severity.NOTE) == (finding.cure == "")


@pytest.mark.parametrize(
    ("topic", "error"),
    [
        (Topic.SAFETY, SafetyError),
        (Topic.PRIVILEGE, PrivilegeError),
        (Topic.REFERENCE, SafetyError),
        (Topic.RECOVERY, LoadError),
        (Topic.DRIFT, DriftError),
        (Topic.OVERFLOW, DriftError),
    ],
)
def test_refusals_are_errors_of_their_kind(topic: Topic, error: type[SchemasynthError]) -> None:
    finding = Finding(Severity.REFUSED, topic, "here", "this is", "do that")
    with pytest.raises(error) as caught:
        refuse([finding], "db")
    assert "do that" in str(caught.value) or caught.value.differences == ("here this is",)  # type: ignore[attr-defined]


def test_warnings_and_notes_refuse_nothing() -> None:
    refuse([f for f in everything() if f.severity is not Severity.REFUSED], "db")


def test_the_gravest_refusal_counts() -> None:
    with pytest.raises(PrivilegeError, match=r"GRANT A;$"):
        refuse(everything(), "db")


def test_room_that_cannot_be_told_is_a_note() -> None:
    found = examine(schema(column(text(1))), {NAME: 1}, schema(column(text(1))), TargetFacts())
    assert [(f.severity, f.topic) for f in found] == [(Severity.NOTE, Topic.SPACE)]
    assert "cannot be told" in found[0].found


def test_amounts_for_people() -> None:
    assert [in_units(n) for n in (1, 1999, 5 * 10**6, 7 * 10**12)] == [
        "1 bytes",
        "2 kB",
        "5 MB",
        "7.0 TB",
    ]
