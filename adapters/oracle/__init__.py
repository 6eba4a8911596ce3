"""Oracle Database.

Found through the entry point `oracle`.
"""

from .adapter import OracleAdapter

__all__ = ["OracleAdapter"]
