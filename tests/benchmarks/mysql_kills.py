"""Loads into MySQL that die at a chosen statement, and what recovery makes of them.

The loader kills itself with SIGKILL when it has sent its N-th statement and not yet read the
answer: the server goes on with it while nobody listens.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from schemasynth.errors import LoadError
from schemasynth.settings import database_url
from schemasynth_adapters.mysql import MySQLAdapter

ROWS = 2000
SCHEMA = (
    "CREATE TABLE a (id int AUTO_INCREMENT PRIMARY KEY, b_id int NOT NULL, boss int, v int, "
    "KEY mine (boss), CONSTRAINT self FOREIGN KEY (boss) REFERENCES a (id) ON DELETE CASCADE)",
    "CREATE TABLE b (id int PRIMARY KEY, a_id int NOT NULL, v int CHECK (v < 9), "
    "FOREIGN KEY (a_id) REFERENCES a (id))",
    "ALTER TABLE a ADD CONSTRAINT `a → b` FOREIGN KEY (b_id) REFERENCES b (id)",
    "CREATE TABLE p (id int NOT NULL, v int, PRIMARY KEY (id)) PARTITION BY HASH (id) PARTITIONS 2",
    "CREATE TABLE untouched (id int PRIMARY KEY, v int)",
    "CREATE VIEW seen AS SELECT a.id, b.v FROM a JOIN b ON b.id = a.b_id",
    "CREATE TRIGGER t1 AFTER INSERT ON b FOR EACH ROW INSERT INTO untouched VALUES (NEW.id, 0)",
    "CREATE TRIGGER t2 AFTER INSERT ON b FOR EACH ROW FOLLOWS t1 UPDATE untouched SET v = 1",
    "SET foreign_key_checks = 0",
    "INSERT INTO a VALUES (1, 1, 1, 1)",
    "INSERT INTO b VALUES (1, 1, 1)",
    "INSERT INTO p VALUES (1, 1)",
    "DELETE FROM untouched",
    "INSERT INTO untouched VALUES (5, 5)",
)
_COUNTED = """
import os, signal, sys
from pymysql.connections import Connection

deadly, sent, read = int(sys.argv[2]), 0, Connection._read_query_result

def count(self, unbuffered=False):
    global sent
    sent += 1
    if sent == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, unbuffered)

Connection._read_query_result = count
from schemasynth.settings import database_url
from schemasynth_adapters.mysql import MySQLAdapter
"""
LOADER = (
    _COUNTED
    + f"""
import pyarrow as pa
from schemasynth.adapter import Selection
url, n = database_url(sys.argv[1]), {ROWS}
with MySQLAdapter().target(url) as target:
    schema = target.reflect(Selection(exclude=("untouched",)))
    with target.load(schema, "killed") as load:
        for table in schema:
            for_all = {{c: [2] * n for c in table.column_names}}
            rows = pa.RecordBatch.from_pydict(for_all | {{"id": range(n)}})
            load.stage(table, [rows.slice(0, n // 2), rows.slice(n // 2)])
        load.switch()
print(sent)
"""
)
RECOVERER = (
    _COUNTED
    + """
with MySQLAdapter().target(database_url(sys.argv[1])) as target:
    target.recover()
print(sent)
"""
)
NEVER = 0
PATIENCE_SECONDS = 30


@dataclass(frozen=True)
class Found:
    """A database as a load left it.

    Attributes:
        definitions: of tables and triggers, without counters; with names of what was staged.
        contents: rows and sums by table.
    """

    definitions: tuple[Any, ...]
    contents: tuple[Any, ...]


def prepare(url: str) -> None:
    """Create the tables with their old rows."""
    _query(url, *SCHEMA)


def attempt(url: str, program: str, deadly: int) -> int:
    """Run a program that dies at a statement; return how many it sent if it lived."""
    done = subprocess.run(
        [sys.executable, "-c", program, url, str(deadly)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if deadly != NEVER and done.returncode == -signal.SIGKILL:
        return deadly
    assert done.returncode == 0
    return int(done.stdout)


def recover(url: str) -> tuple[str, ...]:
    """Recover as soon as the server has noticed that the loader is dead."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with MySQLAdapter().target(database_url(url)) as target:
                return tuple(target.recover())
        except LoadError:
            if time.monotonic() > deadline:
                raise


def look(url: str) -> Found:
    """Return what there is."""
    names = [row[0] for row in _query(url, "SHOW TABLES")]
    definitions: list[Any] = []
    for name in names:
        text = str(_query(url, f"SHOW CREATE TABLE `{name}`")[0][1])
        text = text.replace(str(sa.make_url(url).database), "")  # in views
        definitions.append(re.sub(r" AUTO_INCREMENT=\d+", "", text))
    definitions += _query(
        url,
        "SELECT trigger_name, event_object_table, action_order, action_statement, definer, "
        "sql_mode FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1",
    )
    tables = [name for name in names if name in ("a", "b", "p", "untouched")]
    contents = [_query(url, f"SELECT COUNT(*), SUM(id), SUM(v) FROM {t}")[0] for t in tables]
    return Found(tuple(definitions), tuple(contents))


def _query(url: str, *statements: str) -> list[tuple[Any, ...]]:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        return list(cursor.fetchall())
