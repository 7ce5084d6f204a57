"""Where agents stand in the page's columns, and how columns follow when agents come and go.

Who stays keeps the place, a leaver's place is taken by a newcomer or by the last one: one coming or going
disturbs one or two blocks of the page and not all after it.
"""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Integers

Scalar = TypeVar("Scalar", np.int64, np.object_)

NOWHERE = -1
"""Where a newcomer stood before."""


class Places:
    """Which agent stands where. Places are always 0..n-1, without a hole."""

    def __init__(self) -> None:
        self.numbers: Integers = np.empty(0, np.int64)
        """The agent number at every place."""
        self._wanted: Integers = self.numbers
        self._order: Integers = self.numbers
        """Places sorted by agent number."""
        self.index: Integers = self.numbers
        """For every place, its agent's index in what was last asked for."""

    def __len__(self) -> int:
        return len(self.numbers)

    def follow(self, wanted: Integers) -> Integers | None:
        """Make room for exactly these agents.

        None when they are the ones there already; otherwise, for every place now, where its agent stood
        before, -1 for a new one.
        """
        if np.array_equal(wanted, self._wanted):
            return None
        self._wanted = wanted
        stays = np.isin(self.numbers, wanted)
        fresh = wanted[~np.isin(wanted, self.numbers)]
        source = np.full(len(wanted), NOWHERE, np.int64)
        kept = np.flatnonzero(stays[: len(wanted)])
        source[kept] = kept
        free = np.flatnonzero(source == NOWHERE)
        movers = np.flatnonzero(stays[len(wanted) :]) + len(wanted)
        source[free[: len(movers)]] = movers
        numbers = np.empty(len(wanted), np.int64)
        old = source != NOWHERE
        numbers[old] = self.numbers[source[old]]
        numbers[free[len(movers) :]] = fresh
        self.numbers = numbers
        self._order = np.argsort(numbers, kind="stable")
        sorter = np.argsort(wanted, kind="stable")
        self.index = sorter[np.searchsorted(wanted, numbers, sorter=sorter)]
        return source

    def of(self, numbers: Integers) -> tuple[Integers, NDArray[np.bool_]]:
        """The place of each agent, and whether it has one."""
        if not len(self) or not len(numbers):
            return np.zeros(len(numbers), np.int64), np.zeros(len(numbers), np.bool_)
        found = np.searchsorted(self.numbers, numbers, sorter=self._order)
        places = self._order[np.minimum(found, len(self) - 1)]
        return places, self.numbers[places] == numbers

    def marked(self, members: frozenset[int]) -> NDArray[np.bool_]:
        """Which places hold one of these agents."""
        mask = np.zeros(len(self), np.bool_)
        places, known = self.of(np.fromiter(members, np.int64, len(members)))
        mask[places[known]] = True
        return mask

    def spread(self, values: Mapping[int, float]) -> NDArray[np.float64]:
        """Each agent's value at its place, 0 for those not named."""
        column = np.zeros(len(self))
        places, known = self.of(np.fromiter(values, np.int64, len(values)))
        given = np.fromiter(values.values(), np.float64, len(values))
        column[places[known]] = given[known]
        return column


def moved(column: NDArray[Scalar], source: Integers) -> NDArray[Scalar]:
    """A column after its agents moved; what stands at new places is for the caller to fill."""
    if not len(column):
        return np.empty((len(source), *column.shape[1:]), column.dtype)
    rearranged: NDArray[Scalar] = column[source]
    return rearranged
