"""SQLite: exports the adapter only.

Found through the entry point; imports nothing of other adapters.
"""

from .adapter import SQLiteAdapter

__all__ = ["SQLiteAdapter"]
