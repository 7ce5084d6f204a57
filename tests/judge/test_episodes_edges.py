"""Episodes at their bounds: a millisecond, no ladder, an agent beyond the fleet, a policy that may do more than before."""

from dataclasses import replace

import pytest
from tests.judge.ladders import (
    PROVEN,
    fail,
    make_worker,
    verdicts,
)
from tests.judge.test_episodes import LATE, UNTOLD, story
from tests.judge.world import MINUTE, Agent, Ticker, make_policy, make_set

from pinkslip.model.policy import Policy
from pinkslip.model.words import Action

NOTICE = make_policy(notice_ms=5 * MINUTE)

NOTIFY = make_policy(action=Action.NOTIFY)


def late(number: int = 1) -> Agent:
    return Agent(number=number, silent_s=95.0)


def test_who_was_notified_of_is_fired_once_the_policy_may() -> None:
    ticker = Ticker([late()], replace(NOTIFY, hash="same-notify"))
    ticker.tick()

    ticker.policy_set = make_set(replace(make_policy(), hash="same-fire"))
    ticker.state.adopt(ticker.policy_set, now=ticker.now)
    ticker.tick(5_000)

    assert verdicts(ticker) == ["notified", "fired"]


@pytest.mark.parametrize(
    ("policy", "states"),
    [
        pytest.param(
            make_policy(action=Action.NOTIFY, for_ms=1),
            ["pending", "pending", "pending", "acted"],
            id="for",
        ),
        pytest.param(
            make_policy(notice_ms=1), ["noticed", "noticed", "acted", "clear"], id="notice"
        ),
    ],
)
def test_a_millisecond_is_a_time(policy: Policy, states: list[str]) -> None:
    assert story(policy, (0, LATE), (5_000, UNTOLD), (5_000, LATE), (5_000, LATE)) == states


def test_what_is_proven_without_a_ladder_is_told_once() -> None:
    ticker = Ticker([make_worker()], make_policy(PROVEN, action=Action.NOTIFY))
    fail(ticker)

    ticker.tick()
    ticker.tick(5_000)

    assert verdicts(ticker) == ["notified"]


def test_an_episode_whose_agent_stood_beyond_the_fleet_of_now_ends() -> None:
    ticker = Ticker([Agent(number=1), late(2)], make_policy(action=Action.NOTIFY))
    ticker.tick()
    ticker.agents.pop()

    judgement = ticker.tick(5_000)

    assert (judgement.findings, ticker.state_of(2)) == ((), "clear")
