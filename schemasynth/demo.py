"""An undocumented social-services database, all its people, cases and payments invented.

Writes SQLite files for `schemasynth demo` and for tests; imports nothing of the package.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

SEED = 7
CONTROL_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
"""Letter of a Spanish DNI or NIE by its number modulo 23 (Real Decreto 1553/2005, art. 11)."""
NIE_SHARE = 0.12
UNPAID_SHARE = 0.2
"""Case files in which nothing was paid, by those with payments."""
BENEFITS = ("DEP", "DIS", "FAM", "PNC", "RGC")
_DDL = (
    """CREATE TABLE titular (
  identificador VARCHAR(9) NOT NULL, sexe CHAR(1), data_naixement DATE, provincia VARCHAR(20),
  municipi VARCHAR(40), nacionalitat VARCHAR(20), estat_civil VARCHAR(20),
  grau_discapacitat INTEGER)""",
    """CREATE TABLE pagamentnomina (
  Usuari_solicitant VARCHAR(9), N_Expedit VARCHAR(11), N_Procediment VARCHAR(3),
  Tipus_prestacio VARCHAR(3), Data_pagament DATE, Import NUMERIC(10, 2),
  Estat VARCHAR(10))""",
    """CREATE TABLE actuacionsnomina (
  N_Expedit VARCHAR(11), N_Procediment VARCHAR(3), Data_actuacio DATE,
  Tipus_actuacio VARCHAR(20), Efecte_Nomina VARCHAR(12), Observacions VARCHAR(40))""",
)
_TOWNS = {
    "Barcelona": ("Barcelona", "Badalona", "Sabadell", "Terrassa", "Mataró"),
    "Girona": ("Girona", "Figueres", "Olot"),
    "Lleida": ("Lleida", "Tàrrega"),
    "Tarragona": ("Tarragona", "Reus", "Tortosa"),
}
_ACTIONS = ("Alta", "Revisió", "Suspensió", "Reclamació", "Baixa")
_EFFECTS = ("Inici", "Sense efecte", "Aturada", "Regularitza", "Final")

Ints: TypeAlias = npt.NDArray[np.int64]
Rows: TypeAlias = list[tuple[Any, ...]]


def write_target(path: Path) -> None:
    """Write an empty database with the demo's tables.

    Args:
        path: a new SQLite file.
    """
    connection = sqlite3.connect(path)
    with connection:
        for statement in _DDL:
            connection.execute(statement)
    connection.close()


def write_source(path: Path, people: int = 2000, seed: int = SEED) -> None:
    """Write the live database of the demo; no key is declared.

    Args:
        path: a new SQLite file.
        people: rows of `titular`; payments and actions are about three and two times as many.
        seed: equal seeds write equal rows.
    """
    rng = np.random.default_rng(seed)
    write_target(path)
    persons, age, degree = _people(people, rng)
    owner, files, procedures = _cases(age, degree, rng)
    benefits = _benefits(age[owner], degree[owner], rng)
    paid = rng.random(len(owner)) >= UNPAID_SHARE / (1 + UNPAID_SHARE)
    connection = sqlite3.connect(path)
    with connection:
        _insert(connection, "titular", persons)
        names = [row[0] for row in persons]
        payments = _payments(names, owner, files, procedures, benefits, degree, paid, rng)
        _insert(connection, "pagamentnomina", payments)
        _insert(connection, "actuacionsnomina", _actions(files, procedures, benefits, rng))
    connection.close()


def _insert(connection: sqlite3.Connection, table: str, rows: Rows) -> None:
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 own name


def _people(size: int, rng: np.random.Generator) -> tuple[Rows, Ints, Ints]:
    age = np.clip(rng.gamma(6, 9, size), 3, 99).astype(np.int64)
    # Disability grows with age: planted between two columns of one table.
    degree = np.where(
        rng.random(size) < 0.15 + age / 160, rng.choice([33, 50, 65, 75, 90], size), 0
    )
    born = np.datetime64("2024-01-01") - (age * 365.25 + rng.integers(0, 365, size)).astype("m8[D]")
    province = rng.choice(list(_TOWNS), size, p=[0.6, 0.15, 0.1, 0.15])
    civil = np.where(age < 25, "Solter", rng.choice(["Solter", "Casat", "Vidu", "Separat"], size))
    foreign = rng.random(size) < NIE_SHARE
    numbers = rng.choice(99_999_999, size, replace=False)
    rows: Rows = [
        (
            identifier(int(numbers[i]), nie=bool(foreign[i])),
            str(rng.choice(["D", "H"])),
            str(born[i]),
            str(province[i]),
            str(rng.choice(_TOWNS[str(province[i])])),
            "Altres" if foreign[i] else "Espanyola",
            str(civil[i]) if rng.random() > 0.04 else None,
            int(degree[i]) if degree[i] else None,
        )
        for i in range(size)
    ]
    return rows, age, degree.astype(np.int64)


def identifier(number: int, *, nie: bool) -> str:
    """Return a valid DNI, or a NIE, of a number below 10^8."""
    if not nie:
        return f"{number:08d}{CONTROL_LETTERS[number % 23]}"
    first, rest = number % 3, number % 10_000_000
    return f"{'XYZ'[first]}{rest:07d}{CONTROL_LETTERS[(first * 10_000_000 + rest) % 23]}"


def _cases(age: Ints, degree: Ints, rng: np.random.Generator) -> tuple[Ints, list[str], list[str]]:
    """Return person, file number and procedure of each case.

    Each procedure numbers its files by itself, so a number alone identifies nothing.
    """
    # Older and disabled people have more cases: a planted law of counts.
    cases_each = 1 + rng.poisson(0.2 + 0.5 * (age > 65) + 0.4 * (degree > 0))
    owner = rng.permutation(np.repeat(np.arange(len(age)), cases_each))
    procedure = rng.choice(3, len(owner), p=[0.5, 0.3, 0.2])
    files = np.empty(len(owner), dtype=object)
    for code in range(3):
        rows = np.flatnonzero(procedure == code)
        numbers = rng.permutation(len(owner))[: len(rows)]
        files[rows] = [f"{2016 + n * 8 // len(owner)}/{n + 1:06d}" for n in numbers]
    return owner, [str(name) for name in files], [f"P{code + 1:02d}" for code in procedure]


def _benefits(age: Ints, degree: Ints, rng: np.random.Generator) -> list[str]:
    """Return the benefit of each case, which follows from the person: planted across tables."""
    usual = np.where(degree > 0, "DIS", np.where(age > 65, "DEP", np.where(age < 30, "FAM", "RGC")))
    other = rng.choice(BENEFITS, len(age))
    return [str(b) for b in np.where(rng.random(len(age)) < 0.85, usual, other)]


def _payments(
    names: Sequence[str],
    owner: Ints,
    files: list[str],
    procedures: list[str],
    benefits: list[str],
    degree: Ints,
    paid: npt.NDArray[np.bool_],
    rng: np.random.Generator,
) -> Rows:
    base = dict(zip(BENEFITS, (420.0, 310.0, 120.0, 525.0, 664.0), strict=True))
    rows: Rows = []
    for i in np.flatnonzero(paid):
        # Payments of a case are monthly and nearly equal: planted between siblings.
        amount = base[benefits[i]] * (1 + degree[owner[i]] / 200) * rng.uniform(0.9, 1.1)
        start = np.datetime64("2022-01") + int(rng.integers(0, 20))
        for month in range(int(rng.integers(1, 5))):
            day = f"{start + month}-25"
            state = "Retornat" if rng.random() < 0.05 else "Pagat"
            value = round(float(amount) + float(rng.normal(0, 3)), 2)
            rows.append((names[owner[i]], files[i], procedures[i], benefits[i], day, value, state))
    return [rows[i] for i in rng.permutation(len(rows))]


def _actions(
    files: list[str], procedures: list[str], benefits: list[str], rng: np.random.Generator
) -> Rows:
    rows: Rows = []
    for i, benefit in enumerate(benefits):
        begun = np.datetime64("2021-06-01") + int(rng.integers(0, 700))
        for step in range(int(rng.integers(1, 4))):
            kind = 0 if step == 0 else int(rng.integers(1, len(_ACTIONS)))
            # The effect follows from the action, with exceptions.
            effect = _EFFECTS[kind if rng.random() < 0.9 else int(rng.integers(0, 5))]
            note = f"Prestació {benefit}" if rng.random() < 0.3 else None
            day = str(begun + 45 * step)
            rows.append((files[i], procedures[i], day, _ACTIONS[kind], effect, note))
    return [rows[i] for i in rng.permutation(len(rows))]


def planted_figures(path: Path) -> dict[str, float]:
    """Measure what was planted, in the source or in a refreshed copy.

    Args:
        path: a database of the demo's shape.

    Returns:
        Shares from 0 to 1: `actions_paid`, action rows whose case has a payment; `valid_ids`,
        people with a valid identifier; `disabled_dis`, payments to disabled people that are of
        the benefit for them; `other_dis`, the same for other people; `effect_follows`, actions
        with the effect of their kind; `amount_follows`, the part of the amounts' variance that
        the benefit explains (squared correlation ratio).
    """
    connection = sqlite3.connect(path)
    dis = (
        "SELECT avg(p.Tipus_prestacio = 'DIS') FROM pagamentnomina p JOIN titular t "
        "ON t.identificador = p.Usuari_solicitant WHERE t.grau_discapacitat IS "
    )
    pairs = " OR ".join(
        f"(Tipus_actuacio = '{a}' AND Efecte_Nomina = '{e}')"
        for a, e in zip(_ACTIONS, _EFFECTS, strict=True)
    )
    queries = {
        "actions_paid": "SELECT avg(coalesce((N_Expedit, N_Procediment) IN (SELECT N_Expedit, "
        "N_Procediment FROM pagamentnomina), 0)) FROM actuacionsnomina",
        "disabled_dis": dis + "NOT NULL",
        "other_dis": dis + "NULL",
        "effect_follows": f"SELECT avg({pairs}) FROM actuacionsnomina",  # noqa: S608 own words
        "amount_follows": "SELECT 1 - sum(n * (q - m * m)) / (sum(n * q) - sum(n * m) * sum(n * m) "
        "/ sum(n)) FROM (SELECT count(Import) AS n, avg(Import) AS m, avg(Import * Import) AS q "
        "FROM pagamentnomina GROUP BY Tipus_prestacio)",
    }
    figures = {name: float(connection.execute(q).fetchone()[0] or 0) for name, q in queries.items()}
    names = [name for (name,) in connection.execute("SELECT identificador FROM titular")]
    connection.close()
    from stdnum.es import nif

    return {**figures, "valid_ids": sum(nif.is_valid(n) for n in names) / max(len(names), 1)}
