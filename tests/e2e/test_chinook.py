"""Chinook from one PostgreSQL database into another, with the real generator."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest
import sqlalchemy as sa

from schemasynth import api
from schemasynth.adapter import adapter_for
from schemasynth.plan.model import Role
from schemasynth.reading import read_frames
from schemasynth.refresh import RefreshOptions
from schemasynth.report import RefreshReport
from schemasynth.rewrite.forest import depths
from schemasynth.settings import database_url
from schemasynth.testing.servers import fresh_database
from tests.integration.chinook import create_chinook

pytestmark = pytest.mark.e2e

EPOCHS = 3


@pytest.fixture(scope="module")
def databases(postgresql_server: str) -> Iterator[tuple[str, str]]:
    with fresh_database(postgresql_server) as live, fresh_database(postgresql_server) as target:
        create_chinook(live)
        create_chinook(target, with_rows=False)
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
