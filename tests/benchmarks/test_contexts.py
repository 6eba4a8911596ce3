"""How often the chosen context is the parent that decides the child, on planted cases."""

from __future__ import annotations

from collections import Counter

import pytest
from measures import Record, at_least, for_information
from planted_contexts import CHILD, EFFECTS, planted_context

from schemasynth.plan import make_plan
from schemasynth.plan.model import ForeignKeyTreatment

pytestmark = pytest.mark.bench
CASES = 200
TOP = 0.95


def test_contexts_of_planted_dependences(record: Record) -> None:
    right: Counter[str] = Counter()
    cases: Counter[str] = Counter()
    for seed in range(CASES):
        case = planted_context(seed)
        plan = make_plan(case.schema, case.frames, source="planted")
        chosen = [
            key.referred
            for key in plan.table(CHILD).foreign_keys
            if key.treatment is ForeignKeyTreatment.CONTEXT
        ]
        for name in ("all", *case.effects):
            cases[name] += 1
            right[name] += chosen == [case.parent]
    record(
        at_least("planted contexts: top-1", right["all"] / CASES, TOP),
        *(
            for_information(f"planted contexts with an effect of {name}", right[name] / cases[name])
            for name in EFFECTS
        ),
    )
