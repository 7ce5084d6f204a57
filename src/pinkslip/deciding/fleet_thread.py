"""The one thread that owns what every agent looks like now.

It folds what was committed, judges at each mark, and answers questions, all from one queue in the order
things were put there. The journal puts a commit's facts there before anybody is told that the commit
happened; so whoever asks after an answer is answered with everything that answer promised.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TypeVar

import structlog

from pinkslip.deciding.seat import Seat
from pinkslip.model.errors import Unavailable
from pinkslip.model.facts import Batch, Mark

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Question:
    work: Callable[[], None]


class FleetThread:
    """Seats by workspace id, and the thread that alone may touch them."""

    def __init__(self, seats: dict[int, Seat]) -> None:
        self._seats = seats
        self._queue: SimpleQueue[Batch | Mark | _Question | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._stopped = False
        for seat in seats.values():
            seat.defer = self._defer

    def start(self) -> None:
        """Begin with whatever already waits."""
        self._thread.start()

    def stop(self) -> None:
        """Fold what is queued, then end. Questions asked later are refused."""
        self._stopped = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()

    def follow(self, item: Batch | Mark) -> None:
        """What the journal calls after each COMMIT, on its own thread."""
        self._queue.put(item)

    def ask(self, workspace_id: int, work: Callable[[Seat], T]) -> "Future[T]":
        """Run `work` on the fleet thread after everything committed so far; it must return a copy."""
        answer: Future[T] = Future()
        if self._stopped:
            answer.set_exception(Unavailable("stopping"))
            return answer
        seat = self._seats[workspace_id]

        def run() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                answer.set_result(work(seat))
            except BaseException as error:  # noqa: BLE001 - a question is a unit of isolation; the asker gets it
                answer.set_exception(error)

        self._queue.put(_Question(run))
        return answer

    def _defer(self, work: Callable[[], None]) -> None:
        self._queue.put(_Question(work))

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            match item:
                case Batch():
                    self._fold(item)
                case Mark():
                    self._seats[item.workspace_id].judge_at(item)
                case _Question():
                    item.work()

    def _fold(self, batch: Batch) -> None:
        if len(self._seats) == 1:
            ((workspace_id, seat),) = self._seats.items()
            facts = [fact for owner, fact in batch.facts if owner == workspace_id]
            seat.fold(facts, seq=batch.seq, at=batch.at)
            return
        for workspace_id, seat in self._seats.items():
            seat.fold(
                [fact for owner, fact in batch.facts if owner == workspace_id],
                seq=batch.seq,
                at=batch.at,
            )
