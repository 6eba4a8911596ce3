"""Key formats: learned, and new values made of them."""

from __future__ import annotations

import re
import uuid

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum import luhn
from stdnum.es import nif

from schemasynth import nuss
from schemasynth.checknumbers import find_check
from schemasynth.demo import identifier
from schemasynth.model import SqlType, TypeFamily
from schemasynth.plan.keyformat import learn_key_format
from schemasynth.plan.keyparts import Beside, Rows
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


def uuids(version: int, spelled: str) -> list[str]:
    rng = np.random.default_rng(version)
    texts = []
    for _ in range(60):
        made = uuid.UUID(bytes=rng.bytes(16), version=1)
        bits = made.int & ~(0xF << 76) | version << 76
        texts.append(spelled.format(str(uuid.UUID(int=bits))))
    return texts


@pytest.mark.parametrize("version", [1, 4, 6, 7])
@pytest.mark.parametrize("spelled", ["{}", "{{{}}}", "urn:uuid:{}"])
def test_uuids_keep_version_and_spelling(version: int, spelled: str) -> None:
    source = uuids(version, spelled)
    values = [str(v) for v in made(pa.array(source), 300)]
    bare = [uuid.UUID(v.removeprefix("urn:uuid:").strip("{}")) for v in values]
    assert {u.version for u in bare} == {version}
    assert all(v == spelled.format(str(u)) for v, u in zip(values, bare, strict=True))


def test_times_of_uuids_stay_between_those_of_the_source() -> None:
    source = [f"{ms:012x}" for ms in range(1_700_000_000_000, 1_700_000_050_000, 1_000)]
    texts = [f"{t[:8]}-{t[8:]}-7abc-8abc-0123456789ab" for t in source]
    times = [int(str(v).replace("-", "")[:12], 16) for v in made(pa.array(texts), 500)]
    assert min(times) >= 1_700_000_000_000
    assert max(times) <= 1_700_000_049_000


def test_bare_hex_of_one_version_is_a_uuid_and_other_hex_is_not() -> None:
    rng = np.random.default_rng(5)
    bare = [uuid.UUID(bytes=rng.bytes(16), version=4).hex for _ in range(80)]
    digests = [rng.bytes(16).hex() for _ in range(80)]
    assert learn_key_format(pa.array(bare)).kind is KeyKind.UUID
    form = learn_key_format(pa.array(digests))
    assert form.patterns == (("[0-9a-f]{32}", 1.0),)


def test_a_year_and_a_province_in_a_key_keep_their_joint_distribution() -> None:
    source = [f"MAD-2021-{i:05d}" for i in range(1, 400)]
    source += [f"BCN-2022-{i:05d}" for i in range(1, 200)]
    values = [str(v) for v in made(pa.array(source), 1_000)]
    heads = [v[:8] for v in values]
    assert set(heads) == {"MAD-2021", "BCN-2022"}
    assert abs(heads.count("MAD-2021") / 1_000 - 399 / 598) < 0.01
    assert min(v for v in values if v.startswith("MAD")) == "MAD-2021-00400"


def test_a_part_agrees_with_the_column_it_comes_from() -> None:
    rng = np.random.default_rng(2)
    towns = rng.choice(["Madrid", "Sevilla", "Lugo"], 600)
    days = np.array("2019-01-01", "M8[D]") + rng.integers(0, 1_400, 600)
    codes = {"Madrid": "MAD", "Sevilla": "41", "Lugo": "LU"}
    rows = enumerate(zip(towns, days, strict=True))
    source = pa.array([f"{codes[t]}/{str(d)[:4]}/{i:05d}" for i, (t, d) in rows])
    beside = {"town": pa.array(towns), "opened": pa.array(days)}
    form = learn_key_format(source, {k: Beside(v) for k, v in beside.items()})
    assert form.patterns == (("(town)/(opened)/(number)", 1.0),)
    assert set(form.sources) == {"town", "opened"}
    new = {
        "town": pa.array(["Lugo", "Madrid", "Sevilla", None] * 50),
        "opened": pa.array(np.array(["2030-05-01"] * 200, "M8[D]")),
    }
    values = new_values(
        form, TEXT, source, 200, np.random.default_rng(1), rows=Rows(beside, new)
    ).to_pylist()
    assert len(set(values)) == 200
    for value, town in zip(values, new["town"].to_pylist(), strict=True):
        head, year, _ = value.split("/")
        assert year == "2030"
        assert head == codes.get(town, head)
        assert head in codes.values()


def test_a_part_that_is_a_parents_new_key_follows_it() -> None:
    parents = [f"C{i // 4:04d}" for i in range(400)]
    source = pa.array([f"{p}-{i % 4 + 1}" for i, p in enumerate(parents)])
    form = learn_key_format(source, {"parent": Beside(pa.array(parents), stable=False)})
    assert form.patterns == (("(parent)-(number)", 1.0),)
    new = pa.array([f"C{5_000 + i // 4}" for i in range(40)])
    rows = Rows({"parent": pa.array(parents)}, {"parent": new})
    values = new_values(form, TEXT, source, 40, np.random.default_rng(1), rows=rows)
    assert values.to_pylist() == [f"C{5_000 + i // 4}-{i % 4 + 1}" for i in range(40)]


def test_mixed_formats_keep_their_shares() -> None:
    rng = np.random.default_rng(3)
    documents = [identifier(int(n), nie=False) for n in rng.choice(10**8, 300, replace=False)]
    ids = uuids(4, "{}")
    source = pa.array([*documents, *ids, *(f"TMP{n}" for n in range(100, 240))])
    form = learn_key_format(source)
    assert {inner.kind for inner, _ in form.formats} == {
        KeyKind.CHECKED,
        KeyKind.UUID,
        KeyKind.PATTERN,
    }
    values = [str(v) for v in made(source, 1_000)]
    assert sum(nif.is_valid(v) for v in values) == 600
    assert sum(len(v) == 36 for v in values) == 120


def test_a_rare_prefix_is_not_written_out() -> None:
    source = pa.array([*(f"AB-{n:04d}" for n in range(0, 9_000, 30)), "VIP-0001", "VIP-0002"])
    form = learn_key_format(source)
    assert "VIP" not in str(form)
    assert "AB" in str(form)


def test_steps_and_decimals_are_kept() -> None:
    assert made(pa.array([10, 20, 30, 40, 50]), 3, INTEGER) == [60, 70, 80]
    numeric = SqlType("NUMERIC(10, 2)", TypeFamily.DECIMAL, None, 10, 2)
    prices = pa.array(["1.25", "3.50", "9.75", "3.05"]).cast(pa.decimal128(10, 2))
    assert all(0 < v <= 10 for v in made(prices, 50, numeric))  # type: ignore[operator]


def test_bytes_stay_bytes_of_their_length() -> None:
    binary = SqlType("BINARY(16)", TypeFamily.BINARY, 16)
    source = pa.array([uuid.UUID(u).bytes for u in uuids(4, "{}")])
    values = made(source, 100, binary)
    assert {uuid.UUID(bytes=v).version for v in values} == {4}  # type: ignore[arg-type]


def test_numbers_with_check_digits_may_be_integers() -> None:
    numbers = np.unique(np.random.default_rng(4).integers(10**11, 10**12, 300))
    source = pa.array([int(f"{n}{luhn.calc_check_digit(str(n))}") for n in numbers])
    big = SqlType("BIGINT", TypeFamily.INTEGER)
    assert learn_key_format(source).kind is KeyKind.CHECKED
    assert all(luhn.is_valid(str(v)) for v in made(source, 300, big))


def test_an_exhausted_format_gets_wider_and_a_full_type_is_refused() -> None:
    source = pa.array([f"{n:02d}" for n in range(90)])
    values = [str(v) for v in made(source, 200, SqlType("CHAR(3)", TypeFamily.TEXT, length=3))]
    assert {len(v) for v in values} <= {2, 3}
    with pytest.raises(Exhausted):
        made(source, 200, SqlType("CHAR(2)", TypeFamily.TEXT, length=2))


def test_members_of_an_enumerated_type_stay_members() -> None:
    enum = SqlType("ENUM", TypeFamily.TEXT, values=("a", "b", "c"))
    assert set(made(pa.array(["a"]), 2, enum)) == {"b", "c"}
    with pytest.raises(Exhausted):
        made(pa.array(["a", "b"]), 2, enum)


def test_social_security_numbers() -> None:
    rng = np.random.default_rng(6)
    bodies = [
        f"{p:02d}{n:08d}"
        for p, n in zip(rng.choice([8, 28], 300), rng.integers(10**7, 10**8, 300), strict=True)
    ]
    source = pa.array([body + nuss.calc_check_digits(body) for body in bodies])
    assert learn_key_format(source).check == "es.nuss"
    values = [str(v) for v in made(source, 500)]
    assert all(map(nuss.is_valid, values))
    assert {v[:2] for v in values} == {"08", "28"}


LETTERS = st.text("ABCDEFGHJKLMNP", min_size=1, max_size=4)
TEMPLATES = st.tuples(
    LETTERS,
    st.sampled_from(["", "-", "/", ".", "(", "]", "{", "^", "+"]),
    st.integers(1, 7),
    st.sampled_from(["", "-X", "/21", "*"]),
    st.booleans(),
)


@settings(max_examples=80, deadline=None)
@given(TEMPLATES, st.integers(2, 120), st.integers(1, 60), st.integers(0, 2**32))
def test_made_keys_have_the_form_of_the_learned(
    template: tuple[str, str, int, str, bool], rows: int, size: int, seed: int
) -> None:
    """Learn(values), then make(n): of the same pattern, distinct, none of the source."""
    head, mark, width, tail, dense = template
    rng = np.random.default_rng(seed)
    numbers = np.arange(rows) if dense else rng.integers(0, 10**width, rows)
    texts = list(
        dict.fromkeys(f"{head}{mark}{int(n) % 10**width:0{width}d}{tail}" for n in numbers)
    )
    source = pa.array(texts)
    form = learn_key_format(source)
    assert form == learn_key_format(source)
    values = new_values(form, TEXT, source, size, rng).to_pylist()
    assert len(set(values)) == size
    assert not set(values) & set(texts)
    shape = re.compile(rf"[A-Z]{{{len(head)}}}{re.escape(mark)}\d{{{width},}}.*", re.DOTALL)
    assert all(shape.fullmatch(v) for v in values)
    padded = width > 1 and any(text[len(head + mark)] == "0" for text in texts)
    if padded and 10**width - len(texts) >= size:
        assert all(len(v) == len(texts[0]) for v in values)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=80, unique=True),
    st.integers(1, 200),
)
def test_any_integers_have_new_ones(numbers: list[int], size: int) -> None:
    source = pa.array(numbers)
    big = SqlType("BIGINT", TypeFamily.INTEGER)
    values = made(source, size, big)
    assert all(abs(v) < 2**63 for v in values)  # type: ignore[arg-type]


def test_the_plan_holds_no_bounds_to_the_digit() -> None:
    rng = np.random.default_rng(9)
    form = learn_key_format(pa.array(rng.choice(10**8, 50, replace=False)))
    assert all(str(end).strip("0")[1:] in ("", "9" * 7) for end in (form.minimum, form.maximum))
