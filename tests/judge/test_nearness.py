"""How near an agent is to a verdict: by its worst policy, between nothing and enough."""

from dataclasses import replace

import pytest
from tests.judge.ladders import FIRE, PROBATION, fail, make_ladder, make_worker, succeed
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
from pinkslip.model.policy import Condition, Logic, Newborn
from pinkslip.model.words import Mode, Status
from pinkslip.policies.language import parse_condition

WAITING_LONG = make_policy(for_ms=30 * SECOND)
DUMB = make_ladder(PROBATION, FIRE)


def near(ticker: Ticker) -> dict[int, float]:
    return dict(nearness(ticker.look(), ticker.policy_set, ticker.state))


def late(number: int = 1) -> Agent:
    return Agent(number=number, silent_s=95.0)


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


def test_nobody_is_nearer_than_enough() -> None:
    ticker = Ticker([late()], WAITING_LONG)
    ticker.tick()
    ticker.now += 45 * SECOND

    assert near(ticker) == {1: 1.0}


def test_where_the_condition_cannot_be_told_nothing_of_for_has_passed() -> None:
    ticker = Ticker([late()], WAITING_LONG)
    ticker.tick()
    ticker.agent(1).silent_s = None
    ticker.tick(15 * SECOND)

    assert near(ticker) == {}


def test_what_is_weighed_tells_by_its_evidence_alone() -> None:
    ticker = Ticker([make_worker()], replace(DUMB, for_ms=30 * SECOND))
    fail(ticker)
    ticker.tick()
    succeed(ticker, times=1_000)
    ticker.now += 15 * SECOND

    assert near(ticker) == {}


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


def unweighable() -> Condition:
    """Evidence, and a function that nobody has."""
    weighed, broken = parse_condition("proven(success < 70%, error=1%)"), broken_condition()
    return replace(broken, tree=Logic("or", (weighed.tree, broken.tree), broken.tree.span))


@pytest.mark.parametrize("mode", [Mode.OFF, Mode.ENFORCE], ids=["off", "broken"])
def test_the_policies_after_one_that_says_nothing_are_asked(mode: Mode) -> None:
    silent = replace(DUMB, name="first", mode=mode, when=unweighable())
    ticker = Ticker([make_worker(counted=(3, 0))], silent, DUMB)

    assert 0.0 < near(ticker)[1] < 1.0


def test_who_left_since_the_last_tick_is_nobodys_neighbour() -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], make_policy(for_ms=SECOND))
    ticker.tick()
    ticker.now += SECOND
    ticker.agents[0] = Agent(number=2)

    assert near(ticker) == {}


@pytest.mark.parametrize("left_over", [0, 1])
def test_who_stood_beyond_the_end_of_a_smaller_fleet_says_nothing(left_over: int) -> None:
    ticker = Ticker([late(1), late(2), late(3)], WAITING_LONG)
    ticker.tick()
    ticker.now += 15 * SECOND
    del ticker.agents[1 + left_over :]

    assert near(ticker) == dict.fromkeys(range(1, 2 + left_over), 0.5)


def test_agents_are_compared_within_the_guards_pool() -> None:
    policy = replace(
        DUMB,
        when=parse_condition(
            "proven(success < 70%, error=1%) or posterior(success < 70%) > 99.9%"
        ),
    )
    ticker = Ticker([make_worker(counted=(3, 0))], policy)

    assert 0.0 < near(ticker)[1] < 1.0


def test_a_policy_on_silence_is_not_about_who_waits_for_a_user() -> None:
    policy = replace(
        DUMB, when=parse_condition("proven(success < 70%, error=1%) and heartbeat_age > 90s")
    )
    worker = make_worker(counted=(20, 0))
    worker.silent_s = 95.0
    ticker = Ticker([worker], policy)
    working = near(ticker)
    worker.status = Status.WAITING

    assert (working, near(ticker)) == ({1: 1.0}, {})
