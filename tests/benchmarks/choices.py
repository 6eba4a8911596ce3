"""An oracle for contexts: every possible context of a child is trained, and the best one known.

python tests/benchmarks/choices.py [KEYBENCH] [--output FILE] [--seeds N] [--epochs N] [CASE ...]

For each case the tables around one child are copied into a database of their own and refreshed
with the real generator, once for each context and seed. A choice is worth the mean accuracy of
column pairs of the child and a parent, over all its parents, whichever of them is the context.
What the plan chooses is held against the best choice and against naive ones. Slow; the figures go
into a data file.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from keybench import DEFAULT
from refreshes import Refreshed, refreshed

from schemasynth import api
from schemasynth.adapter import Selection
from schemasynth.errors import SchemasynthError
from schemasynth.infer import read_answers
from schemasynth.model import TableName
from schemasynth.model.keyid import KeyId, Kind
from schemasynth.plan.model import ForeignKeyPlan, RefreshPlan
from schemasynth.verify.patterns import key_patterns

FIGURES = Path(__file__).parent / "figures" / "choices.json"
SEED = 5
"""Of what is compared: the same for every choice of a case."""


@dataclass(frozen=True, slots=True)
class Case:
    """A child with several parents.

    Attributes:
        database: of keybench.
        child: the table.
        others: its parents, and what they need.
    """

    database: str
    child: str
    others: tuple[str, ...]

    @property
    def name(self) -> str:
        """Database and child."""
        return f"{self.database}.{self.child}"


CASES = (
    Case("berka", "disp", ("client", "account", "district")),
    Case("chinook", "InvoiceLine", ("Invoice", "Track", "Customer", "Album", "Genre", "MediaType")),
    Case("northwind", "order_details", ("orders", "products", "customers", "categories")),
    Case("northwind", "orders", ("customers", "employees", "shippers")),
    Case("oracle_hr_oe", "order_items", ("orders", "product_information", "customers")),
    Case("oracle_hr_oe", "orders", ("customers", "employees", "jobs")),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One context, trained.

    Attributes:
        context: id of the foreign key.
        parent: the referenced table.
        position: of the foreign key among the child's.
        parent_rows: rows of the referenced table.
        fanout: rows of the child a parent in use.
        told: what the parent's columns tell of the child's, the naive measure.
        accuracy: mean over the pairs of all parents, a figure a seed.
        siblings: accuracy of the columns of siblings, over all parents, a figure a seed.
        seconds: of a refresh, mean.
    """

    context: str
    parent: str
    position: int
    parent_rows: int
    fanout: float
    told: float
    accuracy: tuple[float, ...]
    siblings: tuple[float, ...]
    seconds: float


def subset(origin: Path, tables: Sequence[str], path: Path) -> Path:
    """Copy some tables of a SQLite file, with the keys among them."""
    api.create_target(str(origin), str(path), Selection(include=tuple(tables)))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ATTACH DATABASE ? AS origin", (str(origin),))
        for name in tables:
            quoted = '"' + name.replace('"', '""') + '"'
            names = [row[1] for row in connection.execute(f"PRAGMA main.table_info({quoted})")]
            columns = ", ".join('"' + column.replace('"', '""') + '"' for column in names)
            connection.execute(
                f"INSERT INTO main.{quoted} ({columns}) SELECT {columns} FROM origin.{quoted}"
            )
        connection.commit()
    return path


def tried(case: Case, keybench: Path, seeds: int, epochs: float, folder: Path) -> dict[str, Any]:
    """Train each context of a case; return what was found."""
    origin = keybench / case.database / f"{case.database}.declared.sqlite"
    source = subset(origin, (case.child, *case.others), folder / "source.sqlite")
    plan = api.plan(str(source))
    child = plan.table(TableName(case.child))
    choices = []
    for position, key in enumerate(child.foreign_keys):
        stated = KeyId(Kind.CONTEXT, child.name, key.columns, key.referred, key.referred_columns)
        try:
            made = api.plan(str(source), answers=read_answers([str(stated)], []))
        except SchemasynthError as error:
            print(f"  {stated} is no choice: {error}", flush=True)
            continue
        started = time.perf_counter()
        results = [
            refreshed(source, folder / f"{position}-{seed}", epochs=epochs, seed=seed, plan=made)
            for seed in range(1, seeds + 1)
        ]
        seconds = (time.perf_counter() - started) / seeds
        kept = [_kept(result, child.name) for result in results]
        choices.append(_choice(str(stated), position, key, plan, results[0], kept, seconds))
        print(f"  {choices[-1]}", flush=True)
    chosen = child.context
    return {
        "case": case.name,
        "chosen": str(chosen.referred) if chosen else "",
        "reasons": {str(key.referred): key.reason for key in child.foreign_keys},
        "choices": [asdict(choice) for choice in choices],
    }


def _kept(result: Refreshed, child: TableName) -> tuple[float, float]:
    """Return the accuracy of pairs, and of siblings, over all parents of the child."""
    trip = result.trip
    found = [
        patterns
        for patterns in key_patterns(trip.plan, trip.frames, trip.restored.frames, SEED)
        if patterns.table == str(child)
    ]
    pairs = [p.bivariate.made for p in found if p.bivariate is not None]
    siblings = [p.siblings.made for p in found if p.siblings is not None]
    return _mean(pairs), _mean(siblings)


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _choice(
    stated: str,
    position: int,
    key: ForeignKeyPlan,
    plan: RefreshPlan,
    result: Refreshed,
    kept: Sequence[tuple[float, float]],
    seconds: float,
) -> Choice:
    child = plan.table(TableName(stated.partition(":")[2].partition("(")[0]))
    used = result.trip.frames[str(child.name)][list(key.columns)].dropna().drop_duplicates()
    attributes = key.reason.partition("attributes ")[2].partition(",")[0]
    return Choice(
        stated,
        str(key.referred),
        position,
        plan.table(key.referred).rows,
        child.rows / max(len(used), 1),
        float(attributes or 0),
        tuple(round(pairs, 4) for pairs, _ in kept),
        tuple(round(siblings, 4) for _, siblings in kept),
        round(seconds, 1),
    )


Rule = Callable[[Sequence[Mapping[str, Any]]], Mapping[str, Any]]
NAIVE: Mapping[str, Rule] = {
    "first foreign key": lambda choices: min(choices, key=lambda c: c["position"]),
    "most rows": lambda choices: max(choices, key=lambda c: c["parent_rows"]),
    "fewest rows": lambda choices: min(choices, key=lambda c: c["parent_rows"]),
    "highest fan-out": lambda choices: max(choices, key=lambda c: c["fanout"]),
    "association alone": lambda choices: max(choices, key=lambda c: c["told"]),
}


def judged(cases: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Return how often each way of choosing is right, and what it loses, in points.

    Args:
        cases: from `tried`; those with one choice say nothing.
    """
    open_cases = [case for case in cases if len(case["choices"]) > 1]
    found: dict[str, list[tuple[bool, float]]] = {}
    for case in open_cases:
        choices = case["choices"]
        worth = {c["context"]: _mean(c["accuracy"]) for c in choices}
        best = max(worth.values())
        lost = {context: 100 * (best - value) for context, value in worth.items()}
        ours = next(c for c in choices if c["parent"] == case["chosen"])
        taken = {"schemasynth": ours} | {name: rule(choices) for name, rule in NAIVE.items()}
        for name, choice in taken.items():
            regret = lost[choice["context"]]
            found.setdefault(name, []).append((regret == 0, regret))
        chance = [(loss == 0, loss) for loss in lost.values()]
        at_random = (np.mean([c[0] for c in chance]), np.mean([c[1] for c in chance]))
        found.setdefault("random", []).append(at_random)  # type: ignore[arg-type]
    return {
        name: {
            "top-1": round(float(np.mean([right for right, _ in results])), 3),
            "regret": round(float(np.mean([regret for _, regret in results])), 3),
        }
        for name, results in found.items()
    }


def main() -> None:
    """Train, and write the figures after each case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="database.child; all by default")
    parser.add_argument("--keybench", type=Path, default=DEFAULT)
    parser.add_argument("--output", type=Path, default=FIGURES)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=15.0)
    arguments = parser.parse_args()
    done: list[dict[str, Any]] = []
    for case in CASES:
        if arguments.cases and case.name not in arguments.cases:
            continue
        print(case.name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            done.append(
                tried(case, arguments.keybench, arguments.seeds, arguments.epochs, Path(folder))
            )
        content = {
            "versions": {name: version(name) for name in ("schemasynth", "mostlyai")},
            "epochs": arguments.epochs,
            "seeds": arguments.seeds,
            "ways": judged(done),
            "cases": done,
        }
        arguments.output.parent.mkdir(exist_ok=True)
        arguments.output.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    print(json.dumps(judged(done), indent=1))


if __name__ == "__main__":
    main()
