"""Where the values of each column come from, and how the generator learns them.

Imports the model, the plan's values and key formats; used by the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import array
from schemasynth.checknumbers import find_check
from schemasynth.dates import written_form
from schemasynth.model import Column
from schemasynth.plan.keyformat import is_uuid, learn_key_format
from schemasynth.plan.keyparts import Beside
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, Encoding, KeyFormat

if TYPE_CHECKING:
    import pandas as pd

MAX_CATEGORIES = 300
"""Distinct texts learned as categories; more make the model large and the rare ones risky."""
REPEATED = 2.0
"""Rows a distinct text needs on the mean to be a category rather than an identifier."""
MAX_DISCRETE = 30
"""Distinct numbers, or dates written as texts, learned each for itself."""
DIGITS = 9
"""Integer digits the generator's digit encoding keeps apart with certainty."""
DISTINCT_KEY_SHARE = 0.5
"""A part of a composite key with fewer distinct values by rows carries meaning: it is learned."""


IDENTIFIER_SAMPLE = 200
"""Values whose form is looked at."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a column stands among the keys of its table.

    Attributes:
        foreign: it is part of an accepted foreign key.
        determined: an implicit entity determines it.
        alone: it is a key by itself.
        part: it is part of a composite key.
    """

    foreign: bool = False
    determined: bool = False
    alone: bool = False
    part: bool = False


def plan_column(
    column: Column,
    place: KeyPlace,
    rows: pd.DataFrame,
    beside: Mapping[str, bool] = MappingProxyType({}),
) -> ColumnPlan:
    """Decide what happens to a column.

    Args:
        column: as reflected.
        place: among the keys.
        rows: sampled rows of the table; without any, the type decides.
        beside: other columns that parts of a key may come from, and whether restored rows have
            the source's values there.
    """

    def decide(treatment: ColumnTreatment, reason: str, **more: Any) -> ColumnPlan:
        return ColumnPlan(
            column.name, column.type, column.nullable, treatment, reason=reason, **more
        )

    if column.computed is not None:
        return decide(ColumnTreatment.COMPUTED, "the database computes it")
    if place.determined:
        return decide(ColumnTreatment.DETERMINED, "the implicit entity determines it")
    if place.foreign:
        return decide(ColumnTreatment.FOREIGN_KEY, "part of a foreign key")
    values = array(rows, column.name)
    present = values.drop_null()
    distinct = int(pc.count_distinct(present).as_py())
    if len(values) and not len(present) and column.nullable:
        return decide(ColumnTreatment.NULL, "NULL in all rows")
    if place.alone or (place.part and _identifies(values, distinct)):
        reason = "a key" if place.alone else "part of a key"
        return decide(ColumnTreatment.KEY, reason, key_format=_key_format(values, rows, beside))
    if _is_identifier(present, distinct):
        return decide(
            ColumnTreatment.KEY,
            "an identifier by its form",
            key_format=_key_format(values, rows, beside),
        )
    encoding = choose_encoding(present, distinct)
    if encoding is None and column.nullable:
        return decide(ColumnTreatment.NULL, "binary content cannot be learned")
    return decide(
        ColumnTreatment.LEARN,
        f"{distinct:,} distinct values",
        encoding=encoding or Encoding.CATEGORICAL,
    )


def _identifies(values: pa.Array[Any], distinct: int) -> bool:
    """Tell whether a part of a composite key is a number or identifier rather than a fact."""
    if pa.types.is_temporal(values.type):
        return False
    return pa.types.is_integer(values.type) or distinct >= DISTINCT_KEY_SHARE * len(values)


def _key_format(values: pa.Array[Any], rows: pd.DataFrame, beside: Mapping[str, bool]) -> KeyFormat:
    others = {name: Beside(array(rows, name), stable) for name, stable in beside.items()}
    return learn_key_format(values, others)


def _is_identifier(present: pa.Array[Any], distinct: int) -> bool:
    """Tell whether values that never repeat are UUIDs, or numbers with a check digit."""
    if not pa.types.is_string(present.type) or distinct < len(present) or len(present) < 2:
        return False
    texts = present.slice(0, IDENTIFIER_SAMPLE).to_pylist()
    return all(map(is_uuid, texts)) or find_check(texts) is not None


def choose_encoding(present: pa.Array[Any], distinct: int) -> Encoding | None:
    """Choose how the generator encodes values.

    Args:
        present: values that are not NULL.
        distinct: how many different ones.

    Returns:
        None where the generator has no encoding for them.
    """
    kind = present.type
    if pa.types.is_boolean(kind):
        return Encoding.CATEGORICAL
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Encoding.DATETIME
    if pa.types.is_binary(kind):
        return None
    if pa.types.is_string(kind):
        return _text_encoding(present, distinct)
    return _number_encoding(present, distinct)


def _text_encoding(present: pa.Array[Any], distinct: int) -> Encoding:
    if distinct > MAX_DISCRETE and written_form(present) is not None:
        return Encoding.DATETIME
    if distinct <= MAX_CATEGORIES and distinct * REPEATED <= max(len(present), 1):
        return Encoding.CATEGORICAL
    return Encoding.CHARACTER


def _number_encoding(present: pa.Array[Any], distinct: int) -> Encoding:
    if distinct <= MAX_DISCRETE:
        return Encoding.NUMERIC_DISCRETE
    if pa.types.is_integer(present.type):
        widest = pc.max(pc.abs(present)).as_py() or 0
        return Encoding.NUMERIC_DIGIT if len(str(widest)) <= DIGITS else Encoding.NUMERIC_BINNED
    return Encoding.NUMERIC_BINNED
