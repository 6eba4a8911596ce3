"""What names say of keys."""

from __future__ import annotations

import pytest

from schemasynth.infer.names import own_key_score, prefix, reference_score, words


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CustomerId", ("customer", "id")),
        ("customer_ids", ("customer", "ids")),
        ("N_Expedit", ("n", "expedit")),
        ("HTTPServer", ("http", "server")),
        ("stuid", ("stu", "id")),
        ("categories", ("category",)),
        ("status", ("status",)),
    ],
)
def test_words(name: str, expected: tuple[str, ...]) -> None:
    assert words(name) == expected


def test_a_reference_names_its_table_and_key() -> None:
    exact = reference_score(words("artist_id"), words("artists"), words("id"), own=False)
    role = reference_score(words("billing_address_id"), words("address"), words("id"), own=False)
    other = reference_score(words("colour"), words("artists"), words("id"), own=False)
    assert exact > role > 0.8
    assert other < 0.5


def test_hierarchies_are_recognised_only_in_the_own_table() -> None:
    assert reference_score(("manager", "id"), ("employee",), ("id",), own=True) > 0.8
    assert reference_score(("employee", "id"), ("employee",), ("employee", "id"), own=True) < 0.5


def test_a_table_prefix_is_found() -> None:
    assert prefix(["l_orderkey", "l_partkey", "l_comment"]) == "l"
    assert prefix(["id", "name", "city"]) == ""


def test_own_keys() -> None:
    assert own_key_score(words("id"), words("album")) == 1.0
    assert own_key_score(words("album_id"), words("album")) > 0.9
    assert own_key_score(words("title"), words("album")) == 0.0
