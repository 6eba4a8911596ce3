"""What the names of one schema say: words of every column, and how they speak of each other.

Pure; used by candidates and features. Scores are NaN where the names mean nothing.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from schemasynth.infer.evidence import ColumnId
from schemasynth.infer.names import (
    KEY_WORDS,
    directed,
    hierarchical,
    is_role,
    is_staff,
    own_key_score,
    prefix,
    reference_score,
    satellite,
    similar,
    stem,
    without_key_words,
    word_likeness,
    words,
)
from schemasynth.model import Schema, TableName

if TYPE_CHECKING:
    from schemasynth.infer.candidates import ReferenceCandidate

_NUMBERED = re.compile(r"[A-Za-z]{0,6}[_-]?\d+")
MEANINGLESS_SHARE = 0.8
"""Share of columns called by a number, like ``c1`` or ``field_12``: more, and names say nothing."""


ELSEWHERE = 0.6
"""Most that a name can say for a column that is named after another table than its own."""
PART = 0.85
"""What a person's part says for a table of people who act for the organisation."""
ASIDE = 0.4
"""What it says for its own table, where that holds no such people and another one does."""
ALIKE = 0.75
"""Likeness from which a column's name is taken for its table's."""


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
        self._named = Counter(without_key_words(w) or w for w in self._tables.values())
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
        score = reference_score(
            self._words[child],
            self._tables[parent[0]],
            self._words[parent],
            own=child[0] == parent[0],
        )
        if is_role(self._words[child]):
            score = self._played(child, parent, score)
        return score if self.home(parent) else min(score, ELSEWHERE)

    def _played(self, child: ColumnId, parent: ColumnId, score: float) -> float:
        """Return the score of a column that speaks of a person's part."""
        if is_staff(self._tables[parent[0]]):
            return score if self._named[without_key_words(self._words[child])] else max(score, PART)
        alone = parent[0] == child[0] and any(is_staff(words) for words in self._tables.values())
        return min(score, ASIDE) if alone else score

    def home(self, column: ColumnId) -> float:
        """Return how far a column is named after its own table rather than another one.

        Returns:
            1 where its name is its table's or only means identification, 0 where it is another
            table's, 0.5 where it is no table's.
        """
        if not self.telling:
            return math.nan
        said = without_key_words(self._words[column])
        own = without_key_words(self._tables[column[0]]) or self._tables[column[0]]
        if not said or said == own:
            return 1.0
        if self._named[said]:
            return 0.0
        return 0.9 if similar(said, own) >= ALIKE else 0.5

    def tells(self, column: str, table: TableName, referred: TableName) -> float:
        """Return how much a column's name is the name of a table."""
        if not self.telling:
            return math.nan
        said = without_key_words(self._words[table, column])
        named = without_key_words(self._tables[referred]) or self._tables[referred]
        return similar(said, named) if said else 0.0

    def upward(self, table: TableName, pairs: Sequence[tuple[str, str]]) -> bool:
        """Tell whether columns that refer within their table speak of a row above."""
        return any(hierarchical(self._words[table, a]) for a, b in pairs if a != b)

    def part(self, child: ColumnId, parent: ColumnId) -> float:
        """Return how well a column's name fits as a part of a reference to a part of a key."""
        if not self.telling:
            return math.nan
        return max(self.alike(child, parent), self.refers(child, parent))

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
            word_likeness(said, named),
            float(is_role(here)) * (0.5 + 0.5 * is_staff(table)),
            float(directed(here)),
            self.home(parent),
            float(satellite(table)) - float(satellite(self._tables[child[0]])),
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
    "name_word",
    "name_role",
    "name_direction",
    "name_home",
    "name_satellite",
)
