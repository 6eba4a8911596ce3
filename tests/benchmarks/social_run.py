"""The run of a real social-services case, on made-up rows of its size: time and accuracy.

python tests/benchmarks/social_run.py [--minutes N] [--people N] [--output FILE]

Writes the source of `social_shape`, refreshes an empty copy with the real generator, and stores
what each step took and how accurate each table is. Meant for an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from social_shape import PEOPLE, write
from targets import emptied_copy

from schemasynth import api
from schemasynth.refresh import RefreshOptions
from schemasynth.report import write_report

FIGURES = Path(__file__).parent / "figures" / "social_shape.json"
MINUTES = 20.0
"""Of training: leaves a third of the 35 minutes to generation and measures."""


def run(people: int, minutes: float, folder: Path) -> dict[str, Any]:
    """Refresh, and return the figures.

    Args:
        people: rows of the table of people.
        minutes: of training in all.
        folder: for the databases, the workspace and the report.
    """
    source = folder / "live.sqlite"
    write(source, people)
    target = emptied_copy(source, folder / "target.sqlite")
    api.init_target(target)
    options = RefreshOptions(seed=1, max_training_time=minutes, workdir=folder / "work")
    load, started = os.getloadavg()[0], time.perf_counter()
    report = api.refresh(str(source), target, options=options)
    seconds = time.perf_counter() - started
    write_report(report, folder / "report")
    assert report.integrity is not None
    return {
        "versions": {name: version(name) for name in ("schemasynth", "mostlyai")},
        "cores": os.cpu_count(),
        "load": {"before": round(load, 2), "after": round(os.getloadavg()[1], 2)},
        "minutes of training allowed": minutes,
        "minutes": round(seconds / 60, 2),
        "steps": {step.name: round(step.seconds, 1) for step in report.steps},
        "tables": {
            table.name: {"rows": table.rows, "context": table.context, "accuracy": table.accuracy}
            for table in report.tables
        },
        "violations": sum(report.integrity.violations.values()),
        "patterns": [
            {
                "foreign key": f"{kept.table}({', '.join(kept.columns)}) -> {kept.referred}",
                **{
                    name: (value.made, value.ideal)
                    for name in ("children", "bivariate", "siblings", "farther")
                    if (value := getattr(kept, name)) is not None
                },
            }
            for kept in report.patterns
        ],
    }


def main() -> None:
    """Run, print and store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--output", type=Path, default=FIGURES)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(arguments.people, arguments.minutes, Path(folder))
    text = json.dumps(found, indent=1)
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(text + "\n", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
