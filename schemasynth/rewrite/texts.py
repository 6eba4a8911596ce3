"""New texts of key patterns: parts from other columns, numbers that go on, check digits.

Used by key values.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import joint_codes, nulls, rank_in_group
from schemasynth.model import SqlType
from schemasynth.plan.keyformat import MIN_EVIDENCE, is_number, key_texts
from schemasynth.plan.keyparts import NUMBERS, Rows, computed, extracted, looked_up
from schemasynth.plan.keypattern import DIGITS, Piece, Run, freed, pieces
from schemasynth.plan.model import KeyFormat, KeyKind, KeyPart, PartRule
from schemasynth.rewrite.checks import completed
from schemasynth.rewrite.draw import share
from schemasynth.rewrite.exhausted import Exhausted
from schemasynth.rewrite.numbers import largest_integer
from schemasynth.rewrite.words import WordMaker

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools, Ints

ENUMERABLE = 200_000
"""Texts of a format that are written out one by one where draws find no more new ones."""
ROUNDS = 40
"""Times that missing texts are drawn again before the format is made wider."""
MIN_DRAWN = 1_000
"""Texts drawn at least: where none of so many is new, the format has hardly any left."""
FREE_DIGITS, FREE_LETTERS = 1, 2
"""Levels from which places that have been constant may hold other digits, then letters."""
MAX_EXTRA = 8
"""Digits added at most where a format has not enough texts."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 by the golden ratio, odd: spreads bits well (Knuth, TAOCP 3, section 6.4)."""
UNBOUNDED = 2**31
SPARE_WIDTH = 4
"""Digits that stand for a part whose column is not there and whose texts are all rare."""
_DEFAULT = (("[a-z]{8}", 1.0),)
"""What keys look like where the source has none."""


def new_texts(
    form: KeyFormat,
    sql_type: SqlType,
    source: Array,
    used: Array,
    size: int,
    rng: np.random.Generator,
    rows: Rows,
) -> Array:
    """Return new texts; wider ones where the format has not enough.

    Args:
        form: with patterns.
        sql_type: of the column.
        source: values that the format was learned from.
        used: values that must not come back, those of the source among them.
        size: how many.
        rng: source of randomness.
        rows: other columns beside the source, and beside the new values.

    Raises:
        Exhausted: the format and the type leave no room for so many.
    """
    if size == 0:
        return pa.nulls(0, pa.string())
    maker: _Maker | WordMaker = (
        WordMaker(key_texts(source), size, rng)
        if form.kind is KeyKind.WORDS
        else _Maker(form, key_texts(source), size, rng, rows)
    )
    limits = _Limits.of(form, sql_type, source.type)
    known = [_fingerprints(key_texts(used))]
    found: Array = pa.nulls(size, pa.string())
    missing = np.arange(size)
    last = FREE_LETTERS if form.check else FREE_LETTERS + MAX_EXTRA
    for turn, level in enumerate((0, *range(last + 1))):
        if turn == 1:
            maker.spread(missing)
        for attempt in range(ROUNDS):
            first = turn == attempt == 0
            asked = missing if first else np.tile(missing, -(-MIN_DRAWN // max(len(missing), 1)))
            drawn = limits.cut(maker.drawn(level, asked, first=first))
            good = np.flatnonzero(limits.fitting(drawn) & _new(drawn, known))
            places, chosen = np.unique(asked[good], return_index=True)
            found, missing = _accept(
                found, missing, places, drawn.take(pa.array(good[chosen])), known
            )
            if len(missing) == 0:
                return found
            if attempt and len(places) == 0:
                break
        drawn = limits.cut(maker.enumerated(level, known))
        drawn = drawn.filter(pa.array(limits.fitting(drawn) & _new(drawn, known)))
        places = missing[: len(drawn)]
        found, missing = _accept(found, missing, places, drawn.slice(0, len(places)), known)
        if len(missing) == 0:
            return found
    raise Exhausted(f"its format has fewer than {size:,} values that are not in use")


def _accept(
    found: Array, missing: Ints, rows: Ints, texts: Array, known: list[Ints]
) -> tuple[Array, Ints]:
    """Put texts at rows; return all, and the rows that have none yet."""
    if len(rows) == 0:
        return found, missing
    known.append(_fingerprints(texts))
    return _placed(found, rows, texts), np.setdiff1d(missing, rows, assume_unique=True)


def _placed(found: Array, places: Ints, texts: Array) -> Array:
    """Return texts with others put at places."""
    if len(places) == len(found):
        return texts
    order = np.arange(len(found))
    order[places] = len(found) + np.arange(len(places))
    return pa.concat_arrays([found, texts]).take(pa.array(order))


def _new(drawn: Array, known: Sequence[Ints]) -> Bools:
    """Return which texts differ from each other and from known ones, by more than case."""
    prints = pd.Series(_fingerprints(drawn))
    new: Bools = ~nulls(drawn) & ~np.asarray(prints.duplicated(), dtype=np.bool_)
    for others in known:
        new &= ~np.asarray(prints.isin(others), dtype=np.bool_)
    return new


def _fingerprints(texts: Array) -> Ints:
    """Return a number for each text, the same for those that differ only in case.

    Two different texts share one with a chance of 2^-64 a pair; the second is then drawn again.
    """
    folded = pc.fill_null(pc.utf8_lower(texts), "")
    _, starts, content = folded.buffers()
    if content is None or len(folded) == 0:
        return np.zeros(len(folded), dtype=np.int64)
    ends = np.frombuffer(starts, dtype=np.int32)[folded.offset : folded.offset + len(folded) + 1]
    begin = ends[:-1].astype(np.int64)
    lengths = np.diff(ends)
    letters = np.append(np.frombuffer(content, dtype=np.uint8), np.uint8(0))
    result = lengths.astype(np.uint64)
    for place in range(int(lengths.max(initial=0))):
        inside = place < lengths
        here = letters[np.where(inside, begin + place, len(letters) - 1)]
        mixed = (result ^ here) * MULTIPLIER
        result = np.where(inside, mixed ^ (mixed >> np.uint64(29)), result)
    return result.view(np.int64)


@dataclass(frozen=True, slots=True)
class _Limits:
    """What fits a type: so many characters, or a number up to a largest."""

    length: int
    largest: int | None
    fixed: bool

    @classmethod
    def of(cls, form: KeyFormat, sql_type: SqlType, kind: pa.DataType) -> _Limits:
        """Return the limits of a type; texts without parts may be cut."""
        length = sql_type.length or UNBOUNDED
        if pa.types.is_binary(kind):
            length *= 2
        largest = largest_integer(sql_type) if is_number(kind) else None
        return cls(UNBOUNDED if largest else length, largest, bool(form.parts or form.check))

    def cut(self, texts: Array) -> Array:
        """Return texts that are not too long, if they may be cut."""
        if self.fixed or self.length >= UNBOUNDED:
            return texts
        return pc.utf8_slice_codeunits(texts, 0, self.length)

    def fitting(self, texts: Array) -> Bools:
        """Return which texts fit."""
        if self.largest is not None:
            written = pc.match_substring_regex(texts, r"^(0|[1-9]\d{0,17})$")
            numbers = pc.if_else(written, texts, None).cast(pa.int64())
            fits: Any = pc.less_equal(numbers, self.largest)
        elif self.length < UNBOUNDED:
            fits = pc.less_equal(pc.utf8_length(texts), self.length)
        else:
            return ~nulls(texts)
        return np.asarray(pc.fill_null(fits, False).to_numpy(zero_copy_only=False), dtype=np.bool_)


class _Maker:
    """Draws texts of a format for rows, of which each keeps its pattern and its parts."""

    def __init__(
        self, form: KeyFormat, source: Array, size: int, rng: np.random.Generator, rows: Rows
    ) -> None:
        patterns = form.patterns or _DEFAULT
        self._form, self._source, self._rng, self._rows = form, source, rng, rows
        self._found: dict[str, dict[str, Array]] = {}
        self._patterns = [pattern for pattern, _ in patterns]
        self._pieces = [pieces(pattern) for pattern in self._patterns]
        weights = np.asarray([round(weight * 10_000) for _, weight in patterns], dtype=np.int64)
        self._which = rng.permutation(np.repeat(np.arange(len(patterns)), share(size, weights)))
        self._parts = {part.name: part for part in form.parts}
        self._made = {**self._shared(size), **self._others(size)}

    def drawn(self, level: int, rows: Ints, *, first: bool) -> Array:
        """Draw a text for each of some rows.

        Args:
            level: 0 as learned, then with other digits, other letters, a digit more each.
            rows: which.
            first: numbers go on after those of the source; later they are any.
        """
        which = self._which[rows]
        texts, places = [], []
        for pattern in range(len(self._patterns)):
            at = np.flatnonzero(which == pattern)
            if len(at):
                texts.append(self._rendered(pattern, level, rows[at], first=first))
                places.append(at)
        result = texts[0]
        if len(texts) > 1:
            order = np.argsort(np.concatenate(places), kind="stable")
            result = pa.concat_arrays(texts).take(pa.array(order))
        return self._checked(result)

    def spread(self, rows: Ints) -> None:
        """Give rows other patterns than those that have nothing left for them."""
        full = np.unique(self._which[rows])
        weights = np.array([weight for _, weight in self._form.patterns or _DEFAULT])
        weights[full] = 0.0
        if weights.sum() > 0:
            chances = weights / weights.sum()
            self._which[rows] = self._rng.choice(len(weights), size=len(rows), p=chances)

    def _checked(self, texts: Array) -> Array:
        if self._form.check is None:
            return texts
        return completed(texts, self._form.check)

    def enumerated(self, level: int, known: Sequence[Ints]) -> Array:
        """Return new texts of all that the patterns allow, in random order, if they are few."""
        runs = [_levelled(_only_run(found), level) for found in self._pieces]
        if self._parts or sum(math.prod(map(len, run)) for run in runs) > ENUMERABLE:
            return pa.nulls(0, pa.string())
        every = ["".join(text) for run in runs for text in itertools.product(*run)]
        texts = self._checked(pa.array(every, pa.string()))
        free = texts.filter(pa.array(_new(texts, known)))
        return free.take(pa.array(self._rng.permutation(len(free))))

    def _rendered(self, pattern: int, level: int, rows: Ints, *, first: bool) -> Array:
        found = self._pieces[pattern]
        numbers = [i for i, piece in enumerate(found) if self._is_number(piece)]
        if not numbers and level > FREE_LETTERS:
            found = (*found, (DIGITS,) * (level - FREE_LETTERS))
        columns = [
            self._column(piece, level, rows) for i, piece in enumerate(found) if i not in numbers
        ]
        for i in numbers[:1]:
            part = self._parts[str(found[i])]
            number = (
                self._going_on(pattern, part, columns, len(rows))
                if first
                else self._any_number(part, level, len(rows))
            )
            columns.insert(i, number)
        return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, "")

    def _is_number(self, piece: Piece) -> bool:
        return isinstance(piece, str) and self._parts[piece].rule in NUMBERS

    def _column(self, piece: Piece, level: int, rows: Ints) -> Array:
        if isinstance(piece, str):
            return self._made[piece].take(pa.array(rows))
        return _matrix(_freed(piece, level), len(rows), self._rng)

    def _going_on(self, pattern: int, part: KeyPart, others: list[Array], size: int) -> Array:
        """Return numbers after the source's largest among keys that are alike in all else."""
        found = self._extracted(self._patterns[pattern])
        known = found[part.name].cast(pa.int64())
        present = ~nulls(known)
        numbers = np.asarray(pc.fill_null(known, 0), dtype=np.int64)
        grouped = part.rule is PartRule.NUMBER and bool(others)
        if grouped:
            rest = pc.binary_join_element_wise(*others, "\x00")
            groups, there = joint_codes(rest, found[""])
        else:
            groups, there = np.zeros(size, dtype=np.int64), np.zeros(len(known), dtype=np.int64)
        start = int(numbers[present].min()) if present.any() else 1
        largest = np.full(int(max(groups.max(initial=0), there.max(initial=0))) + 1, start - 1)
        np.maximum.at(largest, there[present], numbers[present])
        ranks = rank_in_group(groups) if grouped else np.arange(size)
        texts = pa.array(largest[groups] + 1 + ranks, pa.int64()).cast(pa.string())
        if not part.width:
            return texts
        padded = pc.utf8_lpad(texts, part.width, "0")
        return pc.if_else(pc.equal(pc.utf8_length(padded), part.width), padded, None)

    def _any_number(self, part: KeyPart, level: int, size: int) -> Array:
        """Return random numbers as wide as the source's; with a digit more at higher levels."""
        extra = max(level - FREE_LETTERS, 0)
        if part.width:
            return _matrix((DIGITS,) * (part.width + extra), size, self._rng)
        longest = pc.max(pc.utf8_length(self._known(part))).as_py() or 1
        top = 10 ** min(longest + extra, len(DIGITS) + MAX_EXTRA)
        return pa.array(self._rng.integers(1, top, size, dtype=np.int64)).cast(pa.string())

    def _extracted(self, pattern: str) -> dict[str, Array]:
        if pattern not in self._found:
            self._found[pattern] = extracted(pattern, self._parts, self._source)
        return self._found[pattern]

    def _known(self, part: KeyPart) -> Array:
        """Return a part of the source's texts; NULL where they have none."""
        found = [
            self._extracted(pattern)[part.name]
            for pattern, here in zip(self._patterns, self._pieces, strict=True)
            if part.name in here
        ]
        return pc.coalesce(*found) if found else pa.nulls(len(self._source), pa.string())

    def _shared(self, size: int) -> dict[str, Array]:
        """Return the parts that have shares, in combinations that the source has.

        The weight of a combination is its frequency in the source, changed as the plan's shares
        differ from the source's.
        """
        made: dict[str, Array] = {}
        for index, pattern in enumerate(self._patterns):
            here = [self._parts[p] for p in self._pieces[index] if isinstance(p, str)]
            here = [p for p in here if p.rule is PartRule.SHARES and p.name not in made]
            if here:
                made |= self._combined(pattern, here, size)
        return made

    def _combined(self, pattern: str, parts: Sequence[KeyPart], size: int) -> dict[str, Array]:
        found = self._extracted(pattern)
        rows = pc.binary_join_element_wise(*(found[part.name] for part in parts), "\x00")
        known = rows.drop_null().value_counts()
        texts = (text.split("\x00") for text in known.field(0).to_pylist())
        counts = Counter(dict(zip(map(tuple, texts), known.field(1).to_pylist(), strict=True)))
        if not counts or len(parts) == 1:
            values = [[value for value, _ in part.values] for part in parts]
            counts = Counter(dict.fromkeys(itertools.product(*values), 1))
        weights = np.asarray(list(counts.values()), dtype=np.float64)
        for i, part in enumerate(parts):
            wanted = dict(part.values)
            held: Counter[str] = Counter()
            for row, weight in zip(counts, weights, strict=True):
                held[row[i]] += weight
            weights *= [wanted[row[i]] / held[row[i]] for row in counts]
        weights = np.round(weights * 10**6 / max(weights.sum(), 1e-9)).astype(np.int64)
        places = self._rng.permutation(np.repeat(np.arange(len(counts)), share(size, weights)))
        columns = zip(*counts, strict=True)
        return {
            part.name: pa.array(column, pa.string()).take(pa.array(places))
            for part, column in zip(parts, columns, strict=True)
        }

    def _others(self, size: int) -> dict[str, Array]:
        """Return the parts that come from other columns."""
        return {
            part.name: self._part(part, size)
            for part in self._form.parts
            if part.rule is not PartRule.SHARES and part.rule not in NUMBERS
        }

    def _part(self, part: KeyPart, size: int) -> Array:
        """Return a part from another column for each row."""
        made = self._derived(part, size)
        if part.width:
            made = pc.if_else(pc.equal(pc.utf8_length(made), part.width), made, None)
        gaps = np.flatnonzero(nulls(made))
        return made if len(gaps) == 0 else _placed(made, gaps, self._usual(part, made, len(gaps)))

    def _derived(self, part: KeyPart, size: int) -> Array:
        made = self._rows.made.get(part.column or "")
        if made is None:
            return pa.nulls(size, pa.string())
        if part.rule is not PartRule.LOOKUP:
            return computed(part.rule, made, part.width)
        beside = self._rows.source.get(part.column or "")
        if beside is None:
            return pa.nulls(size, pa.string())
        return looked_up(beside, self._known(part).slice(0, len(beside)), made)

    def _usual(self, part: KeyPart, made: Array, size: int) -> Array:
        """Return a part for rows whose column does not give it: as other rows have it."""
        pool = made.drop_null()
        if len(pool) == 0:
            counts = Counter(self._known(part).drop_null().to_pylist())
            frequent = [v for v, n in counts.items() if n >= MIN_EVIDENCE for _ in range(n)]
            pool = pa.array(sorted(frequent), pa.string())
        if len(pool) == 0:
            return _matrix((DIGITS,) * (part.width or SPARE_WIDTH), size, self._rng)
        return pool.take(pa.array(self._rng.integers(0, len(pool), size)))


def _only_run(found: Sequence[Piece]) -> Run:
    return found[0] if len(found) == 1 and not isinstance(found[0], str) else ()


def _levelled(run: Run, level: int) -> Run:
    return (*_freed(run, level), *(DIGITS,) * max(level - FREE_LETTERS, 0))


def _freed(run: Run, level: int) -> Run:
    """Return a run with constant digits free, and letters too, as the level has it."""
    return tuple(
        freed(letters)
        if level >= (FREE_DIGITS if letters.isdecimal() else FREE_LETTERS)
        else letters
        for letters in run
    )


def _matrix(run: Run, size: int, rng: np.random.Generator) -> Array:
    """Return random texts of the characters allowed at each place."""
    if not run or size == 0:
        return pa.array([""] * size, pa.string())
    if "".join(run).isascii():
        narrow = np.empty((size, len(run)), dtype=np.uint8)
        for i, letters in enumerate(run):
            known = np.frombuffer(letters.encode(), dtype=np.uint8)
            narrow[:, i] = known[0] if len(known) == 1 else _picked(known, size, rng)
        texts = narrow.view(f"S{len(run)}").reshape(size)
        return pa.array(texts).cast(pa.string())
    wide = np.empty((size, len(run)), dtype="U1")
    for i, letters in enumerate(run):
        wide[:, i] = _picked(np.array(list(letters)), size, rng)
    return pa.array(wide.view(f"U{len(run)}").reshape(-1), pa.string())


def _picked(letters: Any, size: int, rng: np.random.Generator) -> Any:
    return letters[rng.integers(0, len(letters), size, dtype=np.uint16)]
