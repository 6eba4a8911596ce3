"""Staging for Spark: tables beside the target's are filled, and take their place.

Imported by the Spark connections only. Delta tables are overwritten and can be restored to the
version they had; others are renamed, and their old tables are kept until all new ones are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import Load
from schemasynth.errors import LoadError
from schemasynth.model import Column, Schema, Table, TableName
from schemasynth.settings import shown

from .._sql.connection import OWN_PREFIX, SqlRelations, first_line
from . import journal
from .dbapi import DatabaseError, raising
from .journal import LOAD, SWITCH, Swap
from .types import imported

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from .connection import SparkTarget

STATEMENT_BYTES = 64 * 1024 * 1024
"""About so many bytes of rows go into one INSERT, and so into one file a core."""
DIGEST_LENGTH = 12
"""Characters of the name of a run in the names of its tables."""
BATCH = "schemasynth_batch"
"""The temporary view that holds the rows at hand."""
DELTA, EXTERNAL = "delta", "EXTERNAL"
_PART, _ROWS = "schemasynth.part", "schemasynth.rows"
"""Properties of a staged table whose rows are all there."""
_DETAILS = "# Detailed Table Information"
_PROVIDER, _TYPE, _COMMENT = "Provider", "Type", "Comment"


def recover(target: SparkTarget) -> tuple[str, ...]:
    """Undo a switch that died before its end; drop what was staged or replaced.

    Args:
        target: the schema.

    Returns:
        What was done, one line each.

    Raises:
        LoadError: Spark refused; what is not done yet stays in the journal.
    """
    connection, session = target.connection, target.session
    try:
        swaps = journal.swaps_of(connection, session, LOAD)
        switching = session.catalog.tableExists(SWITCH)
        undone = _undo(connection, session) if switching else False
        _clear(connection, swaps)
    except sa.exc.DBAPIError as error:
        raise LoadError(
            f"{shown(target.url)} cannot be recovered: {first_line(error, target.url)}"
        ) from None
    what = "Undid the switch of" if undone else "Dropped what was left of"
    return tuple(f"{what} the load {run}." for run in sorted({swap.run_id for swap in swaps}))


def _undo(connection: sa.Connection, session: SparkSession) -> bool:
    """Give all tables back what they had; may be done again at any point."""
    swaps = journal.swaps_of(connection, session, SWITCH)
    for swap in swaps:
        if swap.version is not None:
            _restore(connection, swap)
        elif session.catalog.tableExists(swap.place(swap.old)):
            _drop(connection, swap.place(swap.table))
            _rename(connection, swap, swap.old, swap.table)
    journal.end(connection, SWITCH)
    return bool(swaps)


def _clear(connection: sa.Connection, swaps: Sequence[Swap]) -> None:
    for swap in swaps:
        _drop(connection, swap.place(swap.staged))
        _drop(connection, swap.place(swap.old))
    journal.end(connection, LOAD)


def _restore(connection: sa.Connection, swap: Swap) -> None:
    connection.exec_driver_sql(restore_statement(swap))


def restore_statement(swap: Swap) -> str:
    """Return the statement that gives a Delta table the version it had."""
    return f"RESTORE TABLE {swap.place(swap.table)} TO VERSION AS OF {swap.version}"


def _drop(connection: sa.Connection, place: str) -> None:
    connection.exec_driver_sql(f"DROP TABLE IF EXISTS {place}")


def _rename(connection: sa.Connection, swap: Swap, before: str, behind: str) -> None:
    connection.exec_driver_sql(f"ALTER TABLE {swap.place(before)} RENAME TO {swap.place(behind)}")


class SparkLoad(SqlRelations, Load):
    """Rows staged in tables beside the target's."""

    def __init__(self, target: SparkTarget, schema: Schema, run_id: str, *, resume: bool) -> None:
        """Refuse what cannot work, write the journal.

        Raises:
            LoadError: another load was left unfinished, a table is missing or cannot be replaced.
        """
        self.url, self.connection, self._target = target.url, target.connection, target
        self._staged: set[TableName] = set()
        self._done = False
        self._refuse_leftovers(run_id, resume=resume)
        digest = sha256(run_id.encode()).hexdigest()[:DIGEST_LENGTH]
        try:
            self._swaps = {
                table.name: self._examine(table.name, run_id, f"{digest}_{i}")
                for i, table in enumerate(schema)
            }
            for swap in self._swaps.values():
                # No load is unfinished, so it is nobody's; undoing would take it for the old one.
                _drop(self.connection, swap.place(swap.old))
            journal.begin(self.connection, LOAD, list(self._swaps.values()))
        except sa.exc.DBAPIError as error:
            raise self._failed(error, "cannot be staged") from None

    def _refuse_leftovers(self, run_id: str, *, resume: bool) -> None:
        session = self._target.session
        others = [
            run
            for run in journal.leftovers(self.connection, session)
            if not resume or run != run_id or session.catalog.tableExists(SWITCH)
        ]
        if others:
            raise LoadError(
                f"The load {others[0]} into {shown(self.url)} was interrupted, or is running; run "
                "`schemasynth recover` on it first."
            )

    def _examine(self, name: TableName, run_id: str, suffix: str) -> Swap:
        swap = Swap(
            run_id,
            name.schema,
            name.name,
            staged=f"{OWN_PREFIX}new_{suffix}",
            old=f"{OWN_PREFIX}old_{suffix}",
        )
        details = self._details(swap)
        if details.get(_PROVIDER, "").lower() == DELTA:
            return self._with_version(swap)
        if details.get(_TYPE) == EXTERNAL:
            raise LoadError(
                f"Table {name} is external and no Delta table: its files would stay where they "
                "are. Leave it out, or make it a managed table."
            )
        return swap

    def _details(self, swap: Swap) -> Mapping[str, str]:
        rows = self.connection.exec_driver_sql(
            f"DESCRIBE TABLE EXTENDED {swap.place(swap.table)}"
        ).all()
        start = next((i for i, row in enumerate(rows) if row[0] == _DETAILS), len(rows))
        return {row[0]: row[1] for row in rows[start:]}

    def _with_version(self, swap: Swap) -> Swap:
        """Return a swap with the version that its Delta table has now."""
        found = self.connection.exec_driver_sql(history_statement(swap)).first()
        return replace(swap, version=int(found[0]) if found else 0)

    def relation(self, table: Table) -> sa.TableClause:
        """Return the staged table; the target's own if none is staged."""
        if table.name not in self._staged:
            return self._target.relation(table)
        return self._target.relation_called(table, self._swaps[table.name].staged)

    def stage(self, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        """Create an empty copy of the table and fill it, part by part."""
        if table.name not in self._swaps:
            raise LoadError(f"Table {table.name} is not one of this load.")
        swap = self._swaps[table.name]
        stored = {column.name: column for column in table.columns if column.computed is None}
        rows = 0
        try:
            self._create(swap)
            for part in _parts(batches):
                columns = [stored[name] for name in part.column_names if name in stored]
                if not columns:
                    raise LoadError(f"Table {table.name}: the rows have none of its columns.")
                self._fill(swap, columns, part)
                rows += part.num_rows
        except (sa.exc.DBAPIError, DatabaseError) as error:
            raise LoadError(
                f"Table {table.name}, after row {rows:,}: {first_line(error, self.url)}"
            ) from None
        self._staged.add(table.name)
        return rows

    def _create(self, swap: Swap) -> None:
        staged, table = swap.place(swap.staged), swap.place(swap.table)
        _drop(self.connection, staged)
        self.connection.exec_driver_sql(f"CREATE TABLE {staged} LIKE {table}")
        if swap.version is None:
            self._describe(swap)

    def _describe(self, swap: Swap) -> None:
        """Give a staged table what LIKE leaves out: comment and properties."""
        staged = swap.place(swap.staged)
        comment = self._details(swap).get(_COMMENT)
        if comment:
            self.connection.exec_driver_sql(f"COMMENT ON TABLE {staged} IS {self._text(comment)}")
        rows = self.connection.exec_driver_sql(f"SHOW TBLPROPERTIES {swap.place(swap.table)}").all()
        self._set(staged, {row[0]: row[1] for row in rows})

    def _set(self, place: str, properties: Mapping[str, str]) -> None:
        listed = ", ".join(f"{self._text(k)} = {self._text(v)}" for k, v in properties.items())
        if listed:
            self.connection.exec_driver_sql(f"ALTER TABLE {place} SET TBLPROPERTIES ({listed})")

    def _text(self, value: str) -> str:
        literal = sa.literal(value, sa.String)
        options = {"literal_binds": True}
        return str(literal.compile(dialect=self.dialect, compile_kwargs=options))

    def _fill(self, swap: Swap, columns: Sequence[Column], rows: pa.Table) -> None:
        """Insert rows by one job; what is left out becomes its default or NULL."""
        names = [f"c{i}" for i in range(len(columns))]
        sent = rows.select([column.name for column in columns]).rename_columns(names)
        with raising():
            self._target.session.createDataFrame(sent).createOrReplaceTempView(BATCH)
        batch = sa.table(BATCH, *(sa.column(name) for name in names))
        values = [imported(c, batch.c[n]) for c, n in zip(columns, names, strict=True)]
        query = sa.select(*values).select_from(batch)
        options = {"literal_binds": True}
        text = query.compile(dialect=self.dialect, compile_kwargs=options)
        into = ", ".join(self.dialect.identifier_preparer.quote(c.name) for c in columns)
        self.connection.exec_driver_sql(f"INSERT INTO {swap.place(swap.staged)} ({into}) {text}")

    def keep(self, table: Table, part: str, rows: int) -> None:
        """Note part and rows as properties of the staged table."""
        swap = self._swaps[table.name]
        try:
            self._set(swap.place(swap.staged), {_PART: part, _ROWS: str(rows)})
        except sa.exc.DBAPIError as error:
            raise self._failed(error, f"did not keep table {table.name}") from None

    def kept(self, table: Table, part: str) -> int | None:
        """Take over a staged table whose rows are all there."""
        swap = self._swaps[table.name]
        staged = swap.place(swap.staged)
        if not self._target.session.catalog.tableExists(staged):
            return None
        rows = self.connection.exec_driver_sql(f"SHOW TBLPROPERTIES {staged}").all()
        properties = {row[0]: row[1] for row in rows}
        place = self._target.relation_called(table, swap.staged)
        found = self.select(sa.select(sa.func.count()).select_from(place))[0][0]
        if properties.get(_PART) != part or properties.get(_ROWS) != str(found):
            return None
        self._staged.add(table.name)
        return int(found)

    def switch(self) -> None:
        """Put the staged tables in the place of the others; what fails is undone."""
        staged = [self._swaps[name] for name in self._swaps if name in self._staged]
        try:
            swaps = [s if s.version is None else self._with_version(s) for s in staged]
            journal.begin(self.connection, SWITCH, swaps)
            for swap in swaps:
                self._exchange(swap)
            journal.end(self.connection, SWITCH)
        except sa.exc.DBAPIError as error:
            self._back()
            raise self._failed(error, "did not switch") from None
        self._done = True
        _clear(self.connection, list(self._swaps.values()))

    def _exchange(self, swap: Swap) -> None:
        staged = swap.place(swap.staged)
        if swap.version is not None:
            self.connection.exec_driver_sql(overwrite_statement(swap))
            return
        self.connection.exec_driver_sql(
            f"ALTER TABLE {staged} UNSET TBLPROPERTIES IF EXISTS "
            f"({self._text(_PART)}, {self._text(_ROWS)})"
        )
        _rename(self.connection, swap, swap.table, swap.old)
        _rename(self.connection, swap, swap.staged, swap.table)

    def _back(self) -> None:
        try:
            _undo(self.connection, self._target.session)
        except sa.exc.DBAPIError as error:
            raise self._failed(
                error, "could not undo a switch that failed; run `schemasynth recover`"
            ) from None

    def abort(self) -> None:
        """Drop the staged tables; a switch that was interrupted is undone first."""
        if self._done:
            return
        self._done = True
        if self._target.session.catalog.tableExists(SWITCH):
            self._back()
        _clear(self.connection, list(self._swaps.values()))

    def _failed(self, error: sa.exc.DBAPIError, what: str) -> LoadError:
        return LoadError(f"{shown(self.url)} {what}: {first_line(error, self.url)}")


def history_statement(swap: Swap) -> str:
    """Return the statement whose first column is the version of a Delta table."""
    return f"DESCRIBE HISTORY {swap.place(swap.table)} LIMIT 1"


def overwrite_statement(swap: Swap) -> str:
    """Return the statement that gives a Delta table the staged rows, in one transaction."""
    table, staged = swap.place(swap.table), swap.place(swap.staged)
    return f"INSERT OVERWRITE TABLE {table} SELECT * FROM {staged}"  # noqa: S608 quoted


def _parts(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Join batches to tables of about `STATEMENT_BYTES`."""
    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if not batch.num_rows:
            continue
        waiting.append(batch)
        size += batch.nbytes
        if size >= STATEMENT_BYTES:
            yield pa.Table.from_batches(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.Table.from_batches(waiting)
