"""A schema with nearly everything MariaDB has is reflected, refreshed, and still all there."""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth.adapter import Selection
from schemasynth.errors import LoadError, PrivilegeError, SafetyError
from schemasynth.model import Schema, Table, TableName, TypeFamily, arrow_type
from schemasynth.settings import database_url
from schemasynth.verify import check_integrity, require
from schemasynth_adapters.mysql import MySQLAdapter

LONG = "t" * 64
ODD = 'Línea "n°" 100% `.x'
ODD_QUOTED = ODD.replace("`", "``")
SCHEMA = f"""
CREATE TABLE kinds (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tiny tinyint, flag tinyint(1), bits bit(5), one bit(1), big bigint unsigned,
  exact decimal(20,6), wide decimal(60,20), simple float, twice double, made year,
  padded char(6), label varchar(40) NOT NULL DEFAULT 'it''s \\\\ "here"' COMMENT 'what; it''s',
  latin varchar(20) CHARACTER SET latin1 COLLATE latin1_swedish_ci,
  exactly varchar(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
  prose mediumtext, raw varbinary(20), fixed binary(4), blobs longblob,
  born date, lasted time(6), met datetime(6), at timestamp(3) NULL DEFAULT NULL,
  stamp timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
  mood enum('sad','so, la ''la','happy') DEFAULT 'happy', tags set('a','b','c'),
  document json, token uuid, address inet6, place point,
  price decimal(10,2),
  gross decimal(12,4) GENERATED ALWAYS AS (price * 1.21) STORED,
  half decimal(12,4) AS (price / 2) VIRTUAL COMMENT 'half',
  hidden int INVISIBLE DEFAULT 7,
  UNIQUE KEY ci (label), UNIQUE KEY part (prose(10)), UNIQUE KEY (exactly, tiny),
  KEY `by price` (price DESC, label(5)) COMMENT 'slow', FULLTEXT KEY words (prose),
  CONSTRAINT `price % positive` CHECK (price > 0), CHECK (label <> 'refu''sed')
) ENGINE=InnoDB AUTO_INCREMENT=50 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci
  COMMENT='All kinds; it''s';
CREATE TABLE a (id int PRIMARY KEY, b_id int NOT NULL, boss int, KEY boss_key (boss),
  FOREIGN KEY (boss) REFERENCES a (id)) ENGINE=InnoDB;
CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL,
  CONSTRAINT `b → a` FOREIGN KEY (a_id) REFERENCES a (id) ON DELETE CASCADE ON UPDATE NO ACTION)
  ENGINE=InnoDB;
ALTER TABLE a ADD CONSTRAINT FOREIGN KEY (b_id) REFERENCES b (id);
CREATE TABLE `{LONG}` (`{ODD_QUOTED}` varchar(30) PRIMARY KEY, `Select` int, `año` int unsigned,
  UNIQUE KEY `lock` (`Select`),
  CONSTRAINT `{"k" * 64}` FOREIGN KEY (`año`) REFERENCES kinds (id) ON UPDATE CASCADE)
  ENGINE=InnoDB;
CREATE TABLE `{ODD_QUOTED}` (id int PRIMARY KEY, thing varchar(30),
  FOREIGN KEY (thing) REFERENCES `{LONG}` (`{ODD_QUOTED}`) ON DELETE SET NULL) ENGINE=InnoDB;
CREATE TABLE parted (id int NOT NULL, day date NOT NULL, PRIMARY KEY (id, day)) ENGINE=InnoDB
  PARTITION BY RANGE (year(day)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2
  (PARTITION old VALUES LESS THAN (2020), PARTITION new VALUES LESS THAN MAXVALUE);
CREATE TABLE listed (n int NOT NULL) ENGINE=InnoDB PARTITION BY LIST (n)
  (PARTITION few VALUES IN (1, 2), PARTITION more VALUES IN (3, 4));
CREATE TABLE old_engine (id int AUTO_INCREMENT PRIMARY KEY, t text) ENGINE=MyISAM;
CREATE SEQUENCE free START WITH 5 INCREMENT BY 2;
CREATE TABLE counted (id bigint PRIMARY KEY DEFAULT nextval(free), t varchar(5)) ENGINE=InnoDB;
CREATE TABLE versioned (id int PRIMARY KEY, t varchar(5)) ENGINE=InnoDB WITH SYSTEM VERSIONING;
CREATE TABLE audit (id int AUTO_INCREMENT PRIMARY KEY, what varchar(200)) ENGINE=InnoDB;
CREATE VIEW happy AS SELECT id, label FROM kinds WHERE mood = 'happy';
CREATE TRIGGER never BEFORE INSERT ON kinds FOR EACH ROW
  SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'nobody may write; ñ';
CREATE TRIGGER after_all AFTER DELETE ON b FOR EACH ROW INSERT INTO audit (what) VALUES ('2');
CREATE TRIGGER before_all AFTER DELETE ON b FOR EACH ROW PRECEDES after_all
  INSERT INTO audit (what) VALUES ("1");
CREATE TRIGGER `{ODD_QUOTED}` BEFORE UPDATE ON `{LONG}` FOR EACH ROW BEGIN
  SET NEW.`Select` = OLD.`Select`; END;
CREATE PROCEDURE touch() UPDATE a SET boss = NULL
""".strip()
KINDS: list[dict[str, Any]] = [
    {
        "id": 0, "tiny": -128, "flag": True, "bits": 21, "one": True, "big": 2**63 - 1,
        "exact": Decimal("-12345678901234.123456"), "wide": "1234567890123456789012345678901234567"
        "890.00000000000000000001", "simple": 0.1, "twice": 1 / 3, "made": 0, "padded": "ab",
        "label": "\\N, \"x\"\n\t\\", "latin": "ñandú", "exactly": "A", "prose": "NULL",
        "raw": b"\x00\xff\"'\\,\n", "fixed": b"\x00\x01\x00\x02", "blobs": b"",
        "born": dt.date(1950, 1, 2), "lasted": dt.time(23, 59, 59, 999999),
        "met": dt.datetime(2024, 3, 31, 1, 30, 0, 5),  # noqa: DTZ001 a naive column
        "at": dt.datetime(2024, 3, 31, 1, 30, 0, 123000, tzinfo=dt.UTC),
        "stamp": dt.datetime(1999, 1, 1, tzinfo=dt.UTC), "mood": "so, la 'la", "tags": "a,c",
        "document": '{"a": [1, null, "é\\n"]}', "token": "0b7a2f9c-57c6-4d3a-9c1e-1c1b6a3e8d11",
        "address": "2001:db8::1", "place": "000000000101000000000000000000F03F0000000000000040",
        "price": Decimal("10.50"), "hidden": None,
    },
    {
        "id": 9, "label": "", "exactly": "a", "prose": "", "latin": "", "raw": b"", "mood": "sad",
        "flag": False, "one": False, "tiny": 1,
        "stamp": dt.datetime(2038, 1, 1, tzinfo=dt.UTC), "hidden": 3,
    },
]  # fmt: skip
ROWS: dict[str, list[dict[str, Any]]] = {
    "kinds": KINDS,
    "a": [{"id": 1, "b_id": 1, "boss": 2}, {"id": 2, "b_id": 1, "boss": None}],
    "b": [{"id": 1, "a_id": 2}],
    LONG: [{ODD: "x", "Select": 1, "año": 9}],
    ODD: [{"id": 1, "thing": "X"}, {"id": 2, "thing": None}],
    "parted": [{"id": i, "day": dt.date(2019 + i, 6, 1)} for i in range(3)],
    "listed": [{"n": 1}, {"n": 4}],
    "old_engine": [{"id": 3, "t": "x"}],
    "counted": [{"id": 40, "t": None}],
    "versioned": [{"id": 1, "t": "x"}],
    "audit": [],
}
ADDRESS = "127.0.0.1"


def run(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


@dataclass(frozen=True)
class Account:
    """A user of the server, with its name as a statement writes it."""

    quoted: str
    name: str
    password: str

    def url(self, of: str) -> str:
        made = sa.make_url(of).set(username=self.name, password=self.password)
        return made.render_as_string(hide_password=False)


@pytest.fixture
def account(mysql_server: str) -> Iterator[Callable[[], Account]]:
    """Each call makes a user without privileges, dropped after the test."""
    made: list[Account] = []

    def make() -> Account:
        name, password = f"u_{secrets.token_hex(4)}", secrets.token_hex(8)
        made.append(Account(f"'{name}'@'%'", name, password))
        run(mysql_server, f"CREATE USER {made[-1].quoted} IDENTIFIED BY '{password}'")
        return made[-1]

    yield make
    for one in made:
        run(mysql_server, f"DROP USER {one.quoted}")


@pytest.fixture
def everything(mysql_database: str) -> str:
    if "mariadb" not in query(mysql_database, "SELECT version()")[0][0].lower():
        pytest.skip("a schema for MariaDB")
    run(mysql_database, *re.split(r";\n(?=CREATE|ALTER)", SCHEMA))
    return mysql_database


def state(url: str, accounts: Sequence[Account] = ()) -> list[Any]:
    """Everything that a refresh must leave as it was: definitions, triggers, grants."""
    found: list[Any] = []
    counter = re.compile(r" AUTO_INCREMENT=\d+")
    for name, kind in query(url, "SHOW FULL TABLES"):
        quoted = name.replace("`", "``")
        if kind != "SEQUENCE":
            found.append(counter.sub("", query(url, f"SHOW CREATE TABLE `{quoted}`")[0][1]))
        else:
            found.append(name)
    names = query(
        url,
        "SELECT trigger_name, event_object_table, action_order FROM information_schema.triggers "
        "WHERE trigger_schema = DATABASE() ORDER BY 1",
    )
    found += names
    for name, *_ in names:
        found.append(query(url, f"SHOW CREATE TRIGGER `{name.replace('`', '``')}`")[0][:6])
    found += [query(url, f"SHOW GRANTS FOR {one.quoted}") for one in accounts]
    return found


def batches(table: Table, content: list[dict[str, Any]]) -> Iterator[pa.RecordBatch]:
    columns = [c for c in table.columns if c.computed is None]
    fields = [pa.field(c.name, arrow_type(c.type)) for c in columns]
    for start in range(0, max(len(content), 1), 2):
        yield pa.RecordBatch.from_pylist(content[start : start + 2], schema=pa.schema(fields))


def refresh(url: str, content: dict[str, list[dict[str, Any]]] = ROWS) -> Schema:
    """Stage, verify and switch all tables, children first."""
    with MySQLAdapter().target(database_url(url)) as target:
        schema = target.reflect()
        with target.load(schema, "run-1") as load:
            for table in reversed(schema.tables):
                rows = content[table.name.name]
                assert load.stage(table, batches(table, rows)) == len(rows)
            require(check_integrity(load, schema))
            load.switch()
        return schema


def test_reflection(everything: str) -> None:
    with MySQLAdapter().source(database_url(everything)) as source:
        schema = source.reflect()
    assert {t.name.name for t in schema} == set(ROWS)
    kinds = schema.table(TableName("kinds"))
    families = {c.name: c.type.family for c in kinds.columns}
    assert families["flag"] is families["one"] is TypeFamily.BOOLEAN
    assert families["bits"] is families["made"] is families["big"] is TypeFamily.INTEGER
    assert families["document"] is TypeFamily.JSON
    assert families["token"] is TypeFamily.UUID
    assert families["mood"] is families["tags"] is families["prose"] is TypeFamily.TEXT
    assert families["place"] is families["address"] is TypeFamily.OTHER
    assert kinds.column("mood").type.values == ("sad", "so, la 'la", "happy")
    assert kinds.column("document").type.sql == "json"
    assert kinds.column("at").type.timezone
    assert not kinds.column("met").type.timezone
    assert kinds.column("id").identity is not None
    assert kinds.column("id").default is None
    assert kinds.column("born").default is None
    label = kinds.column("label")
    assert query(everything, f"SELECT {label.default}") == [('it\'s \\ "here"',)]
    assert (label.comment, label.type.length, label.nullable) == ("what; it's", 40, False)
    gross, half = kinds.column("gross").computed, kinds.column("half").computed
    assert gross is not None
    assert half is not None
    assert (gross.stored, half.stored) == (True, False)
    assert "1.21" in gross.sql
    assert kinds.comment == "All kinds; it's"
    assert {k.name: k.columns for k in kinds.unique_keys} == {
        "ci": ("label",),
        "exactly": ("exactly", "tiny"),
    }
    indexes = {i.name: (i.columns, i.unique) for i in kinds.indexes}
    assert indexes["by price"] == (("price", "label"), False)
    assert indexes["part"] == (("prose",), True)
    assert {"price % positive", "document"} <= {c.name for c in kinds.checks}
    b = schema.table(TableName("b")).foreign_keys[0]
    assert (b.name, b.on_delete, b.on_update) == ("b → a", "CASCADE", None)
    assert schema.table(TableName("parted")).primary_key is not None
    counted = schema.table(TableName("counted")).column("id").identity
    assert counted is not None
    assert counted.sequence is not None
    assert counted.sequence.endswith("free")
    assert [s.name for s in schema.sequences] == ["free"]


def test_a_refresh_keeps_everything_but_the_rows(
    everything: str, account: Callable[[], Account]
) -> None:
    reader = account()
    database = sa.make_url(everything).database
    run(
        everything,
        f"GRANT SELECT (id, label), UPDATE ON `{database}`.kinds TO {reader.quoted}",
        f"GRANT SELECT ON `{database}`.happy TO {reader.quoted}",
        f"GRANT DELETE ON `{database}`.b TO {reader.quoted}",
    )
    before = state(everything, [reader])
    refresh(everything)
    assert state(everything, [reader]) == before
    refresh(everything)
    assert state(everything, [reader]) == before
    assert query(reader.url(everything), "SELECT id FROM happy") == []


def test_rows_arrive_and_are_read_back(everything: str) -> None:
    schema = refresh(everything)
    with MySQLAdapter().source(database_url(everything)) as source:
        for table in schema:
            read = pa.Table.from_batches(source.read(table)).to_pylist()
            given = [dict.fromkeys(table.column_names) | r for r in ROWS[table.name.name]]
            for row in given:
                if row.get("price"):
                    row["gross"] = row["price"] * Decimal("1.21")
                    row["half"] = row["price"] / 2
                if row.get("simple"):
                    row["simple"] = pytest.approx(row["simple"], rel=1e-7)
            assert sorted(read, key=str)[0].keys() if read else not given
            order = {str(row[table.column_names[0]]): row for row in given}
            for row in read:
                assert str(row[table.column_names[0]]) in order, table.name
                assert row == order[str(row[table.column_names[0]])]
            assert len(read) == len(given)
    assert query(everything, "SELECT ST_AsText(place), YEAR(stamp) FROM kinds WHERE id = 0") == [
        ("POINT(1 2)", 1999)
    ]
    assert query(everything, "SELECT COUNT(*) FROM parted PARTITION (old)") == [(1,)]


def test_triggers_and_foreign_keys_work_behind_a_refresh(everything: str) -> None:
    refresh(everything)
    with pytest.raises(Exception, match="nobody may write; ñ"):
        run(everything, "INSERT INTO kinds (label) VALUES ('x')")
    with pytest.raises(Exception, match="foreign key constraint"):
        run(everything, "INSERT INTO b VALUES (5, 77)")
    run(everything, "SET foreign_key_checks = 0", "DELETE FROM b")
    assert query(everything, "SELECT what FROM audit ORDER BY id") == [("1",), ("2",)]
    run(everything, "CALL touch()")


def test_counters_continue(everything: str) -> None:
    refresh(everything)
    run(
        everything,
        "DROP TRIGGER never",
        "INSERT INTO kinds (label) VALUES ('new')",
        "INSERT INTO old_engine (t) VALUES ('new')",
        "INSERT INTO counted (t) VALUES ('new')",
    )
    assert query(everything, "SELECT MAX(id) FROM kinds") == [(10,)]
    assert query(everything, "SELECT MAX(id) FROM old_engine") == [(4,)]
    assert query(everything, "SELECT MAX(id) > 40 FROM counted") == [(1,)]


def test_without_local_files_rows_are_inserted(
    everything: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schemasynth_adapters.mysql import load

    monkeypatch.setattr(load, "load_file", load.insert)
    test_rows_arrive_and_are_read_back(everything)


MISFITS: list[tuple[str, Any]] = [
    ("tiny", 128),
    ("label", "x" * 41),
    ("label", "refu'sed"),
    ("price", Decimal("-1.00")),
    ("price", Decimal("123456789.00")),
    ("mood", "cheerful"),
    ("document", "{"),
    ("born", "1950-02-30"),
    ("born", "never"),
    ("latin", "Ω"),
    ("place", "00"),
    ("id", 6),
    ("label", None),
    ("exactly", "b"),
]
"""Values that a column, a check or a key of the table `kinds` does not take."""


@pytest.mark.parametrize("way", ["load_file", "insert"])
def test_what_does_not_fit_is_refused_without_its_value(
    everything: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    from schemasynth_adapters.mysql import load

    monkeypatch.setattr(load, "load_file", getattr(load, way))
    before = state(everything)
    fits = {"id": 6, "label": "", "exactly": "b", "tiny": 1, "stamp": "2000-01-01 00:00:00"}
    with MySQLAdapter().target(database_url(everything)) as target:
        schema = target.reflect()
        kinds = schema.table(TableName("kinds"))
        with target.load(schema, "r") as staging:
            for column, value in MISFITS:
                row = fits | {"id": 5, "label": "fine", "exactly": "B", column: value}
                content = pa.Table.from_pylist([{column: None} | fits, row]).to_batches()
                with pytest.raises(LoadError, match="kinds") as caught:
                    staging.stage(kinds, content)
                if value is not None and len(str(value)) > 2:
                    assert str(value) not in str(caught.value)
    assert state(everything) == before


def test_case_and_spaces_follow_the_collation(everything: str) -> None:
    refresh(everything)
    clash = [dict(KINDS[1], id=1, label="Ab", tiny=1), dict(KINDS[1], id=2, label="aB ", tiny=2)]
    with MySQLAdapter().target(database_url(everything)) as target:
        schema = target.reflect()
        kinds = schema.table(TableName("kinds"))
        with target.load(schema, "r") as load, pytest.raises(LoadError, match="key ci"):
            load.stage(kinds, batches(kinds, clash))


def test_columns_of_two_collations_are_compared_by_the_parents(mysql_database: str) -> None:
    from schemasynth.model import ForeignKey, Origin

    run(
        mysql_database,
        "CREATE TABLE p (k varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY)",
        "CREATE TABLE c (k varchar(9) COLLATE utf8mb4_bin)",
        "INSERT INTO p VALUES ('a')",
        "INSERT INTO c VALUES ('A'), ('b')",
    )
    with MySQLAdapter().source(database_url(mysql_database)) as source:
        schema = source.reflect()
        guessed = ForeignKey(("k",), TableName("p"), ("k",), origin=Origin.INFERRED)
        child = schema.table(TableName("c"))
        from dataclasses import replace

        claimed = schema.with_tables([replace(child, foreign_keys=(guessed,))])
        found = check_integrity(source, claimed).violations
    assert found == {"foreign key c(k) -> p(k)": 1}


def test_orphans_are_not_switched(everything: str) -> None:
    refresh(everything)
    before = state(everything)
    content = dict(ROWS, b=[{"id": 1, "a_id": 77}])
    with MySQLAdapter().target(database_url(everything)) as target:
        schema = target.reflect()
        with target.load(schema, "r") as load:
            for table in schema:
                load.stage(table, batches(table, content[table.name.name]))
            with pytest.raises(LoadError, match=r"b → a: 1 rows.*Nothing was changed"):
                load.switch()
        assert target.recover() == ()
    assert state(everything) == before
    assert query(everything, "SELECT a_id FROM b") == [(2,)]


def test_a_part_of_the_schema_can_be_refreshed(everything: str) -> None:
    refresh(everything)
    with MySQLAdapter().target(database_url(everything)) as target:
        schema = target.reflect(Selection(include=("a", "b")))
        with target.load(schema, "r") as load:
            for table in schema:
                load.stage(table, batches(table, []))
            load.switch()
        alone = target.reflect(Selection(include=("a",)))
        with pytest.raises(SafetyError, match=r"b \(b → a references a\)"):
            target.load(alone, "r")
    assert query(everything, "SELECT COUNT(*) FROM a") == [(0,)]
    assert query(everything, "SELECT COUNT(*) FROM kinds") == [(2,)]


def test_keys_into_another_schema(mysql_database_factory: Callable[[], str]) -> None:
    one, other = mysql_database_factory(), mysql_database_factory()
    there = sa.make_url(other).database
    assert there is not None
    run(other, "CREATE TABLE p (id int PRIMARY KEY) ENGINE=InnoDB", "INSERT INTO p VALUES (1)")
    run(
        one,
        f"CREATE TABLE c (p int, CONSTRAINT far FOREIGN KEY (p) REFERENCES `{there}`.p (id))",
    )
    before = (state(one), state(other))
    with MySQLAdapter().target(database_url(one)) as target:
        here = sa.make_url(one).database
        both = target.reflect(Selection(schemas=(str(here), there)))
        assert both.table(TableName("c")).foreign_keys[0].referred == TableName("p", there)
        with target.load(both, "r") as load:
            for table in both:
                load.stage(table, [pa.RecordBatch.from_pydict({table.column_names[0]: [7]})])
            load.switch()
        alone = target.reflect(Selection(schemas=(there,)))
        with pytest.raises(SafetyError, match="far"):
            target.load(alone, "r")
    assert (state(one), state(other)) == before
    assert query(one, "SELECT p FROM c") == query(other, "SELECT id FROM p") == [(7,)]
    run(one, "DROP TABLE c")


def test_missing_privileges_are_named(everything: str, account: Callable[[], Account]) -> None:
    poor = account()
    database = sa.make_url(everything).database
    run(everything, f"GRANT SELECT, INSERT ON `{database}`.* TO {poor.quoted}")
    before = state(everything)
    with MySQLAdapter().target(database_url(poor.url(everything))) as target:
        schema = target.reflect()
        with pytest.raises(PrivilegeError) as caught:
            target.load(schema, "r")
    found = re.search(r"Needed: (GRANT .*);", str(caught.value))
    assert found is not None
    run(everything, found.group(1))
    with MySQLAdapter().target(database_url(poor.url(everything))) as target:
        with pytest.raises(PrivilegeError, match="SET USER") as caught:
            target.load(target.reflect(), "r")
        found = re.search(r"Needed: (GRANT .*);", str(caught.value))
        assert found is not None
        run(everything, found.group(1))
    assert state(everything) == before
    refresh(poor.url(everything))
    assert state(everything) == before


def test_a_table_altered_during_the_load_is_not_switched(everything: str) -> None:
    with MySQLAdapter().target(database_url(everything)) as target:
        schema = target.reflect(Selection(include=("listed",)))
        with target.load(schema, "r") as load:
            load.stage(schema.tables[0], batches(schema.tables[0], [{"n": 1}]))
            run(everything, "ALTER TABLE listed ADD COLUMN late int")
            with pytest.raises(LoadError, match="altered"):
                load.switch()
    assert query(everything, "SELECT * FROM listed") == []


def test_one_load_at_a_time(everything: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from schemasynth_adapters.mysql import load

    monkeypatch.setattr(load, "DEAD_SESSION_SECONDS", 0)
    with (
        MySQLAdapter().target(database_url(everything)) as one,
        MySQLAdapter().target(database_url(everything)) as other,
    ):
        schema = one.reflect(Selection(include=("listed",)))
        with one.load(schema, "r1"):
            with pytest.raises(LoadError, match="Another load"):
                other.load(schema, "r2")
            with pytest.raises(LoadError, match="Another load"):
                other.recover()


def test_a_busy_table_is_not_switched(everything: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from schemasynth_adapters.mysql import adapter

    monkeypatch.setattr(adapter, "LOCK_SECONDS", 1)
    engine = sa.create_engine(everything, poolclass=sa.NullPool)
    with MySQLAdapter().target(database_url(everything)) as target, engine.connect() as busy:
        schema = target.reflect(Selection(include=("listed",)))
        busy.exec_driver_sql("SELECT * FROM listed").all()
        with target.load(schema, "r") as load:
            load.stage(schema.tables[0], batches(schema.tables[0], [{"n": 1}]))
            with pytest.raises(LoadError, match="other sessions use its tables"):
                load.switch()
        assert target.recover() == ()
    assert query(everything, "SELECT * FROM listed") == []


@pytest.mark.parametrize("moment", ["rename", "complete"])
def test_an_interrupt_between_two_steps(
    everything: str, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    from schemasynth_adapters.mysql import load

    refresh(everything)
    definitions = state(everything)

    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(load, moment, interrupt)
    with pytest.raises(KeyboardInterrupt):
        refresh(everything, {name: [] for name in ROWS})
    monkeypatch.undo()
    with MySQLAdapter().target(database_url(everything)) as target:
        assert len(target.recover()) == (moment == "complete")
    assert state(everything) == definitions
    kept = 0 if moment == "complete" else len(KINDS)
    assert query(everything, "SELECT COUNT(*) FROM kinds") == [(kept,)]


@pytest.mark.parametrize("moment", ["add_keys", "drop_endangered_keys", "rename", "complete"])
@pytest.mark.parametrize("before", [True, False])
def test_a_session_that_the_server_ends(
    everything: str, monkeypatch: pytest.MonkeyPatch, moment: str, *, before: bool
) -> None:
    from schemasynth_adapters.mysql import load

    refresh(everything)
    definitions = state(everything)
    done = getattr(load, moment)

    def die(first: Any, *arguments: Any, **options: Any) -> None:
        driver = getattr(first, "connection", first)
        if not before:
            done(first, *arguments, **options)
        run(everything, f"KILL {driver.thread_id()}")
        if before:
            done(first, *arguments, **options)

    monkeypatch.setattr(load, moment, die)
    empty: dict[str, list[dict[str, Any]]] = {name: [] for name in ROWS}
    with pytest.raises(LoadError, match=r"connection was lost|recover"):
        refresh(everything, empty)
    monkeypatch.undo()
    with MySQLAdapter().target(database_url(everything)) as target:
        with pytest.raises(LoadError, match="interrupted"):
            target.load(target.reflect(), "next")
        assert len(target.recover()) == 1
        assert target.recover() == ()
    assert state(everything) == definitions
    switched = moment == "complete" or (moment == "rename" and not before)
    assert query(everything, "SELECT COUNT(*) FROM kinds") == [(0 if switched else 2,)]
