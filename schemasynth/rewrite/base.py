"""What a rewrite works on: source columns going in, restored columns coming out.

Imports arrays and the plan's values; every rewrite is built on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import NONE, array, generator
from schemasynth.plan.model import RefreshPlan, TablePlan
from schemasynth.rewrite.prepared import PreparedColumn, PreparedReference, Repair, Source
from schemasynth.rows import Rows, Tables, at, first

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

ROW = "schemasynth:row"
"""The surrogate key of every prepared table: the row's position in the source."""


@dataclass(slots=True)
class Preparation:
    """The source's tables, and what is made of them for the generator.

    Attributes:
        plan: what was decided.
        source: rows to be learned by table, those of implicit entities included.
        seed: of the run.
        read: what was read of the source.
        keys: key columns of all rows, by table of which not all rows are there.
        columns: to be learned, by table.
        specs: how they are learned, by table.
        references: by table.
        kept: what `restore` needs.
        names: words of people's names in the source, folded.
    """

    plan: RefreshPlan
    source: dict[str, Rows]
    seed: int
    read: Source
    keys: dict[str, Rows] = field(default_factory=dict)
    columns: dict[str, dict[str, Array]] = field(default_factory=dict)
    specs: dict[str, list[PreparedColumn]] = field(default_factory=dict)
    references: dict[str, list[PreparedReference]] = field(default_factory=dict)
    kept: dict[str, pd.DataFrame] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, plan: RefreshPlan, read: Source, seed: int) -> Preparation:
        """Begin with what was read of a source."""
        source = {
            name: first(rows, read.chosen.get(name, len(rows))) for name, rows in read.rows.items()
        }
        return cls(plan, source, seed, read, dict(read.keys))

    def values(self, table: str, column: str) -> Array:
        """Return a source column of the rows to be learned."""
        return array(self.source[table], column)

    def measured(self, table: str) -> Rows:
        """Return the rows to be learned and those that are held out: what rules are measured on."""
        rows, learned = self.read.rows[table], len(self.source[table])
        return first(rows, learned + self.read.held_out.get(table, 0))

    def referred(self, table: str, column: str) -> Array:
        """Return a source column of these and of the rows to which others only refer."""
        return array(self.read.rows.get(table, self.source[table]), column)

    def all_keys(self, table: str) -> Rows:
        """Return the rows of a table, or at least the keys of all of them."""
        return self.keys.get(table, self.source[table])

    def learn(self, table: str, spec: PreparedColumn, values: Array) -> None:
        """Give the generator a column to learn."""
        self.columns.setdefault(table, {})[spec.name] = values
        self.specs.setdefault(table, []).append(spec)

    def refer(self, table: str, reference: PreparedReference, positions: Ints) -> None:
        """Give the generator a reference to rows of another table."""
        self.columns.setdefault(table, {})[reference.column] = pa.array(
            positions, pa.int64(), mask=positions < 0
        )
        self.references.setdefault(table, []).append(reference)

    def random(self, *labels: str) -> np.random.Generator:
        """Return a random generator for a purpose."""
        return generator(self.seed, "prepare", *labels)


@dataclass(slots=True)
class Restoration:
    """Synthetic tables, and the rows of the original schema made of them.

    Attributes:
        plan: what was decided.
        synthetic: the generator's tables.
        kept: from the preparation.
        seed: of the run.
        rows: number of rows, by table.
        columns: restored so far, by table.
        parents: row of the referenced table for each row, by table and foreign key.
        shown: by table, foreign key and column: the row whose value stands there although the
            key refers to nothing, because another of its columns is NULL.
        repairs: what had to be changed.
    """

    plan: RefreshPlan
    synthetic: Tables
    kept: Mapping[str, pd.DataFrame]
    seed: int
    rows: dict[str, int] = field(default_factory=dict)
    columns: dict[str, dict[str, Array]] = field(default_factory=dict)
    parents: dict[tuple[str, int], Ints] = field(default_factory=dict)
    shown: dict[tuple[str, int, str], Ints] = field(default_factory=dict)
    repairs: list[Repair] = field(default_factory=list)

    def random(self, *labels: str) -> np.random.Generator:
        """Return a random generator for a purpose."""
        return generator(self.seed, "restore", *labels)

    def repaired(self, table: str, what: str, rows: int) -> None:
        """Count rows that were changed so that a constraint holds."""
        if rows:
            self.repairs.append(Repair(table, what, rows))

    def keep_rows(self, table: TablePlan, positions: Ints) -> None:
        """Keep only some rows of a table, of which no other row depends yet."""
        name = str(table.name)
        chosen = pa.array(positions, pa.int64())
        self.rows[name] = len(positions)
        self.columns[name] = {k: v.take(chosen) for k, v in self.columns[name].items()}
        for owner, index in list(self.parents):
            if owner == name:
                self.parents[owner, index] = self.parents[owner, index][positions]
        for place in [place for place in self.shown if place[0] == name]:
            self.shown[place] = self.shown[place][positions]
        if name in self.synthetic:
            frames = dict(self.synthetic)
            frames[name] = at(frames[name], positions)
            self.synthetic = frames


class Rewrite(Protocol):
    """One reversible step of the way through the generator."""

    @property
    def table(self) -> TablePlan:
        """The table it works on."""

    def describe(self) -> str:
        """Say what it does and what comes back, in one line."""

    def prepare(self, work: Preparation) -> None:
        """Add to what the generator gets, and to what `restore` needs."""

    def restore(self, work: Restoration) -> None:
        """Make the table's own columns again."""


def nothing(rows: int) -> Ints:
    """Return positions that refer to nothing."""
    return np.full(rows, NONE, dtype=np.int64)


def neutral(kind: pa.DataType) -> object:
    """Return a value for a NOT NULL column for which there is no value to take."""
    if pa.types.is_string(kind):
        return ""
    if pa.types.is_binary(kind):
        return b""
    if pa.types.is_temporal(kind):
        storage = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.scalar(0, storage).cast(kind).as_py()
    return pa.scalar(0, pa.int64()).cast(kind, safe=False).as_py()
