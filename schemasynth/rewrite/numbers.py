"""New numbers and times for keys: sequences go on, sparse ones fill gaps, within the type.

Used by key values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from schemasynth.arrays import cast
from schemasynth.model import SqlType, TypeFamily
from schemasynth.plan.keyformat import units
from schemasynth.plan.model import KeyFormat
from schemasynth.rewrite.exhausted import Exhausted

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools, Ints

_INTEGER_MAXIMA = (
    ("TINYINT", 127),
    ("SMALL", 32_767),
    ("INT2", 32_767),
    ("MEDIUMINT", 8_388_607),
    ("BIG", 2**63 - 1),
    ("INT8", 2**63 - 1),
)
"""Signed limits by name of the type (SQL standard, MySQL manual 11.1.2)."""
INT_MAXIMUM = 2**31 - 1
EXACT_FLOAT = 2**53
"""Integers up to here are floats without loss."""
DIGITS = 18
"""Decimal digits that every int64 holds."""
_DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_YEAR_9999 = 253_402_300_799
"""Seconds from 1970 to the last second that databases write with four digits."""


def largest_integer(sql_type: SqlType) -> int:
    """Return the largest integer that a type holds."""
    name = sql_type.sql.upper()
    counted = sql_type.family is TypeFamily.INTEGER and sql_type.precision is not None
    if counted or sql_type.family is TypeFamily.DECIMAL:
        digits = (sql_type.precision or DIGITS) - (sql_type.scale or 0)
        return int(10 ** min(digits, DIGITS)) - 1
    if sql_type.family is TypeFamily.FLOAT:
        return EXACT_FLOAT
    if sql_type.family is not TypeFamily.INTEGER:
        return int(10**DIGITS) - 1
    return next((top for word, top in _INTEGER_MAXIMA if word in name), INT_MAXIMUM)


def new_numbers(
    form: KeyFormat, sql_type: SqlType, used: Array, size: int, rng: np.random.Generator
) -> Array:
    """Return new numbers, dates or times.

    Args:
        form: learned from the source.
        sql_type: of the column.
        used: values that must not come back; of the type of the result.
        size: how many.
        rng: source of randomness.

    Raises:
        Exhausted: the type leaves no room for so many.
    """
    known, places = units(used)
    ordered = _ascending(known)
    if pa.types.is_temporal(used.type):
        bounds, wanted = _time_bounds(form, used.type)
    else:
        scale = 10**places
        top = min(largest_integer(sql_type) * scale + scale - 1, 2**63 - 1)
        bounds = (-top if len(ordered) and ordered[0] < 0 else 0, top)
        wanted = (_times_or(form.minimum, scale, 1), _times_or(form.maximum, scale, 1))
    fresh = _fresh(form, ordered, bounds, wanted, size, rng)
    return _typed(fresh, used.type, places)


def _times_or(number: int | None, scale: int, other: int) -> int:
    return other if number is None else number * scale


def _fresh(
    form: KeyFormat,
    used: Ints,
    bounds: tuple[int, int],
    wanted: tuple[int, int],
    size: int,
    rng: np.random.Generator,
) -> Ints:
    """Return distinct numbers that are not used: after them in a sequence, else between them."""
    step = max(form.step, 1)
    low, high = (int(used[0]), int(used[-1])) if len(used) else (wanted[0], wanted[0] - step)
    bounds = (min(bounds[0], low), max(bounds[1], high))
    first = max(high + step, wanted[0])
    if form.sequence and first + step * (size - 1) <= bounds[1]:
        return first + step * np.arange(size, dtype=np.int64)
    for start, end, by in _ranges(form, (low, high), bounds, wanted, size):
        free = (end - start) // by + 1 - np.count_nonzero((used >= start) & (used <= end))
        if free >= size:
            return start + by * _unused((used - start), (end - start) // by, by, size, rng)
    raise Exhausted(f"its type has fewer than {size:,} values that are not in use")


def _ranges(
    form: KeyFormat,
    ends: tuple[int, int],
    bounds: tuple[int, int],
    wanted: tuple[int, int],
    size: int,
) -> Iterator[tuple[int, int, int]]:
    """Yield ranges with their steps, the most like the source first."""
    step = max(form.step, 1)
    low, high = min(ends[0], wanted[0]), max(ends[1], wanted[1])
    low = ends[0] - (ends[0] - low) // step * step
    for end in (high, high + 4 * (high - low + step * size)):
        yield max(low, bounds[0]), min(end, bounds[1]), step
        yield max(low, bounds[0]), min(end, bounds[1]), 1
    yield *bounds, 1


def _unused(used: Ints, last: int, by: int, size: int, rng: np.random.Generator) -> Ints:
    """Return distinct multiples of a step from 0 to the last that are not used, as multiples."""
    taken = _ascending(used[used % by == 0] // by)
    taken = taken[(taken >= 0) & (taken <= last)]
    if last < 4 * (size + len(taken)):
        free = np.ones(last + 1, dtype=np.bool_)
        free[taken] = False
        return rng.permutation(np.flatnonzero(free))[:size]
    found = np.zeros(0, dtype=np.int64)
    while len(found) < size:
        missing = size - len(found)
        drawn = rng.integers(0, last, missing + missing // 8 + 16, dtype=np.int64, endpoint=True)
        drawn = _ascending(drawn)
        found = _ascending(np.concatenate([found, drawn[~_among(drawn, taken)]]))
    return rng.permutation(found)[:size]


def _ascending(values: Ints) -> Ints:
    """Return the distinct values in order; sorting beats NumPy's hashing tenfold here."""
    ordered = np.sort(values)
    return ordered[np.r_[True, ordered[1:] != ordered[:-1]]] if len(ordered) else ordered


def _among(values: Ints, ordered: Ints) -> Bools:
    """Return which values stand in an ordered array."""
    if len(ordered) == 0:
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
    found: Bools = ordered[places] == values
    return found


def _time_bounds(form: KeyFormat, kind: pa.DataType) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return what a type holds and what years the format names, in the type's units."""
    if pa.types.is_time(kind):
        end = _DAY[kind.unit] - 1
        return (0, end), (0, end)
    if pa.types.is_duration(kind):
        return (-(2**62), 2**62), (0, 0)
    unit: Any = "D" if pa.types.is_date32(kind) else getattr(kind, "unit", "ms")
    per_second = _DAY.get(unit, 86_400) / 86_400
    last = _YEAR_9999 // 86_400 if unit == "D" else int(_YEAR_9999 * per_second)
    years = (form.minimum or 1970, (form.maximum or 1970) + 1)
    low, high = (int(np.datetime64(f"{y:04d}-01-01", unit).astype(np.int64)) for y in years)
    return (min(low, 0), last), (low, high - 1)


def _typed(fresh: Ints, kind: pa.DataType, places: int) -> Array:
    if pa.types.is_temporal(kind):
        storage = pa.int32() if kind.bit_width == 32 else pa.int64()
        return pa.array(fresh, pa.int64()).cast(storage).cast(kind)
    if places == 0:
        return cast(pa.array(fresh, pa.int64()), kind)
    if pa.types.is_floating(kind):
        return pa.array(fresh / 10.0**places).cast(kind)
    words = np.stack([fresh, fresh >> 63], axis=1).astype("<i8")
    return pa.Array.from_buffers(kind, len(fresh), [None, pa.py_buffer(words.tobytes())])
