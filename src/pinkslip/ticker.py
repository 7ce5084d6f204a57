"""The beat of the service: APScheduler, and nobody else imports it.

APScheduler goes by the wall clock, which may jump. Two things keep a jump from costing more than one run:
the trigger always answers a time after now, whatever was missed; and a watch by the monotonic clock sets
the schedule right when the wall has been turned back and the next run would be an hour away.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from pinkslip.model.ports import Clock

log = structlog.get_logger(__name__)


class FromNow(BaseTrigger):  # type: ignore[misc]  # apscheduler is untyped
    """Always one interval after now; the past is never made up for."""

    __slots__ = ("interval",)

    def __init__(self, interval: timedelta) -> None:
        self.interval = interval

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """One interval after `now`, whatever `previous` was."""
        return now + self.interval


@dataclass(slots=True)
class Ticker:
    """Calls `work` every `interval_ms`, never two at once; a run that is still going when the next is due
    costs the next, which is counted in `skipped`.
    """

    clock: Clock
    interval_ms: int
    work: Callable[[], Awaitable[None]]
    name: str = "tick"
    skipped: int = 0
    _scheduler: AsyncIOScheduler | None = None
    _watch: asyncio.Task[None] | None = None
    _last_run_ms: int = 0
    _running: asyncio.Task[None] | None = field(default=None)

    def start(self) -> None:
        """Begin; the first run is one interval from now."""
        self._last_run_ms = self.clock.monotonic_ms()
        self._scheduler = AsyncIOScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": AsyncIOExecutor()},
            timezone=UTC,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(
            self._count_skip, EVENT_JOB_MAX_INSTANCES | EVENT_JOB_MISSED
        )
        self._scheduler.add_job(
            self._run, FromNow(timedelta(milliseconds=self.interval_ms)), id=self.name
        )
        self._scheduler.start()
        self._watch = asyncio.create_task(self._watch_the_wall(), name=f"{self.name}-watch")

    async def stop(self) -> None:
        """Stop ticking and let a run in progress end: APScheduler's own shutdown would cancel it."""
        if self._scheduler is None:
            return
        self._scheduler.pause()
        if self._watch is not None:
            self._watch.cancel()
        if self._running is not None:
            await asyncio.wait([self._running])
        self._scheduler.shutdown(wait=False)
        self._scheduler = None

    async def _run(self) -> None:
        self._last_run_ms = self.clock.monotonic_ms()
        self._running = asyncio.ensure_future(self._guarded())
        try:
            await asyncio.shield(self._running)
        finally:
            self._running = None

    async def _guarded(self) -> None:
        try:
            await self.work()
        except Exception:  # one tick is a unit of isolation: the next one comes
            log.exception("a tick failed; the next one comes")

    async def _watch_the_wall(self) -> None:
        """When no run came for an interval and a half by the monotonic clock, the wall was turned back. The next
        one comes within two."""
        while True:
            await asyncio.sleep(self.interval_ms / 4_000)
            overdue = self.clock.monotonic_ms() - self._last_run_ms > 1.5 * self.interval_ms
            if overdue and self._running is None and self._scheduler is not None:
                now = datetime.fromtimestamp(self.clock.wall_ms() / 1000, UTC)
                self._scheduler.modify_job(self.name, next_run_time=now)

    def _count_skip(self, _event: object) -> None:
        self.skipped += 1
