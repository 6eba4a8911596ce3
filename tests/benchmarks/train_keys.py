"""Train the scoring of keys on databases whose keys are known, and test it on those left out.

python tests/benchmarks/train_keys.py [KEYBENCH] [--folds N] [--output weights.json]

With `--folds`, each fold of database families is predicted by models that saw none of it, and
scored; with `--output`, models of all databases are written. Needs scikit-learn, which the
package itself does not, and OMP_NUM_THREADS=1 where cores are shared.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np
from keybench import DEFAULT, prediction
from scipy.optimize import minimize
from sklearn.ensemble import HistGradientBoostingClassifier

from schemasynth.adapter import Selection, adapter_for, count_rows
from schemasynth.infer.choice import choose
from schemasynth.infer.evidence import Evidence, evidence_of
from schemasynth.infer.features import Beliefs, Candidates, matrix
from schemasynth.infer.keys import candidates_of, keys_chosen
from schemasynth.infer.scoring import STAGES, models_of, stage_terms
from schemasynth.model import Schema, TableName
from schemasynth.settings import database_url

FAMILIES = (
    {"chinook", "chinook_1", "store_1"},
    {"world", "world_1"},
    {"oracle_hr_oe", "hr_1"},
    {"activity_1", "dorm_1", "game_1", "voter_1"},
)
"""Databases that share data are left out together."""
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


@dataclass(frozen=True, slots=True)
class Case:
    """One database, with its names or without, and which candidates are true."""

    name: str
    hidden: bool
    found: Candidates
    true: tuple[tuple[bool, ...], ...]


def family(name: str) -> str:
    """Return the name of the databases that are left out together with this one."""
    return next((min(f) for f in FAMILIES if name in f), name)


def cases_of(folder: Path) -> list[Case]:
    """Collect the candidates of all databases, each with names shown and hidden."""
    cases = []
    for path in sorted(folder.rglob("truth.json")):
        truth = json.loads(path.read_text("utf-8"))
        url = database_url(str(path.with_name(f"{truth['name']}.stripped.sqlite")))
        with adapter_for(url).source(url) as source:
            schema = count_rows(source, source.reflect(Selection()))
            with evidence_of(source, schema) as evidence:
                shown = candidates_of(schema, evidence)
                cases.append(_case(truth, shown, None))
                cases.append(_case(truth, *_hidden(schema, evidence)))
    return cases


Renaming = Mapping[tuple[TableName, str], tuple[TableName, str]]


def _hidden(schema: Schema, evidence: Evidence) -> tuple[Candidates, Renaming]:
    """Return the candidates of the same data with every name replaced by a number."""
    renaming: dict[tuple[TableName, str], tuple[TableName, str]] = {}
    tables = []
    for i, table in enumerate(schema, 1):
        columns = []
        for column in table.columns:
            name = f"c{len(renaming) + 1}"
            renaming[table.name, column.name] = (TableName(f"t{i}"), name)
            columns.append(replace(column, name=name))
        tables.append(replace(table, name=TableName(f"t{i}"), columns=tuple(columns)))
    hidden = replace(schema, tables=tuple(tables))
    figures = {renaming[c]: f for c, f in evidence.figures.items()}
    pairs = {(renaming[a], renaming[b]): i for (a, b), i in evidence.inclusions.items()}
    renamed = Evidence(figures, pairs, evidence.store.renamed(hidden))
    return candidates_of(hidden, renamed), renaming


def _case(truth: Mapping[str, Any], found: Candidates, renaming: Renaming | None) -> Case:
    original = {new: old for old, new in (renaming or {}).items()}

    def named(table: TableName, column: str) -> tuple[str, str]:
        old_table, old = original.get((table, column), (table, column))
        return old_table.name.lower(), old.lower()

    keys = {
        frozenset((t.lower(), c.lower()) for c in columns)
        for t, columns in truth["primary_keys"].items()
    }
    references = {
        frozenset(
            ((f["table"].lower(), a.lower()), (f["referred_table"].lower(), b.lower()))
            for a, b in zip(f["columns"], f["referred_columns"], strict=True)
        )
        for f in truth["foreign_keys"]
    }
    true_keys = tuple(frozenset(named(k.table, c) for c in k.columns) in keys for k in found.keys)
    singles, composites = (
        tuple(
            frozenset(
                (named(r.table, a), named(r.referred, b))
                for a, b in zip(r.columns, r.referred_columns, strict=True)
            )
            in references
            for r in group
        )
        for group in (found.singles, found.composites)
    )
    stored = replace(found, evidence=replace(found.evidence, store=None))  # type: ignore[arg-type]
    return Case(truth["name"], renaming is not None, stored, (true_keys, singles, composites))


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


def trained(train: Sequence[Case], test: Sequence[Case]) -> tuple[dict[str, Any], list[Beliefs]]:
    """Fit all stages on some cases and return them with their beliefs about others."""
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

        for inner in range(INNER_FOLDS):
            inside = [i for i, c in enumerate(train) if fold[family(c.name)] == inner]
            rest = [i for i in range(len(train)) if i not in inside]
            model = models_of({"stages": {stage: fit(rest, 100 * number + inner)}})[stage]
            for i in inside:
                beliefs[i][stage] = model(terms[i])
        stages[stage] = fit(range(len(train)), 100 * number + INNER_FOLDS)
        model = models_of({"stages": stages})[stage]
        for i in range(len(train), len(beliefs)):
            beliefs[i][stage] = model(terms[i])
    held_out = beliefs[len(train) :]
    return {"stages": stages}, [Beliefs(b["pk2"], b["fk2"], b["ck2"]) for b in held_out]


def _left_out(task: tuple[list[Case], set[str]]) -> list[tuple[Case, Beliefs]]:
    cases, names = task
    test = [case for case in cases if family(case.name) in names]
    train = [case for case in cases if family(case.name) not in names]
    return list(zip(test, trained(train, test)[1], strict=True))


def evaluate(cases: list[Case], folds: int, folder: Path, processes: int) -> None:
    """Score the predictions about families left out, with names shown and then hidden."""
    families = sorted({family(case.name) for case in cases})
    np.random.default_rng(7).shuffle(families)
    folds = min(folds, len(families))
    tasks = [(cases, set(families[i::folds])) for i in range(folds)]
    with Pool(processes) as pool:
        believed = [pair for part in pool.imap_unordered(_left_out, tasks) for pair in part]
    for hidden in (False, True):
        with tempfile.TemporaryDirectory() as output:
            for case, beliefs in believed:
                if case.hidden is hidden:
                    shown = next(c for c in cases if c.name == case.name and not c.hidden)
                    keys = keys_chosen(case.found, beliefs, choose(case.found, beliefs))
                    content = _as_named(prediction(keys), case.found.schema, shown.found.schema)
                    Path(output, f"{case.name}.json").write_text(json.dumps(content), "utf-8")
            print("names hidden" if hidden else "names shown", flush=True)
            scorer = [sys.executable, str(folder / "score.py"), "--many", str(folder), output]
            lines = subprocess.run(scorer, check=True, capture_output=True, text=True).stdout
            print(*lines.splitlines()[-6:], sep="\n", flush=True)


def _as_named(content: Any, hidden: Schema, shown: Schema) -> Any:
    """Give a prediction about hidden names its real ones; the order of both is the same."""
    tables, columns = {}, {}
    for new, old in zip(hidden, shown, strict=True):
        tables[new.name.name] = old.name.name
        for new_column, old_column in zip(new.column_names, old.column_names, strict=True):
            columns[new.name.name, new_column] = old_column

    def named(table: str, parts: Sequence[str]) -> list[str]:
        return [columns[table, part] for part in parts]

    return {
        "primary_keys": {tables[t]: named(t, c) for t, c in content["primary_keys"].items()},
        "foreign_keys": [
            {
                "table": tables[f["table"]],
                "columns": named(f["table"], f["columns"]),
                "referred_table": tables[f["referred_table"]],
                "referred_columns": named(f["referred_table"], f["referred_columns"]),
            }
            for f in content["foreign_keys"]
        ],
    }


def main() -> int:
    """Evaluate, train, or both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("keybench", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--folds", type=int, default=0, help="more than families: each alone")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, help="where the weights of all are written")
    arguments = parser.parse_args()
    cases = cases_of(arguments.keybench)
    if arguments.folds:
        evaluate(cases, arguments.folds, arguments.keybench, arguments.processes)
    if arguments.output:
        weights, _ = trained(cases, [])
        arguments.output.write_text(json.dumps(weights, separators=(",", ":")), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
