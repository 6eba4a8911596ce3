"""What was measured against which bar: the table that `tox -e bench` prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure and its bar; `most` where it must not be above, else not below."""

    name: str
    value: float
    bar: float | None = None
    most: bool = False

    @property
    def passed(self) -> bool:
        """Whether it keeps to its bar; a figure without one always does."""
        if self.bar is None:
            return True
        return self.value <= self.bar if self.most else self.value >= self.bar


Record: TypeAlias = Callable[..., None]
"""Notes measures for the table: the fixture `record`."""


def at_least(name: str, value: float, bar: float) -> Measure:
    """Return a figure that must reach a bar."""
    return Measure(name, float(value), bar)


def at_most(name: str, value: float, bar: float) -> Measure:
    """Return a figure that must not pass a bar."""
    return Measure(name, float(value), bar, most=True)


def for_information(name: str, value: float) -> Measure:
    """Return a figure without a bar."""
    return Measure(name, float(value))


def table(measures: Sequence[Measure]) -> str:
    """Return the measures as lines of text."""
    width = max((len(m.name) for m in measures), default=7)
    lines = [f"{'measure':<{width}} | {'bar':>9} | measured"]
    for m in measures:
        bar = "" if m.bar is None else f"{'≤' if m.most else '≥'} {m.bar:g}"
        lines.append(
            f"{m.name:<{width}} | {bar:>9} | {m.value:.3f}{'' if m.passed else '  missed'}"
        )
    return "\n".join(lines)


def missed(measures: Sequence[Measure]) -> list[str]:
    """Return the lines of the measures that miss their bar."""
    return [
        f"{m.name}: {m.value:.3f}, bar {'≤' if m.most else '≥'} {m.bar:g}"
        for m in measures
        if not m.passed
    ]


def write_json(measures: Sequence[Measure], path: Path) -> None:
    """Write the table for programs."""
    rows = [{**asdict(m), "passed": m.passed} for m in measures]
    path.write_text(json.dumps(rows, indent=1, ensure_ascii=False), "utf-8")
