"""The contract of reflection.

Imported by tests of adapters.
"""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from schemasynth.adapter import Selection
from schemasynth.errors import ReflectionError
from schemasynth.model import TableName, TypeFamily
from schemasynth.settings import database_url
from schemasynth.testing.suite.base import (
    EMAIL_LENGTH,
    Contract,
    Databases,
    create_types,
    execute,
    table,
)

FEW, MANY = 3, 30


class ReflectionContract(Contract):
    """A schema is reflected whole, in a fixed number of statements."""

    def test_tables_and_columns(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            schema = source.reflect()
        assert {str(t.name) for t in schema} == {"customer", "order_line", "shipment", self.odd}
        customer = table(schema, "customer")
        assert customer.column_names == ("id", "email", "boss", "credit")
        if self.adapter.capabilities.keys:
            assert [c.nullable for c in customer.columns] == [False, False, True, True]
        assert customer.column("credit").default is not None
        assert customer.column("credit").type.precision == 10
        assert customer.column("credit").type.scale == 2

    def test_lengths_of_texts(self, databases: Databases) -> None:
        self.needs("text_lengths")
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            customer = table(source.reflect(), "customer")
        assert customer.column("email").type.length == EMAIL_LENGTH

    def test_keys(self, databases: Databases) -> None:
        self.needs("keys")
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            schema = source.reflect()
        line, shipment = table(schema, "order_line"), table(schema, "shipment")
        assert line.primary_key is not None
        assert line.primary_key.columns == ("order_no", "line_no")
        assert [key.columns for key in table(schema, "customer").unique_keys] == [("email",)]
        (composite,) = shipment.foreign_keys
        assert composite.columns == ("order_no", "line_no")
        assert composite.referred == TableName("order_line")
        assert composite.referred_columns == ("order_no", "line_no")
        (own,) = table(schema, "customer").foreign_keys
        assert own.referred == TableName("customer")

    def test_names_of_constraints(self, databases: Databases) -> None:
        self.needs("keys")
        self.needs("constraint_names")
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            schema = source.reflect()
        (composite,) = table(schema, "shipment").foreign_keys
        assert composite.name == "shipment_line"
        if self.adapter.capabilities.checks:
            assert [c.name for c in table(schema, "customer").checks] == ["credit_positive"]

    def test_referential_actions(self, databases: Databases) -> None:
        self.needs("keys")
        self.needs("referential_actions")
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            (cascading,) = table(source.reflect(), "order_line").foreign_keys
        assert cascading.on_delete == "CASCADE"

    def test_indexes(self, databases: Databases) -> None:
        self.needs("indexes")
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            found = table(source.reflect(), "shipment").indexes
        assert ("shipment_order", ("order_no",)) in {(i.name, i.columns) for i in found}

    def test_checks(self, databases: Databases) -> None:
        self.needs("checks")
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            (check,) = table(source.reflect(), "customer").checks
        assert "credit" in check.sql

    def test_type_families(self, databases: Databases) -> None:
        url = databases()
        create_types(url, self.absent)
        with self.source(url) as source:
            columns = table(source.reflect(), "everything").columns
        families = {column.name: column.type.family for column in columns}
        expected = {
            "n": TypeFamily.INTEGER,
            "whole": TypeFamily.INTEGER,
            "exact": TypeFamily.DECIMAL,
            "real": TypeFamily.FLOAT,
            "flag": TypeFamily.BOOLEAN,
            "words": TypeFamily.TEXT,
            "prose": TypeFamily.TEXT,
            "day": TypeFamily.DATE,
            "moment": TypeFamily.DATETIME,
            "hour": TypeFamily.TIME,
            "raw": TypeFamily.BINARY,
        }
        assert families == {name: f for name, f in expected.items() if name not in self.absent}

    def test_selection(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            schema = source.reflect(Selection(include=("*e*",), exclude=("order*",)))
        assert {str(t.name) for t in schema} >= {"customer", "shipment"}
        assert TableName("order_line") not in schema

    def test_an_unknown_schema_is_refused(self, databases: Databases) -> None:
        url = databases()
        with self.source(url) as source, pytest.raises(ReflectionError, match="nowhere"):
            source.reflect(Selection(schemas=("nowhere",)))

    def test_an_empty_database_has_no_tables(self, databases: Databases) -> None:
        with self.source(databases()) as source:
            assert source.reflect().tables == ()

    def test_statements_do_not_grow_with_tables(
        self, databases: Databases, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.needs("bulk_reflection")
        counts = []
        for size in (FEW, MANY):
            url = databases()
            execute(url, *(f"CREATE TABLE t{i} (a INTEGER PRIMARY KEY)" for i in range(size)))
            counts.append(self._statements(url, monkeypatch))
        assert counts[0] == counts[1]

    def _statements(self, url: str, monkeypatch: pytest.MonkeyPatch) -> int:
        seen: list[str] = []
        with self.adapter().source(database_url(url)) as source, monkeypatch.context() as patch:
            run = sa.Connection.exec_driver_sql
            execute_ = sa.Connection.execute

            def counted_sql(self: sa.Connection, statement: str, *a: object, **k: object) -> object:
                seen.append(statement)
                return run(self, statement, *a, **k)  # type: ignore[arg-type]

            def counted(self: sa.Connection, statement: object, *a: object, **k: object) -> object:
                seen.append(str(statement))
                return execute_(self, statement, *a, **k)  # type: ignore[call-overload]

            patch.setattr(sa.Connection, "exec_driver_sql", counted_sql)
            patch.setattr(sa.Connection, "execute", counted)
            source.reflect()
        assert seen
        return len(seen)
