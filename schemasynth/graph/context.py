"""Which parent is the context of which child: scores from samples, one global choice.

Imports the model and associations; used by the plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from schemasynth.graph.association import association, column_codes, dispersion
from schemasynth.model import TableName

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.graph.association import Codes

MAX_NULL_SHARE = 0.5
"""Above it the foreign key is the exception; a context would be made up for most rows."""
MIN_PARENTS = 20
"""Fewer parents with children are too few sequences to learn from."""
MIN_CHILDREN = 20
"""Fewer rows show no law of children a parent; the table keeps its number of rows without one."""
MAX_FANOUT = 1_000
"""Children of one parent that the generator sees together; longer lists come out shorter."""
FANOUT_QUANTILE = 0.95
"""A few longer lists among many parents are worth their context; a twentieth is not."""
WEIGHTS: Mapping[str, float] = {
    "siblings": 1.0,
    "attributes": 1.0,
    "counts": 0.3,
    "ownership": 0.3,
}
"""Only the context keeps sibling patterns, and it is the surest to keep attributes; the law of
counts can be restored otherwise, and ownership is a prior that decides where data do not."""
OWNERSHIP: Mapping[str, float] = {"in key": 0.5, "cascade": 0.3, "required": 0.15, "first": 0.05}
CLOSE = 0.05
"""A runner-up within this score is named as close."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A foreign key that could be the context.

    Attributes:
        child: the table.
        position: of the key among the child's.
        parent: the referenced table.
        parent_rows: positions of the parents of the child's sampled rows; −1 where there is none.
        ownership: marks of ownership that hold, keys of `OWNERSHIP`.
        missing: share of rows without a parent in the source. A sample of the parents lacks
            those of many sampled children; without it, the sample is taken for the whole.
    """

    child: TableName
    position: int
    parent: TableName
    parent_rows: Codes = field(compare=False)
    ownership: frozenset[str] = frozenset()
    missing: float | None = None

    @property
    def missing_share(self) -> float:
        """Share of rows without a parent."""
        if self.missing is not None:
            return self.missing
        return float((self.parent_rows < 0).mean()) if len(self.parent_rows) else 0.0


@dataclass(frozen=True, slots=True)
class ContextScore:
    """What a child would lose if a parent were not its context.

    Attributes:
        child: the table.
        position: of the foreign key among the child's.
        parent: the referenced table.
        terms: each from 0 to 1, by the names of `WEIGHTS`.
        value: weighted sum, less the share of rows without a parent; 0 where `gate` speaks.
        gate: why it cannot be the context; empty if it can.
        stated: a person said that it is.
    """

    child: TableName
    position: int
    parent: TableName
    terms: Mapping[str, float]
    value: float
    gate: str = ""
    stated: bool = False

    @property
    def reason(self) -> str:
        """The figures, for people."""
        figures = ", ".join(f"{name} {value:.2f}" for name, value in self.terms.items())
        if self.stated:
            return f"stated, not chosen ({figures})"
        return self.gate or f"score {self.value:.2f} ({figures})"


@dataclass(frozen=True, slots=True)
class ContextChoice:
    """The chosen foreign key of a child, and the one that came second."""

    chosen: ContextScore
    runner_up: ContextScore | None

    @property
    def close(self) -> bool:
        """Whether the runner-up scored almost as much."""
        second = self.runner_up.value if self.runner_up else 0.0
        return self.runner_up is not None and self.chosen.value - second < CLOSE


def score(candidate: Candidate, child: pd.DataFrame, parent: pd.DataFrame) -> ContextScore:
    """Score one foreign key.

    Args:
        candidate: the key.
        child: sampled rows, columns to be learned only.
        parent: rows of the parent, columns to be learned only.
    """
    rows = np.flatnonzero(candidate.parent_rows >= 0)
    owners = candidate.parent_rows[rows]
    gate = _gate(candidate, owners)
    told = _coded(child, rows) if not gate else []
    known = _coded(parent, owners) if not gate else []
    terms = {
        "siblings": _mean([association(owners, y) for y in told]),
        "attributes": _mean([max((association(x, y) for x in known), default=0.0) for y in told]),
        "counts": dispersion(np.bincount(owners, minlength=len(parent))) if len(owners) else 0.0,
        "ownership": sum(OWNERSHIP[mark] for mark in candidate.ownership),
    }
    value = sum(WEIGHTS[name] * term for name, term in terms.items()) * (
        1 - candidate.missing_share
    )
    return ContextScore(
        candidate.child,
        candidate.position,
        candidate.parent,
        {name: round(term, 3) for name, term in terms.items()},
        0.0 if gate else round(value, 4),
        gate,
    )


def _gate(candidate: Candidate, owners: Codes) -> str:
    if candidate.parent == candidate.child:
        return "a self-reference cannot be a context"
    if candidate.missing_share > MAX_NULL_SHARE:
        return f"{candidate.missing_share:.0%} of the rows have no such parent"
    if len(owners) < MIN_CHILDREN:
        return f"{len(owners)} rows are too few to learn from"
    children = np.bincount(owners)
    children = children[children > 0]
    if len(children) < MIN_PARENTS:
        return f"{len(children)} parents with children are too few to learn from"
    longest = float(np.quantile(children, FANOUT_QUANTILE))
    if longest > MAX_FANOUT:
        return f"{longest:,.0f} children of one parent are too many to generate together"
    return ""


def _coded(frame: pd.DataFrame, rows: Codes) -> list[Codes]:
    found = (column_codes(frame[name].iloc[rows]) for name in frame)
    return [codes for codes in found if codes is not None]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def choose_contexts(scores: Sequence[ContextScore]) -> dict[TableName, ContextChoice]:
    """Choose at most one context a child, without a cycle, of greatest total score.

    That is a maximum-weight branching (Edmonds 1967): a score of 0 means no context.

    Args:
        scores: of all candidates.
    """
    import networkx as nx

    best: dict[tuple[TableName, TableName], ContextScore] = {}
    for item in scores:
        known = best.get((item.parent, item.child))
        if item.value > 0 and (known is None or item.value > known.value):
            best[item.parent, item.child] = item
    graph: nx.DiGraph[TableName] = nx.DiGraph()
    graph.add_weighted_edges_from((p, c, item.value) for (p, c), item in sorted(best.items()))
    if not best:
        return {}
    branching = nx.maximum_branching(graph, attr="weight")
    return {child: _choice(best[parent, child], scores) for parent, child in branching.edges()}


def _choice(chosen: ContextScore, scores: Sequence[ContextScore]) -> ContextChoice:
    others = [s for s in scores if s.child == chosen.child and s.position != chosen.position]
    return ContextChoice(chosen, max(others, key=lambda s: s.value, default=None))
