"""What a person says of rules, carried out on those that were found.

Imports the model and answers; called by the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from schemasynth.errors import SettingsError
from schemasynth.infer.answers import Answers
from schemasynth.model import Origin, Schema
from schemasynth.model.keyid import KeyId
from schemasynth.model.rules import OF_LINKS, Rule, RuleKind

_COLUMNS = {
    RuleKind.CONSTANT: 1,
    RuleKind.AFTER_PARENT: 1,
    RuleKind.BEFORE_PARENT: 1,
    RuleKind.DISJOINT: 3,
    RuleKind.PRODUCT: 3,
    RuleKind.RATIO: 3,
    RuleKind.NET: 4,
    RuleKind.RUNNING: 4,
}
"""Columns of kinds that have not two."""
_MANY = frozenset({RuleKind.SUM, RuleKind.CHILD_SUM, RuleKind.CHILD_COUNT})
"""Kinds of any number of columns."""
_OPEN = frozenset(
    {
        RuleKind.DISCOUNTED,
        RuleKind.FACTOR,
        RuleKind.ELAPSED,
        RuleKind.DATE_PART,
        RuleKind.JOINED,
        RuleKind.CASED,
    }
)
"""Kinds whose id does not say all: they can be accepted only where they were found."""


def rules_under(rules: Iterable[Rule], schema: Schema, answers: Answers) -> tuple[Rule, ...]:
    """Return rules without rejected ones, and with accepted ones, which have no exceptions.

    Args:
        rules: as found.
        schema: with keys.
        answers: of a person; those about keys are passed over.

    Raises:
        SettingsError: an accepted rule is not complete, or cannot be.
    """
    about = answers.about_rules
    kept = [rule for rule in rules if not any(k.covers(rule.id) for k in about.rejected)]
    accepted = {key.identity for key in about.accepted}
    result = [
        replace(rule, exceptions=0, origin=Origin.OVERRIDE)
        if rule.id.identity in accepted
        else rule
        for rule in kept
    ]
    found = {rule.id.identity for rule in result}
    return (*result, *_stated((k for k in about.accepted if k.identity not in found), schema))


def _stated(keys: Iterable[KeyId], schema: Schema) -> Iterator[Rule]:
    for key in keys:
        kind = RuleKind(key.kind)
        if kind in _OPEN:
            raise SettingsError(f"{key} is accepted, but was not found, and its id says not all.")
        if kind not in _MANY and len(key.columns) != _COLUMNS.get(kind, 2):
            wanted = _COLUMNS.get(kind, 2)
            raise SettingsError(f"{key}: a rule of this kind has {wanted} columns.")
        yield Rule(
            kind,
            key.table,
            key.columns,
            key.referred,
            key.referred_columns,
            _link(key, schema) if kind in OF_LINKS else (),
            origin=Origin.OVERRIDE,
        )


def _link(key: KeyId, schema: Schema) -> tuple[str, ...]:
    links = [k.columns for k in schema.table(key.table).foreign_keys if k.referred == key.referred]
    if not links or len(key.referred_columns) != 1:
        raise SettingsError(
            f"{key}: such a rule needs one column of a table that {key.table} refers to."
        )
    return key.columns if key.columns in links else links[0]
