"""Rows of linked tables brought to the planned number, under the source's children a parent.

Imports the base and draws; called before rows are restored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import NONE, array, lookup, rank_in_group
from schemasynth.plan.model import RefreshPlan, Role, TablePlan
from schemasynth.rewrite.base import ROW, Restoration
from schemasynth.rewrite.draw import child_counts
from schemasynth.rows import Rows, Tables, at, replaced

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.arrays import Array, Ints


TOLERATED_SHORTAGE = 0.05
"""Share of the planned rows that may be missing: the generator's own number is worth more than
rows that come twice."""


def law_name(table: TablePlan, index: int) -> str:
    """Return the name under which the children a parent of a foreign key are kept."""
    return f"law:{table.name}:{index}"


def reference_column(index: int) -> str:
    """Return the prepared column that refers to the row of a foreign key's parent."""
    return f"schemasynth:reference:{index}"


def bring_to_size(plan: RefreshPlan, work: Restoration) -> None:
    """Bring generated tables to the number of rows that the plan wants, parents first.

    A generator that has seen little makes too many children; which parents keep how many follows
    the source's law, and each keeps its first ones, which came in the order that was learned;
    but where their own children would become too few, those with children go first. Where it
    made too few, rows are repeated below parents that lack children by the same law.

    Args:
        plan: what was decided.
        work: its synthetic tables are replaced; what is changed is counted as a repair.
    """
    frames = dict(work.synthetic)
    for table in plan.tables:
        context = table.context
        if context is None or table.role is Role.SKIP:
            continue
        name, index = str(table.name), table.foreign_keys.index(context)
        frame, parent = frames[name], frames[str(context.referred)]
        owners = lookup([array(frame, reference_column(index))], [array(parent, ROW)])
        law = work.kept[law_name(table, index)]
        rng = work.random(name, "size")
        heirs = _needed_heirs(plan, table, frames)
        kept = _wanted(owners, len(parent), law, table.size, heirs, rng)
        surplus = len(frame) - len(kept)
        work.repaired(name, "rows beyond the planned number left out", surplus)
        frames[name] = at(frame, kept)
        if 0 < len(kept) < (1 - TOLERATED_SHORTAGE) * table.size:
            below = _short_parents(owners[kept], len(parent), law, table.size, rng)
            work.repaired(name, "rows repeated to reach the planned number", len(below))
            keys = array(parent, ROW).take(pa.array(below))
            frames[name] = _repeated(frames[name], reference_column(index), keys, rng)
    work.synthetic = frames


def _short_parents(
    owners: Ints, parents: int, law: pd.DataFrame, size: int, rng: np.random.Generator
) -> Ints:
    """Return the parents of the rows that are missing, those that lack most by the law first."""
    made = np.bincount(owners, minlength=parents).astype(np.int64)
    values = law["children"].to_numpy(dtype=np.int64)
    weights = law["parents"].to_numpy(dtype=np.int64)
    wanted = np.empty(parents, dtype=np.int64)
    wanted[np.argsort(made, kind="stable")] = np.sort(
        child_counts(values, weights, parents, size, rng)
    )
    lacking = np.repeat(np.arange(parents), np.maximum(wanted - made, 0))
    return rng.permutation(lacking)[: size - len(owners)]


def _repeated(rows: Rows, column: str, parents: Array, rng: np.random.Generator) -> Rows:
    """Return rows with some of them once more, below other parents and with new keys."""
    missing = len(parents)
    rounds = -(-missing // len(rows))
    donors = np.concatenate([rng.permutation(len(rows)) for _ in range(rounds)])[:missing]
    keys = pa.array([f"{ROW}:{number}" for number in range(missing)])
    own = {
        name: pa.concat_arrays([known, more.cast(known.type)])
        for name, more in ((ROW, keys), (column, parents))
        for known in (array(rows, name),)
    }
    return replaced(at(rows, np.concatenate([np.arange(len(rows)), donors])), own)


def _needed_heirs(plan: RefreshPlan, table: TablePlan, frames: Tables) -> Ints:
    """Return the children of each row in tables that would be short if rows went at random."""
    frame = frames[str(table.name)]
    heirs = np.zeros(len(frame), dtype=np.int64)
    kept_share = min(1.0, table.size / max(len(frame), 1))
    for child in plan.tables:
        context = child.context
        if context is None or context.referred != table.name or child.role is Role.SKIP:
            continue
        rows = frames[str(child.name)]
        if len(rows) * kept_share < child.size:
            column = reference_column(child.foreign_keys.index(context))
            owners = lookup([array(rows, column)], [array(frame, ROW)])
            heirs += np.bincount(owners[owners != NONE], minlength=len(frame))
    return heirs


def _wanted(
    owners: Ints,
    parents: int,
    law: pd.DataFrame,
    size: int,
    heirs: Ints,
    rng: np.random.Generator,
) -> Ints:
    """Return the rows to keep: at most `size`, as near to the law as the generated ones allow."""
    children = np.flatnonzero(owners != NONE)
    made = np.bincount(owners[children], minlength=parents).astype(np.int64)
    if len(children) <= size:
        return children
    values = law["children"].to_numpy(dtype=np.int64)
    weights = law["parents"].to_numpy(dtype=np.int64)
    wanted = np.sort(child_counts(values, weights, parents, size, rng))
    shuffled = rng.permutation(parents)
    ranked = shuffled[np.argsort(made[shuffled], kind="stable")]
    keep = np.zeros(parents, dtype=np.int64)
    keep[ranked] = np.minimum(made[ranked], wanted)
    spare = np.repeat(np.arange(parents), made - keep)
    missing = min(size - int(keep.sum()), len(spare))
    np.add.at(keep, rng.choice(spare, missing, replace=False), 1)
    first = children[np.argsort(-heirs[children], kind="stable")]
    chosen = first[rank_in_group(owners[first]) < keep[owners[first]]]
    return np.sort(chosen)
