"""Train the scoring of keys on databases whose keys are known, and write its weights.

python tests/benchmarks/train_keys.py [KEYBENCH] --output weights.json [--cases FILE] [--seed N]

`evaluate` says what is learned, on databases left out. Needs LightGBM, which the package
itself does not, and OMP_NUM_THREADS=1 where cores are shared.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from cases import LEARNED, PLANTED, Case, family, kept, planted
from keybench import DEFAULT
from scipy.optimize import minimize

from schemasynth.infer.features import Beliefs, matrix
from schemasynth.infer.scoring import STAGES, models_of, stage_terms

INNER_FOLDS = 4
"""Folds within the training set: each stage learns from beliefs about databases left out."""
DATABASE_WEIGHT = -0.3
"""Power of a database's true keys in the weight of its rows: large ones count less a key."""
PLANTED_WEIGHT = {"pk": 0.2, "fk": 0.2, "ck": 0.7}
"""Weight of planted databases: they are many and alike, but know most composite references."""
BOOSTING = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.08,
    "min_data_in_leaf": 10,
    "lambda_l2": 3.0,
    "feature_fraction": 0.4,
    "max_bin": 63,
    "num_threads": 1,
    "verbose": -1,
}
ROUNDS = 90
LINE_WEIGHT = {"fk1": 0.4, "fk2": 0.3}
"""Weight of the line beside the forest: rare kinds of references are judged by the line."""
RISING = {
    "pk": "name_score name_best name_worst in_best in_tables in_best_lead in_tables_lead "
    "name_score_lead in_joint in_joint_tables in_joint_lead in_joint_tables_lead fk_in "
    "fk_in_count composite_in belief belief_margin",
    "fk": "inclusion row_inclusion coverage name_score name_column name_equal name_table "
    "key_belief name_score_margin name_table_margin coverage_margin key_belief_margin belief "
    "belief_margin belief_share chain_root belief_root name_word name_role name_home "
    "parent_unique partition",
}
FALLING = {
    "pk": "name_others",
    "fk": "belief_back name_own parent_out chain_via belief_via name_satellite part_fit",
}
"""Terms that may only speak for, or only against, a key."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Weights that a line starts from, and how much data it takes to move them."""

    bias: float
    strength: float
    weights: Mapping[str, float]


PRIORS = {
    "fk": Prior(-9.0, 3.0, {
        "inclusion": 4.0, "name_score": 5.0, "name_score_margin": 1.5, "key_belief": 3.0,
        "key_belief_margin": 0.5, "coverage": 1.0, "own_table": -0.5, "chain_via": -1.0,
        "chain_root": 0.5, "parent_unique": 1.0, "own_key_belief": -1.0, "part_fit": -1.5,
        "name_own": -1.0, "name_hierarchy": 0.3, "name_role": 0.3, "partition": 3.0,
        "null_share": 0.3, "same_type": 0.3, "back": -0.5,
    }),
    "ck": Prior(-18.0, 5.0, {
        "inclusion": 4.0, "exact": 2.0, "coverage": 0.5, "lift": 1.0, "grounds": 3.0,
        "groundless": -3.0, "name_mean": 4.0, "name_worst": 3.0, "key_belief": 3.0,
        "key_belief_margin": 1.0, "key_minimal": 2.0, "hub": 0.7, "row_ratio": 0.15,
        "within": -1.5, "single_above": -1.0, "loose_junction": -3.0, "own_table": -0.5,
        "own_unsaid": -2.0, "single_same": -2.5, "back": -1.0, "back_key_belief": -1.0,
        "own_key_belief": -0.5, "calendar": -4.0,
    }),
}  # fmt: skip
"""Judgement, in log-odds a unit: real composite references are too few to learn from alone."""
LOW = {"inclusion": 0.8}
UNKNOWN = {"name_mean": 0.55, "name_worst": 0.55, "name_score": 0.5}
KEY_TERMS = {"pk": 0, "fk": 1, "ck": 2}


def fitted(stage: str, names: list[str], rows: Any, true: Any, weight: Any, seed: int) -> Any:
    """Return a model of a stage in the JSON form that the package reads."""
    kind = stage[:2]
    if kind == "ck":
        return _line(PRIORS[kind], names, rows, true, weight)
    forest = _forest(kind, names, rows, true, weight, seed)
    share = LINE_WEIGHT.get(stage)
    if share is None:
        return forest
    known = ~np.isnan(rows[:, names.index("name_score")])
    line = _line(PRIORS[kind], names, rows[known], true[known], weight[known])
    parts = [{"weight": 1 - share, **forest}, {"weight": share, **line}]
    return {"needed": "name_score", "models": parts}


def _forest(kind: str, names: list[str], rows: Any, true: Any, weight: Any, seed: int) -> Any:
    up, down = RISING[kind].split(), FALLING[kind].split()
    signs = [(name in up) - (name in down) for name in names]
    options = {**BOOSTING, "monotone_constraints": signs, "seed": seed}
    data = lightgbm.Dataset(rows, true, weight=weight, params=options)
    trees = lightgbm.train(options, data, ROUNDS).dump_model()["tree_info"]
    return {"terms": names, "base": 0.0, "trees": [_tree(t["tree_structure"]) for t in trees]}


def _tree(root: Mapping[str, Any]) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        key: [] for key in ("term", "threshold", "left", "right", "missing_left", "value")
    }
    return {**nodes, "depth": _added(nodes, root)[1]}


def _added(nodes: dict[str, Any], node: Mapping[str, Any]) -> tuple[int, int]:
    """Append a node and those below it; returns its place and the depth below it."""
    place = len(nodes["term"])
    leaf = "split_feature" not in node
    nodes["term"].append(0 if leaf else node["split_feature"])
    nodes["threshold"].append(0.0 if leaf else node["threshold"])
    nodes["missing_left"].append(not leaf and node["default_left"])
    nodes["value"].append(float(f"{node['leaf_value']:.6g}") if leaf else 0.0)
    nodes["left"].append(place)
    nodes["right"].append(place)
    if leaf:
        return place, 0
    nodes["left"][place], left = _added(nodes, node["left_child"])
    nodes["right"][place], right = _added(nodes, node["right_child"])
    return place, 1 + max(left, right)


def _line(prior: Prior, names: list[str], rows: Any, true: Any, weight: Any) -> dict[str, Any]:
    terms = list(prior.weights)
    start = np.array([prior.bias, *prior.weights.values()])
    unknown = [UNKNOWN.get(n, 0.0) for n in terms]
    low = [LOW.get(n, 0.0) for n in terms]
    values = rows[:, [names.index(n) for n in terms]]
    values = np.where(np.isnan(values), unknown, values)
    values = np.where(np.array(low) > 0, np.maximum(values - low, 0) / (1 - np.array(low)), values)
    values = np.column_stack([np.ones(len(values)), values])

    def loss(weights: Any) -> tuple[float, Any]:
        logit = values @ weights
        fit = np.sum(weight * (np.logaddexp(0, logit) - true * logit))
        slope = values.T @ (weight * (1 / (1 + np.exp(-logit)) - true))
        away = weights - start
        return fit + prior.strength * np.sum(away**2), slope + 2 * prior.strength * away

    bounds = [(None, None)] + [(0, None) if v >= 0 else (None, 0) for v in start[1:]]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return {
        "terms": terms,
        "bias": round(float(found[0]), 4),
        "weights": [round(float(w), 4) for w in found[1:]],
        "low": low,
        "unknown": unknown,
    }


def trained(
    train: Sequence[Case], test: Sequence[Case], seed: int = 0
) -> tuple[dict[str, Any], list[Beliefs]]:
    """Fit all stages on some cases.

    Args:
        train: learned from.
        test: only looked at.
        seed: of the fitting.

    Returns:
        The weights in the JSON form that the package reads, and what models of them believe of
        the test cases, where declared keys are certain.
    """
    families = sorted({family(case.name) for case in train})
    mixed = np.random.default_rng(seed).permutation(len(families))
    fold = {f: int(mixed[i]) % INNER_FOLDS for i, f in enumerate(families)}
    beliefs: list[dict[str, list[float]]] = [{} for _ in (*train, *test)]
    stages = {}
    for number, stage in enumerate(STAGES):
        terms = [
            stage_terms(stage, case.found, known)
            for case, known in zip((*train, *test), beliefs, strict=True)
        ]
        true = [np.array(case.true[KEY_TERMS[stage[:2]]], dtype=float) for case in train]

        def fit(indices: Sequence[int], seed: int, stage=stage, terms=terms, true=true) -> Any:
            kind = stage[:2]
            told = [i for i in indices if terms[i]]
            parts = {i: matrix(terms[i]) for i in told}
            clear = {i: ~np.array(train[i].unclear[KEY_TERMS[kind]], dtype=bool) for i in told}
            weight = [np.full(clear[i].sum(), _weight(train[i], true[i], kind)) for i in told]
            rows = np.vstack([parts[i][1][clear[i]] for i in told])
            labels = np.concatenate([true[i][clear[i]] for i in told])
            return fitted(stage, parts[told[0]][0], rows, labels, np.concatenate(weight), seed)

        first = 1000 * seed + 100 * number

        for inner in range(INNER_FOLDS):
            inside = [i for i, c in enumerate(train) if fold[family(c.name)] == inner]
            rest = [i for i in range(len(train)) if i not in inside]
            model = models_of({"stages": {stage: fit(rest, first + inner)}})[stage]
            for i in inside:
                beliefs[i][stage] = _certain(train[i], stage, model(terms[i]))
        stages[stage] = fit(range(len(train)), first + INNER_FOLDS)
        model = models_of({"stages": stages})[stage]
        for i in range(len(train), len(beliefs)):
            beliefs[i][stage] = _certain(test[i - len(train)], stage, model(terms[i]))
    held_out = beliefs[len(train) :]
    return {"stages": stages}, [Beliefs(b["pk2"], b["fk2"], b["ck2"]) for b in held_out]


def _weight(case: Case, true: Any, kind: str) -> float:
    share = PLANTED_WEIGHT[kind] if case.name.startswith(PLANTED) else 1.0
    return float(share * max(1, true.sum()) ** DATABASE_WEIGHT)


def _certain(case: Case, stage: str, believed: list[float]) -> list[float]:
    if not stage.startswith("pk"):
        return believed
    return [1.0 if k.declared else p for k, p in zip(case.found.keys, believed, strict=True)]


def main() -> int:
    """Train on all databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keybench", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--output", type=Path, required=True, help="where the weights are written")
    parser.add_argument("--cases", type=Path, help="where cases are kept between runs")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    cases = kept(arguments.cases, arguments.keybench, LEARNED)
    weights, _ = trained([*cases, *planted()], [], arguments.seed)
    arguments.output.write_text(json.dumps(weights, separators=(",", ":")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
