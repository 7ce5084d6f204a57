"""`expected_ratio`: how many tasks succeeded, over how many would have in the pool's hands.

Indirect standardisation, as mortality is compared between regions of different ages since Farr (1859): each kind
of task is expected to succeed as often as the *others* of the pool make it succeed, so that nobody is judged by
the kinds that came its way. Kinds nobody else did say nothing and are left out on both sides.
"""

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.view import Bools

_DECIMALS = 12
"""What the order of kinds leaves in the last bits is no evidence."""


def ratios(
    tasks: Integers,
    successes: Integers,
    pools: Integers,
    members: Bools,
    *,
    count: int,
    at_least: int,
) -> Floats:
    """Observed over expected successes, per agent; `tasks` and `successes` are (kinds, agents).

    Unknown with fewer than `at_least` comparable tasks, or where none of them is expected to succeed.
    """
    own = members.astype(np.float64)
    compared, observed, expected = np.zeros((3, len(pools)))
    for n_of_kind, s_of_kind in zip(tasks, successes, strict=True):
        # whole numbers all of them, far below where floats would lose one
        n, s = n_of_kind.astype(np.float64), s_of_kind.astype(np.float64)
        others_n = _of_the_others(n * own, pools, count)
        rate = _of_the_others(s * own, pools, count)
        is_known = others_n > 0
        np.divide(rate, others_n, out=rate, where=is_known)
        compared += n * is_known
        observed += s * is_known
        expected += n * rate
    ratio = np.full(len(pools), np.nan)
    enough = (compared >= max(at_least, 1)) & (expected > 0)
    np.divide(observed, expected, out=ratio, where=enough)
    return np.round(ratio, _DECIMALS)


def _of_the_others(amounts: Floats, pools: Integers, count: int) -> Floats:
    """What everybody else in an agent's pool did, per agent."""
    by_pool = np.bincount(pools, weights=amounts, minlength=count).astype(np.float64)
    others: Floats = by_pool[pools]
    others -= amounts
    return others
