"""Implicit entities in planted databases: a case file that no table is the list of."""

from __future__ import annotations

import itertools
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from schemasynth import api
from schemasynth.model import Schema, TableName


@dataclass(frozen=True, slots=True)
class Vocabulary:
    people: str
    payments: str
    actions: str
    person: str
    payer: str
    file: str
    procedure: str


VOCABULARIES = (
    Vocabulary(
        "titular",
        "pagamentnomina",
        "actuacionsnomina",
        "identificador",
        "Usuari_solicitant",
        "N_Expedit",
        "N_Procediment",
    ),
    Vocabulary(
        "citizens", "disbursements", "hearings", "national_id", "citizen", "docket", "court"
    ),
    Vocabulary(
        "PERSONA", "ABONOS", "TRAMITES", "NIF", "PERSONA_NIF", "NUM_SOLICITUD", "TIPO_SOLICITUD"
    ),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """What is planted: `dense` reuses each file number in every procedure."""

    words: Vocabulary
    people: int
    orphans: float
    noise: float
    dense: bool
    seed: int = 1


def write(path: Path, variant: Variant) -> None:
    """Write people, payments that name person and case, actions that name the case alone."""
    rng = np.random.default_rng(variant.seed)
    words = variant.words
    persons = [
        f"{n:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[n % 23]}"
        for n in rng.choice(99_999_999, variant.people, replace=False).tolist()
    ]
    cases = _cases(variant, rng)
    owner = rng.integers(0, variant.people, len(cases))
    payments, actions = [], []
    for i, (number, kind) in enumerate(cases):
        for month in range(int(rng.integers(1, 5))):
            noisy = rng.random() < variant.noise
            who = persons[int(rng.integers(variant.people)) if noisy else owner[i]]
            payments.append(
                (
                    who,
                    number,
                    kind,
                    f"2022-{month + 1:02d}-25",
                    round(float(rng.uniform(90, 700)), 2),
                    "paid" if rng.random() < 0.95 else "returned",
                )
            )
        orphan = rng.random() < variant.orphans
        for step in range(int(rng.integers(1, 4))):
            seen = f"X{i:06d}" if orphan else number
            actions.append(
                (
                    seen,
                    kind,
                    f"2021-{step + 1:02d}-{int(rng.integers(1, 28)):02d}",
                    str(rng.choice(["open", "review", "stop", "close"])),
                    str(rng.choice(["start", "none", "halt", "end"])),
                )
            )
    rows = [
        (
            p,
            str(rng.choice(["D", "H"])),
            f"19{int(rng.integers(30, 99))}-0{i % 9 + 1}-11",
            str(rng.choice(["Barcelona", "Girona", "Lleida"])),
        )
        for i, p in enumerate(persons)
    ]
    connection = sqlite3.connect(path)
    with connection:
        _table(connection, words.people, (words.person, "sex", "born", "town"), rows)
        _table(
            connection,
            words.payments,
            (words.payer, words.file, words.procedure, "paid_on", "amount", "state"),
            [payments[i] for i in rng.permutation(len(payments))],
        )
        _table(
            connection,
            words.actions,
            (words.file, words.procedure, "acted_on", "action", "effect"),
            [actions[i] for i in rng.permutation(len(actions))],
        )
    connection.close()


def _cases(variant: Variant, rng: np.random.Generator) -> list[tuple[str, str]]:
    wanted = max(15, int(variant.people * 1.4))
    kinds = [f"P{k:02d}" for k in range(1, 5)]
    if variant.dense:
        return list(itertools.product([f"2022/{n:05d}" for n in range(wanted // 4 + 1)], kinds))
    numbers = [f"2022/{n:05d}" for n in range(wanted // 2 + 2)]
    every = list(itertools.product(numbers, kinds))
    return [every[i] for i in rng.choice(len(every), wanted, replace=False)]


def _table(
    connection: sqlite3.Connection, name: str, columns: tuple[str, ...], rows: list[tuple]
) -> None:
    kinds = {"born": "DATE", "paid_on": "DATE", "acted_on": "DATE", "amount": "NUMERIC(10,2)"}
    listed = ", ".join(f'"{c}" {kinds.get(c, "VARCHAR(20)")}' for c in columns)
    connection.execute(f'CREATE TABLE "{name}" ({listed})')
    marks = ", ".join("?" * len(columns))
    connection.executemany(f'INSERT INTO "{name}" VALUES ({marks})', rows)


def found(schema: Schema, words: Vocabulary) -> dict[str, bool]:
    """Tell which of the planted facts were found, and whether a false key was."""
    pairs = {
        (frozenset(e.columns), frozenset(str(m.table) for m in e.members))
        for e in schema.implicit_entities
    }
    planted = (frozenset({words.file, words.procedure}), frozenset({words.payments, words.actions}))
    payments = schema.table(TableName(words.payments)).foreign_keys
    actions = schema.table(TableName(words.actions)).foreign_keys
    key = schema.table(TableName(words.people)).primary_key
    return {
        "entity": planted in pairs,
        "primary key": key is not None and key.columns == (words.person,),
        "foreign key": [(k.columns, str(k.referred)) for k in payments]
        == [((words.payer,), words.people)],
        "no false key": not actions and len(payments) <= 1,
    }


GRID = [
    Variant(words, people, orphans, noise, dense, seed)
    for seed, (words, people, orphans, noise, dense) in enumerate(
        itertools.product(VOCABULARIES, (30, 100, 600), (0.0, 0.2, 0.4), (0.0, 0.01), (False, True))
    )
]


@pytest.mark.parametrize("variant", GRID[:: len(GRID) // 8], ids=str)
def test_planted_entities_are_found(variant: Variant, tmp_path: Path) -> None:
    path = tmp_path / "planted.sqlite"
    write(path, variant)
    assert all(found(api.introspect(str(path)), variant.words).values())
