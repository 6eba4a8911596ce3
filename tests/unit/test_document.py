"""Documents and reports."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemasynth.document import markdown, mermaid, summary, wording
from schemasynth.errors import SettingsError
from schemasynth.generator import Training
from schemasynth.model import (
    Column,
    EntityMember,
    Evidence,
    ForeignKey,
    ImplicitEntity,
    Origin,
    PrimaryKey,
    Question,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
)
from schemasynth.model.privacy import DifferentialPrivacy
from schemasynth.model.serialize import dumps, loads
from schemasynth.report import RefreshReport, StepReport, TableReport, refresh_table, write_report
from schemasynth.report.write import html
from schemasynth.rewrite import Repair
from schemasynth.verify.attacks import Attack, Attacks
from schemasynth.verify.checks import CheckKind, CheckResult, IntegrityReport
from schemasynth.verify.measure import PrivacyReport, TablePrivacy
from schemasynth.verify.privacy import CarryOver, Copies, IdentifiersFound

ODD = 'a "b" | c.d\n% ñ'
INTEGER = SqlType("NUMERIC(10, 2)", TypeFamily.DECIMAL, precision=10, scale=2)


def schema() -> Schema:
    parent = Table(
        TableName(ODD),
        (Column("2nd id", INTEGER, nullable=False, comment="the | key"), Column("x", INTEGER)),
        primary_key=PrimaryKey(("2nd id",), origin=Origin.INFERRED, confidence=0.87),
        row_count=1234,
    )
    key = ForeignKey(
        ("p",), parent.name, ("2nd id",), origin=Origin.INFERRED, confidence=0.6,
        evidence={"inclusion": 0.99, "name_score": 0.5},
    )  # fmt: skip
    child = Table(TableName("child", "other"), (Column("p", INTEGER),), foreign_keys=(key,))
    members = (EntityMember(child.name, ("p",), ("q",)), EntityMember(parent.name, ("x",)))
    return Schema(
        "sqlite",
        "live",
        (parent, child),
        implicit_entities=(ImplicitEntity("thing", ("p",), members, 0.9),),
        questions=(Question("pk:a`'(b)", "Is it so?", "It holds: x.", "It falls: y.", 0.6),),
    )


LABEL = r'"[^"%\\<>#`\x00-\x1f]+"'
WORD = r"(?!(?i:PK|FK|UK)\b)[A-Za-z][A-Za-z0-9_]*"
KEYS = r"(PK|FK|UK)(, (PK|FK|UK))*"
ENTITY = re.compile(rf"    [te]\d+\[{LABEL}\] \{{")
ATTRIBUTE = re.compile(rf"        {WORD} {WORD}( {KEYS})?( {LABEL})?")
EDGE = re.compile(rf"    [te]\d+ (\|o|\|\|)(--|\.\.)(o\||o\{{) [te]\d+ : {LABEL}")


def assert_grammar(diagram: str) -> list[str]:
    """Hold a diagram against Mermaid's lexer, read strictly; return its lines."""
    first, *lines = diagram.splitlines()
    assert first == "erDiagram"
    for line in lines:
        rules = (ENTITY, ATTRIBUTE, EDGE, re.compile("    }"))
        assert any(rule.fullmatch(line) for rule in rules), line
    return lines


@pytest.mark.parametrize(
    ("evidence", "line"),
    [
        ({}, ""),
        ({"inclusion": 1.0, "values": 4231}, "all 4,231 values in customer.id"),
        ({"inclusion": 1.0, "values": 1}, "its one value in customer.id"),
        ({"inclusion": 1.0}, "all values in customer.id"),
        ({"inclusion": 0.9998, "values": 5000}, "4,999 of 5,000 values (99.9%) in customer.id"),
        ({"inclusion": 0.5}, "50.0% of the values in customer.id"),
        ({"inclusion": 0.0, "values": 0}, "no values yet"),
        ({"coverage": 1.0, "null_share": 0.25}, "100% of the keys used, 25.0% NULL"),
        ({"name_score": 0.9}, "name says customer"),
        ({"name_score": 0.1}, "name does not say customer"),
        ({"name_score": 0.5}, ""),
        ({"margin": 0.61, "next_candidate": "client(id)"}, "next candidate client(id) 0.61 below"),
        ({"margin": -0.1, "next_candidate": "client(id)"}, "next candidate client(id) 0.10 above"),
        ({"margin": 0.9}, "no other candidate"),
        ({"inclusion": "odd", "values": True, "margin": None}, ""),
    ],
)  # fmt: skip
def test_a_reason_is_one_line_of_figures(evidence: Evidence, line: str) -> None:
    key = ForeignKey(("c",), TableName("customer"), ("id",), evidence=evidence)
    assert wording.reason(key) == line


def test_reasons_of_other_keys() -> None:
    evidence = {"rows": 20, "uniqueness": 1.0, "minimal": True, "row_order": 1.0, "name_score": 1.0}
    assert wording.reason(PrimaryKey(("a", "b"), evidence=evidence)) == (
        "unique in 20 rows, no column can be left out, rising from row to row, name says key"
    )
    pair = ForeignKey(("a", "b"), TableName("p"), ("c", "d"), evidence={
        "inclusion": 1.0, "values": 9, "shuffled_inclusion": 0.04,
    })  # fmt: skip
    assert wording.reason(pair) == "all 9 values in p(c, d), 4.0% if paired by chance"
    figures = {"keys": 1200, "rows_a_key": 2.5, "shared": 0.98, "exceptions": 0.0}
    entity = ImplicitEntity("e", ("a",), (), evidence=figures)
    assert wording.reason(entity) == (
        "1,200 keys with 2.5 rows each, 98.0% shared, without exception"
    )


def test_answers_can_be_copied_into_a_shell() -> None:
    (question,) = schema().questions
    for text in (summary(schema()), markdown(schema())):
        assert "--accept 'pk:a`'\"'\"'(b)'" in text
    flags = [shlex.split(answer) for answer, _ in wording.answers(question)]
    assert flags == [["--accept", question.id], ["--reject", question.id]]


def test_mermaid_keeps_its_grammar() -> None:
    lines = assert_grammar(mermaid(schema()))
    assert sum(bool(EDGE.fullmatch(line)) for line in lines) == 3


def named(name: str) -> Schema:
    """Return two tables and an entity that all have the name, as have a column and a type."""
    column = Column(name, SqlType(name, TypeFamily.OTHER))
    parent = Table(TableName(name), (column,), primary_key=PrimaryKey((name,)))
    child = Table(
        TableName(name, name), (column,), foreign_keys=(ForeignKey((name,), parent.name, (name,)),)
    )
    entity = ImplicitEntity(name, (name,), (EntityMember(child.name, (name,)),))
    return Schema(name, name, (parent, child), implicit_entities=(entity,))


@pytest.mark.parametrize(
    "name",
    [
        "PK",
        "fk",
        "Uk",
        "%%",
        "50% off",
        "a\\b",
        'q"q',
        "`",
        "#quot;",
        "<b>x</b>",
        "ñ",
        "表",
        "1",
        "_",
        "erDiagram",
        "a;b",
        "{",
        "}",
        "u",
        "title",
    ],
)
def test_mermaid_keeps_its_grammar_whatever_the_names(name: str) -> None:
    lines = assert_grammar(mermaid(named(name)))
    assert sum(bool(EDGE.fullmatch(line)) for line in lines) == 2


@given(st.text(max_size=12))
@settings(max_examples=100, deadline=None)
def test_mermaid_keeps_its_grammar_for_any_name(name: str) -> None:
    assert_grammar(mermaid(named(name)))


def test_mermaid_shows_what_a_key_allows() -> None:
    parent = Table(TableName("p"), (Column("id", INTEGER),), PrimaryKey(("id",)))
    key = ForeignKey(("p",), parent.name, ("id",))
    one = Table(
        TableName("one"), (Column("p", INTEGER, nullable=False),), PrimaryKey(("p",)),
        foreign_keys=(key,),
    )  # fmt: skip
    many = Table(
        TableName("many"), (Column("p", INTEGER),),
        foreign_keys=(replace(key, origin=Origin.INFERRED),),
    )  # fmt: skip
    lines = mermaid(Schema("x", "n", (parent, one, many))).splitlines()
    assert '    t0 ||--o| t1 : "(p)"' in lines
    assert '    t0 |o..o{ t2 : "(p)"' in lines


def test_mermaid_leaves_out_what_was_not_selected() -> None:
    elsewhere = TableName("not here")
    table = Table(
        TableName("t"),
        (Column("x", INTEGER),),
        foreign_keys=(ForeignKey(("x",), elsewhere, ("x",)),),
    )
    members = (EntityMember(elsewhere, ("x",)), EntityMember(table.name, ("x",)))
    entity = ImplicitEntity("e", ("x",), members)
    lines = assert_grammar(mermaid(Schema("x", "n", (table,), implicit_entities=(entity,))))
    assert [line for line in lines if EDGE.fullmatch(line)] == ['    e0 ||..o{ t0 : "(x)"']


def test_markdown_tables_are_not_broken_by_names() -> None:
    text = markdown(schema())
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)
    assert "inferred 0.87" in text
    assert "Is it so?" in text


def test_the_summary_says_why() -> None:
    text = summary(schema())
    assert "inferred 0.60\n    99.0% of the values in " in text
    assert "identifies the same thing in other.child" in text
    assert "1,234 rows" in text


def test_json_comes_back_equal() -> None:
    assert loads(dumps(schema())) == schema()


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name in ("src", "href", "onload") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_reports_escape_names_and_need_nothing_else(tmp_path: Path) -> None:
    table = TableReport("<b>&", "linked", "parent", "why", 10, 10, 11, 0.953)
    report = RefreshReport(
        "live", "pre", "2024-01-01T00:00:00+00:00", "0", "Refreshed.", (table,),
        (StepReport("train", 1.5),), (Repair("t", "drawn again", 3),), None, ("a note",),
    )  # fmt: skip
    page, data = write_report(report, tmp_path / "r")
    parser = _Page()
    parser.feed(page.read_text("utf-8"))
    assert "<b>&" in parser.texts
    assert "95.3%" in parser.texts
    assert "script" not in parser.tags
    assert "link" not in parser.tags
    written = json.loads(data.read_text("utf-8"))
    assert written["repairs"] == [{"table": "t", "what": "drawn again", "rows": 3}]
    assert written["tables"][0]["accuracy"] == 0.953
    assert "95.3%" in refresh_table(report)
    assert "3 values or rows were repaired" in refresh_table(report)


def test_a_report_says_what_training_took() -> None:
    training = Training(95.0, 4.25, limited=True)
    table = TableReport("child", "subject", "", "", 10, 10, 10, 0.9, training=training)
    other = replace(table, name="other", training=Training(600.0, 41.3, limited=False))
    report = replace(checked(0), tables=(table, other))
    page = html(report)
    assert "1 min 35 s, 4.2 epochs, out of time" in page
    assert "10 min 0 s, 41 epochs<" in page
    assert "Out of training time, and still improving: child." in refresh_table(report)
    assert report.to_dict()["tables"][0]["training"]["limited"] is True


def checked(violations: int) -> RefreshReport:
    result = CheckResult(
        CheckKind.FOREIGN_KEY, "child", ("p",), "parent(id)", Origin.INFERRED, 100, violations, 1.5
    )
    tables = (
        TableReport("entity", "linked", "", "", 5, 5, 1_000, 0.5, is_entity=True),
        TableReport("child", "linked", "entity", "owned by it", 90, 95, 100, 0.9),
        TableReport("2024", "skip", "", "not selected", 7, 0, None, None),
    )
    return RefreshReport(
        "live", "pre", "2024-01-01T00:00:00+00:00", "0", "Done.", tables,
        (StepReport("train", 3_600), StepReport("load", 605)), integrity=IntegrityReport((result,)),
    )  # fmt: skip


def test_a_report_shows_totals_of_tables_and_time() -> None:
    page = html(checked(0))
    figures = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert figures == {
        "tables loaded": "1",
        "rows loaded": "100",
        "lowest accuracy": "50.0%",
        "checks": "1",
        "violations": "0",
        "time": "1 h 10 min",
    }
    assert "owned by it" in page
    assert "<td>2024</td>" in page


def test_a_report_marks_violations() -> None:
    proven, violated = html(checked(0)), html(checked(12))
    assert '<p class="good">' in proven
    assert '<tr class="bad">' not in proven
    assert '<p class="bad">' in violated
    assert violated.count('<tr class="bad">') == 1
    assert ">12</td>" in violated


def measured(*, copied: bool) -> PrivacyReport:
    chance = 1e-9 if copied else 0.4
    attack = Attack(0.501, 1.0)
    table = TablePrivacy(
        "child", 500, 480, "", Copies(900, 0.011, 0.012, 0.497, 0.31, 0.32, chance),
        Attacks(attack, attack), CarryOver(3, 17, 2, 19), CarryOver(),
    )  # fmt: skip
    small = TablePrivacy("small", why="no holdout, 12 rows")
    found = (IdentifiersFound("child.phone", "small.remark", 2, 3),) if copied else ()
    return PrivacyReport((table, small), found, 4)


def test_a_report_shows_how_private_rows_are() -> None:
    honest = replace(checked(0), privacy=measured(copied=False))
    page, lines = html(honest), refresh_table(honest)
    for text in ("1.1% / 1.2%", "49.7%", "0.31 / 0.32", "3 of 17 / 2 of 19", "no holdout, 12 rows"):
        assert text in page
    assert '<tr class="bad">' not in page
    for text in (page, lines):
        assert "No value of the 4 columns that lead to a person is in the new rows." in text
    assert "No sign of copied rows in 1 table," in lines


def test_a_report_shows_the_privacy_budget() -> None:
    told = DifferentialPrivacy(max_epsilon=5)
    privacy = replace(
        measured(copied=False), differential=told, spent=(("child", 1.25), ("small", 2.5))
    )
    report = replace(checked(0), privacy=privacy)
    for text in (html(report), refresh_table(report)):
        assert "epsilon at most 5 and delta 1e-05 a model" in text
        assert "spent: child 1.25, small 2.50; 3.75 in all." in text
    unknown = replace(checked(0), privacy=replace(privacy, spent=()))
    assert "what was spent is not known" in html(unknown)


def test_a_report_marks_copied_rows_and_identifiers() -> None:
    report = replace(checked(0), privacy=measured(copied=True))
    page, lines = html(report), refresh_table(report)
    assert page.count('<tr class="bad">') == 2
    assert "small.remark" in page
    assert "Rows were copied in child" in lines
    assert "Values of 1 of the 4 columns that lead to a person are in the new rows." in lines
    again = PrivacyReport.read(json.loads(json.dumps(report.to_dict()))["privacy"])
    assert again == report.privacy


def test_a_report_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    with pytest.raises(SettingsError, match="taken"):
        write_report(checked(0), taken)


def test_numbers_stand_to_the_right_on_a_terminal() -> None:
    head, *rows = refresh_table(checked(0)).splitlines()
    end = head.index("source") + len("source")
    assert [row[:end].split()[-1] for row in rows[:3]] == ["5", "90", "7"]
    assert all(row[end - 1].isdigit() for row in rows[:3])
