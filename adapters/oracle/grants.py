"""What a user may do: privileges of the session, of its roles, and of everybody.

Imported by the Oracle adapter only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from schemasynth.adapter import Need
from schemasynth.model import Schema

from . import catalog
from .names import quoted
from .reflect import Place, Server, by_table, rows_of

READING = frozenset(
    {
        "ALTER SESSION",
        "CREATE SESSION",
        "EXEMPT ACCESS POLICY",
        "EXEMPT REDACTION POLICY",
        "FLASHBACK",
        "FLASHBACK ANY TABLE",
        "GLOBAL QUERY REWRITE",
        "DEBUG",
        "EXECUTE",
        "INHERIT PRIVILEGES",
        "ON COMMIT REFRESH",
        "QUERY REWRITE",
        "READ",
        "READ ANY TABLE",
        "RESTRICTED SESSION",
        "SELECT",
        "SELECT ANY DICTIONARY",
        "SELECT ANY SEQUENCE",
        "SELECT ANY TABLE",
        "SELECT ANY TRANSACTION",
        "SET CONTAINER",
        "USE",
    }
)
"""Privileges that change nothing; a routine one may EXECUTE can, if its owner may."""
TO_READ = ("READ", "SELECT")
"""Either lets a user read; READ does not let him lock rows, and is the one that is asked for."""
ON_TABLE = ("SELECT", "INSERT", "DELETE", "ALTER")
"""Privileges on a table of another schema: its rows are replaced, its keys disabled meanwhile."""
NAMES_SHOWN = 3
"""Objects that a line names before it says how many more there are."""


@dataclass(frozen=True, slots=True)
class Held:
    """Privileges of a session.

    Attributes:
        user: whose; he may do anything in his own schema.
        everywhere: system privileges.
        schemas: privileges on all of a schema.
        objects: privileges on tables and sequences.
    """

    user: str
    everywhere: frozenset[str]
    schemas: Mapping[str, Collection[str]]
    objects: Mapping[Place, Collection[str]]

    def allows(self, privilege: str, place: Place, kind: str = "TABLE") -> bool:
        """Tell whether a privilege is held on an object, by whatever way."""
        general = f"{privilege} ANY {kind}"
        return (
            place[0] == self.user
            or general in self.everywhere
            or general in self.schemas.get(place[0], ())
            or privilege in self.objects.get(place, ())
        )


def held(connection: sa.Connection, server: Server) -> Held:
    """Return the privileges of the session.

    Args:
        connection: open.
        server: what it is.
    """
    schemas: dict[str, set[str]] = defaultdict(set)
    if server.version >= catalog.SCHEMA_PRIVILEGES_SINCE:
        for schema, privilege in rows_of(connection, catalog.SCHEMA_PRIVILEGES):
            schemas[schema].add(privilege)
    objects = by_table(rows_of(connection, catalog.OBJECT_PRIVILEGES))
    return Held(
        user=server.user,
        everywhere=frozenset(row[0] for row in rows_of(connection, catalog.SYSTEM_PRIVILEGES)),
        schemas=schemas,
        objects={place: {row[0] for row in rows} for place, rows in objects.items()},
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A privilege that a user must have.

    Attributes:
        privileges: any one of them will do; the first is asked for.
        why: what it is for.
        place: the object; None for a privilege of the system.
        kind: of the object.
    """

    privileges: tuple[str, ...]
    why: str
    place: Place | None = None
    kind: str = "TABLE"

    def statement(self, to: str) -> str:
        """Return the GRANT."""
        on = f" ON {quoted(*self.place)}" if self.place else ""
        return f"GRANT {self.privileges[0]}{on} TO {quoted(to)};"

    def met(self, having: Held) -> bool:
        """Tell whether a session has it."""
        if self.place is None:
            return any(privilege in having.everywhere for privilege in self.privileges)
        return any(having.allows(each, self.place, self.kind) for each in self.privileges)


def needs(having: Held, wanted: Iterable[Wanted], to: str) -> tuple[Need, ...]:
    """Return what a user must be allowed, and what the session lacks of it.

    Args:
        having: the session's privileges.
        wanted: what must be allowed.
        to: the user that the statements grant to.
    """
    return tuple(
        Need(each.statement(to), "" if each.met(having) else each.statement(having.user), each.why)
        for each in wanted
        if each.place is None or each.place[0] != to
    )


def to_read(places: Iterable[Place]) -> Iterator[Wanted]:
    """Yield what reading tables needs."""
    yield Wanted(("CREATE SESSION",), "a session is opened")
    for place in sorted(places):
        yield Wanted(TO_READ, "rows are read, and the catalogue", place)


def to_refresh(
    connection: sa.Connection, schema: Schema, places: Collection[Place], server: Server
) -> Iterator[Wanted]:
    """Yield what a refresh needs.

    Args:
        connection: on the target.
        schema: the tables.
        places: where they are.
        server: what it is.
    """
    yield Wanted(("CREATE SESSION",), "a session is opened")
    yield Wanted(("CREATE TABLE",), "marker, journal and staged tables are tables")
    for place in sorted(places):
        for privilege in ON_TABLE:
            yield Wanted((privilege,), "rows are replaced", place)
    others = sorted({schema for schema, _ in places})
    fired = by_table(rows_of(connection, catalog.TRIGGERS, others))
    owners = {row[0] for place in places for row in fired.get(place, ()) if row[4] == "ENABLED"}
    if owners - {server.user}:
        yield Wanted(("ALTER ANY TRIGGER",), "triggers of other schemas are silent meanwhile")
    for sequence in sorted(_drawn(schema, server)):
        yield Wanted(("ALTER",), "the sequence goes on behind the keys", sequence, "SEQUENCE")


def _drawn(schema: Schema, server: Server) -> Iterator[Place]:
    for sequence in schema.sequences:
        if sequence.owner is not None and sequence.owner[0] in schema:
            yield sequence.schema or server.schema, sequence.name


def writes(having: Held, maintained: Collection[str], owned: int) -> tuple[str, ...]:
    """Return one line for each privilege by which a user could change something.

    Args:
        having: the session's privileges.
        maintained: schemas of the server's own, of which everybody may change a little.
        owned: how many tables are the user's.
    """
    lines = [f"{privilege} (system)" for privilege in sorted(having.everywhere - READING)]
    for schema, privileges in sorted(having.schemas.items()):
        lines += [f"{privilege} on {schema}" for privilege in sorted(set(privileges) - READING)]
    found: dict[str, list[str]] = defaultdict(list)
    for place, privileges in sorted(having.objects.items()):
        if place[0] not in maintained:
            for privilege in set(privileges) - READING:
                found[privilege].append(".".join(place))
    lines += [f"{privilege} on {_listed(names)}" for privilege, names in sorted(found.items())]
    if owned:
        lines.append(f"anything on {owned:,} tables that {having.user} owns")
    return tuple(lines)


def _listed(names: list[str]) -> str:
    more = len(names) - NAMES_SHOWN
    first = ", ".join(names[:NAMES_SHOWN])
    return f"{first} and {more} more" if more > 0 else first
