"""Accuracy of key inference on the large collection of databases, against SDV's detection."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench

HERE = Path(__file__).parent
FOREIGN, PRIMARY = 0.651, 0.795
"""Macro F1 of SDV 2.0's metadata detection on the same databases."""


def test_keys_of_known_databases(keybench: Path, tmp_path: Path) -> None:
    """The shipped weights know these databases; the next test says what they are worth."""
    script = [sys.executable, str(HERE / "keybench.py"), str(keybench), "--output", str(tmp_path)]
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    print("\n".join(done.stdout.splitlines()[-7:]))
    scores = tmp_path / "scores.json"
    scorer = [sys.executable, str(keybench / "score.py"), "--many", str(keybench), str(tmp_path)]
    subprocess.run([*scorer, "--json", str(scores)], check=True, capture_output=True)
    total = json.loads(scores.read_text("utf-8"))["total"]
    assert total["fk"]["macro"]["f1"] > FOREIGN + 0.2
    assert total["pk"]["macro"]["f1"] > PRIMARY + 0.1


def test_keys_of_databases_not_seen_in_training(keybench: Path) -> None:
    pytest.importorskip("sklearn", reason="training needs scikit-learn")
    script = [sys.executable, str(HERE / "train_keys.py"), str(keybench), "--folds", "5"]
    done = subprocess.run(script, check=True, capture_output=True, text=True)
    print(done.stdout)
    shown = done.stdout.split("names hidden")[0].splitlines()
    macro = {line.split()[0]: float(line.split()[-1]) for line in shown if " macro " in line}
    assert macro["fk"] > FOREIGN + 0.2
    assert macro["pk"] > PRIMARY + 0.08
