"""Every statement that the Oracle adapter sends is of Oracle's grammar, and asks what it may.

Where sqlglot does not know a statement, a form stands for it here, written after the SQL Language
Reference (19c). Neither is a server.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace

import oracledb
import pyarrow as pa
import pytest
import sqlalchemy as sa
import sqlglot
from sqlglot import exp

from schemasynth.adapter import Purpose, count_rows
from schemasynth.model import Column, Schema, Table, TableName, arrow_type
from schemasynth.settings import database_url
from schemasynth.verify.checks import check_integrity
from schemasynth_adapters.oracle import OracleAdapter, catalog
from schemasynth_adapters.oracle.dialect import ExactDialect
from schemasynth_adapters.oracle.guard import only_reads_oracle
from schemasynth_adapters.oracle.journal import Refill
from schemasynth_adapters.oracle.names import relation
from schemasynth_adapters.oracle.read import export_select, text_of
from schemasynth_adapters.oracle.staging import created, insert_statement
from schemasynth_adapters.oracle.types import sql_type
from schemasynth_adapters.oracle.values import fitting, is_loadable
from tests.integration.oracle_dictionary import Dictionary
from tests.integration.oracle_standin import Killed, Server, stood_in
from tests.integration.test_oracle_load import OLD, SCHEMA, URL, run

NAME = r'"[^"]+"'
PLACE = rf"{NAME}\.{NAME}"
FORMS = (
    r"ALTER SESSION SET DDL_LOCK_TIMEOUT = \d+",
    rf"ALTER TABLE {PLACE} ADD \({NAME} GENERATED ALWAYS AS \(.+\) VIRTUAL\)",
    rf"ALTER TABLE {PLACE} DISABLE CONSTRAINT {NAME}",
    rf"ALTER TABLE {PLACE} MODIFY CONSTRAINT {NAME} (RELY )?ENABLE (NO)?VALIDATE",
    rf"ALTER TABLE {PLACE} MODIFY \({NAME} DEFAULT .+\)",
    rf"ALTER TABLE {PLACE} MODIFY \({NAME} GENERATED (ALWAYS|BY DEFAULT( ON NULL)?) AS IDENTITY"
    r"( \(START WITH -?\d+ INCREMENT BY -?\d+\))?\)",
    rf"ALTER TRIGGER {PLACE} (ENABLE|DISABLE)",
    rf"ALTER SEQUENCE {PLACE} RESTART START WITH -?\d+",
    r"BEGIN DBMS_STATS\.GATHER_TABLE_STATS\(:schema, :name\); END;",
    rf"LOCK TABLE ({PLACE}|{NAME})(, {PLACE})* IN EXCLUSIVE MODE WAIT \d+",
)
"""Of statements that sqlglot does not know."""
UNKNOWN_CALLS = (
    (re.compile(r"json_serialize\(([^()]+) RETURNING CLOB\)"), r"json_serialize(\1)"),
    (re.compile(r"xmlserialize\(CONTENT\s+([^()]+) AS CLOB\)"), r"xmlserialize(\1)"),
)
"""Functions whose arguments sqlglot does not know."""
TYPES = (
    ("NUMBER", None, 22, None, None, None, None),
    ("NUMBER", None, 22, None, None, 19, 0),
    ("NUMBER", None, 22, None, None, 8, 2),
    ("FLOAT", None, 22, None, None, 126, None),
    ("BINARY_DOUBLE", None, 8, None, None, None, None),
    ("CHAR", None, 3, 3, "B", None, None),
    ("VARCHAR2", None, 40, 10, "C", None, None),
    ("NVARCHAR2", None, 40, 20, "C", None, None),
    ("CLOB", None, 4000, None, None, None, None),
    ("NCLOB", None, 4000, None, None, None, None),
    ("BLOB", None, 4000, None, None, None, None),
    ("RAW", None, 16, None, None, None, None),
    ("DATE", None, 7, None, None, None, None),
    ("TIMESTAMP(6)", None, 11, None, None, None, 6),
    ("TIMESTAMP(9)", None, 11, None, None, None, 9),
    ("TIMESTAMP(6) WITH TIME ZONE", None, 13, None, None, None, 6),
    ("TIMESTAMP(6) WITH LOCAL TIME ZONE", None, 11, None, None, None, 6),
    ("INTERVAL DAY(2) TO SECOND(6)", None, 11, None, None, 2, 6),
    ("INTERVAL YEAR(2) TO MONTH", None, 5, None, None, 2, 0),
    ("JSON", None, 8200, None, None, None, None),
    ("BOOLEAN", None, 1, None, None, None, None),
    ("ROWID", None, 10, None, None, None, None),
    ("XMLTYPE", "SYS", 2000, None, None, None, None),
)
"""Rows of ALL_TAB_COLS: name, owner, bytes, characters, unit, precision, scale."""


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def check(statement: str) -> exp.Expression | None:
    """Parse a statement; None where a form stands for it."""
    plain = " ".join(statement.split())
    if any(re.fullmatch(form, plain) for form in FORMS):
        return None
    for pattern, known in UNKNOWN_CALLS:
        plain = pattern.sub(known, plain)
    parsed = sqlglot.parse_one(plain, read="oracle", error_level=sqlglot.ErrorLevel.RAISE)
    assert not isinstance(parsed, exp.Command), plain
    return parsed


def texts() -> Iterator[str]:
    for value in vars(catalog).values():
        for statement in value if isinstance(value, tuple) else (value,):
            if isinstance(statement, sa.TextClause):
                yield str(statement.compile(dialect=ExactDialect()))


def test_the_catalogue_is_asked_in_queries_on_views_of_everybody() -> None:
    statements = list(texts())
    assert len(statements) > 20
    for statement in statements:
        asked = statement.replace("(__[POSTCOMPILE_schemas])", "(:x)")
        assert isinstance(check(asked), exp.Query)
        assert only_reads_oracle(statement), statement
        views = re.findall(r"(?:FROM|JOIN)\s+(\w+)", statement)
        assert views
        assert all(view.startswith(("ALL_", "SESSION_", "DUAL")) for view in views), statement


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All statements of reflections, readings, verifications, loads, recoveries and markings."""
    collected: list[str] = []
    for name in ("hr", "oe", "co", "sh"):
        server = Server(stood_in((name,)), name.upper(), version="23.4.0.0.0")
        monkeypatch.setattr(oracledb, "connect", server.connect)
        read(server)
        collected += server.statements
    dictionary = Dictionary()
    dictionary.user("APP")
    server = Server(dictionary, "APP")
    monkeypatch.setattr(oracledb, "connect", server.connect)
    server.define(*SCHEMA)
    for table, rows in OLD.items():
        server.insert(table, *rows)
    with OracleAdapter().target(database_url(URL)) as target:
        target.write_marker("staging")
        target.write_nonce("x")
        target.facts(target.reflect())
        run(target)
    collected += server.statements
    server.bury()
    with OracleAdapter().target(database_url(URL)) as target:
        run(target)
    again = list(server.statements)
    for last in ("LOCK TABLE", "ALTER SEQUENCE"):
        server.bury()
        server.deadly = max(i for i, s in enumerate(again, 1) if s.startswith(last))
        with pytest.raises(Killed), OracleAdapter().target(database_url(URL)) as target:
            run(target)
        collected += server.statements
        server.bury()
        with OracleAdapter().target(database_url(URL)) as target:
            target.recover()
            run(target)
        collected += server.statements
    return collected


def read(server: Server) -> list[str]:
    with OracleAdapter().source(database_url(URL)) as source:
        schema = count_rows(source, source.reflect())
        for table in schema:
            names = [c.name for c in table.columns if "." not in c.type.sql]
            list(source.read(table, names, limit=5))
        check_integrity(source, plain(schema))
        source.needs(schema, Purpose.SOURCE)
        source.write_privileges()
        source.nonce()
    return server.statements


def plain(schema: Schema) -> Schema:
    """Without checks that DuckDB does not know."""
    known = {t.name: tuple(c for c in t.checks if "is json" not in c.sql) for t in schema}
    return schema.with_tables([replace(t, checks=known[t.name]) for t in schema])


def test_all_that_is_sent_is_of_the_grammar(sent: list[str]) -> None:
    verbs = set()
    for statement in dict.fromkeys(sent):
        check(statement)
        assert "DBA_" not in statement.upper()
        assert "V$" not in statement.upper()
        verbs.add(statement.split(None, 1)[0].upper())
    assert verbs == {
        "SELECT", "SET", "ALTER", "BEGIN", "CREATE", "DELETE", "DROP", "GRANT", "INSERT", "LOCK",
        "UPDATE",
    }  # fmt: skip


def test_a_source_sends_reads_only(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(stood_in(("hr",)), "HR")
    monkeypatch.setattr(oracledb, "connect", server.connect)
    statements = read(server)
    assert any("NOT (salary > 0)" in s for s in statements)
    others = [s for s in statements if not isinstance(check(s), exp.Query)]
    assert others == ["SET TRANSACTION READ ONLY"]


def everything() -> Table:
    columns = [Column(f"C {i}", sql_type(*facts)) for i, facts in enumerate(TYPES)]
    return Table(TableName("Tout", "A.b"), tuple(columns))


@pytest.mark.parametrize("unfit", [False, True], ids=["fit", "as text"])
def test_values_of_every_type_are_read_by_expressions_of_the_grammar(unfit: bool) -> None:
    table, dialect = everything(), ExactDialect()
    dialect.server_version_info = (19, 3)
    dialect._supports_offset_fetch = True
    place = relation("A.b", "Tout", table)
    kinds = [(c.name, pa.string() if unfit else arrow_type(c.type)) for c in table.columns]
    statement = text_of(export_select(table, place, pa.schema(kinds), 10), dialect)
    parsed = check(statement)
    assert isinstance(parsed, exp.Query)
    assert len(parsed.selects) == len(TYPES)
    assert "FETCH FIRST 10 ROWS ONLY" in statement
    assert 'SYS_EXTRACT_UTC("A.B"."TOUT"."C 15")' in statement.upper()
    conditions = [f for c in table.columns if (f := fitting(c, place.c[c.name])) is not None]
    assert len(conditions) == 7
    check(str(sa.select(*map(sa.func.min, conditions)).compile(dialect=dialect)))


def test_values_of_every_type_are_written_by_expressions_of_the_grammar() -> None:
    table = everything()
    given = [column for column in table.columns if is_loadable(column)]
    assert {c.type.sql for c in table.columns} - {c.type.sql for c in given} == {
        "ROWID", "SYS.XMLTYPE",
    }  # fmt: skip
    refill = Refill("A.b", "Tout", "schemasynth_n_x_0", tuple(c.name for c in given))
    statement = insert_statement(refill, given, "HOME")
    parsed = check(statement)
    assert isinstance(parsed, exp.Insert)
    assert len(list(parsed.find_all(exp.Placeholder))) == len(given)
    assert "FROM_TZ(:v16, 'UTC')" in statement
    for made in created(refill, table, given, "HOME"):
        check(made)
