"""What MariaDB holds and Arrow does not; what a source refuses; what an account could write."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth.adapter import Selection
from schemasynth.errors import AdapterError, PrivilegeError, SafetyError
from schemasynth.model import TableName
from schemasynth.settings import database_url
from schemasynth_adapters._sql.guard import MYSQL, is_read
from schemasynth_adapters.mysql import MySQLAdapter
from schemasynth_adapters.mysql.grants import Grant, parsed, writes
from schemasynth_adapters.mysql.reflect import Server, reflect


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def read(url: str, name: str) -> pa.Table:
    with MySQLAdapter().source(database_url(url)) as source:
        return pa.Table.from_batches(source.read(source.reflect().table(TableName(name))))


def test_values_that_do_not_fit_travel_as_text(mysql_database: str) -> None:
    run(
        mysql_database,
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
        "CREATE TABLE t (id int PRIMARY KEY, zero date, part date, never date, met datetime, "
        "at timestamp NULL, lasted time, back time, flag tinyint(1), big bigint unsigned, "
        "bits bit(64), fine date)",
        "INSERT INTO t VALUES (1, '0000-00-00', '2024-00-10', '2024-02-30', '0000-00-00', "
        "'0000-00-00', '99:30:00', '-01:00:00', 7, 18446744073709551615, ~0, '2024-02-29')",
        "INSERT INTO t (id) VALUES (2)",
    )
    table = read(mysql_database, "t")
    assert table.schema.field("fine").type == pa.date32()
    texts = {f.name for f in table.schema if f.type == pa.string()}
    assert texts == set(table.column_names) - {"id", "fine"}
    row, empty = table.to_pylist()
    assert row["zero"] == "0000-00-00"
    assert row["part"] == "2024-00-10"
    assert row["never"] == "2024-02-30"
    assert row["met"] == row["at"] == "0000-00-00 00:00:00"
    assert (row["lasted"], row["back"]) == ("99:30:00", "-01:00:00")
    assert (row["flag"], row["big"], row["bits"]) == ("7", str(2**64 - 1), str(2**64 - 1))
    assert set(empty.values()) == {2, None}


def test_what_travelled_as_text_is_loaded_back(mysql_database: str) -> None:
    run(
        mysql_database,
        "CREATE TABLE t (zero date, lasted time(2), flag tinyint(1), big bigint unsigned, "
        "bits bit(64), at timestamp NULL)",
    )
    rows = {
        "zero": ["0000-00-00", None],
        "lasted": ["-838:59:59.00", "99:00:00.25"],
        "flag": ["7", None],
        "big": [str(2**64 - 1), "0"],
        "bits": [str(2**64 - 1), "1"],
        "at": ["0000-00-00 00:00:00", None],
    }
    with MySQLAdapter().target(database_url(mysql_database)) as target:
        schema = target.reflect()
        with target.load(schema, "r") as load:
            load.stage(schema.tables[0], [pa.RecordBatch.from_pydict(rows)])
            load.switch()
    assert read(mysql_database, "t").to_pydict() == rows | {"lasted": rows["lasted"]}


def test_other_character_sets_arrive_as_unicode(mysql_database: str) -> None:
    run(
        mysql_database,
        "CREATE TABLE t (l varchar(9) CHARACTER SET latin1, s varchar(9) CHARACTER SET sjis, "
        "u varchar(9) CHARACTER SET ucs2, m varchar(9) CHARACTER SET utf8mb4, c char(9))",
        "INSERT INTO t VALUES ('ñ', '漢', 'Ω', '🙂', ' x  ')",
    )
    assert read(mysql_database, "t").to_pylist() == [
        {"l": "ñ", "s": "漢", "u": "Ω", "m": "🙂", "c": " x"}
    ]


def test_a_reader_that_leaves_early_keeps_the_snapshot(mysql_database: str) -> None:
    run(
        mysql_database,
        "CREATE TABLE t (id int PRIMARY KEY, filler char(200))",
        "INSERT INTO t SELECT seq, 'x' FROM seq_1_to_50000",
    )
    with MySQLAdapter().source(database_url(mysql_database)) as source:
        table = source.reflect().table(TableName("t"))
        batches = source.read(table, chunk_rows=10)
        assert next(batches).num_rows == 10
        with pytest.raises(AdapterError, match="still being read"):
            source.select(sa.select(sa.literal(1)))
        run(mysql_database, "DELETE FROM t WHERE id > 10")
        batches.close()  # type: ignore[attr-defined]
        count = sa.select(sa.func.count()).select_from(source.relation(table))
        assert source.select(count) == [(50_000,)]
        assert sum(b.num_rows for b in source.read(table)) == 50_000


def test_no_lock_stays_between_reads(mysql_database: str) -> None:
    run(mysql_database, "CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    with MySQLAdapter().source(database_url(mysql_database)) as source:
        table = source.reflect().table(TableName("t"))
        assert sum(b.num_rows for b in source.read(table)) == 1
        source.select(sa.select(source.relation(table).c.id))
        run(mysql_database, "SET lock_wait_timeout = 1", "ALTER TABLE t ADD COLUMN late int")


WRITES = (
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    r"SELECT 'it\'s' INTO OUTFILE 'x'",
    r"SELECT '\\' INTO OUTFILE 'x'",
    "SELECT 1--1 INTO OUTFILE 'x'",
    "SELECT 1 # '\n INTO OUTFILE 'x' # '",
    "SELECT 1 AS $$ INTO OUTFILE 'x' -- $$",
    "SELECT 1 AS `a` INTO @x",
    "SELECT 1 /*! INTO OUTFILE 'x' */",
    "SELECT 1 /*M!100000 INTO OUTFILE 'x' */",
    "DESCRIBE ANALYZE DELETE FROM t",
    "ANALYZE DELETE FROM t",
    "SET SESSION TRANSACTION READ WRITE",
    "SET STATEMENT tx_read_only = 0 FOR DELETE FROM t",
    "START TRANSACTION READ WRITE",
    "DO GET_LOCK('x', 1)",
    "CALL p()",
    "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t",
    "HANDLER t OPEN",
    "SELECT * FROM t FOR UPDATE",
    "SELECT 1; DROP TABLE t",
)


@pytest.mark.parametrize("statement", WRITES)
def test_the_guard_knows_how_mysql_quotes_and_comments(statement: str) -> None:
    assert not is_read(statement, MYSQL)


@pytest.mark.parametrize(
    "statement",
    [
        r"SELECT 'it\'s; DELETE FROM t', `a``; b` FROM t -- ; DELETE",
        "SELECT replace(a, 'x', 'y') FROM t # INTO OUTFILE",
        "SHOW GRANTS",
    ],
)
def test_the_guard_lets_reads_through(statement: str) -> None:
    assert is_read(statement, MYSQL)


def test_the_session_refuses_alone(mysql_database: str) -> None:
    run(
        mysql_database,
        "CREATE TABLE t (id int PRIMARY KEY)",
        "CREATE TABLE m (id int) ENGINE=MyISAM",
        "CREATE SEQUENCE s",
        "CREATE FUNCTION f() RETURNS int BEGIN INSERT INTO t VALUES (9); RETURN 1; END",
        "CREATE PROCEDURE p() BEGIN SET SESSION TRANSACTION READ WRITE; END",
    )
    with MySQLAdapter().source(database_url(mysql_database)) as source:
        driver = source.connection.connection.driver_connection  # type: ignore[attr-defined]
        for statement in (
            "INSERT INTO t VALUES (1)",
            "INSERT INTO m VALUES (1)",
            "CREATE TABLE other (a int)",
            "DROP TABLE t",
            "TRUNCATE m",
            "RENAME TABLE t TO u",
            "SELECT f()",
            "SELECT NEXTVAL(s)",
            "SELECT SETVAL(s, 5)",
            "CREATE DATABASE other_one",
            "GRANT SELECT ON *.* TO root@localhost",
            "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE m",
            "SELECT 1; INSERT INTO t VALUES (1)",
        ):
            with pytest.raises(Exception, match=r"READ ONLY|syntax|not allowed"):
                driver.cursor().execute(statement)
        with pytest.raises(SafetyError):
            source.connection.exec_driver_sql("CALL p()")  # type: ignore[attr-defined]
    with MySQLAdapter().target(database_url(mysql_database)) as target:
        for name in ("t", "m"):
            assert target.select(sa.select(sa.func.count()).select_from(sa.table(name))) == [(0,)]


@pytest.fixture
def account(mysql_server: str) -> Iterator[tuple[str, str]]:
    """An account and a role, both without privileges, by name."""
    name, role = f"u_{secrets.token_hex(4)}", f"r_{secrets.token_hex(4)}"
    run(mysql_server, f"CREATE USER '{name}'@'%'", f"CREATE ROLE {role}")
    yield name, role
    run(mysql_server, f"DROP USER '{name}'@'%'", f"DROP ROLE {role}")


def test_what_an_account_could_write_is_told(mysql_database: str, account: tuple[str, str]) -> None:
    name, role = account
    url = sa.make_url(mysql_database).set(username=name)
    database = url.database
    run(mysql_database, "CREATE TABLE t (id int, v int)")
    run(mysql_database, f"GRANT SELECT ON `{database}`.* TO '{name}'@'%'")

    def told() -> tuple[str, ...]:
        with MySQLAdapter().source(
            database_url(url.render_as_string(hide_password=False))
        ) as source:
            return source.write_privileges()

    assert told() == ()
    run(mysql_database, f"GRANT UPDATE (v) ON `{database}`.t TO '{name}'@'%'")
    assert told() == (f"UPDATE on `{database}`.`t`",)
    run(mysql_database, f"GRANT INSERT, DROP ON `{database}`.* TO {role}")
    run(mysql_database, f"GRANT {role} TO '{name}'@'%'")
    assert set(told()) == {f"UPDATE on `{database}`.`t`", f"DROP, INSERT on `{database}`.*"}
    with MySQLAdapter().source(database_url(mysql_database)) as source:
        assert any(line.startswith("ALL PRIVILEGES on *.*") for line in source.write_privileges())


def test_a_table_that_may_not_be_read_names_the_grant(
    mysql_database: str, account: tuple[str, str]
) -> None:
    name, _ = account
    url = sa.make_url(mysql_database).set(username=name)
    run(mysql_database, "CREATE TABLE t (id int)", "CREATE TABLE u (id int)")
    run(mysql_database, f"GRANT SELECT ON `{url.database}`.u TO '{name}'@'%'")
    with MySQLAdapter().source(database_url(mysql_database)) as source:
        t = source.reflect().table(TableName("t"))
    with MySQLAdapter().source(database_url(url.render_as_string(hide_password=False))) as source:
        with pytest.raises(PrivilegeError) as caught:
            list(source.read(t))
        with pytest.raises(PrivilegeError, match="GRANT SELECT ON"):
            source.select(sa.select(sa.func.count()).select_from(source.relation(t)))
    assert f"`{name}`@`%`" in str(caught.value)


def test_grants_of_mysql_8() -> None:
    lines = [
        "GRANT USAGE ON *.* TO `u`@`%`",
        "GRANT SELECT, INSERT (`a`, `b`), SHOW VIEW ON `my\\_db`.`t` TO `u`@`%`",
        "GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `u`@`%` WITH GRANT OPTION",
        "GRANT PROXY ON ``@`` TO 'u'@'%' WITH GRANT OPTION",
        "GRANT EXECUTE ON PROCEDURE `d`.`p` TO `u`@`%`",
        "GRANT `r`@`%` TO `u`@`%`",
    ]
    grants = list(parsed(lines))
    assert Grant(frozenset({"SELECT", "INSERT", "SHOW VIEW"}), "my\\_db", "t") in grants
    assert writes(grants, "my_db") == (
        "INSERT on `my\\_db`.`t`",
        "BACKUP_ADMIN, XA_RECOVER_ADMIN on *.*",
    )
    assert writes(grants, "myxdb") == ("BACKUP_ADMIN, XA_RECOVER_ADMIN on *.*",)


def test_names_of_columns_in_foreign_keys_are_the_tables_own(mysql_database: str) -> None:
    run(
        mysql_database,
        "CREATE TABLE p (Id int PRIMARY KEY)",
        "CREATE TABLE c (PId int, CONSTRAINT k FOREIGN KEY (pid) REFERENCES p (ID))",
    )
    with MySQLAdapter().source(database_url(mysql_database)) as source:
        (key,) = source.reflect().table(TableName("c")).foreign_keys
    assert (key.columns, key.referred_columns) == (("PId",), ("Id",))


def test_schemas_whose_names_differ_by_case_are_two(mysql_database: str) -> None:
    url = database_url(mysql_database)
    name = str(url.database)
    with MySQLAdapter().source(url) as source:
        if source.server.fold:  # type: ignore[attr-defined]
            pytest.skip("the server ignores the case of names")
    other = name.upper()
    run(mysql_database, f"CREATE DATABASE `{other}`", f"CREATE TABLE `{other}`.b (id int)")
    try:
        run(mysql_database, "CREATE TABLE a (id int)")
        with MySQLAdapter().source(url) as source:
            assert [str(t.name) for t in source.reflect()] == ["a"]
            folding = Server(mariadb=True, version=(10, 11), fold=True, database=name)
            found = reflect(source.connection, Selection(), folding).schema  # type: ignore[attr-defined]
            assert [str(t.name) for t in found] == ["a"]
    finally:
        run(mysql_database, f"DROP DATABASE `{other}`")
