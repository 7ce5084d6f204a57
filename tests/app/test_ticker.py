"""The metronome: never two at once, nothing made up for, and no clock that can stop it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from tests.clocks import ManualClock, RealClock

from pinkslip.model.ports import Clock
from pinkslip.ticker import FromNow, Ticker

INTERVAL_MS = 50
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@asynccontextmanager
async def _ticking(
    work: Callable[[], Awaitable[None]], *, clock: Clock | None = None
) -> AsyncIterator[Ticker]:
    ticker = Ticker(clock or RealClock(), INTERVAL_MS, work)
    ticker.start()
    try:
        yield ticker
    finally:
        await ticker.stop()


async def _until(claim: Callable[[], bool]) -> None:
    while not claim():  # noqa: ASYNC110 - no event says what is waited for
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "previous",
    [None, LONG_AGO, NOW, NOW + timedelta(hours=1), NOW + timedelta(days=4_000)],
    ids=["never", "long ago", "now", "an hour ahead", "years ahead"],
)
def test_the_next_run_is_one_interval_after_now_whatever_was(previous: datetime | None) -> None:
    trigger = FromNow(timedelta(seconds=5))

    assert trigger.get_next_fire_time(previous, NOW) == NOW + timedelta(seconds=5)


async def test_it_runs_again_and_again() -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1

    async with _ticking(work):
        await _until(lambda: runs >= 3)


async def test_a_slow_run_costs_the_next_which_is_counted_and_two_never_overlap() -> None:
    under_way, most_at_once = 0, 0
    let_go = asyncio.Event()

    async def work() -> None:
        nonlocal under_way, most_at_once
        under_way += 1
        most_at_once = max(most_at_once, under_way)
        await let_go.wait()
        under_way -= 1

    async with _ticking(work) as ticker:
        await _until(lambda: ticker.skipped >= 2)
        let_go.set()

    assert most_at_once == 1


async def test_stop_lets_the_run_in_progress_end_and_starts_no_other() -> None:
    begun, let_go, ended = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await let_go.wait()
        ended.append("whole")

    ticker = Ticker(RealClock(), INTERVAL_MS, work)
    ticker.start()
    await begun.wait()
    stopping = asyncio.create_task(ticker.stop())
    await asyncio.sleep(3 * INTERVAL_MS / 1000)
    assert not stopping.done()

    let_go.set()
    await stopping
    await asyncio.sleep(3 * INTERVAL_MS / 1000)

    assert ended == ["whole"]


async def test_stopping_twice_or_before_a_start_is_harmless() -> None:
    async def work() -> None:
        """Nothing to do."""

    ticker = Ticker(RealClock(), INTERVAL_MS, work)
    await ticker.stop()
    ticker.start()
    await ticker.stop()
    await ticker.stop()


async def test_a_run_that_fails_does_not_keep_the_next_from_coming() -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        raise RuntimeError("this tick only")

    async with _ticking(work):
        await _until(lambda: runs >= 3)


@pytest.mark.parametrize("turned", [timedelta(hours=-1), timedelta(days=-300)])
async def test_the_wall_turned_back_costs_at_most_two_intervals(turned: timedelta) -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1

    async with _ticking(work):
        await _until(lambda: runs >= 1)
        with time_machine.travel(datetime.now(UTC) + turned, tick=True):
            seen = runs
            await _until(lambda: runs >= seen + 3)


async def test_the_watch_goes_by_the_stopwatch_alone() -> None:
    """Two intervals without a run, by the clock handed in: the schedule is set to that clock's now."""
    clock = ManualClock(wall_ms=int(NOW.timestamp() * 1000))
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1

    ticker = Ticker(clock, INTERVAL_MS, work)
    ticker.start()
    scheduler = ticker._scheduler
    assert scheduler is not None
    scheduler.modify_job("tick", next_run_time=datetime.now(UTC) + timedelta(hours=1))
    try:
        await asyncio.sleep(4 * INTERVAL_MS / 1000)
        assert runs == 0  # its stopwatch has not moved: nothing is overdue

        clock.advance(2 * INTERVAL_MS + 1)
        await _until(lambda: runs >= 1)
    finally:
        await ticker.stop()


async def test_the_wall_put_forward_makes_up_for_nothing() -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1

    async with _ticking(work) as ticker:
        await _until(lambda: runs >= 1)
        with time_machine.travel(datetime.now(UTC) + timedelta(hours=1), tick=True):
            seen = runs
            await _until(lambda: runs > seen)
            scheduler = ticker._scheduler
            assert scheduler is not None
            due = scheduler.get_job("tick").next_run_time

            assert due > datetime.now(UTC) - timedelta(seconds=1)
