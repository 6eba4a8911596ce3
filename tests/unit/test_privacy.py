"""Privacy measures: identifiers in the output, copied rows, honest and memorising generators."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from there_and_back import there_and_back
from tsocial import social

from schemasynth.arrays import array
from schemasynth.model import SqlType, TableName, TypeFamily
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, Encoding, Role, TablePlan
from schemasynth.verify.attacks import attacks
from schemasynth.verify.distance import SUBJECT
from schemasynth.verify.privacy import copies, identifiers_found, rare_carried_over

SEEDS = range(20)
ROWS = 1_500
NUMBER, TEXT = SqlType("DOUBLE", TypeFamily.FLOAT), SqlType("TEXT", TypeFamily.TEXT)


def planned(rows: pd.DataFrame) -> TablePlan:
    kinds = {"f": NUMBER, "s": TEXT}
    columns = tuple(
        ColumnPlan(
            name,
            kinds["s" if pa.types.is_string(array(rows, name).type) else "f"],
            True,
            ColumnTreatment.LEARN,
            Encoding.CATEGORICAL,
        )
        for name in rows.columns
    )
    return TablePlan(TableName("t"), Role.SUBJECT, len(rows), len(rows), columns=columns)


def drawn(rng: np.random.Generator, size: int = ROWS) -> pd.DataFrame:
    """Return rows of one law: six columns, some of them depending on others."""
    age = np.round(rng.gamma(6, 9, size))
    income = np.round(age * 400 + rng.normal(0, 5_000, size), -2)
    town = rng.choice(["Barcelona", "Girona", "Lleida", "Reus"], size, p=[0.6, 0.2, 0.1, 0.1])
    degree = np.where(rng.random(size) < age / 200, rng.choice([33, 65, 75], size), 0)
    data = {
        "age": pa.array(age),
        "income": pa.array(income, mask=rng.random(size) < 0.1),
        "town": pa.array(town),
        "degree": pa.array(degree),
        "children": pa.array(rng.poisson(1.3, size)),
        "kind": pa.array(np.where(degree > 0, "DIS", rng.choice(["DEP", "RGC"], size))),
    }
    return pd.DataFrame({k: pd.array(v, pd.ArrowDtype(v.type)) for k, v in data.items()})


def memorised(
    honest: pd.DataFrame, training: pd.DataFrame, rng: np.random.Generator, share: float = 0.05
) -> pd.DataFrame:
    """Return rows of which a share is copied from the training rows."""
    made = honest.copy()
    count = round(share * len(made))
    at = rng.choice(len(made), count, replace=False)
    made.iloc[at] = training.iloc[rng.choice(len(training), count)].to_numpy()
    return made.astype(honest.dtypes.to_dict())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_memoriser_is_caught_and_an_honest_generator_is_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    training, holdout, honest = (drawn(rng) for _ in range(3))
    fair = copies(planned(training), training, holdout, honest)
    assert fair is not None
    assert not fair.suspicious
    assert 0.45 <= fair.nearer <= 0.55
    caught = copies(planned(training), training, holdout, memorised(honest, training, rng))
    assert caught is not None
    assert caught.suspicious
    assert caught.identical >= 0.04


def test_nothing_to_compare() -> None:
    rows = drawn(np.random.default_rng(0), 10)
    assert copies(planned(rows), rows, rows.iloc[:0], rows) is None
    bare = replace(planned(rows), columns=())
    assert copies(bare, rows, rows, rows) is None


def test_made_up_rows_hold_no_identifier() -> None:
    source = social()
    trip = there_and_back(source.schema, source.frames)
    assert identifiers_found(trip.plan, trip.frames, trip.restored.frames) == ()


@pytest.mark.parametrize(
    ("table", "column", "change"),
    [
        ("titular", "telefon_mobil", lambda v: v),
        ("titular", "telefon_mobil", lambda v: f"+{v[:3]} {v[3:6]}-{v[6:]}"),
        ("professional", "nom_i_cognoms", str.upper),
        ("professional", "nom_i_cognoms", lambda v: f"{v.split(' ', 1)[1]}, {v.split(' ')[0]}"),
        ("valoracio_dependencia", "CIP", lambda v: v),
    ],
)
def test_an_identifier_is_found_wherever_it_stands(table: str, column: str, change: object) -> None:
    source = social()
    trip = there_and_back(source.schema, source.frames)
    value = change(source.frames[table][column].iloc[7])  # type: ignore[operator]
    made = dict(trip.restored.frames)
    for place, put in (
        (f"{table}.{column}", value),
        ("expedient.Observacions", f"Vist {value} avui"),
    ):
        name, at = place.split(".")
        rows = made[name].copy()
        values = rows[at].astype(object).copy()
        values.iloc[3] = put
        rows[at] = pd.array(list(values), pd.ArrowDtype(pa.string()))
        found = identifiers_found(trip.plan, trip.frames, {**made, name: rows})
        if "," in value and name == "expedient":
            continue
        assert place in {one.place for one in found}
        assert all(str(value) not in repr(one) for one in found)


def texts(**columns: list[str]) -> pd.DataFrame:
    kind = pd.ArrowDtype(pa.string())
    return pd.DataFrame({name: pd.array(values, kind) for name, values in columns.items()})


def test_rare_values_and_pairs_are_counted() -> None:
    training = texts(a=["x"] * 9 + ["rare", "odd"], b=["p", "q"] + ["p"] * 9)
    holdout = texts(a=["x"] * 9 + ["odd", "other"], b=["p"] * 11)
    made = texts(a=["x", "x", "rare"], b=["p", "q", "p"])
    found = rare_carried_over(planned(training), training, holdout, made)
    assert found is not None
    values, pairs = found
    assert (values.carried, values.rare) == (2, 2)
    assert (values.carried_holdout, values.rare_holdout) == (0, 1)
    assert (pairs.carried, pairs.rare) == (2, 2)
    assert (pairs.carried_holdout, pairs.rare_holdout) == (0, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_attacks_succeed_on_a_memoriser_only(seed: int) -> None:
    rng = np.random.default_rng(seed)
    training, holdout, honest = (drawn(rng) for _ in range(3))
    fair = attacks(planned(training), training, holdout, honest)
    assert fair is not None
    assert not fair.linkability.suspicious
    assert not fair.inference.suspicious
    assert 0.45 <= fair.linkability.auc <= 0.55
    assert 0.45 <= fair.inference.auc <= 0.55
    copied = memorised(honest, training, rng, share=0.5)
    caught = attacks(planned(training), training, holdout, copied)
    assert caught is not None
    assert caught.linkability.suspicious
    assert caught.inference.suspicious


def test_nothing_to_attack() -> None:
    rows = drawn(np.random.default_rng(0), 10)
    assert attacks(planned(rows[["age"]]), rows, rows, rows) is None
    assert attacks(planned(rows), rows, rows.iloc[:0], rows) is None


def by_subject(rng: np.random.Generator, subjects: int, rows: int) -> pd.DataFrame:
    """Return rows of few subjects, each with values of its own."""
    made = drawn(rng, subjects)
    chosen = np.repeat(np.arange(subjects), rows)
    result = made.iloc[chosen].reset_index(drop=True)
    result[SUBJECT] = pd.array(chosen + int(rng.integers(1e9)), pd.ArrowDtype(pa.int64()))
    return result


@pytest.mark.parametrize("seed", SEEDS)
def test_many_rows_of_few_subjects_raise_no_alarm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    training, holdout = by_subject(rng, 100, 10), by_subject(rng, 100, 10)
    honest = by_subject(rng, 150, 10)
    found = copies(planned(drawn(rng, 5)), training, holdout, honest)
    assert found is not None
    assert not found.suspicious
