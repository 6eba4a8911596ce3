"""What one scan counts of a column, part by part, and the figures that come of it.

Imports figures and the model; both ways of collecting fill it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemasynth.infer.evidence.figures import ColumnFigures
from schemasynth.infer.profile import ColumnProfile
from schemasynth.model import TypeFamily

if TYPE_CHECKING:
    import pyarrow as pa

    from schemasynth.infer.evidence.figures import Codes

WHOLE = r"[-+]?[0-9]{1,18}"
"""A whole number in text, of at most as many digits as 64 bits always hold."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts and sums over rows of a column; those of two parts add up.

    Attributes:
        rows: in all.
        values: that are not NULL.
        longest: characters of the longest value.
        length: sum of the values' characters.
        whole: values that are whole numbers.
        low: smallest value, if it is a number.
        high: largest one.
        spaced: values with a space.
        digits: values with a digit.
    """

    rows: int = 0
    values: int = 0
    longest: int | None = None
    length: int = 0
    whole: int = 0
    low: float | None = None
    high: float | None = None
    spaced: int = 0
    digits: int = 0

    def __add__(self, other: Totals) -> Totals:
        """Return the totals of both parts."""
        return Totals(
            self.rows + other.rows,
            self.values + other.values,
            max((n for n in (self.longest, other.longest) if n is not None), default=None),
            self.length + other.length,
            self.whole + other.whole,
            min((n for n in (self.low, other.low) if n is not None), default=None),
            max((n for n in (self.high, other.high) if n is not None), default=None),
            self.spaced + other.spaced,
            self.digits + other.digits,
        )


def column_figures(
    totals: Totals,
    distinct: int,
    kind: pa.DataType,
    family: TypeFamily,
    codes: Codes,
    *,
    exact: bool,
) -> ColumnFigures:
    """Return the figures of a column.

    Args:
        totals: of all its rows that were read.
        distinct: its number of values.
        kind: the Arrow type in which they come.
        family: of its declared type.
        codes: ranks of the first rows, as `Store.codes` has them.
        exact: whether all rows were read.
    """
    integral = totals.values == totals.whole
    values = totals.values or 1
    rising, steady = _order(codes)
    return ColumnFigures(
        ColumnProfile(totals.rows, totals.rows - totals.values, distinct, totals.longest, exact),
        _sort(kind, family, integral),
        totals.low if integral else None,
        totals.high if integral else None,
        totals.length / values,
        totals.spaced / values,
        totals.digits / values,
        rising,
        steady,
    )


def _order(codes: Codes) -> tuple[float, float]:
    """Return the share of rows above the row before, and of those not below it."""
    if len(codes) < 2:
        return 0.0, 0.0
    steps = codes[1:] - codes[:-1]
    return float((steps > 0).mean()), float((steps >= 0).mean())


def _sort(kind: pa.DataType, family: TypeFamily, integral: bool) -> str:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_temporal(kind):
        return "time"
    if pa.types.is_binary(kind):
        return "other"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "integer" if integral else "number"
    if pa.types.is_integer(kind):
        return "integer"
    return "integer text" if integral and family is TypeFamily.TEXT else "text"
