"""Guards at their bounds: nobody judged, one restart, an empty pool, the first agent of all, causes too unlikely for floats."""

from dataclasses import replace

import numpy as np
import pytest
from tests.judge.guards.cases import Case, held, make_cases
from tests.judge.guards.test_common_cause import Row, found, group, named
from tests.judge.guards.test_envelope_of_rungs import (
    ASIDE,
    allotted,
    announce,
    fire,
    pool,
    quarantine,
    refused,
)
from tests.judge.guards.test_guards_of_many import (
    ALERT,
    FAIL,
    FAILING,
    FINE,
    ONE,
    late,
    outcomes,
)
from tests.judge.world import (
    CALM,
    DAY,
    HOUR,
    START,
    Agent,
    Ticker,
    World,
    make_policy,
)

from pinkslip.judge.docket import Pools, pools_of
from pinkslip.judge.guards import stopped
from pinkslip.judge.guards.envelope import Outstanding, remembered
from pinkslip.judge.guards.mass_restart import deploys
from pinkslip.judge.guards.panic import Turned, bursts
from pinkslip.judge.memory import VirtualFire
from pinkslip.model.policy import (
    CommonCause,
    MassRestart,
    MaxFired,
    MaxFires,
    MaxQuarantined,
    Panic,
)
from pinkslip.model.words import Action, Guard, Mode, Standing, Status


def test_who_waits_for_a_user_does_not_fail_by_silence() -> None:
    waiting = [late(n, model="x", status=Status.WAITING) for n in (1, 2, 3)]
    others = [Agent(number=n, model="y") for n in range(5, 45)]
    ticker = Ticker(
        [*waiting, late(4, model="x"), *others],
        make_policy(),
        guards=replace(CALM, common_cause=CommonCause(at_least=3)),
    )

    assert outcomes(ticker) == [(4, "fired")]


def test_of_causes_too_unlikely_for_floats_the_one_with_more_failing_comes_first() -> None:
    rows: list[Row] = [
        (
            n < 2000,
            {"host": "h" if n < 1800 else f"h{n}", "model": "x" if n < 1500 else f"m{n}"},
        )
        for n in range(4000)
    ]

    (first, *_) = found(rows)

    assert (first.cause.factor, first.cause.failing, first.cause.p) == ("host", 1800, 0.0)


def test_a_value_of_which_nobody_is_judged_is_no_group() -> None:
    rows = [*group(3, 3, model="x"), *group(0, 40, model="y"), (False, {"model": "z"})]

    (guilty,) = found(rows, judged=[True] * 43 + [False])

    assert guilty.cause.value == "x"


def test_who_is_set_aside_in_one_round_is_not_set_aside_again() -> None:
    rows = [
        *group(2, 2, host="h", model="x"),
        *group(4, 4, host="k", model="x"),
        *[(True, {"host": "h", "model": f"h{n}"}) for n in range(5)],
        *[(True, {"host": "j", "model": f"j{n}"}) for n in range(4)],
        *group(0, 60, host="k", model="y"),
    ]

    causes = [each.cause for each in found(rows)]

    assert [(each.value, each.size, each.others_size) for each in causes] == [
        ("h", 7, 68),
        ("x", 4, 64),
        ("j", 4, 60),
    ]


@pytest.mark.parametrize(
    ("rows", "rule", "groups"),
    [
        pytest.param(
            group(1, 1, model="x") + group(0, 999, model="y"),
            CommonCause(factors=("model",), at_least=1, error=0.01),
            ["model x"],
            id="one failing agent, where one is enough",
        ),
        pytest.param(
            group(3, 3, model="x") + group(0, 3, model="y"),
            CommonCause(factors=("model",), at_least=3, error=0.1),
            [],
            id="as unlikely as the limit, 1/20 and half of 10 %",
        ),
        pytest.param(
            group(3, 3, model="x") + [(False, {"model": f"y{n}"}) for n in range(6)],
            CommonCause(factors=("model",), at_least=3, error=0.02),
            ["model x"],
            id="the only group has the whole error, 1/84 and 2 %",
        ),
    ],
)
def test_what_a_group_is_held_against(
    rows: list[Row], rule: CommonCause, groups: list[str]
) -> None:
    assert named(rows, rule) == groups


def test_a_real_panic_is_told_without_what_shadow_adds() -> None:
    ticker = Ticker(
        [late(1), late(2), late(3), Agent(number=4, values=FAILING)],
        make_policy(),
        make_policy(FAIL, name="failing", mode=Mode.SHADOW),
        guards=ALERT,
    )

    decision = ticker.tick().decisions[0]

    assert decision.guard is Guard.PANIC
    assert "3 of 4 agents turned" in decision.guard_detail


def test_who_has_recovered_has_not_turned_when_others_do() -> None:
    ticker = Ticker(
        [Agent(number=n, values=FAILING if n < 3 else {}) for n in (1, 2, 3)],
        make_policy(FAIL, action=Action.NOTIFY, keep_for_ms=HOUR),
        guards=ALERT,
    )
    ticker.tick()
    ticker.agent(1).values = FINE
    ticker.agent(3).values = FAILING

    assert ticker.tick(5_000).panics == ()


def test_who_turns_twice_is_counted_once_whoever_it_is() -> None:
    one_pool = Pools(label="role", codes=np.zeros(2, dtype=np.int64), names=("",))
    turned = Turned(np.array([0, 1, 1]), np.array([START, START + 1, START + 2]))

    found = bursts(
        turned,
        pools=one_pool,
        members=np.ones(2, dtype=np.bool_),
        panic=Panic(share=0.1, at_least=3),
    )

    assert found == {}


def test_one_restart_is_a_deploy_where_one_is_enough() -> None:
    world = World([Agent(number=1, boot_changed_at=START - 1)])
    rule = MassRestart(share=0.5, at_least=1)

    (deploy,) = deploys(world, pools=pools_of(world, "role"), rule=rule).values()

    assert (deploy.restarted, deploy.size) == (1, 1)


def test_an_empty_pool_label_is_none() -> None:
    world = World([Agent(number=1, role=""), Agent(number=2, role=None)])

    pools = pools_of(world, "role")

    assert pools.codes[0] == pools.codes[1]
    assert pools.spoken(int(pools.codes[0])) == "the pool of agents without a role"


def test_enforcement_that_is_stopped_for_no_reason_given_is_stopped() -> None:
    cases = make_cases(World([Agent(number=1)]), Case())

    answer = stopped.hold(cases, reason="")

    assert (held(answer), answer.words(0)) == ([0], "enforcement is stopped")


def test_a_refusal_of_what_was_announced_does_not_count_it_any_more() -> None:
    guards = replace(CALM, max_fired=MaxFired(share=0.0, at_least=0))

    answer = allotted(
        pool(4), announce(1), guards=guards, outstanding=Outstanding(announced=(1,))
    )

    assert (
        answer.hold.words(0) == "pool researcher has 4 agents: at most 0 fires in 1 h, 0 done"
    )


def test_shadow_fires_everybody_whose_real_fire_is_announced() -> None:
    cases = [fire(n, is_shadow=True) for n in (1, 2)]

    answer = allotted(pool(4), *cases, guards=CALM, outstanding=Outstanding(announced=(1, 2)))

    assert held(answer.hold) == []


def shadow_fire(number: int, *, at: int = START - 1, incarnation: int = 1) -> VirtualFire:
    return VirtualFire(at, number, incarnation)


class TestWhatShadowImagines:
    def test_its_fires_are_added_to_the_real_ones_of_the_workspace(self) -> None:
        agents = pool(6)
        for agent in agents[:2]:
            agent.fires = [(START - 1, True)]  # type: ignore[union-attr]  # an agent
        guards = replace(CALM, max_fires=MaxFires(count=3))

        holds = refused(
            agents,
            fire(4, is_shadow=True),
            guards=guards,
            outstanding=Outstanding(virtual=(shadow_fire(3),)),
        )

        assert holds == [0]

    @pytest.mark.parametrize(
        "nobody",
        [shadow_fire(99), shadow_fire(1, incarnation=7)],
        ids=["who has left", "who came back"],
    )
    def test_a_fire_of_nobody_here_hides_no_other(self, nobody: VirtualFire) -> None:
        outstanding = Outstanding(virtual=(nobody, shadow_fire(2)))

        holds = refused(pool(4), fire(3, is_shadow=True), guards=ONE, outstanding=outstanding)

        assert holds == [0]

    def test_who_is_really_quarantined_now_does_not_leave_a_second_time(self) -> None:
        holds = refused(
            pool(3),
            quarantine(1),
            fire(2, is_shadow=True),
            guards=replace(CALM, min_active=1),
            outstanding=Outstanding(virtual=(shadow_fire(1),)),
        )

        assert holds == []

    def test_whom_it_has_in_quarantine_counts_once(self) -> None:
        holds = refused(
            pool(4),
            quarantine(2, is_shadow=True),
            guards=replace(CALM, max_quarantined=MaxQuarantined(share=0.0, at_least=2)),
            outstanding=Outstanding(virtually_quarantined=(1,)),
        )

        assert holds == []

    @pytest.mark.parametrize(("age_ms", "kept"), [(DAY - 1, 1), (DAY, 0), (DAY + 1, 0)])
    def test_its_fires_are_remembered_for_the_longest_window(
        self, age_ms: int, kept: int
    ) -> None:
        guards = replace(
            CALM, max_fired=MaxFired(per_ms=DAY), max_fires=MaxFires(count=1, per_ms=HOUR)
        )

        found = remembered([shadow_fire(1, at=START - age_ms)], guards=guards, now=START)

        assert len(found) == kept


def test_the_first_agent_of_all_counts_in_quarantine_too() -> None:
    agents = pool(4)
    agents[0].standing = Standing.QUARANTINED  # type: ignore[union-attr]  # an agent

    assert refused(agents, quarantine(2), guards=ASIDE) == [0]
