"""The tripwire on source connections: a statement that is not a read never reaches the driver.

One of several layers; imported by the adapters of single databases only.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from schemasynth.errors import SafetyError

_READS = frozenset({"SELECT", "WITH", "VALUES", "EXPLAIN", "SHOW", "PRAGMA", "DESCRIBE", "TABLE"})
_WRITES = frozenset(
    {
        "INSERT",
        "UPDATE",
        "DELETE",
        "MERGE",
        "REPLACE",
        "TRUNCATE",
        "CREATE",
        "ALTER",
        "DROP",
        "GRANT",
        "REVOKE",
        "CALL",
        "EXEC",
        "EXECUTE",
        "DO",
        "LOAD",
        "IMPORT",
        "ATTACH",
        "DETACH",
        "VACUUM",
        "REINDEX",
        "LOCK",
        "INTO",
    }
)
"""`INTO` stops SELECT … INTO; the others stop data-modifying WITH clauses."""
_TOKEN = re.compile(
    r"""
    '(?:[^']|'')*' | "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\]   # literals, quoted names
  | --[^\n]* | /\*.*?\*/                                            # comments
  | (?P<dollar>\$[A-Za-z_]*\$).*?(?P=dollar)                        # PostgreSQL literals
  | (?P<word>[A-Za-z_][A-Za-z0-9_$]*) | (?P<semicolon>;)
    """,
    re.VERBOSE | re.DOTALL,
)


def is_read(statement: str) -> bool:
    """Tell whether a statement only reads.

    Args:
        statement: one SQL statement; names and literals in quotes are not looked into.
    """
    tokens = [m for m in _TOKEN.finditer(statement) if m.group("word") or m.group("semicolon")]
    words = [m.group("word").upper() for m in tokens if m.group("word")]
    if not words or words[0] not in _READS:
        return False
    ended = next((i for i, m in enumerate(tokens) if m.group("semicolon")), len(tokens))
    if any(m.group("word") for m in tokens[ended:]):
        return False
    if words[0] == "PRAGMA":
        return "=" not in statement
    return not (_WRITES.intersection(words) or "FOR UPDATE" in " ".join(words))


def only_reads(engine: sa.Engine) -> None:
    """Make an engine refuse every statement that is not a read.

    Raises:
        SafetyError: later, from the refused statement, which is not sent.
    """

    @sa.event.listens_for(engine, "before_cursor_execute")
    def refuse(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not is_read(statement):
            raise SafetyError("A source is only read; a statement that could write was not sent.")
