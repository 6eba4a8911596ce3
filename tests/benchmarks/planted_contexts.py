"""Children with several parents of which one decides them: the truth that contexts are held to.

Imported by the benchmark of contexts. Every case draws its own sizes, fan-outs, NULLs, noise and
kinds of effect; the other parents have the same kinds of effect, but weaker ones or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from schemasynth.model import (
    Column,
    ForeignKey,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
)

EFFECTS = ("attributes", "siblings", "order", "counts")
CHILD = TableName("child")
WHOLE = SqlType("INTEGER", TypeFamily.INTEGER)
REAL = SqlType("DOUBLE", TypeFamily.FLOAT)
KINDS = 4
"""Values of a parent's categorical attribute."""
MEASURES = 4
"""Columns of the child besides its keys."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A child and its parents.

    Attributes:
        schema: the tables with their keys.
        frames: their rows.
        parent: the one that decides the child most.
        effects: in which ways it does.
    """

    schema: Schema
    frames: dict[str, pd.DataFrame]
    parent: TableName
    effects: tuple[str, ...]


def planted_context(seed: int) -> Planted:
    """Draw a case.

    Args:
        seed: of the case; its effects go through all pairs, so that 60 cases have each often.
    """
    rng = np.random.default_rng(seed)
    number = int(rng.integers(2, 5))
    strongest = int(rng.integers(number))
    effects = tuple(rng.choice(EFFECTS, size=int(rng.integers(1, 3)), replace=False))
    rows = int(rng.integers(400, 4_000))
    weak = float(rng.choice([0.0, 0.2, 0.35]))
    measures = rng.normal(size=(rows, MEASURES))
    tables, frames, keys = [], {}, {}
    for place in range(number):
        name = f"parent{place}"
        size = int(rng.integers(max(40, rows // 30), max(60, rows // 3)))
        strength = float(rng.uniform(0.8, 1.5)) if place == strongest else weak
        attributes = rng.normal(size=(size, 2))
        sort = rng.integers(0, KINDS, size)
        owners = _owners(rng, size, rows, sort, strength if "counts" in effects else 0.0)
        measures += _effect(rng, owners, attributes, sort, strength, effects)
        frames[name] = pd.DataFrame(
            {"id": np.arange(size), "a": attributes[:, 0], "b": attributes[:, 1], "sort": sort}
        )
        tables.append(_parent(name, size))
        keys[f"{name}_id"] = owners
    order = rng.permutation(number)
    absent = float(rng.choice([0.0, 0.0, 0.1]))
    references = {
        name: pd.array(np.where(rng.random(rows) < absent, -1, keys[name]), dtype="Int64")
        for name in (f"parent{i}_id" for i in order)
    }
    for values in references.values():
        values[values == -1] = pd.NA
    columns = {f"m{i}": measures[:, i] for i in range(MEASURES)}
    frames["child"] = pd.DataFrame({"id": np.arange(rows), **references, **columns})
    schema = Schema(
        "sqlite", "planted", (*tables, _child(list(references), rows, nullable=absent > 0))
    )
    return Planted(schema, frames, TableName(f"parent{strongest}"), effects)


def _owners(
    rng: np.random.Generator, size: int, rows: int, sort: np.ndarray, strength: float
) -> np.ndarray:
    """Draw a parent a row; with an effect on counts some parents get many times as many."""
    weights = np.exp(strength * (sort - KINDS / 2) + strength * rng.normal(size=size))
    return rng.choice(size, size=rows, p=weights / weights.sum())


def _effect(
    rng: np.random.Generator,
    owners: np.ndarray,
    attributes: np.ndarray,
    sort: np.ndarray,
    strength: float,
    effects: Sequence[str],
) -> np.ndarray:
    """Return what a parent adds to the child's columns."""
    added = np.zeros((len(owners), MEASURES))
    if "attributes" in effects:
        added[:, 0] += strength * 1.5 * attributes[owners, 0]
        added[:, 1] += strength * (sort[owners] - (KINDS - 1) / 2)
    if "siblings" in effects:
        added += strength * rng.normal(size=(len(attributes), MEASURES))[owners]
    if "order" in effects:
        walk = np.zeros(len(owners))
        last: dict[int, float] = {}
        for row, owner in enumerate(owners):
            walk[row] = 0.95 * last.get(owner, float(rng.normal())) + 0.3 * rng.normal()
            last[owner] = walk[row]
        added[:, 2] += strength * 1.5 * walk
    return added


def _parent(name: str, rows: int) -> Table:
    return Table(
        TableName(name),
        (
            Column("id", WHOLE, nullable=False),
            Column("a", REAL),
            Column("b", REAL),
            Column("sort", WHOLE),
        ),
        primary_key=PrimaryKey(("id",)),
        row_count=rows,
    )


def _child(references: Sequence[str], rows: int, *, nullable: bool) -> Table:
    return Table(
        CHILD,
        (
            Column("id", WHOLE, nullable=False),
            *(Column(name, WHOLE, nullable=nullable) for name in references),
            *(Column(f"m{i}", REAL) for i in range(MEASURES)),
        ),
        primary_key=PrimaryKey(("id",)),
        foreign_keys=tuple(
            ForeignKey((name,), TableName(name.removesuffix("_id")), ("id",)) for name in references
        ),
    )
