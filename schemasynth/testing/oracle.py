"""An Oracle server and throw-away schemas for tests.

May be imported by tests only; imports nothing of the package but how servers are started.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.pool import NullPool

from schemasynth.testing.servers import docker_answers

URL_VARIABLE = "SCHEMASYNTH_TEST_ORACLE_URL"
DRIVER = "oracle+oracledb"
CONTAINER_IMAGE = "gvenzl/oracle-free:slim-faststart"
PRIVILEGES = (
    "CREATE SESSION, CREATE TABLE, CREATE SEQUENCE, CREATE TRIGGER, CREATE VIEW, "
    "UNLIMITED TABLESPACE"
)
"""What an owner of tables usually has."""


class NoServer(RuntimeError):
    """There is no Oracle server for the tests; the message says how to name one."""


@contextmanager
def oracle_url() -> Iterator[str]:
    """Provides a server on which the tests may create users.

    It is the one that `SCHEMASYNTH_TEST_ORACLE_URL` names, or a container where Docker answers.

    Yields:
        The URL of an administrator's connection, with the password in it.

    Raises:
        NoServer: neither is there.
    """
    given = os.environ.get(URL_VARIABLE)
    if given:
        yield make_url(given).set(drivername=DRIVER).render_as_string(hide_password=False)
        return
    if not docker_answers():
        raise NoServer(f"no Oracle here: name one in {URL_VARIABLE}, or start Docker")
    from testcontainers.oracle import OracleDbContainer

    with OracleDbContainer(CONTAINER_IMAGE) as container:
        yield container.get_connection_url()


@contextmanager
def fresh_oracle_schema(server_url: str, prefix: str = "SCHEMASYNTH") -> Iterator[str]:
    """Creates a user with an empty schema for the duration of the context.

    Args:
        server_url: A connection that may create users, as `oracle_url` yields it.
        prefix: The start of the user's name; the rest is random.

    Yields:
        The URL of the user's connection.
    """
    url = make_url(server_url).set(drivername=DRIVER)
    name = f"{prefix}_{secrets.token_hex(6).upper()}"
    password = f"p{secrets.token_hex(12)}"
    with _administration(url) as connection:
        connection.exec_driver_sql(f'CREATE USER "{name}" IDENTIFIED BY "{password}"')
        connection.exec_driver_sql(f'GRANT {PRIVILEGES} TO "{name}"')
    try:
        yield url.set(username=name, password=password).render_as_string(hide_password=False)
    finally:
        with _administration(url) as connection:
            connection.exec_driver_sql(f'DROP USER "{name}" CASCADE')


@contextmanager
def _administration(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
