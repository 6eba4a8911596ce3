"""Time and memory of `schemasynth introspect` on a schema of 400 tables and 4,000 columns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer

import pytest
from keybench import scored, write_prediction
from measures import Record, at_most, for_information
from planted import write
from planted_large import large

pytestmark = pytest.mark.bench

SECONDS, MEGABYTES = 60.0, 1_000.0
GIVEN_UP = 600
"""Seconds after which a run is ended: far beyond the bar nothing is learned by waiting."""
PROGRAM = "from schemasynth.cli import main; main()"


def test_a_large_schema(keybench: Path, tmp_path: Path, record: Record) -> None:
    path = write(large(), tmp_path / "truths")
    output = tmp_path / "model.json"
    command = ["introspect", str(path), "--format", "json", "--output", str(output)]
    seconds, megabytes = _measured([sys.executable, "-c", PROGRAM, *command])
    model = json.loads(output.read_text("utf-8"))
    write_prediction("large", _prediction(model), tmp_path / "found")
    total = scored(tmp_path / "truths", tmp_path / "found", keybench)["total"]
    record(
        at_most("400 tables, 4,000 columns: seconds", seconds, SECONDS),
        at_most("400 tables, 4,000 columns: peak MB", megabytes, MEGABYTES),
        for_information("400 tables: FK F1", total["fk"]["micro"]["f1"]),
        for_information("400 tables: PK F1", total["pk"]["micro"]["f1"]),
    )


def _measured(command: list[str]) -> tuple[float, float]:
    """Return seconds and peak resident megabytes of a program that must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(command)
    patience = Timer(GIVEN_UP, process.kill)
    patience.start()
    _, status, usage = os.wait4(process.pid, 0)
    patience.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"exit code {process.returncode}"
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def _prediction(model: dict[str, list[dict[str, object]]]) -> dict[str, object]:
    """Return a saved model in the form that the scorer reads."""
    return {
        "primary_keys": {
            t["name"]: t["primary_key"]["columns"]  # type: ignore[index]
            for t in model["tables"]
            if t["primary_key"]
        },
        "foreign_keys": [
            {"table": t["name"], **key}
            for t in model["tables"]
            for key in t["foreign_keys"]  # type: ignore[attr-defined]
        ],
    }
