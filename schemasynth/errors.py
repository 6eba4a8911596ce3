"""The one tree of errors; each class knows the exit code of the command line.

May be imported by every module; imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar


class SchemasynthError(Exception):
    """Root of all errors raised on purpose: says what was found, where, and what to do."""

    exit_code: ClassVar[int] = 1


class SettingsError(SchemasynthError, ValueError):
    """A setting, an option or an input file cannot be used as it is."""

    exit_code = 2


class AdapterError(SchemasynthError):
    """A database cannot be reached or does not do what was asked."""

    exit_code = 3


class AdapterNotFound(AdapterError):
    """No adapter is registered for the URL's database."""

    exit_code = 2


class DriverMissing(AdapterError):
    """The Python driver for the URL is not installed; names the extra to install."""

    exit_code = 2


class PrivilegeError(AdapterError):
    """The role lacks a privilege; names the GRANT."""


class ReflectionError(SchemasynthError):
    """The catalogue of a database cannot be read into a schema."""

    exit_code = 3


class InferenceError(SchemasynthError):
    """Evidence for keys cannot be collected."""

    exit_code = 1


class PlanError(SchemasynthError, ValueError):
    """A plan cannot work; names the table, the column and the line where it is known."""

    exit_code = 2


class GeneratorError(SchemasynthError):
    """Training or generation failed, stalled or was killed."""

    exit_code = 4


class LoadError(SchemasynthError):
    """The target could not be staged or switched; it is as it was."""

    exit_code = 1


class IntegrityError(SchemasynthError):
    """Rows violate keys.

    Attributes:
        violations: number of violating rows by name of the check.
    """

    exit_code = 1

    def __init__(self, message: str, violations: Mapping[str, int]) -> None:
        """Keep the counts with the message."""
        super().__init__(message)
        self.violations = dict(violations)


class SafetyError(SchemasynthError):
    """Refused, because a database could be harmed."""

    exit_code = 5


class DriftError(SchemasynthError):
    """Two schemas that must agree do not.

    Attributes:
        differences: one readable line per difference.
    """

    exit_code = 1

    def __init__(self, message: str, differences: Sequence[str]) -> None:
        """Keep the differences with the message."""
        super().__init__(message)
        self.differences = tuple(differences)
