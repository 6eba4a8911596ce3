"""Loading: stage beside the target, verify, switch.

Imports `adapter`, `model` and `verify`; what is special to a database is in its adapter.
"""

from schemasynth.load.guard import check_shape, check_target
from schemasynth.load.run import refresh_tables

__all__ = ["check_shape", "check_target", "refresh_tables"]
