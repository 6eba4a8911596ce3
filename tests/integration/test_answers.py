"""Answers bind inference, rivals react, and what was said of an answer comes true."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from schemasynth import api
from schemasynth.cli import main
from schemasynth.demo import write_source, write_target
from schemasynth.errors import SettingsError
from schemasynth.infer import Answers, read_answers
from schemasynth.infer.questions import DOUBTFUL, MAX_QUESTIONS
from schemasynth.model import Origin, Question, Schema, TableName
from schemasynth.model.keyid import foreign_key_id, primary_key_id
from schemasynth.model.serialize import loads
from schemasynth.plan import read_plan

LINES = TableName("order, lines")
TO_CLIENT = 'fk:"order, lines"(kundé_nr)->kundé(nr)'
TO_ARCHIVE = 'fk:"order, lines"(kundé_nr)->kundé_archiv(nr)'


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two tables that the lines could refer to, one pair that is a key of nothing declared."""
    path = tmp_path / "shop.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE "kundé" (nr INTEGER, name TEXT, code TEXT);
        CREATE TABLE kundé_archiv (nr INTEGER, name TEXT);
        CREATE TABLE "order, lines" (id INTEGER, "kundé_nr" INTEGER, site INTEGER, day INTEGER);
        CREATE TABLE visits (site INTEGER, day INTEGER, note TEXT);
        CREATE TABLE dupes (a INTEGER, b TEXT);
        CREATE TABLE late (id INTEGER, client INTEGER);
        """
    )
    for table, rows in {
        '"kundé"': [(i, f"n{i % 37}", f"C{i:04d}") for i in range(1, 201)],
        "kundé_archiv": [(i, f"p{i % 31}") for i in range(1, 201)],
        '"order, lines"': [(i, i * 7 % 200 + 1, i % 8, i % 25) for i in range(1, 901)],
        "visits": [(site, day, f"v{site * day % 11}") for site in range(8) for day in range(25)],
        "dupes": [(i % 50, None if i % 9 == 0 else f"x{i % 20}") for i in range(300)],
    }.items():
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command in an empty working folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def answered(path: Path, accept: tuple[str, ...] = (), reject: tuple[str, ...] = ()) -> Schema:
    return api.introspect(str(path), answers=read_answers(accept, reject))


def keys(schema: Schema) -> dict[str, Origin]:
    """Ids of all keys with their origin."""
    primary = {
        str(primary_key_id(t.name, t.primary_key)): t.primary_key.origin
        for t in schema
        if t.primary_key
    }
    foreign = {str(foreign_key_id(t.name, k)): k.origin for t in schema for k in t.foreign_keys}
    return primary | foreign


def refused(result: Result, code: int, *words: str) -> None:
    assert result.exit_code == code, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error")]
    assert len(errors) == 1
    for word in words:
        assert word in errors[0]


def test_a_rejected_key_lets_the_next_candidate_in(shop: Path) -> None:
    plain = keys(api.introspect(str(shop)))
    assert TO_CLIENT in plain
    assert TO_ARCHIVE not in plain
    after = answered(shop, reject=(TO_CLIENT,))
    assert keys(after)[TO_ARCHIVE] is Origin.INFERRED
    assert TO_CLIENT not in keys(after)
    neither = keys(answered(shop, reject=('fk:"order, lines"(kundé_nr)',)))
    assert {TO_CLIENT, TO_ARCHIVE}.isdisjoint(neither)


def test_an_accepted_key_is_certain_and_removes_what_contradicts_it(shop: Path) -> None:
    after = answered(shop, accept=(TO_ARCHIVE, "pk:kundé(code)"))
    assert TO_CLIENT not in keys(after)
    assert "pk:kundé(nr)" not in keys(after)
    (key,) = [k for k in after.table(LINES).foreign_keys if k.columns == ("kundé_nr",)]
    assert (key.origin, key.confidence) == (Origin.OVERRIDE, 1.0)
    assert key.evidence["inclusion"] == 1.0
    primary = after.table(TableName("kundé")).primary_key
    assert primary is not None
    assert (primary.columns, primary.origin, primary.confidence) == (("code",), Origin.OVERRIDE, 1)


def test_the_order_of_columns_does_not_matter(shop: Path) -> None:
    text = 'fk:"order, lines"(day, site)->visits(day, site)'
    (key,) = [k for k in answered(shop, accept=(text,)).table(LINES).foreign_keys if k.columns[1:]]
    assert dict(zip(key.columns, key.referred_columns, strict=True)) == {
        "site": "site",
        "day": "day",
    }
    assert key.origin is Origin.OVERRIDE


def test_a_key_that_is_no_candidate_can_be_stated(shop: Path) -> None:
    after = answered(shop, accept=("fk:late(client)->kundé(code)", "pk:late(id,client)"))
    late = after.table(TableName("late"))
    assert late.primary_key is not None
    assert late.primary_key.columns == ("id", "client")
    assert [k.referred_columns for k in late.foreign_keys] == [("code",)]
    assert "no values yet" in api.render(after)


def test_what_is_referred_to_is_kept_unique(shop: Path) -> None:
    after = answered(shop, accept=("pk:kundé(code)", TO_CLIENT))
    (unique,) = after.table(TableName("kundé")).unique_keys
    assert (unique.columns, unique.origin) == (("nr",), Origin.OVERRIDE)


def test_a_contradicted_key_stays_a_question(shop: Path) -> None:
    connection = sqlite3.connect(shop)
    connection.execute('UPDATE "order, lines" SET kundé_nr = 10000 + id WHERE id % 8 > 0')
    connection.commit()
    connection.close()
    after = answered(shop, accept=(TO_ARCHIVE,))
    assert keys(after)[TO_ARCHIVE] is Origin.OVERRIDE
    question = after.questions[0]
    assert question.id == TO_ARCHIVE
    assert "Only 3.1% of the values" in question.text
    assert "its values are learned like those of any other column" in question.if_rejected


@pytest.mark.parametrize(
    ("accept", "reject", "words"),
    [
        (["x"], [], ("'x' is no id", "pk:TABLE")),
        (["pk:kunde(nr)"], [], ("no table kunde", "did you mean kundé?")),
        (["pk:kundé(nrr)"], [], ("no column 'nrr'", "did you mean nr?")),
        ([], ["pk:wholly-other"], ("no table wholly-other", "dupes", "and 1 more")),
        ([], ["fk:kundé_archiv(nr)->kundé(xyzzy)"], ("no column 'xyzzy'", "code, name, nr")),
        ([TO_CLIENT], [TO_CLIENT], ("is accepted and rejected.",)),
        ([TO_CLIENT], ['fk:"order, lines"(kundé_nr)'], ("is accepted and rejected, by fk:",)),
        (["pk:kundé(nr)", "pk:kundé(code)"], [], ("pk:kundé(nr) and pk:kundé(code)",)),
        (["fk:kundé(nr)->kundé(nr)"], [], ("refers to itself",)),
        (["fk:kundé(nr)"], [], ("names no single key",)),
        (["pk:dupes(a,b)"], [], ("300 rows have", "repeat one or lack one")),
        (["fk:kundé_archiv(nr)->dupes(a)"], [], ("dupes(a) has 50 different values in 300 rows",)),
        (["fk:dupes(b)->kundé(code)"], [], ("none of its 20 different values is in kundé(code)",)),
        (["entity:kundé(nr)"], [], ("no such implicit entity", "Found: none")),
    ],
)  # fmt: skip
def test_impossible_answers_are_refused(
    run: Callable[..., Result],
    shop: Path,
    accept: list[str],
    reject: list[str],
    words: tuple[str, ...],
) -> None:
    options = [word for key in accept for word in ("--accept", key)]
    options += [word for key in reject for word in ("--reject", key)]
    for command in ("introspect", "plan"):
        result = run(command, shop, *options)
        refused(result, 2, *words)
        assert result.stdout == ""


def test_declared_keys_are_no_matter_of_opinion(run: Callable[..., Result], data: Path) -> None:
    path = data / "world/world.declared.sqlite"
    for answer, words in {
        ("--accept", "pk:city(name)"): ("cannot be accepted", "declares pk:city(id)"),
        ("--reject", "pk:city"): ("cannot be rejected", "declares pk:city(id)"),
        ("--accept", "fk:country(code)->countrylanguage(countrycode)"): (
            "cannot be accepted",
            "declares fk:countrylanguage(countrycode)->country(code)",
        ),
        ("--accept", "fk:countrylanguage(countrycode)->city(name)"): ("cannot be accepted",),
    }.items():
        refused(run("introspect", path, *answer), 2, *words)
    same = run("introspect", path, "--accept", "pk:city(id)")
    assert same.exit_code == 0, same.output
    assert "primary key (id)  declared" in same.stdout


def test_answers_about_tables_left_out_are_passed_over(
    run: Callable[..., Result], shop: Path
) -> None:
    for answer in (("--accept", TO_CLIENT), ("--reject", "pk:dupes"), ("--reject", "pk:none")):
        result = run("introspect", shop, "--include", "kundé_archiv", *answer)
        assert result.exit_code == 0, result.output


def test_what_an_answer_changes_comes_true(data: Path, shop: Path) -> None:
    """Which databases leave a doubt is up to the weights; some do."""
    asked = 0
    for path in (shop, *sorted(data.rglob("*.stripped.sqlite"))):
        before = api.introspect(str(path))
        asked += len(before.questions)
        for question in before.questions:
            for flag in (True, False):
                after = answered(path, (question.id,) * flag, (question.id,) * (not flag))
                _check_effect(question, accepted=flag, before=before, after=after)
    assert asked


def test_no_chosen_key_in_doubt_goes_unasked(data: Path) -> None:
    low, high = DOUBTFUL
    for path in sorted(data.rglob("*.stripped.sqlite")):
        schema = api.introspect(str(path))
        confidence = {
            str(foreign_key_id(t.name, k)): k.confidence for t in schema for k in t.foreign_keys
        }
        assert min(confidence.values()) >= low
        doubtful = {key for key, p in confidence.items() if p < high}
        assert len(schema.questions) == MAX_QUESTIONS or doubtful <= {
            q.id for q in schema.questions
        }


def _check_effect(question: Question, *, accepted: bool, before: Schema, after: Schema) -> None:
    said = question.if_accepted if accepted else question.if_rejected
    was, now = set(keys(before)), set(keys(after))
    assert (question.id in now) is accepted
    assert said.startswith("Assumed already") is ((question.id in was) is accepted)
    foreign = [key for key in (was ^ now) - {question.id} if key.startswith("fk:")]
    for key in foreign:
        here, there = key.removeprefix("fk:").replace(",", ", ").split("->")
        assert f"{here} -> {there}" in said
    assert ("fall" in said.partition(":")[2] or "then assumed" in said) is bool(foreign)
    for table in before:
        others = {k.referred for k in table.foreign_keys} - {table.name}
        remaining = {k.referred for k in after.table(table.name).foreign_keys} - {table.name}
        told = f"{table.name} has no parent left" in said
        assert told is (bool(others) and not remaining)
    assert all(q.id != question.id for q in after.questions)


def test_questions_are_few_and_name_no_rival_of_a_sure_key(data: Path) -> None:
    for path in sorted(data.rglob("*.stripped.sqlite")):
        schema = api.introspect(str(path))
        asked = [q.id.split("->")[0] for q in schema.questions]
        assert len(asked) == len(set(asked)) <= 10
        sure = {
            str(foreign_key_id(t.name, k)).split("->")[0]
            for t in schema
            for k in t.foreign_keys
            if k.confidence >= 0.8
        }
        assert sure.isdisjoint(asked)


def test_an_implicit_entity_can_be_rejected_or_accepted(tmp_path: Path) -> None:
    path = tmp_path / "live.sqlite"
    write_source(path, 200)
    entity = "entity:actuacionsnomina(N_Procediment, N_Expedit)"
    (accepted,) = answered(path, accept=(entity,)).implicit_entities
    assert (accepted.origin, accepted.confidence) == (Origin.OVERRIDE, 1.0)
    assert answered(path, reject=(entity,)).implicit_entities == ()


def test_the_json_names_every_key(run: Callable[..., Result], shop: Path) -> None:
    result = run("introspect", shop, "--format", "json", "--accept", TO_ARCHIVE)
    model = json.loads(result.stdout)
    found = {t["name"]: t for t in model["tables"]}
    ids = [k["id"] for k in found[LINES.name]["foreign_keys"]]
    assert TO_ARCHIVE in ids
    assert found["kundé_archiv"]["primary_key"]["id"] == "pk:kundé_archiv(nr)"
    assert keys(loads(result.stdout))[TO_ARCHIVE] is Origin.OVERRIDE
    for table in model["tables"]:
        for key in filter(None, [table["primary_key"], *table["foreign_keys"]]):
            assert key["evidence"], key["id"]


def test_the_settings_file_of_the_working_folder_binds(
    run: Callable[..., Result], shop: Path
) -> None:
    Path("schemasynth.toml").write_text(f"[keys]\nreject = ['{TO_CLIENT}']\n", "utf-8")
    model = json.loads(run("introspect", shop, "--format", "json").stdout)
    lines = next(t for t in model["tables"] if t["name"] == LINES.name)
    assert TO_ARCHIVE in [k["id"] for k in lines["foreign_keys"]]
    refused(run("introspect", shop, "--accept", TO_CLIENT), 2, "accepted and rejected")
    Path("other.toml").write_text("[keys]\n", "utf-8")
    assert run("introspect", shop, "--settings", "other.toml", "--accept", TO_CLIENT).exit_code == 0
    refused(run("introspect", shop, "--settings", "none.toml"), 2, "none.toml", "cannot be read")
    Path("schemasynth.toml").write_text("[keys]\nacept = []\n", "utf-8")
    refused(run("introspect", shop), 2, "schemasynth.toml", "did you mean accept?")
    assert run("introspect", shop, "--no-infer").exit_code == 0


def test_answers_without_effect_are_refused(
    run: Callable[..., Result], shop: Path, tmp_path: Path
) -> None:
    refused(run("introspect", shop, "--no-infer", "--accept", TO_CLIENT), 2, "--accept")
    refused(run("introspect", shop, "--no-infer", "--evidence", "stream"), 2, "--evidence")
    refused(run("introspect", shop, "--no-infer", "--evidence-rows", "9"), 2, "--evidence")
    plan = tmp_path / "plan.toml"
    assert run("plan", shop, "--output", plan).exit_code == 0
    target = tmp_path / "target.sqlite"
    shutil.copy(shop, target)
    result = run("refresh", shop, target, "--plan", plan, "--reject", TO_CLIENT, "--dry-run")
    refused(result, 2, "--reject", "make a new one")


def test_a_plan_keeps_the_answers(run: Callable[..., Result], tmp_path: Path) -> None:
    live, target, path = tmp_path / "l.sqlite", tmp_path / "t.sqlite", tmp_path / "plan.toml"
    write_source(live, 200)
    write_target(target)
    assert run("target", "init", target).exit_code == 0
    payer = "fk:pagamentnomina(Usuari_solicitant)->titular(identificador)"
    options = ("--accept", "pk:titular(identificador)", "--reject", payer)
    result = run("plan", live, *options, "--output", path)
    assert result.exit_code == 0, result.output
    plan = read_plan(path.read_text("utf-8"))
    assert "Stated, not inferred: pk:titular(identificador)." in plan.notes
    assert plan.table(TableName("pagamentnomina")).foreign_keys == ()
    plain = api.plan(str(live))
    assert plan.fingerprint == plain.fingerprint
    dry = run("refresh", live, target, "--plan", path, "--dry-run")
    assert dry.exit_code == 0, dry.output
    without_plan = run("refresh", live, target, *options, "--dry-run")
    assert without_plan.exit_code == 0, without_plan.output
    assert "subject" in next(x for x in without_plan.stdout.splitlines() if "pagament" in x)


def test_a_saved_model_takes_answers_too(
    run: Callable[..., Result], shop: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model.json"
    assert run("introspect", shop, "--format", "json", "--output", model).exit_code == 0
    known = read_answers((TO_ARCHIVE, "pk:kundé(code)"), ("pk:kundé_archiv",))
    plan = api.plan(str(model), answers=known)
    (key,) = [k for k in plan.table(LINES).foreign_keys if k.columns == ("kundé_nr",)]
    assert key.referred == TableName("kundé_archiv")
    assert plan.table(TableName("kundé")).primary_key == ("code",)
    assert plan.table(TableName("kundé_archiv")).primary_key == ()
    refused(run("plan", model, "--accept", "pk:kunde(nr)"), 2, "did you mean kundé?")
    refused(run("plan", model, "--accept", "entity:kundé(nr)"), 2, "no such implicit entity")


def test_answers_name_tables_of_other_schemas(postgresql_database: str) -> None:
    engine = sa.create_engine(postgresql_database.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as connection:
        for statement in (
            'CREATE SCHEMA "Vendes.2024"',
            'CREATE TABLE "Vendes.2024".comandes (nº int, client int)',
            'CREATE TABLE "Vendes.2024".clients (codi int, nom text)',
            'INSERT INTO "Vendes.2024".clients SELECT n, n % 5 FROM generate_series(1, 50) n',
            'INSERT INTO "Vendes.2024".comandes SELECT n, n % 50 + 1 FROM generate_series(1, 99) n',
        ):
            connection.execute(sa.text(statement))
    engine.dispose()
    key = 'fk:"Vendes.2024".comandes(client)->"Vendes.2024".clients(codi)'
    from schemasynth import Selection

    selection = Selection(schemas=("Vendes.2024",))
    accepted = api.introspect(postgresql_database, selection, answers=read_answers([key], []))
    assert keys(accepted)[key] is Origin.OVERRIDE
    rejected = api.introspect(postgresql_database, selection, answers=read_answers([], [key]))
    assert key not in keys(rejected)
    other = read_answers(["pk:crm.clients(id)"], [])
    assert api.introspect(postgresql_database, selection, answers=other).tables
    with pytest.raises(SettingsError, match=r"did you mean Vendes\.2024\.clients"):
        api.introspect(
            postgresql_database, selection, answers=read_answers([], ['pk:"Vendes.2024".client'])
        )


def test_no_answer_changes_nothing(shop: Path) -> None:
    assert api.introspect(str(shop), answers=Answers()) == api.introspect(str(shop))
