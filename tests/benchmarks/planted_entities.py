"""Variants of the demo's database, whose case files are the key of no table.

python tests/benchmarks/planted_entities.py FOLDER [--seed N]

Varied: people, case files that only one table knows, exceptions to what a case file determines,
how far procedures use the same numbers again, names.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from schemasynth.demo import write_source

SEED = 3
VARIANTS = 120
PEOPLE = (30, 600)
MAX_ORPHANS = 0.4
MAX_NOISE = 0.01
PAYMENTS, ACTIONS, PEOPLE_TABLE = "pagamentnomina", "actuacionsnomina", "titular"
NUMBER, PROCEDURE = "N_Expedit", "N_Procediment"
RENAMINGS: tuple[dict[str, str], ...] = (
    {},
    {NUMBER: "num_expediente", PROCEDURE: "cod_procedimiento", "Usuari_solicitant": "solicitante",
     PEOPLE_TABLE: "personas", PAYMENTS: "pagos", ACTIONS: "actuaciones"},
    {NUMBER: "CaseNumber", PROCEDURE: "ProcedureCode", "Usuari_solicitant": "ApplicantId",
     "identificador": "PersonId", PEOPLE_TABLE: "Person", PAYMENTS: "Payment",
     ACTIONS: "CaseAction"},
    {NUMBER: "EXPNUM", PROCEDURE: "EXPPRO", "Usuari_solicitant": "SOLNIF",
     "identificador": "NIF", PEOPLE_TABLE: "TITULARS", PAYMENTS: "NOMPAG", ACTIONS: "NOMACT"},
    {NUMBER: "any_numero", PROCEDURE: "tramit", "Usuari_solicitant": "titular_id",
     "identificador": "id", PEOPLE_TABLE: "titulars", PAYMENTS: "moviments", ACTIONS: "seguiment"},
)  # fmt: skip
"""Other names for tables and columns, in the styles of other authors."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What was drawn, and the answer: the entity's columns and the tables that share it."""

    name: str
    path: Path
    columns: frozenset[str]
    tables: frozenset[str]
    people: int
    orphans: float
    noise: float
    reuse: float


def variants(folder: Path, seed: int = SEED, count: int = VARIANTS) -> Iterator[Variant]:
    """Write variants into a folder, one at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        low, high = np.log(PEOPLE)
        people = int(np.exp(rng.uniform(low, high)))
        orphans, noise = float(rng.uniform(0, MAX_ORPHANS)), float(rng.uniform(0, MAX_NOISE))
        # A third of the variants is dense: every procedure counts from one.
        reuse = 1.0 if rng.random() < 1 / 3 else float(rng.uniform(0.2, 0.9))
        frames = _demo(people, number)
        _renumber(frames, reuse, rng)
        _orphan(frames, orphans, rng)
        _disturb(frames, noise, rng)
        names = RENAMINGS[number % len(RENAMINGS)]
        path = folder / f"entity_{number:03d}.sqlite"
        _write(frames, names, path)
        columns, tables = (
            frozenset(names.get(n, n) for n in group)
            for group in ((NUMBER, PROCEDURE), (PAYMENTS, ACTIONS))
        )
        yield Variant(path.stem, path, columns, tables, people, orphans, noise, reuse)


def _demo(people: int, seed: int) -> dict[str, pd.DataFrame]:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "demo.sqlite"
        write_source(path, people, seed)
        connection = sqlite3.connect(path)
        frames = {
            table: pd.read_sql_query(f"SELECT * FROM {table}", connection)
            for table in (PEOPLE_TABLE, PAYMENTS, ACTIONS)
        }
        connection.close()
    return frames


def _cases(frame: pd.DataFrame) -> pd.Series:
    return pd.Series([*zip(frame[NUMBER], frame[PROCEDURE], strict=True)], index=frame.index)


def _renumber(frames: dict[str, pd.DataFrame], reuse: float, rng: np.random.Generator) -> None:
    """Number the files of each procedure from a common stretch: the shorter, the denser."""
    known = sorted(set(_cases(frames[ACTIONS])) | set(_cases(frames[PAYMENTS])))
    by_procedure: dict[str, list[str]] = {}
    for number, procedure in known:
        by_procedure.setdefault(procedure, []).append(number)
    longest = max(map(len, by_procedure.values()))
    new = {}
    for procedure, numbers in by_procedure.items():
        drawn = rng.permutation(int(longest / reuse))[: len(numbers)]
        for number, place in zip(numbers, drawn, strict=True):
            new[number, procedure] = f"{2016 + int(place) % 8}/{int(place) + 1:06d}"
    for table in (PAYMENTS, ACTIONS):
        frames[table][NUMBER] = _cases(frames[table]).map(new)


def _orphan(frames: dict[str, pd.DataFrame], share: float, rng: np.random.Generator) -> None:
    """Let a share of the case files with actions have no payment, by removing one or the other."""
    acted = sorted(set(_cases(frames[ACTIONS])))
    paid = set(_cases(frames[PAYMENTS]))
    with_payment = [c for c in acted if c in paid]
    without = [c for c in acted if c not in paid]
    wanted = round(share * len(acted))
    if wanted >= len(without):
        drawn = rng.permutation(len(with_payment))[: wanted - len(without)]
        gone, table = {with_payment[int(i)] for i in drawn}, PAYMENTS
    else:
        most = round(share / (1 - share) * len(with_payment))
        drawn = rng.permutation(len(without))[most:]
        gone, table = {without[int(i)] for i in drawn}, ACTIONS
    frame = frames[table]
    frames[table] = frame[~_cases(frame).isin(gone)].reset_index(drop=True)


def _disturb(frames: dict[str, pd.DataFrame], share: float, rng: np.random.Generator) -> None:
    """Let a share of the payments name another person."""
    payments = frames[PAYMENTS]
    rows = rng.permutation(len(payments))[: round(share * len(payments))]
    others = rng.choice(frames[PEOPLE_TABLE]["identificador"].to_numpy(), len(rows))
    payments.loc[rows, "Usuari_solicitant"] = others


def _write(frames: dict[str, pd.DataFrame], names: dict[str, str], path: Path) -> None:
    connection = sqlite3.connect(path)
    for table, frame in frames.items():
        frame.rename(columns=names).to_sql(names.get(table, table), connection, index=False)
    connection.close()


def main() -> int:
    """Write all variants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    for v in variants(arguments.folder, arguments.seed):
        print(f"{v.name}: {v.people} people, orphans {v.orphans:.2f}, noise {v.noise:.3f}, "
              f"reuse {v.reuse:.2f}, {', '.join(sorted(v.columns))}")  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
