"""Many fail at once: nobody is fired for what their model broke, and the bad ones are when nothing explains them."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.judge.world import MINUTE, Agent, Ticker, make_policy

from pinkslip.judge.conclusions import Judgement
from pinkslip.model.policy import Guards, Policy, Rung
from pinkslip.model.words import Action, Guard, Mode, Standing, Verdict

FACTORY = replace(Guards(), panic=None)
"""The guards as they come, but with panic switched off."""
BAD = (20, 4)
GOOD = (20, 18)

PROVEN = make_policy("proven(success < 70%, error=1%)", name="proven", reason="dumb")
LADDER = replace(
    PROVEN,
    ladder=(
        Rung(Action.PROBATION),
        Rung(Action.QUARANTINE, 10 * MINUTE),
        Rung(Action.FIRE),
    ),
)


def fleet(model_of: Callable[[int], str], *, bad: range = range(1, 31)) -> list[Agent | None]:
    """A hundred agents, of whom thirty fail."""
    return [
        Agent(number=n, model=model_of(n), counted=BAD if n in bad else GOOD)
        for n in range(1, 101)
    ]


def one_model(number: int) -> str:
    return "broken-1" if number <= 30 else f"model-{number % 3}"


def scattered(number: int) -> str:
    return f"model-{number % 4}"


def verdicts(judgement: Judgement) -> dict[str, int]:
    named = [each.guard or each.verdict for each in judgement.decisions]
    return {str(name): named.count(name) for name in named}


@pytest.mark.parametrize("policy", [PROVEN, LADDER], ids=["fire", "ladder"])
def test_thirty_of_a_hundred_on_one_model_fail_at_once_and_nobody_is_blamed(
    policy: Policy,
) -> None:
    ticker = Ticker(fleet(one_model), policy, guards=FACTORY)

    judgement = ticker.tick()

    assert verdicts(judgement) == {"common_cause": 30}
    (cause,) = judgement.causes
    assert (cause.factor, cause.value) == ("model", "broken-1")
    assert (cause.failing, cause.size, cause.others_failing, cause.others_size) == (
        30,
        30,
        0,
        70,
    )
    assert cause.words == (
        "30 of 30 failing agents have model broken-1: 30 of its 30 agents fail, 0 of the 70 others"
    )
    assert {each.guard_detail for each in judgement.decisions} == {cause.words}


def test_it_stays_so_for_as_long_as_they_fail() -> None:
    ticker = Ticker(fleet(one_model), PROVEN, guards=FACTORY)
    ticker.tick()

    for _ in range(50):
        judgement = ticker.tick(MINUTE)
        assert judgement.decisions == ()
        assert [cause.value for cause in judgement.causes] == ["broken-1"]
        assert judgement.held == {("proven", Guard.COMMON_CAUSE): 30}


def test_the_same_failures_scattered_over_models_fire_the_bad_ones_within_the_envelope() -> (
    None
):
    ticker = Ticker(fleet(scattered), PROVEN, guards=FACTORY)
    fired: list[int] = []

    for _ in range(6):
        judgement = ticker.tick(10 * MINUTE)
        assert judgement.causes == ()
        fired += [
            each.agent_no for each in judgement.decisions if each.verdict is Verdict.FIRED
        ]

    # three in ten minutes, ten of a hundred in an hour
    assert fired == [*range(1, 11)]
    assert {each.guard for each in ticker.decisions if each.guard} == {Guard.ENVELOPE}


def test_those_who_fail_elsewhere_are_judged_as_ever() -> None:
    agents = fleet(one_model)
    agents[99] = replace(agents[99], counted=BAD)  # type: ignore[type-var]  # an agent

    judgement = Ticker(agents, PROVEN, guards=FACTORY).tick()

    assert verdicts(judgement) == {"common_cause": 30, "fired": 1}
    assert [cause.value for cause in judgement.causes] == ["broken-1"]


def test_the_first_to_cross_the_line_is_not_fired_before_the_others_are_seen() -> None:
    """Half of the evidence is enough to count as failing."""
    nearly = (10, 3)
    agents = [
        replace(agent, counted=nearly) if agent and 1 < agent.number <= 30 else agent
        for agent in fleet(one_model)
    ]

    judgement = Ticker(agents, PROVEN, guards=FACTORY).tick()

    assert verdicts(judgement) == {"common_cause": 1}
    assert [cause.failing for cause in judgement.causes] == [30]


def test_people_are_told_of_each_by_policies_that_only_tell() -> None:
    judgement = Ticker(
        fleet(one_model), replace(PROVEN, action=Action.NOTIFY), guards=FACTORY
    ).tick()

    assert verdicts(judgement) == {"notified": 30}
    assert judgement.causes == ()


def test_shadow_would_be_held_by_the_cause_it_would_find() -> None:
    shadow = replace(PROVEN, mode=Mode.SHADOW)

    judgement = Ticker(fleet(one_model), shadow, guards=FACTORY).tick()

    assert verdicts(judgement) == {"common_cause": 30}
    assert judgement.causes == ()


def test_switched_off_it_explains_nothing() -> None:
    guards = replace(FACTORY, common_cause=None)

    judgement = Ticker(fleet(one_model), PROVEN, guards=guards).tick()

    assert verdicts(judgement) == {"fired": 3, "envelope": 27}


def test_on_one_model_only_it_cannot_be_told() -> None:
    judgement = Ticker(fleet(lambda _: "the-model"), PROVEN, guards=FACTORY).tick()

    assert judgement.causes == ()
    assert verdicts(judgement) == {"fired": 3, "envelope": 27}


def test_on_a_ladder_the_scattered_go_down_rung_by_rung_within_the_envelope() -> None:
    ticker = Ticker(fleet(scattered), LADDER, guards=FACTORY)

    first, second = ticker.tick(), ticker.tick(MINUTE)

    assert verdicts(first) == {"probation": 30}
    assert {agent.standing for agent in ticker.agents[:30] if agent} == {Standing.PROBATION}
    assert second.decisions == ()  # evidence starts anew


@pytest.mark.parametrize("policy", [PROVEN, LADDER], ids=["fire", "ladder"])
@pytest.mark.parametrize("before", [(0, 0), GOOD], ids=["new agents", "good until now"])
@pytest.mark.parametrize("seed", range(2))
def test_a_model_that_breaks_in_the_middle_of_the_day_costs_nobody(
    seed: int, before: tuple[int, int], policy: Policy
) -> None:
    """It fails nine tasks of ten from now on; each agent has its own pace, and crosses the line when it does."""
    luck = random.Random(seed)
    agents = [Agent(number=n, model=one_model(n), counted=before) for n in range(1, 101)]
    ticker = Ticker([*agents], policy, guards=FACTORY)
    causes = []

    for _ in range(90):
        for agent in agents:
            if luck.random() < 0.3:
                works = luck.random() < (0.1 if agent.model == "broken-1" else 0.9)
                tasks, successes = agent.counted
                agent.counted = tasks + 1, successes + works
        causes += [cause.value for cause in ticker.tick(MINUTE).causes]

    assert {each.guard or each.verdict for each in ticker.decisions} == {Guard.COMMON_CAUSE}
    assert set(causes) == {"broken-1"}
