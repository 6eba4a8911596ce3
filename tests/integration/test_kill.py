"""A refresh killed before the switch leaves the target as it was, and recover tidies up."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from schemasynth import api
from schemasynth.settings import database_url
from schemasynth.testing.suite.base import SHOP_ROWS, create_shop, rows, shop

LOADER = """
import sys, time
from dataclasses import replace
from schemasynth.adapter import adapter_for
from schemasynth.settings import database_url
from schemasynth.testing.suite.base import ODD, SHOP_ROWS, table
from schemasynth.testing.suite.loading import ORDER, _batches

url = database_url(sys.argv[1])
with adapter_for(url).target(url) as target:
    found = target.reflect()
    schema = replace(found, tables=tuple(table(found, name) for name in (*ORDER, ODD)))
    with target.load(schema, "killed") as load:
        for table in schema:
            load.stage(table, _batches(schema, table.name, SHOP_ROWS[table.name.name][:1]))
        print("staged", flush=True)
        time.sleep(60)
        load.switch()
"""


def kill_after_staging(url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LOADER, url], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "staged\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL
    process.stdout.close()


def as_it_was(url: str) -> bool:
    return all(
        len(rows(url, sa.select(shop().tables[name]))) == len(content)
        for name, content in SHOP_ROWS.items()
    )


def test_sqlite(tmp_path: Path) -> None:
    path = tmp_path / "pre.sqlite"
    create_shop(f"sqlite:///{path}")
    before = path.read_bytes()
    kill_after_staging(f"sqlite:///{path}")
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) > 1
    assert api.recover(str(path))
    assert list(tmp_path.iterdir()) == [path]
    assert api.recover(str(path)) == []


def test_postgresql(postgresql_database: str) -> None:
    create_shop(postgresql_database)
    kill_after_staging(postgresql_database)
    assert as_it_was(postgresql_database)
    _wait_until_gone(postgresql_database)
    assert api.recover(postgresql_database)
    assert as_it_was(postgresql_database)
    assert list(api.recover(postgresql_database)) == []


def _wait_until_gone(url: str) -> None:
    """Wait until the server has noticed that the loader is dead."""
    import time

    others = sa.text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    engine = sa.create_engine(database_url(url), poolclass=sa.NullPool)
    for _ in range(100):
        with engine.connect() as connection:
            if connection.execute(others).scalar() == 0:
                return
        time.sleep(0.1)
    pytest.fail("the killed loader's session is still there")
