"""The contract of reading.

Imported by tests of adapters.
"""

from __future__ import annotations

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.adapter import count_rows
from schemasynth.model import arrow_type
from schemasynth.testing.suite.base import (
    Contract,
    Databases,
    create_types,
    table,
)


class ReadContract(Contract):
    """Rows arrive in the model's Arrow types, whole and in bounded batches."""

    def test_every_type_arrives_unchanged(self, databases: Databases) -> None:
        url = databases()
        create_types(url, self.absent)
        with self.source(url) as source:
            everything = table(source.reflect(), "everything")
            read = pa.Table.from_batches(source.read(everything))
            for column in everything.columns:
                assert read.schema.field(column.name).type == arrow_type(column.type), column.name
        found = {row["n"]: row for row in read.to_pylist()}
        for row in self.type_rows():
            for name, value in row.items():
                assert found[row["n"]][name] == value, name

    def test_odd_names_and_quotes(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            read = pa.Table.from_batches(source.read(table(source.reflect(), self.odd)))
        assert read.to_pylist() == self.shop_rows()[self.odd]

    def test_columns_are_chosen_in_order(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            customer = table(source.reflect(), "customer")
            read = pa.Table.from_batches(source.read(customer, ["email", "id"]))
        assert read.column_names == ["email", "id"]

    def test_batches_are_bounded(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            customer = table(source.reflect(), "customer")
            sizes = [b.num_rows for b in source.read(customer, chunk_rows=2)]
            limited = [b.num_rows for b in source.read(customer, limit=1)]
        assert max(sizes) <= 2
        assert sum(sizes) == 3
        assert sum(limited) == 1

    def test_a_part_of_the_rows(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source, source.snapshot():
            customer = table(source.reflect(), "customer")
            place = source.relation(customer)
            number = sa.func.row_number().over(order_by=place.c.id).label("n")
            numbered = sa.select(place.c.id, place.c.email, number).subquery()
            odd = sa.select(numbered.c.id).where(numbered.c.n % 2 == 1).cte("odd_ones")
            joined = place.join(odd, place.c.id == odd.c.id)
            part = sa.select(place.c.id, place.c.email).select_from(joined).subquery()
            read = pa.Table.from_batches(source.read(customer, ["email", "id"], part=part))
            rest = pa.Table.from_batches(source.read(customer, ["id"]))
        ids = sorted(row["id"] for row in self.shop_rows()["customer"])
        assert read.column_names == ["email", "id"]
        assert sorted(read["id"].to_pylist()) == ids[::2]
        assert sorted(rest["id"].to_pylist()) == ids

    def test_an_empty_table_gives_its_types(self, databases: Databases) -> None:
        url = databases()
        create_types(url, self.absent, with_rows=False)
        with self.source(url) as source:
            everything = table(source.reflect(), "everything")
            batches = list(source.read(everything))
        assert batches[0].schema.names == list(everything.column_names)
        assert sum(b.num_rows for b in batches) == 0

    def test_rows_are_counted(self, databases: Databases) -> None:
        url = databases()
        self.create_shop(url)
        with self.source(url) as source:
            schema = count_rows(source, source.reflect())
        assert {str(t.name): t.row_count for t in schema} == {
            name: len(rows) for name, rows in self.shop_rows().items()
        }
