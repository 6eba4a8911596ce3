"""Which columns are taken as sensitive, and which look so and are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sensitivity_labels import judged, labels, score
from tsocial import social

from schemasynth.arrays import frame
from schemasynth.infer.sensitivity import column_words, find_sensitive
from schemasynth.model import Column, SqlType, TableName, TypeFamily
from schemasynth.model.sensitivity import SensitiveKind, Sensitivity

TEXT = SqlType("TEXT", TypeFamily.TEXT)
K = SensitiveKind


def found(name: str, values: list[str | None], table: str = "t") -> Sensitivity | None:
    rows = frame({name: pa.array(values, pa.string())}, len(values))
    return find_sensitive(TableName(table), [Column(name, TEXT)], rows).get(name)


GIVEN = ["Anna", "Pere", "Laia", "Joan", "Marta", "Pau", "Jordi", "Emma"]
FULL = [f"{name} Puig {'Soler' if i % 2 else ''}".strip() for i, name in enumerate(GIVEN)]


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("cognom1", ["Puig", "Zxqwert", "Serra", "Mir"], K.SURNAME),
        ("Nom_beneficiari", FULL, K.FULL_NAME),
        ("responsable", ["PUIG SOLER, ANNA", "MIR ROCA, PERE", "SERRA, JOAN"], K.FULL_NAME),
        ("x", [f"a{i}@b.cat" for i in range(5)], K.EMAIL),
        ("x", [f"+34 93 {i}00 11 22" for i in range(5)], K.PHONE),
        ("x", [f"Carrer Major, {i}" for i in range(5)], K.ADDRESS),
        ("x", [f"10.{i}.3.4" for i in range(5)], K.IP_ADDRESS),
        ("x", [f"aa:bb:cc:dd:ee:{i:02x}" for i in range(5)], K.DEVICE),
        ("diagnostic", ["Demència", "Grip", "Asma"], K.HEALTH),
        ("remarks", [f"{i} the person came to the office again" for i in range(9)], K.FREE_TEXT),
    ],
)
def test_sensitive_columns(name: str, values: list[str | None], kind: K) -> None:
    sensitive = found(name, values)
    assert sensitive is not None
    assert sensitive.kind is kind
    assert not any(str(value) in sensitive.reason for value in values)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("email_verified", ["S", "N", "S"]),
        ("phone_type", ["home", "work", "mobile"]),
        ("name", ["Rock", "Jazz", "Metal"]),
        ("city", ["Austin", "Victoria", "Florence", "Sydney"]),
        ("date", ["March 3", "April 17", "May 8"]),
        ("published", ["2020-01-02", "2020-01-03", "2020-01-04"]),
        ("address_id", ["1", "2", "3"]),
        ("version", ["1.10.3", "1.2.4", "10.0.0"]),
        ("building_full_name", ["Normandie Court", "Mercedes House", "The Eugene"]),
        ("account_manager_level", ["junior", "senior", "junior"]),
    ],
)
def test_harmless_columns(name: str, values: list[str | None]) -> None:
    sensitive = found(name, values)
    assert sensitive is None or not sensitive.direct


def test_check_digits_prove_documents() -> None:
    people = social()
    found = find_sensitive(
        TableName("t"), [Column("codi", TEXT)],
        frame({"codi": pa.array(people.frames["titular"]["identificador"].array)}, 300),
    )  # fmt: skip
    assert found["codi"].kind is K.DOCUMENT
    assert found["codi"].direct


def test_words_of_names() -> None:
    assert column_words("contactFirstName") == "contact_first_name"
    assert column_words("addressLine1") == "address_line_1"
    assert column_words("Adreça electrònica") == "adreca_electronica"


def test_a_column_of_nulls_is_judged_by_its_name() -> None:
    rows = frame({"telefon": pa.nulls(5, pa.string())}, 5)
    found = find_sensitive(TableName("t"), [Column("telefon", TEXT)], rows)
    assert found["telefon"].confidence < 0.9


def test_labels_are_honest_and_many() -> None:
    every = [direct for own in labels().values() for _, direct in own.values()]
    assert len(every) >= 400
    assert 0.05 < np.mean(every) < 0.3


def test_labelled_columns_of_small_databases(data: Path) -> None:
    names = ["chinook", "northwind", "oracle_co", "oracle_hr_oe", "pubs", "world", "tsocial"]
    result = score(list(judged(data, names)))
    assert result.recall >= 0.97, result.missed
    assert result.precision >= 0.90, result.false
