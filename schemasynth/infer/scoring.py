"""Probabilities of candidates: boosted trees whose weights ship as JSON, evaluated with numpy.

Imports nothing of the package but features; the trees come from the training script in tests.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.infer.features import (
    Beliefs,
    Candidates,
    Terms,
    composite_terms,
    key_terms,
    reference_terms,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from schemasynth.infer.features import Matrix

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

STAGES = ("pk1", "fk1", "ck1", "pk2", "fk2", "ck2")
"""Keys, references and composite references, twice: each stage reads the beliefs before it."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A binary tree as arrays over its nodes; a leaf's children are itself."""

    term: Ints
    threshold: Floats
    left: Ints
    right: Ints
    missing_left: npt.NDArray[np.bool_]
    value: Floats
    depth: int

    def __call__(self, rows: Matrix) -> Floats:
        """Return the value of the leaf that each row reaches."""
        import numpy as np

        node = np.zeros(len(rows), dtype=np.int64)
        every = np.arange(len(rows))
        for _ in range(self.depth):
            read = rows[every, self.term[node]]
            goes_left = np.where(
                np.isnan(read), self.missing_left[node], read <= self.threshold[node]
            )
            node = np.where(goes_left, self.left[node], self.right[node])
        return self.value[node]


@dataclass(frozen=True, slots=True)
class Forest:
    """Boosted trees over named terms; the sum is a log-odds."""

    terms: tuple[str, ...]
    base: float
    trees: tuple[Tree, ...]

    def __call__(self, rows: Sequence[Terms]) -> list[float]:
        """Return the probability of each row."""
        import numpy as np

        if not rows:
            return []
        values = np.array([[row[term] for term in self.terms] for row in rows])
        logits = self.base + sum(tree(values) for tree in self.trees)
        return [float(p) for p in 1 / (1 + np.exp(-logits))]


@dataclass(frozen=True, slots=True)
class Line:
    """A logistic regression over named terms, clipped to the range where each one tells.

    Attributes:
        terms: their names.
        bias: log-odds where every term is 0.
        weights: log-odds a unit.
        low: value of a term below which it counts as 0.
        unknown: value of a term that is not known.
    """

    terms: tuple[str, ...]
    bias: float
    weights: tuple[float, ...]
    low: tuple[float, ...]
    unknown: tuple[float, ...]

    def __call__(self, rows: Sequence[Terms]) -> list[float]:
        """Return the probability of each row."""
        return [1 / (1 + math.exp(-self._logit(row))) for row in rows]

    def _logit(self, row: Terms) -> float:
        logit = self.bias
        parts = zip(self.terms, self.weights, self.low, self.unknown, strict=True)
        for term, weight, low, unknown in parts:
            value = unknown if math.isnan(row[term]) else row[term]
            logit += weight * (max(value - low, 0.0) / (1 - low) if low else value)
        return logit


@dataclass(frozen=True, slots=True)
class Blend:
    """The weighted mean of several models; a row that says too little is left to the rest.

    Attributes:
        models: with their weights.
        needed: term by which a line needs to know a row; where it is not known, forests decide.
    """

    models: tuple[tuple[float, Forest | Line], ...]
    needed: str

    def __call__(self, rows: Sequence[Terms]) -> list[float]:
        """Return the probability of each row."""
        every = [model(rows) for _, model in self.models]
        result = []
        for i, row in enumerate(rows):
            unknown = math.isnan(row[self.needed])
            parts = [
                (weight, said[i])
                for (weight, model), said in zip(self.models, every, strict=True)
                if not (unknown and isinstance(model, Line))
            ]
            result.append(sum(w * p for w, p in parts) / sum(w for w, _ in parts))
        return result


Model: TypeAlias = Forest | Line | Blend


@cache
def shipped() -> Mapping[str, Model]:
    """Return the forests that ship with the package, by stage."""
    text = files("schemasynth.infer").joinpath("weights.json").read_text("utf-8")
    return models_of(json.loads(text))


def models_of(content: Mapping[str, Any]) -> Mapping[str, Model]:
    """Return the models written in the JSON form of the training script."""
    return {stage: _model(said) for stage, said in content["stages"].items()}


def _model(said: Mapping[str, Any]) -> Model:
    if "models" in said:
        parts = tuple((float(part["weight"]), _one(part)) for part in said["models"])
        return Blend(parts, str(said["needed"]))
    return _one(said)


def _one(said: Mapping[str, Any]) -> Forest | Line:
    if "trees" not in said:
        return Line(
            tuple(said["terms"]),
            float(said["bias"]),
            tuple(said["weights"]),
            tuple(said["low"]),
            tuple(said["unknown"]),
        )
    trees = tuple(_tree(tree) for tree in said["trees"])
    return Forest(tuple(said["terms"]), float(said["base"]), trees)


def _tree(said: Mapping[str, Any]) -> Tree:
    import numpy as np

    return Tree(
        np.array(said["term"], dtype=np.int64),
        np.array(said["threshold"], dtype=np.float64),
        np.array(said["left"], dtype=np.int64),
        np.array(said["right"], dtype=np.int64),
        np.array(said["missing_left"], dtype=bool),
        np.array(said["value"], dtype=np.float64),
        int(said["depth"]),
    )


def stage_terms(
    stage: str, found: Candidates, beliefs: Mapping[str, Sequence[float]]
) -> list[Terms]:
    """Return the terms that a stage reads.

    Args:
        stage: one of `STAGES`.
        found: the candidates.
        beliefs: probabilities of the stages before it.
    """
    b = beliefs
    match stage:
        case "pk1":
            return key_terms(found)
        case "fk1":
            return reference_terms(found, Beliefs(b["pk1"]))
        case "ck1":
            return composite_terms(found, Beliefs(b["pk1"], b["fk1"]))
        case "pk2":
            return key_terms(found, Beliefs(b["pk1"], b["fk1"], b["ck1"]))
        case "fk2":
            return reference_terms(found, Beliefs(b["pk2"], b["fk1"], b["ck1"]))
    return composite_terms(found, Beliefs(b["pk2"], b["fk2"]))


def believe(found: Candidates, models: Mapping[str, Model]) -> Beliefs:
    """Return the probabilities of all candidates after the last stages; declared keys have 1."""
    beliefs: dict[str, list[float]] = {}
    for stage in STAGES:
        beliefs[stage] = models[stage](stage_terms(stage, found, beliefs))
        if stage.startswith("pk"):
            beliefs[stage] = [
                1.0 if key.declared else p
                for key, p in zip(found.keys, beliefs[stage], strict=True)
            ]
    return Beliefs(beliefs["pk2"], beliefs["fk2"], beliefs["ck2"])
