"""What a reporter knows and what it says: state, buffer and protocol, without threads of its own or I/O.

Both reporters share it. Every method is safe to call from any thread and never blocks for long.
"""

import json
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from pinkslip.client.wire import Answer

logger = logging.getLogger("pinkslip.client")

BATCH_MAX = 500
BATCH_BYTES_MAX = 512 * 1024
PAUSE_S_MAX = 86_400.0


@dataclass(frozen=True, slots=True)
class Order:
    """What the service tells the agent to do."""

    type: str
    """`stop` or `pause`; others come with later services and are handed to `on_order` alone."""
    reason: str | None = None
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the outcomes so far."""

    buffered: int
    dropped: int
    """Oldest ones that had to go because the buffer was full."""
    refused: int
    """Ones the service will never take."""
    delivered: int


class Core:
    """One agent's side of the protocol."""

    def __init__(
        self,
        agent_id: str,
        *,
        identity: Mapping[str, object],
        interval_s: float,
        buffer_max: int,
    ) -> None:
        self.agent_id = agent_id
        self.interval_s = interval_s
        self._identity = {key: value for key, value in identity.items() if value is not None}
        self._buffer_max = buffer_max
        self._lock = threading.Lock()
        self.boot_id = secrets.token_hex(16)
        self._seq = 0
        self._tasks: dict[object, str | None] = {}
        self._waiting = 0
        self._is_failing = False
        self._last_error: str | None = None
        self._progress: float | None = None
        self._context_used: float | None = None
        self._buffer: OrderedDict[str, bytes] = OrderedDict()
        self._dropped = self._refused = self._delivered = 0
        self._batch_max = BATCH_MAX
        self._stop: Order | None = None
        self._pause: Order | None = None
        self._pause_ends_s = 0.0
        """By the stopwatch."""
        self._news = threading.Condition(self._lock)
        """That a pause is over, or that the agent is fired."""

    # what the agent does

    @property
    def stop(self) -> Order | None:
        """The order to stop, once it has come. It is never taken back."""
        return self._stop

    @property
    def pause(self) -> Order | None:
        """The order to take no more work for now, while it stands."""
        with self._lock:
            return self._pause if time.monotonic() < self._pause_ends_s else None

    def wait_resumed(self, limit_s: float) -> bool:
        """Wait until no pause stands or the agent is fired; False when that took longer than `limit_s`."""
        ends_s = time.monotonic() + limit_s
        with self._news:
            while self._pause is not None and self._stop is None:
                left_s = min(self._pause_ends_s, ends_s) - time.monotonic()
                if left_s <= 0:
                    return time.monotonic() >= self._pause_ends_s
                self._news.wait(left_s)
        return True

    @property
    def counts(self) -> Counts:
        """What became of the outcomes."""
        with self._lock:
            return Counts(len(self._buffer), self._dropped, self._refused, self._delivered)

    def task_began(self, key: object, current_task: str | None) -> None:
        """WORKING from now on, on this."""
        with self._lock:
            self._tasks[key] = current_task
            self._is_failing = False

    def task_ended(self, key: object) -> None:
        """WORKING on what else is open, or IDLE."""
        with self._lock:
            self._tasks.pop(key, None)

    def wait_began(self) -> None:
        """WAITING for a person from now on, whatever else is open."""
        with self._lock:
            self._waiting += 1

    def wait_ended(self) -> None:
        """As before the wait."""
        with self._lock:
            self._waiting = max(0, self._waiting - 1)

    def failed(self, error: str | None) -> None:
        """ERROR until the next task begins, or `recovered`."""
        with self._lock:
            self._is_failing = True
            self._last_error = error

    def recovered(self) -> None:
        """No longer in ERROR."""
        with self._lock:
            self._is_failing = False

    def progressed(self, progress: float) -> None:
        """A number that changes as work goes on."""
        self._progress = progress

    def context_filled(self, share: float) -> None:
        """How much of the context window is used."""
        self._context_used = share

    # what it says

    def heartbeat(self) -> bytes:
        """A heartbeat as things stand. Each one made has the next number of this boot."""
        with self._lock:
            self._seq += 1
            body: dict[str, object] = {
                **self._identity,
                "status": self._status(),
                "currentTask": self._current_task(),
                "interval": self.interval_s,
                "bootId": self.boot_id,
                "seq": self._seq,
                "sentAt": instant(),
            }
            if self._progress is not None:
                body["progress"] = self._progress
            if self._context_used is not None:
                body["contextUsed"] = self._context_used
            if self._last_error is not None:
                body["lastError"] = self._last_error
        return _encoded(body)

    def finish(self, context: str | None) -> bytes:
        """The last word."""
        return _encoded({"context": context, "bootId": self.boot_id})

    def path(self, act: str) -> str:
        """`/api/agents/{id}/{act}`."""
        return f"/api/agents/{quote(self.agent_id, safe='')}/{act}"

    def _status(self) -> str:
        if self._waiting:
            return "WAITING"
        if self._is_failing:
            return "ERROR"
        return "WORKING" if self._tasks else "IDLE"

    def _current_task(self) -> str | None:
        return next(reversed(self._tasks.values()), None) if self._tasks else None

    def disown(self) -> None:
        """Forget everything: another process is this agent. A lock held elsewhere stays behind."""
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._pause = None
        self._buffer = OrderedDict()
        self._tasks = {}
        self._waiting = 0

    # outcomes

    def add_outcome(self, event_id: str, outcome: Mapping[str, object]) -> None:
        """Keep an outcome until it is durable; the oldest goes when there is no room."""
        event = {key: value for key, value in outcome.items() if value is not None}
        event |= {"type": "outcome", "agentId": self.agent_id, "eventId": event_id}
        encoded = _encoded(event)
        with self._lock:
            self._buffer[event_id] = encoded
            if len(self._buffer) <= self._buffer_max:
                return
            self._buffer.popitem(last=False)
            self._dropped += 1
            dropped = self._dropped
        if dropped.bit_count() == 1:  # the first, and then ever more seldom
            logger.warning("the buffer is full: %d outcomes dropped so far", dropped)

    def batch(self) -> tuple[list[str], bytes]:
        """The oldest outcomes as one request. They stay kept until `settle`."""
        ids: list[str] = []
        bodies: list[bytes] = []
        size = 0
        with self._lock:
            for event_id, body in self._buffer.items():
                size += len(body) + 1
                if ids and (len(ids) >= self._batch_max or size > BATCH_BYTES_MAX):
                    break
                ids.append(event_id)
                bodies.append(body)
        return ids, b"[" + b",".join(bodies) + b"]"

    def settle(self, ids: list[str], answer: Answer) -> bool:
        """Let go of what the service took or will never take. False: try again later."""
        if answer.is_taken:
            results = answer.body.get("results")
            if not isinstance(results, list):
                return False
            for event_id, result in zip(ids, results, strict=False):
                if isinstance(result, dict):
                    self._settle_one(event_id, result)
            with self._lock:
                self._batch_max = BATCH_MAX
                return not any(event_id in self._buffer for event_id in ids)
        if answer.status not in (400, 413, 422):
            return False
        return self._narrow(ids, answer)

    def _settle_one(self, event_id: str, result: Mapping[str, object]) -> None:
        status = result.get("status")
        if not isinstance(status, int) or status >= 500:
            return
        with self._lock:
            self._buffer.pop(event_id, None)
            if status < 300:
                self._delivered += 1
                return
            self._refused += 1
        logger.error("outcome %s is refused: %s", event_id, result.get("problem"))

    def _narrow(self, ids: list[str], answer: Answer) -> bool:
        """A batch refused as a whole: halve it until the one that cannot be read is alone, and drop that."""
        with self._lock:
            if len(ids) > 1:
                self._batch_max = max(1, len(ids) // 2)
                return True
            for event_id in ids:
                self._buffer.pop(event_id, None)
                self._refused += 1
        logger.error("an outcome is refused: %s", answer.detail)
        return True

    def orders(self, answer: Answer) -> list[Order]:
        """The orders in an answer, those for single events of a batch included, each once."""
        found = list(_orders(answer.body.get("orders")))
        results = answer.body.get("results")
        for result in results if isinstance(results, list) else ():
            if isinstance(result, dict):
                problem = result.get("problem")
                found += _orders(result.get("orders"))
                found += _orders(problem.get("orders") if isinstance(problem, dict) else None)
        if answer.status == 409 and answer.body.get("code") == "fired":
            found.append(Order("stop", answer.detail))
        return list(dict.fromkeys(found))

    def obey(self, order: Order) -> bool:
        """Note an order to stop. True when it is the first."""
        with self._news:
            if order.type != "stop" or self._stop is not None:
                return False
            self._stop = order
            self._news.notify_all()
            return True

    def paused_by(self, answer: Answer) -> Order | None:
        """Take over what the answer to a heartbeat says of a pause. The order, when it was not known before."""
        order = next(
            (each for each in _orders(answer.body.get("orders")) if each.type == "pause"), None
        )
        with self._news:
            before, self._pause = self._pause, order
            if order is None:
                self._news.notify_all()
                return None
            self._pause_ends_s = time.monotonic() + _seconds_until(order.until)
            return None if order == before else order


def instant() -> str:
    """Now, by the agent's own clock, as RFC 3339."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


def _seconds_until(until: str | None) -> float:
    """By the agent's own clock; each heartbeat's answer corrects it. A pause without an end that can be read
    lasts until an answer no longer speaks of it, a day at the most."""
    try:
        left = datetime.fromisoformat(until or "") - datetime.now(UTC)
    except (ValueError, TypeError):
        return PAUSE_S_MAX
    return min(max(left.total_seconds(), 0.0), PAUSE_S_MAX)


def _orders(value: object) -> Iterable[Order]:
    for order in value if isinstance(value, list) else ():
        if isinstance(order, dict) and isinstance(order.get("type"), str):
            yield Order(order["type"], _word(order.get("reason")), _word(order.get("until")))


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _encoded(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
