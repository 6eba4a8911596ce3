"""Refreshes whose source and target are different kinds of database, on real servers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from across import carried
from click.testing import CliRunner

from schemasynth import api
from schemasynth.adapter import Selection, adapter_for
from schemasynth.cli import main
from schemasynth.create import build, draft, home_of
from schemasynth.errors import AdapterError, DriftError, SafetyError
from schemasynth.model import TableName
from schemasynth.refresh import RefreshOptions
from schemasynth.settings import database_url

DATA = Path(__file__).parents[1] / "data"


def file_of(name: str) -> Path:
    return DATA / name / f"{name}.declared.sqlite"


@pytest.mark.usefixtures("stand_in")
def test_postgresql_to_mariadb(postgresql_database: str, mysql_database: str) -> None:
    before = carried(file_of("chinook"), postgresql_database)
    made = api.create_target(postgresql_database, mysql_database)
    assert made.tables == len(before.tables)
    api.init_target(mysql_database)
    report = api.refresh(postgresql_database, mysql_database, options=RefreshOptions(seed=1))
    assert api.verify(mysql_database, model=before).violations == {}
    assert all(table.rows == table.source_rows for table in report.tables)


@pytest.mark.usefixtures("stand_in")
def test_sqlite_to_postgresql(postgresql_database: str) -> None:
    api.create_target(str(file_of("oracle_hr_oe")), postgresql_database)
    api.init_target(postgresql_database)
    options = RefreshOptions(seed=1)
    report = api.refresh(str(file_of("oracle_hr_oe")), postgresql_database, options=options)
    assert report.integrity is not None
    assert report.integrity.ok
    assert api.verify(postgresql_database).ok


MANY = """
CREATE TABLE parent (token uuid PRIMARY KEY, code text NOT NULL UNIQUE, feeling mood);
INSERT INTO parent SELECT md5(i::text)::uuid, 'code ' || i, 'sad' FROM generate_series(1, 60) i;
CREATE TABLE child (
  id int PRIMARY KEY, parent uuid NOT NULL REFERENCES parent, code text REFERENCES parent (code),
  flag boolean NOT NULL, exact numeric(12, 3), loose numeric, ratio double precision,
  document jsonb, address inet, raw bytea, lasted interval, at timestamptz NOT NULL,
  met timestamp, hour time, born date, odd int GENERATED ALWAYS AS (id % 2) STORED,
  UNIQUE (id, odd)
);
INSERT INTO child
SELECT i, md5((i % 60 + 1)::text)::uuid, 'code ' || (i % 50 + 1), i % 3 = 0, i * 1.125, i / 7.0,
  i * 0.5, '{"a": 1}', '10.0.0.1', '\\x00ff', make_interval(hours => i),
  '2024-02-29 10:00+02'::timestamptz + make_interval(mins => i), '2024-01-01 10:00',
  '07:30', date '2024-01-01' + i % 90
FROM generate_series(1, 300) i
"""


@pytest.mark.usefixtures("stand_in")
def test_a_refresh_of_every_type(postgresql_database: str, mysql_database: str) -> None:
    run(postgresql_database, "CREATE TYPE mood AS ENUM ('sad', 'happy');\n" + MANY.strip())
    made = api.create_target(postgresql_database, mysql_database)
    assert "column child.odd is left out" in " ".join(f"{f.where} {f.found}" for f in made.findings)
    api.init_target(mysql_database)
    report = api.refresh(postgresql_database, mysql_database, options=RefreshOptions(seed=1))
    assert {t.name: t.rows for t in report.tables} == {"child": 300, "parent": 60}
    assert api.verify(mysql_database).ok
    before = {row["id"]: row for row in read(postgresql_database, "child", "id")}
    after = read(mysql_database, "child", "id")
    for name in ("flag", "loose", "document", "address", "met", "hour", "born"):
        assert {row[name] for row in after} <= {row[name] for row in before.values()}, name
    assert {r["at"] for r in after} <= {r["at"].replace(tzinfo=None) for r in before.values()}
    assert {len(row["lasted"].split(":")) for row in after} == {3}


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_database_of_the_same_kind_gets_the_same_types(
    request: pytest.FixtureRequest, kind: str
) -> None:
    new = request.getfixturevalue(f"{kind}_database_factory")
    origin, target = new(), new()
    run(origin, POSTGRESQL if kind == "postgresql" else MARIADB)
    after = carried(origin, target)
    with adapter_for(database_url(origin)).source(database_url(origin)) as source:
        before = source.reflect()
    plain = {"label"}  # a domain
    for table in before:
        for column in table.columns:
            there = after.table(table.name).column(column.name)
            if column.name not in plain:
                assert there.type == column.type, column.name
            assert (there.default, there.computed) == (column.default, column.computed)
    key = {"postgresql": "token", "mysql": "id"}[kind]
    assert read(target, "kinds", key) == read(origin, "kinds", key)


POSTGRESQL = """
CREATE TYPE mood AS ENUM ('sad', 'it''s');
CREATE DOMAIN short AS varchar(12) CHECK (VALUE <> 'refused');
CREATE SEQUENCE free START 5 INCREMENT 2;
CREATE TABLE kinds (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  token uuid NOT NULL UNIQUE,
  code text UNIQUE,
  flag boolean DEFAULT true,
  small smallint, big bigint,
  exact numeric(20, 6), loose numeric, ratio double precision, simple real, paid money,
  feeling mood DEFAULT 'sad', label short, padded char(6), prose text,
  document jsonb, address inet,
  raw bytea, lasted interval, months interval,
  born date, at timestamptz DEFAULT now(), met timestamp(3), hour time,
  gross numeric(24, 6) GENERATED ALWAYS AS (exact * 2) STORED,
  odd int GENERATED ALWAYS AS (id % 2) STORED,
  CONSTRAINT positive CHECK (exact > 0), CONSTRAINT known CHECK (label IN ('a', 'it''s')),
  CONSTRAINT shape CHECK (prose !~ '^x'), CONSTRAINT counted CHECK (id > 0)
);
COMMENT ON TABLE kinds IS 'All; it''s 100%';
COMMENT ON COLUMN kinds.born IS 'when';
CREATE INDEX partial ON kinds (born) WHERE small > 5;
CREATE INDEX words ON kinds (prose);
CREATE TABLE "Ordre n° 100%.x" (
  "Select" uuid REFERENCES kinds (token) ON DELETE SET NULL DEFERRABLE,
  "año" text REFERENCES kinds (code) ON UPDATE CASCADE
);
INSERT INTO kinds (token, code, flag, small, big, exact, loose, ratio, simple, paid, feeling,
  label, padded, prose, document, address, raw, lasted, months, born, at, met, hour)
VALUES
  ('6f9619ff-8b86-4d11-b42d-00c04fc964ff', 'A', true, -3, 9007199254740993, 12.5, 0.1, -0.125,
   1.5, 12.34, 'it''s', 'it''s', 'ab', E'two\\nlines, a \\\\ and ''quotes''', '{"a": [1, null]}',
   '10.0.0.1/8', '\\x00ff', '26:03:04.5', '1 mon 2 days', '1950-02-28',
   '2024-02-29 23:59:59.123456+02', '2024-01-01 10:00:00.123', '07:30'),
  ('7f9619ff-8b86-4d11-b42d-00c04fc964ff', 'a', false, NULL, NULL, 1, NULL, NULL, NULL, NULL,
   NULL, NULL, NULL, '', NULL, NULL, '', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "Ordre n° 100%.x" SELECT token, code FROM kinds
"""
FIRST = {
    "token": "6f9619ff-8b86-4d11-b42d-00c04fc964ff",
    "code": "A",
    "flag": True,
    "small": -3,
    "big": 2**53 + 1,
    "exact": Decimal("12.5"),
    "loose": Decimal("0.1"),
    "ratio": -0.125,
    "simple": 1.5,
    "paid": Decimal("12.34"),
    "feeling": "it's",
    "label": "it's",
    "padded": "ab",
    "prose": "two\nlines, a \\ and 'quotes'",
    "document": '{"a": [1, null]}',
    "address": "10.0.0.1/8",
    "raw": b"\x00\xff",
    "lasted": "26:03:04.500000",
    "months": "1 mon 2 days",
    "born": dt.date(1950, 2, 28),
    "at": dt.datetime(2024, 2, 29, 21, 59, 59, 123456),  # noqa: DTZ001 a column without a zone
    "met": dt.datetime(2024, 1, 1, 10, 0, 0, 123000),  # noqa: DTZ001
    "hour": dt.time(7, 30),
    "gross": Decimal("25"),
}


def read(url: str, name: str, order: str) -> list[dict[str, Any]]:
    address = database_url(url)
    with adapter_for(address).source(address) as source:
        table = source.reflect().table(TableName(name))
        rows = pa.Table.from_batches(source.read(table)).to_pylist()
    return sorted(rows, key=lambda row: str(row[order]))


def run(url: str, statements: str) -> None:
    engine = sa.create_engine(database_url(url), poolclass=sa.NullPool)
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for statement in statements.split(";\n"):
            cursor.execute(statement)
        connection.connection.commit()


def test_every_type_crosses_from_postgresql_to_mariadb(
    postgresql_database: str, mysql_database: str
) -> None:
    run(postgresql_database, POSTGRESQL)
    after = carried(postgresql_database, mysql_database)
    first, second = read(mysql_database, "kinds", "token")
    assert {name: first[name] for name in FIRST} == FIRST
    assert second["flag"] is False
    assert (second["code"], second["prose"], second["raw"], second["born"]) == ("a", "", b"", None)
    kinds = after.table(TableName("kinds"))
    assert kinds.column("id").identity is not None
    assert kinds.column("gross").computed is not None
    assert "odd" not in kinds.column_names
    assert kinds.comment == "All; it's 100%"
    assert kinds.column("born").comment == "when"
    assert kinds.column("flag").default == "1"
    assert {check.name for check in kinds.checks} >= {"positive", "known"}
    assert not {"shape", "counted"} & {check.name for check in kinds.checks}
    odd = after.table(TableName("Ordre n° 100%.x"))
    assert {key.on_delete for key in odd.foreign_keys} == {"SET NULL", None}
    assert {key.on_update for key in odd.foreign_keys} == {"CASCADE", None}
    assert api.verify(mysql_database).ok


def test_every_type_crosses_from_postgresql_to_sqlite(
    postgresql_database: str, tmp_path: Path
) -> None:
    run(postgresql_database, POSTGRESQL)
    path = tmp_path / "target.sqlite"
    path.touch()
    carried(postgresql_database, str(path))
    first, _ = read(str(path), "kinds", "token")
    assert {name: first[name] for name in FIRST} == FIRST | {"lasted": 93784.5}
    assert api.verify(str(path)).ok


MARIADB = """
CREATE TABLE kinds (
  id int unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
  tiny tinyint, flag tinyint(1) DEFAULT 1, loud tinyint(1), bits bit(5), one bit(1),
  big bigint unsigned, made year, exact decimal(20,6) NOT NULL, simple float, twice double,
  padded char(6), label varchar(40) NOT NULL DEFAULT 'it''s', prose mediumtext, raw varbinary(20),
  born date, zero date, lasted time(6), met datetime(6) DEFAULT current_timestamp(6),
  at timestamp(3) NULL DEFAULT NULL, mood enum('sad','happy') DEFAULT 'happy', tags set('a','b'),
  document json, token uuid, address inet6,
  gross decimal(24,6) GENERATED ALWAYS AS (exact * 2) VIRTUAL,
  KEY same (born), UNIQUE KEY part (prose(10)),
  CONSTRAINT positive CHECK (exact > 0), CONSTRAINT told CHECK (flag in (0, 1))
) COMMENT='All';
CREATE TABLE other (
  id int unsigned, kind int unsigned NOT NULL, KEY same (id),
  CONSTRAINT other_kind FOREIGN KEY (kind) REFERENCES kinds (id) ON DELETE CASCADE
);
SET sql_mode = '';
SET time_zone = '+00:00';
INSERT INTO kinds (tiny, flag, loud, bits, one, big, made, exact, simple, twice, padded, label,
  prose, raw, born, zero, lasted, met, at, mood, tags, document, token, address) VALUES
  (-3, 1, 5, b'101', b'1', 18446744073709551615, 2001, 12.5, 1.5, 0.1, 'ab', 'x', 'two\nlines',
   X'00ff', '1950-02-28', '0000-00-00', '07:30:00', '2024-02-29 23:59:59.123456',
   '2024-01-01 10:00:00.123', 'sad', 'a,b', '{"a": 1}', '6f9619ff-8b86-4d11-b42d-00c04fc964ff',
   '::1');
INSERT INTO other VALUES (NULL, 1)
"""
CARRIED = {
    "id": 1,
    "tiny": -3,
    "flag": True,
    "loud": "5",
    "bits": 5,
    "one": True,
    "big": "18446744073709551615",
    "made": 2001,
    "exact": Decimal("12.5"),
    "simple": 1.5,
    "twice": 0.1,
    "padded": "ab",
    "label": "x",
    "prose": "two\nlines",
    "raw": b"\x00\xff",
    "born": dt.date(1950, 2, 28),
    "zero": "0000-00-00",
    "lasted": dt.time(7, 30),
    "met": dt.datetime(2024, 2, 29, 23, 59, 59, 123456),  # noqa: DTZ001 a column without a zone
    "at": dt.datetime(2024, 1, 1, 10, 0, 0, 123000, tzinfo=dt.UTC),
    "mood": "sad",
    "tags": "a,b",
    "document": '{"a": 1}',
    "token": "6f9619ff-8b86-4d11-b42d-00c04fc964ff",
    "address": "::1",
    "gross": Decimal("25"),
}


def test_every_type_crosses_from_mariadb_to_postgresql(
    postgresql_database: str, mysql_database: str
) -> None:
    run(mysql_database, MARIADB)
    after = carried(mysql_database, postgresql_database)
    (first,) = read(postgresql_database, "kinds", "id")
    assert first == CARRIED
    kinds = after.table(TableName("kinds"))
    assert kinds.column("mood").type.values == ("sad", "happy")
    assert kinds.column("mood").default == "'happy'::kinds_mood"
    assert kinds.column("flag").default == "true"
    assert kinds.column("id").identity is not None
    assert {check.name for check in kinds.checks} == {"positive", "told"}
    (key,) = after.table(TableName("other")).foreign_keys
    assert (key.name, key.on_delete) == ("other_kind", "CASCADE")
    assert {i.name for t in after for i in t.indexes} >= {"same", "other_same"}


def test_what_has_no_home_is_refused_before_anything_is_built(
    postgresql_database: str, mysql_database: str
) -> None:
    run(
        postgresql_database,
        "CREATE TABLE fine (a int);\nCREATE TABLE t (a text[], b tsvector, c daterange)",
    )
    with pytest.raises(DriftError, match=r"t\.a is text\[\], .*t\.b is tsvector, .*--exclude"):
        api.create_target(postgresql_database, mysql_database)
    made = api.create_target(postgresql_database, mysql_database, Selection(exclude=("t",)))
    assert made.tables == 1


def test_a_target_with_tables_is_refused(postgresql_database: str, mysql_database: str) -> None:
    run(postgresql_database, "CREATE TABLE t (a int)")
    run(mysql_database, "CREATE TABLE other (a int)")
    with pytest.raises(SafetyError, match="is not empty: it has 1 tables \\(other\\)"):
        api.create_target(postgresql_database, mysql_database)
    with pytest.raises(SafetyError, match="is not empty"):
        api.create_target(postgresql_database, postgresql_database)


@pytest.mark.parametrize("kind", ["postgresql", "mariadb", "sqlite"])
def test_what_fails_half_way_leaves_nothing_behind(
    postgresql_database_factory: Callable[[], str],
    mysql_database: str,
    tmp_path: Path,
    kind: str,
) -> None:
    origin = postgresql_database_factory()
    run(
        origin,
        "CREATE TABLE one (id int PRIMARY KEY);\n"
        "CREATE TABLE two (id int PRIMARY KEY, r int REFERENCES one)",
    )
    (tmp_path / "target.sqlite").touch()
    target = {
        "postgresql": postgresql_database_factory(),
        "mariadb": mysql_database,
        "sqlite": str(tmp_path / "target.sqlite"),
    }[kind]
    url, begin = database_url(target), database_url(origin)
    with adapter_for(begin).source(begin) as source:
        schema = source.reflect()
    with adapter_for(url).target(url) as connection:
        home = home_of(connection, adapter_for(url).capabilities, schema.dialect)
        made = draft(schema, home)
        again = replace(made, steps=(*made.steps, made.steps[0]))
        with pytest.raises(AdapterError, match="refused to build the schema, and is as it was"):
            build(again, connection)
        assert connection.reflect().tables == ()
        build(made, connection)
        assert len(connection.reflect().tables) == 2


def test_a_dry_run_prints_what_would_be_run(postgresql_database: str, mysql_database: str) -> None:
    run(postgresql_database, POSTGRESQL)
    made = api.create_target(postgresql_database, mysql_database, dry_run=True)
    with adapter_for(database_url(mysql_database)).target(database_url(mysql_database)) as target:
        assert target.reflect().tables == ()
    run(mysql_database, made.sql.replace("\n\n", "\n").strip().removesuffix(";"))
    with adapter_for(database_url(mysql_database)).target(database_url(mysql_database)) as target:
        assert len(target.reflect().tables) == made.tables


def test_the_command_lists_and_builds(tmp_path: Path) -> None:
    target = tmp_path / "target.sqlite"
    target.touch()
    origin = str(file_of("oracle_hr_oe"))
    shown = CliRunner().invoke(main, ["target", "create", origin, str(target), "--dry-run"])
    assert (shown.exit_code, "CREATE TABLE" in shown.stdout) == (0, True)
    made = CliRunner().invoke(main, ["target", "create", origin, str(target)])
    assert (made.exit_code, made.stdout) == (0, "")
    assert "Created" in made.stderr
    again = CliRunner().invoke(main, ["target", "create", origin, str(target)])
    assert again.exit_code == 5
    assert "is not empty" in again.stderr


def test_a_saved_model_declares_the_keys_that_were_inferred(tmp_path: Path) -> None:
    origin = DATA / "oracle_co" / "oracle_co.stripped.sqlite"
    model, target = tmp_path / "model.json", tmp_path / "target.sqlite"
    target.touch()
    found = api.introspect(str(origin))
    model.write_text(api.render(found, "json"), "utf-8")
    api.create_target(str(model), str(target))
    with adapter_for(database_url(str(target))).source(database_url(str(target))) as source:
        made = source.reflect()
    assert sum(len(t.foreign_keys) for t in made) == sum(len(t.foreign_keys) for t in found) > 0


def test_a_database_without_an_adapter_of_its_own(postgresql_database: str, tmp_path: Path) -> None:
    pytest.importorskip("duckdb_engine", reason="the test dependency duckdb-engine is missing")
    url = f"duckdb:///{tmp_path}/d.duckdb"
    run(postgresql_database, "CREATE TYPE mood AS ENUM ('sad', 'happy');\n" + MANY.strip())
    made = api.create_target(postgresql_database, url, dry_run=True)
    assert "column child.odd is left out" in " ".join(f"{f.where} {f.found}" for f in made.findings)
    there = carried(postgresql_database, url)
    assert [len(table.foreign_keys) for table in there] == [0, 2]
    assert api.verify(url).ok
    before, after = (read(one, "child", "id") for one in (postgresql_database, url))
    for one, other in zip(before, after, strict=True):
        apart = {name for name in other if one[name] != other[name]}
        assert apart <= {"lasted"}, apart  # held as text


def test_cycles_and_hierarchies_in_a_database_that_cannot_add_keys(tmp_path: Path) -> None:
    pytest.importorskip("duckdb_engine", reason="the test dependency duckdb-engine is missing")
    url = f"duckdb:///{tmp_path}/d.duckdb"
    made = api.create_target(str(file_of("oracle_hr_oe")), url, dry_run=True)
    notes = [f.where for f in made.findings if "closes a cycle" in f.found]
    assert len(notes) == 1
    there = carried(file_of("oracle_hr_oe"), url)
    assert any(key.referred == table.name for table in there for key in table.foreign_keys)
    assert api.verify(url).ok


def test_the_server_says_what_it_holds(mysql_database: str) -> None:
    url = database_url(mysql_database)
    adapter = adapter_for(url)
    with adapter.target(url) as target:
        foreign = home_of(target, adapter.capabilities, "postgresql")
        own = home_of(target, adapter.capabilities, "mariadb")
    assert foreign.capabilities.max_identifier_length == 64
    assert foreign.collation in ("utf8mb4_nopad_bin", "utf8mb4_0900_bin")
    assert own.collation is None
