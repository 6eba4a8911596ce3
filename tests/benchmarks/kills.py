"""Loads that die at a chosen moment, and what recovery makes of them.

A program counts moments and kills itself with SIGKILL at the N-th: for PostgreSQL whenever it has
sent something and not yet read the answer, for SQLite around every call that its loader makes.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from schemasynth.adapter import adapter_for
from schemasynth.errors import LoadError
from schemasynth.settings import database_url

ROWS = 2000
NEVER = 0
PATIENCE_SECONDS = 30
POSTGRESQL = """
CREATE TABLE a (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, b_id int NOT NULL, boss int,
  v int UNIQUE, CONSTRAINT self FOREIGN KEY (boss) REFERENCES a ON DELETE CASCADE);
CREATE TABLE b (id serial PRIMARY KEY, a_id int NOT NULL REFERENCES a, v int CHECK (v < 9));
ALTER TABLE a ADD CONSTRAINT "a → b" FOREIGN KEY (b_id) REFERENCES b
  DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT "a → b" ON a IS 'it''s a cycle';
CREATE INDEX a_low ON a (abs(boss)) WHERE v > 0;
COMMENT ON INDEX a_low IS 'partial';
CREATE TABLE p (id int, v int, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE p0 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE untouched (id int PRIMARY KEY, v int);
CREATE VIEW seen AS SELECT a.id, b.v FROM a JOIN b ON b.id = a.b_id;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN INSERT INTO untouched VALUES (NEW.id, 0); RETURN NEW; END $$;
CREATE TRIGGER t1 AFTER INSERT ON b FOR EACH ROW EXECUTE FUNCTION note();
CREATE TRIGGER t2 AFTER INSERT ON b FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE b DISABLE TRIGGER t2;
ALTER TABLE b ENABLE ROW LEVEL SECURITY;
CREATE POLICY even ON b USING (id % 2 = 0);
GRANT SELECT ON a, seen TO PUBLIC;
BEGIN;
INSERT INTO a (b_id, boss, v) VALUES (1, 1, 1);
ALTER TABLE b DISABLE TRIGGER t1;
INSERT INTO b (a_id, v) VALUES (1, 1);
COMMIT;
ALTER TABLE b ENABLE TRIGGER t1;
INSERT INTO p VALUES (1, 1);
INSERT INTO untouched VALUES (5, 5);
"""
SQLITE = """
CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT, b_id int NOT NULL REFERENCES b,
  boss int REFERENCES a, v int UNIQUE);
CREATE TABLE b (id INTEGER PRIMARY KEY, a_id int NOT NULL REFERENCES a, v int CHECK (v < 9));
CREATE TABLE p (id int PRIMARY KEY, v int) WITHOUT ROWID;
CREATE TABLE untouched (id int PRIMARY KEY, v int);
CREATE INDEX a_low ON a (abs(boss)) WHERE v > 0;
CREATE VIEW seen AS SELECT a.id, b.v FROM a JOIN b ON b.id = a.b_id;
INSERT INTO a (b_id, boss, v) VALUES (1, 1, 1);
INSERT INTO b VALUES (1, 1, 1);
INSERT INTO p VALUES (1, 1);
INSERT INTO untouched VALUES (5, 5);
CREATE TRIGGER t1 AFTER INSERT ON b BEGIN INSERT INTO untouched VALUES (NEW.id, 0); END;
CREATE TRIGGER t2 AFTER INSERT ON b BEGIN UPDATE untouched SET v = 1; END;
"""
_HEAD = """
import os, signal, sys
deadly, passed = int(sys.argv[2]), 0

def moment():
    global passed
    passed += 1
    if passed == deadly:
        os.kill(os.getpid(), signal.SIGKILL)
"""
_COUNT_POSTGRESQL = """
import psycopg
from schemasynth_adapters.postgresql import indexes
indexes.BULK_ROWS = 1

def wait(self, generator, *more, **options):
    def counted():
        try:
            asked = next(generator)
            moment()
            while True:
                asked = generator.send((yield asked))
        except StopIteration as done:
            return done.value
    return waited(self, counted(), *more, **options)

waited, psycopg.Connection.wait = psycopg.Connection.wait, wait
"""
_COUNT_SQLITE = """
def profile(frame, event, _):
    if "adapters/sqlite" in frame.f_code.co_filename.replace("schemasynth_adapters", "adapters"):
        moment()

sys.setprofile(profile)
"""
_LOAD = f"""
import pyarrow as pa
from schemasynth.adapter import Selection, adapter_for
from schemasynth.settings import database_url
from schemasynth.verify import check_integrity, require
url, n = database_url(sys.argv[1]), {ROWS}
with adapter_for(url).target(url) as target:
    schema = target.reflect(Selection(exclude=("untouched",)))
    with target.load(schema, "killed") as load:
        for table in schema:
            values = {{c: [2] * n for c in table.column_names}} | {{"id": range(n)}}
            if table.name.name == "a":
                values["v"] = range(n)
            rows = pa.RecordBatch.from_pydict(values)
            load.stage(table, [rows.slice(0, n // 2), rows.slice(n // 2)])
        require(check_integrity(load, schema))
        load.switch()
print(passed)
"""
_RECOVER = """
from schemasynth.adapter import adapter_for
from schemasynth.settings import database_url
url = database_url(sys.argv[1])
with adapter_for(url).target(url) as target:
    target.recover()
print(passed)
"""
_DEFINITIONS = """
SELECT 'table', c.relname::text, c.relkind::text, c.relacl::text, c.relrowsecurity::text,
       obj_description(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid), contype::text,
       obj_description(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid::text, '', ''
FROM pg_index JOIN pg_class c ON c.oid = indrelid AND c.relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid), tgenabled::text, ''
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'enforcing', tgrelid::regclass::text, count(*)::text, tgenabled::text, '', ''
FROM pg_trigger WHERE tgisinternal GROUP BY 2, 4
UNION ALL
SELECT 'view', viewname, definition, '', '', '' FROM pg_views WHERE schemaname = 'public'
UNION ALL
SELECT 'policy', tablename, policyname, qual, '', '' FROM pg_policies
UNION ALL
SELECT 'sequence', sequencename, data_type::text, increment_by::text, '', '' FROM pg_sequences
UNION ALL
SELECT 'schema', nspname, '', '', '', '' FROM pg_namespace
WHERE nspname !~ '^pg_(toast|temp)'
ORDER BY 1, 2, 3, 4
"""


@dataclass(frozen=True)
class Found:
    """A database as a load left it.

    Attributes:
        definitions: of all objects, with names of what was staged.
        contents: rows and sums by table, and where counters go on.
    """

    definitions: tuple[Any, ...]
    contents: tuple[Any, ...]


@dataclass(frozen=True)
class Victim:
    """A kind of database with the programs that die on it.

    Attributes:
        prepare: creates the tables with their old rows.
        load: the program that replaces them.
        recover: the program that recovers.
        look: says what there is.
    """

    prepare: Callable[[str], None]
    load: str
    recover: str
    look: Callable[[str], Found]


def _prepare_postgresql(url: str) -> None:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in POSTGRESQL.split(";\n"):
            connection.execute(statement.encode())


def _look_postgresql(url: str) -> Found:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        definitions = connection.execute(_DEFINITIONS).fetchall()
        contents = [
            connection.execute(f"SELECT count(*), sum(id), sum(v) FROM {t}".encode()).fetchone()
            for t in ("a", "b", "p", "untouched")
        ]
        counters = connection.execute(
            "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1"
        ).fetchall()
    return Found(tuple(definitions), (*contents, *counters))


def _prepare_sqlite(url: str) -> None:
    with closing(sqlite3.connect(_path(url))) as connection:
        connection.executescript(SQLITE)


def _look_sqlite(url: str) -> Found:
    path = _path(url)
    with closing(sqlite3.connect(path)) as connection:
        definitions = connection.execute("SELECT * FROM sqlite_master ORDER BY 1, 2").fetchall()
        contents = [
            connection.execute(f"SELECT count(*), sum(id), sum(v) FROM {t}").fetchone()
            for t in ("a", "b", "p", "untouched")
        ]
        contents += connection.execute("SELECT * FROM sqlite_sequence").fetchall()
        contents += connection.execute("PRAGMA integrity_check").fetchall()
    names = sorted(p.name for p in path.parent.iterdir() if p.name.startswith(path.name))
    # Pages may lie elsewhere: what is defined counts, not where it is stored.
    plain = [(kind, name, table, sql) for kind, name, table, _, sql in definitions]
    return Found((*plain, *names), tuple(contents))


def _path(url: str) -> Path:
    return Path(str(database_url(url).database))


SQLITE_VICTIM = Victim(
    _prepare_sqlite,
    _HEAD + _COUNT_SQLITE + _LOAD,
    _HEAD + _COUNT_SQLITE + _RECOVER,
    _look_sqlite,
)
POSTGRESQL_VICTIM = Victim(
    _prepare_postgresql,
    _HEAD + _COUNT_POSTGRESQL + _LOAD,
    _HEAD + _COUNT_POSTGRESQL + _RECOVER,
    _look_postgresql,
)


def attempt(url: str, program: str, deadly: int) -> int:
    """Run a program that dies at a moment; return how many it passed if it lived."""
    done = subprocess.run(
        [sys.executable, "-c", program, url, str(deadly)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if deadly != NEVER and done.returncode == -signal.SIGKILL:
        return deadly
    assert done.returncode == 0
    return int(done.stdout)


def recover(url: str) -> tuple[str, ...]:
    """Recover as soon as the server has noticed that the loader is dead."""
    address = database_url(url)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with adapter_for(address).target(address) as target:
                return tuple(target.recover())
        except LoadError:
            if time.monotonic() > deadline:
                raise


def survived(
    victim: Victim, databases: Callable[[], str], choose: Callable[[int], Sequence[int]]
) -> Counter[str]:
    """Kill loads at moments of a whole one; assert that each ends wholly old or wholly new.

    Args:
        victim: where.
        databases: gives an empty database.
        choose: gets the number of moments that a load has; returns those to die at.

    Returns:
        How many loads ended old and new.
    """
    whole = databases()
    victim.prepare(whole)
    old = victim.look(whole)
    moments = attempt(whole, victim.load, NEVER)
    new = victim.look(whole)
    assert _without_place(new, whole).definitions == _without_place(old, whole).definitions
    assert new.contents != old.contents
    found: Counter[str] = Counter()
    for moment in choose(moments):
        killed = databases()
        victim.prepare(killed)
        assert attempt(killed, victim.load, moment) == moment
        if moment % 2:
            attempt(killed, victim.recover, moment % 20 + 1)
        recover(killed)
        state = _without_place(victim.look(killed), killed)
        known = {"old": _without_place(old, whole), "new": _without_place(new, whole)}
        names = [name for name, expected in known.items() if state == expected]
        assert names, (
            f"neither old nor new after a death at moment {moment} of {moments}",
            _differences(state, known["old"]),
        )
        assert recover(killed) == (), moment
        found[names[0]] += 1
    return found


def _without_place(found: Found, url: str) -> Found:
    """Forget what the database itself is called."""
    name = Path(str(database_url(url).database)).name
    texts = [d.replace(name, "") if isinstance(d, str) else d for d in found.definitions]
    return Found(tuple(texts), found.contents)


def _differences(state: Found, old: Found) -> list[Any]:
    """Return what is new or gone, for a message."""
    pairs = ((state.definitions, old.definitions), (state.contents, old.contents))
    return [line for one, other in pairs for line in {*one} ^ {*other}]
