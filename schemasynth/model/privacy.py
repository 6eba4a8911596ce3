"""What is done for privacy beyond single columns, as frozen values.

Belongs to the relational model: imports nothing else of the package, may be imported by all of it.
"""

from __future__ import annotations

from dataclasses import dataclass

HOLDOUT_SUBJECTS = 2_500
"""Subjects held out: the share of rows nearer to training than to holdout is then known to 0.01."""


@dataclass(frozen=True, slots=True)
class DifferentialPrivacy:
    """How models are trained with differential privacy; defaults are those of the MOSTLY AI SDK.

    Attributes:
        max_epsilon: training of a model stops before it has spent more; None never stops it.
        delta: chance that the guarantee of a model does not hold.
        noise_multiplier: standard deviation of the noise by the largest influence of a record.
        max_grad_norm: largest influence of a record on a step of training.
        value_protection_epsilon: spent on ranges and categories of a model; None takes these as
            they are, outside the guarantee.
    """

    max_epsilon: float | None = 10.0
    delta: float = 1e-5
    noise_multiplier: float = 1.5
    max_grad_norm: float = 1.0
    value_protection_epsilon: float | None = 1.0


@dataclass(frozen=True, slots=True)
class Privacy:
    """What is done so that rows do not lead to people, beyond the treatment of columns.

    Attributes:
        holdout: subjects of each tree of tables that the generator never sees, so that what it
            makes is held against them; 0 holds out none.
        differential: how models are trained with differential privacy; None without.
    """

    holdout: int = HOLDOUT_SUBJECTS
    differential: DifferentialPrivacy | None = None


DEFAULT_PRIVACY = Privacy()
