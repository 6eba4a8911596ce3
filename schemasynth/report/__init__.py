"""What a refresh did, as HTML and JSON: aggregates, never row values.

Imports `plan`, `rewrite`, `verify` and `generator` values.
"""

from schemasynth.report.model import RefreshReport, StepReport, TableReport
from schemasynth.report.write import refresh_table, write_report

__all__ = ["RefreshReport", "StepReport", "TableReport", "refresh_table", "write_report"]
