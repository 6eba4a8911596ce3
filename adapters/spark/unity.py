"""Keys that Unity Catalog knows: declared for people and planners, enforced by nobody.

Imported by the Spark reflection only. Other catalogues have no ``information_schema``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from schemasynth.model import ConstraintState, ForeignKey, PrimaryKey, Table, TableName

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

INFORMATION = "information_schema"
CLAIM = ConstraintState(enforced=False, validated=False)
_PRIMARY, _FOREIGN = "PRIMARY KEY", "FOREIGN KEY"
_NAMED = ("constraint_schema", "constraint_name")
_VIEWS = {
    "table_constraints": (*_NAMED, "table_schema", "table_name", "constraint_type"),
    "key_column_usage": (
        *_NAMED, "table_schema", "table_name", "column_name", "ordinal_position",
        "position_in_unique_constraint",
    ),
    "referential_constraints": (*_NAMED, "unique_constraint_schema", "unique_constraint_name"),
}  # fmt: skip


def _view(catalog: str, name: str) -> sa.TableClause:
    # A dot in the name of a schema would be quoted with it.
    place = sa.quoted_name(f"{catalog}.{INFORMATION}", quote=False)
    return sa.table(name, *(sa.column(column) for column in _VIEWS[name]), schema=place)


def key_columns(catalog: str, schema: str) -> sa.Select[Any]:
    """Return the SELECT of the columns of all primary and foreign keys of a schema.

    Args:
        catalog: its catalogue, quoted.
        schema: whose tables have the keys.

    Returns:
        Table, key, kind, column, place; schema, table and column that a foreign key refers to.
    """
    keys = _view(catalog, "table_constraints").alias("k")
    here = _view(catalog, "key_column_usage").alias("c")
    links = _view(catalog, "referential_constraints").alias("l")
    there = _view(catalog, "key_column_usage").alias("r")
    own = sa.and_(_same(here, keys), here.c.table_name == keys.c.table_name)
    linked = sa.and_(_same(links, keys), keys.c.constraint_type == _FOREIGN)
    referred = sa.and_(
        _same(there, links, "unique_"),
        there.c.ordinal_position == here.c.position_in_unique_constraint,
    )
    return (
        sa.select(
            *(keys.c.table_name, keys.c.constraint_name, keys.c.constraint_type),
            *(here.c.column_name, here.c.ordinal_position),
            *(there.c.table_schema, there.c.table_name, there.c.column_name),
        )
        .select_from(keys.join(here, own).outerjoin(links, linked).outerjoin(there, referred))
        .where(keys.c.table_schema == schema, keys.c.constraint_type.in_((_PRIMARY, _FOREIGN)))
        .order_by(keys.c.table_name, keys.c.constraint_name, here.c.ordinal_position)
    )


def _same(one: sa.FromClause, other: sa.FromClause, prefix: str = "") -> sa.ColumnElement[bool]:
    """Return the condition that a constraint is the one that another view names."""
    return sa.and_(*(one.c[name] == other.c[f"{prefix}{name}"] for name in _NAMED))


@dataclass
class _Key:
    kind: str
    columns: list[str] = field(default_factory=list)
    schema: str | None = None
    table: str | None = None
    referred: list[str | None] = field(default_factory=list)


def with_keys(
    connection: sa.Connection, session: SparkSession, schema: str, tables: Sequence[Table]
) -> list[Table]:
    """Return tables with the keys that the catalogue knows of them, as claims.

    Args:
        connection: on which the SELECT is sent.
        session: of the connection.
        schema: the tables', with or without its catalogue.
        tables: as reflected so far.
    """
    from .session import quoted

    *before, name = schema.split(".")
    catalog = quoted(before[0] if before else session.catalog.currentCatalog())
    if not tables or not session.catalog.databaseExists(f"{catalog}.{quoted(INFORMATION)}"):
        return list(tables)
    found: dict[str, dict[str, _Key]] = defaultdict(dict)
    for table, key, kind, column, _, to_schema, to_table, to_column in connection.execute(
        key_columns(catalog, name)
    ):
        known = found[table].setdefault(key, _Key(kind, schema=to_schema, table=to_table))
        known.columns.append(column)
        known.referred.append(to_column)
    prefix = tables[0].name.schema
    return [_keyed(table, found.get(table.name.name, {}), name, prefix) for table in tables]


def _keyed(table: Table, keys: dict[str, _Key], here: str, prefix: str | None) -> Table:
    primary = [(n, k) for n, k in keys.items() if k.kind == _PRIMARY]
    foreign = [(n, k) for n, k in keys.items() if k.kind == _FOREIGN and k.table]
    return replace(
        table,
        primary_key=PrimaryKey(tuple(primary[0][1].columns), primary[0][0], CLAIM)
        if primary
        else None,
        foreign_keys=tuple(
            ForeignKey(
                columns=tuple(key.columns),
                referred=TableName(str(key.table), prefix if key.schema == here else key.schema),
                referred_columns=tuple(str(column) for column in key.referred),
                name=name,
                state=CLAIM,
            )
            for name, key in foreign
        ),
    )
