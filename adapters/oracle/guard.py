"""The tripwire on source connections, for what only Oracle has.

Imported by the Oracle adapter only.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from schemasynth.errors import SafetyError

from .._sql.guard import STANDARD, is_read

_BEGINNINGS = frozenset({"SELECT", "WITH"})
_CODE = frozenset({"FUNCTION", "PROCEDURE"})
"""Behind WITH they begin PL/SQL, which may do anything."""
_DRAWN = "NEXTVAL"
"""A sequence moves on when it is read, also in a read-only transaction."""
_PACKAGES = ("DBMS_", "UTL_", "OWA_")
_ALTERNATIVE_QUOTES = re.compile(r"(?<![\w$#])n?q'", re.IGNORECASE)
"""``q'[…]'`` would hide the end of a literal from the grammar."""
READ_ONLY = "SET TRANSACTION READ ONLY"
"""The one statement besides: all reads behind it see one state, and DML is refused."""


def only_reads_oracle(statement: str) -> bool:
    """Tell whether a statement only reads.

    Args:
        statement: one statement; names and literals in quotes are not looked into.
    """
    if _ALTERNATIVE_QUOTES.search(statement) or not is_read(statement):
        return False
    words = [m["word"].upper() for m in STANDARD.finditer(statement) if m["word"]]
    if words[0] not in _BEGINNINGS or _DRAWN in words or _CODE.intersection(words[1:2]):
        return False
    return not any(word.startswith(_PACKAGES) for word in words)


def require_read(statement: str) -> None:
    """Refuse to send what could write.

    Raises:
        SafetyError: the statement is not sent.
    """
    if not only_reads_oracle(statement):
        raise SafetyError("A source is only read; a statement that could write was not sent.")


def guard(engine: sa.Engine) -> None:
    """Make an engine refuse every statement that is not a read.

    Args:
        engine: of a source.
    """

    @sa.event.listens_for(engine, "before_cursor_execute")
    def refuse(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        require_read(statement)
