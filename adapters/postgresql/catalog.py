"""Statements on PostgreSQL's catalogue: a fixed number, whatever the number of tables.

Imported by the PostgreSQL adapter only. All names come back as they are, unquoted.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

SESSION = sa.text(
    """
    SELECT current_schema(), current_database(), quote_ident(current_user)
    """
)
CLUSTER = sa.text("SELECT current_setting('cluster_name', true)")

UNUSABLE = sa.text(
    """
    SELECT n.nspname
    FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY AS p(name, i)
    JOIN pg_catalog.pg_namespace n
      ON n.nspname = replace(trim(BOTH ' "' FROM p.name), '$user', current_user)
    WHERE NOT has_schema_privilege(n.oid, 'USAGE')
    ORDER BY p.i
    """
)
"""Schemas of the search path that exist, and that the role may not use."""

GRANTEE = """
    SELECT r.name, quote_ident(r.name), (
      SELECT c.oid FROM pg_catalog.pg_class c
      JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = current_schema() AND c.relname = %(table)s)
    FROM (SELECT COALESCE(%(role)s::text, current_user::text)) AS r(name)
"""
"""A role, the session's own by default, and the oid of a table if there is one; for the driver."""

INHERITED = sa.text(
    """
    SELECT DISTINCT n.nspname, c.relname
    FROM pg_catalog.pg_inherits i
    JOIN pg_catalog.pg_class c ON c.oid = i.inhparent AND c.relkind = 'r'
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    """
)
"""Parents of classic inheritance: a query on one of them must say ONLY."""

SIZE = sa.text(
    """
    SELECT coalesce(sum(pg_catalog.pg_table_size(part.relid)), 0)
    FROM unnest(CAST(:schemas AS text[]), CAST(:names AS text[])) AS asked (place, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = asked.place
    JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = asked.name,
    LATERAL (SELECT c.oid AS relid UNION SELECT relid FROM pg_catalog.pg_partition_tree(c.oid)) part
    """
)
"""Bytes of tables, their partitions and long values, without indexes."""

SCHEMAS = sa.text("SELECT nspname FROM pg_catalog.pg_namespace WHERE nspname = ANY(:schemas)")

TABLES = sa.text(
    """
    SELECT c.oid, n.nspname, c.relname, pg_catalog.obj_description(c.oid, 'pg_class')
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(:schemas) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relpersistence <> 't'
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ORDER BY n.nspname, c.relname
    """
)
"""Ordinary and partitioned tables; not partitions, nor tables that belong to an extension."""

COLUMNS = sa.text(
    """
    WITH RECURSIVE chain AS (
      SELECT t.oid AS domain, t.typbasetype AS base, t.typtypmod AS modifier, t.typnotnull AS filled
      FROM pg_catalog.pg_type t WHERE t.typtype = 'd'
      UNION ALL
      SELECT chain.domain, t.typbasetype,
             CASE WHEN chain.modifier = -1 THEN t.typtypmod ELSE chain.modifier END,
             chain.filled OR t.typnotnull
      FROM chain JOIN pg_catalog.pg_type t ON t.oid = chain.base AND t.typtype = 'd'
    ), domains AS (
      SELECT chain.* FROM chain
      JOIN pg_catalog.pg_type t ON t.oid = chain.base AND t.typtype <> 'd'
    ), members AS (
      SELECT enumtypid, array_agg(enumlabel::text ORDER BY enumsortorder) AS labels
      FROM pg_catalog.pg_enum GROUP BY enumtypid
    )
    SELECT a.attrelid, a.attnum, a.attname,
           pg_catalog.format_type(a.atttypid, a.atttypmod),
           t.typname, t.typtype::text, t.typcategory::text,
           CASE WHEN domains.domain IS NULL THEN a.atttypmod ELSE domains.modifier END,
           COALESCE(members.labels, '{}'),
           a.attnotnull OR COALESCE(domains.filled, false),
           pg_catalog.pg_get_expr(d.adbin, d.adrelid),
           a.attidentity::text, a.attgenerated::text,
           pg_catalog.col_description(a.attrelid, a.attnum)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p')
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN domains ON domains.domain = a.atttypid
    JOIN pg_catalog.pg_type t ON t.oid = COALESCE(domains.base, a.atttypid)
    LEFT JOIN members ON members.enumtypid = t.oid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE n.nspname = ANY(:schemas) AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum
    """
)

_CONSTRAINTS = """
    SELECT k.conrelid, k.contype::text, k.conname, k.conkey,
           n.nspname, r.relname,
           ARRAY(
             SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS f(number, position)
             JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = f.number
             ORDER BY f.position),
           k.confdeltype::text, k.confupdtype::text,
           k.condeferrable, k.condeferred, k.convalidated,
           {enforced} AND NOT EXISTS (
             SELECT FROM pg_catalog.pg_trigger g
             WHERE g.tgconstraint = k.oid AND g.tgisinternal AND g.tgenabled = 'D'),
           pg_catalog.pg_get_expr(k.conbin, k.conrelid),
           k.conindid
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace s ON s.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_class r ON r.oid = k.confrelid
    LEFT JOIN pg_catalog.pg_namespace n ON n.oid = r.relnamespace
    WHERE s.nspname = ANY(:schemas) AND NOT c.relispartition
      AND k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conparentid = 0 AND {plain}
    ORDER BY k.conrelid, k.conname
"""

INDEXES = sa.text(
    """
    SELECT i.indrelid, i.indexrelid, x.relname,
           (i.indkey::int2[])[0:i.indnkeyatts - 1],
           i.indisunique AND i.indisvalid, pg_catalog.pg_get_expr(i.indpred, i.indrelid)
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid AND c.relkind IN ('r', 'p')
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY(:schemas) AND NOT c.relispartition
    ORDER BY i.indrelid, x.relname
    """
)

DRAWS = """
    SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS number, true AS owned
    FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.pg_class'::regclass
      AND d.refclassid = 'pg_catalog.pg_class'::regclass
      AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    UNION
    SELECT d.refobjid, f.adrelid, f.adnum, false
    FROM pg_catalog.pg_depend d
    JOIN pg_catalog.pg_attrdef f ON f.oid = d.objid
    WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass
      AND d.refclassid = 'pg_catalog.pg_class'::regclass
"""
"""Which column draws from which sequence: by ownership (identity, serial) or by its default."""

SEQUENCES = sa.text(
    f"""
    WITH draws AS ({DRAWS})
    SELECT n.nspname, c.relname, s.seqstart, s.seqincrement, draws.relation, draws.number
    FROM pg_catalog.pg_sequence s
    JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN draws ON draws.sequence = s.seqrelid
    LEFT JOIN pg_catalog.pg_class t ON t.oid = draws.relation
    LEFT JOIN pg_catalog.pg_namespace m ON m.oid = t.relnamespace
    WHERE n.nspname = ANY(:schemas) OR m.nspname = ANY(:schemas)
    ORDER BY n.nspname, c.relname, draws.owned, draws.relation, draws.number
    """  # noqa: S608 a constant
)

MARKED = sa.text(
    """
    SELECT n.nspname FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = :name AND n.nspname = current_schema()
    """
)

MAY_ASK_SYSTEM = sa.text(
    "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')"
)
SYSTEM = sa.text(
    """
    SELECT s.system_identifier::text, d.oid::text
    FROM pg_catalog.pg_control_system() s, pg_catalog.pg_database d
    WHERE d.datname = current_database()
    """
)
SERVER = sa.text(
    """
    SELECT pg_catalog.host(inet_server_addr()), inet_server_port()::text,
           pg_postmaster_start_time()::text, d.oid::text
    FROM pg_catalog.pg_database d WHERE d.datname = current_database()
    """
)

WRITE_PRIVILEGES = sa.text(
    """
    WITH own AS (
      SELECT n.oid, n.nspname, has_schema_privilege(n.oid, 'USAGE') AS usable
      FROM pg_catalog.pg_namespace n
      WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
    ), held AS (
      SELECT 1 AS rank, 'superuser' AS privilege, current_user::text AS name
      FROM pg_catalog.pg_roles WHERE rolname = current_user AND rolsuper
      UNION ALL
      SELECT 2, 'CREATE on database', quote_ident(current_database())
      WHERE has_database_privilege(current_database(), 'CREATE')
      UNION ALL
      SELECT 3, 'CREATE on schema', quote_ident(own.nspname)
      FROM own WHERE has_schema_privilege(own.oid, 'CREATE')
      UNION ALL
      SELECT 4, p.privilege || ' on table',
             quote_ident(own.nspname) || '.' || quote_ident(c.relname)
      FROM own JOIN pg_catalog.pg_class c
        ON c.relnamespace = own.oid AND c.relkind IN ('r', 'p', 'v', 'f')
      CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')) AS p(privilege)
      WHERE own.usable AND CASE WHEN p.privilege IN ('INSERT', 'UPDATE')
        THEN has_any_column_privilege(c.oid, p.privilege)
        ELSE has_table_privilege(c.oid, p.privilege) END
      UNION ALL
      SELECT 5, p.privilege || ' on sequence',
             quote_ident(own.nspname) || '.' || quote_ident(c.relname)
      FROM own JOIN pg_catalog.pg_class c ON c.relnamespace = own.oid AND c.relkind = 'S'
      CROSS JOIN (VALUES ('UPDATE'), ('USAGE')) AS p(privilege)
      WHERE own.usable AND has_sequence_privilege(c.oid, p.privilege)
    )
    SELECT privilege, name FROM held ORDER BY rank, privilege, name
    """
)

ENFORCEABLE_SINCE = (18,)
"""Constraints can be NOT ENFORCED, and keys temporal, since PostgreSQL 18."""


def constraints(server_version: tuple[Any, ...]) -> sa.TextClause:
    """Return the statement on keys and checks.

    Temporal foreign keys (``PERIOD``) are left out: their last column is matched by overlap.

    Args:
        server_version: of the server, as SQLAlchemy gives it.
    """
    recent = server_version >= ENFORCEABLE_SINCE
    return sa.text(
        _CONSTRAINTS.format(
            enforced="k.conenforced" if recent else "true",
            plain="NOT (k.contype = 'f' AND k.conperiod)" if recent else "true",
        )
    )
