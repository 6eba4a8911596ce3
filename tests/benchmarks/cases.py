"""Databases with known keys as the trainer and the evaluation read them: candidates and truth.

Collected once, fitted often: every variant of a database is one case. Used by `train_keys` and
`evaluate`.
"""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import planted_composites
from orphaned import orphaned
from planted import write

from schemasynth.adapter import Selection, adapter_for, count_rows
from schemasynth.infer.candidates import ReferenceCandidate
from schemasynth.infer.evidence import Evidence, Inclusions, evidence_of
from schemasynth.infer.features import Candidates
from schemasynth.infer.keys import candidates_of
from schemasynth.model import PrimaryKey, Schema, TableName
from schemasynth.settings import database_url

FAMILIES = (
    {"chinook", "chinook_1", "store_1"},
    {"world", "world_1"},
    {"oracle_hr_oe", "hr_1"},
    {"activity_1", "dorm_1", "game_1", "voter_1"},
)
"""Databases that share data are left out together."""
SHOWN, HIDDEN, DECLARED, ORPHANED = VARIANTS = ("shown", "hidden", "declared", "orphaned")
"""Variants: as it is; names replaced by numbers; primary keys given; foreign keys violated."""
LEARNED = (SHOWN, HIDDEN, ORPHANED)
"""Variants that are trained with; all are tested."""
SPIDER = "Spider"
PLANTED = "planted:"
TRAINING_SEED = 101
"""Of planted databases to learn from; those that are measured have another one."""

ColumnId: TypeAlias = tuple[TableName, str]
Ends: TypeAlias = frozenset[tuple[tuple[str, str], tuple[str, str]]]
Renaming: TypeAlias = Mapping[ColumnId, ColumnId]


@dataclass(frozen=True, slots=True)
class Case:
    """One variant of a database and which of its candidates are true.

    Attributes:
        name: of the database.
        variant: what was done to it.
        truth: the content of its truth file.
        found: its candidates; the evidence has no store any more.
        true: whether each key, single and composite reference is in the truth.
        unclear: which of them the truth leaves open: keys of tables that declare none, references
            that are documented but not declared, or that follow from composite ones.
        original: names by those that hide them; empty where they are shown.
    """

    name: str
    variant: str
    truth: Mapping[str, Any]
    found: Candidates
    true: tuple[tuple[bool, ...], ...]
    unclear: tuple[tuple[bool, ...], ...]
    original: Renaming

    @property
    def hidden(self) -> bool:
        """Whether its names are replaced."""
        return self.variant == HIDDEN

    @property
    def spider(self) -> bool:
        """Whether it comes from the Spider collection."""
        return str(self.truth["source"]["from"]).startswith(SPIDER)


def planted(seed: int = TRAINING_SEED) -> list[Case]:
    """Collect planted databases of composite keys, which no real collection has enough of."""
    with tempfile.TemporaryDirectory() as folder:
        for database in planted_composites.databases(seed):
            write(database, Path(folder))
        return [
            replace(c, name=f"{PLANTED}{c.name}") for c in cases_of(Path(folder), (SHOWN, HIDDEN))
        ]


def family(name: str) -> str:
    """Return the name of the databases that are left out together with this one."""
    if name.startswith(PLANTED):
        return name.rpartition("_")[0]
    return next((min(f) for f in FAMILIES if name in f), name)


def cases_of(folder: Path, variants: Sequence[str] = LEARNED) -> list[Case]:
    """Collect the variants of all databases below a folder."""
    cases = []
    for path in sorted(folder.rglob("truth.json")):
        truth = json.loads(path.read_text("utf-8"))
        database = path.with_name(f"{truth['name']}.stripped.sqlite")
        cases += _of_file(database, truth, [v for v in variants if v != ORPHANED])
        if ORPHANED in variants:
            with tempfile.TemporaryDirectory() as place:
                copy = Path(place) / "copy.sqlite"
                orphaned(database, truth, copy)
                (case,) = _of_file(copy, truth, [SHOWN])
                cases.append(replace(case, variant=ORPHANED))
    return cases


def _of_file(path: Path, truth: Mapping[str, Any], variants: Sequence[str]) -> Iterator[Case]:
    url = database_url(str(path))
    with adapter_for(url).source(url) as source:
        schema = count_rows(source, source.reflect(Selection()))
        with evidence_of(source, schema) as evidence:
            for variant in variants:
                if variant == HIDDEN:
                    yield _case(truth, variant, *_hidden(schema, evidence))
                elif variant == DECLARED:
                    yield _case(truth, variant, candidates_of(_with_keys(schema, truth), evidence))
                else:
                    yield _case(truth, variant, candidates_of(schema, evidence))


def _with_keys(schema: Schema, truth: Mapping[str, Any]) -> Schema:
    """Return the schema with its true primary keys declared."""
    known = {t.lower(): {c.lower() for c in key} for t, key in truth["primary_keys"].items()}
    tables = []
    for table in schema:
        key = tuple(
            c for c in table.column_names if c.lower() in known.get(table.name.name.lower(), ())
        )
        tables.append(replace(table, primary_key=PrimaryKey(key)) if key else table)
    return replace(schema, tables=tuple(tables))


def _hidden(schema: Schema, evidence: Evidence) -> tuple[Candidates, Renaming]:
    """Return the candidates of the same data with every name replaced by a number."""
    renaming: dict[ColumnId, ColumnId] = {}
    tables = []
    for i, table in enumerate(schema, 1):
        columns = []
        for column in table.columns:
            name = f"c{len(renaming) + 1}"
            renaming[table.name, column.name] = (TableName(f"t{i}"), name)
            columns.append(replace(column, name=name))
        tables.append(replace(table, name=TableName(f"t{i}"), columns=tuple(columns)))
    hidden = replace(schema, tables=tuple(tables))
    figures = {renaming[c]: f for c, f in evidence.figures.items()}
    pairs = {(renaming[a], renaming[b]): i for (a, b), i in evidence.inclusions.items()}
    renamed = Evidence(figures, Inclusions.of(pairs), evidence.store.renamed(hidden))
    return candidates_of(hidden, renamed), {new: old for old, new in renaming.items()}


def _case(
    truth: Mapping[str, Any], variant: str, found: Candidates, original: Renaming | None = None
) -> Case:
    names = original or {}

    def named(table: TableName, column: str) -> tuple[str, str]:
        old_table, old = names.get((table, column), (table, column))
        return old_table.name.lower(), old.lower()

    keys = {
        frozenset((t.lower(), c.lower()) for c in columns)
        for t, columns in truth["primary_keys"].items()
    }
    references = _ends(truth["foreign_keys"])
    open_ends = _ends(truth.get("dropped_foreign_keys") or ())
    open_ends |= _ends(truth.get("documented_but_undeclared_foreign_keys") or ())
    open_ends |= _implied(references)
    true_keys = tuple(frozenset(named(k.table, c) for c in k.columns) in keys for k in found.keys)
    keyed = {t.lower() for t in truth["primary_keys"]}
    undeclared = tuple(named(k.table, k.columns[0])[0] not in keyed for k in found.keys)

    def ends(r: ReferenceCandidate) -> Ends:
        pairs = zip(r.columns, r.referred_columns, strict=True)
        return frozenset((named(r.table, a), named(r.referred, b)) for a, b in pairs)

    singles, composites = ([ends(r) for r in group] for group in (found.singles, found.composites))
    stored = replace(found, evidence=replace(found.evidence, store=None))  # type: ignore[arg-type]
    return Case(
        truth["name"],
        variant,
        truth,
        stored,
        (true_keys, *(tuple(e in references for e in group) for group in (singles, composites))),
        (undeclared, *(tuple(e in open_ends for e in group) for group in (singles, composites))),
        names,
    )


def _ends(keys: Sequence[Mapping[str, Any]]) -> set[Ends]:
    return {
        frozenset(
            ((f["table"].lower(), a.lower()), (f["referred_table"].lower(), b.lower()))
            for a, b in zip(f["columns"], f["referred_columns"], strict=True)
        )
        for f in keys
    }


def _implied(references: Set[Ends]) -> set[Ends]:
    """Return single references that follow from a composite one and the parent's own."""
    single = {next(iter(ends)) for ends in references if len(ends) == 1}
    parts = [pair for ends in references if len(ends) > 1 for pair in ends]
    return {
        frozenset([(a, y)]) for a, b in parts for x, y in single if x == b and (a, y) not in single
    }


def as_named(content: Mapping[str, Any], original: Renaming) -> Mapping[str, Any]:
    """Give a prediction about hidden names the real ones."""
    if not original:
        return content
    tables = {new.name: old.name for (new, _), (old, _) in original.items()}
    columns = {(new.name, name): old for (new, name), (_, old) in original.items()}

    def named(table: str, parts: Sequence[str]) -> list[str]:
        return [columns[table, part] for part in parts]

    return {
        "primary_keys": {tables[t]: named(t, c) for t, c in content["primary_keys"].items()},
        "foreign_keys": [
            {
                "table": tables[f["table"]],
                "columns": named(f["table"], f["columns"]),
                "referred_table": tables[f["referred_table"]],
                "referred_columns": named(f["referred_table"], f["referred_columns"]),
            }
            for f in content["foreign_keys"]
        ],
    }


def kept(path: Path | None, folder: Path, variants: Sequence[str]) -> list[Case]:
    """Return the cases of a file, or collect them and write it.

    Args:
        path: of the file; None keeps nothing.
        folder: with the databases.
        variants: which to collect.
    """
    if path is not None and path.exists():
        with path.open("rb") as file:
            return [case for case in pickle.load(file) if case.variant in variants]
    cases = cases_of(folder, variants)
    if path is not None:
        with path.open("wb") as file:
            pickle.dump(cases, file)
    return cases
