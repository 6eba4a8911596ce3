"""What a role must be allowed, as GRANT statements: those for a new role, and those it lacks.

Imported by the PostgreSQL adapter only. What PUBLIC may do, or what follows from membership in an
owner that is needed anyway, is not granted once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import psycopg

from schemasynth.adapter import Need, Purpose

from .names import quoted

Cursor: TypeAlias = "psycopg.Cursor[Any]"

# Who has a privilege without a grant to the role: PUBLIC, and the owners it will be a member of.
_GIVEN = """
    EXISTS (
      SELECT FROM pg_catalog.aclexplode(COALESCE({acl}, pg_catalog.acldefault('{kind}', {owner}))) x
      WHERE x.privilege_type = p.name AND (x.grantee = 0 OR x.grantee = ANY(
        ARRAY(SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = ANY(%(holders)s)))))
"""
_ON_DATABASE = f"""
    SELECT p.name, {_GIVEN.format(acl="d.datacl", kind="d", owner="d.datdba")},
           pg_catalog.has_database_privilege(d.oid, p.name)
    FROM pg_catalog.pg_database d, unnest(%(names)s::text[]) AS p(name)
    WHERE d.datname = current_database()
"""  # noqa: S608 constants
_ON_SCHEMAS = f"""
    SELECT n.nspname, {_GIVEN.format(acl="n.nspacl", kind="n", owner="n.nspowner")},
           pg_catalog.has_schema_privilege(n.oid, p.name)
    FROM pg_catalog.pg_namespace n, unnest(%(names)s::text[]) AS p(name)
    WHERE n.nspname = ANY(%(schemas)s)
    ORDER BY n.nspname
"""  # noqa: S608 constants
# Every column of a table may be granted instead of the table.
_ON_TABLES = f"""
    SELECT n.nspname, c.relname, p.name,
           {_GIVEN.format(acl="c.relacl", kind="r", owner="c.relowner")},
           pg_catalog.has_table_privilege(c.oid, p.name)
           OR p.name IN ('SELECT', 'INSERT') AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
               AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, p.name))
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN unnest(%(names)s::text[]) WITH ORDINALITY AS p(name, position)
    WHERE c.oid = ANY(%(oids)s::oid[])
    ORDER BY n.nspname, c.relname, p.position
"""  # noqa: S608 constants
_POLICIES = """
    SELECT c.relforcerowsecurity, pg_catalog.pg_get_userbyid(c.relowner),
           (SELECT r.rolbypassrls OR r.rolsuper FROM pg_catalog.pg_roles r
            WHERE r.rolname = current_user)
           OR pg_catalog.pg_has_role(c.relowner, 'USAGE') AND NOT c.relforcerowsecurity
    FROM pg_catalog.pg_class c
    WHERE c.oid = ANY(%(oids)s::oid[]) AND c.relrowsecurity
"""
_OWNERS = """
    SELECT r.rolname, r.rolsuper, pg_catalog.pg_has_role(r.oid, 'USAGE')
    FROM pg_catalog.pg_roles r WHERE r.rolname = ANY(%(owners)s) ORDER BY r.rolname
"""
_FILLED = ("SELECT", "INSERT", "TRUNCATE")
_READ = ("SELECT",)


@dataclass(frozen=True, slots=True)
class Places:
    """What is read or refilled.

    Attributes:
        database: its name.
        schemas: where the tables are.
        oids: the tables.
        owners: roles that own what a refill alters.
        marker: schema and oid of the marker's table, if there is one.
        home: the schema where the marker is or will be.
    """

    database: str
    schemas: Sequence[str]
    oids: Sequence[int]
    owners: Iterable[str] = ()
    marker: int | None = None
    home: str | None = None


def needs(
    cursor: Cursor, places: Places, purpose: Purpose, role: str, quoted_role: str
) -> tuple[Need, ...]:
    """Return what a role must be allowed.

    Args:
        cursor: of any session on the database; its role is the one that lacks.
        places: what is read or refilled.
        purpose: what is done with it.
        role: its name.
        quoted_role: its name as statements write it.
    """
    filled = purpose is Purpose.TARGET
    owners = set(places.owners) if filled else set()
    asked = {"holders": sorted(owners), "owners": sorted(owners - {role})}
    found = [
        *_memberships(cursor, asked, quoted_role),
        *_on_database(cursor, asked, places, quoted_role, filled=filled),
        *_on_schemas(cursor, asked, places.schemas, quoted_role),
        *_on_tables(cursor, asked, places.oids, _FILLED if filled else _READ, quoted_role),
        *_on_policies(cursor, asked, places.oids, quoted_role),
    ]
    if filled:
        found += _on_marker(cursor, asked, places, quoted_role)
    return tuple(found)


def _memberships(cursor: Cursor, asked: dict[str, Any], role: str) -> Iterator[Need]:
    for owner, superuser, held in cursor.execute(_OWNERS, asked).fetchall():
        statement = f"GRANT {quoted(owner)} TO {role};"
        why = "only an owner can switch triggers and foreign keys off and on, and set sequences"
        if superuser:
            why += f"; {owner} is a superuser: better give its tables and sequences to another"
        yield Need(statement, "" if held else statement, why)


def _on_database(
    cursor: Cursor, asked: dict[str, Any], places: Places, role: str, *, filled: bool
) -> Iterator[Need]:
    names = {"CONNECT": "opens sessions"}
    if filled:
        names["CREATE"] = "new rows are staged in a schema of their own"
    for name, given, held in cursor.execute(_ON_DATABASE, asked | {"names": list(names)}):
        if not given:
            statement = f"GRANT {name} ON DATABASE {quoted(places.database)} TO {role};"
            yield Need(statement, "" if held else statement, names[name])


def _on_schemas(
    cursor: Cursor,
    asked: dict[str, Any],
    schemas: Sequence[str],
    role: str,
    privilege: str = "USAGE",
    why: str = "reaches the tables",
) -> Iterator[Need]:
    asked = asked | {"names": [privilege], "schemas": list(schemas)}
    for schema, given, held in cursor.execute(_ON_SCHEMAS, asked).fetchall():
        if not given:
            statement = f"GRANT {privilege} ON SCHEMA {quoted(schema)} TO {role};"
            yield Need(statement, "" if held else statement, why)


def _on_tables(
    cursor: Cursor,
    asked: dict[str, Any],
    oids: Sequence[int],
    names: Sequence[str],
    role: str,
    why: str = "",
) -> Iterator[Need]:
    wanted: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    asked = asked | {"names": list(names), "oids": list(oids)}
    for schema, table, name, given, held in cursor.execute(_ON_TABLES, asked):
        if not given:
            wanted.setdefault((schema, table), []).append((name, held))
    why = why or ("rows are replaced" if "INSERT" in names else "rows are read")
    for place, privileges in wanted.items():
        all_of_them = [name for name, _ in privileges]
        lacking = [name for name, held in privileges if not held]
        behind = f"ON TABLE {quoted(*place)} TO {role};"
        yield Need(
            f"GRANT {', '.join(all_of_them)} {behind}",
            f"GRANT {', '.join(lacking)} {behind}" if lacking else "",
            why,
        )


def _on_policies(
    cursor: Cursor, asked: dict[str, Any], oids: Sequence[int], role: str
) -> Iterator[Need]:
    rows = cursor.execute(_POLICIES, {"oids": list(oids)}).fetchall()
    hidden = [held for forced, owner, held in rows if forced or owner not in asked["holders"]]
    if hidden:
        statement = f"ALTER ROLE {role} BYPASSRLS;"
        why = "row-level security hides no row; only a superuser can give this"
        yield Need(statement, "" if all(hidden) else statement, why)


def _on_marker(cursor: Cursor, asked: dict[str, Any], places: Places, role: str) -> Iterator[Need]:
    if places.home is None:
        return
    if places.home not in places.schemas:
        yield from _on_schemas(cursor, asked, [places.home], role, why="reaches the marker")
    if places.marker is None:
        why = "there is no marker yet; needed once, for `schemasynth target init`"
        for need in _on_schemas(cursor, asked, [places.home], role, "CREATE", why):
            yield replace(need, missing="")  # somebody else may make the marker
        return
    why = "reads the marker, and writes the value that tells the target from the source"
    yield from _on_tables(cursor, asked, [places.marker], ("SELECT", "UPDATE"), role, why)
