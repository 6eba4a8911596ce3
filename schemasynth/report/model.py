"""What a report tells, as frozen values.

Imports generator, load, rewrite and verify values; filled by the refresh.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from schemasynth.generator import Training
from schemasynth.load import Finding
from schemasynth.rewrite.prepared import Repair
from schemasynth.verify import IntegrityReport
from schemasynth.verify.measure import PrivacyReport
from schemasynth.verify.patterns import KeyPatterns


@dataclass(frozen=True, slots=True)
class TableReport:
    """What happened to a table.

    Attributes:
        name: the table, or an implicit entity.
        role: subject, linked, reference or skip.
        context: the parent in whose context it was generated; empty if none.
        reason: why it has its role and context.
        source_rows: rows of the source.
        planned_rows: rows wanted.
        rows: rows loaded; None if not loaded.
        accuracy: by the SDK, 0 to 1; None if not measured.
        training: what its training took; None if not trained, or on a server.
        is_entity: an implicit entity, which is no table of the target.
    """

    name: str
    role: str
    context: str
    reason: str
    source_rows: int
    planned_rows: int
    rows: int | None
    accuracy: float | None
    is_entity: bool = False
    training: Training | None = None


@dataclass(frozen=True, slots=True)
class StepReport:
    """How long a step took."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did.

    Attributes:
        source: its name, without credentials.
        target: its name, without credentials.
        finished_at: ISO 8601, UTC.
        version: of schemasynth.
        outcome: what the run ended with, for people.
        tables: in load order.
        steps: in order.
        repairs: what was changed so that constraints hold.
        integrity: the proof; None if nothing was loaded.
        notes: what a person should know.
        findings: what was found at the target before anything began.
        dry_run: nothing was to be changed.
        privacy: how far new rows are from those of the source; None before they are made.
        patterns: how well those along foreign keys are kept.
    """

    source: str
    target: str
    finished_at: str
    version: str
    outcome: str
    tables: tuple[TableReport, ...]
    steps: tuple[StepReport, ...]
    repairs: tuple[Repair, ...] = ()
    integrity: IntegrityReport | None = None
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    dry_run: bool = False
    privacy: PrivacyReport | None = None
    patterns: tuple[KeyPatterns, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-serialisable values."""
        integrity = self.integrity.to_dict() if self.integrity else None
        return {"schemasynth_report": 1, **asdict(self), "integrity": integrity}
