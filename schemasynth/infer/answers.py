"""What a person says of the keys, held against a schema before any of its data are read.

Imports the model; used by the inference of keys, the settings file and the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches

from schemasynth.errors import SettingsError
from schemasynth.model import (
    ForeignKey,
    ImplicitEntity,
    Origin,
    PrimaryKey,
    Question,
    Schema,
    Table,
    TableName,
)
from schemasynth.model.keyid import (
    KeyId,
    Kind,
    entity_ids,
    foreign_key_id,
    primary_key_id,
    read_key_id,
)
from schemasynth.model.languagemodel import LanguageModel
from schemasynth.model.sensitivity import SensitiveKind

_KEYS = frozenset({Kind.PRIMARY, Kind.FOREIGN, Kind.ENTITY})
LISTED = 5
"""Names listed where none is like what was typed."""


@dataclass(frozen=True, slots=True)
class ColumnAnswer:
    """What a person says of one column.

    Attributes:
        table: whose.
        column: its name.
        treatment: of the plan, for example ``provider`` or ``learn``; None leaves it.
        kind: what it holds; None leaves it.
        value: for ``constant``.
    """

    table: TableName
    column: str
    treatment: str | None = None
    kind: SensitiveKind | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """Keys that hold and keys that do not, whatever the evidence says.

    Attributes:
        accepted: each one key, whether it was asked about or not.
        rejected: keys, or all keys of a table or of columns.
        columns: about single columns.
        language: of made-up names; None for that of the source.
        language_model: that writes texts; None for the default.
    """

    accepted: tuple[KeyId, ...] = ()
    rejected: tuple[KeyId, ...] = ()
    columns: tuple[ColumnAnswer, ...] = ()
    language: str | None = None
    language_model: LanguageModel | None = None

    def __or__(self, other: Answers) -> Answers:
        """Return the answers of both."""
        return Answers(
            self.accepted + other.accepted,
            self.rejected + other.rejected,
            self.columns + other.columns,
            other.language or self.language,
            other.language_model or self.language_model,
        )

    @property
    def about_keys(self) -> Answers:
        """The answers about keys; reference tables, contexts and rules are judged apart."""
        return Answers(
            tuple(key for key in self.accepted if key.kind in _KEYS),
            tuple(key for key in self.rejected if key.kind in _KEYS),
        )

    @property
    def about_rules(self) -> Answers:
        """The answers about rules."""
        return Answers(
            tuple(key for key in self.accepted if key.kind.is_rule),
            tuple(key for key in self.rejected if key.kind.is_rule),
        )

    def about(self, selects: Callable[[TableName], bool]) -> Answers:
        """Return the answers about some tables, which say nothing of others."""
        return replace(
            self,
            accepted=tuple(key for key in self.accepted if all(map(selects, _tables(key)))),
            rejected=tuple(key for key in self.rejected if all(map(selects, _tables(key)))),
            columns=tuple(column for column in self.columns if selects(column.table)),
        )

    @property
    def about_contexts(self) -> Answers:
        """The answers about contexts, which may name implicit entities."""
        return Answers(
            tuple(key for key in self.accepted if key.kind is Kind.CONTEXT),
            tuple(key for key in self.rejected if key.kind is Kind.CONTEXT),
        )

    @property
    def copied(self) -> dict[TableName, bool]:
        """Tables of which a person said whether they are reference tables."""
        sides = ((self.rejected, False), (self.accepted, True))
        return {
            key.table: holds for keys, holds in sides for key in keys if key.kind is Kind.REFERENCE
        }

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        told = self.language or self.language_model
        return bool(self.accepted or self.rejected or self.columns or told)


NO_ANSWERS = Answers()


def read_answers(accept: Iterable[str], reject: Iterable[str]) -> Answers:
    """Read answers given as ids.

    Raises:
        SettingsError: one is no id, or an accepted one is not one key.
    """
    accepted = tuple(map(read_key_id, accept))
    for key in accepted:
        if not key.whole:
            raise SettingsError(f"{key} names no single key; to accept one, name all of it.")
    return Answers(accepted, tuple(map(read_key_id, reject)))


def answers_for(
    schema: Schema, answers: Answers, selects: Callable[[TableName], bool] = lambda _: True
) -> Answers:
    """Return the answers that are about a schema and say more than its declared keys.

    Args:
        schema: as reflected.
        answers: of a person.
        selects: tells which tables were asked for; answers about others are passed over.

    Raises:
        SettingsError: one names nothing, or they contradict each other or a declared key.
    """
    for key in (*answers.accepted, *answers.rejected):
        if key.kind is not Kind.CONTEXT and all(map(selects, _tables(key))):
            _check_names(key, schema)
    accepted, rejected = (
        tuple({k.identity: k for k in keys if all(t in schema for t in _tables(k))}.values())
        for keys in (answers.accepted, answers.rejected)
    )
    known = Answers(accepted, rejected)
    _check_each_other(known)
    declared = list(_declared(schema))
    for key in known.rejected:
        for fact in declared:
            if key.covers(fact):
                raise SettingsError(f"{key} cannot be rejected: the database declares {fact}.")
    for key in known.accepted:
        _check_declared(key, declared)
    facts = {fact.identity for fact in declared}
    return Answers(tuple(k for k in known.accepted if k.identity not in facts), known.rejected)


def _tables(key: KeyId) -> tuple[TableName, ...]:
    return (key.table,) if key.referred is None else (key.table, key.referred)


def _check_names(key: KeyId, schema: Schema) -> None:
    ends = [(key.table, key.columns)]
    if key.referred is not None:
        ends.append((key.referred, key.referred_columns))
    for name, columns in ends:
        if name not in schema:
            names = [str(table.name) for table in schema]
            raise SettingsError(f"{key}: there is no table {name}{_near(str(name), names)}")
        known = schema.table(name).column_names
        for column in columns:
            if column not in known:
                raise SettingsError(f"{key}: {name} has no column {column!r}{_near(column, known)}")


def _near(typed: str, names: Iterable[str]) -> str:
    """Return the end of a sentence that names what could have been meant."""
    by_fold = {name.casefold(): name for name in names}
    like = [by_fold[fold] for fold in get_close_matches(typed.casefold(), by_fold, LISTED, 0.6)]
    if like:
        return f"; did you mean {' or '.join(like)}?"
    shown = sorted(by_fold.values())
    more = f" and {len(shown) - LISTED} more" if len(shown) > LISTED else ""
    return f"; there are {', '.join(shown[:LISTED])}{more}."


def _check_each_other(answers: Answers) -> None:
    primary: dict[TableName, KeyId] = {}
    contexts: dict[TableName, KeyId] = {}
    for key in answers.accepted:
        for other in answers.rejected:
            if other.covers(key):
                both = f"{key} is accepted and rejected"
                raise SettingsError(both + (f", by {other}." if str(other) != str(key) else "."))
        if key.kind is Kind.PRIMARY and primary.setdefault(key.table, key) is not key:
            raise SettingsError(
                f"{primary[key.table]} and {key} are both accepted; a table has one primary key."
            )
        if key.kind is Kind.CONTEXT and contexts.setdefault(key.table, key) is not key:
            raise SettingsError(
                f"{contexts[key.table]} and {key} are both accepted; a table has one context."
            )
        itself = (key.table, set(key.columns)) == (key.referred, set(key.referred_columns))
        if key.kind is Kind.FOREIGN and itself:
            raise SettingsError(f"{key} is accepted, but refers to itself.")


def _declared(schema: Schema) -> Iterator[KeyId]:
    for table in schema:
        if table.primary_key is not None and table.primary_key.origin is Origin.DECLARED:
            yield primary_key_id(table.name, table.primary_key)
        yield from _declared_references(table)


def _declared_references(table: Table) -> Iterator[KeyId]:
    for key in table.foreign_keys:
        if key.origin is Origin.DECLARED:
            yield foreign_key_id(table.name, key)


def _check_declared(key: KeyId, declared: Iterable[KeyId]) -> None:
    for fact in declared:
        if key.kind is not fact.kind or key.identity == fact.identity:
            continue
        same_table = key.table == fact.table
        same = same_table and (key.kind is Kind.PRIMARY or set(key.columns) == set(fact.columns))
        reverse = KeyId(
            Kind.FOREIGN,
            fact.referred or fact.table,
            fact.referred_columns,
            fact.table,
            fact.columns,
        )
        if same or (key.kind is Kind.FOREIGN and key.identity == reverse.identity):
            raise SettingsError(f"{key} cannot be accepted: the database declares {fact}.")


def with_answers(schema: Schema, answers: Answers) -> Schema:
    """Return a model with answers carried out, where there are no data to infer from.

    Args:
        schema: with the keys it has.
        answers: about it (see `answers_for`).

    Raises:
        SettingsError: an accepted implicit entity is not in the model.
    """
    for key in answers.accepted:
        if key.kind is Kind.ENTITY and not any(
            key.covers(own) for entity in schema.implicit_entities for own in entity_ids(entity)
        ):
            raise SettingsError(f"{key} is accepted, but the model has no such implicit entity.")
    return replace(
        schema,
        tables=tuple(_answered(table, answers) for table in schema),
        implicit_entities=tuple(entities_under(schema.implicit_entities, answers)),
        questions=tuple(q for q in schema.questions if not _is_answered(q, answers)),
    )


def entities_under(
    entities: Iterable[ImplicitEntity], answers: Answers
) -> Iterator[ImplicitEntity]:
    """Yield the implicit entities that are not rejected; accepted ones are certain."""
    for entity in entities:
        ids = entity_ids(entity)
        if any(key.covers(own) for key in answers.rejected for own in ids):
            continue
        accepted = any(key.covers(own) for key in answers.accepted for own in ids)
        yield replace(entity, origin=Origin.OVERRIDE, confidence=1.0) if accepted else entity


def _is_answered(question: Question, answers: Answers) -> bool:
    asked = read_key_id(question.id)
    return any(key.covers(asked) for key in (*answers.accepted, *answers.rejected))


def _answered(table: Table, answers: Answers) -> Table:
    primary_key, foreign_keys = table.primary_key, table.foreign_keys
    for key in answers.rejected:
        if primary_key and key.covers(primary_key_id(table.name, primary_key)):
            primary_key = None
        foreign_keys = tuple(
            own for own in foreign_keys if not key.covers(foreign_key_id(table.name, own))
        )
    for key in answers.accepted:
        if key.table != table.name or key.kind is Kind.ENTITY:
            continue
        if key.referred is None:
            primary_key = PrimaryKey(key.columns, origin=Origin.OVERRIDE)
        else:
            kept = (own for own in foreign_keys if set(own.columns) != set(key.columns))
            stated = ForeignKey(
                key.columns, key.referred, key.referred_columns, origin=Origin.OVERRIDE
            )
            foreign_keys = (*kept, stated)
    return replace(table, primary_key=primary_key, foreign_keys=foreign_keys)
