"""Accuracy of key inference with the shipped weights, on real and on planted databases."""

from __future__ import annotations

from pathlib import Path

import planted_composites
import pytest
from keybench import introspected, prediction, scored, write_prediction
from measures import Record, at_least, at_most, for_information
from planted import write

pytestmark = pytest.mark.bench

SDV_FOREIGN, SDV_PRIMARY = 0.651, 0.795
"""Macro F1 of SDV 2.0's metadata detection on the same databases."""
SECONDS = 120.0
DATABASES_AN_ALARM = 40
FOLDS = 3
"""Folds of the short form; the long one leaves out each family alone, three times."""


def test_keys_of_known_databases(keybench: Path, tmp_path: Path, record: Record) -> None:
    """The shipped weights know these databases: their accuracy is shown, not judged."""
    found = list(introspected(keybench))
    for one in found:
        write_prediction(one.name, prediction(one.schema), tmp_path)
    total = scored(keybench, tmp_path, keybench)["total"]
    alarms = sum(bool(one.schema.implicit_entities) for one in found)
    record(
        at_least("learned databases: FK macro F1", total["fk"]["macro"]["f1"], SDV_FOREIGN),
        at_least("learned databases: PK macro F1", total["pk"]["macro"]["f1"], SDV_PRIMARY),
        at_most("keybench: seconds for all databases", sum(o.seconds for o in found), SECONDS),
        at_most("keybench: implicit entities, databases with one", alarms,
                len(found) // DATABASES_AN_ALARM),
    )  # fmt: skip


def test_planted_composite_references(keybench: Path, tmp_path: Path, record: Record) -> None:
    for planted in planted_composites.databases():
        write(planted, tmp_path / "truths")
    for one in introspected(tmp_path / "truths"):
        write_prediction(one.name, prediction(one.schema), tmp_path / "found")
    total, lenient = (
        scored(tmp_path / "truths", tmp_path / "found", keybench, lenient=judged)["total"]
        for judged in (False, True)
    )
    composite = total["fk_composite"]["micro"]
    record(
        at_least("planted composite FKs: count", composite["tp"] + composite["fn"], 60),
        at_least("planted composite FKs: precision", composite["precision"], 0.9),
        at_least("planted composite FKs: recall", composite["recall"], 0.9),
        for_information("planted composite FKs: precision, implied ones apart",
                        lenient["fk_composite"]["micro"]["precision"]),
        for_information("planted databases: FK macro F1", total["fk"]["macro"]["f1"]),
        for_information("planted databases: PK macro F1", total["pk"]["macro"]["f1"]),
    )  # fmt: skip


def test_keys_of_databases_not_seen_in_training(keybench: Path, record: Record, long: bool) -> None:
    pytest.importorskip("lightgbm", reason="training needs LightGBM")
    from cases import VARIANTS, kept
    from evaluate import SEEDS, evaluated

    cases = kept(None, keybench, VARIANTS)
    folds, seeds = (0, SEEDS) if long else (FOLDS, 1)
    measures, lines = evaluated(cases, keybench, folds=folds, seeds=seeds, processes=2)
    print(*lines, sep="\n")
    record(*measures)
