"""A schema as plain text for a terminal.

Imports the model and wording only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from schemasynth.document import wording
from schemasynth.model import ForeignKey, ImplicitEntity, Origin, PrimaryKey, Schema, Table


def summary(schema: Schema) -> str:
    """Return tables, keys with confidence and reason, implicit entities and questions.

    Args:
        schema: declared or inferred.
    """
    return "\n".join(_lines(schema))


def _lines(schema: Schema) -> Iterator[str]:
    primary = [table.primary_key for table in schema if table.primary_key]
    foreign = [key for table in schema for key in table.foreign_keys]
    rows = sum(table.row_count or 0 for table in schema)
    counted = f", {wording.count(rows, 'row')}" if rows else ""
    yield f"{schema.name} ({schema.dialect}): {wording.count(len(schema.tables), 'table')}{counted}"
    yield f"{wording.count(len(primary), 'primary key')}, {_not_declared(primary)}"
    yield f"{wording.count(len(foreign), 'foreign key')}, {_not_declared(foreign)}"
    for table in schema:
        yield ""
        yield from _table(table)
    if schema.implicit_entities:
        yield ""
        yield "Implicit entities"
        for entity in schema.implicit_entities:
            yield from _entry(f"{entity.name}  {wording.entity(entity)}", entity)
    if schema.rules:
        yield from ("", "Rules")
        for rule in schema.rules:
            yield f"  {rule.table}: {wording.rule(rule)}"
            yield f"    {rule.id}"
    if schema.questions:
        yield ""
        yield "Please confirm"
        for question in schema.questions:
            yield f"  {question.text} ({question.confidence:.2f})"
            for answer, effect in wording.answers(question):
                yield f"    {answer}"
                yield f"      {effect}"


def _not_declared(keys: Sequence[PrimaryKey | ForeignKey]) -> str:
    return f"{sum(key.origin is not Origin.DECLARED for key in keys):,} of them not declared"


def _table(table: Table) -> Iterator[str]:
    rows = "" if table.row_count is None else f"  {wording.count(table.row_count, 'row')}"
    yield f"{table.name}{rows}"
    if table.primary_key is None:
        yield "  no primary key"
    else:
        key = table.primary_key
        yield from _entry(f"primary key {wording.columns(key.columns)}", key)
    for unique in table.unique_keys:
        yield f"  unique {wording.columns(unique.columns)}  {wording.standing(unique)}"
    for foreign in table.foreign_keys:
        yield from _entry(f"foreign key {wording.reference(foreign)}", foreign)


def _entry(what: str, key: PrimaryKey | ForeignKey | ImplicitEntity) -> Iterator[str]:
    yield f"  {what}  {wording.standing(key)}"
    reason = wording.reason(key)
    if reason:
        yield f"    {reason}"
