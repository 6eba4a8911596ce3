"""Keys and their reasons in words, the same in every document.

Imports the model only.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import TypeAlias

from schemasynth.model import (
    Evidence,
    ForeignKey,
    ImplicitEntity,
    Origin,
    PrimaryKey,
    Question,
    UniqueKey,
)
from schemasynth.model.rules import Rule, RuleKind

Key: TypeAlias = PrimaryKey | ForeignKey | ImplicitEntity

TELLING_NAME = 0.7
"""Name score from which a name is said to speak for a key."""
SILENT_NAME = 0.3
"""Name score below which it is said not to."""
IN_ORDER = 0.99
"""Share of rows above the one before from which a key is said to rise."""


def count(number: int, what: str) -> str:
    """Return a number of things: ``1 table``, ``1,200 rows``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def standing(key: PrimaryKey | UniqueKey | ForeignKey | ImplicitEntity) -> str:
    """Return where a key comes from and, if it was inferred, how sure it is."""
    if key.origin is not Origin.INFERRED:
        return key.origin.value
    return f"{key.origin} {key.confidence:.2f}"


def reason(key: Key) -> str:
    """Return the evidence for a key as one short line; empty where there is none."""
    phrases = (phrase(key, _Figures(key.evidence)) for phrase in _PHRASES)
    return ", ".join(text for text in phrases if text)


class _Figures:
    """Evidence, of which any figure may be missing or odd in a model that was edited."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    def number(self, name: str) -> float | None:
        value = self._evidence.get(name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if is_number and value is not None else None

    def text(self, name: str) -> str:
        value = self._evidence.get(name)
        return value if isinstance(value, str) else ""

    def is_true(self, name: str) -> bool:
        return self._evidence.get(name) is True


_Phrase: TypeAlias = Callable[[Key, _Figures], str]


def _included(key: Key, figures: _Figures) -> str:
    share, values = figures.number("inclusion"), figures.number("values")
    if share is None or not isinstance(key, ForeignKey):
        return ""
    target = f"{key.referred}.{key.referred_columns[0]}"
    if len(key.referred_columns) > 1:
        target = f"{key.referred}{columns(key.referred_columns)}"
    if values == 0:
        return "no values yet"
    if share == 1 and values == 1:
        return f"its one value in {target}"
    if share == 1:
        return f"all{'' if values is None else f' {values:,.0f}'} values in {target}"
    if values is None:
        return f"{share:.1%} of the values in {target}"
    return f"{round(share * values):,} of {values:,.0f} values ({_share(share)}) in {target}"


def _unique(_: Key, figures: _Figures) -> str:
    rows, uniqueness = figures.number("rows"), figures.number("uniqueness")
    if rows == 0:
        return "no rows yet"
    if uniqueness != 1:
        return ""
    return "unique" if rows is None else f"unique in {rows:,.0f} rows"


def _keys(_: Key, figures: _Figures) -> str:
    keys, rows = figures.number("keys"), figures.number("rows_a_key")
    if keys is None:
        return ""
    return f"{keys:,.0f} keys" + ("" if rows is None else f" with {rows:.1f} rows each")


def _shared(_: Key, figures: _Figures) -> str:
    shared, exceptions = figures.number("shared"), figures.number("exceptions")
    parts = []
    if shared is not None:
        parts.append(f"{_share(shared)} shared")
    if exceptions is not None:
        parts.append(f"{_share(exceptions)} exceptions" if exceptions else "without exception")
    return ", ".join(parts)


def _covered(_: Key, figures: _Figures) -> str:
    coverage = figures.number("coverage")
    return f"{_share(coverage)} of the keys used" if coverage else ""


def _missing(_: Key, figures: _Figures) -> str:
    nulls = figures.number("null_share")
    return f"{_share(nulls)} NULL" if nulls else ""


def _paired(_: Key, figures: _Figures) -> str:
    by_chance = figures.number("shuffled_inclusion")
    return "" if by_chance is None else f"{_share(by_chance)} if paired by chance"


def _smaller(key: Key, figures: _Figures) -> str:
    several = isinstance(key, PrimaryKey) and len(key.columns) > 1
    return "no column can be left out" if several and figures.is_true("minimal") else ""


def _rising(_: Key, figures: _Figures) -> str:
    return "rising from row to row" if (figures.number("row_order") or 0) >= IN_ORDER else ""


def _named(key: Key, figures: _Figures) -> str:
    score = figures.number("name_score")
    if score is None or SILENT_NAME <= score < TELLING_NAME:
        return ""
    said = str(key.referred) if isinstance(key, ForeignKey) else "key"
    return f"name says {said}" if score >= TELLING_NAME else f"name does not say {said}"


def _rival(_: Key, figures: _Figures) -> str:
    margin, rival = figures.number("margin"), figures.text("next_candidate")
    if margin is None:
        return ""
    if not rival:
        return "no other candidate"
    return f"next candidate {rival} {abs(margin):.2f} {'below' if margin >= 0 else 'above'}"


def _partly(_: Key, figures: _Figures) -> str:
    return "of the first rows only" if figures.is_true("sampled") else ""


_PHRASES: tuple[_Phrase, ...] = (
    _included,
    _unique,
    _keys,
    _shared,
    _covered,
    _missing,
    _paired,
    _smaller,
    _rising,
    _named,
    _rival,
    _partly,
)


def columns(names: Sequence[str]) -> str:
    """Return column names in parentheses."""
    return f"({', '.join(names)})"


def reference(key: ForeignKey) -> str:
    """Return a foreign key as columns and what they refer to."""
    return f"{columns(key.columns)} -> {key.referred}{columns(key.referred_columns)}"


def entity(found: ImplicitEntity) -> str:
    """Return an implicit entity in one sentence."""
    tables = ", ".join(str(member.table) for member in found.members)
    determined = ", ".join(
        f"{member.table}.{name}" for member in found.members for name in member.determined
    )
    tail = f"; it determines {determined}" if determined else ""
    return f"{columns(found.columns)} identifies the same thing in {tables}{tail}"


_RULES = {
    RuleKind.EQUAL: "{1} is {0}",
    RuleKind.ORDER: "{0} <= {1}",
    RuleKind.STRICT_ORDER: "{0} < {1}",
    RuleKind.DETERMINED: "{0} determines {1}",
    RuleKind.CONDITIONAL: "values of {0} fix that of {1}",
    RuleKind.CONSTANT: "{0} has one value",
    RuleKind.PRESENCE: "{0} decides whether {1} is set",
    RuleKind.TOGETHER: "{0} and {1} are set together or not at all",
    RuleKind.IMPLIES: "where {0} is set, {1} is",
    RuleKind.EXCLUSIVE: "{0} and {1} are never both set",
    RuleKind.EITHER: "{0} or {1} is set",
    RuleKind.NET: "{3} = {0} + {1} - {2}",
    RuleKind.PRODUCT: "{2} = {0} * {1}",
    RuleKind.RATIO: "{2} = {0} / {1}",
    RuleKind.FACTOR: "{1} = {how} * {0}",
    RuleKind.ELAPSED: "{2} = {how} from {0} to {1}",
    RuleKind.DATE_PART: "{1} = {how} of {0}",
    RuleKind.JOINED: "{2} = {0} and {1} joined",
    RuleKind.CASED: "{1} = {0} in {how} case",
    RuleKind.RUNNING: "{3} grows by {2} along {1} within {0}",
    RuleKind.DISJOINT: "periods {1} to {2} of one {0} do not overlap",
    RuleKind.AFTER_PARENT: "{0} >= {parent}",
    RuleKind.BEFORE_PARENT: "{0} <= {parent}",
    RuleKind.CHILD_COUNT: "{parent} = number of rows by {0}",
}


def rule(found: Rule) -> str:
    """Return what a rule says, with the rows that speak for it."""
    parent = f"{found.referred}.{'.'.join(found.referred_columns)}"
    match found.kind:
        case RuleKind.SUM:
            said = f"{found.columns[-1]} = {' + '.join(found.columns[:-1])}"
        case RuleKind.DISCOUNTED:
            unit = "" if found.how == "share" else " %"
            first, second, off, total = found.columns
            said = f"{total} = {first} * {second} less {off}{unit}"
        case RuleKind.CHILD_SUM:
            said = f"{parent} = sum of {_summed(found)}"
        case _:
            said = _RULES[found.kind].format(*found.columns, how=found.how, parent=parent)
    return f"{said}  {_support(found)}"


def _summed(found: Rule) -> str:
    words = found.how.split() or ["by"] * (len(found.columns) - 1)
    signs = {"by": "* {}", "less": "* (1 - {})", "plus": "* (1 + {})"}
    rest = [signs[word].format(name) for word, name in zip(words, found.columns[1:], strict=True)]
    return " ".join([found.columns[0], *rest])


def _support(found: Rule) -> str:
    if found.origin is not Origin.INFERRED:
        return str(found.origin)
    if not found.exceptions:
        return f"in all of {count(found.rows, 'row')}"
    return f"but for {found.exceptions:,} of {count(found.rows, 'row')}"


def answers(question: Question) -> tuple[tuple[str, str], ...]:
    """Return how to answer a question on the command line, each with what that changes."""
    quoted = shlex.quote(question.id)
    return (
        (f"--accept {quoted}", question.if_accepted),
        (f"--reject {quoted}", question.if_rejected),
    )


def _share(share: float) -> str:
    """Return a share in percent that says 0 or 100 only where it is exact."""
    if share in (0, 1):
        return f"{share:.0%}"
    return f"{min(max(share, 0.001), 0.999):.1%}"
