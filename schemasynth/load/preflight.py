"""What stands in the way of a refresh, or should be known before it: a list to act on.

Pure functions of two schemas and of facts that the databases gave; `measure` alone asks one.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from schemasynth.adapter import Relations, TargetFacts
from schemasynth.errors import (
    DriftError,
    LoadError,
    PrivilegeError,
    SafetyError,
    SchemasynthError,
)
from schemasynth.load.guard import drift
from schemasynth.model import Column, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.model.types import bounds

if TYPE_CHECKING:
    import sqlalchemy as sa

Place: TypeAlias = tuple[TableName, str]
"""A column."""


class Severity(enum.StrEnum):
    """What a finding means for a refresh."""

    REFUSED = "refused"
    """It does not begin."""
    WARNING = "warning"
    """It may fail or wait."""
    NOTE = "note"
    """It is taken care of."""


class Topic(enum.StrEnum):
    """What a finding is about."""

    SAFETY = "safety"
    PRIVILEGE = "privilege"
    REFERENCE = "reference"
    RECOVERY = "recovery"
    DRIFT = "drift"
    OVERFLOW = "overflow"
    SESSION = "session"
    SPACE = "space"
    TRIGGER = "trigger"
    COLUMN = "column"
    TYPE = "type"
    """Of a column in the schema that is built in another database; so are the next two."""
    NAME = "name"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the list.

    Attributes:
        severity: what it means for the refresh.
        topic: what it is about.
        where: the object, for people.
        found: what was found there.
        cure: what to do; empty where nothing is needed.
    """

    severity: Severity
    topic: Topic
    where: str
    found: str
    cure: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON-serialisable values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Extent:
    """How far the values of a source's column reach; no value itself.

    Attributes:
        characters: of the longest text.
        digits: before the point, of the number farthest from zero.
        nulls: how many rows have none.
        beyond: whether a number lies outside what the target's type holds.
    """

    characters: int = 0
    digits: int = 0
    nulls: int = 0
    beyond: bool = False


_ERRORS: Mapping[Topic, type[SchemasynthError]] = {
    Topic.SAFETY: SafetyError,
    Topic.PRIVILEGE: PrivilegeError,
    Topic.REFERENCE: SafetyError,
    Topic.RECOVERY: LoadError,
    Topic.DRIFT: DriftError,
    Topic.OVERFLOW: DriftError,
}
"""What a refusal is, the gravest first."""
_NUMBERS = frozenset({TypeFamily.INTEGER, TypeFamily.DECIMAL, TypeFamily.FLOAT})
_WIDTHS = {
    TypeFamily.INTEGER: 8,
    TypeFamily.DECIMAL: 12,
    TypeFamily.FLOAT: 8,
    TypeFamily.BOOLEAN: 1,
    TypeFamily.DATE: 4,
    TypeFamily.TIME: 8,
    TypeFamily.DATETIME: 8,
    TypeFamily.INTERVAL: 16,
    TypeFamily.UUID: 16,
}
"""Bytes that a value takes, about; more for what has no fixed width."""
_TEXT_WIDTH = 32
_ROW_OVERHEAD = 28
"""Bytes of PostgreSQL's row header and pointer; other databases have about as many."""
_COPIES = 2
"""Staged rows and new ones lie side by side; what was there before is counted already."""


def examine(
    schema: Schema,
    rows: Mapping[TableName, int],
    found: Schema,
    facts: TargetFacts,
    extents: Mapping[Place, Extent] | None = None,
) -> tuple[Finding, ...]:
    """Return all findings, refusals first.

    Args:
        schema: the source's tables of the plan.
        rows: planned, by table.
        found: the target's tables of the plan.
        facts: of the target.
        extents: of the columns that `at_risk` names.
    """
    findings = [
        *_privileges(facts),
        *_references(facts),
        *_recovery(facts),
        *_drifts(schema, found),
        *_overflows(schema, found, extents or {}, facts),
        *_sessions(facts),
        *_space(rows, found, facts),
        *_triggers(facts),
        *_columns(found),
    ]
    order = list(Severity)
    return tuple(sorted(findings, key=lambda finding: order.index(finding.severity)))


def refuse(findings: Iterable[Finding], shown_url: str) -> None:
    """Raise if a finding forbids the refresh; the gravest kind decides the error.

    Args:
        findings: of the target.
        shown_url: the target, for people.

    Raises:
        SchemasynthError: of the kind of the gravest finding; names all of that kind.
    """
    refused = [finding for finding in findings if finding.severity is Severity.REFUSED]
    for topic, error in _ERRORS.items():
        lines = [finding for finding in refused if finding.topic is topic]
        if not lines:
            continue
        if error is DriftError:
            differences = [f"{line.where} {line.found}" for line in lines]
            raise DriftError(
                f"The target {shown_url} does not have the plan's shape: {'; '.join(differences)}.",
                differences,
            )
        raise error(_message(topic, lines, shown_url))


def _message(topic: Topic, lines: Sequence[Finding], shown_url: str) -> str:
    if topic is Topic.PRIVILEGE:
        needed = " ".join(line.cure for line in lines)
        return f"{shown_url}: the role lacks privileges. Needed: {needed}"
    if topic is Topic.REFERENCE:
        keys = "; ".join(f"{line.where} ({line.found})" for line in lines)
        return f"Tables that are not refreshed reference some that are: {keys}. {lines[0].cure}"
    return " ".join(f"{line.found} {line.cure}".strip() for line in lines)


def _privileges(facts: TargetFacts) -> Iterator[Finding]:
    for need in facts.needs or ():
        if need.missing:
            yield Finding(
                Severity.REFUSED, Topic.PRIVILEGE, "the role", f"lacks: {need.why}", need.missing
            )


def _references(facts: TargetFacts) -> Iterator[Finding]:
    for key in facts.references:
        yield Finding(
            Severity.REFUSED,
            Topic.REFERENCE,
            key.table,
            f"{key.name} references {key.referred}",
            "Refresh them too, or leave the referenced tables out.",
        )


def _recovery(facts: TargetFacts) -> Iterator[Finding]:
    for name in facts.interrupted:
        yield Finding(
            Severity.REFUSED if facts.blocked else Severity.WARNING,
            Topic.RECOVERY,
            name,
            f"The load {name} was interrupted.",
            "Run `schemasynth recover` on the target.",
        )


def _drifts(schema: Schema, found: Schema) -> Iterator[Finding]:
    for where, what in drift(schema, found):
        cure = "migrate the target, or leave the table out"
        yield Finding(Severity.REFUSED, Topic.DRIFT, where, what, cure)


def _sessions(facts: TargetFacts) -> Iterator[Finding]:
    for session in facts.sessions:
        yield Finding(
            Severity.WARNING,
            Topic.SESSION,
            session.where,
            f"{session.who} is using it ({session.doing})",
            "end it before the switch, which waits half a minute for it",
        )


def _triggers(facts: TargetFacts) -> Iterator[Finding]:
    for trigger in facts.triggers:
        found = f"{trigger.name} would fire; it stays silent and is there again behind the switch"
        yield Finding(Severity.NOTE, Topic.TRIGGER, trigger.table, found)


def _columns(found: Schema) -> Iterator[Finding]:
    for table in found:
        for column in table.columns:
            where = f"{table.name}.{column.name}"
            if column.computed is not None:
                yield Finding(Severity.NOTE, Topic.COLUMN, where, "is computed by the database")
            elif column.identity is not None:
                what = "counts on behind the highest new value"
                yield Finding(Severity.NOTE, Topic.COLUMN, where, what)


def _space(rows: Mapping[TableName, int], found: Schema, facts: TargetFacts) -> Iterator[Finding]:
    needed = _COPIES * sum(rows.get(t.name, 0) * row_bytes(t) for t in found)
    about = f"about {in_units(needed)} are needed"
    if facts.free_bytes is None:
        what = f"{about}; how much is free cannot be told from here"
        yield Finding(Severity.NOTE, Topic.SPACE, "the disk", what)
    elif facts.free_bytes < needed:
        what = f"{about}, {in_units(facts.free_bytes)} are free"
        cure = "make room, or plan fewer rows (--scale)"
        yield Finding(Severity.WARNING, Topic.SPACE, "the disk", what, cure)
    else:
        what = f"{about}, {in_units(facts.free_bytes)} are free"
        yield Finding(Severity.NOTE, Topic.SPACE, "the disk", what)


def row_bytes(table: Table) -> int:
    """Return how much a row takes with its share of indexes, about."""
    keys = [*table.candidate_keys, *(index.columns for index in table.indexes)]
    widths = {column.name: _width(column.type) for column in table.columns}
    indexed = sum(_ROW_OVERHEAD + sum(widths.get(c or "", 8) for c in key) for key in keys)
    return _ROW_OVERHEAD + sum(widths.values()) + indexed


def _width(kind: SqlType) -> int:
    return _WIDTHS.get(kind.family) or min(kind.length or _TEXT_WIDTH, _TEXT_WIDTH)


def in_units(size: int) -> str:
    """Return a number of bytes for people."""
    amount = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def at_risk(
    schema: Schema, found: Schema, filled: Collection[Place], *, types_bind: bool
) -> dict[TableName, list[str]]:
    """Return the columns whose values may not fit those of the target, by table.

    Args:
        schema: the source's tables of the plan.
        found: the target's.
        filled: columns that get values like the source's.
        types_bind: whether the target's types limit its values.
    """
    result: dict[TableName, list[str]] = {}
    for table in schema:
        if table.name not in found:
            continue
        there = {column.name: column for column in found.table(table.name).columns}
        names = [
            column.name
            for column in table.columns
            if (table.name, column.name) in filled
            and column.name in there
            and _risky(column, there[column.name], types_bind=types_bind)
        ]
        if names:
            result[table.name] = names
    return result


def _risky(column: Column, target: Column, *, types_bind: bool) -> bool:
    if target.computed is not None:
        return False
    if column.nullable and not target.nullable:
        return True
    return types_bind and (_longer(column.type, target.type) or _larger(column.type, target.type))


def _longer(source: SqlType, target: SqlType) -> bool:
    if target.family is not TypeFamily.TEXT or target.length is None:
        return False
    return source.family is TypeFamily.TEXT and (
        source.length is None or source.length > target.length
    )


def _larger(source: SqlType, target: SqlType) -> bool:
    bound, own = bounds(target), bounds(source)
    if bound is None or source.family not in _NUMBERS:
        return False
    return own is None or own[0] < bound[0] or own[1] > bound[1]


def measure(
    source: Relations, schema: Schema, found: Schema, risks: Mapping[TableName, Sequence[str]]
) -> dict[Place, Extent]:
    """Ask a source how far the values of columns reach, in one scan a table.

    Args:
        source: where the rows are.
        schema: its tables.
        found: the target's.
        risks: from `at_risk`.
    """
    import sqlalchemy as sa

    result: dict[Place, Extent] = {}
    for name, columns in risks.items():
        table, relation = schema.table(name), source.relation(schema.table(name))
        asked = [
            expression
            for column in columns
            for expression in _measures(
                relation.c[column], table.column(column), source.dialect.name
            )
        ]
        (row,) = source.select(sa.select(*asked).select_from(relation))
        for place, column in enumerate(columns):
            length, low, high, nulls = row[4 * place : 4 * place + 4]
            limits = bounds(found.table(name).column(column).type)
            result[name, column] = Extent(
                characters=int(length or 0),
                digits=max(len(str(abs(_whole(end)))) for end in (low, high)),
                nulls=int(nulls or 0),
                beyond=limits is not None
                and not limits[0] <= _whole(low) <= _whole(high) <= limits[1],
            )
    return result


def _whole(end: Any) -> int:
    """Return a number without what is behind the point; 0 for none, and for what is no number."""
    try:
        return int(end or 0)
    except (ValueError, OverflowError, TypeError):
        return 0


def _measures(
    column: sa.ColumnElement[Any], model: Column, dialect: str
) -> tuple[sa.ColumnElement[Any], ...]:
    import sqlalchemy as sa

    nothing = sa.null()
    text, number = model.type.family is TypeFamily.TEXT, model.type.family in _NUMBERS
    length = sa.func.length if dialect == "sqlite" else sa.func.char_length
    return (
        sa.func.max(length(sa.cast(column, sa.Text))) if text else nothing,
        sa.func.min(column) if number else nothing,
        sa.func.max(column) if number else nothing,
        sa.func.count() - sa.func.count(column),
    )


def _overflows(
    schema: Schema, found: Schema, extents: Mapping[Place, Extent], facts: TargetFacts
) -> Iterator[Finding]:
    for (table, name), extent in extents.items():
        here, there = schema.table(table).column(name), found.table(table).column(name)
        where = f"column {table}.{name}"
        cure = "widen the target's column, or let the plan fill it with `null` or `constant`"
        for refused, what in _misfits(here, there, extent, types_bind=facts.types_bind):
            severity = Severity.REFUSED if refused else Severity.WARNING
            yield Finding(severity, Topic.OVERFLOW, where, what, cure)


def _misfits(
    here: Column, there: Column, extent: Extent, *, types_bind: bool
) -> Iterator[tuple[bool, str]]:
    if here.nullable and not there.nullable:
        if extent.nulls:
            yield True, f"is NOT NULL, and the source has no value in {extent.nulls:,} rows"
        else:
            yield False, "is NOT NULL, and nullable in the source"
    if not types_bind:
        return
    if _longer(here.type, there.type):
        limit = there.type.length or 0
        beyond = extent.characters > limit
        has = f"{extent.characters:,} characters" if beyond else "shorter ones only"
        yield beyond, f"holds {limit:,} characters; the source allows more and has {has}"
    if _larger(here.type, there.type):
        has = f"numbers of {extent.digits} digits" if extent.beyond else "smaller numbers only"
        yield extent.beyond, f"is {there.type.sql}; the source allows larger numbers and has {has}"
    if _finer(here.type, there.type):
        yield False, f"is {there.type.sql}: digits after the point are rounded"


def _finer(source: SqlType, target: SqlType) -> bool:
    if source.family is not TypeFamily.DECIMAL or target.family is not TypeFamily.DECIMAL:
        return False
    if target.precision is None:
        return False
    return source.scale is None or source.scale > (target.scale or 0)


def as_text(findings: Iterable[Finding]) -> str:
    """Return the list for a terminal."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.severity:8}{finding.topic:10} {finding.where}: {finding.found}")
        if finding.cure:
            lines.append(f"{'':18} → {finding.cure}")
    return "\n".join(lines)
