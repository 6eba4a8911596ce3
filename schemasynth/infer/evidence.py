"""Evidence from data: one scan a table, then inclusion of all columns at once.

The only module of inference with I/O; columns are streamed through the adapter port into DuckDB.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.adapter import SourceConnection
from schemasynth.infer.profile import ColumnProfile, Profile
from schemasynth.infer.tuples import distinct_rows, held, shuffled
from schemasynth.model import Schema, Table, TableName, TypeFamily
from schemasynth.progress import Listener, Progress, silent

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from schemasynth.infer.tuples import Hashes

    Codes: TypeAlias = npt.NDArray[np.integer[Any]]
    Bools: TypeAlias = npt.NDArray[np.bool_]
    Measured: TypeAlias = npt.NDArray[np.float64]

MEMORY_LIMIT = "1GB"
"""What DuckDB keeps in memory; more is spilled to a private folder that is removed."""
KEY_LENGTH = 100
"""Longest value of a key column, in characters: longer text is prose, not a key."""
UNIQUE_SHARE = 0.9
"""Distinct values by rows from which a column may be a referenced key despite dirt."""
MIN_INCLUSION = 0.5
"""Share of a column's distinct values found in another from which the pair is looked at: a
third of real foreign keys is violated by its own data, so there is no exact gate."""
MIN_ROW_INCLUSION = 0.8
"""The same by rows: a few orphans outnumber the values of a column that has only some."""
COMPARED = 200
"""Columns compared with all others at once: bounds the memory that it takes."""
HEAD_ROWS = 10_000
"""First rows of a table in which row order is judged and sets of columns are tried first."""
COLUMNS_HELD = 2_000
"""Columns of tables no longer than that whose hashes are kept: 180 MB at most, mostly a tenth."""
SETS_HELD = 200
"""Column sets of which the distinct tuples are kept."""

ColumnId: TypeAlias = tuple[TableName, str]


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """What one scan says of a column.

    Attributes:
        profile: counts.
        sort: what the values are: integer, number, text, time, other.
        minimum: smallest value of numbers and times as a number.
        maximum: largest.
        mean_length: characters of the values as text.
        spaced: share of values with a space: prose or names rather than codes.
        digits: share of values with a digit.
        rising: share of head rows whose value is above that of the row before.
        steady: the same, or equal to it.
    """

    profile: ColumnProfile
    sort: str
    minimum: float | None = None
    maximum: float | None = None
    mean_length: float = 0.0
    spaced: float = 0.0
    digits: float = 0.0
    rising: float = 0.0
    steady: float = 0.0


@dataclass(frozen=True, slots=True)
class Inclusion:
    """How the values of one column lie in another's.

    Attributes:
        share: distinct values of the child found in the parent, by distinct values.
        coverage: by the parent's distinct values.
        row_share: rows of the child whose value is in the parent, by rows with a value.
    """

    share: float
    coverage: float
    row_share: float = 1.0


class Inclusions(Mapping[tuple[ColumnId, ColumnId], Inclusion]):
    """Inclusions by pairs of columns, child first; kept as arrays, for there are millions."""

    def __init__(
        self, columns: Sequence[ColumnId], ends: Codes, child: Codes, measured: Measured
    ) -> None:
        """Take pairs in the order of parents, those of a parent in the order of children.

        Args:
            columns: what the pairs number.
            ends: of each parent, the place after its last pair.
            child: of each pair.
            measured: share, coverage and row share of each pair, a row.
        """
        self._columns = columns
        self._places = {column: i for i, column in enumerate(columns)}
        self._child, self._measured = child, measured
        self._bounds = [0, *ends.tolist()]

    @classmethod
    def of(cls, pairs: Mapping[tuple[ColumnId, ColumnId], Inclusion]) -> Inclusions:
        """Return the same inclusions as arrays."""
        import numpy as np

        columns = list(dict.fromkeys(column for pair in pairs for column in pair))
        places = {column: i for i, column in enumerate(columns)}
        ordered = sorted(
            (places[parent], places[child], (i.share, i.coverage, i.row_share))
            for (child, parent), i in pairs.items()
        )
        parents = np.array([parent for parent, _, _ in ordered], dtype=np.int32)
        counts = np.bincount(parents, minlength=len(columns))
        child = np.array([child for _, child, _ in ordered], dtype=np.int32)
        measured = np.array([m for _, _, m in ordered]).reshape(-1, 3)
        return cls(columns, np.cumsum(counts), child, measured)

    def __getitem__(self, pair: tuple[ColumnId, ColumnId]) -> Inclusion:
        """Return how the first column lies in the second one."""
        import numpy as np

        child, parent = (self._places[column] for column in pair)
        start, end = self._bounds[parent : parent + 2]
        place = start + int(np.searchsorted(self._child[start:end], child))
        if place == end or self._child[place] != child:
            raise KeyError(pair)
        return Inclusion(*self._measured[place].tolist())

    def __iter__(self) -> Iterator[tuple[ColumnId, ColumnId]]:
        """Yield the pairs, parent by parent."""
        for parent in self._columns:
            for child, _ in self.into(parent):
                yield child, parent

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self._child)

    def into(self, parent: ColumnId) -> Iterator[tuple[ColumnId, Inclusion]]:
        """Yield the columns that lie in another one, and how they do."""
        place = self._places.get(parent)
        if place is None:
            return
        part = slice(*self._bounds[place : place + 2])
        rows = zip(self._child[part].tolist(), self._measured[part].tolist(), strict=True)
        for child, figures in rows:
            yield self._columns[child], Inclusion(*figures)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that data say of the keys of a schema.

    Attributes:
        figures: of each column.
        inclusions: of pairs of columns, child first; only from `MIN_INCLUSION` or
            `MIN_ROW_INCLUSION` on.
        store: answers questions on column sets while it is open.
    """

    figures: Mapping[ColumnId, ColumnFigures]
    inclusions: Inclusions
    store: Store = field(repr=False)

    @property
    def profile(self) -> Profile:
        """The counts, for the planner."""
        return Profile({column: figures.profile for column, figures in self.figures.items()})

    def rows(self, table: Table) -> int:
        """Return the rows of a table."""
        first = table.columns[0].name
        return self.figures[table.name, first].profile.rows if table.columns else 0


@dataclass(frozen=True, slots=True)
class Groups:
    """Which columns share how many values; one entry a group and column of it."""

    group: Codes
    column: Codes
    values: Codes
    rows: Codes


class Store:
    """Columns of all tables in DuckDB, as canonical text: ``1``, ``1.0`` and ``'1'`` are equal."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: Schema) -> None:
        """Give every table and column a neutral name."""
        self._connection = connection
        self._tables = {table.name: f"t{i}" for i, table in enumerate(schema)}
        self._columns = {
            (table.name, name): f"c{j}"
            for table in schema
            for j, name in enumerate(table.column_names)
        }
        self._rows: dict[str, int] = {}
        self._hashes = lru_cache(COLUMNS_HELD)(self._read_hashes)
        self._tuples = lru_cache(SETS_HELD)(self._read_tuples)

    def load(self, table: Table, batches: Iterator[pa.RecordBatch]) -> pa.Schema:
        """Store a table; returns the types its columns came in."""
        import pyarrow as pa

        kinds: pa.Schema | None = None
        name = self._tables[table.name]
        self._rows[name] = 0
        for batch in batches:
            kinds = batch.schema if kinds is None else kinds
            renamed = pa.Table.from_batches([batch]).rename_columns(
                [self._columns[table.name, column] for column in batch.schema.names]
            )
            self._connection.register("batch", renamed)
            texts = ", ".join(
                f"{_canonical(self._columns[table.name, f.name], f.type)} AS "
                f"{self._columns[table.name, f.name]}"
                for f in batch.schema
            )
            verb = f"CREATE TABLE {name} AS" if batch.schema is kinds else f"INSERT INTO {name}"
            self._connection.execute(f"{verb} SELECT {texts} FROM batch")  # noqa: S608 own names
            self._connection.unregister("batch")
            self._rows[name] += batch.num_rows
        assert kinds is not None  # noqa: S101 the port yields at least one batch
        return kinds

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql).fetchall()

    def figures(self, table: Table) -> list[tuple[Any, ...]]:
        """Return rows, then of every column what `_scan` names."""
        name = self._tables[table.name]
        columns = [self._columns[table.name, column] for column in table.column_names]
        parts = ", ".join(
            f"count({c}), max(length({c})), avg(length({c})), "
            f"min(TRY_CAST({c} AS DOUBLE)), max(TRY_CAST({c} AS DOUBLE)), "
            f"count(TRY_CAST({c} AS BIGINT)), avg(CAST(contains({c}, ' ') AS TINYINT)), "
            f"avg(CAST(regexp_matches({c}, '[0-9]') AS TINYINT))"
            for c in columns
        )
        row = self._query(f"SELECT count(*), {parts} FROM {name}")[0]  # noqa: S608 own names
        distinct = self._distinct_values(name, columns)
        width = 8
        return [
            (row[0], row[start], distinct[i], *row[start + 1 : start + width])
            for i, start in enumerate(range(1, len(row), width))
        ]

    def _distinct_values(self, table: str, columns: Sequence[str]) -> list[int]:
        """Return the number of values of each column.

        Several ``count(DISTINCT …)`` in one query take DuckDB many times as long as one each.
        """
        counts = " UNION ALL ".join(
            f"SELECT {i}, count(*) FROM (SELECT DISTINCT {c} FROM {table} WHERE {c} IS NOT NULL)"  # noqa: S608
            for i, c in enumerate(columns)
        )
        return [n for _, n in sorted(self._query(counts))]

    def codes(self, table: Table) -> Codes:
        """Return the first rows with each value as its rank in the column, -1 for NULL.

        Returns:
            Array of shape (at most `HEAD_ROWS`, columns); numbers rank as numbers.
        """
        import numpy as np

        names = [self._columns[table.name, column] for column in table.column_names]
        ranks = ", ".join(
            f"CASE WHEN {c} IS NULL THEN -1 ELSE dense_rank() OVER "
            f"(ORDER BY TRY_CAST({c} AS DOUBLE), {c}) END AS {c}"
            for c in names
        )
        fetched = self._connection.execute(
            f"SELECT {ranks} FROM (SELECT rowid AS r, * FROM {self._tables[table.name]} "  # noqa: S608
            f"WHERE rowid < {HEAD_ROWS}) ORDER BY r"
        ).fetchnumpy()
        return np.column_stack([np.asarray(fetched[c], dtype=np.int32) for c in names])

    def groups(self, columns: Sequence[ColumnId]) -> Groups:
        """Return what stands in exactly each set of columns.

        The grouped inclusion of SINDY (Kruse, Papenbrock, Naumann 2015), in SQL.

        Args:
            columns: numbered by their place.

        Returns:
            Arrays of one entry a group and column of it: group, column, distinct values of the
            group, rows of the column that hold one of them.
        """
        import numpy as np

        by_table: defaultdict[TableName, list[str]] = defaultdict(list)
        for i, (table, column) in enumerate(columns):
            name = self._columns[table, column]
            by_table[table].append(
                f"SELECT {name} AS v, {i} AS c, count(*) AS n "  # noqa: S608 own names
                f"FROM {self._tables[table]} WHERE {name} IS NOT NULL GROUP BY {name}"
            )
        self._connection.execute(
            "CREATE OR REPLACE TEMP TABLE held (v VARCHAR, c INTEGER, n BIGINT)"
        )
        for counts in by_table.values():
            self._connection.execute(f"INSERT INTO held {' UNION ALL '.join(counts)}")
        fetched = self._connection.execute(
            "WITH s AS (SELECT v, sum(hash(c)) AS s FROM held GROUP BY v) "
            "SELECT dense_rank() OVER (ORDER BY s) - 1 AS g, c, count(*) AS v, "
            "CAST(sum(n) AS BIGINT) AS n FROM held JOIN s USING (v) GROUP BY s, c"
        ).fetchnumpy()
        self._connection.execute("DROP TABLE held")
        return Groups(*(np.asarray(fetched[name]) for name in ("g", "c", "v", "n")))

    def renamed(self, schema: Schema) -> Store:
        """Return the same data under other names.

        Args:
            schema: tables and columns in the order of the one loaded.
        """
        other = Store(self._connection, schema)
        other._rows = self._rows
        return other

    def distinct(self, table: TableName, columns: Sequence[str]) -> int:
        """Return the number of distinct tuples without NULLs."""
        names = [self._columns[table, column] for column in columns]
        present = " AND ".join(f"{name} IS NOT NULL" for name in names)
        sql = f"SELECT DISTINCT {', '.join(names)} FROM {self._tables[table]} WHERE {present}"  # noqa: S608
        return int(self._query(f"SELECT count(*) FROM ({sql})")[0][0])  # noqa: S608 own names

    def shuffled_inclusion(
        self, child: TableName, columns: Sequence[str], parent: TableName, referred: Sequence[str]
    ) -> float:
        """Return the share of child tuples found where the last part is paired at random.

        What remains of the inclusion then is owed to the parts, not to their pairing.
        """
        if self._held(child, parent):
            hashes, values = self._tuples(child, tuple(columns))
            among, _ = self._tuples(parent, tuple(referred))
            return held(shuffled(values), among) / len(hashes) if len(hashes) else 0.0
        here = self._distinct_sql(child, columns)
        there = self._distinct_sql(parent, referred)
        last = len(columns) - 1
        keys = ", ".join(f"k{i}" for i in range(len(columns)))
        order = f"ORDER BY hash({keys})"
        parts = ", ".join(f"k{i}" for i in range(last))
        row = self._query(
            f"WITH c AS ({here}), s AS (SELECT {parts}, lead(k{last}) "  # noqa: S608 own names
            f"OVER ({order}) AS k{last} FROM c), p AS ({there}) "
            f"SELECT (SELECT count(*) FROM s), (SELECT count(*) FROM s JOIN p USING ({keys}))"
        )[0]
        return int(row[1]) / int(row[0]) if row[0] else 0.0

    def tuple_inclusion(
        self, child: TableName, columns: Sequence[str], parent: TableName, referred: Sequence[str]
    ) -> tuple[int, int, int]:
        """Return distinct child tuples, those found in the parent, distinct parent tuples."""
        if self._held(child, parent):
            hashes, _ = self._tuples(child, tuple(columns))
            among, _ = self._tuples(parent, tuple(referred))
            return len(hashes), held(hashes, among), len(among)
        here = self._distinct_sql(child, columns)
        there = self._distinct_sql(parent, referred)
        keys = ", ".join(f"k{i}" for i in range(len(columns)))
        row = self._query(
            f"WITH c AS ({here}), p AS ({there}) SELECT (SELECT count(*) FROM c), "  # noqa: S608
            f"(SELECT count(*) FROM c JOIN p USING ({keys})), (SELECT count(*) FROM p)"
        )[0]
        return int(row[0]), int(row[1]), int(row[2])

    def _held(self, *tables: TableName) -> bool:
        """Tell whether tables are small enough to compare their tuples here."""
        return all(self._rows[self._tables[table]] <= HEAD_ROWS for table in tables)

    def _read_hashes(self, table: TableName, column: str) -> tuple[Hashes, Bools]:
        """Return the hash of each value, and where there is one."""
        import numpy as np

        name = self._columns[table, column]
        fetched = self._connection.execute(
            f"SELECT hash({name}) AS h, {name} IS NOT NULL AS p FROM {self._tables[table]}"  # noqa: S608
        ).fetchnumpy()
        return np.asarray(fetched["h"]), np.asarray(fetched["p"])

    def _read_tuples(
        self, table: TableName, columns: tuple[str, ...]
    ) -> tuple[Hashes, list[Hashes]]:
        """Return the distinct tuples without NULLs: hashes in order, and their columns."""
        import numpy as np

        read = [self._hashes(table, column) for column in columns]
        present = np.logical_and.reduce([p for _, p in read])
        return distinct_rows([h[present] for h, _ in read])

    def _distinct_sql(self, table: TableName, columns: Sequence[str]) -> str:
        names = [self._columns[table, column] for column in columns]
        listed = ", ".join(f"{name} AS k{i}" for i, name in enumerate(names))
        present = " AND ".join(f"{name} IS NOT NULL" for name in names)
        return f"SELECT DISTINCT {listed} FROM {self._tables[table]} WHERE {present}"  # noqa: S608

    def determination(
        self, table: TableName, columns: Sequence[str], determined: str
    ) -> tuple[int, int, int, float]:
        """Return how far columns determine another one.

        Returns:
            Rows in groups of two and more, those of them that differ from their group's
            commonest value, such groups, and the share of the column's commonest value.
        """
        names = [self._columns[table, column] for column in columns]
        keys = ", ".join(names)
        z, source = self._columns[table, determined], self._tables[table]
        present = " AND ".join(f"{name} IS NOT NULL" for name in [*names, z])
        row = self._query(
            f"WITH v AS (SELECT {keys}, {z} AS z, count(*) AS n FROM {source} WHERE {present} "  # noqa: S608
            f"GROUP BY {keys}, {z}), "
            f"g AS (SELECT {keys}, sum(n) AS s, max(n) AS m FROM v GROUP BY {keys} "
            "HAVING sum(n) > 1) "
            "SELECT coalesce(sum(s), 0), coalesce(sum(s - m), 0), count(*), "
            "(SELECT coalesce(sum(power(t.c / w.total, 2)), 1) FROM "
            "(SELECT z, sum(n) AS c FROM v GROUP BY z) t, (SELECT sum(n) AS total FROM v) w) FROM g"
        )[0]
        return int(row[0]), int(row[1]), int(row[2]), float(row[3])


def _canonical(name: str, kind: pa.DataType) -> str:
    """Return the SQL that writes a value as canonical text."""
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return f"CAST(CAST({name} AS TINYINT) AS VARCHAR)"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        whole = f"CAST(CAST({name} AS HUGEINT) AS VARCHAR)"
        return (
            f"CASE WHEN {name} = floor({name}) AND abs({name}) < 1e18 THEN {whole} "
            f"ELSE CAST({name} AS VARCHAR) END"
        )
    if pa.types.is_binary(kind):
        return f"left(hex({name}), {2 * KEY_LENGTH + 2})"
    if pa.types.is_string(kind):
        return f"left(trim({name}), {KEY_LENGTH + 1})"
    return f"CAST({name} AS VARCHAR)"


@contextmanager
def evidence_of(
    source: SourceConnection, schema: Schema, listener: Listener = silent
) -> Iterator[Evidence]:
    """Collect evidence; its store is open within the context, and gone after it.

    Args:
        source: read in one scan a table.
        schema: which tables.
        listener: hears a message a table.
    """
    import duckdb

    with tempfile.TemporaryDirectory(prefix="schemasynth-") as folder:
        connection = duckdb.connect(
            config={"memory_limit": MEMORY_LIMIT, "temp_directory": str(Path(folder) / "spill")}
        )
        try:
            store = Store(connection, schema)
            figures: dict[ColumnId, ColumnFigures] = {}
            for done, table in enumerate(schema, 1):
                figures.update(_scan(store, source, table))
                listener(Progress("scan", str(table.name), done, len(schema.tables)))
            listener(Progress("compare", "all columns"))
            yield Evidence(figures, _inclusions(store, figures), store)
        finally:
            connection.close()


def _scan(
    store: Store, source: SourceConnection, table: Table
) -> Iterator[tuple[ColumnId, ColumnFigures]]:
    kinds = store.load(table, source.read(table))
    codes = store.codes(table)
    for i, (column, row) in enumerate(zip(table.columns, store.figures(table), strict=True)):
        rows, values, distinct, longest, mean, low, high, integers, spaced, digits = row
        rising, steady = _order(codes[:, i])
        yield (
            (table.name, column.name),
            ColumnFigures(
                ColumnProfile(rows, rows - values, distinct, longest),
                _sort(kinds.field(column.name).type, column.type.family, values == integers),
                low if values == integers else None,
                high if values == integers else None,
                float(mean or 0),
                float(spaced or 0),
                float(digits or 0),
                rising,
                steady,
            ),
        )


def _order(codes: Codes) -> tuple[float, float]:
    """Return the share of rows above the row before, and of those not below it."""
    if len(codes) < 2:
        return 0.0, 0.0
    steps = codes[1:] - codes[:-1]
    return float((steps > 0).mean()), float((steps >= 0).mean())


def _sort(kind: pa.DataType, family: TypeFamily, integral: bool) -> str:
    import pyarrow as pa

    if pa.types.is_boolean(kind):
        return "flag"
    if pa.types.is_temporal(kind):
        return "time"
    if pa.types.is_binary(kind):
        return "other"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "integer" if integral else "number"
    if pa.types.is_integer(kind):
        return "integer"
    return "integer text" if integral and family is TypeFamily.TEXT else "text"


def _inclusions(store: Store, figures: Mapping[ColumnId, ColumnFigures]) -> Inclusions:
    """Compare the columns that could be keys or refer to one."""
    import numpy as np
    from scipy.sparse import coo_array, csr_array

    eligible = [c for c, f in figures.items() if _may_refer(f)]
    groups = store.groups(eligible) if eligible else None
    if groups is None or not len(groups.group):
        return Inclusions.of({})
    shape = (int(groups.group.max()) + 1, len(eligible))
    where = (groups.group, groups.column)
    member = coo_array((np.ones(len(groups.group)), where), shape=shape).tocsc()
    values_of, rows_of = (
        csr_array(coo_array((counts, where), shape=shape).transpose())
        for counts in (groups.values, groups.rows)
    )
    profiles = [figures[column].profile for column in eligible]
    distinct = np.array([p.distinct for p in profiles])
    present = np.array([p.rows - p.nulls for p in profiles])
    referable = np.array([_may_be_referred(figures[column]) for column in eligible])
    counted, children, measured = [], [], []
    for start in range(0, len(eligible), COMPARED):
        # A row a parent, a column a child.
        part = slice(start, start + COMPARED)
        values, rows = (
            csr_array(by.dot(member[:, part])).todense().transpose() for by in (values_of, rows_of)
        )
        kept = (values >= MIN_INCLUSION * distinct) | (rows >= MIN_ROW_INCLUSION * present)
        kept &= (values > 0) & referable[part, None]
        kept[np.arange(len(kept)), np.arange(start, start + len(kept))] = False
        parent, child = np.nonzero(kept)
        shared = values[kept]
        shares = (shared / distinct[child], shared / distinct[start + parent])
        counted.append(kept.sum(axis=1))
        children.append(child.astype(np.int32))
        measured.append(np.column_stack([*shares, rows[kept] / present[child]]).round(6))
    ends = np.cumsum(np.concatenate(counted))
    return Inclusions(eligible, ends, np.concatenate(children), np.concatenate(measured))


def _may_refer(figures: ColumnFigures) -> bool:
    profile = figures.profile
    return (
        profile.distinct > 0
        and (profile.max_length or 0) <= KEY_LENGTH
        and figures.sort not in ("number", "flag", "other")
    )


def _may_be_referred(figures: ColumnFigures) -> bool:
    """Every column that may be part of a key; uniqueness is judged with the rest."""
    return figures.profile.distinct > 1 or figures.profile.rows == 1
