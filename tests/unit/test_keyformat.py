"""Key formats: learned, and new values made of them."""

from __future__ import annotations

import re
import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.es import nif

from schemasynth.demo import identifier
from schemasynth.model import SqlType, TypeFamily
from schemasynth.plan.checknumbers import find_check
from schemasynth.plan.keyformat import learn_key_format
from schemasynth.plan.keypattern import pieces
from schemasynth.plan.model import KeyKind
from schemasynth.rewrite.values import Exhausted, new_values

TEXT = SqlType("TEXT", TypeFamily.TEXT)
INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)


def made(source: pa.Array, size: int, sql_type: SqlType = TEXT) -> list[object]:
    form = learn_key_format(source)
    values = new_values(form, sql_type, source, size, np.random.default_rng(3)).to_pylist()
    assert len(set(values)) == size
    assert not set(values) & set(source.to_pylist())
    return values


def test_spanish_documents_are_recognised_and_made_valid() -> None:
    rng = np.random.default_rng(1)
    numbers = rng.choice(99_999_999, 500, replace=False)
    source = pa.array([identifier(int(n), nie=bool(i % 8 == 0)) for i, n in enumerate(numbers)])
    form = learn_key_format(source)
    assert form.kind is KeyKind.CHECKED
    assert form.check == "es.nif"
    values = made(source, 300)
    assert all(nif.is_valid(v) for v in values)
    assert 10 < sum(str(v)[0] in "XYZ" for v in values) < 80


def test_random_digits_satisfy_no_check() -> None:
    rng = np.random.default_rng(1)
    assert find_check([f"{n:08d}" for n in rng.integers(0, 10**8, 300)]) is None


def test_patterns_keep_prefix_width_and_zeros() -> None:
    source = pa.array([f"2021/{i:06d}-B" for i in range(7, 900)])
    assert all(re.fullmatch(r"2021/000\d{3}-B|2021/\d{6}-B\w*", str(v)) for v in made(source, 90))


def test_a_format_holds_no_value_of_the_source() -> None:
    form = learn_key_format(pa.array(["ALPHA-1"]))
    assert "ALPHA" not in form.patterns[0][0]


def test_sequences_go_on_and_sparse_numbers_stay_sparse() -> None:
    assert made(pa.array(range(1, 101)), 5, INTEGER) == [101, 102, 103, 104, 105]
    rng = np.random.default_rng(1)
    sparse = pa.array(rng.choice(10**8, 400, replace=False))
    values = made(sparse, 400, INTEGER)
    assert max(values) < 10**9  # type: ignore[type-var]
    assert np.std(values) > 10**7  # type: ignore[arg-type]


def test_small_types_take_the_gaps() -> None:
    tiny = SqlType("TINYINT", TypeFamily.INTEGER)
    values = made(pa.array([1, 2, 3, 126, 127]), 100, tiny)
    assert all(0 <= v <= 127 for v in values)  # type: ignore[operator]
    with pytest.raises(Exhausted):
        made(pa.array(range(128)), 5, tiny)


def test_uuids_keep_their_version() -> None:
    source = pa.array([str(uuid.uuid4()) for _ in range(50)])
    assert all(uuid.UUID(str(v)).version == 4 for v in made(source, 200))


def test_dates_are_new_and_distinct() -> None:
    days = pa.array(np.arange("2020-01-01", "2020-03-01", dtype="datetime64[D]"))
    values = made(days, 50, SqlType("DATE", TypeFamily.DATE))
    assert len(values) == 50


def test_width_is_never_exceeded() -> None:
    source = pa.array([f"A{i:02d}" for i in range(40)])
    narrow = SqlType("CHAR(3)", TypeFamily.TEXT, length=3)
    assert all(len(str(v)) == 3 for v in made(source, 50, narrow))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9),
        min_size=1,
        max_size=40,
        unique_by=str.casefold,
    )
)
def test_any_text_has_a_format_that_makes_new_values(texts: list[str]) -> None:
    source = pa.array(texts)
    form = learn_key_format(source)
    assert abs(sum(share for _, share in form.patterns) - 1) < 0.01 or form.kind is KeyKind.UUID
    values = new_values(form, TEXT, source, 20, np.random.default_rng(1)).to_pylist()
    folded = {str(v).casefold() for v in values}
    assert len(folded) == 20
    assert not folded & {t.casefold() for t in texts}


def test_pattern_language() -> None:
    assert pieces(r"A\d{2}\-[a-c](year)[0-9\-]") == (
        ("A", "0123456789", "0123456789", "-", "abc"),
        "year",
        ("0123456789-",),
    )
