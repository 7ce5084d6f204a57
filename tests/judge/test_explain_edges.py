"""An honest record is found again whoever the agent was compared with, and no difference hides another."""

from dataclasses import replace

import pytest
from msgspec import structs
from tests.judge.test_explain import ON_A_LADDER, concluded, place, workers
from tests.judge.world import CALM, HOUR, SECOND, START, Agent, Ticker, make_policy

from pinkslip.judge.explain import began_anew, recompute
from pinkslip.model.policy import Matcher
from pinkslip.model.words import Action, Status

OF_THE_FLEET = make_policy(
    "proven(success < 70%, fdr=5%) and heartbeat_age > 1s",
    action=Action.NOTIFY,
    match=(Matcher("role", frozenset({"developer"}), ()),),
)


def fleet() -> list[Agent | None]:
    """Whom the policy is about, and others whose outcomes are none of its business."""
    return [
        Agent(number=1, counted=(14, 4), silent_s=2.0),
        Agent(number=2, counted=(1, 1)),
        Agent(number=3, counted=(8, 2)),
        *(Agent(number=n, counted=(1, 1), status=Status.WAITING) for n in range(4, 8)),
        *(Agent(number=n, counted=(1, 1), role="tester") for n in range(8, 12)),
    ]


def test_a_bar_for_the_fleet_is_worked_out_again_from_those_the_policy_is_about() -> None:
    ticker = Ticker(fleet(), OF_THE_FLEET)
    (decision,) = ticker.tick().decisions

    found = recompute(ticker.look(), OF_THE_FLEET, slot=0, decision=decision)

    assert found.identical, found.differences


def test_a_forged_bar_is_named() -> None:
    ticker = Ticker(fleet(), OF_THE_FLEET)
    (decision,) = ticker.tick().decisions
    (statistic,) = decision.evidence.statistics
    forged = structs.replace(
        decision,
        evidence=structs.replace(
            decision.evidence, statistics=(structs.replace(statistic, threshold=0.5),)
        ),
    )

    found = recompute(ticker.look(), OF_THE_FLEET, slot=0, decision=forged)

    assert f"{statistic.function}, threshold: recorded 0.5" in found.differences[0]


def test_a_chance_is_worked_out_again_in_the_pool_of_then() -> None:
    agents = [
        Agent(number=n, model="small" if n < 5 else "large", counted=(20, 4 + n))
        for n in range(1, 10)
    ]
    policy = make_policy("posterior(success < 70%) > 50%", action=Action.NOTIFY)
    ticker = Ticker([*agents], policy, guards=replace(CALM, pool="model"))
    decision = ticker.tick().decisions[0]

    found = recompute(ticker.look(), policy, slot=0, decision=decision, pool="model")

    assert found.identical, found.differences


def test_every_difference_between_statistics_is_named() -> None:
    first, second, third = (f"proven(success < {rate}%, error=1%)" for rate in (70, 75, 80))
    policy = make_policy(f"{first} and {second} and {third}", action=Action.NOTIFY)
    ticker = Ticker([Agent(number=1, counted=(40, 4))], policy)
    (decision,) = ticker.tick().decisions
    one, two, three = decision.evidence.statistics
    forged = (structs.replace(one, function="older"), structs.replace(two, tasks=41), three)
    decision = structs.replace(
        decision, evidence=structs.replace(decision.evidence, statistics=forged)
    )

    found = recompute(ticker.look(), policy, slot=0, decision=decision)

    assert found.differences == (
        "older: only recorded",
        f"{second}, tasks: recorded 41, recomputed 40",
        f"{first}: only recomputed",
    )


def test_evidence_began_anew_after_a_single_task_too() -> None:
    world = workers((41, 5))
    ledger = place(world, base_tasks=1, since=START - HOUR)

    assert began_anew(concluded(ON_A_LADDER, world, ledger)) == START - HOUR


@pytest.mark.parametrize("agent_left", [False, True])
def test_what_was_called_off_after_for_is_found_again_without_a_difference(
    *, agent_left: bool
) -> None:
    policy = make_policy(for_ms=30 * SECOND, notice_ms=HOUR)
    ticker = Ticker([Agent(number=1, silent_s=95.0)], policy)
    ticker.tick()
    ticker.tick(30 * SECOND)
    ticker.agent(1).silent_s, ticker.agent(1).finished = 1.0, agent_left
    (cancelled,) = ticker.tick(5 * SECOND).decisions

    found = recompute(ticker.look(), policy, slot=0, decision=cancelled)

    assert (found.identical, found.differences) == (True, ())
