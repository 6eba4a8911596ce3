"""All privacy measures of a refresh, taken from frames and files; holds counts and shares only.

Pure; imports the single measures; called by the refresh, shown by the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from schemasynth.model.privacy import DifferentialPrivacy
from schemasynth.plan.model import RefreshPlan, Role, TablePlan
from schemasynth.verify.attacks import Attacks, attacks
from schemasynth.verify.privacy import (
    CarryOver,
    Copies,
    IdentifiersFound,
    copies,
    rare_carried_over,
)

if TYPE_CHECKING:
    from schemasynth.rows import Tables

NO_HOLDOUT, FEW, NOTHING = "no holdout, by the plan", "no holdout", "no column is learned"


@dataclass(frozen=True, slots=True)
class TablePrivacy:
    """How far the new rows of one table are from those that were learned.

    Attributes:
        table: its name.
        training: rows that were learned and compared.
        holdout: rows that were not learned.
        why: why nothing was measured; empty where it was.
        copies: identical and near rows.
        attacks: what an attacker learns.
        values: rare values carried over.
        pairs: rare pairs of values carried over.
    """

    table: str
    training: int = 0
    holdout: int = 0
    why: str = ""
    copies: Copies | None = None
    attacks: Attacks | None = None
    values: CarryOver | None = None
    pairs: CarryOver | None = None

    @property
    def suspicious(self) -> bool:
        """Whether rows that were learned are known from the new ones."""
        attacked = self.attacks
        found = [self.copies, *((attacked.linkability, attacked.inference) if attacked else ())]
        return any(one.suspicious for one in found if one is not None)


@dataclass(frozen=True, slots=True)
class PrivacyReport:
    """What was measured.

    Attributes:
        tables: those that were generated.
        identifiers: values of the source that lead to a person and stand in the new rows.
        looked_for: columns of such values; None where the source's rows were gone.
        differential: how models were trained with differential privacy; None without.
        spent: epsilon by table, of all its models, where it is known.
    """

    tables: tuple[TablePrivacy, ...] = ()
    identifiers: tuple[IdentifiersFound, ...] = ()
    looked_for: int | None = None
    differential: DifferentialPrivacy | None = None
    spent: tuple[tuple[str, float], ...] = ()

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> PrivacyReport:
        """Return what `dataclasses.asdict` made of a report."""
        from pydantic import TypeAdapter

        return TypeAdapter(cls).validate_python(content)


def measure_tables(
    plan: RefreshPlan, training: Tables, holdout: Tables, synthetic: Tables, seed: int
) -> tuple[TablePrivacy, ...]:
    """Hold new rows against those the generator saw and those it did not.

    Args:
        plan: what was decided.
        training: some rows that were learned, by table.
        holdout: rows that were held out, by table.
        synthetic: the new rows, by table.
        seed: chooses which rows are compared.
    """
    generated = (Role.SUBJECT, Role.LINKED)
    tables = [t for t in plan.tables if t.role in generated and not t.is_entity]
    return tuple(
        _measured(plan, table, training, holdout, synthetic, seed)
        for table in tables
        if str(table.name) in synthetic
    )


def _measured(
    plan: RefreshPlan,
    table: TablePlan,
    training: Tables,
    holdout: Tables,
    synthetic: Tables,
    seed: int,
) -> TablePrivacy:
    name = str(table.name)
    if not plan.privacy.holdout:
        return TablePrivacy(name, why=NO_HOLDOUT)
    if name not in holdout:
        return TablePrivacy(name, why=f"{FEW}, {table.rows:,} rows")
    sides = training[name], holdout[name], synthetic[name]
    counts = len(sides[0]), len(sides[1])
    near = copies(table, *sides, seed)
    if near is None:
        return TablePrivacy(name, *counts, why=NOTHING)
    values, pairs = rare_carried_over(table, *sides, seed) or (None, None)
    return TablePrivacy(name, *counts, "", near, attacks(table, *sides, seed), values, pairs)
