"""What MySQL and MariaDB compute themselves for the inference of keys.

Imported by the MySQL connections only. Each statement is a SELECT that any account with SELECT may
run; neither server has GROUPING SETS, so rows are repeated once a column.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import VALUE_LENGTH
from schemasynth.model import Column, Table, TypeFamily

from .._sql.evidence import (
    EXACT,
    HASH_BYTES,
    HASH_ROWS,
    SIGNS_AND_DIGITS,
    WHOLE,
    WHOLE_LIMIT,
    UnpivotPushDown,
    counted,
    hash_batch,
)
from .values import is_encoded

if TYPE_CHECKING:
    from .connection import MySQLSource

ALL_ROWS: sa.ColumnElement[int] = sa.literal_column(str(2**64 - 1))
"""A limit that cuts off nothing: with it a subquery is carried out before the query around it."""
EXACT_COLLATION = "utf8mb4_bin"
"""Both products have it; texts of all columns get it, for the server compares none of two."""
_NUMBERS = EXACT | {TypeFamily.INTEGER, TypeFamily.BOOLEAN}
_MOMENTS = frozenset({TypeFamily.TIME, TypeFamily.DATETIME})
_CHARACTERS = frozenset({TypeFamily.TEXT, TypeFamily.JSON})
_UTC = "+00"
"""The zone of the session, which a text does not say."""


class MySQLPushDown(UnpivotPushDown):
    """Statements for one source connection."""

    streamed_bytes = math.inf
    """Measured: with one thread a statement, it takes six times as long as moving the rows."""

    def __init__(self, source: MySQLSource) -> None:
        """Keep the connection."""
        super().__init__(source, MySQLWriting())

    def value_counts(
        self, table: Table, codes: Sequence[int], worded: Collection[str], limit: int | None
    ) -> sa.Select[Any]:
        """Return the SELECT that counts the values of all columns in one scan.

        It sorts small rows. Left to itself, the server looks each of them up in an interim table
        on its disk, or sorts whole rows with all texts in them: four times as long.
        """
        small = self._cells(table, codes, worded, limit).limit(ALL_ROWS).subquery("cells")
        return counted(small).prefix_with("SQL_BIG_RESULT")

    def hashes(
        self, table: Table, columns: Sequence[str], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        """Stream hashes as one value a row: the driver takes as long for each, however short."""
        none: sa.ColumnElement[Any] = sa.literal_column(f"x'{'00' * HASH_BYTES}'")
        place = self._source.relation(table)
        hashed = self._hashes_of(table, place, columns).values()
        row = sa.func.concat(*(sa.func.coalesce(value, none) for value in hashed))
        for batch in self._streamed(table, place, {"hashes": row}, pa.binary(), limit, HASH_ROWS):
            yield hash_batch(b"".join(batch.column(0).to_pylist()), columns)


class MySQLWriting:
    """Texts and numbers of values, whatever character set and collation they have."""

    no_number: sa.ColumnElement[Any] = sa.null()

    def text(self, column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the canonical text of a value."""
        return sa.collate(_text(column, sa.type_coerce(value, sa.String)), EXACT_COLLATION)

    def number(self, column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return a value as a double where it is a whole number."""
        raw = sa.type_coerce(value, sa.String)
        family = column.type.family
        if family in EXACT:
            return sa.case((_is_whole(_number(raw)), _double(raw)))
        if family in _NUMBERS:
            return _double(raw)
        if family is not TypeFamily.TEXT:
            return self.no_number
        text = sa.func.trim(_unicode(raw))
        likely = sa.func.ascii(text).between(*SIGNS_AND_DIGITS)
        return sa.case((sa.and_(likely, text.regexp_match(WHOLE)), _double(text)))

    def hash(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the first bytes of a digest; MD5 is NULL where a server keeps to FIPS 140."""
        return sa.func.left(sa.func.unhex(sa.func.sha1(text)), HASH_BYTES)


def _text(column: Column, raw: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    family = column.type.family
    if family in EXACT:
        number = _double(raw) if family is TypeFamily.FLOAT else _number(raw)
        whole = sa.cast(sa.cast(number, sa.BigInteger), sa.CHAR)
        return sa.case((_is_whole(number), whole), else_=sa.cast(number, sa.CHAR))
    if family in _NUMBERS:
        return sa.cast(_number(raw), sa.CHAR)
    if family is TypeFamily.BINARY:
        return sa.func.hex(sa.func.left(raw, VALUE_LENGTH))
    if is_encoded(column):
        return sa.func.left(sa.func.hex(raw), VALUE_LENGTH)
    if family in _MOMENTS:
        return _moment(column, sa.cast(raw, sa.CHAR))
    if family not in _CHARACTERS:
        return sa.cast(raw, sa.CHAR)
    trimmed = sa.func.trim(_unicode(raw))
    short = column.type.length is not None and column.type.length < VALUE_LENGTH
    return trimmed if short else sa.func.left(trimmed, VALUE_LENGTH)


def _moment(column: Column, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a moment without the zeros at the end of its fraction."""
    if "(" in column.type.sql:
        for end in ("0", "."):
            text = sa.func.trim(sa.literal_column(f"TRAILING '{end}' FROM").op("")(text))
    return sa.func.concat(text, _UTC) if column.type.timezone else text


def _unicode(raw: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.convert(raw.op("USING")(sa.literal_column("utf8mb4")), type_=sa.String)


def _number(raw: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a number as such: a sum has no zeros in front, and of bits their value."""
    return sa.type_coerce(raw.op("+")(sa.literal_column("0")), sa.Numeric)


def _double(raw: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(raw.op("+")(sa.literal_column("0e0")), sa.Double)


def _is_whole(number: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    limit: sa.ColumnElement[int] = sa.literal_column(str(WHOLE_LIMIT))
    return sa.and_(sa.func.truncate(number, 0) == number, sa.func.abs(number) < limit)
