"""Parents that are found again by their traits."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from there_and_back import Trip, there_and_back

from schemasynth.arrays import frame
from schemasynth.graph.traits import telling
from schemasynth.levels import LEVELS, NULL, cut
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
from schemasynth.plan.model import ForeignKeyTreatment
from schemasynth.verify.patterns import key_patterns

INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
TEXT = SqlType("TEXT", TypeFamily.TEXT)
SEED = 1
RETENTION = 0.9
"""Accuracy of the second of two strong parents, by that of the first."""


@given(
    st.lists(st.none() | st.integers(-5, 5) | st.integers(-(2**63), 2**63 - 1), max_size=60)
    | st.lists(st.none() | st.text("abcÀ", max_size=3), max_size=60)
)
def test_levels_are_few_and_the_same_for_any_part(values: list[object]) -> None:
    column = pa.array(values, pa.int64() if any(isinstance(v, int) for v in values) else None)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    levels = cut(column)
    if levels is None:
        assert len(column.drop_null().unique()) <= 1
        return
    codes = levels.codes(column)
    assert ((codes == NULL) == np.array([v is None for v in values])).all()
    assert codes.min(initial=0) >= 0
    assert len(np.unique(codes[codes != NULL])) <= max(LEVELS, 1)
    assert (levels.codes(column.slice(len(values) // 2)) == codes[len(values) // 2 :]).all()


def test_only_columns_that_add_something_are_telling() -> None:
    rng = np.random.default_rng(1)
    colour, size, noise = (rng.integers(0, 4, 3000) for _ in range(3))
    child = [np.where(rng.random(3000) < 0.8, colour, 0), colour * 4 + size]
    parent = {"noise": noise, "size": size, "colour": colour, "again": colour}
    assert set(telling(child, parent)) in ({"colour", "size"}, {"again", "size"})
    assert telling([rng.integers(0, 4, 3000)], parent) == ()
    assert telling([], parent) == telling(child, {}) == ()


def two_parents(rows: int, seed: int = 1) -> tuple[Schema, dict[str, pd.DataFrame]]:
    """Return a table whose columns depend on the rows of two others, half each."""
    rng = np.random.default_rng(seed)
    people, goods = rows // 8, rows // 10
    age, region = rng.integers(18, 90, people), rng.integers(0, 5, people)
    price, kind = rng.integers(1, 1000, goods), rng.integers(0, 6, goods)
    fanout = rng.pareto(1.5, goods) + 0.2
    buyer = rng.integers(0, people, rows)
    good = rng.choice(goods, rows, p=fanout / fanout.sum())
    noisy = rng.random((2, rows)) < 0.1
    paid = np.where(noisy[0], rng.integers(0, 6, rows), kind[good])
    channel = np.where(noisy[1], rng.integers(0, 5, rows), region[buyer])
    total = price[good] + rng.integers(0, 50, rows)
    discount = age[buyer] + rng.integers(0, 10, rows)

    def text(prefix: str, codes: np.ndarray) -> pa.Array:
        return pa.array([f"{prefix}{code}" for code in codes])

    def number(values: np.ndarray) -> pa.Array:
        return pa.array(values.astype(np.int64))

    frames = {
        "person": frame(
            {"id": number(np.arange(people)), "age": number(age), "region": text("r", region)},
            people,
        ),
        "good": frame(
            {"id": number(np.arange(goods)), "price": number(price), "kind": text("k", kind)},
            goods,
        ),
        "sale": frame(
            {
                "id": number(np.arange(rows)),
                "person_id": number(buyer),
                "good_id": number(good),
                "channel": text("c", channel),
                "discount": number(discount),
                "paid": text("p", paid),
                "total": number(total),
            },
            rows,
        ),
    }
    keys = (
        ForeignKey(("person_id",), TableName("person"), ("id",)),
        ForeignKey(("good_id",), TableName("good"), ("id",)),
    )
    tables = tuple(
        Table(
            TableName(name),
            tuple(
                Column(c, INTEGER if pa.types.is_integer(t.pyarrow_dtype) else TEXT, False)
                for c, t in content.dtypes.items()
            ),
            PrimaryKey(("id",)),
            foreign_keys=keys if name == "sale" else (),
            row_count=len(content),
        )
        for name, content in frames.items()
    )
    return Schema("sqlite", "shop", tables), frames


@pytest.fixture(scope="module")
def trip() -> Trip:
    return there_and_back(*two_parents(8000))


def test_both_of_two_strong_parents_keep_their_patterns(trip: Trip) -> None:
    found = {
        patterns.treatment: patterns
        for patterns in key_patterns(trip.plan, trip.frames, trip.restored.frames, SEED)
    }
    first, second = (
        found[treatment].bivariate
        for treatment in (ForeignKeyTreatment.CONTEXT, ForeignKeyTreatment.RESTORED)
    )
    assert first is not None
    assert second is not None
    assert second.made >= RETENTION * first.made
    assert second.made >= 0.9
    children = found[ForeignKeyTreatment.RESTORED].children
    assert children is not None
    assert children.made >= 0.9


def test_the_second_parent_is_found_again_by_traits(trip: Trip) -> None:
    keys = {key.treatment: key for key in trip.plan.table(TableName("sale")).foreign_keys}
    assert keys[ForeignKeyTreatment.RESTORED].traits


def test_nothing_of_the_traits_is_left(trip: Trip) -> None:
    columns = [name for frame in trip.restored.frames.values() for name in frame.columns]
    assert not any(name.startswith("schemasynth:") for name in columns)
    assert trip.restored.repairs == ()
