"""PostgreSQL's types as types of the model.

Imported by the PostgreSQL adapter only.
"""

from __future__ import annotations

from schemasynth.model import SqlType, TypeFamily

_FAMILIES = {
    "int2": TypeFamily.INTEGER,
    "int4": TypeFamily.INTEGER,
    "int8": TypeFamily.INTEGER,
    "oid": TypeFamily.INTEGER,
    "numeric": TypeFamily.DECIMAL,
    "money": TypeFamily.DECIMAL,
    "float4": TypeFamily.FLOAT,
    "float8": TypeFamily.FLOAT,
    "bool": TypeFamily.BOOLEAN,
    "date": TypeFamily.DATE,
    "time": TypeFamily.TIME,
    "timestamp": TypeFamily.DATETIME,
    "timestamptz": TypeFamily.DATETIME,
    "interval": TypeFamily.INTERVAL,
    "bytea": TypeFamily.BINARY,
    "uuid": TypeFamily.UUID,
    "json": TypeFamily.JSON,
    "jsonb": TypeFamily.JSON,
}
"""By name of the base type. `timetz` is left out: its offset has no place in Arrow's time."""
_STRING_CATEGORY = "S"
_ENUM = "e"
_HEADER = 4
"""PostgreSQL adds it to lengths and precisions in a type modifier (VARHDRSZ)."""
MONEY_PRECISION, MONEY_SCALE = 19, 2
"""`money` is an int8 of hundredths in all common locales."""


def sql_type(
    written: str, base: str, kind: str, category: str, modifier: int, values: tuple[str, ...]
) -> SqlType:
    """Return the model's type of a column.

    Args:
        written: as ``format_type`` writes it, a domain by its own name.
        base: name of the base type.
        kind: ``typtype`` of the base type.
        category: ``typcategory`` of the base type.
        modifier: the type modifier, -1 if there is none.
        values: the members of an enumerated type.
    """
    if kind == _ENUM:
        return SqlType(written, TypeFamily.TEXT, values=values)
    other = TypeFamily.TEXT if category == _STRING_CATEGORY else TypeFamily.OTHER
    family = _FAMILIES.get(base, other)
    precision, scale = _digits(base, modifier)
    return SqlType(
        written,
        family,
        length=modifier - _HEADER if base in ("varchar", "bpchar") and modifier >= 0 else None,
        precision=precision,
        scale=scale,
        timezone=base == "timestamptz",
    )


def _digits(base: str, modifier: int) -> tuple[int | None, int | None]:
    """Unpack precision and scale of a numeric; the scale is signed since PostgreSQL 15."""
    if base == "money":
        return MONEY_PRECISION, MONEY_SCALE
    if base != "numeric" or modifier < 0:
        return None, None
    packed = modifier - _HEADER
    return packed >> 16 & 0xFFFF, ((packed & 0x7FF) ^ 0x400) - 0x400
