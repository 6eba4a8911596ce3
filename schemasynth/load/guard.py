"""What must be true before a target is touched: marked, not the source, and of its shape.

Imports the adapter port and the model; called by the refresh.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from schemasynth.adapter import SourceConnection, TargetConnection
from schemasynth.errors import DriftError, SafetyError
from schemasynth.model import Schema, SqlType, Table, TypeFamily
from schemasynth.settings import shown

_NUMBERS = frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT, TypeFamily.BOOLEAN})
_TEXTS = frozenset({TypeFamily.TEXT, TypeFamily.UUID, TypeFamily.JSON, TypeFamily.OTHER})
_TIMES = frozenset({TypeFamily.DATE, TypeFamily.DATETIME})


def check_apart(source: SourceConnection, target: TargetConnection) -> None:
    """Refuse a target that is the source by its identity; nothing is written.

    Raises:
        SafetyError: it is.
    """
    if source.identity() == target.identity():
        raise SafetyError("Source and target are the same database; nothing was changed.")


def check_marker(source: SourceConnection, target: TargetConnection) -> None:
    """Refuse a target that is not marked, or is the source; writes a nonce beside its marker.

    Args:
        source: the live database.
        target: the database to refresh.

    Raises:
        SafetyError: the target is the source, or lacks the marker, or the source carries one.
    """
    if target.marker() is None:
        raise SafetyError(
            f"The target {shown(target.url)} carries no marker. If its rows may be replaced, run "
            "`schemasynth target init` on it."
        )
    nonce = secrets.token_hex(16)
    target.write_nonce(nonce)
    if source.nonce() == nonce:
        raise SafetyError("Source and target are the same database; nothing was changed.")
    if source.marker() is not None:
        raise SafetyError(
            f"The source {shown(source.url)} carries the marker of a refreshable database: "
            "it is a target, or a copy of one. Drop its table schemasynth_target if it is live."
        )


def check_shape(target: TargetConnection, schema: Schema, found: Schema) -> None:
    """Refuse a target that cannot take the rows of a schema.

    Args:
        target: the database to refresh.
        schema: the source's tables of the plan.
        found: the target's tables.

    Raises:
        DriftError: it lacks tables or columns, or needs columns nobody fills.
    """
    differences = tuple(" ".join(difference) for difference in drift(schema, found))
    if differences:
        raise DriftError(
            f"The target {shown(target.url)} does not have the plan's shape: "
            + "; ".join(differences)
            + ".",
            differences,
        )


def drift(schema: Schema, found: Schema) -> Iterator[tuple[str, str]]:
    """Yield the ways in which a target cannot take the rows of a schema: where, and what.

    Args:
        schema: the tables whose rows will come.
        found: the target.
    """
    for table in schema:
        if table.name not in found:
            yield f"table {table.name}", "is missing"
        else:
            yield from _table_drift(table, found.table(table.name))


def _table_drift(table: Table, found: Table) -> Iterator[tuple[str, str]]:
    there = {column.name: column for column in found.columns}
    here = {column.name: column for column in table.columns}
    for name, column in here.items():
        where = f"column {table.name}.{name}"
        if name not in there:
            if column.computed is None:
                yield where, "is missing"
        elif there[name].computed is None and not compatible(column.type, there[name].type):
            kinds = (there[name].type.sql or "untyped", column.type.sql or "untyped")
            yield where, "is {}, not {}".format(*kinds)
    for name, column in there.items():
        filled = column.nullable or column.default or column.identity or column.computed
        if name not in here and not filled:
            what = "is NOT NULL and the source has no such column"
            yield f"column {table.name}.{name}", what


def compatible(source: SqlType, target: SqlType) -> bool:
    """Tell whether values of one type can be stored in another of like kind."""
    if source.family is target.family or TypeFamily.OTHER in (source.family, target.family):
        return True
    return any({source.family, target.family} <= kinds for kinds in (_NUMBERS, _TEXTS, _TIMES)) or (
        target.family is TypeFamily.TEXT
    )
