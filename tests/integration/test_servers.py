"""The servers and databases that tests run on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from schemasynth.testing import mysql
from schemasynth.testing.servers import URL_VARIABLE, fresh_database, postgresql_url


def ask(url: str, query: str) -> object:
    engine = create_engine(url)
    with engine.connect() as connection:
        answer: object = connection.execute(text(query)).scalar()
    engine.dispose()
    return answer


def test_databases_of_one_test_are_separate(
    postgresql_database_factory: Callable[[], str],
) -> None:
    first, second = postgresql_database_factory(), postgresql_database_factory()
    assert ask(first, "SELECT current_database()") != ask(second, "SELECT current_database()")


def test_database_is_dropped_even_when_a_session_is_open(postgresql_server: str) -> None:
    with fresh_database(postgresql_server) as url:
        name = make_url(url).database
        left_open = create_engine(url).connect()
    query = f"SELECT count(*) FROM pg_database WHERE datname = '{name}'"
    assert ask(postgresql_server, query) == 0
    left_open.invalidate()
    left_open.close()


def test_encoding_and_case_rules_do_not_depend_on_the_machine(postgresql_database: str) -> None:
    assert ask(postgresql_database, "SHOW server_encoding") == "UTF8"
    assert ask(postgresql_database, "SELECT lower('ÀÇÉ')") == "àçé"


@pytest.mark.skipif(URL_VARIABLE in os.environ, reason="a given server may trust local users")
def test_wrong_password_is_refused(postgresql_database: str) -> None:
    wrong = make_url(postgresql_database).set(password="wrong")
    with pytest.raises(OperationalError, match="password authentication failed"):
        create_engine(wrong).connect()


def test_a_given_server_is_taken_and_not_stopped(
    postgresql_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(URL_VARIABLE, postgresql_server)
    with postgresql_url() as given:
        assert given == postgresql_server
    assert ask(postgresql_server, "SELECT 1") == 1


@pytest.mark.skipif(shutil.which("mariadbd") is None, reason="mariadbd is not installed")
def test_mariadb_is_started_where_none_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pymysql")
    monkeypatch.delenv(mysql.URL_VARIABLE, raising=False)
    monkeypatch.setattr(mysql, "LOOPBACK", mysql.LOOPBACK.set(port=1))
    with mysql.mysql_url() as url, mysql.fresh_mysql_database(url) as database:
        engine = create_engine(database, poolclass=NullPool)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT 1")).scalar() == 1


def test_without_mariadb_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pymysql")
    monkeypatch.delenv(mysql.URL_VARIABLE, raising=False)
    monkeypatch.setattr(mysql, "LOOPBACK", mysql.LOOPBACK.set(port=1))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(mysql.NoServer, match=mysql.URL_VARIABLE), mysql.mysql_url():
        pass
