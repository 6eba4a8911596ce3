"""Planted composite foreign keys of all kinds, and decoys that look like them.

python tests/benchmarks/planted_composites.py FOLDER [--seed N]

Each shape is drawn several times with other names, languages, sizes and dirt.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from planted import Draft, Planted, write

SEED = 11
DRAWS = 2
"""Databases of each shape."""
DIRT = 0.02
"""Orphan share of the second draw of each shape."""


def tenant_orders(d: Draft) -> None:
    """A tenant column shared by several keys; order lines and shipments."""
    d.master("company", 4)
    d.under("customer", "company", {"company": "code"}, "customer_number", 40)
    d.under("product", "company", {"company": "code"}, "product_code", 25)
    d.under("order", "company", {"company": "code"}, "order_number", 90)
    d.references.pop()
    d.pick("order", "customer", {"company": "company", "customer_number": "customer_number"},
           "tenant")  # fmt: skip
    link = {"company": "company", "order_number": "order_number"}
    d.under("order_line", "order", link, "line_number", 3, "line")
    product = {"company": "company", "product_code": "product_code"}
    d.pick("order_line", "product", product, "tenant")
    d.master("shipment", 200, "shipment_number")
    line = {**link, "line_number": "line_number"}
    d.pick("shipment", "order_line", line, "line")


def yearly_documents(d: Draft) -> None:
    """Documents numbered anew each year, referred to by year and number."""
    years = np.arange(2019, 2019 + int(d.rng.integers(3, 6)))
    d.add("period", ["year"], year=years)
    d.under("invoice", "period", {"year": "year"}, "number", d.size(120))
    link = {"year": "year", "number": "number"}
    d.under("invoice_line", "invoice", link, "line", 2.5, "document")
    d.master("receipt", 300, "id")
    d.pick("receipt", "invoice", {"invoice_year": "year", "invoice_number": "number"}, "document")
    d.master("credit", 60, "id")
    line = {"invoice_year": "year", "invoice_number": "number", "invoice_line": "line"}
    d.pick("credit", "invoice_line", line, "document")


def nested_three(d: Draft) -> None:
    """Company, department, employee: each numbered within the one above."""
    d.master("company", 5)
    d.under("department", "company", {"company_code": "code"}, "department_number", 6)
    two = {"company_code": "company_code", "department_number": "department_number"}
    d.under("employee", "department", two, "employee_number", 12, "nested")
    three = {**two, "employee_number": "employee_number"}
    d.under("absence", "employee", three, "sequence", 3, "nested")
    d.master("project", 40, "project_id")
    role = {"manager_company": "company_code", "manager_department": "department_number",
            "manager_number": "employee_number"}  # fmt: skip
    d.pick("project", "employee", role, "renamed")


def bridge_of_composites(d: Draft) -> None:
    """A bridge between two parents that share a part of their keys."""
    d.master("school", 6)
    d.under("teacher", "school", {"school": "code"}, "teacher_number", 18)
    d.under("group", "school", {"school": "code"}, "group_number", 9)
    frame = d.add("session", [], id=np.arange(d.size(700)))
    schools = d.frames["school"]["code"].to_numpy()
    frame["school"] = d.rng.choice(schools, len(frame))
    d.frames["session"] = frame.drop(columns="id")
    d.pick("session", "teacher", {"school": "school", "teacher_number": "teacher_number"}, "bridge")
    d.pick("session", "group", {"school": "school", "group_number": "group_number"}, "bridge")
    d.keyed("session", "school", "teacher_number", "group_number")


def enrolments(d: Draft) -> None:
    """A bridge with one composite and one single parent, and results below it."""
    d.master("course", 30, "course_code")
    d.master("student", 250, "student_id")
    d.under("section", "course", {"course_code": "course_code"}, "term", 3)
    d.add("enrolment", [], row=np.arange(d.size(1200)))
    section = {"course_code": "course_code", "term": "term"}
    d.pick("enrolment", "student", {"student_id": "student_id"})
    d.pick("enrolment", "section", section, "bridge")
    d.frames["enrolment"] = d.frames["enrolment"].drop(columns="row")
    d.keyed("enrolment", "student_id", "course_code", "term")
    three = {"student_id": "student_id", **section}
    d.under("exam", "enrolment", three, "sequence", 1.4, "nested")


def chart_of_accounts(d: Draft) -> None:
    """A hierarchy within a company: a composite key that its own table refers to."""
    d.master("company", 4, "company_id")
    d.under("account", "company", {"company_id": "company_id"}, "account_code", 70)
    up = {"company_id": "company_id", "parent_account": "account_code"}
    d.pick("account", "account", up, "self", nulls=0.1, earlier=True)
    d.under("entry", "company", {"company_id": "company_id"}, "entry_number", 120)
    entry = {"company_id": "company_id", "entry_number": "entry_number"}
    d.under("entry_line", "entry", entry, "line_number", 2.8, "line")
    d.pick("entry_line", "account", {"company_id": "company_id", "account_code": "account_code"},
           "tenant")  # fmt: skip


def transfers(d: Draft) -> None:
    """Two composite references to one parent: from a bin, to a bin."""
    d.master("warehouse", 8)
    d.under("bin", "warehouse", {"warehouse": "code"}, "bin_number", 30)
    d.master("item", 150, "item_code")
    d.master("transfer", 900, "transfer_id")
    d.pick("transfer", "item", {"item_code": "item_code"})
    there = {"from_warehouse": "warehouse", "from_bin": "bin_number"}
    d.pick("transfer", "bin", there, "two to one")
    d.pick("transfer", "bin", {"to_warehouse": "warehouse", "to_bin": "bin_number"}, "two to one")
    d.under("stock", "bin", {"warehouse": "warehouse", "bin_number": "bin_number"}, "sequence", 1.6,
            "line")  # fmt: skip


def flights(d: Draft) -> None:
    """Origin and destination gates of trips; the first is known, the second mostly."""
    d.add("airport", ["airport_code"], airport_code=_letters(d, d.size(25)))
    d.under("gate", "airport", {"airport_code": "airport_code"}, "gate_number", 9)
    d.master("trip", 700, "trip_id")
    origin = {"origin_airport": "airport_code", "origin_gate": "gate_number"}
    d.pick("trip", "gate", origin, "two to one")
    arrival = {"destination_airport": "airport_code", "destination_gate": "gate_number"}
    d.pick("trip", "gate", arrival, "two to one", nulls=0.15)


def incidents(d: Draft) -> None:
    """A composite reference that may be NULL, and may be so in a part (MATCH SIMPLE)."""
    d.master("site", 12, "site_code")
    d.under("asset", "site", {"site_code": "site_code"}, "asset_number", 25)
    d.master("incident", 600, "incident_id")
    link = {"site_code": "site_code", "asset_number": "asset_number"}
    d.pick("incident", "asset", link, "nullable", nulls=float(d.rng.uniform(0.1, 0.5)), partly=0.3)
    d.under("action", "incident", {"incident_id": "incident_id"}, "sequence", 1.7)
    d.master("device", 200, "device_id")
    d.pick("device", "asset", {"asset_site": "site_code", "asset_number": "asset_number"},
           "nullable", nulls=0.3)  # fmt: skip


def dense_rooms(d: Draft) -> None:
    """A full grid of keys: shuffling the pairs of the child changes nothing."""
    d.master("building", 6, "building_code")
    rooms = [(b, r) for b in d.frames["building"]["building_code"] for r in range(1, 21)]
    d.add(
        "room", ["building_code", "room_number"], **_columns(rooms, "building_code", "room_number")
    )
    d.refer("room", {"building_code": "building_code"}, "building")
    d.master("booking", 800, "booking_id")
    link = {"building_code": "building_code", "room_number": "room_number"}
    d.pick("booking", "room", link, "dense")
    d.under("measure", "room", link, "sequence", 4, "dense")


def seats(d: Draft) -> None:
    """Seats of three dense parts, and the tickets sold for them."""
    d.master("hall", 3, "hall_id")
    halls = d.frames["hall"]["hall_id"]
    grid = [(h, r, s) for h in halls for r in range(1, 13) for s in range(1, 16)]
    key = ("hall_id", "row_number", "seat_number")
    d.add("seat", key, **_columns(grid, *key))
    d.refer("seat", {"hall_id": "hall_id"}, "hall")
    d.master("event", 50, "event_id")
    d.master("ticket", 2500, "ticket_id")
    d.pick("ticket", "event", {"event_id": "event_id"})
    three = {"hall_id": "hall_id", "row_number": "row_number", "seat_number": "seat_number"}
    d.pick("ticket", "seat", three, "dense")


def streets(d: Draft) -> None:
    """Province, municipality, street: each key begins with that of the one above."""
    provinces = d.size(8)
    codes = np.array([f"{i:02d}" for i in range(1, provinces + 1)], dtype=object)
    d.add("province", ["province_code"], province_code=codes)
    d.under("municipality", "province", {"province_code": "province_code"}, "municipality_code", 15)
    two = {"province_code": "province_code", "municipality_code": "municipality_code"}
    d.under("street", "municipality", two, "street_code", 5, "part is a reference")
    d.master("person", 1500, "id")
    three = {**two, "street_code": "street_code"}
    d.pick("person", "street", three, "part is a reference")
    d.master("office", 60, "office_code")
    d.pick("office", "municipality", two, "part is a reference")


def versions(d: Draft) -> None:
    """Contracts with versions; a version refers to the one before."""
    d.master("contract", 150, "contract_number")
    d.under("contract_version", "contract", {"contract_number": "contract_number"}, "version", 2.5)
    two = {"contract_number": "contract_number", "version": "version"}
    d.under("contract_clause", "contract_version", two, "clause_number", 2.2, "line")
    d.pick("contract_version", "contract_version",
           {"contract_number": "contract_number", "previous_version": "version"},
           "self", nulls=0.05, earlier=True)  # fmt: skip
    d.master("review", 250, "review_id")
    d.pick("review", "contract_version", two, "document")


def dated_prices(d: Draft) -> None:
    """Rates valid from a day: a date is part of the key."""
    d.master("product", 60, "product_code")
    d.under("price", "product", {"product_code": "product_code"}, "start_date", 5)
    frame = d.frames["price"]
    days = np.datetime64("2020-01-01") + 31 * frame["start_date"].to_numpy()
    frame["start_date"] = days.astype(str).astype(object)
    d.master("sale", 1500, "sale_id")
    d.pick("sale", "price", {"product_code": "product_code", "start_date": "start_date"}, "dated")


def text_keys(d: Draft) -> None:
    """Natural keys of text: country, region and city."""
    d.add("country", ["country"], country=_letters(d, d.size(12)))
    d.under("county", "country", {"country": "country"}, "county", 6)
    d.frames["county"]["county"] = "R" + d.frames["county"]["county"].astype(str).str.zfill(2)
    two = {"country": "country", "county": "county"}
    d.under("city", "county", two, "name", 4, "text")
    names = pd.Series(_letters(d, 20, 6)).str.capitalize()
    d.frames["city"]["name"] = d.frames["city"]["name"].to_numpy()
    d.frames["city"]["name"] = names.to_numpy()[d.frames["city"]["name"] % len(names)]
    d.keyed("city", "country", "county", "name")
    d.master("branch", 150, "branch_id")
    d.pick("branch", "city", {"country": "country", "county": "county", "city": "name"}, "text")
    d.master("campaign", 90, "campaign_id")
    d.pick("campaign", "county", two, "text")


def lots(d: Draft) -> None:
    """Lots of products and their stock: keys that grow by a part."""
    d.master("product", 70, "product_code")
    d.master("warehouse", 6, "warehouse_code")
    d.under("lot", "product", {"product_code": "product_code"}, "lot_number", 4)
    two = {"product_code": "product_code", "lot_number": "lot_number"}
    d.add("stock", [], row=np.arange(d.size(500)))
    d.pick("stock", "warehouse", {"warehouse_code": "warehouse_code"})
    d.pick("stock", "lot", two, "line")
    d.frames["stock"] = d.frames["stock"].drop(columns="row")
    d.keyed("stock", "warehouse_code", "product_code", "lot_number")
    d.master("movement", 1800, "movement_id")
    d.pick("movement", "stock", {"warehouse_code": "warehouse_code", **two}, "three parts")
    d.master("check", 200, "check_id")
    d.pick("check", "lot", two, "line")


def health_records(d: Draft) -> None:
    """Records numbered by each centre, their episodes and tests."""
    d.master("centre", 5, "centre_code")
    d.under("patient", "centre", {"centre_code": "centre_code"}, "record_number", 80)
    two = {"centre_code": "centre_code", "record_number": "record_number"}
    d.under("episode", "patient", two, "episode_number", 2.2, "nested")
    d.under("test", "episode", {**two, "episode_number": "episode_number"}, "test_number", 1.8,
            "nested")  # fmt: skip
    d.master("appointment", 500, "appointment_id")
    d.pick("appointment", "patient", two, "tenant")


def case_files(d: Draft) -> None:
    """Files numbered within a procedure, with text numbers, and what happened to them."""
    procedures = np.array([f"P{i:02d}" for i in range(1, 6)], dtype=object)
    d.add("procedure", ["code"], code=procedures)
    d.under("file", "procedure", {"procedure": "code"}, "file_number", d.size(120))
    frame = d.frames["file"]
    frame["file_number"] = "2021/" + frame["file_number"].astype(str).str.zfill(5)
    d.keys["file"] = ("procedure", "file_number")
    link = {"procedure": "procedure", "file_number": "file_number"}
    d.under("action", "file", link, "sequence", 2.2, "document")
    d.master("payment", 900, "payment_id")
    d.pick("payment", "file", {"file_number": "file_number", "procedure": "procedure"}, "document")
    d.master("resolution", 200, "resolution_id")
    d.pick("resolution", "file", {"origin_file": "file_number", "origin_procedure": "procedure"},
           "renamed", nulls=0.2)  # fmt: skip


def subtypes(d: Draft) -> None:
    """Extensions that share the whole composite key of their parent, in part of its rows."""
    d.master("plant", 6, "plant_code")
    d.under("machine", "plant", {"plant_code": "plant_code"}, "machine_number", 35)
    link = {"plant_code": "plant_code", "machine_number": "machine_number"}
    for extension, share in (("vehicle", 0.35), ("meter", 0.5)):
        rows = d.frames["machine"].sample(frac=share, random_state=int(d.rng.integers(1 << 30)))
        d.add(extension, [*link], **{c: rows.sort_index()[c].to_numpy() for c in link})
        d.refer(extension, link, "machine", "extension")
    d.under("reading", "meter", link, "sequence", 6, "line")


def planned_work(d: Draft) -> None:
    """Phases and tasks of projects; a task may follow another of its project."""
    d.master("project", 40, "project_code")
    d.under("phase", "project", {"project_code": "project_code"}, "phase_number", 4)
    d.under("task", "project", {"project_code": "project_code"}, "task_number", 14)
    d.references.pop()
    d.pick("task", "phase", {"project_code": "project_code", "phase_number": "phase_number"},
           "tenant")  # fmt: skip
    before = {"project_code": "project_code", "previous_task": "task_number"}
    d.pick("task", "task", before, "self", nulls=0.3, earlier=True)
    d.master("worker", 60, "worker_id")
    d.master("time_entry", 1500, "entry_id")
    d.pick("time_entry", "task", {"project_code": "project_code", "task_number": "task_number"},
           "line")  # fmt: skip
    d.pick("time_entry", "worker", {"worker_id": "worker_id"})


def policies(d: Draft) -> None:
    """Policies of a branch in a series, claims on them, with keys of three parts."""
    d.master("branch", 7, "branch_code")
    d.under("policy", "branch", {"branch_code": "branch_code"}, "policy_number", 45)
    frame = d.frames["policy"]
    frame["series"] = d.rng.choice(["A", "B", "C"], len(frame)).astype(object)
    d.keys["policy"] = ("branch_code", "series", "policy_number")
    # Each series counts by itself.
    frame["policy_number"] = frame.groupby(["branch_code", "series"]).cumcount() + 1
    three = {"branch_code": "branch_code", "series": "series", "policy_number": "policy_number"}
    d.under("claim", "policy", three, "claim_number", 1.3, "three parts")
    d.under("receipt", "policy", three, "receipt_number", 4, "three parts")
    d.master("extension", 120, "extension_id")
    d.pick("extension", "policy", {f"policy_{n}".replace("policy_policy", "policy"): n
                                   for n in three}, "three parts")  # fmt: skip


def separate_dimensions(d: Draft) -> None:
    """Decoy: a bridge lists some pairs, facts hold the same columns paired at random."""
    d.master("supplier", 30, "supplier_id")
    d.master("product", 60, "product_id")
    pairs = d.add("offer", [], row=np.arange(int(30 * 60 * d.rng.uniform(0.15, 0.45))))
    pairs["supplier_id"] = d.rng.choice(d.frames["supplier"]["supplier_id"].to_numpy(), len(pairs))
    pairs["product_id"] = d.rng.choice(d.frames["product"]["product_id"].to_numpy(), len(pairs))
    d.frames["offer"] = pairs.drop(columns="row")
    d.keyed("offer", "supplier_id", "product_id")
    d.master("return", 900, "return_id")
    for table in ("offer", "return"):
        d.pick(table, "supplier", {"supplier_id": "supplier_id"})
        d.pick(table, "product", {"product_id": "product_id"})


def calendar_of_figures(d: Draft) -> None:
    """Decoy: tables keyed by year and month, of which none refers to another."""
    d.master("station", 9, "station_code")
    months = [(y, m) for y in range(2018, 2023) for m in range(1, 13)]
    d.add("period", ["year", "month"], **_columns(months, "year", "month"))
    d.master("reading", 900, "reading_id")
    d.pick("reading", "station", {"station_code": "station_code"})
    d.frames["reading"]["level"] = d.rng.integers(1, 13, len(d.frames["reading"]))
    d.frames["reading"]["points"] = d.rng.integers(2018, 2023, len(d.frames["reading"]))
    d.master("visit", 400, "visit_id")
    d.pick("visit", "period", {"year": "year", "month": "month"}, "dense")


def measures_beside_lines(d: Draft) -> None:
    """Decoy: quantities and positions lie among line numbers, pair for pair."""
    d.master("request", 200, "request_number")
    link = {"request_number": "request_number"}
    d.under("request_line", "request", link, "line_number", 4)
    d.master("delivery", 700, "delivery_id")
    rows = len(d.frames["delivery"])
    d.frames["delivery"]["quantity"] = d.rng.integers(1, 5, rows)
    d.frames["delivery"]["points"] = d.rng.integers(1, 190, rows)
    d.pick("delivery", "request_line", {**link, "line_number": "line_number"}, "line")
    d.master("score", 300, "score_id")
    d.frames["score"]["level"] = d.rng.integers(1, 6, len(d.frames["score"]))
    d.pick("score", "request", link)


def _columns(rows: list[tuple[object, ...]], *names: str) -> dict[str, np.ndarray]:
    frame = pd.DataFrame(rows, columns=[*names])
    return {name: frame[name].to_numpy() for name in names}


def _letters(d: Draft, rows: int, length: int = 3) -> np.ndarray:
    """Return distinct codes of capital letters."""
    codes: set[str] = set()
    while len(codes) < rows:
        codes.add("".join(d.rng.choice(list("ABCDEFGHIKLMNOPRSTUV"), length)))
    return np.array(sorted(codes), dtype=object)


SHAPES: tuple[Callable[[Draft], None], ...] = (
    tenant_orders, yearly_documents, nested_three, bridge_of_composites, enrolments,
    chart_of_accounts, transfers, flights, incidents, dense_rooms, seats, streets, versions,
    dated_prices, text_keys, lots, health_records, case_files, subtypes, planned_work, policies,
    separate_dimensions, calendar_of_figures, measures_beside_lines,
)  # fmt: skip


def databases(seed: int = SEED) -> Iterator[Planted]:
    """Draw every shape several times, the last time with dirt."""
    for number, shape in enumerate(SHAPES):
        for draw in range(DRAWS):
            dirt = DIRT if draw else 0.0
            draft = Draft(f"{shape.__name__}_{draw}", (seed, number, draw), dirt=dirt)
            shape(draft)
            yield draft.finished()


def main() -> int:
    """Write all databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    composite = 0
    for planted in databases(arguments.seed):
        write(planted, arguments.folder)
        composite += sum(len(r.columns) > 1 for r in planted.references)
    print(f"{len(SHAPES) * DRAWS} databases with {composite} composite foreign keys")
    return 0


if __name__ == "__main__":
    sys.exit(main())
