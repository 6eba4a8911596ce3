"""How well sensitive columns are found, on columns labelled by reading; how long it takes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from measures import Record, at_least, at_most, for_information
from sensitivity_labels import judged, score
from test_rules import wide

from schemasynth.infer.sensitivity import find_sensitive

pytestmark = pytest.mark.bench

RECALL, PRECISION = 0.97, 0.90
SECONDS = 10.0


def test_direct_identifiers(keybench: Path, record: Record) -> None:
    columns = list(judged(keybench))
    found = score(columns)
    right = sum(c.found is not None and c.found.kind == c.kind for c in columns if c.direct)
    print(*(f"missed {name}" for name in found.missed), sep="\n")
    print(*(f"false {name}" for name in found.false), sep="\n")
    record(
        at_least("labelled columns", found.columns, 400),
        at_least("direct identifiers: recall", found.recall, RECALL),
        at_least("direct identifiers: precision", found.precision, PRECISION),
        for_information(
            "direct identifiers: kind as labelled", right / sum(c.direct for c in columns)
        ),
    )


def test_a_wide_table_in_time(record: Record) -> None:
    schema, frames = wide()
    table = next(iter(schema))
    started = time.perf_counter()
    found = find_sensitive(table.name, table.columns, frames["wide"])  # type: ignore[arg-type]
    record(
        at_most("sensitivity of 200 columns, seconds", time.perf_counter() - started, SECONDS),
        at_most("sensitivity of 200 harmless columns, found", len(found), 0),
    )
