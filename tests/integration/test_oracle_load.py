"""Loads into Oracle: what they send, what they leave, and what recovery makes of those that died.

Against a stand-in, which is no Oracle (see `oracle_standin`).
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import oracledb
import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth.adapter import Purpose, Selection, TargetConnection
from schemasynth.errors import AdapterError, LoadError, PrivilegeError, SafetyError
from schemasynth.model import Schema, TableName
from schemasynth.settings import database_url
from schemasynth_adapters.oracle import OracleAdapter
from tests.integration.oracle_dictionary import Dictionary
from tests.integration.oracle_standin import Killed, Server

URL = "oracle://app:secret@db.example:1521/?service_name=freepdb1"
SCHEMA = (
    "CREATE SEQUENCE s INCREMENT BY 5",
    "CREATE SEQUENCE t START WITH 1",
    "CREATE TABLE a (id NUMBER(9) GENERATED ALWAYS AS IDENTITY (INCREMENT BY 2) PRIMARY KEY, "
    "b_id NUMBER(9) NOT NULL, boss NUMBER(9), v VARCHAR2(10) NOT NULL)",
    "CREATE TABLE b (id NUMBER(9) PRIMARY KEY, a_id NUMBER(9) NOT NULL, v CHAR(3), w DATE)",
    "CREATE TABLE c (id NUMBER(9) DEFAULT s.NEXTVAL PRIMARY KEY, n NUMBER, "
    "twice NUMBER(9) GENERATED ALWAYS AS (id * 2) VIRTUAL)",
    "CREATE TABLE untouched (id NUMBER(9) PRIMARY KEY)",
    "ALTER TABLE a ADD CONSTRAINT self FOREIGN KEY (boss) REFERENCES a (id) ON DELETE CASCADE",
    "ALTER TABLE a ADD CONSTRAINT ab FOREIGN KEY (b_id) REFERENCES b (id) RELY ENABLE NOVALIDATE",
    "ALTER TABLE b ADD CONSTRAINT ba FOREIGN KEY (a_id) REFERENCES a (id)",
    "ALTER TABLE b ADD CONSTRAINT off FOREIGN KEY (a_id) REFERENCES c (id) DISABLE NOVALIDATE",
    "CREATE OR REPLACE TRIGGER fill BEFORE INSERT ON b FOR EACH ROW "
    "BEGIN IF :new.id IS NULL THEN SELECT t.NEXTVAL INTO :new.id FROM DUAL; END IF; END;",
    "CREATE OR REPLACE TRIGGER noticed AFTER DELETE ON b BEGIN log_it; END;",
    "CREATE OR REPLACE TRIGGER silent AFTER INSERT ON a BEGIN log_it; END;",
    "ALTER TRIGGER silent DISABLE",
)
OLD = {"A": [(1, 1, 1, "x")], "B": [(1, 1, "x", dt.datetime(2020, 1, 1))], "C": [(9, 1)]}  # noqa: DTZ001
NEW: dict[str, dict[str, list[Any]]] = {
    "A": {"ID": [1, 3, 5], "B_ID": [5, 5, 6], "BOSS": [None, 1, 3], "V": ["a", "b", "c"]},
    "B": {"ID": [5, 6], "A_ID": [1, 5], "V": ["", "b"], "W": [None, dt.date(2024, 2, 29)]},
    "C": {"ID": [3, 8], "N": [Decimal("0.5"), None]},
}


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("sqlglot").setLevel(logging.ERROR)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return served(monkeypatch, *SCHEMA)


def served(monkeypatch: pytest.MonkeyPatch, *statements: str, **facts: Any) -> Server:
    dictionary = Dictionary()
    dictionary.user("APP")
    dictionary.user("OTHER")
    started = Server(dictionary, "APP", **facts)
    started.define(*statements)
    for table, rows in OLD.items():
        if dictionary.find("ALL_TABLES", TABLE_NAME=table):
            started.insert(table, *rows)
    monkeypatch.setattr(oracledb, "connect", started.connect)
    return started


@contextmanager
def target() -> Iterator[TargetConnection]:
    with OracleAdapter().target(database_url(URL)) as connection:
        yield connection


def chosen(connection: TargetConnection) -> Schema:
    return connection.reflect(Selection(exclude=("UNTOUCHED",)))


def run(connection: TargetConnection, content: dict[str, dict[str, list[Any]]] = NEW) -> None:
    schema = chosen(connection)
    with connection.load(schema, "run1") as load:
        for table in schema:
            rows = pa.RecordBatch.from_pydict(content[table.name.name])
            load.stage(table, [rows.slice(0, 1), rows.slice(1)])
        load.switch()


def states(server: Server) -> dict[str, Any]:
    """What must be as it was found."""
    found = server.dictionary.find("ALL_CONSTRAINTS", CONSTRAINT_TYPE="R")
    identities = server.dictionary.find("ALL_TAB_IDENTITY_COLS")
    return {
        **{r["CONSTRAINT_NAME"]: (r["STATUS"], r["VALIDATED"], r["RELY"]) for r in found},
        **{r["TRIGGER_NAME"]: r["STATUS"] for r in server.dictionary.find("ALL_TRIGGERS")},
        **{r["COLUMN_NAME"]: r["GENERATION_TYPE"] for r in identities},
    }


def contents(server: Server) -> dict[str, list[tuple[Any, ...]]]:
    return {name: sorted(server.rows(name), key=str) for name in OLD}


def staged(server: Server) -> list[str]:
    names = [row["TABLE_NAME"] for row in server.dictionary.find("ALL_TABLES")]
    return [name for name in names if name.startswith("schemasynth_n_")]


def last(server: Server, sequence: str) -> int:
    (row,) = server.dictionary.find("ALL_SEQUENCES", SEQUENCE_NAME=sequence)
    return int(row["LAST_NUMBER"])


def test_rows_are_new_and_all_else_as_it_was(server: Server) -> None:
    before = states(server)
    with target() as connection:
        run(connection)
        assert connection.recover() == ()
    assert states(server) == before
    assert before["OFF"] == ("DISABLED", "NOT VALIDATED", None)
    assert before["AB"] == ("ENABLED", "NOT VALIDATED", "RELY")
    found = contents(server)
    assert [row[0] for row in found["A"]] == [1, 3, 5]
    assert found["C"] == [
        (3, Decimal("0.5"), 6),
        (8, None, 16),
    ]
    # A blank stands for an empty text where the server pads, for it would take it for NULL.
    assert found["B"][0][2] == " "
    assert not server.fired
    assert staged(server) == []


def test_counters_go_on_behind_the_keys(server: Server) -> None:
    with target() as connection:
        run(connection)
    (identity,) = server.dictionary.find("ALL_TAB_IDENTITY_COLS")
    assert identity["IDENTITY_OPTIONS"].startswith("START WITH: 7, INCREMENT BY: 2,")
    assert last(server, "S") == 13
    assert last(server, "T") == 7


def test_an_empty_table_counts_from_the_beginning(server: Server) -> None:
    empty = {name: {key: values[:0] for key, values in of.items()} for name, of in NEW.items()}
    with target() as connection:
        run(connection, empty)
    (identity,) = server.dictionary.find("ALL_TAB_IDENTITY_COLS")
    assert identity["IDENTITY_OPTIONS"].startswith("START WITH: 1, INCREMENT BY: 2,")
    assert contents(server) == {"A": [], "B": [], "C": []}


def test_abort_leaves_no_trace(server: Server) -> None:
    before, rows = states(server), contents(server)
    with target() as connection:
        schema = chosen(connection)
        with connection.load(schema, "run1") as load:
            table = schema.table(TableName("C"))
            load.stage(table, [pa.RecordBatch.from_pydict(NEW["C"])])
            assert load.select(load.relation(table).select()) == [
                (3, Decimal("0.5"), 6),
                (8, None, 16),
            ]
        assert connection.recover() == ()
    assert (states(server), contents(server), staged(server)) == (before, rows, [])


def changing(server: Server) -> list[int]:
    """The numbers of statements that change something: a death at others is one at the next."""
    sent = enumerate(server.statements, start=1)
    return [number for number, statement in sent if not statement.lstrip().startswith("SELECT")]


@pytest.mark.parametrize("answered", [False, True], ids=["not done", "done"])
def test_a_death_at_any_statement_leaves_old_or_new(
    server: Server, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    with target() as connection:
        run(connection)
    new = contents(server)
    # Of definitions, which commit, the one is the other at the next statement.
    kinds = ("INSERT", "UPDATE", "DELETE") if answered else ("",)
    moments = [n for n in changing(server) if server.statements[n - 1].startswith(kinds)]
    seen = set()
    for deadly in moments:
        fresh = served(monkeypatch, *SCHEMA)
        before, old = states(fresh), contents(fresh)
        fresh.deadly, fresh.answered = deadly, answered
        with pytest.raises(Killed), target() as connection:
            run(connection)
        fresh.bury()
        with target() as connection:
            connection.recover()
            assert connection.recover() == ()
        found = contents(fresh)
        assert found in (old, new), deadly
        assert states(fresh) == before, deadly
        assert staged(fresh) == [], deadly
        if found == new:
            assert last(fresh, "S") == 13, deadly
        seen.add(found == new)
    assert False in seen
    assert True in seen or answered


def test_a_death_during_recovery_can_be_recovered(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with target() as connection:
        run(connection)
    moments = [n for n in changing(server) if "ENABLE" in server.statements[n - 1]]
    for deadly in moments[-2:]:
        for second in range(8, 32, 4):
            fresh = served(monkeypatch, *SCHEMA)
            before, old = states(fresh), contents(fresh)
            fresh.deadly = deadly
            with pytest.raises(Killed), target() as connection:
                run(connection)
            fresh.bury()
            fresh.deadly = second
            try:
                with target() as connection:
                    connection.recover()
            except Killed:
                pass
            fresh.bury()
            with target() as connection:
                connection.recover()
            assert states(fresh) == before, (deadly, second)
            assert contents(fresh) in (old, contents(server)), (deadly, second)


def test_an_unfinished_load_blocks_the_next(server: Server) -> None:
    with target() as connection:
        run(connection)
    server.statements.clear()
    server.deadly = next(
        i
        for i, s in enumerate(["", *_sent(server)], 0)
        if s.startswith("LOCK TABLE") and "WAIT 30" in s
    )
    with pytest.raises(Killed), target() as connection:
        run(connection)
    server.bury()
    with target() as connection:
        facts = connection.facts(chosen(connection))
        assert facts.interrupted == ("run1",)
        with pytest.raises(LoadError, match="schemasynth recover"):
            connection.load(chosen(connection), "run2")
        assert connection.recover() == ("Dropped what the load run1 had staged.",)
        run(connection)


def _sent(server: Server) -> list[str]:
    with target() as connection:
        run(connection)
    sent = list(server.statements)
    server.statements.clear()
    return sent


def test_one_load_at_a_time(server: Server) -> None:
    with target() as one, target() as other:
        schema = chosen(one)
        with one.load(schema, "run1"), pytest.raises(LoadError, match="Another load"):
            other.load(schema, "run2")
        assert server.locks == {}


def test_a_table_that_others_use_is_not_switched(server: Server) -> None:
    before, rows = states(server), contents(server)
    other = server.connect()
    with target() as connection:
        schema = chosen(connection)
        with connection.load(schema, "run1") as load:
            for table in schema:
                load.stage(table, [pa.RecordBatch.from_pydict(NEW[table.name.name])])
            server.locks["APP.A"] = other
            with pytest.raises(LoadError, match="other sessions use its tables"):
                load.switch()
    assert (states(server), contents(server)) == (before, rows)


def test_violated_keys_are_not_switched(server: Server) -> None:
    before, rows = states(server), contents(server)
    broken = {**NEW, "B": {**NEW["B"], "A_ID": [1, 99]}}
    with target() as connection, pytest.raises(LoadError, match=r"B\.BA: 1 rows"):
        run(connection, broken)
    repeated = {**NEW, "C": {"ID": [3, 3], "N": [None, None]}}
    with target() as connection, pytest.raises(LoadError, match="a value twice"):
        run(connection, repeated)
    assert (states(server), contents(server), staged(server)) == (before, rows, [])


@pytest.mark.parametrize(
    ("column", "values", "what"),
    [
        ("V", ["a", None, "c"], "a NULL or an empty text"),
        ("V", ["a", "", "c"], "a NULL or an empty text"),
        ("B_ID", ["5", "secret", "6"], "ValueError"),
        ("B_ID", [5, 10**12, 6], "out of range"),
    ],
)
def test_rows_that_do_not_fit_name_the_column_and_no_value(
    server: Server, column: str, values: list[Any], what: str
) -> None:
    content = {**NEW, "A": {**NEW["A"], column: values}}
    with target() as connection, pytest.raises(LoadError, match=what) as caught:
        run(connection, content)
    message = str(caught.value)
    assert "Table A" in message
    assert "secret" not in message
    assert "10000000" not in message


def test_references_from_tables_that_stay_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    served(
        monkeypatch,
        *SCHEMA,
        "ALTER TABLE untouched ADD CONSTRAINT incoming FOREIGN KEY (id) REFERENCES c (id)",
    )
    with target() as connection, pytest.raises(SafetyError, match="INCOMING references C"):
        connection.load(chosen(connection), "run1")


def test_unusable_indexes_and_hidden_rows_are_refused(server: Server) -> None:
    name = server.dictionary.find("ALL_INDEXES", TABLE_NAME="C")[0]["INDEX_NAME"]
    server.dictionary.change("ALL_INDEXES", {"INDEX_NAME": name}, STATUS="UNUSABLE")
    with target() as connection, pytest.raises(LoadError, match="REBUILD"):
        connection.load(chosen(connection), "run1")
    server.dictionary.change("ALL_INDEXES", {"INDEX_NAME": name}, STATUS="VALID")
    server.dictionary.add("ALL_POLICIES", OBJECT_OWNER="APP", OBJECT_NAME="B", ENABLE="YES")
    with target() as connection, pytest.raises(SafetyError, match="EXEMPT ACCESS POLICY"):
        connection.load(chosen(connection), "run1")


def test_tables_partitioned_by_reference_keep_their_key(monkeypatch: pytest.MonkeyPatch) -> None:
    server = served(
        monkeypatch,
        "CREATE TABLE z (id NUMBER(9) PRIMARY KEY) PARTITION BY HASH (id)",
        "CREATE TABLE y (z_id NUMBER(9) NOT NULL, CONSTRAINT by_z FOREIGN KEY (z_id) "
        "REFERENCES z (id)) PARTITION BY REFERENCE (by_z)",
    )
    server.insert("Z", (1,))
    server.insert("Y", (1,))
    with target() as connection:
        run(connection, {"Y": {"Z_ID": [7]}, "Z": {"ID": [7]}})
    sent = [s for s in server.statements if "BY_Z" in s]
    assert sent == []
    assert (server.rows("Y"), server.rows("Z")) == ([(7,)], [(7,)])


def test_a_killed_load_is_resumed_at_the_first_table_that_is_not_staged(server: Server) -> None:
    with target() as connection:
        schema = chosen(connection)
        a, b = schema.table(TableName("A")), schema.table(TableName("B"))
        load = connection.load(schema, "run1")
        load.stage(a, [pa.RecordBatch.from_pydict(NEW["A"])])
        load.keep(a, "part-a", 3)
        load.stage(b, [pa.RecordBatch.from_pydict(NEW["B"])])
    server.bury()
    with target() as connection, connection.load(schema, "run1", resume=True) as load:
        assert load.kept(a, "other") is None
        assert load.kept(a, "part-a") == 3
        assert load.kept(b, "part-b") is None
        for name in ("B", "C"):
            rows = pa.RecordBatch.from_pydict(NEW[name])
            load.stage(schema.table(TableName(name)), [rows])
        load.switch()
    assert [row[0] for row in contents(server)["A"]] == [1, 3, 5]


def test_a_marker_is_seen_by_every_user_of_the_database(server: Server) -> None:
    with target() as connection:
        made = connection.write_marker("staging")
        assert connection.write_marker("other") == made
        connection.write_nonce("abc")
    server.schema = server.user = "OTHER"
    with OracleAdapter().source(database_url(URL)) as source:
        assert source.marker() == made
        assert source.nonce() == "abc"


def test_needs_name_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    server = served(monkeypatch, *SCHEMA, privileges=("CREATE SESSION",))
    with target() as connection:
        schema = chosen(connection)
        with pytest.raises(PrivilegeError, match='GRANT CREATE TABLE TO "APP";'):
            connection.load(schema, "run1")
    server.schema = server.user = "OTHER"
    server.dictionary.add(
        "ALL_TAB_PRIVS", GRANTEE="OTHER", TABLE_SCHEMA="APP", TABLE_NAME="A", PRIVILEGE="SELECT"
    )
    with OracleAdapter().source(database_url(URL)) as source:
        schema = source.reflect(Selection(schemas=("APP",), exclude=("APP.UNTOUCHED",)))
        needs = {n.statement: n.missing for n in source.needs(schema, Purpose.SOURCE) or ()}
        assert needs['GRANT READ ON "APP"."A" TO "OTHER";'] == ""
        assert needs['GRANT READ ON "APP"."B" TO "OTHER";'] != ""
        needed = source.needs(schema, Purpose.TARGET, "loader") or ()
        wanted = {need.statement for need in needed}
    assert 'GRANT INSERT ON "APP"."B" TO "LOADER";' in wanted
    assert 'GRANT ALTER ANY TRIGGER TO "LOADER";' in wanted
    assert 'GRANT ALTER ON "APP"."S" TO "LOADER";' in wanted


def test_privileges_that_could_write_are_listed(server: Server) -> None:
    server.schema = server.user = "OTHER"
    for schema, table, privilege in (
        ("APP", "A", "SELECT"),
        ("APP", "A", "UPDATE"),
        ("SYS", "X", "INSERT"),
    ):
        server.dictionary.add(
            "ALL_TAB_PRIVS",
            GRANTEE="PUBLIC" if schema == "SYS" else "OTHER",
            TABLE_SCHEMA=schema,
            TABLE_NAME=table,
            PRIVILEGE=privilege,
        )
    server.dictionary.add("SESSION_PRIVS", PRIVILEGE="DROP ANY TABLE")
    with OracleAdapter().source(database_url(URL)) as source:
        assert source.write_privileges() == (
            "CREATE TABLE (system)",
            "DROP ANY TABLE (system)",
            "UPDATE on APP.A",
        )


def test_a_source_refuses_writes(server: Server) -> None:
    with OracleAdapter().source(database_url(URL)) as source:
        driver = source.connection.connection.driver_connection  # type: ignore[attr-defined]
        with pytest.raises(oracledb.DatabaseError, match="01456"):
            driver.cursor().execute('DELETE FROM "A"')
        for statement in (
            "DELETE FROM a",
            "SELECT s.NEXTVAL FROM DUAL",
            "SELECT * FROM a FOR UPDATE",
            "WITH FUNCTION f RETURN NUMBER IS BEGIN RETURN 1; END; SELECT f FROM DUAL",
            "EXPLAIN PLAN FOR SELECT 1 FROM DUAL",
            "BEGIN NULL; END;",
            "SELECT q'['; DELETE FROM a; --]' FROM DUAL",
            "SELECT DBMS_LOCK.REQUEST(1) FROM DUAL",
        ):
            with pytest.raises(SafetyError):
                source.connection.exec_driver_sql(statement)  # type: ignore[attr-defined]
    assert contents(server)["A"] == OLD["A"]


def test_objects_can_be_neither_read_nor_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    served(monkeypatch, "CREATE TABLE g (id NUMBER(9), place MDSYS.SDO_GEOMETRY)")
    with OracleAdapter().source(database_url(URL)) as source:
        (table,) = source.reflect().tables
        assert sum(b.num_rows for b in source.read(table, ["ID"])) == 0
        with pytest.raises(AdapterError, match=r"MDSYS\.SDO_GEOMETRY"):
            list(source.read(table))
    with target() as connection, pytest.raises(LoadError, match="cannot be loaded"):
        run(connection, {"G": {"ID": [1], "PLACE": ["x"]}})
    with target() as connection:
        run(connection, {"G": {"ID": [1]}})


def test_columns_that_do_not_come_have_their_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    server = served(
        monkeypatch,
        "CREATE TABLE d (k NUMBER(9) GENERATED BY DEFAULT ON NULL AS IDENTITY, "
        "v VARCHAR2(9) DEFAULT 'new' NOT NULL, w NUMBER(9))",
    )
    with target() as connection:
        schema = connection.reflect()
        (table,) = schema.tables
        with connection.load(schema, "run1") as load:
            load.stage(table, [pa.RecordBatch.from_pydict({"K": [4]})])
            place = load.relation(table)
            assert load.select(sa.select(place.c.K, place.c.V)) == [(4, "new")]
            load.switch()
    assert server.rows("D") == [(4, "new", None)]
    assert any("BY DEFAULT ON NULL AS IDENTITY (START" in s for s in server.statements)
