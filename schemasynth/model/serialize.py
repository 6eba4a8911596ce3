"""The JSON form of a schema: stable key order, versioned, every field comes back equal.

Belongs to the relational model: imports nothing else of the package, may be imported by all of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn, TypeAlias, TypeVar

from schemasynth.errors import SettingsError
from schemasynth.model.fingerprint import fingerprint
from schemasynth.model.keyid import entity_ids, foreign_key_id, primary_key_id
from schemasynth.model.rules import Rule, RuleKind
from schemasynth.model.schema import (
    Check,
    Column,
    Computed,
    ConstraintState,
    EntityMember,
    Evidence,
    ForeignKey,
    Identity,
    ImplicitEntity,
    Index,
    Origin,
    PrimaryKey,
    Question,
    Schema,
    Sequence,
    Table,
    TableName,
    UniqueKey,
)
from schemasynth.model.types import SqlType, TypeFamily

VERSION = 1
"""Version of the JSON form; grows when a reader of the old form would misread the new one."""

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def dumps(schema: Schema) -> str:
    """Return the schema as JSON text, indented, ending without a newline.

    Args:
        schema: any schema.
    """
    return json.dumps(to_dict(schema), indent=2, ensure_ascii=False, allow_nan=False)


def loads(text: str) -> Schema:
    """Read a schema from JSON text.

    Args:
        text: what `dumps` returned, perhaps edited.

    Raises:
        SettingsError: the text is not JSON, or not a schema of a known version.
    """
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"The model is not JSON: {error.msg} in line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError:
        raise SettingsError("The model is nested too deeply.") from None
    except ValueError:
        raise SettingsError("The model holds a number with too many digits.") from None
    return from_dict(value)


def to_dict(schema: Schema) -> Json:
    """Return the schema as plain values, in the order in which they are written.

    Args:
        schema: any schema; figures of its evidence that are not finite become None.
    """
    return {
        "schemasynth": VERSION,
        "dialect": schema.dialect,
        "name": schema.name,
        "fingerprint": fingerprint(schema),
        "tables": [_table(table) for table in schema.tables],
        "sequences": [_sequence(sequence) for sequence in schema.sequences],
        "implicit_entities": [_entity(entity) for entity in schema.implicit_entities],
        "questions": [_question(question) for question in schema.questions],
        "rules": [_rule(rule) for rule in schema.rules],
    }


def from_dict(value: Any) -> Schema:
    """Build a schema from plain values.

    The fingerprint and the ids of keys are not read: they are computed wherever they are needed.

    Args:
        value: what `to_dict` returned, perhaps edited; what may be empty may be left out.

    Raises:
        SettingsError: something is missing, unknown or of the wrong kind; names its path.
    """
    node = _Node(value, "")
    _check_version(node)
    schema = Schema(
        dialect=node.text("dialect"),
        name=node.text("name"),
        tables=node.each("tables", _read_table),
        sequences=node.each("sequences", _read_sequence),
        implicit_entities=node.each("implicit_entities", _read_entity),
        questions=node.each("questions", _read_question),
        rules=node.each("rules", _read_rule),
    )
    node.only("schemasynth", "fingerprint")
    _refuse_repeated([table.name for table in schema.tables], node.path_of("tables"), "table")
    return schema


def _table(table: Table) -> Json:
    primary_key = table.primary_key
    return {
        "schema": table.name.schema,
        "name": table.name.name,
        "row_count": table.row_count,
        "comment": table.comment,
        "columns": [_column(column) for column in table.columns],
        "primary_key": primary_key
        and {"id": str(primary_key_id(table.name, primary_key)), **_key(primary_key)},
        "unique_keys": [_key(key) for key in table.unique_keys],
        "checks": [
            {"name": check.name, "sql": check.sql, "state": _state(check.state)}
            for check in table.checks
        ],
        "indexes": [
            {
                "name": index.name,
                "columns": list(index.columns),
                "unique": index.unique,
                "where": index.where,
            }
            for index in table.indexes
        ],
        "foreign_keys": [
            {"id": str(foreign_key_id(table.name, key)), **_foreign_key(key)}
            for key in table.foreign_keys
        ],
    }


def _column(column: Column) -> Json:
    identity, computed = column.identity, column.computed
    return {
        "name": column.name,
        "type": column.type.sql,
        "nullable": column.nullable,
        "family": column.type.family.value,
        "length": column.type.length,
        "precision": column.type.precision,
        "scale": column.type.scale,
        "timezone": column.type.timezone,
        "values": list(column.type.values),
        "default": column.default,
        "identity": identity
        and {
            "always": identity.always,
            "start": identity.start,
            "increment": identity.increment,
            "sequence": identity.sequence,
        },
        "computed": computed and {"sql": computed.sql, "stored": computed.stored},
        "comment": column.comment,
    }


def _key(key: PrimaryKey | UniqueKey) -> Json:
    return {"name": key.name, "columns": list(key.columns), **_standing(key)}


def _foreign_key(key: ForeignKey) -> Json:
    return {
        "name": key.name,
        "columns": list(key.columns),
        "referred_schema": key.referred.schema,
        "referred_table": key.referred.name,
        "referred_columns": list(key.referred_columns),
        "on_delete": key.on_delete,
        "on_update": key.on_update,
        **_standing(key),
    }


def _standing(key: PrimaryKey | UniqueKey | ForeignKey) -> Json:
    return {
        "origin": key.origin.value,
        "confidence": key.confidence,
        "evidence": _evidence(key.evidence),
        "state": _state(key.state),
    }


def _state(state: ConstraintState) -> Json:
    return {
        "enforced": state.enforced,
        "validated": state.validated,
        "deferrable": state.deferrable,
        "initially_deferred": state.initially_deferred,
    }


def _evidence(evidence: Evidence) -> Json:
    return {
        name: None if isinstance(figure, float) and not math.isfinite(figure) else figure
        for name, figure in evidence.items()
    }


def _sequence(sequence: Sequence) -> Json:
    return {
        "schema": sequence.schema,
        "name": sequence.name,
        "start": sequence.start,
        "increment": sequence.increment,
        "owner": sequence.owner
        and {
            "schema": sequence.owner[0].schema,
            "table": sequence.owner[0].name,
            "column": sequence.owner[1],
        },
    }


def _entity(entity: ImplicitEntity) -> Json:
    return {
        "id": str(entity_ids(entity)[0]) if entity.members else None,
        "name": entity.name,
        "columns": list(entity.columns),
        "members": [
            {
                "schema": member.table.schema,
                "table": member.table.name,
                "columns": list(member.columns),
                "determined": list(member.determined),
            }
            for member in entity.members
        ],
        "origin": entity.origin.value,
        "confidence": entity.confidence,
        "evidence": _evidence(entity.evidence),
    }


def _question(question: Question) -> Json:
    return {
        "id": question.id,
        "text": question.text,
        "if_accepted": question.if_accepted,
        "if_rejected": question.if_rejected,
        "confidence": question.confidence,
    }


def _rule(rule: Rule) -> Json:
    return {
        "id": str(rule.id),
        "kind": rule.kind.value,
        "schema": rule.table.schema,
        "table": rule.table.name,
        "columns": list(rule.columns),
        "referred_schema": rule.referred and rule.referred.schema,
        "referred_table": rule.referred and rule.referred.name,
        "referred_columns": list(rule.referred_columns),
        "foreign_key": list(rule.link),
        "how": rule.how,
        "rows": rule.rows,
        "exceptions": rule.exceptions,
        "origin": rule.origin.value,
    }


@dataclass(slots=True)
class _Node:
    """A JSON object with its path; remembers what was read, so that `only` finds the rest."""

    value: Mapping[str, Any]
    path: str
    seen: set[str]

    def __init__(self, value: Any, path: str) -> None:
        if not isinstance(value, Mapping):
            _refuse(path, f"expected an object, found {_kind(value)}")
        self.value, self.path, self.seen = value, path, set()

    def path_of(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str, kind: type[T], what: str, default: T | None = None) -> T:
        value = self.optional(key, kind, what)
        if value is not None:
            return value
        if default is None:
            _refuse(self.path_of(key), f"{what} is missing")
        return default

    def optional(self, key: str, kind: type[T], what: str) -> T | None:
        self.seen.add(key)
        value = self.value.get(key)
        if value is None:
            return None
        is_bool_for_number = isinstance(value, bool) and kind is not bool
        if is_bool_for_number or not isinstance(value, kind):
            _refuse(self.path_of(key), f"expected {what}, found {_kind(value)}")
        return value

    def text(self, key: str) -> str:
        return self.take(key, str, "a text")

    def optional_text(self, key: str) -> str | None:
        return self.optional(key, str, "a text")

    def integer(self, key: str) -> int | None:
        return self.optional(key, int, "an integer")

    def boolean(self, key: str, default: bool) -> bool:
        return self.take(key, bool, "true or false", default)

    def share(self, key: str) -> float:
        self.seen.add(key)
        value = self.value.get(key, 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            _refuse(self.path_of(key), f"expected a number from 0 to 1, found {value!r}")
        return float(value)

    def member(self, key: str, kind: type[E], default: E | None = None) -> E:
        text = str(self.take(key, str, "a text", default))
        try:
            return kind(text)
        except ValueError:
            known = ", ".join(member.value for member in kind)
            _refuse(self.path_of(key), f"{text!r} is none of {known}")

    def items(self, key: str) -> Iterator[tuple[Any, str]]:
        values: list[Any] = self.take(key, list, "a list", [])
        for i, value in enumerate(values):
            yield value, f"{self.path_of(key)}[{i}]"

    def each(self, key: str, read: Callable[[_Node], T]) -> tuple[T, ...]:
        return tuple(_read_all(_Node(value, path), read) for value, path in self.items(key))

    def child(self, key: str, read: Callable[[_Node], T]) -> T | None:
        self.seen.add(key)
        value = self.value.get(key)
        return None if value is None else _read_all(_Node(value, self.path_of(key)), read)

    def texts(self, key: str, required: bool = False) -> tuple[str, ...]:
        values = tuple(_text(value, path) for value, path in self.items(key))
        if required and not values:
            _refuse(self.path_of(key), "at least one name is needed")
        return values

    def evidence(self, key: str) -> Evidence:
        figures: Mapping[str, Any] = self.take(key, dict, "an object", {})
        for name, figure in figures.items():
            if not isinstance(figure, bool | int | float | str | None):
                path = f"{self.path_of(key)}.{name}"
                _refuse(path, f"expected a figure or a text, found {_kind(figure)}")
        return dict(figures)

    def pass_over(self, key: str) -> None:
        self.seen.add(key)

    def only(self, *further: str) -> None:
        for key in self.value:
            if key not in self.seen and key not in further:
                known = ", ".join(sorted(self.seen))
                _refuse(self.path_of(key), f"unknown key; known here: {known}")


def _read_all(node: _Node, read: Callable[[_Node], T]) -> T:
    result = read(node)
    node.only()
    return result


def _check_version(node: _Node) -> None:
    version = node.value.get("schemasynth")
    if version is None:
        _refuse("schemasynth", "the version is missing, so this is not a model of schemasynth")
    if version != VERSION or isinstance(version, bool):
        _refuse("schemasynth", f"version {version!r} is not known; this release reads {VERSION}")


def _read_table(node: _Node) -> Table:
    columns = node.each("columns", _read_column)
    names = [column.name for column in columns]
    _refuse_repeated(names, node.path_of("columns"), "column")
    table = Table(
        name=TableName(node.text("name"), node.optional_text("schema")),
        columns=columns,
        primary_key=node.child("primary_key", _read_primary_key),
        unique_keys=node.each("unique_keys", _read_unique_key),
        foreign_keys=node.each("foreign_keys", _read_foreign_key),
        checks=node.each("checks", _read_check),
        indexes=node.each("indexes", _read_index),
        comment=node.optional_text("comment"),
        row_count=node.integer("row_count"),
    )
    _check_key_columns(table, node)
    return table


def _check_key_columns(table: Table, node: _Node) -> None:
    keys: list[tuple[str, tuple[str, ...]]] = []
    if table.primary_key:
        keys.append(("primary_key", table.primary_key.columns))
    keys += [(f"unique_keys[{i}]", key.columns) for i, key in enumerate(table.unique_keys)]
    keys += [(f"foreign_keys[{i}]", key.columns) for i, key in enumerate(table.foreign_keys)]
    known = set(table.column_names)
    for key, columns in keys:
        for i, column in enumerate(columns):
            if column not in known:
                path = node.path_of(f"{key}.columns[{i}]")
                _refuse(path, f"table {table.name} has no column {column!r}")


def _read_column(node: _Node) -> Column:
    return Column(
        name=node.text("name"),
        type=SqlType(
            sql=node.text("type"),
            family=node.member("family", TypeFamily),
            length=node.integer("length"),
            precision=node.integer("precision"),
            scale=node.integer("scale"),
            timezone=node.boolean("timezone", False),
            values=node.texts("values"),
        ),
        nullable=node.boolean("nullable", True),
        default=node.optional_text("default"),
        identity=node.child("identity", _read_identity),
        computed=node.child("computed", _read_computed),
        comment=node.optional_text("comment"),
    )


def _read_identity(node: _Node) -> Identity:
    return Identity(
        always=node.boolean("always", False),
        start=node.integer("start"),
        increment=node.integer("increment"),
        sequence=node.optional_text("sequence"),
    )


def _read_computed(node: _Node) -> Computed:
    return Computed(node.text("sql"), node.optional("stored", bool, "true or false"))


def _read_primary_key(node: _Node) -> PrimaryKey:
    node.pass_over("id")
    return PrimaryKey(
        columns=node.texts("columns", required=True),
        name=node.optional_text("name"),
        state=_read_state(node),
        origin=node.member("origin", Origin, Origin.DECLARED),
        confidence=node.share("confidence"),
        evidence=node.evidence("evidence"),
    )


def _read_unique_key(node: _Node) -> UniqueKey:
    return UniqueKey(
        columns=node.texts("columns", required=True),
        name=node.optional_text("name"),
        state=_read_state(node),
        origin=node.member("origin", Origin, Origin.DECLARED),
        confidence=node.share("confidence"),
        evidence=node.evidence("evidence"),
    )


def _read_foreign_key(node: _Node) -> ForeignKey:
    node.pass_over("id")
    columns = node.texts("columns", required=True)
    referred_columns = node.texts("referred_columns", required=True)
    if len(columns) != len(referred_columns):
        _refuse(
            node.path_of("referred_columns"),
            f"expected as many names as in columns: {len(columns)}, not {len(referred_columns)}",
        )
    return ForeignKey(
        columns=columns,
        referred=TableName(node.text("referred_table"), node.optional_text("referred_schema")),
        referred_columns=referred_columns,
        name=node.optional_text("name"),
        on_delete=node.optional_text("on_delete"),
        on_update=node.optional_text("on_update"),
        state=_read_state(node),
        origin=node.member("origin", Origin, Origin.DECLARED),
        confidence=node.share("confidence"),
        evidence=node.evidence("evidence"),
    )


def _read_state(node: _Node) -> ConstraintState:
    return node.child("state", _state_of) or ConstraintState()


def _state_of(node: _Node) -> ConstraintState:
    return ConstraintState(
        enforced=node.boolean("enforced", True),
        validated=node.boolean("validated", True),
        deferrable=node.boolean("deferrable", False),
        initially_deferred=node.boolean("initially_deferred", False),
    )


def _read_check(node: _Node) -> Check:
    return Check(node.text("sql"), node.optional_text("name"), _read_state(node))


def _read_index(node: _Node) -> Index:
    return Index(
        name=node.optional_text("name"),
        columns=tuple(
            None if value is None else _text(value, path) for value, path in node.items("columns")
        ),
        unique=node.boolean("unique", False),
        where=node.optional_text("where"),
    )


def _read_sequence(node: _Node) -> Sequence:
    return Sequence(
        name=node.text("name"),
        schema=node.optional_text("schema"),
        start=node.integer("start"),
        increment=node.integer("increment"),
        owner=node.child("owner", _read_owner),
    )


def _read_owner(node: _Node) -> tuple[TableName, str]:
    return TableName(node.text("table"), node.optional_text("schema")), node.text("column")


def _read_entity(node: _Node) -> ImplicitEntity:
    node.pass_over("id")
    return ImplicitEntity(
        name=node.text("name"),
        columns=node.texts("columns", required=True),
        members=node.each("members", _read_member),
        origin=node.member("origin", Origin, Origin.INFERRED),
        confidence=node.share("confidence"),
        evidence=node.evidence("evidence"),
    )


def _read_member(node: _Node) -> EntityMember:
    return EntityMember(
        table=TableName(node.text("table"), node.optional_text("schema")),
        columns=node.texts("columns", required=True),
        determined=node.texts("determined"),
    )


def _read_rule(node: _Node) -> Rule:
    node.pass_over("id")
    referred = node.optional_text("referred_table")
    referred_schema = node.optional_text("referred_schema")
    return Rule(
        kind=node.member("kind", RuleKind),
        table=TableName(node.text("table"), node.optional_text("schema")),
        columns=node.texts("columns", required=True),
        referred=None if referred is None else TableName(referred, referred_schema),
        referred_columns=node.texts("referred_columns"),
        link=node.texts("foreign_key"),
        how=node.optional_text("how") or "",
        rows=node.integer("rows") or 0,
        exceptions=node.integer("exceptions") or 0,
        origin=node.member("origin", Origin, Origin.INFERRED),
    )


def _read_question(node: _Node) -> Question:
    return Question(
        id=node.text("id"),
        text=node.text("text"),
        if_accepted=node.text("if_accepted"),
        if_rejected=node.text("if_rejected"),
        confidence=node.share("confidence"),
    )


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        _refuse(path, f"expected a text, found {_kind(value)}")
    return value


def _refuse_repeated(names: list[TableName] | list[str], path: str, what: str) -> None:
    repeated = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if repeated is not None:
        _refuse(path, f"{what} {str(repeated)!r} stands twice")


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f"the text {value[:40]!r}"
        case list():
            return "a list"
        case Mapping():
            return "an object"
        case _:
            return type(value).__name__


def _refuse(path: str, why: str) -> NoReturn:
    raise SettingsError(f"Model, at {path or 'the top'}: {why}.")
