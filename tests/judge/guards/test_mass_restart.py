"""Many new bootIds at once are a deploy, not an outage: silence fires nobody meanwhile, and it is no panic."""

from dataclasses import replace

import pytest
from tests.judge.guards.cases import Case, held, make_cases
from tests.judge.world import CALM, MINUTE, START, Agent, Ticker, World, make_policy

from pinkslip.judge.docket import pools_of
from pinkslip.judge.guards.mass_restart import Deploy, deploys, hold
from pinkslip.model.policy import MassRestart, Panic
from pinkslip.model.words import Action, Guard

RULE = MassRestart(share=0.3, at_least=3, per_ms=5 * MINUTE)
WATCHFUL = replace(CALM, mass_restart=RULE)


def pool(
    size: int, *restarted_ms: int, role: str = "researcher", first: int = 1
) -> list[Agent | None]:
    """`size` agents, the first of them restarted so long ago."""
    agents: list[Agent | None] = [
        Agent(number=first + n, role=role, boot_changed_at=START - ago)
        for n, ago in enumerate(restarted_ms)
    ]
    return agents + [Agent(number=first + n, role=role) for n in range(len(restarted_ms), size)]


def found(agents: list[Agent | None], rule: MassRestart = RULE) -> list[Deploy]:
    world = World(agents)
    return list(deploys(world, pools=pools_of(world, "role"), rule=rule).values())


@pytest.mark.parametrize(
    ("size", "restarted", "is_deploy"),
    [
        pytest.param(2, 2, False, id="fewer than at_least, however large a share"),
        pytest.param(3, 3, True, id="at_least"),
        pytest.param(11, 3, False, id="just below the share"),
        pytest.param(10, 3, True, id="at the share"),
        pytest.param(9, 3, True, id="above it"),
        pytest.param(100, 29, False, id="below, in a large pool"),
        pytest.param(100, 30, True, id="at, in a large pool"),
    ],
)
def test_a_deploy_asks_for_a_share_and_a_number(
    size: int, restarted: int, is_deploy: bool
) -> None:
    assert bool(found(pool(size, *[MINUTE] * restarted))) is is_deploy


@pytest.mark.parametrize(
    ("ago_ms", "is_deploy"), [(299_999, True), (300_000, False), (300_001, False)]
)
def test_a_restart_counts_for_per(ago_ms: int, is_deploy: bool) -> None:
    assert bool(found(pool(10, 1, 1, ago_ms))) is is_deploy


def test_it_says_who_since_when_and_how_many() -> None:
    agents = pool(10, MINUTE, 2 * MINUTE, 3 * MINUTE, 20 * MINUTE)

    assert found(agents) == [Deploy("researcher", START - 3 * MINUTE, 3, 10)]


def test_one_restart_is_a_deploy_where_one_is_enough() -> None:
    (deploy,) = found(pool(1, 1), MassRestart(share=0.5, at_least=1))

    assert (deploy.restarted, deploy.size) == (1, 1)


def test_those_that_left_do_not_count() -> None:
    agents = pool(10, MINUTE, MINUTE, MINUTE)
    assert agents[0] is not None
    agents[0].finished = True

    assert found(agents) == []


def test_without_a_minimum_a_pool_that_stands_still_is_no_deploy() -> None:
    assert found(pool(10), replace(RULE, at_least=0, share=0.0)) == []


def silent_pool(
    size: int, *, restarted: int, silent: int, role: str = "researcher", first: int = 1
) -> list[Agent | None]:
    agents = pool(size, *[MINUTE] * restarted, role=role, first=first)
    for agent in agents[-silent:]:
        assert agent is not None
        agent.silent_s = 95.0
    return agents


@pytest.mark.parametrize("action", [Action.FIRE, Action.NOTIFY])
def test_silence_is_not_judged_during_a_deploy(action: Action) -> None:
    ticker = Ticker(
        silent_pool(10, restarted=3, silent=2), make_policy(action=action), guards=WATCHFUL
    )

    assert {(each.guard, each.guard_detail) for each in ticker.tick().decisions} == {
        (
            Guard.MASS_RESTART,
            (
                "pool researcher restarts since 2025-11-24T15:59:00.000Z: 3 of 10 agents came "
                "with a new bootId within 5 min, which is a deploy and no outage"
            ),
        )
    }


def test_what_is_not_about_silence_goes_on() -> None:
    world = World(silent_pool(10, restarted=3, silent=1))
    pools = pools_of(world, "role")
    cases = make_cases(world, Case(number=10), Case(number=10, is_stale_type=True))

    answer = hold(cases, pools=pools, deploys=deploys(world, pools=pools, rule=RULE), rule=RULE)

    assert held(answer) == [1]


def test_another_pool_goes_on() -> None:
    agents = silent_pool(10, restarted=3, silent=1)
    agents += [Agent(number=11, role="tester", silent_s=95.0), Agent(number=12, role="tester")]

    decisions = Ticker(agents, make_policy(), guards=WATCHFUL).tick().decisions

    assert [(each.agent_no, each.guard or each.verdict) for each in decisions] == [
        (10, "mass_restart"),
        (11, "fired"),
    ]


def test_it_is_named_as_a_deploy_and_not_as_a_panic() -> None:
    guards = replace(WATCHFUL, panic=Panic(share=0.15, at_least=3))
    ticker = Ticker(silent_pool(10, restarted=3, silent=4), make_policy(), guards=guards)

    during = ticker.tick()
    after = ticker.tick(4 * MINUTE)

    assert (during.panics, {each.guard for each in during.decisions}) == (
        (),
        {Guard.MASS_RESTART},
    )
    assert [each.pool for each in after.panics] == ["researcher"]
    assert {each.guard for each in after.decisions} == {Guard.PANIC}


def test_off_holds_nobody() -> None:
    ticker = Ticker(silent_pool(10, restarted=5, silent=1), make_policy(), guards=CALM)

    assert [each.verdict for each in ticker.tick().decisions] == ["fired"]
