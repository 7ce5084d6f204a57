"""`peers`: what is usual in an agent's pool, the agent itself left out.

The median of the others. Who is left out cannot hide among them, and half of a pool has to go bad before the
median does. One sort of the fleet answers for everybody: leaving one out only moves the middle by a place.
"""

from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Floats, Integers
from pinkslip.judge.view import Bools

OTHERS_MIN = 3
"""With fewer others there is nothing usual."""


@dataclass(frozen=True, slots=True)
class Ranks:
    """The known values of a fleet's members, pool by pool, each pool's ascending."""

    values: Floats
    first: Integers
    """Per pool: where its values begin."""
    size: Integers
    """Per pool."""
    pools: Integers
    """Per agent."""
    place: Integers
    """Per agent: its own value's place in `values`; -1 where it is not among them."""

    def others(self, agents: Integers) -> "Others":
        """Everybody else in the pools of `agents`."""
        pool, place = self.pools[agents], self.place[agents]
        is_among = place >= 0
        first = self.first[pool]
        return Others(
            self.values,
            first,
            size=self.size[pool] - is_among,
            left_out=np.where(is_among, place - first, len(self.values)),
        )


@dataclass(frozen=True, slots=True)
class Others:
    """For each agent asked, the values of its pool without its own, ascending."""

    values: Floats
    first: Integers
    size: Integers
    left_out: Integers
    """Which of its pool's values is its own; beyond the last where none is."""

    def at(self, place: Integers) -> Floats:
        """The value at a place, from 0; NaN beyond the ends."""
        within = (place >= 0) & (place < self.size)
        where = np.where(within, self.first + place + (place >= self.left_out), 0)
        found = np.full(len(place), np.nan)
        found[within] = self.values[where[within]]
        return found

    def median(self) -> Floats:
        """The middle one, or the mean of the two; NaN where there are none."""
        return (self.at((self.size - 1) // 2) + self.at(self.size // 2)) / 2.0


def ranked(values: Floats, pools: Integers, members: Bools, *, count: int) -> Ranks:
    """Sort the members whose value is known into their `count` pools (codes in `pools`)."""
    known = np.flatnonzero(members & ~np.isnan(values))
    # equal values may stand in any order: it is the same which of them is left out
    by_value = known[np.argsort(values[known])]
    order = by_value[np.argsort(_short(pools[by_value], count), kind="stable")]
    size = np.bincount(pools[known], minlength=count)
    place = np.full(len(values), -1, dtype=np.int64)
    place[order] = np.arange(len(order))
    return Ranks(values[order], np.cumsum(size) - size, size, pools, place)


def usual(ranks: Ranks, agents: Integers) -> Floats:
    """The median of the others in the pool of each of `agents`; unknown with fewer than three."""
    others = ranks.others(agents)
    return np.where(others.size >= OTHERS_MIN, others.median(), np.nan)


def _short(codes: Integers, count: int) -> np.ndarray[tuple[int], np.dtype[np.unsignedinteger]]:
    """Numbers of 16 bits are sorted by counting, an order of magnitude faster."""
    return codes.astype(np.uint16 if count <= 1 << 16 else np.uint64)
