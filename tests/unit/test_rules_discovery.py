"""Rules are found where they are planted, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted_rules import planted, said

from schemasynth.arrays import frame
from schemasynth.infer.rules import discover_rules
from schemasynth.infer.rules.chance import is_rule
from schemasynth.model import Column, PrimaryKey, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.model.keyid import read_key_id
from schemasynth.model.rules import Rule, RuleKind

ROWS = 600
RNG = np.random.default_rng(5)
FAMILIES = {"i": TypeFamily.INTEGER, "d": TypeFamily.FLOAT, "s": TypeFamily.TEXT}


def rules_of(rows: int, **columns: object) -> set[tuple[RuleKind, tuple[str, ...], str]]:
    values = {"id": pa.array(np.arange(rows)), **{n: pa.array(v) for n, v in columns.items()}}
    own = tuple(
        Column(name, SqlType("X", FAMILIES.get(str(v.type)[0], TypeFamily.DATETIME)))
        for name, v in values.items()
    )
    table = Table(TableName("t"), own, PrimaryKey(("id",)), row_count=rows)
    found = discover_rules(Schema("sqlite", "s", (table,)), {"t": frame(values, rows)})
    return {(rule.kind, rule.columns, rule.how) for rule in found}


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_all_planted_rules_and_no_other(noise: float) -> None:
    source = planted(101, noise)
    found = {said(rule) for rule in discover_rules(source.schema, source.frames)}
    assert source.required - found == set()
    assert found - source.required - source.allowed == set()


def test_exceptions_are_counted() -> None:
    low = RNG.normal(0, 1, ROWS)
    high = low + RNG.exponential(1, ROWS)
    high[:6] = low[:6] - 1
    (rule,) = discovered(low=low, high=high)
    assert (rule.kind, rule.rows, rule.exceptions) == (RuleKind.STRICT_ORDER, ROWS, 6)


def discovered(**columns: object) -> tuple[Rule, ...]:
    values = {name: pa.array(v) for name, v in columns.items()}
    own = tuple(Column(n, SqlType("X", FAMILIES[str(v.type)[0]])) for n, v in values.items())
    table = Table(TableName("t"), own, row_count=ROWS)
    return discover_rules(Schema("sqlite", "s", (table,)), {"t": frame(values, ROWS)})


def test_ranges_that_do_not_meet_are_no_order() -> None:
    assert rules_of(ROWS, age=RNG.integers(1, 90, ROWS), pay=RNG.integers(900, 9000, ROWS)) == set()


def test_a_sum_of_a_tax_and_a_percentage() -> None:
    net = np.round(RNG.uniform(5, 500, ROWS), 2)
    off = RNG.integers(0, 60, ROWS)
    pieces = RNG.integers(1, 9, ROWS)
    total = np.round(net * pieces * (1 - off / 100), 2)
    found = rules_of(ROWS, net=net, pieces=pieces, off=off, total=total)
    assert found == {(RuleKind.DISCOUNTED, ("net", "pieces", "off", "total"), "percent")}


def test_three_terms() -> None:
    a, b, c = (np.round(RNG.uniform(5, 500, ROWS), 2) for _ in range(3))
    assert (RuleKind.NET, ("a", "b", "c", "d"), "") in rules_of(
        ROWS, a=a, b=b, c=c, d=np.round(a + b - c, 2)
    )
    assert (RuleKind.SUM, ("a", "b", "c", "d"), "") in rules_of(
        ROWS, a=a, b=b, c=c, d=np.round(a + b + c, 2)
    )


def test_a_constant_factor_and_a_ratio() -> None:
    net, pieces = np.round(RNG.uniform(5, 500, ROWS), 2), RNG.uniform(1, 9, ROWS)
    gross = np.round(net * 1.21, 2)
    assert (RuleKind.FACTOR, ("net", "gross"), "1.21") in rules_of(ROWS, net=net, gross=gross)
    each = np.round(net / pieces, 3)
    found = rules_of(ROWS, net=net, pieces=pieces, each=each)
    assert (RuleKind.RATIO, ("net", "pieces", "each"), "") in found


def test_texts_made_of_others() -> None:
    names = np.array([f"Name{i}" for i in RNG.integers(0, 90, ROWS)])
    codes = np.array([f"{i:05d}" for i in RNG.integers(0, 9999, ROWS)])
    both = np.array([f"{a}-{b}" for a, b in zip(names, codes, strict=True)])
    upper = np.char.upper(names)
    found = rules_of(ROWS, name=names, code=codes, both=both, upper=upper)
    assert (RuleKind.JOINED, ("name", "code", "both"), "-") in found
    assert (RuleKind.CASED, ("name", "upper"), "upper") in found


def test_columns_that_are_set_together() -> None:
    one = RNG.random(ROWS) < 0.4
    more = one & (RNG.random(ROWS) < 0.5)

    def where(mask: np.ndarray) -> pa.Array:
        return pa.array(RNG.normal(0, 1, ROWS), mask=~mask)

    found = rules_of(ROWS, street=where(one), town=where(one), door=where(more))
    assert (RuleKind.TOGETHER, ("street", "town"), "") in found
    assert (RuleKind.IMPLIES, ("door", "street"), "") in found


def test_status_mixed_around_a_date_is_not_determined() -> None:
    day = RNG.integers(0, 300, 20_000)
    done = (day + RNG.integers(-2, 3, 20_000)) < 150
    status = np.where(done, "F", "O")
    assert rules_of(20_000, day=day, status=status) == set()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(10, 400))
def test_independent_columns_have_no_rules(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    found = rules_of(
        rows,
        a=rng.integers(0, 4, rows),
        b=rng.integers(0, 4, rows),
        c=rng.integers(0, 90, rows),
        d=np.round(rng.normal(0, 9, rows), 1),
        s=np.array(["x", "y", "z"])[rng.integers(0, 3, rows)],
        n=pa.array(rng.normal(0, 1, rows), mask=rng.random(rows) < 0.5),
        m=pa.array(rng.normal(0, 1, rows), mask=rng.random(rows) < 0.9),
    )
    assert found == set()


def test_chance_grows_with_what_is_tried() -> None:
    assert is_rule(30, 0, 0.5, 10)
    assert not is_rule(30, 0, 0.5, 10_000)
    assert not is_rule(1000, 30, 0.5, 1)
    assert not is_rule(1000, 5, 0.99, 1)


def test_every_rule_has_an_id_that_reads_back() -> None:
    source = planted(3)
    for rule in discover_rules(source.schema, source.frames):
        assert read_key_id(str(rule.id)) == rule.id


def test_empty_tables_say_nothing() -> None:
    table = Table(TableName("t"), (Column("a", SqlType("X", TypeFamily.TEXT)),), row_count=0)
    frames = {"t": pd.DataFrame({"a": pd.Series(dtype=pd.ArrowDtype(pa.string()))})}
    assert discover_rules(Schema("sqlite", "s", (table,)), frames) == ()
