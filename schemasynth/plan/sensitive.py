"""What becomes of sensitive columns: which are made up, whose they are, and what agrees with what.

Imports the plan's values, key formats and names; used where a plan is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import array, nulls, take
from schemasynth.errors import SettingsError
from schemasynth.infer.sensitivity import column_words
from schemasynth.lexicon import folded, language_of, sex_of
from schemasynth.model import TableName, TypeFamily
from schemasynth.model.sensitivity import NAMES, OF_NUMBERS, SensitiveKind, Sensitivity
from schemasynth.plan.keyformat import learn_key_format
from schemasynth.plan.model import (
    WRITTEN,
    ColumnPlan,
    ColumnTreatment,
    Provider,
    Role,
    TablePlan,
)

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.arrays import Array, Ints
    from schemasynth.infer.answers import ColumnAnswer

SAME = 0.95
"""Share of rows with the referenced row's value from which a column repeats it; else dirt."""
MIN_SAME = 10
"""Rows below which equal values are chance."""
NAMES_LOOKED_AT = 2_000
"""Values of names by which a language and the share of women are told."""
_KIND_WORDS = re.compile(
    r"(?:^|_)(?:first|last|given|family|middle|maiden|full|sur|fore|name|names|fname|lname|surname"
    r"|nom|cognoms?|nombre|apellidos?|primer|segon|segundo|complet|completo|pila|de|i|y|e?_?mail"
    r"|email|address|phone|telefon|telefono|tel|number|numbers|num|no|mobile|movil|mobil|fax|home"
    r"|sexe?|sexo|gender|genere|genero|mf|code|codi|work|cell|line|street|adreca|direccion|domicili|domicilio|dni|nie|nif|document|iban|\d)(?=_|$)"
)
"""Words of column names that say what is told of a person; the rest says whose it is."""


_OF_TEXTS = WRITTEN | {ColumnTreatment.PROVIDER}
"""Treatments whose values are plain texts or numbers."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A table on its way into the plan.

    Attributes:
        rows: its sample.
        found: what is sensitive, by column.
        positions: of the sampled parent rows of each row, by the place of the foreign key.
    """

    rows: pd.DataFrame
    found: Mapping[str, Sensitivity]
    positions: Mapping[int, Ints]


def with_providers(
    tables: Sequence[TablePlan],
    sampled: Mapping[TableName, Sampled],
    answers: Sequence[ColumnAnswer] = (),
    language: str | None = None,
) -> tuple[TablePlan, ...]:
    """Return tables whose sensitive columns are made up, never learned nor copied.

    Args:
        tables: as planned, parents first.
        sampled: what is known of each.
        answers: of a person, about single columns.
        language: of names; by default that of the source's names.
    """
    told = {(answer.table, answer.column): answer for answer in answers}
    treated = [
        _treated(table, sampled[table.name], told, language or _language(table, sampled))
        for table in tables
    ]
    plans = {table.name: table for table in treated}
    return tuple(_linked(table, plans, sampled) for table in treated)


def check_columns(
    answers: Sequence[ColumnAnswer], columns: Mapping[TableName, Sequence[str]]
) -> None:
    """Refuse answers about columns that are not there.

    Raises:
        SettingsError: a table or column is unknown.
    """
    for answer in answers:
        if answer.table not in columns:
            raise SettingsError(f"The settings speak of table {answer.table}, which is not there.")
        if answer.column not in columns[answer.table]:
            raise SettingsError(f"Table {answer.table} has no column {answer.column}.")


def _language(table: TablePlan, sampled: Mapping[TableName, Sampled]) -> str:
    """Return the language of a table's names; of all tables' names where it has none."""
    own = list(_name_texts(sampled[table.name]))
    every = own or [text for one in sampled.values() for text in _name_texts(one)]
    return language_of(every)


def _name_texts(one: Sampled) -> Iterator[str]:
    for name, found in one.found.items():
        if found.kind in NAMES and name in one.rows:
            yield from map(str, array(one.rows, name).drop_null()[:NAMES_LOOKED_AT].to_pylist())


def _treated(
    table: TablePlan,
    one: Sampled,
    told: Mapping[tuple[TableName, str], ColumnAnswer],
    language: str,
) -> TablePlan:
    """Return a table with a treatment for each sensitive column."""
    found = dict(one.found)
    columns = []
    for column in table.columns:
        answer = told.get((table.name, column.name))
        kind = _stated_kind(answer, found.get(column.name))
        if kind is not None:
            found[column.name] = Sensitivity(kind, 1.0, "stated, not judged")
        columns.append(_told(column, answer, found.get(column.name)))
    sexes = {_person(n): n for n, s in found.items() if s.kind is SensitiveKind.SEX}
    learned = {c.name for c in columns if c.treatment is ColumnTreatment.LEARN}
    women = _women(one)
    is_one = len({_person(n) for n, s in found.items() if s.kind in NAMES}) == 1
    made = []
    for column in columns:
        sensitive = found.get(column.name)
        stated = told.get((table.name, column.name))
        if sensitive is None or (stated is not None and stated.treatment == "learn"):
            made.append(column)
            continue
        person = _person_of(column.name, sensitive, found)
        sex = sexes.get(person, next(iter(sexes.values())) if is_one and sexes else None)
        provider = Provider(
            sensitive.kind, language, person, sex if sex in learned else None, women
        )
        wanted = ColumnTreatment(stated.treatment) if stated and stated.treatment else None
        made.append(_made_up(table, column, one, provider, wanted))
    return replace(table, columns=tuple(made))


def _stated_kind(
    answer: ColumnAnswer | None, sensitive: Sensitivity | None
) -> SensitiveKind | None:
    """Return what a person said that a column holds: who asks for texts has free text."""
    if answer is None or answer.kind is not None:
        return None if answer is None else answer.kind
    asks = sensitive is None and answer.treatment in WRITTEN
    return SensitiveKind.FREE_TEXT if asks else None


def _told(
    column: ColumnPlan, answer: ColumnAnswer | None, sensitive: Sensitivity | None
) -> ColumnPlan:
    """Return a column with what was found and what a person said."""
    column = replace(column, sensitivity=sensitive)
    if answer is None or answer.treatment not in ("null", "constant"):
        return column
    return replace(
        column,
        treatment=ColumnTreatment(answer.treatment),
        encoding=None,
        key_format=None,
        value=answer.value,
        reason="stated, not judged",
    )


def _person(name: str) -> str:
    """Return whose column it is by its name: empty for the person that the row is about."""
    return _KIND_WORDS.sub("", column_words(name)).strip("_")


def _person_of(name: str, sensitive: Sensitivity, found: Mapping[str, Sensitivity]) -> str:
    """Return whose column it is; what belongs to nobody by its name, belongs to whom is named."""
    people = dict.fromkeys(_person(n) for n, s in found.items() if s.kind in NAMES)
    own = _person(name)
    if own in people or not people:
        return own if sensitive.kind in NAMES else (own if own in people else "")
    return "" if "" in people else next(iter(people))


def _women(one: Sampled) -> float:
    """Return the share of women among the given names that tell."""
    known = sex_of()
    kinds = (SensitiveKind.GIVEN_NAME, SensitiveKind.FULL_NAME)
    told = []
    for name, found in one.found.items():
        if found.kind in kinds and name in one.rows:
            for text in array(one.rows, name).drop_null()[:NAMES_LOOKED_AT].to_pylist():
                words = folded(str(text).rpartition(",")[2]).split()
                told += [known[words[0]]] if words and words[0] in known else []
    return round(told.count("f") / len(told), 2) if len(told) >= MIN_SAME else 0.5


def _made_up(
    table: TablePlan,
    column: ColumnPlan,
    one: Sampled,
    provider: Provider,
    wanted: ColumnTreatment | None,
) -> ColumnPlan:
    """Return a column that is made up if its place among the keys allows."""
    sensitive = column.sensitivity
    assert sensitive is not None  # noqa: S101 the caller has looked
    in_key = any(column.name in key for key in (table.primary_key, *table.unique_keys))
    values = array(one.rows, column.name) if column.name in one.rows else pa.nulls(0, pa.string())
    identifies = column.treatment is ColumnTreatment.KEY and not in_key
    can_be_text = column.treatment is ColumnTreatment.LEARN or identifies
    if wanted in WRITTEN and not (can_be_text and not in_key and pa.types.is_string(values.type)):
        why = f"its values are of type {values.type}" if can_be_text else f"it is {column.reason}"
        raise SettingsError(f"Column {table.name}.{column.name} cannot be {wanted}: {why}.")
    if column.treatment is not ColumnTreatment.LEARN and not identifies:
        return column
    if sensitive.direct and in_key:
        return replace(
            column,
            treatment=ColumnTreatment.KEY,
            encoding=None,
            key_format=learn_key_format(values),
            reason=f"part of a key, and {sensitive.kind}: {sensitive.reason}",
        )
    treatment = wanted or _default(table, sensitive)
    if column.type.family is TypeFamily.JSON and treatment in _OF_TEXTS and not in_key:
        return _without_content(column)
    if in_key or treatment is None or not _can(treatment, sensitive, values):
        return column
    form = None
    if treatment is ColumnTreatment.PROVIDER and sensitive.kind in OF_NUMBERS:
        form = column.key_format or learn_key_format(values)
    return replace(
        column,
        treatment=treatment,
        encoding=None,
        key_format=form,
        provider=provider,
        reason=f"{sensitive.kind}: {sensitive.reason}" + (f"; {wanted} as asked" if wanted else ""),
    )


def _without_content(column: ColumnPlan) -> ColumnPlan:
    """Return a column of JSON without any: sentences and names would be no JSON."""
    absent = ColumnTreatment.NULL if column.nullable else ColumnTreatment.CONSTANT
    sensitive = column.sensitivity
    assert sensitive is not None  # noqa: S101 the caller has looked
    return replace(
        column,
        treatment=absent,
        encoding=None,
        key_format=None,
        value=None if column.nullable else "{}",
        reason=f"{sensitive.kind} within JSON, which cannot be made up: {sensitive.reason}",
    )


def _default(table: TablePlan, sensitive: Sensitivity) -> ColumnTreatment | None:
    if sensitive.direct:
        return ColumnTreatment.PROVIDER
    if sensitive.kind is SensitiveKind.FREE_TEXT and table.role is not Role.REFERENCE:
        return ColumnTreatment.TEMPLATE
    return None


def _can(treatment: ColumnTreatment, sensitive: Sensitivity, values: Array) -> bool:
    """Tell whether values of a type can be made up."""
    if pa.types.is_string(values.type):
        return treatment in WRITTEN or sensitive.direct
    return (
        treatment is ColumnTreatment.PROVIDER
        and pa.types.is_integer(values.type)
        and sensitive.kind in OF_NUMBERS
    )


def _linked(
    table: TablePlan, plans: Mapping[TableName, TablePlan], sampled: Mapping[TableName, Sampled]
) -> TablePlan:
    """Return a table whose made-up columns know where the referenced row has the same value."""
    if table.role is Role.REFERENCE:
        return table
    return replace(
        table, columns=tuple(_with_link(table, c, plans, sampled) for c in table.columns)
    )


def _with_link(
    table: TablePlan,
    column: ColumnPlan,
    plans: Mapping[TableName, TablePlan],
    sampled: Mapping[TableName, Sampled],
) -> ColumnPlan:
    provider, one = column.provider, sampled[table.name]
    if provider is None or column.treatment is not ColumnTreatment.PROVIDER:
        return column
    for place, key in enumerate(table.foreign_keys):
        parent = plans.get(key.referred)
        if parent is None or key.referred == table.name or place not in one.positions:
            continue
        for other in parent.columns:
            same = other.provider is not None and other.provider.kind is provider.kind
            if same and _repeats(
                array(one.rows, column.name),
                array(sampled[parent.name].rows, other.name),
                one.positions[place],
            ):
                link = replace(provider, link=key.columns, source=other.name)
                reason = f"{column.reason}; repeats {parent.name}.{other.name}"
                return replace(column, provider=link, reason=reason)
    return column


def _repeats(values: Array, parents: Array, positions: Ints) -> bool:
    if values.type != parents.type or len(positions) != len(values):
        return False
    above = take(parents, positions)
    present = ~nulls(values) & ~nulls(above)
    equal = np.asarray(
        pc.fill_null(pc.equal(values, above), False).to_numpy(zero_copy_only=False), dtype=np.bool_
    )
    count = int(present.sum())
    return count >= MIN_SAME and int((equal & present).sum()) >= SAME * count
