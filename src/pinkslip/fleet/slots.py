"""Which row of the columns an agent has. Rows of agents that left are used again.

Agent numbers only ever grow, and short-lived agents use up millions of them; so the map from number to row
is cut into pages, and only pages with somebody on them exist.
"""

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.snapshot import Integers

Places = NDArray[np.intp]

_BITS = 12
_PAGE = 1 << _BITS
_NOBODY = 0
"""The page that stands for every page that does not exist."""


class Slots:
    """Agent numbers to slots, one at a time or many at once."""

    def __init__(self) -> None:
        self.size = 0
        """One past the highest slot ever used; free slots below it are reused first."""
        self._free: list[int] = []
        self._pages = np.full((1, _PAGE), -1, np.int32)
        self._living_on = [0]
        self._free_pages: list[int] = []
        # the last place always says nobody: numbers beyond the map are clipped to it
        self._page_of = np.zeros(1, np.int32)

    def __len__(self) -> int:
        return self.size - len(self._free)

    def of(self, numbers: Integers) -> Places:
        """The slot of each number, -1 where nobody in memory has it."""
        pages = self._page_of.take(numbers >> _BITS, mode="clip")
        slots: Places = self._pages[pages, numbers & (_PAGE - 1)].astype(np.intp)
        return slots

    def get(self, number: int) -> int | None:
        """The slot of one number."""
        block = number >> _BITS
        if block >= len(self._page_of):
            return None
        slot = int(self._pages[self._page_of[block], number & (_PAGE - 1)])
        return slot if slot >= 0 else None

    def take(self, number: int) -> int:
        """Give `number` a slot."""
        if self._free:
            slot = self._free.pop()
        else:
            slot, self.size = self.size, self.size + 1
        page = self._page(number >> _BITS)
        self._pages[page, number & (_PAGE - 1)] = slot
        self._living_on[page] += 1
        return slot

    def release(self, number: int) -> int:
        """Nobody has `number` any more; returns the slot it had."""
        block = number >> _BITS
        page = int(self._page_of[block])
        slot = int(self._pages[page, number & (_PAGE - 1)])
        self._pages[page, number & (_PAGE - 1)] = -1
        self._living_on[page] -= 1
        if not self._living_on[page]:
            self._page_of[block] = _NOBODY
            self._free_pages.append(page)
        self._free.append(slot)
        return slot

    def _page(self, block: int) -> int:
        if block >= len(self._page_of) - 1:
            longer = np.zeros(max(block + 2, 2 * len(self._page_of)), np.int32)
            longer[: len(self._page_of)] = self._page_of
            self._page_of = longer
        if self._page_of[block] == _NOBODY:
            self._page_of[block] = self._new_page()
        return int(self._page_of[block])

    def _new_page(self) -> int:
        if not self._free_pages:
            have = len(self._pages)
            self._pages = np.concatenate([self._pages, np.full((have, _PAGE), -1, np.int32)])
            self._living_on += [0] * have
            self._free_pages = list(range(2 * have - 1, have - 1, -1))
        return self._free_pages.pop()
