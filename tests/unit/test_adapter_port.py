"""The port: registry, selection, row counts, errors that name the cure and no password."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from schemasynth import adapter as port
from schemasynth.adapter import Selection, adapter_for, count_rows
from schemasynth.errors import AdapterError, AdapterNotFound, DriverMissing
from schemasynth.model import TableName
from schemasynth.settings import database_url
from schemasynth_adapters._sql.connection import first_line
from schemasynth_adapters.generic import GenericAdapter
from schemasynth_adapters.sqlite import SQLiteAdapter


def test_backends_have_their_adapters_and_all_others_the_generic_one() -> None:
    assert isinstance(adapter_for(sa.make_url("sqlite:///x")), SQLiteAdapter)
    assert isinstance(adapter_for(sa.make_url("mssql+pyodbc://h/d")), GenericAdapter)


def test_a_registered_adapter_is_stronger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "_registered", {})
    port.register("sqlite", GenericAdapter)
    assert isinstance(adapter_for(sa.make_url("sqlite:///x")), GenericAdapter)


@pytest.mark.parametrize(
    ("url", "error", "text"),
    [
        ("nosuchdatabase://h/d", AdapterNotFound, "nosuchdatabase"),
        ("snowflake://u:p@a/d", DriverMissing, r"schemasynth\[snowflake\]"),
    ],
)
def test_what_is_not_installed_is_named(url: str, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        GenericAdapter().source(sa.make_url(url))


@pytest.mark.parametrize("password", ["secret", "p@ss/word", "a b+c"])
@pytest.mark.parametrize("written", ["{}", "dsn //u:{}@h"])
def test_messages_hold_no_password(password: str, written: str) -> None:
    url = sa.URL.create("postgresql", "u", password, "h")
    encoded = url.render_as_string(hide_password=False).split(":")[-1].removesuffix("@h")
    for spelling in (password, encoded):
        line = first_line(Exception(written.format(spelling)), url)
        assert spelling not in line


def test_messages_survive_an_empty_password() -> None:
    url = sa.make_url("postgresql://u:@h/d")
    assert first_line(Exception("no route\nmore"), url) == "no route"


def test_selection_knows_dotted_names_and_exclusion_wins() -> None:
    selection = Selection(include=("sales.*", "log*"), exclude=("*_old",))
    assert selection.selects(TableName("order", "sales"))
    assert selection.selects(TableName("log1"))
    assert not selection.selects(TableName("log_old"))
    assert not selection.selects(TableName("order", "stock"))


def test_counts_go_over_the_limit_of_one_statement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "UNION_LIMIT", 3)
    path = tmp_path / "d.sqlite"
    with sqlite3.connect(path) as connection:
        for i in range(7):
            connection.execute(f"CREATE TABLE t{i} AS SELECT 1 AS a")
            connection.execute(f"DELETE FROM t{i} WHERE {i} % 2")
    with SQLiteAdapter().source(database_url(str(path))) as source:
        counted = count_rows(source, source.reflect())
    assert [table.row_count for table in counted] == [1, 0, 1, 0, 1, 0, 1]


def test_files_that_are_no_database_are_one_clear_line(tmp_path: Path) -> None:
    absent, text = tmp_path / "absent.sqlite", tmp_path / "text.sqlite"
    text.write_text("hello " * 500)
    for path in (absent, text):
        with pytest.raises(AdapterError) as caught:
            SQLiteAdapter().source(database_url(str(path)))
        assert "\n" not in str(caught.value)
    assert not absent.exists()
