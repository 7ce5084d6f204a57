"""Where rooms that ignore each other meet. Wired in `app`."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol, TypeVar

from msgspec import Struct

from pinkslip.model.events import Report
from pinkslip.model.facts import Batch, Mark
from pinkslip.model.words import Standing, Status

T = TypeVar("T")


class Clock(Protocol):
    """The wall and the stopwatch. `app` owns the real one; tests and the simulator hand in theirs."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970 by the wall clock, which may jump."""
        ...

    def monotonic_ms(self) -> int:
        """Milliseconds by a clock that never jumps."""
        ...


class Order(Struct, frozen=True):
    """What an agent is told in an answer. Times are journal ms."""

    type: str
    """stop; pause and abort come later."""
    reason: str | None = None
    until: int | None = None


class Receipt(Struct, frozen=True, gc=False):
    """What became of one report, once it is durable."""

    verdict: str
    """accepted, duplicate, conflict, ignored (an older seq), refused (a new boot under a fired id), invalid."""
    seq: int
    """The journal number that covers it; answers wait for a fleet that has folded it."""
    status: Status
    standing: Standing
    orders: tuple[Order, ...] = ()
    interval_ms: int | None = None
    """What the agent declared; None: the setting is assumed."""
    event_id: str | None = None
    detail: str = ""
    """What is missing, or why it was refused."""


class Journal(Protocol):
    """The one way in. Futures complete after COMMIT, or fail with `errors.Unavailable`."""

    def report(self, reports: Sequence[Report]) -> "Future[list[Receipt]]":
        """Queue reports; one receipt each, in order. Unavailable at once when the queue is full."""
        ...

    def mark(self, workspace_id: int) -> "Future[Mark]":
        """Allot a tick its instant and its place, after everything queued before."""
        ...

    @property
    def answered(self) -> int:
        """The newest seq any caller has been told is durable."""
        ...


Follower = Callable[[Batch | Mark], None]
"""Called on the writer thread after each COMMIT, in order. Must only enqueue."""
