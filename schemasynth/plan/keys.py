"""The keys a plan accepts, put on a schema as reflected.

Imports the model and the plan's values; the refresh loads and verifies with the result.
"""

from __future__ import annotations

from dataclasses import replace

from schemasynth.model import ForeignKey, Origin, PrimaryKey, Schema, Table, UniqueKey
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
    return replace(schema, tables=tuple(_with_keys(schema.table(t.name), t) for t in planned))


def _with_keys(table: Table, plan: TablePlan) -> Table:
    return replace(
        table,
        primary_key=table.primary_key or _primary_key(plan),
        unique_keys=table.unique_keys + _unique_keys(table, plan),
        foreign_keys=table.foreign_keys + _foreign_keys(table, plan),
    )


def _primary_key(plan: TablePlan) -> PrimaryKey | None:
    return PrimaryKey(plan.primary_key, origin=Origin.INFERRED) if plan.primary_key else None


def _unique_keys(table: Table, plan: TablePlan) -> tuple[UniqueKey, ...]:
    known = {frozenset(key) for key in table.candidate_keys}
    return tuple(
        UniqueKey(key, origin=Origin.INFERRED)
        for key in plan.unique_keys
        if frozenset(key) not in known
    )


def _foreign_keys(table: Table, plan: TablePlan) -> tuple[ForeignKey, ...]:
    known = {_pairs(key.columns, key.referred_columns, key.referred) for key in table.foreign_keys}
    return tuple(
        ForeignKey(key.columns, key.referred, key.referred_columns, origin=Origin.INFERRED)
        for key in plan.foreign_keys
        if not key.to_entity
        and _pairs(key.columns, key.referred_columns, key.referred) not in known
    )


def _pairs(columns: tuple[str, ...], referred_columns: tuple[str, ...], referred: object) -> object:
    return referred, frozenset(zip(columns, referred_columns, strict=True))
