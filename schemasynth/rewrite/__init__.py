"""Reversible rewrites: source tables become what the generator accepts, and rows come back.

Pure functions of plans and frames; imports `model` and `plan`.
"""

from schemasynth.rewrite.compile import (
    Restored,
    implicit_entities,
    outline,
    prepare,
    prepare_each,
    restore,
    restore_each,
    rewrites,
)
from schemasynth.rewrite.prepared import (
    Frames,
    Prepared,
    PreparedColumn,
    PreparedReference,
    PreparedTable,
    Repair,
    Source,
)

__all__ = [
    "Frames",
    "Prepared",
    "PreparedColumn",
    "PreparedReference",
    "PreparedTable",
    "Repair",
    "Restored",
    "Source",
    "implicit_entities",
    "outline",
    "prepare",
    "prepare_each",
    "restore",
    "restore_each",
    "rewrites",
]
