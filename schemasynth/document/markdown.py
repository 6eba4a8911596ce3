"""A schema as Markdown.

Imports the model, wording and the Mermaid diagram.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemasynth.document import wording
from schemasynth.document.mermaid import mermaid
from schemasynth.model import Column, ForeignKey, ImplicitEntity, PrimaryKey, Schema, Table

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|!])")


def markdown(schema: Schema) -> str:
    """Return a page: diagram, a section a table, implicit entities, questions.

    Args:
        schema: declared or inferred.
    """
    return "\n".join(_lines(schema)) + "\n"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, in one line."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return _SPECIAL.sub(r"\\\1", " ".join(printable.split()))


def code(text: str) -> str:
    """Return text as a code span, which shows it as it is; fenced by more than it holds."""
    runs = [len(run) for run in re.findall("`+", text)]
    fence = "`" * (max(runs, default=0) + 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _lines(schema: Schema) -> Iterator[str]:
    yield f"# {escaped(schema.name)}"
    yield ""
    yield "```mermaid"
    yield mermaid(schema).rstrip()
    yield "```"
    for table in schema:
        yield ""
        yield from _table(table)
    if schema.implicit_entities:
        yield from ("", "## Implicit entities", "")
        for entity in schema.implicit_entities:
            name, said = escaped(entity.name), escaped(wording.entity(entity))
            yield f"- {name}: {said}, {_standing(entity)}"
    if schema.rules:
        yield from ("", "## Rules", "")
        for rule in schema.rules:
            said = escaped(f"{rule.table}: {wording.rule(rule)}")
            yield f"- {said} ({code(str(rule.id))})"
    if schema.questions:
        yield from ("", "## Questions", "")
        for question in schema.questions:
            yield f"- {escaped(question.text)} ({question.confidence:.2f})"
            for answer, effect in wording.answers(question):
                yield f"    - {code(answer)}: {escaped(effect)}"


def _table(table: Table) -> Iterator[str]:
    yield f"## {escaped(str(table.name))}"
    yield ""
    if table.comment:
        yield from (escaped(table.comment), "")
    if table.row_count is not None:
        yield from (wording.count(table.row_count, "row"), "")
    yield from ("| Column | Type | NULL | Key | Comment |", "|---|---|---|---|---|")
    for column in table.columns:
        yield _column(table, column)
    if table.primary_key:
        key = table.primary_key
        yield ""
        yield f"Primary key {escaped(wording.columns(key.columns))}, {_standing(key)}"
    for foreign in table.foreign_keys:
        yield ""
        yield f"Foreign key {escaped(wording.reference(foreign))}, {_standing(foreign)}"


def _standing(key: PrimaryKey | ForeignKey | ImplicitEntity) -> str:
    reason = wording.reason(key)
    return wording.standing(key) + (f": {escaped(reason)}" if reason else "")


def _column(table: Table, column: Column) -> str:
    marks = []
    if table.primary_key and column.name in table.primary_key.columns:
        marks.append("primary key")
    marks += [
        "unique" if len(key.columns) == 1 else f"unique {wording.columns(key.columns)}"
        for key in table.unique_keys
        if column.name in key.columns
    ]
    marks += [f"→ {key.referred}" for key in table.foreign_keys if column.name in key.columns]
    cells = (
        column.name,
        column.type.sql,
        "yes" if column.nullable else "no",
        ", ".join(marks),
        column.comment or "",
    )
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"
