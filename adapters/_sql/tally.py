"""How many statements of which class were sent: for the audit file, so never with a name or value.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

import re
from collections import Counter

_VERBS = frozenset(
    {
        "ALTER", "ANALYZE", "BEGIN", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE", "DO", "DROP",
        "INSERT", "KILL", "LOAD", "LOCK", "PRAGMA", "RELEASE", "RENAME", "REPLACE", "ROLLBACK",
        "SAVEPOINT", "SELECT", "SET", "SHOW", "START", "TRUNCATE", "UPDATE", "USE", "WITH",
    }
)  # fmt: skip
_OBJECTS = frozenset(
    {"COLUMN", "CONSTRAINT", "DATA", "INDEX", "SCHEMA", "SEQUENCE", "TABLE", "TRIGGER", "VIEW"}
)
_WORD = re.compile(r"[A-Z_]+")
_LOOKED_AT = 200
"""Characters at the beginning in which the kind of object stands, behind DEFINER and such."""


def statement_class(statement: str | bytes) -> str:
    """Return the verb of a statement, and the kind of object where it makes or changes one."""
    begin = statement[:_LOOKED_AT]
    text = begin.decode("utf-8", "replace") if isinstance(begin, bytes) else begin
    words: list[str] = _WORD.findall(text.upper())
    if not words or words[0] not in _VERBS:
        return "OTHER"
    if words[0] in ("ALTER", "CREATE", "DROP", "COMMENT", "LOAD", "RENAME"):
        kind = next((word for word in words[1:] if word in _OBJECTS), "")
        return f"{words[0]} {kind}".strip()
    return words[0]


class Tally:
    """Counts statements by class until somebody asks."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._counted: Counter[str] = Counter()

    def count(self, statement: str | bytes) -> None:
        """Count one statement."""
        self._counted[statement_class(statement)] += 1

    def take(self) -> dict[str, int]:
        """Return what was counted since the last time, by class."""
        counted, self._counted = self._counted, Counter()
        return dict(sorted(counted.items()))
