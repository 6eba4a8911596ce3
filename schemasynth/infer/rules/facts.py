"""Columns of one table as numbers, codes and NULL masks, each computed once.

Imports arrays and the model; used by the discovery of rules and by their repair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import array, codes, nulls

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from schemasynth.arrays import Array, Bools, Ints

Floats: TypeAlias = npt.NDArray[np.float64]

MAX_DECIMALS = 6
"""Decimals up to which a column counts as rounded."""
ROUNDING = 0.5 * (1 + 1e-6)
"""Of the last decimal, by which a rounded result may differ from the exact one."""
RELATIVE = 1e-9
"""Of the value itself, by which sums of floating point numbers differ."""


class Facts:
    """The columns of one table; `Facts` of the same rows give arrays of the same length."""

    def __init__(self, columns: Mapping[str, Array], rows: int) -> None:
        """Take columns.

        Args:
            columns: by name, all of one length.
            rows: that length.
        """
        self.columns, self.rows = columns, rows
        self._numbers: dict[str, Floats] = {}
        self._codes: dict[str, Ints] = {}
        self._missing: dict[str, Bools] = {}
        self._decimals: dict[str, int | None] = {}

    @classmethod
    def of(cls, frame: pd.DataFrame, limit: int | None = None, seed: int = 0) -> Facts:
        """Take a frame, or `limit` rows drawn from it, in their order."""
        columns = {name: array(frame, name) for name in frame.columns}
        if limit is None or len(frame) <= limit:
            return cls(columns, len(frame))
        chosen = np.sort(np.random.default_rng(seed).choice(len(frame), limit, replace=False))
        taken = pa.array(chosen)
        return cls({name: values.take(taken) for name, values in columns.items()}, limit)

    def kind(self, name: str) -> pa.DataType:
        """Return the Arrow type of a column."""
        return self.columns[name].type

    def missing(self, name: str) -> Bools:
        """Return where a column is NULL."""
        if name not in self._missing:
            self._missing[name] = nulls(self.columns[name])
        return self._missing[name]

    def codes(self, name: str) -> Ints:
        """Return a code for each value, -1 for NULL."""
        if name not in self._codes:
            self._codes[name] = codes(self.columns[name])
        return self._codes[name]

    def numbers(self, name: str) -> Floats:
        """Return numbers, or microseconds of dates and times; NaN for NULL."""
        if name not in self._numbers:
            self._numbers[name] = as_numbers(self.columns[name])
        return self._numbers[name]

    def decimals(self, name: str) -> int | None:
        """Return the decimals that all values of a column fit in, None beyond `MAX_DECIMALS`."""
        if name not in self._decimals:
            self._decimals[name] = _decimals(self.numbers(name))
        return self._decimals[name]

    def close(self, name: str, wanted: Floats, slack: Floats | float = 0.0) -> Bools:
        """Tell where a column has the wanted number, as rounded as the column is.

        Args:
            name: the column.
            wanted: a number for each row.
            slack: by how much more it may differ.
        """
        return close(self.numbers(name), wanted, self.decimals(name), slack)


def close(
    values: Floats, wanted: Floats, decimals: int | None, slack: Floats | float = 0.0
) -> Bools:
    """Tell which values are the wanted ones, rounded.

    Args:
        values: numbers, NaN for NULL.
        wanted: as many.
        decimals: of the values; None where they are not rounded.
        slack: by how much more they may differ.
    """
    unit = 0.0 if decimals is None else ROUNDING * 10.0**-decimals
    result: Bools = np.abs(values - wanted) <= unit + slack + RELATIVE * np.abs(values)
    return result


def is_number(kind: pa.DataType) -> bool:
    """Tell whether a type is one of numbers."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def is_time(kind: pa.DataType) -> bool:
    """Tell whether a type is one of dates, or of dates with times."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def as_numbers(values: Array) -> Floats:
    """Return a column of numbers, dates or times as floats, NaN for NULL."""
    kind = values.type
    if pa.types.is_date(kind):
        values = values.cast(pa.timestamp("us"))
    if is_time(kind):
        values = values.cast(pa.timestamp("us", tz=getattr(kind, "tz", None))).cast(pa.int64())
    floats = pc.fill_null(values.cast(pa.float64(), safe=False), float("nan"))
    return np.asarray(floats.to_numpy(zero_copy_only=False), dtype=np.float64)


def _decimals(values: Floats) -> int | None:
    present = values[np.isfinite(values)]
    for decimals in range(MAX_DECIMALS + 1):
        with np.errstate(over="ignore"):
            scaled = present * 10.0**decimals
        if (np.abs(scaled - np.rint(scaled)) <= 1e-6 + RELATIVE * np.abs(scaled)).all():
            return decimals
    return None
