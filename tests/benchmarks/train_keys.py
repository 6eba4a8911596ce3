"""Train the scoring of keys on databases whose keys are known, and write its weights.

python tests/benchmarks/train_keys.py [KEYBENCH] --output weights.json [--cases FILE] [--seed N]

`evaluate` says what is learned, on databases left out. Needs scikit-learn, which the package
itself does not, and OMP_NUM_THREADS=1 where cores are shared.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cases import LEARNED, Case, family, kept
from keybench import DEFAULT
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier

from schemasynth.infer.features import Beliefs, matrix
from schemasynth.infer.scoring import STAGES, models_of, stage_terms

INNER_FOLDS = 4
"""Folds within the training set: each stage learns from beliefs about databases left out."""
DATABASE_WEIGHT = -0.3
"""Power of a database's true keys in the weight of its rows: large ones count less a key."""
BOOSTING = {
    "max_iter": 90,
    "learning_rate": 0.08,
    "max_leaf_nodes": 8,
    "l2_regularization": 3.0,
    "min_samples_leaf": 10,
    "max_features": 0.4,
    "early_stopping": False,
}
RISING = {
    "pk": "name_score name_best name_worst in_best in_tables fk_in fk_in_count composite_in "
    "belief belief_margin",
    "fk": "inclusion row_inclusion coverage name_score name_column name_equal name_table "
    "key_belief name_score_margin name_table_margin coverage_margin key_belief_margin belief "
    "belief_margin belief_share",
}
FALLING = {"pk": "name_others", "fk": "belief_back name_own parent_out"}
"""Terms that may only speak for, or only against, a key."""
PRIOR = {
    "inclusion": 6.0,
    "coverage": 1.0,
    "lift": 3.0,
    "name_mean": 4.0,
    "name_worst": 2.0,
    "key_belief": 4.0,
    "key_belief_margin": 1.0,
    "name_mean_margin": 0.5,
    "row_ratio": 0.15,
    "single_above": 0.0,
    "own_table": -2.0,
    "single_same": -1.0,
    "back": -1.0,
    "back_key_belief": -1.5,
    "own_key_belief": -0.5,
}
PRIOR_BIAS = -14.5
PRIOR_WEIGHT = 0.3
"""Composite references are too few to learn from alone: their weights start from judgement."""
LOW = {"inclusion": 0.8}
UNKNOWN_NAME = 0.55
KEY_TERMS = {"pk": 0, "fk": 1, "ck": 2}


def fitted(stage: str, names: list[str], rows: Any, true: Any, weight: Any, seed: int) -> Any:
    """Return a model of a stage in the JSON form that the package reads."""
    if stage.startswith("ck"):
        return _line(names, rows, true, weight)
    up, down = RISING[stage[:2]].split(), FALLING[stage[:2]].split()
    signs = [(name in up) - (name in down) for name in names]
    model = HistGradientBoostingClassifier(**BOOSTING, monotonic_cst=signs, random_state=seed)
    model.fit(rows, true, sample_weight=weight)
    return {
        "terms": names,
        "base": float(np.ravel(model._baseline_prediction)[0]),
        "trees": [_tree(predictor[0].nodes) for predictor in model._predictors],
    }


def _tree(nodes: Any) -> dict[str, Any]:
    leaf = nodes["is_leaf"].astype(bool)
    itself = np.arange(len(nodes))
    threshold = np.where(np.isfinite(nodes["num_threshold"]), nodes["num_threshold"], 1e300)
    return {
        "term": np.where(leaf, 0, nodes["feature_idx"]).tolist(),
        "threshold": np.where(leaf, 0.0, threshold).tolist(),
        "left": np.where(leaf, itself, nodes["left"]).tolist(),
        "right": np.where(leaf, itself, nodes["right"]).tolist(),
        "missing_left": [bool(x) for x in nodes["missing_go_to_left"]],
        "value": [float(f"{x:.6g}") for x in nodes["value"]],
        "depth": int(nodes["depth"].max()),
    }


def _line(names: list[str], rows: Any, true: Any, weight: Any) -> dict[str, Any]:
    start = np.array([PRIOR_BIAS, *PRIOR.values()])
    unknown = [UNKNOWN_NAME * (n in ("name_mean", "name_worst")) for n in PRIOR]
    low = [LOW.get(n, 0.0) for n in PRIOR]
    values = rows[:, [names.index(n) for n in PRIOR]]
    values = np.where(np.isnan(values), unknown, values)
    values = np.where(np.array(low) > 0, np.maximum(values - low, 0) / (1 - np.array(low)), values)
    values = np.column_stack([np.ones(len(values)), values])

    def loss(weights: Any) -> tuple[float, Any]:
        logit = values @ weights
        fit = np.sum(weight * (np.logaddexp(0, logit) - true * logit))
        slope = values.T @ (weight * (1 / (1 + np.exp(-logit)) - true))
        away = weights - start
        return fit + PRIOR_WEIGHT * np.sum(away**2), slope + 2 * PRIOR_WEIGHT * away

    bounds = [(None, None)] + [(0, None) if v >= 0 else (None, 0) for v in PRIOR.values()]
    found = minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B").x
    return {
        "terms": list(PRIOR),
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
    fold = {f: i % INNER_FOLDS for i, f in enumerate(families)}
    beliefs: list[dict[str, list[float]]] = [{} for _ in (*train, *test)]
    stages = {}
    for number, stage in enumerate(STAGES):
        terms = [
            stage_terms(stage, case.found, known)
            for case, known in zip((*train, *test), beliefs, strict=True)
        ]
        true = [np.array(case.true[KEY_TERMS[stage[:2]]], dtype=float) for case in train]

        def fit(indices: Sequence[int], seed: int, stage=stage, terms=terms, true=true) -> Any:
            parts = [matrix(terms[i]) for i in indices if terms[i]]
            weight = [
                np.full(len(true[i]), max(1, true[i].sum()) ** DATABASE_WEIGHT) for i in indices
            ]
            rows = np.vstack([part for _, part in parts])
            labels = np.concatenate([true[i] for i in indices])
            return fitted(stage, parts[0][0], rows, labels, np.concatenate(weight), seed)

        first = 1000 * seed + 100 * number

        for inner in range(INNER_FOLDS):
            inside = [i for i, c in enumerate(train) if fold[family(c.name)] == inner]
            rest = [i for i in range(len(train)) if i not in inside]
            model = models_of({"stages": {stage: fit(rest, first + inner)}})[stage]
            for i in inside:
                beliefs[i][stage] = model(terms[i])
        stages[stage] = fit(range(len(train)), first + INNER_FOLDS)
        model = models_of({"stages": stages})[stage]
        for i in range(len(train), len(beliefs)):
            beliefs[i][stage] = _certain(test[i - len(train)], stage, model(terms[i]))
    held_out = beliefs[len(train) :]
    return {"stages": stages}, [Beliefs(b["pk2"], b["fk2"], b["ck2"]) for b in held_out]


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
    weights, _ = trained(cases, [], arguments.seed)
    arguments.output.write_text(json.dumps(weights, separators=(",", ":")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
