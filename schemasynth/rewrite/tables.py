"""Rewrites of whole tables and plain columns: copied, virtual, learned, fixed, determined.

Imports the base; compiled from the plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import NONE, array, lookup, nulls, take
from schemasynth.dates import written_form
from schemasynth.infer.rules.facts import Facts
from schemasynth.model import TypeFamily
from schemasynth.plan.entity import Member, entity_frame
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, Encoding, ForeignKeyPlan, TablePlan
from schemasynth.rewrite.base import Preparation, Restoration, neutral
from schemasynth.rewrite.prepared import PreparedColumn
from schemasynth.rows import part, without_rows

if TYPE_CHECKING:
    from schemasynth.arrays import Array


def _encoding(column: ColumnPlan, values: Array) -> Encoding:
    """Return how a column is learned: as text where dates written as texts are not all dates.

    The plan looked at a part of the rows, perhaps long ago.
    """
    assert column.encoding is not None  # noqa: S101 checked with the plan
    dates = column.encoding is Encoding.DATETIME and pa.types.is_string(values.type)
    if dates and values.null_count < len(values) and written_form(values) is None:
        return Encoding.CHARACTER
    return column.encoding


@dataclass(frozen=True, slots=True)
class CopiedTable:
    """A reference table: its rows go round the generator."""

    table: TablePlan

    def describe(self) -> str:
        """Say what it does."""
        return f"{self.table.name} is copied."

    def prepare(self, work: Preparation) -> None:
        """Keep the rows."""
        name = str(self.table.name)
        rows = work.source[name]
        work.kept[f"rows:{name}"] = part(rows, list(rows.columns))

    def restore(self, work: Restoration) -> None:
        """Put them back."""
        name = str(self.table.name)
        rows = work.kept[f"rows:{name}"]
        work.rows[name] = len(rows)
        work.columns[name] = {column: array(rows, column) for column in rows.columns}
        for key in self.table.foreign_keys:
            self._detach(work, key)

    def _detach(self, work: Restoration, key: ForeignKeyPlan) -> None:
        """Set keys to NULL that refer to a row which is not there."""
        own, parent = work.columns[str(self.table.name)], str(key.referred)
        optional = [name for name in key.columns if self.table.column(name).nullable]
        if parent not in work.columns or not optional:
            return
        values = [own[name] for name in key.columns]
        found = lookup(values, [work.columns[parent][name] for name in key.referred_columns])
        absent = np.logical_or.reduce([nulls(column) for column in values])
        orphans = (found == NONE) & ~absent
        rows = np.where(orphans, NONE, np.arange(len(orphans)))
        for name in optional:
            own[name] = take(own[name], rows)
        what = f"{parent}: set to NULL, no such row"
        work.repaired(str(self.table.name), what, int(orphans.sum()))


@dataclass(frozen=True, slots=True)
class ImplicitEntity:
    """A virtual parent table for a key that several tables share and none is the list of."""

    table: TablePlan
    members: tuple[Member, ...]

    def describe(self) -> str:
        """Say what it does."""
        tables = ", ".join(member.table for member in self.members)
        key = ", ".join(self.table.primary_key)
        return f"{self.table.name} ({key}) becomes a parent of {tables}; it disappears again."

    def prepare(self, work: Preparation) -> None:
        """Build the virtual table."""
        name, key = str(self.table.name), self.table.primary_key
        work.source[name] = entity_frame(key, self.members, work.source)
        if any(member.table in work.keys for member in self.members):
            keys = {member.table: work.all_keys(member.table) for member in self.members}
            bare = [Member(member.table, member.columns) for member in self.members]
            work.keys[name] = entity_frame(key, bare, keys)

    def restore(self, work: Restoration) -> None:
        """Do nothing: members take their columns from it, and it is left out of the result."""


@dataclass(frozen=True, slots=True)
class LearnedColumns:
    """The columns that the generator learns, checked against their types when they come back."""

    table: TablePlan

    def describe(self) -> str:
        """Say what it does."""
        return f"{len(self._columns)} columns of {self.table.name} are learned."

    @property
    def _columns(self) -> tuple[ColumnPlan, ...]:
        return tuple(c for c in self.table.columns if c.treatment is ColumnTreatment.LEARN)

    def prepare(self, work: Preparation) -> None:
        """Hand the columns over."""
        name = str(self.table.name)
        work.columns.setdefault(name, {})
        work.kept[f"types:{name}"] = without_rows(work.source[name])
        lengths: dict[str, int] = {}
        decimals: dict[str, int] = {}
        for column in self._columns:
            values = work.values(name, column.name)
            work.learn(name, PreparedColumn(column.name, _encoding(column, values)), values)
            if pa.types.is_string(values.type):
                lengths[column.name] = pc.max(pc.utf8_length(values)).as_py() or 0
            elif pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
                places = Facts({column.name: values}, len(values)).decimals(column.name)
                if places is not None:
                    decimals[column.name] = places
        work.kept[f"decimals:{name}"] = pd.DataFrame(
            {"column": list(decimals), "places": list(decimals.values())}
        )
        work.kept[f"lengths:{name}"] = pd.DataFrame(
            {"column": list(lengths), "longest": list(lengths.values())}
        )

    def restore(self, work: Restoration) -> None:
        """Take them back."""
        name = str(self.table.name)
        frame = work.synthetic[name]
        work.rows[name] = len(frame)
        work.columns[name] = {}
        known = work.kept[f"decimals:{name}"]
        decimals = dict(zip(known["column"], known["places"], strict=True))
        for column in self._columns:
            values = array(frame, column.name)
            if column.name in decimals and not pa.types.is_integer(values.type):
                values = pc.round(values, int(decimals[column.name]))
            if not column.nullable:
                values = self._filled(work, column, values)
            work.columns[name][column.name] = self._shortened(work, column, values)

    def _filled(self, work: Restoration, column: ColumnPlan, values: Array) -> Array:
        """Replace NULLs of a NOT NULL column by other values of it."""
        missing = nulls(values)
        if not missing.any():
            return values
        name = str(self.table.name)
        work.repaired(name, f"{column.name}: NULL replaced", int(missing.sum()))
        present = np.flatnonzero(~missing)
        if len(present) == 0:
            return pa.array([neutral(values.type)] * len(values), values.type)
        places = np.arange(len(values))
        draws = work.random(name, column.name, "fill").choice(present, int(missing.sum()))
        places[missing] = draws
        return take(values, places)

    def _shortened(self, work: Restoration, column: ColumnPlan, values: Array) -> Array:
        """Cut text to the column's length, or to the source's longest where that is not kept."""
        limit = column.type.length
        if (
            column.type.family is not TypeFamily.TEXT
            or not limit
            or not pa.types.is_string(values.type)
        ):
            return values
        lengths = work.kept[f"lengths:{self.table.name}"].set_index("column")["longest"]
        limit = max(limit, int(lengths[column.name]))
        long = int(pc.sum(pc.greater(pc.utf8_length(values), limit)).as_py() or 0)
        work.repaired(str(self.table.name), f"{column.name}: text cut to {limit} characters", long)
        return pc.utf8_slice_codeunits(values, 0, limit) if long else values


@dataclass(frozen=True, slots=True)
class FixedColumns:
    """Columns that are NULL or constant by the plan."""

    table: TablePlan

    def describe(self) -> str:
        """Say what it does."""
        return f"NULL and constant columns of {self.table.name} are put back."

    def prepare(self, work: Preparation) -> None:
        """Do nothing: the plan holds the values."""

    @property
    def _columns(self) -> tuple[ColumnPlan, ...]:
        treatments = (ColumnTreatment.NULL, ColumnTreatment.CONSTANT)
        return tuple(c for c in self.table.columns if c.treatment in treatments)

    def restore(self, work: Restoration) -> None:
        """Put them back."""
        name = str(self.table.name)
        for column in self._columns:
            kind = array(work.kept[f"types:{name}"], column.name).type
            constant = pa.scalar(column.value, pa.string()).cast(kind)
            work.columns[name][column.name] = pa.repeat(constant, work.rows[name])


@dataclass(frozen=True, slots=True)
class DeterminedColumns:
    """Columns that an implicit entity determines: not learned, taken from its row again."""

    table: TablePlan
    entities: tuple[tuple[int, TablePlan], ...]

    def describe(self) -> str:
        """Say what it does."""
        names = [c.name for c in self.table.columns if c.treatment is ColumnTreatment.DETERMINED]
        return f"{', '.join(names)} of {self.table.name} come from the implicit entity."

    def prepare(self, work: Preparation) -> None:
        """Do nothing: the entity holds the values."""

    def restore(self, work: Restoration) -> None:
        """Copy the values."""
        name = str(self.table.name)
        for column in self.table.columns:
            if column.treatment is not ColumnTreatment.DETERMINED:
                continue
            for index, entity in self.entities:
                known = work.columns[str(entity.name)]
                if column.name in known:
                    positions = work.parents[name, index]
                    work.columns[name][column.name] = take(known[column.name], positions)
