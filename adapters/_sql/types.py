"""SQLAlchemy's types, and the names databases give them, as types of the model.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from schemasynth.model import SqlType, TypeFamily

_ARGUMENTS = re.compile(r"\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")
_NAMES: tuple[tuple[str, TypeFamily], ...] = (
    (r"BOOL", TypeFamily.BOOLEAN),
    (r"INTERVAL", TypeFamily.INTERVAL),
    (r"(TINY|SMALL|MEDIUM|BIG)?INT|SERIAL|LONG$|COUNTER|^YEAR", TypeFamily.INTEGER),
    (r"DATETIME|TIMESTAMP|DATE ?TIME", TypeFamily.DATETIME),
    (r"^DATE", TypeFamily.DATE),
    (r"^TIME", TypeFamily.TIME),
    (r"UUID|UNIQUEIDENTIFIER|^GUID", TypeFamily.UUID),
    (r"JSON", TypeFamily.JSON),
    (r"CHAR|CLOB|TEXT|STRING|ENUM", TypeFamily.TEXT),
    (r"BLOB|BINARY|BYTEA|IMAGE|^RAW", TypeFamily.BINARY),
    (r"REAL|FLOA|DOUB", TypeFamily.FLOAT),
    (r"DEC|NUM|MONEY|FIXED", TypeFamily.DECIMAL),
)
"""Tried in order; a superset of SQLite's affinity rules (sqlite.org/datatype3.html, §3.1)."""


def named_type(declared: str) -> SqlType:
    """Return the type that a declared name stands for, in any database's spelling.

    Args:
        declared: for example ``NVARCHAR(40)``; may be empty.
    """
    upper = declared.upper().strip()
    family = next((f for pattern, f in _NAMES if re.search(pattern, upper)), TypeFamily.OTHER)
    arguments = _ARGUMENTS.search(upper)
    first = int(arguments.group(1)) if arguments else None
    second = int(arguments.group(2)) if arguments and arguments.group(2) else None
    sized = family in (TypeFamily.TEXT, TypeFamily.BINARY)
    exact = family is TypeFamily.DECIMAL
    return SqlType(
        sql=declared,
        family=family,
        length=first if sized else None,
        precision=first if exact else None,
        scale=(second or 0) if exact and first else None,
        timezone=family is TypeFamily.DATETIME
        and ("WITH TIME ZONE" in upper or "TIMESTAMPTZ" in upper),
    )


_CLASSES: tuple[tuple[Any, TypeFamily], ...] = (
    (sa.Boolean, TypeFamily.BOOLEAN),
    (sa.Integer, TypeFamily.INTEGER),
    (sa.Float, TypeFamily.FLOAT),
    (sa.Numeric, TypeFamily.DECIMAL),
    (sa.DateTime, TypeFamily.DATETIME),
    (sa.Date, TypeFamily.DATE),
    (sa.Time, TypeFamily.TIME),
    (sa.Interval, TypeFamily.INTERVAL),
    (sa.Uuid, TypeFamily.UUID),
    (sa.JSON, TypeFamily.JSON),
    (sa.String, TypeFamily.TEXT),
    (sa.LargeBinary, TypeFamily.BINARY),
)


def reflected_type(reflected: TypeEngine[Any], dialect: sa.Dialect) -> SqlType:
    """Return the type that SQLAlchemy reflected.

    Args:
        reflected: its type object.
        dialect: of the connection, to write the type as the database does.
    """
    sql = _written(reflected, dialect)
    family = next((f for cls, f in _CLASSES if isinstance(reflected, cls)), None)
    if family is None:
        return named_type(sql)
    return SqlType(
        sql=sql,
        family=family,
        length=getattr(reflected, "length", None),
        precision=getattr(reflected, "precision", None) if family is TypeFamily.DECIMAL else None,
        scale=getattr(reflected, "scale", None) if family is TypeFamily.DECIMAL else None,
        timezone=bool(getattr(reflected, "timezone", False)),
        values=tuple(getattr(reflected, "enums", ()) or ()),
    )


def _written(reflected: TypeEngine[Any], dialect: sa.Dialect) -> str:
    try:
        return reflected.compile(dialect)
    except (sa.exc.CompileError, NotImplementedError):
        return type(reflected).__name__.upper()
