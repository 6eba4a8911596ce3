"""One planted database of 400 tables and 4,000 columns, as a company's grows to be.

python tests/benchmarks/planted_large.py FOLDER [--seed N]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from planted import Draft, Planted, write
from planted_names import WORDS

SEED = 5
TABLES, COLUMNS = 400, 4_000
ROWS = 2_000
"""Most rows of a table; the least are about a tenth."""
MODULE = 20
"""Tables that belong together: masters, entities, lines, bridges and logs."""
FORM = "snake"


def large(seed: int = SEED) -> Planted:
    """Draw the database, module by module; a module refers to itself and to the first one."""
    d = Draft("large", (seed,))
    d.style.form, d.style.language, d.scale = FORM, "en", 1.0
    names = _names(d.rng)
    common: list[str] = []
    for _ in range(TABLES // MODULE):
        masters = _module(d, names, common)
        common = common or masters
    _widen(d)
    return d.finished(width=(0, 0))


def _names(rng: np.random.Generator) -> Iterator[str]:
    """Yield names of tables that are all different, of one to three words."""
    used = {"id", "date", "number", "code", "time", "day", "month", "year", "name"}
    words = [w for w in WORDS if w not in used]
    yield from (words[int(i)] for i in rng.permutation(len(words))[:40])
    taken: set[tuple[str, ...]] = set()
    while True:
        drawn = tuple(str(w) for w in rng.choice(words, int(rng.integers(2, 4)), replace=False))
        if drawn not in taken:
            taken.add(drawn)
            yield "_".join(drawn)


def _module(d: Draft, names: Iterator[str], common: list[str]) -> list[str]:
    """Draw twenty tables and return the masters among them."""
    masters = [next(names) for _ in range(4)]
    for master in masters:
        d.master(master, int(d.rng.integers(20, 250)), _key(d, master))
    entities = [next(names) for _ in range(6)]
    for entity in entities:
        d.master(entity, int(d.rng.integers(200, ROWS)), _key(d, entity))
        for parent in d.rng.choice([*masters, *common], 2, replace=False):
            _refer(d, entity, str(parent))
    for parent in entities[:5]:
        line = f"{parent}_{d.rng.choice(['line', 'detail', 'history'])}"
        own = d.keys[parent][0]
        here = own if own.startswith(parent) else f"{parent}_{own}"
        mean = min(2.5, ROWS / len(d.frames[parent]))
        d.under(line, parent, {here: own}, "line_number", mean)
        _refer(d, line, str(d.rng.choice(entities)))
        log = next(names)
        if parent != entities[4]:
            d.master(log, int(d.rng.integers(200, ROWS)), _key(d, log))
            d.pick(log, line, {here: here, f"{parent}_line_number": "line_number"}, "line")
    bridge = next(names)
    d.add(bridge, [], row=np.arange(int(d.rng.integers(200, ROWS))))
    ends = [_refer(d, bridge, parent) for parent in entities[:2]]
    d.frames[bridge] = d.frames[bridge].drop(columns="row")
    d.keyed(bridge, *ends)
    return masters


def _key(d: Draft, table: str) -> str:
    return str(d.rng.choice(["id", f"{table}_id", "code", f"{table}_code"]))


def _refer(d: Draft, table: str, parent: str) -> str:
    """Let a table refer to a parent's single key; returns the column."""
    key = d.keys[parent][0]
    column = key if key.startswith(parent) else f"{parent}_{key}"
    if column not in d.frames[table].columns:
        d.pick(table, parent, {column: key}, nulls=0.1 if d.rng.random() < 0.3 else 0.0)
    return column


def _widen(d: Draft) -> None:
    """Add columns that refer to nothing until there are enough, more to some tables."""
    frames = list(d.frames.values())
    while (lacking := COLUMNS - sum(len(f.columns) for f in frames)) > 0:
        for i in d.rng.permutation(len(frames))[: min(lacking, len(frames) // 2)]:
            d.decorate(frames[int(i)], 1)


def main() -> int:
    """Write the database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    planted = large(arguments.seed)
    write(planted, arguments.folder)
    columns = sum(len(frame.columns) for frame in planted.tables.values())
    rows = sum(len(frame) for frame in planted.tables.values())
    print(f"{len(planted.tables)} tables, {columns} columns, {rows} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
