"""MySQL and MariaDB.

Found through the entry points `mysql` and `mariadb`.
"""

from .adapter import MySQLAdapter

__all__ = ["MySQLAdapter"]
