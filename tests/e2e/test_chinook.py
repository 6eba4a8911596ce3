"""Chinook from one PostgreSQL database into another, with the real generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth import api
from schemasynth.adapter import adapter_for
from schemasynth.model import Column, Schema, TypeFamily
from schemasynth.plan.model import Role
from schemasynth.reading import read_frames
from schemasynth.refresh import RefreshOptions
from schemasynth.report import RefreshReport
from schemasynth.rewrite.hierarchy import depths
from schemasynth.settings import database_url

pytestmark = pytest.mark.e2e

EPOCHS = 3
TYPES: dict[TypeFamily, Callable[[Column], Any]] = {
    TypeFamily.INTEGER: lambda _: sa.Integer(),
    TypeFamily.DECIMAL: lambda c: sa.Numeric(c.type.precision, c.type.scale),
    TypeFamily.DATETIME: lambda _: sa.DateTime(),
    TypeFamily.TEXT: lambda c: sa.String(c.type.length),
}


def tables_of(schema: Schema) -> sa.MetaData:
    """Return the schema for another dialect, single integer keys as identities."""
    metadata = sa.MetaData()
    for table in schema:
        key = table.primary_key.columns if table.primary_key else ()
        columns = [
            sa.Column(
                c.name,
                TYPES[c.type.family](c),
                *([sa.Identity()] if key == (c.name,) else []),
                primary_key=c.name in key,
                nullable=c.nullable,
            )
            for c in table.columns
        ]
        foreign = [
            sa.ForeignKeyConstraint(k.columns, [f"{k.referred}.{c}" for c in k.referred_columns])
            for k in table.foreign_keys
        ]
        sa.Table(table.name.name, metadata, *columns, *foreign)
    return metadata


def create(url: str, file: Path, *, with_rows: bool) -> None:
    origin = database_url(str(file))
    with adapter_for(origin).source(origin) as source:
        schema = source.reflect()
        frames = read_frames(source, schema)
    metadata = tables_of(schema)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    metadata.create_all(engine)
    if not with_rows:
        return
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            content = pa.Table.from_pandas(frames[table.name]).to_pylist()
            if table.name == "Employee":
                content.sort(key=lambda row: row["ReportsTo"] or 0)
            connection.execute(sa.insert(table), content)


@pytest.fixture(scope="module")
def databases(postgresql_server: str, data: Path) -> Iterator[tuple[str, str]]:
    from schemasynth.testing.servers import fresh_database

    file = data / "chinook/chinook.declared.sqlite"
    with fresh_database(postgresql_server) as live, fresh_database(postgresql_server) as target:
        create(live, file, with_rows=True)
        create(target, file, with_rows=False)
        api.init_target(target)
        yield live, target


@pytest.fixture(scope="module")
def report(databases: tuple[str, str]) -> RefreshReport:
    return api.refresh(*databases, options=RefreshOptions(max_epochs=EPOCHS, seed=1))


@pytest.fixture(scope="module")
def frames(databases: tuple[str, str], report: RefreshReport) -> dict[str, pd.DataFrame]:
    url = database_url(databases[1])
    with adapter_for(url).source(url) as target:
        return read_frames(target, target.reflect())


def test_all_tables_are_filled_and_proven(
    databases: tuple[str, str], report: RefreshReport, frames: dict[str, pd.DataFrame]
) -> None:
    assert len(frames) == 11
    assert all(len(frame) for frame in frames.values())
    verified = api.verify(databases[1])
    assert verified.ok
    assert sum(r.kind == "foreign key" for r in verified.results) == 11
    assert sum(r.kind == "primary key" for r in verified.results) == 11


def test_row_counts(report: RefreshReport) -> None:
    for table in report.tables:
        assert table.rows is not None
        if table.role == Role.LINKED:
            assert abs(table.rows - table.source_rows) <= 0.15 * table.source_rows, table
        else:
            assert table.rows == table.source_rows, table


def test_employees_are_a_forest_with_one_root(frames: dict[str, pd.DataFrame]) -> None:
    staff = frames["Employee"]
    place = {key: i for i, key in enumerate(staff["EmployeeId"])}
    parents = [place[boss] if pd.notna(boss) else -1 for boss in staff["ReportsTo"]]
    levels = depths(pd.Series(parents).to_numpy())
    assert parents.count(-1) == 1
    assert sorted(levels) == [0, 1, 1, 2, 2, 2, 2, 2]


def test_no_trace_of_the_generator(frames: dict[str, pd.DataFrame]) -> None:
    for name, frame in frames.items():
        for column in frame.columns:
            if str(frame[column].dtype).startswith("string"):
                texts = frame[column].dropna()
                assert not texts.str.contains("mostly").any(), (name, column)
                assert not texts.str.contains("_RARE_").any(), (name, column)


def test_keys_are_new_integers(databases: tuple[str, str], frames: dict[str, pd.DataFrame]) -> None:
    url = database_url(databases[0])
    with adapter_for(url).source(url) as source:
        live = read_frames(source, source.reflect())
    for table, key in (("Track", "TrackId"), ("Customer", "CustomerId"), ("Invoice", "InvoiceId")):
        assert str(frames[table][key].dtype) == "int64[pyarrow]"
        assert not set(frames[table][key]) & set(live[table][key])


def test_sequences_continue(databases: tuple[str, str], frames: dict[str, pd.DataFrame]) -> None:
    engine = sa.create_engine(databases[1], poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table, key in (("Artist", "ArtistId"), ("Track", "TrackId"), ("Genre", "GenreId")):
            sequence = sa.func.pg_get_serial_sequence(f'"{table}"', key)
            drawn = connection.execute(sa.select(sa.func.nextval(sequence))).scalar_one()
            assert drawn == max(frames[table][key]) + 1
