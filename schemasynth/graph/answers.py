"""What a person says of contexts, and what is asked where two parents are nearly as good.

Imports the model, the answers and the scores; used by the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from schemasynth.errors import SettingsError
from schemasynth.graph.context import ContextScore
from schemasynth.infer.answers import Answers
from schemasynth.model import Question, TableName
from schemasynth.model.keyid import KeyId

STATED = 1_000.0
"""Score of a context that a person stated: above any sum of scores that a schema can reach."""

Ids = Mapping[tuple[TableName, int], KeyId]
"""The id of each foreign key, by its table and its position there."""


def scores_under(scores: Iterable[ContextScore], ids: Ids, answers: Answers) -> list[ContextScore]:
    """Return the scores that answers leave to choose among.

    Args:
        scores: of the foreign keys that could be contexts.
        ids: of all foreign keys.
        answers: about contexts.

    Raises:
        SettingsError: an answer names no foreign key, or one that cannot be a context.
    """
    for answer in (*answers.accepted, *answers.rejected):
        if not any(answer.covers(key) for key in ids.values()):
            raise SettingsError(f"{answer}: {answer.table} has no such foreign key.")
    found = [
        score
        for score in scores
        if not any(answer.covers(ids[score.child, score.position]) for answer in answers.rejected)
    ]
    for answer in answers.accepted:
        found = _stated(answer, found, ids)
    _check_cycles([score for score in found if score.value == STATED])
    return found


def _stated(answer: KeyId, scores: list[ContextScore], ids: Ids) -> list[ContextScore]:
    """Return the scores with no other context for a table than the stated one."""
    own = [s for s in scores if answer.covers(ids[s.child, s.position])]
    if not own or own[0].child == own[0].parent:
        raise SettingsError(
            f"{answer} cannot be accepted: the table or what it refers to is copied, it refers to "
            "itself, another context is accepted, or an implicit entity determines the reference."
        )
    others = [score for score in scores if score.child != answer.table]
    return [*others, replace(own[0], value=STATED, gate="", stated=True)]


def _check_cycles(stated: list[ContextScore]) -> None:
    parents = {score.child: score.parent for score in stated}
    for start in parents:
        seen = [start]
        while (parent := parents.get(seen[-1])) is not None:
            if parent in seen:
                around = " in ".join(map(str, [*seen, parent]))
                raise SettingsError(f"The accepted contexts form a cycle: {around}.")
            seen.append(parent)


def context_question(chosen: ContextScore, second: ContextScore, ids: Ids) -> Question:
    """Return the question about a close choice.

    Args:
        chosen: the context as it is.
        second: the runner-up.
        ids: of all foreign keys.
    """
    return Question(
        str(ids[second.child, second.position]),
        f"Should {second.parent} be the context of {chosen.child}, not {chosen.parent}? "
        f"The scores are close: {second.value:.2f} and {chosen.value:.2f}.",
        if_accepted=f"{chosen.child} is generated with {second.parent}; its {chosen.parent} is "
        "found again by what it tells of the rows.",
        if_rejected=f"Assumed already: it is generated with {chosen.parent}.",
        confidence=round(second.value / (second.value + chosen.value), 2),
    )
