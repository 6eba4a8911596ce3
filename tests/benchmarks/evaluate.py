"""What the scoring of keys is worth on databases that training did not see, against the bars.

python tests/benchmarks/evaluate.py [KEYBENCH] [--folds N] [--seeds N] [--cases FILE] [--json FILE]

Families of databases are left out together, each alone by default or in as many folds as asked
for; every figure is the mean of the seeds. Needs LightGBM, and OMP_NUM_THREADS=1 where cores
are shared.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cases import (
    DECLARED,
    HIDDEN,
    LEARNED,
    ORPHANED,
    SHOWN,
    VARIANTS,
    Case,
    as_named,
    family,
    kept,
    planted,
)
from keybench import DEFAULT, prediction, scored, write_prediction
from measures import Measure, at_least, at_most, for_information, missed, table, write_json
from train_keys import trained

from schemasynth.infer.choice import choose
from schemasynth.infer.features import Beliefs
from schemasynth.infer.keys import keys_chosen
from schemasynth.model import Origin, Schema

SEEDS = 3
SURE = 0.9
"""Confidence from which a key should need no person."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Decided:
    """A variant of a database with the keys inferred for it."""

    case: Case
    schema: Schema


@dataclass(frozen=True, slots=True)
class Task:
    """One fit: learn from some cases, decide others."""

    train: list[Case]
    test: list[Case]
    seed: int


def decided(task: Task) -> list[Decided]:
    """Learn, and choose the keys of the cases left out."""
    _, beliefs = trained(task.train, task.test, task.seed)
    return [Decided(c, chosen(c, b)) for c, b in zip(task.test, beliefs, strict=True)]


def chosen(case: Case, beliefs: Beliefs) -> Schema:
    """Return the schema of a case with the keys that beliefs lead to."""
    return keys_chosen(case.found, beliefs, choose(case.found, beliefs))


def left_out(
    cases: Sequence[Case], always: Sequence[Case], folds: int, seed: int
) -> Iterator[Task]:
    """Yield the fits that together decide every case without having seen its family.

    Args:
        cases: all variants.
        always: planted ones, which every fit learns from.
        folds: number of fits; 0 leaves out each family alone.
        seed: of the folds and of the fits.
    """
    families = sorted({family(case.name) for case in cases})
    np.random.default_rng(seed).shuffle(families)
    count = min(folds or len(families), len(families))
    for i in range(count):
        out = set(families[i::count])
        train = [c for c in cases if c.variant in LEARNED and family(c.name) not in out]
        yield Task([*train, *always], [c for c in cases if family(c.name) in out], seed)


def transfer(cases: Sequence[Case], always: Sequence[Case], seed: int, *, to_spider: bool) -> Task:
    """Return the fit that learns from one part of the databases and decides the other.

    Families with members in both parts count for the smaller one only.
    """
    shared = {family(c.name) for c in cases if c.spider} & {
        family(c.name) for c in cases if not c.spider
    }
    usable = [c for c in cases if not (c.spider and family(c.name) in shared)]
    train = [c for c in usable if c.spider is not to_spider and c.variant in LEARNED]
    train += always
    return Task(train, [c for c in usable if c.spider is to_spider and c.variant == SHOWN], seed)


def totals(found: Sequence[Decided], keybench: Path, *, lenient: bool = False) -> Any:
    """Return the scorer's totals over decided databases, which must be of one variant."""
    with tempfile.TemporaryDirectory() as folder:
        truths, output = Path(folder) / "truths", Path(folder) / "found"
        for one in found:
            place = truths / one.case.name
            place.mkdir(parents=True)
            (place / "truth.json").write_text(json.dumps(one.case.truth), "utf-8")
            content = as_named(prediction(one.schema), one.case.original)
            write_prediction(one.case.name, content, output)
        return scored(truths, output, keybench, lenient=lenient)["total"]


@dataclass(frozen=True, slots=True)
class Judged:
    """Inferred keys of one sort: confidence, and whether the truth has them."""

    confidence: tuple[float, ...]
    right: tuple[bool, ...]

    def __add__(self, other: Judged) -> Judged:
        """Return both together."""
        return Judged(self.confidence + other.confidence, self.right + other.right)

    @property
    def error(self) -> float:
        """The expected calibration error over equal bins of confidence."""
        confidence, right = np.array(self.confidence), np.array(self.right, dtype=float)
        place = np.minimum((confidence * BINS).astype(int), BINS - 1)
        gaps = [
            abs(float(confidence[place == b].sum() - right[place == b].sum())) for b in range(BINS)
        ]
        return sum(gaps) / max(len(confidence), 1)

    def sure(self) -> tuple[float, float]:
        """Return the precision of the sure ones and their share."""
        right = [r for c, r in zip(self.confidence, self.right, strict=True) if c >= SURE]
        return sum(right) / max(len(right), 1), len(right) / max(len(self.right), 1)

    def lines(self) -> Iterator[str]:
        """Yield a line a bin: confidence, count, share that is right."""
        for b in range(BINS):
            inside = [
                (c, r)
                for c, r in zip(self.confidence, self.right, strict=True)
                if min(int(c * BINS), BINS - 1) == b
            ]
            if inside:
                mean, right = (sum(column) / len(inside) for column in zip(*inside, strict=True))
                band = f"{b / BINS:.1f}–{(b + 1) / BINS:.1f}"
                yield f"{band}  {len(inside):9}  {mean:.3f}  {right:.3f}"


def judged(found: Sequence[Decided]) -> tuple[Judged, Judged]:
    """Return the inferred primary and foreign keys of databases, as the scorer counts them."""
    keys = [judgement for one in found for judgement in _judged_keys(one)]
    references = [judgement for one in found for judgement in _judged_references(one)]
    return _together(keys), _together(references)


def _together(judgements: Sequence[tuple[float, bool]]) -> Judged:
    return Judged(tuple(c for c, _ in judgements), tuple(r for _, r in judgements))


def _judged_keys(one: Decided) -> Iterator[tuple[float, bool]]:
    truth = one.case.truth
    if truth.get("pk_scored") is False:
        return
    filled = {t.lower() for t, rows in truth["tables"].items() if rows}
    true = {t.lower(): {c.lower() for c in key} for t, key in truth["primary_keys"].items()}
    for item in one.schema:
        name, key = item.name.name.lower(), item.primary_key
        if key is not None and key.origin is Origin.INFERRED and name in filled:
            yield key.confidence, {c.lower() for c in key.columns} == true.get(name)


def _judged_references(one: Decided) -> Iterator[tuple[float, bool]]:
    true = {_ends(key) for key in one.case.truth["foreign_keys"]}
    for said, key in zip(
        prediction(one.schema)["foreign_keys"],  # type: ignore[call-overload]
        (key for item in one.schema for key in item.foreign_keys),
        strict=True,
    ):
        yield key.confidence, _ends(said) in true


def _ends(key: Any) -> tuple[str, str, frozenset[tuple[str, str]]]:
    pairs = zip(key["columns"], key["referred_columns"], strict=True)
    return (
        key["table"].lower(),
        key["referred_table"].lower(),
        frozenset((a.lower(), b.lower()) for a, b in pairs),
    )


def accuracy(runs: Sequence[Sequence[Decided]], keybench: Path) -> list[Measure]:
    """Return the measures of left-out databases, the mean of the runs.

    Args:
        runs: every variant of every database, once a seed.
        keybench: the folder of the scorer.
    """

    def mean(variant: str, sort: str, over: str, *, lenient: bool = False) -> float:
        return float(np.mean([t[sort][over]["f1"] for t in by_variant[variant, lenient]]))

    by_variant = {
        (variant, lenient): [
            totals([d for d in run if d.case.variant == variant], keybench, lenient=lenient)
            for run in runs
        ]
        for variant in VARIANTS
        for lenient in (False, True)
    }
    foreign = mean(SHOWN, "fk", "macro")
    return [
        at_least("FK macro F1", foreign, 0.94),
        at_least("FK micro F1", mean(SHOWN, "fk", "micro"), 0.93),
        at_least("composite FK micro F1", mean(SHOWN, "fk_composite", "micro"), 0.72),
        at_least("PK macro F1", mean(SHOWN, "pk", "macro"), 0.93),
        at_least("PK macro F1, lenient", mean(SHOWN, "pk", "macro", lenient=True), 0.95),
        at_least("composite PK micro F1", mean(SHOWN, "pk_composite", "micro"), 0.80),
        at_least(
            "composite PK micro F1, lenient",
            mean(SHOWN, "pk_composite", "micro", lenient=True),
            0.83,
        ),
        at_least("PKs declared: FK macro F1", mean(DECLARED, "fk", "macro"), 0.95),
        at_least("names hidden: FK macro F1", mean(HIDDEN, "fk", "macro"), 0.75),
        at_least("names hidden: PK macro F1", mean(HIDDEN, "pk", "macro"), 0.90),
        at_most("5 % orphans: loss of FK macro F1", foreign - mean(ORPHANED, "fk", "macro"), 0.03),
        for_information("FK macro F1, lenient", mean(SHOWN, "fk", "macro", lenient=True)),
        for_information("PK micro F1", mean(SHOWN, "pk", "micro")),
        for_information(
            "FK macro F1, standard deviation of seeds",
            float(np.std([t["fk"]["macro"]["f1"] for t in by_variant[SHOWN, False]])),
        ),
    ]


def calibration(runs: Sequence[Sequence[Decided]]) -> tuple[list[Measure], list[str]]:
    """Return the measures of confidence, and their table, over all runs together."""
    keys, references = judged([d for run in runs for d in run if d.case.variant == SHOWN])
    precise, share = references.sure()
    lines = ["confidence  keys   mean  right"]
    for sort, found in (("foreign keys", references), ("primary keys", keys)):
        lines += [sort, *found.lines()]
    return [
        at_least("confidence ≥ 0.9: FK precision", precise, 0.97),
        at_least("confidence ≥ 0.9: share of FKs", share, 0.65),
        at_least("confidence ≥ 0.9: PK precision", keys.sure()[0], 0.95),
        at_most("expected calibration error, all keys", (keys + references).error, 0.05),
        for_information("expected calibration error, FKs", references.error),
        for_information("expected calibration error, PKs", keys.error),
    ], lines


def transfers(
    found: Sequence[tuple[list[Decided], list[Decided]]], keybench: Path
) -> list[Measure]:
    """Return the measures of learning on one part of the databases and deciding the other."""
    to_others, to_spider = (
        float(np.mean([totals(run[side], keybench)["fk"]["macro"]["f1"] for run in found]))
        for side in (0, 1)
    )
    return [
        at_least("learned on Spider, tested on the others: FK macro F1", to_others, 0.88),
        at_least("learned on the others, tested on Spider: FK macro F1", to_spider, 0.91),
    ]


def evaluated(
    cases: Sequence[Case], keybench: Path, *, folds: int, seeds: int, processes: int
) -> tuple[list[Measure], list[str]]:
    """Fit and decide everything; returns the measures and the table of confidence.

    Args:
        cases: all variants of all databases.
        keybench: the folder of the scorer.
        folds: fits a seed; 0 leaves out each family alone.
        seeds: how often.
        processes: at once.
    """
    always = planted()
    tasks = [list(left_out(cases, always, folds, seed)) for seed in range(seeds)]
    across = [
        [transfer(cases, always, s, to_spider=to) for to in (False, True)] for s in range(seeds)
    ]
    every = [task for group in (*tasks, *across) for task in group]
    with ProcessPoolExecutor(processes) as pool:
        answers = iter(list(pool.map(decided, every)))
    runs = [[d for _ in group for d in next(answers)] for group in tasks]
    sides = [(next(answers), next(answers)) for _ in across]
    sure, lines = calibration(runs)
    return [*accuracy(runs, keybench), *sure, *transfers(sides, keybench)], lines


def main() -> int:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keybench", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--folds", type=int, default=0, help="0: each family alone")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--cases", type=Path, help="where cases are kept between runs")
    parser.add_argument("--json", type=Path, help="where the table is written for programs")
    arguments = parser.parse_args()
    cases = kept(arguments.cases, arguments.keybench, VARIANTS)
    measures, lines = evaluated(
        cases,
        arguments.keybench,
        folds=arguments.folds,
        seeds=arguments.seeds,
        processes=arguments.processes,
    )
    print(*lines, "", table(measures), sep="\n")
    if arguments.json:
        write_json(measures, arguments.json)
    return int(bool(missed(measures)))


if __name__ == "__main__":
    sys.exit(main())
