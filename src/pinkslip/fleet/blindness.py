"""When we did not see: spells of blind time, taken off every age."""

from bisect import bisect_left, bisect_right

import numpy as np

from pinkslip.fleet.snapshot import Integers


class Spells:
    """Blind spells, merged and in order. Journal ms."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._rebuild()

    def add(self, start: int, end: int) -> None:
        """We were blind from `start` to `end`; overlaps with what is known are counted once."""
        if end <= start:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]
        self._rebuild()

    @property
    def newest_end(self) -> int | None:
        """When the newest spell ended; None: we were never blind."""
        return self._ends[-1] if self._ends else None

    def spells(self) -> list[tuple[int, int]]:
        """Start and end of each, oldest first."""
        return list(zip(self._starts, self._ends, strict=True))

    def until(self, then: int) -> int:
        """Blind milliseconds before `then`."""
        index = bisect_right(self._starts, then) - 1
        if index < 0:
            return 0
        return int(self._before[index]) + min(then, self._ends[index]) - self._starts[index]

    def between(self, start: int, end: int) -> int:
        """Blind milliseconds in [start, end]."""
        return max(0, self.until(end) - self.until(start))

    def ages(self, since: Integers, now: int) -> Integers:
        """Milliseconds from each instant to `now`, blind time taken off. An instant yet to come has age 0."""
        ages = now - since
        np.maximum(ages, 0, out=ages)
        if not self._ends:
            return ages
        affected = np.flatnonzero(since < self._ends[-1])
        if len(affected):
            ages[affected] -= np.maximum(self.until(now) - self._until_each(since[affected]), 0)
        return ages

    def _until_each(self, then: Integers) -> Integers:
        index = np.searchsorted(self._starts_array, then, side="right") - 1
        inside = np.minimum(then, self._ends_array[index]) - self._starts_array[index]
        blind: Integers = np.where(index < 0, 0, self._before[index] + inside)
        return blind

    def _rebuild(self) -> None:
        self._starts_array = np.array(self._starts, np.int64)
        self._ends_array = np.array(self._ends, np.int64)
        lengths = self._ends_array - self._starts_array
        self._before = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
