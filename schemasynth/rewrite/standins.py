"""What is learned in the place of a column that is made up: whether it is NULL, how it is written.

Imports the base; used by the rewrites of people and of sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import array, codes, frame
from schemasynth.plan.model import ColumnPlan, Encoding, Role, TablePlan
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.prepared import PreparedColumn

if TYPE_CHECKING:
    from schemasynth.arrays import Array

ABSENT = "null"
"""What the generator learns where a column is NULL."""
MIN_FORM = 0.01
"""Share of values in a form that is kept; rarer ones may point to one person."""


def kept_name(table: TablePlan, what: str, label: str) -> str:
    """Return the name under which something about made-up columns of a table is kept."""
    return f"{what}:{table.name}:{label}"


def _learned_name(table: TablePlan, column: ColumnPlan) -> str:
    return f"schemasynth:form:{table.columns.index(column)}"


def learn_forms(work: Preparation, table: TablePlan, column: ColumnPlan, forms: Array) -> None:
    """Hand over how values are written; of copied tables, keep it.

    Args:
        work: is added to.
        table: whose.
        column: that is made up.
        forms: of each row, NULL for NULL; rare ones become the most frequent one.
    """
    name, values = str(table.name), work.values(str(table.name), column.name)
    told = pc.fill_null(forms, ABSENT)
    counted = told.value_counts()
    every, counts = counted.field(0).to_pylist(), counted.field(1).to_pylist()
    present = [(c, f) for f, c in zip(every, counts, strict=True) if f != ABSENT]
    usual = max(present, default=(0, ABSENT))[1]
    rare = {f for c, f in present if c < MIN_FORM * len(values)}
    kept = pa.array([usual if f in rare else f for f in every], pa.string())
    told = kept.take(pa.array(codes(told)))
    shares = told.value_counts()
    work.kept[kept_name(table, "forms", column.name)] = pd.DataFrame(
        {
            "form": pd.Series(shares.field(0).to_pylist(), dtype="str"),
            "rows": pd.Series(shares.field(1).to_pylist(), dtype="int64"),
            "longest": _longest(values),
        }
    )
    if table.role is Role.REFERENCE:
        work.kept[kept_name(table, "told", column.name)] = frame({"form": told}, len(told))
    elif len(shares) > 1:
        work.learn(name, PreparedColumn(_learned_name(table, column), Encoding.CATEGORICAL), told)


def _longest(values: Array) -> int:
    if not pa.types.is_string(values.type):
        return 0
    return int(pc.max(pc.utf8_length(values)).as_py() or 0)


def restored_forms(work: Restoration, table: TablePlan, column: ColumnPlan, usual: str) -> Array:
    """Return how each row's value is written; NULL for NULL.

    Args:
        work: the restored rows.
        table: whose.
        column: that is made up.
        usual: form where the source has none.
    """
    kept = work.kept[kept_name(table, "forms", column.name)]
    if table.role is Role.REFERENCE:
        told = array(work.kept[kept_name(table, "told", column.name)], "form").cast(pa.string())
    else:
        told = _generated(work, table, column, kept, usual)
    return pc.if_else(pc.equal(told, ABSENT), pa.scalar(None, pa.string()), told)


def _generated(
    work: Restoration, table: TablePlan, column: ColumnPlan, kept: pd.DataFrame, usual: str
) -> Array:
    """Return the forms that were generated; unknown ones are drawn by their share."""
    name, learned = str(table.name), _learned_name(table, column)
    rows = work.rows[name]
    forms = [str(form) for form in kept["form"] if column.nullable or form != ABSENT]
    if not forms:
        return pa.array([usual] * rows, pa.string())
    counts = dict(zip(kept["form"], kept["rows"], strict=True))
    weights = np.asarray([counts[form] for form in forms], dtype=np.float64)
    known, rng = pa.array(forms, pa.string()), work.random(name, column.name, "form")
    drawn = known.take(pa.array(rng.choice(len(forms), rows, p=weights / weights.sum())))
    synthetic = work.synthetic[name]
    if learned not in synthetic:
        return drawn
    made = array(synthetic, learned).cast(pa.string())
    return pc.if_else(pc.fill_null(pc.is_in(made, known), False), made, drawn)


def longest_text(work: Restoration, table: TablePlan, column: ColumnPlan) -> int | None:
    """Return the longest text that fits: the type's length, or the source's longest."""
    if not column.type.length:
        return None
    longest = work.kept[kept_name(table, "forms", column.name)]["longest"]
    return max(column.type.length, int(longest.max()) if len(longest) else 0)
