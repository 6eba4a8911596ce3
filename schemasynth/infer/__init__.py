"""Inference: evidence from data and names becomes keys with confidence.

Pure functions of models and evidence; I/O only through the adapter port. Imports `adapter`
and `model`.
"""

from schemasynth.infer.answers import (
    NO_ANSWERS,
    Answers,
    answers_for,
    read_answers,
    with_answers,
)
from schemasynth.infer.evidence import Collecting, Evidence, Way, evidence_of
from schemasynth.infer.keys import infer_keys
from schemasynth.infer.profile import ColumnProfile, Profile

__all__ = [
    "NO_ANSWERS",
    "Answers",
    "Collecting",
    "ColumnProfile",
    "Evidence",
    "Profile",
    "Way",
    "answers_for",
    "evidence_of",
    "infer_keys",
    "read_answers",
    "with_answers",
]
