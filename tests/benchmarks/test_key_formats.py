"""How many new keys a second each format gives, beside a million keys of the source."""

from __future__ import annotations

import random
import string
import time
import uuid

import numpy as np
import pyarrow as pa
import pytest
from measures import Record, at_least, for_information
from stdnum.es import dni

from schemasynth.model import SqlType, TypeFamily
from schemasynth.plan.keyformat import learn_key_format
from schemasynth.rewrite.values import new_values

pytestmark = pytest.mark.bench

ROWS = 1_000_000
REPEATS = 3
"""Runs of which the best counts: what else the machine does only slows them."""
FASTER = 2.0
"""A plain format by a loop of Python's `random` and a set, at least. A quiet core gives more than
a million keys a second; the ratio holds on a busy one too."""
LOOP_ROWS = 200_000
TEXT = SqlType("TEXT", TypeFamily.TEXT)
BIGINT = SqlType("BIGINT", TypeFamily.INTEGER)
RNG = np.random.default_rng(1)


def document(number: int) -> str:
    return f"{number:08d}{dni.calc_check_digit(f'{number:08d}')}"


def letters() -> list[str]:
    cells = RNG.integers(65, 91, (ROWS, 10), dtype=np.uint8)
    return [text.decode() for text in cells.view("S10").reshape(-1)]


def rate(source: pa.Array, sql_type: SqlType) -> float:
    form = learn_key_format(source.slice(0, 100_000))
    best = 0.0
    for seed in range(REPEATS):
        started = time.perf_counter()
        made = new_values(form, sql_type, source, len(source), np.random.default_rng(seed))
        best = max(best, len(source) / (time.perf_counter() - started))
        assert len(made.unique()) == len(source)
    return best


def by_loop(source: pa.Array) -> float:
    used, draw = set(source.to_pylist()), random.Random(1)
    started = time.perf_counter()
    made: set[str] = set()
    while len(made) < LOOP_ROWS:
        text = "".join(draw.choices(string.ascii_uppercase, k=10))
        if text not in used:
            made.add(text)
    return LOOP_ROWS / (time.perf_counter() - started)


def test_new_keys_a_second(record: Record) -> None:
    plain = {
        "a sequence": (pa.array(np.arange(ROWS)), BIGINT),
        "sparse integers": (pa.array(RNG.choice(10**11, ROWS, replace=False)), BIGINT),
        "zero-padded digits": (pa.array([f"{i:09d}" for i in range(ROWS)]), TEXT),
        "a prefix and a number": (pa.array([f"C{i:09d}" for i in range(ROWS)]), TEXT),
        "letters": (pa.array(letters()), TEXT),
        "UUIDs": (pa.array([str(uuid.uuid4()) for _ in range(ROWS)]), TEXT),
    }
    rates = {name: rate(*case) for name, case in plain.items()}
    loop = by_loop(plain["letters"][0])
    record(for_information("new keys/s, a Python loop", loop))
    record(*(for_information(f"new keys/s, {name}", found) for name, found in rates.items()))
    record(*(at_least(f"{name}: by a loop", r / loop, FASTER) for name, r in rates.items()))
    others = {
        "year and number": [f"{2015 + i % 9}/{i // 9:06d}-B" for i in range(ROWS)],
        "check letter": [document(int(n)) for n in RNG.choice(10**8, ROWS // 2, replace=False)],
    }
    record(
        *(
            for_information(f"new keys/s, {k}", rate(pa.array(texts), TEXT))
            for k, texts in others.items()
        )
    )
