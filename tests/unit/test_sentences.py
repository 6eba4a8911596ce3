"""Made-up sentences: structure and frequent words come back, names and numbers never."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from there_and_back import Trip, there_and_back

from schemasynth.lexicon import folded, names
from schemasynth.model import Column, PrimaryKey, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.plan.model import ColumnTreatment

ROWS = 600


@pytest.fixture(scope="module")
def trip() -> Trip:
    rng = np.random.default_rng(5)
    own = names("en")
    people = [f"{own.men[i % 90]} {own.surnames[i % 120]}" for i in range(ROWS)]
    texts = [
        f"The customer {person} called about invoice {n} ({word}), please answer before Monday."
        for person, n, word in zip(
            people,
            rng.integers(10**5, 10**6, ROWS),
            ["".join(rng.choice(list("qwxz"), 7)) for _ in range(ROWS)],
            strict=True,
        )
    ]
    notes: list[str | None] = [None if i % 5 == 0 else text for i, text in enumerate(texts)]
    rows = pd.DataFrame(
        {
            "id": pd.array(range(ROWS), pd.ArrowDtype(pa.int64())),
            "full_name": pd.array(people, pd.ArrowDtype(pa.string())),
            "notes": pd.array(notes, pd.ArrowDtype(pa.string())),
        }
    )
    text = SqlType("TEXT", TypeFamily.TEXT)
    columns = (
        Column("id", SqlType("INTEGER", TypeFamily.INTEGER), False),
        Column("full_name", text),
        Column("notes", text),
    )
    table = Table(TableName("calls"), columns, PrimaryKey(("id",)), row_count=ROWS)
    return there_and_back(Schema("sqlite", "x", (table,)), {"calls": rows})


def words(texts: pd.Series) -> set[str]:
    return {folded(w) for text in texts.dropna() for w in re.findall(r"[^\W_]+", text)}


def test_it_is_a_template(trip: Trip) -> None:
    column = trip.plan.table(TableName("calls")).column("notes")
    assert column.treatment is ColumnTreatment.TEMPLATE
    assert "notes" not in trip.prepared.frames["calls"].columns


def test_names_and_numbers_never_survive(trip: Trip) -> None:
    old, new = (f["calls"] for f in (trip.frames, trip.restored.frames))
    identifiers = words(old["full_name"]) | {w for w in words(old["notes"]) if w.isdecimal()}
    assert len(identifiers) > 500
    assert not words(new["notes"]) & identifiers


def test_rare_words_never_survive(trip: Trip) -> None:
    old, new = (f["calls"]["notes"] for f in (trip.frames, trip.restored.frames))
    rare = {w for w in words(old) if re.fullmatch("[qwxz]{7}", w)}
    assert len(rare) > 400
    assert not words(new) & rare


def test_frequent_words_marks_and_nulls_come_back(trip: Trip) -> None:
    old, new = (f["calls"]["notes"] for f in (trip.frames, trip.restored.frames))
    assert old.isna().sum() == new.isna().sum()
    assert {"the", "customer", "called", "invoice", "please"} <= words(new)
    assert new.str.contains(r"\(\w+\),", regex=True).mean() > 0.5
    assert abs(new.str.len().mean() / old.str.len().mean() - 1) < 0.25


def test_no_text_of_the_source_comes_back(trip: Trip) -> None:
    old, new = (f["calls"]["notes"].dropna() for f in (trip.frames, trip.restored.frames))
    assert not set(old) & set(new)
