"""The few decisions that a person should confirm, each with what either answer changes.

What an answer changes is computed: the choice is made again as if it had been given. Pure
functions; used by the inference of keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from schemasynth.infer.case import Case, group
from schemasynth.infer.choice import (
    KEY_THRESHOLD,
    REFERENCE_THRESHOLD,
    Programme,
    Solution,
)
from schemasynth.infer.decision import Keys, keys_of
from schemasynth.infer.evidence import MIN_INCLUSION
from schemasynth.model import ImplicitEntity, Origin, Question, Schema, TableName
from schemasynth.model.keyid import KeyId, Kind, entity_ids

DOUBTFUL = (min(KEY_THRESHOLD, REFERENCE_THRESHOLD), 0.8)
"""Confidence in which a person should confirm a key: from the first that can be chosen."""
MAX_QUESTIONS = 10
"""More are not answered by anybody at once; answers bring the next ones up."""
MAX_EXAMINED = 30
"""Doubtful candidates whose answers are followed through, the most doubtful first."""
ASSUMED = "assumed already"
LISTED = 3
"""Changes of one kind that are named; the rest is counted."""


@dataclass(frozen=True)
class _World:
    """The keys that hold, and the implicit entities that stand with them."""

    keys: Keys
    entities: tuple[ImplicitEntity, ...]
    declared: Mapping[TableName, frozenset[TableName]]

    @cached_property
    def parents(self) -> Mapping[TableName, set[str]]:
        """What each table's rows could be generated in the context of."""
        found: defaultdict[TableName, set[str]] = defaultdict(set)
        for table, names in self.declared.items():
            found[table] |= {str(name) for name in names if name != table}
        for c, _ in self.keys.foreign:
            if c.referred != c.table:
                found[c.table].add(str(c.referred))
        for entity in self.entities:
            for member in entity.members:
                found[member.table].add(entity.name)
        return {table: parents for table, parents in found.items() if parents}


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question with how much hangs on it."""

    question: Question
    weight: int

    def __lt__(self, other: _Asked) -> bool:
        return self._rank < other._rank

    @property
    def _rank(self) -> tuple[int, float, str]:
        doubt = abs(self.question.confidence - 0.5)
        return -self.weight, doubt, self.question.id


def questions(
    case: Case,
    programme: Programme,
    solution: Solution,
    schema: Schema,
    entities: tuple[ImplicitEntity, ...],
) -> tuple[Question, ...]:
    """Return the questions, the most consequential first.

    Args:
        case: the candidates and what is decided of them.
        programme: of the same candidates.
        solution: what was chosen.
        schema: with the chosen keys.
        entities: the implicit entities.
    """
    asker = _Asker(case, programme, solution, schema, entities)
    asked = sorted((*asker.about_keys(), *asker.about_entities()))
    return tuple(a.question for a in (*asker.about_contradicted(), *asked)[:MAX_QUESTIONS])


class _Asker:
    """Follows answers through."""

    def __init__(
        self,
        case: Case,
        programme: Programme,
        solution: Solution,
        schema: Schema,
        entities: tuple[ImplicitEntity, ...],
    ) -> None:
        self._case, self._programme, self._solution = case, programme, solution
        declared = {
            table.name: frozenset(
                key.referred for key in table.foreign_keys if key.origin is Origin.DECLARED
            )
            for table in schema
        }
        self._now = _World(keys_of(case, programme.choice(solution)), entities, declared)

    def _supposing(self, place: int, *, true: bool) -> _World:
        case = self._case.supposing(place, true=true)
        solution = self._programme.solve(case.beliefs, case.verdicts, self._solution)
        keys = keys_of(case, self._programme.choice(solution))
        standing = tuple(e for e in self._now.entities if _stands(e, self._now.keys, keys))
        return _World(keys, standing, self._now.declared)

    def _doubtful(self) -> list[int]:
        """Return the doubtful candidates: chosen ones first, then the likeliest."""
        low, high = DOUBTFUL
        case, holds = self._case, self._now.keys.by_id
        open_ones = [
            place
            for place, chance in enumerate(case.chances)
            if low <= chance < high and place not in case.verdicts
        ]
        closest = sorted(open_ones, key=lambda i: abs(case.chances[i] - 0.5))[:MAX_EXAMINED]
        return sorted(closest, key=lambda i: (case.places.ids[i] not in holds, -case.chances[i], i))

    def about_keys(self) -> Iterator[_Asked]:
        """Ask about chosen keys that are in doubt, and about those that might be missing.

        A rival of a key that is asked about, or beyond doubt, is not asked about itself.
        """
        settled = {key for key, p in self._now.keys.by_id.items() if p >= DOUBTFUL[1]}
        asked: set[Hashable] = set()
        for place in self._doubtful():
            key, rivals = self._case.places.ids[place], group(self._case.places.candidates[place])
            if rivals in asked:
                continue
            yes = self._supposing(place, true=True)
            displaced = self._now.keys.by_id.keys() - yes.keys.by_id.keys()
            if displaced & settled:
                continue
            no = self._supposing(place, true=False)
            settled.add(key)
            asked.add(rivals)
            other = no if key in self._now.keys.by_id else yes
            yield self._asked(key, _text(key), self._case.chances[place], yes, no, other)

    def about_contradicted(self) -> Iterator[_Asked]:
        """Ask again where data speak against what a person accepted."""
        references = (*self._case.found.singles, *self._case.found.composites)
        for place, c in enumerate(references, len(self._case.found.keys)):
            if self._case.verdicts.get(place) and 0 < c.inclusion < MIN_INCLUSION:
                key = self._case.places.ids[place]
                text = (
                    f"Only {c.inclusion:.1%} of the values of {key.place} are in {key.aim}. "
                    "Is the accepted key right?"
                )
                no = self._supposing(place, true=False)
                yield self._asked(key, text, c.inclusion, self._now, no, no)

    def about_entities(self) -> Iterator[_Asked]:
        """Ask about implicit entities that are in doubt."""
        low, high = DOUBTFUL
        for entity in self._now.entities:
            if low <= entity.confidence < high:
                without = tuple(e for e in self._now.entities if e is not entity)
                no = _World(self._now.keys, without, self._now.declared)
                tables = ", ".join(str(member.table) for member in entity.members)
                columns = ", ".join(entity.columns)
                text = f"Do ({columns}) identify the same thing in {tables}?"
                key = entity_ids(entity)[0]
                yield self._asked(key, text, entity.confidence, self._now, no, no)

    def _asked(
        self, key: KeyId, text: str, chance: float, yes: _World, no: _World, other: _World
    ) -> _Asked:
        accepted = list(self._effects(key, yes, accepted=True))
        rejected = list(self._effects(key, no, accepted=False))
        question = Question(
            str(key),
            text,
            if_accepted=_sentence("it holds" if other is yes else ASSUMED, accepted),
            if_rejected=_sentence("it falls" if other is no else ASSUMED, rejected),
            confidence=round(chance, 4),
        )
        return _Asked(question, self._weight(other))

    def _weight(self, other: _World) -> int:
        """Return how many keys, contexts and entities hang on an answer."""
        keys = self._now.keys.by_id.keys() ^ other.keys.by_id.keys()
        rooted = self._now.parents.keys() ^ other.parents.keys()
        return len(keys) + len(rooted) + len(self._now.entities) - len(other.entities)

    def _effects(self, about: KeyId, then: _World, *, accepted: bool) -> Iterator[str]:
        yield from _uniqueness(about, then, accepted=accepted)
        yield from self._values(about, then)
        before, after = self._now.keys.by_id, then.keys.by_id
        gone = [k for k in before if k not in after and k != about]
        come = [k for k in after if k not in before and k != about]
        yield from _primary_changes(gone, come, after)
        yield from _listed("falls", "fall", [k for k in gone if k.kind is Kind.FOREIGN])
        new = [k for k in come if k.kind is Kind.FOREIGN]
        yield from _listed("is then assumed", "are then assumed", new)
        for entity in self._now.entities:
            if entity not in then.entities and about not in entity_ids(entity):
                yield f"the implicit entity {entity.name} falls"
        yield from self._contexts(then)

    def _values(self, about: KeyId, then: _World) -> Iterator[str]:
        """Say what becomes of a reference's own values, where that changes."""
        before, after = about in self._now.keys.by_id, about in then.keys.by_id
        if about.kind is not Kind.FOREIGN or before == after:
            return
        if after:
            yield f"every value is then a key of {about.referred}"
        elif not any(
            c.table == about.table and set(about.columns) & set(c.columns)
            for c, _ in then.keys.foreign
        ):
            yield "its values are learned like those of any other column"

    def _contexts(self, then: _World) -> Iterator[str]:
        before, after = self._now.parents, then.parents
        lost = [
            f"{table} has no parent left and is generated on its own"
            for table in sorted(before.keys() - after.keys())
        ]
        won = [
            f"{table} can be generated in the context of {' or '.join(sorted(after[table]))}"
            for table in sorted(after.keys() - before.keys())
        ]
        yield from _first(lost, "tables lose their only parent")
        yield from _first(won, "tables get a parent")


def _stands(entity: ImplicitEntity, before: Keys, after: Keys) -> bool:
    """Tell whether the references that an implicit entity determines are still there."""
    first = entity.members[0]
    determined = {(name,) for name in first.determined}

    def held(keys: Keys) -> bool:
        return any(c.table == first.table and c.columns in determined for c, _ in keys.foreign)

    return held(after) or not held(before)


def _uniqueness(about: KeyId, then: _World, *, accepted: bool) -> Iterator[str]:
    if about.kind is not Kind.PRIMARY:
        return
    referring = [
        c
        for c, _ in then.keys.foreign
        if c.referred == about.table and set(c.referred_columns) == set(about.columns)
    ]
    if not accepted and about.table not in then.keys.primary:
        yield f"{about.table} has no primary key"
    yield f"its values {'stay' if accepted or referring else 'need not stay'} unique"
    if referring:
        refer = "1 foreign key refers" if len(referring) == 1 else f"{len(referring)} refer"
        yield f"{refer} to it" + ("" if accepted else " all the same")


def _primary_changes(
    gone: Sequence[KeyId], come: Sequence[KeyId], chances: Mapping[KeyId, float]
) -> Iterator[str]:
    new = {key.table: key for key in come if key.kind is Kind.PRIMARY}
    for key in new.values():
        yield f"{key.aim} becomes the primary key of {key.table} ({chances[key]:.2f})"
    for key in gone:
        if key.kind is Kind.PRIMARY and key.table not in new:
            yield f"{key.aim} is no longer the primary key of {key.table}"


def _listed(one: str, many: str, keys: Sequence[KeyId]) -> Iterator[str]:
    named = [f"{key.place} -> {key.aim}" for key in keys[:LISTED]]
    if len(keys) > LISTED:
        yield f"{', '.join(named)} and {len(keys) - LISTED} more {many}"
    elif named:
        yield f"{' and '.join(named)} {one if len(named) == 1 else many}"


def _first(lines: Sequence[str], what: str) -> Iterator[str]:
    yield from lines[:LISTED]
    if len(lines) > LISTED:
        yield f"{len(lines) - LISTED} more {what}"


def _sentence(first: str, effects: Sequence[str]) -> str:
    """Return what an answer changes as one sentence."""
    rest = effects or ["nothing else changes"]
    return f"{first.capitalize()}: {'; '.join(rest)}."


def _text(key: KeyId) -> str:
    if key.kind is Kind.PRIMARY:
        return f"Is {key.aim} the primary key of {key.table}?"
    return f"Does {key.place} refer to {key.aim}?"
