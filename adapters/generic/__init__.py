"""Any database that SQLAlchemy knows: exports the adapter only.

Found through the entry point, where a database has no adapter of its own.
"""

from .adapter import GenericAdapter

__all__ = ["GenericAdapter"]
