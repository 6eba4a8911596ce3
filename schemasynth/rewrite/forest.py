"""The shape of hierarchies: levels, cycles cut, forests of other sizes.

Pure functions of NumPy arrays; imported by the rewrite of self-references.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from schemasynth.arrays import NONE, Ints, ranges, runs
from schemasynth.rewrite.draw import matched_groups, share_in_groups

RESERVED = 0.5
"""Share of the nodes of a smaller forest spent at most on levels that it would lose by rounding."""


@dataclass(frozen=True, slots=True)
class Forest:
    """A forest, or several: no tree reaches into another group.

    Attributes:
        parents: position of each node's parent; `NONE` for roots.
        levels: how far each node is from its root.
        groups: a number for each node.
    """

    parents: Ints
    levels: Ints
    groups: Ints


def depths(parents: Ints) -> Ints:
    """Return how far each node is from its root; 0 for roots.

    Args:
        parents: position of each node's parent; `NONE` or itself for roots. Nodes on a cycle,
            and below one, get −1.

    Each round doubles how far `above` looks, so a chain takes no more rounds than a bush.
    """
    nodes = np.arange(len(parents), dtype=np.int64)
    above = np.where(parents == NONE, nodes, parents)
    roots = above == nodes
    steps = (~roots).astype(np.int64)
    for _ in range(len(parents).bit_length()):
        steps += steps[above]
        above = above[above]
    return np.where(roots[above], steps, NONE)


def acyclic(parents: Ints) -> Ints:
    """Return parents without cycles: of each cycle the first node becomes a root.

    Args:
        parents: position of each node's parent; `NONE` or itself for roots.
    """
    nodes = np.arange(len(parents), dtype=np.int64)
    above = np.where(parents == NONE, nodes, parents)
    first, step = nodes, above
    for _ in range(len(parents).bit_length()):
        first = np.minimum(first, first[step])
        step = step[step]
    on_cycle = np.zeros(len(parents), dtype=np.bool_)
    on_cycle[step] = True  # after more steps than there are nodes, nobody is still on the way
    return np.where(on_cycle & (first == nodes), NONE, parents)


def grow(shape: Forest, groups: Ints, rng: np.random.Generator) -> tuple[Forest, Ints]:
    """Return a forest of another size with the shape of a given one.

    Args:
        shape: the given forest.
        groups: the group of each node of the new one.
        rng: source of randomness.

    Returns:
        The new forest, its nodes ordered by group, and the given node that each stands for or
        is drawn in place of. A group is made of whole copies of a given group that stands at the
        same place by size, and of a smaller copy for the rest.
    """
    size = len(groups)
    ordered = np.sort(groups)
    if len(shape.parents) == 0 or size == 0:
        flat = np.zeros(size, dtype=np.int64)
        return Forest(np.full(size, NONE, dtype=np.int64), flat, ordered), flat
    order = np.lexsort((shape.levels, shape.groups))
    known_starts, known_sizes = runs(shape.groups[order])
    starts, sizes = runs(ordered)
    of = matched_groups(sizes, known_sizes, rng)
    copies = sizes // known_sizes[of]
    whole = copies * known_sizes[of]
    stands_for = np.empty(size, dtype=np.int64)
    parents = np.full(size, NONE, dtype=np.int64)

    nodes = ranges(starts, whole)
    offset = nodes - np.repeat(starts, whole)
    known_size = np.repeat(known_sizes[of], whole)
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order)) - np.repeat(known_starts, known_sizes)
    stands_for[nodes] = order[np.repeat(known_starts[of], whole) + offset % known_size]
    above = shape.parents[stands_for[nodes]]
    parents[nodes] = np.where(above == NONE, NONE, nodes - offset % known_size + place[above])

    rest = np.flatnonzero(sizes > whole)
    drawn, drawn_above, drawn_for = _smaller(
        shape, order, known_starts[of[rest]], known_sizes[of[rest]], (sizes - whole)[rest], rng
    )
    first = ranges((starts + whole)[rest], (sizes - whole)[rest])
    stands_for[first[drawn]] = drawn_for
    parents[first[drawn]] = np.where(drawn_above == NONE, NONE, first[drawn_above])
    return Forest(parents, shape.levels[stands_for], ordered), stands_for


def _smaller(
    shape: Forest,
    order: Ints,
    starts: Ints,
    known_sizes: Ints,
    sizes: Ints,
    rng: np.random.Generator,
) -> tuple[Ints, Ints, Ints]:
    """Return nodes, parents and given nodes of smaller copies of groups, one after another.

    The levels of a copy have the shares that they have in the given group. Siblings are whole
    families of it, drawn at random, so that fan-out stays; the last one is cut. Families go to
    random nodes of the level above, one each.

    Args:
        shape: the given forest.
        order: its nodes by group and level.
        starts: in `order`, of the group that each copy is of.
        known_sizes: of those groups.
        sizes: of the copies, smaller.
        rng: source of randomness.
    """
    slots = order[ranges(starts, known_sizes)]
    copy = np.repeat(np.arange(len(sizes)), known_sizes)
    levels = shape.levels[slots]
    level_starts, counts = runs(copy * (levels.max(initial=0) + 1) + levels)
    copy, levels = copy[level_starts], levels[level_starts]
    wanted = _level_sizes(copy, levels, counts, known_sizes, sizes)

    family = shape.parents[slots]
    cell = np.repeat(np.arange(len(counts)), counts)
    luck = rng.random(len(shape.parents))[family]
    by_family = np.lexsort((rng.random(len(slots)), family, luck, cell))
    slots, family = slots[by_family], family[by_family]
    new = np.r_[True, (family[1:] != family[:-1]) | (cell[1:] != cell[:-1])][: len(slots)]
    rank = np.cumsum(new) - 1
    rank -= np.repeat(rank[level_starts], counts)

    offset = ranges(np.zeros(len(wanted), dtype=np.int64), wanted)
    taken = np.repeat(level_starts, wanted) + offset % np.repeat(counts, wanted)
    nodes = np.arange(len(taken), dtype=np.int64)
    level_of = np.repeat(np.arange(len(wanted)), wanted)
    node_starts = np.cumsum(wanted) - wanted
    mixed = np.lexsort((rng.random(len(nodes)), level_of))
    above = np.maximum(level_of - 1, 0)
    turn = rank[taken] % np.maximum(wanted[above], 1)
    parents = np.where(levels[level_of] == 0, NONE, mixed[node_starts[above] + turn])
    return nodes, parents, slots[taken]


def _level_sizes(copy: Ints, levels: Ints, counts: Ints, known_sizes: Ints, sizes: Ints) -> Ints:
    """Return how many nodes each level of each copy has.

    A level has at least one node where rounding would leave the deeper ones without ancestors,
    down to the deepest level at or below which one node is due.
    """
    rate = (sizes / known_sizes)[copy]
    starts, lengths = runs(copy)
    above = np.cumsum(counts) - counts
    above -= np.repeat(above[starts], lengths)
    lent = np.maximum(1 - counts * rate, 0)
    spent = np.cumsum(lent) - np.repeat((np.cumsum(lent) - lent)[starts], lengths)
    due = (known_sizes[copy] - above) * rate >= 1
    fits = (spent <= RESERVED * sizes[copy]) & (levels < sizes[copy])
    kept = (levels == 0) | (due & fits)
    spare = sizes - np.bincount(copy[kept], minlength=len(sizes))
    wanted: Ints = kept.astype(np.int64)
    wanted[kept] += share_in_groups(spare, counts[kept] - 1, copy[kept])
    return wanted
