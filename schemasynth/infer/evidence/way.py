"""In which way evidence is collected, and how much of it.

Imports the port; chosen by the caller, or here by the size of the database.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from schemasynth.adapter import PushDown, SourceConnection
from schemasynth.errors import SettingsError
from schemasynth.model import Schema
from schemasynth.settings import shown


class Way(enum.StrEnum):
    """Where values are compared."""

    AUTO = "auto"
    STREAM = "stream"
    PUSH_DOWN = "push-down"


@dataclass(frozen=True, slots=True)
class Collecting:
    """How evidence is collected.

    Attributes:
        way: in the database, or streamed out of it; by default its size decides.
        sample_rows: at most so many rows of a table, the first ones; None means all.
    """

    way: Way = Way.AUTO
    sample_rows: int | None = None

    def push_down(self, source: SourceConnection, schema: Schema) -> PushDown | None:
        """Return what computes in the database; None where values are streamed.

        Raises:
            SettingsError: the database is to compute, and its adapter has no way to.
        """
        found = None if self.way is Way.STREAM else source.push_down()
        if found is None and self.way is Way.PUSH_DOWN:
            raise SettingsError(
                f"{shown(source.url)} cannot compute evidence itself; leave out "
                f"--evidence {Way.PUSH_DOWN}, or bound the rows with --evidence-rows."
            )
        if found is None or self.way is Way.PUSH_DOWN:
            return found
        return found if found.size(schema) > found.streamed_bytes else None
