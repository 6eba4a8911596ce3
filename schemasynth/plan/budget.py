"""The privacy budget of a plan, for people.

Imports the plan's values only; stands in the plan file and the preview.
"""

from __future__ import annotations

from schemasynth.plan.model import ColumnTreatment, Encoding, RefreshPlan, Role

_GENERATED = (Role.SUBJECT, Role.LINKED)


def budget(plan: RefreshPlan) -> str:
    """Return what training may spend at most, and what it does not cover; empty without.

    Models are trained one by one on rows about the same people, so their budgets add up
    (sequential composition: Dwork and Roth, 2014, theorem 3.16).

    Args:
        plan: what was decided.
    """
    differential = plan.privacy.differential
    if differential is None:
        return ""
    models, each = count_models(plan), differential.max_epsilon
    delta = f"delta {differential.delta:g}, {differential.delta * models:g} in all"
    spent = f"at most epsilon {each:g}, {each * models:g} in all" if each else "no limit of epsilon"
    lines = [f"Differential privacy: {models} models, each {spent}; {delta}."]
    if differential.value_protection_epsilon is None:
        lines.append("Ranges and categories of columns are not covered.")
    lines.append("Copied tables, key formats, rules and numbers of children are not covered.")
    return "\n".join(lines)


def count_models(plan: RefreshPlan) -> int:
    """Return how many models a plan trains: one a generated table, one more where it has texts."""
    tables = [table for table in plan.tables if table.role in _GENERATED]
    texts = [
        table
        for table in tables
        if any(
            c.treatment is ColumnTreatment.LANGUAGE_MODEL
            or (c.treatment is ColumnTreatment.LEARN and c.encoding is Encoding.TEXT)
            for c in table.columns
        )
    ]
    return len(tables) + len(texts)
