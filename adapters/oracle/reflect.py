"""The data dictionary as a schema of the model.

Imported by the Oracle connections only.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
Place: TypeAlias = tuple[str, str]
"""Schema and name of a table."""
ByTable: TypeAlias = Mapping[Place, Sequence[Row]]

_NO_ACTION = "NO ACTION"
_INTERNAL_SEQUENCE = "ISEQ$$_"
"""Begins the names of sequences that belong to identity columns."""
_NAME = r'(?:"([^"]+)"|([A-Za-z][\w$#]*))'
_NEXT = re.compile(rf"(?:{_NAME}\s*\.\s*)?{_NAME}\s*\.\s*\"?NEXTVAL\"?", re.IGNORECASE)
_DRAWN = re.compile(
    rf":NEW\s*\.\s*{_NAME}\s*:=\s*(?P<assigned>{_NEXT.pattern})"
    rf"|(?P<selected>{_NEXT.pattern})\s+INTO\s+:NEW\s*\.\s*{_NAME}",
    re.IGNORECASE,
)
"""How triggers fill a column from a sequence, which was the only way before Oracle 12."""
_INSERTS = "INSERT"
_BEFORE_EACH_ROW = "BEFORE EACH ROW"
_NOT_NULL = re.compile(r'"[^"]+" IS NOT NULL')
_OPTION = re.compile(r"([A-Z_ ]+): (-?\d+)")


@dataclass(frozen=True, slots=True)
class Server:
    """What decides how the dictionary is read.

    Attributes:
        schema: the session's own, whose tables have no schema in the model.
        user: who has opened the session.
        version: as the driver gives it.
    """

    schema: str
    user: str
    version: tuple[int, ...]

    def name(self, place: Place) -> TableName:
        """Return the model's name of a table."""
        schema, table = place
        return TableName(table, None if schema == self.schema else schema)


@dataclass(frozen=True, slots=True)
class _Dictionary:
    """Rows of the dictionary, by table; sequences with their steps."""

    server: Server
    tables: Sequence[Place]
    comments: Mapping[Place, str]
    columns: ByTable
    column_comments: Mapping[tuple[str, str, str], str]
    identities: Mapping[tuple[str, str, str], Row]
    constraints: ByTable
    keys: Mapping[tuple[str, str], tuple[Place, tuple[str, ...]]]
    indexes: ByTable
    index_columns: ByTable
    sequences: Mapping[Place, int]
    triggers: ByTable


def reflect(connection: sa.Connection, selection: Selection, server: Server) -> Schema:
    """Read the dictionary.

    Args:
        connection: open.
        selection: which tables.
        server: what it is.

    Raises:
        ReflectionError: a schema does not exist, or the dictionary cannot be read.
    """
    try:
        schemas = existing_schemas(connection, selection.schemas or (server.schema,))
        found = _read(connection, schemas, server)
    except sa.exc.DBAPIError as error:
        raise ReflectionError(f"The catalogue cannot be read: {reason(error)}.") from None
    chosen = {
        place: server.name(place)
        for place in found.tables
        if selection.selects(server.name(place)) and not place[1].startswith(OWN_PREFIX)
    }
    tables = sorted((_table(found, p, n) for p, n in chosen.items()), key=lambda t: t.name)
    return Schema(
        dialect=connection.dialect.name,
        name=server.schema if server.schema in schemas else ", ".join(schemas),
        tables=tuple(tables),
        sequences=tuple(_sequences(found, tables)),
    )


def existing_schemas(connection: sa.Connection, asked: Sequence[str]) -> list[str]:
    """Return schemas as the server spells them: names typed without quotes are in capitals.

    Raises:
        ReflectionError: one does not exist.
    """
    known = {row[0] for row in rows_of(connection, catalog.SCHEMAS)}
    found = {name: name if name in known else name.upper() for name in asked}
    missing = sorted(name for name, spelling in found.items() if spelling not in known)
    if missing:
        raise ReflectionError(f"There is no schema {', '.join(missing)}.")
    return list(dict.fromkeys(found.values()))


def rows_of(
    connection: sa.Connection, statement: sa.TextClause, schemas: Iterable[str] | None = None
) -> list[Row]:
    """Return what a statement on the dictionary finds.

    Args:
        connection: open.
        statement: of `catalog`.
        schemas: for one that asks about schemas.
    """
    asked = {} if schemas is None else {"schemas": sorted(schemas) or [""]}
    return [tuple(row) for row in connection.execute(statement, asked)]


def _read(connection: sa.Connection, schemas: list[str], server: Server) -> _Dictionary:
    def rows(statement: sa.TextClause) -> list[Row]:
        return rows_of(connection, statement, schemas)

    return _Dictionary(
        server,
        tables=[(row[0], row[1]) for row in rows(catalog.TABLES)],
        comments={(row[0], row[1]): row[2] for row in rows(catalog.TABLE_COMMENTS)},
        columns=by_table(rows(catalog.COLUMNS)),
        column_comments={(r[0], r[1], r[2]): r[3] for r in rows(catalog.COLUMN_COMMENTS)},
        identities={(r[0], r[1], r[2]): r[3:] for r in rows(catalog.IDENTITIES)},
        constraints=by_table(rows(catalog.CONSTRAINTS)),
        keys=_keys(rows(catalog.KEY_COLUMNS) + rows(catalog.REFERRED_COLUMNS)),
        indexes=by_table(rows(catalog.INDEXES)),
        index_columns=by_table(rows(catalog.INDEX_COLUMNS)),
        sequences={(row[0], row[1]): int(row[2]) for row in rows(catalog.SEQUENCES)},
        triggers=by_table(rows(catalog.TRIGGERS)),
    )


def by_table(rows: Iterable[Row]) -> dict[Place, list[Row]]:
    """Return rows, without schema and name of the table with which they begin, by these."""
    result: dict[Place, list[Row]] = defaultdict(list)
    for row in rows:
        result[row[0], row[1]].append(row[2:])
    return result


def _keys(rows: Iterable[Row]) -> dict[tuple[str, str], tuple[Place, tuple[str, ...]]]:
    """Return table and columns of constraints, by schema and name."""
    result: dict[tuple[str, str], tuple[Place, tuple[str, ...]]] = {}
    for owner, table, name, column in rows:
        _, columns = result.get((owner, name), ((), ()))
        result[owner, name] = (owner, table), (*columns, column)
    return result


def _table(found: _Dictionary, place: Place, name: TableName) -> Table:
    constraints: dict[str, list[Row]] = defaultdict(list)
    for row in found.constraints.get(place, ()):
        constraints[row[1]].append(row)
    columns = {row[0] for row in found.columns[place]}
    declared = {row[0]: found.keys[place[0], row[0]][1] for row in _keyed(found, place)}
    indexes = list(_indexes(found, place, columns))
    backing = set(declared.values())
    unique = [i for i in indexes if i.unique and None not in i.columns]
    primary = next(iter(constraints["P"]), None)
    return Table(
        name=name,
        columns=tuple(_column(found, place, row) for row in found.columns[place]),
        primary_key=PrimaryKey(declared[primary[0]], primary[0], state_of(primary))
        if primary
        else None,
        unique_keys=(
            *(UniqueKey(declared[r[0]], r[0], state_of(r)) for r in constraints["U"]),
            *(UniqueKey(_whole(i), i.name) for i in unique if _whole(i) not in backing),
        ),
        foreign_keys=tuple(_foreign_keys(found, place, constraints["R"])),
        checks=tuple(
            Check(row[10].strip(), row[0], state_of(row))
            for row in constraints["C"]
            if row[10] and not _NOT_NULL.fullmatch(row[10].strip())
        ),
        indexes=tuple(index for index in indexes if index not in unique),
        comment=found.comments.get(place),
    )


def _keyed(found: _Dictionary, place: Place) -> Iterator[Row]:
    """Yield primary and unique keys of a table."""
    return (row for row in found.constraints.get(place, ()) if row[1] in ("P", "U"))


def _whole(index: Index) -> tuple[str, ...]:
    return tuple(column for column in index.columns if column is not None)


def state_of(row: Row) -> ConstraintState:
    """Return the state of a constraint.

    Args:
        row: of `catalog.CONSTRAINTS`, from the constraint's name on.
    """
    return ConstraintState(
        enforced=row[5] == "ENABLED",
        validated=row[8] == "VALIDATED",
        deferrable=row[6] == "DEFERRABLE",
        initially_deferred=row[7] == "DEFERRED",
    )


def _column(found: _Dictionary, place: Place, row: Row) -> Column:
    name, kind, owner, size, characters, unit, precision, scale, nullable = row[:9]
    virtual, _, default = row[9:12]
    counter = _identity(found, place, name, default)
    computed = Computed(default.strip(), stored=False) if virtual == "YES" and default else None
    known = None if counter or computed or default is None else default.strip()
    return Column(
        name=name,
        type=sql_type(kind, owner, size, characters, unit, precision, scale),
        nullable=nullable == "Y",
        default=None if known is None or known.upper() == "NULL" else known,
        identity=counter,
        computed=computed,
        comment=found.column_comments.get((*place, name)),
    )


def _identity(
    found: _Dictionary, place: Place, column: str, default: str | None
) -> Identity | None:
    """Return what fills a column: its own counter, a sequence by default, or one by trigger."""
    declared = found.identities.get((*place, column))
    if declared:
        options = identity_options(declared[1])
        return Identity(
            declared[0] == "ALWAYS", options.get("START WITH"), options.get("INCREMENT BY")
        )
    sequence = sequence_in(default, place[0]) or _drawn(found, place).get(column)
    if sequence is None:
        return None
    schema, name = sequence
    shown = name if schema == found.server.schema else f"{schema}.{name}"
    return Identity(increment=found.sequences.get(sequence), sequence=shown)


def sequence_in(default: str | None, home: str) -> Place | None:
    """Return the sequence from which a default draws; None if it draws from none.

    Args:
        default: of a column.
        home: the schema where a sequence is looked for.
    """
    drawn = _NEXT.fullmatch((default or "").strip())
    return _spelled(drawn.groups(), home) if drawn else None


def identity_options(written: str | None) -> dict[str, int]:
    """Return the numbers in ``IDENTITY_OPTIONS``, such as ``START WITH``, by their names."""
    return {name.strip(): int(value) for name, value in _OPTION.findall(written or "")}


def _spelled(parts: Sequence[str | None], home: str) -> Place:
    """Return schema and name of a sequence: in capitals, unless they stand in quotes.

    Args:
        parts: schema in quotes, schema, name in quotes, name.
        home: the schema where none is named.
    """
    schema = parts[0] or (parts[1] or home).upper() if parts[0] or parts[1] else home
    return schema, parts[2] or str(parts[3]).upper()


def _drawn(found: _Dictionary, place: Place) -> dict[str, Place]:
    """Return the sequences from which triggers fill columns of new rows, by column."""
    result: dict[str, Place] = {}
    for owner, _, when, event, state, body in found.triggers.get(place, ()):
        if when == _BEFORE_EACH_ROW and _INSERTS in event and state == "ENABLED":
            result |= drawn_in(body or "", owner)
    return result


def drawn_in(body: str, home: str) -> dict[str, Place]:
    """Return which columns of a new row a trigger fills from which sequence.

    Args:
        body: of the trigger.
        home: its schema, where a sequence is looked for.
    """
    result = {}
    for match in _DRAWN.finditer(body):
        parts = match.groups()
        if match["assigned"]:
            column, sequence = parts[0:2], parts[3:7]
        else:
            column, sequence = parts[12:14], parts[8:12]
        result[column[0] or str(column[1]).upper()] = _spelled(sequence, home)
    return result


def _indexes(found: _Dictionary, place: Place, columns: Collection[str]) -> Iterator[Index]:
    """Yield indexes, without those that a key of the same columns has made or uses."""
    parts: dict[str, list[str]] = defaultdict(list)
    for name, column in found.index_columns.get(place, ()):
        parts[name].append(column)
    keys = {found.keys[place[0], row[0]][1] for row in _keyed(found, place)}
    for name, uniqueness, _ in found.indexes.get(place, ()):
        whole = tuple(column if column in columns else None for column in parts[name])
        unique = uniqueness == "UNIQUE"
        if not (unique and whole in keys):
            yield Index(name, whole, unique)


def _foreign_keys(found: _Dictionary, place: Place, rows: Iterable[Row]) -> Iterator[ForeignKey]:
    for row in rows:
        referred = found.keys.get((row[2], row[3]))
        if referred is None:
            continue  # the role may not see the table that is referred to
        rule = row[4]
        yield ForeignKey(
            columns=found.keys[place[0], row[0]][1],
            referred=found.server.name(referred[0]),
            referred_columns=referred[1],
            name=row[0],
            on_delete=None if rule in (None, _NO_ACTION) else rule,
            state=state_of(row),
        )


def _sequences(found: _Dictionary, tables: Iterable[Table]) -> Iterator[ModelSequence]:
    owners = {
        column.identity.sequence: (table.name, column.name)
        for table in tables
        for column in table.columns
        if column.identity and column.identity.sequence
    }
    for (schema, name), step in found.sequences.items():
        if name.startswith((OWN_PREFIX, _INTERNAL_SEQUENCE)):
            continue
        shown = None if schema == found.server.schema else schema
        owner = owners.get(name if shown is None else f"{schema}.{name}")
        yield ModelSequence(name, shown, increment=step, owner=owner)
