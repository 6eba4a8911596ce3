"""By which of its columns a parent is found again that the generator does not keep.

Imports the graph and the plan's values; used where a plan is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from schemasynth.arrays import array, take
from schemasynth.graph.traits import ROWS, telling
from schemasynth.levels import cut
from schemasynth.model import TableName
from schemasynth.plan.model import (
    ColumnTreatment,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    Role,
    TablePlan,
)

if TYPE_CHECKING:
    from schemasynth.arrays import Ints

MIN_PARENTS = 10
"""Fewer parents than levels are told apart by chance."""


def with_traits(
    table: TablePlan,
    plans: Mapping[TableName, TablePlan],
    frames: Mapping[TableName, pd.DataFrame],
    positions: Mapping[int, Ints],
) -> TablePlan:
    """Return a table whose restored foreign keys know by which traits a parent is chosen.

    Args:
        table: as planned.
        plans: of all tables.
        frames: sampled rows, by table.
        positions: of the parents of the sampled rows, by the place of the foreign key.
    """
    if table.role is Role.REFERENCE:
        return table
    keys = tuple(
        replace(key, traits=_traits(table, index, plans, frames, positions))
        if _is_matched(table, key)
        else key
        for index, key in enumerate(table.foreign_keys)
    )
    return replace(table, foreign_keys=keys)


def _is_matched(table: TablePlan, key: ForeignKeyPlan) -> bool:
    determined = any(
        table.column(name).treatment is ColumnTreatment.DETERMINED for name in key.columns
    )
    restored = key.treatment is ForeignKeyTreatment.RESTORED
    return restored and key.referred != table.name and not determined


def _traits(
    table: TablePlan,
    index: int,
    plans: Mapping[TableName, TablePlan],
    frames: Mapping[TableName, pd.DataFrame],
    positions: Mapping[int, Ints],
) -> tuple[str, ...]:
    parents = positions[index]
    rows = np.flatnonzero(parents >= 0)
    rows = rows[:: max(1, len(rows) // ROWS)][:ROWS]
    if len(np.unique(parents[rows])) < MIN_PARENTS:
        return ()
    child = _levels(table, frames[table.name], rows)
    context = table.context
    if context is not None:
        place = table.foreign_keys.index(context)
        above = _levels(plans[context.referred], frames[context.referred], positions[place][rows])
        child |= {f"context.{name}": codes for name, codes in above.items()}
    referred = table.foreign_keys[index].referred
    return telling(list(child.values()), _levels(plans[referred], frames[referred], parents[rows]))


def _levels(table: TablePlan, frame: pd.DataFrame, rows: Ints) -> dict[str, Ints]:
    """Return the levels of the learned columns that may hold patterns."""
    found = {}
    for name in table.patterned:
        if name not in frame:
            continue
        values = array(frame, name)
        levels = cut(values)
        if levels is not None:
            found[name] = levels.codes(take(values, rows))
    return found
