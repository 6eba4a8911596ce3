"""Texts of the language model: asked for, trained on masked texts, filled again on restore."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from there_and_back import stored

from schemasynth import api
from schemasynth.errors import PlanError, SettingsError
from schemasynth.generator import GeneratorSettings, TrainedTable, emit
from schemasynth.infer.answers import Answers, ColumnAnswer
from schemasynth.lexicon import folded, names
from schemasynth.model import Column, PrimaryKey, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.model.languagemodel import FROM_SCRATCH, LanguageModel
from schemasynth.model.privacy import DifferentialPrivacy, Privacy
from schemasynth.plan import check_plan, make_plan, read_plan, write_plan
from schemasynth.plan.budget import count_models
from schemasynth.plan.model import ColumnTreatment, Encoding, RefreshPlan, Role
from schemasynth.rewrite import Prepared, prepare, restore
from schemasynth.rewrite.masks import GIVEN, MAIL, NUMBERS, OWN, SMALL, Words, filled, hidden
from schemasynth.settings_file import read_settings
from schemasynth.testing.standin import generate

ROWS = 400
CALLS = TableName("calls")
TEXT = SqlType("TEXT", TypeFamily.TEXT)
WHOLE = SqlType("INTEGER", TypeFamily.INTEGER)
ASKED = (ColumnAnswer(CALLS, "notes", "language_model"),)
SETTINGS = """
[language_model]
max_minutes = 2

[[column]]
table = "calls"
column = "notes"
treatment = "language_model"
"""


def source(limit: int | None = None) -> tuple[Schema, dict[str, pd.DataFrame]]:
    """Return calls: who called, and a note with the caller, somebody else, mail and numbers."""
    rng = np.random.default_rng(5)
    own = names("en")
    people = [f"{own.men[i % 90]} {own.surnames[i % 120]}" for i in range(ROWS)]
    mails = [f"{name.replace(' ', '.').lower()}@mail{i}.org" for i, name in enumerate(people)]
    notes: list[str | None] = [
        None
        if i % 5 == 0
        else f"{people[i]} called with {people[(i + 7) % ROWS]} about invoice {n}, answer to "
        f"{mails[i]} please."
        for i, n in enumerate(rng.integers(10**5, 10**6, ROWS))
    ]
    rows = pd.DataFrame(
        {
            "id": pd.array(range(ROWS), pd.ArrowDtype(pa.int64())),
            "full_name": pd.array(people, pd.ArrowDtype(pa.string())),
            "email": pd.array(mails, pd.ArrowDtype(pa.string())),
            "notes": pd.array(notes, pd.ArrowDtype(pa.string())),
        }
    )
    columns = (
        Column("id", WHOLE, False),
        Column("full_name", TEXT),
        Column("email", TEXT),
        Column("notes", replace(TEXT, length=limit)),
    )
    table = Table(CALLS, columns, PrimaryKey(("id",)), row_count=ROWS)
    return Schema("sqlite", "x", (table,)), {"calls": rows}


def planned(limit: int | None = None) -> tuple[RefreshPlan, dict[str, pd.DataFrame]]:
    schema, frames = source(limit)
    plan = make_plan(schema, frames, source="test", answers=Answers(columns=ASKED))
    check_plan(plan, schema)
    return plan, frames


def modelled(prepared: Prepared) -> str:
    """Return the name of the column that the language model learns."""
    return next(c.name for c in prepared.tables[0].columns if c.encoding is Encoding.TEXT)


def written(texts: list[str | None] | None = None, limit: int | None = None, seed: int = 1):
    """Return plan, source and what comes back where the language model writes texts in turn."""
    plan, frames = planned(limit)
    prepared = prepare(plan, frames, seed)
    synthetic = dict(generate(prepared, seed))
    if texts is not None:
        rows = synthetic["calls"]
        made = [texts[i % len(texts)] for i in range(len(rows))]
        synthetic["calls"] = rows.assign(
            **{modelled(prepared): pd.array(made, pd.ArrowDtype(pa.string()))}
        )
    return plan, frames["calls"], restore(plan, synthetic, stored(prepared.kept), seed + 1)


def words(texts: pd.Series) -> set[str]:
    return {folded(w) for text in texts.dropna() for w in re.findall(r"[^\W_]+", text)}


def test_the_settings_file_asks_for_it(tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_text(SETTINGS, "utf-8")
    answers = read_settings(path).answers
    assert answers.columns == ASKED
    assert answers.language_model == LanguageModel(FROM_SCRATCH, 2.0)
    path.write_text(SETTINGS.replace("= 2", "= 0"), "utf-8")
    with pytest.raises(SettingsError, match=r"language_model\.max_minutes"):
        read_settings(path)


def test_nobody_gets_it_who_has_not_asked() -> None:
    schema, frames = source()
    plan = make_plan(schema, frames, source="test")
    assert plan.table(CALLS).column("notes").treatment is ColumnTreatment.TEMPLATE
    assert not plan.has_language_model
    assert "[language_model]" not in write_plan(plan)


def test_the_plan_and_its_preview_say_what_and_why() -> None:
    plan, _ = planned()
    column = plan.table(CALLS).column("notes")
    assert column.treatment is ColumnTreatment.LANGUAGE_MODEL
    assert "language_model as asked" in column.reason
    asked = replace(plan, language_model=LanguageModel(max_minutes=2.5))
    assert read_plan(write_plan(asked)) == asked
    text = api.preview(asked)
    assert f"{FROM_SCRATCH}, trained for 2.5 minutes" in text
    assert column.reason in text


def test_a_column_that_nobody_noticed_becomes_free_text_where_asked() -> None:
    schema, frames = source()
    rows = frames["calls"].rename(columns={"notes": "x1"})
    table = replace(schema.tables[0], columns=(*schema.tables[0].columns[:3], Column("x1", TEXT)))
    short = rows.assign(x1=pd.array(["all is well"] * ROWS, pd.ArrowDtype(pa.string())))
    answer = ColumnAnswer(CALLS, "x1", "language_model")
    plan = make_plan(
        replace(schema, tables=(table,)),
        {"calls": short},
        source="t",
        answers=Answers(columns=(answer,)),
    )
    assert plan.table(CALLS).column("x1").treatment is ColumnTreatment.LANGUAGE_MODEL


@pytest.mark.parametrize(
    ("column", "why"), [("id", "it is a key"), ("age", "values are of type int64")]
)
def test_it_is_refused_where_no_text_can_stand(column: str, why: str) -> None:
    schema, frames = source()
    table = replace(schema.tables[0], columns=(*schema.tables[0].columns, Column("age", WHOLE)))
    rows = frames["calls"].assign(age=pd.array(range(ROWS), pd.ArrowDtype(pa.int64())))
    answer = ColumnAnswer(CALLS, column, "language_model")
    with pytest.raises(SettingsError, match=why):
        make_plan(
            replace(schema, tables=(table,)),
            {"calls": rows},
            source="t",
            answers=Answers(columns=(answer,)),
        )


def test_a_copied_table_cannot_have_it() -> None:
    plan, _ = planned()
    copied = replace(plan, tables=(replace(plan.tables[0], role=Role.REFERENCE),))
    with pytest.raises(PlanError, match="is copied as it is"):
        check_plan(copied)


def test_no_model_is_ever_downloaded(tmp_path: Path) -> None:
    plan, _ = planned()
    schema, _ = source()
    named = replace(plan, language_model=LanguageModel("HuggingFaceTB/SmolLM2-135M"))
    with pytest.raises(PlanError, match="would have to be downloaded"):
        check_plan(named)
    with pytest.raises(PlanError, match=r"Line .* would have to be downloaded"):
        read_plan(write_plan(named))
    here = replace(plan, language_model=LanguageModel(str(tmp_path)))
    with pytest.raises(PlanError, match=r"no config\.json"):
        check_plan(here, schema)
    (tmp_path / "config.json").touch()
    check_plan(here, schema)


def test_it_is_emitted_as_the_language_model_of_the_sdk() -> None:
    plan, frames = planned()
    prepared = prepare(plan, frames, 1)
    settings = GeneratorSettings(text_model=FROM_SCRATCH, max_text_minutes=2.0)
    table = emit(prepared.tables, settings).config["tables"][0]
    assert "LANGUAGE_TEXT" in {c["model_encoding_type"] for c in table["columns"][1:]}
    told = table["language_model_configuration"]
    assert (told["model"], told["max_training_time"]) == (FROM_SCRATCH, 2.0)
    assert "max_training_time" not in table["tabular_model_configuration"]
    long = replace(settings, max_training_time=100.0)
    shared = emit(prepared.tables, long).config["tables"][0]
    assert shared["language_model_configuration"]["max_training_time"] == 2.0
    assert '"max_training_time": 10.0' in api.config(plan)


@pytest.mark.parametrize(("due", "limited"), [(90.0, False), (121.0, True)])
def test_its_time_is_held_against_its_own_limit(due: float, limited: bool) -> None:
    figures = {"training.seconds": 500.0, "training.due": 510.0}
    figures |= {"text.training.seconds": 80.0, "text.training.due": due}
    figures |= {"text.training.allowed": 120.0, "training.epochs": 3.0}
    trained = TrainedTable("t", "id", (), (), pa.schema([]), 1, 1, figures)
    assert trained.training is not None
    assert trained.training.limited is limited


def test_it_is_a_model_of_its_own_in_the_privacy_budget() -> None:
    plan, _ = planned()
    private = replace(plan, privacy=Privacy(differential=DifferentialPrivacy()))
    assert count_models(private) == 2


def test_what_is_learned_holds_neither_names_nor_numbers() -> None:
    plan, frames = planned()
    prepared = prepare(plan, frames, 1)
    rows = prepared.frames["calls"]
    texts = rows[modelled(prepared)]
    old = frames["calls"]
    assert not words(texts) & (words(old["full_name"]) | words(old["email"]))
    assert not any(c.isdigit() for text in texts for c in text)
    first = texts[1]
    person = OWN["full_name"]
    assert first.startswith(f"{person} called with {GIVEN}")
    assert first.endswith(f"about invoice {NUMBERS[5]}, answer to {OWN['email']} please.")
    assert texts[0] == ""


def test_texts_come_back_about_the_made_up_person() -> None:
    _, old, restored = written()
    new = restored.frames["calls"]
    assert old["notes"].isna().sum() == new["notes"].isna().sum()
    told = new.dropna()
    assert all(mail in text for mail, text in zip(told["email"], told["notes"], strict=True))
    family = [name.split()[-1] for name in told["full_name"]]
    named = [name in text for name, text in zip(family, told["notes"], strict=True)]
    assert all(there for name, there in zip(family, named, strict=True) if len(name) > 3)
    assert told["notes"].str.contains("called with .* about invoice", regex=True).all()


def test_names_and_numbers_never_survive() -> None:
    _, old, restored = written()
    new = restored.frames["calls"]
    mails = {mail for text in new["notes"].dropna() for mail in re.findall(r"\S+@\S+", text)}
    plain = new["notes"].str.replace(r"\S+@\S+", "", regex=True)
    gone = words(old["full_name"]) | {w for w in words(old["notes"]) if w.isdecimal()}
    assert len(gone) > 400
    assert not words(plain) & gone
    assert mails
    assert not mails & set(old["email"])


@pytest.mark.parametrize("empty", ["", None, " . ", "please answer"])
def test_a_text_that_the_model_has_not_written_is_made_of_the_template(empty: str | None) -> None:
    _, old, restored = written([empty, "please answer about invoice to please answer to"])
    new = restored.frames["calls"]["notes"]
    assert old["notes"].isna().sum() == new.isna().sum()
    assert new.dropna().str.len().min() > 3
    assert "called" in words(new)
    counted = {r.what: r.rows for r in restored.repairs}
    replaced = counted["notes: unfinished text replaced by a template"]
    assert 0.3 * ROWS < replaced < 0.5 * ROWS


def test_what_the_model_spells_by_chance_is_replaced_and_counted() -> None:
    old = source()[1]["calls"]
    leaked = [f"{name} called about invoice, please answer to" for name in old["full_name"][:50]]
    leaked += [f"please answer to {mail} please answer about invoice" for mail in old["email"][:50]]
    _, old, restored = written(leaked)
    new = restored.frames["calls"]["notes"].dropna()
    assert not words(new.str.replace(r"\S+@example\S+", "", regex=True)) & words(old["full_name"])
    assert not any(mail in text for mail in old["email"] for text in new)
    counted = {r.what: r.rows for r in restored.repairs}
    assert counted["notes: words that few rows of the source use replaced"] == len(new)


def test_texts_keep_to_the_length_of_their_column_between_words() -> None:
    _, _, restored = written(["please answer about invoice to " + MAIL], limit=200)
    assert restored.frames["calls"]["notes"].str.len().max() <= 200
    _, _, short = written(["please " * 60], limit=200)
    assert set(short.frames["calls"]["notes"].dropna()) == {"please " * 27 + "please"}


def test_an_empty_column_and_a_single_row_are_no_trouble() -> None:
    plan, frames = planned()
    for rows in (frames["calls"].iloc[:1], frames["calls"].iloc[:2], frames["calls"].iloc[:0]):
        few = rows.reset_index(drop=True)
        small = replace(plan, tables=(replace(plan.tables[0], rows=len(few), size=len(few)),))
        prepared = prepare(small, {"calls": few}, 1)
        made = restore(small, generate(prepared, 1), stored(prepared.kept), 2)
        assert len(made.frames["calls"]) == len(few)


def test_parts_of_a_name_are_places_too() -> None:
    own = {"full_name": ["Puig Serra, Marta"], "document": ["12345678Z"]}
    text = hidden(["MARTA (12345678z) came; Sra. Puig paid. Martansa"], own)[0]
    given, family, document = OWN["given_name"], OWN["surname"], OWN["document"]
    assert text == f"{given} ({document}) came; Sra. {family} paid. Martansa"


def test_rare_words_are_common_in_small_letters_only() -> None:
    texts = ["plain words"] * 9_970 + ["plain txomin Txomin"] * 30
    assert Words.of(texts, texts, (), "en", 0.001).common == {"plain", "words", "txomin"}


def test_a_value_is_hidden_as_a_word_only_whatever_its_case() -> None:
    own = {"document": ["abc"], "email": ["STRASSE@x.de"]}
    document, mail = OWN["document"], OWN["email"]
    assert hidden(["abc ABC abcd _abc xabc abc-abc"], {"document": ["abc"]}) == [
        f"{document} {document} abcd _abc xabc {document}-{document}"
    ]
    assert hidden(["ß STRASSE@x.de, abc"], own) == [f"ß {mail}, {document}"]


def test_places_of_a_row_without_a_person_are_filled_all_the_same() -> None:
    words_of = Words("en", frozenset(), np.asarray([12], dtype=np.int64), frozenset())
    places = "".join((SMALL, *OWN.values(), MAIL))
    texts = filled([f"{p} " for p in places], words_of, {}, np.random.default_rng(1))
    assert all(text.strip() for text in texts)
    assert not any("\ue000" <= c <= "\ue0ff" for text in texts for c in text)


def test_a_source_that_holds_characters_like_places_is_read_without_them() -> None:
    assert hidden([f"a{GIVEN}b"], {}) == ["ab"]
