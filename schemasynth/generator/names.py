"""Names under which the SDK sees tables and columns, and the way back.

Imports the prepared tables only. The SDK uses a table's name as a folder and in model labels, so
`a/b`, `a:b` and `../x` fail or escape, and it orders sibling tables by name, which decides who
sees whom: neutral names in the order of the tables make both harmless and repeatable.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from schemasynth.rewrite.prepared import PreparedTable

_SAFE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .-]{0,99}")
"""Table names that are one harmless folder name on every system."""


@dataclass(frozen=True, slots=True)
class TableNames:
    """A table's names.

    Attributes:
        name: as in the prepared tables.
        alias: what the SDK sees.
        columns: pairs of a column's name and alias: the key, the references, the learned columns.
    """

    name: str
    alias: str
    columns: tuple[tuple[str, str], ...]

    def column(self, name: str) -> str:
        """Return the alias of a column."""
        return dict(self.columns)[name]


def column_names(table: PreparedTable) -> tuple[str, ...]:
    """Return all columns of a prepared table: key, references, learned columns."""
    return (
        table.key,
        *(reference.column for reference in table.references),
        *(column.name for column in table.columns),
    )


def neutral_names(tables: Sequence[PreparedTable]) -> tuple[TableNames, ...]:
    """Name tables ``t0000``… in their order and columns ``c0000``… across all tables.

    A column's alias is in no other table, because the SDK's report fails where a learned column
    of the parent is called as the child's reference to it.

    Args:
        tables: parents first; later tables are generated in sight of earlier siblings.
    """
    number = count()
    return tuple(
        TableNames(
            table.name,
            f"t{i:04d}",
            tuple((name, f"c{next(number):04d}") for name in column_names(table)),
        )
        for i, table in enumerate(tables)
    )


def readable_names(tables: Sequence[PreparedTable]) -> tuple[TableNames, ...]:
    """Keep the names the SDK can handle, for a configuration that people read.

    Args:
        tables: as for `neutral_names`, whose names replace those the SDK cannot handle.
    """
    taken: set[str] = set()
    return tuple(
        TableNames(
            table.name,
            _unique(table.name if _SAFE.fullmatch(table.name) else f"t{i:04d}", taken),
            tuple((name, name) for name in column_names(table)),
        )
        for i, table in enumerate(tables)
    )


def _unique(name: str, taken: set[str]) -> str:
    while name.casefold() in taken:
        name += "_"
    taken.add(name.casefold())
    return name
