"""The catalogue as a schema of the model.

Imported by the MySQL connections only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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
from .names import Collation, literal
from .types import sql_type

Row: TypeAlias = Sequence[Any]
Place: TypeAlias = tuple[str, str]
"""Schema and name of a table."""
ByTable: TypeAlias = Mapping[Place, Sequence[Row]]

_PRIMARY = "PRIMARY"
_NO_ACTION = frozenset({"NO ACTION", "RESTRICT"})
"""The same thing here, and the default; MariaDB writes one, MySQL the other."""
_JSON_CHECK = re.compile(r"json_valid\(`((?:[^`]|``)+)`\)", re.IGNORECASE)
_NEXT = re.compile(r"nextval\((?:`((?:[^`]|``)+)`\.)?`((?:[^`]|``)+)`\)", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", re.IGNORECASE)
_STORED = ("STORED", "PERSISTENT", "ROW START", "ROW END")


@dataclass(frozen=True, slots=True)
class Server:
    """What decides how the catalogue is read.

    Attributes:
        mariadb: MariaDB, not MySQL.
        version: as SQLAlchemy gives it.
        fold: whether names of schemas and tables ignore case (``lower_case_table_names``).
        database: the connection's default.
    """

    mariadb: bool
    version: tuple[Any, ...]
    fold: bool
    database: str | None

    def same(self, one: str, other: str) -> bool:
        """Tell whether two names of schemas or tables mean the same."""
        return one == other or (self.fold and one.casefold() == other.casefold())

    def name(self, place: Place) -> TableName:
        """Return the model's name of a table."""
        schema, table = place
        return TableName(table, None if schema == self.database else schema)


@dataclass(frozen=True, slots=True)
class Reflected:
    """A schema, and by which collation its texts compare."""

    schema: Schema
    collations: Mapping[TableName, Mapping[str, Collation]]


@dataclass(frozen=True, slots=True)
class _Catalog:
    """Rows of the catalogue, by table."""

    server: Server
    tables: Mapping[Place, str]
    columns: ByTable
    indexes: ByTable
    keys: ByTable
    rules: Mapping[tuple[str, str, str], Row]
    checks: ByTable
    sequences: Sequence[Place]


def reflect(connection: sa.Connection, selection: Selection, server: Server) -> Reflected:
    """Read the catalogue.

    Args:
        connection: open.
        selection: which tables.
        server: what it is.

    Raises:
        ReflectionError: a schema does not exist, or the catalogue cannot be read.
    """
    try:
        schemas = existing_schemas(connection, selection.schemas or (server.database,), server)
        found = _read(connection, schemas, server)
    except sa.exc.DBAPIError as error:
        raise ReflectionError(f"The catalogue cannot be read: {reason(error)}.") from None
    chosen = {
        place: server.name(place)
        for place in found.tables
        if selection.selects(server.name(place)) and not place[1].startswith(OWN_PREFIX)
    }
    tables = sorted((_table(found, p, n) for p, n in chosen.items()), key=lambda t: t.name)
    schema = Schema(
        dialect=connection.dialect.name,
        name=server.database or ", ".join(schemas),
        tables=tuple(tables),
        sequences=tuple(_sequences(found, tables)),
    )
    return Reflected(schema, {n: _collations(found.columns[p]) for p, n in chosen.items()})


def existing_schemas(
    connection: sa.Connection, asked: Sequence[str | None], server: Server
) -> list[str]:
    """Return schemas as the server spells them.

    Raises:
        ReflectionError: one does not exist, or none is named.
    """
    if None in asked:
        raise ReflectionError("The URL names no database; name one in it or with --schema.")
    known = [row[0] for row in connection.execute(catalog.SCHEMAS)]
    found = {name: _spelled(name, known, server) for name in asked if name is not None}
    missing = [name for name, spelling in found.items() if spelling is None]
    if missing:
        raise ReflectionError(f"There is no schema {', '.join(sorted(missing))}.")
    return list(dict.fromkeys(spelling for spelling in found.values() if spelling))


def _spelled(name: str, known: Iterable[str], server: Server) -> str | None:
    candidates = [other for other in known if server.same(name, other)]
    return name if name in candidates else next(iter(candidates), None)


def _read(connection: sa.Connection, schemas: list[str], server: Server) -> _Catalog:
    def rows(statement: sa.TextClause) -> list[Row]:
        found = connection.execute(statement, {"schemas": schemas})
        return [tuple(row) for row in found if row[0] in schemas]

    checks = catalog.checks(mariadb=server.mariadb, version=server.version)
    return _Catalog(
        server,
        {(row[0], row[1]): row[2] for row in rows(catalog.TABLES)},
        _by_table(rows(catalog.COLUMNS)),
        _by_table(rows(catalog.INDEXES)),
        _by_table(rows(catalog.KEYS)),
        {(row[0], row[1], row[2]): row[3:] for row in rows(catalog.RULES)},
        _by_table(rows(checks) if checks is not None else []),
        [(row[0], row[1]) for row in rows(catalog.SEQUENCES)],
    )


def _by_table(rows: Iterable[Row]) -> ByTable:
    result: dict[Place, list[Row]] = defaultdict(list)
    for row in rows:
        result[row[0], row[1]].append(row[2:])
    return result


def _collations(rows: Iterable[Row]) -> dict[str, Collation]:
    return {row[0]: Collation(row[-2], row[-1]) for row in rows if row[-1] is not None}


def _table(found: _Catalog, place: Place, name: TableName) -> Table:
    rows = found.columns[place]
    checks = [_check(row, found.server) for row in found.checks.get(place, ())]
    documents = {
        match.group(1).replace("``", "`")
        for check in checks
        if found.server.mariadb and (match := _JSON_CHECK.fullmatch(check.sql))
    }
    indexes = _grouped(found.indexes.get(place, ()))
    primary = indexes.pop(_PRIMARY, None)
    unique = {n: parts for n, parts in indexes.items() if _is_plain_unique(parts)}
    return Table(
        name=name,
        columns=tuple(_column(row, documents, found.server) for row in rows),
        primary_key=PrimaryKey(_names(primary)) if primary else None,
        unique_keys=tuple(UniqueKey(_names(parts), n) for n, parts in unique.items()),
        foreign_keys=tuple(_foreign_keys(found, place)),
        checks=tuple(checks),
        indexes=tuple(
            Index(n, tuple(part[2] for part in parts), not parts[0][1])
            for n, parts in indexes.items()
            if n not in unique
        ),
        comment=found.tables[place] or None,
    )


def _grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return groups


def _names(parts: Iterable[Row]) -> tuple[str, ...]:
    return tuple(part[2] for part in parts)


def _is_plain_unique(parts: Sequence[Row]) -> bool:
    """Tell whether an index makes whole columns unique: no expressions, no prefixes."""
    return not parts[0][1] and all(part[2] is not None and part[3] is None for part in parts)


def _column(row: Row, documents: set[str], server: Server) -> Column:
    (name, kind, written, length, precision, scale, nullable, default, extra, expression) = row[:10]
    (comment, *_) = row[10:]
    flags = (extra or "").upper()
    written = "json" if name in documents and kind == "longtext" else written
    drawn = _NEXT.fullmatch(default or "") if server.mariadb else None
    counter = Identity() if "AUTO_INCREMENT" in flags else None
    if drawn:
        counter = Identity(sequence=".".join(part for part in drawn.groups() if part))
    computed = None
    if expression and ("GENERATED" in flags or server.mariadb) and "DEFAULT_GENERATED" not in flags:
        stored = any(word in f"{flags} {expression.upper()}" for word in _STORED)
        computed = Computed(_unescaped(expression, server), stored)
    return Column(
        name=name,
        type=sql_type(kind, written, length, precision, scale),
        nullable=nullable == "YES",
        default=None if counter or computed else _default(default, kind, flags, server),
        identity=counter,
        computed=computed,
        comment=comment or None,
    )


def _default(default: str | None, kind: str, flags: str, server: Server) -> str | None:
    """Return a default as an expression: MySQL writes literals without quotes."""
    if default is None or (server.mariadb and default == "NULL"):
        return None
    if server.mariadb or "DEFAULT_GENERATED" in flags or default.upper().startswith("CURRENT_"):
        return _unescaped(default, server)
    return default if kind == "bit" or _NUMBER.fullmatch(default) else literal(default)


def _unescaped(expression: str, server: Server) -> str:
    """Return an expression as it was written; MySQL's catalogue escapes quotes in it."""
    return expression if server.mariadb else expression.replace("\\'", "'")


def _check(row: Row, server: Server) -> Check:
    name, clause, enforced = row
    return Check(_unescaped(clause, server), name, ConstraintState(enforced=enforced == "YES"))


def _foreign_keys(found: _Catalog, place: Place) -> Iterable[ForeignKey]:
    server = found.server
    for name, rows in _grouped(found.keys.get(place, ())).items():
        _, _, schema, table, _ = rows[0]
        referred = _spelled_place((schema, table), found)
        rule = found.rules.get((*place, name), ("NO ACTION", "NO ACTION"))
        yield ForeignKey(
            columns=_spelled_columns([row[1] for row in rows], found.columns[place]),
            referred=server.name(referred),
            referred_columns=_spelled_columns(
                [row[4] for row in rows], found.columns.get(referred, ())
            ),
            name=name,
            on_delete=None if rule[0] in _NO_ACTION else rule[0],
            on_update=None if rule[1] in _NO_ACTION else rule[1],
        )


def _spelled_place(place: Place, found: _Catalog) -> Place:
    """Return a referenced table as the server spells it; InnoDB keeps it in small letters."""
    if place in found.tables or not found.server.fold:
        return place
    wanted = tuple(part.casefold() for part in place)
    spellings = (p for p in found.tables if (p[0].casefold(), p[1].casefold()) == wanted)
    return next(spellings, place)


def _spelled_columns(names: Sequence[str], rows: Iterable[Row]) -> tuple[str, ...]:
    """Return columns as their table spells them, which names in a foreign key need not."""
    spelling = {row[0].casefold(): row[0] for row in rows}
    return tuple(spelling.get(name.casefold(), name) for name in names)


def _sequences(found: _Catalog, tables: Iterable[Table]) -> Iterable[ModelSequence]:
    owners = {
        column.identity.sequence: (table.name, column.name)
        for table in tables
        for column in table.columns
        if column.identity and column.identity.sequence
    }
    for schema, name in found.sequences:
        if name.startswith(OWN_PREFIX):
            continue
        shown = None if schema == found.server.database else schema
        owner = owners.get(f"{schema}.{name}") or owners.get(name)
        yield ModelSequence(name, shown, owner=owner)
