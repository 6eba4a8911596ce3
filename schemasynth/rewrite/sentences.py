"""The rewrite of texts: their structure comes back, with frequent words and none of their own.

A text is masked first: only frequent words and marks stay, all else becomes a place. How masked
texts go on is learned over all rows, from word to word (a template) or by the SDK's language model,
so no row's own sequence is kept. Imports the base and masks; compiled from the plan.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import NONE, array, codes, nulls, take
from schemasynth.lexicon import folded, is_name
from schemasynth.model.sensitivity import NAMES, SensitiveKind
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, Encoding, TablePlan
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.masks import KEPT, SMALL, Own, Words, filled, hidden, is_empty, tokens
from schemasynth.rewrite.people import LONGEST_PARTICLE
from schemasynth.rewrite.peoplemaker import TAKEN_WORDS, provider_of
from schemasynth.rewrite.prepared import PreparedColumn
from schemasynth.rewrite.standins import (
    kept_name,
    learn_forms,
    longest_text,
    restored_forms,
)

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints

SHARES = {ColumnTreatment.TEMPLATE: 0.01, ColumnTreatment.LANGUAGE_MODEL: 0.001}
"""Share of rows that use a word for it to belong to the language of the column; a language model
can make use of rarer words, and `masks.MIN_ROWS` have to use them all the same."""
LEARNED = 20_000
"""Rows whose structure is looked at."""
MAX_TOKENS = 400
"""Words and marks of the longest text that is made."""
UNFINISHED = 0.5
"""Of the length that was generated for a text: a language model that wrote less has broken off."""
LENGTHS = 8
"""Lengths that are told apart."""
START = "\x00start"
_LETTER = r"[\pL\pN\x{e000}-\x{e0ff}]"
_BEFORE_MARK = r"[ ]+([,.;:!?%)\]}»])"
_INNER_MARK = f"({_LETTER})[ ]+(['\u2019·-])[ ]+({_LETTER})"
_AFTER_MARK = r"([(\[{«¿¡])[ ]+"


def written(table: TablePlan) -> tuple[ColumnPlan, ...]:
    """Return the columns of a table that hold made-up texts."""
    return tuple(c for c in table.columns if c.treatment in SHARES)


@dataclass(frozen=True, slots=True)
class Sentences:
    """The columns of texts of a table.

    Attributes:
        table: the table.
    """

    table: TablePlan

    def describe(self) -> str:
        """Say what it does."""
        names = ", ".join(column.name for column in written(self.table))
        return f"{names} of {self.table.name} come back as texts of frequent words."

    def prepare(self, work: Preparation) -> None:
        """Hand over lengths and masked texts, and keep which word or place follows which."""
        for column in written(self.table):
            masked, words = self._masked(work, column)
            learn_forms(work, self.table, column, _lengths(masked))
            kept = {**words.frames(), "follows": _follows(masked.drop_null())}
            for what, rows in kept.items():
                work.kept[kept_name(self.table, what, column.name)] = rows
            if column.treatment is ColumnTreatment.LANGUAGE_MODEL:
                spec = PreparedColumn(self._modelled(column), Encoding.TEXT)
                work.learn(str(self.table.name), spec, pc.fill_null(masked, ""))

    def _modelled(self, column: ColumnPlan) -> str:
        return f"schemasynth:text:{self.table.columns.index(column)}"

    def _masked(self, work: Preparation, column: ColumnPlan) -> tuple[Array, Words]:
        name = str(self.table.name)
        texts = work.values(name, column.name).to_pylist()
        texts = [None if text is None else str(text) for text in texts]
        own = _own(lambda other: work.values(name, other), _persons(self.table, column))
        plain = hidden(texts, own)
        present = [text for text in plain if text is not None]
        words = Words.of(
            [text for text in texts if text is not None],
            present[:: 1 + len(present) // LEARNED],
            work.names,
            provider_of(column).language,
            SHARES[column.treatment],
        )
        masked = [None if text is None else words.masked(text) for text in plain]
        return pa.array(masked, pa.string()), words

    def restore(self, work: Restoration) -> None:
        """Make texts of the lengths that were generated."""
        name = str(self.table.name)
        for column in written(self.table):
            told = restored_forms(work, self.table, column, "1-8")
            rng = work.random(name, column.name, "sentences")
            kept = {
                what: work.kept[kept_name(self.table, what, column.name)]
                for what in (*KEPT, "follows")
            }
            words = Words.read(kept, provider_of(column).language)
            sizes = _drawn_lengths(told, rng)
            masked = _walked(kept["follows"], sizes, rng)
            if column.treatment is ColumnTreatment.LANGUAGE_MODEL:
                masked = self._generated(work, column, words, masked, sizes)
            texts = filled(masked, words, self._own(work, column), rng)
            limit = longest_text(work, self.table, column)
            if limit is not None:
                texts = [_cut(text, limit) for text in texts]
            rows = np.where(nulls(told), NONE, np.arange(len(told)))
            work.columns[name][column.name] = take(pa.array(texts, pa.string()), rows)

    def _generated(
        self, work: Restoration, column: ColumnPlan, words: Words, spare: Sequence[str], sizes: Ints
    ) -> list[str]:
        """Return what the language model wrote, masked like what it learned.

        It spells words from pieces, those of the source among them; whatever is not common becomes
        a place again. A spare text stands where it wrote none, or did not finish it.

        Args:
            work: holds what was generated.
            column: of the texts.
            words: that may stay.
            spare: a text for each row.
            sizes: tokens that each text is to have, 0 for NULL.
        """
        name = str(self.table.name)
        made = array(work.synthetic[name], self._modelled(column)).to_pylist()
        texts = [words.masked(text or "") for text in made]
        asked = [size > 0 for size in sizes.tolist()]
        changed = sum(
            a != b for a, b, is_text in zip(texts, made, asked, strict=True) if is_text and b
        )
        short = [
            is_text and (is_empty(text) or len(tokens(text)) < UNFINISHED * size)
            for text, size, is_text in zip(texts, sizes.tolist(), asked, strict=True)
        ]
        what = f"{column.name}: words that few rows of the source use replaced"
        work.repaired(name, what, changed)
        work.repaired(name, f"{column.name}: unfinished text replaced by a template", sum(short))
        return [b if none else a for a, b, none in zip(texts, spare, short, strict=True)]

    def _own(self, work: Restoration, column: ColumnPlan) -> Own:
        """Return the new values beside a text; names without the words that the source has."""
        name = str(self.table.name)
        own = _own(work.columns[name].__getitem__, _persons(self.table, column))
        kept = work.kept.get(TAKEN_WORDS)
        if kept is None:
            return own
        taken = frozenset(array(kept, "text").to_pylist())
        return {
            kind: [_untaken(value, taken) for value in values] if kind in NAMES else values
            for kind, values in own.items()
        }


def _persons(table: TablePlan, column: ColumnPlan) -> dict[SensitiveKind, str]:
    """Return the columns, by kind, of the person that a text is about."""
    found: dict[str, dict[SensitiveKind, str]] = {}
    for other in table.columns:
        if other.treatment is ColumnTreatment.PROVIDER:
            provider = provider_of(other)
            found.setdefault(provider.person, {}).setdefault(provider.kind, other.name)
    own = found.get(provider_of(column).person)
    return own if own is not None else next(iter(found.values()), {})


def _own(values: Callable[[str], Array], columns: dict[SensitiveKind, str]) -> Own:
    return {kind: values(name).cast(pa.string()).to_pylist() for kind, name in columns.items()}


def _untaken(name: str | None, taken: frozenset[str]) -> str | None:
    """Return a name without words that names of the source have; None where none is left."""
    words = (name or "").replace(",", " ").split()
    return " ".join(word for word in words if not _is_taken(word, taken)) or None


def _is_taken(word: str, taken: frozenset[str]) -> bool:
    """Tell whether a word, or a part of it, is in a name of the source; of short ones, may be."""
    plain = folded(word)
    parts = [part for part in tokens(plain) if part.isalnum()]
    short = (part for part in parts if len(part) <= LONGEST_PARTICLE)
    return not taken.isdisjoint({*parts, "".join(parts)}) or any(map(is_name, short))


def _cut(text: str, limit: int) -> str:
    """Return a text that fits, cut between words if it has any."""
    if len(text) <= limit:
        return text
    whole = text[: limit + 1].rpartition(" ")[0].rstrip()
    return whole or text[:limit]


def _lengths(values: Array) -> Array:
    """Return the range of tokens of each text, of ranges with as many texts each."""
    sizes = [None if t is None else min(len(tokens(t)), MAX_TOKENS) for t in values.to_pylist()]
    counts = pa.array(sizes, pa.int64())
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


def _drawn_lengths(told: Array, rng: np.random.Generator) -> Ints:
    """Return a number of tokens for each row, 0 for NULL."""
    lengths = np.zeros(len(told), dtype=np.int64)
    which = codes(told)
    for place, form in enumerate(told.drop_null().unique().to_pylist()):
        low, _, high = form.partition("-")
        rows = which == place
        lengths[rows] = rng.integers(int(low), int(high) + 1, int(rows.sum()))
    return np.minimum(lengths, MAX_TOKENS)


def _follows(masked: Array) -> pd.DataFrame:
    """Return which token follows which how often."""
    follows: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in masked.to_pylist()[:: 1 + len(masked) // LEARNED]:
        before = START
        for token in tokens(text)[:MAX_TOKENS]:
            follows[before][token] += 1
            before = token
    pairs = [(a, b, n) for a, after in follows.items() for b, n in after.items()]
    return pd.DataFrame(
        {
            "token": pd.Series([a for a, _, _ in pairs], dtype="str"),
            "next": pd.Series([b for _, b, _ in pairs], dtype="str"),
            "times": pd.Series([n for _, _, n in pairs], dtype="int64"),
        }
    )


def _walked(follows: pd.DataFrame, lengths: Ints, rng: np.random.Generator) -> list[str]:
    """Return a masked text of each length."""
    if len(follows) == 0:
        follows = pd.DataFrame({"token": [START, SMALL], "next": [SMALL, SMALL], "times": [1, 1]})
    steps, rows = _steps(follows, lengths, rng)
    order = np.argsort(rows, kind="stable")
    offsets = np.r_[0, np.cumsum(lengths)].astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(offsets), steps.take(pa.array(order)))
    texts = pc.binary_join(lists, " ")
    texts = pc.replace_substring_regex(texts, _BEFORE_MARK, r"\1")
    texts = pc.replace_substring_regex(texts, _INNER_MARK, r"\1\2\3")
    made: list[str] = pc.replace_substring_regex(texts, _AFTER_MARK, r"\1").to_pylist()
    return made


def _steps(follows: pd.DataFrame, lengths: Ints, rng: np.random.Generator) -> tuple[Array, Ints]:
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
