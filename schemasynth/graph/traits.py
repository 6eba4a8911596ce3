"""Which columns of a parent tell something of its children: traits by which one is matched.

Pure functions of codes; used by the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from schemasynth.arrays import Ints
from schemasynth.graph.association import association

MAX_TRAITS = 3
"""More would leave too few parents alike to choose among."""
MIN_GAIN = 0.01
"""What a trait must add to the association with some column: below it, it is noise."""
ROWS = 5_000
"""Rows that are looked at: the error of an association is then below `MIN_GAIN`."""


def telling(child: Sequence[Ints], parent: Mapping[str, Ints]) -> tuple[str, ...]:
    """Choose columns of a parent, the most telling first, each for what it adds.

    Forward selection by chance-corrected association (`association`) of the joint values.

    Args:
        child: codes of each column of the child, a code a row.
        parent: codes of each column of the parent, by name; of each child row's parent.

    Returns:
        At most `MAX_TRAITS` names.
    """
    if not child or not parent:
        return ()
    joint = np.zeros(len(child[0]), dtype=np.int64)
    known = np.zeros(len(child))
    chosen: list[str] = []
    while len(chosen) < min(MAX_TRAITS, len(parent)):
        found = {
            name: np.array([association(_both(joint, codes), told) for told in child])
            for name, codes in parent.items()
            if name not in chosen
        }
        name = max(found, key=lambda name: float(np.maximum(found[name] - known, 0).max()))
        if float((found[name] - known).max()) < MIN_GAIN:
            break
        chosen.append(name)
        joint, known = _both(joint, parent[name]), np.maximum(known, found[name])
    return tuple(chosen)


def _both(one: Ints, other: Ints) -> Ints:
    codes, _ = pd.factorize(one * (int(other.max(initial=0)) + 1) + other)
    return codes.astype(np.int64)
