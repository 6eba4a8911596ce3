"""Check digits and letters of new key values, by the modules of python-stdnum.

Imports nothing of the package; used by key values.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.checknumbers import check_module
from schemasynth.rewrite.checklaw import learned_law

if TYPE_CHECKING:
    from schemasynth.arrays import Array

CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
PROBE = 40
"""Texts on which the ways to complete a number are tried before all are completed."""
GOOD = 0.9
"""Share of the probe that direct ways must complete; search is some fifty times slower."""
MANY = 20_000
"""Texts of one length for which it pays to learn the law of the check first."""
_UNIONS = {"es.nif": ("es.dni", "es.nie", "es.cif")}
"""Modules that accept the numbers of several others and compute nothing themselves."""
Way: TypeAlias = Callable[[str], str]
_ERRORS = (ValueError, TypeError, IndexError, KeyError, AttributeError)
"""What the modules raise for texts they cannot judge; `ValidationError` is a ValueError."""


def completed(texts: Array, check: str) -> Array:
    """Return texts with their check characters in place.

    Args:
        texts: drawn, of the form that valid numbers have; separators may stand in them.
        check: module of python-stdnum, for example ``es.dni``.

    Returns:
        One for each; NULL for those that cannot be made valid.
    """
    lengths = np.asarray(pc.fill_null(pc.utf8_length(texts), 0), dtype=np.int64)
    parts: list[Array] = []
    places = []
    for length in np.unique(lengths):
        at = np.flatnonzero(lengths == length)
        parts.append(_of_one_length(texts.take(pa.array(at)), check))
        places.append(at)
    if len(parts) < 2:
        return parts[0] if parts else texts
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_arrays(parts).take(pa.array(order))


def _of_one_length(texts: Array, check: str) -> Array:
    plain = texts.to_pylist()
    ways = _ways(check, [text for text in plain[:PROBE] if text is not None])
    valid = check_module(check).is_valid

    def complete(text: str) -> str | None:
        return _completed(text, ways, valid)

    if len(texts) >= MANY and texts.null_count == 0 and pc.all(pc.string_is_ascii(texts)).as_py():
        width = len(plain[0])
        cells = np.array(plain, dtype=f"S{width}").view(np.uint8).reshape(-1, width)
        law = learned_law(cells, complete)
        if law is not None:
            made = law.completed(cells).view(f"S{width}").reshape(-1)
            return pa.array(made).cast(pa.string())
    return pa.array([None if text is None else complete(text) for text in plain], pa.string())


def _ways(check: str, probe: Sequence[str]) -> list[Way]:
    """Return the direct ways that complete nearly all of the probe between them, or search."""
    valid = check_module(check).is_valid
    modules = [check_module(name) for name in (check, *_UNIONS.get(check, ()))]
    direct = [way for module in modules for way in _direct_ways(module)]
    hits = {
        way: sum(_completed(text, [way], valid) is not None for text in probe) for way in direct
    }
    useful = sorted((way for way in direct if hits[way]), key=lambda way: -hits[way])
    done = sum(_completed(text, useful, valid) is not None for text in probe)
    return useful if done >= GOOD * len(probe) else [lambda text: _searched(text, valid)]


def _completed(text: str, ways: Sequence[Way], valid: Callable[[str], bool]) -> str | None:
    for way in ways:
        candidate = _applied(way, text)
        if candidate is not None and valid(candidate):
            return candidate
    return None


def _applied(way: Way, text: str) -> str | None:
    """Complete the letters and digits of a text; separators stay where they are."""
    places = [i for i, character in enumerate(text) if character.isalnum()]
    try:
        compact = way("".join(text[i] for i in places))
    except _ERRORS:
        return None
    if len(compact) != len(places):
        return None
    characters = list(text)
    for place, character in zip(places, compact, strict=True):
        characters[place] = character
    return "".join(characters)


def _direct_ways(module: Any) -> list[Way]:
    """Return the ways in which modules of python-stdnum compute and place check characters."""
    ways: list[Way] = []
    one = getattr(module, "calc_check_digit", None)
    if one is not None:
        ways += [
            lambda text: text[:-1] + str(one(text[:-1])),
            lambda text: text[:-1] + str(one(text)),
            lambda text: str(one(text[1:])) + text[1:],
        ]
    two = getattr(module, "calc_check_digits", None)
    if two is not None:
        ways += [
            lambda text: text[:2] + str(two(text)) + text[4:],
            lambda text: text[:-2] + str(two(text[:-2])),
            lambda text: text[:8] + str(two(text)) + text[10:],
            lambda text: text[:-1] + str(two(text[:-1]))[0],
            lambda text: text[:-1] + str(two(text[:-1]))[1],
            lambda text: _spanish_iban(text, two),
        ]
    return ways


def _spanish_iban(text: str, two: Callable[[str], str]) -> str:
    """Complete an IBAN that holds a Spanish account, which has check digits of its own."""
    from stdnum.es import ccc

    account = text[:12] + str(ccc.calc_check_digits(text[4:])) + text[14:]
    return account[:2] + str(two(account)) + account[4:]


def _searched(text: str, valid: Callable[[str], bool]) -> str:
    """Try every last character, then every number after two letters."""
    candidates = itertools.chain(
        (text[:-1] + character for character in CHARACTERS),
        (f"{text[:2]}{number:02d}{text[4:]}" for number in range(100)),
    )
    return next(filter(valid, candidates), text)
