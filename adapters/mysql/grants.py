"""What an account may do, from SHOW GRANTS, its roles included.

Imported by the MySQL adapter only.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schemasynth.adapter import Need

from .names import on_schema, quoted

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
ON_SCHEMA = (
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "ALTER",
    "INDEX",
    "REFERENCES",
    "TRIGGER",
)
"""Privileges on a schema: staged tables are new, and the journal is written."""
TO_READ = ("SELECT",)
TO_SEE = ("SHOW VIEW",)
"""Shows a reader on MariaDB the checks of tables, and ON DELETE and ON UPDATE of foreign keys.

On the whole schema only; on single tables it does not.
"""
_FOR_OTHERS = frozenset({"SUPER", "SET USER", "SET_USER_ID", "SET_ANY_DEFINER"})
"""Any of them lets an account create triggers that act for another."""
_HOME = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP")
"""Privileges on the schema of marker and journal, where no table of it is refreshed."""
ANY_HOST = "%"
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

    def reaches(self, schema: str | None, table: str | None = None) -> bool:
        """Tell whether the grant covers a schema, or a table of it; None means the server."""
        if self.schema is not None and (schema is None or not like(self.schema).fullmatch(schema)):
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
    """Return ``CURRENT_USER()``, or a name alone, quoted for a GRANT."""
    name, at, host = user.rpartition("@")
    return f"{quoted(name)}@{quoted(host)}" if at else f"{quoted(host)}@{quoted(ANY_HOST)}"


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Privileges that an account must have on a schema or on one of its tables.

    Attributes:
        privileges: in capitals.
        schema: the schema; None for the whole server.
        table: the table; None for all of the schema.
        why: what they are for.
        parts: tables of the schema that do as well if they are granted one by one.
        welcome: further privileges, without which less is seen.
    """

    privileges: Sequence[str]
    schema: str | None
    table: str | None
    why: str
    parts: Sequence[str] = ()
    welcome: Sequence[str] = ()

    @property
    def where(self) -> str:
        """The object as a GRANT names it."""
        if self.schema is None:
            return "*.*"
        return on_schema(self.schema) if self.table is None else quoted(self.schema, self.table)


def needs(grants: Collection[Grant], wanted: Iterable[Wanted], to: str) -> tuple[Need, ...]:
    """Return what an account must be allowed, and what the grants lack of it.

    Args:
        grants: of the session's account.
        wanted: what must be allowed.
        to: the account that the statements grant to, quoted.
    """
    found = []
    for each in wanted:
        lacking = _lacking(grants, each)
        if each.parts and not any(
            _lacking(grants, replace(each, table=part)) for part in each.parts
        ):
            lacking = []
        statement = _grant([*each.privileges, *each.welcome], each.where, to)
        missing = _added(grants, each, lacking, to) if lacking else ""
        found.append(Need(statement, missing, each.why))
    return tuple(found)


def _grant(privileges: Iterable[str], where: str, to: str) -> str:
    return f"GRANT {', '.join(dict.fromkeys(privileges))} ON {where} TO {to};"


def _added(grants: Iterable[Grant], wanted: Wanted, lacking: Sequence[str], to: str) -> str:
    """Return the statement that adds what is lacking, and takes nothing away.

    Of the grants whose patterns match a schema the server heeds the most exact one only. So one
    that names this schema is extended as it is spelled; from a wider one all is repeated.
    """
    privileges = [*lacking, *wanted.welcome]
    if wanted.schema is None or wanted.table is not None:
        return _grant(privileges, wanted.where, to)
    known = [g for g in grants if g.schema is not None and g.table is None]
    matching = [g for g in known if g.reaches(wanted.schema)]
    if any(grant.schema == wanted.schema for grant in matching):
        return _grant(privileges, f"{quoted(wanted.schema)}.*", to)
    kept = sorted({p for g in matching for p in g.privileges} - set(wanted.privileges))
    exact = on_schema(wanted.schema)
    if any(f"{quoted(grant.schema or '')}.*" == exact for grant in matching) or not matching:
        return _grant(privileges, exact, to)
    return _grant([*wanted.privileges, *wanted.welcome, *kept], exact, to)


def _lacking(grants: Iterable[Grant], wanted: Wanted) -> list[str]:
    held = {p for g in grants if g.reaches(wanted.schema, wanted.table) for p in g.privileges}
    return [p for p in wanted.privileges if p not in held and EVERYTHING not in held]


def to_refresh(schemas: Collection[str], home: str) -> Iterator[Wanted]:
    """Yield what a refresh needs.

    Args:
        schemas: of the tables.
        home: the connection's own schema, where marker and journal are.
    """
    for schema in sorted(schemas):
        yield Wanted(ON_SCHEMA, schema, None, "new tables are staged and renamed into place")
    if home not in schemas:
        yield Wanted(_HOME, home, None, "holds the marker and the journal")


def acting(
    grants: Iterable[Grant], definers: Mapping[str, str], to: str, *, mariadb: bool
) -> tuple[Need, ...]:
    """Return what an account must be allowed so that triggers act for others as before.

    Args:
        grants: of the session's account.
        definers: for whom triggers act, quoted, with one that does.
        to: the account that the statement grants to, quoted.
        mariadb: whether the server is one.
    """
    others = [trigger for definer, trigger in definers.items() if definer != to]
    if not others:
        return ()
    everywhere = {p for g in grants if g.schema is None for p in g.privileges}
    statement = f"GRANT {'SET USER' if mariadb else 'SET_USER_ID'} ON *.* TO {to};"
    held = everywhere & (_FOR_OTHERS | {EVERYTHING})
    why = f"the trigger {others[0]} acts for somebody else and is created again"
    return (Need(statement, "" if held else statement, why),)
