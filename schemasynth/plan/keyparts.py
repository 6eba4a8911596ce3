"""Parts of keys that come from other columns: found in the source, computed for new rows.

Imports arrays and the plan's values; used by key formats and key values.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import joint_codes, nulls, take
from schemasynth.plan.keypattern import pieces, written
from schemasynth.plan.model import KeyPart, PartRule

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

AGREEMENT = 0.98
"""Share of rows in which a part must be what the rule makes of the column; the rest is dirt."""
GAIN = 0.5
"""Rows that a rule gets wrong, by those that the commonest value gets wrong, at most."""
MIN_ROWS = 20
"""Rows on which a rule counts as proven."""
MIN_REPEATS = 5.0
"""Rows a value of a column needs on the mean, so that what goes with it is no chance."""
NUMBERS = frozenset({PartRule.NUMBER, PartRule.SEQUENCE})
"""Rules of the one part that tells keys apart."""
LONGEST = 18
"""Digits of a number that an int64 holds."""
UNIQUE = 0.5
"""A part with more distinct values by rows makes keys unique: only a key may give it."""
_START_RULES = (PartRule.START, PartRule.UPPER_START, PartRule.LOWER_START)
_DATE_RULES = tuple(rule for rule in PartRule if rule.startswith("%"))


@dataclass(frozen=True, slots=True)
class Beside:
    """Another column of the table, row by row beside the key.

    Attributes:
        values: of the source.
        stable: restored rows have the source's values there, not new keys.
    """

    values: Array
    stable: bool = True


@dataclass(frozen=True, slots=True)
class Rows:
    """Other columns beside the keys: in the source, and in the rows that keys are made for."""

    source: Mapping[str, Array] = field(default_factory=dict)
    made: Mapping[str, Array] = field(default_factory=dict)

    def at(self, places: Ints) -> Rows:
        """Return the same for some of the rows that keys are made for."""
        return Rows(self.source, {k: v.take(pa.array(places)) for k, v in self.made.items()})


NO_ROWS = Rows()


def computed(rule: PartRule, values: Array, width: int) -> Array:
    """Return the part that a rule makes of each value of a column, as text.

    Args:
        rule: one that needs nothing but the column.
        values: of the column.
        width: of the part; 0 where it varies.
    """
    if rule in _DATE_RULES:
        return _dates(values, rule)
    texts = _texts(values)
    if rule is PartRule.VALUE:
        return pc.utf8_lpad(texts, width, "0") if width and _is_number(values) else texts
    start: Any = pc.utf8_slice_codeunits(texts, 0, width)
    if rule is PartRule.UPPER_START:
        start = pc.utf8_upper(start)
    elif rule is PartRule.LOWER_START:
        start = pc.utf8_lower(start)
    return pc.if_else(pc.equal(pc.utf8_length(start), width), start, None)


def _is_number(values: Array) -> bool:
    kind = values.type
    return bool(
        pa.types.is_integer(kind) or pa.types.is_decimal(kind) or pa.types.is_floating(kind)
    )


def _texts(values: Array) -> Array:
    if pa.types.is_string(values.type):
        return values
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        values = values.cast(pa.int64(), safe=False)
    return values.cast(pa.string())


def _dates(values: Array, form: str) -> Array:
    if not (pa.types.is_date(values.type) or pa.types.is_timestamp(values.type)):
        return pa.nulls(len(values), pa.string())
    seconds = pa.timestamp("s", getattr(values.type, "tz", None))
    return pc.strftime(values.cast(seconds, safe=False), form)


def derivation(part: Sequence[str], beside: Mapping[str, Beside]) -> KeyPart | None:
    """Return the rule and column that a part of keys comes from.

    Args:
        part: of each key, as text.
        beside: other columns, in the same rows.

    Returns:
        A part without a name; None where no rule holds.
    """
    return computation(part, beside) or association(part, beside)


def computation(part: Sequence[str], beside: Mapping[str, Beside]) -> KeyPart | None:
    """Return the rule by which a part is computed from a column; as `derivation`."""
    claim = _Claim.of(part)
    for name, column in claim.candidates(beside):
        for rule in _rules(column.values, claim.width):
            if claim.holds(computed(rule, column.values, claim.width)):
                return KeyPart("", rule, name, claim.width)
    return None


def association(part: Sequence[str], beside: Mapping[str, Beside]) -> KeyPart | None:
    """Return the column whose values each go with one part; as `derivation`."""
    claim = _Claim.of(part)
    for name, column in claim.candidates(beside):
        if column.stable and claim.holds(_looked_up(column.values, claim.part)):
            return KeyPart("", PartRule.LOOKUP, name, claim.width)
    return None


@dataclass(frozen=True, slots=True)
class _Claim:
    """A part of keys that a rule may explain.

    Attributes:
        part: of each key.
        width: of all; 0 where it varies.
        distinct: how many different ones.
        commonest: rows of the commonest.
    """

    part: Array
    width: int
    distinct: int
    commonest: int

    @classmethod
    def of(cls, part: Sequence[str]) -> _Claim:
        counts = Counter(part)
        widths = set(map(len, counts))
        width = widths.pop() if len(widths) == 1 else 0
        most = max(counts.values(), default=0)
        return cls(pa.array(part, pa.string()), width, len(counts), most)

    def candidates(self, beside: Mapping[str, Beside]) -> Iterator[tuple[str, Beside]]:
        """Yield columns that may explain it."""
        if len(self.part) < MIN_ROWS or self.distinct < 2:
            return
        unique = self.distinct > UNIQUE * len(self.part)
        yield from ((name, c) for name, c in beside.items() if not (unique and c.stable))

    def holds(self, made: Array) -> bool:
        """Tell whether the part is what a rule makes."""
        known = ~nulls(made)
        if known.sum() < max(MIN_ROWS, len(self.part) // 2):
            return False
        same = pc.fill_null(pc.equal(made, self.part), False)
        wrong = 1 - np.asarray(same.to_numpy(zero_copy_only=False), dtype=np.float64)[known].mean()
        chance = 1 - self.commonest / len(self.part)
        return bool(wrong <= 1 - AGREEMENT and wrong <= GAIN * chance)


def _rules(values: Array, width: int) -> Iterator[PartRule]:
    kind = values.type
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        yield from (r for r in _DATE_RULES if len(_sample_date(r)) == width)
    elif pa.types.is_integer(kind) or pa.types.is_string(kind):
        yield PartRule.VALUE
        if pa.types.is_string(kind) and width:
            yield from _START_RULES


def _sample_date(form: str) -> str:
    return form.replace("%Y", "2000").replace("%y", "00").replace("%m", "01").replace("%d", "01")


def _looked_up(values: Array, part: Array) -> Array:
    """Return the commonest part of each value's rows; nothing where values hardly repeat."""
    keys, _ = joint_codes(values, values.slice(0, 0))
    if len(keys) < MIN_REPEATS * (keys.max(initial=0) + 1):
        return pa.nulls(len(part), pa.string())
    return looked_up(values, part, values)


def looked_up(values: Array, part: Array, wanted: Array) -> Array:
    """Return what goes with values of a column.

    Args:
        values: of the column in the source.
        part: of the keys beside them; NULL where a key has none.
        wanted: values of the column in new rows.

    Returns:
        The part that most often goes with each wanted value; NULL where none does.
    """
    known, asked = joint_codes(values, wanted)
    parts, _ = joint_codes(part, part.slice(0, 0))
    rows = np.flatnonzero((known >= 0) & (parts >= 0))
    if len(rows) == 0:
        return pa.nulls(len(wanted), pa.string())
    span = int(parts.max()) + 1
    pairs, first, counts = np.unique(
        known[rows] * span + parts[rows], return_index=True, return_counts=True
    )
    order = np.lexsort((-counts, pairs // span))
    keys, head = np.unique(pairs[order] // span, return_index=True)
    table = np.full(int(max(known.max(), asked.max(initial=0))) + 2, -1, dtype=np.int64)
    table[keys] = rows[first[order[head]]]
    return take(part, table[asked])


def extracted(pattern: str, parts: Mapping[str, KeyPart], texts: Array) -> dict[str, Array]:
    """Return the parts of texts.

    Args:
        pattern: names parts.
        parts: by name.
        texts: keys; those of other patterns have no parts.

    Returns:
        For each part, and for what is left of the texts without the number, under ``""``.
    """
    if (plain := _plain_number(pattern, parts, texts)) is not None:
        return plain
    groups, others = [], []
    for i, piece in enumerate(pieces(pattern)):
        if isinstance(piece, str):
            groups.append(f"(?P<{piece}>{_form(parts[piece])})")
            if parts[piece].rule not in NUMBERS:
                others.append(piece)
        else:
            name = f"run_{i}"
            groups.append(f"(?P<{name}>{_expression(piece)})")
            others.append(name)
    found: Any = pc.extract_regex(texts, f"^(?:{''.join(groups)})$")
    result: dict[str, Array] = {
        name: pc.struct_field(found, name) for name in parts if f"(?P<{name}>" in "".join(groups)
    }
    rest: Any = [pc.struct_field(found, name) for name in others]
    matched = found.is_valid()
    left: Any = pc.binary_join_element_wise(*rest, "\x00") if rest else pa.array([""] * len(texts))
    result[""] = pc.if_else(matched, left, None)
    return {name: pc.if_else(matched, values, None) for name, values in result.items()}


def _plain_number(
    pattern: str, parts: Mapping[str, KeyPart], texts: Array
) -> dict[str, Array] | None:
    """Return the parts of texts that are a number between constants, without an expression."""
    found = pieces(pattern)
    names = [piece for piece in found if isinstance(piece, str)]
    runs = [piece for piece in found if not isinstance(piece, str)]
    constant = all(len(letters) == 1 for run in runs for letters in run)
    if len(names) != 1 or parts[names[0]].rule not in NUMBERS or not constant:
        return None
    at = found.index(names[0])
    before, after = (
        "".join("".join(run) for run in side) for side in (found[:at], found[at + 1 :])
    )
    inner: Any = pc.utf8_slice_codeunits(texts, len(before), -len(after) if after else None)
    fits = pc.and_(pc.starts_with(texts, before), pc.ends_with(texts, after))
    fits = pc.and_(fits, pc.ascii_is_decimal(inner))
    length = pc.utf8_length(inner)
    lowest = max(parts[names[0]].width, 1)
    fits = pc.and_(fits, pc.and_(pc.less_equal(length, LONGEST), pc.greater_equal(length, lowest)))
    return {
        names[0]: pc.if_else(fits, inner, None),
        "": pc.if_else(fits, pa.scalar(""), None),
    }


def _form(part: KeyPart) -> str:
    if part.rule in NUMBERS:
        return rf"\d{{{part.width},{LONGEST}}}" if part.width else rf"\d{{1,{LONGEST}}}"
    if part.rule is PartRule.SHARES:
        return "|".join(re.escape(value) for value, _ in part.values)
    return f".{{{part.width}}}" if part.width else ".+?"


def _expression(run: Sequence[str]) -> str:
    """Write a run as a regular expression."""
    return "".join(
        re.escape(letters) if len(letters) == 1 else written((letters,)) for letters in run
    )
