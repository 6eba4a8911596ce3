"""Staging for MySQL: tables beside the target's are filled, verified, and renamed into place.

Imported by the MySQL connections only.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from schemasynth.adapter import Load, Purpose, require_privileges
from schemasynth.errors import LoadError, SafetyError
from schemasynth.model import Column, Schema, Table, TableName
from schemasynth.settings import shown

from .._sql.connection import SqlRelations, end
from .._sql.wire import ColumnMisfit
from . import catalog, journal
from .ddl import Definition, definition
from .errors import LOCK_TIMEOUT, code, kind, lost, reason
from .facts import incoming
from .journal import Check, Key, Step, Swap
from .names import OLD_PREFIX, STAGE_PREFIX, quoted, run_digest
from .reflect import Place
from .switch import (
    add_keys,
    complete,
    drop,
    drop_endangered_keys,
    is_renamed,
    orphans,
    rename,
    restore_keys,
    triggers_of,
    try_triggers,
    unchecked,
)
from .values import conversion, enclosed, joined, wire

if TYPE_CHECKING:
    import pymysql

    from .connection import MySQLTarget

DEAD_SESSION_SECONDS = 10
"""How long a server may need to end the statement of a client that is gone."""
STATEMENT_BYTES = 64 * 1024 * 1024
"""About so many bytes of rows go into one LOAD DATA: bounds memory and a transaction's size."""
INSERT_BYTES = 1024 * 1024
"""The same for one INSERT, where the server takes no files; a packet may have 16 MB by default."""
_SEQUENCE_DEFAULT = "nextval("
_REFUSED_WARNINGS = frozenset({"Warning", "Error"})


@contextmanager
def _locked(target: MySQLTarget) -> Iterator[tuple[sa.Connection, pymysql.Connection]]:
    """Open a session that holds the target's lock; it is closed only if the block fails.

    Raises:
        LoadError: another load holds it.
    """
    connection = target.engine.connect()
    try:
        driver: Any = connection.connection.driver_connection
        database = (target.server.database or "").casefold()
        name = f"schemasynth:{sha256(database.encode()).hexdigest()[:32]}"
        with driver.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, %s)", (name, DEAD_SESSION_SECONDS))
            (held,) = cursor.fetchone()
        if held != 1:
            raise LoadError(
                f"Another load into {shown(target.url)} is running; wait until it is done."
            )
        yield connection, driver
    except BaseException:
        end(connection)
        raise


def recover(target: MySQLTarget) -> tuple[str, ...]:
    """Finish loads that died behind the renaming, undo those that died before it.

    Args:
        target: the database.

    Returns:
        What was done, one line each.

    Raises:
        LoadError: a load is running, or the server refuses; what is not done yet stays in the
            journal.
    """
    done = []
    with _locked(target) as (connection, driver):
        try:
            with driver.cursor() as cursor:
                for run_id, step, swaps in journal.unfinished(cursor):
                    if step is Step.SWITCHING and is_renamed(cursor, swaps):
                        complete(driver, swaps, mariadb=target.server.mariadb)
                        done.append(f"Finished the load {run_id}: its tables were switched.")
                    else:
                        if step is Step.SWITCHING:
                            restore_keys(cursor, swaps)
                            journal.retreat(cursor, run_id)
                        _drop_staged(cursor, swaps)
                        done.append(f"Dropped what the load {run_id} had staged.")
                    journal.finish(cursor, run_id)
                journal.tidy(cursor)
        except driver.Error as error:
            raise LoadError(f"{shown(target.url)} cannot be recovered: {reason(error)}.") from None
        end(connection)
    return tuple(done)


def _drop_staged(cursor: pymysql.cursors.Cursor, swaps: Sequence[Swap]) -> None:
    with unchecked(cursor):
        drop(cursor, [(swap.schema, swap.staged) for swap in swaps])


@dataclass(frozen=True, slots=True)
class _Found:
    """A table of the target when the load began.

    Attributes:
        swap: its names, foreign keys and triggers.
        definition: what it was.
    """

    swap: Swap
    definition: Definition


class MySQLLoad(SqlRelations, Load):
    """Rows staged in tables beside the target's, on a session that holds the target's lock."""

    def __init__(self, target: MySQLTarget, schema: Schema, run_id: str, *, resume: bool) -> None:
        """Take the lock, refuse what cannot work, write the journal.

        Raises:
            LoadError: another load is running or was left unfinished, or a table is missing.
            PrivilegeError: the account lacks what the switch needs; names the GRANTs.
            SafetyError: tables that are not refilled reference some that are.
        """
        self.url, self.schema, self._target, self._run = target.url, schema, target, run_id
        self._staged: dict[TableName, Swap] = {}
        self._closed, self._begun = False, False
        with _locked(target) as (self.connection, self._driver):
            try:
                with self._driver.cursor() as cursor:
                    before = self._before(cursor, resume=resume)
                    self._found = self._preflight(cursor)
                    cursor.execute("SELECT @@local_infile")
                    self._local = bool((cursor.fetchone() or (0,))[0])
                    self._take_over(before)
                    swaps = [found.swap for found in self._found.values()]
                    _drop_staged(cursor, [swap for swap in swaps if not swap.part])
                    journal.begin(cursor, run_id, swaps)
            except self._driver.Error as error:
                raise LoadError(f"{shown(self.url)} cannot be staged: {reason(error)}.") from None

    def _preflight(self, cursor: pymysql.cursors.Cursor) -> dict[TableName, _Found]:
        places = {table.name: self._target.place(table) for table in self.schema}
        schemas = sorted({place[0] for place in places.values()})
        require_privileges(self._target.needs(self.schema, Purpose.TARGET), shown(self.url))
        there = {
            (row[0], row[1])
            for row in self.connection.execute(catalog.TABLES, {"schemas": schemas or [""]})
        }
        absent = [str(name) for name, place in places.items() if place not in there]
        if absent:
            raise LoadError(f"{shown(self.url)} has no table {', '.join(absent)}.")
        self._refuse_incoming(set(places.values()))
        triggers = self._triggers(schemas)
        digest = run_digest(self._run)
        return {
            name: self._examine(cursor, place, f"{digest}_{i}", triggers.get(place, ()))
            for i, (name, place) in enumerate(places.items())
        }

    def _before(self, cursor: pymysql.cursors.Cursor, *, resume: bool) -> Sequence[Swap]:
        """Return what an earlier process of this run staged.

        Raises:
            LoadError: another run was interrupted, or this one amid its switch.
        """
        mine: Sequence[Swap] = ()
        for run_id, step, swaps in journal.unfinished(cursor):
            if not (resume and run_id == self._run and step is Step.STAGING):
                raise LoadError(
                    f"The load {run_id} into {shown(self.url)} was interrupted; run "
                    "`schemasynth recover` on it first."
                )
            mine = swaps
        return mine

    def _take_over(self, before: Sequence[Swap]) -> None:
        known = {swap.staged: swap for swap in before if swap.part}
        for name, found in self._found.items():
            old = known.get(found.swap.staged)
            if old is not None and (old.schema, old.table) == (found.swap.schema, found.swap.table):
                swap = replace(found.swap, part=old.part, rows=old.rows)
                self._found[name] = replace(found, swap=swap)

    def keep(self, table: Table, part: str, rows: int) -> None:
        """Note part and rows in the journal."""
        found = self._found[table.name]
        swap = replace(found.swap, part=_identified(part, found.definition), rows=rows)
        self._found[table.name] = replace(found, swap=swap)
        self._staged[table.name] = swap
        try:
            with self._driver.cursor() as cursor:
                journal.note(cursor, self._run, [each.swap for each in self._found.values()])
        except self._driver.Error as error:
            raise LoadError(f"Table {table.name}: {reason(error)}.") from None

    def kept(self, table: Table, part: str) -> int | None:
        """Take over a staged table whose rows are all there."""
        found = self._found[table.name]
        if found.swap.part != _identified(part, found.definition):
            return None
        place = found.swap.schema, found.swap.staged
        with self._driver.cursor() as cursor:
            try:
                cursor.execute(f"SELECT COUNT(*) FROM {quoted(*place)}")  # noqa: S608 quoted
            except self._driver.Error:
                return None  # somebody dropped it
            if (cursor.fetchone() or (0,))[0] != found.swap.rows:
                return None
        self._staged[table.name] = found.swap
        return found.swap.rows

    def _refuse_incoming(self, places: set[Place]) -> None:
        """Refuse foreign keys of other tables, which would follow the old ones.

        Raises:
            SafetyError: there are some.
        """
        lines = [
            f"{key.table} ({key.name} references {key.referred})"
            for key in incoming(self.connection, places, self._target.server.same)
        ]
        if lines:
            raise SafetyError(
                f"Tables that are not refreshed reference some that are: {'; '.join(lines)}. "
                "Refresh them too, or leave the referenced tables out."
            )

    def _triggers(self, schemas: Sequence[str]) -> dict[Place, list[str]]:
        found: dict[Place, list[str]] = {}
        for schema, table, name, *_ in self.connection.execute(
            catalog.TRIGGERS, {"schemas": list(schemas) or [""]}
        ):
            names = found.setdefault((schema, table), [])
            if name not in names:
                names.append(name)
        return found

    def _examine(
        self, cursor: pymysql.cursors.Cursor, place: Place, suffix: str, triggers: Sequence[str]
    ) -> _Found:
        what = self._definition(cursor, place)
        same = self._target.server.same
        places = [self._target.place(table) for table in self.schema]
        keys = tuple(
            _placed(replace(key, interim=f"schemasynth_k_{suffix}_{i}"), places, same)
            for i, key in enumerate(what.keys)
        )
        checks = tuple(
            Check(name, f"schemasynth_c_{suffix}_{i}", text)
            for i, (name, text) in enumerate(what.checks())
            if not self._target.server.mariadb
        )
        swap = Swap(
            *place,
            staged=f"{STAGE_PREFIX}{suffix}",
            old=f"{OLD_PREFIX}{suffix}",
            keys=keys,
            checks=checks,
            triggers=triggers_of(cursor, place[0], triggers),
            counters=self._counters(cursor, place),
        )
        return _Found(swap, what)

    def _definition(self, cursor: pymysql.cursors.Cursor, place: Place) -> Definition:
        cursor.execute(f"SHOW CREATE TABLE {quoted(*place)}")
        row: Any = cursor.fetchone()
        return definition(row[1], place[0])

    def _counters(
        self, cursor: pymysql.cursors.Cursor, place: Place
    ) -> tuple[tuple[str, str], ...]:
        if not self._target.server.mariadb:
            return ()
        cursor.execute(
            "SELECT COLUMN_DEFAULT, COLUMN_NAME FROM information_schema.COLUMNS "
            "WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s AND COLUMN_DEFAULT LIKE %s",
            (*place, f"{_SEQUENCE_DEFAULT}%"),
        )
        return tuple(
            (default[len(_SEQUENCE_DEFAULT) : -1], column) for default, column in cursor.fetchall()
        )

    def relation(self, table: Table) -> sa.TableClause:
        """Return the staged table; the target's own if none is staged."""
        if table.name not in self._staged:
            return self._target.relation(table)
        swap = self._staged[table.name]
        return self._target.relation_in(table, swap.schema, swap.staged)

    def stage(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Create an empty copy of the table and fill it through LOAD DATA, part by part."""
        if table.name not in self._found:
            raise LoadError(f"Table {table.name} is not one of this load.")
        found = self._found[table.name]
        stored = [column for column in table.columns if column.computed is None]
        rows = 0
        columns: list[Column] | None = None
        try:
            with self._driver.cursor() as cursor, unchecked(cursor):
                drop(cursor, [(found.swap.schema, found.swap.staged)])
                cursor.execute(
                    found.definition.create(found.swap.schema, found.swap.staged, found.swap.checks)
                )
                for batch in batches:
                    columns = columns or [c for c in stored if c.name in batch.schema.names]
                    if not columns:
                        raise LoadError(f"Table {table.name}: the rows have none of its columns.")
                    for part in _parts(batch, STATEMENT_BYTES if self._local else INSERT_BYTES):
                        self._fill(cursor, table, found.swap, columns, part, rows)
                        rows += part.num_rows
        except self._driver.Error as error:
            raise LoadError(f"Table {table.name}: {reason(error)}.") from None
        self._staged[table.name] = found.swap
        return rows

    def _fill(
        self,
        cursor: pymysql.cursors.Cursor,
        table: Table,
        swap: Swap,
        columns: Sequence[Column],
        batch: pa.RecordBatch,
        before: int,
    ) -> None:
        try:
            arrays = [wire(batch.column(column.name), column) for column in columns]
        except ColumnMisfit as error:
            raise LoadError(
                f"Table {table.name}, column {error.column}: {error.kind} on the way to "
                f"{table.column(error.column).type.sql}, after row {before:,}."
            ) from None
        if not batch.num_rows:
            return
        into = quoted(swap.schema, swap.staged)
        loaded = (
            load_file(cursor, into, columns, arrays)
            if self._local
            else insert(cursor, into, columns, arrays)
        )
        refused = _refused(cursor)
        if refused or loaded != batch.num_rows:
            what = refused or f"{batch.num_rows - loaded:,} rows were not taken"
            raise LoadError(f"Table {table.name}, {what}, after row {before:,}.")

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT over staged and other tables."""
        try:
            return [tuple(row) for row in self.connection.execute(statement)]
        except sa.exc.DBAPIError as error:
            raise self._target.refused(error) from None

    def switch(self) -> None:
        """Rename all staged tables into place at one moment; names and triggers follow."""
        swaps = list(self._staged.values())
        try:
            with self._driver.cursor() as cursor:
                if swaps:
                    self._check(cursor, swaps)
                    add_keys(cursor, swaps)
                    self._prove(cursor, swaps)
                    try_triggers(self._driver, swaps)
                    self._begun = True
                    journal.advance(cursor, self._run, swaps)
                    drop_endangered_keys(cursor, swaps)
                    rename(cursor, swaps)
        except self._driver.Error as error:
            raise LoadError(self._unswitched(error)) from None
        try:
            self._complete(swaps)
        except self._driver.Error as error:
            self._closed = True
            end(self.connection)
            raise LoadError(
                f"{shown(self.url)} was switched, but what follows failed: {reason(error)}. Run "
                "`schemasynth recover` on it."
            ) from None
        self._begun = False
        self.abort()

    def _complete(self, swaps: Sequence[Swap]) -> None:
        complete(self._driver, swaps, mariadb=self._target.server.mariadb)
        with self._driver.cursor() as cursor:
            journal.finish(cursor, self._run)
            if swaps:
                tables = ", ".join(quoted(swap.schema, swap.table) for swap in swaps)
                with suppress(self._driver.Error):
                    cursor.execute(f"ANALYZE TABLE {tables}")
                    cursor.fetchall()

    def _check(self, cursor: pymysql.cursors.Cursor, swaps: Sequence[Swap]) -> None:
        """Refuse a target that was altered while the load ran."""
        self._refuse_incoming({(swap.schema, swap.table) for swap in swaps})
        for name, swap in self._staged.items():
            if self._definition(cursor, (swap.schema, swap.table)) != self._found[name].definition:
                raise LoadError(
                    f"{shown(self.url)} was not switched: table {name} was altered while the load "
                    "ran. Nothing was changed; refresh again."
                )

    def _prove(self, cursor: pymysql.cursors.Cursor, swaps: Sequence[Swap]) -> None:
        violated = orphans(cursor, swaps)
        if violated:
            raise LoadError(
                f"{shown(self.url)} was not switched: foreign keys are violated "
                f"({'; '.join(violated)}). Nothing was changed."
            )

    def _unswitched(self, error: Exception) -> str:
        if self._begun and lost(error):
            self._closed = True
            end(self.connection)
            return (
                f"{shown(self.url)}: the session ended during the switch. The tables are wholly "
                "old or wholly new; run `schemasynth recover` on it."
            )
        if code(error) in LOCK_TIMEOUT:
            return (
                f"{shown(self.url)} was not switched: other sessions use its tables. Nothing was "
                "changed; end them and try again."
            )
        return f"{shown(self.url)} was not switched: {reason(error)}. Nothing was changed."

    def abort(self) -> None:
        """Drop what is staged and end the session, and with it the lock."""
        if self._closed:
            return
        self._closed = True
        # A lost session cannot drop anything; `recover` does.
        with suppress(self._driver.Error), self._driver.cursor() as cursor:
            self._undo(cursor)
        end(self.connection)

    def _undo(self, cursor: pymysql.cursors.Cursor) -> None:
        swaps = list(self._staged.values())
        if self._begun:
            if is_renamed(cursor, swaps):
                return  # an interrupt came between the switch and what follows it: `recover`
            restore_keys(cursor, swaps)
            journal.retreat(cursor, self._run)
        _drop_staged(cursor, [found.swap for found in self._found.values()])
        journal.finish(cursor, self._run)


def _identified(part: str, what: Definition) -> str:
    """Return what changes with the rows, and with the definition that the staged table has."""
    return sha256("\n".join([part, *what.lines]).encode()).hexdigest()


def _placed(key: Key, places: Iterable[Place], same: Callable[[str, str], bool]) -> Key:
    """Return a key whose referenced table is spelled as the load spells it, if it is one of it."""
    for schema, table in places:
        if same(schema, key.schema) and same(table, key.table):
            return replace(key, schema=schema, table=table)
    return key


def _parts(batch: pa.RecordBatch, limit: int) -> Iterator[pa.RecordBatch]:
    """Cut a batch into parts of about so many bytes."""
    rows = max(1, batch.num_rows * limit // max(batch.nbytes, 1))
    for start in range(0, max(batch.num_rows, 1), rows):
        yield batch.slice(start, rows)


def load_file(
    cursor: pymysql.cursors.Cursor, into: str, columns: Sequence[Column], arrays: Sequence[Any]
) -> int:
    """Load rows by LOAD DATA LOCAL from a file that only this process sees.

    Args:
        cursor: of a session that may send files.
        into: the table, quoted.
        columns: the target's.
        arrays: their values, from `wire`.

    Returns:
        The number of rows taken; the server skips those it refuses, with a warning.
    """
    expressions = [conversion(column) for column in columns]
    if any(expressions):
        # With SET, MariaDB takes a 0 in a counter for none, unless the counter stands in SET too.
        expressions = [
            expression or ("{}" if column.identity else None)
            for column, expression in zip(columns, expressions, strict=True)
        ]
    targets = [
        f"@v{i}" if expression else quoted(column.name)
        for i, (column, expression) in enumerate(zip(columns, expressions, strict=True))
    ]
    settings = [
        f"{quoted(column.name)} = {expression.format(f'@v{i}')}"
        for i, (column, expression) in enumerate(zip(columns, expressions, strict=True))
        if expression
    ]
    lines = joined([enclosed(texts, '"') for texts in arrays], "", "\n")
    with _file(lines) as path:
        rows: int = cursor.execute(
            f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {into} CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY ',' ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' "
            f"({', '.join(targets)})" + (f" SET {', '.join(settings)}" if settings else "")
        )
    return rows


@contextmanager
def _file(contents: bytes) -> Iterator[str]:
    """Write bytes where the driver can open them: without a name, where the system can do that."""
    descriptors = Path("/dev/fd")
    if os.name == "posix" and descriptors.is_dir():
        with tempfile.TemporaryFile() as file:
            file.write(contents)
            file.seek(0)
            yield str(descriptors / str(file.fileno()))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        path.write_bytes(contents)
        yield path.as_posix()


def insert(
    cursor: pymysql.cursors.Cursor, into: str, columns: Sequence[Column], arrays: Sequence[Any]
) -> int:
    """Insert rows by one statement, where the server takes no files.

    Args:
        cursor: of a session whose backslashes escape.
        into: the table, quoted.
        columns: the target's.
        arrays: their values, from `wire`.

    Returns:
        The number of rows inserted.
    """
    fields = []
    for column, texts in zip(columns, arrays, strict=True):
        field = enclosed(pc.replace_substring(texts, "\\", "\\\\"), "'")
        before, _, behind = (conversion(column) or "{}").partition("{}")
        fields.append(pc.binary_join_element_wise(before, field, behind, ""))
    values = joined(fields, "(", "),").decode().removesuffix(",")
    names = ", ".join(quoted(column.name) for column in columns)
    rows: int = cursor.execute(f"INSERT INTO {into} ({names}) VALUES {values}")  # noqa: S608 quoted
    return rows


def _refused(cursor: pymysql.cursors.Cursor) -> str:
    """Return what the server warned of, without the value; nothing if all went well.

    With LOCAL, what is an error otherwise becomes a warning: a value is bent to fit, a row with a
    key that is there already is skipped.
    """
    cursor.execute("SHOW WARNINGS")
    for level, number, message in cursor.fetchall():
        if level in _REFUSED_WARNINGS:
            return kind(number, message)
    return ""
