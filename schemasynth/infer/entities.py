"""Implicit entities: column sets that several tables share, that are the key of none.

Pure functions of evidence; used by the inference of keys, after foreign keys.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations

from schemasynth.infer.evidence import Evidence
from schemasynth.infer.names import words
from schemasynth.model import EntityMember, ImplicitEntity, Schema, Table, TableName

MIN_ROWS_A_KEY = 1.15
"""Rows a key in each member: with fewer it is the key of the table itself."""
MIN_KEYS = 10
MIN_SHARED = 0.5
"""Share of a member's distinct keys found in the first one."""
MIN_GAIN = 1.1
"""Distinct keys by those without one of the columns: each column must add to it."""
MAX_EXCEPTIONS = 0.02
"""Rows that contradict what the key determines."""
MIN_SURPRISE = 20.0
"""Nats by which agreement within repeated keys must exceed chance."""
MAX_COLUMNS = 3


def implicit_entities(
    schema: Schema,
    evidence: Evidence,
    foreign: Mapping[tuple[TableName, tuple[str, ...]], object],
    keys: Mapping[TableName, tuple[str, ...]],
) -> Iterator[ImplicitEntity]:
    """Find implicit entities.

    Args:
        schema: the tables.
        evidence: of them.
        foreign: accepted foreign keys by table and columns.
        keys: primary key of each table that has one.
    """
    by_word: defaultdict[tuple[str, ...], dict[TableName, str]] = defaultdict(dict)
    for table in schema:
        for column in table.columns:
            figures = evidence.figures[table.name, column.name]
            referring = (table.name, (column.name,)) in foreign
            if (
                figures.profile.distinct > 1
                and figures.sort in ("integer", "integer text", "text")
                and not referring
            ):
                by_word[words(column.name)].setdefault(table.name, column.name)
    shared = {word: tables for word, tables in by_word.items() if len(tables) > 1}
    taken: set[TableName] = set()
    for size in range(2, MAX_COLUMNS + 1):
        for chosen in combinations(sorted(shared), size):
            tables = set.intersection(*(set(shared[word]) for word in chosen))
            if len(tables) < 2 or tables & taken:
                continue
            columns = {t: tuple(shared[word][t] for word in chosen) for t in tables}
            entity = _entity(schema, evidence, columns, foreign, keys)
            if entity is not None:
                taken |= {member.table for member in entity.members}
                yield entity


def _entity(
    schema: Schema,
    evidence: Evidence,
    columns: Mapping[TableName, tuple[str, ...]],
    foreign: Mapping[tuple[TableName, tuple[str, ...]], object],
    keys: Mapping[TableName, tuple[str, ...]],
) -> ImplicitEntity | None:
    repeated = {t: c for t, c in columns.items() if _repeats(evidence, schema.table(t), c)}
    if len(repeated) < 2 or any(set(keys.get(t, ("",))) <= set(c) for t, c in columns.items()):
        return None
    for first in sorted(repeated):
        determined = _determined(evidence, schema.table(first), repeated[first])
        if not any((first, (name,)) in foreign for name in determined):
            continue
        others = {
            t: evidence.store.tuple_inclusion(t, c, first, repeated[first])
            for t, c in repeated.items()
            if t != first
        }
        members = [t for t, (n, found, _) in others.items() if found >= MIN_SHARED * n]
        if members:
            return _made(evidence, schema, repeated, first, sorted(members), determined, others)
    return None


def _made(
    evidence: Evidence,
    schema: Schema,
    columns: Mapping[TableName, tuple[str, ...]],
    first: TableName,
    others: list[TableName],
    determined: Mapping[str, float],
    shares: Mapping[TableName, tuple[int, int, int]],
) -> ImplicitEntity:
    members = [EntityMember(first, columns[first], tuple(determined))]
    members += [EntityMember(t, columns[t]) for t in others]
    shared = min(shares[t][1] / shares[t][0] for t in others)
    exceptions = max(determined.values())
    keys = evidence.store.distinct(first, columns[first])
    figures = {
        "keys": keys,
        "rows_a_key": round(evidence.rows(schema.table(first)) / keys, 3),
        "shared": round(shared, 4),
        "exceptions": round(exceptions, 5),
    }
    return ImplicitEntity(
        "_".join(columns[first]),
        columns[first],
        tuple(members),
        confidence=round(0.6 + 0.35 * shared * (1 - exceptions / MAX_EXCEPTIONS), 4),
        evidence=figures,
    )


def _repeats(evidence: Evidence, table: Table, columns: tuple[str, ...]) -> bool:
    """Tell whether the columns repeat as a foreign key does, each adding to the key."""
    distinct = evidence.store.distinct(table.name, columns)
    if distinct < MIN_KEYS or evidence.rows(table) < MIN_ROWS_A_KEY * distinct:
        return False
    return all(
        distinct
        >= MIN_GAIN * evidence.store.distinct(table.name, [c for c in columns if c != left_out])
        for left_out in columns
    )


def _determined(evidence: Evidence, table: Table, columns: tuple[str, ...]) -> dict[str, float]:
    """Return the columns that a key determines and no part of it does, with their exceptions."""
    result = {}
    for name in table.column_names:
        figures = evidence.figures[table.name, name]
        if (
            name in columns
            or figures.sort in ("time", "number", "other")
            or figures.profile.distinct < 2
        ):
            continue
        rows, differing, groups, chance = evidence.store.determination(table.name, columns, name)
        if rows == 0 or differing > MAX_EXCEPTIONS * rows:
            continue
        agreeing = rows - groups - differing
        if agreeing * -math.log(max(min(chance, 1 - 1e-9), 1e-9)) < MIN_SURPRISE:
            continue
        if not any(
            _suffices(evidence, table, part, name)
            for part in combinations(columns, len(columns) - 1)
        ):
            result[name] = differing / rows
    return result


def _suffices(evidence: Evidence, table: Table, part: tuple[str, ...], name: str) -> bool:
    rows, differing, _, _ = evidence.store.determination(table.name, part, name)
    return rows > 0 and differing <= MAX_EXCEPTIONS * rows
