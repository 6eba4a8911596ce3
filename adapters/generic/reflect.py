"""The catalogue by SQLAlchemy's bulk Inspector.

Imported by the generic connections only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

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

from .._sql.connection import OWN_PREFIX
from .._sql.types import reflected_type
from . import standard

Facts = Mapping[tuple[str | None, str], Any]


Types = dict[tuple[str | None, str, str], TypeEngine[Any]]
"""SQLAlchemy's type of each column by schema, table and name: values are converted by it."""


def reflect(connection: sa.Connection, selection: Selection) -> tuple[Schema, Types]:
    """Read the catalogue: by the dialect, and where the database refuses that, by the standard.

    Raises:
        ReflectionError: a schema does not exist.
    """
    try:
        return _inspected(connection, selection)
    except sa.exc.DBAPIError as error:
        connection.rollback()
        default = connection.dialect.default_schema_name
        try:
            return standard.reflect(connection, selection, default), {}
        except sa.exc.DBAPIError:
            raise error from None


def _inspected(connection: sa.Connection, selection: Selection) -> tuple[Schema, Types]:
    inspector = sa.inspect(connection)
    known = set(inspector.get_schema_names()) if selection.schemas else set()
    missing = set(selection.schemas) - known
    if missing:
        raise ReflectionError(f"There is no schema {', '.join(sorted(missing))}.")
    tables: list[Table] = []
    types: Types = {}
    for schema in selection.schemas or (None,):
        columns = inspector.get_multi_columns(schema)
        tables += _tables(inspector, connection.dialect, schema, selection, columns)
        types |= {(schema, t, c["name"]): c["type"] for (_, t), cs in columns.items() for c in cs}
    name = connection.engine.url.database or connection.dialect.name
    found = tuple(sorted(tables, key=lambda t: t.name))
    return Schema(connection.dialect.name, name, found), types


def _tables(
    inspector: sa.Inspector,
    dialect: sa.Dialect,
    schema: str | None,
    selection: Selection,
    columns: Facts,
) -> Iterable[Table]:
    primary = _asked(inspector.get_multi_pk_constraint, schema)
    unique = _asked(inspector.get_multi_unique_constraints, schema)
    foreign = _asked(inspector.get_multi_foreign_keys, schema)
    checks = _asked(inspector.get_multi_check_constraints, schema)
    indexes = _asked(inspector.get_multi_indexes, schema)
    comments = _asked(inspector.get_multi_table_comment, schema)
    for key, found in columns.items():
        name = TableName(key[1], schema)
        if key[1].startswith(OWN_PREFIX) or not selection.selects(name):
            continue
        yield Table(
            name=name,
            columns=tuple(_column(column, dialect) for column in found),
            primary_key=_primary_key(primary.get(key)),
            unique_keys=tuple(
                UniqueKey(tuple(u["column_names"]), u.get("name")) for u in unique.get(key) or ()
            ),
            foreign_keys=tuple(_foreign_key(f, schema) for f in foreign.get(key) or ()),
            checks=tuple(Check(c["sqltext"], c.get("name")) for c in checks.get(key) or ()),
            indexes=tuple(
                Index(i["name"], tuple(i["column_names"]), bool(i["unique"]))
                for i in indexes.get(key) or ()
            ),
            comment=(comments.get(key) or {}).get("text"),
        )


def _asked(method: Any, schema: str | None) -> Facts:
    """Return what an Inspector method says; nothing where the dialect cannot."""
    try:
        facts: Facts = method(schema)
    except NotImplementedError:
        return {}
    return facts


def _column(found: Mapping[str, Any], dialect: sa.Dialect) -> Column:
    identity, computed = found.get("identity"), found.get("computed")
    counts = identity is not None or found.get("autoincrement") is True
    return Column(
        name=found["name"],
        type=reflected_type(found["type"], dialect),
        nullable=bool(found.get("nullable", True)),
        default=found.get("default"),
        identity=Identity(always=bool((identity or {}).get("always"))) if counts else None,
        computed=Computed(computed["sqltext"], computed.get("persisted")) if computed else None,
        comment=found.get("comment"),
    )


def _primary_key(found: Mapping[str, Any] | None) -> PrimaryKey | None:
    if not found or not found.get("constrained_columns"):
        return None
    return PrimaryKey(tuple(found["constrained_columns"]), found.get("name"))


def _foreign_key(found: Mapping[str, Any], schema: str | None) -> ForeignKey:
    options = found.get("options") or {}
    return ForeignKey(
        columns=tuple(found["constrained_columns"]),
        referred=TableName(found["referred_table"], found.get("referred_schema") or schema),
        referred_columns=tuple(found["referred_columns"]),
        name=found.get("name"),
        on_delete=options.get("ondelete"),
        on_update=options.get("onupdate"),
        state=ConstraintState(
            deferrable=bool(options.get("deferrable")),
            initially_deferred=options.get("initially") == "DEFERRED",
        ),
    )
