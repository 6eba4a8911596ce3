"""Loading: stage beside the target, verify, switch.

Imports `adapter`, `model` and `verify`; what is special to a database is in its adapter.
"""

from schemasynth.load.deny import allowed_target
from schemasynth.load.guard import check_apart, check_marker, check_shape
from schemasynth.load.preflight import (
    Finding,
    Severity,
    Topic,
    as_text,
    at_risk,
    examine,
    measure,
    refuse,
)
from schemasynth.load.run import Phase, refresh_tables

__all__ = [
    "Finding",
    "Phase",
    "Severity",
    "Topic",
    "allowed_target",
    "as_text",
    "at_risk",
    "check_apart",
    "check_marker",
    "check_shape",
    "examine",
    "measure",
    "refresh_tables",
    "refuse",
]
