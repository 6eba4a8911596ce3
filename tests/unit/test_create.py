"""Schemas drafted for other databases: types, keys, names, expressions, and what is refused."""

from __future__ import annotations

import pyarrow as pa
import pytest
from sqlalchemy.dialects import mysql, postgresql, sqlite

from schemasynth.adapter import Capabilities
from schemasynth.create.dialects import Home, holds
from schemasynth.create.draft import Draft, Values, draft
from schemasynth.create.expressions import NotPortable, portable, portable_default
from schemasynth.create.run import statements
from schemasynth.create.types import held
from schemasynth.load import Severity
from schemasynth.model import (
    Check,
    Column,
    Computed,
    ConstraintState,
    ForeignKey,
    Identity,
    Index,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
    UniqueKey,
)

DIALECTS = {"postgresql": postgresql, "mysql": mysql, "sqlite": sqlite, "standard": sqlite}
F = TypeFamily
ZONED = SqlType("timestamp", F.DATETIME, timezone=True)


def capabilities(dialect: str) -> Capabilities:
    return Capabilities(
        schemas=dialect != "sqlite",
        comments=dialect != "sqlite",
        sequences=dialect == "postgresql",
        computed_columns=True,
        identity_columns=True,
        checks=True,
        deferrable_foreign_keys=dialect != "mysql",
        unvalidated_constraints=False,
        foreign_keys_enforced="row",
        session_read_only=True,
        atomic_switch="transaction",
        bulk_reflection=True,
        bulk_load=True,
        max_identifier_length=64,
    )


def home(dialect: str, *, small_names: bool = False) -> Home:
    collation = "utf8mb4_nopad_bin" if dialect == "mysql" else None
    return Home(holds(dialect), capabilities(dialect), dialect, small_names, collation)


@pytest.mark.parametrize(
    ("source", "kind", "target", "written"),
    [
        ("postgresql", SqlType("uuid", F.UUID), "mysql", "CHAR(36)"),
        ("postgresql", SqlType("jsonb", F.JSON), "mysql", "JSON"),
        ("postgresql", SqlType("boolean", F.BOOLEAN), "mysql", "TINYINT(1)"),
        ("postgresql", SqlType("timestamptz", F.DATETIME, timezone=True), "mysql", "DATETIME(6)"),
        ("postgresql", SqlType("bytea", F.BINARY), "mysql", "LONGBLOB"),
        ("postgresql", SqlType("interval", F.INTERVAL), "mysql", "VARCHAR(64)"),
        ("postgresql", SqlType("numeric", F.DECIMAL), "mysql", "NUMERIC(38, 10)"),
        ("postgresql", SqlType("numeric(3,5)", F.DECIMAL, None, 3, 5), "mysql", "NUMERIC(5, 5)"),
        ("postgresql", SqlType("numeric(3,-2)", F.DECIMAL, None, 3, -2), "mysql", "NUMERIC(5, 0)"),
        ("postgresql", SqlType("numeric(70,2)", F.DECIMAL, None, 70, 2), "mysql", None),
        ("postgresql", SqlType("smallint", F.INTEGER), "mysql", "SMALLINT"),
        ("postgresql", SqlType("text", F.TEXT), "mysql", "LONGTEXT"),
        ("postgresql", SqlType("varchar(20000)", F.TEXT, 20_000), "mysql", "LONGTEXT"),
        ("postgresql", SqlType("character(5)", F.TEXT, 5), "mysql", "CHAR(5)"),
        ("postgresql", SqlType("character varying(5)", F.TEXT, 5), "mysql", "VARCHAR(5)"),
        ("postgresql", SqlType("mood", F.TEXT, values=("a", "b")), "mysql", "ENUM('a','b')"),
        ("postgresql", SqlType("inet", F.OTHER), "mysql", "VARCHAR(49)"),
        ("postgresql", SqlType("text[]", F.OTHER), "mysql", None),
        ("postgresql", SqlType("daterange", F.OTHER), "mysql", None),
        ("postgresql", SqlType("text[]", F.OTHER), "postgresql", "text[]"),
        ("postgresql", SqlType("numeric(9)", F.DECIMAL, None, 9), "postgresql", "numeric(9)"),
        ("postgresql", SqlType("my_domain", F.TEXT, 9), "postgresql", "VARCHAR(9)"),
        ("postgresql", SqlType("spot", F.OTHER), "postgresql", None),
        ("mysql", SqlType("bigint(20) unsigned", F.INTEGER), "postgresql", "NUMERIC(20, 0)"),
        ("mysql", SqlType("int(10) unsigned", F.INTEGER), "postgresql", "BIGINT"),
        ("mysql", SqlType("tinyint(1)", F.BOOLEAN), "postgresql", "BOOLEAN"),
        ("mysql", SqlType("datetime(6)", F.DATETIME), "postgresql", "TIMESTAMP WITHOUT TIME ZONE"),
        ("mysql", ZONED, "postgresql", "TIMESTAMP WITH TIME ZONE"),
        ("mysql", SqlType("time", F.TIME), "postgresql", "TIME WITHOUT TIME ZONE"),
        ("mysql", SqlType("json", F.JSON), "postgresql", "JSON"),
        ("mysql", SqlType("point", F.OTHER), "postgresql", None),
        ("mysql", SqlType("int(10) unsigned", F.INTEGER), "mysql", "int(10) unsigned"),
        ("sqlite", SqlType("INTEGER", F.INTEGER), "postgresql", "BIGINT"),
        ("sqlite", SqlType("CHARACTER(20)", F.TEXT, 20), "postgresql", "VARCHAR(20)"),
        ("sqlite", SqlType("NUMERIC", F.DECIMAL), "postgresql", "NUMERIC"),
        ("oracle", SqlType("NUMBER(4,0)", F.INTEGER, precision=4), "postgresql", "SMALLINT"),
        ("oracle", SqlType("NUMBER(12)", F.INTEGER, precision=12), "postgresql", "BIGINT"),
        ("oracle", SqlType("NUMBER", F.DECIMAL), "postgresql", "NUMERIC"),
        ("oracle", SqlType("NUMBER(30)", F.INTEGER, precision=30), "mysql", "NUMERIC(30, 0)"),
        ("oracle", SqlType("VARCHAR2(40 CHAR)", F.TEXT, 40), "postgresql", "VARCHAR(40)"),
        ("oracle", SqlType("RAW(16)", F.BINARY, 16), "mysql", "VARBINARY(16)"),
        ("oracle", SqlType("INTERVAL DAY TO SECOND", F.INTERVAL), "postgresql", "INTERVAL"),
        ("databricks", SqlType("STRING", F.TEXT), "postgresql", "TEXT"),
        ("databricks", SqlType("DOUBLE", F.FLOAT), "postgresql", "DOUBLE PRECISION"),
        ("databricks", SqlType("BIGINT", F.INTEGER), "postgresql", "BIGINT"),
        ("databricks", SqlType("ARRAY<STRING>", F.OTHER), "postgresql", None),
        ("postgresql", SqlType("uuid", F.UUID), "sqlite", "UUID"),
        ("postgresql", SqlType("uuid", F.UUID), "duckdb", "VARCHAR(36)"),
    ],
)  # fmt: skip
def test_a_type_has_a_home_or_none(
    source: str, kind: SqlType, target: str, written: str | None
) -> None:
    typed = held(kind, source, holds(target), "an_enum")
    dialect = DIALECTS.get(target, sqlite).dialect()
    assert (typed.type and typed.type.compile(dialect)) == written


PEOPLE = Table(
    TableName("people"),
    (
        Column("id", SqlType("integer", F.INTEGER), False),
        Column("name", SqlType("text", F.TEXT)),
        Column("active", SqlType("boolean", F.BOOLEAN)),
        Column("price", SqlType("numeric(10,2)", F.DECIMAL, None, 10, 2)),
        Column("born", SqlType("date", F.DATE)),
    ),
)


@pytest.mark.parametrize(
    ("sql", "written"),
    [
        ("(price > 0::numeric)", "`price` > 0"),
        ("((price >= 0) AND (price <= 1e3))", "`price` >= 0 AND `price` <= 1e3"),
        (
            "((name)::text = ANY ((ARRAY['a'::character varying, 'it''s'::text])::text[]))",
            "`name` IN ('a', 'it''s')",
        ),
        ("name IN ('a', 'b') OR name IS NULL", "`name` IN ('a', 'b') OR `name` IS NULL"),
        ("NOT (id BETWEEN 1 AND 5)", "`id` NOT BETWEEN 1 AND 5"),
        ("(char_length(name) > 2)", "char_length(`name`) > 2"),
        ("length((name)::text) > 2", "char_length(`name`) > 2"),
        ("(born > '2000-01-01'::date)", "`born` > '2000-01-01'"),
        ("active = 1", "`active` = true"),
        ("`id` <> 3", "`id` != 3"),
        ("(price * 2 + 1) > -3", "`price` * 2 + 1 > -3"),
        ("(name || 'x') <> 'yx'", "(concat(`name`, 'x')) != 'yx'"),
        ('"NAME" <> \'100%\'', "`name` != '100%'"),
    ],
)  # fmt: skip
def test_a_portable_condition_is_written_for_mariadb(sql: str, written: str) -> None:
    found = portable(sql, PEOPLE, "char_length")
    dialect = mysql.dialect(paramstyle="named")
    compiled = found.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    assert str(compiled) == written


@pytest.mark.parametrize(
    "sql",
    [
        "name ~ '^a'",
        "name LIKE 'a%'",
        "price / 2 > 1",
        "born > 5",
        "name > 5",
        "active = 7",
        "born - 3 > '2000-01-01'",
        "nobody > 0",
        "my_function(id) > 0",
        "(born)::text > 'a'",
        "name = 'a\\'",
        "id > 0 id",
        "id IN (SELECT 1)",
        "CASE WHEN id > 0 THEN true END",
        "(id > 0",
        "",
    ],
)
def test_other_conditions_are_not_carried(sql: str) -> None:
    with pytest.raises(NotPortable):
        portable(sql, PEOPLE, "char_length")


@pytest.mark.parametrize(
    ("kind", "sql", "written"),
    [
        (F.TEXT, "'it''s'::character varying", "'it''s'"),
        (F.INTEGER, "0", "0"),
        (F.INTEGER, "'-3'::integer", "'-3'"),
        (F.DECIMAL, "(-1.5)", "-1.5"),
        (F.BOOLEAN, "1", "true"),
        (F.BOOLEAN, "false", "false"),
        (F.BOOLEAN, "'t'", "true"),
        (F.DATETIME, "now()", "CURRENT_TIMESTAMP(6)"),
        (F.DATETIME, "current_timestamp(3)", "CURRENT_TIMESTAMP(6)"),
        (F.DATE, "CURRENT_DATE", "(CURRENT_DATE)"),
        (F.TEXT, "gen_random_uuid()", None),
        (F.INTEGER, "nextval('s'::regclass)", None),
        (F.BOOLEAN, "7", None),
        (F.DATE, "now()", None),
    ],
)
def test_defaults_are_literals_or_the_time(kind: F, sql: str, written: str | None) -> None:
    column = Column("a", SqlType("", kind))
    if written is None:
        with pytest.raises(NotPortable):
            portable_default(column, sql, precise=True)
        return
    found = portable_default(column, sql, precise=True)
    dialect = mysql.dialect(paramstyle="named")
    assert str(found.compile(dialect=dialect, compile_kwargs={"literal_binds": True})) == written


def table(name: str, *columns: Column, **rest: object) -> Table:
    return Table(TableName(name), columns, **rest)  # type: ignore[arg-type]


def number(name: str = "id", **rest: object) -> Column:
    return Column(name, SqlType("integer", F.INTEGER), False, **rest)  # type: ignore[arg-type]


def text(name: str, length: int | None = None, **rest: object) -> Column:
    sql = f"character varying({length})" if length else "text"
    return Column(name, SqlType(sql, F.TEXT, length), **rest)  # type: ignore[arg-type]


def drafted(*tables: Table, target: str = "mysql", values: Values | None = None) -> Draft:
    schema = Schema("postgresql", "live", tables)
    return draft(schema, home(target), values or Values({}, {}))


def sql(made: Draft, target: str = "mysql") -> str:
    return statements(made, DIALECTS[target].dialect())


def notes(made: Draft) -> list[str]:
    return [f"{line.where} {line.found}" for line in made.findings]


def refusals(made: Draft) -> list[str]:
    return [f"{f.where} {f.found}" for f in made.findings if f.severity is Severity.REFUSED]


def reference(column: str, referred: str, *referred_columns: str, **rest: object) -> ForeignKey:
    return ForeignKey((column,), TableName(referred), referred_columns or ("id",), **rest)  # type: ignore[arg-type]


def test_a_text_in_a_key_gets_a_limit_on_both_sides_of_a_reference() -> None:
    parent = table("parent", text("code", nullable=False), primary_key=PrimaryKey(("code",)))
    child = table("child", text("code"), foreign_keys=(reference("code", "parent", "code"),))
    written = sql(drafted(parent, child))
    assert written.count("`code` VARCHAR(255)") == 2
    longest = Values({}, {(TableName("child"), "code"): 500})
    assert sql(drafted(parent, child, values=longest)).count("`code` VARCHAR(520)") == 2


def test_a_key_that_no_index_can_hold_is_left_out_or_refused() -> None:
    long = Values({}, {(TableName("t"), "a"): 5000})
    primary = table("t", text("a", nullable=False), primary_key=PrimaryKey(("a",)))
    assert refusals(drafted(primary, values=long)) == [
        "primary key t(a) cannot be held: a text in it has no limit"
    ]
    wide = table("t", text("a", 700), text("b", 700), unique_keys=(UniqueKey(("a", "b")),))
    assert notes(drafted(wide)) == [
        "unique key t(a, b) is left out: an entry would take 5,600 bytes of 3,072"
    ]
    assert notes(drafted(wide, target="postgresql")) == []


def test_a_composite_key_shares_its_room() -> None:
    columns = [text(f"c{i}", nullable=False) for i in range(4)]
    made = drafted(table("t", *columns, primary_key=PrimaryKey(tuple(c.name for c in columns))))
    assert sql(made).count("VARCHAR(192)") == 4
    assert not refusals(made)


def test_long_rows_let_their_longest_texts_go() -> None:
    columns = [text(f"c{i}", 4000 + i) for i in range(5)]
    made = drafted(table("t", *columns))
    assert sql(made).count("LONGTEXT") == 1
    assert "`c4` LONGTEXT" in sql(made)


def test_an_index_over_a_long_text_is_cut() -> None:
    made = drafted(table("t", text("a"), indexes=(Index("t_a", ("a",)),)))
    assert "CREATE INDEX t_a ON `t` (`a`(191))" in sql(made)


def test_cycles_are_closed_after_all_tables() -> None:
    one = table("one", number(), number("o"), primary_key=PrimaryKey(("id",)),
                foreign_keys=(reference("o", "other", name="forth"),))  # fmt: skip
    other = table("other", number(), number("o"), primary_key=PrimaryKey(("id",)),
                  foreign_keys=(reference("o", "one", name="back"),))  # fmt: skip
    written = sql(drafted(one, other), "mysql")
    assert written.index("CREATE TABLE `other`") < written.index("ADD CONSTRAINT forth FOREIGN KEY")
    inline = sql(drafted(one, other, target="sqlite"), "sqlite")
    assert "ALTER TABLE" not in inline
    assert inline.count("FOREIGN KEY") == 2


def test_what_another_database_has_not_is_noted() -> None:
    made = drafted(
        table(
            "t",
            number(identity=Identity(always=True)),
            number("n", default="my_function()"),
            Column("c", SqlType("numeric", F.DECIMAL, None, 9, 2), computed=Computed("f(n)", True)),
            text("x", 10),
            primary_key=PrimaryKey(("id",)),
            foreign_keys=(
                reference("n", "gone"),
                reference("n", "t", "n"),
                reference("n", "t", name="k", on_delete="SET DEFAULT",
                          state=ConstraintState(deferrable=True)),
            ),
            checks=(Check("x ~ '^a'", "shape"), Check("n > 0", "positive")),
            indexes=(Index("some", ("n",), where="(n > 1)"), Index("e", (None,)),
                     Index("lost", ("c",))),
            comment="kept",
        )
    )  # fmt: skip
    assert notes(made) == [
        "column t.c is left out: its expression is not one that other databases compute alike",
        "column t.n loses its default, which other databases do not read alike",
        "check shape of t is left out: it is not one that other databases read alike",
        "foreign key t(n) is left out: gone is not among the tables",
        "foreign key t(n) is left out: t(n) is no key there",
        "foreign key t(n) is checked at once: there are no deferrable ones",
        "foreign key t(n) loses ON DELETE SET DEFAULT, which is not known there",
        "index some of t is left out: it is over some rows only",
        "index e of t is left out: it is over an expression",
        "index lost of t is left out: one of its columns is left out",
    ]
    written = sql(made)
    assert "AUTO_INCREMENT" in written
    assert "CONSTRAINT positive CHECK (`n` > 0)" in written
    assert "COMMENT='kept'" in written


def test_names_that_cannot_be_kept_are_refused_and_those_of_constraints_shortened() -> None:
    long = "n" * 65
    made = drafted(table(long, number(), number("ID"), number(long)))
    assert refusals(made) == [
        f"table {long} has a name that is too long there",
        f"column {long}.{long} has a name that is too long there",
        f"column {long}.ID is the same name as id there",
    ]
    schema = Schema("postgresql", "live", (table("Album", number()),))
    assert refusals(draft(schema, home("mysql", small_names=True))) == [
        "table Album would be stored in small letters by this server"
    ]
    kept = drafted(table("t", number("a"), unique_keys=(UniqueKey(("a",), long),)))
    assert not refusals(kept)
    assert f"is named {'n' * 55}_" in notes(kept)[0]


def test_indexes_of_one_name_get_their_own_where_names_are_shared() -> None:
    tables = [table(n, number("a"), indexes=(Index("same", ("a",)),)) for n in ("t", "u")]
    schema = Schema("mysql", "live", tuple(tables))
    made = draft(schema, home("postgresql"))
    assert notes(made) == ["index same of u is named u_same, not same"]
    assert notes(draft(schema, home("mysql"))) == []


def test_types_follow_the_values_where_declared_ones_bind_nobody() -> None:
    parent = table("parent", number(), primary_key=PrimaryKey(("id",)))
    child = table("child", number("parent_id"), text("word", 3),
                  foreign_keys=(reference("parent_id", "parent"),))  # fmt: skip
    schema = Schema("sqlite", "live", (parent, child))
    kinds = {
        TableName("parent"): pa.schema([("id", pa.string())]),
        TableName("child"): pa.schema([("parent_id", pa.int64()), ("word", pa.string())]),
    }
    values = Values(kinds, {(TableName("child"), "word"): 9})
    written = sql(draft(schema, home("postgresql"), values), "postgresql")
    assert '"id" TEXT NOT NULL' in written
    assert '"parent_id" TEXT NOT NULL' in written
    assert '"word" TEXT' in written


def test_an_enumerated_type_is_made_once() -> None:
    mood = SqlType("mood", F.TEXT, values=("sad", "it's"))
    tables = [table(n, Column("m", mood, default="'sad'::mood")) for n in ("t", "u")]
    schema = Schema("postgresql", "live", tuple(tables))
    written = sql(draft(schema, home("postgresql")), "postgresql")
    assert written.count("CREATE TYPE mood AS ENUM ('sad', 'it''s')") == 1
    assert written.count("DEFAULT 'sad'") == 2
    light = sql(draft(schema, home("sqlite")), "sqlite")
    assert """CHECK ("m" IN ('sad', 'it''s'))""" in light


def test_everything_without_a_home_is_listed_at_once() -> None:
    made = drafted(
        table(
            "t", Column("a", SqlType("text[]", F.OTHER)), Column("b", SqlType("tsvector", F.OTHER))
        )
    )
    assert refusals(made) == [
        "column t.a is text[], which has no home in mysql",
        "column t.b is tsvector, which has no home in mysql",
    ]
    assert made.steps == ()


def test_an_unsigned_counter_and_what_refers_to_it_are_whole_numbers() -> None:
    kind = SqlType("bigint(20) unsigned", F.INTEGER)
    parent = table("parent", Column("id", kind, False, identity=Identity()),
                   primary_key=PrimaryKey(("id",)))  # fmt: skip
    child = table("child", Column("p", kind), Column("n", kind),
                  foreign_keys=(reference("p", "parent"),))  # fmt: skip
    schema = Schema("mysql", "live", (parent, child))
    written = sql(draft(schema, home("postgresql")), "postgresql")
    assert '"id" BIGINT GENERATED BY DEFAULT AS IDENTITY' in written
    assert '"p" BIGINT' in written
    assert '"n" NUMERIC(20, 0)' in written
    assert sql(draft(schema, home("mysql"))).count("bigint(20) unsigned") == 3


def test_claims_of_the_source_become_keys_but_no_checks() -> None:
    claim = ConstraintState(enforced=False, validated=False)
    made = drafted(
        table("t", number(), primary_key=PrimaryKey(("id",), state=claim),
              checks=(Check("id > 0", "positive", ConstraintState(validated=False)),),
              foreign_keys=(reference("id", "t", state=claim),)),
        target="postgresql",
    )  # fmt: skip
    assert notes(made) == [
        "primary key t(id) is a claim in the source; here it is enforced",
        "check positive of t is left out: rows of the source may violate it",
        "foreign key t(id) is a claim in the source; here it is enforced",
    ]
    assert "FOREIGN KEY" in sql(made, "postgresql")
