"""The rewrite of sentences: their structure comes back, with frequent words and none of their own.

A text becomes a sequence of frequent words, punctuation and places for other words and numbers;
which follows which is learned over all rows, so no row's own sequence is kept. Imports the base
and words; compiled from the plan.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import NONE, codes, nulls, take
from schemasynth.lexicon import folded, given_names, surnames, vocabulary
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, TablePlan
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.peoplemaker import provider_of
from schemasynth.rewrite.standins import (
    kept_name,
    learn_forms,
    longest_text,
    restored_forms,
)

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

MIN_ROWS = 20
"""Rows that use a word for it to be nobody's own."""
MIN_SHARE = 0.01
"""Share of rows that use a word for it to belong to the language of the column."""
LEARNED = 20_000
"""Rows whose structure is looked at."""
MAX_TOKENS = 400
"""Words and marks of the longest text that is made."""
LENGTHS = 8
"""Lengths that are told apart."""
MIN_VOCABULARY = 30
"""Words of a language that the source has not, below which words are made of syllables."""
MAX_DIGITS = 15
"""Digits of the longest number."""
ROUNDS = 8
"""Times that numbers which the source has are drawn again."""
START = "\x00start"
SMALL, TITLE, CAPITAL, NUMBER = "\x00w", "\x00W", "\x00A", "\x00#"
"""Places for words in small letters, capitalised, in capitals, and for numbers by their digits."""
_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_|\n")
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "zo")
_BEFORE_MARK = r"[ ]+([,.;:!?%)\]}»])"
_INNER_MARK = "(\\w)[ ]+(['\u2019·-])[ ]+(\\w)"
_AFTER_MARK = r"([(\[{«¿¡])[ ]+"


def templates(table: TablePlan) -> tuple[ColumnPlan, ...]:
    """Return the columns of a table that hold made-up sentences."""
    return tuple(c for c in table.columns if c.treatment is ColumnTreatment.TEMPLATE)


@dataclass(frozen=True, slots=True)
class Sentences:
    """The columns of sentences of a table.

    Attributes:
        table: the table.
    """

    table: TablePlan

    def describe(self) -> str:
        """Say what it does."""
        names = ", ".join(column.name for column in templates(self.table))
        return f"{names} of {self.table.name} come back as sentences of frequent words."

    def prepare(self, work: Preparation) -> None:
        """Hand over lengths, and keep which word or place follows which."""
        for column in templates(self.table):
            values = work.values(str(self.table.name), column.name)
            learn_forms(work, self.table, column, _lengths(values))
            structure = _structure(values, work.names, provider_of(column).language)
            for what, kept in structure.items():
                work.kept[kept_name(self.table, what, column.name)] = kept

    def restore(self, work: Restoration) -> None:
        """Make sentences of the lengths that were generated."""
        name = str(self.table.name)
        for column in templates(self.table):
            told = restored_forms(work, self.table, column, "1-8")
            rng = work.random(name, column.name, "sentences")
            kept = {
                what: work.kept[kept_name(self.table, what, column.name)]
                for what in ("follows", "numbers", "rare")
            }
            lengths = _drawn_lengths(told, rng)
            texts = _sentences(lengths, kept, provider_of(column).language, rng)
            limit = longest_text(work, self.table, column)
            if limit is not None:
                texts = pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(texts, 0, limit))
            rows = np.where(nulls(told), NONE, np.arange(len(told)))
            work.columns[name][column.name] = take(texts, rows)


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)[:MAX_TOKENS]


def _lengths(values: Array) -> Array:
    """Return the range of tokens of each text, of ranges with as many texts each."""
    distinct = values.unique()
    sizes = [None if t is None else len(_tokens(t)) for t in distinct.to_pylist()]
    counts = pa.array(sizes, pa.int64()).take(pa.array(_places(values, distinct)))
    known = np.asarray(counts.drop_null(), dtype=np.int64)
    if len(known) == 0:
        return pa.nulls(len(values), pa.string())
    edges = np.unique(np.quantile(known, np.linspace(0, 1, LENGTHS + 1)).astype(np.int64))
    low = edges[:-1] if len(edges) > 1 else edges
    high = np.maximum(edges[1:] - 1, low) if len(edges) > 1 else edges
    high[-1] = edges[-1]
    names = pa.array([f"{a}-{b}" for a, b in zip(low, high, strict=True)], pa.string())
    filled = np.asarray(counts.fill_null(0), dtype=np.int64)
    places = np.clip(np.searchsorted(low, filled, side="right") - 1, 0, len(low) - 1)
    return pc.if_else(
        pc.is_null(values), pa.scalar(None, pa.string()), names.take(pa.array(places))
    )


def _places(values: Array, distinct: Array) -> Ints:
    """Return the place of each value, NULL among them, in distinct ones."""
    place = {value: i for i, value in enumerate(distinct.to_pylist())}
    return np.asarray([place[value] for value in values.to_pylist()], dtype=np.int64)


def _drawn_lengths(told: Array, rng: np.random.Generator) -> Ints:
    """Return a number of tokens for each row, 0 for NULL."""
    lengths = np.zeros(len(told), dtype=np.int64)
    which = codes(told)
    for place, form in enumerate(told.drop_null().unique().to_pylist()):
        low, _, high = form.partition("-")
        rows = which == place
        lengths[rows] = rng.integers(int(low), int(high) + 1, int(rows.sum()))
    return np.minimum(lengths, MAX_TOKENS)


def _structure(values: Array, names: Collection[str], language: str) -> dict[str, pd.DataFrame]:
    """Return which token follows which how often; numbers and rare words that must not come."""
    texts = values.drop_null()
    step = 1 + len(texts) // LEARNED
    sample = [_tokens(text) for text in texts.to_pylist()[::step]]
    used = Counter(token for tokens in sample for token in set(tokens))
    least = max(MIN_ROWS, MIN_SHARE * len(sample))
    kept = {t for t, n in used.items() if n >= least and _is_common(t, names, language)}
    follows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for tokens in sample:
        before = START
        for token in tokens:
            here = token if token in kept or not token.isalnum() else _place(token)
            follows[before][here] += 1
            before = here
    every = {token for text in texts.to_pylist() for token in _TOKEN.findall(text)}
    numbers = sorted({int(t) for t in every if t.isdecimal() and len(t) <= MAX_DIGITS})
    rare = {folded(token) for token in every - kept}
    barred = rare | set(names)
    words = [word for word in vocabulary(language) if folded(word) in barred]
    pairs = [(a, b, n) for a, after in follows.items() for b, n in after.items()]
    return {
        "follows": pd.DataFrame(
            {
                "token": pd.Series([a for a, _, _ in pairs], dtype="str"),
                "next": pd.Series([b for _, b, _ in pairs], dtype="str"),
                "times": pd.Series([n for _, _, n in pairs], dtype="int64"),
            }
        ),
        "numbers": pd.DataFrame({"number": pd.Series(numbers, dtype="int64")}),
        "rare": pd.DataFrame({"word": pd.Series(words, dtype="str")}),
    }


def _is_common(token: str, names: Collection[str], language: str) -> bool:
    """Tell whether a frequent token is a word: no number, and no name that people bear."""
    word = folded(token)
    if any(c.isdigit() for c in token) or word in names:
        return False
    is_word = token.islower() and token in vocabulary(language)
    return is_word or len(token) < 3 or not (word in given_names() or word in surnames())


def _place(token: str) -> str:
    """Return what stands for a token that is not kept."""
    if any(c.isdigit() for c in token):
        return f"{NUMBER}{min(len(token), MAX_DIGITS)}"
    if token.isupper() and len(token) > 1:
        return CAPITAL
    return TITLE if token[0].isupper() else SMALL


def _sentences(
    lengths: Ints, kept: dict[str, pd.DataFrame], language: str, rng: np.random.Generator
) -> Array:
    """Return a text of each length."""
    follows = kept["follows"]
    if len(follows) == 0:
        follows = pd.DataFrame({"token": [START, SMALL], "next": [SMALL, SMALL], "times": [1, 1]})
    tokens, rows = _walked(follows, lengths, rng)
    words = _filled(tokens, kept, language, rng)
    order = np.argsort(rows, kind="stable")
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), words.take(pa.array(order)))
    texts = pc.binary_join(lists, " ")
    texts = pc.replace_substring_regex(texts, _BEFORE_MARK, r"\1")
    texts = pc.replace_substring_regex(texts, _INNER_MARK, r"\1\2\3")
    return pc.replace_substring_regex(texts, _AFTER_MARK, r"\1")


def _walked(follows: pd.DataFrame, lengths: Ints, rng: np.random.Generator) -> tuple[Array, Ints]:
    """Return the tokens of all texts, step by step, and the text of each."""
    names = list(dict.fromkeys([START, *follows["token"], *follows["next"]]))
    number = {name: i for i, name in enumerate(names)}
    ordered = follows.assign(state=follows["token"].map(number)).sort_values(
        "state", kind="stable", ignore_index=True
    )
    state = ordered["state"].to_numpy(dtype=np.int64)
    total = ordered.groupby("state")["times"].transform("sum").to_numpy(dtype=np.float64)
    share = ordered["times"].to_numpy(dtype=np.float64) / total
    reached = ordered.assign(share=share).groupby("state")["share"].cumsum()
    ends = state + np.minimum(reached.to_numpy(dtype=np.float64), 1.0)
    after = ordered["next"].map(number).to_numpy(dtype=np.int64)
    has_next = np.isin(np.arange(len(names)), state)
    now = np.zeros(len(lengths), dtype=np.int64)
    steps, owners = [], []
    for step in range(int(lengths.max(initial=0))):
        rows = np.flatnonzero(lengths > step)
        here = np.where(has_next[now[rows]], now[rows], 0)
        found = np.searchsorted(ends, here + rng.random(len(rows)) * (1 - 1e-9), side="right")
        now[rows] = after[np.minimum(found, len(after) - 1)]
        steps.append(now[rows])
        owners.append(rows)
    if not steps:
        return pa.nulls(0, pa.string()), np.zeros(0, dtype=np.int64)
    taken = pa.array(names, pa.string()).take(pa.array(np.concatenate(steps)))
    return taken, np.concatenate(owners)


def _filled(
    tokens: Array, kept: dict[str, pd.DataFrame], language: str, rng: np.random.Generator
) -> Array:
    """Return tokens with words and numbers at their places."""
    rare = {folded(str(word)) for word in kept["rare"]["word"]}
    words = [word for word in vocabulary(language) if folded(word) not in rare]
    if len(words) < MIN_VOCABULARY:
        words = list(_made_of_syllables(rng))
    drawn = pa.array(words, pa.string()).take(pa.array(rng.integers(0, len(words), len(tokens))))
    made = pc.if_else(pc.equal(tokens, SMALL), drawn, tokens)
    made = pc.if_else(pc.equal(tokens, TITLE), pc.utf8_capitalize(drawn), made)
    made = pc.if_else(pc.equal(tokens, CAPITAL), pc.utf8_upper(drawn), made)
    return _numbered(made, kept["numbers"]["number"].to_numpy(dtype=np.int64), rng)


def _made_of_syllables(rng: np.random.Generator) -> Iterator[str]:
    for parts in rng.integers(0, len(_SYLLABLES), (10 * MIN_VOCABULARY, 3)):
        yield "".join(_SYLLABLES[part] for part in parts)


def _numbered(tokens: Array, known: Ints, rng: np.random.Generator) -> Array:
    """Return tokens with numbers at their places, none of them the source's."""
    for place in tokens.unique().to_pylist():
        if not place.startswith(NUMBER):
            continue
        rows = np.flatnonzero(codes(tokens) == codes(tokens)[pc.index(tokens, place).as_py()])
        numbers = _new_numbers(int(place[len(NUMBER) :]), len(rows), known, rng)
        order = np.arange(len(tokens))
        order[rows] = len(tokens) + np.arange(len(rows))
        both = pa.concat_arrays([tokens, pa.array(numbers).cast(pa.string())])
        tokens = both.take(pa.array(order))
    return tokens


def _new_numbers(digits: int, size: int, known: Ints, rng: np.random.Generator) -> Ints:
    """Return numbers that the source has not; with more digits where it has all."""
    for wider in range(digits, MAX_DIGITS + 2):
        numbers = rng.integers(10 ** (wider - 1), 10**wider, size)
        for _ in range(ROUNDS):
            again = np.isin(numbers, known)
            if not again.any():
                return numbers
            numbers[again] = rng.integers(10 ** (wider - 1), 10**wider, int(again.sum()))
    return numbers
