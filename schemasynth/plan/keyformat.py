"""Key formats learned from values: integers, shapes of text, check digits, UUIDs, times.

Imports the plan's values only; the plan learns formats, the rewrites make keys of them.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from schemasynth.plan.model import KeyFormat, KeyKind

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLE = 5_000
"""Distinct values looked at: shares of shapes to about one point."""
MAX_PATTERNS = 12
"""Shapes kept; the rest are rare spellings."""
MIN_EVIDENCE = 20
"""Values of a shape below which no position counts as constant and no check as proven."""
FEW_CHARACTERS = 4
"""Different characters at a place that are written out as a set of their own: a series letter."""
VALID_SHARE = 0.98
"""Share of values that must satisfy a check digit; the rest is dirt."""
CHANCE_SHARE = 0.5
"""A check that altered values satisfy as often as this proves nothing."""
CHECKS = (
    "es.dni",
    "es.nie",
    "es.cif",
    "es.nif",
    "es.referenciacatastral",
    "es.cups",
    "es.ccc",
    "iban",
    "isbn",
    "ean",
    "isin",
    "lei",
    "imei",
    "luhn",
    "pt.nif",
    "fr.nir",
    "fr.siret",
    "fr.siren",
    "it.codicefiscale",
    "de.idnr",
    "gb.nhs",
    "us.ssn",
    "eu.vat",
)
"""Modules of python-stdnum tried, the most special first."""
CLASSES = {"d": r"\d", "U": "[A-Z]", "L": "[a-z]"}


def learn_key_format(values: pa.Array[Any] | pa.ChunkedArray[Any]) -> KeyFormat:
    """Learn how the values of a key column are written.

    Args:
        values: NULLs and repetitions are passed over.

    Returns:
        A format that holds no value of the source: a character is kept literally only where it
        is punctuation, or the same in `MIN_EVIDENCE` values that differ elsewhere.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        ends = pc.min_max(values).as_py()
        return KeyFormat(KeyKind.INTEGER, int(ends["min"] or 0), int(ends["max"] or 0))
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        ends = pc.min_max(values).as_py()
        low, high = (v.isoformat() if v is not None else None for v in ends.values())
        return KeyFormat(KeyKind.TEMPORAL, low, high)
    texts = [str(v) for v in pc.unique(values.drop_null()).slice(0, SAMPLE).to_pylist()]
    return _text_format(texts)


def _text_format(texts: Sequence[str]) -> KeyFormat:
    version = uuid_version(texts)
    if version is not None:
        return KeyFormat(KeyKind.UUID, version=version)
    check = find_check(texts)
    patterns = tuple(_patterns(texts))
    if check:
        compact = all(text.isalnum() for text in texts)
        return KeyFormat(KeyKind.CHECKED, patterns=patterns, check=check, compact=compact)
    return KeyFormat(KeyKind.PATTERN, patterns=patterns)


def uuid_version(texts: Sequence[str]) -> int | None:
    """Return the commonest version if all values are UUIDs in their usual spelling."""
    versions: Counter[int] = Counter()
    for text in texts:
        try:
            versions[uuid.UUID(text).version or 4] += len(text) == len(str(uuid.UUID(int=0)))
        except ValueError:
            return None
    return versions.most_common(1)[0][0] if versions.total() == len(texts) > 0 else None


def find_check(texts: Sequence[str]) -> str | None:
    """Return the python-stdnum module whose check digit or letter the values satisfy.

    Args:
        texts: distinct values.

    Returns:
        None where fewer than `MIN_EVIDENCE` values are there, or altered ones pass as well.
    """
    if len(texts) < MIN_EVIDENCE:
        return None
    sample = texts[:: max(1, len(texts) // 200)]
    altered = [_altered(text) for text in sample]
    for name in CHECKS:
        valid = import_module(f"stdnum.{name}").is_valid
        if _share(valid, sample) >= VALID_SHARE and _share(valid, altered) < CHANCE_SHARE:
            return name
    return None


def has_check(name: str | None) -> bool:
    """Tell whether python-stdnum has a module of that name that can validate."""
    try:
        return hasattr(import_module(f"stdnum.{name}"), "is_valid")
    except ImportError:
        return False


def _share(valid: Any, texts: Sequence[str]) -> float:
    return sum(bool(valid(text)) for text in texts) / len(texts)


def _altered(text: str) -> str:
    """Return a value with its last inner digit changed, which every check digit notices."""
    places = [i for i, c in enumerate(text) if c.isdigit() and i < len(text) - 1]
    if not places:
        return text
    i = places[-1]
    return f"{text[:i]}{(int(text[i]) + 1) % 10}{text[i + 1 :]}"


def _patterns(texts: Sequence[str]) -> Iterator[tuple[str, float]]:
    shapes: defaultdict[str, list[str]] = defaultdict(list)
    for text in texts:
        shapes["".join(map(_class, text))].append(text)
    common = sorted(shapes.items(), key=lambda item: (-len(item[1]), item[0]))[:MAX_PATTERNS]
    total = sum(len(members) for _, members in common)
    for shape, members in common:
        yield _pattern(shape, members), round(len(members) / total, 4)


def _class(character: str) -> str:
    if character.isdigit():
        return "d"
    if character.isalpha():
        return "L" if character.islower() else "U"
    return character


def _pattern(shape: str, members: Sequence[str]) -> str:
    """Write a shape as a pattern, with the characters that are constant over many members."""
    pieces: list[str] = []
    used = ["".join(sorted(set(column))) for column in zip(*members, strict=True)]
    proven = len(members) >= MIN_EVIDENCE and any(len(letters) > 1 for letters in used)
    for i, kind in enumerate(shape):
        if kind not in CLASSES:
            pieces.append(re.escape(kind))
        elif proven and len(used[i]) == 1:
            pieces.append(re.escape(used[i]))
        elif proven and len(used[i]) <= FEW_CHARACTERS:
            pieces.append(f"[{used[i]}]")
        elif kind == "d" and i == 0 and "0" not in used[i]:
            pieces.append("[1-9]")
        else:
            pieces.append(CLASSES[kind])
    return "".join(_counted(pieces))


def _counted(pieces: Sequence[str]) -> Iterator[str]:
    """Yield pieces with runs of the same class written with their count."""
    i = 0
    while i < len(pieces):
        run = 1
        while pieces[i] in CLASSES.values() and pieces[i : i + run + 1] == [pieces[i]] * (run + 1):
            run += 1
        yield f"{pieces[i]}{{{run}}}" if run > 1 else pieces[i]
        i += run


_PIECE = re.compile(
    r"(?P<class>\\d|\[[^\]]+\])(?:\{(?P<count>\d+)\})?|\\(?P<escaped>.)|(?P<plain>.)", re.DOTALL
)
ALPHABETS = {
    r"\d": "0123456789",
    "[1-9]": "123456789",
    "[A-Z]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "[a-z]": "abcdefghijklmnopqrstuvwxyz",
}


def alphabets(pattern: str) -> tuple[str, ...]:
    """Return the characters allowed at each position of a pattern; one where it is literal.

    Args:
        pattern: of `KeyFormat.patterns`.
    """
    result: list[str] = []
    for match in _PIECE.finditer(pattern):
        if match.group("class"):
            letters = match.group("class")
            alphabet = ALPHABETS.get(letters, letters[1:-1])
            result += [alphabet] * int(match.group("count") or 1)
        else:
            result.append(match.group("escaped") or match.group("plain"))
    return tuple(result)
