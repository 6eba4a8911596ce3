"""Whether rows keep to a rule or only happen to: tests against independent columns.

Knows nothing of the package; used by the discovery of rules.
"""

from __future__ import annotations

import math

MAX_EXCEPTIONS = 0.02
"""Share of rows that may break a rule: one that holds on 99 % is meant to be found."""
LEFT = 0.1
"""Share, of the exceptions that independent columns would give, that may be there: a column that is
NULL on 99 % of the rows keeps to no rule by being NULL on those of one status."""
CHANCE = 1e-6
"""Likelihood, over all rules tried on a table, that chance makes one hold."""
MIN_ROWS = 10
"""Rows below which nothing is a rule."""


def is_rule(rows: int, exceptions: int, by_chance: float, tried: int) -> bool:
    """Tell whether rows keep to a rule more than independent columns would.

    The number of rows that keep to it is held against a binomial distribution, with Bonferroni's
    correction for the rules tried.

    Args:
        rows: on which it could fail.
        exceptions: on which it does.
        by_chance: share of rows that keep to it where its columns are independent.
        tried: rules of its kind tried on the table.
    """
    if rows < MIN_ROWS or exceptions > MAX_EXCEPTIONS * rows:
        return False
    if exceptions > LEFT * rows * (1.0 - by_chance):
        return False
    return log_tail(rows, rows - exceptions, by_chance) < math.log(CHANCE / max(tried, 1))


def log_tail(trials: int, successes: int, chance: float) -> float:
    """Return the logarithm of the likelihood of at least so many successes."""
    if chance <= 0.0:
        return -math.inf
    if chance >= 1.0:
        return 0.0
    if successes == trials:
        return trials * math.log(chance)
    from scipy.stats import binom

    return float(binom.logsf(successes - 1, trials, chance))
