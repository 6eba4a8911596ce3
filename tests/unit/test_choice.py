"""The choice under verdicts: they hold, rivals react, and a local solution is the whole one."""

from __future__ import annotations

import random

import pytest

from schemasynth.infer.candidates import KeyCandidate, ReferenceCandidate
from schemasynth.infer.case import Case, id_of, plain_case
from schemasynth.infer.choice import Programme
from schemasynth.infer.decision import keys_of
from schemasynth.infer.features import Beliefs, Candidates
from schemasynth.model import Column, Schema, SqlType, Table, TableName, TypeFamily

INTEGER = SqlType("INTEGER", TypeFamily.INTEGER)
A, B, C = (TableName(name) for name in "abc")


def schema(*names: TableName) -> Schema:
    columns = tuple(Column(f"c{i}", INTEGER) for i in range(4))
    return Schema("x", "x", tuple(Table(name, columns) for name in names))


def reference(child: TableName, here: str, parent: TableName, there: str) -> ReferenceCandidate:
    return ReferenceCandidate(child, tuple(here.split()), parent, tuple(there.split()), 1, 1, 1)


def case(beliefs: dict[KeyCandidate | ReferenceCandidate, float]) -> Case:
    keys = [c for c in beliefs if isinstance(c, KeyCandidate)]
    references = [c for c in beliefs if isinstance(c, ReferenceCandidate)]
    singles = [c for c in references if len(c.columns) == 1]
    composites = [c for c in references if len(c.columns) > 1]
    names = {c.table for c in beliefs} | {c.referred for c in references}
    found = Candidates(
        schema(*sorted(names)), None, None, tuple(keys), tuple(singles), tuple(composites)  # type: ignore[arg-type]
    )  # fmt: skip
    groups = ([beliefs[c] for c in group] for group in (keys, singles, composites))
    return plain_case(found, Beliefs(*groups))


def chosen(case: Case) -> set[str]:
    programme = Programme(case.found)
    choice = programme.choice(programme.solve(case.beliefs, case.verdicts))
    return {str(key) for key in keys_of(case, choice).by_id}


def supposing(case: Case, candidate: KeyCandidate | ReferenceCandidate, *, true: bool) -> Case:
    return case.supposing(case.places.by_id[id_of(candidate)], true=true)


TO_B, TO_C = reference(A, "c1", B, "c0"), reference(A, "c1", C, "c0")
BACK = reference(B, "c0", A, "c1")
PAIR, PART = reference(A, "c1 c2", B, "c0 c1"), reference(A, "c2", B, "c1")
KEY_B, OTHER_B, KEY_C = KeyCandidate(B, ("c0",)), KeyCandidate(B, ("c1",)), KeyCandidate(C, ("c0",))
PLAIN = {KEY_B: 0.9, OTHER_B: 0.1, KEY_C: 0.9, TO_B: 0.6, TO_C: 0.3}


def test_the_likelier_target_is_chosen() -> None:
    assert chosen(case(PLAIN)) == {"pk:b(c0)", "pk:c(c0)", "fk:a(c1)->b(c0)"}


def test_a_rejected_target_leaves_its_share_to_the_next() -> None:
    given = supposing(case(PLAIN), TO_B, true=False)
    assert chosen(given) == {"pk:b(c0)", "pk:c(c0)", "fk:a(c1)->c(c0)"}
    assert given.chances[given.places.by_id[id_of(TO_C)]] == pytest.approx(0.3 / (0.4 + 0.1))


def test_a_hopeless_rival_stays_out_however_sure_the_rejected_key_was() -> None:
    given = supposing(case({**PLAIN, TO_B: 0.97, TO_C: 0.02}), TO_B, true=False)
    assert "fk:a(c1)->c(c0)" not in chosen(given)


def test_an_unlikely_key_holds_if_it_is_accepted() -> None:
    given = supposing(case({**PLAIN, TO_C: 0.0}), TO_C, true=True)
    assert chosen(given) == {"pk:b(c0)", "pk:c(c0)", "fk:a(c1)->c(c0)"}
    given = supposing(case(PLAIN), OTHER_B, true=True)
    assert "pk:b(c1)" in chosen(given)
    assert "pk:b(c0)" not in chosen(given)


def test_answers_hold_even_against_the_rules() -> None:
    both = supposing(supposing(case({**PLAIN, BACK: 0.1}), TO_B, true=True), TO_C, true=True)
    both = supposing(both, BACK, true=True)
    assert {"fk:a(c1)->b(c0)", "fk:a(c1)->c(c0)", "fk:b(c0)->a(c1)"} <= chosen(both)


def test_an_accepted_key_excludes_its_reverse_and_its_parts() -> None:
    plain = case({**PLAIN, BACK: 0.97, PAIR: 0.2, PART: 0.97})
    assert "fk:b(c0)->a(c1)" in chosen(plain)
    assert "fk:b(c0)->a(c1)" not in chosen(supposing(plain, TO_B, true=True))
    assert "fk:a(c2)->b(c1)" not in chosen(supposing(plain, PAIR, true=True))


def test_references_to_an_accepted_key_are_freed_from_doubt_of_it() -> None:
    doubtful = {KEY_B: 0.3, TO_B: 0.25}
    assert chosen(case(doubtful)) == set()
    accepted = supposing(case(doubtful), KEY_B, true=True)
    assert chosen(accepted) == {"pk:b(c0)", "fk:a(c1)->b(c0)"}


@pytest.mark.parametrize("seed", range(12))
def test_a_local_solution_is_the_whole_one(seed: int) -> None:
    rng = random.Random(seed)
    names = [TableName(f"t{i:02}") for i in range(8)]
    beliefs: dict[KeyCandidate | ReferenceCandidate, float] = {}
    for name in names:
        for column in ("c0", "c1", "c2 c3"):
            beliefs[KeyCandidate(name, tuple(column.split()))] = rng.random()
        for here, there in (("c1", "c0"), ("c2", "c0"), ("c2", "c1"), ("c1 c2", "c2 c3")):
            for parent in rng.sample(names, 3):
                beliefs[reference(name, here, parent, there)] = rng.random() ** 2
    plain = case(beliefs)
    programme = Programme(plain.found)
    now = programme.solve(plain.beliefs)
    for place in rng.sample(range(len(plain.places.ids)), 12):
        given = plain.supposing(place, true=rng.random() < 0.5)
        whole = programme.solve(given.beliefs, given.verdicts)
        local = programme.solve(given.beliefs, given.verdicts, now)
        assert local.gains @ local.taken == pytest.approx(whole.gains @ whole.taken)
        assert local.taken[place] == given.verdicts[place]
