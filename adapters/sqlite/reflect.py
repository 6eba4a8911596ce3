"""SQLite's catalogue as a schema, in five statements whatever the number of tables.

Imported by the SQLite connections only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

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

from .._sql.connection import OWN_PREFIX
from .._sql.types import named_type
from .ddl import ForeignKeyClause, TableText, index_condition, read_ddl, virtual_module

_TABLES = """
SELECT name, sql FROM sqlite_master
WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name
"""
_REAL = "WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%' "
"""A pragma on a virtual table would load its module, which a source may not."""
_SHADOWS = {
    "fts3": ("content", "segments", "segdir", "docsize", "stat"),
    "fts4": ("content", "segments", "segdir", "docsize", "stat"),
    "fts5": ("data", "idx", "content", "docsize", "config"),
    "rtree": ("node", "rowid", "parent"),
    "rtree_i32": ("node", "rowid", "parent"),
    "geopoly": ("node", "rowid", "parent"),
}
"""Endings of the tables in which SQLite's own modules keep a virtual table (sqlite.org/vtab.html,
§2.14)."""
_OF_TABLES = "FROM sqlite_master m JOIN {} x " + _REAL + "ORDER BY "
_COLUMNS = (
    'SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden '
    + _OF_TABLES.format("pragma_table_xinfo(m.name)")
    + "m.name, x.cid"
)
_FOREIGN_KEYS = (
    'SELECT m.name, x.id, x."table", x."from", x."to", x.on_update, x.on_delete '
    + _OF_TABLES.format("pragma_foreign_key_list(m.name)")
    + "m.name, x.id DESC, x.seq"
)
_INDEXES = (
    """
SELECT m.name, l.name, l."unique", l.origin, l.partial, x.name, i.sql
FROM sqlite_master m JOIN pragma_index_list(m.name) l JOIN pragma_index_xinfo(l.name) x
  LEFT JOIN sqlite_master i ON i.type = 'index' AND i.name = l.name
"""
    + _REAL
    + "AND x.key ORDER BY m.name, l.seq DESC, x.seqno"
)
_HIDDEN_COMPUTED = {2: False, 3: True}
"""`hidden` of pragma table_xinfo: 2 is a VIRTUAL, 3 a STORED generated column."""
_HIDDEN_OF_VIRTUAL_TABLE = 1

Row = tuple[Any, ...]


def reflect(connection: sa.Connection, selection: Selection) -> Schema:
    """Read the catalogue of the main database.

    Raises:
        ReflectionError: a schema other than ``main`` is asked for.
    """
    other = set(selection.schemas) - {"main"}
    if other:
        raise ReflectionError(f"SQLite has no schema {', '.join(sorted(other))}; only main.")
    texts = {
        name: sql
        for name, sql in _real_tables(connection)
        if not name.startswith(OWN_PREFIX) and selection.selects(TableName(name))
    }
    columns = _by_table(connection, _COLUMNS)
    foreign_keys = _by_table(connection, _FOREIGN_KEYS)
    indexes = _by_table(connection, _INDEXES)
    parents = {name.casefold(): (name, rows) for name, rows in columns.items()}
    tables = [
        _Reader(name, read_ddl(sql), columns[name], foreign_keys[name], indexes[name]).table(
            parents
        )
        for name, sql in texts.items()
    ]
    return Schema("sqlite", _database_name(connection), tuple(tables))


def _real_tables(connection: sa.Connection) -> list[tuple[str, str]]:
    """Return name and text of each table that is neither virtual nor the shadow of one."""
    found = [(str(name), str(sql)) for name, sql in connection.exec_driver_sql(_TABLES)]
    modules = {name: virtual_module(sql) for name, sql in found}
    shadows = {
        f"{name}_{ending}"
        for name, module in modules.items()
        for ending in _SHADOWS.get(module or "", ())
    }
    return [(name, sql) for name, sql in found if modules[name] is None and name not in shadows]


def _database_name(connection: sa.Connection) -> str:
    from pathlib import Path

    row = connection.exec_driver_sql("SELECT file FROM pragma_database_list WHERE name = 'main'")
    return Path(row.scalar() or "memory").stem


def _by_table(connection: sa.Connection, sql: str) -> dict[str, list[Row]]:
    result: dict[str, list[Row]] = defaultdict(list)
    for name, *rest in connection.exec_driver_sql(sql):
        result[name].append(tuple(rest))
    return result


def _primary_columns(rows: Iterable[Row]) -> tuple[str, ...]:
    return tuple(row[0] for row in sorted((r for r in rows if r[4]), key=lambda r: r[4]))


class _Reader:
    """One table out of the rows of the catalogue and its text."""

    def __init__(
        self,
        name: str,
        text: TableText,
        columns: list[Row],
        foreign_keys: list[Row],
        indexes: list[Row],
    ) -> None:
        self.name, self.text = name, text
        self.columns = [row for row in columns if row[5] != _HIDDEN_OF_VIRTUAL_TABLE]
        self.foreign_keys, self.indexes = foreign_keys, indexes
        self.primary = _primary_columns(self.columns)
        self.key_names = {
            (key.kind, tuple(c.casefold() for c in key.columns)): key.name for key in text.keys
        }

    def table(self, parents: dict[str, tuple[str, list[Row]]]) -> Table:
        return Table(
            name=TableName(self.name),
            columns=tuple(self._column(row) for row in self.columns),
            primary_key=self._primary_key(),
            unique_keys=tuple(self._unique_keys()),
            foreign_keys=tuple(self._foreign_keys(parents)),
            checks=tuple(Check(check.sql, check.name) for check in self.text.checks),
            indexes=tuple(self._indexes()),
        )

    def _column(self, row: Row) -> Column:
        name, declared, not_null, default, position, hidden = row
        alone = self.primary == (name,) and not self.text.without_rowid
        rowid = alone and declared.upper() == "INTEGER"
        computed = dict(self.text.computed).get(name, "")
        return Column(
            name=name,
            type=named_type(declared.removesuffix(" GENERATED ALWAYS").strip()),
            nullable=not (not_null or (position and rowid)),
            default=default,
            identity=Identity() if rowid or self.text.autoincrement == name else None,
            computed=Computed(computed, _HIDDEN_COMPUTED[hidden])
            if hidden in _HIDDEN_COMPUTED
            else None,
        )

    def _key_name(self, kind: str, columns: tuple[str, ...]) -> str | None:
        return self.key_names.get((kind, tuple(c.casefold() for c in columns)))

    def _primary_key(self) -> PrimaryKey | None:
        if not self.primary:
            return None
        return PrimaryKey(self.primary, name=self._key_name("PRIMARY", self.primary))

    def _index_groups(self) -> dict[str, list[Row]]:
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in self.indexes:
            groups[row[0]].append(row)
        return groups

    def _unique_keys(self) -> Iterable[UniqueKey]:
        for name, rows in self._index_groups().items():
            _, unique, origin, partial, _, _ = rows[0]
            columns = tuple(row[4] for row in rows)
            if not unique or partial or origin == "pk" or None in columns:
                continue
            given = self._key_name("UNIQUE", columns) if origin == "u" else name
            yield UniqueKey(columns, name=given)

    def _indexes(self) -> Iterable[Index]:
        for name, rows in self._index_groups().items():
            _, unique, origin, partial, _, sql = rows[0]
            if origin != "c":
                continue
            where = index_condition(sql or "") if partial else None
            yield Index(name, tuple(row[4] for row in rows), bool(unique), where)

    def _foreign_keys(self, parents: dict[str, tuple[str, list[Row]]]) -> Iterable[ForeignKey]:
        groups: dict[int, list[Row]] = defaultdict(list)
        for row in self.foreign_keys:
            groups[row[0]].append(row)
        clauses = self.text.foreign_keys
        known = len(clauses) == len(groups)
        for i, rows in enumerate(groups.values()):
            _, referred, _, _, on_update, on_delete = rows[0]
            target, columns_there = parents.get(referred.casefold(), (referred, []))
            clause = clauses[i] if known else ForeignKeyClause(None, False, False)
            named = tuple(row[3] for row in rows)
            referred_columns = (
                _primary_columns(columns_there) if None in named else _spelled(named, columns_there)
            )
            if len(referred_columns) != len(rows):
                continue  # it names no columns and its table is missing or has another key
            yield ForeignKey(
                columns=_spelled(tuple(row[2] for row in rows), self.columns),
                referred=TableName(target),
                referred_columns=referred_columns,
                name=clause.name,
                on_delete=_action(on_delete),
                on_update=_action(on_update),
                state=ConstraintState(
                    deferrable=clause.deferrable, initially_deferred=clause.initially_deferred
                ),
            )


def _spelled(columns: tuple[str, ...], rows: list[Row]) -> tuple[str, ...]:
    """Return names as the table that owns them spells them."""
    spelling = {row[0].casefold(): row[0] for row in rows}
    return tuple(spelling.get(name.casefold(), name) for name in columns)


def _action(action: str) -> str | None:
    return None if action == "NO ACTION" else action
