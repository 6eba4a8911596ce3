"""SQLAlchemy's dialect for python-oracledb, which here takes names as they are.

Imported by the Oracle adapter only. SQLAlchemy's own turns ``EMPLOYEES`` into ``employees`` and
back, and on connecting runs a PL/SQL block that begins a transaction: neither is for a source.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.oracle.base import OracleIdentifierPreparer
from sqlalchemy.dialects.oracle.oracledb import OracleDialect_oracledb

DRIVER = "oracle+schemasynth"


class QuotingPreparer(OracleIdentifierPreparer):
    """Puts every name in quotes."""

    def _requires_quotes(self, value: str) -> bool:
        return True


class ExactDialect(OracleDialect_oracledb):
    """Names are neither folded nor unfolded; connecting sends SELECTs only. It reflects nothing."""

    supports_statement_cache = True
    requires_name_normalize = False
    preparer = QuotingPreparer

    def normalize_name(self, name: Any) -> Any:
        """Return a name of the dictionary as it is."""
        return name

    def denormalize_name(self, name: Any) -> Any:
        """Return a name for the dictionary as it is."""
        return name

    def denormalize_schema_name(self, name: Any) -> Any:
        """Return a schema's name as it is."""
        return name

    def get_default_isolation_level(self, dbapi_conn: Any) -> Any:
        """Return the server's default without asking, which would take a transaction."""
        return "READ COMMITTED"

    def initialize(self, connection: Any) -> None:
        """Ask the server what it is; negate conditions as such, which every version knows.

        For versions without BOOLEAN SQLAlchemy compares a condition with 0, which none does.
        """
        super().initialize(connection)  # type: ignore[no-untyped-call]
        self.supports_native_boolean = True

    def _check_max_identifier_length(self, connection: Any) -> int | None:
        # The fallback of SQLAlchemy asks V$PARAMETER, which few users may.
        length: int | None = connection.connection.max_identifier_length
        return length


registry.register(DRIVER.replace("+", "."), __name__, ExactDialect.__name__)
