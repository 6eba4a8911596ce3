"""A process of its own that loads many rows, made chunk by chunk, and prints its peak memory.

Run by the benchmark of memory: ``python load_memory.py URL ROWS``.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from schemasynth.adapter import CHUNK_ROWS, adapter_for
from schemasynth.load import refresh_tables
from schemasynth.model import TableName
from schemasynth.settings import database_url
from schemasynth.verify import check_integrity, require

PARENTS = 100_000
KIB = 1024
POLL_SECONDS = 0.05


def batches(rows: int, chunk: int = CHUNK_ROWS) -> Iterator[pa.RecordBatch]:
    """Yield rows of ten mixed columns, one chunk in memory at a time."""
    words = pa.array([f"word {i}" for i in range(997)])
    for start in range(0, rows, chunk):
        n = min(chunk, rows - start)
        rng = np.random.default_rng(start)
        cents = pa.array(rng.integers(0, 10**7, n)).cast(pa.decimal128(19, 0))
        yield pa.record_batch(
            {
                "id": pa.array(np.arange(start, start + n)),
                "parent_id": pa.array(rng.integers(0, PARENTS, n)),
                "big": pa.array(rng.integers(0, 2**62, n)),
                "price": cents.cast(pa.decimal128(12, 2), safe=False),
                "ratio": pa.array(rng.random(n)),
                "word": words.take(pa.array(rng.integers(0, 997, n))),
                "note": words.take(pa.array(rng.integers(0, 997, n))),
                "day": pa.array(rng.integers(0, 20_000, n).astype("int32")).cast(pa.date32()),
                "at": pa.array(rng.integers(0, 2**50, n)).cast(pa.timestamp("us")),
                "flag": pa.array(rng.random(n) < 0.5),
            }
        )


def parents() -> Iterator[pa.RecordBatch]:
    """Yield the referenced rows."""
    names = pa.array([f"name {i}" for i in range(PARENTS)])
    yield pa.record_batch({"id": pa.array(np.arange(PARENTS)), "name": names})


def resident() -> int:
    """Return the bytes that the process holds in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Peak:
    """The most memory held while a load runs; the kernel's own peak includes the imports."""

    def __init__(self) -> None:
        self.bytes = resident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(POLL_SECONDS):
            self.bytes = max(self.bytes, resident())

    def stop(self) -> int:
        """Return it."""
        self._done.set()
        self._thread.join()
        return self.bytes


def main(text: str, rows: int) -> None:
    """Load and print."""
    url = database_url(text)
    with adapter_for(url).target(url) as target:
        schema = target.reflect()
    before, peak, started = resident(), Peak(), time.perf_counter()
    with adapter_for(url).target(url) as target:
        loaded = refresh_tables(
            target,
            schema,
            {TableName("parent"): parents(), TableName("child"): batches(rows)},
            run_id="memory",
            verify=lambda staged: require(check_integrity(staged, schema)),
        )
    seconds = time.perf_counter() - started
    kernel = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB
    print(
        json.dumps(
            {
                "rows": loaded[TableName("child")],
                "seconds": seconds,
                "above": max(peak.stop(), kernel) - before,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
