"""Spark SQL for SQLAlchemy: quoting, types, CREATE TABLE without the keys that Spark has not.

Imported by the Spark adapter only, which registers it.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import default
from sqlalchemy.sql import compiler

NAME = "spark"


class _Naive(sa.DateTime):
    """Travels as text: PySpark would shift it by the time zone of this machine."""

    def bind_processor(self, dialect: sa.Dialect) -> Any:
        """Write a datetime."""
        return lambda value: None if value is None else value.isoformat(" ")

    def bind_expression(self, bindvalue: Any) -> Any:
        """Read it again in Spark."""
        return sa.cast(sa.type_coerce(bindvalue, sa.String), sa.DateTime)


class SparkPreparer(compiler.IdentifierPreparer):
    """Quotes every name: which words are reserved depends on settings."""

    def __init__(self, dialect: sa.Dialect) -> None:
        """Quote by backticks."""
        super().__init__(dialect, initial_quote="`", escape_quote="`")

    def _requires_quotes(self, value: str) -> bool:
        return True


class SparkCompiler(compiler.SQLCompiler):
    """SELECT and INSERT as Spark writes them."""

    def render_literal_value(self, value: Any, type_: Any) -> str:
        """Escape backslashes, which escape in Spark's literals."""
        text = super().render_literal_value(value, type_)
        return text.replace("\\", "\\\\") if text.startswith("'") else text

    def visit_cast(self, cast: Any, **kw: Any) -> str:
        """Cast to STRING where a length is given: outside of tables Spark knows none."""
        if isinstance(cast.type, sa.String):
            return f"CAST({cast.clause._compiler_dispatch(self, **kw)} AS STRING)"  # noqa: SLF001
        written: str = super().visit_cast(cast, **kw)  # type: ignore[no-untyped-call]
        return written

    def visit_mod_binary(self, binary: Any, operator: Any, **kw: Any) -> str:
        """Write ``%``, which is not doubled for a driver that does not format."""
        return f"{self.process(binary.left, **kw)} % {self.process(binary.right, **kw)}"


class SparkTypes(compiler.GenericTypeCompiler):
    """Names of types."""

    def visit_INTEGER(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write INT."""
        return "INT"

    def visit_FLOAT(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write DOUBLE, which is what FLOAT means elsewhere."""
        return "DOUBLE"

    def visit_DOUBLE(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write DOUBLE."""
        return "DOUBLE"

    def visit_NUMERIC(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write DECIMAL."""
        return str(self.visit_DECIMAL(type_, **kw))

    def visit_text(self, type_: Any, **kw: Any) -> str:
        """Write STRING."""
        return "STRING"

    def visit_VARCHAR(self, type_: Any, **kw: Any) -> str:  # noqa: N802
        """Write VARCHAR where there is a length."""
        return f"VARCHAR({type_.length})" if type_.length else "STRING"

    def visit_large_binary(self, type_: Any, **kw: Any) -> str:
        """Write BINARY."""
        return "BINARY"

    def visit_datetime(self, type_: Any, **kw: Any) -> str:
        """Write TIMESTAMP_NTZ where there is no time zone."""
        return "TIMESTAMP" if type_.timezone else "TIMESTAMP_NTZ"


class SparkDDL(compiler.DDLCompiler):
    """CREATE TABLE."""

    def create_table_constraints(
        self,
        table: Any,
        _include_foreign_key_constraints: Any = None,
        **kw: Any,
    ) -> str:
        """Leave keys and checks out; indexes do not exist either."""
        return ""

    def visit_create_index(
        self,
        create: Any,
        include_schema: Any = False,
        include_table_schema: Any = True,
        **kw: Any,
    ) -> str:
        """Do nothing that a database could refuse."""
        return "SELECT 1"


class SparkDialect(default.DefaultDialect):
    """Over `SparkSession.sql`."""

    name = NAME
    driver = "pyspark"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    supports_native_boolean = True
    supports_native_decimal = True
    supports_sane_rowcount = False
    supports_sane_multi_rowcount = False
    supports_default_values = False
    supports_multivalues_insert = True
    supports_alter = False
    postfetch_lastrowid = False
    preparer: type[compiler.IdentifierPreparer] = SparkPreparer
    statement_compiler = SparkCompiler
    ddl_compiler = SparkDDL
    type_compiler_cls = SparkTypes
    colspecs = {sa.DateTime: _Naive}  # noqa: RUF012 as SQLAlchemy has it

    @classmethod
    def import_dbapi(cls) -> ModuleType:
        """Return the driver."""
        import pyspark  # noqa: F401 its absence names the extra

        from . import dbapi

        return dbapi

    def create_connect_args(self, url: sa.URL) -> Any:
        """Pass the URL on as it is."""
        return [], {"url": url}

    def do_executemany(
        self, cursor: Any, statement: str, parameters: Sequence[Any], context: Any = None
    ) -> None:
        """Insert rows by one statement: each one is a job."""
        values = getattr(context.compiled, "insert_single_values_expr", None) if context else None
        if not values:
            cursor.executemany(statement, parameters)
            return
        listed = ", ".join([f"({values})"] * len(parameters))
        head, _, tail = statement.rpartition(f"({values})")
        cursor.execute(head + listed + tail, [value for row in parameters for value in row])

    def has_table(
        self, connection: Any, table_name: str, schema: str | None = None, **_: Any
    ) -> bool:
        """Ask the catalogue."""
        from .session import quoted

        session = connection.connection.driver_connection.session
        name = quoted(schema, table_name) if schema else quoted(table_name)
        return bool(session.catalog.tableExists(name))

    def do_ping(self, dbapi_connection: Any) -> bool:
        """Sessions do not go away."""
        return True
