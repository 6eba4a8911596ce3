"""A plan made of a schema and samples: roles, contexts, treatments, each with its reason.

Imports the model, the graph and the plan's parts; called by the API.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from schemasynth.arrays import array, lookup, nulls
from schemasynth.conditions import CheckEngine, examined
from schemasynth.graph import ContextChoice, ContextScore, choose_contexts, load_order
from schemasynth.graph.answers import context_question, scores_under
from schemasynth.graph.context import Candidate, score
from schemasynth.infer.answers import NO_ANSWERS, Answers
from schemasynth.infer.sensitivity import find_sensitive, inherited, sharing
from schemasynth.model import (
    Column,
    ForeignKey,
    ImplicitEntity,
    Origin,
    Question,
    Schema,
    Table,
    TableName,
)
from schemasynth.model.fingerprint import fingerprint
from schemasynth.model.keyid import KeyId, Kind, foreign_key_id, primary_key_id
from schemasynth.model.languagemodel import DEFAULT_LANGUAGE_MODEL
from schemasynth.plan.check import MAX_CATEGORIES
from schemasynth.plan.columns import KeyPlace, plan_column
from schemasynth.plan.entity import Member, entity_frame
from schemasynth.plan.model import (
    ColumnPlan,
    ColumnTreatment,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    RefreshPlan,
    Role,
    TablePlan,
)
from schemasynth.plan.roles import ReferenceVerdict, reference_question, reference_verdict
from schemasynth.plan.sensitive import Sampled, check_columns, with_providers
from schemasynth.plan.sizes import resized
from schemasynth.plan.traits import with_traits

if TYPE_CHECKING:
    from schemasynth.arrays import Bools, Ints
    from schemasynth.model.sensitivity import Sensitivity

MAX_CATEGORY_PARENTS = 100
"""Parents in use that a child can hold as a category: each needs rows enough to be learned."""
MIN_CATEGORY_FANOUT = 5.0
"""Children a parent in use needs on the mean for its identity to be a pattern."""


MAX_QUESTIONS = 10
"""More are not answered by anybody at once; answers bring the next ones up."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A foreign key on its way into the plan."""

    columns: tuple[str, ...]
    referred: TableName
    referred_columns: tuple[str, ...]
    to_entity: bool
    nullable: bool
    required: bool
    cascade: bool
    determined_by: str
    positions: Ints
    missing: float


@dataclass(frozen=True)
class _Node:
    """A table or implicit entity on its way into the plan."""

    name: TableName
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    unique_keys: tuple[tuple[str, ...], ...]
    rows: int
    frame: pd.DataFrame
    keys: tuple[_Key, ...]
    determined: frozenset[str]
    is_entity: bool

    @cached_property
    def sensitive(self) -> Mapping[str, Sensitivity]:
        """What is sensitive, by column."""
        return find_sensitive(self.name, self.columns, self.frame)


def make_plan(
    schema: Schema,
    samples: Mapping[str, pd.DataFrame],
    *,
    source: str,
    answers: Answers = NO_ANSWERS,
) -> RefreshPlan:
    """Decide what a refresh does to each table, foreign key and column.

    Args:
        schema: with accepted keys, implicit entities and row counts.
        samples: rows of each table by `str(TableName)`, `pandas.ArrowDtype` columns.
        source: the source's name, without credentials.
        answers: of a person: which tables are copied, which parents are contexts, what becomes of
            single columns, the language of made-up names, and the model that writes texts.

    Raises:
        SettingsError: an answer names nothing, or a parent that cannot be a context.
    """
    check_columns(answers.columns, {table.name: table.column_names for table in schema})
    print_of_source = fingerprint(schema)
    schema = _with_required_keys(schema)
    nodes = {node.name: node for node in _nodes(schema, samples)}
    verdicts = _reference_verdicts(schema, nodes, samples, answers.copied)
    references = {name for name, verdict in verdicts.items() if verdict.is_reference}
    scores = _scores(nodes, references)
    choices = choose_contexts(scores_under(scores, _context_ids(nodes), answers.about_contexts))
    contexts = {name: [choice.chosen.parent] for name, choice in choices.items()}
    order = load_order(
        {n.name: [key.referred for key in n.keys] for n in nodes.values()},
        {
            n.name: [k.referred for k in n.keys if _identifies(n, k)] + contexts.get(n.name, [])
            for n in nodes.values()
        },
        contexts,
    )
    nodes = {name: nodes[name] for name in order}
    foreign = _foreign(nodes)
    tables = tuple(
        _table_plan(nodes, nodes[name], verdicts.get(name), references, choices.get(name), foreign)
        for name in order
    )
    tables = with_providers(tables, _sampled(schema, nodes), answers.columns, answers.language)
    tables = _with_checks(_with_traits(tables, nodes), schema)
    plan = RefreshPlan(
        source=source,
        fingerprint=print_of_source,
        tables=tables,
        notes=(*_notes(tables), *_stated(schema), *_unevaluated(tables)),
        questions=(*_questions(schema, verdicts), *_context_questions(nodes, choices)),
        rules=schema.rules,
        language_model=answers.language_model or DEFAULT_LANGUAGE_MODEL,
    )
    return resized(plan)


def _with_traits(
    tables: tuple[TablePlan, ...], nodes: Mapping[TableName, _Node]
) -> tuple[TablePlan, ...]:
    plans = {table.name: table for table in tables}
    frames = {name: node.frame for name, node in nodes.items()}
    return tuple(
        with_traits(
            table,
            plans,
            frames,
            {index: key.positions for index, key in enumerate(nodes[table.name].keys)},
        )
        for table in tables
    )


def _with_checks(tables: tuple[TablePlan, ...], schema: Schema) -> tuple[TablePlan, ...]:
    """Return the tables with the CHECKs that rows have to fulfil: those the database enforces."""
    found = {}
    for table in schema:
        types = {column.name: column.type for column in table.columns}
        found[table.name] = tuple(
            examined(check.sql, schema.dialect, types, check.name or "")
            for check in table.checks
            if check.state.enforced and check.state.validated
        )
    return tuple(replace(table, checks=found.get(table.name, ())) for table in tables)


def _unevaluated(tables: Iterable[TablePlan]) -> Iterator[str]:
    """Say which CHECKs rows cannot be made to keep."""
    for table in tables:
        for check in table.checks:
            if check.engine is CheckEngine.TARGET:
                yield (
                    f"CHECK {check.name or check.sql} of {table.name} can only be evaluated by the "
                    f"target: {check.reason}."
                )


def _sampled(schema: Schema, nodes: Mapping[TableName, _Node]) -> dict[TableName, Sampled]:
    found = inherited(schema, {name: node.sensitive for name, node in nodes.items()})
    found = sharing(schema, found, {name: node.frame for name, node in nodes.items()})
    return {
        name: Sampled(
            node.frame,
            found[name],
            {index: key.positions for index, key in enumerate(node.keys)},
        )
        for name, node in nodes.items()
    }


def _with_required_keys(schema: Schema) -> Schema:
    """Return the schema with primary keys NOT NULL, which SQLite and inferred keys do not say."""
    tables = []
    for table in schema:
        key = table.primary_key.columns if table.primary_key else ()
        columns = (replace(c, nullable=c.nullable and c.name not in key) for c in table.columns)
        tables.append(replace(table, columns=tuple(columns)))
    return replace(schema, tables=tuple(tables))


def _nodes(schema: Schema, samples: Mapping[str, pd.DataFrame]) -> Iterator[_Node]:
    entities = [_entity_node(entity, schema, samples) for entity in schema.implicit_entities]
    yield from entities
    for table in schema:
        yield _table_node(table, schema, samples, entities)


def _frame(table: Table, samples: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the sample of a table; an empty one of its types where none was read."""
    from schemasynth.model import arrow_type

    if str(table.name) in samples:
        return samples[str(table.name)]
    kinds = {c.name: pd.Series(dtype=pd.ArrowDtype(arrow_type(c.type))) for c in table.columns}
    return pd.DataFrame(kinds)


def members(entity: ImplicitEntity) -> tuple[Member, ...]:
    """Return the members of an entity, a determined column taken from the first that has it."""
    seen: set[str] = set()
    result = []
    for member in entity.members:
        determined = tuple(name for name in member.determined if name not in seen)
        seen.update(determined)
        result.append(Member(str(member.table), member.columns, determined))
    return tuple(result)


def _entity_node(
    entity: ImplicitEntity, schema: Schema, samples: Mapping[str, pd.DataFrame]
) -> _Node:
    frames = {str(m.table): _frame(schema.table(m.table), samples) for m in entity.members}
    frame = entity_frame(entity.columns, members(entity), frames)
    columns = [
        replace(schema.table(entity.members[0].table).column(there), name=here, nullable=False)
        for here, there in zip(entity.columns, entity.members[0].columns, strict=True)
    ]
    keys: list[_Key] = []
    for member, taken in zip(entity.members, members(entity), strict=True):
        table = schema.table(member.table)
        columns += [replace(table.column(name), nullable=True) for name in taken.determined]
        keys += [
            _key(key, table, frame, schema, samples, required=False)
            for key in table.foreign_keys
            if set(key.columns) <= set(taken.determined) and key.referred in schema
        ]
    rows = _whole_rows(len(frame), [schema.table(m.table) for m in entity.members], frames)
    return _Node(
        TableName(entity.name), tuple(columns), entity.columns, (), rows, frame,
        tuple(keys), frozenset(), True,
    )  # fmt: skip


def _whole_rows(rows: int, tables: Sequence[Table], frames: Mapping[str, pd.DataFrame]) -> int:
    """Return how many rows an entity has in the source, if samples of its members show some."""
    whole = sum(table.row_count or 0 for table in tables)
    seen = sum(len(frames[str(table.name)]) for table in tables)
    return max(rows, round(rows * whole / seen)) if seen else rows


def _table_node(
    table: Table,
    schema: Schema,
    samples: Mapping[str, pd.DataFrame],
    entities: list[_Node],
) -> _Node:
    frame = _frame(table, samples)
    determined: dict[str, str] = {}
    keys: list[_Key] = []
    for entity, node in zip(schema.implicit_entities, entities, strict=True):
        for declared, taken in zip(entity.members, members(entity), strict=True):
            if declared.table == table.name:
                determined |= dict.fromkeys(taken.determined, entity.name)
                keys.append(_entity_key(table, declared.columns, node, frame))
    for key in table.foreign_keys:
        if key.referred in schema:
            owner = {determined.get(name, "") for name in key.columns}
            by = owner.pop() if len(owner) == 1 else ""
            keys.append(_key(key, table, frame, schema, samples, determined_by=by))
    return _Node(
        table.name,
        table.columns,
        table.primary_key.columns if table.primary_key else (),
        tuple(key.columns for key in table.unique_keys),
        len(frame) if table.row_count is None else table.row_count,
        frame,
        tuple(keys),
        frozenset(determined),
        False,
    )


def _key(
    key: ForeignKey,
    table: Table,
    frame: pd.DataFrame,
    schema: Schema,
    samples: Mapping[str, pd.DataFrame],
    *,
    required: bool | None = None,
    determined_by: str = "",
) -> _Key:
    parent = _frame(schema.table(key.referred), samples)
    nullable = [table.column(name).nullable for name in key.columns]
    values = [array(frame, name) for name in key.columns]
    positions = lookup(values, [array(parent, name) for name in key.referred_columns])
    whole = len(parent) >= (schema.table(key.referred).row_count or 0)
    return _Key(
        columns=key.columns,
        referred=key.referred,
        referred_columns=key.referred_columns,
        to_entity=False,
        nullable=any(nullable),
        required=not any(nullable) if required is None else required,
        cascade=key.on_delete == "CASCADE",
        determined_by=determined_by,
        positions=positions,
        missing=_share(positions < 0 if whole else np.logical_or.reduce(list(map(nulls, values)))),
    )


def _share(rows: Bools) -> float:
    return float(rows.mean()) if len(rows) else 0.0


def _entity_key(table: Table, columns: tuple[str, ...], entity: _Node, frame: pd.DataFrame) -> _Key:
    positions = lookup(
        [array(frame, name) for name in columns],
        [array(entity.frame, name) for name in entity.primary_key],
    )
    return _Key(
        columns=columns,
        referred=entity.name,
        referred_columns=entity.primary_key,
        to_entity=True,
        nullable=any(table.column(name).nullable for name in columns),
        required=True,
        cascade=True,
        determined_by="",
        positions=positions,
        missing=_share(positions < 0),
    )


def _reference_verdicts(
    schema: Schema,
    nodes: Mapping[TableName, _Node],
    samples: Mapping[str, pd.DataFrame],
    copied: Mapping[TableName, bool],
) -> dict[TableName, ReferenceVerdict]:
    parents = {t.name: [key.referred for key in t.foreign_keys] for t in schema}
    in_entity = {m.table for entity in schema.implicit_entities for m in entity.members}
    found: dict[TableName, ReferenceVerdict] = {}
    for name in load_order(parents):
        references = [other for other, verdict in found.items() if verdict.is_reference]
        orphaned = [k for k in nodes[name].keys if k.required and k.missing]
        if name in in_entity:
            found[name] = ReferenceVerdict(False, "it belongs to an implicit entity")
        elif orphaned:
            why = f"some of its rows refer to no row of {orphaned[0].referred}"
            found[name] = ReferenceVerdict(False, why)
        else:
            found[name] = reference_verdict(
                schema.table(name), schema, references, samples.get(str(name)), copied.get(name)
            )
    return found


def _learned(node: _Node) -> pd.DataFrame:
    """Return the columns that may hold patterns: those of no key."""
    taken = {*node.primary_key, *node.determined, *(n for key in node.keys for n in key.columns)}
    return node.frame[[name for name in node.frame.columns if name not in taken]]


def _scores(nodes: Mapping[TableName, _Node], references: set[TableName]) -> Iterator[ContextScore]:
    """Yield the score of each foreign key that leads to generated rows, and not by an entity."""
    for node in nodes.values():
        if node.name in references:
            continue
        child = _learned(node)
        for position, key in enumerate(node.keys):
            if key.referred in references or key.determined_by:
                continue
            candidate = Candidate(
                node.name,
                position,
                key.referred,
                key.positions,
                _ownership(node, key, position),
                key.missing,
            )
            yield score(candidate, child, _learned(nodes[key.referred]))


def _context_ids(nodes: Mapping[TableName, _Node]) -> dict[tuple[TableName, int], KeyId]:
    """Return the id by which each foreign key is answered as the way to a context."""
    return {
        (node.name, position): KeyId(
            Kind.CONTEXT, node.name, key.columns, key.referred, key.referred_columns
        )
        for node in nodes.values()
        for position, key in enumerate(node.keys)
    }


def _identifies(node: _Node, key: _Key) -> bool:
    """Tell whether a foreign key lies wholly in the child's own key."""
    return any(set(key.columns) <= set(own) for own in (node.primary_key, *node.unique_keys))


def _ownership(node: _Node, key: _Key, position: int) -> frozenset[str]:
    marks = {
        "in key": key.to_entity or bool(set(key.columns) & set(node.primary_key)),
        "cascade": key.cascade,
        "required": key.required,
        "first": position == 0,
    }
    return frozenset(name for name, holds in marks.items() if holds)


def _table_plan(
    nodes: Mapping[TableName, _Node],
    node: _Node,
    verdict: ReferenceVerdict | None,
    references: set[TableName],
    choice: ContextChoice | None,
    foreign: Set[tuple[TableName, str]],
) -> TablePlan:
    is_reference = node.name in references
    keys = tuple(
        _key_plan(nodes, node, key, position, references, choice)
        for position, key in enumerate(node.keys)
    )
    role, reason = _role(node, verdict, choice)
    return TablePlan(
        name=node.name,
        role=role,
        rows=node.rows,
        size=node.rows,
        primary_key=node.primary_key,
        unique_keys=node.unique_keys,
        columns=_columns(nodes, node, references, foreign),
        foreign_keys=keys,
        is_entity=node.is_entity,
        reason=reason,
        runner_up="" if is_reference or verdict is None else f"reference: no, {verdict.reason}",
    )


def _role(
    node: _Node, verdict: ReferenceVerdict | None, choice: ContextChoice | None
) -> tuple[Role, str]:
    if verdict is not None and verdict.is_reference:
        return Role.REFERENCE, verdict.reason
    if choice is not None:
        return Role.LINKED, f"generated in the context of {choice.chosen.parent}"
    reason = "no foreign key" if not node.keys else "no foreign key fits as a context"
    return Role.SUBJECT, reason


def _columns(
    nodes: Mapping[TableName, _Node],
    node: _Node,
    references: set[TableName],
    foreign: Set[tuple[TableName, str]],
) -> tuple[ColumnPlan, ...]:
    places = {column.name: _place(node, column.name, foreign) for column in node.columns}
    earlier = set(takewhile(lambda name: name != node.name, nodes)) - references
    remade = {name for key in node.keys if key.referred in earlier for name in key.columns}
    beside = {
        name: name not in remade and not (name in node.sensitive and node.sensitive[name].direct)
        for name, place in places.items()
        if name in node.frame and (place.foreign or not (place.alone or place.part))
        if not place.determined
    }
    return tuple(
        plan_column(
            column,
            places[column.name],
            node.frame,
            {name: stable for name, stable in beside.items() if name != column.name},
        )
        for column in node.columns
    )


def _place(node: _Node, column: str, foreign: Set[tuple[TableName, str]]) -> KeyPlace:
    """Place a column among the keys."""
    keys = [node.primary_key, *node.unique_keys]
    return KeyPlace(
        foreign=(node.name, column) in foreign,
        determined=column in node.determined,
        alone=(column,) in keys,
        part=any(column in key for key in keys),
    )


def _foreign(nodes: Mapping[TableName, _Node]) -> Set[tuple[TableName, str]]:
    """Return the columns that take their values along foreign keys.

    A column that would come from itself, by way of other keys, is made like any own part of a key;
    there the foreign keys have to agree with it. Keys that must always refer go before those that
    may be NULL: what closes a cycle only by the latter comes from the former.
    """
    return _from_elsewhere(nodes, only_required=True) | _from_elsewhere(nodes, only_required=False)


def _from_elsewhere(
    nodes: Mapping[TableName, _Node], *, only_required: bool
) -> Set[tuple[TableName, str]]:
    """Return the columns that refer to one which does not refer back to them, however far."""
    import networkx as nx

    graph: nx.DiGraph[tuple[TableName, str]] = nx.DiGraph()
    graph.add_edges_from(
        ((node.name, here), (key.referred, there))
        for node in nodes.values()
        for key in node.keys
        if not (only_required and key.nullable)
        for here, there in zip(key.columns, key.referred_columns, strict=True)
    )
    groups = enumerate(nx.strongly_connected_components(graph))
    group = {column: number for number, members in groups for column in members}
    return {column for column, source in graph.edges if group[column] != group[source]}


def _key_plan(
    nodes: Mapping[TableName, _Node],
    node: _Node,
    key: _Key,
    position: int,
    references: set[TableName],
    choice: ContextChoice | None,
) -> ForeignKeyPlan:
    treatment, reason = _treatment(nodes, node, key, position, references, choice)
    second = choice.runner_up if choice and choice.chosen.position == position else None
    return ForeignKeyPlan(
        columns=key.columns,
        referred=key.referred,
        referred_columns=key.referred_columns,
        treatment=treatment,
        to_entity=key.to_entity,
        null_share=round(key.missing, 6),
        nullable=key.nullable or node.is_entity,
        reason=reason,
        runner_up=f"{second.parent}: {second.reason}" if second else "",
    )


def _treatment(
    nodes: Mapping[TableName, _Node],
    node: _Node,
    key: _Key,
    position: int,
    references: set[TableName],
    choice: ContextChoice | None,
) -> tuple[ForeignKeyTreatment, str]:
    if key.determined_by:
        return (
            ForeignKeyTreatment.RESTORED,
            f"the implicit entity {key.determined_by} determines it",
        )
    if choice and choice.chosen.position == position:
        return ForeignKeyTreatment.CONTEXT, choice.chosen.reason
    if key.referred == node.name:
        return ForeignKeyTreatment.RESTORED, "a self-reference: a forest of the source's shape"
    if key.referred in references and node.name not in references:
        return ForeignKeyTreatment.CATEGORY, f"{key.referred} is a reference table"
    if node.name in references:
        return ForeignKeyTreatment.RESTORED, "copied with the row, as its parent is"
    attached = key.positions[key.positions >= 0]
    used = len(np.unique(attached))
    few = 0 < used <= MAX_CATEGORY_PARENTS and len(attached) >= MIN_CATEGORY_FANOUT * used
    if few and nodes[key.referred].rows <= MAX_CATEGORIES:
        return ForeignKeyTreatment.CATEGORY, f"{used} parents in use, each with many children"
    other = f"the context is {choice.chosen.parent}" if choice else "no parent fits as a context"
    return ForeignKeyTreatment.RESTORED, f"{other}; children a parent are kept"


def _questions(
    schema: Schema, verdicts: Mapping[TableName, ReferenceVerdict]
) -> Iterator[Question]:
    doubtful = [table for table in schema if verdicts[table.name].doubt]
    for table in sorted(doubtful, key=lambda t: (-_served(t, schema), t.name))[:MAX_QUESTIONS]:
        yield reference_question(table, verdicts[table.name])


def _context_questions(
    nodes: Mapping[TableName, _Node], choices: Mapping[TableName, ContextChoice]
) -> Iterator[Question]:
    ids = _context_ids(nodes)
    close = [
        (choice.chosen, choice.runner_up)
        for choice in choices.values()
        if choice.close and choice.runner_up
    ]
    close.sort(key=lambda pair: (-nodes[pair[0].child].rows, pair[0].child))
    for chosen, second in close[:MAX_QUESTIONS]:
        yield context_question(chosen, second, ids)


def _served(table: Table, schema: Schema) -> int:
    """Return how many rows refer to a table at most."""
    return sum(
        other.row_count or 0
        for other in schema
        if any(key.referred == table.name for key in other.foreign_keys)
    )


def _stated(schema: Schema) -> Iterator[str]:
    """Name the keys that a person decided; the plan holds them like any other."""
    for table in schema:
        key = table.primary_key
        if key is not None and key.origin is Origin.OVERRIDE:
            yield f"Stated, not inferred: {primary_key_id(table.name, key)}."
        for foreign in table.foreign_keys:
            if foreign.origin is Origin.OVERRIDE:
                yield f"Stated, not inferred: {foreign_key_id(table.name, foreign)}."


def _notes(tables: tuple[TablePlan, ...]) -> Iterator[str]:
    for table in tables:
        for column in table.columns:
            if column.treatment is ColumnTreatment.NULL and "binary" in column.reason:
                yield f"{table.name}.{column.name} will be NULL: {column.reason}."
