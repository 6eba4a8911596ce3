"""Indexes of refilled tables, dropped before the rows come and built again over all of them.

Imported by the PostgreSQL refill only. Sorting all keys at once is about four times as fast as
keeping an index in order row by row. What could not be put back exactly as it was is left alone:
indexes that something depends on, of partitions, in a tablespace of their own, with statistics
targets, or by which a table is clustered or replicated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .names import literal, quoted

if TYPE_CHECKING:
    import psycopg

BULK_ROWS = 100_000
"""Tables with fewer rows keep their indexes: the statements would take longer than they save."""
_INDEXES = """
    SELECT n.nspname, c.relname, x.relname, pg_catalog.pg_get_indexdef(i.indexrelid),
           pg_catalog.obj_description(i.indexrelid, 'pg_class'),
           k.conname, k.contype::text, k.condeferrable, k.condeferred,
           pg_catalog.obj_description(k.oid, 'pg_constraint')
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid
      AND k.contype IN ('p', 'u', 'x')
    WHERE c.oid = ANY(%(oids)s::oid[]) AND c.relkind = 'r' AND NOT c.relispartition
      AND pg_catalog.pg_has_role(c.relowner, 'USAGE')
      AND i.indisvalid AND i.indisready AND NOT i.indisclustered AND NOT i.indisreplident
      AND NOT i.indisexclusion AND x.reltablespace = 0
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = i.indexrelid AND COALESCE(a.attstattarget, -1) <> -1)
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE (d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = i.indexrelid
               OR d.refclassid = 'pg_catalog.pg_constraint'::regclass AND d.refobjid = k.oid)
          AND d.deptype <> 'i')
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = i.indexrelid
          AND d.deptype IN ('e', 'x'))
    ORDER BY 1, 2, 3
"""
_KINDS = {"p": "PRIMARY KEY", "u": "UNIQUE"}


@dataclass(frozen=True, slots=True)
class Index:
    """An index, and the key that stands on it if there is one.

    Attributes:
        schema: of the table and the index.
        table: the table.
        name: of the index.
        definition: its CREATE INDEX.
        comment: on the index.
        key: the constraint's name.
        kind: of the constraint, as the catalogue has it.
        deferrable: whether the constraint is.
        deferred: whether it is so at first.
        key_comment: on the constraint.
    """

    schema: str
    table: str
    name: str
    definition: str
    comment: str | None
    key: str | None
    kind: str | None
    deferrable: bool | None
    deferred: bool | None
    key_comment: str | None

    @property
    def drop(self) -> str:
        """The statement that drops it."""
        if self.key is None:
            return f"DROP INDEX {quoted(self.schema, self.name)}"
        return f"ALTER TABLE {quoted(self.schema, self.table)} DROP CONSTRAINT {quoted(self.key)}"

    @property
    def create(self) -> Iterator[str]:
        """The statements that make it what it was."""
        yield self.definition
        if self.comment is not None:
            name = quoted(self.schema, self.name)
            yield f"COMMENT ON INDEX {name} IS {literal(self.comment)}"
        if self.key is None or self.kind is None:
            return
        table, key = quoted(self.schema, self.table), quoted(self.key)
        waits = " DEFERRABLE" if self.deferrable else ""
        waits += " INITIALLY DEFERRED" if self.deferred else ""
        yield (
            f"ALTER TABLE {table} ADD CONSTRAINT {key} {_KINDS[self.kind]} "
            f"USING INDEX {quoted(self.name)}{waits}"
        )
        if self.key_comment is not None:
            yield f"COMMENT ON CONSTRAINT {key} ON {table} IS {literal(self.key_comment)}"


def rebuildable(cursor: psycopg.Cursor[Any], oids: Sequence[int]) -> list[Index]:
    """Return the indexes of tables that can be dropped and built again exactly as they are.

    Args:
        cursor: on the target; foreign keys that will be added again are dropped already.
        oids: the tables.
    """
    return [Index(*row) for row in cursor.execute(_INDEXES, {"oids": list(oids)}).fetchall()]
