"""Time and scans of evidence on TPC-H-shaped tables in PostgreSQL, against bare grouped SQL."""

from __future__ import annotations

import time

import psycopg
import pytest
import sqlalchemy as sa
import tpch_shape
from measures import Record, at_least, at_most, for_information

from schemasynth.adapter import adapter_for
from schemasynth.infer import Collecting, Way, evidence_of, infer_keys
from schemasynth.model import Schema
from schemasynth.settings import database_url

pytestmark = pytest.mark.bench

RATIO = 1.2
SCANS = 2
WHOLE = ("smallint", "integer", "bigint")
TEXT = ("text", "character varying", "character")
REFERENCES = {
    "nation": "region", "supplier": "nation", "customer": "nation", "orders": "customer",
    "partsupp": "part supplier", "lineitem": "orders partsupp",
}  # fmt: skip


def test_evidence_of_millions_of_rows(postgresql_database: str, record: Record) -> None:
    plain = postgresql_database.replace("+psycopg", "")
    tpch_shape.create(plain)
    url = sa.make_url(postgresql_database).set(
        username=tpch_shape.READER, password=tpch_shape.PASSWORD
    )
    reader = url.render_as_string(hide_password=False)
    try:
        bare = _timed_bare(reader.replace("+psycopg", ""))
        scans = _scans(plain)
        pushed = _collected(reader, Collecting(Way.PUSH_DOWN))
        scanned = {name: count - scans[name] for name, count in _scans(plain).items()}
        streamed = _collected(reader, Collecting(Way.STREAM))
    finally:
        tpch_shape.drop_reader(plain)
    found = {
        (table.name.name, key.referred.name)
        for table in pushed.schema
        for key in table.foreign_keys
    }
    wanted = {(child, parent) for child, all_ in REFERENCES.items() for parent in all_.split()}
    record(
        for_information("TPC-H shape: bare grouped inclusion, seconds", bare),
        at_most("TPC-H shape: evidence pushed down by bare SQL", pushed.evidence / bare, RATIO),
        at_most(
            "TPC-H shape: evidence streamed by pushed down",
            streamed.evidence / pushed.evidence,
            1.0,
        ),
        at_most("TPC-H shape: whole scans of a table", max(scanned.values()), SCANS),
        for_information("TPC-H shape: keys pushed down, seconds", pushed.whole),
        for_information("TPC-H shape: keys streamed, seconds", streamed.whole),
        at_least("TPC-H shape: references found", len(found & wanted) / len(wanted), 1.0),
    )


class Collected:
    """What one way took and found."""

    def __init__(self, evidence: float, whole: float, schema: Schema) -> None:
        """Take seconds until evidence and until keys, and the keys."""
        self.evidence, self.whole, self.schema = evidence, whole, schema


def _collected(url: str, collecting: Collecting) -> Collected:
    address = database_url(url)
    with adapter_for(address).source(address) as source:
        schema = source.reflect()
        started = time.perf_counter()
        with evidence_of(source, schema, collecting=collecting) as evidence:
            collected = time.perf_counter() - started
            keys = infer_keys(evidence.counted(schema), evidence)
        return Collected(collected, time.perf_counter() - started, keys)


def _timed_bare(url: str) -> float:
    """Return the seconds of the SQL of research: a statement a class of types."""
    with psycopg.connect(url) as connection:
        started = time.perf_counter()
        for types in (WHOLE, TEXT):
            connection.execute(_bare(connection, types).encode()).fetchall()
        return time.perf_counter() - started


def _bare(connection: psycopg.Connection, types: tuple[str, ...]) -> str:
    columns = connection.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND data_type = ANY(%s)",
        (list(types),),
    ).fetchall()
    each = " UNION ALL ".join(
        f'SELECT DISTINCT "{column}" AS v, {i} AS c FROM "{table}" WHERE "{column}" IS NOT NULL'
        for i, (table, column) in enumerate(columns)
    )
    return (
        f"SELECT g, count(*) FROM (SELECT v, array_agg(c ORDER BY c) AS g FROM ({each}) u "
        "GROUP BY v) x GROUP BY g"
    )


def _scans(url: str) -> dict[str, float]:
    """Return how often each table was read, by its rows: workers share a scan."""
    with psycopg.connect(url) as connection:
        connection.execute("SELECT pg_stat_force_next_flush()")
        time.sleep(1)
        rows = connection.execute(
            "SELECT relname, seq_tup_read, n_live_tup FROM pg_stat_user_tables"
        ).fetchall()
    return {name: read / live for name, read, live in rows}
