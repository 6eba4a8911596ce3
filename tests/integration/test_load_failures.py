"""Whatever breaks while a load runs, the target stays as it was, and recover tidies up."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest
from kills import POSTGRESQL_VICTIM, ROWS, SQLITE_VICTIM, Found, Victim

from schemasynth import api
from schemasynth.adapter import Selection, adapter_for
from schemasynth.errors import LoadError
from schemasynth.model import Table
from schemasynth.settings import database_url
from schemasynth.testing.servers import UNPRIVILEGED_USER, URL_VARIABLE
from schemasynth_adapters.postgresql import load as postgresql_load

PATIENCE_SECONDS = 30
TABLESPACE_MB = 24
"""Room for an empty database, and not for `BATCHES` batches."""
BATCHES = 400
Happening = Callable[[], object]


def plain(url: str) -> str:
    return url.replace("+psycopg", "")


def rows(table: Table, start: int) -> pa.RecordBatch:
    n = ROWS
    values = {c: [2] * n for c in table.column_names} | {"id": range(start, start + n)}
    if table.name.name == "a":
        values["v"] = range(start, start + n)
    return pa.RecordBatch.from_pydict(values)


def load(url: str, amid: Happening = lambda: None, batches: int = 2) -> None:
    """Load all tables; something happens amid the first."""
    address = database_url(url)
    with adapter_for(address).target(address) as target:
        schema = target.reflect(Selection(exclude=("untouched",)))
        with target.load(schema, "broken") as staged:
            for table in schema:
                staged.stage(table, _batches(table, batches, amid))
            staged.switch()


def _batches(table: Table, batches: int, amid: Happening) -> Iterator[pa.RecordBatch]:
    for i in range(batches):
        if i == 1 and table.name.name == "a":
            amid()
        yield rows(table, i * ROWS)


def settled(url: str, victim: Victim) -> Found:
    """Recover as soon as the database answers, and return what there is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            api.recover(url)
            return victim.look(url)
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@pytest.fixture
def postgresql(postgresql_database: str) -> str:
    POSTGRESQL_VICTIM.prepare(postgresql_database)
    with psycopg.connect(plain(postgresql_database), autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # the test server's commits do not wait for the disk
    return postgresql_database


def kill_server(url: str) -> None:
    """Kill the process behind the load: the server ends all sessions and recovers from its log."""
    with psycopg.connect(plain(url)) as connection:
        found = connection.execute(
            "SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory'"
        ).fetchall()
    for (pid,) in found:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(URL_VARIABLE in os.environ, reason="the server's processes are not ours")
@pytest.mark.parametrize("moment", ["stage", "switch"])
def test_a_killed_postgresql_server(
    postgresql: str, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = POSTGRESQL_VICTIM.look(postgresql)
    refill = postgresql_load.refill

    def refill_and_kill(*arguments: object) -> None:
        refill(*arguments)  # type: ignore[arg-type]
        kill_server(postgresql)

    if moment == "switch":
        monkeypatch.setattr(postgresql_load, "refill", refill_and_kill)
    with pytest.raises(LoadError):
        load(postgresql, (lambda: kill_server(postgresql)) if moment == "stage" else lambda: None)
    assert settled(postgresql, POSTGRESQL_VICTIM) == before


class Wire:
    """A connection that can be cut: passes bytes on between a client and a server."""

    def __init__(self, host: str, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.server = (host, port)
        self.ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                there = socket.create_connection(self.server)
                self.ends += [here, there]
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)

    def cut(self) -> None:
        self.listener.close()
        for end in self.ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def test_a_cut_connection(postgresql: str) -> None:
    before = POSTGRESQL_VICTIM.look(postgresql)
    url = database_url(postgresql)
    wire = Wire(url.host or "127.0.0.1", url.port or 5432)
    through = url.set(host="127.0.0.1", port=wire.port).render_as_string(hide_password=False)
    with pytest.raises(LoadError, match="connection was lost"):
        load(through, wire.cut)
    assert settled(postgresql, POSTGRESQL_VICTIM) == before


def test_a_statement_timeout(postgresql: str) -> None:
    before = POSTGRESQL_VICTIM.look(postgresql)
    with psycopg.connect(plain(postgresql), autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '200ms'".encode())
    with pytest.raises(LoadError, match="statement_timeout"):
        load(postgresql, lambda: time.sleep(0.5))
    assert settled(postgresql, POSTGRESQL_VICTIM) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={TABLESPACE_MB}m", "tmpfs", str(folder)]
    if mount is None or subprocess.run([mount, *options], check=False).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_under_sqlite(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk / 'd.sqlite'}"
    SQLITE_VICTIM.prepare(url)
    before = SQLITE_VICTIM.look(url)
    with pytest.raises(LoadError, match=r"full|I/O"):
        load(url, batches=BATCHES)
    assert SQLITE_VICTIM.look(url) == before
    assert api.recover(url) == []


@pytest.mark.skipif(URL_VARIABLE in os.environ, reason="the server may be on another machine")
def test_a_full_disk_under_postgresql(postgresql: str, small_disk: Path) -> None:
    folder = small_disk / "space"
    folder.mkdir()
    if os.geteuid() == 0:
        shutil.chown(folder, UNPRIVILEGED_USER)
        for parent in small_disk.parents:
            parent.chmod(parent.stat().st_mode | 0o001)
    with psycopg.connect(plain(postgresql), autocommit=True) as connection:
        name = f"small_{connection.info.dbname}"
        connection.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'".encode())
        try:
            here = connection.info.dbname
            connection.execute(f"ALTER DATABASE {here} SET default_tablespace = {name}".encode())
            before = POSTGRESQL_VICTIM.look(postgresql)
            with pytest.raises(LoadError, match="disk full"):
                load(postgresql, batches=BATCHES)
            assert settled(postgresql, POSTGRESQL_VICTIM) == before
        finally:
            connection.execute(f"DROP TABLESPACE {name}".encode())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_two_loads_at_once(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if kind == "sqlite":
        url, victim = f"sqlite:///{tmp_path / 'd.sqlite'}", SQLITE_VICTIM
        victim.prepare(url)
    else:
        url, victim = request.getfixturevalue("postgresql"), POSTGRESQL_VICTIM
    refused: list[str] = []

    def another() -> None:
        for attempt in (lambda: load(url), lambda: api.recover(url)):
            with pytest.raises(LoadError, match="Another load") as caught:
                attempt()
            refused.append(str(caught.value))

    load(url, another)
    assert len(refused) == 2
    assert victim.look(url).contents[0][0] == 2 * ROWS
    assert api.recover(url) in ([], ())


def test_a_file_that_took_the_targets_place_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "d.sqlite"
    url = f"sqlite:///{path}"
    SQLITE_VICTIM.prepare(url)

    def replace() -> None:
        shutil.copyfile(path, tmp_path / "other")
        (tmp_path / "other").replace(path)

    with pytest.raises(LoadError, match="another connection"):
        load(url, replace)
    assert SQLITE_VICTIM.look(url).contents[0][0] == 1
