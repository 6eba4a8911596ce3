"""The contract of safety: sources are only read, targets are marked, databases told apart.

Imported by tests of adapters.
"""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from schemasynth.errors import AdapterError, SafetyError
from schemasynth.testing.suite.base import Contract, Databases, rows, table

WRITES = (
    "INSERT INTO customer (id, email) VALUES (9, 'x')",
    "UPDATE customer SET credit = 1",
    "DELETE FROM customer",
    "CREATE TABLE other (a INTEGER)",
    "DROP TABLE shipment",
    "WITH gone AS (SELECT 1) DELETE FROM customer",
    "SELECT 1; DELETE FROM customer",
)


class SafetyContract(Contract):
    """Nothing can be written through a source, and no database taken for another."""

    @pytest.mark.parametrize("statement", WRITES)
    def test_the_guard_refuses_to_send_writes(self, databases: Databases, statement: str) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source, pytest.raises(SafetyError):
            source.connection.exec_driver_sql(statement)  # type: ignore[attr-defined]
        assert len(rows(url, sa.select(self.shop().tables["customer"]))) == 3

    @pytest.mark.parametrize("statement", WRITES[:5])
    def test_the_database_refuses_writes_too(self, databases: Databases, statement: str) -> None:
        self.needs("session_read_only")
        url = databases()
        self.create_shop(url)
        with self.source(url) as source, pytest.raises(Exception):  # noqa: B017
            driver = source.connection.connection.driver_connection  # type: ignore[attr-defined]
            driver.cursor().execute(statement)
        assert len(rows(url, sa.select(self.shop().tables["customer"]))) == 3

    def test_a_source_has_no_method_that_writes(self, databases: Databases) -> None:
        with self.source(databases()) as source:
            names = {name for name in dir(source) if not name.startswith("_")}
        assert not names & {"write_marker", "write_nonce", "load", "recover", "stage", "switch"}

    def test_identity_tells_databases_apart(self, databases: Databases) -> None:
        one, other = databases(), databases()
        with self.source(one) as a, self.target(one) as b, self.target(other) as c:
            assert a.identity() == b.identity()
            assert a.identity() != c.identity()

    def test_marker_is_written_once_and_hidden(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.target(url) as target:
            assert target.marker() is None
            first = target.write_marker("staging")
            assert target.write_marker("other") == first
            assert target.marker() == first
            assert all(not t.name.name.startswith("schemasynth") for t in target.reflect())

    def test_nonce_is_seen_through_a_source(self, databases: Databases) -> None:
        url = databases()
        with self.target(url) as target:
            target.write_marker("staging")
            target.write_nonce("abc")
            with self.source(url) as source:
                assert source.nonce() == "abc"

    def test_a_refused_query_becomes_an_adapter_error(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            customer = table(source.reflect(), "customer")
            absent: sa.ColumnElement[Any] = sa.column("absent")
            missing = sa.select(absent).select_from(source.relation(customer))
            with pytest.raises(AdapterError):
                source.select(missing)
