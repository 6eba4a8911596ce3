"""Documents and reports."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from schemasynth.document import markdown, mermaid, summary
from schemasynth.model import (
    Column,
    EntityMember,
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
from schemasynth.model.serialize import dumps, loads
from schemasynth.report import RefreshReport, StepReport, TableReport, refresh_table, write_report
from schemasynth.rewrite import Repair

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
        questions=(Question("q1", "Is it so?", "If not, nothing.", 0.6),),
    )


ENTITY = re.compile(r'    [te]\d+\["[^"\n]*"\] \{')
ATTRIBUTE = re.compile(r'        [A-Za-z]\w* [A-Za-z]\w*( (PK|FK|UK)(, (PK|FK|UK))*)?( "[^"\n]*")?')
EDGE = re.compile(r'    [te]\d+ (\|o|\|\|)(--|\.\.)(o\||o\{) [te]\d+ : "[^"\n]*"')


def test_mermaid_keeps_its_grammar_whatever_the_names() -> None:
    first, *lines = mermaid(schema()).splitlines()
    assert first == "erDiagram"
    for line in lines:
        rules = (ENTITY, ATTRIBUTE, EDGE, re.compile("    }"))
        assert any(rule.fullmatch(line) for rule in rules), line
    assert sum(bool(EDGE.fullmatch(line)) for line in lines) == 3


def test_markdown_tables_are_not_broken_by_names() -> None:
    text = markdown(schema())
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert all(len(re.findall(r"(?<!\\)\|", row)) == 6 for row in rows)
    assert "inferred 0.87" in text
    assert "Is it so?" in text


def test_the_summary_says_why() -> None:
    text = summary(schema())
    assert "inferred 0.60: 99.0% of the values are found there, names agree 0.50" in text
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
    assert '"drawn again"' in data.read_text("utf-8")
    assert "95.3%" in refresh_table(report)
    assert "3 values or rows were repaired" in refresh_table(report)
