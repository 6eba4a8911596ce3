"""Values of made-up people: all columns of a person agree, and none is a value of the source.

Imports persons and key values; used by the rewrite of people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import NONE, array, cast, nulls, take, where
from schemasynth.model import arrow_type
from schemasynth.model.sensitivity import NAMES, OF_NUMBERS, SensitiveKind
from schemasynth.plan.keyparts import NO_ROWS, Rows
from schemasynth.rewrite.forms import USUAL
from schemasynth.rewrite.persons import Persons, Taken, draw_persons, repeats_source, written
from schemasynth.rewrite.standins import kept_name, longest_text
from schemasynth.rewrite.values import Exhausted, new_values

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools, Ints
    from schemasynth.plan.model import ColumnPlan, KeyFormat, Provider, TablePlan
    from schemasynth.rewrite.base import Restoration

TAKEN_WORDS = "taken:words"
"""Name under which the words of all names of the source are kept, normalised."""
ROUNDS = 8
"""Times that values which the source has are drawn again."""
LETTERS = 12
"""Characters of a text without meaning."""


def taken_name(kind: SensitiveKind) -> str:
    """Return the name under which the source's values of a kind are kept."""
    return f"taken:{kind}"


def provider_of(column: ColumnPlan) -> Provider:
    """Return what a made-up column is made of."""
    assert column.provider is not None  # noqa: S101 checked with the plan
    return column.provider


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the columns of one person of each row.

    Attributes:
        work: its columns are filled.
        table: whose.
        person: of the providers.
        women: which persons are women.
        who: the person of each row.
        firsts: the first row of each person.
    """

    work: Restoration
    table: TablePlan
    person: str
    women: Bools
    who: Ints
    firsts: Ints

    def make(self, columns: Sequence[ColumnPlan], told: Mapping[str, Array]) -> None:
        """Make all columns, so that they agree and repeat no value of the source.

        Args:
            columns: of the person.
            told: how each row's value is written, NULL for NULL.
        """
        name = str(self.table.name)
        rng = self.work.random(name, self.person, "people")
        worded = [c for c in columns if provider_of(c).kind not in OF_NUMBERS]
        made = self._worded(worded, told, rng) if worded and len(self.who) else {}
        for column in columns:
            if len(self.who) == 0:
                values: Array = pa.nulls(0, arrow_type(column.type))
            elif column.name in made:
                values = made[column.name]
            else:
                values = self._numbers(column)
            rows = np.where(nulls(told[column.name]), NONE, np.arange(len(self.who)))
            self.work.columns[name][column.name] = take(values, rows)

    def _worded(
        self, columns: Sequence[ColumnPlan], told: Mapping[str, Array], rng: np.random.Generator
    ) -> dict[str, Array]:
        """Draw persons until none of their values is one of the source."""
        whole = self._taken(SensitiveKind.FULL_NAME)
        given = pa.concat_arrays([self._taken(SensitiveKind.GIVEN_NAME), whole])
        taken = Taken(given, self._taken_surnames())
        limits = {c.name: longest_text(self.work, self.table, c) for c in columns}
        short = [limits[c.name] for c in columns if provider_of(c).kind in NAMES]
        limit = min((n for n in short if n is not None), default=None)
        language = provider_of(columns[0]).language

        def drawn() -> Persons:
            return draw_persons(language, self.women, taken, limit, rng)

        persons, later = drawn(), _second_names(columns)
        for _ in range(ROUNDS):
            second = persons.turned()
            made = {
                c.name: self._written(
                    c, second if c.name in later else persons, told, limits[c.name], rng
                )
                for c in columns
            }
            bad = np.zeros(len(self.women), dtype=np.bool_)
            for column in columns:
                bad |= self._repeats(column, made[column.name])
            if not bad.any():
                break
            persons = persons.replaced(drawn(), bad)
        people = pa.array(self.who)
        return {
            c.name: self._forced(c, made[c.name], limits[c.name], rng).take(people) for c in columns
        }

    def _written(
        self,
        column: ColumnPlan,
        persons: Persons,
        told: Mapping[str, Array],
        limit: int | None,
        rng: np.random.Generator,
    ) -> Array:
        """Return a value of each person, in the form of the first row about it."""
        form = pc.fill_null(told[column.name].take(pa.array(self.firsts)), USUAL)
        provider = provider_of(column)
        values = written(provider.kind, persons, form, provider.language, rng)
        return _cut(provider.kind, values, limit)

    def _taken(self, kind: SensitiveKind) -> Array:
        kept = self.work.kept.get(taken_name(kind))
        return pa.nulls(0, pa.string()) if kept is None else array(kept, "text").cast(pa.string())

    def _taken_surnames(self) -> Array:
        """Return all words of names: no name made of others can then hold one of the source."""
        own, kept = self._taken(SensitiveKind.SURNAME), self.work.kept.get(TAKEN_WORDS)
        return own if kept is None else pa.concat_arrays([own, array(kept, "text")])

    def _repeats(self, column: ColumnPlan, values: Array) -> Bools:
        kind = provider_of(column).kind
        return repeats_source(kind, values, self._taken(kind))

    def _forced(
        self, column: ColumnPlan, values: Array, limit: int | None, rng: np.random.Generator
    ) -> Array:
        """Replace values that the source has all the same by letters without a meaning."""
        again = self._repeats(column, values)
        if not again.any():
            return values
        width = min(limit or LETTERS, LETTERS)
        letters = rng.integers(ord("a"), ord("z") + 1, (len(values), width))
        texts = pa.array(["".join(map(chr, row)) for row in letters.tolist()], pa.string())
        what = f"{column.name}: no name was left that the source has not"
        self.work.repaired(str(self.table.name), what, int(again.sum()))
        return where(again, texts, values)

    def _numbers(self, column: ColumnPlan) -> Array:
        """Return numbers in the source's format, one a person, none of the source."""
        form = column.key_format
        assert form is not None  # noqa: S101 checked with the plan
        name = str(self.table.name)
        kept = self.work.kept[kept_name(self.table, "numbers", column.name)]
        source, made = array(kept, column.name), self.work.columns[name]
        there = pa.array(~nulls(source))
        names = [n for n in form.sources if n in kept and n in made]
        beside = Rows(
            {n: array(kept, n).filter(there) for n in names},
            {n: made[n].take(pa.array(self.firsts)) for n in names},
        )
        rng = self.work.random(name, column.name, "number")
        values = self._fresh(column, form, source.drop_null(), beside, rng)
        return cast(values, source.type).take(pa.array(self.who))

    def _fresh(
        self,
        column: ColumnPlan,
        form: KeyFormat,
        source: Array,
        beside: Rows,
        rng: np.random.Generator,
    ) -> Array:
        """Draw numbers; those again that are the source's, written otherwise."""
        values = self._drawn(column, form, source, beside, rng)
        for _ in range(ROUNDS):
            again = np.flatnonzero(self._repeats(column, values))
            if len(again) == 0:
                break
            rows = beside.at(again) if len(values) == len(self.firsts) else NO_ROWS
            fresh = new_values(form, column.type, source, len(again), rng, rows=rows, taken=values)
            order = np.arange(len(values))
            order[again] = len(values) + np.arange(len(again))
            values = pa.concat_arrays([values, fresh]).take(pa.array(order))
        if len(values) == len(self.firsts):
            return values
        return values.take(pa.array(rng.integers(0, len(values), len(self.firsts))))

    def _drawn(
        self,
        column: ColumnPlan,
        form: KeyFormat,
        source: Array,
        beside: Rows,
        rng: np.random.Generator,
    ) -> Array:
        """Return a number a person; fewer where the format has not enough."""
        size, rows = len(self.firsts), beside
        while True:
            try:
                return new_values(form, column.type, source, size, rng, rows=rows)
            except Exhausted:
                if size == 1:
                    raise
                size, rows = size // 2, NO_ROWS


def _second_names(columns: Sequence[ColumnPlan]) -> frozenset[str]:
    """Return the columns that hold a person's second given name or second surname."""
    kinds = (SensitiveKind.GIVEN_NAME, SensitiveKind.SURNAME)
    found = [[c.name for c in columns if provider_of(c).kind is kind] for kind in kinds]
    return frozenset(name for names in found for name in names[1:])


def _cut(kind: SensitiveKind, values: Array, limit: int | None) -> Array:
    """Return texts that fit; of an address of mail the part before ``@`` is cut."""
    if limit is None:
        return values
    if kind is not SensitiveKind.EMAIL:
        return pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(values, 0, limit))
    domain = pc.replace_substring_regex(values, r"^[^@]*", "")
    room = limit - (pc.max(pc.utf8_length(domain)).as_py() or 0)
    if room < 1:
        return pc.utf8_slice_codeunits(values, 0, limit)
    local = pc.replace_substring_regex(values, r"@.*$", "")
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(local, 0, room), domain, "")
