"""The guard sends reads, whatever columns are called, and nothing else."""

from __future__ import annotations

import pytest

from schemasynth_adapters._sql.guard import is_read

READS = (
    "SELECT 1",
    "select load, lock, call, merge, do, grant FROM t",
    "SELECT count(load), max(t.update_count) FROM t WHERE (x) IN (1)",
    "SELECT replace(a, '-', '') FROM t",
    'SELECT "DELETE" FROM "INSERT INTO"',
    "SELECT 'DELETE FROM t; DROP TABLE t' AS a",
    "WITH a AS (SELECT 1), b AS (SELECT replace(x, 'y', 'z') FROM a) SELECT * FROM b",
    "SELECT a -- ; DELETE FROM t\nFROM t",
    "VALUES (1)",
    "SELECT 1;",
    "EXPLAIN QUERY PLAN SELECT 1",
    'PRAGMA main.table_xinfo("t")',
    "PRAGMA query_only",
    "SELECT substring(a FROM 1 FOR 2) FROM t",
)
WRITES = (
    "",
    "DELETE FROM t",
    "  /* x */ insert into t values (1)",
    "SELECT 1; DELETE FROM t",
    "WITH a AS (SELECT 1) DELETE FROM t",
    "WITH a AS (DELETE FROM t RETURNING *) SELECT * FROM a",
    "WITH a AS MATERIALIZED (UPDATE t SET a = 1 RETURNING *) SELECT * FROM a",
    "SELECT * INTO other FROM t",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR NO KEY UPDATE",
    "SELECT * FROM t LOCK IN SHARE MODE",
    "EXPLAIN ANALYZE DELETE FROM t",
    "SELECT 1 /*!; DELETE FROM t */",
    "PRAGMA user_version(5)",
    "PRAGMA journal_mode = WAL",
    "PRAGMA query_only(0)",
    "ATTACH 'x' AS y",
    "VACUUM INTO 'x'",
    "SET default_transaction_read_only = off",
)


@pytest.mark.parametrize("statement", READS)
def test_reads_are_sent(statement: str) -> None:
    assert is_read(statement)


@pytest.mark.parametrize("statement", WRITES)
def test_other_statements_are_not(statement: str) -> None:
    assert not is_read(statement)
