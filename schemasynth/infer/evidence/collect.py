"""Collects evidence: chooses a way, and opens and closes what keeps it.

The only part of inference with I/O, through the adapter port; the API calls `evidence_of`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schemasynth.adapter import SourceConnection
from schemasynth.infer.evidence import pushed, streamed
from schemasynth.infer.evidence.figures import Evidence
from schemasynth.infer.evidence.store import Store
from schemasynth.infer.evidence.way import Collecting
from schemasynth.model import Schema
from schemasynth.progress import Listener, silent

MEMORY_LIMIT = "600MB"
"""What DuckDB keeps in memory; more is spilled to a private folder that is removed."""


@contextmanager
def evidence_of(
    source: SourceConnection,
    schema: Schema,
    listener: Listener = silent,
    collecting: Collecting = Collecting(),  # noqa: B008 frozen
) -> Iterator[Evidence]:
    """Collect evidence; its store is open within the context, and gone after it.

    Args:
        source: read in at most two scans a table.
        schema: which tables.
        listener: hears of progress.
        collecting: in which way, and how much at most.

    Raises:
        SettingsError: the database is to work itself and cannot.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="schemasynth-") as folder:
        connection = duckdb.connect(
            config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(Path(folder) / "spill")}
        )
        try:
            store = Store(connection, schema)
            push_down, limit = collecting.push_down(source, schema), collecting.sample_rows
            if push_down is None:
                found = streamed.collect(source, schema, store, limit, listener)
            else:
                found = pushed.collect(source, push_down, schema, store, limit, listener)
            yield Evidence(*found, store)
        finally:
            connection.close()
