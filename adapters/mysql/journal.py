"""The journal of a load, in the target: what recovery must know after a death at any moment.

Imported by the MySQL load only. DDL commits on its own here, so each step is written down before
it begins.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .names import quoted

if TYPE_CHECKING:
    import pymysql

TABLE = "schemasynth_journal"
_CREATE = (
    "CREATE TABLE IF NOT EXISTS {} (run_id VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin "
    "PRIMARY KEY, step VARCHAR(20) NOT NULL, changed_at VARCHAR(40) NOT NULL, "
    "plan LONGTEXT CHARACTER SET utf8mb4 NOT NULL) ENGINE = InnoDB"
)
_EXISTS = (
    "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %s"
)


class Step(StrEnum):
    """How far a load has come.

    Before SWITCHING the target is wholly old. From there on the renaming tells: it is one
    statement, and what follows it only gives names back.
    """

    STAGING = "staging"
    SWITCHING = "switching"


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key of a replaced table.

    Attributes:
        name: what it is called.
        interim: what it is called while the old table still has the name.
        columns: of the table.
        schema: of the referenced table.
        table: the referenced table.
        referred: its columns.
        rules: ``ON DELETE … ON UPDATE …``, or nothing.
    """

    name: str
    interim: str
    columns: tuple[str, ...]
    schema: str
    table: str
    referred: tuple[str, ...]
    rules: str


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a replaced table on MySQL, where a schema has each name once.

    Attributes:
        name: what it is called.
        interim: what it is called while the old table still has the name.
        definition: from ``CHECK`` on.
    """

    name: str
    interim: str
    definition: str


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger of a replaced table, and the session in which it must be created again.

    Attributes:
        name: what it is called.
        sql: SHOW CREATE TRIGGER.
        mode: its ``sql_mode``.
        charset: its ``character_set_client``.
        collation: its ``collation_connection``.
    """

    name: str
    sql: str
    mode: str
    charset: str
    collation: str


@dataclass(frozen=True, slots=True)
class Swap:
    """A table that takes the place of another.

    Attributes:
        schema: of both.
        table: the name in question.
        staged: the new table's name before.
        old: the old table's name behind.
        keys: its foreign keys.
        checks: its checks that have an interim name.
        triggers: its triggers, in the order they fire.
        counters: sequences that its columns draw from, with the column.
        part: identifies the rows once all of them are staged.
        rows: how many they are.
    """

    schema: str
    table: str
    staged: str
    old: str
    keys: tuple[Key, ...] = ()
    checks: tuple[Check, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    counters: tuple[tuple[str, str], ...] = ()
    part: str = ""
    rows: int = 0


def dumped(swaps: Sequence[Swap]) -> str:
    """Return what is written down of a load."""
    return json.dumps([asdict(swap) for swap in swaps], ensure_ascii=False)


def loaded(plan: str) -> tuple[Swap, ...]:
    """Return what was written down."""
    return tuple(_swap(entry) for entry in json.loads(plan))


def _swap(entry: dict[str, Any]) -> Swap:
    keys = tuple(
        Key(**{**key, "columns": tuple(key["columns"]), "referred": tuple(key["referred"])})
        for key in entry.pop("keys")
    )
    checks = tuple(Check(**check) for check in entry.pop("checks"))
    triggers = tuple(Trigger(**trigger) for trigger in entry.pop("triggers"))
    counters = tuple((name, column) for name, column in entry.pop("counters"))
    return Swap(**entry, keys=keys, checks=checks, triggers=triggers, counters=counters)


def begin(cursor: pymysql.cursors.Cursor, run_id: str, swaps: Sequence[Swap]) -> None:
    """Write down that tables are about to be staged."""
    cursor.execute(_CREATE.format(quoted(TABLE)))
    cursor.execute(
        f"REPLACE INTO {quoted(TABLE)} VALUES (%s, %s, %s, %s)",  # noqa: S608 a constant
        (run_id, Step.STAGING, _now(), dumped(swaps)),
    )


def note(cursor: pymysql.cursors.Cursor, run_id: str, swaps: Sequence[Swap]) -> None:
    """Write down which tables are staged with all their rows."""
    cursor.execute(
        f"UPDATE {quoted(TABLE)} SET changed_at = %s, plan = %s WHERE run_id = %s",  # noqa: S608 a constant
        (_now(), dumped(swaps), run_id),
    )


def advance(cursor: pymysql.cursors.Cursor, run_id: str, swaps: Sequence[Swap]) -> None:
    """Write down that staged tables are about to be switched."""
    cursor.execute(
        f"UPDATE {quoted(TABLE)} SET step = %s, changed_at = %s, plan = %s WHERE run_id = %s",  # noqa: S608 a constant
        (Step.SWITCHING, _now(), dumped(swaps), run_id),
    )


def retreat(cursor: pymysql.cursors.Cursor, run_id: str) -> None:
    """Write down that staged tables will not be switched, before the first of them is dropped.

    A death between two of them would look like one amid the renaming.
    """
    if exists(cursor):
        cursor.execute(
            f"UPDATE {quoted(TABLE)} SET step = %s, changed_at = %s WHERE run_id = %s",  # noqa: S608 a constant
            (Step.STAGING, _now(), run_id),
        )


def finish(cursor: pymysql.cursors.Cursor, run_id: str) -> None:
    """Forget a load; the last one takes the journal with it."""
    if exists(cursor):
        cursor.execute(f"DELETE FROM {quoted(TABLE)} WHERE run_id = %s", (run_id,))  # noqa: S608 a constant
    tidy(cursor)


def tidy(cursor: pymysql.cursors.Cursor) -> None:
    """Drop a journal without entries, which a death between two statements leaves."""
    if exists(cursor) and not cursor.execute(f"SELECT 1 FROM {quoted(TABLE)} LIMIT 1"):  # noqa: S608 a constant
        cursor.execute(f"DROP TABLE {quoted(TABLE)}")


def exists(cursor: pymysql.cursors.Cursor) -> bool:
    """Tell whether the target has a journal."""
    return bool(cursor.execute(_EXISTS, (TABLE,)))


def unfinished(cursor: pymysql.cursors.Cursor) -> list[tuple[str, Step, tuple[Swap, ...]]]:
    """Return the loads that were begun and not finished."""
    if not exists(cursor):
        return []
    cursor.execute(f"SELECT run_id, step, plan FROM {quoted(TABLE)} ORDER BY changed_at")  # noqa: S608 a constant
    return [(run_id, Step(step), loaded(plan)) for run_id, step, plan in cursor.fetchall()]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")
