"""The relational model: frozen values that say what a database's schema is.

May be imported by the whole package; imports only `schemasynth.errors`.
"""

from schemasynth.model.schema import (
    Check,
    Column,
    Computed,
    ConstraintState,
    EntityMember,
    Evidence,
    ForeignKey,
    Identity,
    ImplicitEntity,
    Index,
    Origin,
    PrimaryKey,
    Question,
    Schema,
    Sequence,
    Table,
    TableName,
    UniqueKey,
)
from schemasynth.model.types import SqlType, TypeFamily, arrow_type

__all__ = [
    "Check",
    "Column",
    "Computed",
    "ConstraintState",
    "EntityMember",
    "Evidence",
    "ForeignKey",
    "Identity",
    "ImplicitEntity",
    "Index",
    "Origin",
    "PrimaryKey",
    "Question",
    "Schema",
    "Sequence",
    "SqlType",
    "Table",
    "TableName",
    "TypeFamily",
    "UniqueKey",
    "arrow_type",
]
