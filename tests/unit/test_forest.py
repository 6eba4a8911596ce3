"""Forests of any size keep the shape of a given one, within their groups, without a cycle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemasynth.arrays import NONE, Ints
from schemasynth.rewrite.forest import Forest, acyclic, depths, grow


def tree(nodes: int, roots: int) -> Ints:
    """Return parents of which the first ones have many children, as in organisations."""
    rng = np.random.default_rng(0)
    above = np.full(nodes, NONE)
    above[roots:] = rng.random(nodes - roots) ** 2 * np.arange(roots, nodes)
    return above.astype(np.int64)


def fan_out(parents: Ints) -> float:
    counts = np.bincount(parents[parents != NONE])
    return float(counts[counts > 0].mean())


@pytest.mark.parametrize("scale", [0.1, 0.5, 1.0, 2.5, 3.0])
def test_a_tree_of_50_000_nodes_keeps_depth_fan_out_and_roots(scale: float) -> None:
    given_parents = tree(50_000, 50)
    levels = depths(given_parents)
    size = round(scale * 50_000)
    same = np.zeros(50_000, dtype=np.int64)
    rng = np.random.default_rng(1)
    grown, _ = grow(Forest(given_parents, levels, same), np.zeros(size, dtype=np.int64), rng)
    made = depths(grown.parents)
    assert made.min() == 0, "a cycle"
    assert (made == grown.levels).all()
    assert made.mean() == pytest.approx(levels.mean(), rel=0.02)
    assert made.max() == pytest.approx(levels.max(), rel=0.1)
    assert fan_out(grown.parents) == pytest.approx(fan_out(given_parents), rel=0.1)
    assert (grown.parents == NONE).sum() == pytest.approx(scale * 50, rel=0.1, abs=1)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-1, 30), max_size=31),
    st.lists(st.integers(0, 4), min_size=1, max_size=80),
    st.integers(0, 99),
)
def test_no_tree_reaches_into_another_group(links: list[int], groups: list[int], seed: int) -> None:
    rows = len(links)
    parents = acyclic(np.array([p if p < rows else NONE for p in links], dtype=np.int64))
    parents = np.where(parents == np.arange(rows), NONE, parents)
    levels = depths(parents)
    assert (levels >= 0).all()
    shape = Forest(parents, levels, np.zeros(rows, dtype=np.int64))
    grown, _ = grow(shape, np.array(groups), np.random.default_rng(seed))
    assert (depths(grown.parents) == grown.levels).all()
    below = np.flatnonzero(grown.parents != NONE)
    assert (grown.groups[below] == grown.groups[grown.parents[below]]).all()
    assert list(grown.groups) == sorted(groups)


def test_of_a_cycle_one_node_becomes_a_root_and_the_others_keep_their_parents() -> None:
    links = np.array([NONE, 0, 4, 2, 3, 4, 6, 5])
    assert list(acyclic(links)) == [NONE, 0, NONE, 2, 3, 4, NONE, 5]
