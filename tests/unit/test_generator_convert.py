"""Columns survive the way into the SDK and back."""

# ruff: noqa: DTZ001 - columns without a time zone are the subject

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemasynth.dates import FORMS
from schemasynth.errors import GeneratorError
from schemasynth.generator.convert import (
    EXACT,
    INVALID,
    RARE,
    Codec,
    Form,
    accepted_encodings,
    constant,
    decode,
    encode,
    fit,
    without_token,
)
from schemasynth.plan.columns import choose_encoding
from schemasynth.plan.model import Encoding

MOMENTS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1))
NUMERIC = (Encoding.NUMERIC_DIGIT, Encoding.NUMERIC_DISCRETE, Encoding.NUMERIC_BINNED)

LOSSLESS = [
    (pa.int64(), st.integers(-(2**53), 2**53), (*NUMERIC, Encoding.CATEGORICAL)),
    (pa.int64(), st.integers(2**62, 2**62 + 2**40), NUMERIC),
    (
        pa.decimal128(12, 2),
        st.decimals(-(10**9), 10**9, places=2),
        (*NUMERIC, Encoding.CATEGORICAL),
    ),
    (pa.decimal128(38, 10), st.decimals(-99999, 99999, places=4), NUMERIC),
    (pa.decimal128(38, 0), st.decimals(-(10**37), 10**37, places=0), (Encoding.CATEGORICAL,)),
    (pa.float64(), st.floats(allow_nan=False, allow_infinity=False), (Encoding.CATEGORICAL,)),
    (pa.bool_(), st.booleans(), (Encoding.CATEGORICAL,)),
    (pa.date32(), st.dates(), (Encoding.CATEGORICAL,)),
    (pa.date32(), MOMENTS.map(dt.datetime.date), (Encoding.DATETIME,)),
    (pa.time64("us"), st.times(), (*NUMERIC, Encoding.DATETIME, Encoding.CATEGORICAL)),
    (pa.timestamp("us"), MOMENTS, (Encoding.DATETIME, Encoding.CATEGORICAL)),
    (pa.timestamp("us", "UTC"), MOMENTS, (Encoding.DATETIME, Encoding.CATEGORICAL)),
    (pa.duration("us"), st.timedeltas(dt.timedelta(-9999), dt.timedelta(9999)), NUMERIC),
    (pa.string(), st.text(), (Encoding.CATEGORICAL, Encoding.CHARACTER, Encoding.TEXT)),
    (pa.binary(), st.binary(), (Encoding.CATEGORICAL, Encoding.CHARACTER)),
]


def back(array: pa.Array, encoding: Encoding) -> pa.Array:
    codec = fit(array, encoding, "t.c")
    codec = Codec.from_json(codec.to_json())
    if codec.form is Form.CONSTANT:
        return constant(codec, len(array), array.type)
    encoded = encode(codec, array)
    assert encoded.null_count == array.null_count
    return decode(codec, encoded, array.type)


@pytest.mark.parametrize(
    ("arrow_type", "values", "encoding"),
    [(kind, values, encoding) for kind, values, able in LOSSLESS for encoding in able],
    ids=lambda value: str(value) if isinstance(value, pa.DataType | Encoding) else "",
)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_values_come_back(arrow_type, values, encoding, data):
    content = data.draw(st.lists(st.none() | values, min_size=1, max_size=8))
    array = pa.array(content, arrow_type)
    assert back(array, encoding).equals(array)


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=2, max_size=9))
def test_integers_of_any_size_are_learned_exactly_or_on_a_coarser_step(values):
    array = pa.array(values, pa.int64())
    codec = fit(array, Encoding.NUMERIC_DIGIT, "t.c")
    if codec.form is Form.CONSTANT:
        return
    encoded = encode(codec, array).to_pylist()
    assert max(map(abs, encoded)) <= EXACT
    for value, again in zip(values, decode(codec, pa.array(encoded), pa.int64()), strict=True):
        assert 0 <= value - again.as_py() < codec.unit


def test_wide_decimals_keep_their_leading_digits():
    array = pa.array([Decimal("9" * 38), Decimal("-" + "1" * 38), None], pa.decimal128(38, 0))
    big, small, nothing = back(array, Encoding.NUMERIC_DIGIT).to_pylist()
    assert str(big).startswith("9" * 15)
    assert str(small).startswith("-" + "1" * 14)
    assert nothing is None


@pytest.mark.parametrize("scale", [0, 2, 4])
def test_generated_numbers_get_the_scale_and_range_of_the_source(scale):
    source = pa.array([Decimal("-1"), Decimal("12"), Decimal("7.25").quantize(Decimal(1))])
    array = source.cast(pa.decimal128(12, scale))
    codec = fit(array, Encoding.NUMERIC_BINNED, "t.c")
    generated = pa.array([-1e9, 3.4, None, 1e9], pa.float64())
    low, middle, nothing, high = decode(codec, generated, array.type).to_pylist()
    assert (low, high, nothing) == (Decimal(-1), Decimal(12), None)
    assert middle == Decimal(3)
    assert -middle.as_tuple().exponent == scale


def test_floats_are_rounded_to_the_decimals_of_the_source():
    array = pa.array([1.25, 3.5, float("nan"), float("inf"), None])
    codec = fit(array, Encoding.NUMERIC_BINNED, "t.c")
    assert encode(codec, array).null_count == 3
    assert decode(codec, pa.array([2.123456, 9.0]), pa.float64()).to_pylist() == [2.12, 3.5]


def test_the_end_of_time_survives_nanoseconds():
    values = [dt.date(2020, 2, 29), dt.date(9999, 12, 31), dt.date(1, 1, 1), None]
    array = pa.array(values, pa.date32())
    codec = fit(array, Encoding.DATETIME, "t.c")
    nanoseconds = encode(codec, array).cast(pa.timestamp("ns"))
    assert decode(codec, nanoseconds, array.type).to_pylist() == values


def test_generated_moments_keep_the_step_of_the_source():
    array = pa.array([dt.datetime(2020, 1, 1, 8), dt.datetime(2021, 1, 1, 9)], pa.timestamp("us"))
    codec = fit(array, Encoding.DATETIME, "t.c")
    generated = pa.array([dt.datetime(2020, 5, 5, 8, 31, 7)], pa.timestamp("ns"))
    assert decode(codec, generated, array.type).to_pylist() == [dt.datetime(2020, 5, 5, 8)]


@pytest.mark.parametrize("form", FORMS)
def test_dates_written_as_texts_come_back_as_they_were_written(form):
    moments = [dt.datetime(2020, 2, 29, 13, 5, 9), dt.datetime(1987, 12, 31), None]
    array = pa.array([m and m.strftime(form) for m in moments])
    assert back(array, Encoding.DATETIME).equals(array)
    codec = fit(array, Encoding.DATETIME, "t.c")
    assert pa.types.is_timestamp(encode(codec, array).type)
    generated = pa.array([dt.datetime(2001, 3, 4), dt.datetime(2050, 1, 1)], pa.timestamp("ns"))
    made = decode(codec, generated, array.type).to_pylist()
    assert made == [dt.datetime(2001, 3, 4).strftime(form), array[0].as_py()]


@pytest.mark.parametrize(
    "texts",
    [
        ["2020-02-30", "2020-01-01"],
        ["2020-01-01", "01/02/2020"],
        ["2020-1-1", "2020-01-02"],
        ["2020-01-01", "0000-00-00"],
        ["20200101", "20200102"],
        ["2020-01-01", ""],
    ],
)
def test_texts_that_are_not_all_dates_of_one_form_are_no_dates(texts):
    with pytest.raises(GeneratorError, match=r"t\.c has texts that are not all dates"):
        fit(pa.array(texts), Encoding.DATETIME, "t.c")
    assert choose_encoding(pa.array(texts), 500) is Encoding.CHARACTER


def test_dates_written_as_texts_are_learned_as_dates():
    days = [(dt.date(2020, 1, 1) + dt.timedelta(days=i)).isoformat() for i in range(40)]
    assert choose_encoding(pa.array(days), 40) is Encoding.DATETIME
    assert choose_encoding(pa.array(days[:20] * 5), 20) is Encoding.CATEGORICAL


def test_generated_text_is_no_longer_than_the_source():
    codec = fit(pa.array(["ab", "abc"]), Encoding.TEXT, "t.c")
    assert decode(codec, pa.array(["abcdef"]), pa.string()).to_pylist() == ["abc"]


def test_year_strings_and_leading_zeros_stay_text():
    array = pa.array(["1950", "007", "", None])
    assert back(array, Encoding.CATEGORICAL).equals(array)


@pytest.mark.parametrize("values", [[], [None, None], ["x", "x"]])
def test_columns_with_one_value_or_none_are_not_learned(values):
    array = pa.array(values, pa.string())
    assert fit(array, Encoding.CATEGORICAL, "t.c").form is Form.CONSTANT
    assert back(array, Encoding.CATEGORICAL).equals(array)


def test_one_value_among_nulls_is_learned():
    assert fit(pa.array(["x", None]), Encoding.CATEGORICAL, "t.c").form is Form.CATEGORY


@pytest.mark.parametrize(
    ("arrow_type", "encoding"),
    [
        (pa.string(), Encoding.NUMERIC_DIGIT),
        (pa.int64(), Encoding.CHARACTER),
        (pa.bool_(), Encoding.NUMERIC_DISCRETE),
        (pa.binary(), Encoding.TEXT),
        (pa.date32(), Encoding.NUMERIC_BINNED),
    ],
)
def test_an_encoding_that_cannot_take_the_type_is_refused_by_name(arrow_type, encoding):
    with pytest.raises(GeneratorError, match=r"customer\.born .*possible: [A-Z]+_") as caught:
        fit(pa.nulls(2, arrow_type), encoding, "customer.born")
    assert encoding in str(caught.value)
    for able in accepted_encodings(arrow_type):
        assert able in str(caught.value)


@pytest.mark.parametrize("token", [RARE, INVALID])
def test_tokens_of_the_sdk_are_replaced_by_other_values(token):
    array = pa.array(["a", token, None, "b", token])
    replaced = without_token(array, token, "", seed=1).to_pylist()
    assert replaced[0] == "a"
    assert replaced[2] is None
    assert {replaced[1], replaced[4]} <= {"a", "b"}


@pytest.mark.parametrize("otherwise", ["", None])
def test_a_column_of_tokens_only_gets_the_stand_in(otherwise):
    array = pa.array([RARE, None])
    assert without_token(array, RARE, otherwise, seed=1).to_pylist() == [otherwise, None]


def test_columns_without_the_token_stay_as_they_are():
    array = pa.array(["a", None])
    assert without_token(array, RARE, None, seed=1) is array
