"""MySQL's and MariaDB's types as types of the model.

Imported by the MySQL adapter only.
"""

from __future__ import annotations

import re

from schemasynth.model import SqlType, TypeFamily

_FAMILIES = {
    "tinyint": TypeFamily.INTEGER,
    "smallint": TypeFamily.INTEGER,
    "mediumint": TypeFamily.INTEGER,
    "int": TypeFamily.INTEGER,
    "bigint": TypeFamily.INTEGER,
    "year": TypeFamily.INTEGER,
    "bit": TypeFamily.INTEGER,
    "decimal": TypeFamily.DECIMAL,
    "float": TypeFamily.FLOAT,
    "double": TypeFamily.FLOAT,
    "char": TypeFamily.TEXT,
    "varchar": TypeFamily.TEXT,
    "tinytext": TypeFamily.TEXT,
    "text": TypeFamily.TEXT,
    "mediumtext": TypeFamily.TEXT,
    "longtext": TypeFamily.TEXT,
    "enum": TypeFamily.TEXT,
    "set": TypeFamily.TEXT,
    "binary": TypeFamily.BINARY,
    "varbinary": TypeFamily.BINARY,
    "tinyblob": TypeFamily.BINARY,
    "blob": TypeFamily.BINARY,
    "mediumblob": TypeFamily.BINARY,
    "longblob": TypeFamily.BINARY,
    "date": TypeFamily.DATE,
    "time": TypeFamily.TIME,
    "datetime": TypeFamily.DATETIME,
    "timestamp": TypeFamily.DATETIME,
    "json": TypeFamily.JSON,
    "uuid": TypeFamily.UUID,
}
"""By ``DATA_TYPE``; what is not here (geometries, INET6, vectors) is OTHER."""
_FLAGS = frozenset({"tinyint(1)", "bit(1)"})
"""What the products write for BOOLEAN, and what object mappers declare for it."""
_SIZED = frozenset({"char", "varchar", "binary", "varbinary"})
_MEMBER = re.compile(r"'((?:[^']|'')*)'")


def sql_type(
    kind: str, written: str, length: int | None, precision: int | None, scale: int | None
) -> SqlType:
    """Return the model's type of a column.

    Args:
        kind: ``DATA_TYPE``.
        written: ``COLUMN_TYPE``, with length, sign and members; ``json`` for MariaDB's alias.
        length: in characters or bytes.
        precision: digits.
        scale: digits behind the point.
    """
    if written in _FLAGS:
        return SqlType(written, TypeFamily.BOOLEAN)
    family = TypeFamily.JSON if written == "json" else _FAMILIES.get(kind, TypeFamily.OTHER)
    exact = family is TypeFamily.DECIMAL
    return SqlType(
        written,
        family,
        length=length if kind in _SIZED else None,
        precision=precision if exact else None,
        scale=scale if exact else None,
        timezone=kind == "timestamp",
        values=members(written) if kind == "enum" else (),
    )


def members(written: str) -> tuple[str, ...]:
    """Return the members of an ENUM or SET as declared."""
    return tuple(text.replace("''", "'") for text in _MEMBER.findall(written))


def kind_of(sql: SqlType) -> str:
    """Return the type's name alone, for example ``bit``."""
    return re.split(r"[\s(]", sql.sql, maxsplit=1)[0].lower()
