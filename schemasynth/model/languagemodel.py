"""Which language model writes free text, as a frozen value.

Belongs to the relational model: imports nothing of the package, may be imported by all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

FROM_SCRATCH = "MOSTLY_AI/LSTMFromScratch-3m"
"""The SDK's only language model that needs no weights: it is trained from scratch."""
MAX_MINUTES = 10.0
"""Minutes of training a table: a model that no longer improves ends sooner."""


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """The model of all columns of treatment `language_model`.

    Attributes:
        model: `FROM_SCRATCH`, or the absolute path of a folder with a model; nothing is ever
            downloaded.
        max_minutes: of training, a table.
    """

    model: str = FROM_SCRATCH
    max_minutes: float = MAX_MINUTES


DEFAULT_LANGUAGE_MODEL = LanguageModel()
