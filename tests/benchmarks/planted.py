"""Synthetic databases whose keys are known: rows, keys and the files they are written to.

The shapes stand in `planted_composites` and `planted_large`; equal seeds write equal databases.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from planted_names import WORDS, Style

Values: TypeAlias = npt.NDArray[Any]
FIRST_DAY = np.datetime64("2019-01-01")

ATTRIBUTES = (
    "quantity", "price", "amount", "status", "priority", "start_date", "note", "percentage",
    "points", "weight", "description", "level", "discount", "end_date", "page_number", "measure",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reference:
    """A true foreign key; `kind` says what was planted."""

    table: str
    columns: tuple[str, ...]
    referred: str
    referred_columns: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Planted:
    """A database with its truth; `implied` follow from other references and are not declared."""

    name: str
    tables: Mapping[str, pd.DataFrame]
    keys: Mapping[str, tuple[str, ...]]
    references: tuple[Reference, ...]
    implied: tuple[Reference, ...]


class Draft:
    """A database being drawn, in concepts; `finished` names, soils and decorates it."""

    def __init__(self, name: str, seed: Sequence[int], *, dirt: float = 0.0) -> None:
        """Draw a style and a size.

        Args:
            name: of the database.
            seed: of everything drawn.
            dirt: share of a composite reference's rows that will refer to nothing.
        """
        self.name, self.dirt = name, dirt
        self.rng = np.random.default_rng(seed)
        self.style = Style(self.rng)
        self.scale = float(self.rng.choice([0.5, 1.0, 2.0]))
        self.shuffled = self.rng.random() < 0.2
        self.frames: dict[str, pd.DataFrame] = {}
        self.keys: dict[str, tuple[str, ...]] = {}
        self.references: list[Reference] = []

    def size(self, rows: int) -> int:
        """Return about so many rows, larger in a larger database."""
        return max(3, int(rows * self.scale * self.rng.uniform(0.7, 1.3)))

    def codes(self, rows: int) -> Values:
        """Return distinct key values of a kind drawn at random."""
        match self.rng.integers(0, 5):
            case 0 | 1:
                return np.arange(1, rows + 1)
            case 2:
                return np.sort(self.rng.choice(rows * 8 + 20, rows, replace=False)) + 100
            case 3:
                width = max(2, len(str(rows)))
                return np.array([f"{i:0{width}d}" for i in range(1, rows + 1)], dtype=object)
        letter = self.rng.choice(list("ABCDEFGHKLMNPRST"))
        return np.array([f"{letter}{i:03d}" for i in range(1, rows + 1)], dtype=object)

    def add(self, table: str, key: Sequence[str], /, **columns: Values) -> pd.DataFrame:
        """Add a table whose columns are drawn already."""
        self.frames[table] = pd.DataFrame(columns)
        self.keys[table] = tuple(key)
        return self.frames[table]

    def master(self, table: str, rows: int, key: str = "code") -> pd.DataFrame:
        """Add a table with a key of one column."""
        return self.add(table, [key], **{key: self.codes(self.size(rows))})

    def under(
        self,
        table: str,
        parent: str,
        link: Mapping[str, str],
        number: str,
        mean: float,
        kind: str = "",
    ) -> pd.DataFrame:
        """Add rows numbered within those of a parent, to which they refer.

        Args:
            table: the new one; its key is the link's columns and the number.
            parent: the table above.
            link: columns of the table by those of the parent.
            number: column that counts within a parent's row.
            mean: rows a parent's row.
            kind: what is planted.
        """
        above = self.frames[parent]
        each = self.rng.poisson(mean - 0.5, len(above)) + (self.rng.random(len(above)) < 0.5)
        each[self.rng.integers(0, len(above))] += 1
        rows = np.repeat(np.arange(len(above)), each)
        columns = {here: above[there].to_numpy()[rows] for here, there in link.items()}
        counted = np.arange(len(rows)) - np.repeat(np.cumsum(each) - each, each) + 1
        frame = self.add(table, [*link, number], **columns, **{number: counted})
        self.refer(table, link, parent, kind)
        return frame

    def pick(
        self,
        table: str,
        parent: str,
        link: Mapping[str, str],
        kind: str = "",
        *,
        nulls: float = 0.0,
        partly: float = 0.0,
        earlier: bool = False,
    ) -> None:
        """Let rows refer to rows of a parent drawn at random, agreeing in columns they have.

        Args:
            table: gets the columns it lacks; rows with nothing to refer to are dropped, or are
                NULL where NULLs are allowed.
            parent: the referenced table.
            link: columns of the table by those of the parent.
            kind: what is planted.
            nulls: share of rows that refer to nothing.
            partly: share of these where one part is filled all the same (MATCH SIMPLE).
            earlier: only rows above, as in a hierarchy of one table.
        """
        frame, above = self.frames[table], self.frames[parent]
        held = [c for c in link if c in frame.columns]
        new = [c for c in link if c not in frame.columns]
        chosen = self._matches(frame[held], above[[link[c] for c in held]], earlier=earlier)
        if nulls:
            chosen[self.rng.random(len(chosen)) < nulls] = -1
        else:
            frame = frame[chosen >= 0].reset_index(drop=True)
            chosen = chosen[chosen >= 0]
        gone = chosen < 0
        for name in new:
            values = above[link[name]].to_numpy().astype(object)[chosen]
            values[gone] = None
            frame[name] = values if gone.any() else above[link[name]].to_numpy()[chosen]
        if partly and len(new) > 1 and (~gone).any():
            some = np.flatnonzero(gone & (self.rng.random(len(gone)) < partly))
            frame.loc[some, new[0]] = self.rng.choice(frame[new[0]].to_numpy()[~gone], len(some))
        self.frames[table] = frame
        self.refer(table, link, parent, kind)

    def _matches(self, here: pd.DataFrame, there: pd.DataFrame, *, earlier: bool) -> Values:
        """Return for each row the place of a random row that agrees with it, or -1."""
        size = len(there)
        if not len(here.columns):
            limit = np.arange(len(here)) if earlier else np.full(len(here), size)
            drawn = (self.rng.random(len(here)) ** 1.3 * limit).astype(int)
            return np.where(limit > 0, drawn, -1)
        places = pd.DataFrame({"k": [*there.itertuples(index=False, name=None)]}).groupby("k")
        groups = {k: np.asarray(v) for k, v in places.indices.items()}
        found = np.full(len(here), -1)
        for i, row in enumerate(here.itertuples(index=False, name=None)):
            group = groups.get(row, np.zeros(0, dtype=int))
            limit = int(np.searchsorted(group, i)) if earlier else len(group)
            if limit:
                found[i] = group[int(self.rng.integers(0, limit))]
        return found

    def refer(self, table: str, link: Mapping[str, str], parent: str, kind: str = "") -> None:
        """Note a true reference."""
        self.references.append(Reference(table, (*link,), parent, (*link.values(),), kind))

    def dates(self, rows: int, days: int = 1500) -> Values:
        """Return days as text."""
        return (FIRST_DAY + self.rng.integers(0, days, rows)).astype(str).astype(object)

    def keyed(self, table: str, *key: str) -> None:
        """Make columns the key of a table, and drop rows that repeat it."""
        self.frames[table] = self.frames[table].drop_duplicates([*key]).reset_index(drop=True)
        self.keys[table] = key

    def finished(self, width: tuple[int, int] = (1, 5)) -> Planted:
        """Return the database with its names, dirt and other columns.

        Args:
            width: least and most columns added to a table, which refer to nothing.
        """
        references = tuple(self.references)
        for reference in references:
            if self.dirt and len(reference.columns) > 1:
                self._soil(reference)
        tables: dict[str, str] = {}
        columns: dict[str, dict[str, str]] = {}
        frames = {}
        for table, frame in self.frames.items():
            self.decorate(frame, int(self.rng.integers(width[0], width[1] + 1)))
            order = self.rng.permutation(len(frame)) if self.shuffled else np.arange(len(frame))
            tables[table] = _new_name(self.style.table(table), tables)
            named: dict[str, str] = {}
            for column in frame.columns:
                named[column] = _new_name(self.style.column(table, column), named)
            columns[table] = named
            frames[tables[table]] = frame.iloc[order].rename(columns=named)

        def renamed(r: Reference) -> Reference:
            here = tuple(columns[r.table][c] for c in r.columns)
            there = tuple(columns[r.referred][c] for c in r.referred_columns)
            return Reference(tables[r.table], here, tables[r.referred], there, r.kind)

        return Planted(
            self.name,
            frames,
            {tables[t]: tuple(columns[t][c] for c in key) for t, key in self.keys.items()},
            tuple(map(renamed, references)),
            tuple(map(renamed, _implied(references))),
        )

    def _soil(self, reference: Reference) -> None:
        """Let some rows refer to nothing, by a last part that no row of the parent has."""
        frame, name = self.frames[reference.table], reference.columns[-1]
        present = np.flatnonzero(frame[[*reference.columns]].notna().all(axis=1).to_numpy())
        rows = self.rng.choice(present, round(self.dirt * len(present)), replace=False)
        values = frame[name].to_numpy().astype(object)
        whole = all(isinstance(v, (int, np.integer)) for v in values[present])
        top = max(values[present]) if whole else 0
        for i, row in enumerate(rows):
            values[row] = int(top) + 1 + i if whole else f"{values[row]}{i}Z"
        frame[name] = values

    def decorate(self, frame: pd.DataFrame, count: int) -> None:
        """Add columns that refer to nothing."""
        for concept in self.rng.permutation(ATTRIBUTES)[:count]:
            if str(concept) not in frame.columns:
                frame[str(concept)] = self._attribute(str(concept), len(frame))

    def _attribute(self, concept: str, rows: int) -> Values:
        rng = self.rng
        match concept:
            case "price" | "amount" | "measure" | "weight":
                return np.round(rng.gamma(2, 40, rows), 2)
            case "percentage" | "discount":
                return rng.integers(0, 20, rows) * 5
            case "start_date" | "end_date":
                return self.dates(rows)
            case "note" | "description":
                words = rng.choice(WORDS, (rows, 3))
                return np.array([" ".join(w).capitalize() for w in words], dtype=object)
            case "status":
                return rng.choice(["A", "B", "P", "X"], rows).astype(object)
            case "priority" | "level":
                return rng.integers(1, 6, rows)
        return rng.integers(1, int(rng.choice([10, 60, 400])), rows)


def _new_name(name: str, taken: Mapping[str, str]) -> str:
    used = {t.lower() for t in taken.values()}
    if name.lower() not in used:
        return name
    return next(f"{name}{i}" for i in range(2, 1000) if f"{name}{i}".lower() not in used)


def _implied(references: Sequence[Reference]) -> list[Reference]:
    """Return the references that follow from two others, again and again."""
    known = {(r.table, frozenset(zip(r.columns, r.referred_columns, strict=True)), r.referred): r
             for r in references}  # fmt: skip
    declared = set(known)
    grown = True
    while grown:
        grown = False
        for a in [*known.values()]:
            for b in references:
                if a.referred != b.table or not set(b.columns) <= set(a.referred_columns):
                    continue
                back = dict(zip(a.referred_columns, a.columns, strict=True))
                here = tuple(back[c] for c in b.columns)
                ends = (a.table, frozenset(zip(here, b.referred_columns, strict=True)), b.referred)
                if ends not in known and (a.table, here) != (b.referred, b.referred_columns):
                    known[ends] = Reference(a.table, here, b.referred, b.referred_columns)
                    grown = True
    return [r for ends, r in known.items() if ends not in declared]


def write(planted: Planted, folder: Path) -> Path:
    """Write a database as keybench lays its own out; returns the SQLite file without keys."""
    place = folder / planted.name
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{planted.name}.stripped.sqlite"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    with connection:
        for table, frame in planted.tables.items():
            _write_table(connection, table, frame)
    connection.close()
    truth = {
        "name": planted.name,
        "tables": {table: len(frame) for table, frame in planted.tables.items()},
        "primary_keys": {table: [*key] for table, key in planted.keys.items()},
        "foreign_keys": [_said(r) for r in planted.references],
        "documented_but_undeclared_foreign_keys": [_said(r) for r in planted.implied],
    }
    (place / "truth.json").write_text(json.dumps(truth, indent=1), "utf-8")
    return path


def _said(reference: Reference) -> dict[str, object]:
    return {
        "table": reference.table,
        "columns": [*reference.columns],
        "referred_table": reference.referred,
        "referred_columns": [*reference.referred_columns],
        "kind": reference.kind,
    }


def _write_table(connection: sqlite3.Connection, table: str, frame: pd.DataFrame) -> None:
    values = [[_native(v) for v in frame[column]] for column in frame.columns]
    parts = ", ".join(
        f'"{column}" {_type(held)}' for column, held in zip(frame.columns, values, strict=True)
    )
    connection.execute(f'CREATE TABLE "{table}" ({parts})')
    marks = ", ".join("?" * len(values))
    rows = zip(*values, strict=True)
    connection.executemany(f'INSERT INTO "{table}" VALUES ({marks})', rows)


def _native(value: Any) -> Any:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value


def _type(values: Sequence[Any]) -> str:
    kinds = {type(v) for v in values if v is not None}
    if kinds == {int}:
        return "INTEGER"
    if float in kinds:
        return "NUMERIC(12, 2)"
    if values and all(v is None or (len(v) == 10 and v[4] == v[7] == "-") for v in values):
        return "DATE"
    return f"VARCHAR({max((len(v) for v in values if v), default=1)})"
