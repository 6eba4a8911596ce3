"""Identifiers of the source taken out of new texts, where the generator has repeated them.

Imports the base and forms; called by the restoration when a table is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import NONE, array, codes, take
from schemasynth.model.sensitivity import SHARED, SensitiveKind
from schemasynth.plan.model import WRITTEN, ColumnPlan, ColumnTreatment, Role, TablePlan
from schemasynth.rewrite.base import Restoration
from schemasynth.rewrite.forms import MIN_LENGTH, normalised, phrases
from schemasynth.rewrite.peoplemaker import taken_name

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools


def scrub(work: Restoration, table: TablePlan, known: frozenset[str]) -> None:
    """Replace new texts that are, or hold, an identifier of the source by other ones.

    Args:
        work: with all columns of the table restored.
        table: copied tables stay as they are.
        known: of `source_identifiers`.
    """
    if table.is_entity or table.role in (Role.REFERENCE, Role.SKIP):
        return
    if not known:
        return
    name = str(table.name)
    for column in _new_texts(table):
        values = work.columns[name][column.name]
        if not pa.types.is_string(values.type):
            continue
        bad = _holding(values, known)
        if bad.any():
            work.columns[name][column.name] = _replaced(work, name, column, values, bad)
            what = f"{column.name}: text with an identifier of the source replaced"
            work.repaired(name, what, int(bad.sum()))


def source_identifiers(work: Restoration) -> frozenset[str]:
    """Return the source's values that lead to one person, normalised."""
    found: set[str] = set()
    for kind in SensitiveKind:
        kept = work.kept.get(taken_name(kind)) if kind not in SHARED else None
        if kept is not None:
            found.update(t for t in array(kept, "text").to_pylist() if len(t) >= MIN_LENGTH)
    return frozenset(found)


def _new_texts(table: TablePlan) -> list[ColumnPlan]:
    fixed = {name for key in (table.primary_key, *table.unique_keys) for name in key}
    fixed |= {name for key in table.foreign_keys for name in key.columns}
    new = WRITTEN | {ColumnTreatment.LEARN}
    return [c for c in table.columns if c.treatment in new and c.name not in fixed]


def _holding(values: Array, known: frozenset[str]) -> Bools:
    """Return which texts are an identifier or hold one."""
    which, distinct = codes(values), values.unique().drop_null()
    whole = normalised(distinct).to_pylist()
    bad = np.array(
        [
            text in known or not known.isdisjoint(inner)
            for text, inner in zip(whole, phrases(distinct), strict=True)
        ]
        + [False],
        dtype=np.bool_,
    )
    result: Bools = bad[which]
    return result


def _replaced(work: Restoration, name: str, column: ColumnPlan, values: Array, bad: Bools) -> Array:
    """Return texts, others of the column in the place of bad ones; NULL where there is none."""
    good = np.flatnonzero(~bad & ~np.asarray(values.is_null()))
    rows = np.arange(len(values))
    if len(good):
        rows[bad] = work.random(name, column.name, "scrub").choice(good, int(bad.sum()))
        return take(values, rows)
    if column.nullable:
        rows[bad] = NONE
        return take(values, rows)
    return pa.array([""] * len(values), values.type)
