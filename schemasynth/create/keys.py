"""Room in keys and rows: which texts get a limit so that a key can hold them, which keys cannot.

Imports the model; used by the draft of a new schema.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from schemasynth.create.dialects import Holds
from schemasynth.create.types import Typed
from schemasynth.load.preflight import Place
from schemasynth.model import Schema, Table, TableName

KEY_CHARACTERS = 255
"""What a text of a key may have where its source sets no limit: more than any code has."""
SPARE_CHARACTERS = 20
"""Texts may become a little longer than those of the source."""
_FIXED = 8
"""Bytes of numbers and times, at most."""
_POINTER = 12
"""Bytes of a text or of octets that lie outside their row."""
_LENGTH = 2
"""Bytes that say how long a text is."""


class KeyRoom:
    """What keys a target can hold.

    Attributes:
        fitted: the types of texts that got a limit, or lost theirs.
    """

    def __init__(
        self,
        schema: Schema,
        holds: Holds,
        types: Mapping[Place, Typed],
        groups: Sequence[Sequence[Place]],
        longest: Mapping[Place, int],
    ) -> None:
        """Fit the texts of keys into them, then the texts of rows into those."""
        self.schema, self.holds, self.types = schema, holds, dict(types)
        self.fitted: dict[Place, Typed] = {}
        self._lost: dict[TableName, set[str]] = {}
        if not holds.unbounded_keys:
            self._limit(groups, longest)
        if holds.row_bytes is not None:
            for table in schema:
                self._unburden(table, holds.row_bytes)

    def leave_out(self, table: TableName, columns: Collection[str]) -> None:
        """Note that columns are not carried."""
        self._lost[table] = set(columns)

    def lost(self, table: TableName) -> set[str]:
        """Return the columns of a table that are not carried."""
        return self._lost.get(table, set())

    def kept(self, table: Table) -> list[tuple[str, ...]]:
        """Return the candidate keys of a table that are held."""
        keys = (table.primary_key, *table.unique_keys)
        return [
            key.columns for key in keys if key is not None and not self.why_not(table, key.columns)
        ]

    def why_not(self, table: Table, columns: Iterable[str]) -> str:
        """Return why a key over columns cannot be held; nothing where it can."""
        columns = tuple(columns)
        if self.lost(table.name) & set(columns):
            return "one of its columns is left out"
        if not self.holds.unbounded_keys and any(
            self.is_unbounded((table.name, c)) for c in columns
        ):
            return "a text in it has no limit"
        return self.too_long(table, columns, 0)

    def too_long(self, table: Table, columns: Iterable[str], prefix: int) -> str:
        """Return that an index is too long, where it is.

        Args:
            table: whose.
            columns: of the index.
            prefix: characters that it holds of a text without a limit.
        """
        limit = self.holds.key_bytes
        needed = sum(self._size((table.name, c), prefix) for c in columns)
        if limit is None or needed <= limit:
            return ""
        return f"an entry would take {needed:,} bytes of {limit:,}"

    def is_unbounded(self, place: Place) -> bool:
        """Tell whether a column's values have no limit."""
        return isinstance(
            self.types[place].type, mysql.LONGTEXT | mysql.LONGBLOB | sa.JSON | sa.Text
        )

    def _size(self, place: Place, prefix: int = 0) -> int:
        kind = self.types[place].type
        if self.is_unbounded(place):
            return prefix * self.holds.character_bytes
        if isinstance(kind, mysql.ENUM):
            return _LENGTH
        if isinstance(kind, mysql.VARBINARY):
            return kind.length or 0
        if isinstance(kind, sa.String):
            return (kind.length or 0) * self.holds.character_bytes
        return _FIXED

    def _limit(self, groups: Sequence[Sequence[Place]], longest: Mapping[Place, int]) -> None:
        room = self._room()
        grouped = {place: group for group in groups for place in group}
        for place in room:
            group = [p for p in grouped.get(place, [place]) if p in room]
            most = min(room[p] for p in group)
            needed = max((longest.get(p, 0) for p in group), default=0)
            length = min(most, max(KEY_CHARACTERS, needed + SPARE_CHARACTERS))
            if needed <= most:
                self._becomes(place, length)

    def _room(self) -> dict[Place, int]:
        """Return the characters that each unbounded text may have, by the keys it stands in."""
        room: dict[Place, int] = {}
        limit = self.holds.key_bytes or 0
        for table in self.schema:
            for key in _all_keys(table, self.schema):
                free = [(table.name, c) for c in key if self._can_be_limited((table.name, c))]
                taken = sum(self._size((table.name, c)) for c in key)
                for place in free:
                    share = (limit - taken) // len(free) // self.holds.character_bytes
                    room[place] = min(room.get(place, share), share)
        return room

    def _can_be_limited(self, place: Place) -> bool:
        return isinstance(self.types[place].type, mysql.LONGTEXT | mysql.LONGBLOB)

    def _becomes(self, place: Place, length: int) -> None:
        binary = isinstance(self.types[place].type, mysql.LONGBLOB)
        made = mysql.VARBINARY(length) if binary else sa.String(length)
        unit = "bytes" if binary else "characters"
        note = f"is limited to {length} {unit}, for it stands in a key"
        self.types[place] = self.fitted[place] = replace(self.types[place], type=made, note=note)

    def _unburden(self, table: Table, limit: int) -> None:
        """Let the longest texts of a row lie outside it until the row can be held."""
        keyed = {column for key in _all_keys(table, self.schema) for column in key}
        sizes = {c: self._in_row((table.name, c)) for c in table.column_names}
        movable = [
            c
            for c in table.column_names
            if c not in keyed and isinstance(self.types[table.name, c].type, sa.String)
        ]
        for column in sorted(movable, key=lambda c: -sizes[c]):
            if sum(sizes.values()) <= limit:
                return
            place = (table.name, column)
            note = "has no limit there, for its row would be too long"
            self.types[place] = self.fitted[place] = Typed(mysql.LONGTEXT(), note)
            sizes[column] = _POINTER

    def _in_row(self, place: Place) -> int:
        return _POINTER if self.is_unbounded(place) else self._size(place) + _LENGTH


def _all_keys(table: Table, schema: Schema) -> Iterator[tuple[str, ...]]:
    """Yield the columns of every key that the table has, makes, or is referred to by."""
    yield from table.candidate_keys
    yield from (key.columns for key in table.foreign_keys if key.referred in schema)
    for index in table.indexes:
        if index.unique and None not in index.columns:
            yield tuple(column for column in index.columns if column is not None)
