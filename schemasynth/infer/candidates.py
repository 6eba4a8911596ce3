"""Which columns could be keys: candidates that the data allow, before anything is scored.

Pure functions of evidence, whose store answers for column sets; used by the inference of keys.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice, product
from typing import TYPE_CHECKING, TypeAlias

from schemasynth.infer.evidence import UNIQUE_SHARE, ColumnFigures, ColumnId, Evidence
from schemasynth.infer.naming import Names
from schemasynth.model import Schema, Table, TableName

if TYPE_CHECKING:
    from schemasynth.infer.evidence.figures import Codes

MAX_MINIMAL = 4
"""Columns of a minimal composite key that are tried: each further one multiplies the sets."""
MAX_PREFIX = 6
"""Columns of a leading run that are tried; declared keys of that width are leading ones."""
POOL = 12
"""Columns of which sets are tried, the first ones: at most 781 sets of two to four."""
MAX_TARGETS = 16
"""Columns to which one column may refer that are looked at: no column of the databases that the
scoring was trained on has more, but in a large schema each small number lies in hundreds."""
MAX_SETS = 60
"""Unique sets kept a table."""
PROSE_LENGTH = 60.0
"""Mean characters from which a text is prose and no part of a key."""
LIKELY_REFERENCE = 0.75
"""Name score from which a column is taken for a reference when sets are formed."""
PART_INCLUSION = 0.8
"""Values or rows of each part of a composite reference found in the part it refers to."""
PART_NAME = 0.75
"""Name likeness of which a composite reference needs one part where names say anything."""
TUPLE_INCLUSION = 0.5
"""Tuples found in the referenced key below which a composite reference is no candidate."""
OPTIONS = 3
"""Columns tried for each part of a composite reference, the likeliest first."""
ASSIGNMENTS = 3
"""Column lists tried for a composite key and a child table."""
TARGETS = 6
"""Composite keys of a table that are tried as targets of composite references."""

REFERABLE = ("integer", "integer text", "text", "time")


@dataclass(frozen=True, slots=True)
class KeyCandidate:
    """Columns without NULL that no two rows of a table share."""

    table: TableName
    columns: tuple[str, ...]
    minimal: bool = True
    rising: float = 0.0
    declared: bool = False


@dataclass(frozen=True, slots=True)
class ReferenceCandidate:
    """Columns whose values lie in a key, as `figures` say."""

    table: TableName
    columns: tuple[str, ...]
    referred: TableName
    referred_columns: tuple[str, ...]
    inclusion: float
    coverage: float
    row_inclusion: float
    shuffled: float = 0.0


def single_references(schema: Schema, evidence: Evidence, names: Names) -> list[ReferenceCandidate]:
    """Return pairs of a column and a nearly unique one that holds most of its values.

    Of each column only the likeliest `MAX_TARGETS`: where keys are dense, small numbers lie in
    every one of them.
    """
    rules = _Declared(schema)
    by_child: defaultdict[ColumnId, list[ReferenceCandidate]] = defaultdict(list)
    for parent, there in evidence.figures.items():
        if there.profile.distinct < UNIQUE_SHARE * there.profile.rows or not _may_be_referred(
            there
        ):
            continue
        for child, inclusion in evidence.inclusions.into(parent):
            if evidence.figures[child].sort in REFERABLE and rules.allow(
                child[0], (child[1],), parent[0], (parent[1],)
            ):
                figures = (inclusion.share, inclusion.coverage, inclusion.row_share)
                by_child[child].append(
                    ReferenceCandidate(child[0], (child[1],), parent[0], (parent[1],), *figures)
                )
    found = []
    for _, targets in sorted(by_child.items(), key=lambda item: repr(item[0])):
        if len(targets) > MAX_TARGETS:
            targets.sort(key=lambda c: -_likelihood(c, names))
        found += sorted(targets[:MAX_TARGETS], key=lambda c: repr((c.referred, c.referred_columns)))
    return found


def _likelihood(c: ReferenceCandidate, names: Names) -> float:
    """Return what a reference promises before scoring, by its name and by its values."""
    return names.likely(c.table, c.columns[0], c) + c.inclusion * (0.5 + 0.5 * c.coverage)


class _Declared:
    """What declared keys leave open."""

    def __init__(self, schema: Schema) -> None:
        """Note the declared keys."""
        self._keys = {t.name: {frozenset(k) for k in t.candidate_keys} for t in schema}
        self._ends = {
            (t.name, frozenset(k.columns), k.referred, frozenset(k.referred_columns))
            for t in schema
            for k in t.foreign_keys
        }
        self._referring = {(t.name, frozenset(k.columns)) for t in schema for k in t.foreign_keys}

    def allow(
        self,
        table: TableName,
        columns: tuple[str, ...],
        referred: TableName,
        referred_columns: tuple[str, ...],
    ) -> bool:
        """Tell whether a reference contradicts no declared key.

        Where a table declares keys only those may be referred to; columns that refer already
        do not refer again; nothing is the reverse of a declared reference.
        """
        here, there = frozenset(columns), frozenset(referred_columns)
        keys = self._keys[referred]
        return (
            (not keys or there in keys)
            and (table, here) not in self._referring
            and (referred, there, table, here) not in self._ends
        )


def _may_be_referred(figures: ColumnFigures) -> bool:
    return figures.sort in REFERABLE and figures.sort != "time"


def key_candidates(
    schema: Schema, evidence: Evidence, names: Names, singles: Sequence[ReferenceCandidate]
) -> list[KeyCandidate]:
    """Return the unique columns and column sets of every table.

    Sets are the minimal ones, leading runs, and those that references form: nearly half of
    declared composite keys have a smaller unique set in their data.
    """
    referring: defaultdict[TableName, dict[str, float]] = defaultdict(dict)
    for candidate in singles:
        if candidate.referred != candidate.table:
            score = names.likely(candidate.table, candidate.columns[0], candidate)
            known = referring[candidate.table].get(candidate.columns[0], 0.0)
            referring[candidate.table][candidate.columns[0]] = max(known, score)
    found: list[KeyCandidate] = []
    for table in schema:
        if table.primary_key is not None:
            found.append(KeyCandidate(table.name, table.primary_key.columns, declared=True))
        elif evidence.rows(table):
            found += _table_keys(table, evidence, referring[table.name])
    return found


def _table_keys(table: Table, evidence: Evidence, refers: dict[str, float]) -> list[KeyCandidate]:
    codes = evidence.store.codes[table.name]
    figures = [evidence.figures[table.name, name] for name in table.column_names]
    singles = [i for i, f in enumerate(figures) if f.profile.unique and _may_identify(f)]
    usable = [i for i, f in enumerate(figures) if _may_be_part(f)]
    likely = [i for i in usable if refers.get(table.column_names[i], 0.0) >= LIKELY_REFERENCE]
    check = _Uniqueness(table, evidence, codes)
    found: dict[frozenset[int], tuple[int, ...]] = {frozenset((i,)): (i,) for i in singles}
    parts = [i for i in usable if i not in singles]
    minimal = list(islice(_minimal_sets(parts, check), MAX_SETS))
    for columns in (*minimal, *_formed_sets(usable, parts, likely)):
        if frozenset(columns) not in found and check.unique(columns):
            found[frozenset(columns)] = tuple(sorted(columns))
    sets = list(found)
    return [
        KeyCandidate(
            table.name,
            tuple(table.column_names[i] for i in columns),
            not any(other < members for other in sets),
            _rising(codes, columns),
        )
        for members, columns in found.items()
    ]


class _Uniqueness:
    """Tells whether column sets are unique: in the head of a table first, then in all of it."""

    def __init__(self, table: Table, evidence: Evidence, codes: Codes) -> None:
        """Keep the head's codes."""
        self._table, self._evidence, self._codes = table, evidence, codes
        self._rows = evidence.rows(table)
        self._known: dict[frozenset[int], bool] = {}

    def unique(self, columns: Iterable[int]) -> bool:
        """Tell whether no two rows agree in the columns."""
        members = frozenset(columns)
        if members not in self._known:
            self._known[members] = self._judge(sorted(members))
        return self._known[members]

    def _judge(self, columns: list[int]) -> bool:
        names = [self._table.column_names[i] for i in columns]
        profiles = [self._evidence.figures[self._table.name, name].profile for name in names]
        if any(profile.unique for profile in profiles):
            return True
        most = math.prod(profile.distinct for profile in profiles)
        if most < self._rows or not _distinct_rows(self._codes, columns):
            return False
        if len(self._codes) == self._rows:
            return True
        return self._evidence.store.unique(self._table.name, names)


def _distinct_rows(codes: Codes, columns: Sequence[int]) -> bool:
    import numpy as np

    key = np.zeros(len(codes), dtype=np.int64)
    for i in columns:
        _, key = np.unique(
            key * (int(codes[:, i].max(initial=0)) + 2) + codes[:, i] + 1, return_inverse=True
        )
    return int(key.max(initial=-1)) + 1 == len(codes)


def _rising(codes: Codes, columns: Sequence[int]) -> float:
    """Return the share of head rows that come after the row before, in the columns' order."""
    import numpy as np

    if len(codes) < 2:
        return 0.0
    rising = np.zeros(len(codes) - 1, dtype=bool)
    equal = np.ones(len(codes) - 1, dtype=bool)
    for i in columns:
        step = codes[1:, i] - codes[:-1, i]
        rising |= equal & (step > 0)
        equal &= step == 0
    return float(rising.mean())


def _may_identify(figures: ColumnFigures) -> bool:
    return figures.sort in REFERABLE or figures.sort == "number"


def _may_be_part(figures: ColumnFigures) -> bool:
    return (
        figures.profile.nulls == 0
        and figures.sort not in ("other",)
        and figures.mean_length <= PROSE_LENGTH
    )


def _minimal_sets(parts: Sequence[int], check: _Uniqueness) -> Iterator[tuple[int, ...]]:
    """Yield the minimal unique sets of the first columns, smaller ones first."""
    unique: list[frozenset[int]] = []
    for size in range(2, MAX_MINIMAL + 1):
        for columns in combinations(parts[:POOL], size):
            members = frozenset(columns)
            if not any(known <= members for known in unique) and check.unique(columns):
                unique.append(members)
                yield columns


def _formed_sets(
    usable: Sequence[int], parts: Sequence[int], likely: Sequence[int]
) -> Iterator[tuple[int, ...]]:
    """Yield leading runs, sets of references, and these with one column more."""
    for size in range(2, MAX_PREFIX + 1):
        run = tuple(range(size))
        if set(run) <= set(usable):
            yield run
    for size in range(2, MAX_MINIMAL + 1):
        yield from islice(combinations(likely, size), MAX_SETS)
    if len(likely) > MAX_MINIMAL:
        yield tuple(likely)
    for first in likely:
        for other in parts:
            if other != first:
                yield (first, other)
    if len(likely) > 1:
        yield from ((*likely, other) for other in parts if other not in likely)


def composite_references(
    schema: Schema, evidence: Evidence, names: Names, keys: Sequence[KeyCandidate]
) -> list[ReferenceCandidate]:
    """Return column lists whose tuples lie in a composite key candidate.

    Args:
        schema: the tables.
        evidence: of them; each list that passes by its parts costs two queries.
        names: of them.
        keys: from `key_candidates`.
    """
    rules = _Declared(schema)
    targets: defaultdict[TableName, list[KeyCandidate]] = defaultdict(list)
    for key in keys:
        if 1 < len(key.columns) <= MAX_MINIMAL:
            targets[key.table].append(key)
    held, fits = _Parts(schema, evidence), _Fits(names)
    found = []
    for owned in targets.values():
        for key in sorted(owned, key=lambda k: _likely_target(k, schema))[:TARGETS]:
            for table, parts in held.tables(key):
                for columns in _assignments(table, key, parts, fits):
                    if not rules.allow(table, columns, key.table, key.columns):
                        continue
                    candidate = _measured(table, columns, key, evidence)
                    if candidate is not None:
                        found.append(candidate)
    return found


Shares: TypeAlias = Mapping[str, float]
"""Share of the values of columns that lie in a part of a key."""


class _Parts:
    """Which columns lie in a part of a composite key, table by table."""

    def __init__(self, schema: Schema, evidence: Evidence) -> None:
        """Look up nothing yet."""
        self._places = {table.name: i for i, table in enumerate(schema)}
        self._evidence = evidence
        self._known: dict[ColumnId, dict[TableName, dict[str, float]]] = {}

    def tables(self, key: KeyCandidate) -> Iterator[tuple[TableName, list[Shares]]]:
        """Yield the tables that have columns for each part of a key, and these columns."""
        parts = [self._of((key.table, part)) for part in key.columns]
        common = set(parts[0]).intersection(*parts[1:])
        for table in sorted(common, key=self._places.__getitem__):
            yield table, [part[table] for part in parts]

    def _of(self, part: ColumnId) -> dict[TableName, dict[str, float]]:
        if part not in self._known:
            lying: defaultdict[TableName, dict[str, float]] = defaultdict(dict)
            lying[part[0]][part[1]] = 1.0
            for (table, name), inclusion in self._evidence.inclusions.into(part):
                share = max(inclusion.share, inclusion.row_share)
                if share >= PART_INCLUSION:
                    lying[table][name] = share
            self._known[part] = dict(lying)
        return self._known[part]


def _likely_target(key: KeyCandidate, schema: Schema) -> tuple[int, int, int]:
    places = [schema.table(key.table).column_names.index(name) for name in key.columns]
    leading = places == list(range(len(places)))
    return (0 if leading else 1, sum(places), len(places))


def _assignments(
    table: TableName, key: KeyCandidate, parts: Sequence[Shares], fits: _Fits
) -> list[tuple[str, ...]]:
    """Return the columns of a table that could stand for the parts of a key."""
    options = []
    for part, shares in zip(key.columns, parts, strict=True):
        named = [(fits.of((table, name), (key.table, part)), name) for name in shares]
        scored = [(fit + 0.3 * shares[name], name, fit) for fit, name in named]
        options.append(sorted(scored, reverse=True)[:OPTIONS])
    if fits.telling and max(fit for option in options for _, _, fit in option) < PART_NAME:
        return []
    allowed = []
    for chosen in product(*options):
        columns = tuple(name for _, name, _ in chosen)
        said = not fits.telling or max(fit for _, _, fit in chosen) >= PART_NAME
        if said and len(set(columns)) == len(columns) and _sensible(table, columns, key, fits):
            allowed.append((sum(score for score, _, _ in chosen), columns))
    return [columns for _, columns in sorted(allowed, reverse=True)[:ASSIGNMENTS]]


class _Fits:
    """How well names fit as parts of a reference, each pair judged once."""

    def __init__(self, names: Names) -> None:
        """Judge nothing yet."""
        self.telling = names.telling
        self._names = names
        self._known: dict[ColumnId, dict[ColumnId, float]] = {}

    def of(self, child: ColumnId, part: ColumnId) -> float:
        """Return how well a column fits a part of a key; 0 where names say nothing."""
        if not self.telling:
            return 0.0
        known = self._known.setdefault(part, {})
        if child not in known:
            known[child] = self._names.part(child, part)
        return known[child]


def _sensible(table: TableName, columns: tuple[str, ...], key: KeyCandidate, fits: _Fits) -> bool:
    """Tell whether columns of the key's own table could refer to it; others always could."""
    if table != key.table:
        return True
    return (
        fits.telling
        and not set(key.columns) <= set(columns)
        and all(
            name not in key.columns or part == name
            for name, part in zip(columns, key.columns, strict=True)
        )
    )


def _measured(
    table: TableName, columns: tuple[str, ...], key: KeyCandidate, evidence: Evidence
) -> ReferenceCandidate | None:
    store = evidence.store
    if store.hardly_included(table, columns, key.table, key.columns, TUPLE_INCLUSION):
        return None
    distinct, found, offered = store.tuple_inclusion(table, columns, key.table, key.columns)
    if not distinct or found < TUPLE_INCLUSION * distinct:
        return None
    shuffled = store.shuffled_inclusion(table, columns, key.table, key.columns)
    share = found / distinct
    return ReferenceCandidate(
        table, columns, key.table, key.columns, share, found / offered, share, shuffled
    )
