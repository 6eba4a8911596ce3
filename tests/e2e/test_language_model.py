"""Notes written by the SDK's language model, from one SQLite file into another."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import numpy as np
import pytest

from schemasynth import api
from schemasynth.infer.answers import Answers, ColumnAnswer
from schemasynth.lexicon import folded, names
from schemasynth.model import TableName
from schemasynth.model.languagemodel import LanguageModel
from schemasynth.plan.model import ColumnTreatment
from schemasynth.refresh import RefreshOptions
from schemasynth.report import RefreshReport

pytestmark = pytest.mark.e2e

ROWS = 120
CREATE = (
    "CREATE TABLE visits (id INTEGER PRIMARY KEY, full_name TEXT NOT NULL, kind TEXT NOT NULL, "
    "notes VARCHAR(120))"
)
ANSWERS = Answers(
    columns=(ColumnAnswer(TableName("visits"), "notes", "language_model"),),
    language_model=LanguageModel(max_minutes=0.5),
)


def rows() -> list[tuple[int, str, str, str | None]]:
    """Return visits with a note about the visitor, an amount and a place that is nobody else's."""
    rng = np.random.default_rng(3)
    own = names("en")
    made: list[tuple[int, str, str, str | None]] = []
    for i in range(ROWS):
        person = f"{own.women[i % 80]} {own.surnames[i % 100]}"
        kind = ("repair", "advice")[i % 2]
        place = "".join(rng.choice(list("qwxz"), 6))
        note = f"{person} came for {kind} and paid {rng.integers(1000, 9999)} in {place}."
        made.append((i, person, kind, None if i % 4 == 0 else note))
    return made


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RefreshReport]:
    folder = tmp_path_factory.mktemp("visits")
    for name in ("live", "target"):
        with sqlite3.connect(folder / f"{name}.sqlite") as connection:
            connection.execute(CREATE)
            if name == "live":
                connection.executemany("INSERT INTO visits VALUES (?, ?, ?, ?)", rows())
    live, target = (str(folder / f"{name}.sqlite") for name in ("live", "target"))
    api.init_target(target)
    plan = api.plan(live, answers=ANSWERS)
    assert plan.tables[0].column("notes").treatment is ColumnTreatment.LANGUAGE_MODEL
    options = RefreshOptions(max_epochs=1, seed=1, workdir=folder / "work")
    return folder, api.refresh(live, target, plan=plan, options=options)


@pytest.fixture(scope="module")
def made(report: tuple[Path, RefreshReport]) -> list[tuple[str, str | None]]:
    with sqlite3.connect(report[0] / "target.sqlite") as connection:
        return connection.execute("SELECT full_name, notes FROM visits").fetchall()


def words(text: str) -> set[str]:
    return {folded(word) for word in re.findall(r"[^\W_]+", text)}


def test_the_sdk_trained_a_language_model(report: tuple[Path, RefreshReport]) -> None:
    stored = next((report[0] / "work" / "generator" / "sdk").rglob("generator.json"))
    table = json.loads(stored.read_text("utf-8"))["tables"][0]
    assert table["languageModelConfiguration"]["model"] == "MOSTLY_AI/LSTMFromScratch-3m"
    assert table["languageModelConfiguration"]["maxTrainingTime"] == 0.5


def test_texts_are_there_and_fit(made: list[tuple[str, str | None]]) -> None:
    texts = [text for _, text in made if text is not None]
    assert len(made) == ROWS
    assert 0.1 < 1 - len(texts) / ROWS < 0.4
    assert all(0 < len(text) <= 120 for text in texts)
    assert not any("INVALID" in text or "RARE" in text for text in texts)
    assert len(set(texts)) > 0.9 * len(texts)


def test_nothing_of_the_source_survives(made: list[tuple[str, str | None]]) -> None:
    gone = set()
    for _, person, _, note in rows():
        gone |= words(person)
        gone |= {w for w in words(note or "") if w.isdecimal() or re.fullmatch("[qwxz]{6}", w)}
    assert len(gone) > ROWS
    assert not any(words(text) & gone for _, text in made if text is not None)


def test_the_report_counts_what_was_replaced(report: tuple[Path, RefreshReport]) -> None:
    assert report[1].privacy is not None
    assert report[1].privacy.identifiers == ()
    assert any(repair.what.startswith("notes: ") for repair in report[1].repairs)
