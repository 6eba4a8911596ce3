"""The error of key formats that have no value left."""

from __future__ import annotations

from schemasynth.errors import PlanError


class Exhausted(PlanError):
    """A format has not enough values that the source does not use."""
