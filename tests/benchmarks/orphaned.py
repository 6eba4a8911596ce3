"""Copies of keybench's stripped databases in which part of every true foreign key is violated.

Used by `cases`; what replaces a value is of its type, new in the child, absent from the parent.
"""

from __future__ import annotations

import shutil
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

ORPHANS = 0.05
"""Share of the rows of a foreign key whose value is replaced."""
ROOM = 2
"""New integers are drawn from the range of the known ones and so many times the needed above."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
DATE = "0000-00-00"


def orphaned(path: Path, truth: Mapping[str, Any], copy: Path, share: float = ORPHANS) -> None:
    """Write a copy of a database with orphans in every true foreign key.

    Args:
        path: the database, which is left as it is.
        truth: its keys.
        copy: a new file.
        share: of rows with a value; of a composite key the last part is replaced.
    """
    shutil.copyfile(path, copy)
    copy.chmod(0o600)
    connection = sqlite3.connect(copy)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    with connection:
        for number, key in enumerate(truth["foreign_keys"]):
            seed = zlib.crc32(f"{truth['name']} {number}".encode())
            _violate(connection, key, share, np.random.default_rng(seed))
    connection.close()


def _violate(
    connection: sqlite3.Connection, key: Mapping[str, Any], share: float, rng: np.random.Generator
) -> None:
    table, column = _quoted(key["table"]), _quoted(key["columns"][-1])
    parent, referred = _quoted(key["referred_table"]), _quoted(key["referred_columns"][-1])
    present = " AND ".join(f"{_quoted(name)} IS NOT NULL" for name in key["columns"])
    rows = connection.execute(f"SELECT rowid, {column} FROM {table} WHERE {present}").fetchall()
    known = {value for (value,) in connection.execute(f"SELECT {referred} FROM {parent}")}
    count = round(share * len(rows))
    if not count:
        return
    chosen = [rows[int(i)] for i in rng.choice(len(rows), count, replace=False)]
    fresh = _fresh([value for _, value in chosen], known | {value for _, value in rows}, rng)
    changes = [(new, row) for new, (row, _) in zip(fresh, chosen, strict=True)]
    connection.executemany(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", changes)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _fresh(values: Sequence[Any], taken: set[Any], rng: np.random.Generator) -> list[Any]:
    """Return a new value for each one, of its type."""
    numbers = iter(_integers([v for v in taken if _whole(v)], len(values), rng))
    result = []
    for value in values:
        if _whole(value):
            new: Any = type(value)(next(numbers))
        else:
            new = _text(str(value), taken, rng)
        taken.add(new)
        result.append(new)
    return result


def _whole(value: Any) -> bool:
    return isinstance(value, (int, float)) and float(value).is_integer()


def _integers(known: Sequence[float], count: int, rng: np.random.Generator) -> list[int]:
    if not known:
        return []
    low, high = int(min(known)), int(max(known)) + ROOM * count
    if high - low > 1_000_000:
        drawn = {int(n) for n in rng.integers(low, high, 4 * count)}
    else:
        drawn = set(range(low, high + 1))
    free = sorted(drawn - {int(n) for n in known})
    return [free[int(i)] for i in rng.permutation(len(free))[:count]]


def _text(value: str, taken: set[Any], rng: np.random.Generator) -> str:
    """Return a text of the same make: digits for digits, letters for letters, a day for a day."""
    while value in taken:
        if _is_day(value):
            days = int(rng.integers(1, 3000))
            value = (date.fromisoformat(value[:10]) + timedelta(days)).isoformat() + value[10:]
            continue
        if not value:
            value = str(rng.choice(list(LETTERS)))
            continue
        place = int(rng.integers(0, len(value)))
        pool = DIGITS if value[place].isdigit() else LETTERS
        grown = value + (str(rng.choice(list(pool))) if rng.random() < 0.05 else "")
        value = grown[:place] + str(rng.choice(list(pool))) + grown[place + 1 :]
    return value


def _is_day(value: str) -> bool:
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return len(value) >= len(DATE)
