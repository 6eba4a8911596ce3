"""What people type as a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemasynth.errors import SettingsError
from schemasynth.settings import database_url, shown


def test_a_path_is_a_sqlite_url(tmp_path: Path) -> None:
    url = database_url(str(tmp_path / "a b.sqlite"))
    assert url.drivername == "sqlite"
    assert url.database == str(tmp_path / "a b.sqlite")


def test_variables_are_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "p%40ss")
    url = database_url("postgresql://u:${SECRET}@h/d")
    assert url.password == "p@ss"
    assert url.drivername == "postgresql+psycopg"


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(SettingsError, match="NOT_THERE_42"):
        database_url("postgresql://u:${NOT_THERE_42}@h/d")


def test_no_credentials_are_shown() -> None:
    text = shown(database_url("postgresql://alice:secret@host:5432/live?sslpassword=secret"))
    assert text == "postgresql+psycopg://host:5432/live"


@pytest.mark.parametrize("text", ["nonsense", "://", "postgresql://u:p@h:port/d"])
def test_nonsense_is_refused_without_repeating_secrets(text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        database_url(text)
    assert ":p@" not in str(caught.value)
