"""What two schemas must agree in: a fingerprint of the declared structure, and its differences.

Belongs to the relational model: imports nothing else of the package, may be imported by all of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from schemasynth.model.schema import ForeignKey, Origin, PrimaryKey, Schema, Table, UniqueKey

K = TypeVar("K", PrimaryKey, UniqueKey, ForeignKey)
T = TypeVar("T")
QualifiedName: TypeAlias = tuple[str | None, str]
Names: TypeAlias = tuple[str, ...]
Reference: TypeAlias = tuple[str | None, str, tuple[tuple[str, str], ...]]
"""Referenced schema and table, and the pairs (column, referenced column), sorted."""


@dataclass(frozen=True, slots=True)
class _Structure:
    """A table's declared structure, free of any order."""

    columns: dict[str, tuple[str, bool]]
    primary_key: Names | None
    unique_keys: tuple[Names, ...]
    foreign_keys: tuple[Reference, ...]


def fingerprint(schema: Schema) -> str:
    """Return a digest of the schema's declared structure.

    Covers tables, columns, types, nullability and declared keys. Row counts, comments, names of
    constraints, inferred keys and every order are left out.

    Args:
        schema: any schema.

    Returns:
        SHA-256, 64 hexadecimal digits.
    """
    tables = [
        [
            *name,
            sorted([column, *facts] for column, facts in structure.columns.items()),
            structure.primary_key,
            structure.unique_keys,
            structure.foreign_keys,
        ]
        for name, structure in sorted(_structures(schema).items(), key=_by_name)
    ]
    return hashlib.sha256(json.dumps(tables).encode()).hexdigest()


def differences(expected: Schema, found: Schema) -> tuple[str, ...]:
    """Say in what two schemas' declared structures differ.

    Args:
        expected: the schema that a plan or model was made for.
        found: the schema as it is now.

    Returns:
        One readable line per difference; empty exactly if the fingerprints are equal.
    """
    before, after = _structures(expected), _structures(found)
    lines: list[str] = []
    for name, _ in sorted({**before, **after}.items(), key=_by_name):
        title = _dotted(name)
        if name not in after:
            lines.append(f"Table {title} is missing.")
        elif name not in before:
            lines.append(f"Table {title} is new.")
        else:
            lines += _table_differences(title, before[name], after[name])
    return tuple(lines)


def _by_name(item: tuple[QualifiedName, _Structure]) -> tuple[bool, str, str]:
    (schema, name), _ = item
    return schema is not None, schema or "", name


def _dotted(name: QualifiedName) -> str:
    return f"{name[0]}.{name[1]}" if name[0] else name[1]


def _structures(schema: Schema) -> dict[QualifiedName, _Structure]:
    return {(table.name.schema, table.name.name): _structure(table) for table in schema.tables}


def _structure(table: Table) -> _Structure:
    primary = [tuple(sorted(key.columns)) for key in _declared((table.primary_key,))]
    unique = {tuple(sorted(key.columns)) for key in _declared(table.unique_keys)}
    foreign = {_reference(key) for key in _declared(table.foreign_keys)}
    return _Structure(
        columns={column.name: (column.type.sql, column.nullable) for column in table.columns},
        primary_key=primary[0] if primary else None,
        unique_keys=tuple(sorted(unique)),
        foreign_keys=tuple(sorted(foreign, key=repr)),
    )


def _declared(keys: Iterable[K | None]) -> Iterator[K]:
    return (key for key in keys if key is not None and key.origin is Origin.DECLARED)


def _reference(key: ForeignKey) -> Reference:
    pairs = sorted(zip(key.columns, key.referred_columns, strict=True))
    return key.referred.schema, key.referred.name, tuple(pairs)


def _table_differences(title: str, before: _Structure, after: _Structure) -> Iterator[str]:
    yield from _column_differences(title, before.columns, after.columns)
    if before.primary_key != after.primary_key:
        expected, found = _key_text(before.primary_key), _key_text(after.primary_key)
        yield f"Primary key of {title}: expected {expected}, found {found}."
    yield from _missing(f"Unique key of {title}", before.unique_keys, after.unique_keys, _key_text)
    yield from _missing(
        f"Foreign key of {title}", before.foreign_keys, after.foreign_keys, _reference_text
    )


def _column_differences(
    title: str, before: Mapping[str, tuple[str, bool]], after: Mapping[str, tuple[str, bool]]
) -> Iterator[str]:
    for name in (*before, *(name for name in after if name not in before)):
        if name not in after:
            yield f"Column {title}.{name} is missing."
        elif name not in before:
            yield f"Column {title}.{name} is new ({_column_text(after[name])})."
        elif before[name] != after[name]:
            expected, found = _column_text(before[name]), _column_text(after[name])
            yield f"Column {title}.{name}: expected {expected}, found {found}."


def _missing(
    what: str, before: tuple[T, ...], after: tuple[T, ...], text: Callable[[T], str]
) -> Iterator[str]:
    yield from (f"{what} is missing: {text(key)}." for key in before if key not in after)
    yield from (f"{what} is new: {text(key)}." for key in after if key not in before)


def _column_text(facts: tuple[str, bool]) -> str:
    sql, nullable = facts
    return sql if nullable else f"{sql} NOT NULL"


def _key_text(columns: Names | None) -> str:
    return f"({', '.join(columns)})" if columns else "none"


def _reference_text(reference: Reference) -> str:
    schema, name, pairs = reference
    columns = ", ".join(column for column, _ in pairs)
    referred = ", ".join(column for _, column in pairs)
    return f"({columns}) → {_dotted((schema, name))} ({referred})"
