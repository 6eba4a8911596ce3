"""What the server says, without the row values that its messages carry.

Imported by the Oracle adapter only.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa

from schemasynth.errors import AdapterError, PrivilegeError
from schemasynth.settings import shown

from .names import quoted

NO_SESSION = 1045
"""The user lacks CREATE SESSION."""
DENIED = frozenset({942, 1031, 1720, 1749, 2030, 41900})
"""The table does not exist or may not be seen; insufficient privileges."""
ENCRYPTION_REQUIRED = frozenset({12660, 28365})
"""The server insists on native network encryption, which thin mode does not have."""
THICK_ONLY = re.compile(r"DPY-(3001|3010|3015|4011)")
"""Answers of the thin driver that a server gives which it cannot talk to."""
LOCKED = frozenset({54, 60, 4021, 30006})
"""Another session uses the table: no wait, deadlock, wait has ended."""
LOST = frozenset({28, 1012, 1033, 1089, 1092, 2396, 3113, 3114, 3135, 12170, 12537, 12547, 12571})
_LOST_DRIVER = re.compile(r"DPY-(1001|4011|4024)|DPI-(1010|1080)")
_NAMES_ONLY = DENIED | {
    900, 903, 904, 907, 911, 923, 933, 936, 955, 1017, 1502, 1918, 2019, 2149, 2264, 2270, 2275,
    2443, 4043, 4080, 4098, 12154, 12505, 12514, 25128, 28000, 28001,
}  # fmt: skip
"""Errors whose messages hold names of objects and words of statements, never row values."""
_KINDS = {
    1: "a value twice in a unique key",
    932: "a value that is not of the type",
    1400: "a NULL in a column that is NOT NULL",
    1407: "a NULL in a column that is NOT NULL",
    1426: "a number out of range",
    1438: "a number out of range",
    1555: "the old state of a row is gone (snapshot too old)",
    1652: "the tablespace is full",
    1653: "the tablespace is full",
    1658: "the tablespace is full",
    1536: "the quota on the tablespace is used up",
    1722: "a text that is no number",
    1830: "a text that is no date",
    1841: "a text that is no date",
    1858: "a text that is no date",
    2091: "a deferred constraint is violated",
    2290: "a row that violates a check",
    2291: "a foreign key has no referenced row",
    2292: "a referenced row is still in use",
    2298: "a foreign key has no referenced row",
    12899: "a value that is too long",
    14400: "a row that no partition takes",
    30036: "there is no room for undo",
    32795: "a value for an identity column that is GENERATED ALWAYS",
    40441: "a text that is not JSON",
}
"""In words, by number (docs.oracle.com: error help)."""
_OBJECT = re.compile(r'\(("?[\w$#" .]+"?)\)')
_COLUMN = re.compile(r'"[^"]+"\."[^"]+"\."([^"]+)"')


def _info(error: BaseException) -> Any:
    found = getattr(error, "orig", None) or error
    return found.args[0] if found.args else None


def code(error: BaseException) -> int:
    """Return the server's number of an error of the driver or of SQLAlchemy; 0 if it has none."""
    found = getattr(_info(error), "code", 0)
    return found if isinstance(found, int) else 0


def _message(error: BaseException) -> str:
    found = _info(error)
    return str(getattr(found, "message", found) or "")


def lost(error: BaseException) -> bool:
    """Tell whether the session itself is gone, so that the fate of a statement is not known."""
    return code(error) in LOST or bool(_LOST_DRIVER.search(_message(error)))


def reason(error: BaseException) -> str:
    """Return what went wrong by kind and names, never by value.

    Args:
        error: of the driver or of SQLAlchemy.
    """
    number, message = code(error), _message(error)
    if lost(error):
        return "the connection was lost"
    if number in LOCKED:
        return f"other sessions use the table (ORA-{number:05})"
    if number in _NAMES_ONLY:
        line = message.splitlines()[0] if message else "refused"
        return line if line.startswith("ORA-") else f"{line} (ORA-{number:05})"
    named = ""
    if found := _COLUMN.search(message):
        named = f", column {found[1]}"
    elif number in (1, 2290, 2291, 2292, 2298) and (found := _OBJECT.search(message)):
        named = f", constraint {found[1]}"
    if number == 0:  # of the driver itself: its number, for its text may hold a value
        found = re.search(r"D[PV][YI]-\d+", message)
        return f"the driver refused it ({found[0] if found else type(error).__name__})"
    return f"{_KINDS.get(number, 'refused')} (ORA-{number:05}){named}"


def let_in(error: Exception, url: sa.URL) -> str:
    """Return the GRANT that opens a database to a user; empty if none is lacking."""
    if code(error) != NO_SESSION:
        return ""
    return f"GRANT CREATE SESSION TO {quoted((url.username or '').upper())};"


def needs_thick(error: BaseException) -> bool:
    """Tell whether a server was reached that the thin driver cannot talk to."""
    return code(error) in ENCRYPTION_REQUIRED or bool(THICK_ONLY.search(_message(error)))


def refusal(error: BaseException, what: str, url: sa.URL, user: str) -> AdapterError:
    """Return the error of a refused statement; says what to grant if a privilege is missing.

    Args:
        error: of the driver or of SQLAlchemy.
        what: cannot be done, or was refused, for people.
        url: of the database.
        user: the session's.
    """
    said = reason(error)
    if code(error) not in DENIED:
        return AdapterError(f"{what}: {said}.")
    return PrivilegeError(
        f"{what}: {said}. `schemasynth grants {shown(url)}` prints what {quoted(user)} needs."
    )
