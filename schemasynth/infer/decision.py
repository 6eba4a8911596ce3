"""What a choice amounts to: the keys that a schema gets, as candidates with probabilities.

Pure functions; used by the inference of keys and its questions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from schemasynth.infer.candidates import KeyCandidate, ReferenceCandidate
from schemasynth.infer.case import Case, id_of
from schemasynth.infer.choice import Choice
from schemasynth.model import Origin, Schema, TableName
from schemasynth.model.keyid import KeyId

ACCEPTED_IF_DECLARING = 0.95
"""Where tables declare foreign keys, a missing one is the exception and needs more evidence."""
CERTAIN = 1.0
"""Probability that only a person's answer or a declaration gives."""

Believed: TypeAlias = tuple[ReferenceCandidate, float]
Ends: TypeAlias = tuple[TableName, frozenset[tuple[str, str]], TableName]


@dataclass(frozen=True)
class Keys:
    """The keys that hold beside declared foreign ones.

    Attributes:
        primary: of each table, with its probability.
        foreign: references with theirs.
    """

    primary: Mapping[TableName, tuple[KeyCandidate, float]]
    foreign: tuple[Believed, ...]

    @cached_property
    def by_id(self) -> Mapping[KeyId, float]:
        """Probabilities by id."""
        primary = {id_of(key): p for key, p in self.primary.values()}
        return primary | {id_of(reference): p for reference, p in self.foreign}


def keys_of(case: Case, choice: Choice) -> Keys:
    """Return the keys that a choice amounts to.

    Args:
        case: the candidates and their probabilities.
        choice: what was chosen of them.
    """
    found, beliefs = case.found, case.beliefs
    declaring = _declaring(found.schema)
    composites = [(found.composites[i], beliefs.composites[i]) for i in choice.composites]
    singles = [(found.singles[i], beliefs.singles[i]) for i in choice.singles]
    return Keys(
        {found.keys[i].table: (found.keys[i], beliefs.keys[i]) for i in choice.keys},
        tuple(
            (c, p)
            for c, p in _without_implied((*singles, *composites))
            if p >= ACCEPTED_IF_DECLARING or not {c.table, c.referred} & declaring
        ),
    )


def _declaring(schema: Schema) -> set[TableName]:
    return {t.name for t in schema if any(k.origin is Origin.DECLARED for k in t.foreign_keys)}


def _without_implied(believed: Sequence[Believed]) -> Iterator[Believed]:
    """Drop keys that follow from one of more columns and the keys of the table it refers to."""
    ends = {(c.table, _pairs(c), c.referred) for c, _ in believed}
    wider: defaultdict[TableName, list[ReferenceCandidate]] = defaultdict(list)
    for c, _ in believed:
        if len(c.columns) > 1:
            wider[c.table].append(c)
    for d, p in believed:
        if p == CERTAIN or not any(_implies(c, d, ends) for c in wider[d.table]):
            yield d, p


def _implies(c: ReferenceCandidate, d: ReferenceCandidate, ends: Set[Ends]) -> bool:
    if c.referred == d.referred or not set(d.columns) < set(c.columns):
        return False
    across = dict(zip(c.columns, c.referred_columns, strict=True))
    above = frozenset((across[a], b) for a, b in _pairs(d))
    return (c.referred, above, d.referred) in ends


def _pairs(c: ReferenceCandidate) -> frozenset[tuple[str, str]]:
    return frozenset(zip(c.columns, c.referred_columns, strict=True))
