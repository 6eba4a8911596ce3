"""The keys a plan accepts, put on a schema as reflected.

Imports the model and the plan's values; the refresh loads and verifies with the result.
"""

from __future__ import annotations

from dataclasses import replace

from schemasynth.model import ForeignKey, Origin, PrimaryKey, Schema, Table, UniqueKey
from schemasynth.model.merge import with_keys
from schemasynth.plan.model import RefreshPlan, Role, TablePlan


def accepted_schema(plan: RefreshPlan, schema: Schema) -> Schema:
    """Return the tables that a plan refreshes, in load order, with the keys it accepts.

    Args:
        plan: what was decided.
        schema: as reflected from the source or the target; its declared keys stay.

    Raises:
        SettingsError: a table of the plan is not in the schema.
    """
    planned = [t for t in plan.tables if not t.is_entity and t.role is not Role.SKIP]
    ordered = replace(schema, tables=tuple(schema.table(t.name) for t in planned))
    known = tuple(_as_table(schema.table(t.name), t) for t in planned)
    return with_keys(ordered, replace(schema, tables=known))


def _as_table(table: Table, plan: TablePlan) -> Table:
    """Return the table with the plan's keys only; none over computed columns that it lacks."""
    inferred, there = Origin.INFERRED, set(table.column_names)
    primary = PrimaryKey(plan.primary_key, origin=inferred) if plan.primary_key else None
    return Table(
        table.name,
        table.columns,
        primary_key=primary,
        unique_keys=tuple(
            UniqueKey(key, origin=inferred) for key in plan.unique_keys if there.issuperset(key)
        ),
        foreign_keys=tuple(
            ForeignKey(key.columns, key.referred, key.referred_columns, origin=inferred)
            for key in plan.foreign_keys
            if not key.to_entity and there.issuperset(key.columns)
        ),
    )
