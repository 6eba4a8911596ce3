"""The SDK's configuration of a generator, from prepared tables.

Pure; imports `rewrite.prepared` and this package's names and settings, never the SDK.
"""

from __future__ import annotations

import json
import math
import pprint
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from schemasynth.errors import GeneratorError
from schemasynth.generator.names import TableNames, neutral_names, readable_names
from schemasynth.generator.settings import GeneratorSettings
from schemasynth.plan.model import Encoding
from schemasynth.rewrite.prepared import PreparedTable

MINIMUM_MINUTES = 0.02
"""A model's least share of the training time: about one second, enough for one small epoch."""

REPORT_ROWS = 100
"""The SDK measures nothing on fewer rows, and its report fails on a table of one."""

_PYTHON = '''\
"""Trains a MOSTLY AI generator; put each table's rows into `frames` before."""

import pandas as pd
from mostlyai.sdk import MostlyAI

frames: dict[str, pd.DataFrame] = {{}}
config = {config}
for table in config["tables"]:
    table["data"] = frames[table["name"]]
generator = MostlyAI({arguments}).train(config=config)
'''


@dataclass(frozen=True, slots=True)
class EmittedConfig:
    """A configuration and the names in it.

    Attributes:
        config: valid for `mostlyai.sdk.domain.GeneratorConfig`; without rows.
        names: of its tables, in the same order.
    """

    config: Mapping[str, Any]
    names: tuple[TableNames, ...]


def emit(
    tables: Sequence[PreparedTable],
    settings: GeneratorSettings,
    rows: Mapping[str, int] | None = None,
    names: Sequence[TableNames] | None = None,
) -> EmittedConfig:
    """Write the SDK's configuration.

    Args:
        tables: parents first.
        settings: limits and models.
        rows: of each table by name, so that larger tables get more of the training time and small
            ones no report; without, shares are equal and all are measured.
        names: for the SDK; `neutral_names` by default.

    Returns:
        The configuration with every key and encoding declared: nothing is left for the SDK to
        guess from names or values.

    Raises:
        GeneratorError: the tables contradict each other; says where.
    """
    _check(tables)
    chosen = tuple(names or neutral_names(tables))
    aliases = {entry.name: entry.alias for entry in chosen}
    rows = rows or {}
    minutes = _minutes(tables, settings, rows)
    config = {
        "name": "schemasynth",
        "random_state": settings.seed,
        "tables": [
            _table(table, entry, aliases, _settings_of(table, settings, rows), minutes)
            for table, entry in zip(tables, chosen, strict=True)
        ],
    }
    return EmittedConfig(config, chosen)


def config_json(tables: Sequence[PreparedTable], settings: GeneratorSettings) -> str:
    """Return the configuration as JSON for people and other tools.

    Names stay as they are where the SDK can handle them.
    """
    return json.dumps(_readable(tables, settings), indent=2, ensure_ascii=False) + "\n"


def config_python(tables: Sequence[PreparedTable], settings: GeneratorSettings) -> str:
    """Return a Python program that trains on the configuration, as `config_json`."""
    config = pprint.pformat(_readable(tables, settings), width=96, sort_dicts=False)
    where = "local=True" if settings.base_url is None else f"base_url={settings.base_url!r}"
    return _PYTHON.format(config=config, arguments=where)


def _readable(tables: Sequence[PreparedTable], settings: GeneratorSettings) -> Mapping[str, Any]:
    return emit(tables, settings, names=readable_names(tables)).config


def _table(
    table: PreparedTable,
    names: TableNames,
    aliases: Mapping[str, str],
    settings: GeneratorSettings,
    minutes: Mapping[tuple[str, bool], float],
) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [{"name": names.column(table.key)}]
    columns += [{"name": names.column(reference.column)} for reference in table.references]
    columns += [
        {"name": names.column(column.name), "model_encoding_type": column.encoding.value}
        for column in table.columns
    ]
    entry: dict[str, Any] = {
        "name": names.alias,
        "primary_key": names.column(table.key),
        "foreign_keys": [
            {
                "column": names.column(reference.column),
                "referenced_table": aliases[reference.table],
                "is_context": reference.is_context,
            }
            for reference in table.references
        ],
        "columns": columns,
        "tabular_model_configuration": _model(
            settings, settings.model, minutes.get((table.name, False))
        )
        | {"max_sequence_window": settings.max_sequence_window},
    }
    if _has_text(table):
        entry["language_model_configuration"] = _model(
            settings, settings.text_model, minutes.get((table.name, True))
        )
    return entry


def _settings_of(
    table: PreparedTable, settings: GeneratorSettings, rows: Mapping[str, int]
) -> GeneratorSettings:
    measurable = bool(table.columns) and rows.get(table.name, REPORT_ROWS) >= REPORT_ROWS
    return replace(settings, quality_report=settings.quality_report and measurable)


def _model(settings: GeneratorSettings, model: str, minutes: float | None) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "model": model,
        "value_protection": settings.protects_values,
        "rare_category_replacement_method": "SAMPLE",
        # Only conditional generation needs it; without, accuracy is higher.
        "enable_flexible_generation": False,
        "enable_model_report": settings.quality_report,
    }
    if settings.differential is not None:
        configuration["differential_privacy"] = asdict(settings.differential)
    if settings.max_epochs is not None:
        configuration["max_epochs"] = settings.max_epochs
    if minutes is not None:
        configuration["max_training_time"] = minutes
    return configuration


def _minutes(
    tables: Sequence[PreparedTable], settings: GeneratorSettings, rows: Mapping[str, int]
) -> dict[tuple[str, bool], float]:
    """Divide the training time by the square root of each model's cells.

    The root leaves small tables enough to converge; what they do not use is not spent.
    """
    most = settings.max_text_minutes
    if settings.max_training_time is None:
        return {} if most is None else {(table.name, True): most for table in tables}
    weights: dict[tuple[str, bool], float] = {}
    for table in tables:
        text = sum(column.encoding is Encoding.TEXT for column in table.columns)
        count = rows.get(table.name, 1)
        weights[table.name, False] = math.sqrt(count * (1 + len(table.columns) - text))
        if text:
            weights[table.name, True] = math.sqrt(count * text)
    total = sum(weights.values()) or 1.0
    shares = {
        model: settings.max_training_time * weight / total for model, weight in weights.items()
    }
    return {
        model: max(min(share, most) if model[1] and most else share, MINIMUM_MINUTES)
        for model, share in shares.items()
    }


def _has_text(table: PreparedTable) -> bool:
    return any(column.encoding is Encoding.TEXT for column in table.columns)


def _check(tables: Sequence[PreparedTable]) -> None:
    known = {table.name for table in tables}
    if len(known) != len(tables):
        raise GeneratorError("Two prepared tables have the same name.")
    for table in tables:
        columns = [table.key, *(column.name for column in table.columns)]
        columns += [reference.column for reference in table.references]
        if len(set(columns)) != len(columns):
            raise GeneratorError(
                f"Table {table.name}: a column is used twice among its key, its references and "
                "its learned columns."
            )
        if sum(reference.is_context for reference in table.references) > 1:
            raise GeneratorError(f"Table {table.name} has more than one context; keep one.")
        missing = [r.table for r in table.references if r.table not in known]
        if missing:
            raise GeneratorError(
                f"Table {table.name} refers to {', '.join(missing)}, which is not generated."
            )
    _check_context_order(tables)


def _check_context_order(tables: Sequence[PreparedTable]) -> None:
    parents = {t.name: r.table for t in tables for r in t.references if r.is_context}
    for table, parent in parents.items():
        seen = [table]
        above: str | None = parent
        while above is not None and above not in seen:
            seen.append(above)
            above = parents.get(above)
        if above is not None:
            raise GeneratorError(f"The contexts of {', '.join(seen)} form a cycle; break it.")
