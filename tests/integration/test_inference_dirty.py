"""Inference stays usable on what real databases hold: dirt, emptiness, odd types and sizes."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from schemasynth import api
from schemasynth.model import Schema, Table, TableName

Content: TypeAlias = dict[str, tuple[str, Iterable[Sequence[Any]]]]
Introspect: TypeAlias = Callable[[Content], Schema]


@pytest.fixture
def introspected(tmp_path: Path) -> Introspect:
    """Write tables, of columns as DDL and rows, and infer their keys."""

    def run(content: Content) -> Schema:
        path = tmp_path / "dirty.sqlite"
        connection = sqlite3.connect(path)
        with connection:
            for table, (columns, rows) in content.items():
                connection.execute(f'CREATE TABLE "{table}" ({columns})')
                for row in rows:
                    marks = ", ".join("?" * len(row))
                    connection.execute(f'INSERT INTO "{table}" VALUES ({marks})', row)
        connection.close()
        schema = api.introspect(str(path))
        for form in ("summary", "json", "markdown", "mermaid"):
            assert api.render(schema, form)
        return schema

    return run


def key(schema: Schema, table: str) -> tuple[str, ...] | None:
    found = schema.table(TableName(table)).primary_key
    return found.columns if found else None


def references(schema: Schema, table: str) -> set[tuple[tuple[str, ...], str]]:
    found: Table = schema.table(TableName(table))
    return {(k.columns, k.referred.name) for k in found.foreign_keys}


def customers(rows: int = 60) -> tuple[str, list[tuple[Any, ...]]]:
    return "customer_id INTEGER, name VARCHAR(20)", [
        (i, f"Name {i * 7 % 101}") for i in range(1, rows + 1)
    ]


def orders(rows: int = 200) -> list[tuple[Any, ...]]:
    return [
        (1000 + i, 1 + i * i % 60, f"2024-{1 + i % 12:02d}-{1 + i % 28:02d}") for i in range(rows)
    ]


ORDERS = "order_id INTEGER, customer_id INTEGER, ordered DATE"


def test_columns_of_nulls_take_no_part_in_keys(introspected: Introspect) -> None:
    columns, rows = customers()
    schema = introspected(
        {
            "customers": (f"{columns}, note TEXT, code INTEGER", [(*r, None, None) for r in rows]),
            "orders": (f"{ORDERS}, customer_code INTEGER", [(*r, None) for r in orders()]),
            "unused": ("a INTEGER, b TEXT, c BLOB", [(None, None, None)] * 5),
        }
    )
    assert key(schema, "customers") == ("customer_id",)
    assert references(schema, "orders") == {(("customer_id",), "customers")}
    assert key(schema, "unused") is None
    assert references(schema, "unused") == set()


def test_empty_tables_have_no_inferred_keys(introspected: Introspect) -> None:
    schema = introspected(
        {
            "customers": customers(),
            "orders": (ORDERS, orders()),
            "invoices": ("invoice_id INTEGER, customer_id INTEGER", []),
        }
    )
    assert key(schema, "invoices") is None
    assert references(schema, "invoices") == set()
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_a_database_of_empty_tables(introspected: Introspect) -> None:
    schema = introspected({"a": ("id INTEGER, b_id INTEGER", []), "b": ("id INTEGER", [])})
    assert all(t.primary_key is None and not t.foreign_keys for t in schema)


def test_duplicate_rows_leave_a_table_without_a_key(introspected: Introspect) -> None:
    schema = introspected(
        {
            "customers": customers(),
            "orders": (ORDERS, [*orders(), *orders()[:3]]),
        }
    )
    assert key(schema, "orders") is None
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_blobs_are_no_keys_and_no_obstacle(introspected: Introspect) -> None:
    columns, rows = customers()
    schema = introspected(
        {
            "customers": (f"{columns}, photo BLOB", [(*r, bytes([r[0]]) * 50) for r in rows]),
            "orders": (ORDERS, orders()),
        }
    )
    assert key(schema, "customers") == ("customer_id",)
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_dates_that_do_not_parse(introspected: Introspect) -> None:
    strange = ["31/12/2023", "soon", "", "2023-02-30", "0000-00-00", None]
    schema = introspected(
        {
            "customers": customers(),
            "orders": (ORDERS, [(o, c, strange[o % 6]) for o, c, _ in orders()]),
        }
    )
    assert key(schema, "orders") == ("order_id",)
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_mixed_types_in_one_column(introspected: Introspect) -> None:
    """SQLite keeps what it is given: text, numbers and bytes side by side."""
    columns, rows = customers()
    mixed = [1, "two", 3.5, b"\x00\xff", None]
    schema = introspected(
        {
            "customers": (f"{columns}, extra", [(*r, mixed[r[0] % 5]) for r in rows]),
            "orders": (
                "order_id, customer_id, ordered DATE",
                [(o, str(c) if o % 2 else c, d) for o, c, d in orders()],
            ),
        }
    )
    assert key(schema, "customers") == ("customer_id",)
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_keys_written_as_text_on_one_side(introspected: Introspect) -> None:
    schema = introspected(
        {
            "customers": customers(),
            "orders": (
                "order_id VARCHAR(9), customer_id VARCHAR(9)",
                [(str(o), str(c)) for o, c, _ in orders()],
            ),
        }
    )
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_flags_refer_to_nothing(introspected: Introspect) -> None:
    columns, rows = customers()
    flags = "active INTEGER, deleted BOOLEAN, vip INTEGER"
    schema = introspected(
        {
            "customers": (f"{columns}, {flags}", [(*r, r[0] % 2, 0, r[0] % 3 // 2) for r in rows]),
            "orders": (f"{ORDERS}, paid INTEGER", [(*r, r[0] % 2) for r in orders()]),
            "statuses": ("id INTEGER, label TEXT", [(0, "no"), (1, "yes"), (2, "maybe")]),
        }
    )
    assert references(schema, "customers") == set()
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_uuid_keys(introspected: Introspect) -> None:
    ids = [str(uuid.UUID(int=i * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128)) for i in range(260)]
    schema = introspected(
        {
            "customers": ("id CHAR(36), name TEXT", [(ids[i], f"N{i}") for i in range(60)]),
            "orders": (
                "id CHAR(36), customer_id CHAR(36)",
                [(ids[60 + i], ids[i * i % 60]) for i in range(200)],
            ),
        }
    )
    assert key(schema, "customers") == ("id",)
    assert key(schema, "orders") == ("id",)
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_natural_text_keys(introspected: Introspect) -> None:
    names = [a + b for a in ("Al", "Be", "Ca", "Do", "Er") for b in ("ba", "dia", "lund", "ria")]
    schema = introspected(
        {
            "countries": (
                "country TEXT, population INTEGER",
                [(n, 900_000 + 77_777 * i % 500_000) for i, n in enumerate(names)],
            ),
            "cities": (
                "city TEXT, country TEXT, area REAL",
                [(f"Town {i}", names[i * i % 20], 1.5 * (i % 9)) for i in range(120)],
            ),
        }
    )
    assert key(schema, "countries") == ("country",)
    assert references(schema, "cities") == {(("country",), "countries")}


def test_a_database_of_one_table(introspected: Introspect) -> None:
    schema = introspected({"customers": customers()})
    assert key(schema, "customers") == ("customer_id",)
    assert references(schema, "customers") == set()
    assert schema.implicit_entities == ()


def test_two_tables_with_identical_content(introspected: Introspect) -> None:
    """Neither copy can be told to be the parent of the other in both ways at once."""
    schema = introspected(
        {
            "customers": customers(),
            "customers_backup": customers(),
            "orders": (ORDERS, orders()),
        }
    )
    assert key(schema, "customers") == key(schema, "customers_backup") == ("customer_id",)
    assert references(schema, "orders") <= {
        (("customer_id",), "customers"),
        (("customer_id",), "customers_backup"),
    }
    assert len(references(schema, "orders")) == 1
    copies = ("customers", "customers_backup")
    assert sum(bool(references(schema, table)) for table in copies) <= 1


def test_very_long_names(introspected: Introspect) -> None:
    customer, order = "customer_" * 30 + "x", "order_" * 40 + "x"
    schema = introspected(
        {
            customer: (
                f'"{customer}_id" INTEGER, name TEXT',
                [(i, f"Name {i}") for i in range(1, 61)],
            ),
            order: (
                f'"{order}_id" INTEGER, "{customer}_id" INTEGER',
                [(o, c) for o, c, _ in orders()],
            ),
        }
    )
    assert key(schema, customer) == (f"{customer}_id",)
    assert references(schema, order) == {((f"{customer}_id",), customer)}


def test_floats_that_are_not_finite(introspected: Introspect) -> None:
    """SQLite stores infinities; NaN becomes NULL."""
    columns, rows = customers()
    odd = [float("inf"), float("-inf"), float("nan"), 1e308, 0.1]
    schema = introspected(
        {
            "customers": (f"{columns}, ratio REAL", [(*r, odd[r[0] % 5]) for r in rows]),
            "orders": (f"{ORDERS}, weight", [(*r, odd[r[0] % 4]) for r in orders()]),
        }
    )
    assert key(schema, "customers") == ("customer_id",)
    assert references(schema, "orders") == {(("customer_id",), "customers")}
    json.loads(api.render(schema, "json"), parse_constant=pytest.fail)


def test_huge_integers_are_told_apart(introspected: Introspect) -> None:
    """Beyond 2^53 neighbours are equal as floats; they are different keys all the same."""
    first = 2**63 - 200
    schema = introspected(
        {
            "accounts": (
                "account_id BIGINT, owner TEXT",
                [(first + i, f"Owner {i * 7 % 50}") for i in range(100)],
            ),
            "entries": (
                "entry_id BIGINT, account_id BIGINT, amount REAL",
                [(2**60 + i, first + i * i % 100, i / 7) for i in range(300)],
            ),
        }
    )
    assert key(schema, "accounts") == ("account_id",)
    assert key(schema, "entries") == ("entry_id",)
    assert references(schema, "entries") == {(("account_id",), "accounts")}


def test_empty_strings_for_missing_values(introspected: Introspect) -> None:
    rows = [(o, "" if o % 10 == 0 else f"C{c:03d}") for o, c, _ in orders()]
    schema = introspected(
        {
            "customers": (
                "customer_code TEXT, name TEXT",
                [(f"C{i:03d}", f"Name {i}" if i % 4 else "") for i in range(1, 61)],
            ),
            "orders": ("order_id INTEGER, customer_code TEXT", rows),
        }
    )
    assert key(schema, "customers") == ("customer_code",)
    assert references(schema, "orders") == {(("customer_code",), "customers")}


def test_orphans_do_not_hide_a_reference(introspected: Introspect) -> None:
    rows = [(o, 5000 + o if o % 20 == 0 else c, d) for o, c, d in orders()]
    schema = introspected({"customers": customers(), "orders": (ORDERS, rows)})
    assert references(schema, "orders") == {(("customer_id",), "customers")}


def test_years_that_two_tables_share_are_no_reference(introspected: Introspect) -> None:
    places = [(i, f"Place {i * 7 % 41}") for i in range(1, 25)]
    sold = [(p, year, p * year % 977) for p, _ in places for year in range(2010, 2020)]
    staff = [(p, year, 3 + p * year % 11) for p, _ in places for year in range(2012, 2019)]
    schema = introspected(
        {
            "places": ("place_id INTEGER, label TEXT", places),
            "sales": ("place_id INTEGER, year INTEGER, amount INTEGER", sold),
            "staff": ("place_id INTEGER, year INTEGER, heads INTEGER", staff),
        }
    )
    assert references(schema, "staff") == {(("place_id",), "places")}
    assert references(schema, "sales") == {(("place_id",), "places")}


def test_names_with_quotes_and_spaces(introspected: Introspect) -> None:
    schema = introspected(
        {
            "cust'omers": customers(),
            "the orders": (
                '"order id" INTEGER, "customer id" INTEGER, "100%; --" TEXT',
                orders(),
            ),
        }
    )
    assert key(schema, "the orders") == ("order id",)
    assert references(schema, "the orders") == {(("customer id",), "cust'omers")}


@pytest.mark.parametrize("keyword", ["nothing", "returning", "order", "group", "window", "rowid"])
def test_names_that_are_keywords(introspected: Introspect, keyword: str) -> None:
    schema = introspected(
        {
            keyword: (f'"{keyword}_id" INTEGER, "{keyword}" TEXT', customers()[1]),
            "entries": (f'entry_id INTEGER, "{keyword}_id" INTEGER, "to" TEXT', orders()),
        }
    )
    assert key(schema, keyword) == (f"{keyword}_id",)
    assert references(schema, "entries") == {((f"{keyword}_id",), keyword)}


def test_tables_of_one_row(introspected: Introspect) -> None:
    schema = introspected(
        {
            "settings": ("id INTEGER, colour TEXT", [(1, "red")]),
            "versions": ("id INTEGER, colour TEXT", [(1, "blue")]),
            "customers": customers(),
        }
    )
    assert references(schema, "customers") == set()
    assert key(schema, "customers") == ("customer_id",)


def test_few_values_among_many_orphans(introspected: Introspect) -> None:
    """3 % of the rows are orphans, but most of the values: rows tell what values hide."""
    regions = [(i, f"Region {i}") for i in range(1, 9)]
    branches = [(r, b, f"Branch {r * b}") for r, _ in regions for b in range(1, 6)]
    sales = [
        (i, 900 + i if i % 33 == 0 else i * 5 % 8 + 1, 700 + i if i % 33 == 0 else i * 3 % 5 + 1)
        for i in range(1, 601)
    ]
    schema = introspected(
        {
            "region": ("region_id INTEGER, name TEXT", regions),
            "branch": ("region_id INTEGER, branch_number INTEGER, title TEXT", branches),
            "sale": ("sale_id INTEGER, region_id INTEGER, branch_number INTEGER", sales),
        }
    )
    assert key(schema, "branch") == ("region_id", "branch_number")
    assert references(schema, "sale") == {(("region_id", "branch_number"), "branch")}
