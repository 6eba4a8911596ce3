"""Evidence that Oracle computes itself: of its grammar, and equal to the streamed one.

Values come from a stand-in, which is no Oracle (see `oracle_standin`): what is shown is that the
statements count and compare what they should, not how Oracle writes its values.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import oracledb
import pytest
from sqlglot import exp

from schemasynth.infer import Collecting, Way, evidence_of
from schemasynth.model import TableName
from schemasynth.settings import database_url
from schemasynth_adapters._sql.evidence import cells, counted
from schemasynth_adapters.oracle import OracleAdapter
from schemasynth_adapters.oracle.dialect import ExactDialect
from schemasynth_adapters.oracle.evidence import OracleWriting
from schemasynth_adapters.oracle.guard import only_reads_oracle
from schemasynth_adapters.oracle.names import relation
from tests.integration.oracle_dictionary import Dictionary
from tests.integration.oracle_standin import Server
from tests.integration.test_oracle_load import URL
from tests.integration.test_oracle_statements import check, everything

STREAMED, PUSHED = Collecting(Way.STREAM), Collecting(Way.PUSH_DOWN)
SCHEMA = (
    "CREATE TABLE parent (id NUMBER(9), code VARCHAR2(20), day DATE, mark RAW(4), note CLOB)",
    "CREATE TABLE child (id NUMBER(9), parent_id NUMBER, code CHAR(8), f BINARY_DOUBLE, "
    "d NUMBER(8,2), digits VARCHAR2(9), at TIMESTAMP(6), kept BLOB)",
    "CREATE TABLE nothing (id NUMBER(9))",
)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Server]:
    def served() -> Server:
        dictionary = Dictionary()
        dictionary.user("APP")
        server = Server(dictionary, "APP")
        server.define(*SCHEMA)
        began = dt.datetime(2024, 1, 1)  # noqa: DTZ001
        for i in range(1, 61):
            day = began + dt.timedelta(days=i)
            note = "x" * 150 + str(i) if i % 2 else None
            server.insert("PARENT", (i, f"C {i}", day, bytes([i % 7]), note))
        for i in range(1, 201):
            values = (i, Decimal(i % 50 + 1) if i % 9 else None, f"C {i % 70}", i / 4, i / 8)
            later = began + dt.timedelta(seconds=i)
            server.insert("CHILD", (*values, f"+{i}" if i % 2 else str(i), later, b"k"))
        monkeypatch.setattr(oracledb, "connect", server.connect)
        return server

    return served


def test_both_ways_find_the_same(serve: Callable[[], Server]) -> None:
    server = serve()
    with OracleAdapter().source(database_url(URL)) as source:
        schema = source.reflect()
        with (
            evidence_of(source, schema, collecting=STREAMED) as streamed,
            evidence_of(source, schema, collecting=PUSHED) as pushed,
        ):
            child, parent = TableName("CHILD"), TableName("PARENT")
            opaque = {(child, "KEPT")}
            for column in streamed.figures.keys() - opaque:
                figures = streamed.figures[column]
                # Oracle writes a half as .5
                assert pushed.figures[column].sort == figures.sort, column
                assert pushed.figures[column].profile.distinct == figures.profile.distinct, column
                assert pushed.figures[column].profile.nulls == figures.profile.nulls, column
                assert pushed.figures[column].minimum == figures.minimum, column
                assert pushed.figures[column].maximum == figures.maximum, column
            assert len(streamed.inclusions) >= 5
            assert dict(pushed.inclusions) == dict(streamed.inclusions)
            assert pushed.inclusions[(child, "PARENT_ID"), (parent, "ID")].share == 1
            for store in (pushed.store, streamed.store):
                assert store.unique(child, ("PARENT_ID", "AT"))
                found = store.tuple_inclusion(child, ("CODE",), parent, ("CODE",))
                assert found == (70, 60, 60)
    for statement in server.statements:
        parsed = check(statement)
        assert isinstance(parsed, exp.Query) or statement == "SET TRANSACTION READ ONLY"


def test_a_part_of_the_rows_is_counted(serve: Callable[[], Server]) -> None:
    serve()
    part = Collecting(Way.PUSH_DOWN, sample_rows=40)
    with OracleAdapter().source(database_url(URL)) as source:
        schema = source.reflect()
        with evidence_of(source, schema, collecting=part) as evidence:
            profile = evidence.figures[TableName("CHILD"), "ID"].profile
            assert (profile.rows, profile.distinct, profile.exact) == (40, 40, False)


def test_values_of_every_type_are_counted_by_expressions_of_the_grammar() -> None:
    table, dialect = everything(), ExactDialect()
    dialect.server_version_info = (19, 3)
    dialect._supports_offset_fetch = True
    place = relation("A.b", "Tout", table)
    codes = list(range(1, len(table.columns) + 1))
    values = cells(OracleWriting(), place, table, codes, {"C 6"}, 10).subquery()
    counts = counted(values)
    statement = str(counts.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    assert isinstance(check(statement), exp.Query)
    assert only_reads_oracle(statement)
    assert "FETCH FIRST 10 ROWS ONLY" in statement
    assert statement.count("CAST(NULL AS BINARY_DOUBLE)") > 5


def test_the_optimizers_statistics_decide_by_size(serve: Callable[[], Server]) -> None:
    server = serve()
    facts = {"OWNER": "APP", "OBJECT_TYPE": "TABLE"}
    add = server.dictionary.add
    add("ALL_TAB_STATISTICS", TABLE_NAME="CHILD", NUM_ROWS=50_000_000, AVG_ROW_LEN=60, **facts)
    add("ALL_TAB_STATISTICS", TABLE_NAME="PARENT", **facts)
    add("ALL_TAB_STATISTICS", TABLE_NAME="OTHER", NUM_ROWS=9, AVG_ROW_LEN=9, **facts)
    with OracleAdapter().source(database_url(URL)) as source:
        schema = source.reflect()
        found = source.push_down()
        assert found is not None
        assert found.size(schema) == 3_000_000_000
        assert Collecting().push_down(source, schema) is not None
        small = replace(schema, tables=(schema.table(TableName("PARENT")),))
        assert Collecting().push_down(source, small) is None
