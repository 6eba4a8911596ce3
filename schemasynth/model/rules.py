"""Business rules: what rows keep to beyond keys, as frozen values; named like keys.

Belongs to the relational model: imports nothing else of the package, may be imported by all of it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from schemasynth.model.keyid import KeyId, Kind
from schemasynth.model.schema import Origin, TableName


class RuleKind(enum.StrEnum):
    """What a rule says of its columns, in their order."""

    EQUAL = "equal"
    """(a, b): b is a."""
    ORDER = "order"
    """(a, b): a is at most b."""
    STRICT_ORDER = "strict_order"
    """(a, b): a is below b."""
    DETERMINED = "determined"
    """(a, b): rows alike in a are alike in b."""
    CONDITIONAL = "conditional"
    """(a, b): some values of a go with one value of b only."""
    CONSTANT = "constant"
    """(a): one value in all rows."""
    PRESENCE = "presence"
    """(a, b): values of a decide whether b is NULL."""
    TOGETHER = "together"
    """(a, b): both are NULL or none is."""
    IMPLIES = "implies"
    """(a, b): where a is set, b is."""
    EXCLUSIVE = "exclusive"
    """(a, b): never are both set."""
    EITHER = "either"
    """(a, b): at least one is set."""
    SUM = "sum"
    """(a, …, total): the total of all others."""
    NET = "net"
    """(a, b, c, total): a plus b without c."""
    PRODUCT = "product"
    """(a, b, total): a by b."""
    DISCOUNTED = "discounted"
    """(a, b, c, total): a by b, less the share or percentage c."""
    RATIO = "ratio"
    """(a, b, result): a divided by b."""
    FACTOR = "factor"
    """(a, b): b is a by a constant, which `how` names."""
    ELAPSED = "elapsed"
    """(start, end, number): units of time between, which `how` names."""
    DATE_PART = "date_part"
    """(time, part): the part that `how` names."""
    JOINED = "joined"
    """(a, b, text): a and b with `how` between them."""
    CASED = "cased"
    """(a, b): b is a in small letters or capitals, as `how` says."""
    RUNNING = "running"
    """(group, order, amount, balance): the balance grows by the amount from row to row."""
    DISJOINT = "disjoint"
    """(group, start, end): periods of a group do not overlap."""
    AFTER_PARENT = "after_parent"
    """(a) -> (b): a is not before b of the referenced row."""
    BEFORE_PARENT = "before_parent"
    """(a) -> (b): a is not after b of the referenced row."""
    CHILD_SUM = "child_sum"
    """(a, …) -> (total): the sum over all rows that refer to one, of a, or of what `how` says."""
    CHILD_COUNT = "child_count"
    """(reference) -> (number): how many rows refer to one."""


OF_LINKS = frozenset(
    {
        RuleKind.AFTER_PARENT,
        RuleKind.BEFORE_PARENT,
        RuleKind.CHILD_SUM,
        RuleKind.CHILD_COUNT,
    }
)
"""Rules between rows and the row that they refer to."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What rows keep to, with what speaks for it.

    Attributes:
        kind: what is said.
        table: of the rows.
        columns: in the order of the kind.
        referred: the referenced table, for rules along a foreign key.
        referred_columns: of it.
        link: the columns of that foreign key.
        how: what kind and columns leave open; never a value of a row.
        rows: on which it could fail.
        exceptions: rows on which it does.
        origin: `override` where a person accepted it.
    """

    kind: RuleKind
    table: TableName
    columns: tuple[str, ...]
    referred: TableName | None = None
    referred_columns: tuple[str, ...] = ()
    link: tuple[str, ...] = ()
    how: str = ""
    rows: int = 0
    exceptions: int = 0
    origin: Origin = Origin.INFERRED

    @property
    def id(self) -> KeyId:
        """The name by which a person accepts or rejects it."""
        return KeyId(
            Kind(self.kind), self.table, self.columns, self.referred, self.referred_columns
        )

    @property
    def share(self) -> float:
        """Exceptions by rows, 0 to 1."""
        return self.exceptions / self.rows if self.rows else 0.0
