"""The stand-in in the place of the generator, so that the way around it is tested in seconds."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from schemasynth.rewrite import Prepared
from schemasynth.testing.standin import generate


class StandIn:
    """Stands for the trained generator."""

    tables: tuple[Any, ...] = ()
    prepared: Prepared

    def save(self, folder: Path) -> None:
        (folder / "model.txt").write_text("trained")

    @classmethod
    def load(cls, folder: Path) -> StandIn:
        assert (folder / "model.txt").exists()
        return cls()


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refreshes draw rows of the source instead of training."""

    def train(tables: Any, frames: Any, *_: Any) -> StandIn:
        memory = {t.name: {c: frames[t.name][c] for c in frames[t.name].columns} for t in tables}
        StandIn.prepared = Prepared(tables, {n: pd.DataFrame(c) for n, c in memory.items()})
        return StandIn()

    module = import_module("schemasynth.refresh")
    monkeypatch.setattr(module, "TrainedGenerator", StandIn)
    monkeypatch.setattr(module, "train", train)
    monkeypatch.setattr(module, "generate", lambda *_: generate(StandIn.prepared, 1))
    monkeypatch.setattr(module, "measure_accuracy", lambda trained, *_: trained)
