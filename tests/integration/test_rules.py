"""Rules from a database to the plan, and answers about them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from schemasynth import api
from schemasynth.errors import SettingsError
from schemasynth.infer import read_answers
from schemasynth.model import Origin
from schemasynth.plan import write_plan

ORDER = "strict_order:orders(placed,shipped)"
TOTAL = "sum:orders(net,tax,total)"


@pytest.fixture
def shop(tmp_path: Path) -> str:
    rng = np.random.default_rng(1)
    path = tmp_path / "shop.sqlite"
    database = sqlite3.connect(path)
    database.execute(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, placed DATE, shipped DATE, "
        "net DECIMAL(9, 2), tax DECIMAL(9, 2), total DECIMAL(9, 2))"
    )
    day = np.datetime64("2024-01-01")
    for number in range(1, 301):
        placed = day + int(rng.integers(0, 300))
        net, tax = int(rng.integers(100, 90_000)), int(rng.integers(10, 9_000))
        row = (number, str(placed), str(placed + int(rng.integers(1, 40))))
        amounts = (net / 100, tax / 100, (net + tax) / 100)
        database.execute("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", (*row, *amounts))
    database.commit()
    database.close()
    return str(path)


def test_rules_are_in_documents_model_and_plan(shop: str, tmp_path: Path) -> None:
    schema = api.introspect(shop)
    assert {str(rule.id) for rule in schema.rules} == {ORDER, TOTAL}
    assert f"orders: placed < shipped  in all of 300 rows\n    {ORDER}" in api.render(schema)
    assert f"`{TOTAL}`" in api.render(schema, "markdown")
    model = tmp_path / "model.json"
    model.write_text(api.render(schema, "json"))
    for plan in (api.plan(shop), api.plan(str(model))):
        assert plan.rules == schema.rules
        assert f'id = "{TOTAL}"' in write_plan(plan)


def test_a_rejected_rule_is_gone(shop: str) -> None:
    for answer in (ORDER, "strict_order:orders", "strict_order:orders(placed,shipped)"):
        plan = api.plan(shop, answers=read_answers([], [answer]))
        assert [str(rule.id) for rule in plan.rules] == [TOTAL]


def test_an_accepted_rule_binds(shop: str) -> None:
    stated = "order:orders(tax,net)"
    plan = api.plan(shop, answers=read_answers([stated, ORDER], []))
    origins = {str(rule.id): rule.origin for rule in plan.rules}
    assert origins == {
        ORDER: Origin.OVERRIDE,
        stated: Origin.OVERRIDE,
        TOTAL: Origin.INFERRED,
    }


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("order:orders(placed,absent)", "no column 'absent'"),
        ("order:orders(placed,shipped,net)", "2 columns"),
        ("date_part:orders(placed,net)", "not found"),
        ("child_sum:orders(net)->orders(total)", "refers to"),
    ],
)
def test_an_answer_that_cannot_be_carried_out_is_refused(shop: str, answer: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        api.plan(shop, answers=read_answers([answer], []))
