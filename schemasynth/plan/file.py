"""The plan as a commented TOML file, meant to be edited and committed.

Imports the plan's values; pydantic only here, where a file comes from outside.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import asdict, fields
from enum import Enum
from typing import Any, TypeAlias

import tomlkit
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from tomlkit.exceptions import TOMLKitError

from schemasynth.conditions import CheckEngine, Condition
from schemasynth.errors import PlanError, SettingsError
from schemasynth.model import Origin, Question, SqlType, TableName, TypeFamily
from schemasynth.model.keyid import read_key_id
from schemasynth.model.languagemodel import DEFAULT_LANGUAGE_MODEL
from schemasynth.model.rules import Rule, RuleKind
from schemasynth.model.sensitivity import SensitiveKind, Sensitivity
from schemasynth.plan.budget import budget
from schemasynth.plan.check import Problem, problems
from schemasynth.plan.model import (
    ColumnPlan,
    ColumnTreatment,
    Encoding,
    ForeignKeyPlan,
    ForeignKeyTreatment,
    KeyFormat,
    KeyPart,
    Provider,
    RefreshPlan,
    Role,
    TablePlan,
)
from schemasynth.settings_file import LanguageModelEntry, PrivacyEntry

VERSION = 1
_OPTIONAL_TEXTS = frozenset({"reason", "runner_up"})
"""Left out where they are empty; names, types and constants may be the empty text."""
_HEADER = """\
What a refresh does to each table, foreign key and column. Edit and commit it, then run
`schemasynth refresh SOURCE TARGET --plan THIS_FILE`. An edit that cannot work is refused.

role       subject: generated on its own | linked: generated in the context of a parent
           reference: copied | skip: left as it is in the target
treatment  of a foreign key: context | matched | category | restored
           of a column: learn | key | foreign_key | determined | computed | constant | null
           | provider: made-up people | template: sentences of frequent words
           | language_model: texts of the SDK's language model, trained on masked texts
rule       what restored rows are made to keep; delete one to switch it off
check      a CHECK, kept by the engine named; target: only the target can evaluate it
holdout    subjects that are not learned, so that new rows are held against them; 0: none
"""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Type(_Strict):
    sql: str
    family: TypeFamily
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    timezone: bool = False
    values: tuple[str, ...] = ()


class _Sensitivity(_Strict):
    kind: SensitiveKind
    confidence: float
    reason: str


class _Provider(_Strict):
    kind: SensitiveKind
    language: str = "en"
    person: str = ""
    sex: str | None = None
    women: float = 0.5
    link: tuple[str, ...] = ()
    source: str | None = None


class _Column(_Strict):
    name: str
    treatment: ColumnTreatment
    type: _Type
    nullable: bool = True
    encoding: Encoding | None = None
    key_format: dict[str, Any] | None = None
    value: str | None = None
    sensitivity: _Sensitivity | None = None
    provider: _Provider | None = None
    reason: str = ""


class _ForeignKey(_Strict):
    columns: tuple[str, ...]
    references: str
    references_schema: str | None = None
    references_columns: tuple[str, ...]
    treatment: ForeignKeyTreatment
    to_entity: bool = False
    null_share: float = 0.0
    nullable: bool = True
    traits: tuple[str, ...] = ()
    reason: str = ""
    runner_up: str = ""


class _Check(_Strict):
    sql: str
    engine: CheckEngine
    columns: tuple[str, ...] = ()
    dialect: str = ""
    name: str = ""
    reason: str = ""


class _Table(_Strict):
    name: str
    schema_name: str | None = None
    role: Role
    rows: int
    size: int
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    is_entity: bool = False
    reason: str = ""
    runner_up: str = ""
    foreign_key: tuple[_ForeignKey, ...] = ()
    check: tuple[_Check, ...] = ()
    column: tuple[_Column, ...] = ()


class _Question(_Strict):
    id: str
    text: str
    if_accepted: str
    if_rejected: str
    confidence: float


class _Rule(_Strict):
    id: str
    how: str = ""
    foreign_key: tuple[str, ...] = ()
    rows: int = 0
    exceptions: int = 0
    origin: Origin = Origin.INFERRED


class _Plan(_Strict):
    schemasynth_plan: int
    source: str
    fingerprint: str
    scale: float = 1.0
    sample_rows: int | None = None
    notes: tuple[str, ...] = ()
    question: tuple[_Question, ...] = ()
    rule: tuple[_Rule, ...] = ()
    privacy: PrivacyEntry = PrivacyEntry()
    language_model: LanguageModelEntry = LanguageModelEntry()
    table: tuple[_Table, ...] = ()


def write_plan(plan: RefreshPlan) -> str:
    """Return a plan as TOML.

    Args:
        plan: to be read back by `read_plan` without change.
    """
    document = tomlkit.document()
    for line in _HEADER.splitlines():
        document.add(tomlkit.comment(line) if line else tomlkit.nl())
    document.add(tomlkit.nl())
    head: dict[str, Any] = {
        "schemasynth_plan": VERSION,
        "source": plan.source,
        "fingerprint": plan.fingerprint,
    }
    head |= {"scale": plan.scale, "sample_rows": plan.sample_rows}
    for key, value in _present(head).items():
        document.add(key, tomlkit.item(value))
    notes = tomlkit.array()
    for note in plan.notes:
        notes.add_line(note)
    document.add("notes", notes.multiline(bool(plan.notes)))
    document.add("privacy", _privacy_item(plan))
    if plan.has_language_model or plan.language_model != DEFAULT_LANGUAGE_MODEL:
        item = tomlkit.table()
        _fill(item, asdict(plan.language_model))
        document.add("language_model", item)
    if plan.questions:
        questions = tomlkit.aot()
        for question in plan.questions:
            item = tomlkit.table()
            _fill(item, asdict(question))
            questions.append(item)
        document.add("question", questions)
    if plan.rules:
        rules = tomlkit.aot()
        for rule in plan.rules:
            item = tomlkit.table()
            _fill(item, _rule_fields(rule))
            rules.append(item)
        document.add("rule", rules)
    tables = tomlkit.aot()
    for table in plan.tables:
        tables.append(_table_item(table))
    document.add("table", tables)
    return tomlkit.dumps(document)


def _privacy_item(plan: RefreshPlan) -> tomlkit.items.Table:
    privacy = tomlkit.table()
    privacy.add("holdout", plan.privacy.holdout)
    differential = plan.privacy.differential
    if differential is not None:
        item = tomlkit.table()
        for line in budget(plan).splitlines():
            item.add(tomlkit.comment(line))
        for name, value in asdict(differential).items():
            item.add(name, value or 0.0)
        privacy.add("differential_privacy", item)
    return privacy


def _rule_fields(rule: Rule) -> dict[str, Any]:
    return {
        "id": str(rule.id),
        "how": rule.how or None,
        "foreign_key": rule.link,
        "rows": rule.rows,
        "exceptions": rule.exceptions or None,
        "origin": rule.origin,
    }


def _table_item(plan: TablePlan) -> tomlkit.items.Table:
    table = tomlkit.table()
    fields = {
        "name": plan.name.name,
        "schema_name": plan.name.schema,
        "role": plan.role,
        "rows": plan.rows,
        "size": plan.size,
        "primary_key": plan.primary_key,
        "unique_keys": plan.unique_keys,
        "is_entity": plan.is_entity or None,
        "reason": plan.reason,
        "runner_up": plan.runner_up,
    }
    _fill(table, fields)
    keys, columns = tomlkit.aot(), tomlkit.aot()
    for key in plan.foreign_keys:
        item = tomlkit.table()
        _fill(item, _foreign_key_fields(key))
        keys.append(item)
    for column in plan.columns:
        item = tomlkit.table()
        _fill(item, _column_fields(column))
        columns.append(item)
    checks = tomlkit.aot()
    for check in plan.checks:
        item = tomlkit.table()
        _fill(item, {k: v or None for k, v in asdict(check).items()})
        checks.append(item)
    if plan.foreign_keys:
        table.add("foreign_key", keys)
    if plan.checks:
        table.add("check", checks)
    table.add("column", columns)
    return table


def _foreign_key_fields(key: ForeignKeyPlan) -> dict[str, Any]:
    return {
        "columns": key.columns,
        "references": key.referred.name,
        "references_schema": key.referred.schema,
        "references_columns": key.referred_columns,
        "treatment": key.treatment,
        "to_entity": key.to_entity or None,
        "null_share": key.null_share or None,
        "nullable": key.nullable,
        "traits": key.traits or None,
        "reason": key.reason,
        "runner_up": key.runner_up,
    }


def _column_fields(column: ColumnPlan) -> dict[str, Any]:
    return {
        "name": column.name,
        "treatment": column.treatment,
        "encoding": column.encoding,
        "key_format": _format_fields(column.key_format) if column.key_format else None,
        "value": column.value,
        "sensitivity": _present(asdict(column.sensitivity)) if column.sensitivity else None,
        "provider": _provider_fields(column.provider) if column.provider else None,
        "type": _present(asdict(column.type)),
        "nullable": column.nullable,
        "reason": column.reason,
    }


def _provider_fields(provider: Provider) -> dict[str, Any]:
    """Return what a provider says beyond its defaults."""
    return {k: v for k, v in _changed(provider).items() if v not in (None, ())}


def _format_fields(form: KeyFormat) -> dict[str, Any]:
    """Return what a key format says beyond its defaults."""
    return {
        **_changed(form),
        **({"parts": tuple(map(_changed, form.parts))} if form.parts else {}),
        **(
            {"formats": tuple((_format_fields(inner), w) for inner, w in form.formats)}
            if form.formats
            else {}
        ),
    }


def _changed(value: KeyFormat | KeyPart | Provider) -> dict[str, Any]:
    return {
        item.name: getattr(value, item.name)
        for item in fields(value)
        if getattr(value, item.name) != item.default
    }


def _present(entries: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in entries.items() if v not in (None, ())}


def _fill(table: tomlkit.items.Table, fields: dict[str, Any]) -> None:
    for key, value in fields.items():
        if value in (None, ()) or (value == "" and key in _OPTIONAL_TEXTS):
            continue
        if isinstance(value, dict):
            inline = tomlkit.inline_table()
            inline.update({k: _plain(v) for k, v in value.items()})
            table.add(key, inline)
        else:
            table.add(key, tomlkit.item(_plain(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return value


def read_plan(text: str) -> RefreshPlan:
    """Read a plan file.

    Args:
        text: TOML.

    Raises:
        PlanError: it is not TOML, or an entry cannot work; names line or entry and why.
    """
    try:
        content = tomlkit.parse(text).unwrap()
    except TOMLKitError as error:
        raise PlanError(f"The plan is not valid TOML: {error}.") from None
    try:
        raw = _Plan.model_validate(content)
    except ValidationError as error:
        raise PlanError(_first_problem(error, content, _lines(text))) from None
    if raw.schemasynth_plan != VERSION:
        raise PlanError(f"The plan has version {raw.schemasynth_plan}; this one reads {VERSION}.")
    plan = RefreshPlan(
        source=raw.source,
        fingerprint=raw.fingerprint,
        tables=tuple(_table(table) for table in raw.table),
        scale=raw.scale,
        sample_rows=raw.sample_rows,
        notes=raw.notes,
        questions=tuple(Question(**question.model_dump()) for question in raw.question),
        rules=tuple(_rule(rule) for rule in raw.rule),
        privacy=raw.privacy.value(),
        language_model=raw.language_model.value(),
    )
    for found in problems(plan):
        raise PlanError(f"Line {_line_of(found, _lines(text))} of the plan: {found.text}")
    return plan


_HEADING = re.compile(r"\s*\[\[\s*table\s*(?:\.\s*(foreign_key|check|column)\s*)?\]\]")
_SECTION = re.compile(r"\s*\[\s*([A-Za-z_.]+)\s*\]")
_ENTRY = re.compile(r"\s*([A-Za-z_]+)\s*=")
Path: TypeAlias = tuple[str | int, ...]


def _lines(text: str) -> dict[Path, int]:
    """Return the line of each heading and entry, by its path as pydantic writes it."""
    result: dict[Path, int] = {}
    counts: Counter[Path] = Counter()
    here: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if heading := _HEADING.match(line):
            outer = ("table", counts["table",] - 1) if heading[1] else ()
            kind = (*outer, heading[1] or "table")
            here = (*kind, counts[kind])
            counts[kind] += 1
            result[here] = number
        elif section := _SECTION.match(line):
            here = tuple(section[1].split("."))
        elif entry := _ENTRY.match(line):
            result.setdefault((*here, entry[1]), number)
    return result


def _nearest(path: Path, lines: dict[Path, int]) -> int:
    """Return the line of the innermost part of a path that has one; the first line at least."""
    parts = (path[:end] for end in range(len(path), 0, -1))
    return next((lines[part] for part in parts if part in lines), 1)


def _line_of(problem: Problem, lines: dict[Path, int]) -> int:
    path: Path = () if problem.table is None else ("table", problem.table)
    if problem.entry is not None or problem.table is None:
        path = (*path, problem.entry or "scale")
    elif problem.column is not None:
        path = (*path, "column", problem.column, "treatment")
    elif problem.foreign_key is not None:
        path = (*path, "foreign_key", problem.foreign_key, "treatment")
    return _nearest(path, lines)


def _first_problem(error: ValidationError, content: dict[str, Any], lines: dict[Path, int]) -> str:
    problem = error.errors()[0]
    line = _nearest(problem["loc"], lines)
    where: list[str] = []
    current: Any = content
    for part in problem["loc"]:
        current = _step(current, part)
        name = current.get("name") if isinstance(current, dict) else None
        number = str(part + 1) if isinstance(part, int) else str(part)
        where.append(f"{number} ({name})" if isinstance(part, int) and name else number)
    place = " ".join(where)
    return f"Line {line} of the plan is refused at {place}: {problem['msg'].lower()}."


def _step(current: Any, part: int | str) -> Any:
    try:
        return current[part]
    except (KeyError, IndexError, TypeError):
        return None


def _table(raw: _Table) -> TablePlan:
    return TablePlan(
        name=TableName(raw.name, raw.schema_name),
        role=raw.role,
        rows=raw.rows,
        size=raw.size,
        primary_key=raw.primary_key,
        unique_keys=raw.unique_keys,
        columns=tuple(_column(column) for column in raw.column),
        foreign_keys=tuple(_foreign_key(key) for key in raw.foreign_key),
        checks=tuple(Condition(**check.model_dump()) for check in raw.check),
        is_entity=raw.is_entity,
        reason=raw.reason,
        runner_up=raw.runner_up,
    )


def _rule(raw: _Rule) -> Rule:
    try:
        key = read_key_id(raw.id)
        kind = RuleKind(key.kind)
    except (SettingsError, ValueError):
        raise PlanError(f"{raw.id!r} in the plan is no id of a rule.") from None
    return Rule(
        kind,
        key.table,
        key.columns,
        key.referred,
        key.referred_columns,
        raw.foreign_key,
        raw.how,
        raw.rows,
        raw.exceptions,
        raw.origin,
    )


def _foreign_key(raw: _ForeignKey) -> ForeignKeyPlan:
    return ForeignKeyPlan(
        columns=raw.columns,
        referred=TableName(raw.references, raw.references_schema),
        referred_columns=raw.references_columns,
        treatment=raw.treatment,
        to_entity=raw.to_entity,
        null_share=raw.null_share,
        nullable=raw.nullable,
        traits=raw.traits,
        reason=raw.reason,
        runner_up=raw.runner_up,
    )


def _column(raw: _Column) -> ColumnPlan:
    return ColumnPlan(
        name=raw.name,
        type=SqlType(**raw.type.model_dump()),
        nullable=raw.nullable,
        treatment=raw.treatment,
        encoding=raw.encoding,
        key_format=_key_format(raw),
        value=raw.value,
        sensitivity=Sensitivity(**raw.sensitivity.model_dump()) if raw.sensitivity else None,
        provider=Provider(**raw.provider.model_dump()) if raw.provider else None,
        reason=raw.reason,
    )


def _key_format(raw: _Column) -> KeyFormat | None:
    if raw.key_format is None:
        return None
    try:
        return TypeAdapter(KeyFormat).validate_python(raw.key_format)
    except ValidationError as error:
        message = error.errors()[0]["msg"].lower()
        raise PlanError(f"The key_format of column {raw.name} is refused: {message}.") from None
