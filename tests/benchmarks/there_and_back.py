"""The way through the stand-in generator and back, for tests.

Imported by the tests of the rewrites.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from schemasynth.adapter import adapter_for, count_rows
from schemasynth.model import Schema
from schemasynth.plan import check_plan, make_plan, resized
from schemasynth.plan.model import RefreshPlan
from schemasynth.reading import read_frames
from schemasynth.rewrite import Prepared, Restored, prepare, restore
from schemasynth.settings import database_url
from schemasynth.testing.standin import generate
from schemasynth.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Trip:
    """A source, what was decided, what the generator got and what came back."""

    schema: Schema
    frames: Mapping[str, pd.DataFrame]
    plan: RefreshPlan
    prepared: Prepared
    restored: Restored


def read(path: Path) -> tuple[Schema, dict[str, pd.DataFrame]]:
    """Return the schema of a SQLite file with row counts, and all its rows."""
    url = database_url(str(path))
    with adapter_for(url).source(url) as source:
        schema = count_rows(source, source.reflect())
        return schema, read_frames(source, schema)


def there_and_back(
    schema: Schema, frames: Mapping[str, pd.DataFrame], seed: int = 1, scale: float = 1.0
) -> Trip:
    """Plan, prepare, draw with the stand-in and restore."""
    plan = resized(make_plan(schema, frames, source="test"), scale)
    check_plan(plan, schema)
    prepared = prepare(plan, frames, seed)
    restored = restore(plan, generate(prepared, seed + 1), stored(prepared.kept), seed + 2)
    return Trip(schema, frames, plan, prepared, restored)


def stored(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return frames as they come back from the files of a workspace."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder) / "work")
        workspace.save_frames("kept", frames)
        return workspace.frames("kept")
