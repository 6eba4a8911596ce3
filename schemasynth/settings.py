"""What people type: database URLs with ${VARIABLES}, or a path to a database file.

Imports errors only; the API and the command line read all input through it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from schemasynth.errors import SettingsError

if TYPE_CHECKING:
    import sqlalchemy as sa

SQLITE_SUFFIXES = frozenset({".sqlite", ".sqlite3", ".db", ".db3"})
_HIDDEN = "What was given (not shown, for its @ may follow a password)"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DEFAULT_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "oracle": "oracle+oracledb",
}
"""Drivers this project brings or names as extras, where the URL names none."""


def expand_variables(text: str) -> str:
    """Replace each ``${NAME}`` by the environment variable of that name.

    Args:
        text: a URL or path.

    Raises:
        SettingsError: a variable is not set; names it.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise SettingsError(f"The environment variable {name} is not set.")
        return os.environ[name]

    return _VARIABLE.sub(value, text)


def database_url(text: str) -> sa.URL:
    """Read a database URL.

    Args:
        text: a SQLAlchemy URL, in which ``${NAME}`` is expanded, or the path of a SQLite file.

    Returns:
        The URL, with the driver this project uses where the text names none.

    Raises:
        SettingsError: it is neither; the message repeats no credentials.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    expanded = expand_variables(text)
    if "://" not in expanded:
        return _file_url(expanded, text)
    try:
        url = make_url(expanded)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "A database URL could not be read. Expected "
            "dialect://user:password@host:port/database, with special characters in the "
            "password percent-encoded."
        ) from None
    if any("@" in part for part in (url.host, url.database) if part):
        raise SettingsError(
            "A database URL has an @ after the host, so its password is cut off; write special "
            "characters in the password percent-encoded (@ as %40, / as %2F)."
        )
    return url.set(drivername=_DEFAULT_DRIVERS.get(url.drivername, url.drivername))


def _file_url(path: str, typed: str) -> sa.URL:
    from sqlalchemy.engine import URL

    if Path(path).suffix.lower() not in SQLITE_SUFFIXES and not Path(path).is_file():
        given = _HIDDEN if "@" in typed else repr(typed)
        raise SettingsError(
            f"{given} is neither a database URL (dialect://…) nor a SQLite file "
            f"({', '.join(sorted(SQLITE_SUFFIXES))})."
        )
    return URL.create("sqlite", database=path)


def shown(url: sa.URL) -> str:
    """Return a URL for people: without user, password and query."""
    from sqlalchemy.engine import URL

    plain = URL.create(url.drivername, host=url.host, port=url.port, database=url.database)
    return plain.render_as_string(hide_password=True)
