"""Spark sessions as PEP 249 sees databases, so that SQLAlchemy can speak to them.

Imported by the Spark dialect only. For statements with small results; rows are read as Arrow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from .session import open_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

apilevel = "2.0"
threadsafety = 1
paramstyle = "qmark"
Binary = bytes


class Error(Exception):
    """Spark refused or failed."""


class DatabaseError(Error):
    """Spark refused or failed; the text repeats no value of a row."""


InterfaceError = InternalError = OperationalError = ProgrammingError = DatabaseError
IntegrityError = DataError = NotSupportedError = DatabaseError


@contextmanager
def raising() -> Iterator[None]:
    """Turn PySpark's errors into one of PEP 249.

    Raises:
        DatabaseError: says what was wrong with a statement; of what failed amid rows the kind only,
            for Spark's own message repeats the value.
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import AnalysisException, PySparkException

    try:
        yield
    except AnalysisException as error:
        raise DatabaseError(str(error).strip().partition("\n")[0]) from None
    except PySparkException as error:
        raise DatabaseError(error.getCondition() or type(error).__name__) from None
    except Py4JJavaError as error:
        raise DatabaseError(_root(error.java_exception)) from None


def _root(thrown: Any) -> str:
    while thrown.getCause() is not None:
        thrown = thrown.getCause()
    return str(thrown.getClass().getSimpleName())


class Connection:
    """A session; nothing is ever pending, so commit and rollback do nothing."""

    def __init__(self, session: SparkSession) -> None:
        """Keep the session."""
        self.session = session

    def cursor(self) -> Cursor:
        """Return a cursor."""
        return Cursor(self.session)

    def commit(self) -> None:
        """Do nothing: each statement is final."""

    def rollback(self) -> None:
        """Do nothing: each statement is final."""

    def close(self) -> None:
        """Let go of the session; the application goes on."""


class Cursor:
    """Runs one statement at a time."""

    arraysize = 1
    rowcount = -1

    def __init__(self, session: SparkSession) -> None:
        """Keep the session."""
        self._session = session
        self.description: list[tuple[Any, ...]] | None = None
        self._rows: Iterator[tuple[Any, ...]] = iter(())

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Run a statement and fetch its rows."""
        with raising():
            frame = self._session.sql(statement, args=list(parameters) or None)
            names = frame.columns
            columns = frame.toArrow().columns if names else []
        self.description = [(name, *[None] * 6) for name in names] if names else None
        self._rows = zip(*(column.to_pylist() for column in columns), strict=True)

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row."""
        for row in rows:
            self.execute(statement, row)

    def fetchone(self) -> tuple[Any, ...] | None:
        """Return the next row."""
        return next(self._rows, None)

    def fetchmany(self, size: int = arraysize) -> list[tuple[Any, ...]]:
        """Return the next rows."""
        return [row for row, _ in zip(self._rows, range(size), strict=False)]

    def fetchall(self) -> list[tuple[Any, ...]]:
        """Return the rows that are left."""
        return list(self._rows)

    def setinputsizes(self, _: Any) -> None:
        """Do nothing; PEP 249 allows it."""

    def setoutputsize(self, *_: Any) -> None:
        """Do nothing; PEP 249 allows it."""

    def close(self) -> None:
        """Forget the rows."""
        self._rows = iter(())


def connect(url: sa.URL) -> Connection:
    """Open a session."""
    with raising():
        return Connection(open_session(url))
