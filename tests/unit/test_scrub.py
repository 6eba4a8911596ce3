"""Learned texts in which identifiers of the source stand come back without them."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
from there_and_back import there_and_back

from schemasynth.lexicon import names
from schemasynth.model import Column, PrimaryKey, Schema, SqlType, Table, TableName, TypeFamily
from schemasynth.plan.model import ColumnTreatment
from schemasynth.verify.privacy import identifiers_found

TEXT = SqlType("TEXT", TypeFamily.TEXT)
ROWS = 200


def source() -> tuple[Schema, dict[str, pd.DataFrame]]:
    """Return owners, and firms of which one in twenty is called after its owner."""
    own = names("en")
    people = [f"{own.men[i]} {own.surnames[i]}" for i in range(ROWS)]
    firms = [f"{people[i]} and Sons" if i % 20 == 0 else f"Firm {i} Ltd" for i in range(ROWS)]
    rows = pd.DataFrame(
        {
            "id": pd.array(range(ROWS), pd.ArrowDtype(pa.int64())),
            "contact_name": pd.array(people, pd.ArrowDtype(pa.string())),
            "firm": pd.array(firms, pd.ArrowDtype(pa.string())),
        }
    )
    columns = (
        Column("id", SqlType("INTEGER", TypeFamily.INTEGER), False),
        Column("contact_name", TEXT),
        Column("firm", TEXT, False),
    )
    table = Table(TableName("firms"), columns, PrimaryKey(("id",)), row_count=ROWS)
    return Schema("sqlite", "x", (table,)), {"firms": rows}


def test_a_firm_called_after_its_owner_gets_another_name() -> None:
    trip = there_and_back(*source())
    assert trip.plan.table(TableName("firms")).column("firm").treatment is ColumnTreatment.LEARN
    made = trip.restored.frames["firms"]["firm"]
    assert made.str.fullmatch(r"Firm \d+ Ltd").all()
    assert identifiers_found(trip.plan, trip.frames, trip.restored.frames) == ()
    assert sum(r.rows for r in trip.restored.repairs if "identifier" in r.what) == ROWS // 20


def test_what_holds_no_identifier_is_left_alone() -> None:
    schema, frames = source()
    plain = frames["firms"].assign(
        firm=pd.array([f"Firm {i} Ltd" for i in range(ROWS)], pd.ArrowDtype(pa.string()))
    )
    trip = there_and_back(schema, {"firms": plain})
    assert sorted(trip.restored.frames["firms"]["firm"]) == sorted(plain["firm"])
    assert not trip.restored.repairs
