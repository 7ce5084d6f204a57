"""The records of fires that come to nothing and of those who climb back: their words, numbers and versions."""

from dataclasses import replace

import pytest
from tests.judge.ladders import (
    FIRE,
    NOTIFY,
    PROBATION,
    SILENT,
    fail,
    make_ladder,
    make_worker,
    place_of,
    succeed,
)
from tests.judge.world import HOUR, MINUTE, SECOND, START, Agent, Ticker, make_policy, make_set

from pinkslip.model.decisions import Decision
from pinkslip.model.policy import Matcher, Policy, Rung
from pinkslip.model.words import Action, Scope
from pinkslip.policies.language import parse_condition

SLOW = make_policy(
    "progress_age > 60s or heartbeat_age > 90s", for_ms=30 * SECOND, notice_ms=5 * MINUTE
)


def late(number: int = 1) -> Agent:
    return Agent(number=number, silent_s=95.0, values={"progress_age": 90.0})


def announced(policy: Policy, *agents: Agent) -> Ticker:
    """`when` was true at START, could not be told after 5 s, and has been true again since 10 s."""
    ticker = Ticker([*agents], policy)
    ticker.tick()
    for silent_s, progress_age in [(None, None), (95.0, 90.0), (95.0, 90.0)]:
        for agent in agents:
            agent.silent_s = silent_s
            agent.values = {} if progress_age is None else {"progress_age": progress_age}
        ticker.tick(5_000 if ticker.now < START + 10 * SECOND else 30 * SECOND)
    assert [each.verdict for each in ticker.decisions] == ["noticed"] * len(agents)
    return ticker


def test_a_fire_is_called_off_in_words_of_what_holds_no_more() -> None:
    ticker = announced(SLOW, late())
    ticker.agent(1).silent_s, ticker.agent(1).values = 1.0, {"progress_age": 2.0}

    (cancelled,) = ticker.tick(5_000).decisions

    assert cancelled.evidence.words == (
        "no progress for 2 s (at most 60 s) and no heartbeat for 1 s (at most 90 s)"
    )
    assert cancelled.evidence.for_ms == 0


def test_several_are_called_off_by_clear_when_each_for_itself() -> None:
    policy = replace(SLOW, clear_when=parse_condition("tasks[1h] > 3"))
    ticker = announced(policy, late(1), late(2), late(3))
    for agent, done in zip((1, 2), (4.0, 5.0), strict=True):
        ticker.agent(agent).silent_s = None
        ticker.agent(agent).values = {"tasks[1h]": done}

    judgement = ticker.tick(5_000)

    assert judgement.findings == ()
    assert [(each.agent_no, each.evidence.words) for each in judgement.decisions] == [
        (1, "4 tasks in 1 h (above 3)"),
        (2, "5 tasks in 1 h (above 3)"),
    ]


def test_a_fire_is_called_off_where_the_policy_is_not_about_the_agent_any_more() -> None:
    policy = replace(SLOW, match=(Matcher("role", frozenset({"developer"})),))
    ticker = announced(policy, late())
    ticker.agent(1).role = "tester"

    (cancelled,) = ticker.tick(5_000).decisions

    assert cancelled.evidence.words == "policy unresponsive is not about this agent any more"


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([], id="removed"),
        pytest.param([replace(SLOW, hash="other-1", for_ms=HOUR)], id="edited"),
    ],
)
def test_what_another_version_announced_is_called_off_as_its_own(after: list[Policy]) -> None:
    ticker = announced(SLOW, late())
    ticker.policy_set = make_set(*after)

    cancelled = next(
        each for each in ticker.tick(5_000).decisions if each.verdict == "cancelled"
    )

    assert cancelled.policy_hash == SLOW.episode_hash
    assert (cancelled.evidence.when, cancelled.evidence.values) == ("", {})
    assert cancelled.evidence.true_since == START + 10 * SECOND


def recovered(policy: Policy, worker: Agent) -> Decision:
    """What is said when it climbs back from the rungs it took."""
    ticker = Ticker([worker], policy)
    for _ in policy.ladder[: place_count(policy)]:
        fail(ticker)
        ticker.tick(5_000)
        ticker.tick(5_000)
    succeed(ticker)
    worker.values = {"success_rate[1h]": 0.95, "score[1h]": 0.5}
    (released,) = ticker.tick(5_000).decisions
    assert released.verdict == "released"
    assert place_of(ticker).rung == -1
    return released


def place_count(policy: Policy) -> int:
    return sum(rung.action is not Action.FIRE for rung in policy.ladder)


def test_who_climbs_back_is_told_of_with_all_that_says_so() -> None:
    policy = make_ladder(
        NOTIFY,
        PROBATION,
        scope=Scope.LINEAGE,
        for_ms=0,
        clear_when="success_rate[1h] > 90% and score[1h] > 40%",
    )

    released = recovered(policy, make_worker(lineage="worker"))

    assert released.evidence.words == (
        "success rate 95 % in 1 h (above 90 %) and mean score 50 % in 1 h (above 40 %)"
    )
    assert (released.evidence.lineage, released.evidence.rung) == ("worker", 2)
    assert released.action is Action.PROBATION


def test_who_climbs_back_need_not_wait_for_it() -> None:
    policy = make_ladder(PROBATION, FIRE, when=SILENT, for_ms=30 * SECOND)
    ticker = Ticker([late()], policy)
    ticker.tick()
    ticker.tick(30 * SECOND)
    ticker.agent(1).silent_s = 0.0
    ticker.tick(5_000)

    (released,) = ticker.tick(30 * SECOND).decisions

    assert (released.verdict, released.evidence.for_ms) == ("released", 0)
    assert released.evidence.words == (
        "no heartbeat for 0 s (at most 90 s: 3 x its 30 s interval)"
    )


def test_a_ladder_that_became_shorter_still_tells_of_those_below_its_end() -> None:
    policy = make_ladder(NOTIFY, PROBATION, Rung(Action.PROBATION, HOUR))
    ticker = Ticker([make_worker()], policy)
    for _ in range(3):
        fail(ticker)
        ticker.tick(5_000)
        ticker.tick(5_000)
    ticker.policy_set = make_set(replace(policy, ladder=policy.ladder[:2]))

    judgement = ticker.tick(HOUR)

    assert judgement.findings == ()
    assert [(each.verdict, each.action) for each in judgement.decisions] == [
        ("released", "probation")
    ]
