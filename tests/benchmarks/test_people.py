"""How fast people are made up, and whether identifiers of real databases come back.

Rows go through the stand-in, which copies learned values: what comes back here is what no treatment
has kept from being learned.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from measures import Record, at_least, at_most
from there_and_back import read, there_and_back

from schemasynth.model.sensitivity import SensitiveKind
from schemasynth.rewrite.persons import Taken, draw_persons, written
from schemasynth.verify.privacy import identifiers_found

pytestmark = pytest.mark.bench

PEOPLE = 300_000
BAR = 100_000
NAMES = (
    "chinook", "northwind", "oracle_co", "oracle_hr_oe", "classicmodels", "bikestores", "pubs",
)  # fmt: skip
KINDS = (
    SensitiveKind.GIVEN_NAME,
    SensitiveKind.FULL_NAME,
    SensitiveKind.EMAIL,
    SensitiveKind.ADDRESS,
)


@pytest.mark.parametrize("kind", KINDS)
def test_people_a_second(kind: SensitiveKind, record: Record) -> None:
    rng = np.random.default_rng(0)
    nobody = pa.nulls(0, pa.string())
    started = time.perf_counter()
    persons = draw_persons("es", rng.random(PEOPLE) < 0.5, Taken(nobody, nobody), None, rng)
    written(kind, persons, pa.array(["m3;.x@>so"] * PEOPLE), "es", rng)
    record(at_least(f"{kind} a second", PEOPLE / (time.perf_counter() - started), BAR))


@pytest.mark.parametrize("name", NAMES)
def test_no_identifier_comes_back(keybench: Path, name: str, record: Record) -> None:
    trip = there_and_back(*read(keybench / name / f"{name}.declared.sqlite"))
    found = identifiers_found(trip.plan, trip.frames, trip.restored.frames)
    record(at_most(f"{name}: columns with identifiers of the source", len(found), 0))
