"""New words that read like those of the source: names of places, products, companies.

Imports arrays only; used by new texts of keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa

from schemasynth.arrays import Array, Ints

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]

PAIR_WEIGHT, LETTER_WEIGHT = 0.2, 0.001
"""What a pair of letters and a single one count beside what follows two letters: enough that rare
beginnings go on in several ways."""
BLOCK = 50_000
"""Texts drawn at a time: their tables of chances take 25 MB."""


class WordMaker:
    """Draws texts with the lengths, capitals and marks of the source's, and letters like theirs.

    Letters follow two letters before them as in the source (a Markov chain of order two; Shannon,
    A Mathematical Theory of Communication, 1948), the last one of a word as words there end.
    """

    def __init__(self, source: Array, size: int, rng: np.random.Generator) -> None:
        """Learn from the source's texts.

        Args:
            source: at least one text.
            size: how many texts there will be.
            rng: source of randomness.
        """
        self._texts: list[str] = source.drop_null().to_pylist()
        self._rng = rng
        self._model = rng.integers(len(self._texts), size=size)
        letters = sorted({c for text in self._texts for c in text.lower() if c.isalpha()})
        self._codes = {letter: code for code, letter in enumerate(letters)}
        self._small = np.array([ord(c) for c in letters], dtype=np.uint32)
        capitals = [c.upper() if len(c.upper()) == 1 else c for c in letters]
        self._large = np.array([ord(c) for c in capitals], dtype=np.uint32)
        self._next, self._last = self._learned()

    def drawn(self, level: int, rows: Ints, *, first: bool) -> Array:
        """Draw a text for each of some rows.

        Args:
            level: letters that are added at the end, where the source's lengths have not enough.
            rows: which.
            first: of no meaning here.
        """
        del first
        made = [
            text
            for start in range(0, len(rows), BLOCK)
            for text in self._written(
                [self._texts[i] + "a" * level for i in self._model[rows[start : start + BLOCK]]]
            )
        ]
        return pa.array(made, pa.string())

    def spread(self, rows: Ints) -> None:
        """Give rows the lengths and marks of other texts."""
        self._model[rows] = self._rng.integers(len(self._texts), size=len(rows))

    def enumerated(self, level: int, known: Sequence[Ints]) -> Array:
        """Return nothing: words are too many to be written out."""
        del level, known
        return pa.nulls(0, pa.string())

    def _learned(self) -> tuple[Floats, Floats]:
        """Return cumulative chances of a letter after two, and of a last one after one."""
        size = len(self._codes)
        after = np.zeros((size + 1, size + 1, size))
        last = np.zeros((size + 1, size))
        for text in self._texts:
            before, here = size, size
            for letter in (*text.lower(), " "):
                code = self._codes.get(letter, size)
                if code == size:
                    if here != size:
                        last[before, here] += 1
                    before, here = size, size
                    continue
                after[before, here, code] += 1
                before, here = here, code
        pairs = after.sum(axis=0)
        single = pairs.sum(axis=0) + 1.0
        after += PAIR_WEIGHT * pairs[None] + LETTER_WEIGHT * single
        last += LETTER_WEIGHT * single
        return _cumulated(after), _cumulated(last)

    def _written(self, models: Sequence[str]) -> list[str]:
        """Return texts with other letters in the places of those of the models."""
        characters = np.array(models).view(np.uint32).reshape(len(models), -1).copy()
        letters = np.zeros(characters.shape, dtype=np.bool_)
        capital = np.zeros(characters.shape, dtype=np.bool_)
        for code in np.unique(characters):
            letter = chr(code)
            if code and letter.isalpha():
                here = characters == code
                letters |= here
                capital |= here & letter.isupper()
        digits = (characters >= ord("0")) & (characters <= ord("9"))
        others = self._rng.integers(ord("0"), ord("9") + 1, characters.shape)
        characters = np.where(digits, others, characters).astype(np.uint32)
        size = len(self._codes)
        before = np.full(len(models), size)
        here = np.full(len(models), size)
        for place in range(characters.shape[1]):
            inside = letters[:, place]
            ends = np.ones(len(models), dtype=np.bool_)
            if place + 1 < characters.shape[1]:
                ends = ~letters[:, place + 1]
            drawn = np.where(
                ends & (here != size),
                self._drawn(self._last[here]),
                self._drawn(self._next[before, here]),
            )
            written = np.where(capital[:, place], self._large[drawn], self._small[drawn])
            characters[:, place] = np.where(inside, written, characters[:, place])
            before = np.where(inside, here, size)
            here = np.where(inside, drawn, size)
        width = characters.shape[1]
        texts: list[str] = np.ascontiguousarray(characters).view(f"<U{width}").ravel().tolist()
        return texts

    def _drawn(self, chances: Floats) -> Ints:
        """Draw a letter for each row of cumulative chances."""
        drawn: Ints = (chances < self._rng.random((len(chances), 1))).sum(axis=1)
        return drawn


def _cumulated(counts: Floats) -> Floats:
    """Return cumulative chances along the last axis; the last one is above all draws."""
    summed = np.cumsum(counts, axis=-1)
    chances = summed / summed[..., -1:]
    chances[..., -1] = 1.0
    return chances
