"""Keys and their reasons in words, the same in every document.

Imports the model only.
"""

from __future__ import annotations

from schemasynth.model import ForeignKey, ImplicitEntity, Origin, PrimaryKey, UniqueKey

_FIGURES = {
    "inclusion": "{:.1%} of the values are found there",
    "coverage": "{:.0%} of the keys there are used",
    "name_score": "names agree {:.2f}",
    "margin": "ahead of the next target by {:.2f}",
    "uniqueness": "unique",
}


def count(number: int, what: str) -> str:
    """Return a number of things: ``1 table``, ``1,200 rows``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def standing(key: PrimaryKey | UniqueKey | ForeignKey) -> str:
    """Return where a key comes from and how sure it is."""
    if key.origin is Origin.DECLARED:
        return "declared"
    return f"{key.origin} {key.confidence:.2f}"


def reason(key: PrimaryKey | ForeignKey) -> str:
    """Return the evidence for a key in words; empty for a declared one."""
    known = ((name, key.evidence.get(name)) for name in _FIGURES)
    return ", ".join(
        _FIGURES[name].format(value)
        for name, value in known
        if isinstance(value, int | float) and value
    )


def columns(names: tuple[str, ...]) -> str:
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
