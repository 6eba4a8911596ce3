"""Tables on which rules are measured and kept, and what rules need to know of the source.

Imports arrays, facts and the plan's values; used by the rewrite of rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import array, frame, lookup, positions, take
from schemasynth.infer.rules.arithmetic import FORMULAS
from schemasynth.infer.rules.chance import MAX_EXCEPTIONS
from schemasynth.infer.rules.dependence import most_frequent
from schemasynth.infer.rules.facts import Facts
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools, Ints
    from schemasynth.infer.rules.facts import Floats
    from schemasynth.plan.model import RefreshPlan

VALUE, BOUND, DECIMALS = "value", "bound", "decimals"
"""Columns of what is known of a rule: a value of its first column, and what goes with it."""
CALCULATED = frozenset({*FORMULAS, RuleKind.CHILD_SUM, RuleKind.CHILD_COUNT})
"""Rules whose last column is a number that is rounded."""
UNBOUND = 0.5
"""Share up to which exceptions of one value leave what most of its rows have."""


@dataclass(slots=True)
class Tables:
    """Columns of all tables, of the source or restored.

    Attributes:
        plan: what was decided.
        columns: by table and name.
        rows: of each table.
        known: what rules need of the source, by their ids.
    """

    plan: RefreshPlan
    columns: dict[str, dict[str, Array]]
    rows: Mapping[str, int]
    known: Mapping[str, pd.DataFrame]
    _facts: dict[str, Facts] = field(default_factory=dict)

    def facts(self, table: str) -> Facts:
        """Return the columns of a table as they are now."""
        if table not in self._facts:
            self._facts[table] = Facts(dict(self.columns[table]), self.rows[table])
        return self._facts[table]

    def write(self, table: str, column: str, values: Array) -> None:
        """Put a column in the place of an old one."""
        self.columns[table][column] = values
        self._facts.pop(table, None)

    def parents(self, rule: Rule) -> Ints:
        """Return the referenced row of each row, -1 for none.

        Args:
            rule: along a foreign key of the plan.
        """
        table = self.plan.table(rule.table)
        key = next(key for key in table.foreign_keys if key.columns == rule.link)
        child, parent = self.columns[str(rule.table)], self.columns[str(rule.referred)]
        return lookup(
            [child[name] for name in key.columns],
            [parent[name] for name in key.referred_columns],
        )

    def decimals(self, rule: Rule, target: str, facts: Facts) -> int | None:
        """Return the decimals of a calculated column: those of the source, once they are known."""
        known = self.known.get(str(rule.id))
        if known is None or DECIMALS not in known:
            return facts.decimals(target)
        value = known[DECIMALS].iloc[0]
        return None if value < 0 else int(value)

    def bound(self, rule: Rule) -> tuple[Array, Bools] | None:
        """Return what the source says each row's bound value is, and for which rows it does.

        Args:
            rule: whose first column binds something.

        Returns:
            None where nothing is known, as of new keys.
        """
        known = self.known.get(str(rule.id))
        if known is None or BOUND not in known or not len(known):
            return None
        here = self.columns[str(rule.table)][rule.columns[0]]
        places = lookup([here], [array(known, VALUE)])
        return take(array(known, BOUND), places), places >= 0


def learned(rule: Rule, facts: Facts, *, by_value: bool) -> pd.DataFrame:
    """Return what keeping a rule needs to know of the source.

    Args:
        rule: found there.
        facts: of its table; of the referenced one for totals of rows that refer to it.
        by_value: restored rows have the source's values in the rule's first column.
    """
    if rule.kind in CALCULATED:
        decimals = facts.decimals((rule.referred_columns or rule.columns)[-1])
        value = -1 if decimals is None else decimals
        return frame({DECIMALS: pa.array([value])}, 1)
    match rule.kind:
        case RuleKind.DETERMINED if by_value:
            return _bindings(facts, rule, UNBOUND)
        case RuleKind.CONDITIONAL if by_value:
            return _bindings(facts, rule, MAX_EXCEPTIONS)
        case RuleKind.PRESENCE if by_value:
            return _fillings(facts, rule)
        case RuleKind.CONSTANT:
            first = facts.columns[rule.columns[0]].drop_null().slice(0, 1)
            return frame({BOUND: first}, len(first))
    return pd.DataFrame()


def _bindings(facts: Facts, rule: Rule, exceptions: float) -> pd.DataFrame:
    """Return the value of the second column that goes with each of the first."""
    first, second = (facts.codes(name) for name in rule.columns)
    present = np.flatnonzero((first >= 0) & (second >= 0))
    owners, hits, bound = most_frequent(first[present], second[present])
    totals = np.bincount(first[present])[owners]
    if rule.kind is RuleKind.CONDITIONAL:
        kept = hits >= (1 - exceptions) * totals
        owners, bound = owners[kept], bound[kept]
    left, right = (facts.columns[name] for name in rule.columns)
    return frame(
        {
            VALUE: take(left, positions(owners, first)),
            BOUND: take(right, positions(bound, second)),
        },
        len(owners),
    )


def _fillings(facts: Facts, rule: Rule) -> pd.DataFrame:
    """Return whether the second column is set, for values of the first that decide it."""
    first, missing = facts.codes(rule.columns[0]), facts.missing(rule.columns[1])
    present = first >= 0
    groups = int(first.max(initial=-1)) + 1
    totals = np.bincount(first[present], minlength=groups)
    absent = np.bincount(first[present & missing], minlength=groups)
    rest = np.minimum(absent, totals - absent)
    pure = np.flatnonzero(rest <= MAX_EXCEPTIONS * totals)
    values = take(facts.columns[rule.columns[0]], positions(pure, first))
    return frame({VALUE: values, BOUND: pa.array(absent[pure] * 2 < totals[pure])}, len(pure))


def as_column(numbers: Floats, like: pa.DataType, decimals: int | None) -> Array:
    """Return numbers, or microseconds, as a column of a type; NULL for NaN.

    Args:
        numbers: what `Facts.numbers` gives.
        like: type of the column.
        decimals: to round to; None for none.
    """
    missing = np.isnan(numbers)
    filled = np.where(missing, 0.0, numbers)
    if pa.types.is_date(like) or pa.types.is_timestamp(like):
        whole = pa.array(np.rint(filled).astype(np.int64), mask=missing)
        stamps = whole.cast(pa.timestamp("us", tz=getattr(like, "tz", None)))
        return stamps.cast(like, safe=False)
    if decimals is not None:
        filled = np.round(filled, decimals)
    if pa.types.is_integer(like):
        return pa.array(np.rint(filled).astype(np.int64), mask=missing).cast(like)
    return pa.array(filled, pa.float64(), mask=missing).cast(like, safe=False)
