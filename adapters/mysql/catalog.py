"""Statements on ``information_schema``: a fixed number, whatever the number of tables.

Imported by the MySQL adapter only. MariaDB and MySQL differ in columns, not in what they tell.
Comparisons there ignore case, so callers compare names of schemas again.
"""

from __future__ import annotations

import sqlalchemy as sa


def _over_schemas(text: str) -> sa.TextClause:
    return sa.text(text).bindparams(sa.bindparam("schemas", expanding=True))


SESSION = sa.text(
    "SELECT DATABASE(), CURRENT_USER(), @@lower_case_table_names, CONNECTION_ID(), @@hostname, "
    "@@port"
)
SCHEMAS = sa.text("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")

TABLES = _over_schemas(
    """
    SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_COMMENT
    FROM information_schema.TABLES
    WHERE TABLE_SCHEMA IN :schemas AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
    """
)
"""Neither engine nor sizes are asked for: they would open every table."""

COLUMNS = _over_schemas(
    """
    SELECT TABLE_SCHEMA, TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE,
           CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, NUMERIC_SCALE, IS_NULLABLE,
           COLUMN_DEFAULT, EXTRA, GENERATION_EXPRESSION, COLUMN_COMMENT,
           CHARACTER_SET_NAME, COLLATION_NAME
    FROM information_schema.COLUMNS
    WHERE TABLE_SCHEMA IN :schemas
    ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION
    """
)

_INDEXES = """
    SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, NON_UNIQUE, COLUMN_NAME, SUB_PART, INDEX_TYPE
    FROM information_schema.STATISTICS
    WHERE TABLE_SCHEMA IN :schemas
    ORDER BY TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX
"""
INDEXES = _over_schemas(_INDEXES)
"""A part that is an expression (MySQL 8.0.13) has no column name."""

KEYS = _over_schemas(
    """
    SELECT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME,
           REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME
    FROM information_schema.KEY_COLUMN_USAGE
    WHERE TABLE_SCHEMA IN :schemas AND REFERENCED_TABLE_NAME IS NOT NULL
    ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION
    """
)
RULES = _over_schemas(
    """
    SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, DELETE_RULE, UPDATE_RULE
    FROM information_schema.REFERENTIAL_CONSTRAINTS
    WHERE CONSTRAINT_SCHEMA IN :schemas
    """
)
"""Apart from `KEYS`: a join of the two views reads each table's file again for each row."""

CHECKS_MARIADB = _over_schemas(
    """
    SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE, 'YES'
    FROM information_schema.CHECK_CONSTRAINTS
    WHERE CONSTRAINT_SCHEMA IN :schemas
    ORDER BY CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME
    """
)
CHECKS_MYSQL = _over_schemas(
    """
    SELECT t.TABLE_SCHEMA, t.TABLE_NAME, t.CONSTRAINT_NAME, c.CHECK_CLAUSE, t.ENFORCED
    FROM information_schema.TABLE_CONSTRAINTS t
    JOIN information_schema.CHECK_CONSTRAINTS c
      ON c.CONSTRAINT_SCHEMA = t.CONSTRAINT_SCHEMA AND c.CONSTRAINT_NAME = t.CONSTRAINT_NAME
    WHERE t.TABLE_SCHEMA IN :schemas AND t.CONSTRAINT_TYPE = 'CHECK'
    ORDER BY t.TABLE_SCHEMA, t.TABLE_NAME, t.CONSTRAINT_NAME
    """
)
CHECKS_SINCE = (8, 0, 16)
"""MySQL's first version with CHECK constraints."""

SEQUENCES = _over_schemas(
    """
    SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
    WHERE TABLE_SCHEMA IN :schemas AND TABLE_TYPE = 'SEQUENCE'
    """
)
"""MariaDB's; where they start and step can be asked of each one only."""

PHYSICAL = _over_schemas(
    """
    SELECT TABLE_SCHEMA, TABLE_NAME, ENGINE, TABLE_COLLATION, TABLE_ROWS, CREATE_OPTIONS,
           TABLE_TYPE
    FROM information_schema.TABLES
    WHERE TABLE_SCHEMA IN :schemas AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')
    """
)
"""What the model has no place for, and a load must know; opens the tables."""

SIZES = _over_schemas(
    """
    SELECT TABLE_SCHEMA, TABLE_NAME, DATA_LENGTH FROM information_schema.TABLES
    WHERE TABLE_SCHEMA IN :schemas
    """
)
"""Bytes without indexes; InnoDB estimates them."""

TRIGGERS = _over_schemas(
    """
    SELECT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, TRIGGER_NAME, DEFINER,
           ACTION_TIMING, EVENT_MANIPULATION
    FROM information_schema.TRIGGERS
    WHERE EVENT_OBJECT_SCHEMA IN :schemas
    ORDER BY EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION,
             ACTION_ORDER
    """
)

INCOMING = _over_schemas(
    """
    SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME,
                    REFERENCED_TABLE_SCHEMA, REFERENCED_TABLE_NAME
    FROM information_schema.KEY_COLUMN_USAGE
    WHERE REFERENCED_TABLE_SCHEMA IN :schemas
    """
)
"""Foreign keys of all schemas that reference tables of these."""

SESSIONS = _over_schemas(
    """
    SELECT USER, HOST, DB, COMMAND, STATE FROM information_schema.PROCESSLIST
    WHERE DB IN :schemas AND ID <> CONNECTION_ID() ORDER BY ID
    """
)
"""Those of other accounts are seen with the privilege PROCESS only."""

TABLE_EXISTS = sa.text(
    "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = :name"
)


def checks(*, mariadb: bool, version: tuple[object, ...]) -> sa.TextClause | None:
    """Return the statement on CHECK constraints; None where there are none.

    Args:
        mariadb: whether the server is one.
        version: of the server, as SQLAlchemy gives it.
    """
    if mariadb:
        return CHECKS_MARIADB
    return CHECKS_MYSQL if version >= CHECKS_SINCE else None
