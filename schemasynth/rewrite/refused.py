"""Rows that CHECK constraints refuse, mended: their columns get what a row that passes has.

Imports the base, conditions and rules; called by the restoration when all else is there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np

from schemasynth.arrays import NONE, take
from schemasynth.conditions import CheckEngine, Condition, broken
from schemasynth.plan.model import RefreshPlan, Role, TablePlan
from schemasynth.rewrite.rules import changeable

if TYPE_CHECKING:
    from schemasynth.arrays import Bools
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
    mended = np.zeros(work.rows[str(table.name)], dtype=np.bool_)
    for _ in range(DRAWS):
        refused = [(check, _refused(work, table, check)) for check in checks]
        if not any(rows.any() for _, rows in refused):
            break
        for check, rows in refused:
            if rows.any() and _redrawn(work, table, check, rows):
                mended |= rows
    for check in checks:
        mended |= _set_to_null(work, table, check)
    name = str(table.name)
    work.repaired(name, "changed so that CHECKs hold", int(mended.sum()))
    for check in checks:
        what = f"CHECK {check.name or check.sql}: could not be kept"
        work.repaired(name, what, int(_refused(work, table, check).sum()))
    return bool(mended.any())


def _refused(work: Restoration, table: TablePlan, check: Condition) -> Bools:
    """Return the refused rows; none where a value cannot be evaluated, which the target will."""
    import duckdb

    own = work.columns[str(table.name)]
    size = work.rows[str(table.name)]
    if not set(check.columns) <= own.keys():
        return np.zeros(size, dtype=np.bool_)
    types = {name: table.column(name).type for name in check.columns}
    try:
        return broken(check, types, {name: own[name] for name in check.columns})
    except (sqlite3.Error, duckdb.Error):
        return np.zeros(size, dtype=np.bool_)


def _redrawn(work: Restoration, table: TablePlan, check: Condition, rows: Bools) -> bool:
    """Give rows the values of others that pass; returns whether there was any."""
    name = str(table.name)
    own, good = work.columns[name], np.flatnonzero(~rows)
    columns = [c for c in _bound(work.plan, table, check.columns) if c in own]
    if not columns or not len(good):
        return False
    places = np.arange(len(rows))
    places[rows] = work.random(name, *check.columns, str(len(work.repairs)), "check").choice(
        good, int(rows.sum())
    )
    for column in columns:
        own[column] = take(own[column], places)
    return True


def _set_to_null(work: Restoration, table: TablePlan, check: Condition) -> Bools:
    """Set optional columns of rows that are still refused to NULL, one after another."""
    own = work.columns[str(table.name)]
    refused = _refused(work, table, check)
    mended = np.zeros(len(refused), dtype=np.bool_)
    for column in _bound(work.plan, table, check.columns):
        if not refused.any() or column not in check.columns:
            continue
        if table.column(column).nullable:
            before = own[column]
            own[column] = take(before, np.where(refused, NONE, np.arange(len(refused))))
            left = _refused(work, table, check)
            mended |= refused & ~left
            kept = np.where(refused & ~left, NONE, np.arange(len(refused)))
            own[column] = take(before, kept)
            refused = left
    return mended


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
