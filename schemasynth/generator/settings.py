"""How the generator is trained and watched.

Imports errors and the model only; used by the whole package and by the API.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemasynth.errors import SettingsError
from schemasynth.model.languagemodel import FROM_SCRATCH
from schemasynth.model.privacy import DifferentialPrivacy

DEFAULT_MODEL = "MOSTLY_AI/Medium"
"""The SDK's default for tables; Small and Large took the same time on small tables."""

SEQUENCE_WINDOW = 1_000
"""Rows of one parent seen together in training. The SDK's 100 cuts longer child lists into
pieces; a window longer than the longest list costs nothing, since the SDK takes the smaller."""

STALL_SECONDS = 900.0
"""A job on this machine that neither progresses nor computes for so long is deadlocked. A server
reports no activity but progress, and its longest silent step was seen to take 16 minutes."""

CLIENT_STALL_SECONDS = 3_600.0


@dataclass(frozen=True, slots=True)
class GeneratorSettings:
    """How to train and to generate.

    Attributes:
        max_training_time: minutes of training in all, divided among the models; None trains
            until a model no longer improves.
        max_epochs: passes over a table at most; fractions work.
        seed: makes training and generation repeatable.
        base_url: a MOSTLY AI server (CLIENT mode); None runs on this machine (LOCAL mode).
        model: the SDK's model for tables.
        text_model: the SDK's model for `Encoding.TEXT` columns.
        max_text_minutes: of training a model of texts, whatever else is allowed; None for no limit.
        max_sequence_window: children of one parent seen together in training.
        value_protection: hide rare categories, extremes and long child lists. It removes values
            that occur fewer than about 5 to 8 times, and with them rare NULLs, whole look-up
            columns and the longest child lists.
        differential: train with differential privacy, and protect values as it says.
        quality_report: measure each table's accuracy; costs time after training.
        timeout: seconds a job may take in all.
        stall_timeout: seconds without any sign of life after which a job is stopped; None takes
            `STALL_SECONDS` here, `CLIENT_STALL_SECONDS` on a server.
    """

    max_training_time: float | None = None
    max_epochs: float | None = None
    seed: int | None = None
    base_url: str | None = None
    model: str = DEFAULT_MODEL
    text_model: str = FROM_SCRATCH
    max_text_minutes: float | None = None
    max_sequence_window: int = SEQUENCE_WINDOW
    value_protection: bool = False
    differential: DifferentialPrivacy | None = None
    quality_report: bool = True
    timeout: float | None = None
    stall_timeout: float | None = None

    def __post_init__(self) -> None:
        """Refuse limits that are not positive: the SDK reads 0 as no limit.

        Raises:
            SettingsError: a limit is zero or negative; names it.
        """
        limits = ("max_training_time", "max_text_minutes", "max_epochs", "timeout", "stall_timeout")
        for name in limits:
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise SettingsError(f"{name} is {value}; it must be more than 0.")
        if self.max_sequence_window < 1:
            raise SettingsError(
                f"max_sequence_window is {self.max_sequence_window}; it must be at least 1."
            )

    @property
    def protects_values(self) -> bool:
        """Whether rare categories and extremes are hidden."""
        told = self.differential
        return self.value_protection or (
            told is not None and told.value_protection_epsilon is not None
        )

    @property
    def stall_seconds(self) -> float:
        """Seconds without a sign of life after which a job is stopped."""
        if self.stall_timeout is not None:
            return self.stall_timeout
        return STALL_SECONDS if self.base_url is None else CLIENT_STALL_SECONDS
