"""The switch: tables of a target emptied and refilled from staged ones in one transaction.

Imported by the PostgreSQL load only. Grants, views, policies, indexes, comments and statistics
objects stay, because the tables do. Foreign keys between refilled tables, and indexes of large
ones, are dropped and made again over all rows at once, which is 2.5 times faster than row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import psycopg

from . import catalog, indexes
from .names import literal, quoted

Cursor: TypeAlias = "psycopg.Cursor[Any]"

# A partition counts as its root: it is refilled through it.
_MEMBERS = """
    members AS (
      SELECT c.oid, n.nspname, c.relname, c.relkind,
             CASE WHEN c.relispartition THEN pg_catalog.pg_partition_root(c.oid) ELSE c.oid END
               = ANY(%(oids)s::oid[]) AS refilled
      FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p')
    )
"""
_OIDS = """
    SELECT w.s, w.t, c.oid, c.relkind::text
    FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS w(s, t)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.s
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.t
    WHERE c.relkind IN ('r', 'p')
"""
_INCOMING = f"""
    WITH {_MEMBERS}
    SELECT child.nspname, child.relname, k.conname, parent.relname
    FROM pg_catalog.pg_constraint k
    JOIN members child ON child.oid = k.conrelid
    JOIN members parent ON parent.oid = k.confrelid
    WHERE k.contype = 'f' AND k.conparentid = 0 AND parent.refilled AND NOT child.refilled
    ORDER BY 1, 2, 3
"""  # noqa: S608 constants
_FOREIGN_KEYS = f"""
    WITH {_MEMBERS}
    SELECT child.nspname, child.relname, k.conname, pg_catalog.pg_get_constraintdef(k.oid),
           pg_catalog.obj_description(k.oid, 'pg_constraint')
    FROM pg_catalog.pg_constraint k
    JOIN members child ON child.oid = k.conrelid
    JOIN members parent ON parent.oid = k.confrelid
    WHERE k.contype = 'f' AND k.conparentid = 0 AND parent.refilled AND child.refilled
      AND EXISTS (SELECT FROM pg_catalog.pg_trigger g WHERE g.tgconstraint = k.oid)
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger g WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O')
    ORDER BY 1, 2, 3
"""  # noqa: S608 constants
# One without triggers (NOT ENFORCED), or with disabled ones, checks nothing and is left alone.
_FIRING = f"""
    WITH {_MEMBERS}
    SELECT m.nspname, m.relname, 'TRIGGER', g.tgname, g.tgenabled::text
    FROM pg_catalog.pg_trigger g JOIN members m ON m.oid = g.tgrelid AND m.refilled
    WHERE NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
    UNION ALL
    SELECT m.nspname, m.relname, 'RULE', r.rulename, r.ev_enabled::text
    FROM pg_catalog.pg_rewrite r JOIN members m ON m.oid = r.ev_class AND m.refilled
    WHERE r.ev_enabled IN ('O', 'A')
    ORDER BY 1, 2, 3, 4
"""  # noqa: S608 constants
_SEQUENCES = f"""
    WITH draws AS ({catalog.DRAWS}), {_MEMBERS}
    SELECT draws.sequence, n.nspname, c.relname, s.seqincrement, s.seqmin, s.seqmax,
           pg_catalog.pg_get_userbyid(c.relowner),
           array_agg(ARRAY[m.nspname::text, m.relname::text, a.attname::text])
    FROM draws
    JOIN pg_catalog.pg_sequence s ON s.seqrelid = draws.sequence
    JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN members m ON m.oid = draws.relation
    JOIN pg_catalog.pg_attribute a ON a.attrelid = draws.relation AND a.attnum = draws.number
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid AND t.typcategory = 'N'
    GROUP BY draws.sequence, n.nspname, c.relname, s.seqincrement, s.seqmin, s.seqmax, c.relowner
    HAVING bool_or(m.refilled)
    ORDER BY 2, 3
"""  # noqa: S608 constants
# A text made of a prefix and a number draws from a sequence too, and is left alone.
_TABLE_OWNERS = """
    SELECT pg_catalog.pg_get_userbyid(c.relowner)
    FROM unnest(%(schemas)s::text[], %(names)s::text[]) AS w(s, t)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.s
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.t
"""
_ENABLE = {"O": "ENABLE", "A": "ENABLE ALWAYS"}
_PARTITIONED = "p"


@dataclass(frozen=True, slots=True)
class Place:
    """A table of the target.

    Attributes:
        schema: where it is.
        name: its name.
        oid: its identifier.
        partitioned: whether partitions hold its rows.
    """

    schema: str
    name: str
    oid: int
    partitioned: bool

    @property
    def sql(self) -> str:
        """The quoted name."""
        return quoted(self.schema, self.name)

    @property
    def own_rows(self) -> str:
        """The quoted name, without tables that inherit from an ordinary one."""
        return self.sql if self.partitioned else f"ONLY {self.sql}"


@dataclass(frozen=True, slots=True)
class Refilling:
    """One table's part of the switch.

    Attributes:
        place: the table.
        staged: the quoted name of the staged one.
        columns: those that are copied.
        rows: how many.
    """

    place: Place
    staged: str
    columns: tuple[str, ...]
    rows: int


def places(cursor: Cursor, names: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Place]:
    """Return the tables that exist of those named, by schema and name."""
    asked = {"schemas": [schema for schema, _ in names], "names": [name for _, name in names]}
    found = cursor.execute(_OIDS, asked).fetchall()
    return {
        (schema, name): Place(schema, name, oid, kind == _PARTITIONED)
        for schema, name, oid, kind in found
    }


def incoming(cursor: Cursor, oids: list[int]) -> list[tuple[str, str, str, str]]:
    """Return the foreign keys of other tables: schema, table, key and the table referred to."""
    return cursor.execute(_INCOMING, {"oids": oids}).fetchall()


def firing(cursor: Cursor, oids: list[int]) -> list[tuple[str, str, str, str, str]]:
    """Return triggers and rules that are on: schema, table, kind, name and state."""
    return cursor.execute(_FIRING, {"oids": oids}).fetchall()


def owners(cursor: Cursor, oids: Sequence[int]) -> set[str]:
    """Return the roles that own what a refill alters, drops or sets.

    Args:
        cursor: on the target.
        oids: the tables to be refilled.
    """
    asked = {"oids": list(oids)}
    altered = {row[:2] for row in cursor.execute(_FOREIGN_KEYS, asked).fetchall()}
    altered |= {row[:2] for row in firing(cursor, list(oids))}
    found = {row[6] for row in cursor.execute(_SEQUENCES, asked)}
    tables = {"schemas": [s for s, _ in altered], "names": [t for _, t in altered]}
    return found | {row[0] for row in cursor.execute(_TABLE_OWNERS, tables)}


def refill(cursor: Cursor, tables: Sequence[Refilling]) -> None:
    """Replace the rows of tables; the caller has begun a transaction and commits it.

    Args:
        cursor: on the target, in a transaction.
        tables: what is refilled from where.

    Raises:
        psycopg.Error: the server refused; the caller rolls back.
    """
    if not tables:
        return
    ordered = sorted(tables, key=lambda table: table.place.sql)
    own = ", ".join(table.place.own_rows for table in ordered)
    cursor.execute(f"LOCK TABLE {own} IN ACCESS EXCLUSIVE MODE".encode())
    asked = {"oids": [table.place.oid for table in ordered]}
    keys = cursor.execute(_FOREIGN_KEYS, asked).fetchall()
    fired = firing(cursor, asked["oids"])
    _run(cursor, _dropped(keys))
    large = [table.place.oid for table in ordered if table.rows >= indexes.BULK_ROWS]
    rebuilt = indexes.rebuildable(cursor, large)
    _run(cursor, (_alter(s, t, "DISABLE", kind, name) for s, t, kind, name, _ in fired))
    cursor.execute(f"TRUNCATE TABLE {own}".encode())
    _run(cursor, (index.drop for index in rebuilt))
    _run(cursor, map(_insert, tables))
    # Deferred checks must be done: a table with pending events cannot be altered.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    _run(cursor, (statement for index in rebuilt for statement in index.create))
    _restart_sequences(cursor, asked)
    _run(cursor, (_alter(s, t, _ENABLE[state], kind, n) for s, t, kind, n, state in fired))
    _run(cursor, _added(keys))


def _run(cursor: Cursor, statements: Iterator[str]) -> None:
    for statement in statements:
        cursor.execute(statement.encode())


def _alter(schema: str, table: str, what: str, kind: str, name: str) -> str:
    # ONLY: each partition's triggers are in the list themselves, with their own state.
    only = "ONLY " if kind == "TRIGGER" else ""
    return f"ALTER TABLE {only}{quoted(schema, table)} {what} {kind} {quoted(name)}"


def _insert(table: Refilling) -> str:
    columns = ", ".join(quoted(column) for column in table.columns)
    return (
        f"INSERT INTO {table.place.sql} ({columns}) OVERRIDING SYSTEM VALUE "  # noqa: S608 quoted
        f"SELECT {columns} FROM {table.staged}"
    )


def _dropped(keys: Sequence[Sequence[Any]]) -> Iterator[str]:
    for schema, table, name, *_ in keys:
        yield f"ALTER TABLE {quoted(schema, table)} DROP CONSTRAINT {quoted(name)}"


def _added(keys: Sequence[Sequence[Any]]) -> Iterator[str]:
    for schema, table, name, definition, comment in keys:
        place, key = quoted(schema, table), quoted(name)
        yield f"ALTER TABLE {place} ADD CONSTRAINT {key} {definition}"
        if comment is not None:
            yield f"COMMENT ON CONSTRAINT {key} ON {place} IS {literal(comment)}"


def _restart_sequences(cursor: Cursor, asked: Mapping[str, Any]) -> None:
    """Let every sequence go on behind the largest value of all columns that draw from it."""
    for _, schema, name, increment, low, high, _, columns in cursor.execute(
        _SEQUENCES, asked
    ).fetchall():
        extreme = "max" if increment > 0 else "min"
        values = " UNION ALL ".join(
            f"SELECT {extreme}({quoted(c)}) AS v FROM {quoted(s, t)}"  # noqa: S608 quoted
            for s, t, c in columns
        )
        last = _single(cursor, f"SELECT {extreme}(v)::bigint FROM ({values}) AS drawn")  # noqa: S608
        # RESTART gives the sequence new storage, so that a rollback undoes the setval as well.
        cursor.execute(f"ALTER SEQUENCE {quoted(schema, name)} RESTART".encode())
        if last is not None and (low <= last if increment > 0 else last <= high):
            bounded = min(max(last, low), high)
            cursor.execute("SELECT setval(%s::regclass, %s)", (quoted(schema, name), bounded))


def _single(cursor: Cursor, statement: str) -> Any:
    row = cursor.execute(statement.encode()).fetchone()
    return row[0] if row else None
