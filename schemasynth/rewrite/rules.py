"""Rules of the source kept on restored rows: measured on the way in, mended on the way out.

Imports the base, and how each kind of rule is mended; called by the restoration when all else is
there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from schemasynth.arrays import array
from schemasynth.model.rules import Rule, RuleKind
from schemasynth.plan.model import (
    WRITTEN,
    ColumnTreatment,
    ForeignKeyTreatment,
    RefreshPlan,
    Role,
    TablePlan,
)
from schemasynth.rewrite.rulefix import Repair, Standing, standing
from schemasynth.rewrite.rulestate import Tables, learned

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools
    from schemasynth.infer.rules.facts import Facts
    from schemasynth.model import TableName
    from schemasynth.rewrite.base import Preparation, Restoration
    from schemasynth.rows import Rows

SHARES = "rules"
"""Name of the kept frame with each rule's share of exceptions in the source."""
MAX_PASSES = 8
"""Times that all rules are gone through: one may break another, and chains are short."""
_FIRST = (
    RuleKind.CONSTANT,
    RuleKind.DETERMINED,
    RuleKind.CONDITIONAL,
    RuleKind.PRESENCE,
    RuleKind.TOGETHER,
    RuleKind.IMPLIES,
    RuleKind.EXCLUSIVE,
    RuleKind.EITHER,
    RuleKind.AFTER_PARENT,
    RuleKind.BEFORE_PARENT,
    RuleKind.ORDER,
    RuleKind.STRICT_ORDER,
    RuleKind.DISJOINT,
)
"""Kinds in the order in which they are kept; formulas come after, totals over rows last."""
_LAST = (RuleKind.RUNNING, RuleKind.CHILD_SUM, RuleKind.CHILD_COUNT)


_MADE_UP = WRITTEN | {ColumnTreatment.PROVIDER}
_WRITABLE = _MADE_UP | {ColumnTreatment.LEARN}
"""Treatments of columns that may change so that a rule is kept."""


def rule_groups(plan: RefreshPlan) -> dict[TableName, frozenset[TableName]]:
    """Return for each table with rules those that rules bind to it, itself among them."""
    import networkx as nx

    graph: nx.Graph[TableName] = nx.Graph()
    for rule in plan.rules:
        if _is_known(rule, plan):
            graph.add_edge(rule.table, rule.referred or rule.table)
    return {name: frozenset(group) for group in nx.connected_components(graph) for name in group}


def _bound(plan: RefreshPlan, group: Collection[TableName]) -> list[Rule]:
    return [rule for rule in plan.rules if rule.table in group and _is_known(rule, plan)]


def measure_rules(work: Preparation) -> None:
    """Keep what the plan's rules need of the source: bindings, decimals, shares of exceptions.

    Args:
        work: with all source rows; those of one group of tables are read at a time.
    """
    shares: dict[str, float] = {}
    for group in dict.fromkeys(rule_groups(work.plan).values()):
        if all(str(name) in work.source for name in group):
            shares |= _measured(work, group)
    if shares:
        work.kept[SHARES] = pd.DataFrame({"rule": list(shares), "share": list(shares.values())})


def _measured(work: Preparation, group: Collection[TableName]) -> dict[str, float]:
    """Return the share of exceptions of each rule of a group."""
    plan, names = work.plan, [str(name) for name in group]
    rows = {name: work.measured(name) for name in names}
    columns = {name: _columns(rows[name]) for name in names}
    tables = Tables(plan, columns, {name: len(rows[name]) for name in names}, {})
    shares = {}
    for rule in _bound(plan, group):
        of_parent = rule.kind in (RuleKind.CHILD_SUM, RuleKind.CHILD_COUNT)
        facts = tables.facts(str(rule.referred if of_parent else rule.table))
        found = _learned(plan, rule, facts)
        if len(found):
            work.kept[f"rule:{rule.id}"] = found
        tables.known = {str(rule.id): found}
        now = standing(rule, tables)
        shares[str(rule.id)] = float(now.broken.sum()) / max(int(now.applies.sum()), 1)
    return shares


def _learned(plan: RefreshPlan, rule: Rule, facts: Facts) -> pd.DataFrame:
    """Return what keeping a rule needs to know of the source: no value of made-up columns."""
    table = plan.table(rule.table)
    made_up = any(table.column(name).treatment in _MADE_UP for name in rule.columns)
    if made_up and rule.kind is RuleKind.CONSTANT:
        return pd.DataFrame()
    return learned(rule, facts, by_value=_by_value(plan, rule))


def _columns(rows: Rows) -> dict[str, Array]:
    return {name: array(rows, name) for name in rows.columns}


def _is_known(rule: Rule, plan: RefreshPlan) -> bool:
    """Tell whether a rule is about tables that are restored."""
    roles = {table.name: table.role for table in plan.tables}
    names = [rule.table] + ([rule.referred] if rule.referred else [])
    return all(roles.get(name, Role.SKIP) is not Role.SKIP for name in names)


def _by_value(plan: RefreshPlan, rule: Rule) -> bool:
    """Tell whether restored rows have the source's values in a rule's first column."""
    if not rule.columns:
        return False
    table = plan.table(rule.table)
    return all(table.column(name).treatment is ColumnTreatment.LEARN for name in rule.columns[:2])


def keep_rules(work: Restoration, group: Collection[TableName]) -> None:
    """Change restored rows so that as few break each rule as in the source.

    A rule of which no column may change (keys, copied tables) stays as it is. Rows that still
    break a rule in the end are reported.

    Args:
        work: with all tables of the group restored.
        group: tables of `rule_groups`.
    """
    if SHARES not in work.kept:
        return
    kept = work.kept[SHARES]
    shares = dict(zip(kept["rule"], kept["share"], strict=True))
    rules = [rule for rule in _in_order(_bound(work.plan, group)) if str(rule.id) in shares]
    known = {str(r.id): work.kept[f"rule:{r.id}"] for r in rules if f"rule:{r.id}" in work.kept}
    tables = Tables(work.plan, work.columns, work.rows, known)
    free = _Free(work.plan, rules, shares)
    changed: dict[Rule, int] = {}
    for _ in range(MAX_PASSES):
        settled = True
        for rule in rules:
            rows = _kept(work, tables, rule, float(shares[str(rule.id)]), free)
            changed[rule] = changed.get(rule, 0) + rows
            settled = settled and not rows
        if settled:
            break
    for rule in rules:
        where = str(rule.referred if rule.kind in _LAST[1:] else rule.table)
        work.repaired(where, f"{rule.id}: changed to keep it", changed[rule])
        left = _too_many(standing(rule, tables), float(shares[str(rule.id)]))
        work.repaired(where, f"{rule.id}: could not be kept", left)


def _in_order(rules: Sequence[Rule]) -> list[Rule]:
    def rank(rule: Rule) -> int:
        if rule.kind in _FIRST:
            return _FIRST.index(rule.kind)
        return len(_FIRST) + (1 + _LAST.index(rule.kind) if rule.kind in _LAST else 0)

    return sorted(rules, key=rank)


def _too_many(now: Standing, share: float) -> int:
    return max(0, int(now.broken.sum()) - _allowed(now, share))


def _allowed(now: Standing, share: float) -> int:
    return round(share * int(now.applies.sum()))


def _kept(work: Restoration, tables: Tables, rule: Rule, share: float, free: _Free) -> int:
    """Mend one rule; returns how many rows were changed."""
    rng = work.random("rules", str(rule.id))
    tried: list[tuple[str, ...]] = []
    changed = 0
    while _too_many(now := standing(rule, tables), share):
        # What one repair cannot mend is left to the next one.
        ways = (r for r in free.in_order(rule, now.repairs) if r.columns not in tried)
        repair = next(filter(free.may, ways), None)
        if repair is None:
            break
        tried.append(repair.columns)
        rows = _chosen(now.broken, _allowed(now, share), rng)
        made = [(column, make(rows, rng)) for column, make in repair.makes]
        for column, values in made:
            tables.write(repair.table, column, values)
        changed += int(rows.sum())
    return changed


def _chosen(broken: Bools, allowed: int, rng: np.random.Generator) -> Bools:
    """Return broken rows without the few that may stay; the same ones in each pass."""
    order = rng.permutation(len(broken))
    spared = order[broken[order]][:allowed]
    result = broken.copy()
    result[spared] = False
    return result


class _Free:
    """Which columns may change, and which rather not."""

    def __init__(self, plan: RefreshPlan, rules: list[Rule], shares: Mapping[str, float]) -> None:
        self._columns = {
            (str(table.name), name) for table in plan.tables for name in changeable(table)
        }
        self._choosable = self._columns | {
            (str(table.name), name) for table in plan.tables for name in _categories(table)
        }
        self._owners: dict[tuple[str, str], int] = {}
        self._places: dict[Rule, int] = {}
        for place, rule in enumerate(sorted(rules, key=lambda rule: self._rank(rule, shares))):
            self._places[rule] = place
            for result in _results(rule):
                self._owners.setdefault(result, place)

    def _rank(self, rule: Rule, shares: Mapping[str, float]) -> tuple[bool, float]:
        """Return what puts first rules that make a column of columns which cannot change."""
        known = {(str(rule.table), column) for column in rule.columns[:-1]}
        bound = known.isdisjoint(self._choosable)
        return not bound, shares[str(rule.id)]

    def may(self, repair: Repair) -> bool:
        """Tell whether all columns of a repair may change."""
        may = self._choosable if repair.chooses else self._columns
        return all((repair.table, column) in may for column in repair.columns)

    def in_order(self, rule: Rule, repairs: tuple[Repair, ...]) -> list[Repair]:
        """Return repairs, those last that change what the foremost of other rules makes."""
        own, nobody = self._places[rule], len(self._places)

        def foremost(repair: Repair) -> int:
            owners = [self._owners.get((repair.table, c), nobody) for c in repair.columns]
            return min((owner for owner in owners if owner != own), default=nobody)

        return sorted(repairs, key=foremost, reverse=True)


def changeable(table: TablePlan) -> Iterator[str]:
    """Yield the columns that no key depends on."""
    if table.role in (Role.REFERENCE, Role.SKIP) or table.is_entity:
        return
    fixed = _needed(table) | {name for key in table.foreign_keys for name in key.columns}
    for column in table.columns:
        if column.treatment in _WRITABLE and column.name not in fixed:
            yield column.name


def _needed(table: TablePlan) -> set[str]:
    """Return the columns of keys, and those that keys are made of."""
    found = {name for key in (table.primary_key, *table.unique_keys) for name in key}
    formats = (c.key_format for c in table.columns if c.key_format is not None)
    return found.union(*(known.sources for known in formats))


def _categories(table: TablePlan) -> Iterator[str]:
    """Yield the columns that refer to copied rows and to nothing else: any of these will do."""
    if table.role in (Role.REFERENCE, Role.SKIP) or table.is_entity:
        return
    used = Counter(name for key in table.foreign_keys for name in key.columns)
    for key in table.foreign_keys:
        (name, *more) = key.columns
        alone = not more and used[name] == 1 and name not in _needed(table)
        if key.treatment is ForeignKeyTreatment.CATEGORY and alone:
            yield name


def _results(rule: Rule) -> Iterator[tuple[str, str]]:
    """Yield the column that a rule makes of others."""
    if rule.kind in _LAST[1:]:
        yield str(rule.referred), rule.referred_columns[0]
    elif rule.kind not in _FIRST or rule.kind is RuleKind.DETERMINED:
        yield str(rule.table), rule.columns[-1]
