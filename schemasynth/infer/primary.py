"""Primary keys: candidates that are unique in the data, scored by names, place and form.

Pure functions of evidence; used by the inference of keys.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from schemasynth.infer.evidence import MAX_COMPOSITE, ColumnFigures, Evidence
from schemasynth.infer.names import own_key_score, prefix, stem, words
from schemasynth.model import Table

BIAS = -1.2
WEIGHTS: Mapping[str, float] = {
    "name": 2.4,
    "first": 1.6,
    "position": -1.5,
    "integer": 0.5,
    "time": -2.5,
    "long": -1.5,
    "plain text": -0.6,
    "referenced": 2.2,
    "refers": -1.0,
    "few rows": -0.8,
}
"""Log-odds of a unique column to be the primary key, set by hand on public schemas."""
COMPOSITE_BIAS = -1.4
COMPOSITE_WEIGHTS: Mapping[str, float] = {
    "refers": 2.2,
    "name": 0.7,
    "leading": 1.6,
    "position": -1.2,
    "time": -0.3,
    "plain text": -0.8,
    "wide": -0.5,
    "few rows": -0.8,
}
"""The same for unique sets of columns; terms are means over the columns."""
POOL = 9
"""Columns of which sets are tried, the likeliest first: at most 255 sets of up to four."""
PROSE_LENGTH = 30.0
FEW_ROWS = 12
"""Rows below which uniqueness is likely by chance."""
SURE_SINGLE = 0.6
"""Confidence of a single column from which sets of columns are not tried."""
MIN_CONFIDENCE = 0.4
"""Below it a table is said to have no primary key."""


@dataclass(frozen=True, slots=True)
class KeyCandidate:
    """Columns that may be a table's primary key."""

    columns: tuple[str, ...]
    confidence: float
    evidence: Mapping[str, float]


def sigmoid(value: float) -> float:
    """Return the probability of log-odds."""
    return 1 / (1 + math.exp(-value))


def single_candidates(
    table: Table, evidence: Evidence, referenced: Mapping[str, float], refers: Mapping[str, float]
) -> list[KeyCandidate]:
    """Return the unique columns of a table, likeliest first.

    Args:
        table: the table.
        evidence: of its schema.
        referenced: how well other columns' names and values point at a column, 0 to 1.
        refers: how well a column points at another table, 0 to 1.
    """
    own_prefix = prefix(table.column_names)
    found = []
    for position, column in enumerate(table.columns):
        figures = evidence.figures[table.name, column.name]
        if not figures.profile.unique or figures.sort in ("number", "flag", "other"):
            continue
        terms = {
            "name": own_key_score(stem(column.name, own_prefix), words(table.name.name)),
            "first": float(position == 0),
            "position": position / len(table.columns),
            "referenced": referenced.get(column.name, 0.0),
            "refers": refers.get(column.name, 0.0),
            **_form(figures),
        }
        logit = BIAS + sum(WEIGHTS[name] * value for name, value in terms.items())
        found.append(_candidate((column.name,), logit, terms))
    return sorted(found, key=lambda c: -c.confidence)


def _form(figures: ColumnFigures) -> dict[str, float]:
    return {
        "integer": float(figures.sort in ("integer", "integer text")),
        "time": float(figures.sort == "time"),
        "long": float(figures.mean_length > PROSE_LENGTH),
        "plain text": float(figures.sort == "text"),
        "few rows": float(figures.profile.rows < FEW_ROWS),
    }


def _candidate(columns: tuple[str, ...], logit: float, terms: Mapping[str, float]) -> KeyCandidate:
    figures = {name: round(value, 3) for name, value in terms.items() if value}
    return KeyCandidate(columns, round(sigmoid(logit), 4), {"uniqueness": 1.0, **figures})


def composite_candidates(
    table: Table, evidence: Evidence, refers: Mapping[str, float]
) -> list[KeyCandidate]:
    """Return minimal unique sets of columns, likeliest first.

    Args:
        table: one without a sure single key.
        evidence: of its schema; each set asked costs one count.
        refers: how well a column points at another table, 0 to 1.
    """
    pool = _pool(table, evidence, refers)
    rows = evidence.rows(table)
    unique: list[frozenset[str]] = []
    found = []
    for columns in _sets(table, pool):
        members = frozenset(columns)
        if any(known <= members for known in unique) or _too_few(table, columns, evidence, rows):
            continue
        if evidence.store.distinct(table.name, columns) == rows:
            unique.append(members)
            found.append(_composite(table, columns, evidence, refers))
    return sorted(found, key=lambda c: -c.confidence)


def _pool(table: Table, evidence: Evidence, refers: Mapping[str, float]) -> list[str]:
    """Return the columns that may be part of a composite key."""

    def likelihood(item: tuple[int, str]) -> float:
        position, name = item
        said = own_key_score(words(name), words(table.name.name))
        return 2 * refers.get(name, 0.0) + said - 2 * position / len(table.columns)

    possible = [
        (i, column.name)
        for i, column in enumerate(table.columns)
        if _may_be_part(evidence.figures[table.name, column.name])
    ]
    likely = sorted(possible, key=likelihood, reverse=True)[:POOL]
    return [name for _, name in sorted(likely)]


def _may_be_part(figures: ColumnFigures) -> bool:
    profile = figures.profile
    return (
        profile.nulls == 0
        and profile.distinct > 1
        and not profile.unique
        and figures.sort not in ("number", "other")
        and figures.mean_length <= PROSE_LENGTH
    )


def _sets(table: Table, pool: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(2, MAX_COMPOSITE + 1):
        yield from combinations(pool, size)


def _too_few(table: Table, columns: Sequence[str], evidence: Evidence, rows: int) -> bool:
    """Tell whether the columns cannot have as many combinations as the table has rows."""
    product = 1
    for name in columns:
        product *= evidence.figures[table.name, name].profile.distinct
    return product < rows


def _composite(
    table: Table, columns: tuple[str, ...], evidence: Evidence, refers: Mapping[str, float]
) -> KeyCandidate:
    places = [table.column_names.index(name) for name in columns]
    figures = [evidence.figures[table.name, name] for name in columns]
    own_prefix = prefix(table.column_names)
    size = len(columns)
    terms = {
        "refers": sum(refers.get(name, 0.0) for name in columns) / size,
        "name": sum(
            own_key_score(stem(name, own_prefix), words(table.name.name)) for name in columns
        )
        / size,
        "leading": float(places == list(range(size))),
        "position": sum(places) / size / len(table.columns),
        "time": sum(f.sort == "time" for f in figures) / size,
        "plain text": sum(
            f.sort == "text" and not refers.get(n) for n, f in zip(columns, figures, strict=True)
        )
        / size,
        "wide": float(size - 2),
        "few rows": float(evidence.rows(table) < FEW_ROWS),
    }
    logit = COMPOSITE_BIAS + sum(COMPOSITE_WEIGHTS[name] * v for name, v in terms.items())
    return _candidate(columns, logit, terms)
