"""A role with what `grants` prints can do its work; without one statement it is told which."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from schemasynth import api
from schemasynth.adapter import Purpose, Selection
from schemasynth.cli import main
from schemasynth.errors import AdapterError, PrivilegeError
from schemasynth.settings import database_url

PASSWORD = "s3cr3t-value"
CHOSEN = Selection(exclude=("unrelated",))
POSTGRESQL = """
CREATE TABLE parent (id int PRIMARY KEY, name text);
CREATE TABLE child (id int PRIMARY KEY, p int REFERENCES parent ON DELETE CASCADE);
CREATE TABLE lone (id int PRIMARY KEY, t text);
CREATE TABLE hidden (id int PRIMARY KEY, t text);
CREATE TABLE unrelated (id int PRIMARY KEY);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE POLICY first_row ON hidden USING (id = 1);
INSERT INTO parent SELECT i, 'n' || i FROM generate_series(1, 30) i;
INSERT INTO child SELECT i, i % 30 + 1 FROM generate_series(1, 60) i;
INSERT INTO lone SELECT i, 'x' FROM generate_series(1, 20) i;
INSERT INTO hidden SELECT i, 'y' FROM generate_series(1, 20) i;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
"""
MYSQL = """
CREATE TABLE parent (id int PRIMARY KEY, name varchar(20));
CREATE TABLE child (id int PRIMARY KEY, p int, x int, CHECK (x > 0),
  FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE);
CREATE TABLE unrelated (id int PRIMARY KEY);
CREATE TRIGGER doubled BEFORE INSERT ON child FOR EACH ROW SET NEW.x = 2;
INSERT INTO parent VALUES (1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e');
INSERT INTO child VALUES (1, 1, 2), (2, 1, 2), (3, 2, 2), (4, 3, 2), (5, 5, 2), (6, 5, 2)
"""


def execute(url: str, *statements: str) -> None:
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def query(url: str, statement: str) -> list[Any]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection, connection.connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


@dataclass(frozen=True)
class Site:
    """A live database and a marked one, with a way to make roles.

    Attributes:
        source: the live one, as its administrator.
        target: the marked one, as its administrator.
        new_role: drops the last role and makes one without privileges; its name.
        state: of the target, all of which must stay.
    """

    source: str
    target: str
    new_role: Callable[[], str]
    state: Callable[[], Any]

    def as_role(self, url: str, role: str) -> str:
        made = database_url(url).set(username=role, password=PASSWORD)
        return made.render_as_string(hide_password=False)


@pytest.fixture
def postgresql(
    postgresql_server: str, postgresql_database_factory: Callable[[], str]
) -> Iterator[Site]:
    urls = [postgresql_database_factory(), postgresql_database_factory()]
    owner, role = (f"g_{secrets.token_hex(4)}" for _ in range(2))
    execute(postgresql_server, f'CREATE ROLE "{owner}"')
    made: list[str] = []
    for url in urls:
        execute(url, f'REVOKE ALL ON DATABASE "{database_url(url).database}" FROM PUBLIC')
        execute(url, *POSTGRESQL.strip().split("\n"))
        names = ("parent", "child", "lone", "hidden", "unrelated")
        execute(url, *(f'ALTER TABLE {name} OWNER TO "{owner}"' for name in names[:2]))
    api.init_target(urls[1])

    def drop() -> None:
        for url in urls:
            execute(url, *(f'DROP OWNED BY "{name}"' for name in made))
        execute(postgresql_server, *(f'DROP ROLE "{name}"' for name in made))
        made.clear()

    def new_role() -> str:
        drop()
        execute(postgresql_server, f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{PASSWORD}'")
        made.append(role)
        return role

    def state() -> Any:
        tables = ["parent", "child", "lone", "hidden", "unrelated", "schemasynth_target"]
        return (
            [query(urls[1], f"SELECT * FROM {name} ORDER BY 1") for name in tables],
            query(urls[1], "SELECT nspname FROM pg_namespace ORDER BY 1"),
        )

    yield Site(*urls, new_role, state)
    made += [owner]
    drop()


@pytest.fixture
def mysql(mysql_server: str, mysql_database_factory: Callable[[], str]) -> Iterator[Site]:
    urls = [mysql_database_factory(), mysql_database_factory()]
    name = f"g_{secrets.token_hex(4)}"
    for url in urls:
        execute(url, *re.split(r";\n", MYSQL.strip()))
    api.init_target(urls[1])

    def new_role() -> str:
        execute(mysql_server, f"DROP USER IF EXISTS '{name}'@'%'")
        execute(mysql_server, f"CREATE USER '{name}'@'%' IDENTIFIED BY '{PASSWORD}'")
        return name

    def state() -> Any:
        names = query(urls[1], "SHOW TABLES")
        return [(n, query(urls[1], f"SELECT * FROM `{n}` ORDER BY 1")) for (n,) in names]

    yield Site(*urls, new_role, state)
    execute(mysql_server, f"DROP USER IF EXISTS '{name}'@'%'")


@pytest.fixture(params=["postgresql", "mysql"])
def site(request: pytest.FixtureRequest) -> Site:
    found: Site = request.getfixturevalue(request.param)
    return found


def script(url: str, role: str, purpose: Purpose) -> list[str]:
    return [need.statement for need in api.grants(url, CHOSEN, purpose=purpose, role=role)]


def named(error: AdapterError) -> list[str]:
    """The statements that a message says are needed."""
    return re.findall(r"(?:GRANT|ALTER ROLE) [^;]*;", str(error).partition("Needed: ")[2])


def test_a_reader_with_the_script_sees_all(site: Site) -> None:
    role = site.new_role()
    execute(site.source, *script(site.source, role, Purpose.SOURCE))
    as_owner = api.introspect(site.source, CHOSEN)
    as_reader = api.introspect(site.as_role(site.source, role), CHOSEN)
    assert as_reader == as_owner
    assert any(t.checks for t in as_owner) == ("mysql" in site.source)
    assert sum(t.row_count or 0 for t in as_reader) > 0


def test_a_reader_without_one_statement_is_told_which(site: Site) -> None:
    statements = script(site.source, "x", Purpose.SOURCE)
    assert len(statements) >= 1
    for i in range(len(statements)):
        role = site.new_role()
        statements = script(site.source, role, Purpose.SOURCE)
        left_out = statements.pop(i)
        execute(site.source, *statements)
        reader = site.as_role(site.source, role)
        if "SHOW VIEW" in left_out:  # shows more, but nothing depends on it
            assert len(api.introspect(reader, CHOSEN).tables) == 2
            continue
        with pytest.raises(PrivilegeError) as caught:
            api.introspect(reader, CHOSEN)
        assert named(caught.value) == [left_out]


@pytest.mark.usefixtures("stand_in")
def test_a_loader_with_the_script_can_refresh(site: Site) -> None:
    role = site.new_role()
    execute(site.target, *script(site.target, role, Purpose.TARGET))
    before = site.state()
    report = api.refresh(site.source, site.as_role(site.target, role), CHOSEN)
    assert report.outcome.startswith("Refreshed")
    assert site.state() != before
    assert api.verify(site.target).ok


def test_a_loader_without_one_statement_is_told_which_and_changes_nothing(site: Site) -> None:
    before = site.state()
    for i in range(len(script(site.target, "x", Purpose.TARGET))):
        role = site.new_role()
        statements = script(site.target, role, Purpose.TARGET)
        left_out = statements.pop(i)
        execute(site.target, *statements)
        with pytest.raises(PrivilegeError) as caught:
            api.refresh(site.source, site.as_role(site.target, role), CHOSEN)
        assert named(caught.value) == [left_out]
        assert PASSWORD not in str(caught.value)
        assert site.state() == before


def test_the_script_gives_a_new_loader_its_marker(postgresql: Site) -> None:
    execute(postgresql.target, "DROP TABLE schemasynth_target")
    role = postgresql.new_role()
    execute(postgresql.target, *script(postgresql.target, role, Purpose.TARGET))
    assert api.init_target(postgresql.as_role(postgresql.target, role)).target_id
    assert not [n for n in script(postgresql.target, role, Purpose.TARGET) if "CREATE ON SCH" in n]


def test_membership_in_an_owner_makes_grants_on_its_tables_needless(postgresql: Site) -> None:
    statements = script(postgresql.target, "x", Purpose.TARGET)
    assert not [s for s in statements if '"parent"' in s or '"child"' in s]
    assert len([s for s in statements if '"lone"' in s]) == 1


def test_an_owner_need_not_become_a_member_of_itself(postgresql: Site) -> None:
    (owner,) = query(postgresql.target, "SELECT tableowner FROM pg_tables WHERE tablename='parent'")
    statements = script(postgresql.target, owner[0], Purpose.TARGET)
    assert not [s for s in statements if s.startswith(f'GRANT "{owner[0]}"')]


def test_a_reader_of_a_whole_mysql_schema_is_told_what_opens_it(mysql: Site) -> None:
    role = mysql.new_role()
    (need,) = api.grants(mysql.source, role=role)
    with pytest.raises(PrivilegeError) as caught:
        api.introspect(mysql.as_role(mysql.source, role))
    assert named(caught.value) == [need.statement]
    execute(mysql.source, need.statement.replace(", SHOW VIEW", ""))
    assert len(api.introspect(mysql.as_role(mysql.source, role)).tables) == 3


@pytest.mark.parametrize("pattern", ["{}", "{}%"])
def test_what_is_added_on_a_mysql_schema_takes_nothing_away(mysql: Site, pattern: str) -> None:
    role = mysql.new_role()
    there = pattern.format(database_url(mysql.target).database)
    execute(mysql.target, f"GRANT SELECT, INSERT, EXECUTE ON `{there}`.* TO '{role}'@'%'")
    with pytest.raises(PrivilegeError) as caught:
        api.refresh(mysql.source, mysql.as_role(mysql.target, role))
    execute(mysql.target, *named(caught.value))
    needs = api.grants(mysql.as_role(mysql.target, role), purpose=Purpose.TARGET)
    assert [need.missing for need in needs[:1]] == [""]
    held = query(mysql.as_role(mysql.target, role), "SHOW GRANTS")
    assert any("EXECUTE" in line and "TRIGGER" in line for (line,) in held)
    execute(mysql.as_role(mysql.target, role), "CREATE TABLE t (a int)", "DROP TABLE t")


def test_the_whole_schema_is_granted_where_all_tables_are_read(mysql: Site) -> None:
    needs = api.grants(mysql.source, role="r@10.0.0.1")
    name = (database_url(mysql.source).database or "").replace("_", r"\_")
    assert [n.statement for n in needs] == [
        f"GRANT SELECT, SHOW VIEW ON `{name}`.* TO `r`@`10.0.0.1`;"
    ]


def test_sqlite_needs_no_grants(tmp_path: Path) -> None:
    path = tmp_path / "d.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (a)")
    assert api.grants(str(path)) == ()
    shown = CliRunner().invoke(main, ["grants", str(path), "--for", "target"])
    assert shown.exit_code == 0
    assert shown.stdout == (
        "-- Nothing to grant: SQLite has no roles. The file and its folder must be writable.\n"
    )


def test_the_printed_script_can_be_run_as_it_is(postgresql: Site) -> None:
    role = postgresql.new_role()
    shown = CliRunner().invoke(
        main, ["grants", postgresql.source, "--role", role, "--exclude", "unrelated"]
    )
    assert shown.exit_code == 0, shown.output
    execute(postgresql.source, shown.stdout)
    assert api.introspect(postgresql.as_role(postgresql.source, role), CHOSEN).tables
