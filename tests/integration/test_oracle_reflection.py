"""The Oracle adapter reads dictionaries of Oracle's sample schemas, from a stand-in."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import oracledb
import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth.adapter import Selection, SourceConnection, count_rows
from schemasynth.errors import AdapterError, ReflectionError, SettingsError
from schemasynth.model import ConstraintState, Identity, Schema, Table, TableName, TypeFamily
from schemasynth.settings import database_url
from schemasynth_adapters.oracle import OracleAdapter
from schemasynth_adapters.oracle import adapter as adapter_module
from schemasynth_adapters.oracle.adapter import split
from tests.integration.oracle_dictionary import SCHEMAS, Dictionary, made, recorded
from tests.integration.oracle_standin import Server, refused, stood_in

URL = "oracle://reader:secret@db.example:1521/?service_name=freepdb1"


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Dictionary, str], Server]:
    def start(dictionary: Dictionary, schema: str) -> Server:
        server = Server(dictionary, schema)
        monkeypatch.setattr(oracledb, "connect", server.connect)
        return server

    return start


@contextmanager
def source(url: str = URL) -> Iterator[SourceConnection]:
    with OracleAdapter().source(database_url(url)) as connection:
        yield connection


def of(name: str, serve: Callable[[Dictionary, str], Server], *others: str) -> Schema:
    serve(stood_in((name, *others)), name.upper())
    with source() as connection:
        return connection.reflect()


def empty(*statements: str) -> Dictionary:
    dictionary = Dictionary()
    dictionary.user("APP")
    for statement in statements:
        dictionary.run(statement, "APP")
    return dictionary


def reflected(serve: Callable[[Dictionary, str], Server], *statements: str) -> Schema:
    serve(empty(*statements), "APP")
    with source() as connection:
        return connection.reflect()


@pytest.mark.parametrize("name", SCHEMAS)
def test_recorded_dictionaries_are_those_of_the_ddl(name: str) -> None:
    known = made("hr") if name == "oe" else None
    assert json.loads(recorded(name).read_text("utf-8")) == made(name, known).dumped()


def test_hr(serve: Callable[[Dictionary, str], Server]) -> None:
    schema = of("hr", serve)
    assert [str(table.name) for table in schema] == [
        "COUNTRIES", "DEPARTMENTS", "EMPLOYEES", "JOBS", "JOB_HISTORY", "LOCATIONS", "REGIONS",
    ]  # fmt: skip
    employees = schema.table(TableName("EMPLOYEES"))
    assert employees.primary_key is not None
    assert employees.primary_key.name == "EMP_EMP_ID_PK"
    assert [key.name for key in employees.unique_keys] == ["EMP_EMAIL_UK"]
    assert {key.columns: str(key.referred) for key in employees.foreign_keys} == {
        ("DEPARTMENT_ID",): "DEPARTMENTS",
        ("JOB_ID",): "JOBS",
        ("MANAGER_ID",): "EMPLOYEES",
    }
    assert [check.sql for check in employees.checks] == ["salary > 0"]
    assert ("LAST_NAME", "FIRST_NAME") in {index.columns for index in employees.indexes}
    history = schema.table(TableName("JOB_HISTORY"))
    assert history.primary_key is not None
    assert history.primary_key.columns == ("EMPLOYEE_ID", "START_DATE")
    country = schema.table(TableName("COUNTRIES"))
    assert country.column("COUNTRY_ID").type.sql == "CHAR(2 BYTE)"
    assert country.column("COUNTRY_ID").comment is not None
    assert {str(s.name): s.increment for s in schema.sequences}["LOCATIONS_SEQ"] == 100


def test_oe_refers_to_another_schema_and_does_not_validate_all(
    serve: Callable[[Dictionary, str], Server],
) -> None:
    schema = of("oe", serve)
    orders = schema.table(TableName("ORDERS"))
    (abroad,) = (key for key in orders.foreign_keys if key.referred.schema)
    assert abroad.referred == TableName("EMPLOYEES", "HR")
    assert abroad.referred_columns == ("EMPLOYEE_ID",)
    assert abroad.on_delete == "SET NULL"
    assert orders.column("ORDER_DATE").type.timezone
    items = schema.table(TableName("ORDER_ITEMS"))
    states = {key.name: key.state for key in items.foreign_keys}
    assert states["ORDER_ITEMS_ORDER_ID_FK"] == ConstraintState(enforced=True, validated=False)
    assert states["ORDER_ITEMS_PRODUCT_ID_FK"].validated
    assert [key.name for key in items.unique_keys] == ["ORDER_ITEMS_UK"]
    # A key that uses an index of other order leaves the index an index.
    inventories = schema.table(TableName("INVENTORIES"))
    assert ("WAREHOUSE_ID", "PRODUCT_ID") in {index.columns for index in inventories.indexes}
    customers = schema.table(TableName("CUSTOMERS"))
    assert (None, None) in {index.columns for index in customers.indexes}
    assert customers.column("CUST_GEO_LOCATION").type.sql == "MDSYS.SDO_GEOMETRY"


def test_co_counts_by_itself(serve: Callable[[Dictionary, str], Server]) -> None:
    orders = of("co", serve).table(TableName("ORDERS"))
    assert orders.column("ORDER_ID").identity == Identity(always=False, start=1, increment=1)
    assert orders.column("ORDER_ID").type.family is TypeFamily.INTEGER
    assert orders.column("ORDER_STATUS").type.length == 10
    assert orders.column("ORDER_TMS").type.sql == "TIMESTAMP(6)"


def test_sh_has_partitions_and_no_materialized_views(
    serve: Callable[[Dictionary, str], Server],
) -> None:
    schema = of("sh", serve)
    assert TableName("CAL_MONTH_SALES_MV") not in schema
    sales = schema.table(TableName("SALES"))
    assert sales.primary_key is None
    assert len(sales.foreign_keys) == 5


def test_statements_do_not_grow_with_tables(
    serve: Callable[[Dictionary, str], Server],
) -> None:
    counts = []
    for size in (2, 60):
        server = serve(
            empty(*(f"CREATE TABLE t{i} (a INTEGER PRIMARY KEY)" for i in range(size))), "APP"
        )
        with source() as connection:
            before = len(server.statements)
            assert len(connection.reflect().tables) == size
            counts.append(len(server.statements) - before)
    assert counts == [13, 13]


def one(schema: Schema) -> Table:
    (table,) = schema.tables
    return table


def test_names_are_as_they_are(serve: Callable[[Dictionary, str], Server]) -> None:
    table = one(
        reflected(serve, 'CREATE TABLE "Línea 1.x" ("select" NUMBER(4), "Año" DATE, PLAIN RAW(4))')
    )
    assert table.name == TableName("Línea 1.x")
    assert table.column_names == ("select", "Año", "PLAIN")


@pytest.mark.parametrize(
    ("declared", "family", "written", "precision", "scale"),
    [
        ("NUMBER", TypeFamily.DECIMAL, "NUMBER", None, None),
        ("NUMBER(4)", TypeFamily.INTEGER, "NUMBER(4)", 4, None),
        ("NUMBER(19)", TypeFamily.INTEGER, "NUMBER(19)", 19, None),
        ("NUMBER(20)", TypeFamily.DECIMAL, "NUMBER(20)", 20, 0),
        ("NUMBER(8,2)", TypeFamily.DECIMAL, "NUMBER(8,2)", 8, 2),
        ("NUMBER(5,-2)", TypeFamily.INTEGER, "NUMBER(5,-2)", 7, None),
        ("NUMBER(2,5)", TypeFamily.DECIMAL, "NUMBER(2,5)", 5, 5),
        ("INTEGER", TypeFamily.INTEGER, "NUMBER(*,0)", None, None),
        ("FLOAT", TypeFamily.FLOAT, "FLOAT(126)", None, None),
        ("BINARY_DOUBLE", TypeFamily.FLOAT, "BINARY_DOUBLE", None, None),
        ("DATE", TypeFamily.DATETIME, "DATE", None, None),
        ("CLOB", TypeFamily.TEXT, "CLOB", None, None),
        ("BLOB", TypeFamily.BINARY, "BLOB", None, None),
        ("INTERVAL DAY TO SECOND", TypeFamily.INTERVAL, "INTERVAL DAY(2) TO SECOND(6)", None, None),
        ("INTERVAL YEAR TO MONTH", TypeFamily.OTHER, "INTERVAL YEAR(2) TO MONTH", None, None),
    ],
)
def test_types(
    serve: Callable[[Dictionary, str], Server],
    declared: str,
    family: TypeFamily,
    written: str,
    precision: int | None,
    scale: int | None,
) -> None:
    found = one(reflected(serve, f"CREATE TABLE t (c {declared})")).column("C").type
    assert (found.family, found.sql, found.precision, found.scale) == (
        family, written, precision, scale,
    )  # fmt: skip


def test_computed_identity_default_and_trigger(
    serve: Callable[[Dictionary, str], Server],
) -> None:
    table = one(
        reflected(
            serve,
            "CREATE SEQUENCE s1 START WITH 5 INCREMENT BY 10",
            "CREATE SEQUENCE s2 START WITH 1",
            "CREATE TABLE t (a NUMBER(9) GENERATED ALWAYS AS IDENTITY (START WITH 7), "
            "b NUMBER(9) DEFAULT app.s1.NEXTVAL, c NUMBER(9), d NUMBER(9) GENERATED ALWAYS AS "
            "(b + 1) VIRTUAL, e NUMBER(9) DEFAULT 4)",
            "CREATE OR REPLACE TRIGGER fill BEFORE INSERT ON t FOR EACH ROW "
            "BEGIN IF :new.c IS NULL THEN SELECT s2.NEXTVAL INTO :new.c FROM DUAL; END IF; END;",
        )
    )
    assert table.column("A").identity == Identity(always=True, start=7, increment=1)
    assert table.column("B").identity == Identity(increment=10, sequence="S1")
    assert table.column("C").identity == Identity(increment=1, sequence="S2")
    assert table.column("D").computed is not None
    assert table.column("E").default == "4"
    assert not table.column("A").nullable


def test_disabled_and_trusted_constraints(serve: Callable[[Dictionary, str], Server]) -> None:
    schema = reflected(
        serve,
        "CREATE TABLE p (a NUMBER(9) PRIMARY KEY)",
        "CREATE TABLE c (a NUMBER(9), CONSTRAINT f FOREIGN KEY (a) REFERENCES p (a) "
        "RELY DISABLE NOVALIDATE, CONSTRAINT k CHECK (a > 0) DEFERRABLE INITIALLY DEFERRED)",
    )
    table = schema.table(TableName("C"))
    assert table.foreign_keys[0].state == ConstraintState(enforced=False, validated=False)
    assert table.checks[0].state == ConstraintState(deferrable=True, initially_deferred=True)


def test_schemas_are_named_in_either_case(serve: Callable[[Dictionary, str], Server]) -> None:
    serve(stood_in(("oe",)), "OE")
    with source() as connection:
        found = connection.reflect(Selection(schemas=("hr",), include=("EMP*",)))
        assert [table.name for table in found] == [TableName("EMPLOYEES", "HR")]
        with pytest.raises(ReflectionError, match="nowhere"):
            connection.reflect(Selection(schemas=("nowhere",)))


@pytest.mark.parametrize(
    ("url", "dsn"),
    [
        ("oracle://u:p@h/?service_name=s", "SERVICE_NAME=s"),
        ("oracle://u:p@h:1999/SIDX", "SID=SIDX"),
        ("oracle://u:p@my_alias", "my_alias"),
    ],
)
def test_service_name_sid_and_alias(
    serve: Callable[[Dictionary, str], Server], url: str, dsn: str
) -> None:
    server = serve(empty(), "APP")
    with source(url):
        assert dsn in server.options["dsn"]


def test_wallets_and_thick_mode(
    serve: Callable[[Dictionary, str], Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(empty(), "APP")
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(oracledb, "init_oracle_client", lambda **options: asked.append(options))
    with source("oracle://u:p@alias?config_dir=/net&wallet_location=/w&wallet_password=x"):
        assert server.options["wallet_location"] == "/w"
        assert server.options["config_dir"] == "/net"
    assert asked == []
    with source("oracle://u:p@alias?thick=yes&lib_dir=/opt/ic&config_dir=/net"):
        assert "lib_dir" not in server.options
    assert asked == [{"lib_dir": "/opt/ic", "config_dir": "/net"}]
    with pytest.raises(SettingsError, match="thick=maybe"):
        split(database_url("oracle://u:p@h?thick=maybe"))


def test_a_server_that_forces_encryption_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def encrypted(**_: object) -> None:
        raise refused(12660, "Encryption or crypto-checksumming parameters incompatible")

    monkeypatch.setattr(oracledb, "connect", encrypted)
    with pytest.raises(AdapterError, match="thick=yes"), source():
        pass


def test_missing_client_libraries_name_the_cure() -> None:
    with (
        pytest.raises(AdapterError, match="lib_dir") as caught,
        source("oracle://u:secret@h?thick=yes&lib_dir=/nowhere"),
    ):
        pass
    assert "secret" not in str(caught.value)
    assert adapter_module.OracleAdapter.capabilities.bulk_reflection


def test_rows_are_read_as_they_are(serve: Callable[[Dictionary, str], Server]) -> None:
    server = serve(
        empty(
            'CREATE TABLE "Ordre \'n°\' 100% ñ.x" ("select" NUMBER(4), "Año: 1" CHAR(3), '
            "free NUMBER, big INTEGER, moment DATE)"
        ),
        "APP",
    )
    name = "Ordre 'n°' 100% ñ.x"
    server.insert(name, (1, "a  ", Decimal("0.5"), 2**62, dt.datetime(2024, 2, 29, 12)))  # noqa: DTZ001
    server.insert(name, (2, None, None, None, None))
    server.insert(name, (3, "   ", Decimal(12), 7, None))
    with source() as connection:
        table = one(count_rows(connection, connection.reflect()))
        batches = list(connection.read(table, ["Año: 1", "select"], chunk_rows=2))
        assert table.row_count == 3
        assert [batch.num_rows for batch in batches] == [2, 1]
        assert batches[1].to_pylist() == [{"Año: 1": "", "select": 3}]
        whole = next(connection.read(table)).to_pylist()
        assert whole[0]["FREE"] == Decimal("0.5")
        assert whole[0]["BIG"] == 2**62
        place = connection.relation(table)
        odd = sa.select(place.c["select"]).where(place.c["select"] != 2).subquery()
        part = pa.Table.from_batches(connection.read(table, ["select"], part=odd))
        assert part["select"].to_pylist() == [1, 3]


def test_numbers_beyond_64_bits_travel_as_text(
    serve: Callable[[Dictionary, str], Server],
) -> None:
    server = serve(empty("CREATE TABLE t (big INTEGER, small INTEGER)"), "APP")
    server.insert("T", (2**64, 1))
    with source() as connection:
        table = one(connection.reflect())
        assert [str(kind) for kind in connection.arrow_schema(table).types] == ["string", "int64"]
        assert next(connection.read(table)).to_pylist() == [{"BIG": str(2**64), "SMALL": 1}]
