"""Whether a plan, perhaps edited by hand, can work on a schema; says why not.

Imports the model and the plan's values; called before a plan is carried out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemasynth.errors import PlanError
from schemasynth.model import Schema, TableName
from schemasynth.plan.model import (
    ColumnPlan,
    ColumnTreatment,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    RefreshPlan,
    Role,
    TablePlan,
)

MAX_CATEGORIES = 2_000
"""Parents beyond which a foreign key cannot be a category: the model would not fit in memory."""


def check_plan(plan: RefreshPlan, schema: Schema | None = None) -> None:
    """Refuse a plan that cannot work.

    Args:
        plan: made or edited.
        schema: the source as reflected; without it, only the plan's own consistency is checked.

    Raises:
        PlanError: the first thing that cannot work, with table, column and why.
    """
    tables = {table.name: table for table in plan.tables}
    problems = [*_table_problems(plan.tables, tables), *_context_cycle(tables)]
    if schema is not None:
        problems += _schema_problems(plan, schema)
    if problems:
        raise PlanError(problems[0])


def _table_problems(
    planned: tuple[TablePlan, ...], tables: Mapping[TableName, TablePlan]
) -> Iterator[str]:
    if len(tables) < len(planned):
        stated = [table.name for table in planned]
        yield f"Table {next(n for n in stated if stated.count(n) > 1)} stands twice in the plan."
    for table in planned:
        names = {column.name for column in table.columns}
        yield from _role_problems(table)
        for key in (table.primary_key, *table.unique_keys):
            yield from _missing(table, key, names, "a key")
        for column in table.columns:
            yield from _column_problems(table, column)
        for foreign in table.foreign_keys:
            yield from _missing(table, foreign.columns, names, "a foreign key")
            yield from _foreign_key_problems(table, foreign, tables)


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
    if table.size < 0:
        yield f"Table {table.name} has a negative size."


def _missing(
    table: TablePlan, columns: tuple[str, ...], names: set[str], where: str
) -> Iterator[str]:
    for name in columns:
        if name not in names:
            yield f"Column {name} of {where} of table {table.name} is not in the plan."


def _column_problems(table: TablePlan, column: ColumnPlan) -> Iterator[str]:
    place = f"Column {table.name}.{column.name}"
    match column.treatment:
        case ColumnTreatment.LEARN if column.encoding is None:
            yield f"{place} is learned and needs an encoding."
        case ColumnTreatment.KEY if column.key_format is None:
            yield f"{place} is a key and needs a key_format."
        case ColumnTreatment.CONSTANT if column.value is None:
            yield f"{place} is constant and needs a value."
        case ColumnTreatment.NULL if not column.nullable or column.name in table.primary_key:
            yield f"{place} is NOT NULL and cannot have treatment null."
        case ColumnTreatment.FOREIGN_KEY if not any(
            column.name in key.columns for key in table.foreign_keys
        ):
            yield f"{place} has treatment foreign_key but is in no foreign key."
        case ColumnTreatment.DETERMINED if not any(key.to_entity for key in table.foreign_keys):
            yield f"{place} is determined, but the table refers to no implicit entity."


def _foreign_key_problems(
    table: TablePlan, key: ForeignKeyPlan, tables: Mapping[TableName, TablePlan]
) -> Iterator[str]:
    place = f"The foreign key {table.name}({', '.join(key.columns)})"
    parent = tables.get(key.referred)
    if parent is None:
        yield f"{place} references table {key.referred}, which is not in the plan."
        return
    if parent.is_entity != key.to_entity:
        yield f"{place}: to_entity does not agree with what {key.referred} is."
    if len(key.columns) != len(key.referred_columns):
        yield f"{place} has not as many columns as it references."
    for name in key.referred_columns:
        if all(column.name != name for column in parent.columns):
            yield f"{place} references column {key.referred}.{name}, which is not in the plan."
    if parent.role is Role.SKIP and table.role is not Role.SKIP:
        yield f"{place} references {key.referred}, which is skipped; skip {table.name} too."
    if key.treatment is ForeignKeyTreatment.CONTEXT:
        if parent.role is Role.REFERENCE:
            yield f"{place} cannot be a context: {key.referred} is copied, not generated."
        if key.referred == table.name:
            yield f"{place} is a self-reference and cannot be a context."
    if key.treatment is ForeignKeyTreatment.CATEGORY and parent.rows > MAX_CATEGORIES:
        yield f"{place} cannot be a category: {key.referred} has {parent.rows:,} rows."
    if table.role is Role.REFERENCE and parent.role not in (Role.REFERENCE, Role.SKIP):
        yield f"{place}: a copied table cannot depend on {key.referred}, which is generated."


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


def _schema_problems(plan: RefreshPlan, schema: Schema) -> Iterator[str]:
    for table in plan.tables:
        if table.is_entity or table.role is Role.SKIP:
            continue
        if table.name not in schema:
            yield f"Table {table.name} of the plan is not in the source."
            continue
        found = schema.table(table.name)
        planned = {column.name for column in table.columns}
        for column in table.columns:
            if column.name not in found.column_names:
                yield f"Column {table.name}.{column.name} of the plan is not in the source."
        for there in found.columns:
            if there.name not in planned and there.computed is None and not there.nullable:
                yield f"Column {table.name}.{there.name} is NOT NULL and missing in the plan."
