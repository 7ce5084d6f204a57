"""The clock. Everybody else is handed an instant, or this."""

import time


class SystemClock:
    """The machine's wall clock and its stopwatch."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970; jumps when somebody sets the clock."""
        return time.time_ns() // 1_000_000

    def monotonic_ms(self) -> int:
        """Milliseconds since some moment; never jumps."""
        return time.monotonic_ns() // 1_000_000
