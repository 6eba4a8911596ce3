"""A stand-in for an Oracle server, behind python-oracledb's own interface.

It is no Oracle: statements are parsed by sqlglot, rows are in DuckDB, definitions change a
`Dictionary`. What the adapter's logic leans on is done as the manual says: a definition commits,
keys are checked at the end of a statement while they are enabled, a direct path locks its table
until the commit, `GENERATED ALWAYS` takes no value, a lock lasts as long as its transaction, an
empty text is NULL. What it does not know it refuses, so that no statement passes by chance.
"""

from __future__ import annotations

import inspect
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from types import SimpleNamespace
from typing import Any

import duckdb
import oracledb
import pyarrow as pa
import sqlglot
from sqlglot import exp

from tests.integration.oracle_dictionary import NUMBERS, VIEWS, Dictionary, spelled, tokens_of

VERSION = "19.3.0.0.0"
DDL = frozenset({"CREATE", "ALTER", "DROP", "GRANT", "COMMENT"})
_TYPES = {
    "BINARY_DOUBLE": "DOUBLE",
    "BINARY_FLOAT": "FLOAT",
    "BLOB": "BLOB",
    "DATE": "TIMESTAMP",
    "FLOAT": "DOUBLE",
    "RAW": "BLOB",
}
_FETCHED = {
    "BIGINT": oracledb.DB_TYPE_NUMBER,
    "BLOB": oracledb.DB_TYPE_RAW,
    "DECIMAL": oracledb.DB_TYPE_NUMBER,
    "DOUBLE": oracledb.DB_TYPE_BINARY_DOUBLE,
    "HUGEINT": oracledb.DB_TYPE_NUMBER,
    "INTEGER": oracledb.DB_TYPE_NUMBER,
    "INTERVAL": oracledb.DB_TYPE_INTERVAL_DS,
    "TIMESTAMP": oracledb.DB_TYPE_TIMESTAMP,
    "VARCHAR": oracledb.DB_TYPE_VARCHAR,
}


@dataclass(frozen=True)
class Translated:
    """A statement for DuckDB.

    Attributes:
        text: the statement.
        marks: names of the values it takes.
        views: of the dictionary that it asks.
        of_views: whether it asks nothing else.
    """

    text: str
    marks: tuple[str, ...]
    views: frozenset[str]
    of_views: bool

    def values(self, parameters: Any) -> dict[str, Any]:
        """The values by their names; an empty text is NULL."""
        if isinstance(parameters, dict):
            found = {mark: parameters[mark] for mark in self.marks}
        else:
            found = {mark: parameters[int(mark[1:]) - 1] for mark in self.marks}
        return {mark: None if value == "" else value for mark, value in found.items()}


@cache
def translated(statement: str, schema: str, user: str) -> Translated:
    """What sqlglot makes of a statement of Oracle's."""
    context = {
        "CURRENT_SCHEMA": schema,
        "SESSION_USER": user,
        "DB_NAME": "FREE",
        "DB_UNIQUE_NAME": "FREE",
        "DB_DOMAIN": None,
        "CON_NAME": "FREEPDB1",
        "SERVICE_NAME": "freepdb1",
        "SERVER_HOST": "standin",
    }

    def translate(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Anonymous) and node.name.upper() == "SYS_CONTEXT":
            return exp.convert(context[node.expressions[1].name.upper()])
        if isinstance(node, exp.ToChar):
            return _to_char(node, node.this.transform(translate))
        if isinstance(node, exp.Anonymous) and node.name.upper() == "RAWTOHEX":
            return _to_hex(node.expressions[0].transform(translate))
        if isinstance(node, exp.Cast) and node.to == exp.DataType.build("DECIMAL"):
            return exp.cast(node.this, "DECIMAL(38, 0)")
        if isinstance(node, exp.Anonymous) and node.name.upper() == "SYS_EXTRACT_UTC":
            return node.expressions[0]
        return node

    parsed = sqlglot.parse_one(statement, read="oracle")
    for table in list(parsed.find_all(exp.Table)):
        if table.name.upper() == "DUAL":
            table.parent.pop()  # type: ignore[union-attr]
        elif not table.db and table.name in VIEWS:
            table.set("db", exp.to_identifier("SYS", quoted=True))
        elif not table.db and not _is_cte(parsed, table.name):
            table.set("db", exp.to_identifier(schema, quoted=True))
    tables = list(parsed.find_all(exp.Table))
    views = frozenset(table.name for table in tables if table.db == "SYS")
    of_views = all(table.db == "SYS" for table in tables)
    made = parsed.transform(translate)
    marks = tuple(dict.fromkeys(node.name for node in made.find_all(exp.Placeholder)))
    return Translated(made.sql(dialect="duckdb"), marks, views, of_views)


_MOMENTS = {"YYYY": "%Y", "MM": "%m", "DD": "%d", "HH24": "%H", "MI": "%M", "SS": "%S", "FF6": "%f"}


def _to_char(node: exp.ToChar, value: exp.Expression) -> exp.Expression:
    if node.this.name == "CREATED" or not node.args.get("format"):
        return exp.cast(value, "TEXT")
    form = re.sub(r"[A-Z]+\d*", lambda part: _MOMENTS[part.group()], node.args["format"].name)
    return exp.func("STRFTIME", value, exp.Literal.string(form), dialect="duckdb")


def _to_hex(node: exp.Expression) -> exp.Expression:
    """Digits of bytes, or of a digest: of another kind than Oracle's, which nobody sees."""
    if isinstance(node, exp.StandardHash):
        return exp.func("UPPER", exp.Anonymous(this="MD5", expressions=[node.this]))
    return exp.Anonymous(this="HEX", expressions=[node])


def refused(code: int, message: str = "") -> oracledb.DatabaseError:
    """The driver's error, with a number of the server."""
    text = f"ORA-{code:05}: {message}"
    return oracledb.DatabaseError(SimpleNamespace(code=code, message=text, offset=0))


class Killed(BaseException):
    """The client dies here: nothing behind it is carried out."""


def _quoted(*parts: str) -> str:
    return ".".join(f'"{part}"' for part in parts)


@dataclass
class Server:
    """A database, its dictionary, and who has locked what."""

    dictionary: Dictionary
    schema: str
    user: str = ""
    privileges: tuple[str, ...] = ("CREATE SESSION", "CREATE TABLE")
    version: str = VERSION
    statements: list[str] = field(default_factory=list)
    fired: Counter[str] = field(default_factory=Counter)
    deadly: int = 0
    """The statement, counted from 1, at which the client dies; 0 for none."""
    answered: bool = False
    """Whether the deadly statement is carried out before the client dies."""
    dead: bool = False
    sessions: list[Connection] = field(default_factory=list)
    locks: dict[str, Connection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.user = self.user or self.schema
        self.mutex = threading.RLock()
        self.engine = duckdb.connect(config={"threads": 1})
        self.engine.execute('CREATE SCHEMA "SYS"')
        self.dictionary.user("SYS", maintained=True)
        for user in {row["USERNAME"] for row in self.dictionary.find("ALL_USERS")} - {"SYS"}:
            self.engine.execute(f"CREATE SCHEMA {_quoted(user)}")
        for privilege in self.privileges:
            self.dictionary.add("SESSION_PRIVS", PRIVILEGE=privilege)
        for row in list(self.dictionary.find("ALL_TABLES")):
            self.create(row["OWNER"], row["TABLE_NAME"])

    def define(self, *statements: str) -> None:
        """Carry out definitions as the owner, uncounted."""
        for statement in statements:
            before = len(self.dictionary.find("ALL_TABLES"))
            self.dictionary.run(statement, self.schema)
            for row in self.dictionary.find("ALL_TABLES")[before:]:
                self.create(row["OWNER"], row["TABLE_NAME"])

    def create(self, owner: str, table: str) -> None:
        """Make the table that holds the rows."""
        columns = self.dictionary.find("ALL_TAB_COLS", OWNER=owner, TABLE_NAME=table)
        fields = [f"{_quoted(c['COLUMN_NAME'])} {_stored_as(c)}" for c in columns]
        # A materialized view has no columns here; nobody asks for its rows.
        body = ", ".join(fields or ['"n" DECIMAL(1, 0)'])
        self.engine.execute(f"CREATE OR REPLACE TABLE {_quoted(owner, table)} ({body})")

    def insert(self, table: str, *rows: Sequence[Any]) -> None:
        """Put rows there, as the owner, unchecked."""
        for row in rows:
            marks = ", ".join("?" for _ in row)
            self.engine.execute(
                f"INSERT INTO {_quoted(self.schema, table)} VALUES ({marks})", list(row)
            )

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        """What is committed."""
        return self.engine.execute(f"SELECT * FROM {_quoted(self.schema, table)}").fetchall()

    def connect(self, **options: Any) -> Connection:
        """What `oracledb.connect` returns."""
        self.options = options
        self.sessions.append(Connection(self))
        return self.sessions[-1]

    def bury(self) -> None:
        """End all sessions, as a server does when their client is gone."""
        for session in self.sessions:
            session.close()
        self.deadly, self.dead = 0, False
        self.statements.clear()

    def refresh(self, asked: frozenset[str]) -> None:
        """Let views show the dictionary as it is now."""
        for view in sorted(self.dictionary.changed & asked):
            names = VIEWS[view]
            rows = self.dictionary.views[view]
            kinds = [(n, pa.int64() if n in NUMBERS else pa.string()) for n in names.split()]
            found = pa.Table.from_pylist(rows, schema=pa.schema(kinds))
            self.engine.register("found", found)
            self.engine.execute(f'CREATE OR REPLACE TABLE "SYS".{_quoted(view)} AS FROM found')
            self.engine.unregister("found")
        self.dictionary.changed -= asked


def _stored_as(column: dict[str, Any]) -> str:
    if column["VIRTUAL_COLUMN"] == "YES":
        return f"AS ({column['DATA_DEFAULT']})"
    default = str(column["DATA_DEFAULT"] or "")
    behind = f" DEFAULT {default}" if default and "nextval" not in default.lower() else ""
    return _type_in(column) + behind


def _type_in(column: dict[str, Any]) -> str:
    kind, digits, scale = (column[k] for k in ("DATA_TYPE", "DATA_PRECISION", "DATA_SCALE"))
    if kind == "NUMBER":
        places = 10 if scale is None else max(scale, 0)
        plain = digits is not None and scale == places <= digits
        return f"DECIMAL({digits if plain else 38}, {places})"
    if kind.startswith("TIMESTAMP"):
        return "TIMESTAMP"
    if kind.startswith("INTERVAL DAY"):
        return "INTERVAL"
    return _TYPES.get(kind, "VARCHAR")


class Connection:
    """A session, as the driver shows it."""

    thin = True
    max_identifier_length = 128
    autocommit = False
    outputtypehandler: Any = None

    def __init__(self, server: Server) -> None:
        self.server = server
        self.version = server.version
        self.rows = server.engine.cursor()
        self.open = True
        self.begun = False
        self.read_only = False
        self.direct: set[str] = set()

    def cursor(self, scrollable: bool = False) -> Cursor:
        if not self.open:
            raise refused(3113, "end-of-file on communication channel")
        return Cursor(self)

    def begin(self) -> None:
        if not self.begun:
            self.rows.execute("BEGIN TRANSACTION")
            self.begun = True

    def commit(self) -> None:
        if self.server.dead:
            raise Killed
        self._end("COMMIT")

    def rollback(self) -> None:
        self._end("ROLLBACK")

    def _end(self, how: str) -> None:
        if self.begun:
            self.rows.execute(how)
        self.begun = self.read_only = False
        self.direct.clear()
        for table in [t for t, holder in self.server.locks.items() if holder is self]:
            del self.server.locks[table]

    def close(self) -> None:
        if self.open:
            self.rollback()
            self.open = False

    def ping(self) -> None:
        return


class Cursor:
    """A cursor, as the driver shows it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.server = connection.server
        self.arraysize, self.prefetchrows = 100, 2
        self.outputtypehandler: Any = None
        self.description: list[Any] | None = None
        self.rowcount = -1
        self.statement = ""
        self._found: list[tuple[Any, ...]] = []

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._found = []

    def setinputsizes(self, *sizes: Any, **named: Any) -> None:
        self.sizes = sizes or named

    def var(self, typ: Any, size: int = 0, arraysize: int = 1, **options: Any) -> Any:
        return SimpleNamespace(type=typ, size=size, arraysize=arraysize, **options)

    def execute(self, statement: str, parameters: Any = None, **named: Any) -> Cursor | None:
        with self.server.mutex:
            self._count(statement)
            self._run(statement, parameters or named or {})
            self._die()
        return self if self.description else None

    def executemany(self, statement: str, parameters: Sequence[Any], **_: Any) -> None:
        with self.server.mutex:
            self._count(statement)
            table = self._changed(statement)
            for row in parameters:
                self._change(statement, row)
            self._check(table, statement)
            self.rowcount = len(parameters)
            self._die()

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        count = size or self.arraysize
        part, self._found = self._found[:count], self._found[count:]
        return part

    def fetchone(self) -> tuple[Any, ...] | None:
        return next(iter(self.fetchmany(1)), None)

    def fetchall(self) -> list[tuple[Any, ...]]:
        return self.fetchmany(len(self._found) or 1)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        while row := self.fetchone():
            yield row

    # -- statements ------------------------------------------------------------------------------

    def _count(self, statement: str) -> None:
        if not self.connection.open:
            raise refused(3113, "end-of-file on communication channel")
        self.statement = statement
        self.server.statements.append(statement)
        server = self.server
        if server.dead or (len(server.statements) == server.deadly and not server.answered):
            server.dead = True
            raise Killed

    def _die(self) -> None:
        if len(self.server.statements) == self.server.deadly:
            self.server.dead = True
            raise Killed

    def _run(self, statement: str, parameters: Any) -> None:
        self.description, self._found = None, []
        verb = statement.split(None, 1)[0].upper()
        if verb in ("SELECT", "WITH"):
            self._select(statement, parameters)
        elif verb in DDL and not statement.upper().startswith("ALTER SESSION"):
            self._define(statement)
        elif verb in ("INSERT", "UPDATE", "DELETE"):
            table = self._changed(statement)
            self._change(statement, parameters)
            self._check(table, statement)
        elif verb == "LOCK":
            self._lock(statement)
        elif statement == "SET TRANSACTION READ ONLY":
            assert not self.connection.begun, "ORA-01453"
            self.connection.begin()
            self.connection.read_only = True
        elif statement.startswith(("ALTER SESSION SET DDL_LOCK_TIMEOUT", "BEGIN DBMS_STATS")):
            return
        else:
            raise refused(900, f"the stand-in does not know: {statement[:60]}")

    def _select(self, statement: str, parameters: Any) -> None:
        known = translated(statement, self.server.schema, self.server.user)
        # The dictionary is as it is now, whatever a transaction sees of rows.
        self.server.refresh(known.views)
        rows = self.server.engine if known.of_views else self.connection.rows
        try:
            done = rows.execute(known.text, known.values(parameters))
        except duckdb.CatalogException as error:
            raise refused(942, f"table or view does not exist ({error})") from None
        except duckdb.BinderException as error:
            raise refused(904, f"invalid identifier ({error})") from None
        columns = done.description or []
        self._found = done.fetchall()
        handler = self.outputtypehandler or self.connection.outputtypehandler
        self.description = []
        for i, (name, kind, *_) in enumerate(columns):
            base = re.sub(r"\(.*\)", "", str(kind)).upper()
            code = _FETCHED.get(base, oracledb.DB_TYPE_VARCHAR)
            wanted = _handled(
                handler, self, SimpleNamespace(name=name, type_code=code, precision=0, scale=-127)
            )
            self.description.append((name, code, None, None, None, None, True))
            if wanted is not None:
                self._found = [_fetched(row, i, wanted) for row in self._found]
        self.rowcount = len(self._found)

    # -- changes ---------------------------------------------------------------------------------

    def _changed(self, statement: str) -> tuple[str, str]:
        tokens = tokens_of(re.sub(r"/\*.*?\*/", "", statement))
        start = {"INSERT": 2, "DELETE": 2, "UPDATE": 1}[tokens[0].upper()]
        if tokens[start + 1 : start + 2] == ["."]:
            place = spelled(tokens[start]), spelled(tokens[start + 2])
        else:
            place = self.server.schema, spelled(tokens[start])
        if self.connection.read_only:
            raise refused(1456, "may not perform insert, delete, update in a READ ONLY transaction")
        holder = self.server.locks.get(".".join(place))
        if holder not in (None, self.connection):
            raise refused(54, "resource busy")
        if ".".join(place) in self.connection.direct:
            raise refused(12838, "cannot read/modify an object after modifying it in parallel")
        if "APPEND_VALUES" in statement:
            self.connection.direct.add(".".join(place))
        return place

    def _change(self, statement: str, parameters: Any) -> None:
        self.connection.begin()
        known = translated(statement, self.server.schema, self.server.user)
        try:
            done = self.connection.rows.execute(known.text, known.values(parameters))
            self.rowcount = done.fetchone()[0]  # type: ignore[index]
        except duckdb.CatalogException as error:
            raise refused(942, f"table or view does not exist ({error})") from None
        except duckdb.ConversionException as error:
            raise refused(1438, f"value larger than specified precision ({error})") from None

    def _check(self, place: tuple[str, str], statement: str) -> None:
        """What the server sees at the end of a statement."""
        dictionary = self.server.dictionary
        verb = statement.split(None, 1)[0].upper()
        table = {"OWNER": place[0], "TABLE_NAME": place[1]}
        for row in dictionary.find("ALL_TRIGGERS", TABLE_OWNER=place[0], TABLE_NAME=place[1]):
            if row["STATUS"] == "ENABLED" and verb in row["TRIGGERING_EVENT"]:
                self.server.fired[row["TRIGGER_NAME"]] += 1
        named = tokens_of(statement.split(")", maxsplit=1)[0])
        for row in dictionary.find("ALL_TAB_IDENTITY_COLS", **table):
            always = row["GENERATION_TYPE"] == "ALWAYS"
            if verb == "INSERT" and always and f'"{row["COLUMN_NAME"]}"' in named:
                raise refused(32795, "cannot insert into a generated always identity column")
        if verb == "DELETE":
            required = []
        else:
            columns = dictionary.find("ALL_TAB_COLS", **table, NULLABLE="N")
            required = [column["COLUMN_NAME"] for column in columns]
        for name in self._missing(place, required):
            raise refused(1400, f"cannot insert NULL into ({_quoted(*place, name)})")
        for row in dictionary.find("ALL_CONSTRAINTS", STATUS="ENABLED"):
            if verb != "DELETE" or row["CONSTRAINT_TYPE"] == "R":
                self._check_constraint(row, place)

    def _check_constraint(self, row: dict[str, Any], place: tuple[str, str]) -> None:
        own = (row["OWNER"], row["TABLE_NAME"]) == place
        if row["CONSTRAINT_TYPE"] in ("P", "U") and own and self._repeats(row):
            raise refused(
                1, f"unique constraint ({row['OWNER']}.{row['CONSTRAINT_NAME']}) violated"
            )
        concerned = row["CONSTRAINT_TYPE"] == "R" and (own or self._parent(row)[0] == place)
        if concerned and self.orphans(row):
            name = f"{row['OWNER']}.{row['CONSTRAINT_NAME']}"
            raise refused(2291 if own else 2292, f"integrity constraint ({name}) violated")

    def _missing(self, place: tuple[str, str], required: list[str]) -> list[str]:
        """Columns that must have a value in every row, and have none in some."""
        if not required:
            return []
        counts = ", ".join(f"count(*) - count({_quoted(name)})" for name in required)
        text = f"SELECT {counts} FROM {_quoted(*place)}"
        row = self.connection.rows.execute(text).fetchone() or ()
        return [name for name, missing in zip(required, row, strict=True) if missing]

    def _repeats(self, row: dict[str, Any]) -> bool:
        columns = ", ".join(map(_quoted, self.server.dictionary.columns_of(row)))
        table = _quoted(row["OWNER"], row["TABLE_NAME"])
        text = f"SELECT 1 FROM {table} GROUP BY {columns} HAVING count(*) > 1"
        return bool(self.connection.rows.execute(text).fetchall())

    def _parent(self, row: dict[str, Any]) -> tuple[tuple[str, str], list[str]]:
        (key,) = self.server.dictionary.find(
            "ALL_CONSTRAINTS", OWNER=row["R_OWNER"], CONSTRAINT_NAME=row["R_CONSTRAINT_NAME"]
        )
        return (key["OWNER"], key["TABLE_NAME"]), self.server.dictionary.columns_of(key)

    def orphans(self, row: dict[str, Any]) -> int:
        """Rows that violate a foreign key."""
        place, referred = self._parent(row)
        columns = self.server.dictionary.columns_of(row)
        present = " AND ".join(f"c.{_quoted(c)} IS NOT NULL" for c in columns)
        match = " AND ".join(
            f"p.{_quoted(r)} = c.{_quoted(c)}" for c, r in zip(columns, referred, strict=True)
        )
        text = (
            f"SELECT count(*) FROM {_quoted(row['OWNER'], row['TABLE_NAME'])} c WHERE {present} "
            f"AND NOT EXISTS (SELECT 1 FROM {_quoted(*place)} p WHERE {match})"
        )
        return int(self.connection.rows.execute(text).fetchone()[0])  # type: ignore[index]

    def _lock(self, statement: str) -> None:
        self.connection.begin()
        tokens = tokens_of(statement)
        end = [token.upper() for token in tokens].index("IN")
        names = "".join(tokens[2:end]).replace('"', "").split(",")
        for name in names:
            full = name if "." in name else f"{self.server.schema}.{name}"
            assert self.server.dictionary.find(
                "ALL_TABLES", OWNER=full.split(".")[0], TABLE_NAME=full.split(".", 1)[1]
            ), statement
            if self.server.locks.get(full, self.connection) is not self.connection:
                raise refused(30006, "resource busy; acquire with WAIT timeout expired")
            self.server.locks[full] = self.connection

    def _define(self, statement: str) -> None:
        self.connection.commit()
        dictionary = self.server.dictionary
        tables = dictionary.find("ALL_TABLES")
        text = re.sub(r"\bIDENTITY\((?=START)", "IDENTITY (", _plain_create(statement))
        self._check_enabling(text)
        dictionary.run(text, self.server.schema)
        there = dictionary.find("ALL_TABLES")
        altered = re.match(r'ALTER TABLE "([^"]+)"\."([^"]+)" (?:ADD|MODIFY) \("', text)
        if altered and "IDENTITY" not in text:  # of an empty table
            self.server.create(altered[1], altered[2])
        for row in there:
            if row not in tables:
                self.server.create(row["OWNER"], row["TABLE_NAME"])
        for row in tables:
            if row not in there:
                self.connection.rows.execute(
                    f"DROP TABLE {_quoted(row['OWNER'], row['TABLE_NAME'])}"
                )

    def _check_enabling(self, statement: str) -> None:
        """A key that is validated is checked against all rows."""
        found = re.search(
            r'ALTER TABLE "([^"]+)"\."([^"]+)" MODIFY CONSTRAINT "([^"]+)" .*\bVALIDATE', statement
        )
        if found:
            (row,) = self.server.dictionary.find(
                "ALL_CONSTRAINTS", OWNER=found[1], CONSTRAINT_NAME=found[3]
            )
            if row["CONSTRAINT_TYPE"] == "R" and self.orphans(row):
                raise refused(
                    2298, f"cannot validate ({found[1]}.{found[3]}) - parent keys not found"
                )


def _plain_create(statement: str) -> str:
    return re.sub(r"\s+", " ", statement).strip()


def _is_cte(parsed: exp.Expression, name: str) -> bool:
    return any(cte.alias == name for cte in parsed.find_all(exp.CTE))


def _handled(handler: Any, cursor: Cursor, facts: Any) -> Any:
    if handler is None:
        return None
    if len(inspect.signature(handler).parameters) == 2:
        return handler(cursor, facts)
    return handler(cursor, facts.name, facts.type_code, 0, facts.precision, facts.scale)


def _fetched(row: tuple[Any, ...], place: int, wanted: Any) -> tuple[Any, ...]:
    """A row in which one value is as a variable of the driver gives it."""
    value = row[place]
    if isinstance(value, int | float | Decimal) and wanted.type is Decimal:
        value = Decimal(str(value))
    elif isinstance(value, int | float | Decimal) and wanted.type is oracledb.STRING:
        value = format(Decimal(str(value)).normalize(), "f")
    convert = getattr(wanted, "outconverter", None)
    value = convert(value) if convert and value is not None else value
    return (*row[:place], value, *row[place + 1 :])


def stood_in(names: Iterable[str]) -> Dictionary:
    """The dictionary of some sample schemas, as recorded."""
    import json

    from tests.integration.oracle_dictionary import recorded

    dictionary = Dictionary()
    for name in names:
        dictionary.load(json.loads(recorded(name).read_text("utf-8")))
    return dictionary
