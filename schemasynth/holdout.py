"""Which subjects are kept from the generator, so that what it makes can be held against them.

Works on what was read of a source; imports the plan and rewrites, used by the refresh alone.

A subject is held out with all that belongs to it. As many other subjects, which the generator does
see, are chosen in the same way to be compared with: an honest generator cannot tell the two apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import NONE, array, frame, generator, lookup
from schemasynth.plan.entity import entity_frame
from schemasynth.plan.model import ColumnTreatment, ForeignKeyTreatment, RefreshPlan, Role
from schemasynth.rewrite import Source, implicit_entities
from schemasynth.rewrite.references import children_law
from schemasynth.rewrite.sizes import law_name
from schemasynth.rows import at, first, part
from schemasynth.verify.distance import SUBJECT
from schemasynth.verify.privacy import NEIGHBOURS

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.arrays import Ints
    from schemasynth.model import TableName
    from schemasynth.plan.model import TablePlan
    from schemasynth.rows import Rows

MOST = 0.1
"""Share of a table's subjects that is held out at most: what is not learned is lost."""
FEWEST = 100
"""Subjects below which nothing is held out: the share nearer to training would be known to 0.05."""
_SEEN, _COMPARED, _HELD_OUT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Split:
    """A source of which some subjects are held out.

    Attributes:
        source: the same rows; those that are held out are not among the chosen ones.
        training: rows by table that are learned and compared, with the subject each belongs to.
        holdout: rows by table that are not learned, as many subjects chosen in the same way.
    """

    source: Source
    training: Mapping[str, pd.DataFrame]
    holdout: Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class _Trees:
    """To which subject each row of a table belongs, and what becomes of the subject."""

    subjects: Ints
    fate: Ints


def hold_out(plan: RefreshPlan, source: Source, seed: int) -> Split:
    """Keep some subjects from the generator, where there are enough.

    Args:
        plan: says how many.
        source: what was read.
        seed: decides which; equal seeds hold out equal subjects.

    Returns:
        Nothing held out, and nothing to compare, of tables with too few subjects.
    """
    trees = _all_trees(plan, source, seed)
    if not trees:
        return Split(source, {}, {})
    rows, chosen = dict(source.rows), dict(source.chosen)
    held, keys = dict(source.held_out), dict(source.keys)
    training, holdout = {}, {}
    for name, tree in trees.items():
        table = str(name)
        if plan.table(name).is_entity:
            continue
        whole, learned = source.rows[table], len(tree.fate)
        out = np.flatnonzero(tree.fate == _HELD_OUT)
        seen = np.flatnonzero(tree.fate != _HELD_OUT)
        rows[table] = at(whole, np.concatenate([seen, out, np.arange(learned, len(whole))]))
        chosen[table], held[table] = len(seen), len(out)
        keys.setdefault(table, whole)
        compared = np.flatnonzero(tree.fate == _COMPARED)
        training[table] = _some(plan.table(name), whole, tree, compared, seed)
        holdout[table] = _some(plan.table(name), whole, tree, out, seed)
    laws = {**_laws(plan, source, trees), **source.laws}
    split = replace(source, rows=rows, chosen=chosen, held_out=held, keys=keys, laws=laws)
    return Split(split, training, holdout)


def _all_trees(plan: RefreshPlan, source: Source, seed: int) -> dict[TableName, _Trees]:
    """Return the subjects of all tables that hang on a table with enough of them."""
    chosen = {
        name: first(rows, source.chosen.get(name, len(rows))) for name, rows in source.rows.items()
    }
    rows: dict[str, Rows] = {
        **chosen,
        **{
            str(entity.table.name): entity_frame(entity.table.primary_key, entity.members, chosen)
            for entity in implicit_entities(plan)
        },
    }
    found: dict[TableName, _Trees] = {}
    for path in (_path(plan, table) for table in plan.tables):
        root = path[0]
        share = _share(plan, root, rows)
        if not share:
            continue
        for table in path:
            if table.name not in found:
                found[table.name] = _trees(table, rows, found, share, seed)
    return found


def _path(plan: RefreshPlan, table: TablePlan) -> list[TablePlan]:
    """Return a table and those in whose context it stands, the subject first."""
    path = [table]
    while path[0].context is not None:
        path.insert(0, plan.table(path[0].context.referred))
    return path


def _share(plan: RefreshPlan, root: TablePlan, rows: Mapping[str, Rows]) -> float:
    if root.role in (Role.REFERENCE, Role.SKIP):
        return 0.0
    subjects = len(rows[str(root.name)])
    share = min(MOST, plan.privacy.holdout / max(subjects, 1))
    return share if share * subjects >= FEWEST else 0.0


def _trees(
    table: TablePlan,
    rows: Mapping[str, Rows],
    found: Mapping[TableName, _Trees],
    share: float,
    seed: int,
) -> _Trees:
    """Return the subjects of a table's rows; a row without a parent is one of its own."""
    here = rows[str(table.name)]
    rng = generator(seed, "holdout", str(table.name))
    own = rng.random(len(here))
    fate = np.select([own < share, own < 2 * share], [_HELD_OUT, _COMPARED], _SEEN)
    numbers = np.arange(len(here))
    context = table.context
    if context is None:
        return _Trees(numbers, fate)
    above = found[context.referred]
    parents = lookup(
        [array(here, name) for name in context.columns],
        [array(rows[str(context.referred)], name) for name in context.referred_columns],
    )
    alone = parents == NONE
    if not len(above.fate):
        return _Trees(numbers, fate)
    return _Trees(
        np.where(alone, -1 - numbers, above.subjects[parents]),
        np.where(alone, fate, above.fate[parents]),
    )


def _some(table: TablePlan, rows: Rows, tree: _Trees, positions: Ints, seed: int) -> pd.DataFrame:
    """Return the learned columns of some of the rows, and whose they are."""
    rng = generator(seed, "compared", str(table.name))
    taken = np.sort(rng.permutation(positions)[:NEIGHBOURS])
    names = [c.name for c in table.columns if c.treatment is ColumnTreatment.LEARN]
    learned = part(at(rows, taken), names)
    columns = {name: array(learned, name) for name in names}
    return frame({**columns, SUBJECT: pa.array(tree.subjects[taken])}, len(taken))


def _laws(
    plan: RefreshPlan, source: Source, touched: Iterable[TableName]
) -> dict[str, pd.DataFrame]:
    """Count children a parent over all rows, for keys of which a part alone would tell less."""
    held = set(touched)
    laws = {}
    for table in plan.tables:
        for index, key in enumerate(table.foreign_keys):
            if key.treatment is not ForeignKeyTreatment.RESTORED or key.to_entity:
                continue
            if held.isdisjoint({table.name, key.referred}) or str(key.referred) not in source.rows:
                continue
            child, parent = source.rows[str(table.name)], source.rows[str(key.referred)]
            positions = lookup(
                [array(child, name) for name in key.columns],
                [array(parent, name) for name in key.referred_columns],
            )
            laws[law_name(table, index)] = children_law(positions, len(parent))
    return laws
