"""Implicit entities: found where they are planted. Alarms are counted in `test_keys`."""

from __future__ import annotations

from pathlib import Path

import pytest
from measures import Record, at_least, for_information
from planted_entities import Variant, variants

from schemasynth import api
from schemasynth.model import Schema

pytestmark = pytest.mark.bench


def test_planted_entities(tmp_path: Path, record: Record) -> None:
    drawn = list(variants(tmp_path))
    proposed = {v.name: api.introspect(str(v.path)) for v in drawn}
    found = {v.name: _holds(v, proposed[v.name]) for v in drawn}
    extra = sum(len(proposed[v.name].implicit_entities) - found[v.name] for v in drawn)
    for v in drawn:
        if not found[v.name]:
            print(v)
    record(
        at_least("planted entities: found", sum(found.values()) / len(drawn), 0.93),
        for_information("planted entities: others proposed, a database", extra / len(drawn)),
    )


def _holds(variant: Variant, schema: Schema) -> bool:
    """Tell whether the planted entity is proposed, with just its columns and tables."""
    return any(
        set(entity.columns) == variant.columns
        and {member.table.name for member in entity.members} == variant.tables
        for entity in schema.implicit_entities
    )
