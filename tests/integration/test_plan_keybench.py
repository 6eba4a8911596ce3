"""Plans of all declared keybench databases: accepted, read back equal, within the generator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from schemasynth.adapter import adapter_for, count_rows
from schemasynth.plan import check_plan, make_plan, read_plan, write_plan
from schemasynth.plan.keypattern import is_fixed
from schemasynth.plan.model import (
    ColumnTreatment,
    ForeignKeyTreatment,
    RefreshPlan,
    Role,
)
from schemasynth.reading import read_frames
from schemasynth.settings import database_url

SMALL = 500
"""Rows a table in the test of samples: fewer than a third of the databases' tables have."""


def plans(keybench: Path, limit: int | None = None) -> Iterator[tuple[str, RefreshPlan]]:
    for path in sorted(keybench.rglob("*.declared.sqlite")):
        url = database_url(str(path))
        with adapter_for(url).source(url) as source:
            schema = count_rows(source, source.reflect())
            frames = read_frames(source, schema, limit=limit)
        plan = make_plan(schema, frames, source=path.parent.name)
        check_plan(plan, schema)
        assert read_plan(write_plan(plan)) == plan, path.parent.name
        yield path.parent.name, plan


def faults(plan: RefreshPlan) -> Iterator[str]:
    for table in plan.tables:
        if (table.role is Role.LINKED) != (table.context is not None):
            yield f"{table.name}: role and context disagree"
        if not table.reason or not all(key.reason for key in table.foreign_keys):
            yield f"{table.name}: a choice without reason"
        for key in table.foreign_keys:
            parent = plan.table(key.referred)
            of_copied = parent.role is Role.REFERENCE and table.role is not Role.REFERENCE
            if of_copied and key.treatment is not ForeignKeyTreatment.CATEGORY:
                yield f"{table.name}{key.columns}: a reference table, but no category"
        for column in table.columns:
            if (column.treatment is ColumnTreatment.LEARN) != (column.encoding is not None):
                yield f"{table.name}.{column.name}: learned and encoded disagree"
            shapes = column.key_format.patterns if column.key_format else ()
            if shapes and all(is_fixed(pattern) for pattern, _ in shapes):
                yield f"{table.name}.{column.name}: a pattern that is one value"


def test_all_plans_can_be_carried_out(keybench: Path) -> None:
    found = {name: list(faults(plan)) for name, plan in plans(keybench)}
    assert len(found) > 70
    assert {name: what for name, what in found.items() if what} == {}


def test_samples_do_not_invent_missing_parents(keybench: Path) -> None:
    """A foreign key that holds in the source holds in the plan of a sample of it."""
    for name, plan in plans(keybench / "tpch", SMALL):
        shares = [key.null_share for table in plan.tables for key in table.foreign_keys]
        assert shares == [0.0] * len(shares), name
