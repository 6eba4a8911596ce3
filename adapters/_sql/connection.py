"""A database behind a SQLAlchemy engine: relations, queries, marker, clear errors.

Imported by the adapters of single databases only.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import sqlalchemy as sa

from schemasynth.adapter import Marker
from schemasynth.errors import (
    AdapterError,
    AdapterNotFound,
    DriverMissing,
    PrivilegeError,
    ReflectionError,
)
from schemasynth.model import Table
from schemasynth.settings import shown

OWN_PREFIX = "schemasynth_"
"""Tables of schemasynth itself start with it and are never part of a model."""
MARKER = sa.table(
    "schemasynth_target",
    sa.column("target_id"),
    sa.column("environment"),
    sa.column("created_at"),
    sa.column("nonce"),
)
MARKER_TABLE = sa.Table(
    MARKER.name,
    sa.MetaData(),
    sa.Column("target_id", sa.String(64), primary_key=True),
    sa.Column("environment", sa.String(200), nullable=False),
    sa.Column("created_at", sa.String(40), nullable=False),
    sa.Column("nonce", sa.String(64)),
)


_EXTRAS = {
    "databricks": "spark",
    "mariadb": "mysql",
    "mssql": "mssql",
    "mysql": "mysql",
    "snowflake": "snowflake",
    "spark": "spark",
}
"""The extra of this package that brings a backend's driver or dialect."""


def end(connection: sa.Connection) -> None:
    """Close a session, also one that the server has ended already."""
    with suppress(sa.exc.DBAPIError, OSError):
        connection.invalidate()
        connection.close()


def new_engine(url: sa.URL, **options: Any) -> sa.Engine:
    """Create an engine without connecting.

    Raises:
        DriverMissing: the driver or dialect is not installed; names the extra, if it has one.
        AdapterNotFound: nothing known brings the dialect.
    """
    extra = _EXTRAS.get(url.get_backend_name())
    cure = f"install it with `pip install 'schemasynth[{extra}]'`." if extra else "install it."
    try:
        return sa.create_engine(url, **options)
    except ModuleNotFoundError as error:
        raise DriverMissing(
            f"{url.get_backend_name()} needs the Python module {error.name!r}: {cure}"
        ) from error
    except sa.exc.NoSuchModuleError as error:
        if extra:
            raise DriverMissing(f"The dialect {url.drivername!r} is missing: {cure}") from error
        raise AdapterNotFound(
            f"SQLAlchemy knows no dialect {url.drivername!r}; install the package that brings it."
        ) from error


def first_line(error: Exception, url: sa.URL) -> str:
    """Return what a driver said, in one line, without the password."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    line = lines[0] if lines else type(error).__name__
    password = str(url.password or "")
    for spelling in {password, quote(password, safe=""), quote_plus(password)} - {""}:
        line = line.replace(spelling, "***")
    return line


@contextmanager
def connecting(
    url: sa.URL, cure: Callable[[Exception, sa.URL], str] = lambda *_: ""
) -> Iterator[None]:
    """Turn failures to connect into one clear line.

    Args:
        url: of the database.
        cure: gives the GRANT that would let the role in; empty where it is not for lack of one.

    Raises:
        PrivilegeError: the role may not use the database; names the GRANT.
        AdapterError: the database cannot be reached or refuses the role.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        what = f"Cannot connect to {shown(url)}: {first_line(error, url)}"
        needed = cure(error, url)
        if needed:
            raise PrivilegeError(f"{what}. Needed: {needed}") from None
        raise AdapterError(what) from None


@contextmanager
def reflecting(url: sa.URL) -> Iterator[None]:
    """Turn failures to read the catalogue into one clear line.

    Raises:
        ReflectionError: the database refused, or its catalogue is damaged.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise ReflectionError(
            f"The catalogue of {shown(url)} cannot be read: {first_line(error, url)}"
        ) from None


class SqlRelations:
    """`schemasynth.adapter.Relations` over one SQLAlchemy connection."""

    url: sa.URL
    connection: sa.Connection

    @property
    def dialect(self) -> sa.Dialect:
        """The dialect of the connection."""
        return self.connection.dialect

    def relation(self, table: Table) -> sa.TableClause:
        """Return the table itself, its columns untyped so that raw values come back."""
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in table.column_names]
        return sa.table(table.name.name, *columns, schema=table.name.schema)

    def select(self, statement: sa.Select[Any] | sa.CompoundSelect[Any]) -> list[tuple[Any, ...]]:
        """Run a SELECT; errors become an `AdapterError` without values."""
        try:
            return [tuple(row) for row in self.connection.execute(statement)]
        except sa.exc.DBAPIError as error:
            raise self.refused(error) from None

    def refused(self, error: sa.exc.DBAPIError) -> AdapterError:
        """Return the error of a statement the database refused."""
        return AdapterError(f"{shown(self.url)} refused a query: {first_line(error, self.url)}")

    def marker(self) -> Marker | None:
        """Return the marker if the database carries one."""
        row = self._marker_row()
        return Marker(row[0], row[1], row[2]) if row else None

    def nonce(self) -> str | None:
        """Return the last nonce, if the database carries a marker."""
        row = self._marker_row()
        return row[3] if row else None

    def _marker_row(self) -> tuple[str, str, str, str | None] | None:
        if not self.has_table(MARKER.name):
            return None
        rows = self.select(sa.select(*MARKER.c))
        return rows[0] if rows else None

    def has_table(self, name: str) -> bool:
        """Tell whether the default schema has a table of that name, seen afresh."""
        return sa.inspect(self.connection).has_table(name)


class SqlMarker(SqlRelations):
    """What a target writes about itself, and how its schema is built."""

    def build(self, steps: Callable[[sa.Connection], None]) -> None:
        """Run what builds a schema, and commit."""
        try:
            with self.transaction():
                steps(self.connection)
        except sa.exc.DBAPIError as error:
            refusal = self.refused(error)
            if isinstance(refusal, PrivilegeError):
                raise refusal from None
            raise AdapterError(
                f"{shown(self.url)} refused to build the schema, and is as it was: "
                f"{first_line(error, self.url)}"
            ) from None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is done within, or roll it back."""
        self.connection.rollback()
        try:
            yield
            self.connection.commit()
        except BaseException:
            self.connection.rollback()
            raise

    def write_marker(self, environment: str) -> Marker:
        """Mark the database as refreshable; keeps a marker that is there."""
        known = self.marker()
        if known:
            return known
        made = Marker(
            secrets.token_hex(16), environment, datetime.now(UTC).isoformat(timespec="seconds")
        )
        try:
            if not self.has_table(MARKER.name):
                MARKER_TABLE.create(self.connection, checkfirst=False)
            self.connection.execute(
                sa.insert(MARKER_TABLE).values(
                    target_id=made.target_id,
                    environment=made.environment,
                    created_at=made.created_at,
                )
            )
            self.connection.commit()
        except sa.exc.DBAPIError as error:
            raise self.refused(error) from None
        return made

    def write_nonce(self, value: str) -> None:
        """Store a value beside the marker, committed."""
        try:
            self.connection.execute(sa.update(MARKER_TABLE).values(nonce=value))
            self.connection.commit()
        except sa.exc.DBAPIError as error:
            raise self.refused(error) from None
