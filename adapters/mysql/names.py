"""Quoted names, literals, and relations whose columns compare as the server does.

Imported by the MySQL adapter only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.types import UserDefinedType

from schemasynth.model import Table

STAGE_PREFIX = "schemasynth_n_"
"""Begins the names of staged tables."""
OLD_PREFIX = "schemasynth_o_"
"""Begins the names of replaced tables until they are dropped."""
_DIGEST = 10
"""Hexadecimal digits that tell runs apart: a collision in 10^6 runs has a chance of 0.5."""


def quoted(*parts: str) -> str:
    """Return a dotted name, each part in backticks."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def on_schema(name: str) -> str:
    """Return all tables of a schema as a GRANT names them, where ``_`` and ``%`` are wildcards."""
    return quoted(name.replace("\\", "\\\\").replace("_", r"\_").replace("%", r"\%")) + ".*"


def literal(text: str) -> str:
    r"""Return a string as a literal, for a session whose backslashes escape."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def run_digest(run_id: str) -> str:
    """Return the part of names that tells what one run made."""
    return hashlib.sha256(run_id.encode()).hexdigest()[:_DIGEST]


@dataclass(frozen=True, slots=True)
class Collation:
    """How the values of a column compare.

    Attributes:
        charset: for example ``utf8mb4``.
        name: for example ``utf8mb4_general_ci``.
    """

    charset: str
    name: str


class Collated(UserDefinedType[Any]):
    """A column's type that knows its collation.

    The server refuses to compare columns of one character set and two collations (error 1267),
    which inferred keys do. The other side then takes the collation of this one, so that a child's
    value compares as the parent's own values do, through the parent's index.
    """

    cache_ok = True

    def __init__(self, charset: str, name: str) -> None:
        """Keep both names."""
        self.charset, self.name = charset, name

    def get_col_spec(self, **_: Any) -> str:
        """Return what no statement of ours writes: columns are never cast to this type."""
        return "CHAR"

    class Comparator(UserDefinedType.Comparator[Any]):
        """Equates columns of different collations."""

        def operate(self, op: Any, *other: Any, **options: Any) -> sa.ColumnElement[Any]:
            """Give the other side of an equation this side's collation."""
            mine, theirs = self.type, getattr(other[0], "type", None) if other else None
            if op in _EQUATIONS and isinstance(mine, Collated) and mine.clashes(theirs):
                return super().operate(op, sa.collate(other[0], mine.name), **options)
            return super().operate(op, *other, **options)

    comparator_factory = Comparator

    def clashes(self, other: object) -> bool:
        """Tell whether the server would not know by which collation to compare."""
        return (
            isinstance(other, Collated)
            and self.charset == other.charset
            and self.name != other.name
        )


_EQUATIONS = frozenset({operators.eq, operators.ne})


def relation(
    schema: str | None, name: str, table: Table, collations: Mapping[str, Collation]
) -> sa.TableClause:
    """Return a relation with the columns of a table, every name quoted.

    Args:
        schema: where it is.
        name: its name.
        table: whose columns it has.
        collations: of its text columns, by name.
    """
    columns: list[sa.ColumnClause[Any]] = []
    for column in table.column_names:
        found = collations.get(column)
        kind = Collated(found.charset, found.name) if found else None
        columns.append(sa.column(sa.quoted_name(column, quote=True), kind))
    place = sa.quoted_name(schema, quote=True) if schema else None
    return sa.table(sa.quoted_name(name, quote=True), *columns, schema=place)
