"""Predict the keys of databases whose truth is known, and score them with keybench's scorer.

python tests/benchmarks/keybench.py [KEYBENCH] [--truths FOLDER] [--output PREDICTIONS]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemasynth import api
from schemasynth.model import Schema

DEFAULT = Path(__file__).resolve().parents[3] / "shared" / "keybench"


@dataclass(frozen=True, slots=True)
class Found:
    """What inference said of one database, and what it took."""

    name: str
    schema: Schema
    seconds: float


def prediction(schema: Schema) -> dict[str, object]:
    """Return inferred keys in the form that the scorer reads."""
    return {
        "primary_keys": {
            table.name.name: list(table.primary_key.columns)
            for table in schema
            if table.primary_key
        },
        "foreign_keys": [
            {
                "table": table.name.name,
                "columns": list(key.columns),
                "referred_table": key.referred.name,
                "referred_columns": list(key.referred_columns),
            }
            for table in schema
            for key in table.foreign_keys
        ],
    }


def introspected(folder: Path) -> Iterator[Found]:
    """Infer the keys of every stripped database below a folder."""
    for path in sorted(folder.rglob("*.stripped.sqlite")):
        started = time.perf_counter()
        schema = api.introspect(str(path))
        seconds = time.perf_counter() - started
        yield Found(path.name.removesuffix(".stripped.sqlite"), schema, seconds)


def write_prediction(name: str, content: object, output: Path) -> None:
    """Write one prediction where the scorer looks for it."""
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{name}.json").write_text(json.dumps(content, indent=1), "utf-8")


def scored(truths: Path, predictions: Path, scorer: Path, *, lenient: bool = False) -> Any:
    """Return what the scorer says of predictions: `total` and `per_database`.

    Args:
        truths: folder with the databases' truth.
        predictions: folder with a file a database.
        scorer: the folder of keybench.
        lenient: leave documented but undeclared keys out of the count.
    """
    with tempfile.TemporaryDirectory() as folder:
        scores = Path(folder) / "scores.json"
        script = [sys.executable, str(scorer / "score.py"), "--many", str(truths), str(predictions)]
        options = ["--json", str(scores), *(["--lenient"] if lenient else [])]
        subprocess.run([*script, *options], check=True, capture_output=True)
        return json.loads(scores.read_text("utf-8"))


def main() -> int:
    """Write predictions and print their scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("SCHEMASYNTH_KEYBENCH", DEFAULT))
    parser.add_argument("keybench", nargs="?", type=Path, default=folder)
    parser.add_argument("--truths", type=Path, help="other databases in the same layout")
    parser.add_argument("--output", type=Path, default=Path("keybench-predictions"))
    arguments = parser.parse_args()
    truths = arguments.truths or arguments.keybench
    found = list(introspected(truths))
    for one in found:
        write_prediction(one.name, prediction(one.schema), arguments.output)
    entities = [one.name for one in found if one.schema.implicit_entities]
    scorer = [sys.executable, str(arguments.keybench / "score.py"), "--many"]
    subprocess.run([*scorer, str(truths), str(arguments.output)], check=True)
    seconds = sum(one.seconds for one in found)
    print(f"{seconds:.1f} s; implicit entities proposed in: {', '.join(entities) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
