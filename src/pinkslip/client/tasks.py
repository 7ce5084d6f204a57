"""One task as a context: its outcome is reported when it ends, however it ends."""

import time
from types import TracebackType
from typing import Protocol, Self

from pinkslip.client import clean
from pinkslip.client.core import instant


class Desk(Protocol):
    """What a task asks of its reporter."""

    def began(self, task: "Task", current_task: str | None) -> None:
        """The task begins; Fired when no more work is to be taken."""
        ...

    @property
    def must_wait(self) -> bool:
        """Whether a task may not begin yet: the agent is to pause."""
        ...

    def ended(self, task: "Task", outcome: dict[str, object]) -> None:
        """The task is over, with this outcome."""
        ...

    def progress(self, value: float) -> None:
        """Work goes on."""
        ...


class Task:
    """What is known of one task. Success unless an exception or `result` says otherwise."""

    def __init__(
        self,
        desk: Desk,
        kind: str | None,
        *,
        current_task: str | None,
        task_id: str | None,
        session_key: str | None,
    ) -> None:
        self._desk = desk
        self._current_task = clean.name(current_task or kind, 500)
        self._outcome: dict[str, object] = {
            "kind": clean.name(kind, 100),
            "taskId": clean.name(task_id, 200),
            "sessionKey": clean.name(session_key, 200),
        }
        self._tokens: dict[str, int] = {}
        self._cost_usd: float | None = None
        self._result: str | None = None
        self._began_s = time.monotonic()

    def tokens(self, tokens_in: int = 0, tokens_out: int = 0) -> None:
        """Add to the tokens spent."""
        for key, value in (("tokensIn", tokens_in), ("tokensOut", tokens_out)):
            spent = clean.count(value, key)
            if spent is not None:
                self._tokens[key] = self._tokens.get(key, 0) + spent

    def cost(self, usd: float) -> None:
        """Add to the dollars spent."""
        spent = clean.real(usd, "cost", most=clean.COST_MAX)
        if spent is not None:
            self._cost_usd = (self._cost_usd or 0.0) + spent

    def score(self, score: float) -> None:
        """How good the work is, 0 to 1."""
        self._outcome["score"] = clean.real(score, "score", most=1.0)

    def fault(self, fault: str) -> None:
        """Whose fault it is if it does not succeed: agent, provider, tool, infra, user, unknown."""
        self._outcome["fault"] = clean.word(fault, "fault", clean.FAULTS)

    def result(self, result: str) -> None:
        """How it ended, when it is neither plain success nor an exception: refused, off_track, timeout, …"""
        self._result = clean.word(result, "result", clean.RESULTS) or self._result

    def error(self, text: str) -> None:
        """What went wrong, in words. Does not make the task a failure by itself."""
        self._outcome["error"] = clean.prose(text, 4000)

    def progress(self, value: float) -> None:
        """A number that changes as work goes on; a policy can tell a stuck agent by it."""
        self._desk.progress(value)

    def _begin(self) -> None:
        self._desk.began(self, self._current_task)
        self._began_s = time.monotonic()
        self._outcome["startedAt"] = instant()

    def _end(self, error: BaseException | None) -> None:
        took_s = time.monotonic() - self._began_s
        outcome = {**self._outcome, **self._tokens, "durationMs": round(took_s * 1000)}
        outcome["costUsd"] = self._cost_usd
        outcome["result"] = self._result or "success"
        if isinstance(error, Exception):
            if self._result in (None, "success"):
                outcome["result"] = "failure"
            outcome["error"] = self._outcome.get("error") or said(error)
        elif error is not None:  # the work was cut off from outside: nobody's failure
            outcome["result"] = "cancelled"
        self._desk.ended(self, outcome)

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end(error)


def said(error: BaseException) -> str | None:
    """An exception in one line, as far as it can be shown."""
    return clean.prose(f"{type(error).__name__}: {clean.prose(error, 3900)}", 4000)
