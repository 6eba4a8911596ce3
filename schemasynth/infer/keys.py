"""Keys of a schema out of evidence: declared ones stay, missing ones are inferred.

Pure functions of models and evidence; the API calls `infer_keys`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from schemasynth.errors import SettingsError
from schemasynth.infer.answers import NO_ANSWERS, Answers, entities_under
from schemasynth.infer.candidates import (
    KeyCandidate,
    ReferenceCandidate,
    composite_references,
    key_candidates,
    single_references,
)
from schemasynth.infer.case import Candidate, Case, case_of, group, id_of, is_unique, plain_case
from schemasynth.infer.choice import Choice, Programme
from schemasynth.infer.decision import Keys, keys_of
from schemasynth.infer.entities import implicit_entities
from schemasynth.infer.evidence import ColumnId, Evidence
from schemasynth.infer.features import Beliefs, Candidates
from schemasynth.infer.naming import Names
from schemasynth.infer.questions import questions
from schemasynth.infer.scoring import Model, believe, shipped
from schemasynth.model import (
    ForeignKey,
    ImplicitEntity,
    Origin,
    PrimaryKey,
    Schema,
    Table,
    UniqueKey,
)
from schemasynth.model.keyid import Kind, entity_ids


def infer_keys(
    schema: Schema,
    evidence: Evidence,
    models: Mapping[str, Model] | None = None,
    answers: Answers = NO_ANSWERS,
) -> Schema:
    """Add the keys that nobody declared.

    Args:
        schema: as reflected.
        evidence: collected from the same tables.
        models: the scoring of each stage; by default what ships with the package.
        answers: of a person, about this schema (see `answers_for`); they bind.

    Returns:
        The schema with primary keys, foreign keys, implicit entities and questions; declared
        keys are kept as they are, and no inferred one contradicts them.

    Raises:
        SettingsError: data contradict an answer.
    """
    found = candidates_of(schema, evidence)
    case = case_of(found, believe(found, models or shipped()), answers)
    programme = Programme(case.found)
    solution = programme.solve(case.beliefs, case.verdicts)
    keys = keys_of(case, programme.choice(solution))
    with_keys = _with_keys(case, keys)
    entities = _entities(with_keys, evidence, answers)
    return replace(
        with_keys,
        implicit_entities=entities,
        questions=questions(case, programme, solution, with_keys, entities),
    )


def keys_chosen(found: Candidates, beliefs: Beliefs, choice: Choice) -> Schema:
    """Return the schema with the chosen keys.

    Args:
        found: the candidates.
        beliefs: their probabilities.
        choice: what was chosen of them.
    """
    case = plain_case(found, beliefs)
    return _with_keys(case, keys_of(case, choice))


def candidates_of(schema: Schema, evidence: Evidence) -> Candidates:
    """Return everything that could be a key."""
    names = Names(schema)
    singles = single_references(schema, evidence, names)
    keys = key_candidates(schema, evidence, names, singles)
    composites = composite_references(schema, evidence, names, keys)
    return Candidates(schema, evidence, names, tuple(keys), tuple(singles), tuple(composites))


def _with_keys(case: Case, keys: Keys) -> Schema:
    schema = case.found.schema
    return replace(
        schema,
        tables=tuple(_table(case, table, keys) for table in schema),
    )


def _table(case: Case, table: Table, keys: Keys) -> Table:
    if table.primary_key is None and table.name in keys.primary:
        table = replace(table, primary_key=_primary_key(case, *keys.primary[table.name]))
    foreign = (_foreign_key(case, c, p) for c, p in keys.foreign if c.table == table.name)
    return replace(
        table,
        unique_keys=(*table.unique_keys, *_alternate_keys(case, table, keys)),
        foreign_keys=(*table.foreign_keys, *foreign),
    )


def _alternate_keys(case: Case, table: Table, keys: Keys) -> Iterator[UniqueKey]:
    """Yield what is referred to beside the declared and primary keys, where data are unique."""
    seen = {frozenset(key) for key in table.candidate_keys}
    for c, p in sorted(keys.foreign, key=lambda believed: -believed[1]):
        columns = frozenset(c.referred_columns)
        if c.referred != table.name or columns in seen:
            continue
        seen.add(columns)
        if is_unique(case.found, table.name, c.referred_columns):
            yield UniqueKey(c.referred_columns, origin=_origin(case, c), confidence=round(p, 4))


def _primary_key(case: Case, key: KeyCandidate, belief: float) -> PrimaryKey:
    found = case.found
    rows = found.evidence.rows(found.schema.table(key.table))
    figures: dict[str, float | int | str | bool] = {
        "rows": rows,
        "uniqueness": 1.0,
        "null_share": 0.0,
        "minimal": key.minimal,
        "row_order": round(key.rising, 4),
    }
    figures.update(_sampled(found, [(key.table, name) for name in key.columns]))
    if found.names.telling:
        named = [found.names.own((key.table, name)) for name in key.columns]
        figures["name_score"] = round(sum(named) / len(named), 3)
    origin = _origin(case, key)
    return PrimaryKey(
        key.columns,
        origin=origin,
        confidence=round(belief, 4),
        evidence={**figures, **_rivalry(case, key, origin, belief)},
    )


def _foreign_key(case: Case, c: ReferenceCandidate, belief: float) -> ForeignKey:
    found = case.found
    pairs = list(zip(c.columns, c.referred_columns, strict=True))
    profiles = [found.evidence.figures[c.table, name].profile for name in c.columns]
    figures: dict[str, float | int | str | bool] = {
        "inclusion": round(c.inclusion, 6),
        "coverage": round(c.coverage, 6),
        "null_share": round(max(profile.null_share for profile in profiles), 4),
    }
    ends = [(c.table, a) for a, _ in pairs] + [(c.referred, b) for _, b in pairs]
    figures.update(_sampled(found, ends))
    if len(pairs) == 1:
        figures["values"] = profiles[0].distinct
    if not math.isnan(c.row_inclusion):
        figures["row_inclusion"] = round(c.row_inclusion, 6)
    if found.names.telling:
        scores = [found.names.refers((c.table, a), (c.referred, b)) for a, b in pairs]
        figures["name_score"] = round(sum(scores) / len(scores), 3)
    if len(pairs) > 1:
        figures["shuffled_inclusion"] = round(c.shuffled, 6)
    origin = _origin(case, c)
    return ForeignKey(
        c.columns,
        c.referred,
        c.referred_columns,
        origin=origin,
        confidence=round(belief, 4),
        evidence={**figures, **_rivalry(case, c, origin, belief)},
    )


def _sampled(found: Candidates, columns: Iterable[ColumnId]) -> dict[str, bool]:
    """Say so where some figures come of a part of the rows only."""
    exact = all(found.evidence.figures[column].profile.exact for column in columns)
    return {} if exact else {"sampled": True}


def _origin(case: Case, candidate: Candidate) -> Origin:
    place = case.places.by_id[id_of(candidate)]
    return Origin.OVERRIDE if case.verdicts.get(place) else Origin.INFERRED


def _rivalry(
    case: Case, candidate: Candidate, origin: Origin, belief: float
) -> dict[str, float | str]:
    """Return how far the likeliest rival is behind; nothing where a person decided."""
    if origin is Origin.OVERRIDE:
        return {}
    own = case.places.by_id[id_of(candidate)]
    rivals = [
        i
        for i in case.places.rivals[group(candidate)]
        if i != own and not set(candidate.columns) < set(case.places.ids[i].columns)
    ]
    next_one = max(rivals, key=lambda i: case.chances[i], default=None)
    if next_one is None:
        return {"margin": round(belief, 4)}
    margin = round(belief - case.chances[next_one], 4)
    return {"margin": margin, "next_candidate": case.places.ids[next_one].aim}


def _entities(schema: Schema, evidence: Evidence, answers: Answers) -> tuple[ImplicitEntity, ...]:
    """Return the implicit entities that a person does not reject."""
    referring = {(t.name, key.columns): key for t in schema for key in t.foreign_keys}
    primary = {t.name: t.primary_key.columns for t in schema if t.primary_key}
    found = list(implicit_entities(schema, evidence, referring, primary))
    ids = [own for entity in found for own in entity_ids(entity)]
    for key in answers.accepted:
        if key.kind is Kind.ENTITY and not any(key.covers(own) for own in ids):
            known = ", ".join(str(entity_ids(entity)[0]) for entity in found) or "none"
            raise SettingsError(
                f"{key} is accepted, but no such implicit entity is in the data. Found: {known}."
            )
    return tuple(entities_under(found, answers))
