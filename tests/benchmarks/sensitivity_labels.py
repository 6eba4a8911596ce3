"""Columns labelled by reading, and what the detection says of the same columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from there_and_back import read
from tsocial import social

from schemasynth.infer.sensitivity import find_sensitive, inherited, sharing
from schemasynth.model.sensitivity import Sensitivity

LABELS = Path(__file__).parents[1] / "data" / "sensitivity" / "labels.csv"


@dataclass(frozen=True, slots=True)
class Judged:
    """One column: its label, and what was found."""

    database: str
    column: str
    kind: str
    direct: bool
    found: Sensitivity | None

    @property
    def found_direct(self) -> bool:
        """Whether it was taken as a direct identifier."""
        return self.found is not None and self.found.direct


@dataclass(frozen=True, slots=True)
class Score:
    """Recall and precision of direct identifiers, and the columns that were judged wrong."""

    recall: float
    precision: float
    columns: int
    missed: tuple[str, ...]
    false: tuple[str, ...]


def labels() -> dict[str, dict[tuple[str, str], tuple[str, bool]]]:
    """Return the labels by database, then table and column."""
    found: dict[str, dict[tuple[str, str], tuple[str, bool]]] = {}
    with LABELS.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            own = found.setdefault(row["database"], {})
            own[row["table"], row["column"]] = row["kind"], row["direct"] == "1"
    return found


def judged(folder: Path, names: list[str] | None = None) -> Iterator[Judged]:
    """Judge labelled columns.

    Args:
        folder: with databases as keybench has them.
        names: of databases; all by default.
    """
    paths = {p.name.removesuffix(".declared.sqlite"): p for p in folder.rglob("*.declared.sqlite")}
    for name, own in labels().items():
        if names is not None and name not in names:
            continue
        if name == "tsocial":
            made = social()
            schema, frames = made.schema, dict(made.frames)
        else:
            schema, frames = read(paths[name])
        found = inherited(
            schema,
            {t.name: find_sensitive(t.name, t.columns, frames[str(t.name)]) for t in schema},
        )
        found = sharing(schema, found, {t.name: frames[str(t.name)] for t in schema})
        for table in schema:
            for column in table.column_names:
                kind, direct = own[table.name.name, column]
                place = f"{table.name}.{column}"
                yield Judged(name, place, kind, direct, found.get(table.name, {}).get(column))


def score(columns: list[Judged]) -> Score:
    """Return how well direct identifiers were found."""
    hits = sum(c.direct and c.found_direct for c in columns)
    wanted = sum(c.direct for c in columns)
    taken = sum(c.found_direct for c in columns)
    return Score(
        hits / wanted,
        hits / taken,
        len(columns),
        tuple(f"{c.database}:{c.column}" for c in columns if c.direct and not c.found_direct),
        tuple(f"{c.database}:{c.column}" for c in columns if c.found_direct and not c.direct),
    )
