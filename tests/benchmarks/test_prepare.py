"""Time and memory of prepare and restore on five million rows in six tables.

The tables hold what rewrites are for: a reference table, a hierarchy, composite keys within each
other, lines within a parent, a bridge with attributes, foreign keys of every treatment.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from measures import Record, at_most, for_information

pytestmark = pytest.mark.bench

SECONDS, MEGABYTES = 60.0, 1_500.0
ROWS = 5_000_000


def test_five_million_rows(tmp_path: Path, record: Record) -> None:
    """Each step runs in a process of its own; the stand-in generator counts for neither."""
    steps = {}
    for step in ("make", "prepare", "generate", "restore"):
        command = [sys.executable, str(Path(__file__).with_name("prepare_steps.py")), step]
        done = subprocess.run(
            [*command, str(tmp_path), str(ROWS)], check=True, capture_output=True, text=True
        )
        steps[step] = json.loads(done.stdout)
    measured = [steps["prepare"], steps["restore"]]
    assert steps["restore"]["violations"] == []
    record(
        at_most("5 M rows: seconds", sum(s["seconds"] for s in measured), SECONDS),
        at_most("5 M rows: peak MB", max(s["megabytes"] for s in measured), MEGABYTES),
        for_information("5 M rows: prepare, seconds", steps["prepare"]["seconds"]),
        for_information("5 M rows: restore, seconds", steps["restore"]["seconds"]),
        for_information("5 M rows: prepare, peak MB", steps["prepare"]["megabytes"]),
        for_information("5 M rows: restore, peak MB", steps["restore"]["megabytes"]),
        for_information("5 M rows: repaired rows", steps["restore"]["repaired"]),
    )
