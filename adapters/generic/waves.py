"""Rows in an order in which a database accepts them that checks each statement at once.

Imported by the generic load only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from schemasynth.model import Table

Row: TypeAlias = Mapping[str, Any]


class Waves:
    """Lets rows that refer to rows of their own table wait until those are there.

    Holds the keys of the table and the rows that wait; of other tables nothing.
    """

    def __init__(self, table: Table) -> None:
        """Begin with no rows."""
        self._keys = [key for key in table.foreign_keys if key.referred == table.name]
        self._there: list[set[tuple[Any, ...]]] = [set() for _ in self._keys]
        self._waiting: list[Row] = []

    def ready(self, rows: list[Row]) -> Iterator[list[Row]]:
        """Yield the rows that can be inserted now, one list after the other."""
        if not self._keys:
            yield rows
            return
        self._waiting += rows
        while wave := [row for row in self._waiting if self._is_ready(row)]:
            self._waiting = [row for row in self._waiting if not self._is_ready(row)]
            yield wave
            self._note(wave)

    def rest(self) -> list[Row]:
        """Return the rows whose references were never met: the database judges them."""
        return self._waiting

    def _is_ready(self, row: Row) -> bool:
        return all(
            None in (wanted := _values(row, key.columns))
            or wanted in there
            or wanted == _values(row, key.referred_columns)
            for key, there in zip(self._keys, self._there, strict=True)
        )

    def _note(self, rows: Iterable[Row]) -> None:
        for key, there in zip(self._keys, self._there, strict=True):
            there.update(_values(row, key.referred_columns) for row in rows)


def _values(row: Row, columns: Iterable[str]) -> tuple[Any, ...]:
    return tuple(row.get(column) for column in columns)
