"""The rewrite of people: left out of what is learned, made up again when rows are restored.

Imports the base, key values and persons; compiled from the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import (
    NONE,
    array,
    cast,
    codes,
    counts_of,
    frame,
    nulls,
    take,
    tuple_codes,
    where,
)
from schemasynth.lexicon import folded, sex_of
from schemasynth.model.sensitivity import NAMES, OF_NUMBERS, SensitiveKind
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, Role, TablePlan
from schemasynth.rewrite.base import Preparation, Restoration
from schemasynth.rewrite.draw import child_counts
from schemasynth.rewrite.forms import USUAL, forms, normalised
from schemasynth.rewrite.peoplemaker import TAKEN_WORDS, Maker, provider_of, taken_name
from schemasynth.rewrite.standins import kept_name, learn_forms, restored_forms
from schemasynth.rows import part

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools, Ints
    from schemasynth.infer.rules.facts import Floats

LONGEST_PARTICLE = 3
"""Letters of words such as *de* and *von* in names, which are words of texts too."""
ALONE = 0.95
"""Share of distinct persons by rows from which each row is about one of its own."""
CLEAR = 0.7
"""Share of women or men among the names beside a value of sex from which it means that."""
MIN_NAMED = 10
"""Names beside a value of sex that are needed to tell what it means."""
_WOMEN = frozenset([
    "f", "w", "female", "woman", "dona", "mujer", "femenino", "femenina", "femeni", "fem", "d",
])  # fmt: skip
_MEN = frozenset([
    "m", "h", "v", "male", "man", "home", "hombre", "varon", "masculino", "masculi", "masc",
])  # fmt: skip
_HOME = frozenset([
    "h", "v", "hombre", "home", "varon",
])  # fmt: skip
"""Values of sex beside which a single ``m`` means *mujer*."""
_IDENTIFYING = (
    SensitiveKind.DOCUMENT,
    SensitiveKind.EMAIL,
    SensitiveKind.FULL_NAME,
    SensitiveKind.PHONE,
    SensitiveKind.USER_NAME,
)
"""Kinds by which rows about one person are known, the surest first."""


def made_up(table: TablePlan) -> tuple[ColumnPlan, ...]:
    """Return the columns of a table that hold made-up people."""
    return tuple(c for c in table.columns if c.treatment is ColumnTreatment.PROVIDER)


def keep_taken(work: Preparation) -> None:
    """Keep the values of all made-up columns by kind, normalised: none may come back anywhere.

    Args:
        work: with all source rows; a column is read at a time.
    """
    found: dict[SensitiveKind, list[Array]] = {}
    words: set[str] = set()
    for table in work.plan.tables:
        name = str(table.name)
        if table.is_entity or name not in work.source:
            continue
        for column in made_up(table):
            kind = provider_of(column).kind
            whole = work.all_keys(name)
            rows = whole if column.name in whole else work.source[name]
            values = array(rows, column.name).drop_null().unique()
            is_name = kind is SensitiveKind.FULL_NAME
            if kind in NAMES:
                words |= _words(values)
            found.setdefault(kind, []).append(normalised(values, is_name=is_name))
    for kind, parts in found.items():
        texts = pa.concat_arrays([p.cast(pa.string()) for p in parts]).unique()
        work.kept[taken_name(kind)] = frame({"text": texts}, len(texts))
    work.names = frozenset(words)
    if words:
        texts = normalised(pa.array(sorted(words), pa.string()))
        work.kept[TAKEN_WORDS] = frame({"text": texts}, len(texts))


def _words(names: Array) -> set[str]:
    """Return the words of names that are more than particles, folded."""
    every = {word.strip(",.") for name in names.to_pylist() for word in folded(str(name)).split()}
    return {word for word in every if len(word) > LONGEST_PARTICLE}


@dataclass(frozen=True, slots=True)
class People:
    """The made-up columns of a table.

    Attributes:
        table: the table.
    """

    table: TablePlan

    @property
    def name(self) -> str:
        """The table's name as text."""
        return str(self.table.name)

    @property
    def _copied(self) -> bool:
        return self.table.role is Role.REFERENCE

    def describe(self) -> str:
        """Say what it does."""
        names = ", ".join(column.name for column in made_up(self.table))
        return f"{names} of {self.name} are not learned; made-up people stand there again."

    def _persons(self) -> Mapping[str, tuple[ColumnPlan, ...]]:
        """Return the columns of each person of a row."""
        found: dict[str, tuple[ColumnPlan, ...]] = {}
        for column in made_up(self.table):
            person = provider_of(column).person
            found[person] = (*found.get(person, ()), column)
        return found

    def prepare(self, work: Preparation) -> None:
        """Hand over how values are written, and keep what is needed to make new ones."""
        for column in made_up(self.table):
            values = work.values(self.name, column.name)
            learn_forms(work, self.table, column, forms(provider_of(column).kind, values))
            if provider_of(column).kind in OF_NUMBERS:
                self._keep_numbers(work, column)
        for person, columns in self._persons().items():
            law = self._law(work, columns)
            if law is not None:
                work.kept[self._kept("persons", person)] = law
            sexes = self._sexes(work, columns)
            if sexes is not None:
                work.kept[self._kept("sexes", person)] = sexes

    def _kept(self, what: str, label: str) -> str:
        return kept_name(self.table, what, label)

    def _keep_numbers(self, work: Preparation, column: ColumnPlan) -> None:
        assert column.key_format is not None  # noqa: S101 checked with the plan
        rows = work.all_keys(self.name)
        names = [column.name, *column.key_format.sources]
        rows = rows if all(name in rows for name in names) else work.source[self.name]
        work.kept[self._kept("numbers", column.name)] = part(rows, names)

    def _law(self, work: Preparation, columns: tuple[ColumnPlan, ...]) -> pd.DataFrame | None:
        """Return how many persons have how many rows; None where each row has its own."""
        if self._copied:
            return None
        who = self._identity(work, columns)
        present = who[who >= 0]
        if len(present) == 0 or len(np.unique(present)) >= ALONE * len(present):
            return None
        sizes, rows = np.unique(counts_of(present), return_counts=True)
        return pd.DataFrame({"rows": sizes, "persons": np.maximum(rows // sizes, 1)})

    def _identity(self, work: Preparation, columns: tuple[ColumnPlan, ...]) -> Ints:
        """Return a number for the person of each row, `NONE` where it is not known."""
        for kind in _IDENTIFYING:
            for column in columns:
                values = work.values(self.name, column.name)
                if provider_of(column).kind is kind and values.null_count * 2 <= len(values):
                    return codes(values)
        return tuple_codes(
            [codes(work.values(self.name, c.name)) for c in columns], len(work.source[self.name])
        )

    def _sexes(self, work: Preparation, columns: tuple[ColumnPlan, ...]) -> pd.DataFrame | None:
        """Return the share of women by the value of the sex column, as names beside it tell."""
        column = next((p.sex for p in map(provider_of, columns) if p.sex is not None), None)
        if column is None or column not in work.source[self.name]:
            return None
        texts = work.values(self.name, column).cast(pa.string())
        women = self._women(work, columns)
        known, which = texts.drop_null().unique(), codes(texts)
        shares = []
        for text in known.to_pylist():
            rows = which == which[pc.index(texts, text).as_py()]
            told = women[rows & (women != NONE)]
            shares.append(float(told.mean()) if len(told) >= MIN_NAMED else float("nan"))
        return pd.DataFrame(
            {
                "sex": pd.Series(known.to_pylist(), dtype="str"),
                "women": pd.Series(shares, dtype="float64"),
            }
        )

    def _women(self, work: Preparation, columns: tuple[ColumnPlan, ...]) -> Ints:
        """Return 1 for rows whose given name only women bear, 0 for men, `NONE` for the rest."""
        for kind in (SensitiveKind.GIVEN_NAME, SensitiveKind.FULL_NAME):
            for column in columns:
                if provider_of(column).kind is kind:
                    return _women_of(work.values(self.name, column.name))
        return np.full(len(work.source[self.name]), NONE, dtype=np.int64)

    def restore(self, work: Restoration) -> None:
        """Make people for all rows."""
        for person, columns in self._persons().items():
            told = {c.name: restored_forms(work, self.table, c, USUAL) for c in columns}
            women = self._are_women(work, person, columns)
            who = self._who(work, person, women)
            count = int(who.max(initial=-1)) + 1
            sexes = np.zeros(count, dtype=np.bool_)
            sexes[who] = women
            firsts = np.zeros(count, dtype=np.int64)
            firsts[who[::-1]] = np.arange(len(who))[::-1]
            maker = Maker(work, self.table, person, sexes, who, firsts)
            maker.make(columns, told)

    def _are_women(self, work: Restoration, person: str, columns: tuple[ColumnPlan, ...]) -> Bools:
        """Return which rows are about women: by the sex that was generated, else by share."""
        rows, usual = work.rows[self.name], provider_of(columns[0]).women
        share = np.full(rows, usual)
        sex = next((p.sex for p in map(provider_of, columns) if p.sex is not None), None)
        if sex is not None and sex in work.columns[self.name]:
            texts = work.columns[self.name][sex].cast(pa.string())
            share = _shares_of_women(texts, work.kept.get(self._kept("sexes", person)), usual)
        women: Bools = work.random(self.name, person, "sex").random(rows) < share
        return women

    def _who(self, work: Restoration, person: str, women: Bools) -> Ints:
        """Return the person of each row, as many rows a person as in the source."""
        law = work.kept.get(self._kept("persons", person))
        rows = work.rows[self.name]
        if law is None or rows == 0:
            return np.arange(rows, dtype=np.int64)
        rng = work.random(self.name, person, "who")
        sizes, weights = (law[c].to_numpy(dtype=np.int64) for c in ("rows", "persons"))
        mean = float((sizes * weights).sum() / weights.sum())
        who = np.zeros(rows, dtype=np.int64)
        start = 0
        for group in (women, ~women):
            size = int(group.sum())
            count = max(1, round(size / mean)) if size else 0
            counts = child_counts(sizes, weights, count, size, rng)
            who[group] = start + rng.permutation(np.repeat(np.arange(count), counts))
            start += count
        return np.unique(who, return_inverse=True)[1].astype(np.int64)


def _women_of(names: Array) -> Ints:
    """Return 1 for names that only women bear, 0 for those of men, `NONE` for the rest."""
    known = sex_of()
    distinct = names.unique()
    told = []
    for name in distinct.to_pylist():
        words = folded(str(name).rpartition(",")[2]).split() if name is not None else []
        sex = known.get(words[0], "") if words else ""
        told.append({"f": 1, "m": 0}.get(sex, NONE))
    return np.asarray(told, dtype=np.int64)[codes(names)] if told else codes(names)


def _shares_of_women(texts: Array, kept: pd.DataFrame | None, usual: float) -> Floats:
    """Return the share of women for each row's value of sex.

    Names beside the value in the source tell it; else what the value is called.
    """
    told = None if kept is None else kept.dropna()
    meant = {} if told is None else dict(zip(told["sex"], told["women"], strict=True))
    distinct = texts.unique()
    values = [str(value) for value in distinct.drop_null().to_pylist()]
    is_home = any(folded(value) in _HOME for value in values)
    shares = []
    for value in distinct.to_pylist():
        share = meant.get(value)
        share = _called(str(value), usual, is_home=is_home) if share is None else share
        shares.append(1.0 if share >= CLEAR else 0.0 if share <= 1 - CLEAR else share)
    if not shares:
        return np.zeros(0)
    places = np.asarray(texts.dictionary_encode().indices.fill_null(NONE), dtype=np.int64)
    by_value = [s for s, v in zip(shares, distinct.to_pylist(), strict=True) if v is not None]
    return np.where(places == NONE, usual, np.asarray([*by_value, usual])[places])


def _called(value: str, usual: float, *, is_home: bool) -> float:
    word = folded(value)
    if word == "m" and is_home:
        return 1.0
    return 1.0 if word in _WOMEN else 0.0 if word in _MEN else usual


@dataclass(frozen=True, slots=True)
class RepeatedPeople:
    """Made-up columns that repeat those of the row which a foreign key refers to."""

    table: TablePlan

    @property
    def columns(self) -> tuple[ColumnPlan, ...]:
        """The columns that repeat another one."""
        return tuple(c for c in made_up(self.table) if provider_of(c).source is not None)

    def describe(self) -> str:
        """Say what it does."""
        names = ", ".join(column.name for column in self.columns)
        return f"{names} of {self.table.name} repeat the row that is referred to."

    def prepare(self, work: Preparation) -> None:
        """Do nothing: the referenced table is prepared."""

    def restore(self, work: Restoration) -> None:
        """Copy from the referenced rows; a row without one keeps the person of its own."""
        name = str(self.table.name)
        own = work.columns[name]
        for column in self.columns:
            provider = provider_of(column)
            index = [key.columns for key in self.table.foreign_keys].index(provider.link)
            parent = str(self.table.foreign_keys[index].referred)
            positions = work.parents.get((name, index))
            if positions is None or provider.source not in work.columns.get(parent, {}):
                continue
            above = take(work.columns[parent][provider.source], positions)
            values = own[column.name]
            repeated = ~nulls(cast(above, values.type)) & ~nulls(values)
            own[column.name] = where(repeated, cast(above, values.type), values)
