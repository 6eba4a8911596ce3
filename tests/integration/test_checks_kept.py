"""CHECKs of a real database hold on rows of a generator that has learned no pattern at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pyarrow as pa
import pytest
import sqlalchemy as sa

from schemasynth import api
from schemasynth.arrays import array, frame, generator
from schemasynth.plan.model import RefreshPlan
from schemasynth.rewrite import Prepared
from schemasynth.rewrite.prepared import Frames
from schemasynth.testing.standin import generate

TABLES = """
CREATE TABLE visit (
  id integer PRIMARY KEY,
  reference varchar(12) NOT NULL CHECK (reference ~ '^V-[0-9]+$'),
  starts date NOT NULL,
  ends timestamp NOT NULL,
  state varchar(5) NOT NULL CHECK (state IN ('open', 'done', 'void')),
  closed date,
  amount numeric(10, 2) NOT NULL CONSTRAINT "amount % range" CHECK (amount BETWEEN 0 AND 5000),
  units smallint NOT NULL,
  CONSTRAINT ordered CHECK (ends >= starts),
  CONSTRAINT closing CHECK ((state = 'done') = (closed IS NOT NULL)),
  CONSTRAINT void_is_free CHECK (state <> 'void' OR amount = 0),
  CONSTRAINT halves CHECK (units / 2 * 2 <= amount OR state = 'void')
);
"""
ROWS = """
INSERT INTO visit SELECT n, 'V-' || n % 90, date '2020-01-01' + n % 700,
  timestamp '2020-01-03 10:00:00' + (n % 700) * interval '1 day',
  (ARRAY['open', 'done', 'void'])[1 + n % 3],
  CASE WHEN n % 3 = 1 THEN date '2023-01-01' + n % 30 END,
  CASE WHEN n % 3 = 2 THEN 0 ELSE 40 + n % 4000 END, n % 40
FROM generate_series(1, 600) n
"""


@pytest.fixture
def careless(stand_in: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each column is drawn by itself: nothing between columns is learned."""
    module = import_module("schemasynth.refresh")
    trained: list[Prepared] = []
    train = module.train

    def noted(tables: tuple[object, ...], frames: Frames, *rest: object) -> object:
        result = train(tables, frames, *rest)
        trained.append(result.prepared)
        return result

    def drawn(*_: object) -> Frames:
        made = {}
        for table in trained[0].tables:
            rows = generate(trained[0], 1)[table.name]
            columns = {str(c): array(rows, str(c)) for c in rows.columns}
            for column in table.columns:
                order = generator(5, table.name, column.name).permutation(len(rows))
                columns[column.name] = columns[column.name].take(pa.array(order))
            made[table.name] = frame(columns, len(rows))
        return made

    monkeypatch.setattr(module, "train", noted)
    monkeypatch.setattr(module, "generate", drawn)


def without_rules(plan: RefreshPlan) -> RefreshPlan:
    return replace(plan, rules=())


def test_postgresql(postgresql_database_factory: Callable[[], str], careless: None) -> None:
    live, pre = postgresql_database_factory(), postgresql_database_factory()
    for url, statements in ((live, (TABLES, ROWS)), (pre, (TABLES,))):
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.replace("%", "%%"))
        engine.dispose()
    api.init_target(pre)
    plan = without_rules(api.plan(live))
    (table,) = plan.tables
    assert len(table.checks) == 7
    assert {check.engine for check in table.checks} == {"duckdb"}, table.checks
    report = api.refresh(live, pre, plan=plan)
    assert report.outcome.startswith("Refreshed")
    assert report.integrity is not None
    checked = [r for r in report.integrity.results if r.kind == "check"]
    assert len(checked) == 7
    assert sum(result.violations for result in checked) == 0
    (changed,) = (r.rows for r in report.repairs if r.what == "changed so that CHECKs hold")
    assert changed > 100
