"""Any schema there and back: generated schemas mix all constructs, every constraint holds again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from schemasynth.model import (
    Column,
    ForeignKey,
    PrimaryKey,
    Schema,
    SqlType,
    Table,
    TableName,
    TypeFamily,
    UniqueKey,
    arrow_type,
)
from schemasynth.plan import check_plan, make_plan
from schemasynth.plan.model import ColumnTreatment, Encoding, RefreshPlan, Role
from schemasynth.rewrite import Prepared, Restored, prepare, restore
from schemasynth.testing.standin import generate

TYPES = {
    "int": SqlType("INTEGER", TypeFamily.INTEGER),
    "small": SqlType("SMALLINT", TypeFamily.INTEGER),
    "code": SqlType("VARCHAR(12)", TypeFamily.TEXT, length=12),
    "text": SqlType("TEXT", TypeFamily.TEXT),
    "uuid": SqlType("UUID", TypeFamily.UUID),
    "date": SqlType("DATE", TypeFamily.DATE),
    "money": SqlType("NUMERIC(10, 2)", TypeFamily.DECIMAL, precision=10, scale=2),
}


@dataclass
class Draft:
    """A table in the making: values by column, None for NULL."""

    name: str
    rows: int
    values: dict[str, list[object]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    nullable: set[str] = field(default_factory=set)
    primary: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = field(default_factory=list)
    foreign: list[ForeignKey] = field(default_factory=list)

    def column(self, name: str, kind: str, values: list[object], *, null: bool = False) -> None:
        self.values[name], self.kinds[name] = values, kind
        if null:
            self.nullable.add(name)

    @property
    def keys(self) -> list[tuple[str, ...]]:
        keys = [key for key in (self.primary, *self.unique) if key]
        return [key for key in keys if not set(key) & self.nullable]

    def table(self) -> Table:
        columns = tuple(Column(n, TYPES[k], n in self.nullable) for n, k in self.kinds.items())
        return Table(
            TableName(self.name),
            columns,
            PrimaryKey(self.primary) if self.primary else None,
            tuple(UniqueKey(key) for key in self.unique),
            tuple(self.foreign),
            row_count=self.rows,
        )

    def frame(self) -> pd.DataFrame:
        arrays = {n: pa.array(v, arrow_type(TYPES[self.kinds[n]])) for n, v in self.values.items()}
        if not arrays:
            return pd.DataFrame(index=pd.RangeIndex(self.rows))
        return pa.table(arrays).to_pandas(types_mapper=pd.ArrowDtype)


class Workshop:
    """Builds tables one after another, with rows that satisfy the declared constraints."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.drafts: list[Draft] = []

    def parents(self) -> list[Draft]:
        return [draft for draft in self.drafts if draft.keys and draft.rows]

    def some_parent(self) -> Draft | None:
        found = self.parents()
        return found[self.rng.integers(len(found))] if found else None

    def start(self, rows: int) -> Draft:
        draft = Draft(f"t{len(self.drafts)}", rows)
        self.drafts.append(draft)
        return draft

    def own_key(self, draft: Draft, kind: str, name: str = "id") -> None:
        rows = draft.rows
        numbers = self.rng.permutation(rows * 3 + 1)[:rows]
        values: dict[str, Callable[[], list[object]]] = {
            "int": lambda: list(range(1, rows + 1)),
            "small": (numbers * 7 + 3).tolist,
            "code": lambda: [f"AB-{n:05d}" for n in numbers],
            "uuid": lambda: [f"{n:08x}-1111-4111-8111-111111111111" for n in numbers],
        }
        draft.column(name, kind, values[kind]())
        draft.primary = (name,)

    def facts(self, draft: Draft) -> None:
        """Add columns that are learned."""
        rows = draft.rows
        moods = self.rng.choice(["calm", "busy", "odd"], rows).tolist()
        prices = [None if p < 5 else round(float(p), 2) for p in self.rng.random(rows) * 100]
        draft.column("mood", "text", moods)
        draft.column("price", "money", [p and f"{p:.2f}" for p in prices], null=True)
        draft.values["price"] = (
            pa.array(draft.values["price"]).cast(pa.decimal128(10, 2)).to_pylist()
        )

    def refer(
        self, draft: Draft, parent: Draft, rows: list[int], *, null: bool = False, tag: str = ""
    ) -> tuple[str, ...]:
        """Add a foreign key to the parent's rows at the positions; −1 is NULL."""
        key = parent.keys[self.rng.integers(len(parent.keys))]
        names = []
        for column in key:
            name = f"{parent.name}{tag}_{column}"
            values = [None if r < 0 else parent.values[column][r] for r in rows]
            draft.column(name, parent.kinds[column], values, null=null)
            names.append(name)
        reference = ForeignKey(tuple(names), TableName(parent.name), key)
        draft.foreign.append(reference)
        return reference.columns

    def draw(self, parent: Draft, rows: int, *, null: bool = False) -> list[int]:
        skewed = (self.rng.random(rows) ** 2 * parent.rows).astype(int)
        return [-1 if null and self.rng.random() < 0.2 else int(r) for r in skewed]


def plain(shop: Workshop, rows: int) -> None:
    draft = shop.start(rows)
    shop.own_key(draft, str(shop.rng.choice(["int", "small", "code", "uuid"])))
    shop.facts(draft)
    for number in range(shop.rng.integers(0, 3)):
        parent = shop.some_parent()
        if parent is not None and parent is not draft:
            null = bool(shop.rng.random() < 0.5)
            shop.refer(
                draft, parent, shop.draw(parent, rows, null=null), null=null, tag=f"_{number}"
            )


def mailed(shop: Workshop, rows: int) -> None:
    """A unique text that is no primary key, and may be NULL."""
    plain(shop, rows)
    draft = shop.drafts[-1]
    null = bool(shop.rng.random() < 0.5)
    addresses = [
        None if null and shop.rng.random() < 0.3 else f"p{i}@{shop.rng.choice(['a', 'b'])}.cat"
        for i in range(rows)
    ]
    draft.column("mail", "text", addresses, null=null)
    draft.unique.append(("mail",))


def keyless(shop: Workshop, rows: int) -> None:
    draft = shop.start(rows)
    shop.facts(draft)
    parent = shop.some_parent()
    if parent is not None and parent is not draft:
        shop.refer(draft, parent, shop.draw(parent, rows, null=True), null=True)


def numbered(shop: Workshop, rows: int) -> None:
    """Lines numbered within a parent: a composite key that holds a foreign one."""
    parent = shop.some_parent()
    if parent is None:
        plain(shop, rows)
        return
    draft = shop.start(rows)
    positions = shop.draw(parent, rows)
    columns = shop.refer(draft, parent, positions)
    line: dict[int, int] = {}
    numbers: list[object] = []
    for position in positions:
        line[position] = line.get(position, 0) + 1
        numbers.append(line[position])
    draft.column("line", "int", numbers)
    draft.primary = (*columns, "line")
    shop.facts(draft)


def dated(shop: Workshop, rows: int) -> None:
    """A date is part of the key."""
    parent = shop.some_parent()
    if parent is None:
        plain(shop, rows)
        return
    positions = shop.draw(parent, rows)
    days = shop.rng.integers(0, 200, rows).tolist()
    pairs = sorted(set(zip(positions, days, strict=True)))
    draft = shop.start(len(pairs))
    columns = shop.refer(draft, parent, [p for p, _ in pairs])
    draft.column(
        "since", "date", [pd.Timestamp("2020-01-01") + pd.Timedelta(days=d) for _, d in pairs]
    )
    draft.primary = (*columns, "since")
    shop.facts(draft)


def bridge(shop: Workshop, rows: int) -> None:
    """A key of foreign keys only, also to the same parent twice, also with a third parent."""
    if not shop.parents():
        plain(shop, rows)
        return
    parents = [shop.some_parent() for _ in range(int(shop.rng.integers(2, 4)))]
    chosen = [parent for parent in parents if parent is not None]
    drawn = zip(*(shop.draw(parent, rows) for parent in chosen), strict=True)
    tuples = sorted(set(drawn))
    draft = shop.start(len(tuples))
    names: list[str] = []
    for number, parent in enumerate(chosen):
        names += shop.refer(draft, parent, [t[number] for t in tuples], tag=f"_{number}")
    draft.primary = tuple(names)
    if shop.rng.random() < 0.5:
        shop.facts(draft)


def shared(shop: Workshop, rows: int) -> None:
    """A primary key that is the foreign key: at most one child a parent."""
    parent = shop.some_parent()
    if parent is None:
        plain(shop, rows)
        return
    draft = shop.start(min(rows, parent.rows))
    positions = shop.rng.permutation(parent.rows)[: draft.rows].tolist()
    draft.primary = shop.refer(draft, parent, positions)
    shop.facts(draft)


def hierarchy(shop: Workshop, rows: int) -> None:
    """A forest in one table; roots are NULL, or refer to themselves where NULL is refused."""
    plain(shop, rows)
    draft = shop.drafts[-1]
    above = [int(shop.rng.integers(0, i)) if i > 2 else -1 for i in range(rows)]
    null = bool(shop.rng.random() < 0.6)
    if not null:
        above = [i if a < 0 else a for i, a in enumerate(above)]
    shop.refer(draft, draft, above, null=null, tag="_up")


def scoped(shop: Workshop, rows: int) -> None:
    """A column shared by two foreign keys, of which one may be NULL."""
    owners = [d for d in shop.parents() if any(set(k.columns) < set(d.primary) for k in d.foreign)]
    if not owners:
        numbered(shop, rows)
        return
    owner = owners[shop.rng.integers(len(owners))]
    draft = shop.start(rows)
    shop.own_key(draft, "int")
    positions = shop.draw(owner, rows)
    inner = next(k for k in owner.foreign if set(k.columns) < set(owner.primary))
    null = bool(shop.rng.random() < 0.5)
    for column in owner.primary:
        private = column not in inner.columns
        values = [
            None if null and private and shop.rng.random() < 0.3 else owner.values[column][p]
            for p in positions
        ]
        draft.column(f"s_{column}", owner.kinds[column], values, null=null and private)
    draft.foreign = [
        ForeignKey(tuple(f"s_{c}" for c in inner.columns), inner.referred, inner.referred_columns),
        ForeignKey(tuple(f"s_{c}" for c in owner.primary), TableName(owner.name), owner.primary),
    ]
    shop.facts(draft)


def cycle(shop: Workshop, rows: int) -> None:
    """A table that refers to an earlier one, which refers back."""
    first = shop.some_parent()
    plain(shop, rows)
    second = shop.drafts[-1]
    if first is None or not second.keys or not rows:
        return
    shop.refer(second, first, shop.draw(first, rows, null=True), null=True, tag="_of")
    back = shop.draw(second, first.rows, null=True)
    shop.refer(first, second, back, null=True, tag="_main")


def parts(shop: Workshop, rows: int) -> None:
    """A composite key of two own parts, referenced by nobody yet."""
    draft = shop.start(rows)
    files = shop.rng.integers(0, max(rows // 2, 1), rows).tolist()
    seen: dict[int, int] = {}
    numbers: list[object] = []
    for file in files:
        seen[file] = seen.get(file, 0) + 1
        numbers.append(seen[file])
    draft.column("file", "code", [f"F{f:06d}" for f in files])
    draft.column("step", "small", numbers)
    draft.primary = ("file", "step")
    shop.facts(draft)


def twofold(shop: Workshop, rows: int) -> None:
    """A column that refers to two tables at once: a thing and its extension."""
    shared(shop, rows)
    extension = shop.drafts[-1]
    if not extension.foreign or not extension.keys or not extension.rows:
        return
    draft = shop.start(rows)
    shop.own_key(draft, "int")
    names = shop.refer(draft, extension, shop.draw(extension, rows))
    thing = extension.foreign[0]
    draft.foreign.append(ForeignKey(names, thing.referred, thing.referred_columns))
    shop.facts(draft)


def loose(shop: Workshop, rows: int) -> None:
    """A key that its own rows violate: some refer to nothing."""
    parents = [d for d in shop.parents() if d.kinds[d.primary[0]] == "int" and d.primary == ("id",)]
    if not parents:
        plain(shop, rows)
        return
    draft = shop.start(rows)
    shop.own_key(draft, "int")
    names = shop.refer(draft, parents[0], shop.draw(parents[0], rows), null=True)
    values = draft.values[names[0]]
    if draft.kinds[names[0]] == "int":
        draft.values[names[0]] = [v if shop.rng.random() < 0.9 else 99_999 for v in values]
    shop.facts(draft)


CONSTRUCTS = (
    plain, mailed, keyless, numbered, dated, bridge, shared, hierarchy, scoped, cycle, parts,
    twofold, loose,
)  # fmt: skip


@st.composite
def sources(draw: st.DrawFn) -> tuple[Schema, dict[str, pd.DataFrame]]:
    """Draw a schema of 2 to 8 tables with rows that satisfy it."""
    shop = Workshop(draw(st.integers(0, 2**32 - 1)))
    for build in draw(st.lists(st.sampled_from(CONSTRUCTS), min_size=2, max_size=8)):
        build(shop, draw(st.sampled_from([0, 1, 2, 7, 40, 150])))
    schema = Schema("sqlite", "generated", tuple(d.table() for d in shop.drafts))
    return schema, {draft.name: draft.frame() for draft in shop.drafts}


def violations(
    schema: Schema, plan: RefreshPlan, frames: dict[str, pd.DataFrame], restored: Restored
) -> list[str]:
    """Return what does not hold of the restored rows."""
    found: list[str] = []
    for table in schema:
        name = str(table.name)
        new, old = restored.frames[name], frames[name]
        if len(new) != len(old):
            found.append(f"{name}: {len(old)} rows became {len(new)}")
        if dict(new.dtypes) != dict(old.dtypes):
            found.append(f"{name}: other columns or types")
        required = [c.name for c in table.columns if not c.nullable]
        found += [f"{name}.{column}: NULL" for column in required if new[column].isna().any()]
        for key in table.candidate_keys:
            if new[list(key)].dropna().duplicated().any():
                found.append(f"{name}{key}: not unique")
        planned = plan.table(table.name)
        for (column,) in (key for key in table.candidate_keys if len(key) == 1):
            made = planned.column(column).treatment is ColumnTreatment.KEY
            reused = new[column].dropna().isin(old[column].dropna())
            if made and planned.role is not Role.REFERENCE and reused.any():
                found.append(f"{name}.{column}: a key of the source")
        for key in table.foreign_keys:
            child = pd.MultiIndex.from_frame(new[list(key.columns)].dropna())
            there = restored.frames[str(key.referred)][list(key.referred_columns)].dropna()
            if not child.isin(pd.MultiIndex.from_frame(there)).all():
                found.append(f"{name}{key.columns}: no such row of {key.referred}")
    return found


def there_and_back(
    schema: Schema, frames: dict[str, pd.DataFrame], seed: int
) -> tuple[RefreshPlan, Restored]:
    plan = make_plan(schema, frames, source="generated")
    check_plan(plan, schema)
    prepared = prepare(plan, frames, seed)
    synthetic = generate(prepared, seed + 1)
    return plan, restore(plan, synthetic, prepared.kept, seed + 2)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(sources(), st.integers(0, 1000))
def test_every_constraint_holds_again(
    source: tuple[Schema, dict[str, pd.DataFrame]], seed: int
) -> None:
    schema, frames = source
    plan, restored = there_and_back(schema, frames, seed)
    event(f"repairs: {bool(restored.repairs)}")
    assert violations(schema, plan, frames, restored) == [], restored.repairs


def careless(prepared: Prepared, seed: int) -> dict[str, pd.DataFrame]:
    """Return what a badly trained generator may return: repeated rows, NULLs, rare categories."""
    rng = np.random.default_rng(seed)
    result = {}
    specs = {table.name: table for table in prepared.tables}
    for name, made in generate(prepared, seed).items():
        rows = len(made)
        if rows == 0:
            result[name] = made
            continue
        key = specs[name].key
        keys = made[key]
        frame = made.iloc[rng.integers(0, rows, rows)].reset_index(drop=True)
        frame[key] = keys
        for column in specs[name].columns:
            spoiled = rng.random(rows) < 0.1
            kind = frame[column.name].dtype
            text = column.encoding is Encoding.CATEGORICAL and pa.types.is_string(
                kind.pyarrow_dtype
            )
            frame.loc[spoiled, column.name] = "_RARE_" if text else None
        result[name] = frame
    return result


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(sources(), st.integers(0, 1000))
def test_a_careless_generator_cannot_break_a_constraint(
    source: tuple[Schema, dict[str, pd.DataFrame]], seed: int
) -> None:
    schema, frames = source
    plan = make_plan(schema, frames, source="generated")
    prepared = prepare(plan, frames, seed)
    restored = restore(plan, careless(prepared, seed + 1), prepared.kept, seed + 2)
    found = violations(schema, plan, frames, restored)
    assert [text for text in found if "rows became" not in text] == [], restored.repairs
