"""Candidates under answers: what a person decided is certain, and its rivals react.

Pure functions of candidates and beliefs; used by the inference of keys and its questions.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeAlias

from schemasynth.errors import SettingsError
from schemasynth.infer.answers import Answers
from schemasynth.infer.candidates import KeyCandidate, ReferenceCandidate
from schemasynth.infer.choice import Verdicts
from schemasynth.infer.evidence import KEY_LENGTH, UNIQUE_SHARE
from schemasynth.infer.features import Beliefs, Candidates
from schemasynth.model import TableName
from schemasynth.model.keyid import KeyId, Kind

Candidate: TypeAlias = KeyCandidate | ReferenceCandidate

NEITHER = 0.1
"""Probability kept for "none of them", however sure evidence was of a key that is rejected."""
LEFT_OVER = 0.9
"""Highest probability of a key that owes it to answers about others: it stays below certainty."""


def id_of(candidate: Candidate) -> KeyId:
    """Return the id by which a person speaks of a candidate."""
    if isinstance(candidate, KeyCandidate):
        return KeyId(Kind.PRIMARY, candidate.table, candidate.columns)
    return KeyId(
        Kind.FOREIGN,
        candidate.table,
        candidate.columns,
        candidate.referred,
        candidate.referred_columns,
    )


@dataclass(frozen=True, slots=True)
class Places:
    """Candidates in a row: keys, single references and composite ones.

    Attributes:
        candidates: by place.
        ids: by place.
        by_id: places.
        rivals: places of the candidates of which at most one is true, by `group`.
        into: places of the references to each key, by table and columns.
    """

    candidates: tuple[Candidate, ...]
    ids: tuple[KeyId, ...]
    by_id: Mapping[KeyId, int]
    rivals: Mapping[Hashable, Sequence[int]]
    into: Mapping[Hashable, Sequence[int]]


def places_of(found: Candidates) -> Places:
    """Give every candidate its place."""
    candidates: tuple[Candidate, ...] = (*found.keys, *found.singles, *found.composites)
    ids = tuple(map(id_of, candidates))
    rivals: defaultdict[Hashable, list[int]] = defaultdict(list)
    into: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, candidate in enumerate(candidates):
        rivals[group(candidate)].append(place)
        if isinstance(candidate, ReferenceCandidate):
            into[candidate.referred, frozenset(candidate.referred_columns)].append(place)
    by_id = {key: place for place, key in enumerate(ids)}
    return Places(candidates, ids, by_id, rivals, into)


@dataclass(frozen=True)
class Case:
    """Candidates, what evidence says of them, and what is decided.

    Attributes:
        found: the candidates, stated keys among them.
        places: of the candidates.
        evident: their probabilities by evidence alone, by place.
        verdicts: of a person, by place.
    """

    found: Candidates
    places: Places
    evident: Sequence[float]
    verdicts: Verdicts = field(default_factory=dict)

    @cached_property
    def chances(self) -> Sequence[float]:
        """Probabilities given the verdicts, by place.

        A candidate whose rival is rejected gets its share of what the rival leaves; one whose
        rival is accepted is out; references to an accepted key are freed from doubt of the key.
        """
        given = list(self.evident)
        for place in self.verdicts:
            members = self.places.rivals[group(self.places.candidates[place])]
            lost = sum(self.evident[i] for i in members if self.verdicts.get(i) is False)
            taken = any(self.verdicts.get(i) for i in members)
            for i in members:
                given[i] = 0.0 if taken else _raised(self.evident[i], 1.0 - lost)
        for place, accepted in self.verdicts.items():
            key = self.places.candidates[place]
            if accepted and isinstance(key, KeyCandidate):
                for i in self.places.into.get((key.table, frozenset(key.columns)), ()):
                    given[i] = _raised(given[i], self.evident[place]) if given[i] else 0.0
        for place, accepted in self.verdicts.items():
            given[place] = float(accepted)
        return given

    @cached_property
    def beliefs(self) -> Beliefs:
        """The same by kind of candidate."""
        first = len(self.found.keys)
        last = first + len(self.found.singles)
        return Beliefs(self.chances[:first], self.chances[first:last], self.chances[last:])

    def supposing(self, place: int, *, true: bool) -> Case:
        """Return the case in which one candidate more is decided."""
        return replace(self, verdicts={**self.verdicts, place: true})


def group(candidate: Candidate) -> Hashable:
    """Return what candidates share of which at most one is true."""
    if isinstance(candidate, KeyCandidate):
        return candidate.table
    return candidate.table, frozenset(candidate.columns)


def _raised(chance: float, whole: float) -> float:
    """Return a probability as a share of what is still possible."""
    return max(chance, min(LEFT_OVER, chance / (max(whole, 0.0) + NEITHER)))


def plain_case(found: Candidates, evident: Beliefs) -> Case:
    """Return the case in which nothing is decided."""
    chances = (*evident.keys, *evident.singles, *evident.composites)
    return Case(found, places_of(found), chances)


def case_of(found: Candidates, evident: Beliefs, answers: Answers) -> Case:
    """Return the case that a person's answers leave open.

    Args:
        found: the candidates that data allow.
        evident: their probabilities.
        answers: about the same schema; what is accepted and no candidate becomes one.

    Raises:
        SettingsError: data contradict an accepted key.
    """
    case = plain_case(found, evident)
    if not answers:
        return case
    known = {key.identity for key in case.places.ids}
    stated = [key for key in answers.accepted if key.identity not in known]
    keys = tuple(_stated_key(k, found) for k in stated if k.kind is Kind.PRIMARY)
    references = [_stated_reference(k, found) for k in stated if k.kind is Kind.FOREIGN]
    singles = tuple(r for r in references if len(r.columns) == 1)
    composites = tuple(r for r in references if len(r.columns) > 1)
    whole = replace(
        found,
        keys=found.keys + keys,
        singles=found.singles + singles,
        composites=found.composites + composites,
    )
    case = plain_case(
        whole,
        Beliefs(
            (*evident.keys, *(0.0 for _ in keys)),
            (*evident.singles, *(0.0 for _ in singles)),
            (*evident.composites, *(0.0 for _ in composites)),
        ),
    )
    return replace(case, verdicts=dict(_verdicts(case.places.ids, answers)))


def _verdicts(ids: Sequence[KeyId], answers: Answers) -> Iterator[tuple[int, bool]]:
    accepted = {key.identity for key in answers.accepted}
    for place, key in enumerate(ids):
        if key.identity in accepted:
            yield place, True
        elif any(answer.covers(key) for answer in answers.rejected):
            yield place, False


def _stated_key(key: KeyId, found: Candidates) -> KeyCandidate:
    evidence = found.evidence
    rows = evidence.rows(found.schema.table(key.table))
    if rows and _comparable(found, key.table, key.columns):
        distinct = evidence.store.distinct(key.table, key.columns)
        if distinct < rows:
            raise SettingsError(
                f"{key} is accepted, but its data contradict it: {rows:,} rows have {distinct:,} "
                f"different values without NULL, so {rows - distinct:,} rows repeat one or lack "
                "one. Take the id out of what is accepted, or clean the data."
            )
    return KeyCandidate(key.table, key.columns, minimal=True)


def is_unique(found: Candidates, table: TableName, columns: Sequence[str]) -> bool:
    """Tell whether no two rows agree in columns; a single one may have NULLs."""
    profile = found.evidence.figures[table, columns[0]].profile
    if len(columns) == 1:
        return profile.distinct == profile.rows - profile.nulls
    known = any(k.table == table and set(k.columns) == set(columns) for k in found.keys)
    return known or found.evidence.store.distinct(table, columns) == profile.rows


def _stated_reference(key: KeyId, found: Candidates) -> ReferenceCandidate:
    referred = key.referred
    assert referred is not None  # noqa: S101 an accepted id is whole
    distinct, held, offered = found.evidence.store.tuple_inclusion(
        key.table, key.columns, referred, key.referred_columns
    )
    both = ((key.table, key.columns), (referred, key.referred_columns))
    if all(_comparable(found, table, columns) for table, columns in both):
        _check_reference(key, found, distinct, held, offered)
    share = held / distinct if distinct else 0.0
    coverage = held / offered if offered else 0.0
    known = found.evidence.inclusions.get(
        ((key.table, key.columns[0]), (referred, key.referred_columns[0]))
    )
    rows = known.row_share if known and len(key.columns) == 1 else math.nan
    return ReferenceCandidate(
        key.table, key.columns, referred, key.referred_columns, share, coverage, rows
    )


def _check_reference(key: KeyId, found: Candidates, distinct: int, held: int, offered: int) -> None:
    referred = key.referred
    assert referred is not None  # noqa: S101 an accepted id is whole
    figures = [found.evidence.figures[referred, name].profile for name in key.referred_columns]
    rows = min(profile.rows - profile.nulls for profile in figures)
    target = f"{referred}({', '.join(key.referred_columns)})"
    if offered < UNIQUE_SHARE * rows:
        raise SettingsError(
            f"{key} is accepted, but its data contradict it: {target} has {offered:,} different "
            f"values in {rows:,} rows, so a value does not say which row is meant. "
            "Name columns that identify a row."
        )
    if distinct and not held:
        raise SettingsError(
            f"{key} is accepted, but its data contradict it: none of its {distinct:,} different "
            f"values is in {target}, which has {offered:,}. Take the id out of what is accepted."
        )


def _comparable(found: Candidates, table: TableName, columns: Sequence[str]) -> bool:
    """Tell whether values are kept whole; of long ones evidence has the beginning."""
    profiles = (found.evidence.figures[table, name].profile for name in columns)
    return all((profile.max_length or 0) <= KEY_LENGTH for profile in profiles)
