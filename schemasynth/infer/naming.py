"""What the names of one schema say: words of every column, and how they speak of each other.

Pure; used by candidates and features. Scores are NaN where the names mean nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING

from schemasynth.infer.evidence import ColumnId
from schemasynth.infer.names import (
    KEY_WORDS,
    hierarchical,
    own_key_score,
    prefix,
    reference_score,
    similar,
    stem,
    without_key_words,
    words,
)
from schemasynth.model import Schema, TableName

if TYPE_CHECKING:
    from schemasynth.infer.candidates import ReferenceCandidate

_NUMBERED = re.compile(r"[A-Za-z]{0,6}[_-]?\d+")
MEANINGLESS_SHARE = 0.8
"""Share of columns called by a number, like ``c1`` or ``field_12``: more, and names say nothing."""


class Names:
    """The words of all tables and columns of a schema, prefixes stripped."""

    def __init__(self, schema: Schema) -> None:
        """Split every name once."""
        self._prefixes = {table.name: prefix(table.column_names) for table in schema}
        columns = [(t.name, c) for t in schema for c in t.column_names]
        numbered = sum(_NUMBERED.fullmatch(c) is not None for _, c in columns)
        self.telling = numbered < MEANINGLESS_SHARE * len(columns)
        self._words = {c: stem(c[1], self._prefixes[c[0]]) for c in columns}
        self._tables = {table.name: words(table.name.name) for table in schema}
        self._shared = Counter(
            word
            for table in schema
            for word in {self._words[table.name, c] for c in table.column_names}
        )

    def alike(self, left: ColumnId, right: ColumnId) -> float:
        """Return how much two columns' names are alike; 0 where names say nothing."""
        return similar(self._words[left], self._words[right]) if self.telling else 0.0

    def likely(self, table: TableName, column: str, candidate: ReferenceCandidate) -> float:
        """Return how likely a reference is before scoring: its name, or its inclusion."""
        if not self.telling:
            return candidate.inclusion * (0.5 + 0.5 * candidate.coverage)
        return self.refers((table, column), (candidate.referred, candidate.referred_columns[0]))

    def refers(self, child: ColumnId, parent: ColumnId) -> float:
        """Return how well a column's name says that it refers to another one."""
        if not self.telling:
            return math.nan
        return reference_score(
            self._words[child],
            self._tables[parent[0]],
            self._words[parent],
            own=child[0] == parent[0],
        )

    def pair(self, child: ColumnId, parent: ColumnId) -> tuple[float, ...]:
        """Return the scores of a pair, as `PAIR_TERMS` names them."""
        if not self.telling:
            return (math.nan,) * len(PAIR_TERMS)
        here, there = self._words[child], self._words[parent]
        said = without_key_words(here)
        table = self._tables[parent[0]]
        named = without_key_words(table) or table
        overlap = len(set(said) & set(named))
        return (
            self.refers(child, parent),
            similar(here, there),
            float(child[1].lower() == parent[1].lower()),
            similar(said, named) if said else 0.0,
            overlap / len(set(said)) if said else 0.0,
            overlap / len(set(named)),
            float(bool(said) and said[-1] == named[-1]),
            float(hierarchical(here)),
            self.own(child),
            self.own(parent),
            float(len(said) < len(here)),
            float(self._shared[here]),
        )

    def own(self, column: ColumnId) -> float:
        """Return how well a column's name says that it identifies its own table."""
        if not self.telling:
            return math.nan
        return own_key_score(self._words[column], self._tables[column[0]])

    def is_key_word(self, column: ColumnId) -> float:
        """Return 1 where a column's name holds a word that means identification."""
        if not self.telling:
            return math.nan
        return float(bool(KEY_WORDS.intersection(self._words[column])))

    def shared(self, column: ColumnId) -> float:
        """Return how many tables have a column of the same name."""
        return float(self._shared[self._words[column]]) if self.telling else math.nan


PAIR_TERMS = (
    "name_score",
    "name_column",
    "name_equal",
    "name_table",
    "name_said",
    "name_named",
    "name_head",
    "name_hierarchy",
    "name_own",
    "name_parent_own",
    "name_key_word",
    "name_shared",
)
