"""The catalogue by INFORMATION_SCHEMA, where a dialect's own reflection fails on its database.

Imported by the generic connections only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
    UniqueKey,
)

from .._sql.connection import OWN_PREFIX
from .._sql.types import named_type

Row: TypeAlias = Sequence[Any]
Place: TypeAlias = tuple[str, str]
"""Schema and name, of a table or of a constraint."""

_NESTED = re.compile(r"\]$|^(STRUCT|MAP|ARRAY|LIST|UNION|ROW|OBJECT|VARIANT)\b", re.IGNORECASE)
_CHECK = re.compile(r"^CHECK\s*\((.*)\)$", re.IGNORECASE | re.DOTALL)
_NOT_NULL = re.compile(r"^[^()]* IS NOT NULL$", re.IGNORECASE)
_NO_ACTION = frozenset({"NO ACTION", None})


def _view(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(column) for column in columns), schema="information_schema")


_TABLES = _view("tables", "table_schema", "table_name", "table_type")
_COLUMNS = _view(
    "columns",
    "table_schema",
    "table_name",
    "column_name",
    "ordinal_position",
    "data_type",
    "is_nullable",
    "column_default",
    "character_maximum_length",
    "numeric_precision",
    "numeric_scale",
    "is_identity",
    "is_generated",
    "generation_expression",
)
_CONSTRAINTS = _view(
    "table_constraints",
    "constraint_schema",
    "constraint_name",
    "table_schema",
    "table_name",
    "constraint_type",
    "is_deferrable",
    "initially_deferred",
)
_USAGE = _view(
    "key_column_usage",
    "constraint_schema",
    "constraint_name",
    "table_schema",
    "table_name",
    "column_name",
    "ordinal_position",
    "position_in_unique_constraint",
)
_REFERENCES = _view(
    "referential_constraints",
    "constraint_schema",
    "constraint_name",
    "unique_constraint_schema",
    "unique_constraint_name",
    "update_rule",
    "delete_rule",
)
_CHECKS = _view("check_constraints", "constraint_schema", "constraint_name", "check_clause")
_SCHEMATA = _view("schemata", "schema_name")


@dataclass(frozen=True, slots=True)
class _Key:
    """The columns of a constraint, and where they are."""

    table: Place
    columns: tuple[str, ...]
    positions: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class _Catalog:
    """Rows of the views, by table or by constraint."""

    columns: Mapping[Place, Sequence[Row]]
    constraints: Mapping[Place, Sequence[Row]]
    keys: Mapping[Place, _Key]
    references: Mapping[Place, Row]
    checks: Mapping[Place, str]
    default: str | None

    def name(self, place: Place) -> TableName:
        schema, table = place
        return TableName(table, None if schema == self.default else schema)


def reflect(connection: sa.Connection, selection: Selection, default: str | None) -> Schema:
    """Read the views, each once.

    Args:
        connection: open.
        selection: which tables.
        default: the connection's schema.

    Raises:
        ReflectionError: a schema does not exist.
    """
    schemas = [name for name in selection.schemas or (default,) if name is not None]
    known = {row[0] for row in connection.execute(sa.select(_SCHEMATA.c.schema_name))}
    missing = set(schemas) - known
    if missing:
        raise ReflectionError(f"There is no schema {', '.join(sorted(missing))}.")
    found = _read(connection, schemas, default)
    tables = [
        _table(found, place)
        for place in found.columns
        if selection.selects(found.name(place)) and not place[1].startswith(OWN_PREFIX)
    ]
    name = connection.engine.url.database or connection.dialect.name
    return Schema(connection.dialect.name, name, tuple(sorted(tables, key=lambda t: t.name)))


def _read(connection: sa.Connection, schemas: Sequence[str], default: str | None) -> _Catalog:
    def rows(view: sa.TableClause, schema: str = "constraint_schema") -> list[Row]:
        wanted = sa.select(*view.c).where(view.c[schema].in_(schemas))
        return [tuple(row) for row in connection.execute(wanted)]

    found = rows(_TABLES, "table_schema")
    tables: set[Place] = {(row[0], row[1]) for row in found if row[2] == "BASE TABLE"}
    columns: dict[Place, list[Row]] = {place: [] for place in sorted(tables)}
    for row in sorted(rows(_COLUMNS, "table_schema"), key=lambda row: int(row[3])):
        if (row[0], row[1]) in columns:
            columns[row[0], row[1]].append(row[2:])
    constraints: dict[Place, list[Row]] = defaultdict(list)
    for row in rows(_CONSTRAINTS):
        constraints[row[2], row[3]].append(row)
    return _Catalog(
        columns,
        constraints,
        _keys(rows(_USAGE)),
        {(row[0], row[1]): row[2:] for row in rows(_REFERENCES)},
        {(row[0], row[1]): row[2] for row in rows(_CHECKS)},
        default,
    )


def _keys(rows: Iterable[Row]) -> dict[Place, _Key]:
    grouped: dict[Place, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: int(row[5])):
        grouped[row[0], row[1]].append(row)
    return {
        place: _Key(
            (parts[0][2], parts[0][3]),
            tuple(part[4] for part in parts),
            tuple(part[6] for part in parts),
        )
        for place, parts in grouped.items()
    }


def _table(found: _Catalog, place: Place) -> Table:
    by_kind: dict[str, list[Row]] = defaultdict(list)
    for row in found.constraints.get(place, ()):
        by_kind[row[4]].append(row)
    primary = [PrimaryKey(k.columns, name) for name, k in _named(found, by_kind["PRIMARY KEY"])]
    return Table(
        found.name(place),
        tuple(_column(row) for row in found.columns[place]),
        primary_key=primary[0] if primary else None,
        unique_keys=tuple(UniqueKey(k.columns, n) for n, k in _named(found, by_kind["UNIQUE"])),
        foreign_keys=tuple(_foreign_keys(found, by_kind["FOREIGN KEY"])),
        checks=tuple(_checks(found, by_kind["CHECK"])),
    )


def _named(found: _Catalog, rows: Iterable[Row]) -> Iterator[tuple[str, _Key]]:
    for row in rows:
        if (row[0], row[1]) in found.keys:
            yield row[1], found.keys[row[0], row[1]]


def _foreign_keys(found: _Catalog, rows: Sequence[Row]) -> Iterator[ForeignKey]:
    for row in rows:
        key, reference = found.keys.get((row[0], row[1])), found.references.get((row[0], row[1]))
        parent = found.keys.get((reference[0], reference[1])) if reference else None
        if key is None or reference is None or parent is None:
            continue  # it refers to a table of a schema that was not asked for
        order = [at if at is not None else n for n, at in enumerate(key.positions, 1)]
        yield ForeignKey(
            key.columns,
            found.name(parent.table),
            tuple(parent.columns[at - 1] for at in order),
            row[1],
            on_delete=None if reference[3] in _NO_ACTION else reference[3],
            on_update=None if reference[2] in _NO_ACTION else reference[2],
            state=ConstraintState(deferrable=row[5] == "YES", initially_deferred=row[6] == "YES"),
        )


def _checks(found: _Catalog, rows: Sequence[Row]) -> Iterator[Check]:
    """Yield the checks; the standard lists NOT NULL among them."""
    for row in rows:
        clause = found.checks.get((row[0], row[1]), "").strip()
        if not clause or _NOT_NULL.match(clause):
            continue
        inner = _CHECK.match(clause)
        yield Check(inner.group(1) if inner else clause, row[1])


def _column(row: Row) -> Column:
    (name, _, written, nullable, default, length, precision, scale) = row[:8]
    (identity, generated, expression) = row[8:]
    computed = generated == "ALWAYS" and expression is not None
    return Column(
        name,
        _type(written, length, precision, scale),
        nullable=nullable == "YES",
        default=None if computed else default,
        identity=Identity() if identity == "YES" else None,
        computed=Computed(expression) if computed else None,
    )


def _type(written: str, length: int | None, precision: int | None, scale: int | None) -> SqlType:
    if _NESTED.search(written):
        return SqlType(written, TypeFamily.OTHER)
    named = named_type(written)
    if named.family is TypeFamily.TEXT and length:
        return replace(named, length=int(length))
    if named.family is TypeFamily.DECIMAL and precision:
        return replace(named, precision=int(precision), scale=int(scale or 0))
    return named
