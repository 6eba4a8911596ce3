"""What one scan of a table says of its columns: counts, never values other than extremes of keys.

Imports the model only; inference fills it, the plan reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemasynth.model import TableName


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Statistics of a column.

    Attributes:
        rows: of the table.
        nulls: rows in which it is NULL.
        distinct: different values; NULL is none.
        max_length: characters of the longest value written as text; None if all are NULL.
        exact: False where they come from a sample.
    """

    rows: int
    nulls: int
    distinct: int
    max_length: int | None = None
    exact: bool = True

    @property
    def null_share(self) -> float:
        """NULLs by rows, 0 for an empty table."""
        return self.nulls / self.rows if self.rows else 0.0

    @property
    def unique(self) -> bool:
        """Whether no value stands twice and none is missing."""
        return 0 < self.rows == self.distinct


@dataclass(frozen=True, slots=True)
class Profile:
    """Statistics of every column, by table and column name."""

    columns: Mapping[tuple[TableName, str], ColumnProfile] = field(default_factory=dict)

    def column(self, table: TableName, name: str) -> ColumnProfile:
        """Return the statistics of a column.

        Raises:
            KeyError: it was not profiled.
        """
        return self.columns[table, name]
