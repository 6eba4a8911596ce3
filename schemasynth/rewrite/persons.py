"""Made-up persons: names of a language, and what follows from them, for millions of rows.

Pure functions of Arrow arrays and lists of names; used by the rewrite of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import codes as codes_of
from schemasynth.arrays import nulls, rank_in_group, where
from schemasynth.lexicon import folded, names, streets
from schemasynth.model.sensitivity import SensitiveKind
from schemasynth.rewrite.forms import FAMILY, LOWER, UPPER, cased, has, normalised

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemasynth.arrays import Array, Bools, Ints

MIN_POOL = 20
"""Names that no row of the source has, below which pairs of names are used."""
MAX_PAIRS = 4_000
"""Pairs of names: as many as the longest list has names."""
DOMAINS = ("example.com", "example.org", "example.net")
"""Reserved for examples (RFC 2606): no mail can reach anybody."""
MAX_NUMBER = 200
"""Highest house number."""
_PARTS = (r"^(\S+ \S+) .*$", r"^.* (\S+ \S+)$")
"""First and last two words of a whole name, which may be another whole name."""
_K = SensitiveKind


@dataclass(frozen=True, slots=True)
class Pool:
    """Names to draw from.

    Attributes:
        shown: as they are written.
        plain: in small letters of ASCII, for addresses of mail.
    """

    shown: Array
    plain: Array

    def take(self, places: Ints) -> Pool:
        """Return the names at places."""
        at = pa.array(places)
        return Pool(self.shown.take(at), self.plain.take(at))

    def replaced(self, other: Pool, bad: Bools) -> Pool:
        """Return the names, another's in the place of bad ones."""
        return Pool(where(bad, other.shown, self.shown), where(bad, other.plain, self.plain))


@dataclass(frozen=True, slots=True)
class Persons:
    """Persons drawn, one a row.

    Attributes:
        given: given names.
        second: further given names.
        surname: surnames.
        mother: second surnames.
        doubled: their language has two surnames.
    """

    given: Pool
    second: Pool
    surname: Pool
    mother: Pool
    doubled: bool

    def turned(self) -> Persons:
        """Return the persons with second names in the place of first ones."""
        return Persons(self.second, self.given, self.mother, self.surname, self.doubled)

    def replaced(self, other: Persons, bad: Bools) -> Persons:
        """Return the persons, others in the place of bad ones."""
        return Persons(
            self.given.replaced(other.given, bad),
            self.second.replaced(other.second, bad),
            self.surname.replaced(other.surname, bad),
            self.mother.replaced(other.mother, bad),
            self.doubled,
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """Names of the source that must not come back, normalised."""

    given: Array
    surname: Array


def draw_persons(
    language: str, women: Bools, taken: Taken, limit: int | None, rng: np.random.Generator
) -> Persons:
    """Draw persons.

    Args:
        language: of their names.
        women: which of them are women.
        taken: names that none may have.
        limit: characters of the longest name; None for any.
        rng: source of randomness.
    """
    own, size = names(language), len(women)
    hyphen = " " if own.doubled else "-"
    female, male = (_pool(n, taken.given, " ", limit, rng) for n in (own.women, own.men))
    family = _pool(own.surnames, taken.surname, hyphen, limit, rng)

    def given() -> Pool:
        both = Pool(
            pa.concat_arrays([female.shown, male.shown]),
            pa.concat_arrays([female.plain, male.plain]),
        )
        first = rng.integers(0, len(female.shown), size)
        other = len(female.shown) + rng.integers(0, len(male.shown), size)
        return both.take(np.where(women, first, other))

    def surname() -> Pool:
        return family.take(rng.integers(0, len(family.shown), size))

    return Persons(given(), given(), surname(), surname(), own.doubled)


def _pool(
    every: Sequence[str],
    taken: Array,
    between: str,
    limit: int | None,
    rng: np.random.Generator,
) -> Pool:
    """Return names that are not taken; pairs of names where there are few."""
    fitting = [n for n in every if limit is None or len(n) <= limit]
    single = [n for n in fitting if " " not in n] or fitting or list(every)
    free = _free(single, taken)
    if len(free) < MIN_POOL:
        first, last = (rng.integers(0, len(single), MAX_PAIRS) for _ in range(2))
        pairs = [f"{single[a]}{between}{single[b]}" for a, b in zip(first, last, strict=True)]
        pairs = [pair for pair in dict.fromkeys(pairs) if limit is None or len(pair) <= limit]
        free = [*free, *_free(pairs, taken)] or single
    plain = ["".join(c for c in folded(name) if c.isascii() and c.isalnum()) for name in free]
    return Pool(pa.array(free, pa.string()), pa.array(plain, pa.string()))


def _free(every: Sequence[str], taken: Array) -> list[str]:
    if not every:
        return []
    shown = pa.array(every, pa.string())
    free: list[str] = shown.filter(pc.invert(pc.is_in(normalised(shown), taken))).to_pylist()
    return free


def written(
    kind: SensitiveKind,
    persons: Persons,
    form: Array,
    language: str,
    rng: np.random.Generator,
) -> Array:
    """Return a value of each person, as its form says.

    Args:
        kind: of names, mail, addresses or IP addresses.
        persons: one for each.
        form: of `forms.forms`.
        language: of streets.
        rng: source of randomness.
    """
    if kind is _K.ADDRESS:
        texts = _addresses(persons, form, language, rng)
    elif kind is _K.IP_ADDRESS:
        texts = _ips(form, rng)
    else:
        texts = _MAKERS[kind](persons, form, rng)
    first = pc.utf8_slice_codeunits(form, 0, 1)
    return cased(texts, has(first, UPPER), has(first, LOWER))


def _joined(between: str, *parts: Array) -> Array:
    return pc.binary_join_element_wise(*parts, between)


def _chosen(condition: Bools, chosen: Array, other: Array) -> Array:
    made: Any = pc.if_else(pa.array(condition), chosen, other)
    return made


def _of_words(form: Array, least: int) -> Bools:
    """Return which forms have at least so many words."""
    found = np.zeros(len(form), dtype=np.bool_)
    for words in range(least, 5):
        found |= has(form, str(words))
    return found


def _given(persons: Persons, form: Array, rng: np.random.Generator) -> Array:
    both = _joined(" ", persons.given.shown, persons.second.shown)
    return _chosen(_of_words(form, 2), both, persons.given.shown)


def _surname(persons: Persons, form: Array, rng: np.random.Generator) -> Array:
    both = _joined(" ", persons.surname.shown, persons.mother.shown)
    return _chosen(_of_words(form, 2), both, persons.surname.shown)


def _full(persons: Persons, form: Array, rng: np.random.Generator) -> Array:
    """Return whole names: with two surnames in some languages, two given names in others."""
    three, four = _of_words(form, 3), _of_words(form, 4)
    two_given = four if persons.doubled else three
    two_surnames = three if persons.doubled else four
    both = _joined(" ", persons.given.shown, persons.second.shown)
    given = _chosen(two_given, both, persons.given.shown)
    both = _joined(" ", persons.surname.shown, persons.mother.shown)
    family = _chosen(two_surnames, both, persons.surname.shown)
    family = cased(family, has(form, FAMILY), np.zeros(len(form), dtype=np.bool_))
    straight, turned = _joined(" ", given, family), _joined(", ", family, given)
    whole = _chosen(has(form, ","), turned, straight)
    return _chosen(has(form, "1"), persons.given.shown, whole)


def _login(persons: Persons, form: Array, rng: np.random.Generator) -> Array:
    """Return names in one word, each once: with a number from the second on."""
    given, family = persons.given.plain, persons.surname.plain
    short = _joined("", pc.utf8_slice_codeunits(given, 0, 1), family)
    dotted = _chosen(has(form, "."), _joined(".", given, family), short)
    local = _chosen(has(form, "_"), _joined("_", given, family), dotted)
    digits = pa.array(rng.integers(10, 100, len(form))).cast(pa.string())
    local = _chosen(has(form, "9"), _joined("", local, digits), local)
    rank = rank_in_group(codes_of(local))
    numbered = _joined("", local, pa.array(rank + 1).cast(pa.string()))
    return _chosen(rank > 0, numbered, local)


def _email(persons: Persons, form: Array, rng: np.random.Generator) -> Array:
    local = _login(persons, form, rng)
    domain = pa.array(DOMAINS).take(pa.array(rng.integers(0, len(DOMAINS), len(form))))
    return _chosen(has(form, "@"), _joined("@", local, domain), local)


_MAKERS: dict[SensitiveKind, Callable[[Persons, Array, np.random.Generator], Array]] = {
    _K.GIVEN_NAME: _given,
    _K.SURNAME: _surname,
    _K.FULL_NAME: _full,
    _K.EMAIL: _email,
    _K.USER_NAME: _login,
}
MADE = frozenset({*_MAKERS, _K.ADDRESS, _K.IP_ADDRESS})
"""Kinds that `written` makes."""


def _addresses(persons: Persons, form: Array, language: str, rng: np.random.Generator) -> Array:
    """Return streets called after people; with number first or last, as the source has them."""
    size = len(form)
    street = pa.array(streets(language)).take(
        pa.array(rng.integers(0, len(streets(language)), size))
    )
    # The next person's second name, which is none of the source.
    person = persons.mother.shown.take(pa.array(np.roll(np.arange(size), 1)))
    after = language in ("en", "de")
    named = _joined(" ", person, street) if after else _joined(" ", street, person)
    number = pa.array(rng.integers(1, MAX_NUMBER, size)).cast(pa.string())
    between = " " if after else ", "
    made = _chosen(has(form, ">"), _joined(between, named, number), named)
    made = _chosen(has(form, "<"), _joined(" ", number, named), made)
    town = pa.array(rng.integers(10_000, 99_999, size)).cast(pa.string())
    made = _chosen(has(form, "z"), _joined(", ", made, town), made)
    return _chosen(has(form, "u"), _joined(" ", pa.array(["Apt."] * size), number), made)


def _ips(form: Array, rng: np.random.Generator) -> Array:
    """Return private addresses: 10/8 (RFC 1918), 2001:db8::/32 (RFC 3849)."""
    parts = rng.integers(0, 256, (3, len(form)))
    fourth = [pa.array(part).cast(pa.string()) for part in parts]
    four = _joined(".", pa.array(["10"] * len(form)), *fourth)
    hexes = pa.array([f"{number:x}" for number in range(2**16)])
    groups = [hexes.take(pa.array(rng.integers(0, 2**16, len(form)))) for _ in range(3)]
    six = _joined(":", pa.array(["2001:db8"] * len(form)), *groups[:2], groups[2])
    six = pc.replace_substring(six, "2001:db8:", "2001:db8::", max_replacements=1)
    return _chosen(has(form, "6"), six, four)


def repeats_source(kind: SensitiveKind, values: Array, taken: Array) -> Bools:
    """Return which values are, normalised, those of the source."""
    looked_at = [normalised(values, is_name=kind is _K.FULL_NAME)]
    if kind is _K.FULL_NAME:
        looked_at += [normalised(pc.replace_substring_regex(values, p, r"\1")) for p in _PARTS]
    found = np.zeros(len(values), dtype=np.bool_)
    for texts in looked_at:
        same = pc.and_(pc.is_in(texts, taken), pc.greater(pc.utf8_length(texts), 0))
        found |= np.asarray(pc.fill_null(same, False).to_numpy(zero_copy_only=False))
    return found & ~nulls(values)
