"""How private synthetic rows are: identifiers of the source in them, copies, distances.

Pure functions of frames and the plan. Reports hold counts and shares, never a value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import array
from schemasynth.model.sensitivity import SHARED, SensitiveKind
from schemasynth.plan.model import RefreshPlan, Role, TablePlan
from schemasynth.rewrite.forms import MIN_LENGTH, normalised, phrases
from schemasynth.verify.distance import ALARM, affordable, compared

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Ints
    from schemasynth.rows import Rows, Tables
    from schemasynth.verify.distance import Column, Compared, Floats

COMPARED = 2_000
"""Synthetic rows whose distances are measured: the share is then known within 0.02."""
NEIGHBOURS = 5_000
"""Rows of either side that they are measured to."""
TIE = 1e-9
"""Difference of distances that is one of rounding."""
SEARCHED = 50_000
"""Synthetic rows in which rare values are looked for."""
RARE = 3
"""Times that a rare value occurs among the compared rows of one side; on the other it does not."""
PAIRED = 20
"""Columns of which each two are paired: 190 pairs, a second."""
_K = SensitiveKind


@dataclass(frozen=True, slots=True)
class IdentifiersFound:
    """Values of a sensitive source column that stand in a column of the output.

    Attributes:
        source: the column that they are from, as ``table.column``.
        place: the column where they stand.
        exact: different values that stand there as they are.
        normalised: different values that stand there without case, accents and separators.
    """

    source: str
    place: str
    exact: int
    normalised: int


@dataclass(frozen=True, slots=True)
class Copies:
    """How near synthetic rows of one table are to training rows and to holdout rows.

    Attributes:
        rows: synthetic rows that were compared.
        identical: of them, alike with a training row in all compared columns, 0 to 1.
        identical_holdout: alike with a holdout row, of as many as there are training rows.
        nearer: nearer to a training row than to any holdout row; ties count half. 0.5 is ideal.
        ratio: fifth percentile of the distance to the nearest training row by that to the second.
        ratio_holdout: the same with holdout rows.
        chance: at most that of such a difference if training rows were as unknown as holdout rows.
    """

    rows: int
    identical: float
    identical_holdout: float
    nearer: float
    ratio: float
    ratio_holdout: float
    chance: float

    @property
    def suspicious(self) -> bool:
        """Whether rows of the training data were copied."""
        return self.chance < ALARM


@dataclass(frozen=True, slots=True)
class CarryOver:
    """Rare values of real rows that synthetic rows have too.

    Attributes:
        carried: values that are rare in training rows and stand in synthetic rows.
        rare: values that are rare in training rows.
        carried_holdout: values that are rare in holdout rows and stand there, by chance.
        rare_holdout: values that are rare in holdout rows.
    """

    carried: int = 0
    rare: int = 0
    carried_holdout: int = 0
    rare_holdout: int = 0


def identifiers_found(
    plan: RefreshPlan, source: Tables, synthetic: Tables
) -> tuple[IdentifiersFound, ...]:
    """Look for all direct identifiers of the source in all of the output.

    Args:
        plan: says which columns hold them.
        source: rows by table, in memory or in files.
        synthetic: the same tables.

    Returns:
        One for each pair of columns with a value in common; empty where all is well.
    """
    wanted = list(_identifiers(plan, source))
    found = []
    for name, rows in synthetic.items():
        for column in map(str, rows.columns):
            values = array(rows, column)
            if pa.types.is_string(values.type) or pa.types.is_integer(values.type):
                found += list(_in_column(plan, f"{name}.{column}", values, wanted))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Wanted:
    place: str
    kind: SensitiveKind
    exact: frozenset[str]
    normalised: frozenset[str]


def _identifiers(plan: RefreshPlan, source: Tables) -> Iterator[_Wanted]:
    for table in plan.tables:
        name = str(table.name)
        if table.is_entity or table.role is Role.SKIP or name not in source:
            continue
        for column in table.columns:
            sensitive = column.sensitivity
            if sensitive is None or not sensitive.direct or column.name not in source[name]:
                continue
            values = array(source[name], column.name).drop_null().unique()
            plain = normalised(values, is_name=sensitive.kind is _K.FULL_NAME)
            yield _Wanted(
                f"{name}.{column.name}",
                sensitive.kind,
                frozenset(map(str, values.to_pylist())),
                frozenset(filter(None, plain.to_pylist())),
            )


def _in_column(
    plan: RefreshPlan, place: str, values: Array, wanted: Sequence[_Wanted]
) -> Iterator[IdentifiersFound]:
    kind = _kind_of(plan, place)
    distinct = values.drop_null().unique()
    exact = set(map(str, distinct.to_pylist()))
    plain = set(normalised(distinct, is_name=kind is _K.FULL_NAME).to_pylist())
    texts = pa.types.is_string(distinct.type)
    within = set[str]().union(*phrases(distinct)) if texts else set()
    for one in wanted:
        same_kind = kind is one.kind
        if one.kind in SHARED and not same_kind:
            continue
        as_is = {v for v in one.exact & exact if same_kind or len(v) >= MIN_LENGTH}
        alike = {v for v in one.normalised & plain if same_kind or len(v) >= MIN_LENGTH}
        alike |= {v for v in one.normalised & within if len(v) >= MIN_LENGTH}
        if as_is or alike:
            yield IdentifiersFound(one.place, place, len(as_is), len(alike))


def _kind_of(plan: RefreshPlan, place: str) -> SensitiveKind | None:
    for table in plan.tables:
        for column in table.columns:
            if place == f"{table.name}.{column.name}" and column.sensitivity is not None:
                return column.sensitivity.kind
    return None


def copies(
    table: TablePlan,
    training: Rows,
    holdout: Rows,
    synthetic: Rows,
    seed: int = 0,
) -> Copies | None:
    """Compare synthetic rows with those the generator saw and those it did not.

    Args:
        table: whose learned columns are compared.
        training: rows that the generator learned from.
        holdout: rows of the same source that it did not see.
        synthetic: rows that it made.
        seed: chooses which rows are compared where there are many.

    Returns:
        None where no column is learned or a side has no row.
    """
    limits = affordable(table, NEIGHBOURS, COMPARED)
    sides = compared(table, training, holdout, synthetic, seed, limits)
    if sides is None:
        return None
    found = _nearest(sides)
    near, near_other = found.near[0], found.near[1]
    closer, further = near < near_other, near > near_other
    return Copies(
        len(near),
        float((near == 0).mean()),
        float((near_other == 0).mean()),
        float(closer.mean() + (~closer & ~further).mean() / 2),
        _percentile(near, found.second[0]),
        _percentile(near_other, found.second[1]),
        min(sides.chance(found.hits), sides.chance(found.exact)),
    )


@dataclass(frozen=True, slots=True)
class _Nearest:
    """Distances of made rows to the nearest and second nearest row of each side.

    Attributes:
        near: of the training rows, and of the holdout rows.
        second: likewise.
        hits: of each real row, the made rows that are nearest to it; ties share one.
        exact: of them, those alike in all columns.
    """

    near: tuple[Floats, Floats]
    second: tuple[Floats, Floats]
    hits: Floats
    exact: Floats


def _nearest(sides: Compared) -> _Nearest:
    made, split = sides.made, sides.seen
    near, second = np.empty((2, made)), np.empty((2, made))
    hits, exact = np.zeros(sides.real), np.zeros(sides.real)
    for here in sides.steps(made):
        total = sum(column.apart(column.made[here], column.real) for column in sides.columns)
        total = np.asarray(total) / len(sides.columns)
        for side, part in enumerate((total[:, :split], total[:, split:])):
            two = np.partition(part, min(1, part.shape[1] - 1), axis=1)[:, :2]
            near[side, here], second[side, here] = two[:, 0], two[:, -1]
        nearest = near[:, here].min(axis=0)
        tied = total <= nearest[:, None] + TIE
        shared = tied / tied.sum(axis=1)[:, None]
        hits += shared.sum(axis=0)
        exact += shared[nearest == 0].sum(axis=0)
    return _Nearest((near[0], near[1]), (second[0], second[1]), hits, exact)


def _percentile(near: Floats, second: Floats) -> float:
    ratio = np.divide(near, second, out=np.ones_like(near), where=second > 0)
    return float(np.percentile(ratio, 5))


def rare_carried_over(
    table: TablePlan,
    training: Rows,
    holdout: Rows,
    synthetic: Rows,
    seed: int = 0,
) -> tuple[CarryOver, CarryOver] | None:
    """Count rare values, and rare pairs of values of two columns, that synthetic rows have too.

    Args:
        table: whose learned columns are looked at.
        training: rows that the generator learned from.
        holdout: rows of the same source that it did not see.
        synthetic: rows that it made.
        seed: chooses which rows are compared where there are many.

    Returns:
        Of values and of pairs; None where no column is learned or a side has no row.
    """
    sides = compared(table, training, holdout, synthetic, seed, (NEIGHBOURS, SEARCHED))
    if sides is None:
        return None
    numbered = [_numbered(column) for column in sides.columns[:PAIRED]]
    values = [_carried(real, made, sides.seen) for real, made in map(_numbered, sides.columns)]
    pairs = [
        _carried(*_paired(left, right), sides.seen) for left, right in combinations(numbered, 2)
    ]
    return _summed(values), _summed(pairs)


def _numbered(column: Column) -> tuple[Ints, Ints]:
    """Return numbers that are equal for equal values of real and of made rows; 0 for NULL."""
    both = np.concatenate([column.real, column.made])
    _, numbers = np.unique(both, return_inverse=True)
    numbers = np.where(both < 0, 0, numbers.reshape(-1) + 1)
    real, made = np.split(numbers, [len(column.real)])
    return real, made


def _paired(left: tuple[Ints, Ints], right: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    width = 1 + max(int(part.max()) for part in right)
    real, made = (
        np.where((a > 0) & (b > 0), a * width + b, 0) for a, b in zip(left, right, strict=True)
    )
    return real, made


def _carried(real: Ints, made: Ints, seen: int) -> CarryOver:
    there = np.unique(made)
    counts = []
    for side, other in ((real[:seen], real[seen:]), (real[seen:], real[:seen])):
        values, times = np.unique(side, return_counts=True)
        rare = np.setdiff1d(values[(times <= RARE) & (values > 0)], other)
        counts += [int(np.isin(rare, there).sum()), len(rare)]
    return CarryOver(*counts)


def _summed(parts: Sequence[CarryOver]) -> CarryOver:
    return CarryOver(*map(sum, zip(*map(astuple, parts), strict=True)))


def identifier_columns(plan: RefreshPlan) -> int:
    """Return how many columns of the plan hold values that lead to one person."""
    return sum(
        column.sensitivity is not None and column.sensitivity.direct
        for table in plan.tables
        for column in table.columns
        if not table.is_entity and table.role is not Role.SKIP
    )
