"""Values between Oracle and Arrow keep what they are."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import oracledb
import pyarrow as pa
import pytest

from schemasynth.model import Column, Identity, arrow_type
from schemasynth_adapters._sql.wire import ColumnMisfit
from schemasynth_adapters.oracle.errors import reason
from schemasynth_adapters.oracle.types import sql_type
from schemasynth_adapters.oracle.values import Misread, bound, bound_type, parsed


def column(name: str, **facts: Any) -> Column:
    given = {"size": 22, "characters": None, "unit": None, "precision": None, "scale": None}
    identity = facts.pop("identity", None)
    nullable = facts.pop("nullable", True)
    kind = sql_type(name, facts.pop("owner", None), **{**given, **facts})
    return Column("C", kind, nullable=nullable, identity=identity)


NUMBER = column("NUMBER")
INTEGER = column("NUMBER", precision=9, scale=0)
PRICE = column("NUMBER", precision=8, scale=2)
CHAR = column("CHAR", characters=3, unit="B")
TEXT = column("VARCHAR2", characters=3, unit="C", nullable=False)


@pytest.mark.parametrize(
    ("of", "given", "expected"),
    [
        (INTEGER, [Decimal(7), None, Decimal(2**53 + 1)], [7, None, 2**53 + 1]),
        (PRICE, [Decimal("0.10"), None], [Decimal("0.10"), None]),
        (NUMBER, [Decimal("1E+3"), Decimal("0.5")], [Decimal(1000), Decimal("0.5")]),
        (column("FLOAT", precision=126), [Decimal("0.5")], [0.5]),
        (column("BINARY_DOUBLE"), [0.5, None], [0.5, None]),
        (CHAR, ["ab ", "   ", None], ["ab", "", None]),
        (column("BLOB"), [b"\0", None], [b"\0", None]),
        (
            column("TIMESTAMP(6)"),
            [dt.datetime(2024, 2, 29, 1, 2, 3, 4)],  # noqa: DTZ001
            [dt.datetime(2024, 2, 29, 1, 2, 3, 4)],  # noqa: DTZ001
        ),
        (
            column("TIMESTAMP(6) WITH TIME ZONE"),
            [dt.datetime(2024, 2, 29)],  # noqa: DTZ001
            [dt.datetime(2024, 2, 29, tzinfo=dt.UTC)],
        ),
        (column("INTERVAL DAY(2) TO SECOND(6)"), [dt.timedelta(1)], [dt.timedelta(1)]),
    ],
)
def test_fetched_values_become_arrow(of: Column, given: list[Any], expected: list[Any]) -> None:
    padded = of is CHAR
    array = parsed(given, arrow_type(of.type), padded=padded)
    assert array.type == arrow_type(of.type)
    assert array.to_pylist() == expected


def test_numbers_that_do_not_fit_travel_as_plain_text() -> None:
    array = parsed([Decimal("1E+30"), Decimal("-0.00000000001")], pa.string(), padded=False)
    assert array.to_pylist() == ["1" + "0" * 30, "-0.00000000001"]


def test_values_of_another_kind_are_misread() -> None:
    with pytest.raises((Misread, pa.ArrowException)):
        parsed([object()], pa.timestamp("us"), padded=False)


@pytest.mark.parametrize(
    ("of", "given", "expected"),
    [
        (INTEGER, pa.array([1.0, None]), [1, None]),
        (INTEGER, pa.array([True, False]), [1, 0]),
        (INTEGER, pa.array(["12", None]), [Decimal(12), None]),
        (PRICE, pa.array([Decimal("1.50")]), [Decimal("1.50")]),
        (CHAR, pa.array(["", "ab", None]), [" ", "ab", None]),
        (CHAR, pa.array(["x", "x"]).dictionary_encode(), ["x", "x"]),
        (column("BOOLEAN"), pa.array([True, None]), [True, None]),
        (column("RAW", size=4), pa.array([b"x", None]), [b"x", None]),
        (column("DATE"), pa.array([dt.date(2024, 2, 29)]), [dt.datetime(2024, 2, 29)]),  # noqa: DTZ001
        (
            column("TIMESTAMP(6) WITH TIME ZONE"),
            pa.array([dt.datetime(2024, 1, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2)))]),
            [dt.datetime(2024, 1, 1)],  # noqa: DTZ001
        ),
        (NUMBER, pa.nulls(2), [None, None]),
    ],
)
def test_arrow_values_become_bound_ones(of: Column, given: Any, expected: list[Any]) -> None:
    assert bound(given, of) == expected


@pytest.mark.parametrize("value", [None, ""])
def test_an_empty_text_is_a_missing_one(value: str | None) -> None:
    with pytest.raises(ColumnMisfit, match="empty text"):
        bound(pa.array(["a", value]), TEXT)


def test_a_counter_takes_no_value_for_one() -> None:
    counting = column("NUMBER", precision=9, scale=0, nullable=False, identity=Identity())
    assert bound(pa.nulls(1), counting) == [None]


def test_values_that_are_no_numbers_are_not_repeated() -> None:
    with pytest.raises(ColumnMisfit) as caught:
        bound(pa.array(["secret"]), INTEGER)
    assert "secret" not in str(caught.value)


def test_numbers_are_bound_exactly() -> None:
    assert bound_type(PRICE, oracledb) is Decimal
    assert bound_type(column("CLOB"), oracledb) is oracledb.DB_TYPE_CLOB


class Failure(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(type("Info", (), {"code": code, "message": message})())


@pytest.mark.parametrize(
    ("code", "message", "said"),
    [
        (1, "ORA-00001: unique constraint (HR.PK) violated, row (ID:42)", "constraint HR.PK"),
        (12899, 'ORA-12899: value too large for column "A"."B"."C" (actual: 9)', "column C"),
        (1722, "ORA-01722: unable to convert string value 'secret' to a number", "no number"),
        (3301, "ORA-03301: (ORA-00001 details) row with column values (ID:42)", "refused"),
        (0, "DPY-4000: secret", "DPY-4000"),
        (3113, "ORA-03113: end-of-file", "connection was lost"),
        (942, "ORA-00942: table or view does not exist\nHelp: https", "ORA-00942: table or view"),
    ],
)
def test_errors_name_objects_and_no_values(code: int, message: str, said: str) -> None:
    found = reason(Failure(code, message))
    assert said in found
    assert "42" not in found.replace("00942", "")
    assert "secret" not in found
    assert "https" not in found
