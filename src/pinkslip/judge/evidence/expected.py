"""`expected_ratio`: how many tasks succeeded, over how many would have in the pool's hands.

Indirect standardisation, as mortality is compared between regions of different ages since Farr (1859): each kind
of task is expected to succeed as often as the *others* of the pool make it succeed, so that nobody is judged by
the kinds that came its way. Kinds nobody else did say nothing and are left out on both sides.
"""

import numpy as np

from pinkslip.fleet.snapshot import Counts, Floats, Integers
from pinkslip.judge.view import Bools

_DECIMALS = 12
"""What the order of kinds leaves in the last bits is no evidence."""
_AT_ONCE = 8_192
"""Agents: what is worked out for so many stays near the processor."""


def ratios(
    tasks: Counts,
    successes: Counts,
    pools: Integers,
    members: Bools,
    *,
    count: int,
    at_least: int,
) -> Floats:
    """Observed over expected successes, per agent; `tasks` and `successes` are (kinds, agents).

    Unknown with fewer than `at_least` comparable tasks, or where none of them is expected to succeed.
    """
    compared, observed, expected = np.zeros((3, len(pools)))
    all_tasks, all_successes = (
        _by_pool(amounts, pools, members, count) for amounts in (tasks, successes)
    )
    for begin in range(0, len(pools), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        n, s = tasks[:, part].astype(np.float64), successes[:, part].astype(np.float64)
        pool, own = pools[part], members[part]
        others_n = np.take(all_tasks, pool, axis=1) - n * own
        others_s = np.take(all_successes, pool, axis=1) - s * own
        is_known = others_n > 0
        compared[part] = (n * is_known).sum(axis=0)
        observed[part] = (s * is_known).sum(axis=0)
        expected[part] = (n * (others_s / np.maximum(others_n, 1.0))).sum(axis=0)
    ratio = np.full(len(pools), np.nan)
    enough = (compared >= max(at_least, 1)) & (expected > 0)
    np.divide(observed, expected, out=ratio, where=enough)
    return np.round(ratio, _DECIMALS)


def _by_pool(amounts: Counts, pools: Integers, members: Bools, count: int) -> Floats:
    """What the members of each pool did together: (kinds, pools). Whole numbers all of them, far below where
    floats would lose one."""
    mine, whose = (amounts, pools) if members.all() else (amounts[:, members], pools[members])
    sums = [np.bincount(whose, weights=row, minlength=count) for row in mine]
    return np.array(sums, dtype=np.float64).reshape(len(amounts), count)
