"""Random assignments under a law: children to parents, rows to free partners.

Pure functions of NumPy arrays; imported by the rewrites.
"""

from __future__ import annotations

import numpy as np

from schemasynth.arrays import NONE, Ints, rank_in_group


def share(total: int, weights: Ints) -> Ints:
    """Split a total by weights, by largest remainders, so that it sums up exactly.

    Args:
        total: what to split.
        weights: not negative; all zero counts as all equal.
    """
    totals = np.array([total], dtype=np.int64)
    return share_in_groups(totals, weights, np.zeros(len(weights), dtype=np.int64))


def share_in_groups(totals: Ints, weights: Ints, groups: Ints) -> Ints:
    """Split one total for each group among its members by weights, by largest remainders.

    Args:
        totals: one for each group.
        weights: one for each member, not negative; all zero counts as all equal.
        groups: of each member; positions in `totals`, ascending.
    """
    if len(weights) == 0:
        return np.zeros(0, dtype=np.int64)
    wanted = np.asarray(weights, dtype=np.float64)
    sums = np.bincount(groups, wanted, len(totals))
    wanted = np.where(sums[groups] == 0, 1.0, wanted)
    sums = np.bincount(groups, wanted, len(totals))
    exact = wanted * (totals[groups] / sums[groups])
    result: Ints = np.floor(exact).astype(np.int64)
    missing = totals - np.bincount(groups, result, len(totals)).astype(np.int64)
    order = np.lexsort((result - exact, groups))
    result[order] += rank_in_group(groups[order]) < missing[groups[order]]
    return result


def child_counts(
    values: Ints, weights: Ints, parents: int, children: int, rng: np.random.Generator
) -> Ints:
    """Draw how many children each parent has, under an empirical law.

    Args:
        values: numbers of children in the source, 0 among them.
        weights: parents in the source with that number.
        parents: parents to be drawn for.
        children: what the counts must sum up to.
        rng: source of randomness.

    Returns:
        One count for each parent. Where the law does not give the sum, children are added to
        or taken from parents in proportion to what they have, so the childless stay childless.
    """
    if parents == 0:
        return np.zeros(0, dtype=np.int64)
    counts = np.repeat(values, share(parents, weights))
    rng.shuffle(counts)
    surplus = int(counts.sum()) - children
    if surplus > 0:
        slots = np.repeat(np.arange(parents), counts)
        np.subtract.at(counts, rng.choice(slots, surplus, replace=False), 1)
    elif surplus < 0:
        slots = np.repeat(np.arange(parents), counts)
        pool = slots if len(slots) else np.arange(parents)
        np.add.at(counts, rng.choice(pool, -surplus), 1)
    return counts


def assign(counts: Ints, rng: np.random.Generator) -> Ints:
    """Return a parent for each child, in random order, such that parents have their counts."""
    result = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    rng.shuffle(result)
    return result


def pick(wanted: Ints, offered: Ints, rng: np.random.Generator) -> Ints:
    """Return for each wanted code a random position among the offered with that code.

    Returns:
        Positions in `offered`, `NONE` where the code is not offered or is `NONE`.
    """
    order = np.argsort(offered, kind="stable")
    ordered = offered[order]
    first = np.searchsorted(ordered, wanted, side="left")
    last = np.searchsorted(ordered, wanted, side="right")
    found = (last > first) & (wanted >= 0)
    place = first + (rng.random(len(wanted)) * (last - first)).astype(np.int64)
    result = np.full(len(wanted), NONE, dtype=np.int64)
    result[found] = order[place[found]]
    return result


def paired(wanted: Ints, offered: Ints, rng: np.random.Generator) -> Ints:
    """Pair wanted codes with offered ones at random, each at most once.

    Returns:
        Positions in `offered`; `NONE` where a code is wanted more often than it is offered.
    """
    order, stock = (np.lexsort((rng.random(len(c)), c)) for c in (wanted, offered))
    ordered = offered[stock]
    first = np.searchsorted(ordered, wanted, side="left")
    last = np.searchsorted(ordered, wanted, side="right")
    place = np.empty(len(wanted), dtype=np.int64)
    place[order] = rank_in_group(wanted[order])
    place += first
    result = np.full(len(wanted), NONE, dtype=np.int64)
    found = place < last
    result[found] = stock[place[found]]
    return result


def matched_groups(sizes: Ints, known: Ints, rng: np.random.Generator) -> Ints:
    """Return for each group a known one that stands at the same place when ordered by size.

    Args:
        sizes: of the groups.
        known: sizes of the groups to choose from, at least one.
        rng: decides among groups of equal size.
    """
    shuffled = rng.permutation(len(known))
    by_size = shuffled[np.argsort(known[shuffled], kind="stable")]
    places = ((np.arange(len(sizes)) + 0.5) * (len(known) / max(len(sizes), 1))).astype(np.int64)
    result = np.empty(len(sizes), dtype=np.int64)
    result[np.argsort(sizes, kind="stable")] = by_size[places]
    return result
