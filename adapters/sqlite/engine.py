"""Engines of SQLite files.

Imported by the SQLite adapter only.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from .._sql.connection import new_engine

KEYWORDS = frozenset({"nothing", "returning"})
"""What SQLite reads as a keyword where a name stands, and SQLAlchemy does not know of."""


def sqlite_engine(url: sa.URL, **options: Any) -> sa.Engine:
    """Create an engine that opens a file anew each time, and quotes every name that needs it."""
    engine = new_engine(url, poolclass=sa.NullPool, **options)
    preparer = engine.dialect.identifier_preparer
    preparer.reserved_words = preparer.reserved_words | KEYWORDS
    return engine
