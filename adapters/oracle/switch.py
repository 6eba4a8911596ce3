"""The switch: rows of a target deleted and inserted again in one transaction.

Imported by the Oracle load only. Tables stay, and with them grants, views, indexes and comments.
Foreign keys and triggers are disabled before the transaction and enabled behind it, each as it was
found; these are definitions, which commit. Every step can be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from graphlib import TopologicalSorter
from typing import Any

import sqlalchemy as sa

from . import catalog
from .journal import Counter, Draw, Key, Refill, Trigger
from .names import quoted
from .reflect import Place, by_table, drawn_in, identity_options, rows_of, sequence_in

LOCK_WAIT_SECONDS = 30
"""How long the switch waits until nobody else changes the tables."""
_ENABLED = "ENABLED"
_REFERENCE = "REFERENCE"


def examined(connection: sa.Connection, refills: Sequence[Refill]) -> list[Refill]:
    """Return refills with the state of keys, triggers and counters as it is now.

    Args:
        connection: on the target.
        refills: what will be refilled.
    """
    schemas = {refill.schema for refill in refills}

    def found(statement: sa.TextClause) -> Mapping[Place, Sequence[Any]]:
        return by_table(rows_of(connection, statement, schemas))

    constraints, triggers = found(catalog.CONSTRAINTS), found(catalog.TRIGGERS)
    identities, columns = found(catalog.IDENTITIES), found(catalog.COLUMNS)
    fixed = _partitioning_keys(connection, schemas)
    drawn = _draws(connection, triggers, columns)
    return [
        replace(
            refill,
            keys=tuple(
                Key(row[0], validated=row[8] == "VALIDATED", rely=row[9] == "RELY")
                for row in constraints.get(refill.place, ())
                if row[1] == "R" and row[5] == _ENABLED and (*refill.place, row[0]) not in fixed
            ),
            triggers=tuple(
                Trigger(row[0], row[1])
                for row in triggers.get(refill.place, ())
                if row[4] == _ENABLED
            ),
            counters=tuple(_counters(identities.get(refill.place, ()), columns[refill.place])),
            draws=drawn.get(refill.place, ()),
        )
        for refill in refills
    ]


def _partitioning_keys(
    connection: sa.Connection, schemas: Collection[str]
) -> set[tuple[str, str, str]]:
    """Return the foreign keys by which tables are partitioned, which cannot be disabled."""
    return {
        (owner, table, key)
        for owner, table, kind, key in rows_of(connection, catalog.PARTITIONED, schemas)
        if kind == _REFERENCE
    }


def _counters(identities: Sequence[Any], columns: Sequence[Any]) -> Iterator[Counter]:
    on_null = {row[0] for row in columns if row[10] == "YES"}
    for column, generation, written in identities:
        options = identity_options(written)
        yield Counter(
            column,
            always=generation == "ALWAYS",
            on_null=column in on_null,
            start=options.get("START WITH", 1),
            increment=options.get("INCREMENT BY", 1),
        )


def _draws(
    connection: sa.Connection,
    triggers: Mapping[Place, Sequence[Any]],
    columns: Mapping[Place, Sequence[Any]],
) -> dict[Place, tuple[Draw, ...]]:
    """Return the sequences that fill columns, by default or by trigger, by table."""
    drawn: dict[Place, dict[str, Place]] = {}
    for place, rows in columns.items():
        for row in rows:
            sequence = sequence_in(row[11], place[0])
            if sequence is not None:
                drawn.setdefault(place, {})[row[0]] = sequence
    for place, rows in triggers.items():
        for row in rows:
            drawn.setdefault(place, {}).update(drawn_in(row[5] or "", row[0]))
    schemas = {sequence[0] for found in drawn.values() for sequence in found.values()}
    steps = {(r[0], r[1]): int(r[2]) for r in rows_of(connection, catalog.SEQUENCES, schemas)}
    return {
        place: tuple(
            Draw(*sequence, column=column, increment=steps[sequence])
            for column, sequence in sorted(found.items())
            if sequence in steps and not sequence[1].startswith(_INTERNAL)
        )
        for place, found in drawn.items()
    }


_INTERNAL = "ISEQ$$_"


def disable(connection: sa.Connection, refills: Sequence[Refill]) -> None:
    """Disable what would refuse or notice new rows; each statement commits.

    Args:
        connection: on the target.
        refills: as examined, and written down.
    """
    for refill in refills:
        table = quoted(*refill.place)
        for trigger in refill.triggers:
            _run(connection, f"ALTER TRIGGER {quoted(trigger.schema, trigger.name)} DISABLE")
        for key in refill.keys:
            _run(connection, f"ALTER TABLE {table} DISABLE CONSTRAINT {quoted(key.name)}")
        for counter in (c for c in refill.counters if c.always):
            _run(connection, _generated(refill, counter, "BY DEFAULT"))


def _run(connection: sa.Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)


def refill_all(connection: sa.Connection, refills: Sequence[Refill], home: str) -> None:
    """Replace the rows of tables; the caller commits.

    Args:
        connection: on the target.
        refills: parents by which others are partitioned come first.
        home: the schema of the staged tables.
    """
    tables = ", ".join(quoted(*refill.place) for refill in refills)
    _run(connection, f"LOCK TABLE {tables} IN EXCLUSIVE MODE WAIT {LOCK_WAIT_SECONDS}")
    for refill in reversed(refills):
        _run(connection, f"DELETE FROM {quoted(*refill.place)}")  # noqa: S608 quoted
    for refill in refills:
        columns = ", ".join(map(quoted, refill.columns))
        _run(
            connection,
            f"INSERT INTO {quoted(*refill.place)} ({columns}) "  # noqa: S608 quoted
            f"SELECT {columns} FROM {quoted(home, refill.staged)}",
        )


def ordered(connection: sa.Connection, refills: Sequence[Refill]) -> list[Refill]:
    """Return refills, tables by which others are partitioned first: their keys stay enabled.

    Args:
        connection: on the target.
        refills: what will be refilled.
    """
    schemas = {refill.schema for refill in refills}
    fixed = _partitioning_keys(connection, schemas)
    by_place = {refill.place: refill for refill in refills}
    before: dict[Place, set[Place]] = {place: set() for place in by_place}
    for owner, table, key, there, referred in rows_of(connection, catalog.INCOMING, schemas):
        if (owner, table, key) in fixed and {(owner, table), (there, referred)} <= set(by_place):
            before[owner, table].add((there, referred))
    return [by_place[place] for place in TopologicalSorter(before).static_order()]


def restore(connection: sa.Connection, refills: Sequence[Refill]) -> None:
    """Enable what was disabled, each as it was found.

    Args:
        connection: on the target.
        refills: as written down.
    """
    for refill in refills:
        for counter in (c for c in refill.counters if c.always):
            _run(connection, _generated(refill, counter, "ALWAYS"))
    _enable(connection, refills)


def _enable(connection: sa.Connection, refills: Sequence[Refill]) -> None:
    for refill in refills:
        table = quoted(*refill.place)
        for key in refill.keys:
            rely = "RELY " if key.rely else ""
            state = "VALIDATE" if key.validated else "NOVALIDATE"
            name = quoted(key.name)
            _run(connection, f"ALTER TABLE {table} MODIFY CONSTRAINT {name} {rely}ENABLE {state}")
        for trigger in refill.triggers:
            _run(connection, f"ALTER TRIGGER {quoted(trigger.schema, trigger.name)} ENABLE")


def complete(connection: sa.Connection, refills: Sequence[Refill]) -> None:
    """Do what follows the commit of new rows; may be done again at any point.

    Args:
        connection: on the target.
        refills: as written down.
    """
    for refill in refills:
        for counter in refill.counters:
            _run(connection, _restarted(connection, refill, counter))
        for draw in refill.draws:
            largest = _extreme(connection, refill, draw.column, draw.increment)
            if largest is not None:
                name = quoted(draw.schema, draw.name)
                _run(
                    connection,
                    f"ALTER SEQUENCE {name} RESTART START WITH {largest + draw.increment}",
                )
    _enable(connection, refills)


def _restarted(connection: sa.Connection, refill: Refill, counter: Counter) -> str:
    """Return the statement that lets a counter go on behind the largest value."""
    largest = _extreme(connection, refill, counter.column, counter.increment)
    start = counter.start if largest is None else largest + counter.increment
    how = "ALWAYS" if counter.always else "BY DEFAULT ON NULL" if counter.on_null else "BY DEFAULT"
    options = f" (START WITH {start} INCREMENT BY {counter.increment})"
    return _generated(refill, counter, how, options)


def _generated(refill: Refill, counter: Counter, how: str, options: str = "") -> str:
    column = quoted(counter.column)
    table = quoted(*refill.place)
    return f"ALTER TABLE {table} MODIFY ({column} GENERATED {how} AS IDENTITY{options})"


def _extreme(connection: sa.Connection, refill: Refill, column: str, increment: int) -> int | None:
    """Return the value that a counter reached last; None in an empty table."""
    value: sa.ColumnElement[Any] = sa.column(column)
    extreme = sa.func.max(value) if increment > 0 else sa.func.min(value)
    place = sa.table(refill.table, schema=refill.schema)
    found = connection.execute(sa.select(extreme).select_from(place)).scalar()
    return None if found is None else int(found)


def drop(connection: sa.Connection, refills: Sequence[Refill], home: str) -> None:
    """Drop staged tables where they exist.

    Args:
        connection: on the target.
        refills: what was staged.
        home: the schema of the staged tables.
    """
    names = {refill.staged for refill in refills}
    there = rows_of(connection, catalog.STAGED)
    for name in sorted(row[0] for row in there if row[0] in names):
        _run(connection, f"DROP TABLE {quoted(home, name)} PURGE")


def gather(connection: sa.Connection, refills: Sequence[Refill]) -> None:
    """Tell the optimiser about the new rows, where the server lets us.

    Args:
        connection: on the target.
        refills: what was refilled.
    """
    statement = sa.text("BEGIN DBMS_STATS.GATHER_TABLE_STATS(:schema, :name); END;")
    for refill in refills:
        with suppress(sa.exc.DBAPIError):
            named = {"schema": quoted(refill.schema), "name": quoted(refill.table)}
            connection.execute(statement, named)
