"""Attempts to get round the guards: of targets by name and by identity, of sources by statement."""

from __future__ import annotations

import os
import pty
import secrets
import select
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from schemasynth import api
from schemasynth.adapter import DatabaseIdentity, Selection, adapter_for
from schemasynth.cli import main
from schemasynth.errors import AdapterError, SafetyError, SchemasynthError
from schemasynth.load.deny import allowed_target, check_names
from schemasynth.refresh import RefreshOptions, Step
from schemasynth.settings import database_url

PATIENCE_SECONDS = 60
TABLES = (
    "CREATE TABLE parent (id int PRIMARY KEY, name varchar(40))",
    "CREATE TABLE child (id int PRIMARY KEY, p int, FOREIGN KEY (p) REFERENCES parent (id))",
)
ROWS = (
    "INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    "INSERT INTO child VALUES (1, 1), (2, 2), (3, 2)",
)


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def rows(url: str, table: str = "parent") -> list[Any]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return list(connection.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1").all())


class Port:
    """Another port that leads to a server, as a container or a tunnel has one."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.number: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                there = socket.create_connection(self._server)
                for one, other in ((here, there), (there, here)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass(one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture(params=["postgresql", "mysql"])
def server(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_database"))


@pytest.fixture
def other_port(server: str) -> Iterator[str]:
    url = database_url(server)
    port = Port(url.host or "127.0.0.1", url.port or 0)
    yield url.set(port=port.number).render_as_string(hide_password=False)
    port.close()


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "live.sqlite", tmp_path / "Prod" / "shop.sqlite"
    target.parent.mkdir()
    execute(f"sqlite:///{source}", *TABLES, *ROWS)
    execute(f"sqlite:///{target}", *TABLES)
    return source, target


# Denied names


@pytest.mark.parametrize(
    "pattern",
    ["shop*", "SHOP.sqlite", "prod", "*/Prod/*", "shop", "*SHOP*"],
)
@pytest.mark.parametrize("spelling", ["plain", "relative", "symlink", "folder link", "url"])
def test_a_denied_file_by_any_way(
    files: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    spelling: str,
) -> None:
    _, target = files
    typed = str(target)
    if spelling == "relative":
        monkeypatch.chdir(target.parent)
        typed = "shop.sqlite"
    if spelling == "symlink":
        (tmp_path / "harmless.db").symlink_to(target)
        typed = str(tmp_path / "harmless.db")
    if spelling == "folder link":
        (tmp_path / "dev").symlink_to(target.parent)
        typed = str(tmp_path / "dev" / target.name)
    if spelling == "url":
        typed = f"sqlite:///{str(target).replace('shop', 's%68op')}?x=1"
        typed = typed.partition("?")[0]
    before = target.read_bytes()
    with pytest.raises(SafetyError, match="denied pattern"):
        api.init_target(typed, deny=[pattern])
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:S3cr3t@PROD-DB:5432/x",
        "postgresql://u:S3cr3t@prod-db./x",
        "postgresql://u:S3cr3t@h/pr%6Fd-db",
        "postgresql://u:S3cr3t@h/Prod-DB",
        "postgresql://u:S3cr3t@/x?host=ok,prod-db",
        "postgresql://u:S3cr3t@h/x?dbname=prod-db",
        "mysql://u:S3cr3t@prod-db:3307/x",
        "mysql://u:S3cr3t@h/prod-db",
    ],
)
def test_a_denied_name_anywhere_in_a_url(url: str) -> None:
    with (
        pytest.raises(SafetyError, match="denied pattern prod-") as caught,
        allowed_target(database_url(url), ["prod-*"]),
    ):
        pass
    assert "S3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "127.0.0.1", "127.1", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"],
)
@pytest.mark.parametrize("pattern", ["localhost", "127.0.0.1", "::1"])
def test_loopback_under_other_names(host: str, pattern: str) -> None:
    with (
        pytest.raises(SafetyError, match="denied pattern"),
        allowed_target(database_url(f"postgresql://u@{host}:1/x"), [pattern]),
    ):
        pass


def test_a_host_alias_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver is replaced: no test may depend on the names of a machine's network."""
    table = {"innocent": "10.9.8.7", "prod.example.com": "10.9.8.7", "10.9.8.7": "10.9.8.7"}

    def info(host: str, _: object) -> list[Any]:
        if host not in table:
            raise OSError
        return [(0, 0, 0, "", (table[host], 0))]

    monkeypatch.setattr(socket, "getaddrinfo", info)
    monkeypatch.setattr(socket, "gethostbyaddr", lambda _: ("db7.prod.example.com", [], []))
    url = database_url("postgresql://u@innocent/x")
    for pattern in ("prod.example.com", "*.PROD.*", "10.9.*"):
        with pytest.raises(SafetyError):
            check_names(url, ["innocent"], [pattern])
    check_names(url, ["innocent"], ["other.example.com", "10.1.*"])


def test_names_that_no_pattern_matches_are_let_through(files: tuple[Path, Path]) -> None:
    assert api.init_target(str(files[1]), deny=["live*", "pre", "production"]).target_id


def test_a_server_tells_its_own_name(server: str, other_port: str) -> None:
    name = database_url(server).database or ""
    for url in (server, other_port):
        with (
            pytest.raises(SafetyError, match=name),
            allowed_target(database_url(url), [name[:-1] + "?"]),
        ):
            pass
        with adapter_for(database_url(url)).target(database_url(url)) as target:
            assert name in target.names()


def test_another_schema_of_a_server_may_be_denied(server: str) -> None:
    with (
        pytest.raises(SafetyError, match="prod_schema"),
        allowed_target(database_url(server), ["prod*"], ["prod_schema"]),
    ):
        pass


@pytest.mark.usefixtures("stand_in")
def test_a_refresh_is_denied_at_its_beginning_and_when_it_is_resumed(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    source, target = map(str, files)
    api.init_target(target)
    with pytest.raises(SafetyError, match="denied pattern"):
        api.refresh(source, target, options=RefreshOptions(deny=("prod",)))
    work = tmp_path / "work"
    api.refresh(source, target, options=RefreshOptions(workdir=work, until=Step.GENERATE))
    with pytest.raises(SafetyError, match="denied pattern"):
        api.refresh(
            source, target, options=RefreshOptions(workdir=work, resume=True, deny=("prod",))
        )
    assert rows(f"sqlite:///{target}") == []


def test_the_settings_file_denies_too(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = map(str, files)
    monkeypatch.chdir(tmp_path)
    Path("schemasynth.toml").write_text('[target]\ndeny = ["nothing", "PROD"]\n', "utf-8")
    Path("other.toml").write_text("", "utf-8")
    for command in (
        ["target", "init", target],
        ["recover", target],
        ["refresh", source, target, "--yes"],
        ["refresh", source, target, "--dry-run", "--deny", "other"],
        ["refresh", source, target, "--settings", "other.toml", "--deny", "shop*", "--yes"],
    ):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 5, result.output
        assert "denied pattern" in result.stderr
        assert len(result.stderr.splitlines()) == 1


# Typing the name


@pytest.mark.usefixtures("stand_in")
def test_a_pipe_cannot_confirm(files: tuple[Path, Path]) -> None:
    source, target = map(str, files)
    api.init_target(target)
    for answer in ("shop.sqlite\n", "y\n", "\n", ""):
        result = CliRunner().invoke(main, ["refresh", source, target], input=answer)
        assert result.exit_code == 5
        assert "nothing was changed" in result.stderr
    assert rows(f"sqlite:///{target}") == []


@pytest.mark.parametrize(
    ("answer", "confirmed"),
    [("shop.sqlite", True), ("y", False), ("yes", False), ("", False), ("SHOP.sqlite", False),
     ("live.sqlite", False)],
)  # fmt: skip
def test_a_person_types_the_name(files: tuple[Path, Path], answer: str, *, confirmed: bool) -> None:
    source, target = map(str, files)
    api.init_target(target)
    ours, theirs = pty.openpty()
    command = [
        sys.executable, "-m", "schemasynth", "refresh", source, target, "--until", "plan",
    ]  # fmt: skip
    process = Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True)
    os.close(theirs)
    shown, answered = "", False
    while select.select([ours], [], [], PATIENCE_SECONDS)[0]:
        try:
            shown += os.read(ours, 4096).decode("utf-8", "replace")
        except OSError:
            break
        if not answered and "Type shop.sqlite to go on" in shown:
            os.write(ours, f"{answer}\n".encode())
            answered = True
    os.close(ours)
    assert answered, shown
    assert process.wait(PATIENCE_SECONDS) == (0 if confirmed else 5), shown
    assert ("Not confirmed" in shown) != confirmed


# The target is not the source


@pytest.mark.parametrize("way", ["same", "localhost", "another port", "another role"])
def test_a_server_by_another_way_is_the_same_database(
    server: str, other_port: str, way: str
) -> None:
    execute(server, *TABLES, *ROWS)
    other = {
        "same": server,
        "localhost": database_url(server).set(host="localhost").render_as_string(False),
        "another port": other_port,
        "another role": server,
    }[way]
    if way == "another role":
        name, password = f"g_{secrets.token_hex(4)}", secrets.token_hex(8)
        if "mysql" in server:
            execute(server, f"CREATE USER '{name}'@'%%' IDENTIFIED BY '{password}'")
            database = database_url(server).database
            execute(server, f"GRANT SELECT ON `{database}`.* TO '{name}'@'%%'")
        else:
            execute(server, f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE pg_monitor")
            execute(server, f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}")
        other = database_url(server).set(username=name, password=password).render_as_string(False)
    before = rows(server)
    with pytest.raises(SafetyError, match="same database"):
        api.refresh(other, server)
    assert rows(server) == before
    if way == "another role":
        drop = f"'{name}'@'%%'" if "mysql" in server else name
        if "mysql" not in server:
            execute(server, f"DROP OWNED BY {name}")
        execute(server, f"DROP {'USER' if 'mysql' in server else 'ROLE'} {drop}")


def test_the_nonce_finds_what_the_identity_does_not(
    server: str, other_port: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a proxy that hides the server: each connection believes to be elsewhere."""
    execute(server, *TABLES, *ROWS)
    api.init_target(server)
    numbers = iter(range(9))
    kind = type(adapter_for(database_url(server)).target(database_url(server))).__mro__[1]
    monkeypatch.setattr(kind, "identity", lambda _: DatabaseIdentity((str(next(numbers)),)))
    before = rows(server)
    with pytest.raises(SafetyError, match="same database"):
        api.refresh(other_port, server)
    assert rows(server) == before


def test_a_hard_link_and_a_copy_of_a_file(files: tuple[Path, Path], tmp_path: Path) -> None:
    source, _ = files
    linked, copy = tmp_path / "linked.sqlite", tmp_path / "copy.sqlite"
    linked.hardlink_to(source)
    with pytest.raises(SafetyError, match="same database"):
        api.refresh(str(source), str(linked))
    api.init_target(str(source))
    shutil.copyfile(source, copy)
    with pytest.raises(SafetyError, match=r"source .* carries the marker"):
        api.refresh(str(source), str(copy))


def test_a_marker_that_goes_while_a_refresh_waits(
    files: tuple[Path, Path], tmp_path: Path, stand_in: None
) -> None:
    source, target = map(str, files)
    api.init_target(target)
    work = tmp_path / "work"
    api.refresh(source, target, options=RefreshOptions(workdir=work, until=Step.GENERATE))
    execute(f"sqlite:///{target}", "DROP TABLE schemasynth_target")
    with pytest.raises(SafetyError, match="lost its marker"):
        api.refresh(source, target, options=RefreshOptions(workdir=work, resume=True))


# Nothing is written to a source

WRITES = (
    "INSERT INTO parent VALUES (9, 'x')",
    "UPDATE parent SET name = 'x'",
    "DELETE FROM child",
    "CREATE TABLE other (a int)",
    "DROP TABLE child",
    "ALTER TABLE parent ADD COLUMN more int",
    "CREATE INDEX i ON parent (name)",
)
UNLOCKS = {
    "postgresql": (
        "SET TRANSACTION READ WRITE",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
        "SET default_transaction_read_only = off",
        "RESET ALL",
        "SELECT set_config('transaction_read_only', 'off', false)",
        "SELECT nextval('numbers')",
        "SELECT setval('numbers', 99)",
        "SELECT lo_create(0)",
        "WITH x AS (DELETE FROM child RETURNING *) SELECT * FROM x",
        "EXPLAIN ANALYZE DELETE FROM child",
        "SELECT * INTO other FROM parent",
        "SELECT * FROM parent FOR UPDATE",
        "DO $$ BEGIN DELETE FROM child; END $$",
        "COPY parent FROM STDIN",
        "SELECT 1; DELETE FROM child",
        "/* SELECT */ DELETE FROM child",
    ),
    "mysql": (
        "SET SESSION TRANSACTION READ WRITE",
        "START TRANSACTION READ WRITE",
        "COMMIT",
        "SET GLOBAL read_only = 0",
        "SELECT 1 INTO OUTFILE '/tmp/x'",
        "SELECT * FROM parent FOR UPDATE",
        "/*! DELETE FROM child */",
        "SELECT 1 /*M! INTO OUTFILE '/tmp/x' */",
        "SELECT NEXTVAL(numbers)",
        "SELECT SETVAL(numbers, 99)",
        "CALL nothing()",
        "LOAD DATA LOCAL INFILE '/dev/null' INTO TABLE parent",
        "REPLACE INTO parent VALUES (1, 'x')",
        "TRUNCATE TABLE child",
    ),
    "sqlite": (
        "PRAGMA query_only = OFF",
        "PRAGMA query_only(0)",
        "PRAGMA writable_schema = ON",
        "PRAGMA user_version = 5",
        "PRAGMA journal_mode = WAL",
        "ATTACH DATABASE 'x.sqlite' AS x",
        "VACUUM INTO 'x.sqlite'",
        "REPLACE INTO parent VALUES (1, 'x')",
        "SELECT load_extension('x')",
    ),
}


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def live(request: pytest.FixtureRequest, files: tuple[Path, Path]) -> str:
    """A source whose role may do everything."""
    if request.param == "sqlite":
        return f"sqlite:///{files[0]}"
    url = str(request.getfixturevalue(f"{request.param}_database"))
    execute(url, *TABLES, *ROWS)
    execute(url, "CREATE SEQUENCE numbers")
    return url


def backend(url: str) -> str:
    return database_url(url).get_backend_name()


def test_the_first_layer_sends_nothing_that_could_write(live: str) -> None:
    before = rows(live), rows(live, "child")
    for statement in (*WRITES, *UNLOCKS[backend(live)]):
        url = database_url(live)
        with adapter_for(url).source(url) as source, pytest.raises(SafetyError):
            source.connection.exec_driver_sql(statement)  # type: ignore[attr-defined]
    assert (rows(live), rows(live, "child")) == before


def test_the_second_layer_is_the_database(live: str) -> None:
    before = rows(live), rows(live, "child")
    url = database_url(live)
    for statement in (*WRITES, *UNLOCKS[backend(live)]):
        with adapter_for(url).source(url) as source, suppress(Exception):
            driver = source.connection.connection.driver_connection  # type: ignore[attr-defined]
            refused = True
            with closing(driver.cursor()) as cursor:
                cursor.execute(statement)
                refused = False
            driver.rollback()
            assert not (statement in WRITES and not refused), statement
    assert (rows(live), rows(live, "child")) == before
    if backend(live) == "postgresql":
        assert rows(live, "numbers")[0][0] == 1


def test_every_connection_that_a_program_opens_to_a_source_has_both_layers(
    live: str, files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, stand_in: None
) -> None:
    """All engines are caught as they connect, and writes are tried through each of them."""
    engines: dict[int, sa.Engine] = {}
    target = str(files[1])
    api.init_target(target)
    made = sa.create_engine

    def create(url: Any, **options: Any) -> sa.Engine:
        engine = made(url, **options)
        engines[id(engine)] = engine
        return engine

    monkeypatch.setattr("schemasynth_adapters._sql.connection.sa.create_engine", create)
    with suppress(SchemasynthError):
        api.refresh(live, target, Selection(exclude=("numbers",)))
    monkeypatch.undo()
    mine = [e for e in engines.values() if _leads_to(e, live)]
    assert mine
    before = rows(live), rows(live, "child")
    for engine in mine:
        for statement in WRITES:
            with engine.connect() as connection, pytest.raises(SafetyError):
                connection.exec_driver_sql(statement)
            with engine.connect() as connection:
                # A transaction of SQLAlchemy's own, as all queries run in.
                connection.exec_driver_sql("SELECT 1")
                driver = connection.connection.driver_connection
                assert driver is not None
                with pytest.raises(driver.Error):
                    driver.cursor().execute(statement)
    assert (rows(live), rows(live, "child")) == before


def _leads_to(engine: sa.Engine, live: str) -> bool:
    wanted = database_url(live)
    if wanted.get_backend_name() == "sqlite":
        with engine.connect() as connection:
            (path,) = (row[2] for row in connection.exec_driver_sql("PRAGMA database_list"))
        return Path(path) == Path(wanted.database or "").resolve()
    return (engine.url.host, engine.url.port, engine.url.database) == (
        wanted.host, wanted.port, wanted.database,
    )  # fmt: skip


def test_a_role_that_could_write_is_told(live: str) -> None:
    url = database_url(live)
    with adapter_for(url).source(url) as source:
        assert bool(source.write_privileges()) == (backend(live) != "sqlite")


def test_a_source_takes_only_queries(live: str) -> None:
    url = database_url(live)
    with adapter_for(url).source(url) as source:
        parent = sa.table("parent", sa.column("id"))
        for write in (
            sa.delete(parent),
            sa.insert(parent).values(id=9),
            sa.text("DELETE FROM child"),
        ):
            with pytest.raises((SafetyError, AdapterError)):
                source.select(write)  # type: ignore[arg-type]
    assert len(rows(live)) == 3
