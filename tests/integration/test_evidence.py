"""Evidence from both ways, pushed down into PostgreSQL and streamed: the same figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
ODD = """
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


@contextmanager
def opened(url: str) -> Iterator[tuple[SourceConnection, Schema]]:
    with adapter_for(database_url(url)).source(database_url(url)) as source:
        yield source, count_rows(source, source.reflect())


def test_both_ways_find_the_same(postgresql_database: str) -> None:
    create_chinook(postgresql_database)
    with (
        opened(postgresql_database) as (source, schema),
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


def test_both_ways_compare_odd_values_alike(postgresql_database: str) -> None:
    with sa.create_engine(postgresql_database, poolclass=sa.NullPool).begin() as connection:
        connection.exec_driver_sql(ODD.replace("%", "%%"))
    with (
        opened(postgresql_database) as (source, schema),
        evidence_of(source, schema, collecting=STREAMED) as streamed,
        evidence_of(source, schema, collecting=PUSHED) as pushed,
    ):
        for column, figures in streamed.figures.items():
            assert pushed.figures[column].profile == figures.profile, column
            assert pushed.figures[column].sort == figures.sort, column
        assert dict(pushed.inclusions) == dict(streamed.inclusions)


def test_both_ways_infer_the_same_keys(postgresql_database: str) -> None:
    create_chinook(postgresql_database)
    found = []
    for collecting in (STREAMED, PUSHED):
        with opened(postgresql_database) as (source, _):
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
