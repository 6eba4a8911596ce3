"""Rows of a query as Arrow batches, one partition after another.

Imported by the Spark connections only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

from schemasynth.errors import SafetyError

from .._sql.guard import SPARK, is_read
from .dbapi import raising

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def text_of(statement: sa.Select[Any] | sa.CompoundSelect[Any], dialect: sa.Dialect) -> str:
    """Return the SQL of a query, its values written out.

    Raises:
        SafetyError: the statement would not only read.
    """
    text = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    if not is_read(text, SPARK):
        raise SafetyError("A source is only read; a statement that could write was not sent.")
    return text


def batches(session: SparkSession, query: str, rows: int) -> Iterator[pa.RecordBatch]:
    """Run a query and yield its rows as Spark has them; perhaps none.

    The driver holds one partition at a time, and the next one, as Arrow's own bytes.

    Args:
        session: of a connection.
        query: from `text_of`.
        rows: at most so many a batch.

    Raises:
        DatabaseError: Spark refused or failed.
    """
    with raising():
        for row in _packed(session.sql(query)).toLocalIterator(prefetchPartitions=True):
            with pa.ipc.open_stream(row[0]) as stream:
                for batch in stream:
                    for start in range(0, batch.num_rows, rows):
                        yield batch.slice(start, rows)


def _packed(frame: DataFrame) -> DataFrame:
    """Return the rows as binaries, each of which holds a batch.

    Spark hands rows out one by one, which takes a multiple of the time, or all at once. The
    function is made here, because one of a module would have to be installed on the executors.
    """

    def pack(parts: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for part in parts:
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, part.schema) as writer:
                writer.write_batch(part)
            packed = pa.array([sink.getvalue().to_pybytes()], pa.binary())
            yield pa.RecordBatch.from_arrays([packed], names=["batch"])

    return frame.mapInArrow(pack, "batch binary")
