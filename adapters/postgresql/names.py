"""Quoted names, and statements as text for the driver.

Imported by the PostgreSQL adapter only.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from schemasynth.model import Table

from .._sql.tally import Tally

PLAIN = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
"""Compiles for the driver itself: per cent signs in names are not doubled."""
STAGE_PREFIX = "schemasynth_stage_"
STAGE_COMMENT = "schemasynth: rows of an unfinished load"
"""Marks a schema as one that `recover` may drop."""
_MAX_SUFFIX = 63 - len(STAGE_PREFIX)


def quoted(*parts: str) -> str:
    """Return a dotted name, each part quoted."""
    return ".".join(PLAIN.identifier_preparer.quote_identifier(part) for part in parts)


def literal(text: str) -> str:
    """Return a string as a literal of a statement without parameters."""
    return "'" + text.replace("'", "''") + "'"


def stage_name(run_id: str) -> str:
    """Return the schema that holds what a run stages; at most 63 bytes, different per run."""
    plain = re.sub(r"[^a-z0-9_]", "_", run_id.lower())
    if plain == run_id and len(plain) <= _MAX_SUFFIX:
        return STAGE_PREFIX + plain
    digest = hashlib.sha256(run_id.encode()).hexdigest()[:12]
    return f"{STAGE_PREFIX}{plain[: _MAX_SUFFIX - 13]}_{digest}"


class OnlyTable(sa.TableClause):
    """A table without the rows of those that inherit from it."""

    inherit_cache = False


@compiles(OnlyTable, "postgresql")
def _only(element: OnlyTable, compiler: SQLCompiler, **options: Any) -> str:
    text: str = compiler.visit_table(element, **options)  # type: ignore[no-untyped-call]
    return f"ONLY {text}" if options.get("asfrom") else text


def relation(schema: str | None, name: str, table: Table, *, only: bool = False) -> sa.TableClause:
    """Return a relation with the columns of a table, every name quoted.

    Args:
        schema: where it is.
        name: its name.
        table: whose columns it has.
        only: leave out the rows of inheriting tables.
    """
    kind = OnlyTable if only else sa.TableClause
    columns: list[sa.ColumnClause[Any]] = [
        sa.column(sa.quoted_name(column, quote=True)) for column in table.column_names
    ]
    place = sa.quoted_name(schema, quote=True) if schema else None
    return kind(sa.quoted_name(name, quote=True), *columns, schema=place)


def text_of(statement: sa.Select[Any]) -> str:
    """Return a statement as text, its literals in place, for COPY, which takes no parameters."""
    return str(statement.compile(dialect=PLAIN, compile_kwargs={"literal_binds": True}))


def counting_cursor(tally: Tally) -> type[psycopg.Cursor[Any]]:
    """Return the driver's cursor, with what it sends counted by class."""

    class Counting(psycopg.Cursor[Any]):
        def execute(self, query: Any, *arguments: Any, **options: Any) -> Any:
            tally.count(query if isinstance(query, (str, bytes)) else "")
            return super().execute(query, *arguments, **options)

        def copy(self, statement: Any, *arguments: Any, **options: Any) -> Any:
            tally.count(statement if isinstance(statement, (str, bytes)) else "")
            return super().copy(statement, *arguments, **options)

    return Counting
