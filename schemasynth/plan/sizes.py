"""How many rows each table shall have: scaled, set by hand, and within what its keys allow.

Imports the plan's values only; used where a plan is made, resized and checked.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from schemasynth.errors import PlanError
from schemasynth.model import TableName
from schemasynth.plan.model import RefreshPlan, Role, TablePlan

_GENERATED = (Role.SUBJECT, Role.LINKED)


def resized(
    plan: RefreshPlan, scale: float | None = None, sizes: Mapping[str, int] | None = None
) -> RefreshPlan:
    """Return the plan with other sizes.

    Args:
        plan: what was decided.
        scale: planned rows by rows of the source, for every table; None keeps the sizes.
        sizes: rows of some tables, by name. What is linked to one of them grows or shrinks with
            it, unless it has a size here itself.

    Raises:
        PlanError: a name is no table of the plan, or one that is not generated.
    """
    given = {_named(plan, name): size for name, size in (sizes or {}).items()}
    start = {t.name: _scaled(t, scale) for t in plan.tables}
    made: dict[TableName, int] = {}
    for table in _contexts_first(plan):
        if table.name in given:
            made[table.name] = given[table.name]
            continue
        context = table.context
        growth = 1.0
        if context is not None and start[context.referred]:
            growth = made[context.referred] / start[context.referred]
        made[table.name] = round(start[table.name] * growth)
    _fit_keys(plan, made, given)
    tables = tuple(replace(table, size=made[table.name]) for table in plan.tables)
    return replace(plan, tables=tables, scale=plan.scale if scale is None else scale)


def _named(plan: RefreshPlan, name: str) -> TableName:
    found = [t for t in plan.tables if str(t.name) == name and not t.is_entity]
    if not found:
        raise PlanError(f"There is no table {name} in the plan, so it cannot have a size.")
    if found[0].role not in _GENERATED:
        what = "copied" if found[0].role is Role.REFERENCE else "skipped"
        raise PlanError(f"Table {name} is {what}; its number of rows is the source's.")
    return found[0].name


def _scaled(table: TablePlan, scale: float | None) -> int:
    if scale is None:
        return table.size
    if table.role not in _GENERATED:
        return table.rows
    return max(round(table.rows * scale), min(1, table.rows))


def _contexts_first(plan: RefreshPlan) -> Iterator[TablePlan]:
    """Yield the tables, each after the one in whose context it is generated."""
    seen: set[TableName] = set()
    for table in plan.tables:
        path: list[TablePlan] = []
        current: TablePlan | None = table
        while current is not None and current.name not in seen:
            seen.add(current.name)
            path.append(current)
            current = plan.table(current.context.referred) if current.context else None
        yield from reversed(path)


def _fit_keys(plan: RefreshPlan, made: dict[TableName, int], given: Collection[TableName]) -> None:
    """Make tables no larger than their keys allow, once for each step of the longest chain."""
    for _ in plan.tables:
        room = {t.name: largest(t, made) for t in plan.tables if t.name not in given}
        over = {name: most for name, most in room.items() if made[name] > most}
        if not over:
            return
        made |= {name: int(most) for name, most in over.items()}


def largest(table: TablePlan, sizes: Mapping[TableName, int]) -> float:
    """Return how many rows a table can have whose keys consist of foreign keys.

    Args:
        table: in a plan.
        sizes: of all tables.

    Returns:
        The number of combinations of parents for its narrowest such key; infinity without one.
    """
    nullable = {column.name for column in table.columns if column.nullable}
    keys = (table.primary_key, *(k for k in table.unique_keys if not set(k) & nullable))
    room = math.inf
    for key in (set(key) for key in keys if key):
        parents = [
            k for k in table.foreign_keys if set(k.columns) <= key and k.referred != table.name
        ]
        if parents and key <= {name for parent in parents for name in parent.columns}:
            room = min(room, math.prod(sizes[parent.referred] for parent in parents))
    return room


def expected(table: TablePlan, parent: TablePlan) -> float:
    """Return how many rows may be planned of a linked table.

    Args:
        table: whose context is `parent`.
        parent: with its planned size.

    Returns:
        As many a parent as in the source, generous by one parent, as sizes are whole numbers; but
        the source's own number is never too many: where a parent alone is made smaller, the
        children left over are not made.
    """
    if not parent.rows:
        return math.inf
    return max(table.rows, table.rows * (parent.size + 1) / parent.rows + 1)
