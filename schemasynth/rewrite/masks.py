"""Texts without what may lead to a person: words that many rows use stay, all else is a place.

Imports arrays, the lexicon and kinds; used by the rewrite of texts. A place is one character of
Unicode's private use area, so a generator can neither cut nor misspell it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import array
from schemasynth.lexicon import folded, given_names, is_name, names, surnames, vocabulary
from schemasynth.model.sensitivity import SensitiveKind

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

MIN_ROWS = 20
"""Rows that use a word for it to be nobody's own."""
CAPITAL_SHARE = 0.01
"""Share of rows that use a word with capitals for it to be common: it may be a name in no list."""
MIN_VOCABULARY = 30
"""Words of a language that the source has not, below which words are made of syllables."""
MAX_DIGITS = 15
"""Digits of the longest number."""
OWN_DIGITS = 8
"""Digits in the place of a row's own number where the row has none."""
MIN_OWN = 3
"""Characters of a value from which it is looked for in the texts beside it."""
SHORTEST_NAME = 4
"""Letters of names that are drawn: shorter ones of the source are not known from particles."""
ROUNDS = 8
"""Times that numbers which the source has are drawn again."""
_FIRST = 0xE000
SMALL, TITLE, CAPITAL, GIVEN, FAMILY, MAIL = (chr(_FIRST + i) for i in range(6))
"""Places for words in small letters, capitalised, in capitals, for names and addresses of mail."""
NUMBERS = tuple(chr(_FIRST + 0x10 + i) for i in range(MAX_DIGITS))
"""Places for numbers, by their digits."""
OWN = {kind: chr(_FIRST + 0x40 + i) for i, kind in enumerate(SensitiveKind)}
"""Places for what columns of the same row hold of the same person."""
KEPT = ("common", "numbers", "barred")
"""Frames in which `Words` are kept."""
_PLACE = re.compile("([\ue000-\ue0ff])")
_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_|\n")
_WORD = re.compile(r"\w")
_MAIL = re.compile(r"[^@\s<>()\[\],;:]+@[^@\s<>()\[\],;:]+\.[^\W\d_]{2,}")
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")
_K = SensitiveKind
_OF_WORDS = frozenset({_K.GIVEN_NAME, _K.SURNAME})
"""Kinds of which a text may hold a single word."""
_FALLBACK = {_K.GIVEN_NAME: (GIVEN,), _K.SURNAME: (FAMILY,), _K.FULL_NAME: (GIVEN, FAMILY)}
"""What stands in the place of a row's own name where the row has none."""
Own = Mapping[SensitiveKind, Sequence[str | None]]
"""What the columns beside a text hold of the person it is about, row by row."""


def tokens(text: str) -> list[str]:
    """Return the words, marks and places of a text."""
    return _TOKEN.findall(text)


def is_empty(text: str) -> bool:
    """Tell whether a masked text has neither a word nor a place."""
    return not any(c.isalnum() or _PLACE.match(c) for c in text)


@dataclass(frozen=True, slots=True)
class Words:
    """What may stand in the new texts of a column.

    Attributes:
        language: of everyday words and names.
        common: words that many rows use, as they are written.
        numbers: of the source, which must not come.
        barred: everyday words and names of the language that must not come, folded: the source
            has them as names of people, or rarely.
    """

    language: str
    common: frozenset[str]
    numbers: Ints
    barred: frozenset[str]

    @classmethod
    def of(
        cls,
        texts: Sequence[str],
        seen: Sequence[str],
        people: Collection[str],
        language: str,
        share: float,
    ) -> Words:
        """Learn the words of a column.

        Args:
            texts: of all rows.
            seen: of the rows by which it is told what is common, `hidden`.
            people: words of people's names in the source, folded.
            language: of everyday words.
            share: of rows that use a word, from which it is common; at least `CAPITAL_SHARE` for
                one with capitals.
        """
        used = Counter(token for text in seen for token in set(tokens(text)) if token.isalnum())
        rows = len(seen)
        common = frozenset(
            token
            for token, uses in used.items()
            if uses >= max(MIN_ROWS, rows * (share if token.islower() else CAPITAL_SHARE))
            and _is_common(token, people, language)
        )
        every = {token for text in texts for token in tokens(text)}
        numbers = sorted({int(t) for t in every if t.isdecimal() and len(t) <= MAX_DIGITS})
        rare = {folded(token) for token in every - common} | set(people)
        barred = frozenset(folded(word) for word in _every_word(language)) & rare
        return cls(language, common, np.asarray(numbers, dtype=np.int64), barred)

    @classmethod
    def read(cls, frames: Mapping[str, pd.DataFrame], language: str) -> Words:
        """Read what `frames` gave."""
        common, numbers, barred = (array(frames[name], "value") for name in KEPT)
        return cls(
            language,
            frozenset(common.to_pylist()),
            np.asarray(numbers, dtype=np.int64),
            frozenset(barred.to_pylist()),
        )

    def frames(self) -> dict[str, pd.DataFrame]:
        """Return frames, to be kept until rows are restored."""
        return {
            "common": pd.DataFrame({"value": pd.Series(sorted(self.common), dtype="str")}),
            "numbers": pd.DataFrame({"value": pd.Series(self.numbers, dtype="int64")}),
            "barred": pd.DataFrame({"value": pd.Series(sorted(self.barred), dtype="str")}),
        }

    def masked(self, text: str) -> str:
        """Return a text with places for words that are not common, numbers and addresses."""
        return _TOKEN.sub(self._standing, _MAIL.sub(MAIL, text))

    def _standing(self, match: re.Match[str]) -> str:
        token = match[0]
        return token if token in self.common or not token.isalnum() else _place(token)


def _is_common(token: str, people: Collection[str], language: str) -> bool:
    """Tell whether a frequent token is a word: no number, and no name that people bear."""
    word = folded(token)
    if any(c.isdigit() for c in token) or word in people:
        return False
    is_word = token.islower() and token in vocabulary(language)
    return is_word or len(token) < 3 or not is_name(word)


def _every_word(language: str) -> Iterator[str]:
    own = names(language)
    yield from (*vocabulary(language), *own.men, *own.women, *own.surnames)


def _place(token: str) -> str:
    """Return what stands for a token that is not common."""
    if any(c.isdigit() for c in token):
        return NUMBERS[min(len(token), MAX_DIGITS) - 1]
    if token.isupper() and len(token) > 1:
        return CAPITAL
    if not token[0].isupper():
        return SMALL
    word = folded(token)
    return GIVEN if word in given_names() else FAMILY if word in surnames() else TITLE


def hidden(texts: Sequence[str | None], own: Own) -> list[str | None]:
    """Return texts with places for what the columns beside them say of the same person.

    Args:
        texts: of a column.
        own: beside them; a full name stands for its parts too.
    """
    ordered = sorted(with_parts(own).items(), key=lambda item: item[0] in _OF_WORDS)
    made: list[str | None] = []
    for row, text in enumerate(texts):
        if text is None:
            made.append(None)
            continue
        plain = _PLACE.sub("", text)
        for kind, values in ordered:
            plain = _without(plain, kind, values[row])
        made.append(plain)
    return made


def _without(text: str, kind: SensitiveKind, value: str | None) -> str:
    """Return a text with a place for a value, or for each word of a name."""
    if not value or len(value) < MIN_OWN:
        return text
    parts = [value]
    if kind in _OF_WORDS:
        parts += [word for word in value.split() if len(word) > MIN_OWN]
    for part in parts:
        text = _replaced(text, part, OWN[kind])
    return text


def _replaced(text: str, part: str, place: str) -> str:
    """Return a text with a place for each word, or words, that are a part but for case.

    A pattern a row would have to be compiled for each: that took most of the time.
    """
    low, wanted = text.casefold(), part.casefold()
    if wanted not in low:
        return text
    if len(low) != len(text):
        low, wanted = text, part
    made, start = [], 0
    at = low.find(wanted)
    while at >= 0:
        end = at + len(wanted)
        if not (_WORD.match(low, end) or (at and _WORD.match(low, at - 1))):
            made += [text[start:at], place]
            start = end
        at = low.find(wanted, end)
    return "".join([*made, text[start:]])


def with_parts(own: Own) -> dict[SensitiveKind, Sequence[str | None]]:
    """Return what is known of persons, with the parts of full names where they have no columns."""
    found = dict(own)
    if _K.FULL_NAME in own:
        parts = [_parts(name) for name in own[_K.FULL_NAME]]
        found.setdefault(_K.GIVEN_NAME, [given for given, _ in parts])
        found.setdefault(_K.SURNAME, [family for _, family in parts])
    return found


def _parts(name: str | None) -> tuple[str | None, str | None]:
    """Return given name and surname of a full name in either order."""
    if not name or not name.strip():
        return None, None
    family, comma, given = name.partition(",")
    if not comma:
        given, _, family = name.strip().partition(" ")
    return given.strip() or None, family.strip() or None


def filled(texts: Sequence[str], words: Words, own: Own, rng: np.random.Generator) -> list[str]:
    """Return texts with made-up words, names and numbers in their places.

    Args:
        texts: masked.
        words: of the column.
        own: new values of the columns beside them; none of them of the source.
        rng: source of randomness.
    """
    split = [_PLACE.split(text) for text in texts]
    counts = [len(parts) // 2 for parts in split]
    places = [place for parts in split for place in parts[1::2]]
    if not places:
        return list(texts)
    rows = np.repeat(np.arange(len(texts)), counts)
    made = iter(_Filler(words, with_parts(own), rng).fill(places, rows))
    for parts in split:
        for i in range(1, len(parts), 2):
            parts[i] = next(made)
    return ["".join(parts) for parts in split]


class _Filler:
    """Draws what stands in places."""

    def __init__(self, words: Words, own: Own, rng: np.random.Generator) -> None:
        self._words, self._own, self._rng = words, own, rng
        self._kinds = {place: kind for kind, place in OWN.items()}
        self._free: dict[str, Array] = {}

    def fill(self, places: Sequence[str], rows: Ints) -> list[str]:
        """Return a text for each place."""
        encoded = pa.array(places, pa.string()).dictionary_encode()
        which = np.asarray(encoded.indices, dtype=np.int64)
        made: list[str] = [""] * len(places)
        for code, place in enumerate(encoded.dictionary.to_pylist()):
            at = np.flatnonzero(which == code)
            for i, text in zip(at.tolist(), self._texts(place, rows[at]), strict=True):
                made[i] = text
        return made

    def _texts(self, place: str, rows: Ints) -> list[str]:
        if place in self._kinds:
            return self._of_person(self._kinds[place], rows)
        if place in NUMBERS:
            digits = NUMBERS.index(place) + 1
            return list(map(str, new_numbers(digits, len(rows), self._words.numbers, self._rng)))
        if place == MAIL:
            both = zip(self._drawn(GIVEN, rows), self._drawn(FAMILY, rows), strict=True)
            return [f"{_local(given)}.{_local(family)}@example.com" for given, family in both]
        return self._drawn(place, rows)

    def _of_person(self, kind: SensitiveKind, rows: Ints) -> list[str]:
        values = self._own.get(kind, ())
        told = [values[row] if len(values) else None for row in rows.tolist()]
        instead = _FALLBACK.get(kind, (NUMBERS[OWN_DIGITS - 1],))
        if kind is _K.EMAIL:
            instead = (MAIL,)
        drawn = [self._texts(place, rows) for place in instead] if None in told else []
        other = [" ".join(parts) for parts in zip(*drawn, strict=True)] or [""] * len(rows)
        return [text or spare for text, spare in zip(told, other, strict=True)]

    def _drawn(self, place: str, rows: Ints) -> list[str]:
        if place not in self._free:
            self._free[place] = self._pool(place)
        free = self._free[place]
        drawn = free.take(pa.array(self._rng.integers(0, len(free), len(rows))))
        if place == TITLE:
            drawn = pc.utf8_capitalize(drawn)
        elif place == CAPITAL:
            drawn = pc.utf8_upper(drawn)
        texts: list[str] = drawn.to_pylist()
        return texts

    def _pool(self, place: str) -> Array:
        """Return the words that may stand in a place."""
        own, language = names(self._words.language), self._words.language
        every = {GIVEN: (*own.men, *own.women), FAMILY: own.surnames}.get(place)
        wanted = vocabulary(language) if every is None else every
        shortest = 1 if every is None else SHORTEST_NAME
        free = [
            word
            for word in wanted
            if len(word) >= shortest and folded(word) not in self._words.barred
        ]
        if len(free) < MIN_VOCABULARY:
            made = _made_of_syllables(self._rng)
            free = list(made) if every is None else [word.capitalize() for word in made]
        return pa.array(free, pa.string())


def _local(name: str) -> str:
    return "".join(c for c in folded(name) if c.isascii() and c.isalnum()) or "x"


def _made_of_syllables(rng: np.random.Generator) -> Iterator[str]:
    for parts in rng.integers(0, len(_SYLLABLES), (10 * MIN_VOCABULARY, 3)):
        yield "".join(_SYLLABLES[part] for part in parts)


def new_numbers(digits: int, size: int, known: Ints, rng: np.random.Generator) -> Ints:
    """Return numbers that the source has not; with more digits where it has all."""
    for wider in range(digits, MAX_DIGITS + 2):
        numbers = rng.integers(10 ** (wider - 1), 10**wider, size)
        for _ in range(ROUNDS):
            again = np.isin(numbers, known)
            if not again.any():
                return numbers
            numbers[again] = rng.integers(10 ** (wider - 1), 10**wider, int(again.sum()))
    return numbers
