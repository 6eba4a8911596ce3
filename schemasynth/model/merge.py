"""The keys of one schema put on another reflection of the same tables.

Belongs to the relational model; verification uses it for keys that a database does not declare.
"""

from __future__ import annotations

from dataclasses import replace

from schemasynth.errors import DriftError, SettingsError
from schemasynth.model.schema import ForeignKey, Schema, Table


def with_keys(schema: Schema, known: Schema) -> Schema:
    """Return a schema with the keys of another one where it does not declare them.

    Args:
        schema: as reflected.
        known: the same tables, with more keys.

    Keys over computed columns that `schema` lacks are left out: another kind of database may not be
    able to compute them.

    Raises:
        DriftError: a table of `known` is missing.
    """
    missing = tuple(f"table {t.name} is missing" for t in known if t.name not in schema)
    if missing:
        raise DriftError(f"{schema.name} does not fit the model: {'; '.join(missing)}.", missing)
    return schema.with_tables(_merged(schema.table(table.name), table) for table in known)


def check_references(schema: Schema) -> None:
    """Refuse a schema whose foreign keys refer to columns that are not there.

    Args:
        schema: perhaps edited by hand; keys to tables outside of it are passed over.

    Raises:
        SettingsError: names the first such key.
    """
    columns = {table.name: set(table.column_names) for table in schema}
    for table in schema:
        for key in table.foreign_keys:
            missing = set(key.referred_columns) - columns.get(
                key.referred, set(key.referred_columns)
            )
            if missing:
                raise SettingsError(
                    f"The foreign key {table.name}({', '.join(key.columns)}) refers to column "
                    f"{min(missing)!r}, which {key.referred} does not have."
                )


def _merged(table: Table, known: Table) -> Table:
    there = set(table.column_names)
    lost = {c.name for c in known.columns if c.computed and c.name not in there}
    unique = {frozenset(key) for key in table.candidate_keys}
    foreign = {_identity(key) for key in table.foreign_keys}
    return replace(
        table,
        primary_key=table.primary_key or known.primary_key,
        unique_keys=table.unique_keys
        + tuple(
            key
            for key in known.unique_keys
            if frozenset(key.columns) not in unique and not lost.intersection(key.columns)
        ),
        foreign_keys=table.foreign_keys
        + tuple(
            key
            for key in known.foreign_keys
            if _identity(key) not in foreign and not lost.intersection(key.columns)
        ),
    )


def _identity(key: ForeignKey) -> object:
    return key.referred, frozenset(zip(key.columns, key.referred_columns, strict=True))
