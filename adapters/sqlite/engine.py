"""Engines of SQLite files.

Imported by the SQLite adapter only.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa

from .._sql.connection import new_engine
from .._sql.tally import Tally

KEYWORDS = frozenset({"nothing", "returning"})
"""What SQLite reads as a keyword where a name stands, and SQLAlchemy does not know of."""


def counting(tally: Tally) -> type[sqlite3.Connection]:
    """Return the driver's connection, with what it sends counted by class, not by row."""

    class CountingCursor(sqlite3.Cursor):
        def execute(self, sql: str, values: Any = (), /) -> CountingCursor:
            tally.count(sql)
            return super().execute(sql, values)

        def executemany(self, sql: str, rows: Any, /) -> CountingCursor:
            tally.count(sql)
            return super().executemany(sql, rows)

    class Counting(sqlite3.Connection):
        def cursor(self, *_: Any) -> Any:
            return super().cursor(CountingCursor)

        def execute(self, sql: str, values: Any = (), /) -> sqlite3.Cursor:
            tally.count(sql)
            return super().execute(sql, values)

        def executemany(self, sql: str, rows: Any, /) -> sqlite3.Cursor:
            tally.count(sql)
            return super().executemany(sql, rows)

    return Counting


def sqlite_engine(url: sa.URL, **options: Any) -> sa.Engine:
    """Create an engine that opens a file anew each time, and quotes every name that needs it."""
    engine = new_engine(url, poolclass=sa.NullPool, **options)
    preparer = engine.dialect.identifier_preparer
    preparer.reserved_words = preparer.reserved_words | KEYWORDS
    return engine
