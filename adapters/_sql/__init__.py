"""What adapters over SQLAlchemy share: types, reading, the statement guard, errors.

Imported by the adapters of single databases only.
"""
