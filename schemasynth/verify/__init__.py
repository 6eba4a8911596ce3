"""Integrity proven by queries in a database; privacy of synthetic rows measured on frames.

Imports `adapter` and `model`.
"""

from schemasynth.verify.checks import (
    CheckKind,
    CheckResult,
    IntegrityReport,
    check_integrity,
    require,
)

__all__ = ["CheckKind", "CheckResult", "IntegrityReport", "check_integrity", "require"]
