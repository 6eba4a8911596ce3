"""Rows that CHECK constraints refuse, mended: their columns get what a row that passes has.

Imports the base, conditions and rules; called by the restoration when all else is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import NONE, take
from schemasynth.conditions import CheckEngine, Condition, broken
from schemasynth.plan.model import RefreshPlan, Role, TablePlan
from schemasynth.rewrite.rules import changeable

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints
    from schemasynth.rewrite.base import Restoration

DRAWS = 20
"""Times that a row is given values of another one: enough where one of five such rows fits."""


def keep_checks(work: Restoration, table: TablePlan) -> bool:
    """Change restored rows so that no CHECK refuses them, as far as their columns may change.

    A row gets what a random row that passes has, in all columns of the condition that no key
    depends on and in those that rules bind to them. Where that does not help, NULL is tried:
    SQL lets it pass. Rows that are still refused are reported.

    Args:
        work: with all columns of the table restored.
        table: copied tables stay as they are.

    Returns:
        Whether a row was changed.
    """
    checks = [c for c in table.checks if c.engine is not CheckEngine.TARGET]
    if table.is_entity or table.role in (Role.REFERENCE, Role.SKIP) or not checks:
        return False
    name = str(table.name)
    rng = work.random(name, "checks")
    everyone = np.arange(work.rows[name])
    mended, left = everyone[:0], everyone
    donors: Ints | None = None
    for _ in range(DRAWS):
        refused = [(check, _refused(work, table, check, left)) for check in checks]
        left = np.unique(np.concatenate([rows for _, rows in refused]))
        if not len(left):
            break
        donors = np.setdiff1d(everyone, left) if donors is None else donors
        for check, rows in refused:
            good = donors if len(donors) else np.setdiff1d(everyone, rows)
            mended = np.union1d(mended, _redrawn(work, table, check, rows, good, rng))
    for check in checks:
        mended = np.union1d(mended, _set_to_null(work, table, check, left))
    work.repaired(name, "changed so that CHECKs hold", len(mended))
    for check in checks:
        what = f"CHECK {check.name or check.sql}: could not be kept"
        work.repaired(name, what, len(_refused(work, table, check, left)))
    return bool(len(mended))


def _refused(work: Restoration, table: TablePlan, check: Condition, rows: Ints) -> Ints:
    """Return those of some rows that are refused; none where values cannot be evaluated here."""
    import duckdb

    own = work.columns[str(table.name)]
    if not len(rows) or not set(check.columns) <= own.keys():
        return rows[:0]
    types = {name: table.column(name).type for name in check.columns}
    values = {name: own[name].take(pa.array(rows)) for name in check.columns}
    try:
        return rows[broken(check, types, values)]
    except (sqlite3.Error, duckdb.Error):
        return rows[:0]


def _redrawn(
    work: Restoration,
    table: TablePlan,
    check: Condition,
    rows: Ints,
    good: Ints,
    rng: np.random.Generator,
) -> Ints:
    """Give rows the values of others that pass; returns those that were changed."""
    name = str(table.name)
    own = work.columns[name]
    columns = [c for c in _bound(work.plan, table, check.columns) if c in own]
    if not columns or not len(good) or not len(rows):
        return rows[:0]
    places = np.arange(work.rows[name])
    places[rows] = rng.choice(good, len(rows))
    for column in columns:
        own[column] = take(own[column], places)
    return rows


def _set_to_null(work: Restoration, table: TablePlan, check: Condition, rows: Ints) -> Ints:
    """Set optional columns of refused rows to NULL, one of them a row; returns those changed."""
    own, size = work.columns[str(table.name)], work.rows[str(table.name)]
    left = first = _refused(work, table, check, rows)
    for column in _bound(work.plan, table, check.columns):
        if column not in check.columns or not table.column(column).nullable or not len(left):
            continue
        before = own[column]
        own[column] = _without(before, left, size)
        still = _refused(work, table, check, left)
        own[column] = _without(before, np.setdiff1d(left, still), size)
        left = still
    return np.setdiff1d(first, left)


def _without(values: Array, rows: Ints, size: int) -> Array:
    places = np.arange(size)
    places[rows] = NONE
    return take(values, places)


def _bound(plan: RefreshPlan, table: TablePlan, columns: Collection[str]) -> list[str]:
    """Return columns that may change, with those that rules of the table bind to them."""
    free = set(changeable(table))
    found = free & set(columns)
    groups = [set(r.columns) for r in plan.rules if r.table == table.name and r.referred is None]
    grown = True
    while grown:
        more = {name for group in groups if group & found for name in group & free}
        grown = not more <= found
        found |= more
    return sorted(found)
