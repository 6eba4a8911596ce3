"""Sensitive columns of odd tables: strange characters, few rows, names with accents and dots."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemasynth.arrays import frame
from schemasynth.infer.answers import read_answers
from schemasynth.infer.sensitivity import column_words, find_sensitive
from schemasynth.model import Column, PrimaryKey, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.model.sensitivity import SensitiveKind
from schemasynth.plan import check_plan, make_plan
from schemasynth.plan.model import ColumnTreatment, RefreshPlan
from schemasynth.rewrite import prepare, restore
from schemasynth.testing.standin import generate

TEXT = SqlType("TEXT", TypeFamily.TEXT)
K = SensitiveKind
PHONES = [f"6{i:02}1234{i:02}" for i in range(10, 40)]
DOCUMENTS = ["12345678Z", "87654321X", "11111111H", "22222222J", "33333333P"]
NAMES = ["Marta Puig Serra", "Jordi Vila Roca", "Núria Soler Font", "Pere Ferrer Pujol"]
MAILS = [f"p{i}@correu.cat" for i in range(30)]
STREETS = [f"Carrer de la Unió, {i}" for i in range(30)]


def kind_of(name: str, values: list[str | None], table: str = "t") -> SensitiveKind | None:
    rows = frame({name: pa.array(values, pa.string())}, len(values))
    found = find_sensitive(TableName(table), [Column(name, TEXT)], rows).get(name)
    return None if found is None else found.kind


def planned(
    columns: dict[str, list[str | None]],
) -> tuple[RefreshPlan, dict[str, pd.DataFrame]]:
    rows = len(next(iter(columns.values())))
    arrays = {"id": pa.array(range(rows), pa.int64())}
    arrays |= {name: pa.array(values, pa.string()) for name, values in columns.items()}
    own = (Column("id", SqlType("INTEGER", TypeFamily.INTEGER), False),)
    own += tuple(Column(name, TEXT) for name in columns)
    table = Table(TableName("odd"), own, PrimaryKey(("id",)), row_count=rows)
    frames = {"odd": frame(arrays, rows)}
    schema = Schema("sqlite", "x", (table,))
    plan = make_plan(schema, frames, source="t", answers=read_answers([], ["reference:odd"]))
    check_plan(plan, schema)
    return plan, frames


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("D.N.I.", DOCUMENTS, K.DOCUMENT),
        ("Núm. document", DOCUMENTS, K.DOCUMENT),
        ("N.I.F. titular", DOCUMENTS, K.DOCUMENT),
        ("Núm. telèfon", PHONES, K.PHONE),
        ("Telèfon mòbil", PHONES, K.PHONE),
        ("TELÉFONO MÓVIL", PHONES, K.PHONE),
        ("Nº de móvil", PHONES, K.PHONE),
        ("Correu electrònic", MAILS, K.EMAIL),
        ("Dirección de correo electrónico", MAILS, K.EMAIL),
        ("Adreça", STREETS, K.ADDRESS),
        ("Dirección", STREETS, K.ADDRESS),
        ("Nom i cognoms", NAMES, K.FULL_NAME),
        ("NOMBRE Y APELLIDOS", NAMES, K.FULL_NAME),
        ("Cognoms", ["Puig Serra", "Vila Roca", "Soler Font"], K.SURNAME),
        ("Contraseña", ["a1b2c3", "x9y8z7", "qqqwww"], K.PASSWORD),
        ("Gènere", ["home", "dona"], K.SEX),
        ("N.S.S.", ["281234567840", "081234567841", "081234567842"], K.DOCUMENT),
        ("Nº de targeta", ["4111111111111111", "5500005555555559", "340000000000009"], K.CARD),
        ("Número de compte", ["ES91210004184502", "ES79210008136101", "x"], K.BANK_ACCOUNT),
    ],
)
def test_names_with_accents_dots_and_abbreviations(
    name: str, values: list[str | None], kind: SensitiveKind
) -> None:
    assert kind_of(name, values) is kind


@pytest.mark.parametrize(
    ("name", "kind"), [("data_naixement", K.BIRTH_DATE), ("fecha de nacimiento", K.BIRTH_DATE)]
)
def test_dates_of_birth_are_called_so(name: str, kind: SensitiveKind) -> None:
    rows = frame({name: pa.array([10_000, 11_000, 12_000], pa.date32())}, 3)
    column = Column(name, SqlType("DATE", TypeFamily.DATE))
    assert find_sensitive(TableName("t"), [column], rows)[name].kind is kind


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("num_telefons", ["1", "2", "3", "4"]),
        ("te_telefon", ["S", "N", "S"]),
        ("data_telefon", ["2020-01-01", "2020-01-02", "2020-01-03"]),
        ("tipus_document", ["DNI", "NIE", "PAS"]),
        ("v.2", ["a", "b", "c"]),
    ],
)
def test_what_only_speaks_of_them_stays(name: str, values: list[str | None]) -> None:
    assert kind_of(name, values) is None


def test_dots_of_abbreviations_fall_away() -> None:
    assert column_words("D.N.I.") == "dni"
    assert column_words("N.I.F. titular") == "nif_titular"
    assert column_words("cust.name") == "cust_name"


ODD = [
    "😀😀",
    "👩‍👩‍👧",
    "²³",
    "٣٤٥٦٧٨٩",
    "\u200b",
    " ",
    ".",
    ",",
    "@",
    "''",
    "\x00",
    "ß",
    "Ⅷ",
    "-",
    "½",
    "\U0001d7d9\U0001d7da",
]


@pytest.mark.parametrize("name", ["x", "name", "nom", "dni", "phone", "notes", "email", "sexe"])
def test_strange_characters_break_nothing(name: str) -> None:
    values: list[str | None] = [None, *ODD, *(a + b for a in ODD for b in ODD)]
    kind_of(name, values)
    plan, frames = planned({name: values})
    prepared = prepare(plan, frames, 1)
    made = restore(plan, generate(prepared, 1), prepared.kept, 2).frames["odd"]
    assert len(made) == len(values)


@settings(max_examples=40, deadline=None)
@given(
    st.text(min_size=1, max_size=12),
    st.lists(st.none() | st.text(max_size=20), min_size=1, max_size=30),
)
def test_any_name_and_any_values_can_be_judged(name: str, values: list[str | None]) -> None:
    kind_of(name, values)


@pytest.mark.parametrize("rows", [1, 2])
def test_tables_of_a_row_or_two(rows: int) -> None:
    columns: dict[str, list[str | None]] = {
        "Nom i cognoms": ["Marta Puig Serra", None][:rows],
        "D.N.I.": ["12345678Z", "87654321X"][:rows],
        "Correu": ["marta@puig.cat", None][:rows],
        "Observacions": ["Marta Puig came to the office on Monday again", None][:rows],
    }
    plan, frames = planned(columns)
    prepared = prepare(plan, frames, 1)
    made = restore(plan, generate(prepared, 1), prepared.kept, 2).frames["odd"]
    for name, values in columns.items():
        assert not set(made[name].dropna()) & set(filter(None, values)), name


def test_free_text_within_json_stays_json() -> None:
    texts = [f'{{"note": "the person {i} came to the office again today"}}' for i in range(40)]
    rows = frame({"id": pa.array(range(40), pa.int64()), "notes": pa.array(texts)}, 40)
    columns = (
        Column("id", SqlType("INTEGER", TypeFamily.INTEGER), False),
        Column("notes", SqlType("JSONB", TypeFamily.JSON)),
    )
    table = Table(TableName("odd"), columns, PrimaryKey(("id",)), row_count=40)
    plan = make_plan(Schema("postgresql", "x", (table,)), {"odd": rows}, source="t")
    assert plan.tables[0].column("notes").treatment is not ColumnTreatment.TEMPLATE
