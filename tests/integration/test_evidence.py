"""Evidence from both ways, pushed down into a server and streamed: the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from schemasynth import api
from schemasynth.adapter import Selection, SourceConnection, adapter_for, count_rows
from schemasynth.api import described
from schemasynth.errors import SettingsError
from schemasynth.infer import Collecting, Way, evidence_of
from schemasynth.model import Schema, TableName
from schemasynth.settings import database_url
from tests.integration.chinook import FILE, create_chinook

STREAMED, PUSHED = Collecting(Way.STREAM), Collecting(Way.PUSH_DOWN)
ODD_POSTGRESQL = """
CREATE TABLE odd (
    n integer, d numeric(12, 3), f double precision, m money, b boolean, t text, c char(6),
    u uuid, j jsonb, day date, at timestamptz, raw bytea, range int4range, long text
);
INSERT INTO odd SELECT
    CASE WHEN i % 7 = 0 THEN NULL ELSE i END, i / 2.0, CASE WHEN i = 9 THEN float8 'NaN' ELSE i END,
    i, i % 2 = 0, CASE WHEN i % 3 = 0 THEN i::text ELSE ' text ' || i END, i::text,
    md5(i::text)::uuid, jsonb_build_object('i', i), date '2020-01-01' + i,
    timestamptz '2020-01-01 00:00:00+02' + i * interval '1 hour', decode(md5(i::text), 'hex'),
    int4range(i, i + 2), repeat('x', 150) || i
FROM generate_series(1, 500) AS i;
CREATE TABLE nothing (a integer, b text);
CREATE TABLE "Quer ""y" ("SELECT" integer, "%s" text);
INSERT INTO "Quer ""y" SELECT i, i::text FROM generate_series(1, 50) AS i
"""
ODD_MYSQL = """
CREATE TABLE odd (
    n int, z int(9) zerofill, d decimal(12, 3), f double, s float, b boolean, g tinyint(1),
    big bigint unsigned, bits bit(12), one bit(1), y year, t text, c char(6) CHARACTER SET latin1,
    i varchar(9) COLLATE utf8mb4_general_ci, k varchar(9) CHARACTER SET ucs2, e enum('a', 'B', 'é'),
    m set('a', 'b'), j json, day date, at timestamp(3) NULL, met datetime(6), noon datetime,
    lasted time, fine time(2), raw varbinary(20), id binary(4), h blob, p point, u uuid,
    ip inet6, `%s` text, `SELECT` varchar(200)
) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
INSERT INTO odd SELECT
    IF(seq % 7 = 0, NULL, seq), seq, seq / 2, seq / 3, seq / 4, seq % 2, seq % 5, seq * 2, seq,
    seq % 2, 2000 + seq % 50, IF(seq % 3, CONCAT(' text ', seq), seq), seq,
    IF(seq % 2, CONCAT('a', seq), CONCAT('A', seq - 1)), CONCAT('Ω', seq), 1 + seq % 3, seq % 4,
    JSON_OBJECT('i', seq), DATE '2020-01-01' + INTERVAL seq DAY,
    TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 1500000 MICROSECOND,
    TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 1250000 MICROSECOND,
    TIMESTAMP '2020-01-01 00:00:00' + INTERVAL seq * 5 SECOND,
    SEC_TO_TIME(seq), SEC_TO_TIME(seq / 4), UNHEX(MD5(seq)), CHAR(seq % 256), UNHEX(MD5(seq)),
    POINT(seq, seq), LPAD(HEX(seq), 32, '0'), CONCAT('::', HEX(seq)), CONCAT('é ', seq),
    CONCAT(REPEAT('x', 150), seq)
FROM seq_1_to_500;
CREATE TABLE numbers (n int, o varchar(9), g int, l varchar(9) CHARACTER SET latin1, x char(3));
INSERT INTO numbers SELECT seq, CONCAT('+', seq), seq % 5, CONCAT('a', seq), 'é' FROM seq_1_to_300;
CREATE TABLE nothing (a int, b text);
CREATE TABLE `Quer ``y` (`SELECT` int, `%s` text);
INSERT INTO `Quer ``y` SELECT seq, seq FROM seq_1_to_50
"""
ODD = {"postgresql": ODD_POSTGRESQL, "mysql": ODD_MYSQL}


@pytest.fixture(params=["postgresql_database", "mysql_database"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database on each server that computes evidence itself."""
    return str(request.getfixturevalue(request.param))


@contextmanager
def opened(url: str) -> Iterator[tuple[SourceConnection, Schema]]:
    with adapter_for(database_url(url)).source(database_url(url)) as source:
        yield source, count_rows(source, source.reflect())


def test_both_ways_find_the_same(database: str) -> None:
    create_chinook(database)
    with (
        opened(database) as (source, schema),
        evidence_of(source, schema, collecting=STREAMED) as streamed,
        evidence_of(source, schema, collecting=PUSHED) as pushed,
    ):
        assert pushed.figures == streamed.figures
        assert len(streamed.inclusions) > 20
        assert dict(pushed.inclusions) == dict(streamed.inclusions)
        bridge, line = TableName("PlaylistTrack"), TableName("InvoiceLine")
        for store in (pushed.store, streamed.store):
            assert store.unique(bridge, ("PlaylistId", "TrackId"))
            assert not store.unique(line, ("InvoiceId", "Quantity"))
            among, inside, there = store.tuple_inclusion(
                line, ("TrackId",), TableName("Track"), ("TrackId",)
            )
            assert (among, inside, there) == (1984, 1984, 3503)


def test_both_ways_compare_odd_values_alike(database: str) -> None:
    engine = sa.create_engine(database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in ODD[engine.dialect.name].split(";\n"):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    with (
        opened(database) as (source, schema),
        evidence_of(source, schema, collecting=STREAMED) as streamed,
        evidence_of(source, schema, collecting=PUSHED) as pushed,
    ):
        for column, figures in streamed.figures.items():
            assert pushed.figures[column].profile == figures.profile, column
            assert pushed.figures[column].sort == figures.sort, column
        assert dict(pushed.inclusions) == dict(streamed.inclusions)


def test_both_ways_infer_the_same_keys(database: str) -> None:
    create_chinook(database)
    found = []
    for collecting in (STREAMED, PUSHED):
        with opened(database) as (source, _):
            found.append(described(source, Selection(), infer=True, collecting=collecting))
    assert found[0] == found[1]


def test_a_part_of_the_rows_says_so() -> None:
    schema = api.introspect(
        str(FILE.with_name("chinook.stripped.sqlite")), collecting=Collecting(sample_rows=400)
    )
    track = schema.table(TableName("Track"))
    assert track.primary_key is not None
    assert track.primary_key.evidence["rows"] == 400
    assert track.primary_key.evidence["sampled"] is True
    genre = schema.table(TableName("Genre"))
    assert genre.primary_key is not None
    assert "sampled" not in genre.primary_key.evidence


def test_long_codes_of_numbered_parts_are_told_apart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'codes.sqlite'}"
    codes = [f"region-{i % 10}section{i // 10 % 10}storage{i // 100}" for i in range(1000)]
    with sa.create_engine(url, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE place (code text)")
        connection.exec_driver_sql("INSERT INTO place VALUES (?)", [(code,) for code in codes])
    with opened(url) as (source, schema), evidence_of(source, schema) as evidence:
        assert evidence.figures[TableName("place"), "code"].profile.distinct == len(codes)


def test_sqlite_cannot_compute_evidence() -> None:
    with pytest.raises(SettingsError, match=r"cannot compute evidence itself.*--evidence"):
        api.introspect(str(FILE), collecting=PUSHED)


def test_only_select_is_needed(postgresql_database: str) -> None:
    create_chinook(postgresql_database)
    engine = sa.create_engine(postgresql_database, poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP ROLE IF EXISTS only_reads")
        connection.exec_driver_sql("CREATE ROLE only_reads LOGIN PASSWORD 'only'")
        connection.exec_driver_sql("GRANT SELECT ON ALL TABLES IN SCHEMA public TO only_reads")
    url = sa.make_url(postgresql_database).set(username="only_reads", password="only")
    try:
        with (
            opened(url.render_as_string(hide_password=False)) as (source, schema),
            evidence_of(source, schema, collecting=PUSHED) as evidence,
        ):
            assert len(evidence.inclusions) > 20
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("DROP OWNED BY only_reads")
            connection.exec_driver_sql("DROP ROLE only_reads")


def test_mysql_computes_when_asked_only(mysql_database: str) -> None:
    create_chinook(mysql_database)
    with opened(mysql_database) as (source, schema):
        found = PUSHED.push_down(source, schema)
        assert found is not None
        assert found.size(schema) > 100_000
        assert Collecting().push_down(source, schema) is None
