"""The reporter: what agents import, say and obey.

Nothing here raises into the agent's work but `Fired`, and that only where the agent asks for more work, or in
the main thread once everything else is done (see `ending`).
"""

import atexit
import contextlib
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from types import TracebackType
from typing import ParamSpec, Self

from pinkslip.client import clean
from pinkslip.client.core import PAUSE_S_MAX, Core, Counts, Order
from pinkslip.client.courier import Courier, daemon
from pinkslip.client.ending import EXIT_FIRED, Fired, ending
from pinkslip.client.forks import silence_in_children
from pinkslip.client.tasks import Task, said
from pinkslip.client.wire import Answer, Wire

logger = logging.getLogger("pinkslip.client")

DEFAULT_URL = "http://127.0.0.1:8740"
CALLBACK_S = 5.0
"""How long the last word waits for `on_order`."""
CALLBACK_S_MAX = 30.0
"""How long the end of the process waits for it."""
LAST_WORD_S_MAX = 4.0
"""A fired agent that reports for much longer would pass for a zombie."""

Parameters = ParamSpec("Parameters")


def _harmless(method: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """A report that fails is the reporter's trouble, never the agent's."""

    @wraps(method)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            method(*args, **kwargs)
        except Exception:
            logger.exception("%s failed; the agent goes on", method.__name__)

    return guarded


class Reporter:
    """Reports one agent from one process. Begins when made; ends with `close`, `with`, or the process."""

    def __init__(
        self,
        agent_id: str | None = None,
        *,
        url: str | None = None,
        token: str | None = None,
        name: str | None = None,
        model: str | None = None,
        role: str | None = None,
        host: str | None = None,
        lineage: str | None = None,
        labels: Mapping[str, str] | None = None,
        session_key: str | None = None,
        interval: float = 30.0,
        on_order: Callable[[Order], object] | None = None,
        exit_when_fired: bool = True,
        wait_when_paused: bool = True,
        buffer: int = 10_000,
        timeout: float = 10.0,
        flush: float = 5.0,
    ) -> None:
        """Begin to report.

        `agent_id`, `url` and `token` come from PINKSLIP_AGENT_ID, PINKSLIP_URL and PINKSLIP_TOKEN where not
        given. Times are in seconds: `interval` between heartbeats, `timeout` per request, `flush` at most on
        exit. ValueError for an agent id, address or interval that cannot be used.
        """
        environment = os.environ
        url = url or environment.get("PINKSLIP_URL") or DEFAULT_URL
        token = token or environment.get("PINKSLIP_TOKEN")
        self._core = Core(
            _usable_id(agent_id or environment.get("PINKSLIP_AGENT_ID")),
            identity={
                "name": clean.name(name, 200),
                "model": clean.name(model, 200),
                "role": clean.name(role, 100),
                "host": clean.name(host or _hostname(), 200),
                "lineage": clean.name(lineage, 200),
                "labels": clean.labels(dict(labels or {})),
                "sessionKey": clean.name(session_key, 200),
            },
            interval_s=_usable_interval(interval),
            buffer_max=max(1, buffer),
        )
        self._flush_s = flush
        self._on_order = on_order
        self._waits = wait_when_paused
        self._has_raised = False
        """The main thread knows that the agent is fired."""
        self._callback: threading.Thread | None = None
        self._ends_process = exit_when_fired and ending.install()
        if exit_when_fired and not self._ends_process:
            logger.info("not made in the main thread: if fired, it ends at a safe point only")
        self._courier = Courier(
            self._core,
            partial(Wire, url, token=token, timeout_s=timeout),
            url=url,
            heed=self._heed,
            heard=self._heard,
        )
        atexit.register(self._at_exit)
        silence_in_children(self._courier)
        self._courier.start()

    # what an agent calls

    @property
    def agent_id(self) -> str:
        """Whose reports these are."""
        return self._core.agent_id

    @property
    def boot_id(self) -> str:
        """This process, as the service knows it."""
        return self._core.boot_id

    @property
    def fired(self) -> Order | None:
        """The order to stop, once it has come."""
        return self._core.stop

    @property
    def paused(self) -> Order | None:
        """The order to take no more work for now, while it stands."""
        return self._core.pause

    def wait_while_paused(self, limit: float = PAUSE_S_MAX) -> bool:
        """Wait until no pause stands, `limit` seconds at most: False when one still does. Fired ends the wait."""
        return self._core.wait_resumed(limit)

    @property
    def counts(self) -> Counts:
        """What became of the outcomes so far."""
        return self._core.counts

    def task(
        self,
        kind: str | None = None,
        *,
        current_task: str | None = None,
        task_id: str | None = None,
        session_key: str | None = None,
    ) -> Task:
        """One task, for `with`. Entering raises Fired once the agent is fired."""
        return Task(
            self._desk(),
            kind,
            current_task=current_task,
            task_id=task_id,
            session_key=session_key,
        )

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """WAITING for a person meanwhile: silence is not held against the agent."""
        self._core.wait_began()
        self._courier.beat_soon()
        try:
            yield
        finally:
            self._core.wait_ended()
            self._courier.beat_soon()

    @_harmless
    def outcome(
        self,
        result: str,
        *,
        kind: str | None = None,
        fault: str | None = None,
        duration_ms: float | None = None,
        tokens_in: int | None = None,
        tokens_out: int | None = None,
        cost_usd: float | None = None,
        score: float | None = None,
        error: str | None = None,
        task_id: str | None = None,
        session_key: str | None = None,
        event_id: str | None = None,
    ) -> None:
        """Report a task that was not run in `task`. Sent again until it is durable; counts once."""
        word = clean.word(result, "result", clean.RESULTS)
        if word is None:
            return
        outcome: dict[str, object] = {
            "result": word,
            "kind": clean.name(kind, 100),
            "fault": clean.word(fault, "fault", clean.FAULTS),
            "durationMs": clean.count(duration_ms, "duration_ms"),
            "tokensIn": clean.count(tokens_in, "tokens_in"),
            "tokensOut": clean.count(tokens_out, "tokens_out"),
            "costUsd": clean.real(cost_usd, "cost_usd", most=clean.COST_MAX),
            "score": clean.real(score, "score", most=1.0),
            "error": clean.prose(error, 4000),
            "taskId": clean.name(task_id, 200),
            "sessionKey": clean.name(session_key, 200),
        }
        self._courier.keep(outcome, event_id=clean.name(event_id, 64))

    @_harmless
    def progress(self, value: float) -> None:
        """A number that changes as work goes on; a policy can tell a stuck agent by it."""
        number = clean.real(value, "progress", least=-1e308, most=1e308)
        if number is not None:
            self._core.progressed(number)

    @_harmless
    def context_used(self, share: float) -> None:
        """How much of the context window is used, 0 to 1."""
        number = clean.real(share, "context_used", most=1.0)
        if number is not None:
            self._core.context_filled(number)

    @_harmless
    def error(self, text: str) -> None:
        """Status ERROR, until the next task begins or `recovered`."""
        self._core.failed(clean.prose(text, 4000))
        self._courier.beat_soon()

    @_harmless
    def recovered(self) -> None:
        """No longer in ERROR."""
        self._core.recovered()
        self._courier.beat_soon()

    def heartbeat_point(self) -> None:
        """A safe point in long work: raises Fired once the agent is fired, and costs nothing until then."""
        order = self._core.stop
        if order is not None:
            if threading.current_thread() is threading.main_thread():
                self._has_raised = True
            raise Fired(order)

    @_harmless
    def close(self, context: str | None = None) -> None:
        """Send what is kept and say that the agent ended as planned, within the time of `flush`. Once."""
        atexit.unregister(self._at_exit)
        self._courier.finish(clean.prose(context, 4000), limit_s=self._flush_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._leave(error)

    def _desk(self) -> "_Desk":
        return _Desk(self, self._core, self._courier)

    # leaving

    @_harmless
    def _leave(self, error: BaseException | None) -> None:
        """A planned end is a finish. A crash is none: the agent is last seen in ERROR, and goes silent."""
        atexit.unregister(self._at_exit)
        order = self._core.stop
        if order is not None:
            self._courier.finish(_stopped(order), limit_s=self._flush_s)
            if self._callback is not None:
                self._callback.join(CALLBACK_S_MAX)
        elif error is None or _is_planned(error):
            self._courier.finish(None, limit_s=self._flush_s)
        else:
            self._core.failed(said(error))
            self._courier.crash(limit_s=self._flush_s)

    @_harmless
    def _at_exit(self) -> None:
        error = getattr(sys, "last_value", None)
        self._leave(error if isinstance(error, BaseException) else None)

    # orders

    def _heed(self, answer: Answer) -> None:
        for order in self._core.orders(answer):
            if self._core.obey(order):
                logger.warning("%s is fired: %s", self.agent_id, order.reason)
                daemon(partial(self._stop, order), "pinkslip-stop").start()
            elif order.type not in ("stop", "pause"):
                logger.info("%s: order %s", self.agent_id, order.type)
                self._call_back(order)

    @_harmless
    def _heard(self, answer: Answer) -> None:
        order = self._core.paused_by(answer)
        if order is not None:
            logger.warning(
                "%s is to pause until %s: %s", self.agent_id, order.until, order.reason
            )
            self._call_back(order)

    def _stop(self, order: Order) -> None:
        """Tell the agent, say the last word, end the process. In a thread of its own."""
        self._callback = daemon(partial(self._call_back, order), "pinkslip-on-order")
        self._callback.start()
        self._callback.join(CALLBACK_S)
        limit_s = min(self._flush_s, LAST_WORD_S_MAX)
        is_ours = self._courier.finish(_stopped(order), limit_s=limit_s)
        self._callback.join(CALLBACK_S_MAX)
        if is_ours and self._ends_process and not self._has_raised and ending.end(order):
            logger.warning("%s: ending the process with %d", self.agent_id, EXIT_FIRED)

    @_harmless
    def _call_back(self, order: Order) -> None:
        if self._on_order is not None:
            self._on_order(order)


class _Desk:
    """Where a task reports to."""

    def __init__(self, reporter: Reporter, core: Core, courier: Courier) -> None:
        self._reporter = reporter
        self._core = core
        self._courier = courier

    def began(self, task: Task, current_task: str | None) -> None:
        """The task begins; Fired when no more work is to be taken. Waits while the agent is to pause."""
        if self._reporter._waits:  # noqa: SLF001 - the desk is the reporter's own
            self._core.wait_resumed(PAUSE_S_MAX)
        self._reporter.heartbeat_point()
        self._core.task_began(task, current_task)
        self._courier.beat_soon()

    @_harmless
    def ended(self, task: Task, outcome: dict[str, object]) -> None:
        """The task is over."""
        self._core.task_ended(task)
        self._courier.beat_soon()
        self._courier.keep(outcome)

    @property
    def must_wait(self) -> bool:
        """Whether a task may not begin yet."""
        waits = self._reporter._waits  # noqa: SLF001 - as above
        return waits and self._core.pause is not None and self._core.stop is None

    def progress(self, value: float) -> None:
        """Work goes on."""
        self._reporter.progress(value)


def _usable_id(agent_id: str | None) -> str:
    if not agent_id:
        raise ValueError("the agent has no id; give agent_id, or set PINKSLIP_AGENT_ID")
    if len(agent_id) > 200 or clean.name(agent_id, 200) != agent_id:
        msg = f"{agent_id!r:.80} is no agent id: up to 200 characters, no control characters"
        raise ValueError(msg)
    return agent_id


def _usable_interval(interval_s: float) -> float:
    if not 1 <= interval_s <= 86_400:
        msg = f"interval is {interval_s!r}; it must be between 1 and 86400 seconds"
        raise ValueError(msg)
    return interval_s


def _is_planned(error: BaseException) -> bool:
    """Whether the process means to end well, or a person ended it."""
    if isinstance(error, SystemExit):
        return error.code in (None, 0)
    return not isinstance(error, Exception)


def _stopped(order: Order) -> str:
    return f"stopped: fired ({order.reason or 'no reason given'})"


def _hostname() -> str | None:
    try:
        return socket.gethostname()
    except OSError:
        return None
