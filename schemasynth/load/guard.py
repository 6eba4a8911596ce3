"""What must be true before a target is touched: marked, not the source, and of its shape.

Imports the adapter port and the model; called by the refresh.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

from schemasynth.adapter import (
    Purpose,
    Selection,
    SourceConnection,
    TargetConnection,
    require_privileges,
)
from schemasynth.errors import DriftError, SafetyError
from schemasynth.model import Schema, SqlType, Table, TypeFamily
from schemasynth.settings import shown

_NUMBERS = frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT, TypeFamily.BOOLEAN})
_TEXTS = frozenset({TypeFamily.TEXT, TypeFamily.UUID, TypeFamily.JSON, TypeFamily.OTHER})
_TIMES = frozenset({TypeFamily.DATE, TypeFamily.DATETIME})


def check_target(
    source: SourceConnection, target: TargetConnection, schema: Schema, selection: Selection
) -> None:
    """Refuse a target that must not or cannot be refreshed; writes a nonce beside its marker.

    Args:
        source: the live database.
        target: the database to refresh.
        schema: the source's tables of the plan.
        selection: which tables of the target are meant.

    Raises:
        PrivilegeError: the role lacks privileges for a refresh; names all of them.
        SafetyError: the target is the source, or lacks the marker, or the source carries one.
        DriftError: the target lacks tables or columns, or needs columns nobody fills.
    """
    if source.identity() == target.identity():
        raise SafetyError("Source and target are the same database; nothing was changed.")
    found = target.reflect(selection)
    refreshed = replace(found, tables=tuple(t for t in found if t.name in schema))
    require_privileges(target.needs(refreshed, Purpose.TARGET), shown(target.url))
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
    check_shape(target, schema, found)


def check_shape(target: TargetConnection, schema: Schema, found: Schema) -> None:
    """Refuse a target that cannot take the rows of a schema.

    Args:
        target: the database to refresh.
        schema: the source's tables of the plan.
        found: the target's tables.

    Raises:
        DriftError: it lacks tables or columns, or needs columns nobody fills.
    """
    differences = tuple(drift(schema, found))
    if differences:
        raise DriftError(
            f"The target {shown(target.url)} does not have the plan's shape: "
            + "; ".join(differences)
            + ".",
            differences,
        )


def drift(schema: Schema, found: Schema) -> Iterator[str]:
    """Yield one line for each way in which a target cannot take the rows of a schema.

    Args:
        schema: the tables whose rows will come.
        found: the target.
    """
    for table in schema:
        if table.name not in found:
            yield f"table {table.name} is missing"
        else:
            yield from _table_drift(table, found.table(table.name))


def _table_drift(table: Table, found: Table) -> Iterator[str]:
    there = {column.name: column for column in found.columns}
    here = {column.name: column for column in table.columns}
    for name, column in here.items():
        if name not in there:
            if column.computed is None:
                yield f"column {table.name}.{name} is missing"
        elif there[name].computed is None and not compatible(column.type, there[name].type):
            yield (
                f"column {table.name}.{name} is {there[name].type.sql or 'untyped'}, "
                f"not {column.type.sql or 'untyped'}"
            )
    for name, column in there.items():
        filled = column.nullable or column.default or column.identity or column.computed
        if name not in here and not filled:
            yield f"column {table.name}.{name} is NOT NULL and the source has no such column"


def compatible(source: SqlType, target: SqlType) -> bool:
    """Tell whether values of one type can be stored in another of like kind."""
    if source.family is target.family or TypeFamily.OTHER in (source.family, target.family):
        return True
    return any({source.family, target.family} <= kinds for kinds in (_NUMBERS, _TEXTS, _TIMES)) or (
        target.family is TypeFamily.TEXT
    )
