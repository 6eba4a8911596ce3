"""The switch: staged tables renamed into the place of others, and what follows it.

Imported by the MySQL load only. One RENAME TABLE exchanges all tables at one moment; privileges
and views go by name and stay. Foreign keys and triggers go with the table that had them: the new
tables have foreign keys of their own, under interim names, before the moment, and get the names
back, and the triggers, once the old tables are dropped. Every step can be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from .journal import Key, Swap, Trigger
from .names import quoted

if TYPE_CHECKING:
    import pymysql

    Driver: TypeAlias = pymysql.Connection
    Cursor: TypeAlias = pymysql.cursors.Cursor

_PLAIN = re.compile(r"[A-Za-z0-9_]+")
"""Names that are written in files as they are; other characters are encoded there."""
_TRIAL = "schemasynth_trial"
_KEYS = """
    SELECT CONSTRAINT_NAME FROM information_schema.TABLE_CONSTRAINTS
    WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND CONSTRAINT_TYPE IN ('FOREIGN KEY', 'CHECK')
"""
_TRIGGERS = """
    SELECT TRIGGER_NAME FROM information_schema.TRIGGERS
    WHERE EVENT_OBJECT_SCHEMA = %s AND EVENT_OBJECT_TABLE = %s
"""
_TRIGGER_BODIES = """
    SELECT DEFINER, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT
    FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s AND TRIGGER_NAME = %s
"""
_TABLES = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
_SESSION = "SELECT @@sql_mode, @@character_set_client, @@collation_connection"


@contextmanager
def unchecked(cursor: Cursor) -> Iterator[None]:
    """Let foreign keys be added and tables be dropped without a look at rows."""
    cursor.execute("SET SESSION foreign_key_checks = 0")
    try:
        yield
    finally:
        cursor.execute("SET SESSION foreign_key_checks = 1")


def add_keys(cursor: Cursor, swaps: Sequence[Swap]) -> None:
    """Give staged tables their foreign keys under interim names; those among them meet there."""
    staged = {(swap.schema, swap.table): swap.staged for swap in swaps}
    with unchecked(cursor):
        for swap in swaps:
            clauses = [
                f"ADD {_constraint(key, key.interim, staged.get((key.schema, key.table)))}"
                for key in swap.keys
            ]
            _alter(cursor, swap.schema, swap.staged, clauses)


def _constraint(key: Key, name: str, table: str | None = None) -> str:
    columns, referred = (", ".join(map(quoted, c)) for c in (key.columns, key.referred))
    return (
        f"CONSTRAINT {quoted(name)} FOREIGN KEY ({columns}) "
        f"REFERENCES {quoted(key.schema, table or key.table)} ({referred}){key.rules}"
    )


def _alter(cursor: Cursor, schema: str, table: str, clauses: Sequence[str]) -> None:
    if clauses:
        cursor.execute(f"ALTER TABLE {quoted(schema, table)} {', '.join(clauses)}")


def orphans(cursor: Cursor, swaps: Sequence[Swap]) -> list[str]:
    """Return the foreign keys that rows of staged tables violate, with how many.

    Counted, because a foreign key that is added without checks proves nothing.
    """
    staged = {(swap.schema, swap.table): swap.staged for swap in swaps}
    found = []
    for swap in swaps:
        for key in swap.keys:
            parent = staged.get((key.schema, key.table), key.table)
            cursor.execute(_count_orphans(swap, key, quoted(key.schema, parent)))
            (rows,) = cursor.fetchone() or (0,)
            if rows:
                found.append(f"{swap.table}.{key.name}: {rows:,} rows")
    return found


def _count_orphans(swap: Swap, key: Key, parent: str) -> str:
    present = " AND ".join(f"c.{quoted(name)} IS NOT NULL" for name in key.columns)
    pairs = zip(key.columns, key.referred, strict=True)
    match = " AND ".join(f"p.{quoted(there)} = c.{quoted(here)}" for here, there in pairs)
    return (
        f"SELECT COUNT(*) FROM {quoted(swap.schema, swap.staged)} c WHERE {present} "  # noqa: S608 quoted
        f"AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {match})"
    )


def try_triggers(driver: Driver, swaps: Sequence[Swap]) -> None:
    """Create each trigger on its staged table, and drop it: it will work behind the switch.

    Raises:
        pymysql.Error: the server refuses one.
    """
    with driver.cursor() as cursor:
        for swap in swaps:
            for trigger in swap.triggers:
                cursor.execute(_TRIGGER_BODIES, (swap.schema, trigger.name))
                definer, timing, event, body = cursor.fetchone() or ("", "", "", "")
                place = quoted(swap.schema, _TRIAL)
                create = (
                    f"CREATE DEFINER = {_account(definer)} TRIGGER {place} {timing} {event} "
                    f"ON {quoted(swap.schema, swap.staged)} FOR EACH ROW {body}"
                )
                cursor.execute(f"DROP TRIGGER IF EXISTS {place}")
                _in_its_session(driver, trigger, create, swap.schema)
                cursor.execute(f"DROP TRIGGER {place}")


def _account(definer: str) -> str:
    name, _, host = definer.rpartition("@")
    return f"{quoted(name)}@{quoted(host)}" if name else quoted(definer)


def _in_its_session(driver: Driver, trigger: Trigger, statement: str, schema: str) -> None:
    """Run a statement on a trigger under the modes it was made in, which the server keeps."""
    from pymysql.charset import charset_by_name

    with driver.cursor() as cursor:
        cursor.execute(_SESSION)
        before = cursor.fetchone() or ()
        cursor.execute("SELECT DATABASE()")
        (database,) = cursor.fetchone() or (None,)
        settings = "SET SESSION sql_mode = %s, character_set_client = %s, collation_connection = %s"
        cursor.execute(f"USE {quoted(schema)}")
        cursor.execute(settings, (trigger.mode, trigger.charset, trigger.collation))
        try:
            encoding = charset_by_name(trigger.charset).encoding
            driver.query(statement.encode(encoding))
        finally:
            cursor.execute(settings, before)
            if database is not None:
                cursor.execute(f"USE {quoted(database)}")


def rename(cursor: Cursor, swaps: Sequence[Swap]) -> None:
    """Exchange all tables at one moment."""
    pairs = [
        f"{quoted(s.schema, s.table)} TO {quoted(s.schema, s.old)}, "
        f"{quoted(s.schema, s.staged)} TO {quoted(s.schema, s.table)}"
        for s in swaps
    ]
    cursor.execute(f"RENAME TABLE {', '.join(pairs)}")


def drop_endangered_keys(cursor: Cursor, swaps: Sequence[Swap]) -> None:
    """Drop foreign keys of old tables that a renaming would corrupt in the server's memory.

    InnoDB renames keys called ``<table>_ibfk_<n>`` with their table. Where the table's name is
    written otherwise in files, and the key was given that name (as every dump does), MariaDB
    10.11 then ends with signal 11 when anybody looks at it. `restore_keys` undoes this.
    """
    for swap in swaps:
        generated = re.compile(re.escape(swap.table) + r"_ibfk_\d+", re.IGNORECASE)
        if _PLAIN.fullmatch(swap.table):
            continue
        names = [key.name for key in swap.keys if generated.fullmatch(key.name)]
        clauses = [f"DROP FOREIGN KEY {quoted(name)}" for name in names]
        _alter(cursor, swap.schema, swap.table, clauses)


def restore_keys(cursor: Cursor, swaps: Sequence[Swap]) -> None:
    """Add the foreign keys that tables have lost; may be done again."""
    with unchecked(cursor):
        for swap in swaps:
            _add_missing_keys(cursor, swap, _constraints(cursor, swap))


def is_renamed(cursor: Cursor, swaps: Sequence[Swap]) -> bool:
    """Tell whether the moment has passed: a staged table is gone that was there before it."""
    there = _there(cursor, swaps)
    return any((swap.schema, swap.staged) not in there for swap in swaps)


def _there(cursor: Cursor, swaps: Sequence[Swap]) -> set[tuple[str, str]]:
    found = set()
    for schema in {swap.schema for swap in swaps}:
        cursor.execute(_TABLES, (schema,))
        found |= {(schema, row[0]) for row in cursor.fetchall()}
    return found


def complete(driver: Driver, swaps: Sequence[Swap], *, mariadb: bool) -> None:
    """Do what follows the renaming; may be done again at any point.

    Args:
        driver: on the target.
        swaps: what was renamed.
        mariadb: whether the server is one.
    """
    with driver.cursor() as cursor:
        there = _there(cursor, swaps)
        # A server that died amid the renaming may have left some of it undone.
        late = [swap for swap in swaps if (swap.schema, swap.staged) in there]
        if late:
            rename(cursor, late)
        with unchecked(cursor):
            drop(cursor, [(swap.schema, swap.old) for swap in swaps])
            for swap in swaps:
                _give_names_back(cursor, swap)
        for swap in swaps:
            _create_triggers(driver, swap)
            if mariadb:
                _advance_counters(cursor, swap)


def drop(cursor: Cursor, places: Sequence[tuple[str, str]]) -> None:
    """Drop tables where they exist."""
    if places:
        cursor.execute(f"DROP TABLE IF EXISTS {', '.join(quoted(*place) for place in places)}")


def _give_names_back(cursor: Cursor, swap: Swap) -> None:
    known = _constraints(cursor, swap)
    # Added before the interim ones are dropped: there is no moment without them.
    _add_missing_keys(cursor, swap, known)
    dropped = [
        f"DROP FOREIGN KEY {quoted(key.interim)}" for key in swap.keys if key.interim in known
    ]
    _alter(cursor, swap.schema, swap.table, dropped)
    checks = [
        f"DROP CHECK {quoted(check.interim)}, "
        f"ADD CONSTRAINT {quoted(check.name)} {check.definition}"
        for check in swap.checks
        if check.interim in known
    ]
    _alter(cursor, swap.schema, swap.table, checks)


def _constraints(cursor: Cursor, swap: Swap) -> set[str]:
    cursor.execute(_KEYS, (swap.schema, swap.table))
    return {row[0] for row in cursor.fetchall()}


def _add_missing_keys(cursor: Cursor, swap: Swap, known: Collection[str]) -> None:
    added = [f"ADD {_constraint(key, key.name)}" for key in swap.keys if key.name not in known]
    _alter(cursor, swap.schema, swap.table, added)


def _create_triggers(driver: Driver, swap: Swap) -> None:
    with driver.cursor() as cursor:
        cursor.execute(_TRIGGERS, (swap.schema, swap.table))
        known = {row[0] for row in cursor.fetchall()}
    for trigger in swap.triggers:
        if trigger.name not in known:
            _in_its_session(driver, trigger, trigger.sql, swap.schema)


def _advance_counters(cursor: Cursor, swap: Swap) -> None:
    """Let sequences go on behind the largest value; MariaDB's SETVAL never goes back."""
    for sequence, column in swap.counters:
        place = quoted(swap.schema, swap.table)
        cursor.execute(f"SELECT MAX({quoted(column)}) FROM {place}")  # noqa: S608 quoted
        (largest,) = cursor.fetchone() or (None,)
        if largest is not None:
            cursor.execute(f"DO SETVAL({sequence}, {int(largest)})")


def triggers_of(cursor: Cursor, schema: str, names: Sequence[str]) -> tuple[Trigger, ...]:
    """Return triggers as they must be created again.

    Args:
        cursor: on the target.
        schema: theirs.
        names: in the order they fire.
    """
    return tuple(_trigger(cursor, schema, name) for name in names)


def _trigger(cursor: Cursor, schema: str, name: str) -> Trigger:
    cursor.execute(f"SHOW CREATE TRIGGER {quoted(schema, name)}")
    row: Any = cursor.fetchone()
    return Trigger(name, sql=row[2], mode=row[1], charset=row[3], collation=row[4])
