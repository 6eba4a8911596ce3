"""Training, holdout and synthetic rows side by side, as numbers whose distances can be taken.

Pure; imports arrays, rows and the plan's values; the privacy measures are built on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import array, codes
from schemasynth.infer.rules.facts import as_numbers
from schemasynth.plan.model import ColumnTreatment, TablePlan
from schemasynth.rows import at

if TYPE_CHECKING:
    import numpy.typing as npt

    from schemasynth.arrays import Array, Ints
    from schemasynth.rows import Rows

    Floats = npt.NDArray[np.float64]

SUBJECT = "schemasynth:subject"
"""Column of training and holdout rows that says whose they are: subjects are chosen, not rows."""
ALARM = 1e-6
"""Chance of an honest generator below which a difference between training and holdout is taken
for copying: one false alarm in a million tables."""
CELLS = 4_000_000
"""Distances held at a time: 32 MB."""
BUDGET = 400_000_000
"""Values compared for one measure of one table: some four seconds. Of wide tables fewer rows are
compared."""


@dataclass(frozen=True, slots=True)
class Column:
    """A learned column of both sides and of the synthetic rows.

    Attributes:
        real: of the training rows, then of the holdout rows: shares of smaller values (ranks)
            where values are ordered, codes elsewhere.
        made: of the synthetic rows, likewise.
        ordered: whether distances are differences.
    """

    real: Floats
    made: Floats
    ordered: bool

    def apart(self, left: Floats, right: Floats) -> Floats:
        """Return how far each left value is from each right one, 0 to 1 (Gower, 1971)."""
        apart: Floats = np.abs(left[:, None] - right[None, :])
        return np.minimum(apart, 1.0, out=apart) if self.ordered else np.sign(apart, out=apart)


@dataclass(frozen=True, slots=True)
class Compared:
    """Rows of one table to be compared.

    Attributes:
        columns: the learned ones.
        owners: the subject of each real row.
        seen: how many of the real rows the generator saw; they come first, as many follow that
            it did not see.
        made: how many synthetic rows there are.
    """

    columns: tuple[Column, ...]
    owners: Ints
    seen: int
    made: int

    @property
    def real(self) -> int:
        """Real rows of both sides."""
        return len(self.owners)

    def steps(self, rows: int, layers: int = 1) -> Iterator[slice]:
        """Yield stretches of rows whose distances to all others can be held at once.

        Args:
            rows: of one kind.
            layers: distances held of each pair.
        """
        step = max(1, CELLS // (max(self.real, self.made) * layers))
        for start in range(0, rows, step):
            yield slice(start, min(start + step, rows))

    def chance(self, weights: Floats) -> float:
        """Bound the chance that training rows weigh so much more than holdout rows.

        Had the generator not seen it, each subject would have been on either side with equal
        chance: the difference is a sum with random signs, which Hoeffding's inequality bounds. A
        subject counts as one, so that many rows of few people are no evidence.

        Args:
            weights: of each real row.
        """
        _, subjects = np.unique(self.owners, return_inverse=True)
        sums = np.bincount(subjects, weights)
        difference = float(weights[: self.seen].sum() - weights[self.seen :].sum())
        spread = float((sums**2).sum())
        return math.exp(-(difference**2) / (2 * spread)) if difference > 0 < spread else 1.0


def compared(
    table: TablePlan,
    training: Rows,
    holdout: Rows,
    synthetic: Rows,
    seed: int,
    most: tuple[int, int],
) -> Compared | None:
    """Put rows side by side.

    Args:
        table: whose learned columns are compared.
        training: rows that the generator learned from.
        holdout: rows of the same source that it did not see.
        synthetic: rows that it made.
        seed: chooses which rows are compared where there are many.
        most: real rows of either side and synthetic rows, at most.

    Returns:
        None where no column is learned or a side has no row.
    """
    names = [c.name for c in table.columns if c.treatment is ColumnTreatment.LEARN]
    names = [n for n in names if all(n in rows for rows in (training, holdout, synthetic))]
    if not names or 0 in map(len, (training, holdout, synthetic)):
        return None
    rng = np.random.default_rng(seed)
    size = min(len(training), len(holdout), most[0])
    seen, unseen = (_some(rows, size, rng) for rows in (training, holdout))
    made = _some(synthetic, most[1], rng)
    owners = np.concatenate([_owners(seen, 0), _owners(unseen, len(seen))])
    columns = tuple(
        _column(array(seen, name), array(unseen, name), array(made, name)) for name in names
    )
    return Compared(columns, owners, len(seen), len(made))


def affordable(table: TablePlan, real: int, made: int) -> tuple[int, int]:
    """Return how many real rows of either side and synthetic rows are compared, at most.

    Args:
        table: of wide ones fewer synthetic rows are compared.
        real: rows wanted.
        made: rows wanted.
    """
    columns = sum(c.treatment is ColumnTreatment.LEARN for c in table.columns)
    return real, min(made, max(1, BUDGET // (2 * real * max(columns, 1))))


def _some(rows: Rows, size: int, rng: np.random.Generator) -> Rows:
    return at(rows, np.sort(rng.permutation(len(rows))[:size]))


def _owners(rows: Rows, start: int) -> Ints:
    if SUBJECT in rows:
        return np.asarray(array(rows, SUBJECT), dtype=np.int64)
    return np.arange(start, start + len(rows))


def _column(seen: Array, unseen: Array, made: Array) -> Column:
    kind = seen.type
    parts = [
        one if one.type == kind else one.cast(kind, safe=False) for one in (seen, unseen, made)
    ]
    every = pa.concat_arrays(parts)
    ordered = bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
    )
    numbers = _ranks(every) if ordered else codes(every).astype(np.float64)
    real, made_numbers = np.split(numbers, [len(seen) + len(unseen)])
    return Column(real, made_numbers, ordered)


def _ranks(values: Array) -> Floats:
    """Return the share of smaller values, −1 for NULL: far from all others."""
    numbers = as_numbers(values)
    missing = np.isnan(numbers)
    ordered = np.sort(numbers[~missing])
    ranks = np.searchsorted(ordered, numbers, side="left") / max(len(ordered), 1)
    return np.where(missing, -1.0, ranks)
