"""The catalogue as a schema of the model.

Imported by the PostgreSQL connections only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sqlalchemy as sa

from schemasynth.adapter import Selection
from schemasynth.errors import ReflectionError
from schemasynth.model import (
    Check,
    Column,
    Computed,
    ConstraintState,
    ForeignKey,
    Identity,
    Index,
    PrimaryKey,
    Schema,
    Table,
    TableName,
    UniqueKey,
)
from schemasynth.model import Sequence as ModelSequence

from .._sql.connection import OWN_PREFIX
from . import catalog
from .errors import reason
from .types import sql_type

Row: TypeAlias = Sequence[Any]
ByTable: TypeAlias = dict[int, list[Row]]
"""Catalogue rows by the table's oid."""

_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
"""Codes of referential actions; NO ACTION, the default, is None in the model."""
_VIRTUAL = "v"


@dataclass(frozen=True, slots=True)
class _Catalog:
    """Rows of the catalogue, by table."""

    default_schema: str | None
    tables: Sequence[Row]
    columns: ByTable
    constraints: ByTable
    indexes: ByTable
    sequences: Sequence[Row]

    def name(self, schema: str, table: str) -> TableName:
        return TableName(table, None if schema == self.default_schema else schema)


def reflect(
    connection: sa.Connection, selection: Selection, default_schema: str | None, database: str
) -> Schema:
    """Read the catalogue.

    Args:
        connection: open.
        selection: which tables.
        default_schema: what ``current_schema()`` says.
        database: its name.

    Raises:
        ReflectionError: a schema does not exist, or the catalogue cannot be read.
    """
    schemas = list(dict.fromkeys(selection.schemas or (default_schema,)))
    if None in schemas:
        raise ReflectionError(
            f"No schema on the search_path exists in database {database}; name one with --schema."
        )
    try:
        found = _read(connection, [s for s in schemas if s is not None], default_schema)
    except sa.exc.DBAPIError as error:
        raise ReflectionError(f"The catalogue cannot be read: {reason(error)}.") from None
    drawn = _drawn(found)
    names = {row[0]: found.name(row[1], row[2]) for row in found.tables}
    chosen = {
        oid: name
        for oid, name in names.items()
        if selection.selects(name) and not name.name.startswith(OWN_PREFIX)
    }
    tables = [
        _table(found, oid, name, comment, drawn)
        for oid, _, _, comment in found.tables
        if (name := chosen.get(oid)) is not None
    ]
    return Schema(
        dialect="postgresql",
        name=database,
        tables=tuple(sorted(tables, key=lambda table: table.name)),
        sequences=tuple(_sequences(found, names)),
    )


def _read(connection: sa.Connection, schemas: list[str], default_schema: str | None) -> _Catalog:
    def rows(statement: sa.TextClause) -> list[Row]:
        return [tuple(row) for row in connection.execute(statement, {"schemas": schemas})]

    missing = set(schemas) - {row[0] for row in rows(catalog.SCHEMAS)}
    if missing:
        raise ReflectionError(f"There is no schema {', '.join(sorted(missing))}.")
    version = connection.dialect.server_version_info or ()
    return _Catalog(
        default_schema,
        rows(catalog.TABLES),
        _by_table(rows(catalog.COLUMNS)),
        _by_table(rows(catalog.constraints(version))),
        _by_table(rows(catalog.INDEXES)),
        rows(catalog.SEQUENCES),
    )


def _by_table(rows: Iterable[Row]) -> ByTable:
    result: ByTable = defaultdict(list)
    for row in rows:
        result[row[0]].append(row[1:])
    return result


def _drawn(found: _Catalog) -> dict[tuple[int, int], ModelSequence]:
    """Return the sequence of each column, by the table's oid and the column's number."""
    return {
        (relation, number): ModelSequence(
            name, None if schema == found.default_schema else schema, start, increment
        )
        for schema, name, start, increment, relation, number in found.sequences
        if relation is not None
    }


def _sequences(found: _Catalog, names: dict[int, TableName]) -> Iterable[ModelSequence]:
    columns = {(oid, row[0]): row[1] for oid, rows in found.columns.items() for row in rows}
    result: dict[tuple[str, str], ModelSequence] = {}
    for schema, name, start, increment, relation, number in found.sequences:
        known = relation in names and (relation, number) in columns
        owner = (names[relation], columns[relation, number]) if known else None
        shown = None if schema == found.default_schema else schema
        result[schema, name] = ModelSequence(name, shown, start, increment, owner)
    return result.values()


def _table(
    found: _Catalog,
    oid: int,
    name: TableName,
    comment: str | None,
    drawn: dict[tuple[int, int], ModelSequence],
) -> Table:
    rows = found.columns[oid]
    numbers = {row[0]: row[1] for row in rows}
    constraints = found.constraints[oid]
    primary = [_primary_key(row, numbers) for row in constraints if row[0] == "p"]
    unique = [_unique_key(row, numbers) for row in constraints if row[0] == "u"]
    backing = {row[-1] for row in constraints if row[0] in ("p", "u")}
    free = [row for row in found.indexes[oid] if row[0] not in backing]
    known = {key.columns for key in unique} | {key.columns for key in primary}
    unique += [
        UniqueKey(columns, row[1])
        for row in free
        if (columns := _plain_unique(row, numbers)) and columns not in known
    ]
    return Table(
        name=name,
        columns=tuple(_column(row, drawn.get((oid, row[0]))) for row in rows),
        primary_key=primary[0] if primary else None,
        unique_keys=tuple(unique),
        foreign_keys=tuple(_foreign_key(found, r, numbers) for r in constraints if r[0] == "f"),
        checks=tuple(Check(r[-2], r[1], _state(r)) for r in constraints if r[0] == "c"),
        indexes=tuple(_index(row, numbers) for row in free),
        comment=comment,
    )


def _column(row: Row, sequence: ModelSequence | None) -> Column:
    (_, name, written, base, kind, category, modifier, labels) = row[:8]
    (filled, expression, identity, generated, comment) = row[8:]
    counter = None
    if sequence is not None and not generated:
        counter = Identity(identity == "a", sequence.start, sequence.increment, _dotted(sequence))
    return Column(
        name=name,
        type=sql_type(written, base, kind, category, modifier, tuple(labels)),
        nullable=not filled,
        default=None if generated or counter else expression,
        identity=counter,
        computed=Computed(expression, generated != _VIRTUAL) if generated else None,
        comment=comment,
    )


def _dotted(sequence: ModelSequence) -> str:
    return f"{sequence.schema}.{sequence.name}" if sequence.schema else sequence.name


def _columns(numbers: dict[int, str], key: Iterable[int]) -> tuple[str, ...]:
    return tuple(numbers[number] for number in key)


def _state(row: Row) -> ConstraintState:
    deferrable, deferred, validated, enforced = row[8:12]
    return ConstraintState(enforced, validated, deferrable, deferred)


def _primary_key(row: Row, numbers: dict[int, str]) -> PrimaryKey:
    return PrimaryKey(_columns(numbers, row[2]), row[1], _state(row))


def _unique_key(row: Row, numbers: dict[int, str]) -> UniqueKey:
    return UniqueKey(_columns(numbers, row[2]), row[1], _state(row))


def _foreign_key(found: _Catalog, row: Row, numbers: dict[int, str]) -> ForeignKey:
    _, name, key, schema, table, referred, on_delete, on_update = row[:8]
    return ForeignKey(
        columns=_columns(numbers, key),
        referred=found.name(schema, table),
        referred_columns=tuple(referred),
        name=name,
        on_delete=_ACTIONS.get(on_delete),
        on_update=_ACTIONS.get(on_update),
        state=_state(row),
    )


def _plain_unique(row: Row, numbers: dict[int, str]) -> tuple[str, ...]:
    """Return the columns of a unique index over plain columns of the whole table, or none."""
    _, _, key, unique, where = row
    if not unique or where is not None or 0 in key:
        return ()
    return _columns(numbers, key)


def _index(row: Row, numbers: dict[int, str]) -> Index:
    _, name, key, unique, where = row
    return Index(name, tuple(numbers.get(number) for number in key), unique, where)
