"""Ids of keys come back as they were written, whatever the names."""

from __future__ import annotations

import shlex
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemasynth.errors import SettingsError
from schemasynth.model import TableName
from schemasynth.model.keyid import KeyId, Kind, read_key_id

NAMES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(
        ["a.b", "a,b", "(a)", 'q"q', "it's", "a->b", "pk:x", "Order Details", "表", " a"]
    ),
)
TABLES = st.builds(TableName, NAMES, st.none() | NAMES)


@st.composite
def ids(draw: st.DrawFn) -> KeyId:
    size = draw(st.integers(1, 3))
    columns, referred = (
        tuple(draw(st.lists(NAMES, min_size=size, max_size=size, unique=True))) for _ in range(2)
    )
    kind = draw(st.sampled_from(Kind))
    if kind is Kind.REFERENCE:
        return KeyId(kind, draw(TABLES))
    if kind is not Kind.FOREIGN:
        return KeyId(kind, draw(TABLES), columns)
    return KeyId(kind, draw(TABLES), columns, draw(TABLES), referred)


@given(ids())
def test_an_id_comes_back(key: KeyId) -> None:
    text = str(key)
    assert read_key_id(text) == key
    assert text.isprintable()
    assert shlex.split(f"--accept {shlex.quote(text)}") == ["--accept", text]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("pk:orders(id)", KeyId(Kind.PRIMARY, TableName("orders"), ("id",))),
        (" pk: s.orders ( a , b ) ", KeyId(Kind.PRIMARY, TableName("orders", "s"), ("a", "b"))),
        ('fk:"a."(x)->c(y)', KeyId(Kind.FOREIGN, TableName("a."), ("x",), TableName("c"), ("y",))),
        ("fk:orders(x)", KeyId(Kind.FOREIGN, TableName("orders"), ("x",))),
        ("pk:orders", KeyId(Kind.PRIMARY, TableName("orders"))),
        ("entity:Línia de comanda(nº)", KeyId(Kind.ENTITY, TableName("Línia de comanda"), ("nº",))),
    ],
)  # fmt: skip
def test_forms(text: str, key: KeyId) -> None:
    assert read_key_id(text) == key


@pytest.mark.parametrize(
    "text",
    ["", "orders(id)", "pk:", "uk:a(b)", "pk:a(b", "pk:a()", "fk:a(b)->c", "pk:a(b)->c(d)",
     "fk:a(b,c)->d(e)", "pk:a(b,b)", 'pk:"a\\x"(b)', "pk:a.b.c(d)"],
)  # fmt: skip
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(SettingsError):
        read_key_id(text)


def test_long_nonsense_is_refused_at_once() -> None:
    started = time.perf_counter()
    for text in ("pk:" + "a " * 20_000 + "(", "fk:a(" + "b," * 20_000, 'pk:"' + "\\" * 20_001):
        with pytest.raises(SettingsError):
            read_key_id(text)
    assert time.perf_counter() - started < 5


def test_what_an_id_covers() -> None:
    key = read_key_id("fk:a(x,y)->b(u,v)")
    for text in ("fk:a(y,x)->b(v,u)", "fk:a(y,x)", "fk:a"):
        assert read_key_id(text).covers(key), text
    for text in ("fk:a(x,y)->b(v,u)", "fk:a(x)", "fk:b", "pk:a", "fk:a(x,y)->c(u,v)"):
        assert not read_key_id(text).covers(key), text
