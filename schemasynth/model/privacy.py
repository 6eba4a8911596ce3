"""What is done for privacy beyond single columns, as frozen values.

Belongs to the relational model: imports nothing else of the package, may be imported by all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

HOLDOUT_SUBJECTS = 2_500
"""Subjects held out: the share of rows nearer to training than to holdout is then known to 0.01."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """What is done so that rows do not lead to people, beyond the treatment of columns.

    Attributes:
        holdout: subjects of each tree of tables that the generator never sees, so that what it
            makes is held against them; 0 holds out none.
    """

    holdout: int = HOLDOUT_SUBJECTS


DEFAULT_PRIVACY = Privacy()
