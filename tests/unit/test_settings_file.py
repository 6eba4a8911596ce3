"""The settings file: what it may say, and what is refused with the place and a cure."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemasynth.errors import SettingsError
from schemasynth.infer.answers import ColumnAnswer
from schemasynth.model import TableName
from schemasynth.model.keyid import read_key_id
from schemasynth.model.privacy import DifferentialPrivacy, Privacy
from schemasynth.model.sensitivity import SensitiveKind
from schemasynth.settings_file import Settings, read_settings

GOOD = """
[keys]
accept = ["fk:orders(customer)->customers(id)"]
reject = ["pk:log", "fk:orders(state)"]

[[keys.primary_key]]
table = "lines"
schema_name = "sales"
columns = ["order_no", "line_no"]

[[keys.foreign_key]]
table = "lines"
columns = ["order_no", "site"]
references = "orders"
references_schema = "sales"
references_columns = ["no", "site"]
"""


COLUMNS = """
[people]
language = "ca"

[[column]]
table = "people"
column = "name"
treatment = "provider"
kind = "full_name"

[[column]]
table = "people"
schema_name = "sales"
column = "state"
treatment = "constant"
value = "x"
"""


def test_what_it_says_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_text(COLUMNS, "utf-8")
    answers = read_settings(path).answers
    assert answers.language == "ca"
    assert answers.columns == (
        ColumnAnswer(TableName("people"), "name", "provider", SensitiveKind.FULL_NAME),
        ColumnAnswer(TableName("people", "sales"), "state", "constant", value="x"),
    )


@pytest.mark.parametrize(
    "line", ['treatment = "copy"', 'kind = "soul"', 'treatment = "constant"', "colour = 1"]
)
def test_a_column_that_cannot_be_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "any.toml"
    path.write_text(f'[[column]]\ntable = "a"\ncolumn = "b"\n{line}\n', "utf-8")
    with pytest.raises(SettingsError, match="column"):
        read_settings(path)


def test_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_text(GOOD, "utf-8")
    answers = read_settings(path).answers
    assert answers.accepted == tuple(
        read_key_id(text)
        for text in (
            "fk:orders(customer)->customers(id)",
            "pk:sales.lines(order_no,line_no)",
            "fk:lines(order_no,site)->sales.orders(no,site)",
        )
    )
    assert answers.rejected == (read_key_id("pk:log"), read_key_id("fk:orders(state)"))


def test_the_working_folder_is_looked_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_settings() == Settings()
    Path("schemasynth.toml").write_text(GOOD, "utf-8")
    assert len(read_settings().answers.accepted) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[keys", ("not valid TOML",)),
        ("[key]\n", ("there is no setting key;", "did you mean keys?")),
        ("[keys]\naccepted = []", ("keys.accepted", "did you mean accept?")),
        ("[keys]\nwhatever = []", ("keys.whatever", "accept, reject, primary_key, foreign_key")),
        ("[keys]\naccept = 'pk:a(b)'", ("keys.accept", "list")),
        ("[keys]\naccept = [1]", ("keys.accept[1]", "string")),
        ("[keys]\naccept = ['nonsense']", ("'nonsense' is no id",)),
        ("[keys]\naccept = ['pk:orders']", ("pk:orders names no single key",)),
        ("[[keys.primary_key]]\ntable = 'a'", ("keys.primary_key[1].columns", "required")),
        ("[[keys.primary_key]]\ntable = 'a'\ncolumns = []", ("keys.primary_key[1].columns",)),
        ("[[keys.primary_key]]\ntable = 'a'\ncolumn = ['b']\ncolumns = ['b']",
         ("keys.primary_key[1].column;", "did you mean columns?")),
        ("[[keys.foreign_key]]\ntable = 'a'\ncolumns = ['b']\nreferences = 'c'\n"
         "references_columns = ['d', 'e']", ("fk:a(b)->c(d,e)", "two sides do not fit")),
        ("[[keys.primary_key]]\ntable = 'a'\ncolumns = ['b', 'b']", ("names a column twice",)),
    ],
)  # fmt: skip
def test_bad_files_are_refused(tmp_path: Path, content: str, words: tuple[str, ...]) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(SettingsError) as caught:
        read_settings(path)
    for word in (str(path), *words):
        assert word in str(caught.value)


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path / "missing.toml")
    odd = tmp_path / "odd.toml"
    odd.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="UTF-8"):
        read_settings(odd)
    odd.write_text("x = " + "[" * 100_000, "utf-8")
    with pytest.raises(SettingsError):
        read_settings(odd)


def test_what_it_says_of_privacy(tmp_path: Path) -> None:
    path = tmp_path / "any.toml"
    path.write_text("[privacy]\nholdout = 0\n", "utf-8")
    assert read_settings(path).privacy == Privacy(holdout=0)
    path.write_text("[privacy.differential_privacy]\nmax_epsilon = 2\n", "utf-8")
    assert read_settings(path).privacy == Privacy(differential=DifferentialPrivacy(2))
    path.write_text("[privacy.differential_privacy]\nepsilon = 2\n", "utf-8")
    with pytest.raises(SettingsError, match=r"no setting privacy\.differential_privacy\.epsilon"):
        read_settings(path)
    path.write_text("[privacy]\nholdut = 0\n", "utf-8")
    with pytest.raises(SettingsError, match="did you mean holdout"):
        read_settings(path)
    path.write_text("", "utf-8")
    assert read_settings(path).privacy is None
