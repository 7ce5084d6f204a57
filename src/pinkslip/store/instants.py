"""Journal time: an anchor plus the monotonic clock, in milliseconds, never decreasing.

The wall clock is looked at once, for the anchor, and then only watched: when the two part, the recorded
offset moves and journal time does not.
"""

from pinkslip.model.ports import Clock

PARTING_MS = 2_000


class Instants:
    """Gives out journal time. Used by the writer thread only."""

    def __init__(self, clock: Clock, *, after: int) -> None:
        """`after`: the newest journal time there is."""
        self._clock = clock
        self._wall = clock.wall_ms()
        self._monotonic = clock.monotonic_ms()
        self._anchor = max(self._wall, after + 1)
        self._floor = self._anchor
        offset = self._wall - self._anchor
        self.wall_offset_ms = offset if abs(offset) > PARTING_MS else 0
        """Wall clock less journal time, as last recorded. What is less than a parting is none: to begin just
        after the newest row moves no instant that was told before."""

    def now(self) -> int:
        """The present instant, never before one given out already."""
        moment = self._anchor + self._clock.monotonic_ms() - self._monotonic
        self._floor = max(moment, self._floor)
        return self._floor

    def peek(self) -> int:
        """The present instant, without giving it out. From any thread."""
        return max(self._floor, self._anchor + self._clock.monotonic_ms() - self._monotonic)

    def mark(self) -> int:
        """The present instant; every later one is greater."""
        now = self.now()
        self._floor = now + 1
        return now

    def parting(self) -> int | None:
        """The new offset, when wall and journal time have parted by more than two seconds; else None."""
        offset = self._clock.wall_ms() - (
            self._anchor + self._clock.monotonic_ms() - self._monotonic
        )
        return offset if abs(offset - self.wall_offset_ms) > PARTING_MS else None
