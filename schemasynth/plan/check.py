"""Whether a plan, perhaps edited by hand, can work on a schema; says why not.

Imports the model and the plan's values; called before a plan is carried out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from schemasynth.checknumbers import has_check
from schemasynth.errors import PlanError
from schemasynth.lexicon import LANGUAGES
from schemasynth.model import Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.model.languagemodel import FROM_SCRATCH, LanguageModel
from schemasynth.model.rules import OF_LINKS, Rule
from schemasynth.model.sensitivity import INDIRECT, OF_NUMBERS
from schemasynth.plan.keyparts import NUMBERS
from schemasynth.plan.keypattern import is_pattern, part_names
from schemasynth.plan.model import (
    WRITTEN,
    ColumnPlan,
    ColumnTreatment,
    Encoding,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    KeyFormat,
    KeyKind,
    PartRule,
    RefreshPlan,
    Role,
    TablePlan,
)
from schemasynth.plan.sizes import expected, largest

MAX_CATEGORIES = 2_000
"""Parents beyond which a foreign key cannot be a category: the model would not fit in memory."""
_WORDS = frozenset({TypeFamily.TEXT, TypeFamily.JSON, TypeFamily.UUID, TypeFamily.BINARY})
_NUMBERS = frozenset(
    {
        TypeFamily.INTEGER,
        TypeFamily.DECIMAL,
        TypeFamily.FLOAT,
        TypeFamily.BOOLEAN,
        TypeFamily.BINARY,
    }
)
_NO_TEXTS = frozenset(TypeFamily) - {TypeFamily.TEXT, TypeFamily.OTHER, TypeFamily.JSON}
"""Families of types whose values cannot be sentences."""
_REFUSED: Mapping[Encoding | KeyKind, frozenset[TypeFamily]] = {
    Encoding.NUMERIC_DIGIT: _WORDS,
    Encoding.NUMERIC_DISCRETE: _WORDS,
    Encoding.NUMERIC_BINNED: _WORDS,
    Encoding.DATETIME: _NUMBERS,
    KeyKind.INTEGER: _WORDS,
    KeyKind.TEMPORAL: _NUMBERS,
}
"""Families of types whose values an encoding or key format can never be. Types are loose: SQLite
holds text in columns of any type, and text that is all dates is read as dates."""


_OWN = (
    ColumnTreatment.LEARN,
    ColumnTreatment.KEY,
    ColumnTreatment.PROVIDER,
    *WRITTEN,
)
"""Treatments that give a column values of its own."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that cannot work, and where.

    Attributes:
        text: what and why.
        table: position of the table in the plan; None for the whole plan.
        column: position of the column in its table.
        foreign_key: position of the foreign key in its table.
        entry: the entry of the table that is meant.
    """

    text: str
    table: int | None = None
    column: int | None = None
    foreign_key: int | None = None
    entry: str | None = None


def check_plan(plan: RefreshPlan, schema: Schema | None = None) -> None:
    """Refuse a plan that cannot work.

    Args:
        plan: made or edited.
        schema: the source as reflected; without it, only the plan's own consistency is checked.

    Raises:
        PlanError: the first thing that cannot work, with table, column and why.
    """
    for problem in problems(plan, schema):
        raise PlanError(problem.text)


def problems(plan: RefreshPlan, schema: Schema | None = None) -> Iterator[Problem]:
    """Yield what cannot work, and where in the plan.

    Args:
        plan: made or edited.
        schema: as for `check_plan`.
    """
    if not 0 < plan.scale < math.inf:
        yield Problem(f"The scale is {plan.scale}; it must be a number greater than 0.")
    if plan.sample_rows is not None and plan.sample_rows < 1:
        yield Problem(
            f"sample_rows is {plan.sample_rows}; it must be at least 1.", entry="sample_rows"
        )
    tables = {table.name: table for table in plan.tables}
    for i, table in enumerate(plan.tables):
        if sum(other.name == table.name for other in plan.tables[:i]):
            yield Problem(f"Table {table.name} stands twice in the plan.", i)
        yield from (Problem(text, i) for text in _table_problems(table))
        found = _size_problems(table, tables)
        yield from (Problem(text, i, entry="size") for text in found)
        for j, column in enumerate(table.columns):
            yield from (Problem(text, i, j) for text in _column_problems(table, column))
        for j, key in enumerate(table.foreign_keys):
            found = _foreign_key_problems(table, key, tables)
            yield from (Problem(text, i, foreign_key=j) for text in found)
    yield from map(Problem, _context_cycle(tables))
    if plan.has_language_model:
        found = _model_problems(plan.language_model, here=schema is not None)
        yield from (Problem(text, entry="language_model") for text in found)
    if schema is not None:
        yield from _schema_problems(plan, schema)
        yield from map(Problem, _lost_rules(plan, tables))
    for rule in plan.rules:
        yield from map(Problem, _rule_problems(rule, tables))


def _model_problems(asked: LanguageModel, *, here: bool) -> Iterator[str]:
    """Yield why a language model cannot be used; whether it is there, where it is to be used."""
    if not 0 < asked.max_minutes < math.inf:
        yield f"max_minutes of the language model is {asked.max_minutes}; it must be more than 0."
    if asked.model == FROM_SCRATCH:
        return
    folder = Path(asked.model)
    if not folder.is_absolute():
        yield (
            f"The language model {asked.model!r} would have to be downloaded, which is never done; "
            f"name {FROM_SCRATCH}, which needs no weights, or the absolute path of a folder."
        )
    elif here and not (folder / "config.json").is_file():
        yield f"There is no language model in {asked.model}: it has no config.json."


def _lost_rules(plan: RefreshPlan, tables: Mapping[TableName, TablePlan]) -> Iterator[str]:
    for rule in plan.rules:
        for name in (rule.table, rule.referred):
            if name is not None and name not in tables:
                yield f"Rule {rule.id}: table {name} is not in the plan."


def _rule_problems(rule: Rule, tables: Mapping[TableName, TablePlan]) -> Iterator[str]:
    sides = [(rule.table, (*rule.columns, *rule.link))]
    if rule.referred is not None:
        sides.append((rule.referred, rule.referred_columns))
    for name, columns in sides:
        if name not in tables:
            return
        known = {column.name for column in tables[name].columns}
        for column in columns:
            if column not in known:
                yield f"Rule {rule.id}: table {name} of the plan has no column {column}."
    links = {key.columns for key in tables[rule.table].foreign_keys}
    if rule.kind in OF_LINKS and (rule.referred is None or rule.link not in links):
        yield f"Rule {rule.id}: its foreign key is not one of {rule.table}."


def _table_problems(table: TablePlan) -> Iterator[str]:
    names = {column.name for column in table.columns}
    yield from _role_problems(table)
    for key in (table.primary_key, *table.unique_keys):
        yield from _missing(table, key, names, "a key")


def _role_problems(table: TablePlan) -> Iterator[str]:
    contexts = [k for k in table.foreign_keys if k.treatment is ForeignKeyTreatment.CONTEXT]
    if len(contexts) > 1:
        yield f"Table {table.name} has {len(contexts)} contexts; at most one is possible."
    if table.role is Role.LINKED and not contexts:
        yield f"Table {table.name} is linked, but none of its foreign keys has treatment context."
    if table.role in (Role.SUBJECT, Role.REFERENCE) and contexts:
        yield (
            f"Table {table.name} is a {table.role}, but its foreign key "
            f"({', '.join(contexts[0].columns)}) has treatment context; make it linked."
        )


def _size_problems(table: TablePlan, tables: Mapping[TableName, TablePlan]) -> Iterator[str]:
    if table.size < 0:
        yield f"Table {table.name} has a negative size."
    if table.role not in (Role.SUBJECT, Role.LINKED):
        return
    parents = {key.referred for key in table.foreign_keys}
    if not parents <= set(tables):
        return
    most = largest(table, {name: tables[name].size for name in parents})
    if table.size > most:
        yield (
            f"Table {table.name} has the size {table.size:,}, but its key consists of foreign "
            f"keys, and their tables have {int(most):,} combinations of rows."
        )
    context = table.context
    if context is not None and table.size > expected(table, tables[context.referred]):
        parent = tables[context.referred]
        yield (
            f"Table {table.name} has the size {table.size:,}, but it is generated in the context "
            f"of {parent.name}, and {parent.size:,} rows of that will have about "
            f"{round(table.rows * parent.size / parent.rows):,}; make {parent.name} larger."
        )


def _missing(
    table: TablePlan, columns: tuple[str, ...], names: set[str], where: str
) -> Iterator[str]:
    for name in columns:
        if name not in names:
            yield f"Column {name} of {where} of table {table.name} is not in the plan."


def _column_problems(table: TablePlan, column: ColumnPlan) -> Iterator[str]:
    place = f"Column {table.name}.{column.name}"
    keys = (table.primary_key, *table.unique_keys)
    foreign = any(column.name in key.columns for key in table.foreign_keys)
    match column.treatment:
        case ColumnTreatment.LEARN:
            yield from _encoding_problems(place, column)
        case ColumnTreatment.KEY:
            yield from _key_format_problems(table, column)
        case ColumnTreatment.PROVIDER:
            yield from _provider_problems(table, column)
        case ColumnTreatment.TEMPLATE | ColumnTreatment.LANGUAGE_MODEL:
            yield from _text_problems(table, column)
        case ColumnTreatment.CONSTANT:
            yield from _constant_problems(place, column)
            if (column.name,) in keys and table.size > 1:
                yield f"{place} is unique and cannot be constant in {table.size:,} rows."
        case ColumnTreatment.NULL if not column.nullable or column.name in table.primary_key:
            yield f"{place} is NOT NULL and cannot have treatment null."
        case ColumnTreatment.FOREIGN_KEY if not foreign:
            yield f"{place} has treatment foreign_key but is in no foreign key."
        case ColumnTreatment.DETERMINED if not any(key.to_entity for key in table.foreign_keys):
            yield f"{place} is determined, but the table refers to no implicit entity."
    made = column.treatment in _OWN
    copied = table.role in (Role.REFERENCE, Role.SKIP)
    if made and foreign and not copied and not any(column.name in key for key in keys):
        yield f"{place} is in a foreign key; its treatment is foreign_key, not {column.treatment}."


def _own_value_problems(table: TablePlan, column: ColumnPlan) -> Iterator[str]:
    place = f"Column {table.name}.{column.name}"
    if column.provider is None:
        yield f"{place} has treatment {column.treatment} and needs a provider with a kind."
    if any(column.name in key for key in (table.primary_key, *table.unique_keys)):
        yield f"{place} is in a key; its treatment is key, not {column.treatment}."


def _text_problems(table: TablePlan, column: ColumnPlan) -> Iterator[str]:
    place = f"Column {table.name}.{column.name}"
    yield from _own_value_problems(table, column)
    if column.type.family in _NO_TEXTS:
        yield f"{place} is {column.type.sql} and cannot have treatment {column.treatment}."
    if table.role is Role.REFERENCE:
        yield (
            f"{place} has treatment {column.treatment}, but {table.name} is copied as it is; give "
            "the table another role, or the column treatment null or constant."
        )


def _provider_problems(table: TablePlan, column: ColumnPlan) -> Iterator[str]:
    place, provider = f"Column {table.name}.{column.name}", column.provider
    yield from _own_value_problems(table, column)
    if provider is None:
        return
    if provider.kind in INDIRECT:
        yield f"{place}: nothing is made up for {provider.kind}; learn it, or make it null."
    if provider.kind in OF_NUMBERS and column.key_format is None:
        yield f"{place} is {provider.kind} and needs a key_format."
    if provider.language not in LANGUAGES:
        yield f"{place}: there are no names of {provider.language!r}; {', '.join(LANGUAGES)}."
    names = {other.name: other.treatment for other in table.columns}
    if provider.sex is not None and names.get(provider.sex) is not ColumnTreatment.LEARN:
        yield f"{place}: {provider.sex} tells the sex, but is no learned column of {table.name}."
    if provider.link and provider.link not in {key.columns for key in table.foreign_keys}:
        yield f"{place}: ({', '.join(provider.link)}) is no foreign key of {table.name}."


def _encoding_problems(place: str, column: ColumnPlan) -> Iterator[str]:
    if column.encoding is None:
        yield f"{place} is learned and needs an encoding."
    elif column.type.family in _REFUSED.get(column.encoding, ()):
        yield f"{place} is {column.type.sql} and cannot be learned as {column.encoding}."


def _constant_problems(place: str, column: ColumnPlan) -> Iterator[str]:
    if column.value is None:
        yield f"{place} is constant and needs a value."
    elif not _reads(column.type, column.value):
        yield f"{place} is {column.type.sql}, which its value does not read as."


def _key_format_problems(table: TablePlan, column: ColumnPlan) -> Iterator[str]:
    place = f"Column {table.name}.{column.name}"
    if column.key_format is None:
        yield f"{place} is a key and needs a key_format."
        return
    for form in (column.key_format, *(inner for inner, _ in column.key_format.formats)):
        if column.type.family in _REFUSED.get(form.kind, ()):
            yield f"{place} is {column.type.sql} and cannot hold keys of kind {form.kind}."
        if form.kind is KeyKind.CHECKED and not has_check(form.check):
            yield f"{place}: python-stdnum has no check {form.check!r}."
        if form.step < 1:
            yield f"{place} has a step of {form.step}; it must be at least 1."
        yield from _pattern_problems(place, form)
        yield from _part_problems(place, table, column, form)
    if column.key_format.kind is KeyKind.MIXED:
        yield from _mixture_problems(place, column.key_format)


def _mixture_problems(place: str, form: KeyFormat) -> Iterator[str]:
    if not form.formats:
        yield f"{place} is mixed and needs formats."
    if any(inner.kind is KeyKind.MIXED for inner, _ in form.formats):
        yield f"{place} is mixed; its formats cannot be mixed themselves."


def _pattern_problems(place: str, form: KeyFormat) -> Iterator[str]:
    known = [part.name for part in form.parts]
    for pattern, weight in form.patterns:
        if not is_pattern(pattern):
            yield f"{place}: {pattern!r} is no pattern of literals, \\d and [..] classes, (parts)."
        if not 0 <= weight < math.inf:
            yield f"{place}: the share of {pattern!r} must not be negative."
        for name in part_names(pattern):
            if name not in known:
                yield f"{place}: {pattern!r} names the part {name}, which is not among its parts."
        for name in {name for name in part_names(pattern) if part_names(pattern).count(name) > 1}:
            yield f"{place}: {pattern!r} names the part {name} twice."


def _part_problems(
    place: str, table: TablePlan, column: ColumnPlan, form: KeyFormat
) -> Iterator[str]:
    others = {other.name for other in table.columns} - {column.name}
    for part in form.parts:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", part.name):
            yield f"{place}: {part.name!r} is no name of a part; use letters, digits and _."
        if part.rule is PartRule.SHARES and not part.values:
            yield f"{place}: part {part.name} has rule shares and needs values."
        needed = part.rule is not PartRule.SHARES and part.rule not in NUMBERS
        if needed and part.column not in others:
            yield f"{place}: part {part.name} needs another column of {table.name}."


def _reads(sql_type: SqlType, value: str) -> bool:
    """Tell whether a text can be read as a value of a type."""
    import pyarrow as pa

    from schemasynth.model import arrow_type

    try:
        pa.scalar(value, pa.string()).cast(arrow_type(sql_type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _foreign_key_problems(
    table: TablePlan, key: ForeignKeyPlan, tables: Mapping[TableName, TablePlan]
) -> Iterator[str]:
    place = f"The foreign key {table.name}({', '.join(key.columns)})"
    yield from _missing(table, key.columns, {c.name for c in table.columns}, "a foreign key")
    parent = tables.get(key.referred)
    if parent is None:
        yield f"{place} references table {key.referred}, which is not in the plan."
        return
    if not 0 <= key.null_share <= 1:
        yield f"{place} has a null_share of {key.null_share}; it lies between 0 and 1."
    yield from _target_problems(place, key, parent)
    yield from _treatment_problems(place, table, key, parent)
    yield from _trait_problems(place, table, key, parent)
    if parent.role is Role.SKIP and table.role is not Role.SKIP:
        yield f"{place} references {key.referred}, which is skipped; skip {table.name} too."
    if table.role is Role.REFERENCE and parent.role not in (Role.REFERENCE, Role.SKIP):
        yield f"{place}: a copied table cannot depend on {key.referred}, which is generated."


def _target_problems(place: str, key: ForeignKeyPlan, parent: TablePlan) -> Iterator[str]:
    if parent.is_entity != key.to_entity:
        yield f"{place}: to_entity does not agree with what {key.referred} is."
    if len(key.columns) != len(key.referred_columns):
        yield f"{place} has not as many columns as it references."
    for name in key.referred_columns:
        if all(column.name != name for column in parent.columns):
            yield f"{place} references column {key.referred}.{name}, which is not in the plan."


def _treatment_problems(
    place: str, table: TablePlan, key: ForeignKeyPlan, parent: TablePlan
) -> Iterator[str]:
    own = key.referred == table.name
    match key.treatment:
        case ForeignKeyTreatment.CONTEXT if parent.role is Role.REFERENCE:
            yield f"{place} cannot be a context: {key.referred} is copied, not generated."
        case ForeignKeyTreatment.CONTEXT if own:
            yield f"{place} is a self-reference and cannot be a context."
        case ForeignKeyTreatment.MATCHED | ForeignKeyTreatment.CATEGORY if own:
            yield f"{place} is a self-reference and can only be restored."
        case ForeignKeyTreatment.CATEGORY if parent.rows > MAX_CATEGORIES:
            yield f"{place} cannot be a category: {key.referred} has {parent.rows:,} rows."
        case ForeignKeyTreatment.MATCHED if parent.role is Role.REFERENCE:
            yield f"{place} cannot be matched: {key.referred} is copied, not generated."


def _context_cycle(tables: Mapping[TableName, TablePlan]) -> Iterator[str]:
    for start in tables.values():
        seen = [start.name]
        context = start.context
        while context is not None and context.referred in tables:
            if context.referred in seen:
                yield f"The contexts form a cycle: {' -> '.join(map(str, seen))}."
                return
            seen.append(context.referred)
            context = tables[context.referred].context


def _schema_problems(plan: RefreshPlan, schema: Schema) -> Iterator[Problem]:
    for i, table in enumerate(plan.tables):
        if table.is_entity or table.role is Role.SKIP:
            continue
        if table.name not in schema:
            yield Problem(f"Table {table.name} of the plan is not in the source.", i)
            continue
        found = schema.table(table.name)
        for j, column in enumerate(table.columns):
            yield from (Problem(text, i, j) for text in _source_problems(table, column, found))
        planned = {column.name for column in table.columns}
        for there in found.columns:
            if there.name not in planned and there.computed is None and not there.nullable:
                name = f"{table.name}.{there.name}"
                yield Problem(f"Column {name} is NOT NULL and missing in the plan.", i)
    planned_tables = {table.name for table in plan.tables}
    for absent in (t.name for t in schema if t.name not in planned_tables):
        yield Problem(f"Table {absent} is missing in the plan; give it role skip to leave it out.")


def _source_problems(table: TablePlan, column: ColumnPlan, found: Table) -> Iterator[str]:
    place = f"Column {table.name}.{column.name}"
    if column.name not in found.column_names:
        yield f"{place} of the plan is not in the source."
        return
    there = found.column(column.name)
    if column.treatment is ColumnTreatment.NULL and not there.nullable:
        yield f"{place} is NOT NULL in the source and cannot have treatment null."
    if column.treatment is ColumnTreatment.COMPUTED and there.computed is None:
        yield f"{place} has treatment computed, but the source does not compute it."


def _trait_problems(
    place: str, table: TablePlan, key: ForeignKeyPlan, parent: TablePlan
) -> Iterator[str]:
    if not key.traits:
        return
    if key.treatment is not ForeignKeyTreatment.RESTORED or key.referred == table.name:
        yield f"{place} has traits, but only the parents of restored keys are chosen by them."
    treatments = {column.name: column.treatment for column in parent.columns}
    for name in key.traits:
        if name not in treatments:
            yield f"{place} has the trait {name}, which is no column of {key.referred}."
        elif parent.role is not Role.REFERENCE and treatments[name] is not ColumnTreatment.LEARN:
            yield f"{place} has the trait {name}, which is not learned of {key.referred}."
