"""How near an agent is to a verdict: by its worst policy, between nothing and enough."""

from dataclasses import replace

import pytest
from tests.judge.ladders import FIRE, PROBATION, fail, make_ladder, make_worker
from tests.judge.world import (
    CALM,
    HOUR,
    SECOND,
    Agent,
    Ticker,
    broken_condition,
    make_policy,
)

from pinkslip.judge.nearness import nearness
from pinkslip.model.policy import Newborn
from pinkslip.model.words import Mode


def near(ticker: Ticker) -> dict[int, float]:
    return dict(nearness(ticker.look(), ticker.policy_set, ticker.state))


def test_evidence_comes_nearer_with_every_failure_before_anything_holds() -> None:
    ticker = Ticker([make_worker(), make_worker(2)], make_ladder(PROBATION, FIRE))
    ticker.tick()

    seen = []
    for _ in range(6):
        fail(ticker, times=1)
        seen.append(near(ticker).get(1, 0.0))

    assert seen == sorted(seen)
    assert 0.0 < seen[0] < 0.3
    assert seen[-1] == 1.0
    assert 2 not in near(ticker)


def test_a_rung_taken_starts_the_meter_anew() -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, FIRE))
    fail(ticker)
    ticker.tick()
    ticker.tick(5 * SECOND)
    fail(ticker, times=1)
    ticker.tick(5 * SECOND)

    assert 0.0 < near(ticker)[1] < 0.3


@pytest.mark.parametrize(("wait_ms", "level"), [(0, None), (15_000, 0.5), (29_970, 0.999)])
def test_of_a_policy_on_measures_it_is_how_much_of_for_has_passed(
    wait_ms: int, level: float | None
) -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], make_policy(for_ms=30 * SECOND))
    ticker.tick()
    ticker.now += wait_ms

    assert near(ticker).get(1) == level


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.SHADOW])
def test_whatever_is_past_pending_is_enough(mode: Mode) -> None:
    guards = replace(CALM, newborn=Newborn(age_ms=HOUR, tasks=0))
    agent = Agent(number=1, silent_s=95.0, created_at=0)
    ticker = Ticker([agent], make_policy(mode=mode), guards=guards)
    agent.created_at = ticker.now
    ticker.tick()

    assert near(ticker) == {1: 1.0}


def test_the_worst_policy_tells_and_a_broken_or_switched_off_one_says_nothing() -> None:
    worse = make_ladder(PROBATION, FIRE, name="worse")
    milder = make_ladder(PROBATION, FIRE, when="proven(success < 50%, error=1%)", name="milder")
    broken = replace(milder, name="broken", when=broken_condition())
    both = Ticker(
        [make_worker(counted=(3, 0))], milder, worse, broken, replace(worse, mode=Mode.OFF)
    )
    one = Ticker([make_worker(counted=(3, 0))], worse)

    assert near(both) == near(one)


def test_who_left_since_the_last_tick_is_nobodys_neighbour() -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], make_policy(for_ms=SECOND))
    ticker.tick()
    ticker.now += SECOND
    ticker.agents[0] = Agent(number=2)

    assert near(ticker) == {}
