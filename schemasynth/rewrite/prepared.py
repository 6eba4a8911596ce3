"""What the generator gets: tables with one surrogate key each and single-column references.

Imports the plan's values only; rewrites produce it, the generator consumes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from schemasynth.plan.model import Encoding

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.rows import Tables

Frames: TypeAlias = "Mapping[str, pd.DataFrame]"
"""Frames by table name as text (`str(TableName)`); columns are `pandas.ArrowDtype`."""


@dataclass(frozen=True, slots=True)
class PreparedColumn:
    """A column to be learned."""

    name: str
    encoding: Encoding


@dataclass(frozen=True, slots=True)
class PreparedReference:
    """A column that holds the key of a row of `table`."""

    column: str
    table: str
    is_context: bool


@dataclass(frozen=True, slots=True)
class PreparedTable:
    """A table as the generator sees it.

    Attributes:
        name: as in `Frames`; any text, the generator gives it an alias.
        key: the column that identifies a row: unique, not NULL, integers in the source's frame,
            text the generator made in a synthetic one.
        columns: to be learned; may be empty.
        references: at most one with `is_context`.
        size: rows to generate, for a table without a context reference.
    """

    name: str
    key: str
    columns: tuple[PreparedColumn, ...]
    references: tuple[PreparedReference, ...] = ()
    size: int = 0


@dataclass(frozen=True, slots=True)
class Source:
    """What was read of a source: all of it, or a sample.

    Attributes:
        rows: of each table; those to which others only refer stand last.
        chosen: number of rows to be learned, by table that has others too.
        held_out: number of rows right after them that are kept from the generator.
        keys: key columns of all rows, by table of which not all rows are there.
        laws: children a parent in the whole source, by name, where a sample cannot tell.
    """

    rows: Tables
    chosen: Mapping[str, int] = field(default_factory=dict)
    keys: Tables = field(default_factory=dict)
    laws: Frames = field(default_factory=dict)
    held_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repair:
    """What was changed on restore so that constraints hold: counted, never silent."""

    table: str
    what: str
    rows: int


@dataclass(frozen=True, slots=True)
class Prepared:
    """The source's rows on their way through the generator.

    Attributes:
        tables: what the generator learns, parents first.
        frames: their rows.
        kept: what `restore` needs of the source: key values to be disjoint from, shapes of
            hierarchies, reference rows; private, wiped with the workspace.
    """

    tables: tuple[PreparedTable, ...]
    frames: Tables
    kept: Frames = field(default_factory=dict)
