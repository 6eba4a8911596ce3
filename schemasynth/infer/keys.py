"""Keys of a schema out of evidence: declared ones stay, missing ones are inferred.

Pure functions of models and evidence; the API calls `infer_keys`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from schemasynth.infer.candidates import (
    KeyCandidate,
    ReferenceCandidate,
    composite_references,
    key_candidates,
    single_references,
)
from schemasynth.infer.choice import Choice, choose
from schemasynth.infer.entities import implicit_entities
from schemasynth.infer.evidence import Evidence
from schemasynth.infer.features import Beliefs, Candidates
from schemasynth.infer.naming import Names
from schemasynth.infer.scoring import Model, believe, shipped
from schemasynth.model import ForeignKey, Origin, PrimaryKey, Question, Schema, Table, TableName

ACCEPTED_IF_DECLARING = 0.95
"""Where tables declare foreign keys, a missing one is the exception and needs more evidence."""
DOUBTFUL = (0.4, 0.8)
"""Confidence in which a person should confirm a key."""


def infer_keys(
    schema: Schema, evidence: Evidence, models: Mapping[str, Model] | None = None
) -> Schema:
    """Add the keys that nobody declared.

    Args:
        schema: as reflected.
        evidence: collected from the same tables.
        models: the scoring of each stage; by default what ships with the package.

    Returns:
        The schema with primary keys, foreign keys, implicit entities and questions; declared
        keys are kept as they are, and no inferred one contradicts them.
    """
    found = candidates_of(schema, evidence)
    beliefs = believe(found, models or shipped())
    with_keys = keys_chosen(found, beliefs, choose(found, beliefs))
    referring = {(t.name, key.columns): key for t in with_keys for key in t.foreign_keys}
    primary = {t.name: t.primary_key.columns for t in with_keys if t.primary_key}
    entities = tuple(implicit_entities(schema, evidence, referring, primary))
    return replace(with_keys, implicit_entities=entities)


def keys_chosen(found: Candidates, beliefs: Beliefs, choice: Choice) -> Schema:
    """Return the schema with the chosen keys and the questions they leave.

    Args:
        found: the candidates.
        beliefs: their probabilities.
        choice: what was chosen of them.
    """
    schema = found.schema
    keys = {found.keys[i].table: (found.keys[i], beliefs.keys[i]) for i in choice.keys}
    declaring = {table.name for table in schema if table.foreign_keys}
    composites = [(found.composites[i], beliefs.composites[i]) for i in choice.composites]
    singles = [(found.singles[i], beliefs.singles[i]) for i in choice.singles]
    accepted = [
        (c, p)
        for c, p in [*_without_implied(singles, composites), *composites]
        if p >= ACCEPTED_IF_DECLARING or not {c.table, c.referred} & declaring
    ]
    margins = _margins(found, beliefs)
    tables = tuple(
        _with_keys(table, keys.get(table.name), accepted, found, margins) for table in schema
    )
    questions = tuple(_questions(tables, found, beliefs, accepted))
    return replace(schema, tables=tables, questions=questions)


def candidates_of(schema: Schema, evidence: Evidence) -> Candidates:
    """Return everything that could be a key."""
    names = Names(schema)
    singles = single_references(schema, evidence)
    keys = key_candidates(schema, evidence, names, singles)
    composites = composite_references(schema, evidence, names, keys)
    return Candidates(schema, evidence, names, tuple(keys), tuple(singles), tuple(composites))


Believed = tuple[ReferenceCandidate, float]


def _without_implied(singles: Sequence[Believed], composites: Sequence[Believed]) -> list[Believed]:
    """Drop single keys that follow from a composite one and the parent's own keys."""
    own = {(c.table, c.columns): (c.referred, c.referred_columns) for c, _ in singles}
    implied = {
        (c.table, (here,))
        for c, _ in composites
        for here, there in zip(c.columns, c.referred_columns, strict=True)
        if own.get((c.table, (here,)), 0) == own.get((c.referred, (there,)), 1)
    }
    return [(c, p) for c, p in singles if (c.table, c.columns) not in implied]


def _margins(found: Candidates, beliefs: Beliefs) -> dict[str, float]:
    """Return by reference how much likelier it is than the next for the same columns."""
    rivals: defaultdict[tuple[TableName, tuple[str, ...]], list[float]] = defaultdict(list)
    both = (
        *zip(found.singles, beliefs.singles, strict=True),
        *zip(found.composites, beliefs.composites, strict=True),
    )
    for c, p in both:
        rivals[c.table, c.columns].append(p)
    margins = {}
    for c, p in both:
        others = sorted(rivals[c.table, c.columns], reverse=True)
        best = others[0] if p < others[0] else others[1] if len(others) > 1 else 0.0
        margins[c.id] = round(p - best, 4)
    return margins


def _with_keys(
    table: Table,
    key: tuple[KeyCandidate, float] | None,
    accepted: Sequence[Believed],
    found: Candidates,
    margins: Mapping[str, float],
) -> Table:
    inferred = tuple(
        _foreign_key(c, p, found, margins[c.id]) for c, p in accepted if c.table == table.name
    )
    primary_key = table.primary_key
    if primary_key is None and key is not None:
        primary_key = _primary_key(*key, found)
    return replace(table, primary_key=primary_key, foreign_keys=table.foreign_keys + inferred)


def _primary_key(key: KeyCandidate, belief: float, found: Candidates) -> PrimaryKey:
    named = [found.names.own((key.table, name)) for name in key.columns]
    figures: dict[str, float | bool] = {
        "uniqueness": 1.0,
        "null_share": 0.0,
        "minimal": key.minimal,
        "row_order": round(key.rising, 4),
    }
    if found.names.telling:
        figures["name_score"] = round(sum(named) / len(named), 3)
    return PrimaryKey(
        key.columns, origin=Origin.INFERRED, confidence=round(belief, 4), evidence=figures
    )


def _foreign_key(
    c: ReferenceCandidate, belief: float, found: Candidates, margin: float
) -> ForeignKey:
    pairs = list(zip(c.columns, c.referred_columns, strict=True))
    nulls = [found.evidence.figures[c.table, name].profile.null_share for name in c.columns]
    figures = {
        "inclusion": round(c.inclusion, 6),
        "row_inclusion": round(c.row_inclusion, 6),
        "coverage": round(c.coverage, 6),
        "null_share": round(max(nulls), 4),
        "margin": margin,
    }
    if found.names.telling:
        scores = [found.names.refers((c.table, a), (c.referred, b)) for a, b in pairs]
        figures["name_score"] = round(sum(scores) / len(scores), 3)
    if len(pairs) > 1:
        figures["shuffled_inclusion"] = round(c.shuffled, 6)
    return ForeignKey(
        c.columns,
        c.referred,
        c.referred_columns,
        origin=Origin.INFERRED,
        confidence=round(belief, 4),
        evidence=figures,
    )


def _questions(
    tables: Sequence[Table], found: Candidates, beliefs: Beliefs, accepted: Sequence[Believed]
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
    chosen = {c.id for c, _ in accepted}
    both = (
        *zip(found.singles, beliefs.singles, strict=True),
        *zip(found.composites, beliefs.composites, strict=True),
    )
    for c, p in both:
        if low <= p < high:
            yield _reference_question(c, p, accepted=c.id in chosen)


def _reference_question(c: ReferenceCandidate, belief: float, *, accepted: bool) -> Question:
    here, there = ",".join(c.columns), ",".join(c.referred_columns)
    effect = (
        "If not, its values are learned for themselves."
        if accepted
        else "If so, its values will be keys of that table."
    )
    text = f"Does {c.table}({here}) refer to {c.referred}({there})?"
    return Question(c.id, text, effect, round(belief, 4))
