"""The hash of every value in DuckDB: answers questions on columns and sets of columns.

Imports the model and figures; filled by the ways of collecting, asked by inference.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.infer.evidence.figures import ColumnId
from schemasynth.infer.evidence.held import Held
from schemasynth.infer.tuples import distinct_rows, distinct_tuples, held, mixed, shuffled
from schemasynth.model import Schema, Table, TableName

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

    from schemasynth.infer.evidence.figures import Codes
    from schemasynth.infer.tuples import Hashes

    Bools: TypeAlias = npt.NDArray[np.bool_]
    Rows: TypeAlias = npt.NDArray[np.intp]

ARRAY_ROWS = 5_000_000
"""Rows of a table up to which sets of columns are compared as arrays (40 MB a column), which is
several times as fast; beyond, DuckDB does it and spills to disk."""
HASHES_HELD = 16_000_000
"""Hashes of columns, and those of tuples, kept as arrays: 128 MB each."""

SMALL = 1_000_000
"""Values of a table up to which they are counted in memory, which takes 8 MB then."""

PARTS = 64
"""Rows are parted by a hash, so that equal tuples meet in one part: one of at most so many shows
most sets of columns to repeat, and most references not to hold, for a fraction of the work. A power
of 2."""
PART_ROWS = 256
"""Rows that a part has at least."""
FEW_TUPLES = 100
"""Distinct tuples in a part from which it shows a share."""
PART_ERROR = 1.5
"""By the root of the number of tuples: three standard errors of a share, at its worst one half."""
PARTED_ROWS = 500_000
"""Rows from which a part of the referenced tuples is taken too: below, all of them cost little, and
serve for other children."""

HashReader: TypeAlias = "Callable[[Table, Sequence[str]], Iterator[pa.RecordBatch]]"
"""Reads the hashes of columns of a table, as int64, NULL where there is no value."""


@dataclass(frozen=True, slots=True)
class Groups:
    """Which columns share how many values; one entry a group and column of it.

    Groups of a single column are left out: its values are in no other.
    """

    group: Codes
    column: Codes
    values: Codes
    rows: Codes


class Store:
    """Hashes of canonical texts, in which ``1``, ``1.0`` and ``'1'`` are equal.

    Attributes:
        connection: of DuckDB; the ways of collecting write to it.
        rows: read of each table.
        codes: of the first rows of each table, as `Head.codes` gives them.
        schema: whose tables they are.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, schema: Schema) -> None:
        """Give every table and column a neutral name."""
        self.connection = connection
        self.rows: dict[TableName, int] = {}
        self.codes: dict[TableName, Codes] = {}
        self.schema = schema
        self._tables = {table.name: f"t{i}" for i, table in enumerate(schema)}
        self._columns = {
            (table.name, name): f"c{j}"
            for table in schema
            for j, name in enumerate(table.column_names)
        }
        self._reader: HashReader | None = None
        self._wanted: Mapping[TableName, Sequence[str]] = {}
        self._read: dict[TableName, set[str]] = {}
        self._made: set[str] = set()
        self._hashes = Held(self._read_hashes, lambda found: len(found[0]), HASHES_HELD)
        self._parts = Held(self._read_part, len, HASHES_HELD)
        self._some_tuples = Held(self._read_some_tuples, len, HASHES_HELD)
        self._tuples = Held(self._read_tuples, len, HASHES_HELD)

    def read_later(self, reader: HashReader, wanted: Mapping[TableName, Sequence[str]]) -> None:
        """Have the hashes of a table read when the first question on sets of columns comes.

        Args:
            reader: of one table.
            wanted: columns that are read at once, for they may be part of a key.
        """
        self._reader, self._wanted = reader, wanted

    def table(self, name: TableName) -> str:
        """Return the neutral name of a table."""
        return self._tables[name]

    def column(self, column: ColumnId) -> str:
        """Return the neutral name of a column."""
        return self._columns[column]

    def replace(self, name: str, rows: pa.RecordBatch, select: str = "*") -> None:
        """Make a temporary table of rows, in the place of the one of that name."""
        import pyarrow as pa

        self.connection.register("batch", pa.Table.from_batches([rows]))
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {select} FROM batch"  # noqa: S608 own names
        )
        self.connection.unregister("batch")

    def insert(self, name: str, source: str, select: str = "*") -> None:
        """Add rows of a table to another one, which is made by the first of them."""
        verb = f"INSERT INTO {name}" if name in self._made else f"CREATE TABLE {name} AS"
        self.connection.execute(f"{verb} SELECT {select} FROM {source}")  # noqa: S608 own names
        self._made.add(name)

    def row(self, name: str, select: str) -> tuple[Any, ...]:
        """Return aggregates of a table."""
        return self._query(f"SELECT {select} FROM {name}")[0]  # noqa: S608 own names

    def renamed(self, schema: Schema) -> Store:
        """Return the same data under other names.

        Args:
            schema: tables and columns in the order of the one loaded.
        """
        other = Store(self.connection, schema)
        pairs = zip(self.schema, schema, strict=True)
        for old, new in pairs:
            other.rows[new.name] = self.rows[old.name]
            other.codes[new.name] = self.codes[old.name]
        return other

    def distinct_values(self, table: Table) -> list[int]:
        """Return the number of values of each column.

        Several ``count(DISTINCT …)`` in one query take DuckDB many times as long as one each, and
        each of them longer than a small array.
        """
        import numpy as np

        name = self._tables[table.name]
        columns = [self._columns[table.name, column] for column in table.column_names]
        if self.rows[table.name] * len(columns) <= SMALL:
            hashes = self.connection.execute(f"SELECT * FROM {name}").fetchnumpy()  # noqa: S608 own names
            return [len(np.unique(np.ma.compressed(hashes[c]))) for c in columns]
        counts = " UNION ALL ".join(
            f"SELECT {i}, count(*) FROM (SELECT DISTINCT {c} FROM {name} WHERE {c} IS NOT NULL)"  # noqa: S608 own names
            for i, c in enumerate(columns)
        )
        return [n for _, n in sorted(self._query(counts))]

    def groups(self, columns: Sequence[ColumnId]) -> Groups:
        """Return what stands in exactly each set of two and more columns.

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
        # DuckDB's hash of 0 is 0, which would tell no set with the first column from one without.
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE held (v UBIGINT, c INTEGER, n BIGINT)"
        )
        for counts in by_table.values():
            self.connection.execute(f"INSERT INTO held {' UNION ALL '.join(counts)}")
        fetched = self.connection.execute(
            "WITH s AS (SELECT v, sum(hash(c + 1)) AS s FROM held GROUP BY v HAVING count(*) > 1) "
            "SELECT dense_rank() OVER (ORDER BY s) - 1 AS g, c, count(*) AS v, "
            "CAST(sum(n) AS BIGINT) AS n FROM held JOIN s USING (v) GROUP BY s, c"
        ).fetchnumpy()
        self.connection.execute("DROP TABLE held")
        return Groups(*(np.asarray(fetched[name]) for name in ("g", "c", "v", "n")))

    def distinct(self, table: TableName, columns: Sequence[str]) -> int:
        """Return the number of distinct tuples without NULLs."""
        if self._as_arrays(table):
            return len(self._tuples(table, tuple(columns)))
        found = self._distinct_sql(table, columns)
        return int(self._query(f"SELECT count(*) FROM ({found})")[0][0])  # noqa: S608 own names

    def unique(self, table: TableName, columns: Sequence[str]) -> bool:
        """Tell whether no two rows agree in the columns, none of which holds a NULL."""
        if not self._as_arrays(table):
            return self.distinct(table, columns) == self.rows[table]
        hashes = [self._hashes(table, column)[0] for column in columns]
        wanted = self.rows[table] / PARTS
        parts = [self._parts(table, column) for column in columns]
        part = min(parts, key=lambda rows: abs(len(rows) - wanted))
        return distinct_tuples([h[part] for h in hashes]) and distinct_tuples(hashes)

    def shuffled_inclusion(
        self, child: TableName, columns: Sequence[str], parent: TableName, referred: Sequence[str]
    ) -> float:
        """Return the share of child tuples found where the last part is paired at random.

        What remains of the inclusion then is owed to the parts, not to their pairing.
        """
        if self._as_arrays(child, parent):
            values = self._distinct_tuples(child, tuple(columns))
            among = self._tuples(parent, tuple(referred))
            return held(shuffled(values), among) / len(values[0]) if len(values[0]) else 0.0
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

    def hardly_included(
        self,
        child: TableName,
        columns: Sequence[str],
        parent: TableName,
        referred: Sequence[str],
        least: float,
    ) -> bool:
        """Tell whether a part of the tuples shows that fewer than a share are in the parent.

        Args:
            child: the referring table.
            columns: of it.
            parent: the referenced table.
            referred: of it.
            least: the share of distinct tuples of the child.
        """
        parts = _parts(self.rows[child])
        if parts == 1 or not self._as_arrays(child, parent):
            return False
        hashes = self._some_tuples(child, tuple(columns), parts)
        if len(hashes) < FEW_TUPLES:
            return False
        if self.rows[parent] < PARTED_ROWS:
            among = self._tuples(parent, tuple(referred))
        else:
            among = self._some_tuples(parent, tuple(referred), parts)
        enough = (least - PART_ERROR / math.sqrt(len(hashes))) * len(hashes)
        return held(hashes, among) < enough

    def tuple_inclusion(
        self, child: TableName, columns: Sequence[str], parent: TableName, referred: Sequence[str]
    ) -> tuple[int, int, int]:
        """Return distinct child tuples, those found in the parent, distinct parent tuples."""
        if self._as_arrays(child, parent):
            hashes = self._tuples(child, tuple(columns))
            among = self._tuples(parent, tuple(referred))
            return len(hashes), held(hashes, among), len(among)
        here = self._distinct_sql(child, columns)
        there = self._distinct_sql(parent, referred)
        keys = ", ".join(f"k{i}" for i in range(len(columns)))
        row = self._query(
            f"WITH c AS ({here}), p AS ({there}) SELECT (SELECT count(*) FROM c), "  # noqa: S608
            f"(SELECT count(*) FROM c JOIN p USING ({keys})), (SELECT count(*) FROM p)"
        )[0]
        return int(row[0]), int(row[1]), int(row[2])

    def determination(
        self, table: TableName, columns: Sequence[str], determined: str
    ) -> tuple[int, int, int, float]:
        """Return how far columns determine another one.

        Returns:
            Rows in groups of two and more, those of them that differ from their group's
            commonest value, such groups, and the share of the column's commonest value.
        """
        source = self._hashed(table, [*columns, determined])
        names = [self._columns[table, column] for column in columns]
        keys = ", ".join(names)
        z = self._columns[table, determined]
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

    def _query(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def _hashed(self, table: TableName, columns: Iterable[str]) -> str:
        """Return the neutral name of a table in which the hashes of the columns are."""
        name = self._tables[table]
        known = self._read.get(table, set())
        if self._reader is None or known >= set(columns):
            return name
        wanted = known.union(self._wanted.get(table, ()), columns)
        kept = [c for c in self.schema.table(table).column_names if c in wanted]
        self.connection.execute(f"DROP TABLE IF EXISTS {name}")
        self._made.discard(name)
        for batch in self._reader(self.schema.table(table), kept):
            rows = batch.rename_columns([self._columns[table, c] for c in kept])
            self.replace("batch_hashes", rows)
            self.insert(name, "batch_hashes")
        self._read[table] = set(kept)
        return name

    def _as_arrays(self, *tables: TableName) -> bool:
        """Tell whether tables are small enough to compare their tuples here."""
        return all(self.rows[table] <= ARRAY_ROWS for table in tables)

    def _read_hashes(self, table: TableName, column: str) -> tuple[Hashes, Bools]:
        """Return the hash of each value, 0 for NULL, and where there is one."""
        import numpy as np

        source = self._hashed(table, [column])
        name = self._columns[table, column]
        fetched = self.connection.execute(
            f"SELECT coalesce({name}, 0) AS h, {name} IS NOT NULL AS p FROM {source}"  # noqa: S608
        ).fetchnumpy()
        return np.asarray(fetched["h"]), np.asarray(fetched["p"])

    def _read_part(self, table: TableName, column: str) -> Rows:
        """Return the rows in one part of a table by a column."""
        import numpy as np

        hashes, _ = self._hashes(table, column)
        return np.flatnonzero(hashes & np.uint64(PARTS - 1) == 0)

    def _read_some_tuples(self, table: TableName, columns: tuple[str, ...], parts: int) -> Hashes:
        """Return the hashes of the distinct tuples without NULLs of one part, in order."""
        import numpy as np

        read = [self._hashes(table, column) for column in columns]
        hashes = mixed([h for h, _ in read])
        kept = np.logical_and.reduce([hashes & np.uint64(parts - 1) == 0, *(p for _, p in read)])
        return np.unique(hashes[kept])

    def _read_tuples(self, table: TableName, columns: tuple[str, ...]) -> Hashes:
        """Return the hashes of the distinct tuples without NULLs, in order."""
        import numpy as np

        return np.unique(mixed(self._present(table, columns)))

    def _distinct_tuples(self, table: TableName, columns: tuple[str, ...]) -> list[Hashes]:
        """Return the columns of the distinct tuples without NULLs, in the order of their hashes."""
        return distinct_rows(self._present(table, columns))

    def _present(self, table: TableName, columns: tuple[str, ...]) -> list[Hashes]:
        """Return the columns of the rows without NULLs."""
        import numpy as np

        read = [self._hashes(table, column) for column in columns]
        present = np.logical_and.reduce([p for _, p in read])
        return [h[present] for h, _ in read] if not present.all() else [h for h, _ in read]

    def _distinct_sql(self, table: TableName, columns: Sequence[str]) -> str:
        source = self._hashed(table, columns)
        names = [self._columns[table, column] for column in columns]
        listed = ", ".join(f"{name} AS k{i}" for i, name in enumerate(names))
        present = " AND ".join(f"{name} IS NOT NULL" for name in names)
        return f"SELECT DISTINCT {listed} FROM {source} WHERE {present}"  # noqa: S608


def _parts(rows: int) -> int:
    """Return into how many parts, a power of 2, so many rows are parted."""
    return min(PARTS, 1 << max(rows // PART_ROWS, 1).bit_length() - 1)
