"""Tuples of columns as hashes: which of two tables' tuples agree, without asking a database.

Pure functions of arrays; used by the evidence for tables that fit into memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Hashes: TypeAlias = npt.NDArray[np.uint64]

ODD = 0x9E3779B97F4A7C15
"""Multiplier that spreads bits (the golden ratio in 64 bits)."""


def mixed(columns: Sequence[Hashes]) -> Hashes:
    """Return one hash a row of the hashes of its columns; their order counts."""
    import numpy as np

    result = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        result = (result ^ column) * np.uint64(ODD)
        result ^= result >> np.uint64(29)
    return result


def distinct_rows(columns: Sequence[Hashes]) -> list[Hashes]:
    """Return the columns of the distinct tuples, in the order of their hashes."""
    import numpy as np

    _, first = np.unique(mixed(columns), return_index=True)
    return [column[first] for column in columns]


def held(hashes: Hashes, among: Hashes) -> int:
    """Return how many hashes are among others, which are in order."""
    import numpy as np

    if not len(among):
        return 0
    places = np.minimum(np.searchsorted(among, hashes), len(among) - 1)
    return int((among[places] == hashes).sum())


def shuffled(columns: Sequence[Hashes]) -> Hashes:
    """Return the hashes of tuples whose last part is that of the next one.

    Args:
        columns: of distinct tuples, in the order of their hashes, which is a random one.
    """
    return mixed([*(column[:-1] for column in columns[:-1]), columns[-1][1:]])


def distinct_tuples(columns: Sequence[Hashes]) -> bool:
    """Tell whether no tuple stands twice."""
    import numpy as np

    hashes = np.sort(mixed(columns))
    return not bool((hashes[1:] == hashes[:-1]).any())
