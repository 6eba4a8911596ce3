"""The checks of a schema's keys and what they found.

Imports the adapter port and the model; works on a database or on staged tables.
"""

from __future__ import annotations

import enum
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from schemasynth.adapter import Relations
from schemasynth.errors import IntegrityError
from schemasynth.model import Check, ForeignKey, Origin, Schema, Table
from schemasynth.progress import Listener, Progress, silent

if TYPE_CHECKING:
    import sqlalchemy as sa


class CheckKind(enum.StrEnum):
    """What a check proves."""

    NOT_NULL = "not null"
    PRIMARY_KEY = "primary key"
    UNIQUE = "unique"
    FOREIGN_KEY = "foreign key"
    CHECK = "check"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check found.

    Attributes:
        kind: what it proves.
        table: the table's name.
        columns: of the key; empty for a CHECK.
        referred: of a foreign key, the referenced table and columns.
        origin: of the key.
        rows: of the table.
        violations: rows that violate it.
        milliseconds: its query took.
    """

    kind: CheckKind
    table: str
    columns: tuple[str, ...]
    referred: str
    origin: Origin
    rows: int
    violations: int
    milliseconds: float

    @property
    def name(self) -> str:
        """The check, for people."""
        arrow = f" -> {self.referred}" if self.referred else ""
        return f"{self.kind} {self.table}({', '.join(self.columns)}){arrow}"


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What all checks found."""

    results: tuple[CheckResult, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is violated."""
        return all(result.violations == 0 for result in self.results)

    @property
    def violations(self) -> dict[str, int]:
        """Violating rows by name of the check, where there are any."""
        return {result.name: result.violations for result in self.results if result.violations}

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-serialisable values."""
        checks = [{"name": result.name, **asdict(result)} for result in self.results]
        return {"ok": self.ok, "violations": sum(self.violations.values()), "checks": checks}


def require(report: IntegrityReport) -> None:
    """Raise if anything is violated.

    Raises:
        IntegrityError: with the counts per check.
    """
    if report.ok:
        return
    lines = "; ".join(f"{name}: {rows:,} rows" for name, rows in report.violations.items())
    raise IntegrityError(f"Integrity is violated: {lines}.", report.violations)


def check_integrity(
    relations: Relations, schema: Schema, listener: Listener = silent
) -> IntegrityReport:
    """Prove every key of a schema: one scan a table for NOT NULL, then one query a key.

    Args:
        relations: where the rows are.
        schema: the tables and the keys to prove, declared or not.
        listener: hears a message a table.
    """
    results: list[CheckResult] = []
    for done, table in enumerate(schema, 1):
        results += _table_results(relations, schema, table)
        listener(Progress("verify", str(table.name), done, len(schema.tables)))
    return IntegrityReport(tuple(results))


def _table_results(relations: Relations, schema: Schema, table: Table) -> Iterator[CheckResult]:
    import sqlalchemy as sa

    relation = relations.relation(table)
    required, rows, nulls, spent = _nulls(relations, relation, table)
    for column, missing in zip(required, nulls, strict=True):
        yield _result(
            CheckKind.NOT_NULL,
            table,
            (column,),
            rows,
            missing,
            spent / len(required),
            origin=_origin_of_not_null(table, column),
        )
    for columns, kind, origin in _keys(table):
        found, spent = _count(relations, _duplicates(relation, columns))
        yield _result(kind, table, columns, rows, found, spent, origin=origin)
    for key in table.foreign_keys:
        if key.referred in schema:
            parent = relations.relation(schema.table(key.referred))
            found, spent = _count(relations, orphans(relation, parent, key))
            referred = f"{key.referred}({', '.join(key.referred_columns)})"
            yield _result(
                CheckKind.FOREIGN_KEY, table, key.columns, rows, found, spent, referred, key.origin
            )
    if relations.dialect.name == schema.dialect:
        for check in (c for c in table.checks if c.state.enforced and c.state.validated):
            statement = sa.select(sa.func.count()).select_from(relation).where(_broken(check))
            found, spent = _count(relations, statement)
            yield _result(CheckKind.CHECK, table, (check.name or check.sql,), rows, found, spent)


def _result(
    kind: CheckKind,
    table: Table,
    columns: tuple[str, ...],
    rows: int,
    violations: int,
    milliseconds: float,
    referred: str = "",
    origin: Origin = Origin.DECLARED,
) -> CheckResult:
    return CheckResult(
        kind, str(table.name), columns, referred, origin, rows, violations, round(milliseconds, 2)
    )


def _origin_of_not_null(table: Table, column: str) -> Origin:
    """Return who says that a column is never NULL: its declaration, or the primary key."""
    if table.primary_key is None or not table.column(column).nullable:
        return Origin.DECLARED
    return table.primary_key.origin


def _keys(table: Table) -> Iterator[tuple[tuple[str, ...], CheckKind, Origin]]:
    if table.primary_key:
        yield table.primary_key.columns, CheckKind.PRIMARY_KEY, table.primary_key.origin
    for key in table.unique_keys:
        yield key.columns, CheckKind.UNIQUE, key.origin


def _nulls(
    relations: Relations, relation: sa.TableClause, table: Table
) -> tuple[list[str], int, Sequence[int], float]:
    """Return the columns that must not be NULL, the rows, NULLs per column, milliseconds."""
    import sqlalchemy as sa

    primary = table.primary_key.columns if table.primary_key else ()
    required = [c.name for c in table.columns if not c.nullable or c.name in primary]
    present = (sa.func.count(relation.c[name]) for name in required)
    started = time.perf_counter()
    statement = sa.select(sa.func.count()).add_columns(*present).select_from(relation)
    row = relations.select(statement)[0]
    spent = (time.perf_counter() - started) * 1000
    return required, int(row[0]), [int(row[0]) - int(n) for n in row[1:]], spent


def _count(relations: Relations, statement: sa.Select[Any]) -> tuple[int, float]:
    started = time.perf_counter()
    found = relations.select(statement)[0][0]
    return int(found or 0), (time.perf_counter() - started) * 1000


def _duplicates(relation: sa.TableClause, columns: tuple[str, ...]) -> sa.Select[Any]:
    """Count rows that repeat a key; a key with a NULL repeats none (SQL:2016, 4.18.3.2)."""
    import sqlalchemy as sa

    key = [relation.c[name] for name in columns]
    groups = (
        sa.select((sa.func.count() - 1).label("extra"))
        .select_from(relation)
        .where(*(column.is_not(None) for column in key))
        .group_by(*key)
        .having(sa.func.count() > 1)
        .subquery()
    )
    return sa.select(sa.func.sum(groups.c.extra))


def orphans(child: sa.TableClause, parent: sa.TableClause, key: ForeignKey) -> sa.Select[Any]:
    """Return the statement that counts rows whose key is not in the parent (MATCH SIMPLE).

    The anti-join stands in WHERE and counts: as an early exit it is planned as a nested loop,
    six times slower just when the data are clean.

    Args:
        child: relation of the table with the foreign key.
        parent: relation of the referenced table.
        key: the foreign key.
    """
    import sqlalchemy as sa

    c, p = child.alias("c"), parent.alias("p")
    pairs = list(zip(key.columns, key.referred_columns, strict=True))
    match = sa.exists().select_from(p).where(*(p.c[there] == c.c[here] for here, there in pairs))
    present = [c.c[here].is_not(None) for here, _ in pairs]
    return sa.select(sa.func.count()).select_from(c).where(*present, ~match)


def _broken(check: Check) -> sa.ColumnElement[bool]:
    import sqlalchemy as sa

    # The condition is the database's own text, sent back to it as it came.
    condition = sa.literal_column(f"({check.sql})", sa.Boolean)
    return sa.not_(condition)
