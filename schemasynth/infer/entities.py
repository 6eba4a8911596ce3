"""Implicit entities: column sets that several tables share, that are the key of none.

Pure functions of evidence; used by the inference of keys, after foreign keys.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
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
    counted = _Counted(evidence)
    taken: set[TableName] = set()
    for size in range(2, MAX_COLUMNS + 1):
        for chosen in combinations(sorted(shared), size):
            tables = set.intersection(*(set(shared[word]) for word in chosen))
            if len(tables) < 2 or tables & taken:
                continue
            columns = {t: tuple(shared[word][t] for word in chosen) for t in tables}
            entity = _entity(schema, counted, columns, foreign, keys)
            if entity is not None:
                taken |= {member.table for member in entity.members}
                yield entity


def _entity(
    schema: Schema,
    counted: _Counted,
    columns: Mapping[TableName, tuple[str, ...]],
    foreign: Mapping[tuple[TableName, tuple[str, ...]], object],
    keys: Mapping[TableName, tuple[str, ...]],
) -> ImplicitEntity | None:
    evidence = counted.evidence
    if any(set(keys.get(t, ("",))) <= set(c) for t, c in columns.items()):
        return None
    able = {t: c for t, c in columns.items() if _may_repeat(evidence, schema.table(t), c)}
    for first in sorted(able) if len(able) > 1 else ():
        table, key = schema.table(first), able[first]
        referring = _referring(evidence, table, key, foreign)
        if not referring or not _repeats(counted, table, key):
            continue
        if not _determined(counted, table, key, referring):
            continue
        repeated = {t: c for t, c in able.items() if _repeats(counted, schema.table(t), c)}
        others = {
            t: evidence.store.tuple_inclusion(t, c, first, key)
            for t, c in repeated.items()
            if t != first
        }
        members = [t for t, (n, found, _) in others.items() if found >= MIN_SHARED * n]
        if members:
            determined = _determined(counted, table, key, table.column_names)
            return _made(evidence, schema, repeated, first, sorted(members), determined, others)
    return None


class _Counted:
    """Distinct tuples of column sets, each counted once."""

    def __init__(self, evidence: Evidence) -> None:
        """Know nothing yet."""
        self.evidence = evidence
        self._known: dict[tuple[TableName, tuple[str, ...]], int] = {}

    def distinct(self, table: TableName, columns: tuple[str, ...]) -> int:
        """Return the number of distinct tuples without NULLs."""
        if len(columns) == 1:
            return self.evidence.figures[table, columns[0]].profile.distinct
        if (table, columns) not in self._known:
            self._known[table, columns] = self.evidence.store.distinct(table, columns)
        return self._known[table, columns]


def _may_repeat(evidence: Evidence, table: Table, columns: tuple[str, ...]) -> bool:
    """Tell whether the columns could repeat, by what is known of each alone."""
    distinct = [evidence.figures[table.name, c].profile.distinct for c in columns]
    return math.prod(distinct) >= MIN_KEYS and evidence.rows(table) >= MIN_ROWS_A_KEY * max(
        distinct
    )


def _referring(
    evidence: Evidence,
    table: Table,
    columns: tuple[str, ...],
    foreign: Mapping[tuple[TableName, tuple[str, ...]], object],
) -> list[str]:
    """Return the foreign keys of one column that a key of these columns could determine.

    Each key has one value of them but for the exceptions, so they have no more values than that.
    """
    keys = math.prod(evidence.figures[table.name, c].profile.distinct for c in columns)
    most = keys + MAX_EXCEPTIONS * evidence.rows(table)
    return [
        name
        for name in table.column_names
        if name not in columns
        and (table.name, (name,)) in foreign
        and evidence.figures[table.name, name].profile.distinct <= most
    ]


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


def _repeats(counted: _Counted, table: Table, columns: tuple[str, ...]) -> bool:
    """Tell whether the columns repeat as a foreign key does, each adding to the key."""
    distinct = counted.distinct(table.name, columns)
    if distinct < MIN_KEYS or counted.evidence.rows(table) < MIN_ROWS_A_KEY * distinct:
        return False
    parts = combinations(columns, len(columns) - 1)
    return all(distinct >= MIN_GAIN * counted.distinct(table.name, part) for part in parts)


def _determined(
    counted: _Counted, table: Table, columns: tuple[str, ...], names: Sequence[str]
) -> dict[str, float]:
    """Return which columns a key determines and no part of it does, with their exceptions."""
    evidence = counted.evidence
    most = counted.distinct(table.name, columns) + MAX_EXCEPTIONS * evidence.rows(table)
    result = {}
    for name in names:
        figures = evidence.figures[table.name, name]
        if (
            name in columns
            or figures.sort in ("time", "number", "other")
            or figures.profile.distinct < 2
            # Each pair of a key with a second value is an exception.
            or counted.distinct(table.name, (*columns, name)) > most
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
