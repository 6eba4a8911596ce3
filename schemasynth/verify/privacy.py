"""How private synthetic rows are: identifiers of the source in them, copies, distances.

Pure functions of frames and the plan. Reports hold counts and shares, never a value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from schemasynth.arrays import array, codes
from schemasynth.infer.rules.facts import as_numbers
from schemasynth.model.sensitivity import SHARED, SensitiveKind
from schemasynth.plan.model import ColumnTreatment, RefreshPlan, Role, TablePlan
from schemasynth.rewrite.forms import MIN_LENGTH, normalised, phrases

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from schemasynth.arrays import Array, Bools
    from schemasynth.rows import Tables

    Floats = npt.NDArray[np.float64]

COMPARED = 2_000
"""Synthetic rows whose distances are measured: the share is then known within 0.02."""
NEIGHBOURS = 5_000
"""Rows of either side that they are measured to."""
ALARM = 1e-6
"""Chance of an honest generator below which a difference between training and holdout is taken
for copying: one false alarm in a million tables."""
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
        chance: of as large a difference if training rows were as unknown as holdout rows.
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
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    synthetic: pd.DataFrame,
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
    names = [c.name for c in table.columns if c.treatment is ColumnTreatment.LEARN]
    names = [n for n in names if all(n in rows for rows in (training, holdout, synthetic))]
    if not names or 0 in map(len, (training, holdout, synthetic)):
        return None
    rng = np.random.default_rng(seed)
    size = min(len(training), len(holdout), NEIGHBOURS)
    seen, unseen = (_some(rows, names, size, rng) for rows in (training, holdout))
    made = _some(synthetic, names, COMPARED, rng)
    encoded = [_encoded(*columns) for columns in zip(seen, unseen, made, strict=True)]
    near, second = _nearest([(e[0], e[2], e[3]) for e in encoded])
    near_other, second_other = _nearest([(e[1], e[2], e[3]) for e in encoded])
    closer, further = near < near_other, near > near_other
    identical, other = near == 0, near_other == 0
    return Copies(
        len(near),
        float(identical.mean()),
        float(other.mean()),
        float(closer.mean() + (~closer & ~further).mean() / 2),
        _percentile(near, second),
        _percentile(near_other, second_other),
        min(_chance(closer, further), _chance(identical & ~other, other & ~identical)),
    )


def _some(
    rows: pd.DataFrame, names: Sequence[str], size: int, rng: np.random.Generator
) -> list[Array]:
    chosen = pa.array(np.sort(rng.permutation(len(rows))[:size]))
    return [array(rows, name).take(chosen) for name in names]


def _encoded(seen: Array, unseen: Array, made: Array) -> tuple[Floats, Floats, Floats, bool]:
    """Return values as numbers: ranks between 0 and 1 where they are ordered, codes else."""
    kind = seen.type
    parts = [
        one if one.type == kind else one.cast(kind, safe=False) for one in (seen, unseen, made)
    ]
    both = pa.concat_arrays(parts)
    ends = np.cumsum([len(part) for part in parts])
    ordered = bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_temporal(kind)
    )
    numbers = _ranks(both) if ordered else codes(both).astype(np.float64)
    first, middle, last = np.split(numbers, ends[:2])
    return first, middle, last, ordered


def _ranks(values: Array) -> Floats:
    """Return the share of smaller values, −1 for NULL: far from all others."""
    numbers = as_numbers(values)
    missing = np.isnan(numbers)
    ordered = np.sort(numbers[~missing])
    ranks = np.searchsorted(ordered, numbers, side="left") / max(len(ordered), 1)
    return np.where(missing, -1.0, ranks)


def _nearest(columns: Sequence[tuple[Floats, Floats, bool]]) -> tuple[Floats, Floats]:
    """Return the distances of made rows to the nearest and second nearest given row.

    The distance is the mean over columns (Gower, 1971): of ordered ones the difference of ranks,
    of others 0 or 1.
    """
    rows = len(columns[0][1])
    step = max(1, 4_000_000 // max(len(columns[0][0]), 1))
    near, second = np.empty(rows), np.empty(rows)
    for start in range(0, rows, step):
        here = slice(start, min(start + step, rows))
        total = np.zeros((here.stop - start, len(columns[0][0])))
        for given, made, ordered in columns:
            apart = made[here, None] - given[None, :]
            total += np.minimum(np.abs(apart), 1.0) if ordered else apart != 0
        two = np.partition(total, min(1, total.shape[1] - 1), axis=1)[:, :2]
        near[here], second[here] = two[:, 0], two[:, -1]
    return near / len(columns), second / len(columns)


def _percentile(near: Floats, second: Floats) -> float:
    ratio = np.divide(near, second, out=np.ones_like(near), where=second > 0)
    return float(np.percentile(ratio, 5))


def _chance(more: Bools, fewer: Bools) -> float:
    """Return the chance that at least so many of the rows that differ lean to one side."""
    from scipy.stats import binomtest

    hits, total = int(more.sum()), int(more.sum() + fewer.sum())
    return float(binomtest(hits, total, 0.5, alternative="greater").pvalue) if total else 1.0


def rare_carried_over(
    training: Array, holdout: Array, synthetic: Array, most: int = 3
) -> tuple[int, int]:
    """Return how many rare values of the training rows stand in synthetic rows, and how many are.

    Args:
        training: a column of rows that the generator saw.
        holdout: of rows that it did not see; values that stand there are not rare.
        synthetic: of rows that it made.
        most: times that a rare value occurs.
    """
    counts: defaultdict[str, int] = defaultdict(int)
    for value in training.drop_null().cast(pa.string()).to_pylist():
        counts[value] += 1
    unseen = set(holdout.drop_null().cast(pa.string()).unique().to_pylist())
    rare = {value for value, count in counts.items() if count <= most} - unseen
    made = set(synthetic.drop_null().cast(pa.string()).unique().to_pylist())
    return len(rare & made), len(rare)


def sensitive_columns(plan: RefreshPlan) -> Mapping[str, int]:
    """Return how many columns of the plan are sensitive, by kind."""
    found: defaultdict[str, int] = defaultdict(int)
    for table in plan.tables:
        for column in table.columns:
            if column.sensitivity is not None:
                found[column.sensitivity.kind] += 1
    return dict(found)
