"""When we did not see: spells of blind time, taken off every age."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pinkslip.fleet.snapshot import Integers


@dataclass(frozen=True, slots=True)
class _Merged:
    """Spells in order, none overlapping, as arrays."""

    starts: Integers
    ends: Integers
    before: Integers
    """Blind milliseconds before each."""

    @classmethod
    def of(cls, starts: Sequence[int], ends: Sequence[int]) -> "_Merged":
        first, last = np.array(starts, np.int64), np.array(ends, np.int64)
        before = np.concatenate([[0], np.cumsum(last - first)[:-1]]).astype(np.int64)
        return cls(first, last, before)

    def until(self, then: Integers) -> Integers:
        """Blind milliseconds before each instant."""
        if not len(self.starts):
            return np.zeros(len(then), np.int64)
        index = np.searchsorted(self.starts, then, side="right") - 1
        inside = np.minimum(then, self.ends[index]) - self.starts[index]
        blind: Integers = np.where(index < 0, 0, self.before[index] + inside)
        return blind


class Spells:
    """Blind spells, merged and in order. Journal ms."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._noted_at = -1
        self._rebuild()
        self._former = self._merged

    def add(self, start: int, end: int, *, noted_at: int | None = None) -> None:
        """We were blind from `start` to `end`, as was noted at an instant, its end where none is given; overlaps
        with what is known are counted once."""
        if end <= start:
            return
        noted_at = end if noted_at is None else noted_at
        if noted_at != self._noted_at:
            self._noted_at, self._former = noted_at, self._merged
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
        before = int(self._merged.before[index])
        return before + min(then, self._ends[index]) - self._starts[index]

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
            ages[affected] -= np.maximum(
                self.until(now) - self._merged.until(since[affected]), 0
            )
        return ages

    def known_between(self, starts: Integers, ends: Integers) -> Integers:
        """Blind milliseconds between pairs of instants, by what had been noted before each second one."""
        blind = np.zeros(len(starts), np.int64)
        touched = np.flatnonzero(starts < (self._ends[-1] if self._ends else 0))
        if len(touched):
            starts, ends = starts[touched], ends[touched]
            now = self._merged.until(ends) - self._merged.until(starts)
            then = self._former.until(ends) - self._former.until(starts)
            blind[touched] = np.where(ends > self._noted_at, now, then)
        return blind

    def _rebuild(self) -> None:
        self._merged = _Merged.of(self._starts, self._ends)
