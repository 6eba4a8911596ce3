"""Databases for contract tests, made with SQLAlchemy so that every dialect can have them.

Imported by the suite only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, ClassVar, Literal, TypeAlias

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.mysql import DATETIME

from schemasynth.adapter import Adapter, Capabilities, SourceConnection, TargetConnection
from schemasynth.model import Schema, Table, TableName
from schemasynth.settings import database_url

Databases: TypeAlias = Callable[[], str]

ODD = "Ordre 'n°' 100% ñ.x"
"""A name with an apostrophe, a space, a dot, a per cent sign and letters beyond ASCII."""
EMAIL_LENGTH = 80
PLAIN = "odd_columns"
"""The name of the table with odd columns where only columns can have odd names."""
QUOTED = 'Ordre "n°"'
"""A name with a quote, which some databases do not take."""


class Contract:
    """What all contract classes share.

    Attributes:
        adapter: the class under test.
        absent: columns of `types` for which the database has no type.
        empty_is_null: whether the database takes an empty text for NULL.
    """

    adapter: ClassVar[type[Adapter]]
    absent: ClassVar[frozenset[str]] = frozenset()
    empty_is_null: ClassVar[bool] = False

    @property
    def odd(self) -> str:
        """The name of the table whose columns have odd names: as odd as the adapter allows."""
        return ODD if self.adapter.capabilities.quoted_table_names else PLAIN

    def shop(self) -> sa.MetaData:
        """Return the tables of `shop`, as far as the adapter declares to have them."""
        return shop(odd=self.odd)

    def shop_rows(self) -> dict[str, list[dict[str, Any]]]:
        """Return their rows by the name of the table."""
        return {self.odd if name == ODD else name: rows for name, rows in SHOP_ROWS.items()}

    def create_shop(self, url: str, *, with_rows: bool = True) -> None:
        """Create them."""
        capabilities = self.adapter.capabilities
        create_shop(url, with_rows=with_rows, odd=self.odd, capabilities=capabilities)

    def type_rows(self) -> list[dict[str, Any]]:
        """Return the rows of `types` as the database gives them back."""
        return [
            {
                name: None if value == "" and self.empty_is_null else value
                for name, value in row.items()
                if name not in self.absent
            }
            for row in TYPES_ROWS
        ]

    def needs(self, capability: str) -> None:
        """Skip a test whose capability the adapter declares not to have."""
        if not getattr(self.adapter.capabilities, capability):
            pytest.skip(f"{self.adapter.__name__} declares no {capability}")

    @contextmanager
    def source(self, url: str) -> Iterator[SourceConnection]:
        """Open a source."""
        with self.adapter().source(database_url(url)) as connection:
            yield connection

    @contextmanager
    def target(self, url: str) -> Iterator[TargetConnection]:
        """Open a target."""
        with self.adapter().target(database_url(url)) as connection:
            yield connection


def execute(url: str, *statements: str | sa.Executable) -> None:
    """Run statements in a database and commit."""
    engine = sa.create_engine(database_url(url), poolclass=sa.NullPool)
    with engine.begin() as connection:
        for statement in statements:
            if isinstance(statement, str):
                connection.exec_driver_sql(statement)
            else:
                connection.execute(statement)


def rows(url: str, statement: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """Return what a query finds."""
    engine = sa.create_engine(database_url(url), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(statement)]


def _spelled(metadata: sa.MetaData) -> sa.MetaData:
    """Put every name in quotes, so that all databases keep its letters."""
    for table in metadata.tables.values():
        for named in (table, *table.columns, *table.constraints, *table.indexes):
            if named.name is not None:
                named.name = sa.quoted_name(str(named.name), quote=True)
    return metadata


def shop(
    backend: str = "", odd: str = ODD, capabilities: Capabilities | None = None
) -> sa.MetaData:
    """Return tables with what schemas have: keys of all kinds, checks, odd names.

    Args:
        backend: SQLAlchemy's name of the database, where the tables are created there.
        odd: the name of the table whose columns have odd names.
        capabilities: of the adapter; counters and actions that the database lacks are left out.
    """
    metadata = sa.MetaData()
    counts: Literal["auto", False] = (
        "auto" if capabilities is None or capabilities.identity_columns else False
    )
    acts = capabilities is None or capabilities.referential_actions
    # SQLAlchemy lets a primary key of Oracle's count only if it is told to.
    counting = [sa.Identity()] if backend == "oracle" else []
    credit = sa.Column("credit", sa.Numeric(10, 2), server_default="0")
    sa.Table(
        "customer",
        metadata,
        sa.Column("id", sa.Integer, *counting, primary_key=True, autoincrement=counts),
        sa.Column("email", sa.String(EMAIL_LENGTH), nullable=False, unique=True),
        sa.Column("boss", sa.Integer, sa.ForeignKey("customer.id", name="customer_boss")),
        credit,
        sa.CheckConstraint(credit >= 0, name="credit_positive"),
    )
    sa.Table(
        "order_line",
        metadata,
        sa.Column("order_no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("line_no", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(
            "customer_id",
            sa.Integer,
            sa.ForeignKey(
                "customer.id", name="line_customer", ondelete="CASCADE" if acts else None
            ),
            nullable=False,
        ),
    )
    sa.Table(
        "shipment",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=counts),
        sa.Column("order_no", sa.Integer),
        sa.Column("line_no", sa.Integer),
        sa.ForeignKeyConstraint(
            ["order_no", "line_no"],
            ["order_line.order_no", "order_line.line_no"],
            name="shipment_line",
        ),
    )
    sa.Index("shipment_order", metadata.tables["shipment"].c.order_no)
    sa.Table(
        odd,
        metadata,
        sa.Column("Select", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column(ODD, sa.String(20)),
        sa.Column("año", sa.String(20)),
    )
    return _spelled(metadata)


def with_quotes() -> sa.MetaData:
    """Return a table with a quote in its names."""
    metadata = sa.MetaData()
    key = sa.Column("n", sa.Integer, primary_key=True, autoincrement=False)
    sa.Table(QUOTED, metadata, key, sa.Column(QUOTED, sa.String(20)))
    return metadata


SHOP_ROWS: dict[str, list[dict[str, Any]]] = {
    "customer": [
        {"id": 1, "email": "a@example.org", "boss": None, "credit": Decimal("10.50")},
        {"id": 2, "email": "b@example.org", "boss": 1, "credit": Decimal("0.00")},
        {"id": 3, "email": "c@example.org", "boss": 2, "credit": None},
    ],
    "order_line": [
        {"order_no": 10, "line_no": 1, "customer_id": 1},
        {"order_no": 10, "line_no": 2, "customer_id": 2},
    ],
    "shipment": [
        {"id": 5, "order_no": 10, "line_no": 2},
        {"id": 6, "order_no": None, "line_no": 1},
    ],
    ODD: [{"Select": 1, ODD: "x'y", "año": None}],
}


def types(absent: Collection[str] = ()) -> sa.MetaData:
    """Return a table with a column of every common type.

    Args:
        absent: names of columns that it does not have.
    """
    metadata = sa.MetaData()
    moment = sa.DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
    columns = (
        sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("whole", sa.BigInteger),
        sa.Column("exact", sa.Numeric(12, 3)),
        sa.Column("real", sa.Float),
        sa.Column("flag", sa.Boolean),
        sa.Column("words", sa.String(40)),
        sa.Column("prose", sa.Text),
        sa.Column("day", sa.Date),
        sa.Column("moment", moment.with_variant(sa.TIMESTAMP(), "oracle")),
        sa.Column("hour", sa.Time),
        sa.Column("raw", sa.LargeBinary),
    )
    sa.Table("everything", metadata, *(c for c in columns if c.name not in absent))
    return _spelled(metadata)


TYPES_ROWS: list[dict[str, Any]] = [
    {
        "n": 1,
        "whole": 2**53 + 1,
        "exact": Decimal("123456.789"),
        "real": -0.125,
        "flag": True,
        "words": "",
        "prose": "two\nlines, a \\ and a \t tab; 'quoted' \"twice\"",
        "day": dt.date(1950, 2, 28),
        "moment": dt.datetime(2024, 2, 29, 23, 59, 59, 123456),  # noqa: DTZ001 a naive column
        "hour": dt.time(7, 30),
        "raw": b"\x00\xff",
    },
    {"n": 2, "words": "NULL", "prose": "\\N", "flag": False, "exact": Decimal("-0.001")},
    dict.fromkeys(
        ("whole", "exact", "real", "flag", "words", "prose", "day", "moment", "hour", "raw")
    )
    | {"n": 3},
]


def create_shop(
    url: str,
    *,
    with_rows: bool = True,
    odd: str = ODD,
    capabilities: Capabilities | None = None,
) -> None:
    """Create the tables of `shop`, with their rows; a customer comes behind the boss."""
    metadata = shop(database_url(url).get_backend_name(), odd, capabilities)
    engine = sa.create_engine(database_url(url), poolclass=sa.NullPool)
    metadata.create_all(engine)
    if with_rows:
        with engine.begin() as connection:
            for name, content in SHOP_ROWS.items():
                place = metadata.tables[odd if name == ODD else name]
                for part in [[row] for row in content] if name == "customer" else [content]:
                    connection.execute(sa.insert(place), part)


def create_types(url: str, absent: Collection[str] = (), *, with_rows: bool = True) -> None:
    """Create the table of `types`, with its rows."""
    metadata = types(absent)
    engine = sa.create_engine(database_url(url), poolclass=sa.NullPool)
    metadata.create_all(engine)
    if with_rows:
        with engine.begin() as connection:
            for row in TYPES_ROWS:
                given = {name: value for name, value in row.items() if name not in absent}
                connection.execute(sa.insert(metadata.tables["everything"]), given)


def table(schema: Schema, name: str) -> Table:
    """Return a table of the default schema."""
    return schema.table(TableName(name))
