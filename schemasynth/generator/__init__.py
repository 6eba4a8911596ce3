"""MOSTLY AI: emit the configuration, train, generate, collect quality figures.

Imports `plan` and `rewrite`; the SDK itself is imported lazily, and runs in a process of its own.
"""

from schemasynth.generator.config import EmittedConfig, config_json, config_python, emit
from schemasynth.generator.convert import accepted_encodings
from schemasynth.generator.quality import measure
from schemasynth.generator.settings import GeneratorSettings
from schemasynth.generator.training import (
    TrainedColumn,
    TrainedGenerator,
    TrainedTable,
    Training,
    generate,
    train,
    wipe,
)

__all__ = [
    "EmittedConfig",
    "GeneratorSettings",
    "TrainedColumn",
    "TrainedGenerator",
    "TrainedTable",
    "Training",
    "accepted_encodings",
    "config_json",
    "config_python",
    "emit",
    "generate",
    "measure",
    "train",
    "wipe",
]
