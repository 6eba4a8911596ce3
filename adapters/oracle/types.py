"""Oracle's types as types of the model.

Imported by the Oracle adapter only.
"""

from __future__ import annotations

import re

from schemasynth.model import SqlType, TypeFamily

_FAMILIES = {
    "BINARY_DOUBLE": TypeFamily.FLOAT,
    "BINARY_FLOAT": TypeFamily.FLOAT,
    "BLOB": TypeFamily.BINARY,
    "BOOLEAN": TypeFamily.BOOLEAN,
    "CHAR": TypeFamily.TEXT,
    "CLOB": TypeFamily.TEXT,
    "DATE": TypeFamily.DATETIME,
    "FLOAT": TypeFamily.FLOAT,
    "INTERVAL DAY TO SECOND": TypeFamily.INTERVAL,
    "JSON": TypeFamily.JSON,
    "LONG": TypeFamily.TEXT,
    "LONG RAW": TypeFamily.BINARY,
    "NCHAR": TypeFamily.TEXT,
    "NCLOB": TypeFamily.TEXT,
    "NVARCHAR2": TypeFamily.TEXT,
    "RAW": TypeFamily.BINARY,
    "TIMESTAMP": TypeFamily.DATETIME,
    "TIMESTAMP WITH LOCAL TIME ZONE": TypeFamily.DATETIME,
    "TIMESTAMP WITH TIME ZONE": TypeFamily.DATETIME,
    "VARCHAR2": TypeFamily.TEXT,
}
"""By name without digits; NUMBER is looked at, what is not here is OTHER. A DATE has a time."""
_DIGITS = re.compile(r"\(\d+(?:\s+\w+)?(?:,\s*-?\d+)?\)")
_CHARACTERS = frozenset({"CHAR", "NCHAR", "NVARCHAR2", "VARCHAR2"})
_BLANK_PADDED = frozenset({"CHAR", "NCHAR"})
_INT64_DIGITS = 18
"""Every number of so many digits fits in 64 bits."""
INTEGER_DIGITS = 19
"""SQLAlchemy and others declare a BIGINT as NUMBER(19)."""
_UNITS = {"B": "BYTE", "C": "CHAR"}


def sql_type(
    name: str,
    owner: str | None,
    size: int | None,
    characters: int | None,
    unit: str | None,
    precision: int | None,
    scale: int | None,
) -> SqlType:
    """Return the model's type of a column.

    Args:
        name: ``DATA_TYPE``.
        owner: ``DATA_TYPE_OWNER``, of a type that somebody made.
        size: in bytes.
        characters: in characters.
        unit: ``B`` or ``C``, in which the length was declared.
        precision: digits.
        scale: digits behind the point.
    """
    if owner:
        return SqlType(f"{owner}.{name}", TypeFamily.OTHER)
    if name == "NUMBER":
        return _number(precision, scale)
    kind = _DIGITS.sub("", name)
    if kind in _CHARACTERS:
        # The unit is that of the national character set where the type says so itself.
        behind = f" {_UNITS[unit]}" if unit in _UNITS and not kind.startswith("N") else ""
        return SqlType(f"{name}({characters}{behind})", TypeFamily.TEXT, length=characters)
    if kind == "RAW":
        return SqlType(f"RAW({size})", TypeFamily.BINARY, length=size)
    written = f"FLOAT({precision})" if kind == "FLOAT" and precision else name
    return SqlType(
        written, _FAMILIES.get(kind, TypeFamily.OTHER), timezone=kind.endswith("TIME ZONE")
    )


def _number(precision: int | None, scale: int | None) -> SqlType:
    if scale is None:
        return SqlType("NUMBER", TypeFamily.DECIMAL)
    digits = "*" if precision is None else str(precision)
    written = f"NUMBER({digits},{scale})" if scale else f"NUMBER({digits})"
    if precision is None:
        written = f"NUMBER(*,{scale})"
    places = max(scale, 0)
    # NUMBER(2,5) holds 0.00012: more places than digits, which Arrow's decimals cannot have.
    most = None if precision is None else max(precision - min(scale, 0), places)
    if not places and (most is None or most <= INTEGER_DIGITS):
        return SqlType(written, TypeFamily.INTEGER, precision=most)
    return SqlType(written, TypeFamily.DECIMAL, precision=most, scale=places)


def may_exceed_int64(sql: SqlType) -> bool:
    """Tell whether a whole number of a type can need more than 64 bits."""
    return sql.precision is None or sql.precision > _INT64_DIGITS


def kind_of(sql: SqlType) -> str:
    """Return the type's name alone, for example ``TIMESTAMP WITH TIME ZONE``."""
    return re.sub(r"\([^)]*\)", "", sql.sql)


def fraction_digits(sql: SqlType) -> int:
    """Return how many digits of a second a moment or span has."""
    found = re.search(r"(?:TIMESTAMP|SECOND)\((\d)\)", sql.sql)
    return int(found[1]) if found else 0


def is_blank_padded(sql: SqlType) -> bool:
    """Tell whether the server fills texts of a type up with blanks."""
    return kind_of(sql) in _BLANK_PADDED
