"""What PostgreSQL says, without the row values that its messages carry.

Imported by the PostgreSQL adapter only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Loader

from schemasynth.errors import AdapterError, PrivilegeError

from .names import quoted

_NAMES_ONLY = "42"
"""The class of errors (syntax, privilege, unknown names) whose messages hold no row values."""
_DENIED = "42501"
_SESSION_ENDED = ("08", "57P")
"""Classes of errors: connection exceptions, and ends of sessions by an operator or a crash."""
HIDDEN_ROWS = "row-level security"
"""Stands in the message where a policy would hide rows; privileges lack it."""
_CANCELLED = "57014"
_TIMED_OUT = (
    "cancelled (SQLSTATE 57014), by an operator or by statement_timeout: raise it for the role"
)
_LINE = re.compile(r"^COPY .*?, line (\d+)", re.DOTALL)
_WORD = re.compile(r"(?<=[a-z])(?=[A-Z])")


@cache
def tolerant(loader: type[Loader]) -> type[Loader]:
    """Return a loader of dates that gives None for those Python cannot hold.

    Args:
        loader: psycopg's own, which raises for ``infinity`` and for years before 1 or after 9999.
    """

    class Tolerant(loader):  # type: ignore[valid-type, misc]
        def load(self, data: Any) -> Any:
            try:
                return super().load(data)
            except psycopg.DataError:
                return None

    return Tolerant


def driver_error(error: Exception) -> psycopg.Error | None:
    """Return the driver's error, unwrapped from SQLAlchemy's; None if it is none."""
    found = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    return found if isinstance(found, psycopg.Error) else None


def driver_lost(error: psycopg.Error) -> bool:
    """Tell whether the session itself is gone, so that the fate of a commit is not known."""
    state = error.sqlstate
    return state is None or state.startswith(_SESSION_ENDED)


def let_in(error: Exception, url: sa.URL) -> str:
    """Return the GRANT that opens a database to the role of a URL; empty if it lacks none.

    Errors of connecting carry no SQLSTATE, so their English text must tell.
    """
    if "permission denied for database" not in str(error) or not url.username:
        return ""
    return f"GRANT CONNECT ON DATABASE {quoted(url.database or '')} TO {url.username};"


def end(connection: sa.Connection) -> None:
    """Close a session, also one that the server has ended already."""
    with suppress(sa.exc.DBAPIError):
        connection.close()


def reason(error: Exception) -> str:
    """Return what went wrong by kind and names, never by value.

    Args:
        error: of psycopg or SQLAlchemy.
    """
    found = driver_error(error)
    if found is None:
        return type(error).__name__
    if found.sqlstate is None:
        return "the connection was lost"
    if found.sqlstate == _CANCELLED:
        return _TIMED_OUT
    diagnostic = found.diag
    if found.sqlstate.startswith(_NAMES_ONLY) and diagnostic.message_primary:
        return diagnostic.message_primary
    kind = _WORD.sub(" ", type(found).__name__).lower()
    named = (
        f"{what} {name}"
        for what, name in (
            ("constraint", diagnostic.constraint_name),
            ("column", diagnostic.column_name),
        )
        if name
    )
    return " ".join((f"{kind} (SQLSTATE {found.sqlstate})", *named))


def misfit(error: psycopg.Error, columns: Iterable[str], before: int = 0) -> str:
    """Return which column and row of a COPY the server refused, and why, without the value.

    Args:
        error: of a COPY FROM.
        columns: names of the columns that were copied.
        before: rows sent before the block that line 1 stands for.
    """
    if driver_lost(error) or error.sqlstate == _CANCELLED:
        return reason(error)
    context = error.diag.context or ""
    line = _LINE.match(context)
    rest = context[line.end() :] if line else ""
    named = [name for name in columns if rest.startswith(f", column {name}:")]
    column = error.diag.column_name or max(named, key=len, default=None)
    kind = _WORD.sub(" ", type(error).__name__).lower()
    where = f"column {column}: " if column else ""
    row = f", row {before + int(line.group(1)):,}" if line else ""
    return f"{where}{kind} (SQLSTATE {error.sqlstate}){row}"


def refusal(error: sa.exc.DBAPIError, shown_url: str, role: str) -> AdapterError:
    """Return the error of a refused statement; names the GRANT if a privilege is missing.

    Args:
        error: from SQLAlchemy.
        shown_url: the database, for people.
        role: the session's role, quoted.
    """
    found = driver_error(error)
    what = reason(error)
    if found is None or found.sqlstate != _DENIED:
        return AdapterError(f"{shown_url} refused a query: {what}")
    if HIDDEN_ROWS in what:
        cure = f"ALTER ROLE {role} BYPASSRLS;"
    elif denied := re.search(r"for (table|schema|view|sequence) (.+)$", what):
        privilege = "USAGE" if denied.group(1) == "schema" else "SELECT"
        kind = "TABLE" if denied.group(1) == "view" else denied.group(1).upper()
        cure = f"GRANT {privilege} ON {kind} {denied.group(2)} TO {role};"
    else:
        cure = f"grant it to {role}."
    return PrivilegeError(f"{shown_url}: {what}. An owner can allow it: {cure}")
