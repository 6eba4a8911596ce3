"""What an account may do, from SHOW GRANTS, its roles included.

Imported by the MySQL adapter only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .names import quoted

if TYPE_CHECKING:
    import pymysql

READING = frozenset(
    {
        "USAGE",
        "SELECT",
        "SHOW VIEW",
        "SHOW DATABASES",
        "SHOW CREATE ROUTINE",
        "PROCESS",
        "LOCK TABLES",
        "EXECUTE",
        "REPLICATION CLIENT",
        "REPLICATION SLAVE",
        "REPLICA MONITOR",
        "SLAVE MONITOR",
        "BINLOG MONITOR",
        "SHOW_ROUTINE",
    }
)
"""Privileges that change nothing; a routine one may EXECUTE can, if its definer may."""
EVERYTHING = "ALL PRIVILEGES"
_NO_ROLE = "NONE"
_NAME = r"`(?:[^`]|``)*`"
_ROLE = rf"{_NAME}(?:@{_NAME})?"
_GRANT = re.compile(
    rf"GRANT (?P<what>.+?) ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE(?: BODY)?) )?"
    rf"(?P<schema>\*|{_NAME})(?:\.(?P<object>\*|{_NAME}))? TO "
)
_ROLES = re.compile(rf"GRANT (?P<roles>{_ROLE}(?:, ?{_ROLE})*) TO ")
_PRIVILEGE = re.compile(r"([A-Z_][A-Z_ ]*[A-Z])(?: \(([^)]*)\))?")
_WILDCARD = re.compile(r"\\([%_])|([%_])|([^%_\\]+|\\)")


@dataclass(frozen=True, slots=True)
class Grant:
    """Privileges on an object.

    Attributes:
        privileges: in capitals.
        schema: a pattern of LIKE; None for all.
        table: None for all of the schema.
    """

    privileges: frozenset[str]
    schema: str | None
    table: str | None

    def covers(self, schema: str, table: str | None = None) -> bool:
        """Tell whether the grant reaches a schema, or a table of it."""
        if self.schema is not None and not like(self.schema).fullmatch(schema):
            return False
        return self.table is None or self.table == table

    @property
    def where(self) -> str:
        """The object, for people."""
        schema = "*" if self.schema is None else quoted(self.schema)
        return f"{schema}.{'*' if self.table is None else quoted(self.table)}"


def like(pattern: str) -> re.Pattern[str]:
    """Return a pattern of LIKE as a regular expression."""
    parts = []
    for escaped, wild, text in _WILDCARD.findall(pattern):
        parts.append({"%": ".*", "_": "."}[wild] if wild else re.escape(escaped or text))
    return re.compile("".join(parts), re.DOTALL)


def account(user: str) -> str:
    """Return ``CURRENT_USER()`` quoted, for a GRANT."""
    name, _, host = user.rpartition("@")
    return f"{quoted(name)}@{quoted(host)}"


def active_grants(driver: pymysql.Connection, *, mariadb: bool) -> list[Grant]:
    """Return the grants of the session: of its account and of the roles it has taken.

    Args:
        driver: the driver's connection.
        mariadb: whether the server is one, which then shows the role's too.
    """
    lines = _shown(driver, "SHOW GRANTS")
    if not mariadb:
        (roles,) = _shown(driver, "SELECT CURRENT_ROLE()")
        if roles != _NO_ROLE:
            lines += _shown(driver, f"SHOW GRANTS FOR CURRENT_USER() USING {roles}")
    return list(parsed(lines))


def obtainable_grants(driver: pymysql.Connection, *, mariadb: bool) -> list[Grant]:
    """Return the grants of the session's account and of all roles it may take.

    Args:
        driver: of a session of its own, whose role changes on MariaDB: it shows no other.
        mariadb: whether the server is one.
    """
    lines = _shown(driver, "SHOW GRANTS")
    for role in list(_roles(lines)):
        if mariadb:
            with driver.cursor() as cursor:
                cursor.execute(f"SET ROLE {role}")
            lines += _shown(driver, "SHOW GRANTS FOR CURRENT_ROLE")
        else:
            lines += _shown(driver, f"SHOW GRANTS FOR CURRENT_USER() USING {role}")
    return list(dict.fromkeys(parsed(lines)))


def _shown(driver: pymysql.Connection, statement: str) -> list[str]:
    with driver.cursor() as cursor:
        cursor.execute(statement)
        return [str(row[0]) for row in cursor.fetchall()]


def _roles(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        found = _ROLES.match(line)
        if found and _GRANT.match(line) is None:
            yield from re.findall(_ROLE, found["roles"])


def parsed(lines: Iterable[str]) -> Iterator[Grant]:
    """Yield the grants on schemas and tables among lines of SHOW GRANTS."""
    for line in lines:
        found = _GRANT.match(line)
        if found is None:
            continue
        schema = _unquoted(found["schema"])
        table = _unquoted(found["object"]) if found["object"] else None
        yield Grant(frozenset(m[0] for m in _PRIVILEGE.findall(found["what"])), schema, table)


def _unquoted(name: str) -> str | None:
    return None if name == "*" else name[1:-1].replace("``", "`")


def writes(grants: Iterable[Grant], schema: str | None) -> tuple[str, ...]:
    """Return one line for each grant that lets an account change a schema or the server.

    Args:
        grants: of the account.
        schema: the schema; all where none is named.
    """
    lines = []
    for grant in grants:
        changing = sorted(grant.privileges - READING)
        reaches = schema is None or grant.schema is None or like(grant.schema).fullmatch(schema)
        if changing and reaches:
            lines.append(f"{', '.join(changing)} on {grant.where}")
    return tuple(dict.fromkeys(lines))


def missing(
    grants: Collection[Grant], needed: Iterable[tuple[Sequence[str], str, str | None]], to: str
) -> list[str]:
    """Return the statements that would give an account what it lacks; empty if nothing.

    Args:
        grants: of the account.
        needed: privileges with a schema, and a table or None for all of it.
        to: the account, quoted.
    """
    lines = []
    for privileges, schema, table in needed:
        held = {p for g in grants if g.covers(schema, table) for p in g.privileges}
        lacking = [p for p in privileges if p not in held and EVERYTHING not in held]
        if lacking:
            place = f"{quoted(schema)}.{'*' if table is None else quoted(table)}"
            lines.append(f"GRANT {', '.join(lacking)} ON {place} TO {to};")
    return lines
