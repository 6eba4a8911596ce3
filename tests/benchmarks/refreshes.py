"""Refreshes of whole databases with the real generator, and what is left to object to.

Imported by the benchmarks of refreshed databases; slow, hence never by the default suite.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from constraints import violations
from targets import emptied_copy
from there_and_back import Trip, read

from schemasynth import api
from schemasynth.plan import RefreshPlan, read_plan
from schemasynth.plan.model import ColumnTreatment, Role
from schemasynth.refresh import PLAN_FILE, RefreshOptions
from schemasynth.report import RefreshReport
from schemasynth.rewrite import Prepared, Repair, Restored

TRACES = ("mostly", "_RARE_", "_INVALID_")
"""What the generator writes where it has no value of its own to give."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A database that was refreshed: the rows of both sides, and what the run reported."""

    trip: Trip
    report: RefreshReport

    @property
    def plan(self) -> RefreshPlan:
        """What was decided."""
        return self.trip.plan

    @property
    def repaired(self) -> float:
        """Share of the target's rows that were changed so that its constraints hold."""
        return self._share(
            repair
            for repair in self.report.repairs
            if not _is_surplus(repair) and not _is_of_rule(repair)
        )

    @property
    def ruled(self) -> float:
        """Changes that keep the source's rules, by rows; a row is changed for each rule."""
        return self._share(repair for repair in self.report.repairs if _is_of_rule(repair))

    @property
    def surplus(self) -> float:
        """Rows that were generated beyond the planned number and left out, by the target's."""
        return self._share(repair for repair in self.report.repairs if _is_surplus(repair))

    def _share(self, repairs: Iterable[Repair]) -> float:
        rows = sum(table.rows or 0 for table in self.report.tables)
        return sum(repair.rows for repair in repairs) / rows if rows else 0.0


def _is_surplus(repair: Repair) -> bool:
    return repair.what == "rows beyond the planned number left out"


def _is_of_rule(repair: Repair) -> bool:
    return repair.what.endswith((": changed to keep it", ": could not be kept"))


def refreshed(
    origin: Path,
    folder: Path,
    *,
    scale: float = 1.0,
    epochs: float = 1.0,
    seed: int = 1,
    plan: RefreshPlan | None = None,
) -> Refreshed:
    """Refresh an emptied copy of a SQLite file with the real generator.

    Args:
        origin: the source; only read.
        folder: for the target and the run's workspace; must not exist.
        scale: planned rows by rows of the source.
        epochs: passes over the data in training.
        seed: of the run.
        plan: a reviewed one.
    """
    folder.mkdir(parents=True)
    target = emptied_copy(origin, folder / "target.sqlite")
    api.init_target(target)
    options = RefreshOptions(max_epochs=epochs, seed=seed, workdir=folder / "work")
    report = api.refresh(str(origin), target, plan=plan, scale=scale, options=options)
    made = read_plan((folder / "work" / PLAN_FILE).read_text("utf-8"))
    schema, before = read(origin)
    _, after = read(Path(target))
    nothing = Prepared((), {})
    return Refreshed(Trip(schema, before, made, nothing, Restored(after, report.repairs)), report)


def objections(result: Refreshed, target: Path) -> list[str]:
    """Return one line for each thing that is wrong with the rows of a refreshed database.

    How many there are is not asked: `row_counts_apart` tells.
    """
    verified = api.verify(str(target), model=result.trip.schema)
    found = [f"verify: {name}" for name, rows in verified.violations.items() if rows]
    broken = [line for line in violations(result.trip) if "rows planned" not in line]
    return [*found, *broken, *_traces(result.trip), *_shapes(result.trip)]


def _traces(trip: Trip) -> Iterator[str]:
    for name, frame in trip.restored.frames.items():
        for column in frame.columns:
            texts = frame[column].dropna().astype(str)
            known = trip.frames[name][column].dropna().astype(str)
            for trace in TRACES:
                if texts.str.contains(trace).any() and not known.str.contains(trace).any():
                    yield f"{name}.{column}: {trace}"


def _shapes(trip: Trip) -> Iterator[str]:
    """Yield keys of a shape that no key of the source has, where the source's shapes are few."""
    for table in trip.plan.tables:
        if table.is_entity or table.role is Role.REFERENCE:
            continue
        for column in table.columns:
            if column.treatment is not ColumnTreatment.KEY:
                continue
            old, new = (
                f[str(table.name)][column.name] for f in (trip.frames, trip.restored.frames)
            )
            known = set(map(_shape, old.dropna().astype(str)))
            strange = set(map(_shape, new.dropna().astype(str))) - known
            if len(known) <= FEW_SHAPES * len(old) and strange:
                yield f"{table.name}.{column.name}: {len(strange)} shapes that the source has not"


FEW_SHAPES = 0.1
"""Shapes by rows of the source above which a column is free text, not of a format."""


def _shape(value: str) -> str:
    """Return a value with letters and runs of digits in the place of what they stand for."""
    if re.fullmatch(r"-?\d+(\.0)?", value) and not value.startswith("0"):
        return "number"
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", value))


def row_counts_apart(result: Refreshed) -> float:
    """Return the largest relative difference of a table's rows from what was planned."""
    apart = [
        abs((table.rows or 0) - table.planned_rows) / table.planned_rows
        for table in result.report.tables
        if table.planned_rows and not table.is_entity
    ]
    return max(apart, default=0.0)


def repairs_by_table(result: Refreshed) -> pd.Series:
    """Return the share of rows repaired, by table."""
    rows = {table.name: table.rows or 0 for table in result.report.tables}
    repairs: dict[str, int] = {}
    for repair in result.report.repairs:
        if _is_surplus(repair) or _is_of_rule(repair):
            continue
        repairs[repair.table] = repairs.get(repair.table, 0) + repair.rows
    return pd.Series(
        {name: n / max(rows.get(name, 0), 1) for name, n in repairs.items()}, dtype=float
    )
