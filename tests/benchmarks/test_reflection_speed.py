"""Reflection of a large generated schema against SQLAlchemy's own, in the same run."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from measures import Record, at_most, for_information

from schemasynth.adapter import SourceConnection, adapter_for
from schemasynth.model import Schema
from schemasynth.settings import database_url

pytestmark = pytest.mark.bench

TABLES, COLUMNS, KEYS = 2000, 15, 3000
FEW = 20
ROUNDS = 2
"""Of both ways in turn, the best of each counts: other work on the machine disturbs single ones."""
TOGETHER = 100
"""Tables created by one round trip where a server takes several statements in one."""


def statements(tables: int, dialect: str) -> Iterator[str]:
    """Return what creates a schema of so many tables, each with keys, checks and comments.

    In PostgreSQL also a sequence and a constraint not validated, of which SQLAlchemy says nothing.
    """
    keys = [f"k{i} int" for i in range(3)]
    own = " COMMENT 'text'" if dialect == "mysql" else ""
    others = [f"c{i} varchar(20) DEFAULT 'x'{own}" for i in range(COLUMNS - 4)]
    for i in range(tables):
        columns = ", ".join(["id int PRIMARY KEY", *keys, *others])
        yield f"CREATE TABLE t{i} ({columns}, CHECK (k0 > 0))"
        if dialect == "postgresql":
            yield from (f"COMMENT ON COLUMN t{i}.c{n} IS 'text'" for n in range(COLUMNS - 4))
    for i in range(tables * KEYS // TABLES):
        yield (
            f"ALTER TABLE t{i % tables} ADD FOREIGN KEY (k{i // tables}) "
            f"REFERENCES t{(i * 7 + 1) % tables} (id)"
        )
    if dialect == "postgresql":
        yield "CREATE SEQUENCE free"
        yield "ALTER TABLE t0 ADD CONSTRAINT claim FOREIGN KEY (k2) REFERENCES t1 NOT VALID"


def create(url: str, tables: int) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    made = list(statements(tables, engine.dialect.name))
    together = TOGETHER if engine.dialect.name == "postgresql" else 1
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for start in range(0, len(made), together):
            cursor.execute("; ".join(made[start : start + together]))


def reflected(source: SourceConnection) -> tuple[Schema, float, int]:
    """Reflect; return the schema, the seconds and the number of statements."""
    sent: list[str] = []
    connection: sa.Connection = source.connection  # type: ignore[attr-defined]

    def count(*arguments: object) -> None:
        sent.append(str(arguments[2]))

    sa.event.listen(connection, "before_cursor_execute", count)
    started = time.perf_counter()
    schema = source.reflect()
    seconds = time.perf_counter() - started
    sa.event.remove(connection, "before_cursor_execute", count)
    return schema, seconds, len(sent)


def theirs(url: str) -> tuple[sa.MetaData, float]:
    metadata = sa.MetaData()
    started = time.perf_counter()
    metadata.reflect(sa.create_engine(url, poolclass=sa.NullPool))
    return metadata, time.perf_counter() - started


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_reflecting(request: pytest.FixtureRequest, kind: str, record: Record) -> None:
    new = request.getfixturevalue(f"{kind}_database_factory")
    small, large = new(), new()
    create(small, FEW)
    create(large, TABLES)
    ours, others, sent = [], [], set()
    for _ in range(ROUNDS):
        for url in (small, large):
            with adapter_for(database_url(url)).source(database_url(url)) as source:
                schema, seconds, count = reflected(source)
            sent.add(count)
        ours.append(seconds)
        metadata, seconds = theirs(large)
        others.append(seconds)
    assert len(schema.tables) == TABLES
    assert sum(len(t.columns) for t in schema) == TABLES * COLUMNS
    assert sum(len(t.foreign_keys) for t in schema) == KEYS + (kind == "postgresql")
    assert sum(len(t.checks) for t in schema) == TABLES
    if kind == "postgresql":
        assert [s.name for s in schema.sequences] == ["free"]
        assert not metadata._sequences
        claims = [k for t in schema for k in t.foreign_keys if not k.state.validated]
        assert [k.name for k in claims] == ["claim"]
    record(
        for_information(f"{kind}, 2,000 tables: seconds to reflect", min(ours)),
        for_information(f"{kind}, 2,000 tables: statements", max(sent)),
        at_most(f"{kind}: statements, 2,000 tables more than 20", max(sent) - min(sent), 0),
        at_most(f"{kind}: reflecting to MetaData.reflect", min(ours) / min(others), 1.5),
    )
