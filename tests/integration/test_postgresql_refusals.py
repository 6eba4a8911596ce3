"""What PostgreSQL or a role cannot do is one clear line that names the cure, never a value."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Iterator

import psycopg
import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth.adapter import Selection
from schemasynth.errors import AdapterError, LoadError, PrivilegeError, ReflectionError, SafetyError
from schemasynth.model import Schema, TableName
from schemasynth.settings import database_url
from schemasynth.testing.suite.base import create_shop
from schemasynth_adapters.postgresql import PostgreSQLAdapter

SECRET = "s3cr3t-value"


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def run(url: str, *statements: str) -> None:
    with psycopg.connect(plain(url), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def as_role(url: str, role: str) -> sa.URL:
    return database_url(url).set(username=role, password=SECRET)


def reflected(url: str | sa.URL, selection: Selection = Selection()) -> Schema:  # noqa: B008
    with PostgreSQLAdapter().source(sa.make_url(url)) as source:
        return source.reflect(selection)


@pytest.fixture
def shop(postgresql_database: str) -> str:
    create_shop(postgresql_database)
    return postgresql_database


@pytest.fixture
def role(shop: str, postgresql_server: str) -> Iterator[str]:
    name = f"role_{secrets.token_hex(4)}"
    run(shop, f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'")
    yield name
    run(shop, f"DROP OWNED BY {name}")
    run(postgresql_server, f"DROP ROLE {name}")


def test_unreachable() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = database_url(f"postgresql://u:{SECRET}@127.0.0.1:{port}/d")
    with pytest.raises(AdapterError, match=f"127.0.0.1.*{port}") as caught:
        PostgreSQLAdapter().source(url)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_database_is_named(postgresql_server: str) -> None:
    url = database_url(postgresql_server).set(database="nowhere")
    with pytest.raises(AdapterError, match='"nowhere" does not exist'):
        PostgreSQLAdapter().target(url)


def test_a_missing_role_or_wrong_password_is_not_echoed(shop: str) -> None:
    url = database_url(shop).set(username="nobody_here", password="wr0ng-password")
    with pytest.raises(AdapterError, match="nobody_here") as caught:
        PostgreSQLAdapter().source(url)
    assert "wr0ng-password" not in str(caught.value)


def test_an_empty_search_path_asks_for_a_schema(shop: str) -> None:
    url = database_url(shop).update_query_dict({"options": "-c search_path=nowhere"})
    with pytest.raises(ReflectionError, match="--schema"):
        reflected(url)
    assert len(reflected(url, Selection(schemas=("public",))).tables) == 4


def test_reading_names_the_missing_grant(shop: str, role: str) -> None:
    run(shop, f"GRANT SELECT ON order_line TO {role}")
    with PostgreSQLAdapter().source(as_role(shop, role)) as source:
        schema = source.reflect()
        assert len(schema.tables) == 4
        with pytest.raises(PrivilegeError, match=f'GRANT SELECT ON TABLE .*"customer" TO {role}'):
            list(source.read(schema.table(TableName("customer"))))
        customer = source.relation(schema.table(TableName("customer")))
        with pytest.raises(PrivilegeError, match=f"GRANT SELECT ON TABLE customer TO {role}"):
            source.select(sa.select(sa.func.count()).select_from(customer))
        assert sum(b.num_rows for b in source.read(schema.table(TableName("order_line")))) == 2


def test_row_level_security_is_not_taken_for_the_whole_table(shop: str, role: str) -> None:
    run(
        shop,
        f"GRANT SELECT ON customer TO {role}",
        "ALTER TABLE customer ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY first_row ON customer USING (id = 1)",
    )
    with PostgreSQLAdapter().source(as_role(shop, role)) as source:
        customer = source.reflect().table(TableName("customer"))
        with pytest.raises(PrivilegeError, match=f"ALTER ROLE {role} BYPASSRLS"):
            list(source.read(customer))


def test_write_privileges_are_told(shop: str, role: str) -> None:
    run(shop, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    run(shop, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with PostgreSQLAdapter().source(as_role(shop, role)) as source:
        assert source.write_privileges() == ()
    run(shop, f"GRANT UPDATE (credit) ON customer TO {role}")
    run(shop, f"GRANT DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    with PostgreSQLAdapter().source(as_role(shop, role)) as source:
        found = source.write_privileges()
    assert found[0].startswith("DELETE on table ")
    assert found[0].endswith("and 1 more")
    assert found[1] == "UPDATE on table public.customer"
    with PostgreSQLAdapter().source(database_url(shop)) as source:
        assert source.write_privileges()[0].startswith("superuser")


def test_marking_names_the_missing_grant(shop: str, role: str) -> None:
    run(shop, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    with (
        PostgreSQLAdapter().target(as_role(shop, role)) as target,
        pytest.raises(PrivilegeError, match=f'CREATE ON SCHEMA "public" TO {role}'),
    ):
        target.write_marker("test")


def test_loading_names_all_missing_grants_before_it_starts(shop: str, role: str) -> None:
    run(shop, f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {role}")
    with PostgreSQLAdapter().target(as_role(shop, role)) as target:
        schema = target.reflect()
        with pytest.raises(PrivilegeError) as caught:
            target.load(schema, "r")
    database, owner = database_url(shop).database, database_url(shop).username
    assert str(caught.value).endswith(f'Needed: GRANT "{owner}" TO {role};')
    with PostgreSQLAdapter().target(as_role(shop, role)) as target:
        schema = target.reflect(Selection(include=("Ordre*",)))
        with pytest.raises(PrivilegeError) as caught:
            target.load(schema, "r")
    message = str(caught.value)
    assert f'GRANT CREATE ON DATABASE "{database}" TO {role};' in message
    assert 'GRANT TRUNCATE ON TABLE "public"."Ordre ' in message
    assert message.count(";") == 2


def test_a_role_with_the_grants_named_can_load(shop: str, role: str) -> None:
    database = database_url(shop).database
    run(
        shop,
        "CREATE TABLE lone (id int PRIMARY KEY)",
        f'GRANT CREATE ON DATABASE "{database}" TO {role}',
        f"GRANT SELECT, INSERT, TRUNCATE ON lone TO {role}",
    )
    with PostgreSQLAdapter().target(as_role(shop, role)) as target:
        schema = target.reflect(Selection(include=("lone",)))
        with target.load(schema, "r") as load:
            load.stage(schema.tables[0], [pa.RecordBatch.from_pylist([{"id": 5}])])
            load.switch()
    with psycopg.connect(plain(shop)) as connection:
        assert connection.execute("SELECT id FROM lone").fetchall() == [(5,)]


def test_references_from_outside_are_refused_before_anything(shop: str) -> None:
    with PostgreSQLAdapter().target(database_url(shop)) as target:
        schema = target.reflect(Selection(include=("customer", "shipment")))
        with pytest.raises(SafetyError, match=r"order_line.*line_customer references customer"):
            target.load(schema, "r")
        assert target.recover() == ()


def test_a_second_load_is_refused(shop: str) -> None:
    with PostgreSQLAdapter().target(database_url(shop)) as target:
        schema = target.reflect()
        with target.load(schema, "first"), PostgreSQLAdapter().target(database_url(shop)) as other:
            with pytest.raises(LoadError, match="Another load"):
                other.load(schema, "second")
            with pytest.raises(LoadError, match="Another load"):
                other.recover()
        with target.load(schema, "third"):
            pass


def test_a_table_in_use_is_a_load_error(shop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schemasynth_adapters.postgresql.adapter._SESSION", {"lock_timeout": "1s"})
    with (
        psycopg.connect(plain(shop)) as user,
        PostgreSQLAdapter().target(database_url(shop)) as target,
    ):
        user.execute("SELECT * FROM customer")
        schema = target.reflect()
        with target.load(schema, "r") as load:
            load.stage(schema.table(TableName("customer")), [])
            with pytest.raises(LoadError, match="other sessions use its tables"):
                load.switch()


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("whole", SECRET, "invalid text representation"),
        ("whole", str(2**70), "numeric value out of range"),
        ("small", SECRET * 3, "string data right truncation"),
        ("day", "2024-02-31", "datetime field overflow"),
        ("needed", None, "not null violation"),
        ("whole", 1.5, "ArrowInvalid"),
        ("raw", 7, "ArrowNotImplementedError"),
    ],
)
def test_misfits_name_table_column_and_row(
    postgresql_database: str, column: str, value: object, kind: str
) -> None:
    run(
        postgresql_database,
        "CREATE TABLE strict (whole int, small varchar(5), day date, needed int NOT NULL)",
        "ALTER TABLE strict ADD raw bytea",
    )
    good = {"whole": None, "small": None, "day": None, "needed": 1, "raw": None}
    first, second = (
        pa.RecordBatch.from_pylist([good | {column: value if bad else good[column]}] * 2)
        for bad in (False, True)
    )
    with PostgreSQLAdapter().target(database_url(postgresql_database)) as target:
        schema = target.reflect()
        with pytest.raises(LoadError, match=kind) as caught, target.load(schema, "r") as load:
            load.stage(schema.tables[0], [first, second])
    message = str(caught.value)
    assert "strict" in message
    assert f"column {column}" in message
    assert "row" in message
    assert str(value) not in message.replace("row 3", "").replace("row 2", "")


def test_a_query_that_fails_leaves_the_snapshot(shop: str) -> None:
    with PostgreSQLAdapter().source(database_url(shop)) as source:
        customer = source.reflect().table(TableName("customer"))
        count = sa.select(sa.func.count()).select_from(source.relation(customer))
        assert source.select(count) == [(3,)]
        run(shop, "INSERT INTO customer (id, email) VALUES (99, 'new')")
        broken = sa.select(sa.cast(sa.column("email"), sa.Integer)).select_from(
            source.relation(customer)
        )
        with pytest.raises(AdapterError) as caught:
            source.select(broken)
        assert "example.org" not in str(caught.value)
        assert source.select(count) == [(3,)]
        assert next(source.read(customer, chunk_rows=1)).num_rows == 1
        assert source.select(count) == [(3,)]
        assert sum(b.num_rows for b in source.read(customer)) == 3


def test_two_tables_cannot_be_read_at_once(shop: str) -> None:
    with PostgreSQLAdapter().source(database_url(shop)) as source:
        schema = source.reflect()
        reading = source.read(schema.table(TableName("customer")), chunk_rows=1)
        next(reading)
        with pytest.raises(AdapterError, match="customer is still being read"):
            next(source.read(schema.table(TableName("shipment"))))
        reading.close()
        assert next(source.read(schema.table(TableName("shipment")))).num_rows == 2


def test_a_new_nonce_is_seen_through_an_old_snapshot(shop: str) -> None:
    with (
        PostgreSQLAdapter().source(database_url(shop)) as source,
        PostgreSQLAdapter().target(database_url(shop)) as target,
    ):
        assert source.marker() is None
        target.write_marker("test")
        target.write_nonce("n1")
        assert source.nonce() == "n1"


def test_a_killed_session_is_recovered(shop: str) -> None:
    with PostgreSQLAdapter().target(database_url(shop)) as target:
        schema = target.reflect()
        customer = schema.table(TableName("customer"))
        staged = threading.Event()

        def batches() -> Iterator[pa.RecordBatch]:
            yield pa.RecordBatch.from_pylist([{"id": 1, "email": "x"}])
            staged.set()
            run(
                shop,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ '^COPY' "
                "AND datname = current_database() AND pid <> pg_backend_pid()",
            )
            for _ in range(1000):
                yield pa.RecordBatch.from_pylist([{"id": 1, "email": "x" * 10_000}])

        with pytest.raises(LoadError, match="customer"), target.load(schema, "r") as load:
            load.stage(customer, batches())
        assert staged.is_set()
        assert len(target.recover()) == 1
        assert target.recover() == ()
        assert target.select(sa.select(sa.func.count()).select_from(target.relation(customer))) == [
            (3,)
        ]
