"""The chinook database on a server, for tests: keys declared, identities on whole-number keys."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

FILE = Path(__file__).parent.parent / "data" / "chinook" / "chinook.declared.sqlite"


def create_chinook(url: str, with_rows: bool = True) -> None:
    """Create chinook in an empty database.

    Args:
        url: of the database.
        with_rows: False creates the tables only.
    """
    origin = sa.create_engine(f"sqlite:///{FILE}", poolclass=sa.NullPool)
    metadata = sa.MetaData()
    metadata.reflect(origin)
    for table in metadata.tables.values():
        _adapt(table)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata.create_all(engine)
    if not with_rows:
        return
    with origin.connect() as reading, engine.begin() as writing:
        for table in metadata.sorted_tables:
            rows = [dict(row) for row in reading.execute(sa.select(table)).mappings()]
            writing.execute(sa.insert(table), rows)
        for table in metadata.tables.values() if engine.dialect.name == "postgresql" else ():
            for column in (c for c in table.columns if c.identity is not None):
                last = sa.select(sa.func.max(column)).scalar_subquery()
                quoted = engine.dialect.identifier_preparer.quote(table.name)
                sequence = sa.func.pg_get_serial_sequence(quoted, column.name)
                writing.execute(sa.select(sa.func.setval(sequence, last)))


def _adapt(table: sa.Table) -> None:
    for column in table.columns:
        if isinstance(column.type, sa.NVARCHAR):
            column.type = sa.String(column.type.length)
        elif isinstance(column.type, sa.DATETIME):
            column.type = sa.DateTime()
    if len(table.primary_key.columns) == 1:
        (key,) = table.primary_key.columns
        identity = sa.Identity(always=False)
        identity._set_parent(key)
