"""Carries what a reporter says to the service: heartbeats on time, outcomes until they are durable.

Two daemon threads, each with its own connection: one beats, one sends outcomes, so that neither holds the
other up. A heartbeat that fails is not sent again; the next one says how things are then.
"""

import logging
import threading
import time
from collections.abc import Callable

from pinkslip.client.core import Core
from pinkslip.client.ids import EventIds
from pinkslip.client.wire import Answer, Backoff, Unreachable, Wire

logger = logging.getLogger("pinkslip.client")

BEATS_APART_S = 1.0
"""A change of status is told at once, but not more often than this."""
CLOSING_PAUSE_S = 0.2
FLUSH_SHARE = 0.5
BEAT_SHARE = 0.2
"""Of the time for closing, so much is for outcomes and for a beat under way; the rest for the last word."""


class Courier:
    """One agent's connection to the service. `heed` is called with every answer, on the threads here, and
    `heard` with the answers to heartbeats that were taken."""

    def __init__(
        self,
        core: Core,
        make_wire: Callable[[], Wire],
        *,
        url: str,
        heed: Callable[[Answer], None],
        heard: Callable[[Answer], None],
    ) -> None:
        self._core = core
        self._beat_wire, self._outcome_wire, self._last_wire = (make_wire() for _ in range(3))
        self._url = url
        self._heed = heed
        self._heard = heard
        self._ids = EventIds()
        self._untaken: set[str] = set()
        """What the service does not take at present: heartbeats, outcomes."""
        self._why = ""
        """Why the last request had no answer."""
        self._is_detached = False
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._closing_at = 0.0
        self._closed = threading.Event()
        self._beat_now = threading.Event()
        self._send_now = threading.Event()
        self._sender = daemon(self._send_on, "pinkslip-outcomes")
        self._beater = daemon(self._beat_on, "pinkslip-heartbeat")

    def start(self) -> None:
        """Begin; the first heartbeat goes out at once. Its answer may say stop: nothing is closed half begun."""
        with self._lock:
            self._beater.start()
            self._sender.start()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken for sending."""
        return self._closing.is_set() or self._is_detached

    def beat_soon(self) -> None:
        """Something changed that should be seen before the next heartbeat is due."""
        self._beat_now.set()

    def keep(self, outcome: dict[str, object], *, event_id: str | None = None) -> None:
        """Send an outcome, now or whenever the service takes it."""
        if self.is_over:
            if self._core.stop is None and not self._is_detached:
                logger.warning("%s: closed; an outcome is not reported", self._core.agent_id)
            return
        self._core.add_outcome(event_id or self._ids.make(), outcome)
        self._send_now.set()

    # closing

    def finish(self, context: str | None, *, limit_s: float) -> bool:
        """Flush, and say that the agent ended as planned. False when something else closed before."""
        body = self._core.finish(context)
        return self._close(lambda: (self._core.path("finish"), body), limit_s)

    def crash(self, *, limit_s: float) -> bool:
        """Flush, and beat once more with what went wrong. False when something else closed before."""
        return self._close(
            lambda: (self._core.path("heartbeat"), self._core.heartbeat()), limit_s
        )

    def detach(self) -> None:
        """In a forked child: no threads, perhaps a held lock, and an agent that is the parent's to report."""
        self._is_detached = True
        self._lock = threading.Lock()
        self._core.disown()

    def _close(self, last_word: Callable[[], tuple[str, bytes]], limit_s: float) -> bool:
        if not self._is_first_to_close(limit_s):
            self._closed.wait(0 if self._is_detached else limit_s)
            return False
        self._beat_now.set()
        self._send_now.set()
        self._sender.join(limit_s * FLUSH_SHARE)
        self._beater.join(
            limit_s * BEAT_SHARE
        )  # a beat under way must not come after the last word
        left_s = max(self._closing_at - time.monotonic(), 0.2)
        try:
            path, body = last_word()
            self._last_wire.post(path, body, timeout_s=left_s / 2)  # to connect, and to read
        except Unreachable as error:
            logger.warning("%s: the last word was not heard: %s", self._core.agent_id, error)
        finally:
            self._last_wire.close()
            self._closed.set()
        if kept := self._core.counts.buffered:
            logger.warning("%s: %d outcomes were not delivered", self._core.agent_id, kept)
        return True

    def _is_first_to_close(self, limit_s: float) -> bool:
        with self._lock:
            if self.is_over:
                return False
            self._closing_at = time.monotonic() + limit_s
            self._closing.set()
            return True

    # outcomes

    def _send_on(self) -> None:
        backoff = Backoff()
        while not self._closing.is_set():
            self._send_now.wait()
            self._send_now.clear()
            while self._core.counts.buffered and self._has_time():
                self._pause(self._send_batch(backoff))
        self._outcome_wire.close()

    def _has_time(self) -> bool:
        return not self._closing.is_set() or time.monotonic() < self._closing_at

    def _pause(self, wait_s: float) -> None:
        """Wait before the next try; while closing, there is little time and tries are quick."""
        if wait_s and self._closing.wait(wait_s):
            time.sleep(min(wait_s, CLOSING_PAUSE_S))

    def _send_batch(self, backoff: Backoff) -> float:
        """Seconds to wait before the next batch; 0 when there is nothing to wait for."""
        ids, body = self._core.batch()
        left_s = self._closing_at - time.monotonic()
        timeout_s = max(left_s, 0.2) / 2 if self._closing.is_set() else None
        answer = self._post(self._outcome_wire, "/api/events", body, timeout_s=timeout_s)
        if answer is not None and self._core.settle(ids, answer):
            backoff.succeeded()
            self._taken("outcomes")
            return 0.0
        return self._refused("outcomes", answer, backoff)

    # heartbeats

    def _beat_on(self) -> None:
        backoff = Backoff(first_s=1.0, most_s=max(1.0, self._core.interval_s))
        while not self.is_over and self._core.stop is None:
            self._beat_now.clear()
            began = time.monotonic()
            wait_s = self._beat(backoff)
            if self._beat_now.wait(max(0.0, began + wait_s - time.monotonic())):
                self._closing.wait(max(0.0, began + BEATS_APART_S - time.monotonic()))
        self._beat_wire.close()

    def _beat(self, backoff: Backoff) -> float:
        """Seconds until the next one."""
        path = self._core.path("heartbeat")
        answer = self._post(self._beat_wire, path, self._core.heartbeat())
        if answer is not None and answer.is_taken:
            backoff.succeeded()
            self._taken("heartbeats")
            self._heard(answer)
            return self._core.interval_s
        return min(self._core.interval_s, self._refused("heartbeats", answer, backoff))

    # both

    def _post(
        self, wire: Wire, path: str, body: bytes, *, timeout_s: float | None = None
    ) -> Answer | None:
        """The answer, its orders heeded; None when there is none."""
        try:
            answer = wire.post(path, body, timeout_s=timeout_s)
            self._heed(answer)
        except Unreachable as error:
            self._why = str(error)
            return None
        except Exception as error:  # one request is no reason to stop reporting
            logger.exception("%s: a request to %s failed", self._core.agent_id, self._url)
            self._why = type(error).__name__
            return None
        return answer

    def _refused(self, what: str, answer: Answer | None, backoff: Backoff) -> float:
        """Seconds to wait. Said once, until the service takes it again."""
        why = f"{answer.status} {answer.detail}" if answer is not None else self._why
        if what not in self._untaken and not self.is_over:
            self._untaken.add(what)
            logger.warning("%s: %s takes no %s: %s", self._core.agent_id, self._url, what, why)
        asked_s = answer.retry_after_s if answer is not None else None
        return max(backoff.failed(), asked_s or 0.0)

    def _taken(self, what: str) -> None:
        if what in self._untaken:
            self._untaken.discard(what)
            logger.info("%s: %s takes %s again", self._core.agent_id, self._url, what)


def daemon(work: Callable[[], None], name: str) -> threading.Thread:
    """A thread that does not keep the process alive. Not yet started."""
    return threading.Thread(target=work, name=name, daemon=True)
