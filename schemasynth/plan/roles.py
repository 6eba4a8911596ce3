"""Which tables are reference tables: small, shared by many rows, and not about people.

Imports the model only; used by the plan.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from schemasynth.model import Schema, Table, TableName

MAX_REFERENCE_ROWS = 500
"""Look-up tables are read by people; longer ones are master data."""
MAX_SHARE_OF_CHILD = 0.2
"""A reference row serves at least five rows of its largest child on the mean."""
_PERSONAL = re.compile(
    r"""
    (first|last|middle|family|given|full|maiden|sur|nick) _? name | surname | forename
  | nom(_|$)(?!ina) | cognom | nombre | apellido
  | e_?mail | correo | correu | phone | mobile | telefon | telf | fax(_|$)
  | birth | (^|_)dob(_|$) | naixement | nacimiento | (^|_)(sex|sexe|sexo|gender|genere|genero)(_|$)
  | passport | passaport | (^|_)(dni|nie|nif|ssn|nuss|cip)(_|$) | identificador | social_?sec
  | salary | salario | salari | (^|_)iban(_|$) | password | user_?name | login
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Column names that speak of a person, in English, Spanish and Catalan."""
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class ReferenceVerdict:
    """Whether a table is a reference table, and why."""

    is_reference: bool
    reason: str


def personal_column(table: Table) -> str | None:
    """Return the first column whose name speaks of a person, if any."""
    return next((c.name for c in table.columns if _PERSONAL.search(_snake(c.name))), None)


def _snake(name: str) -> str:
    return "_".join(word for word in _WORDS.split(name) if word).lower()


def reference_verdict(
    table: Table, schema: Schema, references: Collection[TableName]
) -> ReferenceVerdict:
    """Judge one table.

    Args:
        table: with its row count.
        schema: all tables, with row counts.
        references: those already found to be reference tables.
    """
    rows = table.row_count or 0
    children = [
        other.row_count or 0
        for other in schema
        if other.name != table.name and any(k.referred == table.name for k in other.foreign_keys)
    ]
    if not children:
        return ReferenceVerdict(False, "no table references it")
    if rows > MAX_REFERENCE_ROWS:
        return ReferenceVerdict(False, f"{rows:,} rows are more than a look-up table has")
    if rows > MAX_SHARE_OF_CHILD * max(children):
        return ReferenceVerdict(False, f"{rows:,} rows for at most {max(children):,} of a child")
    personal = personal_column(table)
    if personal:
        return ReferenceVerdict(False, f"column {personal} speaks of people")
    outside = [
        k.referred for k in table.foreign_keys if k.referred not in {*references, table.name}
    ]
    if outside:
        return ReferenceVerdict(False, f"it depends on {outside[0]}, which is generated")
    return ReferenceVerdict(
        True, f"{rows:,} rows, not about people, shared by {max(children):,} rows of a child"
    )
