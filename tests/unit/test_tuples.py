"""Tuples compared by hash agree with what comparing the tuples themselves says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemasynth.infer.tuples import distinct_rows, held, mixed, shuffled

PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=40)


def columns(pairs: list[tuple[int, int]]) -> list[np.ndarray]:
    return [np.array([pair[i] for pair in pairs], dtype=np.uint64) for i in (0, 1)]


@given(PAIRS, PAIRS)
def test_inclusion_is_that_of_the_tuples(child: list, parent: list) -> None:
    here, there = (np.unique(mixed(columns(side))) for side in (child, parent))
    assert (len(here), len(there)) == (len(set(child)), len(set(parent)))
    assert held(here, there) == len(set(child) & set(parent))


@given(PAIRS)
def test_the_order_of_columns_counts(pairs: list) -> None:
    first, second = columns(pairs)
    same = mixed([first, second]) == mixed([second, first])
    assert np.array_equal(same, first == second)


@given(PAIRS)
def test_shuffling_pairs_each_tuple_with_the_next_one(pairs: list) -> None:
    first, second = distinct_rows(columns(pairs))
    assert np.array_equal(shuffled([first, second]), mixed([first[:-1], second[1:]]))
