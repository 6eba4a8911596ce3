"""Staging for Oracle: tables beside the target's are filled, verified, and copied over at once.

Imported by the Oracle connections only.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import Load, Purpose, require_privileges
from schemasynth.errors import LoadError, SafetyError
from schemasynth.model import Column, Origin, Schema, Table, TableName
from schemasynth.settings import shown
from schemasynth.verify.checks import orphans

from .._sql.ahead import ahead
from .._sql.connection import SqlRelations, end
from .._sql.wire import ColumnMisfit
from . import catalog, journal, staging
from .errors import LOCKED, code, lost, reason
from .facts import incoming
from .journal import Refill, Step
from .names import STAGE_PREFIX, quoted, relation, run_digest
from .reflect import rows_of
from .staging import bound_size, coming, created, held_columns, insert_statement, parts_of
from .switch import complete, disable, drop, examined, gather, ordered, refill_all, restore

if TYPE_CHECKING:
    from .connection import OracleTarget

LOCK_TABLE = "schemasynth_lock"
"""Locked by a session of its own while a load runs: the load's own commits with each definition."""
DEAD_SESSION_SECONDS = 10
"""How long a server may need to end the session of a client that is gone."""
_ALREADY_THERE = 955
"""The name of a table is taken."""
_SEE_ALL_ROWS = "EXEMPT ACCESS POLICY"


@contextmanager
def _locked(target: OracleTarget) -> Iterator[sa.Connection]:
    """Open a session that holds the target's lock; it is closed only if the block fails.

    Raises:
        LoadError: another load holds it, or the table to lock cannot be made.
    """
    connection = target.engine.connect()
    try:
        try:
            if not connection.execute(catalog.TABLE_EXISTS, {"name": LOCK_TABLE}).all():
                _make_lock(connection)
            connection.exec_driver_sql(
                f"LOCK TABLE {quoted(LOCK_TABLE)} IN EXCLUSIVE MODE WAIT {DEAD_SESSION_SECONDS}"
            )
        except sa.exc.DBAPIError as error:
            if code(error) in LOCKED:
                raise LoadError(
                    f"Another load into {shown(target.url)} is running; wait until it is done."
                ) from None
            raise LoadError(f"{shown(target.url)} cannot be locked: {reason(error)}.") from None
        yield connection
    except BaseException:
        end(connection)
        raise


def _make_lock(connection: sa.Connection) -> None:
    try:
        connection.exec_driver_sql(f'CREATE TABLE {quoted(LOCK_TABLE)} ("n" NUMBER(1))')
    except sa.exc.DBAPIError as error:
        if code(error) != _ALREADY_THERE:
            raise


def recover(target: OracleTarget) -> tuple[str, ...]:
    """Finish loads that died behind the commit of new rows, undo those that died before it.

    Args:
        target: the database.

    Returns:
        What was done, one line each.

    Raises:
        LoadError: a load is running, or the server refuses; what is not done yet stays in the
            journal.
    """
    done = []
    home = target.server.schema
    with _locked(target) as lock, closing(target.engine.connect()) as connection:
        try:
            for run_id, step, refills in journal.unfinished(connection):
                if step is Step.SWITCHED:
                    complete(connection, refills)
                    done.append(f"Finished the load {run_id}: its rows were switched.")
                else:
                    if step is Step.SWITCHING:
                        restore(connection, refills)
                    done.append(f"Dropped what the load {run_id} had staged.")
                drop(connection, refills, home)
                journal.finish(connection, run_id)
        except sa.exc.DBAPIError as error:
            raise LoadError(f"{shown(target.url)} cannot be recovered: {reason(error)}.") from None
        end(lock)
    return tuple(done)


class OracleLoad(SqlRelations, Load):
    """Rows staged in tables beside the target's, while a session holds the target's lock."""

    def __init__(self, target: OracleTarget, schema: Schema, run_id: str, *, resume: bool) -> None:
        """Take the lock, refuse what cannot work, write the journal.

        Raises:
            LoadError: another load is running or was left unfinished, a table is missing, or a
                unique index is unusable.
            PrivilegeError: the user lacks what the switch needs; names the GRANTs.
            SafetyError: tables that are not refilled reference some that are, or hide rows.
        """
        self.url, self.schema, self._target, self._run = target.url, schema, target, run_id
        self._home = target.server.schema
        self._staged: dict[TableName, Refill] = {}
        self._step = Step.STAGING
        self._closed = False
        with _locked(target) as self._lock:
            self.connection = target.engine.connect()
            try:
                self._begin(resume=resume)
            except sa.exc.DBAPIError as error:
                end(self.connection)
                raise LoadError(f"{shown(self.url)} cannot be staged: {reason(error)}.") from None
            except BaseException:
                end(self.connection)
                raise

    def _begin(self, *, resume: bool) -> None:
        before = {refill.staged: refill for refill in self._before(resume=resume) if refill.part}
        require_privileges(self._target.needs(self.schema, Purpose.TARGET), shown(self.url))
        self._preflight()
        digest = run_digest(self._run)
        self._refills: dict[TableName, Refill] = {}
        for i, table in enumerate(self.schema):
            new = Refill(*self._target.place(table), staged=f"{STAGE_PREFIX}{digest}_{i}")
            old = before.get(new.staged)
            self._refills[table.name] = old if old and old.place == new.place else new
        unkept = [refill for refill in self._refills.values() if not refill.part]
        drop(self.connection, unkept, self._home)
        journal.write(self.connection, self._run, list(self._refills.values()))

    def _before(self, *, resume: bool) -> Sequence[Refill]:
        """Return what an earlier process of this run staged.

        Raises:
            LoadError: another run was interrupted, or this one amid its switch.
        """
        mine: Sequence[Refill] = ()
        for run_id, step, refills in journal.unfinished(self.connection):
            if not (resume and run_id == self._run and step is Step.STAGING):
                raise LoadError(
                    f"The load {run_id} into {shown(self.url)} was interrupted; run "
                    "`schemasynth recover` on it first."
                )
            mine = refills
        return mine

    def _preflight(self) -> None:
        places = {self._target.place(table) for table in self.schema}
        schemas = {schema for schema, _ in places}
        there = {(row[0], row[1]) for row in rows_of(self.connection, catalog.TABLES, schemas)}
        absent = sorted(".".join(place) for place in places - there)
        if absent:
            raise LoadError(f"{shown(self.url)} has no table {', '.join(absent)}.")
        self._refuse_incoming()
        unusable = [
            quoted(owner, index)
            for schema, table, owner, index in rows_of(
                self.connection, catalog.UNUSABLE_INDEXES, schemas
            )
            if (schema, table) in places
        ]
        if unusable:
            raise LoadError(
                f"{shown(self.url)} has unusable unique indexes: {', '.join(unusable)}. No row can "
                "be inserted; run ALTER INDEX … REBUILD on them first."
            )
        self._refuse_hidden_rows()

    def _refuse_incoming(self) -> None:
        """Refuse foreign keys of other tables, whose rows would lose what they refer to.

        Raises:
            SafetyError: there are some.
        """
        places = {self._target.place(table) for table in self.schema}
        lines = [
            f"{key.table} ({key.name} references {key.referred})"
            for key in incoming(self.connection, places)
        ]
        if lines:
            raise SafetyError(
                f"Tables that are not refreshed reference some that are: {'; '.join(lines)}. "
                "Refresh them too, or leave the referenced tables out."
            )

    def _refuse_hidden_rows(self) -> None:
        """Refuse tables whose policies hide rows, which would be neither seen nor deleted.

        Raises:
            SafetyError: there are some, and the session is not exempt.
        """
        places = {self._target.place(table) for table in self.schema}
        schemas = {schema for schema, _ in places}
        found = {(r[0], r[1]) for r in rows_of(self.connection, catalog.POLICIES, schemas)}
        hidden = sorted(".".join(place) for place in found & places)
        held = {row[0] for row in rows_of(self.connection, catalog.SYSTEM_PRIVILEGES)}
        if hidden and _SEE_ALL_ROWS not in held:
            user = quoted(self._target.server.user)
            raise SafetyError(
                f"Policies may hide rows of {', '.join(hidden)}, which would stay beside the new "
                f"ones. Needed: GRANT {_SEE_ALL_ROWS} TO {user};"
            )

    def keep(self, table: Table, part: str, rows: int) -> None:
        """Note part and rows in the journal."""
        refill = replace(self._staged[table.name], part=_identified(part, table), rows=rows)
        self._refills[table.name] = self._staged[table.name] = refill
        try:
            journal.write(self.connection, self._run, list(self._refills.values()))
        except sa.exc.DBAPIError as error:
            raise LoadError(f"Table {table.name}: {reason(error)}.") from None

    def kept(self, table: Table, part: str) -> int | None:
        """Take over a staged table whose rows are all there."""
        refill = self._refills[table.name]
        if refill.part != _identified(part, table):
            return None
        place = sa.table(refill.staged, schema=self._home)
        try:
            count = sa.select(sa.func.count()).select_from(place)
            rows = self.connection.execute(count).scalar_one()
        except sa.exc.DBAPIError:
            return None  # somebody dropped it
        if rows != refill.rows:
            return None
        self._staged[table.name] = refill
        return refill.rows

    def relation(self, table: Table) -> sa.TableClause:
        """Return the staged table; the target's own if none is staged."""
        if table.name not in self._staged:
            return self._target.relation(table)
        return relation(self._home, self._staged[table.name].staged, table)

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT over staged and other tables."""
        try:
            return [tuple(row) for row in self.connection.execute(statement)]
        except sa.exc.DBAPIError as error:
            raise self._target.refused(error) from None

    def stage(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Create an empty copy of the table without keys, and fill it array by array."""
        if table.name not in self._refills:
            raise LoadError(f"Table {table.name} is not one of this load.")
        remaining = iter(batches)
        first = next(remaining, None)
        columns = coming(table, first)
        refill = replace(self._refills[table.name], columns=held_columns(table, columns))
        batches = remaining if first is None else chain([first], remaining)
        try:
            drop(self.connection, [refill], self._home)
            for statement in created(refill, table, columns, self._home):
                self.connection.exec_driver_sql(statement)
            rows = self._fill(table, refill, columns, batches)
        except sa.exc.DBAPIError as error:
            raise LoadError(f"Table {table.name}: {reason(error)}.") from None
        self._refills[table.name] = self._staged[table.name] = refill
        return rows

    def _fill(
        self,
        table: Table,
        refill: Refill,
        columns: Sequence[Column],
        batches: Iterable[pa.RecordBatch],
    ) -> int:
        import oracledb

        statement = insert_statement(refill, columns, self._home)
        sizes = [bound_size(column, oracledb) for column in columns]
        driver: Any = self.connection.connection.driver_connection
        rows = 0
        parts = (part for batch in batches for part in parts_of(batch))
        try:
            with closing(driver.cursor()) as cursor:
                for part, values in ahead(parts, lambda part: staging.rows_of(part, columns)):
                    if values:
                        cursor.setinputsizes(*sizes)
                        self._target.tally.count(statement)
                        cursor.executemany(statement, values)
                        # Behind a direct path nothing can be added before it is committed.
                        driver.commit()
                    rows += part.num_rows
        except oracledb.Error as error:
            raise LoadError(f"Table {table.name}: {reason(error)}, after row {rows:,}.") from None
        except ColumnMisfit as error:
            raise LoadError(
                f"Table {table.name}, column {error.column}: {error.kind} on the way to "
                f"{table.column(error.column).type.sql}, after row {rows:,}."
            ) from None
        return rows

    def switch(self) -> None:
        """Replace the rows of all staged tables in one transaction; keys and triggers follow."""
        try:
            refills = self._ready()
            self._replace_rows(refills)
        except sa.exc.DBAPIError as error:
            raise LoadError(self._unswitched(error)) from None
        try:
            complete(self.connection, refills)
            gather(self.connection, refills)
            drop(self.connection, list(self._refills.values()), self._home)
            journal.finish(self.connection, self._run)
        except sa.exc.DBAPIError as error:
            self._close()
            raise LoadError(
                f"{shown(self.url)} was switched, but what follows failed: {reason(error)}. Run "
                "`schemasynth recover` on it."
            ) from None
        self._close()

    def _ready(self) -> list[Refill]:
        """Prove the staged rows, and write down what will be disabled.

        Raises:
            LoadError: foreign keys are violated, or the target was altered.
            SafetyError: other tables refer to these.
        """
        self._refuse_incoming()
        self._prove()
        refills = ordered(self.connection, list(self._staged.values()))
        return examined(self.connection, refills)

    def _prove(self) -> None:
        violated = []
        for name in self._staged:
            table = self.schema.table(name)
            for key in table.foreign_keys:
                valid = key.state.enforced and key.state.validated
                if key.origin is not Origin.DECLARED or not valid:
                    continue
                if key.referred in self.schema:
                    parent = self.relation(self.schema.table(key.referred))
                else:
                    there: list[sa.ColumnClause[Any]] = [sa.column(c) for c in key.referred_columns]
                    schema = key.referred.schema or self._home
                    parent = sa.table(key.referred.name, *there, schema=schema)
                rows = self.select(orphans(self.relation(table), parent, key))[0][0]
                if rows:
                    violated.append(f"{name}.{key.name}: {rows:,} rows")
        if violated:
            raise LoadError(
                f"{shown(self.url)} was not switched: foreign keys are violated "
                f"({'; '.join(violated)}). Nothing was changed."
            )

    def _replace_rows(self, refills: Sequence[Refill]) -> None:
        if not refills:
            return
        journal.write(self.connection, self._run, refills, Step.SWITCHING)
        self._step = Step.SWITCHING
        disable(self.connection, refills)
        refill_all(self.connection, refills, self._home)
        journal.switched(self.connection, self._run)
        self.connection.commit()
        self._step = Step.SWITCHED

    def _unswitched(self, error: sa.exc.DBAPIError) -> str:
        where = shown(self.url)
        if self._step is not Step.STAGING and lost(error):
            self._close()
            return (
                f"{where}: the session ended during the switch. The rows are wholly old or wholly "
                "new, keys and triggers may be disabled; run `schemasynth recover` on it."
            )
        if code(error) in LOCKED:
            return (
                f"{where} was not switched: other sessions use its tables. Nothing was changed; "
                "end them and try again."
            )
        return f"{where} was not switched: {reason(error)}. Nothing was changed."

    def abort(self) -> None:
        """Drop what is staged and end the sessions, and with them the lock."""
        if self._closed:
            return
        # A lost session cannot drop anything; `recover` does.
        with suppress(sa.exc.DBAPIError):
            self.connection.rollback()
            self._undo()
        self._close()

    def _undo(self) -> None:
        if self._step is Step.SWITCHING:
            # Whether the commit was done before an interrupt came, the journal tells.
            known = {run_id: step for run_id, step, _ in journal.unfinished(self.connection)}
            if known.get(self._run) is Step.SWITCHED:
                return
            mine = next(r for i, _, r in journal.unfinished(self.connection) if i == self._run)
            restore(self.connection, mine)
        if self._step is Step.SWITCHED:
            return
        drop(self.connection, list(self._refills.values()), self._home)
        journal.finish(self.connection, self._run)

    def _close(self) -> None:
        self._closed = True
        end(self.connection)
        end(self._lock)


def _identified(part: str, table: Table) -> str:
    """Return what changes with the rows, and with the columns that the staged table has."""
    columns = (f"{column.name} {column.type.sql}" for column in table.columns)
    return sha256("\n".join([part, *columns]).encode()).hexdigest()
