"""What a choice amounts to: the keys that a schema gets, as candidates with probabilities.

Pure functions; used by the inference of keys and its questions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
            for c, p in (*_without_implied(singles, composites), *composites)
            if p >= ACCEPTED_IF_DECLARING or not {c.table, c.referred} & declaring
        ),
    )


def _declaring(schema: Schema) -> set[TableName]:
    return {t.name for t in schema if any(k.origin is Origin.DECLARED for k in t.foreign_keys)}


def _without_implied(
    singles: Sequence[Believed], composites: Sequence[Believed]
) -> Iterator[Believed]:
    """Drop single keys that follow from a composite one and the parent's own keys."""
    own = {(c.table, c.columns): (c.referred, c.referred_columns) for c, _ in singles}
    implied = {
        (c.table, (here,))
        for c, _ in composites
        for here, there in zip(c.columns, c.referred_columns, strict=True)
        if own.get((c.table, (here,)), 0) == own.get((c.referred, (there,)), 1)
    }
    for c, p in singles:
        if p == CERTAIN or (c.table, c.columns) not in implied:
            yield c, p
