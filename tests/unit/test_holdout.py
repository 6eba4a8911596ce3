"""Subjects that are kept from the generator: whole trees, and as many to be compared with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from there_and_back import read

from schemasynth import api
from schemasynth.arrays import array, lookup
from schemasynth.demo import write_source
from schemasynth.holdout import FEWEST, MOST, Split, hold_out
from schemasynth.model.privacy import Privacy
from schemasynth.plan.model import RefreshPlan
from schemasynth.rewrite import Prepared, Source, prepare_each, restore
from schemasynth.rewrite.sizes import TOLERATED_SHORTAGE
from schemasynth.rows import Tables
from schemasynth.testing.standin import generate
from schemasynth.verify.distance import SUBJECT
from schemasynth.verify.measure import FEW, NO_HOLDOUT, measure_tables

PEOPLE = 1_500


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[RefreshPlan, Tables]:
    path = tmp_path_factory.mktemp("demo") / "live.sqlite"
    write_source(path, PEOPLE)
    return api.plan(str(path)), read(path)[1]


def parts(split: Split, table: str) -> tuple[set[object], set[object]]:
    """Return the people of whom rows are learned, and those of whom rows are held out."""
    people = array(split.source.rows[table], "identificador" if table == "titular" else PERSON)
    learned = split.source.chosen[table]
    held = split.source.held_out[table]
    assert learned + held == len(split.source.rows[table])
    return set(people[:learned].to_pylist()), set(people[learned:].to_pylist())


PERSON = "Usuari_solicitant"


def test_subjects_are_held_out_with_all_that_belongs_to_them(
    demo: tuple[RefreshPlan, Tables],
) -> None:
    plan, frames = demo
    split = hold_out(plan, Source(frames), 1)
    seen, out = parts(split, "titular")
    assert not seen & out
    assert FEWEST * 0.7 <= len(out) <= MOST * PEOPLE * 1.3
    paid, unpaid = parts(split, "pagamentnomina")
    assert paid <= seen
    assert unpaid <= out
    pair = ["N_Expedit", "N_Procediment"]
    payments, actions = (split.source.rows[t] for t in ("pagamentnomina", "actuacionsnomina"))
    where = lookup(*([array(rows, name) for name in pair] for rows in (actions, payments)))
    of_payments = np.arange(len(payments)) < split.source.chosen["pagamentnomina"]
    of_actions = np.arange(len(actions)) < split.source.chosen["actuacionsnomina"]
    assert (of_payments[where] == of_actions)[where >= 0].all()


def test_equal_seeds_hold_out_equal_subjects(demo: tuple[RefreshPlan, Tables]) -> None:
    plan, frames = demo
    one, same, other = (parts(hold_out(plan, Source(frames), s), "titular")[1] for s in (1, 1, 2))
    assert one == same != other


def test_compared_rows_are_learned_ones_and_held_out_ones(
    demo: tuple[RefreshPlan, Tables],
) -> None:
    plan, frames = demo
    split = hold_out(plan, Source(frames), 1)
    for name, held in split.source.held_out.items():
        assert 0.6 * held <= len(split.training[name]) <= 1.6 * held
        assert len(split.holdout[name]) == held
        sides = (split.training[name], split.holdout[name])
        both = [set(array(side, SUBJECT).to_pylist()) for side in sides]
        assert not both[0] & both[1]
    learned = {c.name for t in plan.tables for c in t.columns if c.treatment == "learn"}
    columns = {str(c) for rows in split.holdout.values() for c in rows.columns}
    assert columns <= learned | {SUBJECT}


@pytest.mark.parametrize("holdout", [0, FEWEST - 1])
def test_nothing_is_held_out(demo: tuple[RefreshPlan, Tables], holdout: int) -> None:
    plan, frames = demo
    split = hold_out(replace(plan, privacy=Privacy(holdout)), Source(frames), 1)
    assert split.source == Source(frames)
    assert not split.training


def there(plan: RefreshPlan, split: Split) -> Tables:
    """Go through the stand-in with what is left after some is held out."""
    frames: dict[str, object] = {}
    kept: dict[str, object] = {}
    tables = prepare_each(plan, split.source, 1, frames.__setitem__, kept.__setitem__)
    return restore(plan, generate(Prepared(tables, frames), 2), kept, 3).frames  # type: ignore[arg-type]


def test_what_is_held_out_is_not_learned_and_does_not_come_back(
    demo: tuple[RefreshPlan, Tables],
) -> None:
    plan, frames = demo
    split = hold_out(plan, Source(frames), 1)
    made = there(plan, split)
    for name, rows in made.items():
        assert len(rows) == pytest.approx(len(frames[name]), rel=TOLERATED_SHORTAGE)
    people = [set(array(f["titular"], "identificador").to_pylist()) for f in (frames, made)]
    assert not people[0] & people[1]


def test_the_stand_in_copies_and_is_caught(demo: tuple[RefreshPlan, Tables]) -> None:
    plan, frames = demo
    split = hold_out(plan, Source(frames), 1)
    found = measure_tables(plan, split.training, split.holdout, there(plan, split), 1)
    assert {one.table for one in found} == set(frames)
    assert all(one.suspicious for one in found)
    assert all(one.copies is not None and one.copies.identical > 0.02 for one in found)


def test_source_rows_themselves_are_no_nearer_to_either_side(
    demo: tuple[RefreshPlan, Tables], tmp_path: Path
) -> None:
    """Rows of another source of the same law stand for an honest generator's."""
    plan, frames = demo
    write_source(tmp_path / "other.sqlite", PEOPLE, 99)
    other = read(tmp_path / "other.sqlite")[1]
    split = hold_out(plan, Source(frames), 1)
    for one in measure_tables(plan, split.training, split.holdout, other, 1):
        assert not one.suspicious, one


def test_why_nothing_was_measured_is_said(demo: tuple[RefreshPlan, Tables]) -> None:
    plan, frames = demo
    off = replace(plan, privacy=Privacy(0))
    assert {one.why for one in measure_tables(off, {}, {}, frames, 1)} == {NO_HOLDOUT}
    why = {one.table: one.why for one in measure_tables(plan, {}, {}, frames, 1)}
    assert why["titular"] == f"{FEW}, {PEOPLE:,} rows"


def test_rules_are_measured_on_all_rows(demo: tuple[RefreshPlan, Tables]) -> None:
    from schemasynth.rewrite.base import Preparation

    plan, frames = demo
    split = hold_out(plan, Source(frames), 1)
    work = Preparation.of(plan, split.source, 1)
    assert len(work.measured("pagamentnomina")) == len(frames["pagamentnomina"])
    assert len(work.source["pagamentnomina"]) == split.source.chosen["pagamentnomina"]
