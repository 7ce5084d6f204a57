"""Clocks to hand in: the real one, and one that goes where a test tells it."""

import time


class RealClock:
    """The machine's."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000


class ManualClock:
    """Stands still until told. Wall and stopwatch move together, unless told otherwise."""

    def __init__(self, wall_ms: int = 1_800_000_000_000, monotonic_ms: int = 5_000) -> None:
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms

    def wall_ms(self) -> int:
        return self._wall_ms

    def monotonic_ms(self) -> int:
        return self._monotonic_ms

    def advance(self, span_ms: int) -> None:
        self._wall_ms += span_ms
        self._monotonic_ms += span_ms

    def jump_wall(self, span_ms: int) -> None:
        self._wall_ms += span_ms
