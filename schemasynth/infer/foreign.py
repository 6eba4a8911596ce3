"""Foreign keys: pairs of columns and of column sets, scored by inclusion, names and competition.

Pure functions of evidence; used by the inference of keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from schemasynth.infer.evidence import UNIQUE_SHARE, ColumnFigures, ColumnId, Evidence, Inclusion
from schemasynth.infer.names import own_key_score, prefix, reference_score, similar, stem, words
from schemasynth.infer.primary import sigmoid
from schemasynth.model import ForeignKey, Origin, Schema, Table, TableName

BIAS = -6.6
WEIGHTS: Mapping[str, float] = {
    "name": 7.5,
    "inclusion": 2.6,
    "coverage": 0.6,
    "primary": 1.3,
    "own key": -3.5,
    "other sort": -1.5,
    "tiny": -0.8,
    "dense": -0.9,
    "larger": -0.6,
    "telling": 5.0,
}
"""Log-odds of an inclusion to be a foreign key, set by hand on public schemas."""
INCLUSION_STEPS = ((1.0, 1.0), (0.99, 0.9), (0.95, 0.7), (0.9, 0.5), (0.8, 0.25), (0.0, -0.5))
"""What a share of inclusion is worth: dirt is common, half an inclusion is none."""
TINY = 3
"""Distinct values of a child below which inclusion says little."""
TELLING_VALUES = 20
TELLING_LENGTH = 5.0
TELLING_DENSITY = 0.05
"""So many distinct values, texts of such a length or integers so thin in their range, do not lie
in another column by chance: they come from one domain, whatever the names."""
MARGIN_WEIGHT = 1.0
"""Log-odds lost where another target is as good."""
ACCEPTED = 0.5
COMPOSITE_INCLUSION = 0.95
"""Distinct tuples found in the referenced key, by distinct tuples."""
PART_NAME = 0.75
"""How alike a part of a composite key and its referring column must be named."""


@dataclass(frozen=True, slots=True)
class ReferenceCandidate:
    """Columns that may refer to a key."""

    table: TableName
    columns: tuple[str, ...]
    referred: TableName
    referred_columns: tuple[str, ...]
    logit: float
    evidence: Mapping[str, float]

    @property
    def confidence(self) -> float:
        """The probability, 0 to 1."""
        return round(sigmoid(self.logit), 4)

    def key(self) -> ForeignKey:
        """Return the candidate as a foreign key of the model."""
        return ForeignKey(
            self.columns,
            self.referred,
            self.referred_columns,
            origin=Origin.INFERRED,
            confidence=self.confidence,
            evidence=dict(self.evidence),
        )


class Names:
    """Words of every column, prefixes stripped."""

    def __init__(self, schema: Schema) -> None:
        """Learn each table's prefix."""
        self._prefixes = {table.name: prefix(table.column_names) for table in schema}

    def column(self, column: ColumnId) -> tuple[str, ...]:
        """Return the words of a column."""
        return stem(column[1], self._prefixes[column[0]])

    def score(self, child: ColumnId, parent: ColumnId) -> float:
        """Return how well the child's name speaks of the parent."""
        return reference_score(
            self.column(child),
            words(parent[0].name),
            self.column(parent),
            own=child[0] == parent[0],
        )


class Keys:
    """Which columns may be referred to: where a table declares keys, only those."""

    def __init__(self, schema: Schema) -> None:
        """Note the declared primary and unique keys."""
        self._declared = {t.name: t.candidate_keys for t in schema}

    def allows(self, parent: ColumnId) -> bool:
        """Tell whether a column may be referred to."""
        declared = self._declared[parent[0]]
        return not declared or (parent[1],) in declared


def _own_key(child: ColumnId, name: float, names: Names) -> float:
    """Return how much it counts against a reference that the column is its table's own key."""
    own = own_key_score(names.column(child), words(child[0].name))
    return 1.0 if own >= name else 0.3


def single_candidates(
    schema: Schema, evidence: Evidence, primary: Mapping[TableName, tuple[str, ...]]
) -> list[ReferenceCandidate]:
    """Score every pair of a column and a nearly unique column that its values lie in.

    Args:
        schema: the tables.
        evidence: of them.
        primary: the primary key of each table that has one so far.

    Returns:
        At most one candidate a column, the best; its logit is lowered where another target
        is nearly as good.
    """
    names, keys = Names(schema), Keys(schema)
    by_child: defaultdict[ColumnId, list[ReferenceCandidate]] = defaultdict(list)
    for (child, parent), inclusion in evidence.inclusions.items():
        figures = evidence.figures[parent].profile
        if figures.distinct < UNIQUE_SHARE * figures.rows or not keys.allows(parent):
            continue
        by_child[child].append(_scored(child, parent, inclusion, evidence, primary, names))
    return [_best(found) for _, found in sorted(by_child.items())]


def _scored(
    child: ColumnId,
    parent: ColumnId,
    inclusion: Inclusion,
    evidence: Evidence,
    primary: Mapping[TableName, tuple[str, ...]],
    names: Names,
) -> ReferenceCandidate:
    here, there = evidence.figures[child], evidence.figures[parent]
    name = names.score(child, parent)
    is_own_key = primary.get(child[0]) == (child[1],)
    terms = {
        "name": name,
        "inclusion": next(worth for share, worth in INCLUSION_STEPS if inclusion.share >= share),
        "coverage": inclusion.coverage,
        "primary": float(primary.get(parent[0]) == (parent[1],)),
        "own key": _own_key(child, name, names) if is_own_key else 0.0,
        "other sort": float(not _same_sort(here, there)),
        "tiny": float(here.profile.distinct < TINY),
        "dense": float(here.sort == "integer" and name < 0.5),
        "larger": float(is_own_key and here.profile.rows > there.profile.rows),
        "telling": float(_is_telling(here, there, inclusion) and not is_own_key),
    }
    logit = BIAS + sum(WEIGHTS[term] * value for term, value in terms.items())
    figures = {
        "inclusion": inclusion.share,
        "coverage": inclusion.coverage,
        "name_score": round(name, 3),
        "null_share": round(here.profile.null_share, 4),
    }
    return ReferenceCandidate(child[0], (child[1],), parent[0], (parent[1],), logit, figures)


def _is_telling(here: ColumnFigures, there: ColumnFigures, inclusion: Inclusion) -> bool:
    """Tell whether so many values can share a column only because they are the same things."""
    if here.profile.distinct < TELLING_VALUES or inclusion.share < COMPOSITE_INCLUSION:
        return False
    if not there.profile.unique:
        return False
    if here.sort == "text":
        return here.mean_length >= TELLING_LENGTH
    if here.sort != "integer" or there.maximum is None or there.minimum is None:
        return False
    return there.profile.distinct < TELLING_DENSITY * (there.maximum - there.minimum)


def _same_sort(here: ColumnFigures, there: ColumnFigures) -> bool:
    return here.sort.removesuffix(" text") == there.sort.removesuffix(" text")


def _best(found: Sequence[ReferenceCandidate]) -> ReferenceCandidate:
    ranked = sorted(found, key=lambda c: (-c.logit, str(c.referred), c.referred_columns))
    best = ranked[0]
    others = [c for c in ranked[1:] if c.referred != best.referred]
    margin = best.logit - others[0].logit if others else 10.0
    lost = MARGIN_WEIGHT * max(0.0, 1 - margin)
    figures = {**best.evidence, "margin": round(margin, 3)}
    return replace(best, logit=best.logit - lost, evidence=figures)


def without_mutual(candidates: Sequence[ReferenceCandidate]) -> list[ReferenceCandidate]:
    """Keep of two keys that refer to each other only the likelier."""
    by_columns = {(c.table, c.columns): c for c in candidates}
    result = []
    for candidate in candidates:
        back = by_columns.get((candidate.referred, candidate.referred_columns))
        mutual = back and (back.referred, back.referred_columns) == (
            candidate.table,
            candidate.columns,
        )
        if not mutual or back is None or _precedes(candidate, back):
            result.append(candidate)
    return result


def _precedes(candidate: ReferenceCandidate, back: ReferenceCandidate) -> bool:
    return (candidate.logit, str(candidate.table)) > (back.logit, str(back.table))


def composite_candidates(
    schema: Schema, evidence: Evidence, primary: Mapping[TableName, tuple[str, ...]]
) -> Iterator[ReferenceCandidate]:
    """Find column sets that refer to composite primary keys.

    Args:
        schema: the tables.
        evidence: of them; each pair of tables that passes by name costs one query.
        primary: the primary key of each table.
    """
    names = Names(schema)
    for parent, key in sorted(primary.items()):
        if len(key) < 2:
            continue
        for table in schema:
            columns = _matching(table, parent, key, evidence, names)
            if columns is None or table.name == parent:
                continue
            distinct, found, offered = evidence.store.tuple_inclusion(
                table.name, columns, parent, key
            )
            if (
                distinct
                and found >= COMPOSITE_INCLUSION * distinct
                and not _is_reverse(table, columns, parent, primary, distinct, offered)
            ):
                yield _composite(
                    table.name, columns, parent, key, found / distinct, found / offered
                )


def _is_reverse(
    table: Table,
    columns: tuple[str, ...],
    parent: TableName,
    primary: Mapping[TableName, tuple[str, ...]],
    distinct: int,
    offered: int,
) -> bool:
    """Tell whether both keys are equal sets, and the other direction comes first."""
    both_keys = set(primary.get(table.name, ())) == set(columns)
    return both_keys and distinct == offered and str(table.name) < str(parent)


def _composite(
    table: TableName,
    columns: tuple[str, ...],
    parent: TableName,
    key: tuple[str, ...],
    inclusion: float,
    coverage: float,
) -> ReferenceCandidate:
    logit = 1.6 * inclusion + 1.2 * coverage
    figures = {"inclusion": round(inclusion, 6), "coverage": round(coverage, 6)}
    return ReferenceCandidate(table, columns, parent, key, logit, figures)


def _matching(
    table: Table, parent: TableName, key: tuple[str, ...], evidence: Evidence, names: Names
) -> tuple[str, ...] | None:
    """Return the column of a table for each part of a key, by name and inclusion."""
    chosen: list[str] = []
    for part in key:
        scored = [
            (similar(names.column((table.name, name)), names.column((parent, part))), name)
            for name in table.column_names
            if ((table.name, name), (parent, part)) in evidence.inclusions and name not in chosen
        ]
        best = max(scored, default=(0.0, ""))
        if best[0] < PART_NAME:
            return None
        chosen.append(best[1])
    return tuple(chosen)


def without_implied(
    singles: Sequence[ReferenceCandidate], composites: Sequence[ReferenceCandidate]
) -> list[ReferenceCandidate]:
    """Drop single keys that follow from a composite one and the parent's own keys."""
    own = {(c.table, c.columns): c for c in singles}
    implied = set()
    for composite in composites:
        pairs = zip(composite.columns, composite.referred_columns, strict=True)
        for here, there in pairs:
            single, above = (
                own.get((composite.table, (here,))),
                own.get((composite.referred, (there,))),
            )
            if single and above and single.referred == above.referred:
                implied.add((single.table, single.columns))
            if single and single.referred == composite.referred:
                implied.add((single.table, single.columns))
    return [c for c in singles if (c.table, c.columns) not in implied]
