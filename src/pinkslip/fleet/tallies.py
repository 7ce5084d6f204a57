"""Successes and failures since the evidence began, told apart by who reported them and whose fault they were.

Few enough cells to keep them always, for every agent and every lineage: any filter is a sum over some of them,
exact at once, however late it is asked.
"""

from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from pinkslip.fleet.outcomes import FAULT_OF_KIND, IS_FAILURE, IS_SUCCESS, SOURCE_OF_KIND, Kinds
from pinkslip.fleet.slots import Places
from pinkslip.fleet.snapshot import Integers
from pinkslip.model.policy import Filter
from pinkslip.model.words import Fault, Source

_OF_SOURCE = 1 + len(Fault)
"""Cells of one source: successes, then failures by fault."""
CELLS = len(Source) * _OF_SOURCE
NEITHER = -1

CELL_OF_KIND = np.where(
    IS_SUCCESS > 0,
    SOURCE_OF_KIND * _OF_SOURCE,
    np.where(IS_FAILURE > 0, SOURCE_OF_KIND * _OF_SOURCE + 1 + FAULT_OF_KIND, NEITHER),
)
"""What was cancelled by the user is neither success nor failure."""


class Tallies:
    """One row of counts for each subject. A cell nobody uses takes no memory."""

    def __init__(self, capacity: int) -> None:
        self._counts: Integers = np.zeros((CELLS, capacity), np.int64)
        self._used = np.zeros(CELLS, np.bool_)

    def add(self, subjects: Places, kinds: Kinds) -> None:
        """Outcomes, each of its subject."""
        cells = CELL_OF_KIND[kinds]
        counted = np.flatnonzero(cells >= 0)
        if len(counted) < len(cells):
            cells, subjects = cells[counted], subjects[counted]
        np.add.at(self._counts.reshape(-1), cells * self._counts.shape[1] + subjects, 1)
        self._used[cells] = True

    def clear(self, subjects: Places) -> None:
        """Start over for these."""
        for cell in np.flatnonzero(self._used):
            self._counts[cell, subjects] = 0

    def grow(self, capacity: int) -> None:
        """Room for more subjects."""
        longer: Integers = np.zeros((CELLS, capacity), np.int64)
        for cell in np.flatnonzero(self._used):  # copying the others would give them memory
            longer[cell, : self._counts.shape[1]] = self._counts[cell]
        self._counts = longer

    def of(self, outcomes: Filter, where: Places | slice) -> tuple[Integers, Integers]:
        """Tasks and successes as a filter counts them."""
        successes = self._sum(_successes(outcomes), where)
        return successes + self._sum(_failures(outcomes), where), successes

    def total(self, where: Places | slice) -> Integers:
        """All there are."""
        return self._sum(tuple(range(CELLS)), where)

    def pairs(self, subjects: Places) -> list[list[int]]:
        """Of each subject, cell and count of whatever is not zero, one after the other."""
        pages: list[list[int]] = [[] for _ in subjects]
        for cell in np.flatnonzero(self._used).tolist():
            counts = self._counts[cell, subjects]
            for place in np.flatnonzero(counts).tolist():
                pages[place] += (cell, int(counts[place]))
        return pages

    def restore(self, subjects: Places, pages: Iterable[Sequence[int]]) -> None:
        """As `pairs` gave them."""
        found = [
            (page[place], subject, page[place + 1])
            for subject, page in zip(subjects.tolist(), pages, strict=True)
            for place in range(0, len(page), 2)
        ]
        if found:
            cells, places, counts = (
                np.array(column, np.int64) for column in zip(*found, strict=True)
            )
            self._counts[cells, places] = counts
            self._used[cells] = True

    def _sum(self, cells: Iterable[int], where: Places | slice) -> Integers:
        wanted = [cell for cell in cells if self._used[cell]]
        total: Integers = np.zeros(len(self._counts[0, where]), np.int64)
        for cell in wanted:
            total += self._counts[cell, where]
        return total


@cache
def _successes(outcomes: Filter) -> tuple[int, ...]:
    return tuple(code * _OF_SOURCE for code in _codes(outcomes))


@cache
def _failures(outcomes: Filter) -> tuple[int, ...]:
    return tuple(
        code * _OF_SOURCE + 1 + fault
        for code in _codes(outcomes)
        for fault, word in enumerate(Fault)
        if word in outcomes.faults
    )


def _codes(outcomes: Filter) -> list[int]:
    return [code for code, source in enumerate(Source) if source in outcomes.sources]
