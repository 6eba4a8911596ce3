"""What the Spark adapter reads and writes as text: types, names, addresses, statements."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
import sqlglot
from sqlglot import exp

from schemasynth.errors import AdapterError
from schemasynth.model import SqlType, TypeFamily
from schemasynth_adapters._sql.guard import SPARK, is_read
from schemasynth_adapters.spark.dialect import SparkDialect
from schemasynth_adapters.spark.journal import Swap
from schemasynth_adapters.spark.load import history_statement, restore_statement
from schemasynth_adapters.spark.session import _databricks_options, _master, quoted
from schemasynth_adapters.spark.types import sql_type
from schemasynth_adapters.spark.unity import key_columns

WRITTEN = {
    "decimal(10,2)": SqlType("DECIMAL(10,2)", TypeFamily.DECIMAL, precision=10, scale=2),
    "varchar(80)": SqlType("VARCHAR(80)", TypeFamily.TEXT, length=80),
    "string": SqlType("STRING", TypeFamily.TEXT),
    "bigint": SqlType("BIGINT", TypeFamily.INTEGER),
    "timestamp": SqlType("TIMESTAMP", TypeFamily.DATETIME, timezone=True),
    "timestamp_ntz": SqlType("TIMESTAMP_NTZ", TypeFamily.DATETIME),
    "interval day to second": SqlType("INTERVAL DAY TO SECOND", TypeFamily.INTERVAL),
    "interval year to month": SqlType("INTERVAL YEAR TO MONTH", TypeFamily.OTHER),
    "array<decimal(10,2)>": SqlType("array<decimal(10,2)>", TypeFamily.OTHER),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_types(written: str) -> None:
    assert sql_type(written) == WRITTEN[written]


@pytest.mark.parametrize(
    ("statement", "reads"),
    [
        ("SELECT 'a\\'; DELETE FROM t' FROM `x``; DROP`", True),
        ("SELECT 1 # 2", True),
        ("FROM t INSERT INTO u SELECT *", False),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", False),
        ("INSERT OVERWRITE t SELECT 1", False),
        ("SELECT java_method('java.lang.System', 'exit', 1)", False),
        ("CACHE TABLE t", False),
        ("MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE", False),
    ],
)
def test_the_guard_reads_as_spark_does(statement: str, reads: bool) -> None:
    assert is_read(statement, SPARK) == reads


def test_names_and_literals_are_quoted() -> None:
    table = sa.table("a`b", sa.column("c.d"))
    query = sa.select(table.c["c.d"]).where(table.c["c.d"] == "it's \\ here")
    text = str(query.compile(dialect=SparkDialect(), compile_kwargs={"literal_binds": True}))
    assert "FROM `a``b`" in text
    assert "`a``b`.`c.d`" in text
    assert "'it''s \\\\ here'" in text
    assert quoted("main", "sa`les") == "`main`.`sa``les`"


def test_a_workspace_needs_a_token_and_a_cluster() -> None:
    url = sa.make_url("databricks://token:secret@adb.example.net/main.sales?cluster_id=0123")
    assert _databricks_options(url) == ";use_ssl=true;token=secret;x-databricks-cluster-id=0123"
    with pytest.raises(AdapterError, match="cluster_id") as caught:
        _databricks_options(url.set(query={}))
    assert "secret" not in str(caught.value)


def test_masters() -> None:
    assert _master(sa.make_url("spark://node/sales")) == "spark://node:7077"
    assert _master(sa.make_url("spark:///sales?master=local[2]")) == "local[2]"
    assert _master(sa.make_url("spark:///sales")) is None


def test_delta_tables_go_back_to_a_version() -> None:
    swap = Swap("run", "main.sales", "t", "schemasynth_new_1", "schemasynth_old_1", version=7)
    assert restore_statement(swap) == "RESTORE TABLE `main`.`sales`.`t` TO VERSION AS OF 7"
    assert history_statement(swap) == "DESCRIBE HISTORY `main`.`sales`.`t` LIMIT 1"


def test_keys_of_unity_catalog_are_joined_by_the_names_of_constraints() -> None:
    statement = key_columns(quoted("main.x"), "sales")
    text = str(statement.compile(dialect=SparkDialect(), compile_kwargs={"literal_binds": True}))
    assert is_read(text, SPARK)
    tree = sqlglot.parse_one(text, read="databricks", error_level=sqlglot.ErrorLevel.RAISE)
    assert [table.name for table in tree.find_all(exp.Table)] == [
        "table_constraints", "key_column_usage", "referential_constraints", "key_column_usage",
    ]  # fmt: skip
    assert "FROM `main.x`.information_schema.`table_constraints` AS `k`" in text
    assert "`r`.`constraint_name` = `l`.`unique_constraint_name`" in text
    assert "`c`.`table_name` = `k`.`table_name`" in text
    assert len(tree.selects) == 8
