"""New key values of a learned format: unique, and equal to none of the source.

Imports arrays and key formats; used by the rewrite of keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemasynth.arrays import cast
from schemasynth.model import SqlType, TypeFamily
from schemasynth.plan.keyformat import key_texts
from schemasynth.plan.keyparts import NO_ROWS, Rows
from schemasynth.plan.model import KeyFormat, KeyKind
from schemasynth.rewrite.draw import share
from schemasynth.rewrite.exhausted import Exhausted
from schemasynth.rewrite.numbers import new_numbers
from schemasynth.rewrite.texts import new_texts
from schemasynth.rewrite.uuids import SPELLING, new_uuids

if TYPE_CHECKING:
    from schemasynth.arrays import Array

__all__ = ["Exhausted", "new_values"]


def new_values(
    form: KeyFormat,
    sql_type: SqlType,
    source: Array,
    size: int,
    rng: np.random.Generator,
    *,
    rows: Rows = NO_ROWS,
    taken: Array | None = None,
) -> Array:
    """Return new key values.

    Args:
        form: learned from the source.
        sql_type: of the column; decides how long or large a value may be.
        source: values that must not come back, none of them NULL; its type is that of the result.
        size: how many.
        rng: source of randomness.
        rows: other columns beside `source`, and beside the new values.
        taken: further values that must not come back.

    Raises:
        Exhausted: the format and the type leave no room for so many.
    """
    used = source if taken is None else pa.concat_arrays([source, cast(taken, source.type)])
    kind = source.type
    if sql_type.values or pa.types.is_boolean(kind):
        members = pa.array(sql_type.values or [False, True]).cast(kind)
        return _members(members, used, size, rng)
    if sql_type.family is TypeFamily.UUID and form.kind not in (KeyKind.UUID, KeyKind.MIXED):
        form = KeyFormat(KeyKind.UUID, version=4, spelling=SPELLING)
    match form.kind:
        case KeyKind.INTEGER | KeyKind.TEMPORAL:
            return new_numbers(form, sql_type, used, size, rng)
        case KeyKind.UUID:
            return _typed(new_uuids(form, key_texts(source), size, rng), kind)
        case KeyKind.MIXED:
            return _mixed(form, sql_type, source, used, size, rng, rows)
        case KeyKind.CHECKED | KeyKind.PATTERN | KeyKind.WORDS:
            texts = new_texts(form, sql_type, source, used, size, rng, rows)
            return _typed(texts, kind)


def _members(members: Array, used: Array, size: int, rng: np.random.Generator) -> Array:
    """Return members of an enumerated type, in random order."""
    free = members.filter(pc.invert(pc.is_in(members, used)))
    if len(free) < size:
        raise Exhausted(f"only {len(free)} of the type's {len(members)} values are left")
    return free.take(pa.array(rng.permutation(len(free))[:size]))


def _mixed(
    form: KeyFormat,
    sql_type: SqlType,
    source: Array,
    used: Array,
    size: int,
    rng: np.random.Generator,
    rows: Rows,
) -> Array:
    """Return values of several formats by their shares, in random order."""
    weights = np.asarray([round(weight * 10_000) for _, weight in form.formats], dtype=np.int64)
    places = np.split(rng.permutation(size), np.cumsum(share(size, weights))[:-1])
    made: list[Array] = []
    for (inner, _), at in zip(form.formats, places, strict=True):
        here = rows.at(at)
        taken = pa.concat_arrays([used, *made]) if made else used
        made.append(new_values(inner, sql_type, source, len(at), rng, rows=here, taken=taken))
    order = np.argsort(np.concatenate(places), kind="stable")
    return pa.concat_arrays(made).take(pa.array(order))


def _typed(texts: Array, kind: pa.DataType) -> Array:
    """Return texts as values of a key's type."""
    if pa.types.is_binary(kind):
        return pa.array([bytes.fromhex(text) for text in texts.to_pylist()], kind)
    if pa.types.is_string(kind):
        return texts
    return cast(texts.cast(pa.int64()), kind)
