"""New key values of a learned format: unique, and equal to none of the source.

Imports arrays and key formats; used by the rewrite of keys.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import cast, codes, repeated
from schemasynth.errors import PlanError
from schemasynth.model import SqlType, TypeFamily
from schemasynth.plan.keyformat import ALPHABETS, alphabets
from schemasynth.plan.model import KeyFormat, KeyKind
from schemasynth.rewrite.checks import POOR, completed, recombined
from schemasynth.rewrite.draw import share

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools, Ints

ENUMERABLE = 200_000
"""Texts of a format that are written out one by one where draws find no more new ones."""
ROUNDS = 6
"""Times that missing values are drawn again before a shape is taken for exhausted."""
MAX_EXTRA = 8
"""Digits appended at most where a format has not enough values."""
DIGITS = ALPHABETS[r"\d"]
Shapes: TypeAlias = list[tuple[tuple[str, ...], float]]
"""Characters allowed at each place, with the share of texts that look so."""
DENSE = 0.5
"""Integers that fill this share of their range are a sequence and go on where it ended."""
Drawing: TypeAlias = "Callable[[int, np.random.Generator], Array]"
"""Draws so many texts, or fewer where not every one comes out valid."""
_UUID_PLACES = [i for i in range(36) if i not in (8, 13, 18, 23)]
"""Where hexadecimal digits stand in a UUID (RFC 9562, section 4)."""
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


class Exhausted(PlanError):
    """A format has not enough values that the source does not use."""


def new_values(
    form: KeyFormat,
    sql_type: SqlType,
    source: Array,
    size: int,
    rng: np.random.Generator,
) -> Array:
    """Return new key values.

    Args:
        form: learned from the source.
        sql_type: of the column; decides how long or large a value may be.
        source: values that must not come back; its type is that of the result.
        size: how many.
        rng: source of randomness.

    Raises:
        Exhausted: the format and the type leave no room for so many.
    """
    match form.kind:
        case KeyKind.INTEGER:
            numbers = _integers(source, sql_type, size, rng)
            return cast(pa.array(numbers, pa.int64()), source.type)
        case KeyKind.TEMPORAL:
            return _times(source, size, rng)
        case KeyKind.UUID:
            return _uuids(source, form.version or 4, size, rng)
        case KeyKind.CHECKED | KeyKind.PATTERN:
            return _texts(form, sql_type, source, size, rng)


def largest_integer(sql_type: SqlType) -> int:
    """Return the largest integer that a type holds."""
    name = sql_type.sql.upper()
    if sql_type.family is TypeFamily.DECIMAL:
        digits = (sql_type.precision or 18) - (sql_type.scale or 0)
        return int(10 ** min(digits, 18)) - 1
    if sql_type.family is TypeFamily.FLOAT:
        return 2**53
    return next((top for word, top in _INTEGER_MAXIMA if word in name), INT_MAXIMUM)


def _integers(source: Array, sql_type: SqlType, size: int, rng: np.random.Generator) -> Ints:
    used = _ascending(np.asarray(source.drop_null().cast(pa.int64(), safe=False), dtype=np.int64))
    low, high = (int(used[0]), int(used[-1])) if len(used) else (1, 0)
    top = max(largest_integer(sql_type), high)
    span = high - low + 1
    if len(used) >= DENSE * span and high + size <= top:
        return np.arange(high + 1, high + 1 + size, dtype=np.int64)
    width = max(4 * (span + size), span)
    if len(used) < DENSE * span:
        digits = 10 ** len(str(max(high, 1))) - 1
        return _unused(
            used, min(low, 0) if low < 0 else low, min(top, max(digits, high)), top, size, rng
        )
    return _unused(used, max(low - width, 0), top, top, size, rng)


def _unused(used: Ints, low: int, high: int, top: int, size: int, rng: np.random.Generator) -> Ints:
    """Return distinct integers that are not used, within a range, wider where it is too small."""
    free = high - low + 1 - len(used)
    if free < size:
        low, high = min(low, 0), top
        if high - low + 1 - len(used) < size:
            raise Exhausted(f"only {max(high - low + 1 - len(used), 0):,} integers are left")
    if high - low < 4 * (size + len(used)):
        candidates = np.setdiff1d(np.arange(low, high + 1, dtype=np.int64), used)
        return rng.permutation(candidates)[:size]
    found = np.zeros(0, dtype=np.int64)
    while len(found) < size:
        drawn = rng.integers(low, high + 1, 2 * (size - len(found)) + 16, dtype=np.int64)
        both = np.concatenate([found, drawn[~_among(drawn, used)]])
        found = both[~repeated(both - low)]
    return found[:size]


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


def _times(source: Array, size: int, rng: np.random.Generator) -> Array:
    kind = source.type
    storage = pa.int32() if kind.bit_width == 32 else pa.int64()
    used = np.unique(np.asarray(source.drop_null().cast(storage), dtype=np.int64))
    low = int(used[0]) if len(used) else 0
    step = _step(used)
    places = np.unique((used - low) // step)
    width = max(int(places[-1]) if len(places) else 0, size) * 2 + size
    fresh = _unused(places, 0, width, 2**40, size, rng)
    values = low + fresh * step
    if pa.types.is_time(kind):
        values %= 86_400 * (10**6 if kind.bit_width == 64 else 10**3)
    return pa.array(values, pa.int64()).cast(storage).cast(kind)


def _step(used: Ints) -> int:
    """Return the unit in which all values differ: a day, a second, a microsecond."""
    return max(1, int(np.gcd.reduce(np.diff(used)))) if len(used) > 1 else 1


def _uuids(source: Array, version: int, size: int, rng: np.random.Generator) -> Array:
    raw = np.frombuffer(rng.bytes(16 * size), dtype=np.uint8).reshape(size, 16).copy()
    raw[:, 6] = (raw[:, 6] & 0x0F) | ((version if version in range(1, 9) else 4) << 4)
    raw[:, 8] = (raw[:, 8] & 0x3F) | 0x80
    upper = pc.any(pc.match_substring_regex(source.slice(0, 100), "[A-F]")).as_py()
    letters = np.frombuffer(b"0123456789ABCDEF" if upper else b"0123456789abcdef", dtype=np.uint8)
    cells = np.full((size, 36), ord("-"), dtype=np.uint8)
    cells[:, _UUID_PLACES[0::2]] = letters[raw >> 4]
    cells[:, _UUID_PLACES[1::2]] = letters[raw & 0x0F]
    return _from_bytes(cells).cast(source.type)


def _from_bytes(cells: npt.NDArray[np.uint8]) -> Array:
    """Return one ASCII text for each row of a matrix."""
    size, width = cells.shape
    return pa.array(np.ascontiguousarray(cells).view(f"S{width}").reshape(size)).cast(pa.string())


def _texts(
    form: KeyFormat, sql_type: SqlType, source: Array, size: int, rng: np.random.Generator
) -> Array:
    """Return texts of the format; a wider one where it has not enough of them."""
    present = pc.drop_null(source).cast(pa.string())
    used = pc.utf8_lower(present)
    patterns = form.patterns or (("[a-z]{8}", 1.0),)
    learned: Shapes = [(alphabets(pattern), weight) for pattern, weight in patterns]
    for shapes in _wider(learned, sql_type.length or 2**31):
        found = _distinct(_completed(partial(_drawn, shapes), form, present), used, size, rng)
        if len(found) < size and sum(math.prod(map(len, a)) for a, _ in shapes) <= ENUMERABLE:
            found = _enumerated(shapes, form, used, size, rng)
        if len(found) == size:
            return found.cast(source.type)
    raise Exhausted("its format has not enough values that the source does not use")


def _completed(draw: Drawing, form: KeyFormat, source: Array) -> Drawing:
    """Return a drawing of texts whose check digit or letter is right."""
    if form.check is None:
        return draw
    check, known = form.check, source.to_pylist()

    def valid(size: int, rng: np.random.Generator) -> Array:
        found = completed(draw(size, rng).to_pylist(), check)
        if len(found) < POOR * size and known:
            found = completed(recombined(known, size, rng), check)
        return pa.array(found, pa.string())

    return valid


def _wider(shapes: Shapes, length: int) -> Iterator[Shapes]:
    """Yield shapes as learned, then with every letter and digit free, then ever longer."""
    shapes = [(letters[:length], weight) for letters, weight in shapes]
    yield shapes
    shapes = [(tuple(map(_freed, letters)), weight) for letters, weight in shapes]
    yield shapes
    for _ in range(MAX_EXTRA):
        shapes = [((*letters, DIGITS)[:length], weight) for letters, weight in shapes]
        yield shapes


def _freed(letters: str) -> str:
    """Return the whole class of the characters allowed at a place."""
    whole = (a for a in ALPHABETS.values() if set(letters) <= set(a))
    return next(whole, letters)


def _distinct(draw: Drawing, used: Array, size: int, rng: np.random.Generator) -> Array:
    """Return up to `size` distinct texts that are not used."""
    found: Array = pa.array([], pa.string())
    for _ in range(ROUNDS):
        missing = size - len(found)
        if missing <= 0:
            break
        drawn = draw(missing + missing // 4 + 4, rng)
        found = _fresh(pa.concat_arrays([found, drawn]), used)
    return found.slice(0, size)


def _enumerated(
    shapes: Shapes, form: KeyFormat, used: Array, size: int, rng: np.random.Generator
) -> Array:
    """Return up to `size` texts of all that the shapes allow, in random order."""
    whole = ["".join(text) for letters, _ in shapes for text in itertools.product(*letters)]
    texts = completed(whole, form.check) if form.check else whole
    found = _fresh(pa.array(texts, pa.string()), used)
    return found.take(pa.array(rng.permutation(len(found))[:size]))


def _fresh(texts: Array, used: Array) -> Array:
    """Return texts without those that differ from others or used ones only in case."""
    folded: Any = pc.utf8_lower(texts)
    new = ~np.asarray(pc.is_in(folded, used).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return texts.filter(pa.array(new & ~repeated(codes(folded))))


def _drawn(shapes: Shapes, size: int, rng: np.random.Generator) -> Array:
    """Draw texts, each shape by its share, in random order."""
    counts = share(size, np.asarray([round(s * 10_000) for _, s in shapes], dtype=np.int64))
    parts = [_matrix(letters, int(n), rng) for (letters, _), n in zip(shapes, counts, strict=True)]
    return pa.concat_arrays(parts).take(pa.array(rng.permutation(size)))


def _matrix(letters: Sequence[str], size: int, rng: np.random.Generator) -> Array:
    if not letters or size == 0:
        return pa.array([""] * size, pa.string())
    if "".join(letters).isascii():
        narrow = np.empty((size, len(letters)), dtype=np.uint8)
        for i, alphabet in enumerate(letters):
            known = np.frombuffer(alphabet.encode(), dtype=np.uint8)
            narrow[:, i] = known[rng.integers(0, len(known), size)]
        return _from_bytes(narrow)
    wide = np.empty((size, len(letters)), dtype="U1")
    for i, alphabet in enumerate(letters):
        wide[:, i] = np.array(list(alphabet))[rng.integers(0, len(alphabet), size)]
    return pa.array(wide.view(f"U{len(letters)}").reshape(-1), pa.string())
