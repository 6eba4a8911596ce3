"""Names in another database: which ones cannot be kept, and what constraints are called there.

Imports the model; used by the draft of a new schema.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator

from schemasynth.create.dialects import Home
from schemasynth.model import Schema, TableName

_DIGEST = 8
"""Hexadecimal digits that tell shortened names apart."""


def unfit_names(schema: Schema, home: Home) -> Iterator[tuple[str, str]]:
    """Yield tables and columns whose names the target cannot hold: where, and why.

    Args:
        schema: the source's.
        home: the target.
    """
    if not home.capabilities.schemas:
        named = sorted({t.name.schema for t in schema if t.name.schema})
        yield from ((f"schema {name}", "has no home: there are no schemas") for name in named)
    for table in schema:
        if home.small_names and table.name.name != table.name.name.lower():
            yield f"table {table.name}", "would be stored in small letters by this server"
        if _is_long(table.name.name, home):
            yield f"table {table.name}", "has a name that is too long there"
        for column in table.columns:
            if _is_long(column.name, home):
                yield f"column {table.name}.{column.name}", "has a name that is too long there"
        if home.holds.folds:
            for one, other in _folded(table.column_names):
                yield f"column {table.name}.{other}", f"is the same name as {one} there"
    if home.holds.folds_tables or home.small_names:
        for one, other in _folded(str(table.name) for table in schema):
            yield f"table {other}", f"is the same name as {one} there"


def _folded(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of names that differ in case only."""
    seen: dict[str, str] = {}
    for name in names:
        first = seen.setdefault(name.casefold(), name)
        if first != name:
            yield first, name


def _is_long(name: str, home: Home) -> bool:
    size = len(name) if home.holds.names_in_characters else len(name.encode())
    return size > home.capabilities.max_identifier_length


class Names:
    """Gives each constraint and index a name that is its own where it must be."""

    def __init__(self, home: Home, schema: Schema) -> None:
        """Begin with the tables, whose names indexes must not have where they share a space."""
        self.home = home
        self._taken: dict[tuple[str, str], set[str]] = defaultdict(set)
        for table in schema:
            self._taken["index", table.name.schema or ""].add(table.name.name.casefold())

    def of_index(self, table: TableName, name: str | None) -> str | None:
        """Return the name of an index or of a unique key."""
        within = self.home.holds.index_names == "schema"
        return self._free("index", table.schema or "" if within else str(table), table, name)

    def of_foreign_key(self, table: TableName, name: str | None) -> str | None:
        """Return the name of a foreign key; InnoDB wants them to differ within a schema."""
        within = self.home.holds.index_names == "table"
        return self._free("key", table.schema or "" if within else str(table), table, name)

    def of_constraint(self, table: TableName, name: str | None) -> str | None:
        """Return the name of a CHECK."""
        within = self.home.holds.index_names == "table"
        return self._free("check", table.schema or "" if within else str(table), table, name)

    def _free(self, kind: str, scope: str, table: TableName, name: str | None) -> str | None:
        if name is None:
            return None
        taken = self._taken[kind, scope]
        candidates = (name, f"{table.name}_{name}", f"{table.name}_{name}_{len(taken)}")
        found = next(n for c in candidates if (n := self.shortened(c)).casefold() not in taken)
        taken.add(found.casefold())
        return found

    def shortened(self, name: str) -> str:
        """Return a name within the limit, its end replaced by a digest where it is too long."""
        if not _is_long(name, self.home):
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
        room = self.home.capabilities.max_identifier_length - _DIGEST - 1
        begin = (
            name
            if self.home.holds.names_in_characters
            else name.encode()[:room].decode(errors="ignore")
        )
        return f"{begin[:room]}_{digest}"
