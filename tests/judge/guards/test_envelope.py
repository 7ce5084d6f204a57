"""The envelope holds after the action: per pool, per workspace, and somebody always stays."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.judge.world import (
    CALM,
    DAY,
    HOUR,
    MINUTE,
    START,
    Agent,
    Ticker,
    make_policy,
)

from pinkslip.model.policy import Guards, MaxFired, MaxFires
from pinkslip.model.words import Action, Mode, Verdict

POOLED = replace(CALM, max_fired=MaxFired(share=0.10, per_ms=HOUR, at_least=1))
COUNTED = replace(CALM, max_fires=MaxFires(count=3, per_ms=10 * MINUTE))
STAYING = replace(CALM, min_active=2)


def pool(
    size: int, *, late: int, role: str = "researcher", first: int = 1
) -> list[Agent | None]:
    """`size` agents of which the first `late` are silent, the later ones for longer."""
    return [
        Agent(number=first + n, role=role, silent_s=100.0 + n if n < late else 0.0)
        for n in range(size)
    ]


def fired_in(ticker: Ticker, after_ms: int = 0) -> list[int]:
    decisions = ticker.tick(after_ms).decisions
    return [each.agent_no for each in decisions if each.verdict is Verdict.FIRED]


@pytest.mark.parametrize(
    ("size", "allowed"),
    [(2, 1), (9, 1), (10, 1), (19, 1), (20, 2), (29, 2), (30, 3), (100, 10)],
)
def test_a_pool_loses_its_share_rounded_down_or_at_least_one(size: int, allowed: int) -> None:
    ticker = Ticker(pool(size, late=size), make_policy(), guards=POOLED)

    assert len(fired_in(ticker)) == allowed


def test_a_share_of_29_percent_of_100_is_29() -> None:
    guards = replace(POOLED, max_fired=MaxFired(share=0.29, per_ms=HOUR, at_least=0))

    assert len(fired_in(Ticker(pool(100, late=100), make_policy(), guards=guards))) == 29


def test_what_is_spent_stays_spent_until_the_window_has_passed() -> None:
    ticker = Ticker(pool(20, late=20), make_policy(), guards=POOLED)

    spent = [len(fired_in(ticker, wait)) for wait in (0, 5_000, HOUR - 5_001, 1)]

    # the window starts anew with the 18 that were active when it began
    assert spent == [2, 0, 0, 1]


def test_the_pool_counts_as_it_was_when_the_window_began() -> None:
    newcomers = [
        Agent(number=n, role="researcher", created_at=START - MINUTE) for n in range(11, 101)
    ]
    ticker = Ticker([*pool(10, late=10), *newcomers], make_policy(), guards=POOLED)

    decisions = ticker.tick().decisions

    assert [each.verdict for each in decisions].count(Verdict.FIRED) == 1
    assert decisions[0].guard_detail == (
        "pool researcher had 10 agents 1 h ago (99 now): at most 1 fire in 1 h, 1 done"
    )


def test_pools_do_not_share_an_envelope() -> None:
    agents = pool(5, late=5) + pool(5, late=5, role="tester", first=6)
    agents += [Agent(number=11, role=None, silent_s=100.0), Agent(number=12, role="")]

    fired = fired_in(Ticker(agents, make_policy(), guards=POOLED))

    assert len([number for number in fired if number <= 5]) == 1
    assert len([number for number in fired if 5 < number <= 10]) == 1
    assert [number for number in fired if number > 10] == [11]


def test_a_pool_may_be_of_another_label() -> None:
    agents: list[Agent | None] = [
        Agent(number=n, role=f"role-{n}", labels={"team": "red"}, silent_s=100.0)
        for n in range(1, 6)
    ]

    fired = fired_in(Ticker(agents, make_policy(), guards=replace(POOLED, pool="label.team")))

    assert len(fired) == 1


def test_a_workspace_fires_so_many_at_once() -> None:
    agents = [
        agent for n in range(8) for agent in pool(2, late=1, role=f"r{n}", first=2 * n + 1)
    ]
    ticker = Ticker(agents, make_policy(), guards=COUNTED)

    spent = [len(fired_in(ticker, wait)) for wait in (0, 10 * MINUTE - 1, 1, 10 * MINUTE)]

    assert spent == [3, 0, 3, 2]


@pytest.mark.parametrize(("size", "allowed"), [(1, 0), (2, 0), (3, 1), (5, 3)])
def test_min_active_stay(size: int, allowed: int) -> None:
    assert (
        len(fired_in(Ticker(pool(size, late=size), make_policy(), guards=STAYING))) == allowed
    )


def test_those_who_left_do_not_count_as_staying() -> None:
    agents = [*pool(2, late=2), Agent(number=3, role="researcher", finished=True)]

    assert fired_in(Ticker(agents, make_policy(), guards=STAYING)) == []


@pytest.mark.parametrize(
    ("guards", "words"),
    [
        (
            POOLED,
            "pool researcher had 5 agents 1 h ago (4 now): at most 1 fire in 1 h, 1 done",
        ),
        (COUNTED, "the workspace allows 3 fires in 10 min, 3 done"),
        (
            replace(CALM, min_active=4),
            "pool researcher has 4 active agents: at least 4 must stay",
        ),
    ],
)
def test_it_says_why_with_numbers(guards: Guards, words: str) -> None:
    decisions = Ticker(pool(5, late=5), make_policy(), guards=guards).tick().decisions

    assert {each.guard_detail for each in decisions if each.verdict is Verdict.HELD} == {words}


def test_a_person_fired_beforehand_spends_nothing() -> None:
    gone = Agent(number=9, role="researcher", fires=[(START - MINUTE, False)])

    assert fired_in(Ticker([*pool(5, late=1), gone], make_policy(), guards=POOLED)) == [1]


def test_a_reinstated_agents_fire_stays_spent() -> None:
    back = Agent(
        number=9,
        role="researcher",
        incarnation=2,
        fires=[(START - MINUTE, True)],
        back_at=START,
    )

    assert fired_in(Ticker([*pool(5, late=1), back], make_policy(), guards=POOLED)) == []


def test_the_strongest_evidence_goes_first() -> None:
    ticker = Ticker(pool(30, late=5), make_policy(), guards=POOLED)

    assert sorted(fired_in(ticker)) == [3, 4, 5]


def test_equal_evidence_goes_by_number() -> None:
    agents = [Agent(number=n, role="researcher", silent_s=100.0) for n in (7, 3, 9, 5)]

    assert fired_in(Ticker([*agents], make_policy(), guards=POOLED)) == [3]


def test_evidence_is_compared_across_policies() -> None:
    silent = Agent(number=1, role="r", silent_s=95.0)
    failing = Agent(number=2, role="r", values={"success_rate[1h]": 0.1, "tasks[1h]": 10.0})
    dumb = make_policy("success_rate[1h] < 70%", name="dumb", reason="dumb")

    assert fired_in(Ticker([silent, failing], make_policy(), dumb, guards=POOLED)) == [2]


def test_two_policies_fire_an_agent_once() -> None:
    agent = Agent(number=1, silent_s=100.0, values={"success_rate[1h]": 0.1, "tasks[1h]": 10.0})
    dumb = make_policy("success_rate[1h] < 70%", name="dumb", reason="dumb")
    ticker = Ticker([agent, Agent(number=2)], make_policy(), dumb)

    first, second = ticker.tick(), ticker.tick(5_000)

    assert [(each.policy, each.verdict) for each in first.decisions] == [("dumb", "fired")]
    assert second.decisions == ()
    assert {each.state for each in second.episodes} == {"clear"}


def test_notices_spend_nothing_and_are_never_held() -> None:
    ticker = Ticker(
        pool(5, late=5), make_policy(action=Action.NOTIFY), guards=replace(POOLED, min_active=5)
    )

    assert {each.verdict for each in ticker.tick().decisions} == {"notified"}


def test_a_pool_of_its_full_size_is_said_short() -> None:
    agents = pool(5, late=1)
    guards = replace(POOLED, max_fired=MaxFired(share=0.1, at_least=0))

    (decision,) = Ticker(agents, make_policy(), guards=guards).tick().decisions

    assert decision.guard_detail == (
        "pool researcher has 5 agents: at most 0 fires in 1 h, 0 done"
    )


def test_what_is_held_goes_when_there_is_room_again() -> None:
    ticker = Ticker(pool(5, late=3), make_policy(), guards=POOLED)

    fired = [fired_in(ticker, wait) for wait in (0, HOUR, HOUR, HOUR)]

    assert fired == [[3], [2], [1], []]


SHADOW = make_policy(mode=Mode.SHADOW)


def shadowed(decisions: Sequence[object]) -> list[int]:
    return [each.agent_no for each in decisions if each.verdict is Verdict.SHADOWED]  # type: ignore[attr-defined]  # Decisions


def test_shadow_has_an_envelope_of_its_own() -> None:
    ticker = Ticker(pool(5, late=3), SHADOW, guards=POOLED)

    would = [shadowed(ticker.tick(wait).decisions) for wait in (0, HOUR, HOUR, HOUR)]

    assert would == [[3], [2], [1], []]


def test_shadow_takes_nothing_from_what_enforcing_policies_may() -> None:
    dumb = make_policy("success_rate[1h] < 70%", name="dumb", mode=Mode.SHADOW)
    failing = {"success_rate[1h]": 0.0, "tasks[1h]": 10.0}
    agents = pool(5, late=1)
    agents[4] = Agent(number=5, role="researcher", values=failing)
    ticker = Ticker(agents, dumb, make_policy(), guards=POOLED)

    verdicts = [(each.agent_no, each.verdict) for each in ticker.tick().decisions]

    assert verdicts == [(5, "held"), (1, "fired")]


def test_real_fires_spend_the_virtual_envelope_too() -> None:
    agents = pool(5, late=1)
    agents.append(Agent(number=9, role="researcher", fires=[(START - MINUTE, True)]))
    ticker = Ticker(agents, SHADOW, guards=POOLED)

    (decision,) = ticker.tick().decisions

    assert decision.verdict is Verdict.HELD
    assert decision.guard_detail == (
        "pool researcher had 6 agents 1 h ago (5 now): at most 1 fire in 1 h, 1 done"
    )


def test_a_virtual_fire_is_forgotten_with_its_window() -> None:
    ticker = Ticker(pool(5, late=1), SHADOW, guards=replace(POOLED, min_active=4))
    ticker.tick()
    ticker.agents.append(
        Agent(number=9, role="researcher", silent_s=100.0, created_at=START - DAY)
    )

    assert shadowed(ticker.tick(HOUR - 1).decisions) == []
    assert shadowed(ticker.tick(1).decisions) == [9]


def test_whom_shadow_would_have_fired_is_gone_for_it() -> None:
    ticker = Ticker(pool(5, late=1), SHADOW, guards=replace(CALM, min_active=4))
    ticker.tick()
    ticker.agent(2).silent_s = 100.0

    (decision,) = ticker.tick(5_000).decisions

    assert decision.guard_detail == "pool researcher has 4 active agents: at least 4 must stay"


def test_equal_evidence_goes_by_number_across_policies() -> None:
    first = make_policy("tasks[1h] > 1", name="first")
    second = make_policy("failures[1h] > 1", name="second")
    agents: list[Agent | None] = [
        Agent(number=2, values={"tasks[1h]": 2.0, "failures[1h]": 0.0}),
        Agent(number=1, values={"tasks[1h]": 0.0, "failures[1h]": 2.0}),
    ]

    assert fired_in(Ticker(agents, first, second, guards=POOLED)) == [1]
