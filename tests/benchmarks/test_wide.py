"""Time for rules and sensitive columns of a table of 5 million rows and 200 columns."""

from __future__ import annotations

import time

import pytest
import wide_shape
from measures import Record, at_least, at_most, for_information

from schemasynth import api
from schemasynth.adapter import adapter_for, count_rows
from schemasynth.infer.rules import discover_rules
from schemasynth.infer.sensitivity import find_sensitive, inherited, sharing
from schemasynth.model import Schema
from schemasynth.model.rules import Rule
from schemasynth.reading import SAMPLE_ROWS, read_frames
from schemasynth.settings import database_url

pytestmark = pytest.mark.bench

SECONDS = 60.0
"""For both, reading included, on 2 processors."""
RECALL = 0.95


def test_rules_and_sensitivity_of_a_wide_table(postgresql_database: str, record: Record) -> None:
    planted = wide_shape.create(postgresql_database.replace("+psycopg", ""))
    url = database_url(postgresql_database)
    with adapter_for(url).source(url) as source:
        schema = count_rows(source, source.reflect())
        started = time.perf_counter()
        frames = read_frames(source, schema, limit=SAMPLE_ROWS)
        read = time.perf_counter()
        rules = discover_rules(schema, frames)
        discovered = time.perf_counter()
        found = _sensitive(schema, frames)
        ended = time.perf_counter()
        together, _ = api._with_rules(source, schema, None, lambda _: None)
    table = schema.tables[0]
    assert table.row_count == wide_shape.ROWS
    assert len(table.columns) == len(planted.columns) == 200
    assert together.rules == rules
    said = {_said(rule) for rule in rules}
    kinds = {name: str(one.kind) for name, one in found[table.name].items()}
    right = sum(kinds.get(name) == kind for name, kind in planted.sensitive.items())
    record(
        at_most("wide: rules and sensitivity, seconds", ended - started, SECONDS),
        for_information("wide: reading of a sample, seconds", read - started),
        for_information("wide: rules, seconds", discovered - read),
        for_information("wide: sensitivity, seconds", ended - discovered),
        for_information("wide: rules found", len(rules)),
        at_least(
            "wide: planted rules found", len(said & planted.rules) / len(planted.rules), RECALL
        ),
        at_least("wide: planted kinds found", right / len(planted.sensitive), RECALL),
    )


def _sensitive(schema: Schema, frames):  # type: ignore[no-untyped-def]
    """Return what is sensitive, as a plan finds it."""
    found = {t.name: find_sensitive(t.name, t.columns, frames[str(t.name)]) for t in schema}
    by_name = {t.name: frames[str(t.name)] for t in schema}
    return sharing(schema, inherited(schema, found), by_name)


def _said(rule: Rule) -> tuple[str, tuple[str, ...]]:
    kind = "order" if rule.kind == "strict_order" else str(rule.kind)
    columns = rule.columns
    if kind in ("sum", "product"):
        columns = (*sorted(columns[:-1]), columns[-1])
    return kind, columns
