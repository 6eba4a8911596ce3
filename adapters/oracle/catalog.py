"""Statements on the data dictionary: a fixed number, whatever the number of tables.

Imported by the Oracle adapter only. ``ALL_`` views, which every user may ask and which show what
the user may use; never those of administrators. Views are joined here rather than there: a join
of two dictionary views reads one of them again for each row of the other.
"""

from __future__ import annotations

import sqlalchemy as sa

FETCHED_ROWS = 2_000
"""Rows of the catalogue in one round trip; a schema of 5,000 tables has some 100,000 columns."""


def _over_schemas(text: str) -> sa.TextClause:
    return sa.text(text).bindparams(sa.bindparam("schemas", expanding=True))


SESSION = sa.text(
    """
    SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA'), SYS_CONTEXT('USERENV', 'SESSION_USER'),
           SYS_CONTEXT('USERENV', 'DB_NAME'), SYS_CONTEXT('USERENV', 'DB_UNIQUE_NAME'),
           SYS_CONTEXT('USERENV', 'DB_DOMAIN'), SYS_CONTEXT('USERENV', 'CON_NAME'),
           SYS_CONTEXT('USERENV', 'SERVICE_NAME'), SYS_CONTEXT('USERENV', 'SERVER_HOST')
    FROM DUAL
    """
)
CREATED = sa.text(
    "SELECT TO_CHAR(CREATED, 'YYYY-MM-DD HH24:MI:SS') FROM ALL_USERS WHERE USERNAME = :name"
)
"""When a schema was made: tells databases of equal names apart."""
SCHEMAS = sa.text("SELECT USERNAME FROM ALL_USERS")

TABLES = _over_schemas(
    """
    SELECT t.OWNER, t.TABLE_NAME
    FROM ALL_TABLES t
    WHERE t.OWNER IN :schemas AND t.TEMPORARY = 'N' AND t.NESTED = 'NO' AND t.SECONDARY = 'N'
      AND t.DROPPED = 'NO' AND t.IOT_NAME IS NULL
      AND NOT EXISTS (
        SELECT 1 FROM ALL_MVIEWS m
        WHERE m.OWNER = t.OWNER AND m.CONTAINER_NAME = t.TABLE_NAME)
      AND NOT EXISTS (
        SELECT 1 FROM ALL_MVIEW_LOGS l
        WHERE l.LOG_OWNER = t.OWNER AND l.LOG_TABLE = t.TABLE_NAME)
      AND NOT EXISTS (
        SELECT 1 FROM ALL_EXTERNAL_TABLES e
        WHERE e.OWNER = t.OWNER AND e.TABLE_NAME = t.TABLE_NAME)
    """
)
"""Tables whose rows are their own: no copies of queries, no files, nothing of a session's own."""
TABLE_COMMENTS = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, COMMENTS FROM ALL_TAB_COMMENTS
    WHERE OWNER IN :schemas AND TABLE_TYPE = 'TABLE' AND COMMENTS IS NOT NULL
    """
)
COLUMNS = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, COLUMN_NAME, DATA_TYPE, DATA_TYPE_OWNER, DATA_LENGTH, CHAR_LENGTH,
           CHAR_USED, DATA_PRECISION, DATA_SCALE, NULLABLE, VIRTUAL_COLUMN, DEFAULT_ON_NULL,
           DATA_DEFAULT
    FROM ALL_TAB_COLS
    WHERE OWNER IN :schemas AND (HIDDEN_COLUMN = 'NO' OR USER_GENERATED = 'YES')
    ORDER BY OWNER, TABLE_NAME, COLUMN_ID NULLS LAST, INTERNAL_COLUMN_ID
    """
)
"""Invisible columns are among them; those that the server made for itself are not."""
COLUMN_COMMENTS = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, COLUMN_NAME, COMMENTS FROM ALL_COL_COMMENTS
    WHERE OWNER IN :schemas AND COMMENTS IS NOT NULL
    """
)
IDENTITIES = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, COLUMN_NAME, GENERATION_TYPE, IDENTITY_OPTIONS
    FROM ALL_TAB_IDENTITY_COLS
    WHERE OWNER IN :schemas
    """
)
CONSTRAINTS = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, CONSTRAINT_NAME, CONSTRAINT_TYPE, R_OWNER, R_CONSTRAINT_NAME,
           DELETE_RULE, STATUS, DEFERRABLE, DEFERRED, VALIDATED, RELY, SEARCH_CONDITION
    FROM ALL_CONSTRAINTS
    WHERE OWNER IN :schemas AND CONSTRAINT_TYPE IN ('P', 'U', 'R', 'C')
    ORDER BY OWNER, TABLE_NAME, CONSTRAINT_NAME
    """
)
KEY_COLUMNS = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME
    FROM ALL_CONS_COLUMNS
    WHERE OWNER IN :schemas AND POSITION IS NOT NULL
    ORDER BY OWNER, TABLE_NAME, CONSTRAINT_NAME, POSITION
    """
)
REFERRED_COLUMNS = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME
    FROM ALL_CONS_COLUMNS
    WHERE POSITION IS NOT NULL AND (OWNER, CONSTRAINT_NAME) IN (
        SELECT R_OWNER, R_CONSTRAINT_NAME FROM ALL_CONSTRAINTS
        WHERE OWNER IN :schemas AND CONSTRAINT_TYPE = 'R' AND R_OWNER <> OWNER)
    ORDER BY OWNER, TABLE_NAME, CONSTRAINT_NAME, POSITION
    """
)
"""Keys of other schemas that these refer to."""
INDEXES = _over_schemas(
    """
    SELECT TABLE_OWNER, TABLE_NAME, INDEX_NAME, UNIQUENESS, INDEX_TYPE
    FROM ALL_INDEXES
    WHERE TABLE_OWNER IN :schemas AND INDEX_TYPE <> 'LOB'
    ORDER BY TABLE_OWNER, TABLE_NAME, INDEX_NAME
    """
)
INDEX_COLUMNS = _over_schemas(
    """
    SELECT TABLE_OWNER, TABLE_NAME, INDEX_NAME, COLUMN_NAME
    FROM ALL_IND_COLUMNS
    WHERE TABLE_OWNER IN :schemas
    ORDER BY TABLE_OWNER, TABLE_NAME, INDEX_NAME, COLUMN_POSITION
    """
)
"""A part that is an expression has the name of a hidden column."""
SEQUENCES = _over_schemas(
    """
    SELECT SEQUENCE_OWNER, SEQUENCE_NAME, INCREMENT_BY FROM ALL_SEQUENCES
    WHERE SEQUENCE_OWNER IN :schemas
    ORDER BY SEQUENCE_OWNER, SEQUENCE_NAME
    """
)
TRIGGERS = _over_schemas(
    """
    SELECT TABLE_OWNER, TABLE_NAME, OWNER, TRIGGER_NAME, TRIGGER_TYPE, TRIGGERING_EVENT, STATUS,
           TRIGGER_BODY
    FROM ALL_TRIGGERS
    WHERE TABLE_OWNER IN :schemas AND BASE_OBJECT_TYPE = 'TABLE'
    ORDER BY TABLE_OWNER, TABLE_NAME, OWNER, TRIGGER_NAME
    """
)
"""A reader who neither owns the tables nor has CREATE ANY TRIGGER sees none."""
REFLECTING = (
    TABLES,
    TABLE_COMMENTS,
    COLUMNS,
    COLUMN_COMMENTS,
    IDENTITIES,
    CONSTRAINTS,
    KEY_COLUMNS,
    REFERRED_COLUMNS,
    INDEXES,
    INDEX_COLUMNS,
    SEQUENCES,
    TRIGGERS,
)
"""What a reflection asks, each once, behind `SCHEMAS`."""

SIZES = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, NUM_ROWS, AVG_ROW_LEN FROM ALL_TAB_STATISTICS
    WHERE OWNER IN :schemas AND OBJECT_TYPE = 'TABLE'
    """
)
"""The optimizer's statistics of whole tables, as they were last gathered. Those of columns are not
read: the model has no place for them, and two of them are values of rows."""

PARTITIONED = _over_schemas(
    """
    SELECT OWNER, TABLE_NAME, PARTITIONING_TYPE, REF_PTN_CONSTRAINT_NAME
    FROM ALL_PART_TABLES
    WHERE OWNER IN :schemas
    """
)
"""The foreign key by which a table is partitioned cannot be disabled (ORA-14650)."""
UNUSABLE_INDEXES = _over_schemas(
    """
    SELECT i.TABLE_OWNER, i.TABLE_NAME, i.OWNER, i.INDEX_NAME
    FROM ALL_INDEXES i
    WHERE i.TABLE_OWNER IN :schemas AND i.UNIQUENESS = 'UNIQUE'
      AND (i.STATUS = 'UNUSABLE' OR EXISTS (
        SELECT 1 FROM ALL_IND_PARTITIONS p
        WHERE p.INDEX_OWNER = i.OWNER AND p.INDEX_NAME = i.INDEX_NAME AND p.STATUS = 'UNUSABLE'))
    ORDER BY i.TABLE_OWNER, i.TABLE_NAME, i.INDEX_NAME
    """
)
"""Into a table with one no row can be inserted (ORA-01502)."""
POLICIES = _over_schemas(
    """
    SELECT DISTINCT OBJECT_OWNER, OBJECT_NAME FROM ALL_POLICIES
    WHERE OBJECT_OWNER IN :schemas AND ENABLE = 'YES'
    """
)
"""Tables of which a session may see some rows only."""
INCOMING = _over_schemas(
    """
    SELECT c.OWNER, c.TABLE_NAME, c.CONSTRAINT_NAME, p.OWNER, p.TABLE_NAME
    FROM ALL_CONSTRAINTS c
    JOIN ALL_CONSTRAINTS p ON p.OWNER = c.R_OWNER AND p.CONSTRAINT_NAME = c.R_CONSTRAINT_NAME
    WHERE c.CONSTRAINT_TYPE = 'R' AND c.R_OWNER IN :schemas AND c.STATUS = 'ENABLED'
    ORDER BY c.OWNER, c.TABLE_NAME, c.CONSTRAINT_NAME
    """
)
"""Foreign keys of all schemas that reference tables of these and are checked."""
TABLE_EXISTS = sa.text(
    """
    SELECT 1 FROM ALL_TABLES
    WHERE OWNER = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') AND TABLE_NAME = :name
    """
)

SYSTEM_PRIVILEGES = sa.text("SELECT PRIVILEGE FROM SESSION_PRIVS ORDER BY PRIVILEGE")
OBJECT_PRIVILEGES = sa.text(
    """
    SELECT TABLE_SCHEMA, TABLE_NAME, PRIVILEGE FROM ALL_TAB_PRIVS
    WHERE GRANTEE = SYS_CONTEXT('USERENV', 'SESSION_USER') OR GRANTEE = 'PUBLIC'
       OR GRANTEE IN (SELECT ROLE FROM SESSION_ROLES)
    """
)
"""Those of the user, of the roles that are on, and of everybody."""
SCHEMA_PRIVILEGES = sa.text("SELECT SCHEMA, PRIVILEGE FROM SESSION_SCHEMA_PRIVS")
SCHEMA_PRIVILEGES_SINCE = (23,)
"""The first version in which a privilege can be granted on all of a schema."""
MAINTAINED = sa.text("SELECT USERNAME FROM ALL_USERS WHERE ORACLE_MAINTAINED = 'Y'")
"""Schemas of the server's own; some objects there may be changed by everybody."""
OWNED = sa.text(
    "SELECT COUNT(*) FROM ALL_TABLES WHERE OWNER = SYS_CONTEXT('USERENV', 'SESSION_USER')"
)
"""Whoever owns a table may do anything with it."""
MARKERS = sa.text(
    """
    SELECT OWNER FROM ALL_TABLES WHERE TABLE_NAME = :name
    ORDER BY CASE WHEN OWNER = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') THEN 0 ELSE 1 END, OWNER
    """
)
"""Schemas that carry a marker the session may read, its own first."""
STAGED = sa.text(
    """
    SELECT TABLE_NAME FROM ALL_TABLES
    WHERE OWNER = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') AND TABLE_NAME LIKE 'schemasynth!_%'
      ESCAPE '!'
    """
)
"""Tables of schemasynth itself."""
