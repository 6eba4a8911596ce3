"""Databases with planted business rules, with decoys that hold by chance; their truth is known.

Equal seeds give equal databases. `noise` is the share of rows that break each planted rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import frame
from schemasynth.model import (
    Column,
    ForeignKey,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
)
from schemasynth.model.rules import Rule

Values = npt.NDArray[Any]
Said = tuple[str, str, tuple[str, ...], str]
"""Kind, table, columns and referenced columns of a rule; strict orders count as orders."""
FIRST_DAY = np.datetime64("2018-01-01")
FAMILIES = {
    "i": TypeFamily.INTEGER,
    "f": TypeFamily.FLOAT,
    "M": TypeFamily.DATETIME,
    "O": TypeFamily.TEXT,
    "b": TypeFamily.BOOLEAN,
}


@dataclass
class Planted:
    """A database; `required` rules have to be found, `allowed` ones hold too and may be."""

    schema: Schema
    frames: dict[str, pd.DataFrame]
    required: set[Said] = field(default_factory=set)
    allowed: set[Said] = field(default_factory=set)


def said(rule: Rule) -> Said:
    """Return what a rule says, strict or not."""
    kind = "order" if rule.kind == "strict_order" else str(rule.kind)
    columns = rule.columns
    if kind in ("exclusive", "either", "together", "equal"):
        columns = tuple(sorted(columns))
    if kind in ("sum", "product"):
        columns = (*sorted(columns[:-1]), columns[-1])
    return kind, rule.table.name, columns, ",".join(rule.referred_columns)


class Draft:
    """Tables being drawn."""

    def __init__(self, seed: int, noise: float) -> None:
        self.rng = np.random.default_rng([seed, 77])
        self.noise = noise
        self.tables: dict[str, dict[str, Values]] = {}
        self.keys: dict[str, tuple[tuple[str, str], ...]] = {}
        self.required: set[Said] = set()
        self.allowed: set[Said] = set()

    def plant(self, kind: str, table: str, *columns: str, referred: str = "") -> None:
        self.required.add((kind, table, columns, referred))

    def allow(self, kind: str, table: str, *columns: str, referred: str = "") -> None:
        self.allowed.add((kind, table, columns, referred))

    def broken(self, rows: int) -> Values:
        """Return the rows that break a rule."""
        return np.flatnonzero(self.rng.random(rows) < self.noise)

    def days(self, rows: int, span: int = 1500) -> Values:
        return FIRST_DAY + self.rng.integers(0, span, rows).astype("timedelta64[D]")

    def words(self, stem: str, count: int) -> Values:
        return np.array([f"{stem}{i}" for i in range(count)], dtype=object)

    def numbered(self, rows: int) -> Values:
        return np.arange(1, rows + 1)


def planted(seed: int, noise: float = 0.0) -> Planted:
    """Draw a database.

    Args:
        seed: decides everything.
        noise: share of rows that break each rule.
    """
    draft = Draft(seed, noise)
    size = int(draft.rng.integers(400, 2500))
    _places(draft, size)
    _customers(draft, size)
    _orders(draft, 3 * size)
    _ledger(draft, size // 4)
    _contracts(draft, size // 3)
    _decoys(draft, size)
    _small(draft)
    tables = tuple(_table(name, columns, draft.keys) for name, columns in draft.tables.items())
    frames = {
        name: frame({c: _arrow(v) for c, v in columns.items()}, len(next(iter(columns.values()))))
        for name, columns in draft.tables.items()
    }
    schema = Schema("sqlite", f"planted{seed}", tables)
    return Planted(schema, frames, draft.required, draft.allowed)


def _arrow(values: Values) -> Any:
    if values.dtype.kind == "f":
        return pa.array(values, from_pandas=True)
    if values.dtype.kind == "M":
        return pa.array(values.astype("datetime64[us]"), from_pandas=True)
    return pa.array(list(values) if values.dtype.kind == "O" else values)


def _table(
    name: str, columns: Mapping[str, Values], keys: Mapping[str, tuple[tuple[str, str], ...]]
) -> Table:
    def sql_type(values: Values) -> SqlType:
        family = FAMILIES[values.dtype.kind]
        return SqlType(family.value.upper(), family)

    own = tuple(Column(c, sql_type(v)) for c, v in columns.items())
    foreign = tuple(
        ForeignKey((column,), TableName(parent), ("id",)) for column, parent in keys.get(name, ())
    )
    rows = len(next(iter(columns.values())))
    return Table(TableName(name), own, PrimaryKey(("id",)), foreign_keys=foreign, row_count=rows)


def _places(draft: Draft, size: int) -> None:
    """Plant determined columns: municipality, province, region, and a code with its label."""
    rng, table = draft.rng, "addresses"
    towns, provinces, regions = 60, 12, 4
    province_of = np.r_[np.arange(provinces), rng.integers(0, provinces, towns - provinces)]
    region_of = np.r_[np.arange(regions), rng.integers(0, regions, provinces - regions)]
    town = rng.integers(0, towns, size)
    province, kind = province_of[town].copy(), rng.integers(0, 5, size)
    bad = draft.broken(size)
    province[bad] = rng.integers(0, provinces, len(bad))
    region = region_of[province].copy()
    bad = draft.broken(size)
    region[bad] = rng.integers(0, regions, len(bad))
    label = kind.copy()
    bad = draft.broken(size)
    label[bad] = rng.integers(0, 5, len(bad))
    draft.tables[table] = {
        "id": draft.numbered(size),
        "town": draft.words("T", towns)[town],
        "province": draft.words("P", provinces)[province],
        "region": draft.words("R", regions)[region],
        "kind": kind,
        "label": draft.words("L", 5)[label],
        "floor": rng.integers(0, 9, size),
        "country": np.array(["ES"] * size, dtype=object),
    }
    draft.plant("determined", table, "town", "province")
    draft.plant("determined", table, "province", "region")
    draft.plant("determined", table, "kind", "label")
    draft.allow("determined", table, "label", "kind")
    draft.allow("determined", table, "town", "region")
    draft.plant("constant", table, "country")


def _customers(draft: Draft, size: int) -> None:
    rng, table = draft.rng, "customers"
    joined = draft.days(size, 700)
    first = draft.words("Given", 80)[rng.integers(0, 80, size)]
    last = draft.words("Family", 200)[rng.integers(0, 200, size)]
    full = first + " " + last
    bad = draft.broken(size)
    full[bad] = full[rng.integers(0, size, len(bad))]
    private = rng.random(size) < 0.6
    person = np.where(private, draft.words("N", 500)[rng.integers(0, 500, size)], None)
    company = np.where(private, None, draft.words("C", 500)[rng.integers(0, 500, size)])
    bad = draft.broken(size)
    person[bad], company[bad] = "Nx", "Cx"
    phone = np.where(
        rng.random(size) < 0.5, draft.words("9", 300)[rng.integers(0, 300, size)], None
    )
    draft.tables[table] = {
        "id": draft.numbered(size),
        "joined": joined,
        "first": first,
        "last": last,
        "full": full,
        "person": person,
        "company": company,
        "phone": phone,
        "score": rng.normal(50, 10, size),
    }
    draft.plant("joined", table, "first", "last", "full")
    draft.plant("exclusive", table, "company", "person")
    draft.allow("either", table, "company", "person")
    draft.allow("determined", table, "full", "first")
    draft.allow("determined", table, "full", "last")


def _orders(draft: Draft, size: int) -> None:
    rng = draft.rng
    customers = draft.tables["customers"]
    customer = rng.integers(0, len(customers["id"]), size)
    placed = customers["joined"][customer] + rng.integers(0, 800, size).astype("timedelta64[D]")
    bad = draft.broken(size)
    placed[bad] = customers["joined"][customer[bad]] - np.timedelta64(40, "D")
    shipped = placed + rng.integers(0, 60, size).astype("timedelta64[D]")
    bad = draft.broken(size)
    shipped[bad] = placed[bad] - np.timedelta64(3, "D")
    status = np.array(["new", "open", "closed", "void"], dtype=object)[
        rng.choice(4, size, p=[0.2, 0.4, 0.3, 0.1])
    ]
    shut = status == "closed"
    bad = draft.broken(size)
    shut[bad] = ~shut[bad]
    closed = placed + rng.integers(1, 90, size).astype("timedelta64[D]")
    closed[~shut] = np.datetime64("NaT")
    fee = np.round(rng.uniform(1, 30, size), 2)
    free = status == "void"
    fee[free] = 0.0
    bad = np.flatnonzero(free & (rng.random(size) < draft.noise))
    fee[bad] = 5.0
    year = placed.astype("datetime64[Y]").astype(int) + 1970
    bad = draft.broken(size)
    year[bad] += 1
    sums = _lines(draft, size)
    draft.tables["orders"] = {
        "id": draft.numbered(size),
        "customer_id": customers["id"][customer],
        "placed": placed,
        "shipped": shipped,
        "closed": closed,
        "status": status,
        "fee": fee,
        "year": year,
        **sums,
    }
    draft.keys["orders"] = (("customer_id", "customers"),)
    draft.plant("after_parent", "orders", "placed", referred="joined")
    for later in ("shipped", "closed"):
        draft.allow("after_parent", "orders", later, referred="joined")
    draft.plant("order", "orders", "placed", "shipped")
    draft.plant("order", "orders", "placed", "closed")
    draft.plant("presence", "orders", "status", "closed")
    draft.plant("conditional", "orders", "status", "fee")
    draft.plant("date_part", "orders", "placed", "year")


def _lines(draft: Draft, size: int) -> dict[str, Values]:
    """Add the lines of orders, and return the columns of orders that follow from them."""
    rng = draft.rng
    each = np.maximum(rng.poisson(2.5, size), 1)
    owner = np.repeat(np.arange(size), each)
    lines = len(owner)
    quantity = rng.integers(1, 12, lines)
    price = np.round(rng.uniform(0.5, 90, lines), 2)
    amount = np.round(quantity * price, 2)
    bad = draft.broken(lines)
    amount[bad] = np.round(amount[bad] + rng.uniform(1, 5, len(bad)), 2)
    subtotal = np.round(np.bincount(owner, amount, size), 2)
    bad = draft.broken(size)
    subtotal[bad] = np.round(subtotal[bad] + 7.77, 2)
    tax = np.round(subtotal * rng.choice([0.04, 0.1, 0.21], size), 2)
    total = np.round(subtotal + tax, 2)
    bad = draft.broken(size)
    total[bad] = np.round(total[bad] + 1.11, 2)
    count = each.copy()
    bad = draft.broken(size)
    count[bad] += 1
    draft.tables["lines"] = {
        "id": draft.numbered(lines),
        "order_id": owner + 1,
        "quantity": quantity,
        "price": price,
        "amount": amount,
    }
    draft.keys["lines"] = (("order_id", "orders"),)
    draft.plant("sum", "orders", "subtotal", "tax", "total")
    draft.plant("product", "lines", "price", "quantity", "amount")
    draft.plant("child_sum", "lines", "amount", referred="subtotal")
    draft.plant("child_count", "lines", "order_id", referred="lines")
    return {"subtotal": subtotal, "tax": tax, "total": total, "lines": count}


def _ledger(draft: Draft, size: int) -> None:
    rng = draft.rng
    each = rng.integers(3, 15, size)
    owner = np.repeat(np.arange(size), each)
    rows = len(owner)
    step = np.concatenate([np.arange(n) for n in each])
    amount = np.round(rng.normal(20, 90, rows), 2)
    booked = FIRST_DAY + (step * 9 + rng.integers(0, 8, rows)).astype("timedelta64[D]")
    running = np.cumsum(amount)
    starts = np.r_[0, np.cumsum(each)[:-1]]
    balance = np.round(running - np.repeat(running[starts] - amount[starts], each), 2)
    # A wrong balance breaks its own step and the next one.
    bad = np.flatnonzero(rng.random(rows) < draft.noise / 2)
    balance[bad] = np.round(balance[bad] + 100.5, 2)
    order = rng.permutation(rows)
    draft.tables["accounts"] = {
        "id": draft.numbered(size),
        "opened": FIRST_DAY - rng.integers(1, 900, size).astype("timedelta64[D]"),
        "limit": rng.integers(1, 50, size) * 100,
    }
    draft.tables["ledger"] = {
        "id": draft.numbered(rows),
        "account_id": (owner + 1)[order],
        "booked": booked[order],
        "amount": amount[order],
        "balance": balance[order],
    }
    draft.keys["ledger"] = (("account_id", "accounts"),)
    draft.plant("running", "ledger", "account_id", "booked", "amount", "balance")


def _contracts(draft: Draft, size: int) -> None:
    rng = draft.rng
    each = rng.integers(2, 8, size)
    owner = np.repeat(np.arange(size), each)
    rows = len(owner)
    gap, length = rng.integers(0, 200, rows), rng.integers(10, 300, rows)
    ends = np.cumsum(gap + length)
    first = np.r_[0, np.cumsum(each)[:-1]]
    base = np.repeat(ends[first] - (gap + length)[first], each)
    base = base - np.repeat(rng.integers(0, 900, size), each)
    start = FIRST_DAY + (ends - length - base).astype("timedelta64[D]")
    end = FIRST_DAY + (ends - base).astype("timedelta64[D]")
    bad = np.flatnonzero(rng.random(rows) < draft.noise / 2)
    start[bad] = start[bad] - np.timedelta64(260, "D")
    days = (end - start).astype(int)
    bad = draft.broken(rows)
    days[bad] += 1
    order = rng.permutation(rows)
    draft.tables["holders"] = {"id": draft.numbered(size), "points": rng.integers(0, 900, size)}
    draft.tables["contracts"] = {
        "id": draft.numbered(rows),
        "holder_id": (owner + 1)[order],
        "start": start[order],
        "end": end[order],
        "days": days[order],
    }
    draft.keys["contracts"] = (("holder_id", "holders"),)
    draft.plant("disjoint", "contracts", "holder_id", "start", "end")
    draft.plant("elapsed", "contracts", "start", "end", "days")
    draft.allow("order", "contracts", "start", "end")


def _decoys(draft: Draft, size: int) -> None:
    """Add columns that have nothing to do with each other, but look as if they had."""
    rng = draft.rng
    rare = rng.random(size) < 0.99
    sparse = [
        np.where(rng.random(size) < 0.01, draft.words("s", 9)[rng.integers(0, 9, size)], None)
        for _ in range(3)
    ]
    group = draft.words("g", 40)[np.minimum(rng.geometric(0.15, size), 40) - 1]
    draft.tables["surveys"] = {
        "id": draft.numbered(size),
        "born": np.datetime64("1950-01-01") + rng.integers(0, 9000, size).astype("timedelta64[D]"),
        "asked": draft.days(size),
        "answered": draft.days(size),
        "age": rng.integers(18, 90, size),
        "income": rng.integers(9_000, 90_000, size),
        "flag": np.where(rare, "N", "Y").astype(object),
        "group": group,
        "grade": rng.integers(0, 3, size),
        "level": rng.integers(0, 3, size),
        "sum": rng.integers(0, 5, size),
        "weight": np.round(rng.normal(70, 9, size), 1),
        "height": np.round(rng.normal(75, 9, size), 1),
        "rare1": sparse[0],
        "rare2": sparse[1],
        "rare3": sparse[2],
        "half": np.where(rng.random(size) < 0.5, rng.normal(0, 1, size), np.nan),
    }


def _small(draft: Draft) -> None:
    """Add tables of few rows, on which much holds by chance."""
    rng = draft.rng
    for rows in (12, 16, 24):
        draft.tables[f"small{rows}"] = {
            "id": draft.numbered(rows),
            "from": draft.days(rows),
            "until": draft.days(rows) + np.timedelta64(900, "D"),
            "low": rng.integers(0, 60, rows),
            "high": rng.integers(40, 120, rows),
            "kind": draft.words("k", 4)[rng.integers(0, 4, rows)],
            "tone": draft.words("t", 2)[(rng.random(rows) < 0.15).astype(int)],
            "note": np.where(rng.random(rows) < 0.3, "x", None),
            "mark": np.where(rng.random(rows) < 0.3, "y", None),
        }
