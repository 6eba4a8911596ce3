"""Which tables are reference tables: small, shared by many rows, and not about people.

Imports the model and what speaks of people; used by the plan.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from schemasynth.arrays import array
from schemasynth.errors import SettingsError
from schemasynth.model import Question, Schema, Table, TableName, TypeFamily
from schemasynth.model.keyid import KeyId, Kind
from schemasynth.plan.people import Personal, personal, singular, words

if TYPE_CHECKING:
    import pandas as pd

MAX_REFERENCE_ROWS = 500
"""Look-up tables are read by people; longer ones are master data."""
MAX_SHARE_OF_CHILD = 0.2
"""A reference row serves at least five rows of its largest child on the mean."""
MAX_CODE_COLUMNS = 5
"""Columns of a list of codes: code, name, short name, description, order."""
EVENT_SHARE = 0.5
"""Different times by rows from which a table records events, and is no list."""
MIN_EVENTS = 10
"""Rows below which times say nothing about that."""
DOUBTFUL = 0.4
"""Confidence, stated in questions, that a doubtful table is a reference table."""
_LISTS = frozenset(
    re.split(
        r"\s+",
        """
    type kind category status state code class genre unit country region province county
    continent currency language nationality color colour size reason role priority level
    mode tipus tipo estat estado codi codigo categoria classe clase genere genero unitat
    unidad pais regio provincia comarca continente moneda idioma llengua motiu motivo rol
    prioritat prioridad nivell nivel modalitat modalidad ref lookup lkp lut
    """.strip(),
    )
)
"""What lists of codes are called, at the end of the name or as its first word."""


@dataclass(frozen=True, slots=True)
class ReferenceVerdict:
    """Whether a table is a reference table, and why; `doubt` where a person should say so."""

    is_reference: bool
    reason: str
    doubt: str = ""


def reference_verdict(
    table: Table,
    schema: Schema,
    references: Collection[TableName],
    rows: pd.DataFrame | None = None,
    answer: bool | None = None,
) -> ReferenceVerdict:
    """Judge one table.

    Args:
        table: with its row count.
        schema: all tables, with row counts.
        references: those already found to be reference tables.
        rows: sampled rows of the table.
        answer: of a person.

    Raises:
        SettingsError: it cannot be what the person says.
    """
    outside = [
        k.referred for k in table.foreign_keys if k.referred not in {*references, table.name}
    ]
    if outside and answer:
        raise SettingsError(
            f"{reference_id(table.name)} is accepted, but {table.name} depends on {outside[0]}, "
            f"which is generated. Accept {reference_id(outside[0])} too, or neither."
        )
    if outside:
        return ReferenceVerdict(False, f"it depends on {outside[0]}, which is generated")
    if answer is not None:
        return ReferenceVerdict(answer, "stated, not judged")
    count = table.row_count or 0
    children = [
        other.row_count or 0
        for other in schema
        if other.name != table.name and any(k.referred == table.name for k in other.foreign_keys)
    ]
    if not children:
        return ReferenceVerdict(False, "no table references it")
    if count > MAX_REFERENCE_ROWS:
        return ReferenceVerdict(False, f"{count:,} rows are more than a look-up table has")
    return _judged(table, count, max(children), personal(table, rows), rows)


def _judged(
    table: Table, count: int, largest: int, people: Personal | None, rows: pd.DataFrame | None
) -> ReferenceVerdict:
    """Judge a small table by who shares it, whom it tells of, and what it is called."""
    if people is not None and people.sure:
        return ReferenceVerdict(False, people.what)
    shared = count <= MAX_SHARE_OF_CHILD * largest
    of_codes = _is_list_of_codes(table)
    if not shared and not of_codes:
        return ReferenceVerdict(False, f"{count:,} rows for at most {largest:,} of a child")
    doubt = people.what if people is not None else _events(table, rows)
    if doubt:
        return ReferenceVerdict(False, doubt, doubt)
    if not shared:
        return ReferenceVerdict(
            True, f"{count:,} rows, not about people, a list of codes by its name and columns"
        )
    return ReferenceVerdict(
        True, f"{count:,} rows, not about people, shared by {largest:,} rows of a child"
    )


def _is_list_of_codes(table: Table) -> bool:
    parts = words(table.name.name)
    named = {form for word in (*parts[:1], *parts[-1:]) for form in singular(word)} & _LISTS
    times = (TypeFamily.DATE, TypeFamily.DATETIME)
    plain = all(column.type.family not in times for column in table.columns)
    return bool(named) and plain and len(table.columns) <= MAX_CODE_COLUMNS


def _events(table: Table, rows: pd.DataFrame | None) -> str:
    """Return what speaks for records of events rather than a list."""
    if rows is None or len(rows) < MIN_EVENTS:
        return ""
    for column in table.columns:
        if column.type.family in (TypeFamily.DATE, TypeFamily.DATETIME) and column.name in rows:
            different = pc.count_distinct(array(rows, column.name).drop_null()).as_py()
            if different >= EVENT_SHARE * len(rows):
                return f"column {column.name} holds a time of nearly every row"
    return ""


def reference_id(table: TableName) -> KeyId:
    """Return the id by which a person answers whether a table is a reference table."""
    return KeyId(Kind.REFERENCE, table)


def reference_question(table: Table, verdict: ReferenceVerdict) -> Question:
    """Return the question about a doubtful table.

    Args:
        table: judged.
        verdict: with a doubt.
    """
    return Question(
        str(reference_id(table.name)),
        f"May the {table.row_count or 0:,} rows of {table.name} be copied as they are? "
        f"It is small and shared, but {verdict.doubt}.",
        if_accepted=f"{table.name} is copied, and what refers to it is learned as a category.",
        if_rejected="Assumed already: its rows are generated.",
        confidence=DOUBTFUL,
    )
