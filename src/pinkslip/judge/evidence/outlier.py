"""`outlier`: how far an agent stands from the rest of its pool, in robust standard deviations.

(value - median) / (1.4826 MAD) of the others: Hampel, "The influence curve and its role in robust estimation", JASA 69
(1974). With the agent in its own reference a pool of N hides k equally bad ones from any z above sqrt((N-k)/k);
left out, and by medians, they do not hide. Where the others are all alike nothing is far: unknown, not infinite.
"""

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.evidence.peers import Others, Ranks

OTHERS_MIN = 4
"""With fewer others there is no spread to speak of."""
NORMAL = 1.4826
"""Times the median absolute deviation: the standard deviation, where values are normal."""


def distance(ranks: Ranks, values: Floats, agents: Integers, *, worse: int) -> Floats:
    """Per agent asked, positive toward worse (`worse`: +1 where higher is worse, -1 where lower is); infinite
    beyond the range of floats."""
    others = ranks.others(agents)
    median = others.median()
    spread = NORMAL * _deviation(others, median)
    is_known = (others.size >= OTHERS_MIN) & (spread > 0)
    score = np.full(len(agents), np.nan)
    with np.errstate(over="ignore"):
        np.divide(worse * (values[agents] - median), spread, out=score, where=is_known)
    return score


def _deviation(others: Others, median: Floats) -> Floats:
    """The median of the others' distances from their median."""
    lower = _nearest(others, median, (others.size - 1) // 2)
    return (lower + _nearest(others, median, others.size // 2)) / 2.0


def _nearest(others: Others, median: Floats, rank: Integers) -> Floats:
    """The distance from the median that `rank` others are nearer than.

    Distances ascend to both sides of the median. How many of the nearest lie on its left is found by halving:
    as many more as the next on the left is nearer than the last taken on the right.
    """
    size = others.size
    middle = (size + 1) // 2

    def left(place: Integers) -> Floats:
        return median - others.at(middle - 1 - place)

    def right(place: Integers) -> Floats:
        return others.at(middle + place) - median

    low = np.maximum(rank - (size - middle), 0)
    high = np.minimum(rank, middle)
    for _ in range(int(size.max(initial=0)).bit_length()):
        half = (low + high) // 2
        is_open = low < high
        is_nearer = left(half) < right(rank - half - 1)
        low = np.where(is_open & is_nearer, half + 1, low)
        high = np.where(is_open & ~is_nearer, half, high)
    return np.fmin(left(low), right(rank - low))
