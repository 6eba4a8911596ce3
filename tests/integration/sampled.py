"""Samples of databases, and what must hold of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sqlalchemy as sa

from schemasynth.adapter import Adapter, adapter_for, count_rows
from schemasynth.arrays import Array, array, joint_tuple_codes, lookup, nulls
from schemasynth.model import ForeignKey, Schema
from schemasynth.plan import make_plan
from schemasynth.plan.model import RefreshPlan
from schemasynth.reading import read_frames, read_into, read_keys, read_laws
from schemasynth.rewrite import Source
from schemasynth.rows import Rows, Tables
from schemasynth.sampling import Sample
from schemasynth.settings import database_url
from schemasynth.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample of a database, beside the whole of it."""

    schema: Schema
    plan: RefreshPlan
    whole: Tables
    read: Source
    sample: Sample


def sampled(
    url: str | sa.URL,
    folder: Path,
    limit: int,
    *,
    seed: int = 1,
    schema: Schema | None = None,
    adapter: Adapter | None = None,
) -> Sampled:
    """Read a database, then a sample of it into a workspace."""
    place = database_url(url) if isinstance(url, str) else url
    workspace = Workspace(folder)
    with (adapter or adapter_for(place)).source(place) as source:
        found = count_rows(source, schema or source.reflect())
        whole = read_frames(source, found)
        plan = make_plan(found, whole, source="test")
        with source.snapshot():
            sample = Sample(plan, found, source, limit, seed)
            with workspace.writing("source") as rows:
                chosen = read_into(rows, source, found, sample)
            with workspace.writing("keys") as keys:
                read_keys(keys, source, found, plan, sample)
            laws = read_laws(source, found, plan, sample)
    tables = Source(workspace.tables("source"), chosen, workspace.tables("keys"), laws)
    return Sampled(found, plan, whole, tables, sample)


def faults(of: Sampled) -> Iterator[str]:
    """Yield what is wrong with a sample: rows lost, twice or foreign, orphans, missing children."""
    for table in of.schema:
        name = str(table.name)
        rows, whole = of.read.rows[name], of.whole[name]
        if of.sample.shares[table.name] == 1 and len(rows) != len(whole):
            yield f"{name}: {len(rows)} of {len(whole)} rows, though it is read whole"
        for key in table.candidate_keys[:1]:
            here = [array(rows, column) for column in key]
            found, known = joint_tuple_codes(here, [array(whole, column) for column in key])
            if not np.isin(found, known).all():
                yield f"{name}: a row that is not in the source"
            if len(np.unique(found)) < len(found) and len(np.unique(known)) == len(known):
                yield f"{name}: a row twice"
        for key in table.foreign_keys:
            if _orphans(of.read.rows, name, key) and not _orphans(of.whole, name, key):
                yield f"{name}{key.columns}: orphans"
    yield from _incomplete(of)


def _orphans(tables: Tables, name: str, key: ForeignKey) -> int:
    child, parent = tables[name], tables[str(key.referred)]
    values = [array(child, c) for c in key.columns]
    lost = lookup(values, [array(parent, c) for c in key.referred_columns]) < 0
    return int((lost & ~np.logical_or.reduce([nulls(v) for v in values])).sum())


def _incomplete(of: Sampled) -> Iterator[str]:
    """Yield linked tables that lack children of a chosen parent, or hold some of another one."""
    for table in (t for t in of.plan.tables if not t.is_entity):
        context = table.context
        if context is None or context.to_entity or of.sample.shares[table.name] == 1:
            continue
        name, parent = str(table.name), str(context.referred)
        parents = of.read.rows[parent]
        key = [array(parents, c).slice(0, of.read.chosen[parent]) for c in context.referred_columns]

        whole = of.whole[name]
        found = _children(of.read.rows[name], of.read.chosen[name], context.columns, key)
        wanted = _children(whole, len(whole), context.columns, key)
        if found != wanted:
            yield f"{name}: {found} of {wanted} children of chosen parents"


def _children(rows: Rows, size: int, columns: Sequence[str], parents: Sequence[Array]) -> int:
    """Count the first rows of a table that belong to parents."""
    values = [array(rows, column).slice(0, size) for column in columns]
    return int((lookup(values, parents) >= 0).sum())
