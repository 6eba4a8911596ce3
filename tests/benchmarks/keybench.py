"""Predict the keys of keybench's stripped databases and score them.

python tests/benchmarks/keybench.py [KEYBENCH] [--output PREDICTIONS]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from schemasynth import api
from schemasynth.model import Schema

DEFAULT = Path(__file__).parents[3] / "shared" / "keybench"


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
        "implicit_entities": [entity.name for entity in schema.implicit_entities],
    }


def main() -> int:
    """Write predictions and run the scorer."""
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(os.environ.get("SCHEMASYNTH_KEYBENCH", DEFAULT))
    parser.add_argument("keybench", nargs="?", type=Path, default=folder)
    parser.add_argument("--output", type=Path, default=Path("keybench-predictions"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    entities = []
    for path in sorted(arguments.keybench.rglob("*.stripped.sqlite")):
        name = path.name.removesuffix(".stripped.sqlite")
        found = prediction(api.introspect(str(path)))
        entities += [name] * bool(found["implicit_entities"])
        (arguments.output / f"{name}.json").write_text(json.dumps(found, indent=1), "utf-8")
    seconds = time.perf_counter() - started
    scorer = [sys.executable, str(arguments.keybench / "score.py"), "--many"]
    subprocess.run([*scorer, str(arguments.keybench), str(arguments.output)], check=True)
    print(f"{seconds:.1f} s; implicit entities proposed in: {', '.join(entities) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
