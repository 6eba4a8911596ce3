"""The contract of loading: stage beside, see what is staged, switch at once, or leave no trace.

Imported by tests of adapters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth.adapter import TargetConnection
from schemasynth.errors import LoadError
from schemasynth.model import Schema, TableName, arrow_type
from schemasynth.settings import database_url
from schemasynth.testing.suite.base import (
    EMAIL_LENGTH,
    QUOTED,
    Contract,
    Databases,
    create_types,
    rows,
    table,
    types,
    with_quotes,
)

ORDER = ("customer", "order_line", "shipment")


class LoadContract(Contract):
    """Until the switch the target is as it was; after it all tables are new."""

    def _ordered(self, target: TargetConnection) -> Schema:
        schema = target.reflect()
        return replace(schema, tables=tuple(table(schema, name) for name in (*ORDER, self.odd)))

    def test_switch_replaces_all_tables(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url, with_rows=False)
        with self.target(url) as target:
            schema = self._ordered(target)
            with target.load(schema, "run1") as load:
                for t in schema:
                    content = self.shop_rows()[t.name.name]
                    assert load.stage(t, _batches(schema, t.name, content)) == len(content)
                load.switch()
        for name, content in self.shop_rows().items():
            found = rows(url, sa.select(self.shop().tables[name]))
            assert sorted(found, key=str) == sorted((tuple(r.values()) for r in content), key=str)

    def test_staged_rows_are_seen_before_the_switch(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url, with_rows=False)
        with self.target(url) as target:
            schema = self._ordered(target)
            customer = table(schema, "customer")
            with target.load(schema, "run1") as load:
                load.stage(customer, _batches(schema, customer.name, self.shop_rows()["customer"]))
                count = sa.select(sa.func.count()).select_from(load.relation(customer))
                assert load.select(count) == [(3,)]

    def test_abort_leaves_the_target_as_it_was(self, databases: Databases) -> None:
        url = databases()
        there = self.adapter.capabilities.replaces_referenced
        self.create_shop(url, with_rows=there)
        with self.target(url) as target:
            schema = self._ordered(target)
            customer = table(schema, "customer")
            with target.load(schema, "run1") as load:
                content = self.shop_rows()["customer"][:1]
                load.stage(customer, _batches(schema, customer.name, content))
            assert target.recover() == () or list(target.recover()) == []
        for name, content in self.shop_rows().items():
            expected = len(content) if there else 0
            assert len(rows(url, sa.select(self.shop().tables[name]))) == expected

    def test_rows_that_are_referred_to_are_replaced(self, databases: Databases) -> None:
        self.needs("replaces_referenced")
        url = databases()
        self.create_shop(url)
        with self.target(url) as target:
            schema = self._ordered(target)
            with target.load(schema, "run1") as load:
                for t in schema:
                    load.stage(t, _batches(schema, t.name, self.shop_rows()[t.name.name]))
                load.switch()
        for name, content in self.shop_rows().items():
            assert len(rows(url, sa.select(self.shop().tables[name]))) == len(content)

    def test_every_type_is_stored_unchanged(self, databases: Databases) -> None:
        url = databases()
        create_types(url, self.absent, with_rows=False)
        everything_there = types(self.absent).tables["everything"]
        names = [str(column.name) for column in everything_there.columns]
        content = [dict.fromkeys(names) | row for row in self.type_rows()]
        with self.target(url) as target:
            schema = target.reflect()
            everything = table(schema, "everything")
            with target.load(schema, "run1") as load:
                load.stage(everything, _batches(schema, everything.name, content))
                load.switch()
        found = rows(url, sa.select(everything_there).order_by(everything_there.c.n))
        assert found == [tuple(row.values()) for row in content]

    def test_a_quote_in_names(self, databases: Databases) -> None:
        self.needs("quotes_in_names")
        url = databases()
        metadata = with_quotes()
        metadata.create_all(sa.create_engine(database_url(url), poolclass=sa.NullPool))
        content: list[dict[str, Any]] = [{"n": 1, QUOTED: "x"}]
        with self.target(url) as target:
            schema = target.reflect()
            with target.load(schema, "run1") as load:
                load.stage(table(schema, QUOTED), _batches(schema, TableName(QUOTED), content))
                load.switch()
        with self.source(url) as source:
            batches = list(source.read(table(source.reflect(), QUOTED)))
        assert [row for batch in batches for row in batch.to_pylist()] == content

    def test_rows_that_do_not_fit_are_a_load_error(self, databases: Databases) -> None:
        url = databases()
        there = self.adapter.capabilities.replaces_referenced
        self.create_shop(url, with_rows=there)
        with self.target(url) as target:
            schema = self._ordered(target)
            customer = table(schema, "customer")
            email = None if self.adapter.capabilities.keys else "x" * (EMAIL_LENGTH + 1)
            broken = [{"id": 1, "email": email, "boss": None, "credit": None}] * 2
            with pytest.raises(LoadError) as caught, target.load(schema, "run1") as load:
                load.stage(customer, _batches(schema, customer.name, broken))
                load.switch()
        assert "customer" in str(caught.value)
        assert len(rows(url, sa.select(self.shop().tables["customer"]))) == (3 if there else 0)

    def test_identities_continue_after_the_largest_key(self, databases: Databases) -> None:
        self.needs("identity_columns")
        url = databases()
        self.create_shop(url, with_rows=False)
        with self.target(url) as target:
            schema = self._ordered(target)
            with target.load(schema, "run1") as load:
                for t in schema:
                    load.stage(t, _batches(schema, t.name, self.shop_rows()[t.name.name]))
                load.switch()
        customer = self.shop().tables["customer"]
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.execute(sa.insert(customer).values(email="new@example.org"))
        engine.dispose()
        assert max(row[0] for row in rows(url, sa.select(customer.c.id))) == 4


def _batches(
    schema: Schema, name: TableName, content: list[dict[str, Any]]
) -> Iterator[pa.RecordBatch]:
    fields = [pa.field(c.name, arrow_type(c.type)) for c in schema.table(name).columns]
    yield pa.RecordBatch.from_pylist(content, schema=pa.schema(fields))
