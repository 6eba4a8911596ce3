"""Questions to the store of hashes about large tables: a part of the rows tells most answers."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from schemasynth.infer.evidence.store import PART_ROWS, PARTED_ROWS, Store
from schemasynth.model import Column, Schema, SqlType, Table, TableName, TypeFamily

WHOLE = SqlType("BIGINT", TypeFamily.INTEGER)
PARENT, CHILD = TableName("parent"), TableName("child")
ROWS = PARTED_ROWS + 1_000
HALF = np.uint64(1) << np.uint64(63)


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """A parent with pairs, and a child with half of them and half of others."""
    tables = tuple(
        Table(name, (Column("a", WHOLE), Column("b", WHOLE))) for name in (PARENT, CHILD)
    )
    rng = np.random.default_rng(1)
    pairs = [rng.integers(0, HALF, ROWS, dtype=np.uint64) for _ in "ab"]
    others = [np.where(np.arange(ROWS) % 2 == 0, p, p + HALF) for p in pairs]
    with duckdb.connect() as connection:
        found = Store(connection, Schema("sqlite", "large", tables))
        for name, columns in ((PARENT, pairs), (CHILD, others)):
            names = [found.column((name, column)) for column in ("a", "b")]
            found.replace("rows", pa.RecordBatch.from_arrays(list(map(pa.array, columns)), names))
            found.insert(found.table(name), "rows")
            found.rows[name] = ROWS
        yield found


def test_a_share_is_told_by_a_part(store: Store) -> None:
    pairs = (CHILD, ("a", "b"), PARENT, ("a", "b"))
    distinct, inside, _ = store.tuple_inclusion(*pairs)
    assert (distinct, inside) == (ROWS, (ROWS + 1) // 2)
    assert store.hardly_included(*pairs, 0.7)
    assert not store.hardly_included(*pairs, 0.5)


def test_small_tables_are_not_parted(store: Store) -> None:
    store.rows[CHILD] = 2 * PART_ROWS - 1
    assert not store.hardly_included(CHILD, ("a", "b"), PARENT, ("b", "a"), 0.5)
    store.rows[CHILD] = ROWS


def test_one_repeated_tuple_is_found(store: Store) -> None:
    assert store.unique(PARENT, ("a", "b"))
    assert store.unique(PARENT, ("a",))
    name = store.table(PARENT)
    store.connection.execute(f"INSERT INTO {name} SELECT * FROM {name} LIMIT 1")
    again = Store(store.connection, store.schema)
    again.rows[PARENT] = ROWS + 1
    assert not again.unique(PARENT, ("a", "b"))
    assert not again.unique(PARENT, ("b",))


def test_sets_with_and_without_the_first_column_are_told_apart() -> None:
    table = Table(TableName("t"), tuple(Column(name, WHOLE) for name in "abc"))
    with duckdb.connect() as connection:
        store = Store(connection, Schema("sqlite", "small", (table,)))
        ids = [(table.name, name) for name in table.column_names]
        rows = {"a": [1, None], "b": [1, 2], "c": [1, 2]}
        batch = pa.RecordBatch.from_pydict(
            {store.column(i): pa.array(rows[i[1]], pa.uint64()) for i in ids}
        )
        store.replace("rows", batch)
        store.insert(store.table(table.name), "rows")
        found = store.groups(ids)
    sets: dict[int, set[int]] = {}
    for group, column in zip(found.group, found.column, strict=True):
        sets.setdefault(int(group), set()).add(int(column))
    assert sorted(map(sorted, sets.values())) == [[0, 1, 2], [1, 2]]
