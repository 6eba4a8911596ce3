"""Patterns along foreign keys: each measure falls where its pattern is broken, and only there."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from schemasynth.arrays import frame
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
from schemasynth.plan import make_plan
from schemasynth.plan.model import RefreshPlan
from schemasynth.verify.patterns import Kept, KeyPatterns, key_patterns, read_patterns

INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
TEXT = SqlType("TEXT", TypeFamily.TEXT)
SEED = 7
ALIKE = 0.03
"""Two samples of as many rows differ from two others by less."""


def _integers(values: np.ndarray) -> pa.Array:
    return pa.array(values.astype("int64"))


def _letters(values: np.ndarray) -> pa.Array:
    return pa.array([chr(ord("a") + int(v)) for v in values])


def _shop(seed: int) -> dict[str, pd.DataFrame]:
    """Regions, customers and orders: an order's kind follows its customer's and its region's."""
    rng = np.random.default_rng(seed)
    regions, customers, orders = 40, 1_500, 8_000
    climate = rng.integers(0, 2, regions)
    region = rng.integers(0, regions, customers)
    grade = rng.integers(0, 3, customers)
    taste = rng.integers(0, 4, customers)
    customer = np.sort(rng.integers(0, customers, orders))
    kind = grade[customer] * 2 + climate[region[customer]]
    return {
        "region": frame(
            {"id": _integers(np.arange(regions)), "climate": _letters(climate)}, regions
        ),
        "customer": frame(
            {
                "id": _integers(np.arange(customers)),
                "region_id": _integers(region),
                "grade": _letters(grade),
            },
            customers,
        ),
        "purchase": frame(
            {
                "id": _integers(np.arange(orders)),
                "customer_id": _integers(customer),
                "kind": _letters(kind),
                "taste": _letters(taste[customer]),
            },
            orders,
        ),
    }


def _plan(frames: dict[str, pd.DataFrame]) -> RefreshPlan:
    keys = {
        "customer": (ForeignKey(("region_id",), TableName("region"), ("id",)),),
        "purchase": (ForeignKey(("customer_id",), TableName("customer"), ("id",)),),
    }
    tables = tuple(
        Table(
            TableName(name),
            tuple(
                Column(c, INTEGER if c.endswith("id") else TEXT, nullable=False)
                for c in content.columns
            ),
            PrimaryKey(("id",)),
            foreign_keys=keys.get(name, ()),
            row_count=len(content),
        )
        for name, content in frames.items()
    )
    return make_plan(Schema("sqlite", "shop", tables), frames, source="shop")


@pytest.fixture(scope="module")
def source() -> dict[str, pd.DataFrame]:
    return _shop(1)


def _of_purchases(source: dict[str, pd.DataFrame], made: dict[str, pd.DataFrame]) -> KeyPatterns:
    found = key_patterns(_plan(source), source, made, SEED)
    return next(patterns for patterns in found if patterns.table == "purchase")


def _lost(kept: Kept | None) -> float:
    assert kept is not None
    return kept.ideal - kept.made


def test_rows_of_the_same_law_keep_all_patterns(source: dict[str, pd.DataFrame]) -> None:
    found = _of_purchases(source, _shop(2))
    for kept in (found.children, found.bivariate, found.siblings):
        assert abs(_lost(kept)) < ALIKE


def test_parents_drawn_at_random_lose_what_hangs_on_them(source: dict[str, pd.DataFrame]) -> None:
    made = _shop(2)
    purchases = made["purchase"].copy()
    rng = np.random.default_rng(3)
    purchases["customer_id"] = rng.permutation(purchases["customer_id"].to_numpy())
    found = _of_purchases(source, {**made, "purchase": frame_of(purchases)})
    assert abs(_lost(found.children)) < ALIKE
    assert _lost(found.bivariate) > 0.2
    assert _lost(found.siblings) > 0.2
    assert _lost(found.farther) > 0.2


def test_a_grandparent_drawn_at_random_is_told_apart(source: dict[str, pd.DataFrame]) -> None:
    made = _shop(2)
    customers = made["customer"].copy()
    rng = np.random.default_rng(3)
    customers["region_id"] = rng.permutation(customers["region_id"].to_numpy())
    found = _of_purchases(source, {**made, "customer": frame_of(customers)})
    assert abs(_lost(found.bivariate)) < ALIKE
    assert _lost(found.farther) > 0.1


def test_all_children_of_one_parent_are_seen(source: dict[str, pd.DataFrame]) -> None:
    made = _shop(2)
    purchases = made["purchase"].copy()
    purchases["customer_id"] = purchases["customer_id"] * 0
    assert _lost(_of_purchases(source, {**made, "purchase": frame_of(purchases)}).children) > 0.5


def test_nothing_is_told_of_few_rows_or_of_missing_tables(
    source: dict[str, pd.DataFrame],
) -> None:
    few = {**_shop(2), "purchase": _shop(2)["purchase"].iloc[:10]}
    found = _of_purchases(source, few)
    assert (found.bivariate, found.siblings, found.farther) == (None, None, None)
    assert key_patterns(_plan(source), {}, source, SEED) == ()


def test_patterns_are_read_as_they_were_written(source: dict[str, pd.DataFrame]) -> None:
    found = key_patterns(_plan(source), source, _shop(2), SEED)
    assert found
    assert read_patterns([asdict(patterns) for patterns in found]) == found


def frame_of(content: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with Arrow columns again."""
    return frame({c: pa.array(content[c]) for c in content.columns}, len(content))
