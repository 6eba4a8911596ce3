"""The law of a check digit or letter, learned from the module that computes it, as tables.

Nearly all checks are sums: putting another character at a place turns one check into another,
whatever stands elsewhere. The tables of these turns complete millions of numbers a second; a module
completes some ten thousand. Knows nothing of the package; used by check digits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Complete: TypeAlias = Callable[[str], "str | None"]
Cells: TypeAlias = npt.NDArray[np.uint8]
PROOF = 2_000
"""Texts on which the tables must agree with the module without exception."""
SEARCH = 6
"""Texts looked at for each check until one has it, about: the logarithm of some hundred checks."""
MAX_CALLS = 60_000
"""Calls of the module that learning may take: a second."""
UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Law:
    """How a check follows from the characters of texts of one length.

    Attributes:
        places: that hold the check.
        checks: the characters there, a row for each different check.
        start: the check of the text of reference characters.
        turns: by place, the check after the reference character there is replaced, by
            character code and check; `UNKNOWN` for characters that were not seen.
    """

    places: tuple[int, ...]
    checks: Cells
    start: int
    turns: Mapping[int, npt.NDArray[np.int64]]

    def completed(self, cells: Cells) -> Cells:
        """Return texts with their checks in place.

        Args:
            cells: a row of character codes for each text.
        """
        state = np.full(len(cells), self.start, dtype=np.int64)
        for place, turn in self.turns.items():
            state = turn[cells[:, place], state]
        result = cells.copy()
        result[:, list(self.places)] = self.checks[state]
        return result


def learned_law(cells: Cells, complete: Complete) -> Law | None:
    """Return the law of texts of one length, if tables of turns describe it.

    Args:
        cells: a row of character codes for each text; `PROOF` or more.
        complete: makes one text valid, or returns None.

    Returns:
        None where a text cannot be completed, or the tables would not give what the module does.
    """
    sample = _texts(cells[:: max(1, len(cells) // PROOF)][:PROOF])
    done = [complete(text) for text in sample]
    if any(text is None for text in done):
        return None
    valid = [text for text in done if text is not None]
    pairs = list(zip(sample, valid, strict=True))
    places = tuple(i for i in range(cells.shape[1]) if any(a[i] != b[i] for a, b in pairs))
    bodies = {i: np.unique(cells[:, i]) for i in range(cells.shape[1]) if i not in places}
    bodies = {i: letters for i, letters in bodies.items() if len(letters) > 1}
    checks = list(dict.fromkeys(_at(text, places) for text in valid))
    calls = len(checks) * sum(len(letters) + SEARCH for letters in bodies.values())
    if not places or calls > MAX_CALLS:
        return None
    law = _tables(valid, places, bodies, checks, complete)
    return law if law is not None and _proven(law, sample, valid) else None


def _texts(cells: Cells) -> list[str]:
    width = cells.shape[1]
    rows = np.ascontiguousarray(cells).view(f"S{width}").reshape(-1)
    return [text.decode() for text in rows.tolist()]


def _at(text: str, places: Sequence[int]) -> str:
    return "".join(text[i] for i in places)


def _tables(
    valid: Sequence[str],
    places: tuple[int, ...],
    bodies: Mapping[int, Cells],
    checks: Sequence[str],
    complete: Complete,
) -> Law | None:
    number = {check: i for i, check in enumerate(checks)}

    def check_of(text: str, place: int, code: int) -> int:
        made = complete(f"{text[:place]}{chr(code)}{text[place + 1 :]}")
        return UNKNOWN if made is None else number.get(_at(made, places), UNKNOWN)

    turns = {}
    for place, letters in bodies.items():
        turn = np.full((256, len(checks)), UNKNOWN, dtype=np.int64)
        missing = set(number.values())
        for text in valid:
            before = check_of(text, place, int(letters[0]))
            if before in missing:
                turn[letters, before] = [check_of(text, place, code) for code in map(int, letters)]
                missing.remove(before)
            if not missing:
                break
        if (turn[letters] == UNKNOWN).any():
            return None
        turns[place] = turn
    base = valid[0]
    for place, letters in bodies.items():
        base = f"{base[:place]}{chr(int(letters[0]))}{base[place + 1 :]}"
    made = complete(base)
    if made is None or _at(made, places) not in number:
        return None
    cells = np.array([[ord(c) for c in check] for check in checks], dtype=np.uint8)
    return Law(places, cells, number[_at(made, places)], turns)


def _proven(law: Law, sample: Sequence[str], valid: Sequence[str]) -> bool:
    width = len(sample[0])
    cells = np.array(list(sample), dtype=f"S{width}").view(np.uint8).reshape(len(sample), width)
    return _texts(law.completed(cells)) == list(valid)
