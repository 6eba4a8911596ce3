"""One function per capability; the command line and users call these.

Imports every package lazily, so that importing it stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemasynth.adapter import Selection, adapter_for, count_rows
from schemasynth.errors import ReflectionError
from schemasynth.model import Schema
from schemasynth.progress import Listener, silent
from schemasynth.settings import database_url, shown

if TYPE_CHECKING:
    from schemasynth.adapter import SourceConnection

EVERYTHING = Selection()


def introspect(
    source: str,
    selection: Selection = EVERYTHING,
    *,
    infer: bool = True,
    listener: Listener = silent,
) -> Schema:
    """Return the relational model of a database, with the keys nobody declared.

    Args:
        source: a SQLAlchemy URL or the path of a SQLite file; only read.
        selection: which tables.
        infer: infer primary keys, foreign keys and implicit entities that are not declared.
        listener: hears of progress.

    Raises:
        AdapterError: the database cannot be reached.
        ReflectionError: it has no such tables.
    """
    url = database_url(source)
    with adapter_for(url).source(url) as connection:
        return described(connection, selection, infer=infer, listener=listener)


def described(
    source: SourceConnection, selection: Selection, *, infer: bool, listener: Listener = silent
) -> Schema:
    """Return the model of an open source; as `introspect`."""
    schema = source.reflect(selection)
    if not schema.tables:
        raise ReflectionError(
            f"No tables were found in {shown(source.url)}; check --schema, --include and --exclude."
        )
    schema = count_rows(source, schema)
    if not infer:
        return schema
    from schemasynth.infer import evidence_of, infer_keys

    with evidence_of(source, schema, listener) as evidence:
        return infer_keys(schema, evidence)
