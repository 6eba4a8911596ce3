"""Candidates as numbers: what the models of `scoring` read, one row a candidate.

Pure functions of evidence and of the probabilities of the stage before; NaN stands for unknown.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.infer.candidates import KeyCandidate, ReferenceCandidate
from schemasynth.infer.evidence import ColumnFigures, ColumnId, Evidence
from schemasynth.infer.naming import PAIR_TERMS, Names
from schemasynth.model import Schema, Table, TableName

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Matrix: TypeAlias = npt.NDArray[np.float64]

NEARLY_ALL = 0.99
"""Inclusion counted as full where rivals are counted: real references are dirty."""
GOOD_NAME = 0.7
"""Name score counted as one that speaks of the target."""

SMALL_LIFT = 0.2
"""Inclusion owed to the pairing below which a composite reference has no ground in the data."""
FULL = 1.05
"""Coverage that disjoint tables of the same parent reach together, some dirt included."""
GOOD_FIT = 0.5
"""Fit from which a composite reference counts as one that speaks of its target."""

FIRST_YEAR, LAST_YEAR = 1800, 2200
"""Integers that all lie between are taken for years."""

LED = ("in_best", "in_tables", "in_held", "in_joint", "in_joint_tables", "name_score")
"""Terms of a key by which it leads its rivals or lags behind them."""

Terms: TypeAlias = dict[str, float]
Columns: TypeAlias = tuple[TableName, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Candidates:
    """All candidates of a schema, with what the features need."""

    schema: Schema
    evidence: Evidence = field(repr=False)
    names: Names = field(repr=False)
    keys: tuple[KeyCandidate, ...]
    singles: tuple[ReferenceCandidate, ...]
    composites: tuple[ReferenceCandidate, ...]


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Probabilities of the stage before, in the order of the candidates."""

    keys: Sequence[float]
    singles: Sequence[float] = ()
    composites: Sequence[float] = ()


def matrix(rows: Sequence[Terms]) -> tuple[list[str], Matrix]:
    """Return the names of the terms and the rows as an array."""
    import numpy as np

    if not rows:
        return [], np.zeros((0, 0))
    names = list(rows[0])
    return names, np.array([[row[name] for name in names] for row in rows], dtype=np.float64)


def key_terms(found: Candidates, beliefs: Beliefs | None = None) -> list[Terms]:
    """Return the terms of every primary key candidate."""
    pointing = _pointing(found)
    by_table: defaultdict[TableName, list[int]] = defaultdict(list)
    for i, key in enumerate(found.keys):
        by_table[key.table].append(i)
    rows: list[Terms] = [{} for _ in found.keys]
    for name, indices in by_table.items():
        table = found.schema.table(name)
        uniques = sorted(
            table.column_names.index(found.keys[i].columns[0])
            for i in indices
            if len(found.keys[i].columns) == 1
        )
        for i in indices:
            rows[i] = {
                **_key_shape(found.keys[i], table, found.evidence, uniques, len(indices)),
                **_key_names(found.keys[i], table, found.names),
                **_key_pointing(found.keys[i], table, pointing),
            }
        for term in (
            "in_best",
            "in_tables",
            "in_held",
            "in_joint",
            "in_joint_tables",
            "name_score",
        ):
            _leads(indices, indices, rows, term, "lead")
    if beliefs is not None:
        for row, extra in zip(rows, _key_beliefs(found, beliefs, by_table), strict=True):
            row.update(extra)
    return rows


def _key_shape(
    key: KeyCandidate, table: Table, evidence: Evidence, uniques: Sequence[int], rivals: int
) -> Terms:
    places = [table.column_names.index(name) for name in key.columns]
    figures = [evidence.figures[table.name, name] for name in key.columns]
    rows = evidence.rows(table)
    size, width = len(places), len(table.columns)
    first = figures[0]
    return {
        "size": size,
        "width": math.log(width),
        "whole_table": float(size == width),
        "minimal": float(key.minimal),
        "unique_columns": len(uniques),
        "first_unique": float(size == 1 and places[0] == uniques[0]),
        "unique_before": sum(place < places[0] for place in uniques),
        "candidates": math.log(rivals),
        "place_first": min(places),
        "place_last": max(places) / width,
        "place_mean": sum(places) / size,
        "leading": float(max(places) == size - 1),
        "gap": max(places) - min(places) + 1 - size,
        "log_rows": math.log(max(rows, 1)),
        "fill": math.log(max(rows, 2)) / _log_product(figures),
        "integer": _share(figures, lambda f: f.sort in ("integer", "integer text")),
        "integer_text": _share(figures, lambda f: f.sort == "integer text"),
        "text": _share(figures, lambda f: f.sort == "text"),
        "time": _share(figures, lambda f: f.sort == "time"),
        "number": _share(figures, lambda f: f.sort == "number"),
        "length": max(f.mean_length for f in figures),
        "spaced": max(f.spaced for f in figures),
        "digits": min(f.digits for f in figures),
        "density": _density(first) if size == 1 else math.nan,
        "minimum": _clipped(first.minimum),
        "rising": key.rising,
        "first_steady": first.steady,
        "least_distinct": math.log(min(max(f.profile.distinct, 1) for f in figures)),
        "most_distinct_share": max(f.profile.distinct for f in figures) / max(rows, 1),
    }


def _key_names(key: KeyCandidate, table: Table, names: Names) -> Terms:
    columns = [(table.name, name) for name in key.columns]
    own = [names.own(column) for column in columns]
    words = [names.is_key_word(column) for column in columns]
    shared = [names.shared(column) for column in columns]
    others = [
        names.own((table.name, name)) for name in table.column_names if name not in key.columns
    ]
    return {
        "name_score": sum(own) / len(own),
        "name_best": max(own),
        "name_worst": min(own),
        "name_others": max(others, default=0.0),
        "name_key_words": sum(words) / len(words),
        "name_shared": sum(shared) / len(shared),
        "name_shared_least": min(shared),
    }


@dataclass(frozen=True, slots=True)
class _Pointing:
    """How likely columns refer to others and are referred to, before scoring."""

    together: Mapping[tuple[TableName, frozenset[str]], tuple[float, int]]
    out: Mapping[ColumnId, float]
    into: Mapping[ColumnId, tuple[float, int]]
    held: Mapping[ColumnId, int]


def _pointing(found: Candidates) -> _Pointing:
    out: defaultdict[ColumnId, float] = defaultdict(float)
    into: defaultdict[ColumnId, dict[TableName, float]] = defaultdict(dict)
    held: defaultdict[ColumnId, int] = defaultdict(int)
    for c in found.singles:
        child, parent = (c.table, c.columns[0]), (c.referred, c.referred_columns[0])
        if c.table == c.referred:
            continue
        likely = found.names.likely(c.table, c.columns[0], c) * c.inclusion
        out[child] = max(out[child], likely)
        into[parent][c.table] = max(into[parent].get(c.table, 0.0), likely)
        held[parent] += c.inclusion >= NEARLY_ALL
    counted = {
        parent: (max(tables.values()), sum(v >= GOOD_NAME for v in tables.values()))
        for parent, tables in into.items()
    }
    return _Pointing(_together(found), out, counted, held)


def _together(found: Candidates) -> dict[tuple[TableName, frozenset[str]], tuple[float, int]]:
    """Return by composite key the best fit of a reference to it, and how many tables fit."""
    fits: defaultdict[tuple[TableName, frozenset[str]], dict[TableName, float]] = defaultdict(dict)
    for c in found.composites:
        if c.table != c.referred:
            tables = fits[c.referred, frozenset(c.referred_columns)]
            tables[c.table] = max(tables.get(c.table, 0.0), _fit(c, found))
    return {
        key: (max(tables.values()), sum(fit >= GOOD_FIT for fit in tables.values()))
        for key, tables in fits.items()
    }


def _key_pointing(key: KeyCandidate, table: Table, pointing: _Pointing) -> Terms:
    out = {name: pointing.out.get((table.name, name), 0.0) for name in table.column_names}
    inside = [out[name] for name in key.columns]
    outside = [value for name, value in out.items() if name not in key.columns]
    single = (table.name, key.columns[0]) if len(key.columns) == 1 else None
    best, count = pointing.into.get(single, (0.0, 0)) if single else (0.0, 0)
    joint, joint_tables = pointing.together.get((table.name, frozenset(key.columns)), (0.0, 0))
    referring = sum(value >= GOOD_NAME for value in out.values())
    inner = sum(value >= GOOD_NAME for value in inside)
    return {
        "out_mean": sum(inside) / len(inside),
        "out_least": min(inside),
        "out_most": max(inside),
        "out_elsewhere": max(outside, default=0.0),
        "out_share": inner / len(inside),
        "out_caught": inner / referring if referring else math.nan,
        "out_exactly": float(referring == inner == len(inside)),
        "in_best": best,
        "in_tables": count,
        "in_joint": joint,
        "in_joint_tables": joint_tables,
        "in_held": pointing.held.get(single, 0) if single else 0,
    }


def _key_beliefs(
    found: Candidates, beliefs: Beliefs, by_table: Mapping[TableName, Sequence[int]]
) -> list[Terms]:
    out, into, counts = _strongest(found.singles, beliefs.singles)
    comp_out, comp_in, _ = _strongest(found.composites, beliefs.composites)
    comp_out_of: defaultdict[TableName, dict[frozenset[str], float]] = defaultdict(dict)
    for (table, columns), p in comp_out.items():
        parts = frozenset(columns)
        comp_out_of[table][parts] = max(comp_out_of[table].get(parts, 0.0), p)
    rivals: dict[int, float] = {}
    singles_total: dict[TableName, float] = {}
    for name, indices in by_table.items():
        rivals |= zip(
            indices, _best_others([beliefs.keys[i] for i in indices], indices), strict=True
        )
        singles_total[name] = max(
            (into.get((name, found.keys[j].columns), 0.0) for j in indices), default=0.0
        )
    rows = []
    for i, key in enumerate(found.keys):
        own = [out.get((key.table, (name,)), 0.0) for name in key.columns]
        inside = [p for parts, p in comp_out_of[key.table].items() if parts <= set(key.columns)]
        target = (key.table, key.columns)
        aimed = max(into.get(target, 0.0), comp_in.get(target, 0.0))
        rows.append(
            {
                "belief": beliefs.keys[i],
                "belief_margin": beliefs.keys[i] - rivals[i],
                "fk_out_mean": sum(own) / len(own),
                "fk_out_least": min(own),
                "fk_out_most": max(own),
                "fk_in": into.get(target, 0.0),
                "fk_in_count": counts.get(target, 0.0),
                "fk_in_rival": singles_total[key.table] - into.get(target, 0.0),
                "composite_in": comp_in.get(target, 0.0),
                "composite_out": max(inside, default=0.0),
                "fk_in_any": aimed,
            }
        )
    return rows


def _strongest(
    references: Sequence[ReferenceCandidate], probabilities: Sequence[float]
) -> tuple[dict[Columns, float], dict[Columns, float], dict[Columns, float]]:
    """Return the best probability out of and into columns, and the expected count into them."""
    out: dict[Columns, float] = {}
    into: dict[Columns, float] = {}
    counts: defaultdict[Columns, float] = defaultdict(float)
    for c, p in zip(references, probabilities, strict=True):
        here, there = (c.table, c.columns), (c.referred, c.referred_columns)
        out[here] = max(out.get(here, 0.0), p)
        into[there] = max(into.get(there, 0.0), p)
        counts[there] += p
    return out, into, counts


def reference_terms(found: Candidates, beliefs: Beliefs) -> list[Terms]:
    """Return the terms of every single-column reference."""
    key_belief = _key_belief(found, beliefs)
    part_belief = _part_belief(found, beliefs)
    part_fit = _part_fit(found)
    rows = [_pair_terms(c, found, key_belief, part_belief, part_fit) for c in found.singles]
    _compete(found, rows)
    _chain(found, [_known(r["name_score"]) * r["inclusion"] for r in rows], rows, "chain")
    if len(beliefs.singles):
        _chain(found, beliefs.singles, rows, "belief")
        _add_reference_beliefs(found, beliefs, rows)
    return rows


def _key_belief(found: Candidates, beliefs: Beliefs) -> dict[Columns, float]:
    return {(k.table, k.columns): p for k, p in zip(found.keys, beliefs.keys, strict=True)}


def _pair_terms(
    c: ReferenceCandidate,
    found: Candidates,
    key_belief: Mapping[Columns, float],
    part_belief: Mapping[ColumnId, float],
    part_fit: Mapping[tuple[TableName, str, TableName], float],
) -> Terms:
    child, parent = (c.table, c.columns[0]), (c.referred, c.referred_columns[0])
    here, there = found.evidence.figures[child], found.evidence.figures[parent]
    own, other = found.schema.table(c.table), found.schema.table(c.referred)
    place = own.column_names.index(child[1])
    parent_place = other.column_names.index(parent[1])
    back = found.evidence.inclusions.get((parent, child))
    terms: Terms = {
        "inclusion": c.inclusion,
        "row_inclusion": c.row_inclusion,
        "coverage": c.coverage,
        "back": back.share if back else 0.0,
        "own_table": float(c.table == c.referred),
        "child_rows": math.log(max(here.profile.rows, 1)),
        "parent_rows": math.log(max(there.profile.rows, 1)),
        "child_distinct": math.log(here.profile.distinct),
        "row_ratio": math.log(here.profile.rows / there.profile.rows),
        "fanout": here.profile.distinct / max(here.profile.rows - here.profile.nulls, 1),
        "null_share": here.profile.null_share,
        "parent_unique": float(there.profile.distinct == there.profile.rows),
        "part_fit": part_fit.get((c.table, c.columns[0], c.referred), 0.0),
        "parent_uniqueness": there.profile.distinct / there.profile.rows,
        "same_type": float(_declared(own, child[1]) == _declared(other, parent[1])),
        "same_sort": float(here.sort.removesuffix(" text") == there.sort.removesuffix(" text")),
        "integer": float(here.sort.startswith("integer")),
        "parent_integer": float(there.sort.startswith("integer")),
        "length": here.mean_length,
        "length_gap": abs(here.mean_length - there.mean_length),
        "spaced": here.spaced,
        "digits": here.digits,
        "density": _density(here),
        "parent_density": _density(there),
        "parent_minimum": _clipped(there.minimum),
        "maximum_gap": _gap(here.maximum, there.maximum),
        "minimum_gap": _gap(here.minimum, there.minimum),
        "range": _range(here, there),
        "place": place,
        "place_share": place / len(own.columns),
        "parent_place": parent_place,
        "child_rising": here.rising,
        "child_steady": here.steady,
        "parent_rising": there.rising,
        "parent_width": math.log(len(other.columns)),
        "own_width": math.log(len(own.columns)),
        "key_belief": key_belief.get((c.referred, c.referred_columns), 0.0),
        "own_key_belief": key_belief.get((c.table, c.columns), 0.0),
        "part_belief": part_belief.get(child, 0.0),
    }
    terms.update(zip(PAIR_TERMS, found.names.pair(child, parent), strict=True))
    return terms


def _declared(table: Table, name: str) -> object:
    return table.column(name).type


def _part_belief(found: Candidates, beliefs: Beliefs) -> dict[ColumnId, float]:
    """Return for each column the best belief in a composite key of its table that holds it."""
    best: defaultdict[ColumnId, float] = defaultdict(float)
    for key, belief in zip(found.keys, beliefs.keys, strict=True):
        if len(key.columns) > 1:
            for name in key.columns:
                best[key.table, name] = max(best[key.table, name], belief)
    return best


def _fit(c: ReferenceCandidate, found: Candidates) -> float:
    """Return how well a composite reference fits by itself: inclusion owed to the pairing."""
    if c.inclusion < NEARLY_ALL:
        return 0.0
    pairs = zip(c.columns, c.referred_columns, strict=True)
    named = [found.names.part((c.table, a), (c.referred, b)) for a, b in pairs]
    return (c.inclusion - c.shuffled) * (min(named) if found.names.telling else c.coverage)


def _part_fit(found: Candidates) -> dict[tuple[TableName, str, TableName], float]:
    """Return by column and referenced table how well a composite reference of it fits."""
    best: defaultdict[tuple[TableName, str, TableName], float] = defaultdict(float)
    for c in found.composites:
        fit = _fit(c, found)
        for name in c.columns:
            best[c.table, name, c.referred] = max(best[c.table, name, c.referred], fit)
    return best


def _compete(found: Candidates, rows: Sequence[Terms]) -> None:
    """Add how a candidate stands among those of its child and of its parent."""
    candidates = found.singles
    by_child = _indices(candidates, lambda c: (c.table, c.columns))
    by_parent = _indices(candidates, lambda c: (c.referred, c.referred_columns))
    for group in by_child.values():
        for term in ("name_score", "name_table", "coverage", "key_belief", "inclusion"):
            _leads(group, [candidates[i].referred for i in group], rows, term, "margin")
        full = sum(rows[i]["inclusion"] >= NEARLY_ALL for i in group)
        for i in group:
            rows[i]["targets"] = len(group)
            rows[i]["full_targets"] = full
    for group in by_parent.values():
        named = sum(rows[i]["name_score"] >= GOOD_NAME for i in group)
        best = _best_others([_known(rows[i]["name_score"]) for i in group], group)
        for i, other in zip(group, best, strict=True):
            rows[i]["sources"] = len(group)
            rows[i]["named_sources"] = named
            rows[i]["best_source"] = other
    for i, c in enumerate(candidates):
        above = [
            j
            for j in by_child.get((c.referred, c.referred_columns), ())
            if candidates[j].referred != c.table
        ]
        rows[i]["parent_out"] = max((_known(rows[j]["name_table"]) for j in above), default=0.0)
        rows[i]["parent_targets"] = len(above)
    _partition(found, by_parent.values(), rows)
    by_pair = _indices(candidates, lambda c: (c.table, c.referred))
    for group in by_pair.values():
        best = _best_others([_known(rows[i]["name_score"]) for i in group], group)
        for i, other in zip(group, best, strict=True):
            rows[i]["pair_rival"] = _known(rows[i]["name_score"]) - other
            rows[i]["pair_count"] = len(group)


def _partition(
    found: Candidates, by_parent: Iterable[Sequence[int]], rows: Sequence[Terms]
) -> None:
    """Add how much of a parent its disjoint extensions cover together: it is their supertype."""
    candidates, pairs = found.singles, found.evidence.inclusions

    def apart(i: int, j: int) -> bool:
        here, there = ((c.table, c.columns[0]) for c in (candidates[i], candidates[j]))
        return here[0] != there[0] and (here, there) not in pairs and (there, here) not in pairs

    for row in rows:
        row["partition"] = 0.0
    for group in by_parent:
        keys = [i for i in group if rows[i]["fanout"] == 1.0 and rows[i]["inclusion"] >= NEARLY_ALL]
        for i in keys:
            others = [rows[j]["coverage"] for j in keys if apart(i, j)]
            total = sum(others) + rows[i]["coverage"]
            rows[i]["partition"] = total if others and total <= FULL else 0.0


def _chain(
    found: Candidates, strengths: Sequence[float], rows: Sequence[Terms], prefix: str
) -> None:
    """Add how far a candidate stands in the middle, and how far at the end, of a chain.

    Values of a child that lie in a table and in one above it refer to one of the two: `via` says
    that the referenced column itself refers to another target of the child, `root` that another
    target of the child refers to this one.
    """
    numbers: dict[Columns, int] = {}
    ends = [
        tuple(
            numbers.setdefault(columns, len(numbers))
            for columns in ((c.table, c.columns), (c.referred, c.referred_columns))
        )
        for c in found.singles
    ]
    out: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for (here, there), strength in zip(ends, strengths, strict=True):
        out[here][there] = strength
    for row, (here, there) in zip(rows, ends, strict=True):
        targets, above = out[here], out[there]
        via = targets.keys() & above.keys()
        root = [t for t in targets if there in out[t]]
        row[f"{prefix}_via"] = max((min(above[t], targets[t]) for t in via), default=0.0)
        row[f"{prefix}_root"] = max((min(targets[t], out[t][there]) for t in root), default=0.0)


def _leads(
    group: Sequence[int], sides: Sequence[Hashable], rows: Sequence[Terms], term: str, ending: str
) -> None:
    """Add by how much each of a group leads the best one of another side."""
    values = [_known(rows[i][term]) for i in group]
    for i, value, other in zip(group, values, _best_others(values, sides), strict=True):
        rows[i][f"{term}_{ending}"] = value - other


def _best_others(values: Sequence[float], sides: Sequence[Hashable]) -> list[float]:
    """Return for each value the best one of another side, 0 if there is none."""
    best: dict[Hashable, float] = {}
    for value, side in zip(values, sides, strict=True):
        best[side] = max(best.get(side, value), value)
    first = sorted(best, key=best.__getitem__, reverse=True)[:2]
    return [next((best[other] for other in first if other != side), 0.0) for side in sides]


def _add_reference_beliefs(found: Candidates, beliefs: Beliefs, rows: Sequence[Terms]) -> None:
    p = beliefs.singles
    by_child = _indices(found.singles, lambda c: (c.table, c.columns))
    by_target = _indices(found.singles, lambda c: (c.table, c.referred))
    out, into, _ = _strongest(found.singles, p)
    comp_out: defaultdict[ColumnId, float] = defaultdict(float)
    for c, belief in zip(found.composites, beliefs.composites, strict=True):
        for name in c.columns:
            comp_out[c.table, name] = max(comp_out[c.table, name], belief)
    into_table: defaultdict[TableName, float] = defaultdict(float)
    for c, belief in zip(found.singles, p, strict=True):
        into_table[c.referred] = max(into_table[c.referred], belief)
    rivals, twins = (
        {
            i: other
            for group in groups.values()
            for i, other in zip(group, _best_others([p[i] for i in group], group), strict=True)
        }
        for groups in (by_child, by_target)
    )
    for i, c in enumerate(found.singles):
        others = [p[j] for j in by_child[c.table, c.columns] if j != i]
        there = (c.referred, c.referred_columns)
        back = out.get(there, 0.0)
        rows[i].update(
            {
                "belief": p[i],
                "belief_margin": p[i] - rivals[i],
                "belief_share": p[i] / (p[i] + sum(others) + 0.02),
                "belief_twin": twins[i],
                "belief_back": back,
                "belief_into": into[there],
                "belief_into_lead": into[there] - into_table[c.referred],
                "own_into": into.get((c.table, c.columns), 0.0),
                "composite_out": comp_out[c.table, c.columns[0]],
            }
        )


def composite_terms(found: Candidates, beliefs: Beliefs) -> list[Terms]:
    """Return the terms of every composite reference."""
    key_belief = _key_belief(found, beliefs)
    minimal = {(k.table, frozenset(k.columns)): k.minimal for k in found.keys}
    singles = _best_singles(found, beliefs)
    known: dict[tuple[TableName, frozenset[str]], float] = {}
    for (table, columns), p in key_belief.items():
        known[table, frozenset(columns)] = max(known.get((table, frozenset(columns)), 0.0), p)
    rows = [
        _composite_terms(c, found, key_belief, known, minimal, singles) for c in found.composites
    ]
    _add_margins(found, rows)
    _add_reverses(found, rows)
    _add_company(found, rows)
    return rows


def _best_singles(
    found: Candidates, beliefs: Beliefs
) -> dict[tuple[TableName, str, TableName | None], float]:
    """Return by column and referenced table, or None for any, the likeliest single reference."""
    best: dict[tuple[TableName, str, TableName | None], float] = {}
    for c, p in zip(found.singles, beliefs.singles, strict=True):
        for aim in (c.referred, None):
            place = (c.table, c.columns[0], aim)
            best[place] = max(best.get(place, 0.0), p)
    return best


def _composite_terms(
    c: ReferenceCandidate,
    found: Candidates,
    key_belief: Mapping[tuple[TableName, tuple[str, ...]], float],
    known: Mapping[tuple[TableName, frozenset[str]], float],
    minimal: Mapping[tuple[TableName, frozenset[str]], bool],
    singles: Mapping[tuple[TableName, str, TableName | None], float],
) -> Terms:
    pairs = list(zip(c.columns, c.referred_columns, strict=True))
    named = [found.names.part((c.table, a), (c.referred, b)) for a, b in pairs]
    above = [singles.get((c.referred, name, None), 0.0) for name in c.referred_columns]
    same = [
        singles.get((c.table, a, c.referred), 0.0) * key_belief.get((c.referred, (b,)), 0.0)
        for a, b in pairs
    ]
    here, there = _rows_of(c.table, found), _rows_of(c.referred, found)
    told = max(found.names.tells(a, c.table, c.referred) for a, _ in pairs)
    return {
        "groundless": float(c.inclusion - c.shuffled < SMALL_LIFT and _known(told) < GOOD_NAME),
        "loose_junction": min(above) * (c.inclusion < 1.0),
        "grounds": max(c.inclusion - c.shuffled, _known(told)),
        "inclusion": c.inclusion,
        "exact": float(c.inclusion == 1.0),
        "coverage": c.coverage,
        "lift": c.inclusion - c.shuffled,
        "name_mean": sum(named) / len(named),
        "name_worst": min(named),
        "key_belief": key_belief.get((c.referred, c.referred_columns), 0.0),
        "key_minimal": float(minimal.get((c.referred, frozenset(c.referred_columns)), True)),
        "own_key_belief": known.get((c.table, frozenset(c.columns)), 0.0),
        "own_table": float(c.table == c.referred),
        "own_unsaid": float(c.table == c.referred and not found.names.upward(c.table, pairs)),
        "row_ratio": math.log(max(here, 1) / max(there, 1)),
        "single_above": min(above),
        "single_same": max(same),
        "calendar": float(
            any(
                _is_calendar(found.evidence.figures[c.referred, b])
                and singles.get((c.referred, b, None), 0.0) < GOOD_FIT
                for _, b in pairs
            )
        ),
    }


def _is_calendar(figures: ColumnFigures) -> bool:
    """Tell whether a column holds times, or numbers that are years: those agree everywhere."""
    if figures.sort == "time":
        return True
    if figures.minimum is None or figures.maximum is None:
        return False
    return figures.minimum >= FIRST_YEAR and figures.maximum <= LAST_YEAR


def _add_company(found: Candidates, rows: Sequence[Terms]) -> None:
    """Add how many tables could refer to the same columns, and whether more columns do better."""
    by_target = _indices(found.composites, lambda c: (c.referred, frozenset(c.referred_columns)))
    by_child = _indices(found.composites, lambda c: c.table)
    fit = [row["inclusion"] >= NEARLY_ALL and not row["name_worst"] < GOOD_NAME for row in rows]
    for group in by_target.values():
        tables = {found.composites[i].table for i in group if fit[i]}
        for i in group:
            rows[i]["hub"] = math.log1p(len(tables - {found.composites[i].table}))
    for group in by_child.values():
        for i in group:
            c = found.composites[i]
            rows[i]["within"] = max(
                (
                    rows[j]["key_belief"]
                    for j in group
                    if fit[j]
                    and set(c.columns) < set(found.composites[j].columns)
                    and rows[j]["key_minimal"]
                ),
                default=0.0,
            )


def _add_margins(found: Candidates, rows: list[Terms]) -> None:
    """Add by how much a candidate leads those of the same columns to other tables."""
    by_child = _indices(found.composites, lambda c: (c.table, tuple(sorted(c.columns))))
    for group in by_child.values():
        sides = [found.composites[i].referred for i in group]
        _leads(group, sides, rows, "key_belief", "margin")


def _add_reverses(found: Candidates, rows: list[Terms]) -> None:
    """Add how well the reference holds the other way round."""
    back = {
        (c.referred, frozenset(c.referred_columns), c.table, frozenset(c.columns)): row
        for c, row in zip(found.composites, rows, strict=True)
    }
    for c, row in zip(found.composites, rows, strict=True):
        reverse = back.get(
            (c.table, frozenset(c.columns), c.referred, frozenset(c.referred_columns))
        )
        row["back"] = reverse["inclusion"] if reverse else 0.0
        row["back_key_belief"] = reverse["key_belief"] if reverse else 0.0


def _rows_of(name: TableName, found: Candidates) -> int:
    return found.evidence.rows(found.schema.table(name))


def _indices(
    candidates: Sequence[ReferenceCandidate], of: Callable[[ReferenceCandidate], Any]
) -> dict[Any, list[int]]:
    groups: defaultdict[Any, list[int]] = defaultdict(list)
    for i, candidate in enumerate(candidates):
        groups[of(candidate)].append(i)
    return groups


def _known(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _share(figures: Sequence[ColumnFigures], of: Callable[[ColumnFigures], bool]) -> float:
    return sum(of(f) for f in figures) / len(figures)


def _log_product(figures: Sequence[ColumnFigures]) -> float:
    return max(sum(math.log(max(f.profile.distinct, 1)) for f in figures), math.log(2))


def _density(figures: ColumnFigures) -> float:
    """Return the distinct values of integers by the width of their range."""
    if figures.minimum is None or figures.maximum is None:
        return math.nan
    return min(1.0, figures.profile.distinct / (figures.maximum - figures.minimum + 1))


def _clipped(value: float | None) -> float:
    return math.nan if value is None else max(-1.0, min(value, 1e6))


def _gap(here: float | None, there: float | None) -> float:
    if here is None or there is None:
        return math.nan
    return math.copysign(math.log1p(abs(here - there)), here - there)


def _range(here: ColumnFigures, there: ColumnFigures) -> float:
    """Return the width of the child's range by that of the parent's."""
    if None in (here.minimum, here.maximum, there.minimum, there.maximum):
        return math.nan
    width = float(there.maximum or 0) - float(there.minimum or 0)
    return min(4.0, (float(here.maximum or 0) - float(here.minimum or 0) + 1) / (width + 1))
