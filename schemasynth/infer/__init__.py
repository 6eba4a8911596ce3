"""Inference: evidence from data and names becomes keys with confidence.

Pure functions of models and evidence; I/O only through the adapter port. Imports `adapter`
and `model`.
"""

from schemasynth.infer.evidence import Evidence, evidence_of
from schemasynth.infer.keys import infer_keys
from schemasynth.infer.profile import ColumnProfile, Profile

__all__ = ["ColumnProfile", "Evidence", "Profile", "evidence_of", "infer_keys"]
