"""The demo's invented database: its shape, and what is planted in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from schemasynth.demo import UNPAID_SHARE, planted_figures, write_source, write_target

PEOPLE = 1500
TABLES = ("titular", "pagamentnomina", "actuacionsnomina")
PAIR = "N_Expedit, N_Procediment"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("demo") / "live.sqlite"
    write_source(path, PEOPLE)
    return path


@pytest.fixture
def query(source: Path) -> Iterator[Query]:
    with closing(sqlite3.connect(source)) as connection:
        yield Query(connection)


class Query:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        return self.rows(sql)[0][0]


def test_equal_seeds_write_equal_rows(tmp_path: Path) -> None:
    def dump(name: str, seed: int) -> list[str]:
        write_source(tmp_path / name, people=50, seed=seed)
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            return list(connection.iterdump())

    assert dump("a", 1) == dump("b", 1)
    assert dump("c", 2) != dump("d", 1)


def test_the_target_has_the_same_tables_without_rows(source: Path, tmp_path: Path) -> None:
    write_target(tmp_path / "target.sqlite")
    statement = "SELECT name, sql FROM sqlite_master ORDER BY name"
    with (
        closing(sqlite3.connect(source)) as live,
        closing(sqlite3.connect(tmp_path / "target.sqlite")) as empty,
    ):
        assert empty.execute(statement).fetchall() == live.execute(statement).fetchall()
        counts = [empty.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in TABLES]
    assert counts == [0, 0, 0]


def test_no_key_and_no_index_is_declared(query: Query) -> None:
    assert query.rows("SELECT type, name FROM sqlite_master WHERE type <> 'table'") == []
    for table in TABLES:
        assert query.rows(f"PRAGMA foreign_key_list({table})") == []
        assert all(column[5] == 0 for column in query.rows(f"PRAGMA table_info({table})"))


def test_the_tables_have_the_sizes_that_are_told(query: Query) -> None:
    people, payments, actions = (query.value(f"SELECT count(*) FROM {table}") for table in TABLES)
    assert people == PEOPLE
    assert 2.5 * people < payments < 4 * people
    assert 2 * people < actions < 4 * people


def test_only_the_pair_identifies_a_case_and_it_has_one_person(query: Query) -> None:
    pairs = f"SELECT {PAIR}, count(DISTINCT Usuari_solicitant) FROM pagamentnomina GROUP BY 1, 2"
    assert {persons for _, _, persons in query.rows(pairs)} == {1}
    for column in ("N_Expedit", "N_Procediment"):
        persons = query.value(
            "SELECT max(n) FROM (SELECT count(DISTINCT Usuari_solicitant) AS n "
            f"FROM pagamentnomina GROUP BY {column})"
        )
        assert persons > 1


@pytest.mark.parametrize("table", ["pagamentnomina", "actuacionsnomina"])
def test_the_pair_is_the_key_of_no_table(query: Query, table: str) -> None:
    distinct = query.value(f"SELECT count(*) FROM (SELECT DISTINCT {PAIR} FROM {table})")
    assert query.value(f"SELECT count(*) FROM {table}") > 1.5 * distinct


def test_every_payment_is_of_a_person_in_the_list(query: Query) -> None:
    orphans = (
        "SELECT count(*) FROM pagamentnomina "
        "WHERE Usuari_solicitant NOT IN (SELECT identificador FROM titular)"
    )
    assert query.value(orphans) == 0
    assert query.value("SELECT count(DISTINCT identificador) FROM titular") == PEOPLE


def test_payments_of_a_case_are_monthly_and_nearly_equal(query: Query) -> None:
    cases = query.rows(
        "SELECT count(*), count(DISTINCT Data_pagament), max(Import) - min(Import), avg(Import) "
        f"FROM pagamentnomina GROUP BY {PAIR}"
    )
    assert all(rows == months for rows, months, _, _ in cases)
    assert all(spread < 0.25 * mean for rows, _, spread, mean in cases if rows > 1)


def test_older_people_have_more_cases(query: Query) -> None:
    def cases(condition: str) -> float:
        people = f"SELECT identificador FROM titular WHERE {condition}"
        pairs = query.value(
            f"SELECT count(*) FROM (SELECT DISTINCT {PAIR} FROM pagamentnomina "
            f"WHERE Usuari_solicitant IN ({people}))"
        )
        return pairs / query.value(f"SELECT count(*) FROM ({people})")

    old, young = cases("data_naixement < '1958-01-01'"), cases("data_naixement > '1960-01-01'")
    assert old > 1.15 * young


def test_the_planted_figures_measure_what_is_planted(source: Path) -> None:
    figures = planted_figures(source)
    assert abs(1 - figures["actions_paid"] - UNPAID_SHARE / (1 + UNPAID_SHARE)) < 0.04
    assert figures["valid_ids"] == 1
    assert figures["disabled_dis"] - figures["other_dis"] > 0.8
    assert figures["effect_follows"] > 0.85
    assert figures["amount_follows"] > 0.6


def test_the_planted_figures_fall_where_the_dependences_are_broken(
    source: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "shuffled.sqlite"
    copy.write_bytes(source.read_bytes())
    with closing(sqlite3.connect(copy)) as connection, connection:
        for table, column in (
            ("pagamentnomina", "Tipus_prestacio"),
            ("actuacionsnomina", "Efecte_Nomina"),
            ("actuacionsnomina", "N_Procediment"),
        ):
            values = [v for (v,) in connection.execute(f"SELECT {column} FROM {table}")]
            moved = [(v, row) for row, v in enumerate(values[7:] + values[:7], 1)]
            connection.executemany(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", moved)
        connection.execute("UPDATE titular SET identificador = 'X' || identificador")
    live, broken = planted_figures(source), planted_figures(copy)
    assert broken["valid_ids"] == 0
    assert broken["amount_follows"] < 0.05
    assert broken["effect_follows"] < live["effect_follows"] - 0.3
    assert broken["actions_paid"] < live["actions_paid"] - 0.2


def test_the_figures_of_an_empty_database_are_zero(tmp_path: Path) -> None:
    write_target(tmp_path / "empty.sqlite")
    assert set(planted_figures(tmp_path / "empty.sqlite").values()) == {0.0}
