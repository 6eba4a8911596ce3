r"""The language of key patterns: literals, classes with counts, and named parts.

``AB\d{2}\-[A-Z](year)`` are the letters AB, two digits, a dash, a capital and the part ``year``.
Imports nothing of the package; used by key formats and key values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

Run: TypeAlias = tuple[str, ...]
"""Characters allowed at each of several places; one where the place is literal."""
Piece: TypeAlias = Run | str
"""A run, or the name of a part."""

DIGITS = "0123456789"
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LOWER = UPPER.lower()
CLASSES = (
    (r"\d", DIGITS),
    ("[1-9]", DIGITS[1:]),
    ("[A-Z]", UPPER),
    ("[a-z]", LOWER),
    ("[0-9A-F]", DIGITS + UPPER[:6]),
    ("[0-9a-f]", DIGITS + LOWER[:6]),
    ("[0-9A-Z]", DIGITS + UPPER),
    ("[0-9a-z]", DIGITS + LOWER),
    ("[A-Za-z]", UPPER + LOWER),
    ("[0-9A-Za-z]", DIGITS + UPPER + LOWER),
)
"""Names of the usual classes, the narrowest first."""
DIGIT_RANGE = "0-9"
_NAMES = {letters: name for name, letters in CLASSES}
_SPECIAL = frozenset(r"\[](){}")
_SPECIAL_IN_CLASS = frozenset(r"\[]^-")
_PIECE = re.compile(
    r"\((?P<part>\w+)\)"
    r"|(?P<class>\\d|\[(?:\\.|[^\]\\])+\])(?:\{(?P<count>\d+)\})?"
    r"|\\(?P<escaped>.)|(?P<plain>.)",
    re.DOTALL,
)
_MEMBER = re.compile(r"\\(?P<escaped>.)|(?P<low>.)-(?P<high>[^\\])|(?P<plain>.)", re.DOTALL)


def pieces(pattern: str) -> tuple[Piece, ...]:
    """Return the pieces of a pattern: as few runs as possible, and parts by name."""
    result: list[Piece] = []
    run: list[str] = []
    for match in _PIECE.finditer(pattern):
        if match["part"]:
            result += [tuple(run), match["part"]]
            run = []
        elif match["class"]:
            run += [_members(match["class"])] * int(match["count"] or 1)
        else:
            run.append(match["escaped"] or match["plain"])
    return tuple(piece for piece in (*result, tuple(run)) if piece)


def part_names(pattern: str) -> tuple[str, ...]:
    """Return the names of the parts in a pattern."""
    return tuple(piece for piece in pieces(pattern) if isinstance(piece, str))


def is_pattern(text: str) -> bool:
    """Tell whether a text reads as a pattern: no bracket is left open, no class is empty."""
    plain = (match["plain"] for match in _PIECE.finditer(text))
    return bool(text) and not any(character in "[](){}" for character in plain if character)


def is_fixed(pattern: str) -> bool:
    """Tell whether a pattern stands for one text."""
    return all(
        not isinstance(piece, str) and all(len(letters) == 1 for letters in piece)
        for piece in pieces(pattern)
    )


def _members(written: str) -> str:
    if written == r"\d":
        return DIGITS
    letters: list[str] = []
    for match in _MEMBER.finditer(written[1:-1]):
        if match["low"]:
            letters += map(chr, range(ord(match["low"]), ord(match["high"]) + 1))
        else:
            letters.append(match["escaped"] or match["plain"])
    return "".join(dict.fromkeys(letters))


def written(run: Sequence[str]) -> str:
    """Write a run of allowed characters as a pattern."""
    return "".join(_counted([_class(letters) for letters in run]))


def literal(text: str) -> str:
    """Write a text as the pattern of itself."""
    return "".join(f"\\{c}" if c in _SPECIAL else c for c in text)


def _class(letters: str) -> str:
    if len(letters) == 1:
        return literal(letters)
    plain = "".join(c for c in letters if c.isalnum())
    marks = "".join(f"\\{c}" if c in _SPECIAL_IN_CLASS else c for c in letters if c not in plain)
    name = _NAMES.get(plain, f"[{plain}]")
    if not marks:
        return name
    return f"[{DIGIT_RANGE if plain == DIGITS else name[1:-1]}{marks}]"


def _counted(classes: Sequence[str]) -> Iterator[str]:
    """Yield classes, runs of the same one with their count; literals one by one."""
    i = 0
    while i < len(classes):
        run = 1
        is_class = classes[i][0] == "[" or classes[i] == r"\d"
        while is_class and i + run < len(classes) and classes[i + run] == classes[i]:
            run += 1
        yield f"{classes[i]}{{{run}}}" if run > 1 else classes[i]
        i += run


def freed(letters: str) -> str:
    """Return the narrowest usual class that holds characters, and them where there is none."""
    if not letters.isalnum():
        return letters
    wide = (known for name, known in CLASSES if name != "[1-9]" and set(letters) <= set(known))
    return next(wide, letters)
