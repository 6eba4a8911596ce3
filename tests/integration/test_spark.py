"""What is special to Spark: jobs for evidence, renamed tables, keys as claims, the whole way."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pyspark", reason="the extra `spark` is not installed")

import pyarrow as pa
from tsocial import social

from schemasynth import api
from schemasynth.adapter import adapter_for, count_rows
from schemasynth.errors import LoadError
from schemasynth.infer import Collecting, Way, evidence_of
from schemasynth.model import ConstraintState, ForeignKey, PrimaryKey, TableName
from schemasynth.refresh import RefreshOptions
from schemasynth.settings import database_url
from schemasynth_adapters.spark import journal
from schemasynth_adapters.spark.load import SparkLoad
from tests.integration.sampled import faults, sampled

ODD = """
SELECT CAST(CASE WHEN i % 7 = 0 THEN NULL ELSE i END AS INT) AS n,
    CAST(i / 2 AS DECIMAL(12, 3)) AS d, CASE WHEN i = 9 THEN DOUBLE('NaN') ELSE DOUBLE(i) END AS f,
    i % 2 = 0 AS b, CASE WHEN i % 3 = 0 THEN CAST(i AS STRING) ELSE ' text ' || i END AS t,
    CAST(i AS STRING) AS w, DATE '2020-01-01' + CAST(i AS INT) AS day,
    TIMESTAMP '2020-01-01 00:00:00' + make_dt_interval(0, CAST(i AS INT)) AS at,
    unhex(md5(CAST(i AS STRING))) AS raw, named_struct('a', i) AS nested,
    repeat('x', 150) || i AS `long`, i AS `Ordre "n°" 100% ñ.x`
FROM range(1, 501) AS r(i)
"""
TSOCIAL = ("titular", "expedient", "pagamentnomina", "actuacionsnomina")
USED = Collecting(Way.PUSH_DOWN)


def opened(url: str, kind: str = "source") -> Any:
    return getattr(adapter_for(database_url(url)), kind)(database_url(url))


def schema_of(url: str) -> str:
    return str(database_url(url).database)


def create_social(spark: Any, url: str, rows: int = 60) -> None:
    """Write the tables of tSocial as a notebook does: without any key."""
    frames = social(rows=rows).frames
    for name in TSOCIAL:
        place = f"{schema_of(url)}.{name}"
        spark.createDataFrame(pa.Table.from_pandas(frames[name])).write.saveAsTable(place)


def test_both_ways_find_the_same(spark: Any, spark_database: str) -> None:
    spark.sql(f"CREATE TABLE {schema_of(spark_database)}.odd AS {ODD}")
    spark.sql(f"CREATE TABLE {schema_of(spark_database)}.nothing (a INT, b STRING)")
    spark.sql(f"CREATE TABLE {schema_of(spark_database)}.other AS SELECT n AS x, w AS y FROM "
              f"{schema_of(spark_database)}.odd LIMIT 300")  # fmt: skip
    with opened(spark_database) as source:
        schema = count_rows(source, source.reflect())
        with (
            evidence_of(source, schema, collecting=Collecting(Way.STREAM)) as streamed,
            evidence_of(source, schema, collecting=USED) as pushed,
        ):
            for column, figures in streamed.figures.items():
                assert pushed.figures[column].profile == figures.profile, column
                assert pushed.figures[column].sort == figures.sort, column
            assert len(streamed.inclusions) > 5
            assert dict(pushed.inclusions) == dict(streamed.inclusions)
            odd = TableName("odd")
            for store in (pushed.store, streamed.store):
                assert store.unique(odd, ("w", "b"))
                assert not store.unique(odd, ("b",))
                found = store.tuple_inclusion(TableName("other"), ("y",), odd, ("w",))
                assert found == (300, 300, 500)
        assert source.push_down().size(schema) > 0
        names = list(source.push_down()._kept)
        assert names
    assert not any(spark.catalog.tableExists(name) for name in names)


@pytest.mark.usefixtures("stand_in")
def test_tables_without_keys_to_tables_without_violations(
    spark: Any, spark_database_factory: Callable[[], str], tmp_path: Path
) -> None:
    live, target = spark_database_factory(), spark_database_factory()
    create_social(spark, live)
    for table in spark.catalog.listTables(schema_of(live)):
        spark.sql(f"CREATE TABLE {schema_of(target)}.{table.name} "
                  f"LIKE {schema_of(live)}.{table.name}")  # fmt: skip
    api.init_target(target)
    report = api.refresh(live, target, options=RefreshOptions(workdir=tmp_path / "work"))
    assert report.integrity is not None
    assert report.integrity.ok
    kinds = {result.kind for result in report.integrity.results}
    assert "foreign key" in kinds
    with closing(opened(target)) as found:
        assert all(t.row_count for t in count_rows(found, found.reflect()))
    assert [t.name for t in spark.catalog.listTables(schema_of(target)) if "synth" in t.name] == [
        "schemasynth_target"
    ]


def test_a_sample_is_chosen_by_the_executors(
    spark: Any, spark_database: str, tmp_path: Path
) -> None:
    here = schema_of(spark_database)
    bosses = "CASE WHEN i > 9 THEN i % 10 END"
    for name, columns, rows in (
        ("person", f"i AS id, {bosses} AS boss", 1000),
        ("product", "'P' || i AS code", 300),
        ("orders", "i AS id, pmod(hash(i), 1000) AS person, 'P' || i % 300 AS product", 5000),
    ):
        spark.sql(f"CREATE TABLE {here}.{name} AS SELECT {columns} FROM range({rows}) AS r(i)")
    keys = {"person": ("id",), "product": ("code",), "orders": ("id",)}
    references = {
        "person": (ForeignKey(("boss",), TableName("person"), ("id",)),),
        "product": (),
        "orders": (
            ForeignKey(("person",), TableName("person"), ("id",)),
            ForeignKey(("product",), TableName("product"), ("code",)),
        ),
    }
    with opened(spark_database) as source:
        found = source.reflect()
    schema = replace(
        found,
        tables=tuple(
            replace(
                t, primary_key=PrimaryKey(keys[t.name.name]), foreign_keys=references[t.name.name]
            )
            for t in found
        ),
    )
    chosen = sampled(spark_database, tmp_path / "w", 1000, schema=schema)
    assert list(faults(chosen)) == []
    assert 500 < len(chosen.read.rows["orders"]) < 1500


def three_tables(spark: Any, url: str) -> None:
    for name in "abc":
        place = f"{schema_of(url)}.{name}"
        spark.sql(
            f"CREATE TABLE {place} (i INT, p STRING, j STRUCT<x: INT>) USING parquet "
            f"PARTITIONED BY (p) COMMENT 'It''s {name}' TBLPROPERTIES ('who' = 'me')"
        )
        spark.sql(f"INSERT INTO {place} VALUES (1, NULL, 'old')")


NEW = pa.RecordBatch.from_pylist([{"i": 2, "j": '{"x":7}', "p": "new"}])


def rows_of(spark: Any, url: str, tables: str = "abc") -> set[Any]:
    places = [f"{schema_of(url)}.{name}" for name in tables]
    return {row[0] for place in places for row in spark.table(place).select("p").collect()}


def staged(target: Any) -> SparkLoad:
    schema = target.reflect()
    load = target.load(schema, "run")
    for table in schema:
        load.stage(table, [NEW])
    return load


def own(spark: Any, url: str) -> list[str]:
    return [t.name for t in spark.catalog.listTables(schema_of(url)) if "synth" in t.name]


def test_a_table_keeps_what_it_was(spark: Any, spark_database: str) -> None:
    three_tables(spark, spark_database)
    with opened(spark_database, "target") as target:
        staged(target).switch()
    assert rows_of(spark, spark_database) == {"new"}
    place = f"{schema_of(spark_database)}.a"
    shown = spark.sql(f"SHOW CREATE TABLE {place}").first()[0]
    assert "PARTITIONED BY (p)" in shown
    assert "'who' = 'me'" in shown
    assert r"It\'s a" in shown
    assert spark.table(place).first()["j"]["x"] == 7
    assert own(spark, spark_database) == []


def test_a_switch_that_fails_is_undone(spark: Any, spark_database: str) -> None:
    three_tables(spark, spark_database)
    with opened(spark_database, "target") as target:
        load = staged(target)
        gone = load._swaps[TableName("c")].staged
        spark.sql(f"DROP TABLE {schema_of(spark_database)}.{gone}")
        with pytest.raises(LoadError, match="did not switch"):
            load.switch()
        assert rows_of(spark, spark_database) == {"old"}
        load.abort()
    assert own(spark, spark_database) == []


@pytest.mark.parametrize("renamed", [0, 1, 2, 3])
def test_a_switch_that_died_is_undone_by_recover(
    spark: Any, spark_database: str, renamed: int
) -> None:
    three_tables(spark, spark_database)
    with opened(spark_database, "target") as target:
        load = staged(target)
        swaps = list(load._swaps.values())
        journal.begin(target.connection, journal.SWITCH, swaps)
        for swap in swaps[:renamed]:
            load._exchange(swap)
    with opened(spark_database, "target") as target:
        assert target.facts(target.reflect()).interrupted == ("run",)
        with pytest.raises(LoadError, match="recover"):
            target.load(target.reflect(), "other")
        assert target.recover() == ("Undid the switch of the load run.",)
        assert target.recover() == ()
    assert rows_of(spark, spark_database) == {"old"}
    assert own(spark, spark_database) == []


def test_a_switch_that_died_behind_its_moment_is_finished(spark: Any, spark_database: str) -> None:
    three_tables(spark, spark_database)
    with opened(spark_database, "target") as target:
        load = staged(target)
        journal.begin(target.connection, journal.SWITCH, list(load._swaps.values()))
        for swap in load._swaps.values():
            load._exchange(swap)
        journal.end(target.connection, journal.SWITCH)
    with opened(spark_database, "target") as target:
        assert target.recover() == ("Dropped what was left of the load run.",)
    assert rows_of(spark, spark_database) == {"new"}
    assert own(spark, spark_database) == []


def test_what_an_earlier_process_staged_is_taken_over(spark: Any, spark_database: str) -> None:
    three_tables(spark, spark_database)
    with opened(spark_database, "target") as target:
        load = staged(target)
        schema = target.reflect()
        load.keep(schema.table(TableName("a")), "part", 1)
    with opened(spark_database, "target") as target:
        schema = target.reflect()
        again = target.load(schema, "run", resume=True)
        assert again.kept(schema.table(TableName("a")), "part") == 1
        assert again.kept(schema.table(TableName("b")), "part") is None
        again.switch()
    assert rows_of(spark, spark_database, "a") == {"new"}
    assert own(spark, spark_database) == []


def test_external_tables_are_refused(spark: Any, spark_database: str, tmp_path: Path) -> None:
    spark.sql(f"CREATE TABLE {schema_of(spark_database)}.e (a INT) USING parquet "
              f"LOCATION '{tmp_path / 'e'}'")  # fmt: skip
    with opened(spark_database, "target") as target, pytest.raises(LoadError, match="external"):
        target.load(target.reflect(), "run")


INFORMATION = {
    "table_constraints": "constraint_schema, constraint_name, table_schema, table_name, "
    "constraint_type",
    "key_column_usage": "constraint_schema, constraint_name, table_schema, table_name, "
    "column_name, ordinal_position, position_in_unique_constraint",
    "referential_constraints": "constraint_schema, constraint_name, unique_constraint_schema, "
    "unique_constraint_name",
}


def test_keys_of_an_information_schema_are_claims(spark: Any, spark_database: str) -> None:
    """Runs the SELECT over tables that have the columns which Unity Catalog documents."""
    here = schema_of(spark_database)
    spark.sql(f"CREATE TABLE {here}.line (order_no INT, line_no INT, customer INT)")
    spark.sql(f"CREATE TABLE {here}.shipment (id INT, o INT, l INT)")
    keys = [("line_pk", "line", "PRIMARY KEY"), ("ship_line", "shipment", "FOREIGN KEY")]
    used = [
        ("line_pk", "line", "order_no", 1, None),
        ("line_pk", "line", "line_no", 2, None),
        ("ship_line", "shipment", "o", 1, 1),
        ("ship_line", "shipment", "l", 2, 2),
    ]
    values = {
        "table_constraints": [(here, n, here, t, k) for n, t, k in keys],
        "key_column_usage": [(here, n, here, *rest) for n, *rest in used],
        "referential_constraints": [(here, "ship_line", here, "line_pk")],
    }
    spark.sql("CREATE SCHEMA information_schema")
    try:
        for name, columns in INFORMATION.items():
            kinds = ", ".join(
                f"{c} {'INT' if 'position' in c else 'STRING'}" for c in columns.split(", ")
            )
            rows = spark.createDataFrame(values[name], kinds)
            rows.write.saveAsTable(f"information_schema.{name}")
        with opened(spark_database) as source:
            schema = source.reflect()
    finally:
        spark.sql("DROP SCHEMA information_schema CASCADE")
    primary = schema.table(TableName("line")).primary_key
    assert primary is not None
    assert primary.columns == ("order_no", "line_no")
    assert primary.state == ConstraintState(enforced=False, validated=False)
    (key,) = schema.table(TableName("shipment")).foreign_keys
    assert (key.columns, key.referred, key.referred_columns) == (
        ("o", "l"),
        TableName("line"),
        ("order_no", "line_no"),
    )
