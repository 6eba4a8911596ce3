"""A MySQL or MariaDB server and throw-away databases for tests.

May be imported by tests only; imports nothing of the package but how servers are started.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from schemasynth.testing.servers import docker_answers, free_port, last_lines

URL_VARIABLE = "SCHEMASYNTH_TEST_MYSQL_URL"
CONTAINER_VARIABLE = "SCHEMASYNTH_TEST_MYSQL_CONTAINER"
"""Names an image, for example ``mysql:8.4``, where neither a server nor its program is here."""

DRIVER = "mysql+pymysql"
CONTAINER_IMAGE = "mariadb:11.4"
LOOPBACK = URL.create(DRIVER, "root", "", "127.0.0.1", 3306)
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30
POLL_SECONDS = 0.1


class NoServer(RuntimeError):
    """There is no MySQL or MariaDB on this machine; the message says how to name one."""


@contextmanager
def mysql_url() -> Iterator[str]:
    """Provides a server on which the tests may create databases and users.

    It is, in this order: the one that `SCHEMASYNTH_TEST_MYSQL_URL` names; the one on the loopback
    at port 3306 that lets root in without a password; one started for the duration of the context,
    by the program `mariadbd` or in a container.

    Yields:
        The URL of an administrator's connection, with the password in it.

    Raises:
        NoServer: none of them is there.
    """
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield make_url(given).set(drivername=DRIVER).render_as_string(hide_password=False)
    elif _answers(LOOPBACK):
        yield LOOPBACK.render_as_string(hide_password=False)
    else:
        provide = embedded_mysql if shutil.which("mariadbd") else _container
        with provide() as url:
            yield url.render_as_string(hide_password=False)


@contextmanager
def fresh_mysql_database(server_url: str, prefix: str = "schemasynth") -> Iterator[str]:
    """Creates an empty database for the duration of the context.

    Args:
        server_url: A connection that may create databases, as `mysql_url` yields it.
        prefix: The start of the database's name; the rest is random.

    Yields:
        The URL of the new database.
    """
    url = make_url(server_url)
    name = f"{prefix}_{secrets.token_hex(6)}"
    with _administration(url) as connection:
        connection.exec_driver_sql(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with _administration(url) as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS `{name}`")


@contextmanager
def _administration(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def _answers(url: URL) -> bool:
    try:
        with _administration(url):
            return True
    except DBAPIError:
        return False


@contextmanager
def embedded_mysql(*options: str) -> Iterator[URL]:
    """Starts a server in a temporary folder for the duration of the context.

    Args:
        options: further ones of `mariadbd`, for example ``--lower-case-table-names=1``.

    Yields:
        The URL of an administrator's connection.

    Raises:
        RuntimeError: MariaDB is not installed or does not start.
    """
    with tempfile.TemporaryDirectory(prefix="schemasynth-mariadb-") as folder:
        home = Path(folder)
        log = home / "server.log"
        # A server does not run as root unless told to, and the folder is the tests' own.
        common = ["--no-defaults", f"--datadir={home / 'data'}", "--user=root"]
        if not (hasattr(os, "geteuid") and os.geteuid() == 0):
            common.pop()
        with log.open("wb") as output:
            subprocess.run(
                [
                    _program("mariadb-install-db"),
                    *common,
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",  # nor users without a name, who would stand for any
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=True,
                timeout=START_TIMEOUT_SECONDS,
            )
            url = LOOPBACK.set(port=free_port())
            server = subprocess.Popen(
                [
                    _program("mariadbd"),
                    *common,
                    f"--port={url.port}",
                    "--bind-address=127.0.0.1",
                    f"--socket={home / 's'}",
                    f"--pid-file={home / 'pid'}",
                    "--innodb-flush-log-at-trx-commit=0",  # the data lives as long as the tests
                    *options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            _wait(server, url, log)
            yield url
        finally:
            server.terminate()
            try:
                server.wait(STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"the program {name} of MariaDB is missing")
    return found


def _wait(server: subprocess.Popen[bytes], url: URL, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if _answers(url):
            return
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"MariaDB does not start: {last_lines(log)}")


@contextmanager
def _container() -> Iterator[URL]:
    if not docker_answers():
        raise NoServer(
            f"no MySQL or MariaDB here: name one in {URL_VARIABLE}, install mariadb-server, or "
            "start Docker"
        )
    from testcontainers.mysql import MySqlContainer

    image = os.environ.get(CONTAINER_VARIABLE, CONTAINER_IMAGE)
    with MySqlContainer(image, dialect="pymysql", username="root") as container:
        yield make_url(container.get_connection_url()).set(drivername=DRIVER, database=None)
