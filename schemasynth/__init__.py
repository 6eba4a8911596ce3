"""Refresh a pre-production database with synthetic data that keeps patterns and constraints.

The public names; each is imported when first used, so that importing the package stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemasynth.adapter import Selection
    from schemasynth.api import (
        config,
        create_target,
        init_target,
        introspect,
        plan,
        refresh,
        verify,
    )
    from schemasynth.errors import SchemasynthError
    from schemasynth.infer import Answers, read_answers
    from schemasynth.model import ForeignKey, PrimaryKey, Schema, Table, TableName
    from schemasynth.plan.model import RefreshPlan

__version__ = "0.1.0"

_HOME = {
    "Answers": "schemasynth.infer",
    "Selection": "schemasynth.adapter",
    "config": "schemasynth.api",
    "create_target": "schemasynth.api",
    "init_target": "schemasynth.api",
    "introspect": "schemasynth.api",
    "plan": "schemasynth.api",
    "read_answers": "schemasynth.infer",
    "refresh": "schemasynth.api",
    "verify": "schemasynth.api",
    "SchemasynthError": "schemasynth.errors",
    "ForeignKey": "schemasynth.model",
    "PrimaryKey": "schemasynth.model",
    "Schema": "schemasynth.model",
    "Table": "schemasynth.model",
    "TableName": "schemasynth.model",
    "RefreshPlan": "schemasynth.plan.model",
}

__all__ = [
    "Answers",
    "ForeignKey",
    "PrimaryKey",
    "RefreshPlan",
    "Schema",
    "SchemasynthError",
    "Selection",
    "Table",
    "TableName",
    "__version__",
    "config",
    "create_target",
    "init_target",
    "introspect",
    "plan",
    "read_answers",
    "refresh",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its home."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'schemasynth' has no attribute {name!r}")
    return getattr(import_module(home), name)
