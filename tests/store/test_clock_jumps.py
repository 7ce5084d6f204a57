"""The wall clock jumps, by an hour, a day, ten years, both ways: nobody ages, ticks go on, nothing piles up."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from tests.clocks import ManualClock
from tests.store.journals import WORKSPACE, Kept, beat, keeping, outcome

from pinkslip.fleet.fleet import Fleet, FleetSettings
from pinkslip.fleet.needs import Need
from pinkslip.model.facts import Blinded
from pinkslip.model.policy import Window, WindowKind
from pinkslip.model.time import DAY_MS, HOUR_MS
from pinkslip.model.words import BlindCause, Status
from pinkslip.store.engine import Database

YEARS_MS = 3_652 * DAY_MS
JUMPS = [sign * span for span in (HOUR_MS, DAY_MS, YEARS_MS) for sign in (1, -1)]
IDS = [f"{way} {span}" for span in ("an hour", "a day", "ten years") for way in ("on", "back")]
TICK_MS = 5_000
AGES = ("heartbeat_age", "progress_age", "status_age", "task_age")
NEEDS = (*map(Need, AGES), Need("tasks", Window(WindowKind.TIME, HOUR_MS)))


class Watched:
    """A journal, the fleet that follows it, and its ticks."""

    def __init__(self, kept: Kept, clock: ManualClock) -> None:
        self.kept, self.clock = kept, clock
        self.fleet = Fleet(WORKSPACE, FleetSettings())
        self.fleet.declare(NEEDS)
        self.ticks: list[int] = []
        self._heard = 0

    def tick(self) -> dict[str, float]:
        """Five seconds on: what each age is, and what the window holds."""
        self.clock.advance(TICK_MS)
        mark = self.kept.mark()
        self.ticks.append(mark.now)
        facts = self.kept.facts
        self.fleet.fold(facts[self._heard :], writer=mark.writer)
        self._heard = len(facts)
        measures = self.fleet.at(mark.now)
        return {need.name: float(measures.value(need.name, need.window)[0]) for need in NEEDS}


@pytest.fixture
def watched(database: Database) -> Iterator[Watched]:
    clock = ManualClock()
    with keeping(database, clock) as kept:
        kept.report(beat("a", progress=0.5, current_task="review", status=Status.WORKING))
        kept.report(outcome("e", "a"))
        yield Watched(kept, clock)


@pytest.mark.parametrize("jump", JUMPS, ids=IDS)
def test_nobody_ages_by_a_jump_and_ticks_go_on(watched: Watched, jump: int) -> None:
    before = watched.tick()
    watched.clock.jump_wall(jump)
    after = [watched.tick() for _ in range(3)]

    assert before["heartbeat_age"] == pytest.approx(5, abs=0.01)
    for age in AGES:
        assert after[-1][age] <= before[age] + 3 * TICK_MS / 1_000 + 0.01
    assert [values["tasks"] for values in after] == [1, 1, 1]
    assert all(one < other <= one + TICK_MS + 10 for one, other in pairwise(watched.ticks))


@pytest.mark.parametrize("jump", JUMPS, ids=IDS)
def test_a_jump_is_one_row_and_one_offset(watched: Watched, jump: int) -> None:
    watched.tick()
    watched.clock.jump_wall(jump)
    for _ in range(20):
        watched.tick()

    (row,) = watched.kept.rows("blind")
    (told,) = [fact for fact in watched.kept.facts if isinstance(fact, Blinded)]
    assert (row.cause, told.cause) == ("clock", BlindCause.CLOCK)
    assert told.end - told.start <= TICK_MS + 10
    assert watched.kept.journal.wall_offset_ms == pytest.approx(jump, abs=10)


def test_a_clock_that_jumps_at_every_tick_leaves_one_row_each(watched: Watched) -> None:
    for count in range(30):
        watched.clock.jump_wall(YEARS_MS if count % 2 else -YEARS_MS)
        watched.tick()

    assert len(watched.kept.rows("blind")) == 30
    now = watched.ticks[-1]
    assert watched.fleet.blind_between(watched.ticks[0] - TICK_MS, now) <= 30 * TICK_MS + 10


@pytest.mark.parametrize("jump", JUMPS, ids=IDS)
def test_a_start_after_a_jump_goes_on_from_what_there_is(database: Database, jump: int) -> None:
    clock = ManualClock()
    with keeping(database, clock) as kept:
        kept.report(beat("a"))
        last = kept.mark().now
    clock.advance(2_000)
    clock.jump_wall(jump)

    with keeping(database, clock) as again:
        now = again.mark().now
        fleet = Fleet(WORKSPACE, FleetSettings())
        fleet.declare(NEEDS)
        fleet.fold(kept.facts, writer=kept.journal.writer)
        fleet.fold(again.facts, writer=again.journal.writer)

        assert now > last
        assert float(fleet.at(now).value("heartbeat_age")[0]) <= 0.01
