"""A table on which rules are looked for.

Imports the model and facts; used by all kinds of rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.infer.rules.facts import is_number, is_time
from schemasynth.model import TableName
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    from schemasynth.infer.rules.facts import Facts

MAX_CATEGORIES = 50
"""Different values of a column that is taken for a status, a type or the like."""
MAX_COLUMNS = 250
"""Columns of one type that are looked at; what is tried grows with their square."""


@dataclass(frozen=True)
class Place:
    """A table with a sample of its rows.

    Attributes:
        table: its name.
        facts: of the sample.
        identifying: columns of its primary key, of keys by themselves and of foreign keys.
        foreign: columns of foreign keys.
        settled: columns that something else makes: foreign keys and implicit entities.
        links: columns of each foreign key.
    """

    table: TableName
    facts: Facts
    identifying: frozenset[str]
    foreign: frozenset[str]
    settled: frozenset[str]
    links: tuple[tuple[str, ...], ...]

    def rule(
        self, kind: RuleKind, columns: Sequence[str], rows: int, exceptions: int, how: str = ""
    ) -> Rule:
        """Return a rule of this table."""
        return Rule(kind, self.table, tuple(columns), how=how, rows=rows, exceptions=exceptions)

    @cached_property
    def distinct(self) -> dict[str, int]:
        """How many different values each column has."""
        return {name: int(self.facts.codes(name).max(initial=-1)) + 1 for name in self.names}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Columns whose values can be told apart."""
        kinds = ((name, self.facts.kind(name)) for name in self.facts.columns)
        return tuple(name for name, kind in kinds if not pa.types.is_binary(kind))

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Columns of numbers that measure something."""
        return tuple(self._measures(is_number))

    @cached_property
    def times(self) -> tuple[str, ...]:
        """Columns of dates and times."""
        return tuple(self._measures(is_time))

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Columns of texts that are no keys."""
        return tuple(self._measures(pa.types.is_string))

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Columns of few values, which occur often."""
        most = min(MAX_CATEGORIES, self.facts.rows / 10)
        return tuple(
            name
            for name in self.names
            if 2 <= self.distinct[name] <= most and name not in self.identifying
            if not is_time(self.facts.kind(name))
        )

    def _measures(self, fits: object) -> Iterator[str]:
        assert callable(fits)  # noqa: S101 a predicate of Arrow has no type
        found = 0
        for name in self.names:
            if name in self.identifying or self.distinct[name] < 2:
                continue
            if fits(self.facts.kind(name)) and found < MAX_COLUMNS:
                found += 1
                yield name


def shuffled_share(hits: object, rows: int) -> float:
    """Return a share that is not 0 only because few rows were looked at."""
    return max(float(np.asarray(hits).sum()) / max(rows, 1), 1.0 / max(rows, 1))
