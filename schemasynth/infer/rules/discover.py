"""All rules of a schema, without those that follow from others.

Imports the kinds of rules; called by the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from schemasynth.infer.rules.arithmetic import arithmetic
from schemasynth.infer.rules.comparisons import comparisons
from schemasynth.infer.rules.dependence import dependence
from schemasynth.infer.rules.derivations import derivations
from schemasynth.infer.rules.facts import Facts
from schemasynth.infer.rules.links import along, link_of, within
from schemasynth.infer.rules.place import Place
from schemasynth.infer.rules.presence import presence
from schemasynth.model import Schema, Table, TableName
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    import pandas as pd

SEARCH_ROWS = 20_000
"""Rows of a table on which all pairs of its columns are tried: tells 98 % from 99 % with certainty,
and 200 columns take seconds."""
MIN_TABLE = 10
"""Rows below which a table says nothing."""

_ORDERS = frozenset({RuleKind.ORDER, RuleKind.STRICT_ORDER})
_FORMULAS = frozenset(
    {
        RuleKind.EQUAL,
        RuleKind.SUM,
        RuleKind.NET,
        RuleKind.PRODUCT,
        RuleKind.DISCOUNTED,
        RuleKind.RATIO,
        RuleKind.FACTOR,
        RuleKind.ELAPSED,
        RuleKind.DATE_PART,
        RuleKind.JOINED,
        RuleKind.CASED,
    }
)


def discover_rules(schema: Schema, frames: Mapping[str, pd.DataFrame]) -> tuple[Rule, ...]:
    """Return the rules that rows keep to, by table and kind.

    Args:
        schema: with keys, implicit entities and row counts; a table whose frame has fewer rows is
            taken as a sample, and its totals are left alone.
        frames: rows by `str(TableName)`, `pandas.ArrowDtype` columns.
    """
    usable = [t for t in schema if len(frames.get(str(t.name), ())) >= MIN_TABLE]
    whole = {table.name: _place(schema, table, frames[str(table.name)]) for table in usable}
    result: list[Rule] = []
    for table in usable:
        sample = _place(schema, table, frames[str(table.name)], SEARCH_ROWS)
        result += _of_table(sample, whole[table.name])
    for table in usable:
        for key in table.foreign_keys:
            if key.referred in whole and key.referred != table.name:
                complete = all(
                    len(frames[str(name)]) >= (schema.table(name).row_count or 0)
                    for name in (table.name, key.referred)
                )
                link = link_of(key, whole[table.name], whole[key.referred], whole=complete)
                result += _not_implied(along(link), result)
    kinds = list(RuleKind)
    return tuple(sorted(result, key=lambda r: (r.table, kinds.index(r.kind), r.columns)))


def _place(schema: Schema, table: Table, frame: pd.DataFrame, limit: int | None = None) -> Place:
    unique = [key[0] for key in table.candidate_keys if len(key) == 1]
    primary = table.primary_key.columns if table.primary_key else ()
    foreign = {name for key in table.foreign_keys for name in key.columns}
    return Place(
        table.name,
        Facts.of(frame, limit),
        frozenset({*unique, *primary, *foreign}),
        frozenset(foreign),
        frozenset(foreign | set(_determined(schema, table.name))),
        tuple(dict.fromkeys(key.columns for key in table.foreign_keys)),
    )


def _determined(schema: Schema, table: TableName) -> Iterator[str]:
    for entity in schema.implicit_entities:
        for member in entity.members:
            if member.table == table:
                yield from member.determined


def _of_table(sample: Place, whole: Place) -> Iterator[Rule]:
    orders = list(comparisons(sample))
    formulas = [*arithmetic(sample), *derivations(sample)]
    formulas += [rule for rule in orders if rule.kind is RuleKind.EQUAL]
    periods = [rule.columns for rule in orders if rule.kind in _ORDERS]
    times = [(a, b) for a, b in periods if {a, b} <= set(whole.times)]
    yield from formulas
    yield from (r for r in orders if r.kind in _ORDERS and not _is_part(r, formulas))
    yield from (r for r in dependence(sample) if not _is_written(r, formulas))
    yield from presence(sample)
    yield from within(whole, times)


def _is_part(order: Rule, formulas: Iterable[Rule]) -> bool:
    """Tell whether an order is between columns of one formula, which settles it."""
    return any(set(order.columns) <= set(formula.columns) for formula in formulas)


def _is_written(rule: Rule, formulas: Sequence[Rule]) -> bool:
    """Tell whether a dependence only repeats what formulas say."""
    if len(rule.columns) < 2:
        return False
    sources = {rule.columns[0]}
    by_target: dict[str, list[set[str]]] = {}
    for formula in formulas:
        by_target.setdefault(formula.columns[-1], []).append(set(formula.columns[:-1]))
    first, last = rule.columns
    if any(parts <= sources for parts in by_target.get(last, ())):
        return True
    if any(parts <= {last} for parts in by_target.get(first, ())):
        return True
    common = [a for a in by_target.get(first, ()) for b in by_target.get(last, ()) if a == b]
    return bool(common)


def _not_implied(rules: Iterable[Rule], known: Sequence[Rule]) -> Iterator[Rule]:
    """Yield rules in time that do not follow from another one and an order within the row."""
    rules = list(rules)
    after = {
        rule.columns: rule
        for rule in known
        if rule.kind in _ORDERS and not rule.exceptions and rules and rule.table == rules[0].table
    }
    held = {(r.kind, r.columns[0], r.referred_columns) for r in rules if not r.exceptions}
    for rule in rules:
        if rule.kind is RuleKind.AFTER_PARENT and any(
            (rule.kind, a, rule.referred_columns) in held and b == rule.columns[0] for a, b in after
        ):
            continue
        if rule.kind is RuleKind.BEFORE_PARENT and any(
            (rule.kind, b, rule.referred_columns) in held and a == rule.columns[0] for a, b in after
        ):
            continue
        yield rule
