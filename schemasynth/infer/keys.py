"""Keys of a schema out of evidence: declared ones stay, missing ones are inferred.

Pure functions of models and evidence; the API calls `infer_keys`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from schemasynth.infer import foreign, primary
from schemasynth.infer.entities import implicit_entities
from schemasynth.infer.evidence import Evidence
from schemasynth.infer.foreign import ReferenceCandidate
from schemasynth.infer.primary import KeyCandidate
from schemasynth.model import ForeignKey, Origin, PrimaryKey, Question, Schema, Table, TableName

ACCEPTED_IF_DECLARING = 0.95
"""Where tables declare foreign keys, a missing one is the exception and needs more evidence."""
DOUBTFUL = (0.4, 0.8)
"""Confidence in which a person should confirm a key."""

Primary = Mapping[TableName, KeyCandidate]


def infer_keys(schema: Schema, evidence: Evidence) -> Schema:
    """Add the keys that nobody declared.

    Args:
        schema: as reflected.
        evidence: collected from the same tables.

    Returns:
        The schema with primary keys, foreign keys, implicit entities and questions; declared
        keys are kept as they are, and no inferred one contradicts them.
    """
    keys = _primary_keys(schema, evidence, {}, {})
    singles = foreign.single_candidates(schema, evidence, _columns(keys))
    referenced, refers = _pointing(singles)
    keys = _primary_keys(schema, evidence, referenced, refers)
    chosen = _columns(keys)
    singles = foreign.without_mutual(foreign.single_candidates(schema, evidence, chosen))
    composites = list(foreign.composite_candidates(schema, evidence, chosen))
    candidates = [*foreign.without_implied(singles, composites), *composites]
    documented = _documented(schema)
    accepted = [c for c in candidates if _is_accepted(c, documented)]
    tables = [_with_keys(table, keys.get(table.name), accepted) for table in schema]
    known = {(t.name, key.columns): key for t in tables for key in t.foreign_keys}
    by_columns = {(c.table, c.columns): c for c in accepted if (c.table, c.columns) in known}
    entities = tuple(implicit_entities(schema, evidence, by_columns, chosen))
    questions = tuple(_questions(tables, candidates))
    return replace(schema, tables=tuple(tables), implicit_entities=entities, questions=questions)


def _primary_keys(
    schema: Schema,
    evidence: Evidence,
    referenced: Mapping[TableName, Mapping[str, float]],
    refers: Mapping[TableName, Mapping[str, float]],
) -> dict[TableName, KeyCandidate]:
    result = {}
    for table in schema:
        if table.primary_key is not None:
            result[table.name] = KeyCandidate(table.primary_key.columns, 1.0, {})
            continue
        points = refers.get(table.name, {})
        found = primary.single_candidates(table, evidence, referenced.get(table.name, {}), points)
        if refers and (not found or found[0].confidence < primary.SURE_SINGLE):
            found += primary.composite_candidates(table, evidence, points)
        best = max(found, key=lambda c: c.confidence, default=None)
        if best is not None and best.confidence >= primary.MIN_CONFIDENCE:
            result[table.name] = best
    return result


def _columns(keys: Primary) -> dict[TableName, tuple[str, ...]]:
    return {name: candidate.columns for name, candidate in keys.items()}


Points = dict[TableName, dict[str, float]]


def _pointing(candidates: Sequence[ReferenceCandidate]) -> tuple[Points, Points]:
    """Return how strongly columns are referred to, and how strongly they refer."""
    referenced: Points = defaultdict(dict)
    refers: Points = defaultdict(dict)
    for candidate in candidates:
        (child,), (parent,) = candidate.columns, candidate.referred_columns
        known = referenced[candidate.referred].get(parent, 0.0)
        referenced[candidate.referred][parent] = max(known, candidate.confidence)
        refers[candidate.table][child] = candidate.confidence
    return referenced, refers


def _with_keys(
    table: Table, key: KeyCandidate | None, accepted: Sequence[ReferenceCandidate]
) -> Table:
    declared = {frozenset(foreign_key.columns) for foreign_key in table.foreign_keys}
    inferred = tuple(
        candidate.key()
        for candidate in accepted
        if candidate.table == table.name and frozenset(candidate.columns) not in declared
    )
    primary_key = table.primary_key
    if primary_key is None and key is not None:
        primary_key = PrimaryKey(
            key.columns,
            origin=Origin.INFERRED,
            confidence=key.confidence,
            evidence=dict(key.evidence),
        )
    return replace(table, primary_key=primary_key, foreign_keys=table.foreign_keys + inferred)


def _documented(schema: Schema) -> dict[TableName, set[tuple[TableName, tuple[str, ...]]]]:
    """Return, for each table that declares foreign keys, what refers to what."""
    return {
        table.name: {(key.referred, key.referred_columns) for key in table.foreign_keys}
        for table in schema
        if table.foreign_keys
    }


def _is_accepted(
    candidate: ReferenceCandidate,
    documented: Mapping[TableName, set[tuple[TableName, tuple[str, ...]]]],
) -> bool:
    """Tell whether a reference is likely enough, and not the reverse of a declared one."""
    reverse = (candidate.table, candidate.columns)
    if reverse in documented.get(candidate.referred, ()):
        return False
    declares = candidate.table in documented or candidate.referred in documented
    return candidate.confidence >= (ACCEPTED_IF_DECLARING if declares else foreign.ACCEPTED)


def _questions(
    tables: Sequence[Table], candidates: Sequence[ReferenceCandidate]
) -> Iterator[Question]:
    low, high = DOUBTFUL
    for table in tables:
        key = table.primary_key
        if key is not None and low <= key.confidence < high:
            yield Question(
                f"pk:{table.name}({','.join(key.columns)})",
                f"Is ({', '.join(key.columns)}) the primary key of {table.name}?",
                "If not, nothing may refer to it, and its values need not be unique.",
                key.confidence,
            )
    for candidate in candidates:
        if low <= candidate.confidence < high:
            yield _reference_question(candidate.key(), candidate)


def _reference_question(key: ForeignKey, candidate: ReferenceCandidate) -> Question:
    here, there = ",".join(key.columns), ",".join(key.referred_columns)
    accepted = candidate.confidence >= foreign.ACCEPTED
    return Question(
        f"fk:{candidate.table}({here})->{key.referred}({there})",
        f"Does {candidate.table}({here}) refer to {key.referred}({there})?",
        "If not, its values are learned for themselves."
        if accepted
        else "If so, its values will be keys of that table.",
        key.confidence,
    )
