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
    size = len(pools)
    compared, observed = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    expected = np.zeros(size)
    for n_of_kind, s_of_kind in zip(tasks, successes, strict=True):
        agents = np.flatnonzero(n_of_kind)
        n, s, pool = n_of_kind[agents], s_of_kind[agents], pools[agents]
        own = members[agents]
        others_n = _sums(n, pool, own, count)[pool] - n * own
        others_s = _sums(s, pool, own, count)[pool] - s * own
        rate = np.zeros(len(agents))
        is_known = others_n > 0
        np.divide(others_s, others_n, out=rate, where=is_known)
        compared[agents] += n * is_known
        observed[agents] += s * is_known
        expected[agents] += n * rate
    ratio = np.full(size, np.nan)
    enough = (compared >= max(at_least, 1)) & (expected > 0)
    np.divide(observed, expected, out=ratio, where=enough)
    return np.round(ratio, _DECIMALS)


def _sums(amounts: Integers, pool: Integers, own: Bools, count: int) -> Integers:
    """What the members of each pool did; whole numbers, far below where floats would lose one."""
    return np.bincount(pool[own], weights=amounts[own], minlength=count).astype(np.int64)
