"""What the server says, without the row values that its messages carry.

Imported by the MySQL adapter only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from schemasynth.errors import AdapterError, PrivilegeError

from .names import on_schema, quoted

DENIED = frozenset({1044, 1045, 1142, 1143, 1227, 1370, 1419})
"""Access denied: to a database, a table, a column, an operation, a routine, a trigger."""
NO_DATABASE = 1044
LOST = frozenset({0, 2003, 2006, 2013, 2014, 1053, 1077, 1927, 4031})
"""The session is gone: network, shutdown, or it was killed."""
LOCK_TIMEOUT = frozenset({1205, 3572})
"""A lock was not given in time."""
INTERRUPTED = 1317
LOCAL_FORBIDDEN = frozenset({1148, 3948, 4166})
"""The server does not take files from clients (``local_infile`` is off)."""
_NAMES_ONLY = DENIED | {
    1046, 1049, 1050, 1051, 1054, 1064, 1109, 1146, 1149, 1267, 1271, 1305, 1347, 1356, 1419, 1449,
    1701, 1792, 3730, 4161,
}  # fmt: skip
"""Errors whose messages hold names of objects and statements of ours, never row values."""
_KINDS = {
    1048: "a NULL in a column that is NOT NULL",
    1062: "a value twice in a unique key",
    1216: "a foreign key has no referenced row",
    1263: "a NULL in a column that is NOT NULL",
    1264: "a number out of range",
    1265: "a value that does not fit the type",
    1292: "a value that is not of the type",
    1366: "a value that is not of the type",
    1406: "a value that is too long",
    1411: "a value that is not of the type",
    1416: "a value that is no geometry",
    1452: "a foreign key has no referenced row",
    1526: "a row that no partition takes",
    3140: "a text that is not JSON",
    3819: "a row that violates a check",
    4025: "a row that violates a check",
}
"""In words, by number (dev.mysql.com, mariadb.com: server error reference)."""
_SHUT = re.compile(r"for user '(.*)'@'(.*)' to database '(.*)'")
_COLUMN = re.compile(r"[Cc]olumn '?(?:`[^`]*`\.`[^`]*`\.)?[`']?(.+?)[`']? at row (\d+)")
_NULLED = re.compile(r"Column '(.+?)' cannot be null")
_KEY = re.compile(r"for key '?(?:[^'.]*\.)?(.+?)'?$")
_CHECK = re.compile(r"(?:CONSTRAINT|Check constraint) [`'](.+?)[`'] (?:failed|is violated)")


def code(error: BaseException) -> int:
    """Return the server's number of an error of the driver or of SQLAlchemy; 0 if it has none."""
    found = getattr(error, "orig", None) or error
    first = found.args[0] if found.args else 0
    return first if isinstance(first, int) else 0


def _message(error: BaseException) -> str:
    found = getattr(error, "orig", None) or error
    return str(found.args[1]) if len(found.args) > 1 else ""


def lost(error: BaseException) -> bool:
    """Tell whether the session itself is gone, so that the fate of a statement is not known."""
    return code(error) in LOST


def let_in(privileges: Iterable[str]) -> Callable[[Exception, sa.URL], str]:
    """Return what names the GRANT that opens a database to an account; empty if it lacks none.

    Args:
        privileges: what the account needs there.
    """

    def cure(error: Exception, _: sa.URL) -> str:
        found = _SHUT.search(_message(error)) if code(error) == NO_DATABASE else None
        if found is None:
            return ""
        user, host, database = found.groups()
        account = f"{quoted(user)}@{quoted(host)}"
        return f"GRANT {', '.join(privileges)} ON {on_schema(database)} TO {account};"

    return cure


def reason(error: BaseException) -> str:
    """Return what went wrong by kind and names, never by value.

    Args:
        error: of the driver or of SQLAlchemy.
    """
    number, message = code(error), _message(error)
    if number in LOST:
        return "the connection was lost"
    if number in _NAMES_ONLY:
        return f"{message.splitlines()[0] if message else 'refused'} (error {number})"
    return kind(number, message)


def kind(number: int, message: str) -> str:
    """Return the kind of an error and the column, row, key or check it names.

    Args:
        number: the server's.
        message: the server's; may hold values.
    """
    named: list[str] = []
    if found := _COLUMN.search(message):
        named += [f"column {found.group(1)}", f"row {int(found.group(2)):,}"]
    elif found := _NULLED.search(message):
        named.append(f"column {found.group(1)}")
    if number == 1062 and (found := _KEY.search(message)):
        named.append(f"key {found.group(1)}")
    if number in (3819, 4025) and (found := _CHECK.search(message)):
        named.append(f"check {found.group(1)}")
    what = f"{_KINDS.get(number, 'refused')} (error {number})"
    return ", ".join((what, *named))


def refusal(error: BaseException, what: str, account: str) -> AdapterError:
    """Return the error of a refused statement; names the GRANT if a privilege is missing.

    Args:
        error: of the driver or of SQLAlchemy.
        what: cannot be done, or was refused, for people.
        account: the session's account, quoted.
    """
    said = reason(error)
    if code(error) not in DENIED:
        return AdapterError(f"{what}: {said}.")
    found = re.search(r"^(.+?) command denied .* for table (.+?)(?: \(|$)", said)
    cure = (
        f"GRANT {found.group(1)} ON {_place(found.group(2))} TO {account};"
        if found
        else f"grant it to {account}."
    )
    return PrivilegeError(f"{what}: {said}. An administrator can allow it: {cure}")


def _place(named: str) -> str:
    """Return a table as the server names it in a message, quoted."""
    parts: Sequence[Any] = re.findall(r"`((?:[^`]|``)*)`|'([^']*)'|([^.`']+)", named)
    return ".".join(f"`{next(filter(None, part), '')}`" for part in parts)
