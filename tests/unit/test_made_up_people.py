"""Made-up people: they agree within a row and along keys, and none is of the source."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from stdnum import iban, luhn
from stdnum.es import dni
from there_and_back import Trip, there_and_back
from tsocial import Social, social

from schemasynth.arrays import array
from schemasynth.errors import PlanError, SettingsError
from schemasynth.infer.answers import Answers, ColumnAnswer
from schemasynth.lexicon import folded, language_of, names, sex_of
from schemasynth.model import Column, PrimaryKey, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.model.sensitivity import SensitiveKind
from schemasynth.plan import check_plan, make_plan
from schemasynth.plan.file import read_plan, write_plan
from schemasynth.plan.model import ColumnTreatment, RefreshPlan
from schemasynth.rewrite import prepare, restore
from schemasynth.rewrite.forms import normalised
from schemasynth.rewrite.persons import Taken, draw_persons, written
from schemasynth.testing.standin import generate

PEOPLE = "titular"


@pytest.fixture(scope="module")
def source() -> Social:
    return social()


@pytest.fixture(scope="module")
def trip(source: Social) -> Trip:
    return there_and_back(source.schema, source.frames)


def made_up(plan: RefreshPlan) -> list[tuple[str, str]]:
    return [
        (str(table.name), column.name)
        for table in plan.tables
        for column in table.columns
        if column.treatment is ColumnTreatment.PROVIDER
    ]


def test_direct_identifiers_are_made_up(trip: Trip) -> None:
    treatments = {c.name: c.treatment for c in trip.plan.table(TableName(PEOPLE)).columns}
    assert treatments["identificador"] is ColumnTreatment.KEY
    for name in ("nom", "cognom1", "cognom2", "telefon_mobil", "correu_electronic"):
        assert treatments[name] is ColumnTreatment.PROVIDER
    for name in ("sexe", "data_naixement", "municipi"):
        assert treatments[name] is ColumnTreatment.LEARN


def test_the_generator_sees_no_value_of_them(trip: Trip) -> None:
    for table, column in made_up(trip.plan):
        assert column not in trip.prepared.frames[table].columns


def test_no_value_of_the_source_comes_back(trip: Trip) -> None:
    assert made_up(trip.plan)
    for table, column in made_up(trip.plan):
        old, new = (array(f[table], column).drop_null() for f in (trip.frames, made(trip)))
        assert not set(normalised(old).to_pylist()) & set(normalised(new).to_pylist()), column


def made(trip: Trip) -> Mapping[str, pd.DataFrame]:
    return trip.restored.frames


def test_sex_and_given_name_agree(trip: Trip) -> None:
    people = made(trip)[PEOPLE]
    meant = {"D": "f", "H": "m"}
    told = [
        (sex_of().get(folded(n)), meant[s]) for n, s in zip(people.nom, people.sexe, strict=True)
    ]
    known = [(name, sex) for name, sex in told if name is not None]
    assert len(known) > 100
    assert all(name == sex for name, sex in known)


def test_mail_agrees_with_the_name(trip: Trip) -> None:
    people = made(trip)[PEOPLE]
    for given, family, mail in zip(
        people.nom, people.cognom1, people.correu_electronic, strict=True
    ):
        letters = re.sub(r"[^a-z]", "", folded(family))
        assert mail.startswith(folded(given)[0])
        assert letters in mail
        assert re.search(r"@example\.(com|org|net)$", mail)


def test_second_surnames_are_others(trip: Trip) -> None:
    people = made(trip)[PEOPLE]
    assert (people.cognom1 != people.cognom2).mean() > 0.95


def test_numbers_are_valid(trip: Trip) -> None:
    accounts = made(trip)["dades_bancaries"]
    assert all(map(iban.is_valid, accounts.compte))
    assert all(map(luhn.is_valid, accounts.num_targeta))
    assert all(map(iban.is_valid, made(trip)["pagamentnomina"].IBAN))
    assert all(map(dni.is_valid, made(trip)[PEOPLE].identificador))


def test_forms_and_nulls_are_the_sources(source: Social) -> None:
    frames = dict(source.frames)
    people = frames[PEOPLE].copy()
    people.loc[::4, "telefon_mobil"] = None
    people.loc[::3, "nom"] = people.loc[::3, "nom"].str.upper()
    frames[PEOPLE] = people
    new = made(there_and_back(source.schema, frames))[PEOPLE]
    assert new.telefon_mobil.isna().sum() == people.telefon_mobil.isna().sum()
    assert new.nom.str.isupper().sum() == people.nom.str.isupper().sum()
    full = made(there_and_back(source.schema, frames))["expedient"].nom_complet
    assert full.str.match(r"[^,a-z]+, [^,]+$").mean() > 0.99


def repeating(source: Social) -> Social:
    """Return the source with children that repeat their person's name and document."""
    frames = dict(source.frames)
    people = frames[PEOPLE]
    tables = {table.name.name: table for table in source.schema}
    for name in ("pagamentnomina", "domicili", "dades_bancaries", "expedient"):
        rows = people.sample(300, replace=True, random_state=len(name))
        changed = frames[name].copy()
        changed["identificador"] = rows["identificador"].to_numpy()
        for column in ("nom", "cognom1", "telefon_mobil"):
            changed[column] = pd.array(list(rows[column]), pd.ArrowDtype(pa.string()))
        changed["identificador"] = changed["identificador"].astype(pd.ArrowDtype(pa.string()))
        frames[name] = changed
        text = SqlType("TEXT", TypeFamily.TEXT)
        more = tuple(Column(c, text) for c in ("nom", "cognom1", "telefon_mobil"))
        tables[name] = replace(tables[name], columns=(*tables[name].columns, *more))
    return Social(replace(source.schema, tables=tuple(tables.values())), frames)


def test_a_person_is_the_same_in_every_table(source: Social) -> None:
    trip = there_and_back(*astuple(repeating(source)))
    people = made(trip)[PEOPLE].set_index("identificador")
    for name in ("pagamentnomina", "domicili", "dades_bancaries", "expedient"):
        rows = made(trip)[name]
        for column in ("nom", "cognom1", "telefon_mobil"):
            assert list(rows[column]) == list(people.loc[rows.identificador, column]), (
                name,
                column,
            )


def astuple(source: Social) -> tuple[Schema, Mapping[str, pd.DataFrame]]:
    return source.schema, source.frames


def one_table(columns: Mapping[str, list[Any]]) -> tuple[Schema, dict[str, pd.DataFrame]]:
    rows = len(next(iter(columns.values())))
    data = {"id": pd.array(range(rows), pd.ArrowDtype(pa.int64()))}
    data |= {name: pd.array(v, pd.ArrowDtype(pa.string())) for name, v in columns.items()}
    own = [Column("id", SqlType("INTEGER", TypeFamily.INTEGER), False)]
    own += [Column(name, SqlType("TEXT", TypeFamily.TEXT)) for name in columns]
    table = Table(TableName("t"), tuple(own), PrimaryKey(("id",)), row_count=rows)
    return Schema("sqlite", "x", (table,)), {"t": pd.DataFrame(data)}


def test_rows_about_one_person_stay_together() -> None:
    rng = np.random.default_rng(0)
    who = rng.integers(0, 60, 900)
    own = names("en")
    given = [own.men[i] for i in who]
    family = [own.surnames[i] for i in who]
    mail = [f"{g}.{f}{i}@x.com".lower() for g, f, i in zip(given, family, who, strict=True)]
    schema, frames = one_table({"first_name": given, "last_name": family, "email": mail})
    new = made(there_and_back(schema, frames))["t"]
    people = new.groupby("email")
    assert 40 <= people.ngroups <= 80
    assert (people["first_name"].nunique() == 1).all()
    assert (people["last_name"].nunique() == 1).all()


def test_a_source_with_every_name_gets_others() -> None:
    own = names("es")
    given = [*own.men, *own.women]
    family = list(own.surnames)[: len(given)]
    schema, frames = one_table({"nombre_pila": given, "apellido": family})
    new = made(there_and_back(schema, frames))["t"]
    assert not set(new.nombre_pila) & set(given)
    assert not set(new.apellido) & set(family)
    assert new.nombre_pila.str.contains(" ").all()


def test_the_language_is_the_sources() -> None:
    assert language_of(["Montserrat", "Meritxell", "Puigdevall"]) == "ca"
    assert language_of(["José Luis", "Begoña", "Gutiérrez"]) == "es"
    assert language_of(["Ashley", "Brandon", "Smith"]) == "en"
    assert language_of(["Xyzzy"]) == "en"


def test_equal_seeds_make_equal_people(source: Social, trip: Trip) -> None:
    again = there_and_back(source.schema, source.frames)
    pd.testing.assert_frame_equal(made(again)[PEOPLE], made(trip)[PEOPLE])


def test_answers_confirm_change_and_switch_off(source: Social) -> None:
    name = TableName(PEOPLE)
    answers = [
        ColumnAnswer(name, "nom", "learn"),
        ColumnAnswer(name, "cognom1", "null"),
        ColumnAnswer(name, "cognom2", "constant", value="X"),
        ColumnAnswer(name, "nacionalitat", "provider", SensitiveKind.USER_NAME),
    ]
    told = Answers(columns=tuple(answers), language="fr")
    plan = make_plan(source.schema, source.frames, source="x", answers=told)
    check_plan(plan, source.schema)
    columns = {c.name: c for c in plan.table(name).columns}
    assert columns["nom"].treatment is ColumnTreatment.LEARN
    assert columns["nom"].encoding is not None
    assert columns["cognom1"].treatment is ColumnTreatment.NULL
    assert columns["cognom2"].value == "X"
    assert columns["nacionalitat"].treatment is ColumnTreatment.PROVIDER
    assert columns["nacionalitat"].sensitivity is not None
    assert columns["nacionalitat"].sensitivity.confidence == 1
    provider = columns["correu_electronic"].provider
    assert provider is not None
    assert provider.language == "fr"


def test_an_answer_about_nothing_is_refused(source: Social) -> None:
    for answer in (ColumnAnswer(TableName("x"), "y"), ColumnAnswer(TableName(PEOPLE), "y")):
        with pytest.raises(SettingsError):
            make_plan(source.schema, source.frames, source="x", answers=Answers(columns=(answer,)))


def test_the_plan_file_keeps_what_was_found(trip: Trip) -> None:
    text = write_plan(trip.plan)
    assert read_plan(text) == trip.plan
    assert 'sensitivity = {kind = "email"' in text
    for value in trip.frames[PEOPLE]["correu_electronic"]:
        assert value not in text


def test_an_edit_that_cannot_work_is_refused(trip: Trip) -> None:
    text = write_plan(trip.plan)
    for old, new in (
        ('provider = {kind = "email"', 'provider = {kind = "health"'),
        ('sex = "sexe"', 'sex = "nothing"'),
    ):
        assert old in text
        with pytest.raises(PlanError):
            read_plan(text.replace(old, new, 1))


def test_a_careless_generator_leaves_forms_right(source: Social) -> None:
    plan = make_plan(source.schema, source.frames, source="x")
    prepared = prepare(plan, source.frames, 1)
    synthetic = {}
    for name, rows in generate(prepared, 2).items():
        own = rows.copy()
        for column in own.columns:
            if column.startswith("schemasynth:form"):
                own[column] = pd.array(["_RARE_"] * len(own), pd.ArrowDtype(pa.string()))
        synthetic[name] = own
    people = restore(plan, synthetic, prepared.kept, 3).frames[PEOPLE]
    assert people.nom.notna().all()


@pytest.mark.parametrize("kind", [SensitiveKind.FULL_NAME, SensitiveKind.EMAIL])
def test_a_hundred_thousand_people_take_less_than_a_second(kind: SensitiveKind) -> None:
    """A coarse guard against drawing row by row; the figure is measured in the benchmarks."""
    rng, size = np.random.default_rng(0), 100_000
    nobody = pa.nulls(0, pa.string())
    started = time.perf_counter()
    persons = draw_persons("ca", rng.random(size) < 0.5, Taken(nobody, nobody), None, rng)
    texts = written(kind, persons, pa.array(["m3;.x@"] * size), "ca", rng)
    assert len(texts) == size
    assert time.perf_counter() - started < 1 * 5  # five times, for busy machines


def test_no_street_is_called_after_somebody_of_the_source() -> None:
    rng, size = np.random.default_rng(0), 5_000
    own = names("en").surnames
    there = set(own[: len(own) // 2])
    taken = Taken(pa.nulls(0, pa.string()), normalised(pa.array(sorted(there))))
    persons = draw_persons("en", rng.random(size) < 0.5, taken, None, rng)
    form = pa.array(["m3;<"] * size)
    made = written(SensitiveKind.ADDRESS, persons, form, "en", rng).to_pylist()
    assert there.isdisjoint(street.split()[1] for street in made)
