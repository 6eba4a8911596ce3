"""Which columns hold personal data: by what they are called and what stands in them.

Pure functions of columns and sampled values; called where a plan is made.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa

from schemasynth.arrays import array
from schemasynth.checknumbers import OF_ACCOUNTS, OF_PEOPLE, find_check
from schemasynth.infer.sensitivewords import (
    ABOUT,
    BEFORE,
    BY_NAME,
    PLAIN_NAME,
    ROLES,
    THINGS,
)
from schemasynth.lexicon import folded, given_names, surnames
from schemasynth.model import Column, Schema, TableName, TypeFamily
from schemasynth.model.sensitivity import (
    NAMES,
    OF_NUMBERS,
    SHARED,
    SensitiveKind,
    Sensitivity,
)

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 400
"""Distinct values of a column that are looked at: their shares are known within 5 %."""
FEW = 3
"""Distinct values below which a column is judged by its name alone."""
COMMON = 0.1
"""Share of values that are identifiers in another column from which a column holds such too."""
MIN_COMMON = 5
"""Of them, at least."""
PROVEN = 20
"""Values from which a check digit proves by itself: one in ten passes most checks by chance."""
MOST = 0.8
"""Share of values in a form that tells a column by itself."""
HALF = 0.5
"""Share of values in a form that tells a column whose name agrees, or whose form is peculiar."""
SOME = 0.25
"""Share of values in a form that does not contradict what the name says clearly."""
NAMED = 0.3
"""Share of common names among values that may be people's: lists hold the common half of them."""
ACCEPTED = 0.5
"""Confidence from which a column is taken as sensitive."""
UNSEEN = 0.8
"""How well a name is believed without values."""
IN_PART = 0.6
"""How well values agree that are as different as such values are, but look otherwise."""
MAX_SEXES = 6
"""Different values of a column of sex."""
MIN_WORDS = 6.0
"""Words on the mean in values that are sentences rather than labels."""
TYPED = 0.3
"""Share of distinct values from which text is typed each time, not chosen from a list."""
LONG = 9
"""Characters of the shortest address that is more than the name of a town."""
MAX_NAME_WORDS = 5
"""Words in the name of a person, titles aside."""

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")
_NUMBERED = re.compile(r"(?<=[a-z])(?=\d)")
_DOTTED = re.compile(r"\b(?:[A-Za-z]\.){2,}")
"""An abbreviation such as *D.N.I.*"""


def column_words(name: str) -> str:
    """Return the words of a name in small letters without accents, with ``_`` between."""
    plain = _DOTTED.sub(lambda found: found[0].replace(".", "") + " ", folded_keeping_case(name))
    words = [part for word in _WORDS.split(plain) if word for part in _NUMBERED.split(word)]
    return "_".join(word.lower() for word in words if word)


def folded_keeping_case(text: str) -> str:
    """Return a text without accents."""
    plain = unicodedata.normalize("NFKD", text.replace("·", ""))
    return "".join(c for c in plain if not unicodedata.combining(c))


_K = SensitiveKind
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.?[A-Za-z]{2,}")
_PHONE = re.compile(
    r"(?=(?:\D*\d){7,15}\D*(?:(?:x|ext)\D*\d{1,6})?$)"
    r"(?:\+\d[\d ().\-/]+|\(\+?\d{1,5}\)[\d ().\-/]+"
    r"|(?:\d[ .\-])?\(?\d{3}\)?[ .\-]\d{3}[ .\-]\d{2,4}(?:[ .\-]\d{2})?)"
    r"(?:\s*(?:x|ext\.?)\s*\d{1,6})?"
)
_DIGITS = re.compile(r"(?=(?:\D*\d){3,})[\d\s+().\-/xXexEXT*#;,]+")
_STREET = re.compile(
    r"(?:\b(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|court|ct|boulevard|blvd|way|place|pl"
    r"|square|parkway|pkwy|highway|terrace|suite|apt|p\.?o\.? ?box|carrer|calle|avinguda|avenida"
    r"|avda|av|placa|plaza|passeig|paseo|rambla|ronda|cami|camino|passatge|carretera|rue|via|viale"
    r"|piazza|rua|praca|travessa|straat|gate|gatan|vei|plads|square)\b|\bc/|stra(?:ss|ß)e|str\.)"
)
_SSN = re.compile(r"\d{3}-\d{2}-\d{4}")
_IPV4 = re.compile(
    r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:/\d{1,2})?"
)
_IPV6 = re.compile(r"(?=.*:.*:)[0-9A-Fa-f:]{3,39}")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_PLATE = re.compile(r"\d{4}[ -]?[BCDFGHJKLMNPRSTVWXYZ]{3}|[A-Z]{1,2}[ -]?\d{4}[ -]?[A-Z]{1,2}")
_COORDINATES = re.compile(r"\(?-?\d{1,3}\.\d{3,}[,; ]+-?\d{1,3}\.\d{3,}\)?")
_TITLES = frozenset([
    "mr", "mrs", "ms", "miss", "dr", "prof", "sr", "sra", "srta", "don", "dona", "en", "na",
    "phd", "md", "jr", "ii", "iii", "iv", "v", "dds", "dvm", "sir",
])  # fmt: skip
_CAMEL = re.compile(r"(?<=[a-z]{3})(?=[A-Z][a-z]{2})")
_MONTHS = frozenset([
    "january", "february", "march", "april", "may", "june", "july", "august", "october",
])  # fmt: skip
"""Months that people are called after too: with digits they are dates."""
_PARTICLES = frozenset([
    "de", "del", "la", "las", "los", "el", "i", "y", "da", "dos", "van", "von", "der", "den",
    "di", "le", "du", "e",
])  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Look:
    """A column as it is looked at.

    Attributes:
        name: its words.
        table: the words of its table.
        family: of its type.
        texts: distinct values as text.
        distinct: share of distinct values among those that are set.
    """

    name: str
    table: str
    family: TypeFamily
    texts: tuple[str, ...]
    distinct: float

    def share(self, test: Callable[[str], object]) -> float:
        """Return the share of values that pass a test."""
        return sum(bool(test(text)) for text in self.texts) / len(self.texts) if self.texts else 0.0

    @property
    def bare(self) -> bool:
        """Whether there are too few values to judge by."""
        return len(self.texts) < FEW


def find_sensitive(
    table: TableName, columns: Sequence[Column], rows: pd.DataFrame
) -> dict[str, Sensitivity]:
    """Return what is sensitive of a table, by column.

    Args:
        table: its name tells whom columns like ``name`` are about.
        columns: as reflected.
        rows: sampled, `pandas.ArrowDtype` columns; may be empty, then names decide.
    """
    found: dict[str, Sensitivity] = {}
    looks = {c.name: _look(table, c, rows) for c in columns if not c.type.values}
    for name, look in looks.items():
        judged = _judged(look)
        if judged is not None:
            found[name] = judged
    found |= dict(_with_surnames(looks, found))
    return found | dict(_with_siblings(looks, found))


def inherited(
    schema: Schema, found: Mapping[TableName, Mapping[str, Sensitivity]]
) -> dict[TableName, dict[str, Sensitivity]]:
    """Return what is sensitive, with what columns have from those that they refer to.

    Args:
        schema: its foreign keys hold the numbers of the rows referred to.
        found: by table and column, as `find_sensitive` says.
    """
    result = {name: dict(own) for name, own in found.items()}
    for table in schema:
        for key in table.foreign_keys:
            for here, there in zip(key.columns, key.referred_columns, strict=True):
                above = found.get(key.referred, {}).get(there)
                if above is not None and here not in result.setdefault(table.name, {}):
                    reason = f"refers to {key.referred}.{there}, which is {above.kind}"
                    result[table.name][here] = replace(above, reason=reason)
    return result


def sharing(
    schema: Schema,
    found: Mapping[TableName, Mapping[str, Sensitivity]],
    frames: Mapping[TableName, pd.DataFrame],
) -> dict[TableName, dict[str, Sensitivity]]:
    """Return what is sensitive, with columns in which identifiers of others stand.

    Args:
        schema: the tables.
        found: by table and column, as `find_sensitive` says.
        frames: sampled rows.
    """
    known = dict(_identifiers(found, frames))
    result = {name: dict(own) for name, own in found.items()}
    for table in schema:
        rows, own = frames.get(table.name), result.setdefault(table.name, {})
        for column in table.columns:
            if rows is None or column.name in own or column.type.family is not TypeFamily.TEXT:
                continue
            if column.name in rows and pa.types.is_string(array(rows, column.name).type):
                values = set(array(rows, column.name).drop_null().unique().to_pylist())
                own |= _sharing(column.name, values, known)
    return result


def _identifiers(
    found: Mapping[TableName, Mapping[str, Sensitivity]], frames: Mapping[TableName, pd.DataFrame]
) -> Iterator[tuple[str, tuple[SensitiveKind, set[str]]]]:
    """Yield the values of columns that lead to one person, by column."""
    for table, own in found.items():
        for name, one in own.items():
            if one.direct and one.kind not in SHARED and name in frames.get(table, ()):
                values = array(frames[table], name)
                if pa.types.is_string(values.type):
                    texts = set(values.drop_null().unique().to_pylist())
                    yield f"{table}.{name}", (one.kind, texts)


def _sharing(
    name: str, values: set[str], known: Mapping[str, tuple[SensitiveKind, set[str]]]
) -> dict[str, Sensitivity]:
    for place, (kind, identifiers) in known.items():
        common = len(values & identifiers)
        if common >= max(MIN_COMMON, COMMON * len(values)):
            reason = f"{common / len(values):.0%} of its values stand in {place}"
            return {name: Sensitivity(kind, 0.6, reason)}
    return {}


def _look(table: TableName, column: Column, rows: pd.DataFrame) -> _Look:
    texts: tuple[str, ...] = ()
    distinct = 0.0
    if column.name in rows and column.type.family is not TypeFamily.BINARY:
        present = array(rows, column.name).drop_null()
        if not pa.types.is_nested(present.type):
            different = present.unique()
            distinct = len(different) / max(len(present), 1)
            step = 1 + len(different) // SAMPLE
            chosen = different.take(pa.array(range(0, len(different), step), pa.int64()))
            texts = tuple(_text(value) for value in chosen.to_pylist())
    return _Look(
        column_words(column.name),
        column_words(table.name),
        column.type.family,
        tuple(text for text in texts if text),
        distinct,
    )


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _judged(look: _Look) -> Sensitivity | None:
    candidates = [*_by_name(look), *_by_content(look)]
    best = max(candidates, key=lambda one: one.confidence, default=None)
    return best if best is not None and best.confidence >= ACCEPTED else None


def _by_name(look: _Look) -> Iterator[Sensitivity]:
    """Yield what the name says, as far as values do not contradict it."""
    before, about = BEFORE.search(look.name), ABOUT.search(look.name)
    whole = range(0)
    for kind, weight, pattern in BY_NAME:
        hit = pattern.search(look.name)
        if hit is None or (about and about.start() >= hit.end() - 1):
            continue
        if before and not _is_of(before[1], kind, look):
            continue
        if look.family not in _FAMILIES.get(kind, _WRITTEN):
            continue
        if kind in NAMES and hit.start() in whole and hit.end() - 1 in whole:
            continue
        fit = _fit(kind, look)
        if fit > 0:
            whole = range(*hit.span()) if kind is _K.FULL_NAME else whole
            words = "its values agree" if fit > HALF and not look.bare else "by its name"
            yield Sensitivity(kind, round(weight * fit**0.5, 2), f"called {kind}, {words}")


def _is_of(word: str, kind: SensitiveKind, look: _Look) -> bool:
    """Tell whether the first word of a name belongs to what follows: *date of birth*, *num dni*."""
    if word in _DATES:
        return kind is _K.BIRTH_DATE
    return (
        word == "num" and kind in OF_NUMBERS and not look.bare and look.share(_has_number) >= MOST
    )


_DATES = frozenset({"date", "data", "fecha"})
_WRITTEN = frozenset({TypeFamily.TEXT, TypeFamily.OTHER, TypeFamily.JSON})
_NUMBERED_TOO = _WRITTEN | {TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT}
_TIMES = frozenset({TypeFamily.DATE, TypeFamily.DATETIME})
_FAMILIES: Mapping[SensitiveKind, frozenset[TypeFamily]] = {
    _K.PHONE: _NUMBERED_TOO,
    _K.DOCUMENT: _NUMBERED_TOO,
    _K.BANK_ACCOUNT: _NUMBERED_TOO,
    _K.CARD: _NUMBERED_TOO,
    _K.DEVICE: _NUMBERED_TOO | {TypeFamily.UUID},
    _K.BIRTH_DATE: _NUMBERED_TOO | _TIMES,
    _K.LOCATION: _NUMBERED_TOO,
    _K.SEX: _NUMBERED_TOO | {TypeFamily.BOOLEAN},
    _K.HEALTH: _NUMBERED_TOO | {TypeFamily.BOOLEAN},
}
"""Families of types in which a kind is written; text by default."""


def _fit(kind: SensitiveKind, look: _Look) -> float:
    """Return how well values agree with a name, 0 for not at all, 1 where any would."""
    if look.bare:
        return 0.0 if look.texts and not _plausible(kind, look) else UNSEEN
    own = _FITS.get(kind)
    if own is not None:
        return own(look)
    test = _TESTS.get(kind)
    if test is None:
        return 1.0
    if kind in _OF_PERSONS and not _varies(look):
        return 0.0
    bar = MOST if kind is _K.FULL_NAME and THINGS.search(look.name) else _BARS.get(kind, HALF)
    return _above(look.share(test), bar)


def _fit_of_mail(look: _Look) -> float:
    return max(look.share(_EMAIL.fullmatch), IN_PART if _varies(look) else 0.0)


def _fit_of_address(look: _Look) -> float:
    coded = look.share(_is_long) >= MOST and look.distinct >= MOST
    return max(_above(look.share(_may_be_address), SOME), IN_PART if coded else 0.0)


def _fit_of_login(look: _Look) -> float:
    return 0.0 if THINGS.search(look.table) or not _varies(look) else 1.0


def _fit_of_text(look: _Look) -> float:
    return _above(_mean_words(look) / MIN_WORDS, HALF) if _varies(look) else 0.0


def _plausible(kind: SensitiveKind, look: _Look) -> bool:
    """Tell whether one or two values may be of a kind."""
    test = _TESTS.get(kind, _EMAIL.fullmatch if kind is _K.EMAIL else None)
    return test is None or look.share(test) > 0


def _above(share: float, bar: float) -> float:
    return min(share, 1.0) if share >= bar else 0.0


def _varies(look: _Look) -> bool:
    return len(look.texts) >= PROVEN or look.distinct >= TYPED


def _mean_words(look: _Look) -> float:
    return sum(len(text.split()) for text in look.texts) / max(len(look.texts), 1)


def _may_be_name(text: str) -> bool:
    return any(c.isalpha() for c in text) and len(text.split()) <= MAX_NAME_WORDS + 1


def _may_be_address(text: str) -> bool:
    plain = folded(text)
    return bool(_STREET.search(plain)) or (any(c.isdigit() for c in text) and " " in text.strip())


def _is_long(text: str) -> bool:
    return len(text) >= LONG


def _has_number(text: str) -> bool:
    return sum(c.isdigit() for c in text) >= 3 and " " not in text.strip().strip("-")[:3]


def _is_ip(text: str) -> bool:
    return bool(_IPV4.fullmatch(text) or _IPV6.fullmatch(text))


def _name_parts(text: str) -> list[str]:
    apart = _CAMEL.sub(" ", re.sub(r"(?<=[a-z])\d+", "", text))
    plain = folded(apart).replace(".", " ").replace("-", " ")
    return [word for word in plain.split() if word.strip(",") not in _TITLES]


def _is_full(text: str) -> bool:
    """Tell whether a text is a given name and more, in either order."""
    family, comma, given = text.partition(",")
    orders = [text, f"{given} {family}"] if comma else [text]
    return any(map(_begins_with_given, orders))


def _begins_with_given(text: str) -> bool:
    parts = [part.strip(",;&()") for part in _name_parts(text)]
    if not 2 <= len([p for p in parts if p not in _PARTICLES]) <= MAX_NAME_WORDS:
        return False
    is_date = parts[0] in _MONTHS and any(map(str.isdigit, text))
    return parts[0] in given_names() and not is_date


def _is_given(text: str) -> bool:
    parts = _name_parts(text)
    return 1 <= len(parts) <= 2 and parts[0] in given_names()


def _is_surname(text: str) -> bool:
    words = [word for word in folded(text).split() if word not in _PARTICLES]
    return 1 <= len(words) <= 2 and all(word in surnames() for word in words)


def _any_digit(text: str) -> bool:
    return any(map(str.isdigit, text))


def _is_plate(text: str) -> bool:
    return _PLATE.fullmatch(text.upper()) is not None


_TESTS: Mapping[SensitiveKind, Callable[[str], object]] = {
    _K.PHONE: _DIGITS.fullmatch,
    _K.ADDRESS: _may_be_address,
    _K.GIVEN_NAME: _may_be_name,
    _K.SURNAME: _may_be_name,
    _K.FULL_NAME: _is_full,
    _K.DOCUMENT: _has_number,
    _K.BANK_ACCOUNT: _has_number,
    _K.CARD: _has_number,
    _K.DEVICE: _has_number,
    _K.PLATE: _is_plate,
    _K.IP_ADDRESS: _is_ip,
    _K.LOCATION: _any_digit,
}
"""What a value of a kind looks like."""
_BARS: Mapping[SensitiveKind, float] = {_K.FULL_NAME: SOME}
_OF_PERSONS = frozenset(
    {_K.GIVEN_NAME, _K.SURNAME, _K.DOCUMENT, _K.BANK_ACCOUNT, _K.CARD, _K.DEVICE}
)
"""Kinds whose few repeated values would be a list of codes."""
_FITS: Mapping[SensitiveKind, Callable[[_Look], float]] = {
    _K.EMAIL: _fit_of_mail,
    _K.ADDRESS: _fit_of_address,
    _K.USER_NAME: _fit_of_login,
    _K.FREE_TEXT: _fit_of_text,
    _K.SEX: lambda look: 1.0 if len(look.texts) <= MAX_SEXES else 0.0,
}


def _by_content(look: _Look) -> Iterator[Sensitivity]:
    """Yield what the values say."""
    if len(look.texts) < 2 or look.family not in _NUMBERED_TOO:
        return
    if not look.bare:
        yield from _by_form(look)
        yield from _by_check(look)
    if look.family is TypeFamily.TEXT:
        yield from _by_people(look)
        yield from _by_sentences(look)


def _by_form(look: _Look) -> Iterator[Sensitivity]:
    forms: tuple[tuple[SensitiveKind, float, Callable[[str], object], str], ...] = (
        (_K.EMAIL, HALF, _EMAIL.fullmatch, "e-mail addresses"),
        (_K.IP_ADDRESS, MOST, _IPV4.fullmatch, "IP addresses"),
        (_K.DEVICE, MOST, _MAC.fullmatch, "MAC addresses"),
        (_K.PHONE, MOST, _PHONE.fullmatch, "telephone numbers"),
        (_K.DOCUMENT, MOST, _SSN.fullmatch, "social security numbers by their form"),
        (_K.LOCATION, MOST, _COORDINATES.search, "coordinates"),
    )
    if look.family is not TypeFamily.TEXT:
        return
    for kind, bar, test, what in forms:
        share = look.share(test)
        if share >= bar:
            yield Sensitivity(kind, round(0.6 + 0.4 * share, 2), f"{share:.0%} are {what}")
    share = look.share(lambda text: _STREET.search(folded(text)) and any(map(str.isdigit, text)))
    if share >= HALF and _mean_words(look) < 2 * MIN_WORDS and _varies(look):
        yield Sensitivity(_K.ADDRESS, round(0.5 + 0.4 * share, 2), f"{share:.0%} name a street")


def _by_check(look: _Look) -> Iterator[Sensitivity]:
    """Yield numbers whose check digits prove what they are."""
    if len(look.texts) < PROVEN:
        return
    check = find_check(look.texts)
    if check in OF_PEOPLE:
        yield Sensitivity(_K.DOCUMENT, 0.95, f"valid numbers by the check of {check}")
    elif check in OF_ACCOUNTS:
        yield Sensitivity(_K.BANK_ACCOUNT, 0.95, f"valid numbers by the check of {check}")
    elif check == "imei":
        yield Sensitivity(_K.DEVICE, 0.9, "valid numbers by the check of imei")
    elif check == "luhn" and look.share(_is_card) >= MOST:
        yield Sensitivity(_K.CARD, 0.95, "valid card numbers by the check of luhn")


def _is_card(text: str) -> bool:
    digits = re.sub(r"[ -]", "", text)
    return digits.isdigit() and 13 <= len(digits) <= 19 and digits[0] in "3456"


def _by_people(look: _Look) -> Iterator[Sensitivity]:
    """Yield columns whose values are names of people.

    A column of things needs clear names of people in nearly all values; one that is called after
    people may hold many names that no list knows.
    """
    people = bool(ROLES.search(look.name))
    plain = bool(PLAIN_NAME.search(look.name))
    of_people = plain and _is_about_people(look.table)
    things = _is_of_things(look, plain=plain, people=people)
    full, given, family = look.share(_is_full), look.share(_is_given), look.share(_is_surname)
    if ABOUT.search(look.name) or not (people or _varies(look)):
        return
    bar = MOST if things else NAMED if people or of_people else HALF
    if full >= bar:
        sure = round(min(0.95, 0.55 + 0.4 * full + 0.1 * (people or of_people)), 2)
        yield Sensitivity(_K.FULL_NAME, sure, f"{full:.0%} begin with a given name of people")
    elif given >= (MOST if not (people or of_people) else NAMED) and not things:
        sure = round(0.4 + 0.4 * given + 0.2 * (people or of_people), 2)
        yield Sensitivity(_K.GIVEN_NAME, sure, f"{given:.0%} are given names")
    elif family >= MOST and not things and (people or plain):
        yield Sensitivity(_K.SURNAME, 0.6, f"{family:.0%} are surnames")


def _is_of_things(look: _Look, *, plain: bool, people: bool) -> bool:
    """Tell whether a column holds names of things: ``building_manager`` does not."""
    last = look.name.rpartition("_")[2]
    if people and ROLES.search(last):
        return False
    return bool(THINGS.search(look.name)) or (plain and bool(THINGS.search(look.table)))


def _is_about_people(table: str) -> bool:
    words = table.split("_")
    singular = [re.sub(r"(?<=[a-z]{3})s$", "", word) for word in words]
    return bool(ROLES.search("_".join(singular)) or ROLES.search(table))


def _by_sentences(look: _Look) -> Iterator[Sensitivity]:
    words = _mean_words(look)
    if words >= MIN_WORDS and look.distinct >= TYPED:
        yield Sensitivity(_K.FREE_TEXT, 0.6, f"{words:.0f} words on the mean, mostly different")


def _with_surnames(
    looks: Mapping[str, _Look], found: Mapping[str, Sensitivity]
) -> Iterator[tuple[str, Sensitivity]]:
    """Yield plain name columns that stand beside surnames: they are the given names."""
    families = {name for name, one in found.items() if one.kind is _K.SURNAME}
    for name, look in looks.items():
        known = found.get(name)
        if not families - {name}:
            continue
        if known is not None and known.kind not in NAMES:
            continue
        if re.fullmatch(r"nom|nombre|name", look.name) and look.family is TypeFamily.TEXT:
            given = Sensitivity(_K.GIVEN_NAME, 0.85, "a name beside a surname")
            yield name, given if known is None else replace(known, kind=_K.GIVEN_NAME)


def _with_siblings(
    looks: Mapping[str, _Look], found: Mapping[str, Sensitivity]
) -> Iterator[tuple[str, Sensitivity]]:
    """Yield columns called after the same role as one that holds names of people."""
    roles = {
        looks[name].name.rpartition("_")[2]: one for name, one in found.items() if one.kind in NAMES
    }
    for name, look in looks.items():
        role = look.name.rpartition("_")[2]
        same = name not in found and role in roles and ROLES.search(role)
        if same and look.family is TypeFamily.TEXT and look.share(_may_be_name) >= MOST:
            reason = f"called {role}, as a column that holds names of people"
            yield name, replace(roles[role], confidence=0.6, reason=reason)
