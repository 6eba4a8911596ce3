"""New key values: as many as asked, distinct, none of the source, in its form."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import pyarrow as pa
import pytest
from stdnum import ean, iban, isbn, luhn
from stdnum.es import ccc, cif, dni, nie
from stdnum.fr import nir
from stdnum.it import codicefiscale

from schemasynth.checknumbers import check_module
from schemasynth.model import SqlType, TypeFamily
from schemasynth.plan.keyformat import learn_key_format
from schemasynth.plan.model import KeyFormat, KeyKind
from schemasynth.rewrite.checks import MANY, completed
from schemasynth.rewrite.values import Exhausted, new_values

TEXT = SqlType("VARCHAR(40)", TypeFamily.TEXT, length=40)
SMALL = SqlType("SMALLINT", TypeFamily.INTEGER)


def spanish_iban(number: int) -> str:
    office, account = f"2100{number % 10_000:04d}", f"{number:010d}"
    text = f"ES00{office}{ccc.calc_check_digits(office + '00' + account)}{account}"
    return f"ES{iban.calc_check_digits(text)}{text[4:]}"


def german_iban(number: int) -> str:
    text = f"DE00{number:018d}"
    return f"DE{iban.calc_check_digits(text)}{text[4:]}"


def french_person(number: int) -> str:
    text = f"1{50 + number % 50:02d}{1 + number % 12:02d}75{number % 1000:03d}{number % 997:03d}"
    return text + str(nir.calc_check_digits(text))


def italian_person(number: int) -> str:
    letters = "BCDFGLMNPRST"
    name = "".join(letters[(number // 12**i) % 12] for i in range(6))
    text = f"{name}{50 + number % 50:02d}{'ABCDEHLMPRST'[number % 12]}{1 + number % 28:02d}H501"
    return text + str(codicefiscale.calc_check_digit(text))


NUMBERS = [n * 7_919 for n in range(1, 301)]
CHECKED = {
    "es.dni": [f"{n:08d}{dni.calc_check_digit(f'{n:08d}')}" for n in NUMBERS],
    "es.nie": [f"X{n:07d}{nie.calc_check_digit(f'X{n:07d}')}" for n in NUMBERS],
    "es.cif": [f"A58{n:05d}{cif.calc_check_digits(f'A58{n:05d}')[0]}" for n in range(300)],
    "es.ccc": [spanish_iban(n)[4:] for n in NUMBERS],
    "iban": [spanish_iban(n) for n in NUMBERS],
    "ean": [f"84{n:010d}{ean.calc_check_digit(f'84{n:010d}')}" for n in NUMBERS],
    "luhn": [f"{n:09d}{luhn.calc_check_digit(f'{n:09d}')}" for n in NUMBERS],
    "isbn": [isbn.format(f"978{n:09d}{ean.calc_check_digit(f'978{n:09d}')}") for n in NUMBERS],
    "fr.nir": [french_person(n) for n in NUMBERS],
    "it.codicefiscale": [italian_person(n) for n in NUMBERS],
}


@pytest.mark.parametrize("check", CHECKED)
def test_checked_numbers_are_valid_new_and_distinct(check: str) -> None:
    source = list(dict.fromkeys(CHECKED[check]))
    assert all(map(import_module(f"stdnum.{check}").is_valid, source))
    learned = learn_key_format(pa.array(source))
    assert learned.kind is KeyKind.CHECKED
    module = import_module(f"stdnum.{learned.check}")
    made = new_values(learned, TEXT, pa.array(source), 500, np.random.default_rng(1)).to_pylist()
    assert len(set(made)) == 500
    assert not set(made) & set(source)
    assert all(map(module.is_valid, made))


def test_german_accounts_are_completed() -> None:
    broken = [f"DE00{german_iban(n)[4:]}" for n in NUMBERS]
    assert completed(pa.array(broken), "iban").to_pylist() == [german_iban(n) for n in NUMBERS]


def test_separators_stay_where_they_are() -> None:
    assert completed(pa.array(["12345678-A"]), "es.dni").to_pylist() == ["12345678-Z"]


def test_texts_differ_by_more_than_case_from_those_of_the_source() -> None:
    source = pa.array(["ab", "CD", "ef"])
    learned = learn_key_format(source)
    made = new_values(learned, TEXT, source, 500, np.random.default_rng(2)).to_pylist()
    folded = {text.lower() for text in made}
    assert len(folded) == 500
    assert not folded & {"ab", "cd", "ef"}


def test_uuids_have_their_version_and_variant() -> None:
    source = pa.array([f"{n:08X}-1111-7111-8111-111111111111" for n in range(50)])
    learned = learn_key_format(source)
    made = new_values(learned, TEXT, source, 300, np.random.default_rng(3)).to_pylist()
    assert len(set(made)) == 300
    assert all(text == text.upper() and len(text) == 36 for text in made)
    assert {text[14] for text in made} == {"7"}
    assert {text[19] for text in made} <= set("89AB")


def test_a_sequence_goes_on_and_sparse_numbers_fill_gaps() -> None:
    rng = np.random.default_rng(4)
    dense = pa.array(range(1, 101))
    made = new_values(learn_key_format(dense), SMALL, dense, 3, rng)
    assert made.to_pylist() == [101, 102, 103]
    sparse = pa.array(range(10_000, 30_000, 500))
    new = new_values(learn_key_format(sparse), SMALL, sparse, 200, rng).to_pylist()
    assert len(set(new)) == 200
    assert not set(new) & set(sparse.to_pylist())
    assert max(new) <= 32_767


def test_a_full_type_is_refused() -> None:
    source = pa.array(range(100))
    tiny = SqlType("TINYINT", TypeFamily.INTEGER)
    with pytest.raises(Exhausted):
        new_values(learn_key_format(source), tiny, source, 100, np.random.default_rng(5))


@pytest.mark.parametrize("check", ["es.dni", "es.nie", "luhn", "ean", "fr.nir"])
def test_many_checked_numbers_are_all_valid(check: str) -> None:
    """Beyond some number of texts the check is computed by tables learned from the module."""
    source = pa.array(list(dict.fromkeys(CHECKED[check])))
    learned = learn_key_format(source)
    wide = replace(learned, patterns=tuple((_widened(p), w) for p, w in learned.patterns))
    made = new_values(wide, TEXT, source, 2 * MANY, np.random.default_rng(1)).to_pylist()
    assert len(set(made)) == 2 * MANY
    assert all(map(check_module(str(wide.check)).is_valid, made))


def _widened(pattern: str) -> str:
    """Return a pattern with its last constant digits free."""
    return re.sub(r"\d0+(?=\\d|\[)", lambda m: m[0][0] + r"\d" * (len(m[0]) - 1), pattern)


def test_newness_does_not_hang_on_the_longest_text() -> None:
    source = pa.array(["2", "7", "0000000000"])
    learned = learn_key_format(source)
    made = new_values(learned, TEXT, source, 200, np.random.default_rng(1)).to_pylist()
    assert len({text.lower() for text in made}) == 200
    assert not set(made) & set(source.to_pylist())


PLACES = [
    "Sant Feliu", "Girona", "L'Escala", "Palafrugell", "Figueres", "Roses", "La Bisbal", "Olot",
    "Banyoles", "Begur", "Pals", "Torroella", "Vic", "Manlleu", "Ripoll", "Camprodon", "Besalú",
    "Santa Pau", "Puigcerdà", "La Seu d'Urgell", "Tremp", "Sort", "Vielha", "Solsona", "Berga",
]  # fmt: skip


def test_names_as_keys_read_like_names() -> None:
    source = pa.array(PLACES)
    form = learn_key_format(source)
    assert form == KeyFormat(KeyKind.WORDS)
    kind = SqlType("VARCHAR(15)", TypeFamily.TEXT, length=15)
    made = new_values(form, kind, source, 2_000, np.random.default_rng(3)).to_pylist()
    known = {place.casefold() for place in PLACES}
    assert len({text.casefold() for text in made} - known) == 2_000
    assert max(map(len, made)) <= 15
    letters = {c for place in PLACES for c in place.lower()}
    assert {c for text in made for c in text.lower()} <= letters
    shape = re.compile(r"[A-Z]?[a-zúà]*(?:[' ][A-Za-zúà]+)*")
    assert all(shape.fullmatch(text) for text in made)


def test_a_pattern_without_room_leaves_its_keys_to_the_others() -> None:
    source = pa.array(
        [*"ABCDEFGHIJKLMNOPQRSTUVWXY", *(f"{a}{b}" for a in "ABCDE" for b in "FGHIJ")]
    )
    kind = SqlType("VARCHAR(4)", TypeFamily.TEXT, length=4)
    made = new_values(learn_key_format(source), kind, source, 60, np.random.default_rng(1))
    assert all(re.fullmatch("[A-Z]{1,2}", text) for text in made.to_pylist())
