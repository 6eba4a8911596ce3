"""How people and files name a key or rule: ``pk:orders(id)``, ``order:orders(placed,shipped)``.

Belongs to the relational model: imports nothing else of the package, may be imported by all of it.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Hashable
from dataclasses import dataclass

from schemasynth.errors import SettingsError
from schemasynth.model.schema import ForeignKey, ImplicitEntity, PrimaryKey, TableName


class Kind(enum.StrEnum):
    """What an id names, by its prefix."""

    PRIMARY = "pk"
    FOREIGN = "fk"
    ENTITY = "entity"
    REFERENCE = "reference"
    CONTEXT = "context"
    EQUAL = "equal"
    ORDER = "order"
    STRICT_ORDER = "strict_order"
    DETERMINED = "determined"
    CONDITIONAL = "conditional"
    CONSTANT = "constant"
    PRESENCE = "presence"
    TOGETHER = "together"
    IMPLIES = "implies"
    EXCLUSIVE = "exclusive"
    EITHER = "either"
    SUM = "sum"
    NET = "net"
    PRODUCT = "product"
    DISCOUNTED = "discounted"
    RATIO = "ratio"
    FACTOR = "factor"
    ELAPSED = "elapsed"
    DATE_PART = "date_part"
    JOINED = "joined"
    CASED = "cased"
    RUNNING = "running"
    DISJOINT = "disjoint"
    AFTER_PARENT = "after_parent"
    BEFORE_PARENT = "before_parent"
    CHILD_SUM = "child_sum"
    CHILD_COUNT = "child_count"

    @property
    def is_rule(self) -> bool:
        """Whether it is one of `RuleKind`."""
        return self not in (Kind.PRIMARY, Kind.ENTITY, Kind.REFERENCE) and not self.is_foreign

    @property
    def is_foreign(self) -> bool:
        """Whether it names a foreign key: as such, or as the way to the context parent."""
        return self in (Kind.FOREIGN, Kind.CONTEXT)


@dataclass(frozen=True, slots=True)
class KeyId:
    """The name of a key; one without columns, or without a target, stands for all that fit.

    Attributes:
        kind: what is named.
        table: that holds it; for an implicit entity one of its members.
        columns: of the key.
        referred: the referenced table of a foreign key.
        referred_columns: as many as `columns`.
    """

    kind: Kind
    table: TableName
    columns: tuple[str, ...] = ()
    referred: TableName | None = None
    referred_columns: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether it names one key, not all keys of a table or of columns."""
        if self.kind is Kind.REFERENCE:
            return True
        return bool(self.columns) and (not self.kind.is_foreign or self.referred is not None)

    @property
    def identity(self) -> Hashable:
        """What two ids of the same key agree in: the order of columns says nothing."""
        if self.kind.is_rule:
            return self.kind, self.table, self.columns, self.referred, self.referred_columns
        pairs = self.referred_columns or self.columns
        columns = frozenset(zip(self.columns, pairs, strict=True))
        return self.kind, self.table, columns, self.referred

    def covers(self, other: KeyId) -> bool:
        """Tell whether this id names `other`, perhaps among more."""
        if self.whole:
            return self.identity == other.identity
        same = (self.kind, self.table) == (other.kind, other.table)
        return same and set(self.columns) in (set(), set(other.columns))

    @property
    def place(self) -> str:
        """Table and columns, for people."""
        return f"{self.table}({', '.join(self.columns)})"

    @property
    def aim(self) -> str:
        """What it says of its place, for people: the referenced key, or the columns."""
        if self.referred is None:
            return f"({', '.join(self.columns)})"
        return f"{self.referred}({', '.join(self.referred_columns)})"

    def __str__(self) -> str:
        """Return the id as it is printed and read; quote it in a shell."""
        here = f"{self.kind}:{_place(self.table, self.columns)}"
        if self.referred is None:
            return here
        return f"{here}->{_place(self.referred, self.referred_columns)}"


def primary_key_id(table: TableName, key: PrimaryKey) -> KeyId:
    """Return the id of a table's primary key."""
    return KeyId(Kind.PRIMARY, table, key.columns)


def foreign_key_id(table: TableName, key: ForeignKey) -> KeyId:
    """Return the id of a foreign key of a table."""
    return KeyId(Kind.FOREIGN, table, key.columns, key.referred, key.referred_columns)


def entity_ids(entity: ImplicitEntity) -> tuple[KeyId, ...]:
    """Return the ids of an implicit entity, one a member; the first is printed."""
    return tuple(KeyId(Kind.ENTITY, member.table, member.columns) for member in entity.members)


_BARE = r'[^\s"().,](?:[^"().,]*[^\s"().,])?'
_NAME = rf'(?:"(?:[^"\\]|\\.)*"|{_BARE})'
_TABLE = rf"(?:(?P<{{0}}_schema>{_NAME})\.)?(?P<{{0}}_table>{_NAME})"
_COLUMNS = rf"\((?P<{{0}}_columns>\s*{_NAME}\s*(?:,\s*{_NAME}\s*)*)\)"
_HERE, _THERE = ((_TABLE.format(end), _COLUMNS.format(end)) for end in ("here", "there"))
_ID = re.compile(
    rf"(?P<kind>{'|'.join(Kind)}):\s*{_HERE[0]}"
    rf"(?:\s*{_HERE[1]}(?:\s*->\s*{_THERE[0]}\s*{_THERE[1]})?)?",
    re.DOTALL,
)
_FORMS = (
    "pk:TABLE(COLUMN,…), fk:TABLE(COLUMN,…)->TABLE(COLUMN,…), entity:TABLE(COLUMN,…), "
    "reference:TABLE, context:TABLE(COLUMN,…)->TABLE(COLUMN,…), or a rule such as "
    "order:TABLE(COLUMN,COLUMN)"
)


def read_key_id(text: str) -> KeyId:
    """Read an id.

    Args:
        text: what `str` of an id gives; spaces between its parts do not matter.

    Raises:
        SettingsError: it is no id.
    """
    match = _ID.fullmatch(text.strip())
    if match is None:
        raise SettingsError(
            f"{text!r} is no id of a key. Expected {_FORMS}; a name with one of "
            '" ( ) . , in it stands in double quotes.'
        )
    referred = None
    if match["there_table"] is not None:
        referred = _table_name(match["there_schema"], match["there_table"])
    return checked(
        KeyId(
            Kind(match["kind"]),
            _table_name(match["here_schema"], match["here_table"]),
            _columns(match["here_columns"]),
            referred,
            _columns(match["there_columns"]),
        )
    )


def checked(key: KeyId) -> KeyId:
    """Return an id if its parts fit each other.

    Raises:
        SettingsError: they do not.
    """
    sides = (key.columns, key.referred_columns)
    is_pair = len(key.columns) == len(key.referred_columns)
    if key.referred is not None and (
        not key.kind.is_rule and (not key.kind.is_foreign or not is_pair)
    ):
        raise SettingsError(f"{key} is no id of a key: its two sides do not fit. Use {_FORMS}.")
    if key.kind is Kind.REFERENCE and key.columns:
        raise SettingsError(f"{key}: a reference table is named without columns.")
    if any(len(set(names)) < len(names) for names in sides):
        raise SettingsError(f"{key} is no id of a key: it names a column twice.")
    return key


def _place(table: TableName, columns: tuple[str, ...]) -> str:
    parts = (table.name,) if table.schema is None else (table.schema, table.name)
    listed = f"({','.join(map(_written, columns))})" if columns else ""
    return ".".join(map(_written, parts)) + listed


def _written(name: str) -> str:
    """Return a name as it is, or as a JSON string where it would be misread."""
    if name.isprintable() and re.fullmatch(_BARE, name):
        return name
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _read_name(text: str) -> str:
    if not text.startswith('"'):
        return text
    try:
        return str(json.loads(text))
    except json.JSONDecodeError:
        raise SettingsError(f"{text} is no name: write it as a JSON string.") from None


def _columns(text: str | None) -> tuple[str, ...]:
    return tuple(_read_name(name) for name in re.findall(_NAME, text or "", re.DOTALL))


def _table_name(schema: str | None, table: str) -> TableName:
    return TableName(_read_name(table), None if schema is None else _read_name(schema))
