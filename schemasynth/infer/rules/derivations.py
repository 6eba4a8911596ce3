"""Columns written from others: parts of a date, time between two dates, joined texts.

Imports the base of rules; called by the discovery and by the repair of rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import cast
from schemasynth.infer.rules.chance import MAX_EXCEPTIONS, is_rule
from schemasynth.infer.rules.facts import is_number
from schemasynth.infer.rules.place import Place, shuffled_share
from schemasynth.model.rules import Rule, RuleKind

if TYPE_CHECKING:
    from schemasynth.arrays import Array, Bools

PROBE = 64
"""Rows on which everything is tried before it is counted on all."""
PROBE_SHARE = 0.85
MIN_PROBE = 10
MAX_TEXTS = 60
"""Columns of texts whose pairs are tried."""
MAX_SEPARATOR = 3
"""Characters between two texts that are joined."""

UNITS: Mapping[str, int] = {"days": 86_400_000_000, "hours": 3_600_000_000, "minutes": 60_000_000}
"""Microseconds of what is counted between two times."""


def _text(form: str) -> Callable[[Array], Array]:
    return lambda times: pc.strftime(times, format=form)


def _number(form: str) -> Callable[[Array], Array]:
    return lambda times: pc.strftime(times, format=form).cast(pa.int64())


PARTS: Mapping[str, Callable[[Array], Any]] = {
    "year": pc.year,
    "quarter": pc.quarter,
    "month": pc.month,
    "week": pc.iso_week,
    "day": pc.day,
    "weekday": lambda times: pc.day_of_week(times, count_from_zero=False),
    "weekday_from_0": pc.day_of_week,
    "weekday_from_sunday": lambda times: pc.day_of_week(times, week_start=7, count_from_zero=False),
    "day_of_year": pc.day_of_year,
    "hour": pc.hour,
    "year_month": _number("%Y%m"),
    "date_number": _number("%Y%m%d"),
    "year_text": _text("%Y"),
    "month_text": _text("%m"),
    "year_month_text": _text("%Y%m"),
    "month_of_year": _text("%Y-%m"),
    "date_text": _text("%Y-%m-%d"),
    "month_name": _text("%B"),
    "day_name": _text("%A"),
    "date": lambda times: times.cast(pa.date32()),
}
"""Parts of dates and times, by the name that `how` gives them."""


def derivations(place: Place) -> Iterator[Rule]:
    """Yield parts of dates, times between dates and texts made of others."""
    yield from _parts(place)
    yield from _elapsed(place)
    yield from _texts(place)


def date_part(times: Array, how: str) -> Array:
    """Return a part of dates or times.

    Args:
        times: dates or timestamps.
        how: a name of `PARTS`.
    """
    return PARTS[how](_stamps(times))


def _stamps(times: Array) -> Array:
    return times.cast(pa.timestamp("us", tz=getattr(times.type, "tz", None)))


def elapsed(start: Array, end: Array, how: str) -> Array:
    """Return whole units of time between two times.

    Args:
        start: dates or timestamps.
        end: of the same rows.
        how: a name of `UNITS`.
    """
    first, last = (_stamps(times).cast(pa.int64()) for times in (start, end))
    return pc.divide(pc.subtract(last, first), UNITS[how])


def joined(left: Array, right: Array, how: str) -> Array:
    """Return two texts with `how` between them."""
    return pc.binary_join_element_wise(left, right, how)


def cased(values: Array, how: str) -> Array:
    """Return texts in capitals (`upper`) or small letters (`lower`)."""
    return (pc.utf8_upper if how == "upper" else pc.utf8_lower)(values)


def same(values: Array, wanted: Array) -> tuple[Bools, Bools]:
    """Return where both are there, and where they agree; all False for unlike types."""
    wanted = cast(wanted, values.type)
    if wanted.type != values.type:
        nothing = np.zeros(len(values), dtype=np.bool_)
        return nothing, nothing
    equal: Any = pc.equal(values, wanted)
    present = np.asarray(equal.is_valid().to_numpy(zero_copy_only=False), dtype=np.bool_)
    filled = pc.fill_null(equal, False)
    return present, np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.bool_)


def _parts(place: Place) -> Iterator[Rule]:
    columns = place.facts.columns
    targets = [
        name
        for name in place.names
        if name not in place.settled and place.distinct[name] > 1
        if is_number(columns[name].type)
        or pa.types.is_string(columns[name].type)
        or pa.types.is_date(columns[name].type)
    ]
    for source in place.times:
        probe = _probe(place, source)
        parts = {how: date_part(columns[source].take(probe), how) for how in PARTS}
        lists = {how: part.to_pylist() for how, part in parts.items()}
        for target in targets:
            if target == source:
                continue
            values = columns[target].take(probe)
            plain = values.to_pylist()
            for how, part in parts.items():
                if _fits(how, part, values) and _agree(plain, lists[how]):
                    whole = date_part(columns[source], how)
                    rule = _counted(place, RuleKind.DATE_PART, (source, target), how, whole)
                    if rule is not None:
                        yield rule
                        break


def _agree(values: list[Any], wanted: list[Any]) -> bool:
    """Tell whether enough of a probe is as wanted."""
    pairs = [(a, b) for a, b in zip(values, wanted, strict=True) if a is not None]
    return len(pairs) >= MIN_PROBE and sum(a == b for a, b in pairs) >= PROBE_SHARE * len(pairs)


def _fits(how: str, part: Array, values: Array) -> bool:
    """Tell whether a part is of the column's type."""
    if how == "date":
        return bool(pa.types.is_date(values.type))
    if pa.types.is_string(part.type):
        return bool(pa.types.is_string(values.type))
    return is_number(values.type)


def _probe(place: Place, name: str) -> Array:
    usable = np.flatnonzero(~place.facts.missing(name))
    return pa.array(np.random.default_rng(len(usable)).permutation(usable)[:PROBE])


def _counted(
    place: Place, kind: RuleKind, columns: tuple[str, ...], how: str, wanted: Array
) -> Rule | None:
    values = place.facts.columns[columns[-1]]
    present, equal = same(values, wanted)
    rows = int(present.sum())
    exceptions = rows - int(equal.sum())
    if exceptions > MAX_EXCEPTIONS * max(rows, 1):
        return None
    chosen = np.flatnonzero(present)
    moved = values.take(pa.array(np.roll(chosen, rows // 3 + 1)))
    _, by_chance = same(moved, wanted.take(pa.array(chosen)))
    if is_rule(rows, exceptions, shuffled_share(by_chance, rows), len(place.names) ** 2):
        return place.rule(kind, columns, rows, exceptions, how)
    return None


def _elapsed(place: Place) -> Iterator[Rule]:
    facts, columns = place.facts, place.facts.columns
    if not place.numbers:
        return
    numbers = np.column_stack([facts.numbers(name) for name in place.numbers])
    for end in place.times:
        probe = np.asarray(_probe(place, end), dtype=np.int64)
        for start in place.times:
            if start == end:
                continue
            apart = facts.numbers(end)[probe] - facts.numbers(start)[probe]
            for how, unit in UNITS.items():
                hits = numbers[probe] == np.trunc(apart / unit)[:, None]
                valid = ~(np.isnan(numbers[probe]) | np.isnan(apart)[:, None])
                enough = (valid.sum(axis=0) >= MIN_PROBE) & (
                    hits.sum(axis=0) >= PROBE_SHARE * valid.sum(axis=0)
                )
                for i in np.flatnonzero(enough):
                    names = (start, end, place.numbers[i])
                    whole = elapsed(columns[start], columns[end], how)
                    rule = _counted(place, RuleKind.ELAPSED, names, how, whole)
                    if rule is not None:
                        yield rule


def _texts(place: Place) -> Iterator[Rule]:
    columns = place.facts.columns
    names = place.texts[:MAX_TEXTS]
    for target in names:
        probe = _probe(place, target)
        wanted = columns[target].take(probe).to_pylist()
        parts = {name: columns[name].take(probe).to_pylist() for name in names if name != target}
        for how, change in (("lower", str.lower), ("upper", str.upper)):
            for name, values in parts.items():
                turned = [None if text is None else change(text) for text in values]
                if _agree(wanted, turned) and not _agree(values, turned):
                    whole = cased(columns[name], how)
                    rule = _counted(place, RuleKind.CASED, (name, target), how, whole)
                    if rule is not None:
                        yield rule
        for left, right, how in _joins(wanted, parts):
            whole = joined(columns[left], columns[right], how)
            rule = _counted(place, RuleKind.JOINED, (left, right, target), how, whole)
            if rule is not None:
                yield rule


def _joins(
    wanted: list[str | None], parts: Mapping[str, list[str | None]]
) -> Iterator[tuple[str, str, str]]:
    """Yield pairs of columns that stand at the start and the end of a text, and what is between."""
    starts = [n for n, values in parts.items() if _often(wanted, values, str.startswith)]
    ends = [n for n, values in parts.items() if _often(wanted, values, str.endswith)]
    for left in starts:
        for right in ends:
            if left == right:
                continue
            between: dict[str, int] = {}
            for text, a, b in zip(wanted, parts[left], parts[right], strict=True):
                if text and a and b and text.startswith(a) and text.endswith(b):
                    middle = text[len(a) : len(text) - len(b)]
                    if len(text) >= len(a) + len(b) and len(middle) <= MAX_SEPARATOR:
                        between[middle] = between.get(middle, 0) + 1
            if between:
                how = max(between, key=lambda text: between[text])
                if between[how] >= PROBE_SHARE * len(wanted) * 0.5:
                    yield left, right, how


def _often(
    wanted: list[str | None], values: list[str | None], test: Callable[[str, str], bool]
) -> bool:
    pairs = [(a, b) for a, b in zip(wanted, values, strict=True) if a and b and len(b) < len(a)]
    return len(pairs) >= MIN_PROBE and sum(test(a, b) for a, b in pairs) >= PROBE_SHARE * len(pairs)
