"""How values of people are written: case, order, separators; and when two of them are the same.

Pure functions of Arrow arrays; used by the rewrite of people and by the check of its result.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import nulls
from schemasynth.model.sensitivity import SensitiveKind

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools

UPPER, LOWER, MIXED, FAMILY = "U", "l", "m", "F"
"""Case of a form, its first character; the last has the surname in capitals, before a comma."""
USUAL = "m1;#x@<so4"
"""Form of all kinds where none is known: it has a part of each."""
MIN_LENGTH = 6
"""Letters and digits from which a value says by itself whose it is: *1234* stands for anything."""
MAX_WORDS = 4
"""Words of a name that are told apart."""
_UNIT = (
    r"^(?:apt|apartment|suite|ste|unit|floor|level|room|flat|pis|piso|planta|porta|puerta|esc"
    r"|p\.?o\.? ?box)\b"
)
_K = SensitiveKind


def normalised(values: Array, *, is_name: bool = False) -> Array:
    """Return texts that are equal for values that mean the same.

    Args:
        values: texts or numbers.
        is_name: ``SURNAME, Name`` means the same as ``Name Surname``.

    Returns:
        Letters and digits only, small, without accents.
    """
    texts = values if pa.types.is_string(values.type) else values.cast(pa.string())
    if is_name:
        texts = pc.replace_substring_regex(texts, r"^\s*([^,]+),\s*(.+)$", r"\2 \1")
    plain = pc.utf8_lower(pc.utf8_normalize(texts, "NFKD"))
    return pc.replace_substring_regex(plain, r"[^\p{L}\p{N}]", "")


def phrases(values: Array) -> Iterator[set[str]]:
    """Yield for each text of several words all sequences of a few of them, normalised.

    Args:
        values: texts.
    """
    plain = pc.utf8_lower(pc.utf8_normalize(values, "NFKD"))
    spaced = pc.replace_substring_regex(plain, r"[^\p{L}\p{N}\s]", "")
    for text in spaced.to_pylist():
        words = text.split()
        longest = min(MAX_WORDS, len(words) - 1)
        yield {
            "".join(words[start : start + size])
            for size in range(1, longest + 1)
            for start in range(len(words) - size + 1)
        }


def forms(kind: SensitiveKind, values: Array) -> Array:
    """Return how each value is written, as a short text; NULL for NULL.

    Args:
        kind: of all values.
        values: of a column.
    """
    if not pa.types.is_string(values.type) or kind not in _PARTS:
        return pc.if_else(pc.is_null(values), pa.scalar(None, pa.string()), pa.scalar(UPPER))
    case = _case(values)
    if kind is _K.FULL_NAME:
        family = pc.match_substring_regex(values, r"^[^,\p{Ll}]*\p{Lu}[^,\p{Ll}]*,")
        case = pc.if_else(pc.and_(pc.equal(case, MIXED), family), FAMILY, case)
    parts = [case, *_PARTS[kind](values)]
    return pc.binary_join_element_wise(*parts, "")


def cased(texts: Array, upper: Bools, lower: Bools) -> Array:
    """Return texts in capitals or small letters where asked."""
    made = texts
    if upper.any():
        made = pc.if_else(pa.array(upper), pc.utf8_upper(texts), made)
    if lower.any():
        made = pc.if_else(pa.array(lower), pc.utf8_lower(texts), made)
    return made


def has(codes: Array, part: str) -> Bools:
    """Return which forms contain a part."""
    found = pc.fill_null(pc.match_substring(codes, part), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.bool_) & ~nulls(codes)


def _case(values: Array) -> Array:
    upper = pc.and_(
        pc.equal(pc.utf8_upper(values), values), pc.match_substring_regex(values, r"\p{L}")
    )
    lower = pc.equal(pc.utf8_lower(values), values)
    return pc.if_else(upper, UPPER, pc.if_else(lower, LOWER, MIXED))


def _either(condition: Array, chosen: str, other: str) -> Array:
    return pc.if_else(condition, pa.scalar(chosen), pa.scalar(other))


def _words(values: Array) -> Array:
    count = pc.count_substring_regex(values, r"[^\s,;&/]+")
    return pc.min_element_wise(pc.cast(count, pa.int64()), MAX_WORDS).cast(pa.string())


def _of_name(values: Array) -> list[Array]:
    return [_words(values), _either(pc.match_substring(values, ","), ",", ";")]


def _of_login(values: Array) -> list[Array]:
    local = pc.replace_substring_regex(values, r"@.*$", "")
    separator = pc.if_else(
        pc.match_substring(local, "."),
        ".",
        _either(pc.match_substring(local, "_"), "_", "#"),
    )
    return [
        separator,
        _either(pc.match_substring_regex(local, r"\d"), "9", "x"),
        _either(pc.match_substring(values, "@"), "@", "-"),
    ]


def _of_address(values: Array) -> list[Array]:
    plain = pc.utf8_lower(values)
    number_first = pc.match_substring_regex(values, r"^\W*\d")
    has_digits = pc.match_substring_regex(values, r"\d")
    order = pc.if_else(number_first, "<", _either(has_digits, ">", "="))
    return [
        order,
        _either(pc.match_substring_regex(plain, _UNIT), "u", "s"),
        _either(pc.match_substring_regex(values, r"\D\d{5}(\D|$)"), "z", "o"),
    ]


def _of_ip(values: Array) -> list[Array]:
    return [_either(pc.match_substring(values, ":"), "6", "4")]


_PARTS = {
    _K.GIVEN_NAME: _of_name,
    _K.SURNAME: _of_name,
    _K.FULL_NAME: _of_name,
    _K.EMAIL: _of_login,
    _K.USER_NAME: _of_login,
    _K.ADDRESS: _of_address,
    _K.IP_ADDRESS: _of_ip,
}
