"""New UUIDs in the version and spelling of a source.

Used by key values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.plan.model import KeyFormat

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

SPELLING = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
_VARIANT = 8
"""Byte of the variant, in its two highest bits (RFC 9562, section 4.1)."""
_VERSION = 6
"""Byte of the version, in its four highest bits (RFC 9562, section 4.2)."""
_MULTICAST = 10
"""First byte of the node, whose lowest bit marks one that is no network card (section 6.10)."""
_TIMES = {1: ((12, 16), (8, 12), (0, 8)), 6: ((0, 8), (8, 12), (12, 16)), 7: ((0, 8), (8, 12))}
"""Hexadecimal digits of the time in versions that hold one, the highest first (section 5)."""
_VERSION_DIGIT = 12
LAST_DAYS = 365
"""Where the source has no time, new ones are of so many days before the epoch's 2024-01-01."""
_DAY_MS = 86_400_000
_NEW_YEAR_2024_MS = 1_704_067_200_000
_GREGORIAN_TICKS = 122_192_928_000_000_000
"""Ticks of 100 ns from 1582-10-15, from which versions 1 and 6 count, to 1970 (section 5.1)."""


def new_uuids(form: KeyFormat, source: Array, size: int, rng: np.random.Generator) -> Array:
    """Return new UUIDs as text.

    Args:
        form: with version and spelling.
        source: UUIDs as text; new times lie between the first and the last of theirs.
        size: how many.
        rng: source of randomness.
    """
    version = form.version or 4
    raw = np.frombuffer(rng.bytes(16 * size), dtype=np.uint8).reshape(size, 16).copy()
    nibbles = np.empty((size, 32), dtype=np.uint8)
    nibbles[:, 0::2], nibbles[:, 1::2] = raw >> 4, raw & 0x0F
    if version in _TIMES:
        low, high = _time_range(version, source)
        _write_time(nibbles, version, rng.integers(low, high + 1, size, dtype=np.int64))
    nibbles[:, 2 * _VERSION] = version
    nibbles[:, 2 * _VARIANT] = (nibbles[:, 2 * _VARIANT] & 0x3) | 0x8
    if version in (1, 6):
        nibbles[:, 2 * _MULTICAST + 1] |= 0x1
    return _spelled(nibbles, form.spelling or SPELLING)


def _digits_of(version: int) -> list[int]:
    places = [i for low, high in _TIMES[version] for i in range(low, high)]
    return [i for i in places if i != _VERSION_DIGIT]


def _write_time(nibbles: npt.NDArray[np.uint8], version: int, times: Ints) -> None:
    places = _digits_of(version)
    for shift, place in enumerate(reversed(places)):
        nibbles[:, place] = (times >> (4 * shift)) & 0xF


def _time_range(version: int, source: Array) -> tuple[int, int]:
    """Return the first and the last time in UUIDs, in the version's own units."""
    bare = pc.replace_substring_regex(pc.utf8_lower(source), r"^urn:uuid:|[-{}]", "")
    bare = bare.filter(pc.match_substring_regex(bare, f"^[0-9a-f]{{12}}{version}[0-9a-f]{{19}}$"))
    if len(bare) == 0:
        unit, start = (1, 0) if version == 7 else (10_000, _GREGORIAN_TICKS)
        last = start + _NEW_YEAR_2024_MS * unit
        return last - LAST_DAYS * _DAY_MS * unit, last
    cells = np.array(bare.to_pylist(), dtype="S32").view(np.uint8).reshape(len(bare), 32)
    values = np.where(cells > ord("9"), cells - ord("a") + 10, cells - ord("0")).astype(np.int64)
    times = np.zeros(len(bare), dtype=np.int64)
    for place in _digits_of(version):
        times = times * 16 + values[:, place]
    return int(times.min()), int(times.max())


def _spelled(nibbles: npt.NDArray[np.uint8], spelling: str) -> Array:
    digit = "X" if "X" in spelling else "x"
    letters = np.frombuffer(
        b"0123456789ABCDEF" if digit == "X" else b"0123456789abcdef", dtype=np.uint8
    )
    cells = np.empty((len(nibbles), len(spelling)), dtype=np.uint8)
    cells[:] = np.frombuffer(spelling.encode(), dtype=np.uint8)
    cells[:, [i for i, c in enumerate(spelling) if c == digit]] = letters[nibbles]
    return pa.array(cells.view(f"S{len(spelling)}").reshape(-1)).cast(pa.string())
