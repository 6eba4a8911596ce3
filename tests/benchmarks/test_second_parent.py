"""A child with two strong parents: what is kept of the one that is not the context."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from measures import Record, at_least, for_information
from refreshes import refreshed

from schemasynth.plan.model import ForeignKeyTreatment
from schemasynth.verify.patterns import KeyPatterns, key_patterns

pytestmark = pytest.mark.bench
BUYERS, ARTICLES, SALES = 600, 500, 6_000
REGIONS = np.array(["north", "south", "east", "west"])
SORTS = np.array(["food", "tools", "books", "toys", "shoes"])
HELD = 0.85
"""Share of sales in which a dependence on a parent holds."""
EPOCHS = 10.0
SEEDS = (1, 2, 3)
RETAINED = 0.90

_SCHEMA = """
CREATE TABLE buyer (id INTEGER PRIMARY KEY, region TEXT NOT NULL, income REAL NOT NULL);
CREATE TABLE article (id INTEGER PRIMARY KEY, sort TEXT NOT NULL, price REAL NOT NULL);
CREATE TABLE sale (
  id INTEGER PRIMARY KEY,
  buyer_id INTEGER NOT NULL REFERENCES buyer(id),
  article_id INTEGER NOT NULL REFERENCES article(id),
  channel TEXT NOT NULL, spent REAL NOT NULL, shelf TEXT NOT NULL, paid REAL NOT NULL
);
"""


def write_sales(path: Path, seed: int) -> Path:
    """Write sales of which two columns hang on the buyer and two on the article, equally."""
    rng = np.random.default_rng(seed)
    region, income = rng.integers(0, len(REGIONS), BUYERS), rng.normal(size=BUYERS)
    sort, price = rng.integers(0, len(SORTS), ARTICLES), rng.normal(size=ARTICLES)
    buyer, article = rng.integers(0, BUYERS, SALES), rng.integers(0, ARTICLES, SALES)
    tables = {
        "buyer": {"id": range(1, BUYERS + 1), "region": REGIONS[region], "income": income},
        "article": {"id": range(1, ARTICLES + 1), "sort": SORTS[sort], "price": price},
        "sale": {
            "id": range(1, SALES + 1),
            "buyer_id": buyer + 1,
            "article_id": article + 1,
            "channel": _told(rng, region[buyer], "channel"),
            "spent": income[buyer] + 0.4 * rng.normal(size=SALES),
            "shelf": _told(rng, sort[article], "shelf"),
            "paid": price[article] + 0.4 * rng.normal(size=SALES),
        },
    }
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(_SCHEMA)
        for name, columns in tables.items():
            pd.DataFrame(columns).round(3).to_sql(name, connection, if_exists="append", index=False)
    return path


def _told(rng: np.random.Generator, codes: np.ndarray, word: str) -> np.ndarray:
    drawn = rng.integers(0, codes.max() + 1, len(codes))
    kept = np.where(rng.random(len(codes)) < HELD, codes, drawn)
    return np.array([f"{word} {code}" for code in kept])


def test_the_second_parent_keeps_its_patterns(tmp_path: Path, record: Record) -> None:
    kept, context, ideal = [], [], []
    for seed in SEEDS:
        source = write_sales(tmp_path / f"source{seed}.sqlite", seed)
        trip = refreshed(source, tmp_path / str(seed), epochs=EPOCHS, seed=seed).trip
        found = key_patterns(trip.plan, trip.frames, trip.restored.frames, seed)
        first = [p for p in found if p.treatment == ForeignKeyTreatment.CONTEXT]
        second = [p for p in found if p.treatment != ForeignKeyTreatment.CONTEXT]
        assert len(first) == len(second) == 1
        context.append(_bivariate(first[0]))
        kept.append(_bivariate(second[0]))
        assert second[0].bivariate is not None
        ideal.append(second[0].bivariate.ideal)
    record(
        for_information("two strong parents: accuracy of the context's", float(np.mean(context))),
        for_information("two strong parents: accuracy of the second's", float(np.mean(kept))),
        for_information("two strong parents: of real rows against others", float(np.mean(ideal))),
        at_least(
            "two strong parents: retention of the second",
            float(np.mean(kept) / np.mean(context)),
            RETAINED,
        ),
    )


def _bivariate(patterns: KeyPatterns) -> float:
    assert patterns.bivariate is not None
    return patterns.bivariate.made
