"""Columns as Arrow arrays and NumPy codes: lookup, matching, ranking, all vectorised.

Knows nothing of the package; imported by all that works on frames.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Array: TypeAlias = "pa.Array[Any]"
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]

NONE = -1
"""Code of NULL, and position of a row that is referenced by nobody."""

CODE_LIMIT = 2**62
"""Products of code ranges stay below it, so that tuples of codes fit an int64."""


def generator(seed: int, *labels: str) -> np.random.Generator:
    """Return a random generator that depends on the seed and on what it is for.

    Args:
        seed: of the run.
        labels: table, column, purpose; equal labels draw equal numbers.
    """
    return np.random.default_rng([seed & 0xFFFFFFFF, *(zlib.crc32(x.encode()) for x in labels)])


class Columns(Protocol):
    """What holds columns by name: a frame, or a file that is read column by column."""

    def __getitem__(self, name: str, /) -> pd.Series:
        """Return a column."""


def array(frame: Columns | pd.DataFrame, name: str) -> Array:
    """Return a column as one contiguous Arrow array.

    Args:
        frame: the columns; those of a file are read.
        name: of the column.
    """
    values: Any = pa.array(frame[name].array, from_pandas=True)
    if not isinstance(values, pa.ChunkedArray):
        return values
    chunked: Any = values
    return chunked.chunk(0) if chunked.num_chunks == 1 else chunked.combine_chunks()


def frame(columns: Mapping[str, Array], rows: int) -> pd.DataFrame:
    """Return a frame of `pandas.ArrowDtype` columns.

    Args:
        columns: by name, all of the same length.
        rows: their length; counts where there is no column.
    """
    extension: Any = pd.arrays.ArrowExtensionArray
    data = {name: extension(pa.chunked_array([values])) for name, values in columns.items()}
    return pd.DataFrame(data, index=pd.RangeIndex(rows), copy=False)


def indices(positions: Ints) -> Array:
    """Return positions for `take`, with NULL for `NONE`."""
    return pa.array(positions, type=pa.int64(), mask=positions < 0)


def take(values: Array, positions: Ints) -> Array:
    """Return the values at positions, NULL at `NONE`."""
    if len(values) == 0:
        return pa.nulls(len(positions), values.type)
    return values.take(indices(positions))


def nulls(values: Array) -> Bools:
    """Return which values are NULL."""
    return np.asarray(values.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def codes(values: Array) -> Ints:
    """Return a number for each value, the same for equal ones and `NONE` for NULL."""
    if pa.types.is_null(values.type):
        return np.full(len(values), NONE, dtype=np.int64)
    encoded: Any = pc.dictionary_encode(values)
    filled = pc.fill_null(encoded.indices, NONE)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def tuple_codes(parts: Sequence[Ints], rows: int) -> Ints:
    """Return a number for each tuple of codes; `NONE` where any part is `NONE`.

    Args:
        parts: codes of the columns.
        rows: their length; with no part all rows have code 0.
    """
    result = np.zeros(rows, dtype=np.int64)
    missing = np.zeros(rows, dtype=np.bool_)
    width = 1
    for part in parts:
        span = int(part.max(initial=0)) + 1
        if width * span >= CODE_LIMIT:
            result, width = _compress(result)
        missing |= part < 0
        result = result * span + np.maximum(part, 0)
        width *= span
    result[missing] = NONE
    return result


def _compress(values: Ints) -> tuple[Ints, int]:
    compact, uniques = pd.factorize(values)
    return np.asarray(compact, dtype=np.int64), len(uniques)


def canonical(values: Array) -> Array:
    """Return values as text that is equal for equal keys of different types (7, 7.0, '7')."""
    kind = values.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        whole = pc.equal(pc.floor(values), values)
        if pc.all(whole).as_py() is not False:
            values = _cast_or_text(values, pa.int64())
    if pa.types.is_boolean(kind):
        values = values.cast(pa.int64())
    if pa.types.is_binary(kind):
        return _cast_or_text(values, pa.string())
    return values if pa.types.is_string(values.type) else values.cast(pa.string())


def _cast_or_text(values: Array, kind: pa.DataType) -> Array:
    try:
        return values.cast(kind)
    except pa.ArrowInvalid:
        if pa.types.is_binary(values.type):
            return pa.array([None if x is None else x.hex() for x in values.to_pylist()])
        return values.cast(pa.string())


def joint_codes(left: Array, right: Array) -> tuple[Ints, Ints]:
    """Return codes of two columns, equal where the values are equal across types."""
    if left.type != right.type:
        left, right = canonical(left), canonical(right)
    both: Any = pa.chunked_array([left, right], type=left.type)
    together = codes(both.combine_chunks())
    return together[: len(left)], together[len(left) :]


def joint_tuple_codes(left: Sequence[Array], right: Sequence[Array]) -> tuple[Ints, Ints]:
    """Return codes of two lists of columns, equal where the tuples are equal."""
    pairs = [joint_codes(a, b) for a, b in zip(left, right, strict=True)]
    rows = len(left[0])
    parts = [np.concatenate(pair) for pair in pairs]
    together = tuple_codes(parts, rows + len(right[0]))
    return together[:rows], together[rows:]


def lookup(child: Sequence[Array], parent: Sequence[Array]) -> Ints:
    """Return the position in the parent of each child row's key.

    Args:
        child: columns of the foreign key.
        parent: columns of the candidate key, in the same order.

    Returns:
        Positions; `NONE` where a part is NULL (MATCH SIMPLE) or no parent has the key. The
        first parent is taken where several have it.
    """
    wanted, offered = joint_tuple_codes(child, parent)
    return positions(wanted, offered)


def positions(wanted: Ints, offered: Ints) -> Ints:
    """Return where each wanted code stands first among the offered; `NONE` where nowhere."""
    top = int(max(wanted.max(initial=NONE), offered.max(initial=NONE)))
    if top < 0:
        return np.full(len(wanted), NONE, dtype=np.int64)
    if top > 4 * (len(wanted) + len(offered)):
        both, _ = pd.factorize(np.concatenate([wanted, offered]))
        compact = np.asarray(both, dtype=np.int64)
        compact[np.concatenate([wanted, offered]) < 0] = NONE
        return positions(compact[: len(wanted)], compact[len(wanted) :])
    table = np.full(top + 2, NONE, dtype=np.int64)
    valid = np.flatnonzero(offered >= 0)[::-1]
    table[offered[valid]] = valid
    return table[wanted]  # code -1 reads the last, never written cell


def repeated(key: Ints) -> Bools:
    """Return which rows repeat an earlier row's code; `NONE` repeats nothing."""
    again = np.asarray(pd.Series(key).duplicated(), dtype=np.bool_)
    return again & (key >= 0)


def rank_in_group(groups: Ints) -> Ints:
    """Return the number of earlier rows with the same code."""
    order = np.argsort(groups, kind="stable")
    starts, sizes = runs(groups[order])
    ranks = np.empty(len(groups), dtype=np.int64)
    ranks[order] = np.arange(len(groups)) - np.repeat(starts, sizes)
    return ranks


def ranges(starts: Ints, lengths: Ints) -> Ints:
    """Return `starts[i], starts[i] + 1, …` of each length, one after another."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    result: Ints = np.arange(total) + np.repeat(starts - (ends - lengths), lengths)
    return result


def runs(ordered: Ints) -> tuple[Ints, Ints]:
    """Return where each run of equal values starts in ordered values, and how long it is."""
    if len(ordered) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]).astype(np.int64)
    return starts, np.diff(np.r_[starts, len(ordered)])


def counts_of(groups: Ints) -> Ints:
    """Return how many rows have each row's code."""
    compact, uniques = pd.factorize(groups)
    return np.bincount(compact, minlength=len(uniques)).astype(np.int64)[compact]


def where(condition: Bools, chosen: Array, other: Array) -> Array:
    """Return `chosen` where the condition holds, else `other`; both of one type."""
    result: Any = pc.if_else(pa.array(condition), chosen, other)
    return result


def cast(values: Array, kind: pa.DataType) -> Array:
    """Return values in another type; as they are where they do not fit it.

    Args:
        values: any.
        kind: wanted.
    """
    if values.type == kind:
        return values
    try:
        if pa.types.is_decimal(kind) and pa.types.is_integer(values.type):
            values = values.cast(pa.decimal128(38, kind.scale))
        return values.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return values
