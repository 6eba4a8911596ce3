"""What does not hold of restored rows: keys, references, NOT NULL, CHECKs, planned row counts.

CHECK conditions are evaluated by SQLite on the rows themselves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing

import pandas as pd
from there_and_back import Trip

from schemasynth.model import Table
from schemasynth.plan.model import ColumnTreatment, Role, TablePlan


def violations(trip: Trip) -> list[str]:
    """Return one line for each thing that does not hold of the restored rows.

    What the source itself violates (a NULL in a NOT NULL column, a CHECK) is left out, but for
    references: those hold after a refresh also where they did not before.
    """
    found: list[str] = []
    for table in trip.schema:
        name, planned = str(table.name), trip.plan.table(table.name)
        new, old = trip.restored.frames[name], trip.frames[name]
        if len(new) != planned.size:
            found.append(f"{name}: {planned.size} rows planned, {len(new)} restored")
        if dict(new.dtypes) != dict(old[new.columns].dtypes):
            found.append(f"{name}: other columns or types")
        required = [c.name for c in table.columns if not c.nullable and c.name in new]
        gone = new[required].isna().any() & ~old[required].isna().any()
        found += [f"{name}.{column}: NULL" for column in gone.index[gone]]
        found += _key_problems(table, planned, old, new)
        found += _reference_problems(table, trip.restored.frames)
        found += _broken_checks(table, old, new)
    return found


def _key_problems(
    table: Table, planned: TablePlan, old: pd.DataFrame, new: pd.DataFrame
) -> Iterator[str]:
    for key in table.candidate_keys:
        if new[list(key)].dropna().duplicated().any():
            yield f"{table.name}{key}: not unique"
        made = planned.role is not Role.REFERENCE and len(key) == 1
        made = made and planned.column(key[0]).treatment is ColumnTreatment.KEY
        if made and new[key[0]].dropna().isin(old[key[0]].dropna()).any():
            yield f"{table.name}{key}: a key of the source"


def _reference_problems(table: Table, frames: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    for foreign in table.foreign_keys:
        child = frames[str(table.name)][list(foreign.columns)].dropna()
        parent = frames[str(foreign.referred)][list(foreign.referred_columns)].dropna()
        if not _texts(child) <= _texts(parent):
            yield f"{table.name}{foreign.columns}: no such row of {foreign.referred}"


def _texts(frame: pd.DataFrame) -> set[tuple[str, ...]]:
    """Return rows as text: SQLite's types are loose, and 7, 7.0 and '7' are one key."""
    rows = frame.drop_duplicates().astype(object).itertuples(index=False)
    return {tuple(str(v).removesuffix(".0") for v in row) for row in rows}


def _broken_checks(table: Table, old: pd.DataFrame, new: pd.DataFrame) -> Iterator[str]:
    if not table.checks:
        return
    before, after = (_failing(table, rows) for rows in (old, new))
    for check, was, now in zip(table.checks, before, after, strict=True):
        if now and not was:
            yield f"{table.name}: CHECK ({check.sql}) fails in {now} rows"


def _failing(table: Table, rows: pd.DataFrame) -> list[int]:
    """Return how many rows break each CHECK of a table."""
    columns = ", ".join(f'"{name}"' for name in rows.columns)
    content = rows.astype(object).where(rows.notna(), None)
    for name in content.columns:
        content[name] = [
            v if isinstance(v, str | int | float | None) else _plain(v) for v in content[name]
        ]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE t ({columns})")
        marks = ", ".join("?" * len(rows.columns))
        connection.executemany(
            f"INSERT INTO t VALUES ({marks})", content.itertuples(index=False, name=None)
        )
        return [
            connection.execute(f"SELECT count(*) FROM t WHERE NOT ({check.sql})").fetchone()[0]
            for check in table.checks
        ]


def _plain(value: object) -> object:
    """Return a value as SQLite stores it: numbers as numbers, dates as ISO text."""
    if value is None or isinstance(value, str | int | float):
        return value
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
