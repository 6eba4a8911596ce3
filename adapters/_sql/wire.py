"""Arrow values as the texts that databases read.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

_MICROSECONDS = 1_000_000
_HOUR = 3600 * _MICROSECONDS


class ColumnMisfit(ValueError):
    """Values that cannot be cast to a column's type.

    Attributes:
        column: its name.
        kind: what Arrow calls the failure.
    """

    def __init__(self, column: str, kind: str) -> None:
        """Keep the names; never a value."""
        super().__init__(f"column {column}: {kind}")
        self.column, self.kind = column, kind


def without_padding(numbers: Any) -> Any:
    """Drop zeros that only the Arrow type's scale put behind the point."""
    whole = pc.replace_substring_regex(numbers, r"^(-?\d+)\.0+$", r"\1")
    return pc.replace_substring_regex(whole, r"^(-?\d+\.\d*[1-9])0+$", r"\1")


def clock(microseconds: Any) -> Any:
    """Write microseconds as ``-H:MM:SS.ffffff``, which databases read as a span of time."""
    size = pc.abs(microseconds)
    hours = pc.divide(size, _HOUR)
    rest = pc.subtract(size, pc.multiply(hours, _HOUR)).cast(pa.time64("us")).cast(pa.string())
    sign = pc.if_else(pc.less(microseconds, 0), "-", "")
    minutes = pc.utf8_slice_codeunits(rest, 2)
    return pc.binary_join_element_wise(sign, hours.cast(pa.string()), minutes, "")
