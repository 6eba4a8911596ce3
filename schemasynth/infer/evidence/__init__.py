"""Evidence from data: values counted and compared, in the database or streamed out of it.

Imports the adapter port and the model; the rest of inference is pure functions of it.
"""

from schemasynth.infer.evidence.collect import evidence_of
from schemasynth.infer.evidence.figures import (
    KEY_LENGTH,
    MIN_INCLUSION,
    UNIQUE_SHARE,
    ColumnFigures,
    ColumnId,
    Evidence,
    Inclusion,
    Inclusions,
)
from schemasynth.infer.evidence.way import Collecting, Way

__all__ = [
    "KEY_LENGTH",
    "MIN_INCLUSION",
    "UNIQUE_SHARE",
    "Collecting",
    "ColumnFigures",
    "ColumnId",
    "Evidence",
    "Inclusion",
    "Inclusions",
    "Way",
    "evidence_of",
]
