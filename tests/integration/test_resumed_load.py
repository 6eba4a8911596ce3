"""A load whose process was killed goes on at the first table that is not staged."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth import api
from schemasynth.errors import LoadError
from schemasynth.model import Table
from schemasynth.refresh import RefreshOptions, Step
from schemasynth.settings import database_url
from schemasynth_adapters.mysql.load import MySQLLoad
from schemasynth_adapters.postgresql.load import PostgreSQLLoad
from schemasynth_adapters.sqlite.load import SQLiteLoad

LOADS = {"postgresql": PostgreSQLLoad, "mysql": MySQLLoad, "sqlite": SQLiteLoad}
NAMES = ("a", "b", "c")
CREATE = tuple(f"CREATE TABLE {n} (id int PRIMARY KEY, t varchar(20), n int)" for n in NAMES)
ROWS = 40
pytestmark = pytest.mark.usefixtures("stand_in")
Refresh = Callable[[], Any]


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def column(url: str, statement: str) -> list[Any]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [row[0] for row in connection.exec_driver_sql(statement)]


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def target(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path / 'pre.sqlite'}"
    else:
        url = str(request.getfixturevalue(f"{engine}_database"))
    execute(url, *CREATE)
    api.init_target(url)
    return url


@pytest.fixture
def refresh(target: str, tmp_path: Path) -> Refresh:
    """Resumes a refresh that has come to the load."""
    live = tmp_path / "live.sqlite"
    values = ", ".join(f"({i}, 't{i % 7}', {i % 5})" for i in range(ROWS))
    execute(f"sqlite:///{live}", *CREATE, *(f"INSERT INTO {n} VALUES {values}" for n in NAMES))
    work = tmp_path / "work"
    api.refresh(str(live), target, options=RefreshOptions(workdir=work, until=Step.GENERATE))
    return lambda: api.refresh(str(live), target, options=RefreshOptions(workdir=work, resume=True))


@pytest.fixture
def staged(engine: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables that are staged from here on."""
    found: list[str] = []
    stage = LOADS[engine].stage

    def recorded(self: Any, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
        found.append(table.name.name)
        return stage(self, table, batches)

    monkeypatch.setattr(LOADS[engine], "stage", recorded)
    return found


def killed(engine: str, refresh: Refresh, name: str) -> None:
    """Refresh in another process, which is killed when it has sent the rows of a table."""

    def dying(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from batches
        os.kill(os.getpid(), signal.SIGKILL)

    def run() -> None:
        stage = LOADS[engine].stage

        def fatal(self: Any, table: Table, batches: Iterable[pa.RecordBatch]) -> int:
            return stage(self, table, dying(batches) if table.name.name == name else batches)

        LOADS[engine].stage = fatal  # type: ignore[method-assign]
        refresh()

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def leftovers(engine: str, url: str) -> list[Any]:
    if engine == "sqlite":
        folder = Path(database_url(url).database or "").parent
        return [path.name for path in folder.glob("*schemasynth*")]
    statement = {
        "postgresql": "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'schemasynth%%'",
        "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
        "AND table_name LIKE 'schemasynth%%' AND table_name <> 'schemasynth_target'",
    }[engine]
    return column(url, statement)


def whole(engine: str, target: str) -> None:
    for name in NAMES:
        assert column(target, f"SELECT count(*) FROM {name}") == [ROWS]
    assert api.verify(target).ok
    assert leftovers(engine, target) == []


def test_staged_tables_are_not_staged_again(
    engine: str, target: str, refresh: Refresh, staged: list[str]
) -> None:
    killed(engine, refresh, "c")
    assert column(target, "SELECT count(*) FROM a") == [0]
    assert refresh().outcome.startswith("Refreshed")
    # SQLite writes its copy without a journal, so that one left by a kill cannot be trusted.
    assert staged == (["a", "b", "c"] if engine == "sqlite" else ["c"])
    whole(engine, target)


def test_two_kills(engine: str, target: str, refresh: Refresh, staged: list[str]) -> None:
    if engine == "sqlite":
        pytest.skip("begins anew")
    killed(engine, refresh, "b")
    killed(engine, refresh, "c")
    refresh()
    assert staged == ["c"]
    whole(engine, target)


def test_staged_rows_that_are_not_all_there_are_staged_again(
    engine: str, target: str, refresh: Refresh, staged: list[str]
) -> None:
    if engine == "sqlite":
        pytest.skip("begins anew")
    killed(engine, refresh, "c")
    if engine == "postgresql":
        (place,) = column(
            target,
            "SELECT n.nspname || '.' || s.relname FROM pg_class s JOIN pg_namespace n ON n.oid = "
            "s.relnamespace WHERE s.relname = 't' || 'a'::regclass::oid::text",
        )
    else:
        (place,) = [name for name in leftovers(engine, target) if str(name).endswith("_0")]
    execute(target, f"DELETE FROM {place}")
    refresh()
    assert staged == ["a", "c"]
    whole(engine, target)


def test_a_table_altered_meanwhile_is_staged_again(
    engine: str, target: str, refresh: Refresh, staged: list[str]
) -> None:
    if engine == "sqlite":
        pytest.skip("begins anew")
    killed(engine, refresh, "c")
    change = "ALTER n TYPE bigint" if engine == "postgresql" else "MODIFY n bigint"
    execute(target, f"ALTER TABLE b {change}")
    refresh()
    assert staged == ["b", "c"]
    whole(engine, target)


def test_recovery_instead_of_resuming(
    engine: str, target: str, refresh: Refresh, staged: list[str]
) -> None:
    killed(engine, refresh, "b")
    assert len(api.recover(target)) == 1
    assert leftovers(engine, target) == []
    refresh()
    assert staged == ["a", "b", "c"]
    whole(engine, target)


def test_another_run_does_not_take_over(
    engine: str, target: str, refresh: Refresh, staged: list[str], tmp_path: Path
) -> None:
    killed(engine, refresh, "c")
    options = RefreshOptions(workdir=tmp_path / "other")
    live = str(tmp_path / "live.sqlite")
    if engine == "mysql":
        with pytest.raises(LoadError, match="recover"):
            api.refresh(live, target, options=options)
        return
    api.refresh(live, target, options=options)
    assert staged == ["a", "b", "c"]
    api.recover(target)
    whole(engine, target)
