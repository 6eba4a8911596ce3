"""What Oracle computes itself for the inference of keys.

Imported by the Oracle connections only. Each statement is a SELECT that any user with READ may run,
without a package.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.dialects.oracle import BINARY_DOUBLE

from schemasynth.adapter import VALUE_LENGTH
from schemasynth.model import Column, Table, TypeFamily

from .._sql.evidence import (
    EXACT,
    HASH_BYTES,
    HASH_ROWS,
    WHOLE,
    WHOLE_LIMIT,
    UnpivotPushDown,
)
from .types import fraction_digits, kind_of

if TYPE_CHECKING:
    from .connection import OracleSource

_DIGITS = 2 * HASH_BYTES
"""Hexadecimal digits of a hash."""
_UNTOUCHED = frozenset({"LONG", "LONG RAW"})
"""May stand in no expression at all, not even one that tells NULL from a value."""
_OPAQUE = frozenset({"BLOB", "JSON"})
"""Of them, and of OTHER types, it is only told whether there is a value: Oracle lets none of them
be part of a key."""
_WRITTEN = {"INTERVAL YEAR TO MONTH": "TO_CHAR", "ROWID": "ROWIDTOCHAR", "UROWID": "ROWIDTOCHAR"}
_UTC = "'+00'"


class OraclePushDown(UnpivotPushDown):
    """Statements for one source connection.

    GROUPING SETS would serve too, but over as many sets as a table has columns Oracle writes
    interim tables or scans again.
    """

    def __init__(self, source: OracleSource) -> None:
        """Keep the connection."""
        super().__init__(source, OracleWriting())

    def hashes(
        self, table: Table, columns: Sequence[str], limit: int | None
    ) -> Iterator[pa.RecordBatch]:
        """Stream hashes, written as hexadecimal digits."""
        place = self._source.relation(table)
        hashed = self._hashes_of(table, place, columns)
        for batch in self._streamed(table, place, hashed, pa.string(), limit, HASH_ROWS):
            arrays = [_hashes(column) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _hashes(digits: pa.Array[Any]) -> pa.Array[Any]:
    none = "0" * _DIGITS
    block = bytes.fromhex("".join(none if text is None else text for text in digits.to_pylist()))
    return pa.array(np.frombuffer(block, np.uint64), mask=np.asarray(digits.is_null()))


class OracleWriting:
    """Texts and numbers of values; all texts in the character set of the database."""

    no_number: sa.ColumnElement[Any] = sa.cast(sa.null(), BINARY_DOUBLE)
    """Typed, for a UNION wants types to agree."""

    def text(self, column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the canonical text of a value."""
        kind = kind_of(column.type)
        if kind in _WRITTEN:
            return sa.Function(_WRITTEN[kind], value)
        match column.type.family:
            case TypeFamily.INTEGER | TypeFamily.DECIMAL | TypeFamily.FLOAT:
                return _number_text(column, value)
            case TypeFamily.BOOLEAN:
                return sa.case((value, _sql("'1'")), (sa.not_(value), _sql("'0'")))
            case TypeFamily.DATETIME:
                return _moment(column, value)
            case TypeFamily.INTERVAL:
                return sa.func.to_char(value)
            case TypeFamily.TEXT if kind not in _UNTOUCHED:
                return _characters(value)
            case TypeFamily.BINARY if kind not in _OPAQUE | _UNTOUCHED:
                return _first(sa.func.rawtohex(value), 2 * VALUE_LENGTH)
            case _:
                there = _sql("'x'")
                return there if kind in _UNTOUCHED else sa.case((value.is_not(None), there))

    def number(self, column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return a value as a double where it is a whole number."""
        match column.type.family:
            case TypeFamily.INTEGER:
                return sa.cast(value, BINARY_DOUBLE)
            case TypeFamily.BOOLEAN:
                one, nought = (sa.cast(_sql(digit), BINARY_DOUBLE) for digit in "10")
                return sa.case((value, one), (sa.not_(value), nought))
            case family if family in EXACT:
                return sa.case((_is_whole(value), sa.cast(value, BINARY_DOUBLE)))
            case TypeFamily.TEXT if kind_of(column.type) not in _UNTOUCHED:
                text = _characters(value)
                whole = sa.func.regexp_like(text, _sql(f"'{WHOLE}'"))
                return sa.case((whole, sa.cast(text, BINARY_DOUBLE)))
            case _:
                return self.no_number

    def hash(self, text: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
        """Return the first digits of a digest; that of NULL would be one too."""
        digest = sa.func.rawtohex(sa.func.standard_hash(text, _sql("'SHA1'")))
        return sa.case((text.is_not(None), _first(digest, _DIGITS)))


def _sql(text: str) -> sa.ColumnElement[Any]:
    return sa.literal_column(text)


def _first(text: sa.ColumnElement[Any], length: int) -> sa.ColumnElement[Any]:
    return sa.func.substr(text, _sql("1"), _sql(str(length)))


def _characters(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a text without blanks around it; one of nothing else keeps one, lest it be NULL."""
    text = sa.func.to_char(_first(value, VALUE_LENGTH))
    return sa.func.coalesce(sa.func.trim(text), _first(text, 1))


def _number_text(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    if column.type.family is TypeFamily.INTEGER:
        return sa.func.to_char(value)
    # Doubles are written with an exponent, numbers are not.
    whole = sa.func.to_char(sa.cast(value, sa.Numeric))
    return sa.case((_is_whole(value), whole), else_=sa.func.to_char(value))


def _is_whole(value: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    # NaN is greater than any number.
    return sa.and_(sa.func.trunc(value) == value, sa.func.abs(value) < _sql(str(WHOLE_LIMIT)))


def _moment(column: Column, value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a moment without the zeros at the end of its fraction, in UTC."""
    digits = fraction_digits(column.type)
    moment = sa.func.sys_extract_utc(value) if column.type.timezone else value
    form = f"'YYYY-MM-DD HH24:MI:SS{f'.FF{digits}' if digits else ''}'"
    text = sa.func.to_char(moment, _sql(form))
    if digits:
        text = sa.func.rtrim(sa.func.rtrim(text, _sql("'0'")), _sql("'.'"))
    return text.concat(_sql(_UTC)) if column.type.timezone else text
