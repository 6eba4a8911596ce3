"""Empty targets with the declared keys of a database, loaded by the real protocol.

Imported by the tests that prove restored rows in a database.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from there_and_back import Trip

from schemasynth import api
from schemasynth.adapter import adapter_for
from schemasynth.load import refresh_tables
from schemasynth.model import Column, Schema, TableName, TypeFamily, arrow_type
from schemasynth.plan.keys import accepted_schema
from schemasynth.settings import database_url
from schemasynth.verify import IntegrityReport, check_integrity, require

CHUNK = 10_000
INDEX_BYTES = 3072
"""InnoDB's limit of an index entry; a character of utf8mb4 counts for four."""
KEY_CHARACTERS = 60
SPARE_CHARACTERS = 20
"""Texts of keys may become a little longer than those of the source."""
_TYPES: dict[TypeFamily, type[sa.types.TypeEngine[Any]]] = {
    TypeFamily.INTEGER: sa.BigInteger,
    TypeFamily.FLOAT: sa.Double,
    TypeFamily.DECIMAL: sa.Numeric,
    TypeFamily.BOOLEAN: sa.Boolean,
    TypeFamily.DATE: sa.Date,
    TypeFamily.DATETIME: sa.DateTime,
    TypeFamily.TIME: sa.Time,
    TypeFamily.BINARY: sa.LargeBinary,
}


def emptied_copy(origin: Path, path: Path) -> str:
    """Copy a SQLite file without its rows."""
    shutil.copyfile(origin, path)
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (name,) in names:
            quoted = name.replace('"', '""')
            connection.execute(f'DELETE FROM "{quoted}"')
        connection.commit()
    return str(path)


def create_in_postgresql(schema: Schema, frames: dict[str, pd.DataFrame], url: str) -> None:
    """Create the tables of a schema in an empty PostgreSQL database, with all declared keys.

    Types follow what the source holds: SQLite's declared types bind nobody.
    """
    metadata = sa.MetaData()
    types = _agreeing_types(schema, frames)
    uniques = {(t.name, columns) for t in schema for columns in t.candidate_keys}
    for table in schema:
        items: list[Any] = [
            sa.Column(c.name, types[table.name, c.name](), nullable=c.nullable)
            for c in table.columns
            if c.computed is None
        ]
        if table.primary_key:
            items.append(sa.PrimaryKeyConstraint(*table.primary_key.columns))
        items += [sa.UniqueConstraint(*key.columns) for key in table.unique_keys]
        items += [
            sa.ForeignKeyConstraint(
                list(key.columns),
                [f"{key.referred.name}.{column}" for column in key.referred_columns],
                use_alter=True,
                name=f"{table.name.name}_fk{i}",
            )
            for i, key in enumerate(table.foreign_keys)
            if (key.referred, key.referred_columns) in uniques
        ]
        sa.Table(table.name.name, metadata, *items)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata.create_all(engine)


def _agreeing_types(
    schema: Schema, frames: dict[str, pd.DataFrame]
) -> dict[tuple[TableName, str], type[sa.types.TypeEngine[Any]]]:
    """Return a type for each column; text where a key refers to a column of another type."""
    types = {
        (t.name, c.name): _type(c, frames[str(t.name)])
        for t in schema
        for c in t.columns
        if c.computed is None
    }
    pairs = [
        ((t.name, here), (key.referred, there))
        for t in schema
        for key in t.foreign_keys
        for here, there in zip(key.columns, key.referred_columns, strict=True)
    ]
    while unlike := [pair for pair in pairs if types[pair[0]] is not types[pair[1]]]:
        types |= {column: sa.Text for pair in unlike for column in pair}
    return types


def _type(column: Column, rows: pd.DataFrame) -> type[sa.types.TypeEngine[Any]]:
    kind = rows[column.name].dtype.pyarrow_dtype
    family = column.type.family if kind == arrow_type(column.type) else _family(kind)
    return _TYPES.get(family, sa.Text)


def _family(kind: pa.DataType) -> TypeFamily:
    for test, family in (
        (pa.types.is_integer, TypeFamily.INTEGER),
        (pa.types.is_floating, TypeFamily.FLOAT),
        (pa.types.is_decimal, TypeFamily.DECIMAL),
        (pa.types.is_boolean, TypeFamily.BOOLEAN),
        (pa.types.is_date, TypeFamily.DATE),
        (pa.types.is_timestamp, TypeFamily.DATETIME),
        (pa.types.is_time, TypeFamily.TIME),
        (pa.types.is_binary, TypeFamily.BINARY),
    ):
        if test(kind):
            return family
    return TypeFamily.TEXT


def loaded(trip: Trip, url: str) -> IntegrityReport:
    """Load restored rows as a refresh does, then verify the database."""
    address = database_url(url)
    with adapter_for(address).target(address) as target:
        target.write_marker("test")
        schema = accepted_schema(trip.plan, target.reflect())
        refresh_tables(
            target,
            schema,
            {t.name: _batches(trip, t.name) for t in schema},
            run_id="roundtrip",
            verify=lambda staged: require(check_integrity(staged, schema)),
        )
    return api.verify(url, model=trip.schema)


def _batches(trip: Trip, name: TableName) -> Iterator[pa.RecordBatch]:
    table = pa.Table.from_pandas(trip.restored.frames[str(name)], preserve_index=False)
    yield from table.to_batches(CHUNK) or [pa.RecordBatch.from_pylist([], schema=table.schema)]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something of a schema that a database cannot hold.

    Attributes:
        what: the object, for people.
        why: which rule of the database it breaks.
    """

    what: str
    why: str


def create_in_mysql(
    schema: Schema, frames: dict[str, pd.DataFrame], url: str
) -> tuple[LeftOut, ...]:
    """Create the tables of a schema in an empty MySQL database, with the keys that it can hold.

    Types follow what the source holds; texts of keys compare byte by byte, as SQLite compares them.

    Returns:
        What was left out.
    """
    types = _agreeing_types(schema, frames)
    keyed = _keyed(schema)
    lengths = _lengths(schema, frames, keyed)
    metadata, left_out = sa.MetaData(), list[LeftOut]()
    for table in schema:
        size = {
            name: 4 * lengths[table.name, name]
            if (table.name, name) in lengths
            and types[table.name, name] in (sa.Text, sa.LargeBinary)
            else 8
            for name in keyed[table.name]
        }
        held = [key for key in table.candidate_keys if sum(size[c] for c in key) <= INDEX_BYTES]
        left_out += [
            LeftOut(f"key {table.name}({', '.join(key)})", f"an index has {INDEX_BYTES} bytes")
            for key in table.candidate_keys
            if key not in held
        ]
        items: list[Any] = [
            sa.Column(
                c.name,
                _mysql_type(types[table.name, c.name], lengths.get((table.name, c.name))),
                nullable=c.nullable,
                autoincrement=False,
            )
            for c in table.columns
            if c.computed is None
        ]
        primary = table.primary_key.columns if table.primary_key else ()
        if primary in held:
            items.append(sa.PrimaryKeyConstraint(*primary))
        items += [sa.UniqueConstraint(*key) for key in held if key != primary]
        for i, key in enumerate(table.foreign_keys):
            parents = schema.table(key.referred).candidate_keys if key.referred in schema else ()
            if key.referred_columns not in parents:
                why = "the referenced columns are no key"
                left_out.append(LeftOut(f"reference {table.name}({', '.join(key.columns)})", why))
                continue
            items.append(
                sa.ForeignKeyConstraint(
                    list(key.columns),
                    [f"{key.referred.name}.{column}" for column in key.referred_columns],
                    use_alter=True,
                    name=f"fk_{len(metadata.tables)}_{i}",
                )
            )
        sa.Table(table.name.name, metadata, *items, mysql_engine="InnoDB")
    metadata.create_all(sa.create_engine(url, poolclass=sa.NullPool))
    return tuple(left_out)


def _keyed(schema: Schema) -> dict[TableName, set[str]]:
    """Return the columns that stand in keys of either side."""
    found = {t.name: {c for key in t.candidate_keys for c in key} for t in schema}
    for table in schema:
        for key in table.foreign_keys:
            found[table.name] |= set(key.columns)
            if key.referred in found:
                found[key.referred] |= set(key.referred_columns)
    return found


def _lengths(
    schema: Schema, frames: dict[str, pd.DataFrame], keyed: dict[TableName, set[str]]
) -> dict[tuple[TableName, str], int]:
    """Return how long the texts of keyed columns may be; the same on both sides of a reference."""
    found = {}
    for table in schema:
        for name in keyed[table.name]:
            texts = frames[str(table.name)][name].dropna().astype(str)
            longest = int(texts.str.len().max()) if len(texts) else 0
            found[table.name, name] = max(KEY_CHARACTERS, longest + SPARE_CHARACTERS)
    changed = True
    while changed:
        changed = False
        for table in schema:
            for key in table.foreign_keys:
                for here, there in zip(key.columns, key.referred_columns, strict=True):
                    pair = ((table.name, here), (key.referred, there))
                    if all(place in found for place in pair):
                        longest = max(found[place] for place in pair)
                        changed |= any(found[place] != longest for place in pair)
                        found |= dict.fromkeys(pair, longest)
    return found


def _mysql_type(
    kind: type[sa.types.TypeEngine[Any]], length: int | None
) -> sa.types.TypeEngine[Any]:
    if kind is sa.Text:
        collation = "utf8mb4_bin"
        return mysql.VARCHAR(length, collation=collation) if length else mysql.LONGTEXT()
    if kind is sa.LargeBinary:
        return mysql.VARBINARY(length) if length else mysql.LONGBLOB()
    return {
        sa.Numeric: mysql.DECIMAL(38, 10),
        sa.DateTime: mysql.DATETIME(fsp=6),
        sa.Time: mysql.TIME(fsp=6),
        sa.Double: mysql.DOUBLE(),
        sa.Boolean: mysql.TINYINT(1),
    }.get(kind, kind())
