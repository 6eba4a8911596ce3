"""Builds a drafted schema in an empty database, or writes the statements that would.

Imports the adapter port; what is built is in the draft.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import sqlalchemy as sa
from alembic.ddl.impl import DefaultImpl
from alembic.migration import MigrationContext
from alembic.operations import Operations

from schemasynth.adapter import Capabilities, Selection, SourceConnection, TargetConnection
from schemasynth.create.dialects import DUCKDB, MYSQL, STANDARD, Home, holds, kind_of
from schemasynth.create.draft import UNKNOWN, Draft, Step, Values
from schemasynth.errors import DriftError, ReflectionError, SafetyError
from schemasynth.load.preflight import Finding, Place, Severity, measure
from schemasynth.model import Schema, TypeFamily
from schemasynth.settings import shown

_COLLATIONS = {True: "utf8mb4_nopad_bin", False: "utf8mb4_0900_bin"}
"""By which MariaDB, and which MySQL, compares texts as the databases do that know no other way."""


@dataclass(frozen=True, slots=True)
class Created:
    """What was built, or would be.

    Attributes:
        tables: how many.
        sql: the statements.
        findings: what was left out or changed on the way.
    """

    tables: int
    sql: str
    findings: tuple[Finding, ...]


def home_of(target: TargetConnection, capabilities: Capabilities, source: str) -> Home:
    """Return what a database can hold, its server's settings included.

    Args:
        target: the database.
        capabilities: of its adapter.
        source: the dialect that the schema comes from.
    """
    dialect = target.dialect
    kind = holds(dialect.name)
    if kind in (STANDARD, DUCKDB):
        # The generic adapter declares the shortest of all; the dialect knows better.
        length = max(capabilities.max_identifier_length, dialect.max_identifier_length)
        capabilities = replace(capabilities, max_identifier_length=length)
    if kind is not MYSQL:
        return Home(kind, capabilities, dialect.name)
    setting: sa.ColumnElement[int] = sa.literal_column("@@lower_case_table_names")
    ((stored,),) = target.select(sa.select(setting))
    alike = kind_of(source) == kind.kind
    collation = None if alike else _COLLATIONS[bool(getattr(dialect, "is_mariadb", False))]
    return Home(kind, capabilities, dialect.name, int(stored) == 1, collation)


def values_of(source: SourceConnection, schema: Schema, home: Home) -> Values:
    """Ask a source in which types its values come, and how long the texts are that need a limit.

    Args:
        source: where the rows are.
        schema: its tables.
        home: where the schema goes.

    Returns:
        Nothing for a database of the same kind, which holds what its like holds.
    """
    if kind_of(schema.dialect) == home.holds.kind:
        return UNKNOWN
    kinds = {table.name: source.arrow_schema(table) for table in schema}
    binds = kind_of(schema.dialect) != "sqlite"
    asked = {
        table.name: [
            column.name
            for column in table.columns
            if column.type.family is TypeFamily.TEXT
            and (column.type.length is None if binds else True)
            and not (binds and home.holds.unbounded_keys)
        ]
        for table in schema
    }
    risks = {name: columns for name, columns in asked.items() if columns}
    extents = measure(source, schema, schema, risks)
    longest: dict[Place, int] = {place: found.characters for place, found in extents.items()}
    return Values(kinds, longest)


def missing_schemas(target: TargetConnection, schema: Schema) -> list[str]:
    """Return the schemas that a target lacks, and refuse it if there is anything in the others.

    Args:
        target: the database.
        schema: what is to be built.

    Raises:
        SafetyError: it has tables; nothing was changed.
    """
    missing = []
    for name in sorted({table.name.schema for table in schema}, key=str):
        try:
            found = target.reflect(Selection(schemas=(name,) if name else ()))
        except ReflectionError:
            if name is None:
                raise
            missing.append(name)
            continue
        if found.tables:
            some = ", ".join(str(table.name) for table in found.tables[:5])
            raise SafetyError(
                f"{shown(target.url)} is not empty: it has {len(found.tables)} tables ({some}"
                f"{', …' if len(found.tables) > 5 else ''}). A schema is built in an empty "
                "database only; nothing was changed."
            )
    return missing


def refuse_homeless(findings: Iterable[Finding], url: sa.URL) -> None:
    """Raise if something has no home in the target.

    Raises:
        DriftError: lists everything that has none; nothing was changed.
    """
    lines = [f for f in findings if f.severity is Severity.REFUSED]
    if not lines:
        return
    differences = [f"{line.where} {line.found}" for line in lines]
    cures = dict.fromkeys(line.cure for line in lines)
    raise DriftError(
        f"{shown(url)} cannot hold the schema: {'; '.join(differences)}. Nothing was changed. "
        f"To go on: {'; '.join(cures)}.",
        differences,
    )


def _introduce(dialect: sa.Dialect) -> None:
    """Let Alembic know a dialect that it has no implementation for: it gets the plain one."""
    try:
        DefaultImpl.get_by_dialect(dialect)
    except KeyError:
        type("PlainImpl", (DefaultImpl,), {"__dialect__": dialect.name})


def statements(draft: Draft, dialect: sa.Dialect) -> str:
    """Return the statements of a draft, each with a semicolon."""
    _introduce(dialect)
    buffer = io.StringIO()
    context = MigrationContext.configure(
        dialect_name=dialect.name,
        dialect_opts={"paramstyle": "named"},
        opts={"as_sql": True, "output_buffer": buffer},
    )
    operations = Operations(context)
    for step in draft.steps:
        operations.invoke(step.does)
    return buffer.getvalue()


def build(draft: Draft, target: TargetConnection) -> None:
    """Run a draft; what fails leaves nothing behind.

    Args:
        draft: without refusals.
        target: an empty database.

    Raises:
        AdapterError: the database refused a statement.
    """

    def run(connection: sa.Connection) -> None:
        _introduce(connection.dialect)
        context = MigrationContext.configure(connection)
        operations, done = Operations(context), list[Step]()
        try:
            for step in draft.steps:
                operations.invoke(step.does)
                done.append(step)
        except sa.exc.SQLAlchemyError:
            if not context.impl.transactional_ddl:
                _undo(operations, done)
            raise

    target.build(run)


def _undo(operations: Operations, done: Sequence[Step]) -> None:
    for step in reversed(done):
        with suppress(sa.exc.SQLAlchemyError):
            operations.invoke(step.undoes)
