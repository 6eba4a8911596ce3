"""PostgreSQL: one snapshot for reading, staging tables and one transaction for refreshing.

Imports the shared SQL base; found through the entry point.
"""

from .adapter import PostgreSQLAdapter

__all__ = ["PostgreSQLAdapter"]
