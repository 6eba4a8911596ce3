"""Schemas drawn at random, with rows that satisfy them: every construct that real schemas mix.

Imported by the property tests of the rewrites.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import HealthCheck
from hypothesis import strategies as st

from schemasynth.model import (
    Check,
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

TYPES = {
    "int": SqlType("INTEGER", TypeFamily.INTEGER),
    "small": SqlType("SMALLINT", TypeFamily.INTEGER),
    "code": SqlType("VARCHAR(12)", TypeFamily.TEXT, length=12),
    "text": SqlType("TEXT", TypeFamily.TEXT),
    "uuid": SqlType("UUID", TypeFamily.UUID),
    "date": SqlType("DATE", TypeFamily.DATE),
    "money": SqlType("NUMERIC(10, 2)", TypeFamily.DECIMAL, precision=10, scale=2),
}
KEYS = ("int", "small", "code", "uuid")
MIN_EVIDENCE = 20
"""Rows from which a prefix is taken for part of a key's format, not for somebody's value."""
START = pd.Timestamp("2020-01-01")


@dataclass
class Draft:
    """A table in the making: values by column, None for NULL."""

    name: TableName
    rows: int
    values: dict[str, list[object]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    nullable: set[str] = field(default_factory=set)
    primary: tuple[str, ...] = ()
    unique: list[tuple[str, ...]] = field(default_factory=list)
    foreign: list[ForeignKey] = field(default_factory=list)
    checks: list[str] = field(default_factory=list)

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
            self.name,
            columns,
            PrimaryKey(self.primary) if self.primary else None,
            tuple(UniqueKey(key) for key in self.unique),
            tuple(self.foreign),
            tuple(Check(sql) for sql in self.checks),
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

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def parents(self, other: Draft | None = None) -> list[Draft]:
        return [d for d in self.drafts if d.keys and d.rows and d is not other]

    def some_parent(self, other: Draft | None = None) -> Draft | None:
        found = self.parents(other)
        return found[self.rng.integers(len(found))] if found else None

    def start(self, rows: int) -> Draft:
        """Begin a table; some are called like another in another schema or in another case."""
        used = {draft.name for draft in self.drafts}
        name = TableName(f"t{len(self.drafts)}")
        if self.drafts and self.chance(0.15):
            like = self.drafts[self.rng.integers(len(self.drafts))].name
            other = TableName(like.name.swapcase(), like.schema)
            if self.chance(0.5):
                other = TableName(like.name, "archive")
            name = name if other in used else other
        draft = Draft(name, rows)
        self.drafts.append(draft)
        return draft

    def own_key(self, draft: Draft, kind: str | None = None, name: str = "id") -> None:
        rows = draft.rows
        kind = kind or str(self.rng.choice(KEYS))
        numbers = self.rng.permutation(rows * 3 + 1)[:rows]
        values: dict[str, Callable[[], list[object]]] = {
            "int": lambda: list(range(1, rows + 1)),
            "small": (numbers * 7 + 3).tolist,
            "code": lambda: [f"AB-{n:05d}" for n in numbers],
            "uuid": lambda: [f"{n:08x}-1111-4111-8111-111111111111" for n in numbers],
        }
        draft.column(name, kind, values[kind]())
        draft.primary = (name,)
        if kind == "code":
            draft.checks.append(f"length({name}) = 8")
            if rows >= MIN_EVIDENCE:
                draft.checks.append(f"{name} LIKE 'AB-%'")
        if kind in ("int", "small"):
            draft.checks.append(f"{name} > 0")

    def facts(self, draft: Draft) -> None:
        """Add columns that are learned."""
        rows = draft.rows
        moods = self.rng.choice(["calm", "busy", "odd"], rows).tolist()
        prices = [None if p < 5 else f"{p:.2f}" for p in self.rng.random(rows) * 100]
        draft.column("mood", "text", moods)
        draft.column("price", "money", [], null=True)
        draft.values["price"] = pa.array(prices, pa.string()).cast(pa.decimal128(10, 2)).to_pylist()
        draft.checks += ["mood IN ('calm', 'busy', 'odd')", "price >= 5"]

    def maybe_facts(self, draft: Draft) -> None:
        if self.chance(0.6):
            self.facts(draft)

    def refer(
        self,
        draft: Draft,
        parent: Draft,
        rows: list[int],
        *,
        null: bool = False,
        tag: str = "",
        key: tuple[str, ...] | None = None,
    ) -> tuple[str, ...]:
        """Add a foreign key to the parent's rows at the positions; −1 is NULL."""
        key = key or parent.keys[self.rng.integers(len(parent.keys))]
        names = []
        for column in key:
            name = f"p{self.drafts.index(parent)}{tag}_{column}"
            values = [None if r < 0 else parent.values[column][r] for r in rows]
            draft.column(name, parent.kinds[column], values, null=null)
            names.append(name)
        reference = ForeignKey(tuple(names), parent.name, key)
        draft.foreign.append(reference)
        return reference.columns

    def draw(self, parent: Draft, rows: int, *, null: bool = False) -> list[int]:
        skewed = (self.rng.random(rows) ** 2 * parent.rows).astype(int)
        return [-1 if null and self.rng.random() < 0.2 else int(r) for r in skewed]

    def numbers(self, groups: list[int], style: str) -> list[object]:
        """Number rows within their groups: dense, in tens, or with gaps."""
        last: dict[int, int] = {}
        result: list[object] = []
        for group in groups:
            step = {"dense": 1, "tens": 10, "gaps": int(self.rng.choice([1, 1, 1, 2, 3]))}[style]
            last[group] = last.get(group, 0) + step
            result.append(last[group])
        return result


def plain(shop: Workshop, rows: int) -> None:
    draft = shop.start(rows)
    shop.own_key(draft)
    shop.maybe_facts(draft)
    for number in range(shop.rng.integers(0, 3)):
        parent = shop.some_parent(draft)
        if parent is not None:
            null = shop.chance(0.5)
            shop.refer(
                draft, parent, shop.draw(parent, rows, null=null), null=null, tag=f"_{number}"
            )


def mailed(shop: Workshop, rows: int) -> None:
    """A unique text that is no primary key, and may be NULL."""
    plain(shop, rows)
    draft = shop.drafts[-1]
    null = shop.chance(0.5)
    addresses = [
        None if null and shop.chance(0.3) else f"p{i}@{shop.rng.choice(['a', 'b'])}.cat"
        for i in range(rows)
    ]
    draft.column("mail", "text", addresses, null=null)
    draft.unique.append(("mail",))


def keyless(shop: Workshop, rows: int) -> None:
    draft = shop.start(rows)
    shop.facts(draft)
    parent = shop.some_parent(draft)
    if parent is not None:
        shop.refer(draft, parent, shop.draw(parent, rows, null=True), null=True)


def numbered(shop: Workshop, rows: int) -> None:
    """Lines or versions numbered within a parent: a composite key that holds a foreign one."""
    parent = shop.some_parent()
    if parent is None:
        plain(shop, rows)
        return
    draft = shop.start(rows)
    positions = shop.draw(parent, rows)
    columns = shop.refer(draft, parent, positions)
    style = str(shop.rng.choice(["dense", "tens", "gaps"]))
    draft.column("line", str(shop.rng.choice(["int", "small"])), shop.numbers(positions, style))
    draft.checks.append("line >= 10 AND line % 10 = 0" if style == "tens" else "line >= 1")
    draft.primary = (*columns, "line")
    shop.maybe_facts(draft)


def nested(shop: Workshop, rows: int) -> None:
    """Composite keys that contain composite foreign keys, three levels."""
    for _ in range(3):
        parent = shop.drafts[-1] if shop.drafts else None
        if parent is None or not parent.primary or not parent.rows:
            numbered(shop, rows)
            continue
        draft = shop.start(rows)
        positions = shop.draw(parent, rows)
        columns = shop.refer(draft, parent, positions, key=parent.primary)
        draft.column("part", "int", shop.numbers(positions, "gaps"))
        draft.primary = (*columns, "part")
        shop.maybe_facts(draft)


def dated(shop: Workshop, rows: int) -> None:
    """A date is part of the key: rows hold from a day on, some to another."""
    parent = shop.some_parent()
    if parent is None:
        plain(shop, rows)
        return
    positions = shop.draw(parent, rows)
    days = shop.rng.integers(0, 200, rows).tolist()
    pairs = sorted(set(zip(positions, days, strict=True)))
    draft = shop.start(len(pairs))
    columns = shop.refer(draft, parent, [p for p, _ in pairs])
    draft.column("since", "date", [START + pd.Timedelta(days=d) for _, d in pairs])
    draft.primary = (*columns, "since")
    lasting = [None if shop.chance(0.3) else int(shop.rng.integers(0, 90)) for _ in pairs]
    ends = [
        None if last is None else START + pd.Timedelta(days=d + last)
        for (_, d), last in zip(pairs, lasting, strict=True)
    ]
    draft.column("until", "date", list(ends), null=True)
    shop.maybe_facts(draft)


def bridge(shop: Workshop, rows: int) -> None:
    """A key of foreign keys only, also to the same parent twice, with up to four parents."""
    if not shop.parents():
        plain(shop, rows)
        return
    parents = [shop.some_parent() for _ in range(int(shop.rng.integers(2, 5)))]
    chosen = [parent for parent in parents if parent is not None]
    drawn = zip(*(shop.draw(parent, rows) for parent in chosen), strict=True)
    tuples = sorted(set(drawn))
    draft = shop.start(len(tuples))
    names: list[str] = []
    for number, parent in enumerate(chosen):
        names += shop.refer(draft, parent, [t[number] for t in tuples], tag=f"_{number}")
    draft.primary = tuple(names)
    shop.maybe_facts(draft)


def friends(shop: Workshop, rows: int) -> None:
    """A bridge from a table to itself: nobody is a friend of his own."""
    parents = [p for p in shop.parents() if p.rows > 1 and len(p.primary) == 1]
    if not parents:
        plain(shop, rows)
        return
    parent = parents[shop.rng.integers(len(parents))]
    drawn = zip(shop.draw(parent, rows), shop.draw(parent, rows), strict=True)
    pairs = sorted({(a, b) for a, b in drawn if a != b})
    draft = shop.start(len(pairs))
    names = [
        *shop.refer(draft, parent, [a for a, _ in pairs], tag="_a", key=parent.primary),
        *shop.refer(draft, parent, [b for _, b in pairs], tag="_b", key=parent.primary),
    ]
    draft.primary = tuple(names)
    draft.checks.append(f"{names[0]} <> {names[1]}")
    shop.maybe_facts(draft)


def shared(shop: Workshop, rows: int) -> None:
    """A primary key that is the foreign key: at most one child a parent; over several levels."""
    parent = shop.some_parent()
    if parent is None:
        plain(shop, rows)
        return
    for _ in range(int(shop.rng.integers(1, 4))):
        draft = shop.start(min(rows, parent.rows))
        positions = shop.rng.permutation(parent.rows)[: draft.rows].tolist()
        draft.primary = shop.refer(draft, parent, positions)
        shop.maybe_facts(draft)
        if not draft.rows:
            return
        parent = draft


def subtypes(shop: Workshop, rows: int) -> None:
    """Rows of one table extended by exactly one of two others."""
    plain(shop, rows)
    parent = shop.drafts[-1]
    if not parent.rows:
        return
    order = shop.rng.permutation(parent.rows)
    cut = int(shop.rng.integers(0, parent.rows + 1))
    for part in (order[:cut], order[cut:]):
        draft = shop.start(len(part))
        draft.primary = shop.refer(draft, parent, part.tolist(), key=parent.primary)
        shop.maybe_facts(draft)


def hierarchy(shop: Workshop, rows: int) -> None:
    """A forest in one table; roots are NULL, or refer to themselves where NULL is refused."""
    plain(shop, rows)
    draft = shop.drafts[-1]
    above = [int(shop.rng.integers(0, i)) if i > 2 else -1 for i in range(rows)]
    null = shop.chance(0.6)
    if not null:
        above = [i if a < 0 else a for i, a in enumerate(above)]
    names = shop.refer(draft, draft, above, null=null, tag="_up", key=draft.primary)
    if null:
        draft.checks.append(f"{names[0]} <> {draft.primary[0]}")
    if shop.chance(0.3):
        place = shop.numbers(above, "dense")
        draft.column("place", "int", place)
        draft.unique.append((*names, "place"))


def loops(shop: Workshop, rows: int) -> None:
    """A self-reference whose rows form cycles in the source."""
    plain(shop, rows)
    draft = shop.drafts[-1]
    above = shop.rng.integers(-1, max(rows, 1), rows).tolist()
    shop.refer(draft, draft, above, null=True, tag="_up", key=draft.primary)


def tenants(shop: Workshop, rows: int) -> None:
    """A hierarchy with a composite key whose tenant is shared by the references."""
    owner = shop.some_parent()
    if owner is None:
        plain(shop, rows)
        return
    draft = shop.start(rows)
    positions = shop.draw(owner, rows)
    tenant = shop.refer(draft, owner, positions)
    draft.column("no", "int", shop.numbers(positions, str(shop.rng.choice(["dense", "gaps"]))))
    draft.primary = (*tenant, "no")
    above: list[object] = []
    before: dict[int, list[int]] = {}
    for row, position in enumerate(positions):
        known = before.setdefault(position, [])
        root = not known or shop.chance(0.1)
        above.append(None if root else draft.values["no"][int(shop.rng.choice(known))])
        known.append(row)
    draft.column("up", "int", above, null=True)
    draft.foreign.append(ForeignKey((*tenant, "up"), draft.name, draft.primary))
    draft.checks.append("up <> no")
    shop.maybe_facts(draft)


def tree_of_parts(shop: Workshop, rows: int) -> None:
    """A hierarchy with a composite key of own parts."""
    parts(shop, rows)
    draft = shop.drafts[-1]
    above = [int(shop.rng.integers(0, i)) if i > 1 else -1 for i in range(rows)]
    shop.refer(draft, draft, above, null=True, tag="_up", key=draft.primary)


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
    null = shop.chance(0.5)
    for column in owner.primary:
        private = column not in inner.columns
        values = [
            None if null and private and shop.chance(0.3) else owner.values[column][p]
            for p in positions
        ]
        draft.column(f"s_{column}", owner.kinds[column], values, null=null and private)
    draft.foreign = [
        ForeignKey(tuple(f"s_{c}" for c in inner.columns), inner.referred, inner.referred_columns),
        ForeignKey(tuple(f"s_{c}" for c in owner.primary), owner.name, owner.primary),
    ]
    shop.maybe_facts(draft)


def tenant_shared(shop: Workshop, rows: int) -> None:
    """A tenant, two tables of its own, and one whose three references share the tenant."""
    plain(shop, max(1, rows // 10))
    tenant = shop.drafts[-1]
    owned = []
    for _ in range(2):
        draft = shop.start(max(rows // 2, 2 * tenant.rows))
        positions = [i % tenant.rows for i in range(draft.rows)]
        names = shop.refer(draft, tenant, positions, key=tenant.primary)
        draft.column("no", "int", shop.numbers(positions, "dense"))
        draft.primary = (*names, "no")
        shop.maybe_facts(draft)
        owned.append((draft, positions))
    draft = shop.start(rows)
    shop.own_key(draft)
    positions = shop.draw(tenant, rows)
    names = shop.refer(draft, tenant, positions, key=tenant.primary)
    null = shop.chance(0.5)
    for number, (other, of) in enumerate(owned):
        rows_of = {t: [i for i, p in enumerate(of) if p == t] for t in set(of)}
        chosen = [int(shop.rng.choice(rows_of[p])) for p in positions]
        values = [None if null and shop.chance(0.2) else other.values["no"][r] for r in chosen]
        draft.column(f"no_{number}", "int", values, null=null)
        draft.foreign.append(ForeignKey((*names, f"no_{number}"), other.name, other.primary))
    shop.maybe_facts(draft)


def cycle(shop: Workshop, rows: int) -> None:
    """A table that refers to an earlier one, which refers back, also where NULL is refused."""
    first = shop.some_parent()
    plain(shop, rows)
    second = shop.drafts[-1]
    if first is None or not second.keys or not rows:
        return
    null = shop.chance(0.5)
    shop.refer(second, first, shop.draw(first, rows, null=True), null=True, tag="_of")
    back = shop.draw(second, first.rows, null=null)
    unique = rows >= first.rows and shop.chance(0.5)
    if unique:
        once = shop.rng.permutation(rows)[: first.rows].tolist()
        back = [-1 if null and shop.chance(0.2) else r for r in once]
    names = shop.refer(first, second, back, null=null, tag="_main")
    if unique:
        first.unique.append(names)


def parts(shop: Workshop, rows: int) -> None:
    """A composite key of two own parts, referenced by nobody yet."""
    draft = shop.start(rows)
    files = shop.rng.integers(0, max(rows // 2, 1), rows).tolist()
    draft.column("file", "code", [f"F{f:06d}" for f in files])
    draft.column("step", "small", shop.numbers(files, "dense"))
    draft.primary = ("file", "step")
    shop.maybe_facts(draft)


def twofold(shop: Workshop, rows: int) -> None:
    """A column that refers to two tables at once: a thing and its extension."""
    shared(shop, rows)
    extension = shop.drafts[-1]
    if not extension.foreign or not extension.keys or not extension.rows:
        return
    draft = shop.start(rows)
    shop.own_key(draft, "int")
    names = shop.refer(
        draft, extension, shop.draw(extension, rows), key=extension.foreign[0].columns
    )
    thing = extension.foreign[0]
    draft.foreign.append(ForeignKey(names, thing.referred, thing.referred_columns))
    shop.maybe_facts(draft)


def twins(shop: Workshop, rows: int) -> None:
    """Two references to one parent that mostly agree: where to send the bill and the goods."""
    parent = shop.some_parent()
    if parent is None:
        plain(shop, rows)
        return
    draft = shop.start(rows)
    shop.own_key(draft)
    key = parent.keys[0]
    billing = shop.draw(parent, rows)
    shipping = [
        b if shop.chance(0.7) else s for b, s in zip(billing, shop.draw(parent, rows), strict=True)
    ]
    shop.refer(draft, parent, billing, tag="_bill", key=key)
    shop.refer(draft, parent, shipping, tag="_ship", key=key)
    shop.maybe_facts(draft)


def arc(shop: Workshop, rows: int) -> None:
    """Exactly one of two or three references is filled."""
    parents = [p for p in (shop.some_parent() for _ in range(3)) if p is not None]
    if len(parents) < 2:
        plain(shop, rows)
        return
    draft = shop.start(rows)
    shop.own_key(draft)
    which = shop.rng.integers(0, len(parents), rows)
    terms = []
    for number, parent in enumerate(parents):
        drawn = shop.draw(parent, rows)
        chosen = [r if which[i] == number else -1 for i, r in enumerate(drawn)]
        names = shop.refer(draft, parent, chosen, null=True, tag=f"_{number}")
        terms.append(f"({names[0]} IS NOT NULL)")
        draft.checks += [f"({names[0]} IS NULL) = ({name} IS NULL)" for name in names[1:]]
    draft.checks.append(f"{' + '.join(terms)} = 1")
    shop.maybe_facts(draft)


def partial(shop: Workshop, rows: int) -> None:
    """A composite key of which some columns are NULL and others filled (MATCH SIMPLE)."""
    parents = [d for d in shop.parents() if any(len(key) > 1 for key in d.keys)]
    if not parents:
        parts(shop, rows)
        return
    parent = parents[shop.rng.integers(len(parents))]
    key = next(key for key in parent.keys if len(key) > 1)
    draft = shop.start(rows)
    shop.own_key(draft)
    names = shop.refer(draft, parent, shop.draw(parent, rows), key=key)
    optional = names[int(shop.rng.integers(0, 2)) :]
    for name in optional:
        share = float(shop.rng.choice([0.0, 0.2, 0.5]))
        draft.nullable.add(name)
        draft.values[name] = [None if shop.chance(share) else v for v in draft.values[name]]
    shop.maybe_facts(draft)


def loose(shop: Workshop, rows: int) -> None:
    """A key that its own rows violate: some refer to nothing."""
    parents = [d for d in shop.parents() if d.kinds[d.primary[0]] == "int" and d.primary == ("id",)]
    if not parents:
        plain(shop, rows)
        return
    draft = shop.start(rows)
    shop.own_key(draft, "int")
    key = parents[0].primary
    names = shop.refer(draft, parents[0], shop.draw(parents[0], rows), null=True, key=key)
    draft.values[names[0]] = [v if shop.chance(0.9) else 99_999 for v in draft.values[names[0]]]
    shop.maybe_facts(draft)


def keys_only(shop: Workshop, rows: int) -> None:
    """A table that is its key, and one that refers to it and is nothing else."""
    draft = shop.start(rows)
    shop.own_key(draft)
    if not rows:
        return
    child = shop.start(rows)
    shop.own_key(child)
    shop.refer(child, draft, shop.draw(draft, rows))


CONSTRUCTS = (
    plain, mailed, keyless, numbered, nested, dated, bridge, friends, shared, subtypes, hierarchy,
    loops, tenants, tree_of_parts, scoped, tenant_shared, cycle, parts, twofold, twins, arc,
    partial, loose, keys_only,
)  # fmt: skip
MOST_TABLES = 15
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
"""Health checks that schemas of fifteen tables cannot pass."""
Source: TypeAlias = tuple[Schema, dict[str, pd.DataFrame]]


@st.composite
def sources(draw: st.DrawFn) -> Source:
    """Draw a schema of 2 to 15 tables with rows that satisfy it."""
    shop = Workshop(draw(st.integers(0, 2**32 - 1)))
    for build in draw(st.lists(st.sampled_from(CONSTRUCTS), min_size=2, max_size=9)):
        if len(shop.drafts) < MOST_TABLES - 3:
            build(shop, draw(st.sampled_from([0, 1, 2, 7, 40, 150])))
    schema = Schema("sqlite", "generated", tuple(d.table() for d in shop.drafts))
    return schema, {str(draft.name): draft.frame() for draft in shop.drafts}
