"""Keeps every receiver told, beside the ticks and never in their way: a receiver that is away delays nobody."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from pinkslip.announce.messages import Message
from pinkslip.announce.target import Refused, Target, Undelivered
from pinkslip.model.ports import Clock

log = structlog.get_logger(__name__)

RETRY_FIRST_S = 1.0
RETRY_MOST_S = 30.0
CLOSING_S = 2.0


class Count(Protocol):
    """Hears of every call."""

    def __call__(self, receiver: str, *, taken: bool) -> None: ...


@dataclass(slots=True)
class Announcer:
    """On the event loop. `count` hears of every call: receiver, and whether it was taken."""

    clock: Clock
    targets: Sequence[Target]
    count: Count = field(default=lambda _receiver, *, taken: None)
    _news: dict[str, asyncio.Event] = field(default_factory=dict)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self) -> None:
        """Begin to tell."""
        for target in self.targets:
            self._news[target.receiver.name] = asyncio.Event()
            self._tasks.append(
                asyncio.create_task(
                    self._keep_told(target), name=f"tell {target.receiver.name}"
                )
            )

    async def stop(self) -> None:
        """Stop telling. What stands is not called over: it stands, and ends by itself should nobody go on."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait_for(
                asyncio.gather(*self._tasks, return_exceptions=True), CLOSING_S
            )
        self._tasks.clear()

    def update(self, messages: Sequence[Message], *, journal_ms: int) -> None:
        """These stand now."""
        wall_ms = self.clock.wall_ms()
        for target in self.targets:
            target.update(messages, wall_ms=wall_ms, journal_ms=journal_ms)
            if (news := self._news.get(target.receiver.name)) is not None:
                news.set()

    async def _keep_told(self, target: Target) -> None:
        news, failures = self._news[target.receiver.name], 0
        while True:
            news.clear()
            failures = await self._tell(target, failures)
            wait_s = target.resend_ms / 4_000
            if failures:
                await asyncio.sleep(
                    min(RETRY_MOST_S, RETRY_FIRST_S * 2 ** min(failures - 1, 8))
                )
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), wait_s)

    async def _tell(self, target: Target, failures: int) -> int:
        """Send what is due; how often in a row it was not taken."""
        while batch := target.due(self.clock.wall_ms()):
            try:
                await target.receiver.send(batch)
            except Refused as error:  # again with the next resend; it must not stop the others
                self.count(target.receiver.name, taken=False)
                target.failed += 1
                target.taken(batch, self.clock.wall_ms())
                log.warning("refused", receiver=target.receiver.name, reason=str(error))
                continue
            except Undelivered as error:
                self.count(target.receiver.name, taken=False)
                target.failed += 1
                if not target.is_failing:
                    log.warning("not told", receiver=target.receiver.name, reason=str(error))
                target.is_failing = True
                return failures + 1
            except Exception:  # one call is a unit of isolation: the next one comes
                self.count(target.receiver.name, taken=False)
                log.exception("telling failed", receiver=target.receiver.name)
                return failures + 1
            self.count(target.receiver.name, taken=True)
            target.taken(batch, self.clock.wall_ms())
            if target.is_failing:
                log.info("told again", receiver=target.receiver.name)
            target.is_failing = False
        return 0
