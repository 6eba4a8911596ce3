"""What long work says while it runs; whoever listens decides how to show it.

Imports nothing of the package; passed down from the API to whatever takes time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Progress:
    """One message of long work.

    Attributes:
        step: what is being done, for example ``train``.
        subject: on what, usually a table; empty for the whole.
        done: units done so far.
        total: units in all; 0 where unknown.
        message: a short addition, for people.
    """

    step: str
    subject: str = ""
    done: float = 0
    total: float = 0
    message: str = ""


Listener: TypeAlias = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Listen and say nothing."""
