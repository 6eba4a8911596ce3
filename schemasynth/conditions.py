"""Conditions of CHECK constraints evaluated by a real SQL engine, on columns in memory.

SQLite's own are evaluated by SQLite, all others by DuckDB as far as it understands them. Imports
the model and arrays; the plan asks what can be evaluated, the restoration evaluates.
"""

from __future__ import annotations

import enum
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from schemasynth.model import SqlType, arrow_type

if TYPE_CHECKING:
    import duckdb

    from schemasynth.arrays import Array, Bools

INTEGER_DIVISION = frozenset({"postgresql", "mssql"})
"""Dialects in which 7 / 2 is 3; DuckDB says 3.5 unless it is told."""
_MATCH, _FULL_MATCH = "regexp_matches", "regexp_full_match"
"""``~`` looks for a match anywhere in PostgreSQL, for one of the whole text in DuckDB."""
_MACROS = ("CREATE MACRO btrim(a) AS trim(a)",)
"""Functions that other databases call otherwise."""
_DIALECT = sqlite.dialect()
_ROWS, _REFUSED = "schemasynth_rows", "schemasynth_refused"
_LOCKED = {"enable_external_access": "false", "threads": "1"}


class CheckEngine(enum.StrEnum):
    """What evaluates a condition before rows are loaded."""

    DUCKDB = "duckdb"
    SQLITE = "sqlite"
    TARGET = "target"
    """Nothing here: the target itself, when rows are staged."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A CHECK constraint.

    Attributes:
        sql: the condition, as the engine takes it.
        engine: what evaluates it.
        columns: that it is about; empty where only the target knows.
        dialect: of the database that it comes from.
        name: of the constraint.
        reason: why nothing here evaluates it; empty where something does.
    """

    sql: str
    engine: CheckEngine
    columns: tuple[str, ...] = ()
    dialect: str = ""
    name: str = ""
    reason: str = ""


def examined(sql: str, dialect: str, columns: Mapping[str, SqlType], name: str = "") -> Condition:
    """Say what can evaluate a condition, by trying it on no row.

    Args:
        sql: in the database's own words.
        dialect: of the database.
        columns: of the table.
        name: of the constraint.
    """
    import duckdb

    try:
        if dialect == "sqlite":
            used = _read_by_sqlite(sql, columns)
            return Condition(sql, CheckEngine.SQLITE, used, dialect, name)
        text, used = _read_by_duckdb(sql, dialect, columns)
        condition = Condition(text, CheckEngine.DUCKDB, used, dialect, name)
        broken(condition, columns, {n: pa.nulls(0, arrow_type(columns[n])) for n in used})
    except (sqlite3.Error, duckdb.Error, ValueError) as error:
        why = str(error).splitlines()[0]
        return Condition(sql, CheckEngine.TARGET, (), dialect, name, why)
    return condition


def broken(
    condition: Condition, types: Mapping[str, SqlType], columns: Mapping[str, Array]
) -> Bools:
    """Return which rows a condition refuses: those for which it is false, not NULL.

    Args:
        condition: that an engine here evaluates.
        types: of its columns.
        columns: its columns.

    Raises:
        sqlite3.Error: SQLite cannot evaluate it on these values.
        duckdb.Error: nor can DuckDB.
    """
    if condition.engine is CheckEngine.SQLITE:
        return _by_sqlite(condition, types, columns)
    with closing(_duckdb(condition.dialect)) as connection:
        connection.register(_ROWS, pa.table(dict(columns)))
        found = connection.execute(_refused(condition.sql, tuple(columns)))
        return np.asarray(found.fetchnumpy()[_REFUSED], dtype=np.bool_)


def _refused(sql: str, names: Sequence[str]) -> str:
    """Return the statement that tells of each row whether a condition is false."""
    # The condition is the database's own text, given back to an engine that holds nothing else.
    condition = sa.literal_column(f"({sql})", sa.Boolean)
    told = sa.func.coalesce(sa.not_(condition), sa.literal_column("false")).label(_REFUSED)
    rows = sa.table(_ROWS, *map(sa.column, names))
    return str(sa.select(told).select_from(rows).compile(dialect=_DIALECT))


def _duckdb(dialect: str) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect(config=dict(_LOCKED))
    connection.execute("SET python_enable_replacements = false")
    connection.execute(f"SET integer_division = {str(dialect in INTEGER_DIVISION).lower()}")
    for macro in _MACROS:
        connection.execute(macro)
    return connection


def _read_by_duckdb(
    sql: str, dialect: str, columns: Mapping[str, SqlType]
) -> tuple[str, tuple[str, ...]]:
    """Return a condition in DuckDB's words, and its columns.

    Raises:
        ValueError: it cannot be read, or means something else there.
    """
    with closing(_duckdb(dialect)) as connection:
        parsed = json.loads(_asked(connection, "json_serialize_sql", f"SELECT ({sql})"))
        if parsed["error"]:
            raise ValueError(f"DuckDB cannot read it: {parsed['error_message']}")
        nodes = list(_nodes(parsed))
        patterns = [node for node in nodes if node.get("function_name") == _FULL_MATCH]
        if patterns and "similar" in sql.lower():
            raise ValueError("DuckDB reads SIMILAR TO otherwise")
        for node in patterns:
            node["function_name"] = _MATCH
        text = sql
        if patterns:
            text = _asked(connection, "json_deserialize_sql", json.dumps(parsed))
            text = text.removeprefix("SELECT ")
    named = {node["column_names"][-1].lower() for node in nodes if "column_names" in node}
    used = tuple(name for name in columns if name.lower() in named)
    if len(used) < len(named) or not used:
        raise ValueError("it names no column, or one that the table has not")
    return text, used


def _asked(connection: duckdb.DuckDBPyConnection, function: str, text: str) -> str:
    row = connection.execute(f"SELECT {function}(CAST(? AS VARCHAR))", [text]).fetchone()
    return str(row[0]) if row else ""


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects of a syntax tree."""
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(inner, dict | list):
            yield from _nodes(inner)


def _read_by_sqlite(sql: str, columns: Mapping[str, SqlType]) -> tuple[str, ...]:
    """Return the columns of a condition, as SQLite's own compiler names them."""
    read: set[str] = set()

    def note(action: int, table: str | None, column: str | None, *_: object) -> int:
        if action == sqlite3.SQLITE_READ and table == _ROWS and column:
            read.add(column)
        return sqlite3.SQLITE_OK

    with closing(_sqlite(_sqlite_rows(columns))) as connection:
        connection.set_authorizer(note)
        connection.execute(_refused(sql, tuple(columns)))
    used = tuple(name for name in columns if name in read)
    if not used:
        raise ValueError("it names no column")
    return used


class _Declared(sa.types.UserDefinedType[Any]):
    """A type as the source declares it: SQLite compares values by it."""

    cache_ok = True

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def get_col_spec(self, **_: object) -> str:
        return _DIALECT.identifier_preparer.quote_identifier(self.sql)


def _sqlite_rows(types: Mapping[str, SqlType]) -> sa.Table:
    columns = (sa.Column(name, _Declared(kind.sql)) for name, kind in types.items())
    return sa.Table(_ROWS, sa.MetaData(), *columns)


def _sqlite(rows: sa.Table) -> sqlite3.Connection:
    """Return a database with one empty table."""
    connection = sqlite3.connect(":memory:")
    connection.execute(str(CreateTable(rows).compile(dialect=_DIALECT)))
    return connection


def _by_sqlite(
    condition: Condition, types: Mapping[str, SqlType], columns: Mapping[str, Array]
) -> Bools:
    names = tuple(columns)
    table = _sqlite_rows({name: types[name] for name in names})
    rows = zip(*(_stored(columns[name]) for name in names), strict=True)
    with closing(_sqlite(table)) as connection:
        connection.executemany(str(table.insert().compile(dialect=_DIALECT)), rows)
        found = connection.execute(_refused(condition.sql, names))
        return np.fromiter((row[0] for row in found), dtype=np.bool_)


def _stored(values: Array) -> list[Any]:
    """Return values as SQLite holds them: numbers, texts, bytes, times as ISO text."""
    kind = values.type
    if pa.types.is_decimal(kind):
        values = values.cast(pa.float64())
    elif pa.types.is_boolean(kind):
        values = values.cast(pa.int64())
    elif pa.types.is_timestamp(kind):
        texts = pc.local_timestamp(values) if kind.tz is not None else values
        values = pc.replace_substring_regex(texts.cast(pa.string()), r"\.0+$", "")
    elif pa.types.is_date(kind) or pa.types.is_time(kind):
        values = values.cast(pa.string())
    elif pa.types.is_duration(kind):
        values = values.cast(pa.int64())
    return list(values.to_pylist())
