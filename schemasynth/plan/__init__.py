"""Plans: what a refresh does to each table and column, and the plan file.

Pure functions of models, profiles and frames; imports `model`, `infer` and `graph`.
"""

from schemasynth.plan.check import check_plan
from schemasynth.plan.file import read_plan, write_plan
from schemasynth.plan.make import make_plan
from schemasynth.plan.model import RefreshPlan
from schemasynth.plan.sizes import resized

__all__ = ["RefreshPlan", "check_plan", "make_plan", "read_plan", "resized", "write_plan"]
