"""The Arrow types in which a table's values come, where a declared type can hold odd values.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.model import Column, Table, arrow_type

Fits: TypeAlias = "Callable[[Column, sa.ColumnElement[Any]], sa.ColumnElement[Any] | None]"
"""Gives the condition that a value fits its column's Arrow type; None where all values do."""
Aggregate: TypeAlias = "Callable[[sa.ColumnElement[Any]], sa.ColumnElement[Any]]"
"""Gives what is false of conditions of which one is."""


def fitting_schema(
    table: Table,
    place: sa.FromClause,
    fits: Fits,
    all_hold: Aggregate,
    ask: Callable[[sa.Select[Any]], tuple[Any, ...]],
) -> pa.Schema:
    """Return the declared types; text for columns with a value that does not fit its own.

    Args:
        table: which one.
        place: its relation.
        fits: of the database.
        all_hold: of the database.
        ask: returns the one row of a SELECT; it is not called where all values fit.
    """
    types = {column.name: arrow_type(column.type) for column in table.columns}
    conditions = {column.name: fits(column, place.c[column.name]) for column in table.columns}
    asked = {name: condition for name, condition in conditions.items() if condition is not None}
    if asked:
        row = ask(sa.select(*map(all_hold, asked.values())).select_from(place))
        unfit = (name for name, fit in zip(asked, row, strict=True) if fit == 0)
        types |= dict.fromkeys(unfit, pa.string())
    return pa.schema(list(types.items()))
