"""What a plan would do to a few made-up rows: all of it, but for what the generator learns.

Made-up rows take the way of a source's: prepared, drawn again by the stand-in, restored. Imports
the plan, rewrites and the stand-in; called by the API.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from schemasynth.arrays import cast, frame, generator, take
from schemasynth.lexicon import vocabulary
from schemasynth.model import SqlType, TableName, TypeFamily, arrow_type
from schemasynth.model.sensitivity import OF_NUMBERS, SensitiveKind
from schemasynth.plan.model import (
    WRITTEN,
    ColumnPlan,
    ColumnTreatment,
    RefreshPlan,
    Role,
    TablePlan,
)
from schemasynth.rewrite import prepare, restore
from schemasynth.rewrite.exhausted import Exhausted
from schemasynth.rewrite.forms import USUAL
from schemasynth.rewrite.persons import Taken, draw_persons, written
from schemasynth.rewrite.rules import SHARES
from schemasynth.rewrite.values import new_values
from schemasynth.testing.standin import generate

if TYPE_CHECKING:
    from schemasynth.arrays import Array

ROWS = 10
"""Made-up rows a table: as many as a person looks at."""
SHORTEST = 4
"""Letters of words that look like values."""
WORDS = 3
"""Words of a made-up sentence, and different texts of a made-up category."""
_FORMS = {
    SensitiveKind.FULL_NAME: "m2;",
    SensitiveKind.SURNAME: "m1;",
    SensitiveKind.GIVEN_NAME: "m1;",
}
"""How made-up names are written before: capitalised, of as many words."""
_NO_TEXTS = pa.nulls(0, pa.string())


@dataclass(frozen=True, slots=True)
class TablePreview:
    """A table before and after.

    Attributes:
        plan: what was decided.
        before: made-up rows, of the source's types and key formats.
        after: rows that the same plan made of them; columns that the database computes are not
            among them.
    """

    plan: TablePlan
    before: pd.DataFrame
    after: pd.DataFrame


def preview(plan: RefreshPlan, seed: int = 0) -> tuple[TablePreview, ...]:
    """Try a plan on made-up rows; no source is needed.

    Args:
        plan: what was decided, perhaps edited.
        seed: decides all that is drawn.
    """
    tables = tuple(replace(t, rows=ROWS, size=ROWS) for t in plan.tables)
    small = replace(plan, tables=tables)
    rows = made_up_rows(small, seed)
    prepared = prepare(small, rows, seed)
    kept = {**prepared.kept, **_measured(plan)}
    made = restore(small, generate(prepared, seed), kept, seed).frames
    return tuple(
        TablePreview(table, rows[str(table.name)], made[str(table.name)])
        for table in plan.tables
        if str(table.name) in made and not table.is_entity
    )


def _measured(plan: RefreshPlan) -> dict[str, pd.DataFrame]:
    """Return the shares of exceptions as the source has them, not as made-up rows do."""
    shares = {str(rule.id): rule.share for rule in plan.rules}
    if not shares:
        return {}
    return {SHARES: pd.DataFrame({"rule": list(shares), "share": list(shares.values())})}


def made_up_rows(plan: RefreshPlan, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Make rows up of the types and key formats of a plan alone.

    Row by row, tables refer to each other: the third order is that of the third customer, the third
    employee is led by the second. So all keys hold, and columns that several keys share agree.

    Args:
        plan: what was decided.
        seed: decides all that is drawn.
    """
    known: dict[tuple[TableName, str], Array] = {}
    return {
        str(table.name): frame(
            {c.name: _values(plan, table, c.name, known, (), seed) for c in table.columns}, ROWS
        )
        for table in plan.tables
        if not table.is_entity and table.role is not Role.SKIP
    }


def _values(
    plan: RefreshPlan,
    table: TablePlan,
    name: str,
    known: dict[tuple[TableName, str], Array],
    path: tuple[tuple[TableName, str], ...],
    seed: int,
) -> Array:
    """Return a column: that of the rows it refers to, or a new one."""
    place = (table.name, name)
    if place in known:
        return known[place]
    column = table.column(name)
    for parent, there in _above(plan, table, name):
        if (parent.name, there) not in (*path, place):
            above = _values(plan, parent, there, known, (*path, place), seed)
            if parent.name == table.name and column.nullable:
                above = take(above, np.arange(-1, ROWS - 1))
            known[place] = cast(above, arrow_type(column.type))
            return known[place]
    known[place] = _made_up(column, generator(seed, "preview", str(table.name), name))
    return known[place]


def _above(plan: RefreshPlan, table: TablePlan, name: str) -> list[tuple[TablePlan, str]]:
    """Return the columns that a column repeats: referred ones, or those of an implicit entity."""
    found = []
    for key in table.foreign_keys:
        parent = plan.table(key.referred)
        if parent.role is Role.SKIP and not parent.is_entity:
            continue
        pairs = dict(zip(key.columns, key.referred_columns, strict=True))
        if name in pairs:
            found.append((parent, pairs[name]))
        elif key.to_entity and name in {c.name for c in parent.columns}:
            found.append((parent, name))
    return found


def _made_up(column: ColumnPlan, rng: np.random.Generator) -> Array:
    kind = arrow_type(column.type)
    if column.provider is not None and column.treatment is ColumnTreatment.PROVIDER:
        return _person(column, rng)
    if column.key_format is not None:
        try:
            return new_values(column.key_format, column.type, pa.nulls(0, kind), ROWS, rng)
        except Exhausted:
            return _plain(column, rng)
    return _plain(column, rng)


def _person(column: ColumnPlan, rng: np.random.Generator) -> Array:
    provider, kind = column.provider, arrow_type(column.type)
    assert provider is not None  # noqa: S101 told by the caller
    if provider.kind in OF_NUMBERS and column.key_format is not None:
        return new_values(column.key_format, column.type, pa.nulls(0, kind), ROWS, rng)
    women = rng.random(ROWS) < provider.women
    taken = Taken(_NO_TEXTS, _NO_TEXTS)
    persons = draw_persons(provider.language, women, taken, None, rng)
    form = pa.array([_FORMS.get(provider.kind, USUAL)] * ROWS, pa.string())
    return cast(written(provider.kind, persons, form, provider.language, rng), kind)


def _plain(column: ColumnPlan, rng: np.random.Generator) -> Array:
    language = column.provider.language if column.provider else "en"
    words = [word for word in vocabulary(language) if len(word) >= SHORTEST]
    draw = partial(_value, column.type, words, column.treatment, rng)
    return pa.array([draw(row) for row in range(ROWS)], arrow_type(column.type))


def _value(
    kind: SqlType,
    words: Sequence[str],
    treatment: ColumnTreatment,
    rng: np.random.Generator,
    row: int,
) -> Any:
    """Return a value of a type; NULL for types of which nothing can be made up."""
    if kind.values:
        return kind.values[int(rng.integers(len(kind.values)))]
    number = row + int(rng.integers(0, 10)) * ROWS
    match kind.family:
        case TypeFamily.INTEGER:
            return number
        case TypeFamily.FLOAT:
            return round(float(rng.random()) * 100, 2)
        case TypeFamily.DECIMAL:
            return _decimal(kind, rng)
        case TypeFamily.BOOLEAN:
            return bool(rng.integers(2))
        case TypeFamily.DATE:
            return dt.date(2020, 1, 1) + dt.timedelta(days=number)
        case TypeFamily.DATETIME:
            zone = dt.UTC if kind.timezone else None
            return dt.datetime(2020, 1, 1, 9, tzinfo=zone) + dt.timedelta(hours=number)
        case TypeFamily.TIME:
            return dt.time(number % 24, int(rng.integers(60)))
        case TypeFamily.UUID:
            return str(uuid.UUID(bytes=rng.bytes(16), version=4))
        case TypeFamily.TEXT:
            return _text(kind, words, treatment, rng)
    return None


def _decimal(kind: SqlType, rng: np.random.Generator) -> Any:
    whole = arrow_type(kind)
    if not pa.types.is_decimal(whole):
        return str(int(rng.integers(100)))
    digits = min(whole.precision, whole.scale + 2)
    return Decimal(int(rng.integers(10 ** min(digits, 9)))).scaleb(-whole.scale)


def _text(
    kind: SqlType,
    words: Sequence[str],
    treatment: ColumnTreatment,
    rng: np.random.Generator,
) -> str:
    if treatment in WRITTEN:
        text = " ".join(words[int(i)] for i in rng.integers(0, len(words), WORDS)).capitalize()
    else:
        text = words[int(rng.integers(WORDS)) * len(words) // WORDS]
    return text[: kind.length or None]
