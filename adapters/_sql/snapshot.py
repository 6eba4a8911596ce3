"""Source sessions that see one state of the database for as long as they last.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from schemasynth.adapter import Marker
from schemasynth.errors import AdapterError
from schemasynth.model import Table, TableName

from .connection import SqlRelations


class SqlSnapshot(SqlRelations):
    """The marker is read outside the snapshot, which cannot see a new one."""

    @abstractmethod
    def _now(self) -> AbstractContextManager[SqlRelations]:
        """Open another session, which sees the database as it is now."""

    def marker(self) -> Marker | None:
        """Return the marker as it is now."""
        with self._now() as now:
            return now.marker()

    def nonce(self) -> str | None:
        """Return the nonce as it is now."""
        with self._now() as now:
            return now.nonce()


class OneReader:
    """A session that streams one table at a time, and answers nothing meanwhile."""

    _reading: TableName | None = None

    @contextmanager
    def _reads(self, table: Table) -> Iterator[None]:
        """Be busy with a table."""
        self._idle()
        self._reading = table.name
        try:
            yield
        finally:
            self._reading = None

    def _idle(self) -> None:
        """Require that no table is being read.

        Raises:
            AdapterError: one is.
        """
        if self._reading is not None:
            raise AdapterError(
                f"Table {self._reading} is still being read; one session reads one at a time."
            )
