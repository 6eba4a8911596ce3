"""What data say of columns: figures of each, and how the values of one lie in another.

Imports the model only; filled by the ways of collecting, read by all of inference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.infer.profile import ColumnProfile, Profile
from schemasynth.model import Schema, Table, TableName

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from schemasynth.infer.evidence.store import Store

    Codes: TypeAlias = npt.NDArray[np.integer[Any]]
    Measured: TypeAlias = npt.NDArray[np.float64]

KEY_LENGTH = 100
"""Longest value of a key column, in characters: longer text is prose, not a key."""
UNIQUE_SHARE = 0.9
"""Distinct values by rows from which a column may be a referenced key despite dirt."""
MIN_INCLUSION = 0.5
"""Share of a column's distinct values found in another from which the pair is looked at: a
third of real foreign keys is violated by its own data, so there is no exact gate."""
MIN_ROW_INCLUSION = 0.8
"""The same by rows: a few orphans outnumber the values of a column that has only some."""

ColumnId: TypeAlias = tuple[TableName, str]


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """What one scan says of a column.

    Attributes:
        profile: counts.
        sort: what the values are: integer, number, text, time, other.
        minimum: smallest value of numbers and times as a number.
        maximum: largest.
        mean_length: characters of the values as text.
        spaced: share of values with a space: prose or names rather than codes.
        digits: share of values with a digit.
        rising: share of head rows whose value is above that of the row before.
        steady: the same, or equal to it.
    """

    profile: ColumnProfile
    sort: str
    minimum: float | None = None
    maximum: float | None = None
    mean_length: float = 0.0
    spaced: float = 0.0
    digits: float = 0.0
    rising: float = 0.0
    steady: float = 0.0


@dataclass(frozen=True, slots=True)
class Inclusion:
    """How the values of one column lie in another's.

    Attributes:
        share: distinct values of the child found in the parent, by distinct values.
        coverage: by the parent's distinct values.
        row_share: rows of the child whose value is in the parent, by rows with a value.
    """

    share: float
    coverage: float
    row_share: float = 1.0


class Inclusions(Mapping[tuple[ColumnId, ColumnId], Inclusion]):
    """Inclusions by pairs of columns, child first; kept as arrays, for there are millions."""

    def __init__(
        self, columns: Sequence[ColumnId], ends: Codes, child: Codes, measured: Measured
    ) -> None:
        """Take pairs in the order of parents, those of a parent in the order of children.

        Args:
            columns: what the pairs number.
            ends: of each parent, the place after its last pair.
            child: of each pair.
            measured: share, coverage and row share of each pair, a row.
        """
        self._columns = columns
        self._places = {column: i for i, column in enumerate(columns)}
        self._child, self._measured = child, measured
        self._bounds = [0, *ends.tolist()]

    @classmethod
    def of(cls, pairs: Mapping[tuple[ColumnId, ColumnId], Inclusion]) -> Inclusions:
        """Return the same inclusions as arrays."""
        import numpy as np

        columns = list(dict.fromkeys(column for pair in pairs for column in pair))
        places = {column: i for i, column in enumerate(columns)}
        ordered = sorted(
            (places[parent], places[child], (i.share, i.coverage, i.row_share))
            for (child, parent), i in pairs.items()
        )
        parents = np.array([parent for parent, _, _ in ordered], dtype=np.int32)
        counts = np.bincount(parents, minlength=len(columns))
        child = np.array([child for _, child, _ in ordered], dtype=np.int32)
        measured = np.array([m for _, _, m in ordered]).reshape(-1, 3)
        return cls(columns, np.cumsum(counts), child, measured)

    def __getitem__(self, pair: tuple[ColumnId, ColumnId]) -> Inclusion:
        """Return how the first column lies in the second one."""
        import numpy as np

        child, parent = (self._places[column] for column in pair)
        start, end = self._bounds[parent : parent + 2]
        place = start + int(np.searchsorted(self._child[start:end], child))
        if place == end or self._child[place] != child:
            raise KeyError(pair)
        return Inclusion(*self._measured[place].tolist())

    def __iter__(self) -> Iterator[tuple[ColumnId, ColumnId]]:
        """Yield the pairs, parent by parent."""
        for parent in self._columns:
            for child, _ in self.into(parent):
                yield child, parent

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._child)

    def into(self, parent: ColumnId) -> Iterator[tuple[ColumnId, Inclusion]]:
        """Yield the columns that lie in another one, and how they do."""
        place = self._places.get(parent)
        if place is None:
            return
        part = slice(*self._bounds[place : place + 2])
        rows = zip(self._child[part].tolist(), self._measured[part].tolist(), strict=True)
        for child, figures in rows:
            yield self._columns[child], Inclusion(*figures)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that data say of the keys of a schema.

    Attributes:
        figures: of each column.
        inclusions: of pairs of columns, child first; only from `MIN_INCLUSION` or
            `MIN_ROW_INCLUSION` on.
        store: answers questions on column sets while it is open.
    """

    figures: Mapping[ColumnId, ColumnFigures]
    inclusions: Inclusions
    store: Store = field(repr=False)

    @property
    def profile(self) -> Profile:
        """The counts, for the planner."""
        return Profile({column: figures.profile for column, figures in self.figures.items()})

    def counted(self, schema: Schema) -> Schema:
        """Return a schema with the number of rows that were read of each table."""
        return replace(
            schema,
            tables=tuple(replace(table, row_count=self.rows(table)) for table in schema),
        )

    def rows(self, table: Table) -> int:
        """Return the rows of a table."""
        first = table.columns[0].name
        return self.figures[table.name, first].profile.rows if table.columns else 0
