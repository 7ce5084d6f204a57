"""`posterior`: how probable it is that a worker succeeds less often than a target, its pool as the prior.

Beta-binomial, empirical Bayes. What is known of a worker before its first task is a beta distribution fitted to
its pool by moments (Kleinman, "Proportions with extraneous variance", JASA 68, 1973): the mean rate m, and a
strength of k tasks from how much rates differ beyond what chance alone makes them differ,

    var(s_i/n_i) = m (1-m) [ h + (1-h) / (k+1) ],      h = mean of 1/n_i

The answer is I_target(k m + s, k (1-m) + f), the regularised incomplete beta function.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.evidence.distinct import by_distinct
from pinkslip.judge.numeric import incomplete_beta
from pinkslip.judge.view import Bools

MEMBERS_MIN = 3
"""Fewer say nothing of their pool: every rate is then as likely as any other, Beta(1, 1)."""
STRENGTH_MIN, STRENGTH_MAX = 2.0, 100.0
"""A pool is worth at least two tasks and at most a hundred, however alike its members are."""
MEAN_MIN, MEAN_MAX = 0.01, 0.99
"""However perfect a pool, it leaves room for the other possibility."""

_PARTS = 10_000
"""Rates are taken to a hundredth of a percent, so that sums over a pool are whole numbers and come out the same
in whatever order its members stand."""

_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class Priors:
    """The beta distribution of each pool."""

    a: Floats
    b: Floats


def pool_priors(
    tasks: Integers, successes: Integers, pools: Integers, members: Bools, *, count: int
) -> Priors:
    """Fit the priors of `count` pools (codes in `pools`) to `members`, who have done some tasks."""
    pool, n, s = pools[members], tasks[members], successes[members]
    size = np.bincount(pool, minlength=count).astype(np.float64)

    def mean(parts: Integers) -> Floats:
        return np.bincount(pool, weights=parts, minlength=count) / (size * _PARTS)

    rate = (s * _PARTS + n // 2) // n
    with np.errstate(all="ignore"):
        m = mean(rate)
        squares = np.bincount(pool, weights=rate * rate, minlength=count) / _PARTS**2
        variance = (squares - size * m * m) / (size - 1.0)
        chance = mean((_PARTS + n // 2) // n)
        alike = (variance / (m * (1.0 - m)) - chance) / (1.0 - chance)
        # nothing beyond chance, or nothing to tell by: the pool is as alike as we let it be
        strength = np.where(alike > 0.0, 1.0 / alike - 1.0, STRENGTH_MAX)
    is_known = size >= MEMBERS_MIN
    strength = np.clip(strength, STRENGTH_MIN, STRENGTH_MAX)
    m = np.clip(m, MEAN_MIN, MEAN_MAX)
    return Priors(
        np.where(is_known, strength * m, 1.0), np.where(is_known, strength * (1.0 - m), 1.0)
    )


def below(
    tasks: Integers, successes: Integers, pools: Integers, priors: Priors, target: float
) -> Floats:
    """P(rate < target), given the pool and what was seen; unknown where nothing has been done."""

    def work(columns: Sequence[Integers]) -> Floats:
        n, s, pool = columns
        found = incomplete_beta(priors.a[pool] + s, priors.b[pool] + (n - s), target)
        return np.where(n > 0, np.round(found, _DECIMALS), np.nan)

    return by_distinct((tasks, successes, pools), work)
