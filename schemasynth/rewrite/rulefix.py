"""How each kind of rule is measured on rows, and how rows that break it are made to keep it.

Imports the tables of rules and the formulas of their discovery; used by the rewrite of rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import NONE, array, cast, codes, positions, take, where
from schemasynth.infer.rules.arithmetic import FORMULAS
from schemasynth.infer.rules.derivations import cased, date_part, elapsed, joined, same
from schemasynth.infer.rules.facts import RELATIVE, close
from schemasynth.infer.rules.links import in_sequence, lines_slack, overlaps, summed
from schemasynth.model.rules import Rule, RuleKind
from schemasynth.rewrite.rulestate import BOUND, VALUE, Tables, as_column

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools, Ints
    from schemasynth.infer.rules.facts import Floats

Rng: TypeAlias = np.random.Generator
Make: TypeAlias = "Callable[[Bools, Rng], Array]"


@dataclass(frozen=True, slots=True)
class Repair:
    """One way to make rows keep a rule.

    Attributes:
        table: whose columns change.
        makes: for each of them, what returns the whole column anew, for rows to be changed.
        chooses: rows get values that the columns have in other rows, so that a foreign key to rows
            that are copied stays one.
    """

    table: str
    makes: tuple[tuple[str, Make], ...]
    chooses: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that change."""
        return tuple(column for column, _ in self.makes)


@dataclass(frozen=True, slots=True)
class Standing:
    """How rows stand to a rule.

    Attributes:
        applies: rows on which it could fail; of the parent for rules about its children.
        broken: rows on which it does.
        repairs: ways to mend them, the best first.
    """

    applies: Bools
    broken: Bools
    repairs: tuple[Repair, ...]


def _one(table: str, column: str, make: Make) -> Repair:
    return Repair(table, ((column, make),))


def standing(rule: Rule, tables: Tables) -> Standing:
    """Return how rows stand to a rule.

    Args:
        rule: of any kind.
        tables: restored ones, or those of the source.
    """
    return _KINDS[rule.kind](rule, tables)


def _written(
    rule: Rule, tables: Tables, wanted: Array, where_known: Bools | None = None
) -> Standing:
    """Return the standing of a last column that has to be as wanted."""
    table, target = str(rule.table), rule.columns[-1]
    values = tables.columns[table][target]
    wanted = cast(wanted, values.type)
    present, equal = same(values, wanted)
    if where_known is not None:
        present = present & where_known
    broken = present & ~equal
    return Standing(
        present, broken, (_one(table, target, lambda rows, _: where(rows, wanted, values)),)
    )


def _equal(rule: Rule, tables: Tables) -> Standing:
    columns = tables.columns[str(rule.table)]
    first, last = rule.columns
    forth = _written(rule, tables, columns[first])
    back = cast(columns[last], columns[first].type)
    other = _one(str(rule.table), first, lambda rows, _: where(rows, back, columns[first]))
    return Standing(forth.applies, forth.broken, (*forth.repairs, other))


def _determined(rule: Rule, tables: Tables) -> Standing:
    columns = tables.columns[str(rule.table)]
    source, target = (columns[name] for name in rule.columns)
    key, there = codes(source), ~_missing(target)
    firsts = np.where(there, key, -1)
    wanted = take(target, positions(key, firsts))
    known = tables.bound(rule)
    if known is not None:
        wanted = where(known[1], cast(known[0], target.type), wanted)
    forth = _written(rule, tables, wanted, key >= 0)
    back = _chosen_back(rule, tables, positions(np.unique(firsts[firsts >= 0]), firsts))
    return Standing(forth.applies, forth.broken, (*forth.repairs, back))


def _chosen_back(rule: Rule, tables: Tables, firsts: Ints) -> Repair:
    """Give rows one of the determining values that go with what they have.

    Args:
        rule: of determination.
        tables: restored ones.
        firsts: the first row of each determining value, which binds it where the source does not.
    """
    table, name = str(rule.table), rule.columns[0]
    columns = tables.columns[table]
    source, target = columns[name], columns[rule.columns[-1]]
    known = tables.known.get(str(rule.id))
    if known is None or BOUND not in known or not len(known):
        value, bound = take(source, firsts), take(target, firsts)
    else:
        value, bound = array(known, VALUE), cast(array(known, BOUND), target.type)

    def make(rows: Bools, rng: Rng) -> Array:
        both = codes(pa.concat_arrays([bound, target]))
        given, held = both[: len(bound)], both[len(bound) :]
        order = np.argsort(given, kind="stable")
        start = np.searchsorted(given[order], held)
        count = np.searchsorted(given[order], held, side="right") - start
        able = rows & (count > 0) & (held >= 0)
        place = np.full(len(rows), NONE)
        place[able] = order[start[able] + rng.integers(count[able])]
        return where(able, cast(take(value, place), source.type), source)

    return Repair(table, ((name, make),), chooses=True)


def _conditional(rule: Rule, tables: Tables) -> Standing:
    known = tables.bound(rule)
    if known is None:
        return _nothing(rule, tables)
    return _written(rule, tables, known[0], known[1])


def _constant(rule: Rule, tables: Tables) -> Standing:
    known = tables.known.get(str(rule.id))
    if known is None or not len(known):
        return _nothing(rule, tables)
    rows = tables.rows[str(rule.table)]
    return _written(rule, tables, take(array(known, BOUND), np.zeros(rows, dtype=np.int64)))


def _nothing(rule: Rule, tables: Tables) -> Standing:
    none = np.zeros(tables.rows[str(rule.table)], dtype=np.bool_)
    return Standing(none, none, ())


def _missing(values: Array) -> Bools:
    return np.asarray(values.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _emptied(table: str, column: str, values: Array) -> Repair:
    def make(rows: Bools, _: Rng) -> Array:
        return where(rows, pa.nulls(len(values), values.type), values)

    return _one(table, column, make)


def _filled(table: str, column: str, values: Array) -> Repair:
    """Fill a column with other values of it, drawn at random."""

    def make(rows: Bools, rng: Rng) -> Array:
        donors = np.flatnonzero(~_missing(values))
        if not len(donors):
            return values
        places = np.arange(len(values))
        places[rows] = rng.choice(donors, int(rows.sum()))
        return take(values, places)

    return _one(table, column, make)


def _turned(table: str, column: str, values: Array) -> Repair:
    """Empty a column where it is set, and fill it where it is not."""
    missing = _missing(values)
    (_, empty), (_, fill) = (
        *_emptied(table, column, values).makes,
        *_filled(table, column, values).makes,
    )

    def make(rows: Bools, rng: Rng) -> Array:
        return where(rows & missing, fill(rows & missing, rng), empty(rows, rng))

    return _one(table, column, make)


def _presence(rule: Rule, tables: Tables) -> Standing:
    known = tables.bound(rule)
    if known is None:
        return _nothing(rule, tables)
    table, target = str(rule.table), rule.columns[1]
    values = tables.columns[table][target]
    filled = np.asarray(pc.fill_null(known[0], False).to_numpy(zero_copy_only=False), np.bool_)
    broken = known[1] & (filled == _missing(values))
    return Standing(known[1], broken, (_turned(table, target, values),))


def _nulls(rule: Rule, tables: Tables) -> Standing:
    table = str(rule.table)
    first, last = rule.columns
    a, b = (tables.columns[table][name] for name in rule.columns)
    no_a, no_b = _missing(a), _missing(b)
    everywhere = np.ones(len(a), dtype=np.bool_)
    empty_b, fill_b = _emptied(table, last, b), _filled(table, last, b)
    empty_a, fill_a = _emptied(table, first, a), _filled(table, first, a)
    match rule.kind:
        case RuleKind.TOGETHER:
            repairs = (_turned(table, last, b), _turned(table, first, a))
            return Standing(everywhere, no_a != no_b, repairs)
        case RuleKind.IMPLIES:
            return Standing(everywhere, ~no_a & no_b, (fill_b, empty_a))
        case RuleKind.EXCLUSIVE:
            return Standing(everywhere, ~no_a & ~no_b, (empty_b, empty_a))
    return Standing(everywhere, no_a & no_b, (fill_b, fill_a))


def _ordered(rule: Rule, tables: Tables) -> Standing:
    table, strict = str(rule.table), rule.kind is RuleKind.STRICT_ORDER
    facts = tables.facts(table)
    first, last = rule.columns
    low, high = facts.numbers(first), facts.numbers(last)
    present = ~(np.isnan(low) | np.isnan(high))
    broken = present & ((low >= high) if strict else (low > high))
    upper = _moved(tables, table, last, low, 1.0, present & ~broken)
    lower = _moved(tables, table, first, high, -1.0, present & ~broken)
    return Standing(present, broken, (upper, lower))


def _moved(
    tables: Tables, table: str, column: str, base: Floats, side: float, good: Bools
) -> Repair:
    """Move values to the right side of others, as far from them as good rows are.

    Values stay within the column's range where that is possible.
    """
    facts = tables.facts(table)
    values, decimals, kind = facts.numbers(column), facts.decimals(column), facts.kind(column)

    def make(rows: Bools, rng: Rng) -> Array:
        gaps = np.abs(values[good] - base[good])
        apart = gaps[gaps > 0]
        if not len(apart):
            apart = np.ones(1) if not pa.types.is_temporal(kind) else np.full(1, 86_400e6)
        wanted = base[rows] + side * rng.choice(apart, int(rows.sum()))
        limit = np.nanmax(values) if side > 0 else np.nanmin(values)
        outside = side * wanted > side * limit
        nearest = base[rows] + side * apart.min()
        inside = side * limit > side * base[rows]
        result = values.copy()
        result[rows] = np.where(outside, np.where(inside, limit, nearest), wanted)
        return as_column(result, kind, decimals)

    return _one(table, column, make)


def _in_time(rule: Rule, tables: Tables) -> Standing:
    parents = tables.parents(rule)
    facts, above = tables.facts(str(rule.table)), tables.facts(str(rule.referred))
    own = facts.numbers(rule.columns[0])
    there = above.numbers(rule.referred_columns[0])
    base = np.where(parents >= 0, there[parents], np.nan) if len(there) else own * np.nan
    present = ~(np.isnan(own) | np.isnan(base))
    after = rule.kind is RuleKind.AFTER_PARENT
    broken = present & ((own < base) if after else (own > base))
    side = 1.0 if after else -1.0
    table, column = str(rule.table), rule.columns[0]
    return Standing(
        present, broken, (_moved(tables, table, column, base, side, present & ~broken),)
    )


def _formula(rule: Rule, tables: Tables) -> Standing:
    table, target = str(rule.table), rule.columns[-1]
    facts = tables.facts(table)
    parts = tuple(facts.numbers(name) for name in rule.columns[:-1])
    return _calculated(tables, table, target, FORMULAS[rule.kind](parts, rule.how), rule)


def _calculated(
    tables: Tables,
    table: str,
    target: str,
    wanted: Floats,
    rule: Rule,
    slack: Floats | float = 0.0,
) -> Standing:
    """Return the standing of a column that has to hold calculated numbers."""
    facts = tables.facts(table)
    values = facts.numbers(target)
    decimals = tables.decimals(rule, target, facts)
    present = ~(np.isnan(values) | np.isnan(wanted))
    rounded = wanted if decimals is None else np.round(wanted, decimals)
    broken = present & ~close(values, wanted, decimals, slack)

    def make(rows: Bools, _: Rng) -> Array:
        return as_column(np.where(rows, rounded, values), facts.kind(target), decimals)

    return Standing(present, broken, (_one(table, target, make),))


def _derived(rule: Rule, tables: Tables) -> Standing:
    columns = [tables.columns[str(rule.table)][name] for name in rule.columns]
    match rule.kind:
        case RuleKind.DATE_PART:
            return _written(rule, tables, date_part(columns[0], rule.how))
        case RuleKind.ELAPSED:
            return _written(rule, tables, elapsed(columns[0], columns[1], rule.how))
        case RuleKind.JOINED:
            return _written(rule, tables, joined(columns[0], columns[1], rule.how))
    return _written(rule, tables, cased(columns[0], rule.how))


def _total(rule: Rule, tables: Tables) -> Standing:
    parents = tables.parents(rule)
    above = tables.facts(str(rule.referred))
    attached = parents >= 0
    counts = np.bincount(parents[attached], minlength=above.rows).astype(np.int64)
    target = rule.referred_columns[0]
    if rule.kind is RuleKind.CHILD_COUNT:
        wanted, slack = counts.astype(np.float64), np.zeros(above.rows)
    else:
        values = summed(tables.facts(str(rule.table)), rule.columns, rule.how)
        weights = np.where(np.isnan(values), 0.0, values)[attached]
        sums = np.bincount(parents[attached], weights, above.rows)
        wanted = np.where(counts > 0, sums, np.nan)
        slack = lines_slack(above, target, counts, rule.columns)
    return _calculated(tables, str(rule.referred), target, wanted, rule, slack)


def _group(rule: Rule, tables: Tables) -> Ints:
    return codes(tables.columns[str(rule.table)][rule.columns[0]])


def _running(rule: Rule, tables: Tables) -> Standing:
    table = str(rule.table)
    facts, group = tables.facts(table), _group(rule, tables)
    _, order, amount, balance = rule.columns
    rows, before = in_sequence(group, facts.numbers(order))
    step, values = facts.numbers(amount), facts.numbers(balance)
    grown = values[rows] - values[before]
    usable = ~(np.isnan(grown) | np.isnan(step[rows]))
    applies, broken = np.zeros(facts.rows, np.bool_), np.zeros(facts.rows, np.bool_)
    applies[rows[usable]] = True
    slack = 1e-6 + RELATIVE * np.abs(values[rows])
    broken[rows[usable]] = (np.abs(grown - step[rows]) > slack)[usable]
    decimals = max(facts.decimals(balance) or 0, facts.decimals(amount) or 0)

    def make(wanted: Bools, _: Rng) -> Array:
        """Correct each balance by what the broken steps before it, and its own, are off."""
        error = np.zeros(facts.rows)
        chosen = wanted[rows] & usable
        error[rows[chosen]] = (step[rows] - grown)[chosen]
        sequence = np.lexsort((facts.numbers(order), group))
        total = np.cumsum(error[sequence])
        starts = np.r_[True, group[sequence][1:] != group[sequence][:-1]]
        first = np.maximum.accumulate(np.where(starts, np.arange(len(total)), 0))
        corrected = values.copy()
        corrected[sequence] += total - total[first]
        return as_column(corrected, facts.kind(balance), decimals)

    return Standing(applies, broken, (_one(table, balance, make),))


def _disjoint(rule: Rule, tables: Tables) -> Standing:
    table = str(rule.table)
    facts, group = tables.facts(table), _group(rule, tables)
    _, first, last = rule.columns
    start, end = facts.numbers(first), facts.numbers(last)
    rows, before = in_sequence(group, start)
    applies, broken = np.zeros(facts.rows, np.bool_), np.zeros(facts.rows, np.bool_)
    applies[rows] = True
    broken[rows] = overlaps(start, end, rows, before)

    def moved() -> tuple[Floats, Floats]:
        """Begin later where an earlier period still runs; lengths stay.

        All rows are mended: one that may stay would begin within a period that was moved.
        """
        begin, stop = start.copy(), end.copy()
        for row, prior in zip(rows, before, strict=True):
            if np.isnan(stop[prior]):
                stop[prior] = max(begin[row], begin[prior])
            late = stop[prior] - begin[row]
            if late > 0:
                begin[row], stop[row] = begin[row] + late, stop[row] + late
        return begin, stop

    def ends(_: Bools, __: Rng) -> Array:
        return as_column(moved()[1], facts.kind(last), facts.decimals(last))

    def begins(_: Bools, __: Rng) -> Array:
        return as_column(moved()[0], facts.kind(first), facts.decimals(first))

    return Standing(applies, broken, (Repair(table, ((first, begins), (last, ends))),))


_KINDS: Mapping[RuleKind, Callable[[Rule, Tables], Standing]] = {
    RuleKind.EQUAL: _equal,
    RuleKind.ORDER: _ordered,
    RuleKind.STRICT_ORDER: _ordered,
    RuleKind.DETERMINED: _determined,
    RuleKind.CONDITIONAL: _conditional,
    RuleKind.CONSTANT: _constant,
    RuleKind.PRESENCE: _presence,
    RuleKind.TOGETHER: _nulls,
    RuleKind.IMPLIES: _nulls,
    RuleKind.EXCLUSIVE: _nulls,
    RuleKind.EITHER: _nulls,
    RuleKind.SUM: _formula,
    RuleKind.NET: _formula,
    RuleKind.PRODUCT: _formula,
    RuleKind.DISCOUNTED: _formula,
    RuleKind.RATIO: _formula,
    RuleKind.FACTOR: _formula,
    RuleKind.ELAPSED: _derived,
    RuleKind.DATE_PART: _derived,
    RuleKind.JOINED: _derived,
    RuleKind.CASED: _derived,
    RuleKind.RUNNING: _running,
    RuleKind.DISJOINT: _disjoint,
    RuleKind.AFTER_PARENT: _in_time,
    RuleKind.BEFORE_PARENT: _in_time,
    RuleKind.CHILD_SUM: _total,
    RuleKind.CHILD_COUNT: _total,
}
