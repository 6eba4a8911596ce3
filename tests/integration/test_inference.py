"""Keys found in databases that declare none."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from schemasynth import api
from schemasynth.demo import write_source
from schemasynth.model import Origin, TableName


def truth(path: Path) -> tuple[set[object], set[object]]:
    content = json.loads(path.read_text("utf-8"))
    primary = {(t, tuple(sorted(c))) for t, c in content["primary_keys"].items()}
    foreign = {
        (
            f["table"],
            f["referred_table"],
            frozenset(zip(f["columns"], f["referred_columns"], strict=True)),
        )
        for f in content["foreign_keys"]
    }
    return primary, foreign  # type: ignore[return-value]


def test_stripped_chinook(data: Path) -> None:
    schema = api.introspect(str(data / "chinook/chinook.stripped.sqlite"))
    primary, foreign = truth(data / "chinook/truth.json")
    found_primary = {
        (t.name.name, tuple(sorted(t.primary_key.columns))) for t in schema if t.primary_key
    }
    found_foreign = {
        (t.name.name, k.referred.name, frozenset(zip(k.columns, k.referred_columns, strict=True)))
        for t in schema
        for k in t.foreign_keys
    }
    assert len(found_primary & primary) >= 10
    assert len(found_foreign & foreign) >= 9


def test_declared_keys_are_kept(data: Path) -> None:
    path = str(data / "northwind/northwind.declared.sqlite")
    declared = api.introspect(path, infer=False)
    inferred = api.introspect(path)
    for table in declared:
        again = inferred.table(table.name)
        assert again.primary_key == table.primary_key
        assert again.foreign_keys[: len(table.foreign_keys)] == table.foreign_keys


@pytest.mark.parametrize("people", [200, 600])
def test_the_implicit_entity_of_the_demo(tmp_path: Path, people: int) -> None:
    path = tmp_path / "live.sqlite"
    write_source(path, people)
    schema = api.introspect(str(path))
    titular = schema.table(TableName("titular"))
    assert titular.primary_key is not None
    assert titular.primary_key.columns == ("identificador",)
    assert titular.primary_key.origin is Origin.INFERRED
    (payment,) = schema.table(TableName("pagamentnomina")).foreign_keys
    assert payment.columns == ("Usuari_solicitant",)
    assert payment.referred == TableName("titular")
    assert schema.table(TableName("actuacionsnomina")).foreign_keys == ()
    (entity,) = schema.implicit_entities
    assert set(entity.columns) == {"N_Expedit", "N_Procediment"}
    assert {str(m.table) for m in entity.members} == {"pagamentnomina", "actuacionsnomina"}


def test_no_entity_is_proposed_where_there_is_none(data: Path) -> None:
    for path in sorted(data.rglob("*.stripped.sqlite")):
        assert api.introspect(str(path)).implicit_entities == (), path.name


def test_dirty_tables_are_survived(tmp_path: Path) -> None:
    path = tmp_path / "dirty.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE empty (a INTEGER, b TEXT);
        CREATE TABLE nulls (a INTEGER, b TEXT, c);
        INSERT INTO nulls VALUES (NULL, NULL, NULL), (NULL, NULL, NULL);
        CREATE TABLE mixed (id INTEGER, day DATE, raw TEXT, x);
        INSERT INTO mixed VALUES (1, '2020-02-30', X'00FF', 1), ('two', 'soon', 'text', 2.5),
          (3.5, '2020-01-01', NULL, 'x'), (1, '2020-02-30', X'00FF', 1);
        CREATE TABLE one (id INTEGER); INSERT INTO one VALUES (1);
        CREATE TABLE twin_a (id INTEGER, t TEXT); CREATE TABLE twin_b (id INTEGER, t TEXT);
        INSERT INTO twin_a VALUES (1, 'a'), (2, 'b'); INSERT INTO twin_b SELECT * FROM twin_a;
        """
    )
    connection.commit()
    schema = api.introspect(str(path))
    assert len(schema.tables) == 6
    assert schema.table(TableName("empty")).primary_key is None
    for form in ("summary", "json", "markdown", "mermaid"):
        assert api.render(schema, form)
