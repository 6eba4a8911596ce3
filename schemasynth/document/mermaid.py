"""A schema as a Mermaid entity-relationship diagram.

Imports the model and wording only. Grammar: mermaid.js.org/syntax/entityRelationshipDiagram.html.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping

from schemasynth.document import wording
from schemasynth.model import Column, ForeignKey, ImplicitEntity, Origin, Schema, Table, TableName

_NOT_A_WORD = re.compile(r"[^A-Za-z0-9_]+")
_KEY_MARKS = frozenset({"PK", "FK", "UK"})
"""Mermaid reads these as marks of keys, in any case, wherever they stand in a box."""
_FULL_WIDTH = 0xFEE0
"""From an ASCII character to its full-width form, in Unicode's block FF01 to FF5E."""
_LOOKALIKES = {ord(sign): ord(sign) + _FULL_WIDTH for sign in '"`%\\<>#'}
"""What ends a label or starts a comment, markup or an entity, shown in its full-width form."""


def mermaid(schema: Schema) -> str:
    """Return an ``erDiagram``; inferred keys are dashed, implicit entities have their own box.

    Args:
        schema: declared or inferred.
    """
    return "\n".join(["erDiagram", *_lines(schema)]) + "\n"


def _lines(schema: Schema) -> Iterator[str]:
    ids = {table.name: f"t{i}" for i, table in enumerate(schema)}
    for table in schema:
        yield from _box(ids[table.name], table)
    for table in schema:
        for key in table.foreign_keys:
            if key.referred in ids:
                yield _edge(ids, table, key)
    for i, entity in enumerate(schema.implicit_entities):
        yield from _entity(f"e{i}", entity, ids)


def _box(name: str, table: Table) -> Iterator[str]:
    yield f"    {name}[{_label(str(table.name))}] {{"
    for column in table.columns:
        yield f"        {_attribute(table, column)}"
    yield "    }"


def _label(text: str) -> str:
    """Return text in quotes; Mermaid knows no escapes, so lookalikes stand for what it reads."""
    printable = "".join(sign if sign.isprintable() else " " for sign in text)
    return '"' + (" ".join(printable.split()).translate(_LOOKALIKES) or "(blank)") + '"'


def _word(text: str) -> str:
    """Return a name that Mermaid takes for a type or an attribute."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    word = _NOT_A_WORD.sub("_", plain).strip("_") or "_"
    return word if word[0].isalpha() and word.upper() not in _KEY_MARKS else f"c_{word}"


def _attribute(table: Table, column: Column) -> str:
    keys = []
    if table.primary_key and column.name in table.primary_key.columns:
        keys.append("PK")
    if any(column.name in key.columns for key in table.foreign_keys):
        keys.append("FK")
    if any(column.name in key.columns for key in table.unique_keys):
        keys.append("UK")
    name = _word(column.name)
    parts = [_word(column.type.sql or "untyped"), name, ", ".join(keys)]
    if name != column.name:
        parts.append(_label(column.name))
    return " ".join(part for part in parts if part)


def _edge(ids: Mapping[TableName, str], table: Table, key: ForeignKey) -> str:
    nullable = any(table.column(name).nullable for name in key.columns)
    single = any(set(own) <= set(key.columns) for own in table.candidate_keys)
    line = "--" if key.origin is Origin.DECLARED else ".."
    left, right = "|o" if nullable else "||", "o|" if single else "o{"
    label = _label(wording.columns(key.columns))
    return f"    {ids[key.referred]} {left}{line}{right} {ids[table.name]} : {label}"


def _entity(name: str, entity: ImplicitEntity, ids: Mapping[TableName, str]) -> Iterator[str]:
    yield f"    {name}[{_label(f'implicit: {entity.name}')}] {{"
    for column in entity.columns:
        word = _word(column)
        yield f"        key {word} PK" + (f" {_label(column)}" if word != column else "")
    yield "    }"
    for member in entity.members:
        if member.table in ids:
            label = _label(wording.columns(member.columns))
            yield f"    {name} ||..o{{ {ids[member.table]} : {label}"
