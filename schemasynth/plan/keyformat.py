"""Key formats learned from values: numbers, shapes of text, check digits, UUIDs, times.

Imports the plan's values, patterns, parts and checks; the plan learns formats, the rewrites make
keys of them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import codes
from schemasynth.checknumbers import check_module, find_check
from schemasynth.plan.keyparts import LONGEST, NUMBERS, Beside, association, computation, derivation
from schemasynth.plan.keypattern import DIGITS, LOWER, UPPER, freed, literal, part_names, written
from schemasynth.plan.model import KeyFormat, KeyKind, KeyPart, PartRule

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

SAMPLE = 5_000
"""Distinct values looked at: shares of shapes to about one point."""
MAX_PATTERNS = 12
"""Shapes kept; the rest are rare spellings."""
MIN_EVIDENCE = 20
"""Values of a shape below which no position counts as constant, no part as frequent."""
MIN_CONSTANT = 5
"""The same where all values of the column agree: then the constant tells nobody apart."""
FEW_CHARACTERS = 4
"""Different characters at a place that are written out as a set of their own: a series letter."""
COVERED = 0.9
"""Share of values that the kept shapes must cover; else places are described, not shapes."""
DENSE = 0.5
"""Numbers that fill this share of their range are a sequence and go on where it ended."""
MIN_SEQUENCE = 5
"""Numbers from which they count over all keys."""
MIN_GROUP = 2.0
"""Keys that are alike but for a number, on the mean, so that the number counts within them."""
SINGLE = 0.95
"""Different numbers by keys from which a number counts over all keys."""
MAX_SHARES = 100
"""Frequent values of a part that are written out."""
MIN_STEP_EVIDENCE = 5
"""Numbers whose differences prove a step."""
LONG = 5
"""Digits in a row that may begin with a part of its own, such as a year."""
HEADS = (8, 6, 4, 2, 3)
"""Digits that such a part may have: a date, year and month, a year, a province, an office."""
YEAR_WIDTH = 4
REGION_WIDTH = 2
"""Digits of a province or a kind at the start of numbers with a check."""
YEARS = (1900, 2099)
MAX_YEARS = 60
"""Years between the first and the last in keys, at most."""
MIN_SHAPE_SHARE = 0.05
"""Values of a shape, of all, for which a check of its own is looked for."""
WORDY = 0.9
"""Share of texts made of letters, spaces and the marks of names, from which keys are words."""
WORD_LENGTHS = 4
"""Different lengths that words have at least; codes have one or two."""
LETTERS = (8, 128)
"""Different letters of words: fewer make a code, more a script that is not written in letters."""
ROOM = 0.6
"""Different texts of a part, of all that its width allows, below which they carry meaning."""
_BARE = 32
"""Digits of a UUID without dashes."""
_TOKEN_OF_SEGMENTS = re.compile(r"w|.", re.DOTALL)
_TOKEN = re.compile(r"d+|U+|L+|X+|.", re.DOTALL)
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ '\u2019\u2018.,&()\-])*")
_UUID = re.compile(
    r"(?P<head>urn:uuid:|\{|)(?P<body>[0-9a-f]{8}(?P<dash>-?)[0-9a-f]{4}(?P=dash)"
    r"(?P<version>[1-8])[0-9a-f]{3}(?P=dash)[89ab][0-9a-f]{3}(?P=dash)[0-9a-f]{12})(?P<tail>\}|)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Sample:
    """Distinct texts, and other columns in the same rows.

    Attributes:
        texts: a part of all.
        beside: by name.
        weight: values of the column by texts here.
        whole: the texts are all of one column, not a group of it.
    """

    texts: Sequence[str]
    beside: Mapping[str, Beside]
    weight: float = 1.0
    whole: bool = True

    def at(self, places: Sequence[int]) -> _Sample:
        """Return some of the texts."""
        chosen = pa.array(places, pa.int64())
        return _Sample(
            [self.texts[i] for i in places],
            {k: replace(b, values=b.values.take(chosen)) for k, b in self.beside.items()},
            self.weight,
            self.whole and len(places) == len(self.texts),
        )

    @property
    def evidence(self) -> int:
        """How many texts prove a constant."""
        return MIN_CONSTANT if self.whole else MIN_EVIDENCE


def learn_key_format(
    values: pa.Array[Any] | pa.ChunkedArray[Any], beside: Mapping[str, Beside] | None = None
) -> KeyFormat:
    """Learn how the values of a key column are written.

    Args:
        values: NULLs and repetitions are passed over.
        beside: other columns, row by row; parts of the key may come from them.

    Returns:
        A format that holds no value of the source: a character is kept literally only where it
        is punctuation, or the same in many values that differ elsewhere.
    """
    flat = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    flat = flat.combine_chunks() if isinstance(flat, pa.ChunkedArray) else flat
    if pa.types.is_temporal(flat.type):
        return _time_format(flat)
    if is_number(flat.type):
        return _number_format(flat, beside or {})
    return _text_format(_sampled(key_texts(flat), beside or {}))


def is_number(kind: pa.DataType) -> bool:
    """Tell whether values of a type are numbers."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def key_texts(values: Array) -> Array:
    """Return keys as the texts that patterns describe: whole numbers in digits, bytes in hex."""
    kind = values.type
    if pa.types.is_binary(kind):
        return pa.array([None if v is None else v.hex() for v in values.to_pylist()], pa.string())
    if is_number(kind):
        values = values.cast(pa.int64(), safe=False)
    return values if pa.types.is_string(kind) else values.cast(pa.string())


def _sampled(texts: Array, beside: Mapping[str, Beside]) -> _Sample:
    """Return distinct texts, evenly spread over all rows."""
    numbers = codes(texts)
    distinct, first = np.unique(numbers, return_index=True)
    first = np.sort(first[distinct >= 0])
    chosen = first[:: max(1, -(-len(first) // SAMPLE))]
    rows = pa.array(chosen, pa.int64())
    taken = {k: replace(b, values=b.values.take(rows)) for k, b in beside.items()}
    return _Sample(texts.take(rows).to_pylist(), taken, len(first) / max(len(chosen), 1))


def units(values: Array) -> tuple[Ints, int]:
    """Return numbers or times in whole units, and the decimal digits of a unit.

    Args:
        values: numbers, or dates and times, which count in their own unit.

    Returns:
        One int64 for each value that is not NULL, and the power of ten that one stands for.
    """
    present = values.drop_null()
    kind = present.type
    if pa.types.is_temporal(kind):
        present = present.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
        return np.asarray(present.cast(pa.int64()), dtype=np.int64), 0
    if pa.types.is_integer(kind):
        return np.asarray(present.cast(pa.int64()), dtype=np.int64), 0
    exact = np.asarray(present.cast(pa.float64()), dtype=np.float64)
    if pa.types.is_decimal(kind):
        places = kind.scale
        whole = bool(pc.all(pc.equal(pc.floor(present), present)).as_py() in (True, None))
    else:
        places = next((k for k in range(7) if np.allclose(exact * 10**k % 1, 0)), 6)
        whole = places == 0
    if whole:
        return np.asarray(present.cast(pa.int64(), safe=False), dtype=np.int64), 0
    return np.round(exact * 10.0**places).astype(np.int64), places


def step_of(ordered: Ints) -> int:
    """Return by what distinct numbers in order differ, or multiples of it."""
    if len(ordered) < MIN_STEP_EVIDENCE:
        return 1
    return max(1, int(np.gcd.reduce(np.diff(ordered))))


def _number_format(values: Array, beside: Mapping[str, Beside]) -> KeyFormat:
    numbers, places = units(values)
    ordered = np.unique(numbers)
    if len(ordered) == 0:
        return KeyFormat(KeyKind.INTEGER, 1, 1, sequence=True)
    step = step_of(ordered)
    low, high = int(ordered[0]), int(ordered[-1])
    sequence = len(ordered) >= DENSE * ((high - low) // step + 1)
    if not sequence and places == 0 and low >= 0:
        form = _text_format(_sampled(key_texts(values), beside))
        if form.kind is KeyKind.CHECKED or _all_with_parts(form):
            return form
    low, high = low // 10**places, -(-high // 10**places)
    return KeyFormat(
        KeyKind.INTEGER, _rounded(low, -1), _rounded(high, 1), sequence=sequence, step=step
    )


def _all_with_parts(form: KeyFormat) -> bool:
    return form.kind is KeyKind.PATTERN and all(part_names(p) for p, _ in form.patterns)


def _rounded(number: int, side: int) -> int:
    """Round away from what lies between to one digit, and keep the count of digits."""
    unit = 10 ** (len(str(abs(number))) - 1)
    rounded = -(-number // unit) * unit if side > 0 else number // unit * unit
    return int(min(rounded, 10 * unit - 1) if number >= 0 else max(rounded, 1 - 10 * unit))


def _time_format(values: Array) -> KeyFormat:
    numbers, _ = units(values)
    ordered = np.unique(numbers)
    if len(ordered) == 0:
        return KeyFormat(KeyKind.TEMPORAL)
    step = step_of(ordered)
    sequence = len(ordered) >= DENSE * ((int(ordered[-1]) - int(ordered[0])) // step + 1)
    dated = pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)
    ends = pc.min_max(pc.year(values)).as_py() if dated else {"min": None, "max": None}
    return KeyFormat(KeyKind.TEMPORAL, ends["min"], ends["max"], sequence=sequence, step=step)


def _text_format(sample: _Sample) -> KeyFormat:
    """Learn UUIDs, checked numbers and other shapes, each for itself where they are mixed."""
    groups = list(_uuid_groups(sample))
    left = _without(range(len(sample.texts)), groups)
    groups += _checked_groups(sample, left)
    left = _without(left, groups)
    if left and _are_words([sample.texts[i] for i in left]):
        groups.append((KeyFormat(KeyKind.WORDS), left))
    elif left or not groups:
        patterns, parts = _patterns(sample.at(left))
        groups.append((KeyFormat(KeyKind.PATTERN, patterns=patterns, parts=parts), left))
    if len(groups) == 1:
        return groups[0][0]
    shares = tuple((form, round(len(at) / len(sample.texts), 4)) for form, at in groups)
    return KeyFormat(KeyKind.MIXED, formats=shares)


def _are_words(texts: Sequence[str]) -> bool:
    """Tell whether texts are names and the like: letters of many kinds, in all lengths."""
    if len(texts) < MIN_EVIDENCE:
        return False
    words = [text for text in texts if _NAME.fullmatch(text)]
    letters = {c.lower() for text in texts for c in text if c.isalpha()}
    return (
        len(words) >= WORDY * len(texts)
        and LETTERS[0] <= len(letters) <= LETTERS[1]
        and len(set(map(len, words))) >= WORD_LENGTHS
        and any(c.islower() for text in words for c in text)
    )


def _without(places: Sequence[int], groups: Sequence[tuple[KeyFormat, Sequence[int]]]) -> list[int]:
    taken = {i for _, members in groups for i in members}
    return [i for i in places if i not in taken]


def _uuid_groups(sample: _Sample) -> Iterator[tuple[KeyFormat, list[int]]]:
    found: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    for i, text in enumerate(sample.texts):
        match = _UUID.fullmatch(text)
        if match is not None and (match["head"] == "{") == (match["tail"] == "}"):
            found[int(match["version"]), _spelling(match)].append(i)
    bare = sum(len(text) == _BARE for text in sample.texts)
    for (version, spelling), places in sorted(found.items()):
        if len(spelling) > _BARE or len(places) == bare:
            yield KeyFormat(KeyKind.UUID, version=version, spelling=spelling), places


def _spelling(match: re.Match[str]) -> str:
    digit = "X" if match["body"] == match["body"].upper() else "x"
    return match["head"] + re.sub("[0-9A-Fa-f]", digit, match["body"]) + match["tail"]


def is_uuid(text: str) -> bool:
    """Tell whether a text is a UUID in any of the usual spellings with dashes."""
    match = _UUID.fullmatch(text)
    return match is not None and bool(match["dash"])


def _checked_groups(
    sample: _Sample, places: Sequence[int]
) -> Iterator[tuple[KeyFormat, list[int]]]:
    by_shape: defaultdict[str, list[int]] = defaultdict(list)
    for i in places:
        by_shape[_shape(sample.texts[i])].append(i)
    large = [g for g in by_shape.values() if len(g) >= MIN_SHAPE_SHARE * len(places)]
    for group in (places, *(large if len(by_shape) > 1 else ())):
        check = find_check([sample.texts[i] for i in group])
        if check is None:
            continue
        valid = check_module(check).is_valid
        members = [i for i in group if valid(sample.texts[i])]
        patterns, parts = _patterns(sample.at(members), checked=True)
        yield KeyFormat(KeyKind.CHECKED, patterns=patterns, parts=parts, check=check), members
        if group is places:
            return


def _shape(text: str) -> str:
    return "".join(map(_class, text))


def _class(character: str) -> str:
    if character in DIGITS:
        return "d"
    if character in UPPER:
        return "U"
    if character in LOWER:
        return "L"
    return "X" if character.isalpha() else character


@dataclass(frozen=True, slots=True)
class _Field:
    """A run of one class in texts that are alike: its kind, its text in each, its meaning."""

    kind: str
    texts: Sequence[str]
    part: KeyPart | None = None

    @property
    def width(self) -> int:
        """Characters; 0 where they vary."""
        widths = set(map(len, self.texts))
        return widths.pop() if len(widths) == 1 else 0

    @property
    def distinct(self) -> int:
        """Number of different texts."""
        return len(set(self.texts))


class _Parts:
    """The parts of a format, named as they are found."""

    def __init__(self) -> None:
        self.names: dict[KeyPart, str] = {}

    def written(self, part: KeyPart) -> str:
        """Return a part as it stands in a pattern."""
        if part not in self.names:
            word = re.sub(r"[^0-9A-Za-z]+", "_", part.column or "").strip("_").lower()
            name = word if part.rule not in NUMBERS else "number"
            name = f"part_{name}".rstrip("_") if not name or name[0].isdigit() else name
            same = sum(re.sub(r"_\d+$", "", known) == name for known in self.names.values())
            self.names[part] = f"{name}_{same + 1}" if same else name
        return f"({self.names[part]})"

    def all(self) -> tuple[KeyPart, ...]:
        """Return the parts with their names."""
        return tuple(replace(part, name=name) for part, name in self.names.items())


def _patterns(
    sample: _Sample, *, checked: bool = False
) -> tuple[tuple[tuple[str, float], ...], tuple[KeyPart, ...]]:
    """Return the commonest shapes as patterns with their shares, and the parts they name."""
    parts = _Parts()
    found = _shapes(sample, parts, checked)
    found = sorted(found, key=lambda item: -item[1])[:MAX_PATTERNS]
    total = sum(size for _, size in found)
    patterns = tuple((pattern, round(size / total, 4)) for pattern, size in found)
    named = {name for pattern, _ in patterns for name in part_names(pattern)}
    return patterns, tuple(part for part in parts.all() if part.name in named)


def _shapes(sample: _Sample, parts: _Parts, checked: bool) -> list[tuple[str, int]]:
    """Return patterns with the number of texts they describe."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for i, text in enumerate(sample.texts):
        groups[re.sub("d+", "d", _shape(text))].append(i)
    if pattern := _segmented(sample, parts, checked):
        return [(pattern, len(sample.texts))]
    common = _common(groups)
    covered = sum(len(places) for _, places in common)
    if len(sample.texts) >= MIN_EVIDENCE and covered < COVERED * len(sample.texts):
        return list(_coarse(sample))
    return [
        pattern
        for skeleton, places in common
        for pattern in _alike(skeleton, sample.at(places), parts, checked)
    ]


def _common(groups: Mapping[Any, list[int]]) -> list[tuple[Any, list[int]]]:
    return sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_PATTERNS]


def _segmented(sample: _Sample, parts: _Parts, checked: bool) -> str | None:
    """Return the pattern of texts that agree in punctuation, if all between it has a meaning.

    For codes of different lengths and classes, as in ``LU/00012`` and ``41/00013``.
    """
    marks = {re.sub("[dULX]+", "w", _shape(text)) for text in sample.texts}
    if len(marks) > 1 or len(sample.texts) < MIN_EVIDENCE:
        return None
    tokens = _TOKEN_OF_SEGMENTS.findall(marks.pop())
    form = "".join({"w": r"([^\W_]+)"}.get(mark, "(.)") for mark in tokens)
    rows = [match.groups() for t in sample.texts if (match := re.fullmatch(form, t, re.DOTALL))]
    if len(rows) < len(sample.texts):
        return None
    fields = [_segment(column) for column in zip(*rows, strict=True)]
    fields = [part for field in fields for part in _with_meaning(field, sample, checked)]
    fields = [
        replace(field, part=_shares(field)) if field.kind == "m" and not field.part else field
        for field in fields
    ]
    if not checked:
        fields = _with_number(fields, sample)
    if any(f.part is None and (f.kind == "m" or not f.width) for f in fields):
        return None
    return "".join(_written_field(field, sample, parts, checked) for field in fields)


def _segment(texts: Sequence[str]) -> _Field:
    """Return a field of what stands between punctuation; of kind ``m`` where classes are mixed."""
    kinds = {kind for text in texts for kind in _shape(text)}
    kind = kinds.pop()
    alike = not kinds and (kind == "d" or len(set(map(len, texts))) == 1)
    return _Field(kind if alike else "m", texts)


def _alike(
    skeleton: str, sample: _Sample, parts: _Parts, checked: bool
) -> Iterator[tuple[str, int]]:
    """Yield the pattern of texts that differ in letters, digits and lengths of numbers only."""
    tokens = _TOKEN.findall(skeleton)
    form = "".join("([0-9]+)" if t == "d" else f"(.{{{len(t)}}})" for t in tokens)
    rows = [match.groups() for t in sample.texts if (match := re.fullmatch(form, t, re.DOTALL))]
    columns = list(zip(*rows, strict=True)) or [() for _ in tokens]
    fields = [_Field(t[0], c) for t, c in zip(tokens, columns, strict=True)]
    fields = [part for field in fields for part in _with_meaning(field, sample, checked)]
    if not checked:
        fields = _with_number(fields, sample)
    if any(field.part is None and field.kind == "d" and not field.width for field in fields):
        yield from _by_widths(sample, parts, checked)
        return
    pattern = "".join(_written_field(field, sample, parts, checked) for field in fields)
    yield pattern, len(sample.texts)


def _by_widths(sample: _Sample, parts: _Parts, checked: bool) -> Iterator[tuple[str, int]]:
    shapes: defaultdict[str, list[int]] = defaultdict(list)
    for i, text in enumerate(sample.texts):
        shapes[_shape(text)].append(i)
    for shape, places in _common(shapes):
        alike = sample.at(places)
        tokens = _TOKEN.findall(shape)
        ends = np.cumsum([0, *map(len, tokens)])
        fields = [
            _Field(token[0], [text[start:end] for text in alike.texts])
            for token, start, end in zip(tokens, ends[:-1], ends[1:], strict=True)
        ]
        fields = [part for field in fields for part in _with_meaning(field, alike, checked)]
        written_fields = (_written_field(f, alike, parts, checked) for f in fields)
        yield "".join(written_fields), len(places)


def _with_meaning(field: _Field, sample: _Sample, checked: bool) -> list[_Field]:
    """Return a field with what its part means; cut in two where only its beginning means it."""
    if field.kind not in "dULXm" or field.distinct < 2:
        return [field]
    is_whole = len(field.texts[0]) == len(sample.texts[0])
    part = None if is_whole else derivation(field.texts, sample.beside)
    if part is not None:
        return [replace(field, part=part)]
    if field.kind != "d" or field.width < LONG or len(field.texts) < MIN_EVIDENCE:
        return [field]
    cuts = [
        (_Field("d", [text[:width] for text in field.texts]), width)
        for width in HEADS
        if width <= field.width - 2
    ]
    for find in (computation, association, partial(_own_meaning, checked=checked)):
        for head, width in cuts:
            part = find(head.texts, sample.beside) if head.distinct > 1 else None
            if part is not None:
                tail = _Field("d", [text[width:] for text in field.texts])
                return [replace(head, part=part), tail]
    return [field]


def _own_meaning(
    texts: Sequence[str], _beside: Mapping[str, Beside], *, checked: bool
) -> KeyPart | None:
    """Return the part that a head of digits is by its look: a year, a province or bank."""
    head = _Field("d", texts)
    if head.width == YEAR_WIDTH and _are_years(head):
        return _shares(head)
    regional = checked and head.width == REGION_WIDTH
    return _shares(head) if regional and head.distinct <= ROOM * 10**head.width else None


def _are_years(field: _Field) -> bool:
    low, high = int(min(field.texts)), int(max(field.texts))
    return YEARS[0] <= low < high <= YEARS[1] and high - low <= MAX_YEARS


def _shares(field: _Field) -> KeyPart | None:
    """Return a part of frequent values, if most texts have one of them."""
    counts = Counter(field.texts)
    frequent = {value: n for value, n in counts.items() if n >= MIN_EVIDENCE}
    held = sum(frequent.values())
    if not 1 < len(frequent) <= MAX_SHARES or held * 2 < len(field.texts):
        return None
    values = tuple((v, round(n / held, 4)) for v, n in sorted(frequent.items()))
    return KeyPart("", PartRule.SHARES, width=field.width, values=values)


def _with_number(fields: list[_Field], sample: _Sample) -> list[_Field]:
    """Return fields with the one that counts among texts alike in all else, if one does."""
    open_ones = [j for j, field in enumerate(fields) if field.kind == "d" and field.part is None]
    if not open_ones or not sample.texts:
        return fields
    j = max(open_ones, key=lambda place: fields[place].distinct)
    field = fields[j]
    padded = any(text[0] == "0" and text != "0" for text in field.texts)
    if max(map(len, field.texts), default=99) > LONGEST or (padded and not field.width):
        return fields
    others = [f.texts for place, f in enumerate(fields) if place != j]
    rule = _counting_rule(field, others, sample.weight)
    if rule is None:
        return fields
    part = KeyPart("", rule, width=field.width if padded else 0)
    return [*fields[:j], replace(field, part=part), *fields[j + 1 :]]


def _counting_rule(
    field: _Field, others: Sequence[Sequence[str]], weight: float
) -> PartRule | None:
    """Return how numbers count: over all keys, or within those alike in all else."""
    numbers = [int(text) for text in field.texts]
    known = len(numbers) * weight
    span = max(numbers) - min(numbers) + 1
    if known >= MIN_SEQUENCE and field.distinct >= SINGLE * len(numbers) and known >= DENSE * span:
        return PartRule.SEQUENCE
    if not others:
        return None
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for key, number in zip(zip(*others, strict=True), numbers, strict=True):
        groups[key].append(number)
    spans = sum(max(inner) - min(inner) + 1 for inner in groups.values())
    if known >= MIN_GROUP * len(groups) and known >= DENSE * spans:
        return PartRule.NUMBER
    return None


def _written_field(field: _Field, sample: _Sample, parts: _Parts, checked: bool) -> str:
    if field.part is not None:
        return parts.written(field.part)
    if field.kind not in "dULX":
        return literal(field.kind)
    space = len(_alphabet(field.kind)) ** field.width
    proven = len(field.texts) >= sample.evidence and len(set(sample.texts)) > 1
    if field.width > 1 and field.distinct <= ROOM * space and len(field.texts) >= MIN_EVIDENCE:
        part = _shares(field)
        if part is not None:
            return parts.written(part)
    places = ["".join(sorted(set(column))) for column in zip(*field.texts, strict=True)]
    run = [_allowed(used, field.kind, i, proven, checked) for i, used in enumerate(places)]
    return written(run)


def _alphabet(kind: str) -> str:
    return {"d": DIGITS, "L": LOWER}.get(kind, UPPER)


def _allowed(used: str, kind: str, place: int, proven: bool, checked: bool) -> str:
    """Return the characters allowed at a place of a field."""
    whole = _alphabet(kind)
    few = len(whole) // 2 if checked else FEW_CHARACTERS
    if proven and (len(used) == 1 or len(used) <= few or kind == "X"):
        return used
    if kind == "d" and place == 0 and "0" not in used:
        return DIGITS[1:]
    return whole


def _coarse(sample: _Sample) -> Iterator[tuple[str, int]]:
    """Yield a pattern for each length, of the class of all characters at each place."""
    lengths: defaultdict[int, list[str]] = defaultdict(list)
    for text in sample.texts:
        lengths[len(text)].append(text)
    every = {c for text in sample.texts for c in text if c.isalnum()}
    whole = freed("".join(sorted(every)))
    for _, texts in sorted(lengths.items(), key=lambda item: -len(item[1]))[:MAX_PATTERNS]:
        proven = len(texts) >= MIN_EVIDENCE
        places = [set(column) for column in zip(*texts, strict=True)]
        yield written([_place(used, whole, proven) for used in places]), len(texts)


def _place(used: set[str], whole: str, proven: bool) -> str:
    letters = "".join(sorted(c for c in used if c.isalnum()))
    marks = "".join(sorted(used - set(letters)))
    if len(used) == 1 and (proven or marks):
        return letters or marks
    return (freed(letters) if proven and letters else whole if letters else "") + marks
