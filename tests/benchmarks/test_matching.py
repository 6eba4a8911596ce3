"""Patterns to parents that are not the context: found again by traits, or left to the SDK."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from measures import Record, at_least, for_information
from refreshes import Refreshed, refreshed

from schemasynth import api
from schemasynth.plan import RefreshPlan
from schemasynth.plan.model import ForeignKeyPlan, ForeignKeyTreatment, Role, TablePlan
from schemasynth.verify.patterns import key_patterns

pytestmark = pytest.mark.bench
DATABASES = ("northwind", "oracle_hr_oe", "chinook", "berka", "tpch", "mondial")
EPOCHS = 5.0
"""Passes in training: both ways get the same."""
SEED = 1
WORST = -0.01
"""A foreign key may lose so much against the SDK alone."""


@pytest.mark.parametrize("name", DATABASES)
def test_parents_fit_at_least_as_well_as_the_matched_ones(
    keybench: Path, tmp_path: Path, record: Record, name: str
) -> None:
    path = keybench / name / f"{name}.declared.sqlite"
    plan = api.plan(str(path))
    ours = _bivariate(refreshed(path, tmp_path / "ours", epochs=EPOCHS, plan=plan))
    alone = _bivariate(refreshed(path, tmp_path / "alone", epochs=EPOCHS, plan=_matched(plan)))
    gains = {key: ours[key] - alone[key] for key in ours.keys() & alone.keys()}
    if not gains:
        pytest.skip(f"{name} has no foreign key whose parent is found again")
    record(
        for_information(f"{name}: bivariate accuracy, by traits", _mean(ours[k] for k in gains)),
        for_information(f"{name}: bivariate accuracy, SDK alone", _mean(alone[k] for k in gains)),
        at_least(f"{name}: gain, mean over {len(gains)} keys", _mean(gains.values()), 0.0),
        at_least(f"{name}: gain, worst key", min(gains.values()), WORST),
    )


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _matched(plan: RefreshPlan) -> RefreshPlan:
    """Return a plan that leaves the other parents to the SDK's matcher.

    It cannot match copied tables, which it has never seen.
    """
    copied = {table.name for table in plan.tables if table.role is Role.REFERENCE}

    def changed(table: TablePlan, key: ForeignKeyPlan) -> ForeignKeyPlan:
        found_again = key.treatment is ForeignKeyTreatment.RESTORED and key.referred != table.name
        if not found_again or copied & {table.name, key.referred}:
            return key
        return replace(key, treatment=ForeignKeyTreatment.MATCHED, traits=())

    return replace(
        plan,
        tables=tuple(
            replace(table, foreign_keys=tuple(changed(table, key) for key in table.foreign_keys))
            for table in plan.tables
        ),
    )


def _bivariate(result: Refreshed) -> dict[tuple[str, tuple[str, ...]], float]:
    """Return the accuracy of child and parent columns taken together, by foreign key."""
    trip = result.trip
    known = (ForeignKeyTreatment.CONTEXT, ForeignKeyTreatment.CATEGORY)
    return {
        (found.table, found.columns): found.bivariate.made
        for found in key_patterns(trip.plan, trip.frames, trip.restored.frames, SEED)
        if found.bivariate is not None
        and found.treatment not in known
        and found.referred != found.table
    }
