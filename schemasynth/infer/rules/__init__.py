"""Discovery of business rules in rows, each tested against chance.

Pure functions of the model and frames; imports the model and arrays, used by the API and the plan.
"""

from schemasynth.infer.rules.answers import rules_under
from schemasynth.infer.rules.discover import discover_rules

__all__ = ["discover_rules", "rules_under"]
