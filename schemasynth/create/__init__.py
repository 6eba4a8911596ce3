"""The empty schema of one database built in another one, of the same kind or of a different one.

Imports the model, the adapter port and the preflight's findings; called by `schemasynth.api`.
"""

from schemasynth.create.draft import UNKNOWN, Draft, Values, draft
from schemasynth.create.run import (
    Created,
    build,
    home_of,
    missing_schemas,
    refuse_homeless,
    statements,
    values_of,
)

__all__ = [
    "UNKNOWN",
    "Created",
    "Draft",
    "Values",
    "build",
    "draft",
    "home_of",
    "missing_schemas",
    "refuse_homeless",
    "statements",
    "values_of",
]
