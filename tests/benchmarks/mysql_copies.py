"""Copies of SQLite databases in MySQL: declared there, loaded by the adapter, compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import SourceConnection
from schemasynth.model import ForeignKey, Schema, Table, TableName
from schemasynth.settings import database_url
from schemasynth.verify import CheckKind, IntegrityReport, check_integrity
from schemasynth_adapters.mysql import MySQLAdapter
from schemasynth_adapters.mysql.names import quoted
from schemasynth_adapters.sqlite import SQLiteAdapter

COMPARED_ROWS = 50_000
"""Tables with more rows are compared by their number alone."""
INDEXED_LENGTH = 190
"""Characters of a text in a key: four such are within InnoDB's 3072 bytes."""


@dataclass(frozen=True)
class Copied:
    """What became of a database.

    Attributes:
        tables: of the copy.
        rows: in it.
        keys: foreign keys in it.
        left_out: foreign keys that MySQL or the data themselves do not allow.
        report: what the copy's own integrity check found.
        different: tables whose rows are not those of the original.
    """

    tables: int
    rows: int
    keys: int
    left_out: int
    report: IntegrityReport
    different: tuple[str, ...]


def copied(path: Path, url: str) -> Copied:
    """Copy a SQLite database into an empty MySQL database.

    Args:
        path: the file, its keys declared.
        url: of the copy.
    """
    with SQLiteAdapter().source(database_url(str(path))) as source:
        original = source.reflect()
        types = {table.name: source.arrow_schema(table) for table in original}
        keys = _possible_keys(source, original, types)
        statements = [_create(table, original, types[table.name]) for table in original]
        statements += [_alter(table, found) for table, found in keys.items() if found]
        _run(url, statements)
        with MySQLAdapter().target(database_url(url)) as target:
            schema = target.reflect()
            with target.load(schema, "copy") as load:
                rows = {
                    table.name: load.stage(
                        schema.table(table.name), source.read(table, _stored(table))
                    )
                    for table in original
                }
                report = check_integrity(load, schema)
                load.switch()
        different = tuple(_different(source, original, url, rows))
    declared = sum(len(table.foreign_keys) for table in original)
    made = sum(len(table.foreign_keys) for table in schema)
    return Copied(len(schema.tables), sum(rows.values()), made, declared - made, report, different)


def _stored(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.computed is None]


def _possible_keys(
    source: SourceConnection, schema: Schema, types: Mapping[TableName, pa.Schema]
) -> dict[TableName, list[ForeignKey]]:
    """Return the foreign keys that MySQL can hold and the rows do not violate."""
    broken = {
        (result.table, result.columns)
        for result in check_integrity(source, schema).results
        if result.kind is CheckKind.FOREIGN_KEY and result.violations
    }

    def possible(table: Table, key: ForeignKey) -> bool:
        if key.referred not in schema or (str(table.name), key.columns) in broken:
            return False
        parent = schema.table(key.referred)
        same = all(
            types[table.name].field(here).type == types[parent.name].field(there).type
            for here, there in zip(key.columns, key.referred_columns, strict=True)
        )
        return same and key.referred_columns in parent.candidate_keys

    return {t.name: [k for k in t.foreign_keys if possible(t, k)] for t in schema}


def _create(table: Table, schema: Schema, types: pa.Schema) -> str:
    indexed = {name for key in table.candidate_keys for name in key}
    indexed |= {name for key in table.foreign_keys for name in key.columns}
    for other in schema:
        for key in other.foreign_keys:
            if key.referred == table.name:
                indexed |= set(key.referred_columns)
    primary = table.primary_key.columns if table.primary_key else ()
    parts = [
        f"{quoted(c)} {_written(types.field(c).type, indexed=c in indexed)} "
        f"{'NOT NULL' if c in primary else 'NULL'}"
        for c in _stored(table)
    ]
    parts += [f"PRIMARY KEY ({_list(primary)})"] if primary else []
    parts += [f"UNIQUE ({_list(key.columns)})" for key in table.unique_keys]
    return f"CREATE TABLE {quoted(table.name.name)} ({', '.join(parts)}) ENGINE=InnoDB"


def _alter(name: TableName, keys: Iterable[ForeignKey]) -> str:
    clauses = [
        f"ADD FOREIGN KEY ({_list(key.columns)}) "
        f"REFERENCES {quoted(key.referred.name)} ({_list(key.referred_columns)})"
        for key in dict.fromkeys(keys)
    ]
    return f"ALTER TABLE {quoted(name.name)} {', '.join(clauses)}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(quoted, names))


def _written(kind: pa.DataType, *, indexed: bool) -> str:
    if pa.types.is_string(kind):
        return f"varchar({INDEXED_LENGTH}) COLLATE utf8mb4_bin" if indexed else "longtext"
    if pa.types.is_binary(kind):
        return f"varbinary({INDEXED_LENGTH})" if indexed else "longblob"
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision}, {min(kind.scale, 30)})"
    return {
        pa.int64(): "bigint",
        pa.float64(): "double",
        pa.bool_(): "tinyint(1)",
        pa.date32(): "date",
        pa.time64("us"): "time(6)",
        pa.timestamp("us"): "datetime(6)",
    }[kind]


def _run(url: str, statements: Iterable[str]) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _different(
    source: SourceConnection, original: Schema, url: str, rows: Mapping[TableName, int]
) -> Iterable[str]:
    with MySQLAdapter().source(database_url(url)) as copy:
        schema = copy.reflect()
        for table in original:
            names = _stored(table)
            if rows[table.name] > COMPARED_ROWS:
                counted = sum(b.num_rows for b in copy.read(schema.table(table.name), names[:1]))
                same = counted == rows[table.name]
            else:
                same = _content(source, table, names) == _content(
                    copy, schema.table(table.name), names
                )
            if not same:
                yield str(table.name)


def _content(source: SourceConnection, table: Table, names: list[str]) -> Counter[object]:
    columns = pa.Table.from_batches(source.read(table, names)).to_pydict().values()
    return Counter(zip(*columns, strict=True))
