"""What each kind of database can hold, as a table: the limits that decide how a schema is carried.

Imports the adapter port; used by the draft of a new schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from schemasynth.adapter import Capabilities

_ACTIONS = frozenset({"CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT"})


@dataclass(frozen=True, slots=True)
class Holds:
    """What a kind of database can hold; what its adapter declares is in `Capabilities`.

    Attributes:
        kind: databases of one kind read each other's SQL.
        alters: a foreign key can be added to a table that is there.
        forward: a table can refer to one that is made later.
        index_names: within what names of indexes and unique keys must differ.
        folds: names of columns that differ only in case are one name.
        folds_tables: names of tables, too.
        names_in_characters: the limit of a name counts characters, not bytes.
        enums: how members of an enumerated type are held.
        counters: which columns can count by themselves.
        partial_indexes: an index can be over some rows only.
        actions: what a foreign key can do when its parent changes.
        unbounded_keys: texts without a length can stand in keys and indexes.
        precision: most digits of a decimal; None where it has no limit.
        scale: most of them behind the point.
        any_decimal: a decimal can be without a precision.
        varchar: longest text that is declared with a length; None where it has no limit.
        key_bytes: of one entry of an index; None where it has no limit that matters.
        row_bytes: of all columns of a row that are held within it.
        character_bytes: that a character counts for in keys and rows.
        length: the function that counts the characters of a text.
        precise_time: the current time must be asked for with its microseconds.
    """

    kind: str
    alters: bool = True
    forward: bool = True
    index_names: Literal["schema", "table"] = "schema"
    folds: bool = False
    folds_tables: bool = False
    names_in_characters: bool = False
    enums: Literal["type", "column", "check"] = "check"
    counters: Literal["any", "key", "rowid", "none"] = "none"
    partial_indexes: bool = False
    actions: frozenset[str] = frozenset()
    unbounded_keys: bool = True
    precision: int | None = 38
    scale: int = 38
    any_decimal: bool = False
    varchar: int | None = None
    key_bytes: int | None = None
    row_bytes: int | None = None
    character_bytes: int = 4
    length: str = "length"
    precise_time: bool = False


POSTGRESQL = Holds(
    kind="postgresql",
    enums="type",
    counters="any",
    partial_indexes=True,
    actions=_ACTIONS,
    precision=1000,
    scale=1000,
    any_decimal=True,
    varchar=10_485_760,
    length="char_length",
)
MYSQL = Holds(
    kind="mysql",
    index_names="table",
    folds=True,
    names_in_characters=True,
    enums="column",
    counters="key",
    actions=_ACTIONS - {"SET DEFAULT"},  # which InnoDB refuses
    unbounded_keys=False,
    precision=65,
    scale=30,
    varchar=16_383,  # 65,535 bytes of a row in characters of utf8mb4
    key_bytes=3072,  # InnoDB, row format DYNAMIC
    row_bytes=65_535,
    length="char_length",
    precise_time=True,
)
SQLITE = Holds(
    kind="sqlite",
    alters=False,
    folds=True,
    folds_tables=True,
    counters="rowid",
    partial_indexes=True,
    actions=_ACTIONS,
    precision=None,
    any_decimal=True,
)
STANDARD = Holds(kind="standard")
"""What a database of an unknown kind is taken to hold: the common part of all of them."""
DUCKDB = Holds(kind="duckdb", alters=False, forward=False, folds=True, folds_tables=True)

_BY_DIALECT: Mapping[str, Holds] = {
    "postgresql": POSTGRESQL,
    "mysql": MYSQL,
    "mariadb": MYSQL,
    "sqlite": SQLITE,
    "duckdb": DUCKDB,
}


def holds(dialect: str) -> Holds:
    """Return what databases of a dialect can hold.

    Args:
        dialect: SQLAlchemy's name of it.
    """
    return _BY_DIALECT.get(dialect, STANDARD)


def kind_of(dialect: str) -> str:
    """Return the kind that a dialect is of; its own where it is none of the known ones."""
    known = _BY_DIALECT.get(dialect)
    return known.kind if known else dialect


@dataclass(frozen=True, slots=True)
class Home:
    """The database that a schema is drafted for.

    Attributes:
        holds: what its kind can hold.
        capabilities: what its adapter declares.
        dialect: SQLAlchemy's name of it.
        small_names: the server stores names of tables in small letters.
        collation: by which texts compare as bytes; None where they do anyway.
    """

    holds: Holds
    capabilities: Capabilities
    dialect: str
    small_names: bool = False
    collation: str | None = None
