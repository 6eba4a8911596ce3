"""Each rewrite alone: what the generator gets, and exactly what comes back."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from constraints import violations
from there_and_back import read, there_and_back

from schemasynth.model import SqlType, TableName, TypeFamily, arrow_type
from schemasynth.plan import check_plan
from schemasynth.plan.model import (
    ColumnPlan,
    ColumnTreatment,
    Encoding,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    KeyFormat,
    KeyKind,
    RefreshPlan,
    Role,
    TablePlan,
)
from schemasynth.rewrite import Prepared, Restored, prepare, restore, rewrites
from schemasynth.rewrite.forest import depths
from schemasynth.testing.standin import generate

INT = SqlType("INTEGER", TypeFamily.INTEGER)
TEXT = SqlType("VARCHAR(20)", TypeFamily.TEXT, length=20)
KEY, LEARN, FOREIGN = ColumnTreatment.KEY, ColumnTreatment.LEARN, ColumnTreatment.FOREIGN_KEY
CONTEXT, CATEGORY = ForeignKeyTreatment.CONTEXT, ForeignKeyTreatment.CATEGORY
RESTORED = ForeignKeyTreatment.RESTORED
NUMBERS = KeyFormat(KeyKind.INTEGER)


def column(
    name: str,
    treatment: ColumnTreatment = LEARN,
    kind: SqlType = INT,
    *,
    nullable: bool = False,
    value: str | None = None,
) -> ColumnPlan:
    return ColumnPlan(
        name,
        kind,
        nullable,
        treatment,
        encoding=Encoding.CATEGORICAL if treatment is LEARN else None,
        key_format=NUMBERS if treatment is KEY else None,
        value=value,
    )


def refer(
    columns: str,
    parent: str,
    referred: str = "id",
    treatment: ForeignKeyTreatment = RESTORED,
    *,
    to_entity: bool = False,
    null_share: float = 0.0,
    nullable: bool = False,
) -> ForeignKeyPlan:
    return ForeignKeyPlan(
        tuple(columns.split()),
        TableName(parent),
        tuple(referred.split()),
        treatment,
        to_entity=to_entity,
        null_share=null_share,
        nullable=nullable,
    )


def table(
    name: str,
    rows: int,
    key: str,
    columns: tuple[ColumnPlan, ...],
    *foreign: ForeignKeyPlan,
    role: Role | None = None,
    is_entity: bool = False,
) -> TablePlan:
    linked = any(k.treatment is CONTEXT for k in foreign)
    return TablePlan(
        TableName(name),
        role or (Role.LINKED if linked else Role.SUBJECT),
        rows,
        rows,
        tuple(key.split()),
        (),
        columns,
        foreign,
        is_entity=is_entity,
    )


def frame_of(planned: TablePlan, values: Mapping[str, object]) -> pd.DataFrame:
    arrays = {
        c.name: pa.array(values[c.name], arrow_type(c.type))  # type: ignore[call-overload]
        for c in planned.columns
    }
    return pa.table(arrays).to_pandas(types_mapper=pd.ArrowDtype)


def plan_of(*tables: TablePlan) -> RefreshPlan:
    plan = RefreshPlan("test", "f" * 64, tables)
    check_plan(plan)
    return plan


def round_trip(
    plan: RefreshPlan, values: Mapping[str, Mapping[str, object]]
) -> tuple[Prepared, Restored]:
    frames = {n: frame_of(plan.table(TableName(n)), columns) for n, columns in values.items()}
    prepared = prepare(plan, frames, 1)
    return prepared, restore(plan, generate(prepared, 2), prepared.kept, 3)


PARENT = table("parent", 50, "id", (column("id", KEY), column("sort")))
PARENTS = {"id": range(1, 51), "sort": [i % 3 for i in range(50)]}


def test_a_context_keeps_children_with_their_parents() -> None:
    child = table(
        "child",
        120,
        "id",
        (column("id", KEY), column("parent_id", FOREIGN), column("sort")),
        refer("parent_id", "parent", treatment=CONTEXT),
    )
    owners = [1 + i * i % 50 for i in range(120)]
    prepared, restored = round_trip(
        plan_of(PARENT, child),
        {
            "parent": PARENTS,
            "child": {
                "id": range(1, 121),
                "parent_id": owners,
                "sort": [(o - 1) % 3 for o in owners],
            },
        },
    )
    reference = prepared.tables[1].references[0]
    assert (reference.table, reference.is_context) == ("parent", True)
    assert [c.name for c in prepared.tables[1].columns] == ["sort"]
    joined = restored.frames["child"].merge(
        restored.frames["parent"], left_on="parent_id", right_on="id"
    )
    assert len(joined) == 120
    assert (joined["sort_x"] == joined["sort_y"]).all()
    assert sorted(Counter(restored.frames["child"]["parent_id"]).values()) == sorted(
        Counter(owners).values()
    )
    assert sorted(restored.frames["parent"]["id"]) == list(range(51, 101))
    assert restored.repairs == ()


def test_rows_without_a_context_parent_are_not_lost() -> None:
    child = table(
        "child",
        100,
        "id",
        (column("id", KEY), column("parent_id", FOREIGN, nullable=True), column("lost")),
        refer("parent_id", "parent", treatment=CONTEXT, nullable=True, null_share=0.3),
    )
    owners = [None if i < 20 else 999 if i < 30 else 1 + i % 50 for i in range(100)]
    prepared, restored = round_trip(
        plan_of(PARENT, child),
        {
            "parent": PARENTS,
            "child": {
                "id": range(1, 101),
                "parent_id": owners,
                "lost": [int(i < 30) for i in range(100)],
            },
        },
    )
    reference = prepared.tables[1].references[0].column
    assert prepared.frames["child"][reference].notna().all()
    new = restored.frames["child"]
    assert new["parent_id"].isna().sum() == 30
    assert (new["parent_id"].isna() == (new["lost"] == 1)).all()
    assert new["parent_id"].dropna().isin(restored.frames["parent"]["id"]).all()


def test_a_category_of_a_copied_table_keeps_its_values() -> None:
    kind = table(
        "kind", 3, "id", (column("id", KEY), column("name", kind=TEXT)), role=Role.REFERENCE
    )
    thing = table(
        "thing",
        90,
        "id",
        (column("id", KEY), column("kind_id", FOREIGN, nullable=True), column("sort")),
        refer("kind_id", "kind", treatment=CATEGORY, nullable=True, null_share=1 / 3),
    )
    kinds = [(10, 20, None)[i % 3] for i in range(90)]
    _, restored = round_trip(
        plan_of(kind, thing),
        {
            "kind": {"id": [10, 20, 30], "name": ["a", "b", "c"]},
            "thing": {"id": range(90), "kind_id": kinds, "sort": [i % 3 for i in range(90)]},
        },
    )
    pairs = Counter(
        restored.frames["thing"][["kind_id", "sort"]].fillna(0).itertuples(index=False, name=None)
    )
    assert pairs == {(10, 0): 30, (20, 1): 30, (0, 2): 30}
    assert list(restored.frames["kind"]["id"]) == [10, 20, 30]


def test_an_unknown_category_becomes_a_known_one_and_is_counted() -> None:
    kind = table("kind", 3, "id", (column("id", KEY),), role=Role.REFERENCE)
    thing = table(
        "thing",
        60,
        "id",
        (column("id", KEY), column("kind_id", FOREIGN, nullable=True)),
        refer("kind_id", "kind", treatment=CATEGORY, nullable=True),
    )
    plan = plan_of(kind, thing)
    frames = {
        "kind": frame_of(kind, {"id": [10, 20, 30]}),
        "thing": frame_of(thing, {"id": range(60), "kind_id": [20] * 60}),
    }
    prepared = prepare(plan, frames, 1)
    synthetic = dict(generate(prepared, 2))
    category = prepared.tables[0].columns[0].name
    synthetic["thing"].loc[:4, category] = "_RARE_"
    restored = restore(plan, synthetic, prepared.kept, 3)
    assert set(restored.frames["thing"]["kind_id"]) == {20}
    assert [(r.table, r.rows) for r in restored.repairs] == [("thing", 5)]


def test_a_restored_reference_keeps_counts_childless_and_nulls() -> None:
    child = table(
        "child",
        200,
        "id",
        (column("id", KEY), column("parent_id", FOREIGN, nullable=True)),
        refer("parent_id", "parent", nullable=True, null_share=0.1),
    )
    owners = [None] * 20 + [1] * 100 + [2] * 50 + list(range(3, 33))
    prepared, restored = round_trip(
        plan_of(PARENT, child),
        {"parent": PARENTS, "child": {"id": range(200), "parent_id": owners}},
    )
    assert prepared.tables[1].references == ()
    new = restored.frames["child"]["parent_id"]
    assert new.isna().sum() == 20
    assert sorted(Counter(new.dropna()).values()) == [1] * 30 + [50, 100]
    assert restored.repairs == ()


def test_a_bridge_stays_unique_and_loses_no_row() -> None:
    bridge = table(
        "bridge",
        400,
        "a b",
        (column("a", FOREIGN), column("b", FOREIGN)),
        refer("a", "parent", treatment=CONTEXT),
        refer("b", "parent"),
    )
    cells = np.random.default_rng(0).choice(50 * 10, 400, replace=False)
    _, restored = round_trip(
        plan_of(PARENT, bridge),
        {"parent": PARENTS, "bridge": {"a": 1 + cells % 50, "b": 1 + cells // 50}},
    )
    new = restored.frames["bridge"]
    assert len(new.drop_duplicates()) == 400
    assert sorted(Counter(new["a"]).values()) == sorted(Counter(cells % 50).values())


def test_a_full_bridge_finds_its_last_free_pairs() -> None:
    bridge = table(
        "bridge",
        50 * 50,
        "a b",
        (column("a", FOREIGN), column("b", FOREIGN)),
        refer("a", "parent"),
        refer("b", "parent"),
    )
    cells = np.arange(50 * 50)
    _, restored = round_trip(
        plan_of(PARENT, bridge),
        {"parent": PARENTS, "bridge": {"a": 1 + cells % 50, "b": 1 + cells // 50}},
    )
    assert len(restored.frames["bridge"].drop_duplicates()) == 50 * 50


def test_a_shared_key_gives_a_parent_at_most_one_child() -> None:
    child = table(
        "child", 50, "id", (column("id", FOREIGN),), refer("id", "parent", treatment=CONTEXT)
    )
    plan = plan_of(PARENT, child)
    frames = {"parent": frame_of(PARENT, PARENTS), "child": frame_of(child, {"id": range(1, 51)})}
    prepared = prepare(plan, frames, 1)
    synthetic = dict(generate(prepared, 2))
    reference = prepared.tables[1].references[0].column
    synthetic["child"][reference] = synthetic["child"][reference].iloc[0]
    restored = restore(plan, synthetic, prepared.kept, 3)
    assert sorted(restored.frames["child"]["id"]) == sorted(restored.frames["parent"]["id"])
    assert [(r.table, r.rows) for r in restored.repairs] == [("child", 49)]


def test_lines_are_numbered_within_their_parent() -> None:
    line = table(
        "line",
        150,
        "parent_id no",
        (column("parent_id", FOREIGN), column("no", KEY)),
        refer("parent_id", "parent", treatment=CONTEXT),
    )
    owners = sorted(1 + i * i % 50 for i in range(150))
    numbers = [i - owners.index(owner) for i, owner in enumerate(owners)]
    _, restored = round_trip(
        plan_of(PARENT, line),
        {"parent": PARENTS, "line": {"parent_id": owners, "no": numbers}},
    )
    for _, group in restored.frames["line"].groupby("parent_id"):
        assert sorted(group["no"]) == list(range(len(group)))


def test_gaps_between_lines_are_kept() -> None:
    line = table(
        "line",
        150,
        "parent_id no",
        (column("parent_id", FOREIGN), column("no", KEY)),
        refer("parent_id", "parent", treatment=CONTEXT),
    )
    owners = sorted(1 + i * i % 50 for i in range(150))
    numbers = [1 + (i - owners.index(owner)) * 5 // 3 for i, owner in enumerate(owners)]
    source = {"parent_id": owners, "no": numbers}
    _, restored = round_trip(plan_of(PARENT, line), {"parent": PARENTS, "line": source})

    def sequences(rows: pd.DataFrame) -> Counter[tuple[int, ...]]:
        return Counter(tuple(sorted(group)) for _, group in rows.groupby("parent_id")["no"])

    assert sequences(restored.frames["line"]) == sequences(pd.DataFrame(source))


def test_two_keys_to_one_table_agree_as_often_as_in_the_source() -> None:
    order = table(
        "order",
        200,
        "id",
        (column("id", KEY), column("bill", FOREIGN), column("ship", FOREIGN)),
        refer("bill", "parent"),
        refer("ship", "parent"),
    )
    bills = [1 + i * 7 % 50 for i in range(200)]
    ships = [b if i % 4 else 1 + b % 50 for i, b in enumerate(bills)]
    source = {"id": range(200), "bill": bills, "ship": ships}
    _, restored = round_trip(plan_of(PARENT, order), {"parent": PARENTS, "order": source})
    new = restored.frames["order"]
    assert (new["bill"] == new["ship"]).sum() == 150
    assert restored.repairs == ()


def test_of_several_keys_exactly_one_stays_filled() -> None:
    owners = [column(name, FOREIGN, nullable=True) for name in ("a", "b")]
    thing = table(
        "thing",
        100,
        "id",
        (column("id", KEY), *owners),
        refer("a", "parent", nullable=True, null_share=0.3),
        refer("b", "parent", nullable=True, null_share=0.7),
    )
    first = [None if i < 30 else 1 + i % 50 for i in range(100)]
    second = [1 + i % 50 if i < 30 else None for i in range(100)]
    source = {"id": range(100), "a": first, "b": second}
    _, restored = round_trip(plan_of(PARENT, thing), {"parent": PARENTS, "thing": source})
    new = restored.frames["thing"]
    assert (new["a"].isna() ^ new["b"].isna()).all()
    assert new["a"].isna().sum() == 30


def test_a_hierarchy_stays_within_its_tenant() -> None:
    parts = (
        column("tenant", FOREIGN),
        column("no", KEY),
        column("up", FOREIGN, nullable=True),
    )
    unit = table(
        "unit",
        500,
        "tenant no",
        parts,
        refer("tenant", "parent", treatment=CONTEXT),
        refer("tenant up", "unit", "tenant no", nullable=True, null_share=0.1),
    )
    source = {
        "tenant": [1 + i % 50 for i in range(500)],
        "no": [1 + i // 50 for i in range(500)],
        "up": [None if i < 50 else 1 + (i // 50 - 1) // 2 for i in range(500)],
    }
    _, restored = round_trip(plan_of(PARENT, unit), {"parent": PARENTS, "unit": source})
    new = restored.frames["unit"]
    assert new["up"].isna().sum() == 50
    joined = new.dropna().merge(new, left_on=["tenant", "up"], right_on=["tenant", "no"])
    assert len(joined) == 450
    fans = new.dropna().groupby(["tenant", "up"]).size()
    assert Counter(fans) == Counter(pd.DataFrame(source).dropna().groupby(["tenant", "up"]).size())
    assert restored.repairs == ()


def test_a_unique_key_that_closes_a_cycle_stays_unique() -> None:
    desk = table(
        "desk",
        40,
        "id",
        (column("id", KEY), column("owner", FOREIGN)),
        refer("owner", "person"),
    )
    desk = replace(desk, unique_keys=(("owner",),))
    person = table(
        "person",
        50,
        "id",
        (column("id", KEY), column("desk", FOREIGN, nullable=True)),
        refer("desk", "desk", nullable=True, null_share=0.2),
    )
    _, restored = round_trip(
        plan_of(desk, person),
        {
            "desk": {"id": range(1, 41), "owner": range(1, 41)},
            "person": {"id": range(1, 51), "desk": [*range(1, 41), *[None] * 10]},
        },
    )
    desks, people = restored.frames["desk"], restored.frames["person"]
    assert desks["owner"].is_unique
    assert desks["owner"].isin(people["id"]).all()
    assert people["desk"].dropna().isin(desks["id"]).all()


def test_a_unique_key_that_closes_a_cycle_is_unique_before_others_copy_it() -> None:
    badge = table(
        "badge",
        40,
        "id",
        (column("id", KEY), column("holder", FOREIGN)),
        refer("holder", "person", treatment=ForeignKeyTreatment.MATCHED),
    )
    badge = replace(badge, unique_keys=(("holder",),))
    person = table(
        "person",
        60,
        "id",
        (column("id", KEY), column("badge", FOREIGN)),
        refer("badge", "badge"),
    )
    visit = table(
        "visit",
        80,
        "id",
        (column("id", KEY), column("badge_holder", FOREIGN)),
        refer("badge_holder", "badge", "holder"),
    )
    steps = [step.describe() for step in rewrites(plan_of(badge, person, visit))]
    unique = next(i for i, text in enumerate(steps) if "(holder) of badge: unique" in text)
    copied = next(i for i, text in enumerate(steps) if text.startswith("visit(badge_holder)"))
    assert unique < copied


def test_a_hierarchy_keeps_depth_fan_out_and_roots() -> None:
    above = [-1, -1] + [int(np.random.default_rng(i).integers(0, i)) for i in range(2, 300)]
    for nullable in (True, False):
        boss = column("boss", FOREIGN, nullable=nullable)
        staff = table(
            "staff", 300, "id", (column("id", KEY), boss), refer("boss", "staff", nullable=nullable)
        )
        root = {True: None, False: 0}[nullable]
        bosses = [(root if nullable else i + 1) if a < 0 else a + 1 for i, a in enumerate(above)]
        _, restored = round_trip(plan_of(staff), {"staff": {"id": range(1, 301), "boss": bosses}})
        new = restored.frames["staff"]
        place = {key: i for i, key in enumerate(new["id"])}
        parents = np.array([place[b] if pd.notna(b) else -1 for b in new["boss"]])
        roots = int(new["boss"].isna().sum() if nullable else (new["boss"] == new["id"]).sum())
        assert roots == 2
        assert sorted(depths(parents)) == sorted(depths(np.array(above)))
        own = parents[parents != np.arange(300)]
        assert sorted(Counter(own[own >= 0]).values()) == sorted(
            Counter(a for a in above if a >= 0).values()
        )


def test_depths_of_chains_and_cycles() -> None:
    chain = np.arange(-1, 49_999)
    assert list(depths(chain)) == list(range(50_000))
    assert list(depths(np.array([-1, 0, 2, 4, 3, 4]))) == [0, 1, 0, -1, -1, -1]


def test_an_implicit_entity_gives_its_members_one_key_and_what_it_determines() -> None:
    case = table(
        "case",
        60,
        "file step",
        (column("file", KEY), column("step", KEY), column("person", FOREIGN, nullable=True)),
        refer("person", "parent", treatment=CONTEXT, nullable=True),
        is_entity=True,
    )
    own = refer("file step", "case", "file step", CONTEXT, to_entity=True)
    person = replace(column("person", ColumnTreatment.DETERMINED), encoding=None)
    parts = (column("file", FOREIGN), column("step", FOREIGN))
    paid = table("paid", 100, "", (*parts, person, column("sum")), own, refer("person", "parent"))
    done = table("done", 120, "", (*parts, column("act")), own)
    files = {"file": [i % 60 // 2 for i in range(100)], "step": [i % 2 for i in range(100)]}
    prepared, restored = round_trip(
        plan_of(PARENT, case, paid, done),
        {
            "parent": PARENTS,
            "paid": {
                **files,
                "person": [1 + i % 60 // 2 for i in range(100)],
                "sum": [i % 60 % 7 for i in range(100)],
            },
            "done": {
                "file": [i % 60 // 2 for i in range(120)],
                "step": [i % 2 for i in range(120)],
                "act": [i % 60 % 7 for i in range(120)],
            },
        },
    )
    assert [t.name for t in prepared.tables] == ["parent", "case", "paid", "done"]
    assert len(prepared.frames["case"]) == 60
    assert [c.name for c in prepared.tables[2].columns] == ["sum"]
    assert set(restored.frames) == {"parent", "paid", "done"}
    paid_rows, done_rows = restored.frames["paid"], restored.frames["done"]
    assert not paid_rows["file"].isin(files["file"]).any()
    by_case = paid_rows.groupby(["file", "step"])
    assert by_case.ngroups == 60
    assert (by_case["person"].nunique() == 1).all()
    assert paid_rows["person"].isin(restored.frames["parent"]["id"]).all()
    sums = by_case["sum"].first()
    acts = done_rows.groupby(["file", "step"])["act"].first()
    pd.testing.assert_series_equal(sums, acts.reindex(sums.index), check_names=False)


def test_fixed_columns_are_not_learned_and_come_back() -> None:
    state = column("state", ColumnTreatment.CONSTANT, TEXT, value="open")
    gone = column("gone", ColumnTreatment.NULL, nullable=True)
    computed = column("double", ColumnTreatment.COMPUTED)
    thing = table("thing", 3, "id", (column("id", KEY), state, gone, computed))
    source = {"id": [1, 2, 3], "state": ["shut"] * 3, "gone": [7] * 3, "double": [2, 4, 6]}
    prepared, restored = round_trip(plan_of(thing), {"thing": source})
    assert prepared.tables[0].columns == ()
    new = restored.frames["thing"]
    assert list(new.columns) == ["id", "state", "gone"]
    assert list(new["state"]) == ["open"] * 3
    assert new["gone"].isna().all()


def test_each_rewrite_says_what_it_does() -> None:
    child = table(
        "child",
        1,
        "id",
        (column("id", KEY), column("parent_id", FOREIGN)),
        refer("parent_id", "parent", treatment=CONTEXT),
    )
    lines = [rewrite.describe() for rewrite in rewrites(plan_of(PARENT, child))]
    assert any("child(parent_id) -> parent as context" in line for line in lines)
    assert all(line and line.endswith(".") for line in lines)


def test_equal_seeds_give_equal_rows() -> None:
    plan = plan_of(PARENT)
    first, second = (round_trip(plan, {"parent": PARENTS})[1] for _ in range(2))
    pd.testing.assert_frame_equal(first.frames["parent"], second.frames["parent"])


def test_numbers_keep_the_decimals_of_the_source() -> None:
    real = SqlType("DOUBLE", TypeFamily.FLOAT)
    amounts = table("amounts", 40, "id", (column("id", KEY), column("price", kind=real)))
    plan = plan_of(amounts)
    source = {"amounts": {"id": range(1, 41), "price": [i + 0.25 for i in range(40)]}}
    frames = {"amounts": frame_of(amounts, source["amounts"])}
    prepared = prepare(plan, frames, 1)
    generated = generate(prepared, 2)
    generated["amounts"]["price"] = generated["amounts"]["price"] + 1 / 3
    restored = restore(plan, generated, prepared.kept, 3).frames["amounts"]
    assert (restored["price"] == restored["price"].round(2)).all()
    assert restored["price"].nunique() > 30


def test_what_only_an_optional_key_leads_back_to_comes_from_the_required_one(
    tmp_path: Path,
) -> None:
    """A country may have a capital, which is one of its cities: its code is its own."""
    database = tmp_path / "map.sqlite"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(
            "CREATE TABLE country (code TEXT NOT NULL PRIMARY KEY, capital TEXT, area INTEGER,"
            " FOREIGN KEY (capital, code) REFERENCES city (name, country));"
            "CREATE TABLE city (name TEXT NOT NULL, country TEXT NOT NULL REFERENCES country,"
            " people INTEGER, PRIMARY KEY (name, country))"
        )
        codes = [f"{a}{b}" for a in "ABCDEFG" for b in "HIJKLMN"]
        for place, code in enumerate(codes):
            cities = [f"C{place}x{i}" for i in range(place % 5 + 1)]
            connection.executemany(
                "INSERT INTO city VALUES (?, ?, ?)",
                [(name, code, place * 7 % 13) for name in cities],
            )
            connection.execute(
                "INSERT INTO country VALUES (?, ?, ?)", (code, cities[0], place * 5 % 11)
            )
        connection.commit()
    trip = there_and_back(*read(database))
    cities, countries = trip.plan.table(TableName("city")), trip.plan.table(TableName("country"))
    assert cities.column("country").treatment is FOREIGN
    assert countries.column("code").treatment is KEY
    assert trip.restored.repairs == ()
    assert violations(trip) == []


def test_a_text_that_is_no_date_makes_planned_dates_texts_again() -> None:
    day = replace(column("day", kind=TEXT, nullable=True), encoding=Encoding.DATETIME)
    visit = table("visit", 3, "id", (column("id", KEY), day))

    def learned(days: list[str | None]) -> Encoding:
        prepared, _ = round_trip(plan_of(visit), {"visit": {"id": [1, 2, 3], "day": days}})
        return prepared.tables[0].columns[0].encoding

    assert learned(["2026-01-31", None, "2025-12-01"]) is Encoding.DATETIME
    assert learned(["2026-01-31", "0000-00-00", "2025-12-01"]) is Encoding.CHARACTER
    assert learned([None, None, None]) is Encoding.DATETIME
