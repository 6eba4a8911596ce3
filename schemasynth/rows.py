"""A table's rows: in memory as a frame, or in a Parquet file that is read column by column.

Knows nothing of the package but arrays; whatever works on rows takes either form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from schemasynth.arrays import array, frame

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints


class StoredRows:
    """Rows in a Parquet file; each column is read when it is asked for, and not kept.

    Attributes:
        path: the file.
        columns: their names, in order.
    """

    def __init__(
        self,
        path: Path,
        positions: Ints | None = None,
        size: int | None = None,
        replaced: Mapping[str, Array] = MappingProxyType({}),
    ) -> None:
        """Open a file.

        Args:
            path: of a Parquet file.
            positions: which of its rows are meant, in which order; all by default.
            size: how many of its first rows are meant, without `positions`; all by default.
            replaced: columns that have other values than the file, a value a row.
        """
        self.path, self._positions, self._size = path, positions, size
        self._replaced = replaced
        self._schema = pq.read_schema(path)
        self.columns: Sequence[str] = tuple(self._schema.names)

    def __len__(self) -> int:
        """Return the number of rows."""
        if self._positions is not None:
            return len(self._positions)
        if self._size is not None:
            return self._size
        return int(pq.read_metadata(self.path).num_rows)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a column of that name."""
        return name in self.columns

    def __getitem__(self, name: str) -> pd.Series:
        """Read a column, as a series of `pandas.ArrowDtype`."""
        extension = pd.arrays.ArrowExtensionArray
        if name in self._replaced:
            return pd.Series(extension(pa.chunked_array([self._replaced[name]])), name=name)
        place = self.columns.index(name)
        with pq.ParquetFile(self.path) as file:
            # By position: a name with a dot would be read as the path of a nested column.
            values = file.reader.read_column(place)
        if self._positions is not None:
            values = values.combine_chunks().take(pa.array(self._positions, pa.int64()))
        elif self._size is not None:
            values = values.slice(0, self._size)
        return pd.Series(extension(pa.chunked_array(values)), name=name, copy=False)

    def batches(self, rows: int) -> Iterator[pa.RecordBatch]:
        """Yield all rows of the file, in its order; at least one batch, possibly empty.

        Args:
            rows: at most so many a batch.
        """
        with pq.ParquetFile(self.path) as file:
            if not file.metadata.num_rows:
                yield pa.RecordBatch.from_pylist([], schema=file.schema_arrow)
            yield from file.iter_batches(rows)

    def kind(self, name: str) -> pa.DataType:
        """Return the type of a column."""
        return self._schema.field(name).type

    def take(self, positions: Ints) -> StoredRows:
        """Return some of the rows, in another order; nothing is read."""
        chosen = positions if self._positions is None else self._positions[positions]
        places = pa.array(positions, pa.int64())
        replaced = {name: values.take(places) for name, values in self._replaced.items()}
        return StoredRows(self.path, chosen, replaced=replaced)

    def first(self, size: int) -> StoredRows:
        """Return the first rows; nothing is read."""
        size = min(size, len(self))
        replaced = {name: values.slice(0, size) for name, values in self._replaced.items()}
        if self._positions is not None:
            return StoredRows(self.path, self._positions[:size], replaced=replaced)
        return StoredRows(self.path, size=size, replaced=replaced)

    def replace(self, columns: Mapping[str, Array]) -> StoredRows:
        """Return the rows with other values in some columns; nothing is read."""
        return StoredRows(self.path, self._positions, self._size, {**self._replaced, **columns})


Rows: TypeAlias = pd.DataFrame | StoredRows
Tables: TypeAlias = Mapping[str, Rows]
"""Rows by table name as text (`str(TableName)`); columns are `pandas.ArrowDtype`."""


def part(rows: Rows, names: Sequence[str]) -> pd.DataFrame:
    """Return some columns as a frame in memory.

    Args:
        rows: a table.
        names: its columns, in the order wanted.
    """
    return frame({name: array(rows, name) for name in names}, len(rows))


def without_rows(rows: Rows) -> pd.DataFrame:
    """Return a frame of the same columns and types that has no row."""
    if isinstance(rows, pd.DataFrame):
        return rows.iloc[:0]
    return frame({name: pa.nulls(0, rows.kind(name)) for name in rows.columns}, 0)


def first(rows: Rows, size: int) -> Rows:
    """Return the first rows of a table."""
    if size >= len(rows):
        return rows
    return rows.iloc[:size] if isinstance(rows, pd.DataFrame) else rows.first(size)


def at(rows: Rows, positions: Ints) -> Rows:
    """Return the rows at positions, counted from 0 again.

    Args:
        rows: a table.
        positions: of rows, in the order wanted.
    """
    if len(positions) == len(rows) and bool((np.diff(positions) == 1).all()):
        return rows
    taken = rows.take(positions)
    return taken.reset_index(drop=True) if isinstance(taken, pd.DataFrame) else taken


def replaced(rows: Rows, columns: Mapping[str, Array]) -> Rows:
    """Return rows with other values in some of their columns.

    Args:
        rows: a table.
        columns: of the table, a value a row.
    """
    if isinstance(rows, StoredRows):
        return rows.replace(columns)
    known = {str(name): array(rows, str(name)) for name in rows.columns}
    return frame({**known, **columns}, len(rows))
