"""Three undeclared tables of the size of a real social-services case, all made up, in SQLite.

python tests/benchmarks/social_shape.py FILE [--people N]

People (6 columns), payments (14) and actions (78); a case is a pair of columns that payments and
actions share and nothing declares. What hangs on what is planted: benefit on age and disability,
amounts on benefit, actions on benefit and on the action before, details on the kind of action.
"""

from __future__ import annotations

import argparse
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from schemasynth.demo import identifier

SEED = 11
PEOPLE, PAYMENTS, ACTIONS = 41_211, 43_441, 86_569
"""Rows of the case whose run took 43.5 minutes."""
ACTION_COLUMNS = 78
CASES = 1.08
"""Cases a person."""
BENEFITS = np.array(["DEP", "DIS", "FAM", "PNC", "RGC"])
KINDS = np.array(["Alta", "Revisio", "Suspensio", "Reclamacio", "Baixa"])
PROVINCES = np.array(["Barcelona", "Girona", "Lleida", "Tarragona"])
ALIKE = 0.85
"""Share of rows in which a planted dependence holds; in the others the value is drawn anew."""


def write(path: Path, people: int = PEOPLE, seed: int = SEED) -> None:
    """Write the three tables into a new SQLite file.

    Args:
        path: of the file.
        people: rows of the table of people; the others keep their proportion.
        seed: equal seeds write equal rows.
    """
    rng = np.random.default_rng(seed)
    scale = people / PEOPLE
    persons, age, degree = _people(rng, people)
    cases = round(people * CASES)
    owner = rng.permutation(np.arange(cases) % people)
    procedure = rng.choice(["P01", "P02", "P03"], cases, p=[0.5, 0.3, 0.2])
    # Each procedure numbers its files by itself, so that a number alone identifies nothing.
    number = pd.Series(procedure).groupby(procedure).cumcount().to_numpy() + 1
    case = pd.DataFrame(
        {
            "owner": owner,
            "N_Expedit": [f"{2016 + n // 2_700}/{n:06d}" for n in number],
            "N_Procediment": procedure,
            "benefit": _mostly(rng, _usual(age[owner], degree[owner]), len(BENEFITS)),
        }
    )
    connection = sqlite3.connect(path)
    with connection:
        for name, frame in (
            ("titular", persons),
            ("pagament", _payments(rng, case, persons, degree, round(PAYMENTS * scale))),
            ("actuacio", _actions(rng, case, round(ACTIONS * scale))),
        ):
            frame.to_sql(name, connection, index=False, chunksize=10_000)
    connection.close()


def _mostly(rng: np.random.Generator, usual: np.ndarray, values: int) -> np.ndarray:
    """Return the usual codes, some of them drawn anew."""
    other = rng.integers(0, values, len(usual))
    return np.where(rng.random(len(usual)) < ALIKE, usual % values, other)


def _usual(age: np.ndarray, degree: np.ndarray) -> np.ndarray:
    return np.select([degree > 0, age > 65, age < 30], [1, 0, 2], 4)


def _days(start: str, after: np.ndarray) -> np.ndarray:
    return (np.datetime64(start) + after.astype("m8[D]")).astype(str)


def _people(rng: np.random.Generator, size: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    age = np.clip(rng.gamma(6, 9, size), 3, 99)
    degree = np.where(rng.random(size) < 0.15 + age / 160, rng.choice([33, 50, 65, 75], size), 0)
    numbers = rng.choice(9_999_999, size, replace=False)  # a NIE has seven digits
    frame = pd.DataFrame(
        {
            "identificador": [identifier(int(n), nie=n % 8 == 0) for n in numbers],
            "sexe": rng.choice(["D", "H"], size),
            "data_naixement": _days("2024-01-01", -(age * 365.25)),
            "provincia": rng.choice(PROVINCES, size, p=[0.6, 0.15, 0.1, 0.15]),
            "nacionalitat": np.where(numbers % 8 == 0, "Altres", "Espanyola"),
            "grau_discapacitat": pd.array(np.where(degree > 0, degree, -1)).astype("Int64"),
        }
    )
    frame["grau_discapacitat"] = frame["grau_discapacitat"].mask(degree == 0)
    return frame, age, degree


def _payments(
    rng: np.random.Generator,
    case: pd.DataFrame,
    persons: pd.DataFrame,
    degree: np.ndarray,
    size: int,
) -> pd.DataFrame:
    # A fifth of the cases has no payment; the others have one or two.
    paid = rng.permutation(len(case))[: round(0.8 * len(case))]
    rows = case.iloc[rng.permutation(np.r_[paid, rng.choice(paid, size - len(paid))])]
    benefit, owner = rows["benefit"].to_numpy(), rows["owner"].to_numpy()
    base = np.array([420.0, 310.0, 120.0, 525.0, 664.0])[benefit]
    amount = (base * (1 + degree[owner] / 200) * rng.uniform(0.95, 1.05, size)).round(2)
    withheld = (amount * np.array([0.0, 0.02, 0.0, 0.08, 0.02])[benefit]).round(2)
    month = rng.integers(0, 24, size)
    return pd.DataFrame(
        {
            "Usuari_solicitant": persons["identificador"].to_numpy()[owner],
            "N_Expedit": rows["N_Expedit"].to_numpy(),
            "N_Procediment": rows["N_Procediment"].to_numpy(),
            "Tipus_prestacio": BENEFITS[benefit],
            "Data_pagament": _days("2022-01-25", month * 30),
            "Import": amount,
            "Retencio": withheld,
            "Estat": np.where(rng.random(size) < 0.05, "Retornat", "Pagat"),
            "Forma": np.array(["Banc", "Xec", "Metàl·lic"])[_mostly(rng, benefit, 3)],
            "Exercici": 2022 + month // 12,
            "Partida": [f"D{c:02d}" for c in _mostly(rng, benefit * 3, 15)],
            "Unitat": np.array([f"U{c}" for c in range(9)])[_mostly(rng, benefit + 2, 9)],
            "Mensualitats": 1 + rng.poisson(benefit / 2, size),
            "Revisat": np.where(rng.random(size) < 0.3, "S", "N"),
        }
    )


def _actions(rng: np.random.Generator, case: pd.DataFrame, size: int) -> pd.DataFrame:
    each = rng.integers(1, 4, len(case))
    row = np.repeat(np.arange(len(case)), each)[:size]
    row = np.sort(np.r_[row, rng.choice(len(case), size - len(row))])
    step = pd.Series(row).groupby(row).cumcount().to_numpy()
    benefit = case["benefit"].to_numpy()[row]
    kind = np.where(step == 0, 0, 1 + _mostly(rng, step + benefit, len(KINDS) - 1))
    begun = rng.integers(0, 700, len(case))[row] + 45 * step
    frame = {
        "N_Expedit": case["N_Expedit"].to_numpy()[row],
        "N_Procediment": case["N_Procediment"].to_numpy()[row],
        "Data_actuacio": _days("2021-06-01", begun),
        "Tipus_actuacio": KINDS[kind],
        "Prestacio": BENEFITS[benefit],
    }
    for i in range(ACTION_COLUMNS - len(frame)):
        told = (kind, benefit, kind * 5 + benefit, step)[i % 4]
        frame[f"detall_{i:02d}"] = _detail(rng, i, told)
    return pd.DataFrame(frame).iloc[rng.permutation(size)]


def _detail(rng: np.random.Generator, place: int, told: np.ndarray) -> Sequence[object]:
    """Return a column that a code tells something of: of one of four sorts."""
    size = len(told)
    empty = rng.random(size) < (0.0, 0.3, 0.7)[place % 3]
    values: pd.Series
    match place % 4:
        case 0:
            values = pd.Series([f"c{c}" for c in _mostly(rng, told + place, 3 + place % 9)])
        case 1:
            values = pd.Series(np.array(["S", "N"])[_mostly(rng, told, 2)])
        case 2:
            values = pd.Series((told * 10 + rng.gamma(2, 5, size)).round(2))
        case _:
            values = pd.Series(_days("2020-01-01", told * 60 + rng.integers(0, 90, size)))
    return values.mask(empty, None).tolist()


def main() -> None:
    """Write the database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--people", type=int, default=PEOPLE)
    arguments = parser.parse_args()
    write(arguments.file, arguments.people)


if __name__ == "__main__":
    main()
