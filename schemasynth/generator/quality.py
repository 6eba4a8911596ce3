"""Measures how accurate generated tables are, with the SDK's own quality assurance.

Imports what training writes and reads; called by the refresh, after generation.

The SDK's report of a table in training generates it once more for the purpose, and compares
embeddings of ten thousand rows: on 78 columns that took half as long as training. Here the rows
that are used anyway are measured, in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from schemasynth.generator.config import REPORT_ROWS
from schemasynth.generator.process import job_folder, run_job
from schemasynth.generator.training import TrainedGenerator, learned_tables, write_rows
from schemasynth.plan.model import Encoding
from schemasynth.progress import Listener, silent

if TYPE_CHECKING:
    from schemasynth.generator.names import TableNames
    from schemasynth.generator.settings import GeneratorSettings
    from schemasynth.rewrite.prepared import PreparedTable
    from schemasynth.rows import Tables


def measure(
    trained: TrainedGenerator,
    tables: Sequence[PreparedTable],
    source: Tables,
    synthetic: Tables,
    settings: GeneratorSettings,
    listener: Listener = silent,
) -> TrainedGenerator:
    """Return a trained generator with the accuracy of each table.

    Args:
        trained: by `train`.
        tables: as they were trained on.
        source: their rows.
        synthetic: what `generate` made.
        settings: time limits.
        listener: hears of progress.

    Raises:
        GeneratorError: measuring failed, was killed, stalled or took too long.
    """
    learned = learned_tables(tables, trained.tables)
    named = {entry.name: entry for entry in trained.names}
    measured = [t for t in learned if _told(t) and len(source[t.name]) >= REPORT_ROWS]
    if not measured:
        return trained
    with job_folder(trained.path) as folder:
        sides = {}
        for side, frames in (("source", source), ("synthetic", synthetic)):
            place = folder.job / side
            place.mkdir(mode=0o700)
            sides[side] = write_rows(learned, trained.tables, frames, trained.names, place)
        job = {
            "kind": "measure",
            "folder": str(folder.job),
            "tables": [_table(table, learned, named, sides) for table in measured],
        }
        result = run_job(job, folder, settings, trained.names, listener)
    metrics = {entry.name: result["tables"].get(entry.alias, {}) for entry in trained.names}
    return replace(
        trained,
        tables=tuple(
            replace(table, metrics={**table.metrics, **metrics.get(table.name, {})})
            for table in trained.tables
        ),
    )


def _told(table: PreparedTable) -> list[str]:
    """Return the columns that are compared: of texts, hardly any two are the same."""
    return [column.name for column in table.columns if column.encoding is not Encoding.TEXT]


def _table(
    table: PreparedTable,
    tables: Sequence[PreparedTable],
    named: Mapping[str, TableNames],
    sides: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """Return what the worker needs to know of a table: files, keys, and the context's."""
    own = named[table.name]
    told: dict[str, Any] = {
        "name": own.alias,
        "columns": [own.column(name) for name in _told(table)],
        **{side: files[own.alias] for side, files in sides.items()},
    }
    context = next((r for r in table.references if r.is_context), None)
    if context is None:
        return told
    parent = next(t for t in tables if t.name == context.table)
    above = named[parent.name]
    return told | {
        "context": {
            "reference": own.column(context.column),
            "key": above.column(parent.key),
            "columns": [above.column(name) for name in _told(parent)],
            **{side: files[above.alias] for side, files in sides.items()},
        }
    }
