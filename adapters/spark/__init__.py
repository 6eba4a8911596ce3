"""Spark and Databricks: exports the adapter only.

Found through the entry points; imports nothing of other adapters.
"""

from .adapter import SparkAdapter

__all__ = ["SparkAdapter"]
