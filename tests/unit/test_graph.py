"""Load order, cycles, associations and the choice of contexts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from schemasynth.graph import ContextScore, choose_contexts, cycles, load_order
from schemasynth.graph.association import association, column_codes, dispersion
from schemasynth.graph.context import Candidate, score
from schemasynth.model import TableName

A, B, C, D = (TableName(name) for name in "ABCD")


def test_parents_come_first() -> None:
    assert load_order({C: [B], B: [A], A: [], D: [A, C]}) == (A, B, C, D)


def test_self_references_do_not_count() -> None:
    assert load_order({A: [A], B: [A]}) == (A, B)
    assert cycles({A: [A], B: [A]}) == ()


def test_identifying_keys_decide_within_a_cycle() -> None:
    parents = {A: [B], B: [A], C: [B]}
    assert cycles(parents) == ((A, B),)
    assert load_order(parents, {A: [B]}) == (B, A, C)
    assert load_order(parents, {B: [A]}) == (A, B, C)


def test_association_is_corrected_for_chance() -> None:
    rng = np.random.default_rng(1)
    groups = rng.integers(0, 500, 1000)
    assert association(groups, groups % 5) == 1.0
    assert association(groups, rng.integers(0, 5, 1000)) < 0.05


def test_near_unique_columns_hold_no_pattern() -> None:
    assert column_codes(pd.Series([f"x{i}" for i in range(1000)])) is None
    assert column_codes(pd.Series(["a"] * 10)) is None
    numbers = column_codes(pd.Series(range(1000), dtype="int64[pyarrow]"))
    assert numbers is not None
    assert len(set(numbers)) == 10


def test_dispersion_of_counts() -> None:
    rng = np.random.default_rng(1)
    assert dispersion(rng.poisson(3, 5000)) < 0.1
    assert dispersion(np.repeat([1, 40], 100)) > 0.8


def test_the_parent_that_explains_the_child_is_the_context() -> None:
    rng = np.random.default_rng(2)
    colour = rng.integers(0, 4, 200)
    parent = pd.DataFrame({"colour": [f"c{x}" for x in colour]})
    owner, stranger = rng.integers(0, 200, 2000), rng.integers(0, 200, 2000)
    child = pd.DataFrame({"kind": [f"k{x}" for x in colour[owner]]})
    scores = [
        score(Candidate(C, 0, A, stranger), child, parent),
        score(Candidate(C, 1, B, owner), child, parent),
    ]
    choice = choose_contexts(scores)[C]
    assert choice.chosen.parent == B
    assert choice.runner_up is not None
    assert choice.runner_up.parent == A
    assert not choice.close


def test_contexts_form_no_cycle() -> None:
    scores = [
        ContextScore(A, 0, B, {}, 0.9),
        ContextScore(B, 0, A, {}, 0.8),
        ContextScore(C, 0, B, {}, 0.1),
    ]
    chosen = {child: choice.chosen.parent for child, choice in choose_contexts(scores).items()}
    assert chosen == {A: B, C: B}


def test_gates() -> None:
    few = pd.DataFrame({"a": range(3)})
    child = pd.DataFrame({"k": ["x", "y"] * 50})
    assert "too few" in score(Candidate(C, 0, A, np.zeros(100, int)), child, few).gate
    parent = pd.DataFrame({"a": range(100)})
    lost = np.full(100, -1)
    assert "no such parent" in score(Candidate(C, 0, A, lost), child, parent).gate
    assert score(Candidate(C, 0, C, np.zeros(100, int)), child, parent).value == 0


def test_parents_without_children_do_not_make_a_context() -> None:
    parent = pd.DataFrame({"a": range(1000)})
    rows = pd.DataFrame({"k": ["x", "y"] * 500})
    assert "3 parents with" in score(Candidate(C, 0, A, np.arange(1000) % 3), rows, parent).gate
    assert "10 rows" in score(Candidate(C, 0, A, np.arange(10)), rows.iloc[:10], parent).gate


def test_children_too_many_to_be_generated_together() -> None:
    parent = pd.DataFrame({"a": range(30)})
    child = pd.DataFrame({"k": ["x", "y"] * 30_000})
    assert "2,000 children" in score(Candidate(C, 0, A, np.arange(60_000) % 30), child, parent).gate


def test_a_sample_of_the_parents_is_not_the_whole() -> None:
    parent = pd.DataFrame({"a": range(100)})
    child = pd.DataFrame({"k": ["x", "y"] * 500})
    found = np.where(np.arange(1000) < 300, np.arange(1000) % 100, -1)
    assert "no such parent" in score(Candidate(C, 0, A, found), child, parent).gate
    assert not score(Candidate(C, 0, A, found, missing=0.0), child, parent).gate
