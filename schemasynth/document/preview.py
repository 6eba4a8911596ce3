"""A plan tried on made-up rows, as plain text for a terminal.

Imports the model, the plan's values and wording.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from schemasynth.arrays import array
from schemasynth.document import wording
from schemasynth.plan.budget import budget
from schemasynth.plan.model import ColumnPlan, ColumnTreatment, RefreshPlan, Role, TablePlan

if TYPE_CHECKING:
    import pandas as pd

    from schemasynth.preview import TablePreview

WIDTH = 100
"""Characters of a line of rows; further columns follow below."""
CELL = 24
"""Characters of a value; the rest is cut."""
_HEAD = """\
What this plan does to ten made-up rows of each table. No value is taken from the source. A learned
value comes from another made-up row here; of real rows the generator draws it from what it has
learned. New rows are other rows: the first one after is not the first one before."""


def preview_text(plan: RefreshPlan, tables: Sequence[TablePreview]) -> str:
    """Return what becomes of each column, and the rows before and after.

    Args:
        plan: that was tried.
        tables: of `preview`.
    """
    head = [_HEAD, *filter(None, [budget(plan)])]
    return "\n".join([*head, *(line for table in tables for line in _table(plan, table))])


def _table(plan: RefreshPlan, table: TablePreview) -> Iterator[str]:
    name = table.plan.name
    yield from ("", f"{name}  {table.plan.role}: {table.plan.reason}")
    width = max((len(column.name) for column in table.plan.columns), default=0)
    for column in table.plan.columns:
        yield f"  {column.name.ljust(width)}  {_becomes(plan, table.plan, column)}"
    for rule in plan.rules:
        if name in (rule.table, rule.referred):
            yield f"  kept: {wording.rule(rule)}"
    for check in table.plan.checks:
        by = "by the target alone" if check.reason else f"by {check.engine}"
        yield f"  CHECK evaluated {by}: {check.sql}"
    for names in _blocks(table):
        yield ""
        for when, rows in (("before", table.before), ("after", table.after)):
            yield _line(when, [name.ljust(_width(table, name)) for name in names])
            columns = [_cells(rows, name, _width(table, name)) for name in names]
            yield from (_line("", cells) for cells in zip(*columns, strict=True))


def _line(when: str, cells: Sequence[str]) -> str:
    return f"  {when.ljust(len('before'))}  {'  '.join(cells)}".rstrip()


def _becomes(plan: RefreshPlan, table: TablePlan, column: ColumnPlan) -> str:
    """Say in a few words where a column's new values come from."""
    if table.role is Role.REFERENCE and column.treatment is not ColumnTreatment.PROVIDER:
        return "copied"
    match column.treatment:
        case ColumnTreatment.FOREIGN_KEY:
            keys = (key for key in table.foreign_keys if column.name in key.columns)
            return ", ".join(f"refers to {key.referred} ({key.treatment})" for key in keys)
        case ColumnTreatment.CONSTANT:
            return f"constant {column.value!r}"
        case ColumnTreatment.KEY if column.key_format is not None:
            return f"new key, {column.key_format.kind}"
        case ColumnTreatment.PROVIDER if column.provider is not None:
            return f"made up: {column.provider.kind} ({column.provider.language})"
        case ColumnTreatment.TEMPLATE:
            return "sentences of frequent words and everyday ones"
        case ColumnTreatment.LANGUAGE_MODEL:
            told = plan.language_model
            return (
                f"texts of the language model {told.model}, trained for {told.max_minutes:g} "
                f"minutes at most on texts without names and numbers ({column.reason})"
            )
        case ColumnTreatment.LEARN:
            return f"learned: {column.encoding}"
    return str(column.treatment)


def _blocks(table: TablePreview) -> Iterator[list[str]]:
    """Yield the columns side by side that fit into a line."""
    block: list[str] = []
    used = 0
    for column in table.plan.columns:
        width = _width(table, column.name) + 2
        if block and used + width > WIDTH:
            yield block
            block, used = [], 0
        block.append(column.name)
        used += width
    if block:
        yield block


def _width(table: TablePreview, name: str) -> int:
    return max(len(name), *(len(c) for r in (table.before, table.after) for c in _cells(r, name)))


def _cells(rows: pd.DataFrame, name: str, width: int = 0) -> list[str]:
    """Return a column's values as texts of one width; of one that the database fills, dots."""
    if name not in rows:
        return ["…".ljust(width)] * len(rows)
    return [_cell(value).ljust(width) for value in array(rows, name).to_pylist()]


def _cell(value: object) -> str:
    text = "NULL" if value is None else str(value).replace("\n", " ")
    return text if len(text) <= CELL else f"{text[: CELL - 1]}…"
