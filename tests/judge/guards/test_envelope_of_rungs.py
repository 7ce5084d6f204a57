"""The envelope of ladders: quarantines at once, fires that were announced, and what is said of a pool at load."""

from dataclasses import replace

import numpy as np
import pytest
from tests.judge.guards.cases import Case, everybody, held, make_cases
from tests.judge.world import CALM, DAY, HOUR, MINUTE, START, Agent, World

from pinkslip.judge.docket import pools_of
from pinkslip.judge.guards.envelope import Allotted, Outstanding, allot, limits, remembered
from pinkslip.judge.memory import VirtualFire
from pinkslip.model.policy import Guards, MaxFired, MaxFires, MaxQuarantined
from pinkslip.model.words import Action, Standing

NOTHING = Outstanding()
ASIDE = replace(CALM, max_quarantined=MaxQuarantined(share=0.2, at_least=1))
POOLED = replace(CALM, max_fired=MaxFired(share=0.10, per_ms=HOUR, at_least=1))


def pool(size: int, *, aside: int = 0, role: str = "researcher") -> list[Agent | None]:
    """`size` agents, the last of them in quarantine."""
    return [
        Agent(number=n, role=role)
        if n <= size - aside
        else Agent(
            number=n,
            role=role,
            standing=Standing.QUARANTINED,
            standing_until=START + MINUTE,
        )
        for n in range(1, size + 1)
    ]


def grown(*, before: int, by: int) -> list[Agent | None]:
    """A pool that had `before` agents until a minute ago, when it got more."""
    agents = pool(before + by)
    for agent in agents[before:]:
        agent.created_at = START - MINUTE  # type: ignore[union-attr]  # an agent
    return agents


def allotted(
    agents: list[Agent | None],
    *cases: Case,
    guards: Guards,
    outstanding: Outstanding = NOTHING,
) -> Allotted:
    world = World(agents)
    rows = make_cases(world, *cases)
    return allot(
        rows,
        free=everybody(rows),
        view=world,
        pools=pools_of(world, guards.pool),
        guards=guards,
        outstanding=outstanding,
    )


def refused(
    agents: list[Agent | None],
    *cases: Case,
    guards: Guards,
    outstanding: Outstanding = NOTHING,
) -> list[int]:
    return held(allotted(agents, *cases, guards=guards, outstanding=outstanding).hold)


def quarantine(number: int, strength: float = 0.5, **given: object) -> Case:
    return Case(number=number, action=Action.QUARANTINE, strength=strength, **given)  # type: ignore[arg-type]  # fields of Case


def fire(number: int, strength: float = 0.5, **given: object) -> Case:
    return Case(number=number, strength=strength, **given)  # type: ignore[arg-type]  # fields of Case


def announce(number: int, strength: float = 0.5, **given: object) -> Case:
    return fire(number, strength, announces=True, **given)


def shadow_fire(number: int, *, at: int = START - 1, incarnation: int = 1) -> VirtualFire:
    return VirtualFire(at, number, incarnation)


class TestQuarantines:
    @pytest.mark.parametrize(
        ("size", "aside", "allowed"),
        [
            pytest.param(4, 0, 1, id="a small pool: at_least"),
            pytest.param(9, 0, 1, id="just below two shares"),
            pytest.param(10, 0, 2, id="two shares"),
            pytest.param(10, 1, 1, id="one there already"),
            pytest.param(10, 2, 0, id="two there already"),
            pytest.param(10, 3, 0, id="more than allowed there"),
            pytest.param(100, 10, 10, id="a large pool"),
        ],
    )
    def test_so_many_of_a_pool_at_once(self, size: int, aside: int, allowed: int) -> None:
        agents = pool(size, aside=aside)
        cases = [quarantine(n) for n in range(1, size - aside + 1)]

        assert len(cases) - len(refused(agents, *cases, guards=ASIDE)) == allowed

    @pytest.mark.parametrize(
        ("until", "holds"),
        [(START + 1, [0]), (START, []), (START - 1, []), (0, [0])],
    )
    def test_a_quarantine_counts_until_it_ends(self, until: int, holds: list[int]) -> None:
        agents = pool(4, aside=1)
        agents[3].standing_until = until  # type: ignore[union-attr]  # an agent

        assert refused(agents, quarantine(1), guards=ASIDE) == holds

    def test_who_finished_in_quarantine_counts_no_more(self) -> None:
        agents = pool(4, aside=1)
        agents[3].finished = True  # type: ignore[union-attr]  # an agent

        assert refused(agents, quarantine(1), guards=ASIDE) == []

    def test_the_first_agent_of_all_counts_in_quarantine_too(self) -> None:
        agents = pool(4)
        agents[0].standing = Standing.QUARANTINED  # type: ignore[union-attr]  # an agent

        assert refused(agents, quarantine(2), guards=ASIDE) == [0]

    def test_min_active_stay_at_work(self) -> None:
        guards = replace(CALM, min_active=2)

        answer = allotted(pool(3), quarantine(1), quarantine(2), guards=guards)

        assert held(answer.hold) == [1]
        assert answer.hold.words(1) == (
            "pool researcher has 2 active agents: at least 2 must stay"
        )

    def test_it_says_why_with_numbers(self) -> None:
        guards = replace(ASIDE, min_active=7)  # which would let one more go

        answer = allotted(pool(10, aside=2), quarantine(1), guards=guards)

        assert answer.hold.words(0) == (
            "pool researcher has 10 agents: at most 2 in quarantine at once, 2 there"
        )

    def test_the_strongest_evidence_goes_first_then_the_lowest_number(self) -> None:
        cases = (quarantine(3, 0.5), quarantine(2, 0.5), quarantine(1, 0.9), quarantine(4, 0.1))

        assert refused(pool(10), *cases, guards=ASIDE) == [0, 3]

    def test_two_policies_on_one_agent_are_one_quarantine(self) -> None:
        cases = (quarantine(1), quarantine(1, rank=1), quarantine(2))

        answer = allotted(pool(10), *cases, guards=ASIDE)

        assert held(answer.hold) == []
        assert not answer.moot.any()

    def test_pools_do_not_share(self) -> None:
        agents = [*pool(4), Agent(number=5, role="tester"), Agent(number=6, role="tester")]

        assert refused(agents, quarantine(1), quarantine(5), guards=ASIDE) == []

    def test_quarantines_spend_no_fires(self) -> None:
        guards = replace(POOLED, max_fires=MaxFires(count=0))

        assert refused(pool(10), quarantine(1), quarantine(2), guards=guards) == []

    def test_fires_come_first_and_both_count_as_leaving(self) -> None:
        guards = replace(CALM, min_active=2)

        assert refused(pool(3), quarantine(1, 0.9), fire(2, 0.1), guards=guards) == [0]

    @pytest.mark.parametrize(
        ("going", "outstanding"),
        [
            pytest.param((fire(1, 0.1),), NOTHING, id="fired in this tick"),
            pytest.param((announce(1, 0.1),), NOTHING, id="announced in this tick"),
            pytest.param((), Outstanding(announced=(1,)), id="announced before"),
            pytest.param((), Outstanding(asked=(1,)), id="asked before"),
        ],
    )
    def test_who_is_fired_makes_the_pool_smaller_for_quarantines(
        self, going: tuple[Case, ...], outstanding: Outstanding
    ) -> None:
        cases = (quarantine(2, 0.9), quarantine(3, 0.8), *going)

        answer = allotted(pool(10), *cases, guards=ASIDE, outstanding=outstanding)

        assert held(answer.hold) == [1]
        assert answer.hold.words(1) == (
            "pool researcher has 9 agents: at most 1 in quarantine at once, 1 there"
        )

    def test_whose_announced_fire_is_refused_counts_in_the_pool_again(self) -> None:
        guards = replace(ASIDE, max_fired=MaxFired(at_least=0, share=0.0))
        waiting = Outstanding(announced=(1,))

        answer = refused(
            pool(10),
            quarantine(2),
            quarantine(3),
            fire(1),
            guards=guards,
            outstanding=waiting,
        )

        assert answer == [2]

    def test_whom_shadow_would_have_fired_makes_its_pool_smaller(self) -> None:
        before = Outstanding(virtual=(VirtualFire(START - MINUTE, 1, 1),))
        shadow = [quarantine(n, is_shadow=True) for n in (2, 3)]

        assert refused(pool(10), *shadow, guards=ASIDE) == []
        assert refused(pool(10), *shadow, guards=ASIDE, outstanding=before) == [1]

    def test_who_is_fired_in_the_same_tick_needs_no_quarantine(self) -> None:
        answer = allotted(pool(3), quarantine(1), fire(1, rank=1), guards=CALM)

        assert answer.moot.tolist() == [True, False]

    def test_shadow_counts_those_it_would_have_set_aside(self) -> None:
        before = Outstanding(virtually_quarantined=(9, 10))
        shadow, real = quarantine(1, is_shadow=True), quarantine(2)

        assert refused(pool(10), shadow, real, guards=ASIDE, outstanding=before) == [0]

    def test_shadow_takes_nothing_from_what_enforcing_policies_may(self) -> None:
        shadow = [quarantine(n, 0.9, is_shadow=True) for n in (1, 2)]

        answer = refused(pool(10), *shadow, quarantine(3), quarantine(4), guards=ASIDE)

        assert answer == [0, 1]

    def test_whom_shadow_has_set_aside_already_costs_nothing(self) -> None:
        before = Outstanding(virtually_quarantined=(1, 2))

        answer = refused(
            pool(10), quarantine(1, is_shadow=True), guards=ASIDE, outstanding=before
        )

        assert answer == []


class TestAnnounced:
    """A fire that waits is counted as though it had been done, for everybody else."""

    def test_an_announcement_takes_a_place(self) -> None:
        assert refused(pool(10), announce(1, 0.9), fire(2), guards=POOLED) == [1]

    def test_what_waits_holds_its_place_against_others(self) -> None:
        waiting = Outstanding(announced=(7,))

        answer = allotted(pool(10), fire(1, 0.9), guards=POOLED, outstanding=waiting)

        assert held(answer.hold) == [0]
        assert answer.hold.words(0) == (
            "pool researcher had 10 agents 1 h ago (9 now): at most 1 fire in 1 h, "
            "1 done or announced"
        )

    def test_and_not_against_itself(self) -> None:
        waiting = Outstanding(announced=(7,))

        assert refused(pool(10), fire(7), guards=POOLED, outstanding=waiting) == []

    def test_its_place_comes_before_stronger_evidence(self) -> None:
        waiting = Outstanding(announced=(7,))

        answer = refused(
            pool(10), fire(1, 0.9), fire(7, 0.1), guards=POOLED, outstanding=waiting
        )

        assert answer == [0]

    def test_two_policies_that_wait_for_one_agent_hold_one_place(self) -> None:
        guards = replace(POOLED, max_fired=MaxFired(share=0.2))
        waiting = Outstanding(announced=(7, 7))

        assert refused(pool(10), fire(1), guards=guards, outstanding=waiting) == []

    @pytest.mark.parametrize(
        "guards",
        [
            pytest.param(replace(CALM, min_active=9), id="min_active"),
            pytest.param(replace(CALM, max_fires=MaxFires(count=1)), id="max_fires"),
            pytest.param(POOLED, id="max_fired"),
        ],
    )
    def test_every_rule_counts_it(self, guards: Guards) -> None:
        waiting = Outstanding(announced=(7,))

        assert refused(pool(10), fire(1), guards=guards, outstanding=waiting) == [0]
        assert refused(pool(10), fire(7), guards=guards, outstanding=waiting) == []

    def test_what_waits_for_approval_counts_in_its_pool(self) -> None:
        waiting = Outstanding(asked=(7,))

        assert refused(pool(10), fire(1), guards=POOLED, outstanding=waiting) == [0]
        assert refused(pool(10), fire(7), guards=POOLED, outstanding=waiting) == []

    def test_questions_that_nobody_answers_do_not_stop_the_workspace(self) -> None:
        guards = replace(CALM, max_fires=MaxFires(count=1))
        waiting = Outstanding(asked=(6, 7, 8))

        assert refused(pool(10), fire(1), guards=guards, outstanding=waiting) == []

    def test_once_approved_it_needs_room_in_the_workspace_as_any_other(self) -> None:
        guards = replace(CALM, max_fires=MaxFires(count=1))
        waiting = Outstanding(asked=(6, 7))

        answer = refused(
            pool(10),
            fire(6, 0.1),
            fire(7, 0.2),
            fire(1, 0.9),
            guards=guards,
            outstanding=waiting,
        )

        assert answer == [0, 2]

    def test_who_is_noticed_and_asked_about_counts_as_noticed(self) -> None:
        guards = replace(CALM, max_fires=MaxFires(count=1))
        waiting = Outstanding(announced=(7,), asked=(7,))

        assert refused(pool(10), fire(1), guards=guards, outstanding=waiting) == [0]

    def test_when_the_pool_shrank_meanwhile_its_fire_is_held_as_any_other(self) -> None:
        gone = Agent(number=11, role="researcher", fires=[(START - MINUTE, True)])
        waiting = Outstanding(announced=(7, 8))

        answer = refused(
            [*pool(10), gone],
            fire(7),
            guards=POOLED,
            outstanding=waiting,
        )

        assert answer == [0]

    def test_who_is_held_gives_its_place_back(self) -> None:
        """Two are announced where one may go: the stronger is refused, as the other has a place; then it goes."""
        waiting = Outstanding(announced=(7, 8))

        answer = refused(
            pool(10), fire(7, 0.9), fire(8, 0.1), guards=POOLED, outstanding=waiting
        )

        assert answer == [0]

    def test_a_refusal_of_what_was_announced_does_not_count_it_any_more(self) -> None:
        guards = replace(CALM, max_fired=MaxFired(share=0.0, at_least=0))

        answer = allotted(
            pool(4), announce(1), guards=guards, outstanding=Outstanding(announced=(1,))
        )

        assert (
            answer.hold.words(0)
            == "pool researcher has 4 agents: at most 0 fires in 1 h, 0 done"
        )

    def test_who_left_meanwhile_holds_no_place(self) -> None:
        agents = pool(10)
        agents[6].finished = True  # type: ignore[union-attr]  # an agent
        waiting = Outstanding(announced=(7, 99))

        assert refused(agents, fire(1), guards=POOLED, outstanding=waiting) == []

    def test_one_policy_fires_at_once_whom_another_would_announce(self) -> None:
        answer = allotted(pool(10), announce(1, 0.9), fire(1, 0.1, rank=1), guards=POOLED)

        assert held(answer.hold) == []
        assert answer.moot.tolist() == [True, False]

    def test_one_policy_fires_whom_another_has_announced(self) -> None:
        waiting = Outstanding(announced=(1,))

        answer = allotted(pool(10), fire(1), fire(2), guards=POOLED, outstanding=waiting)

        assert held(answer.hold) == [1]

    def test_one_announcement_of_an_agent_is_enough(self) -> None:
        answer = allotted(pool(10), announce(1), announce(1, rank=1), guards=POOLED)

        assert answer.moot.tolist() == [False, True]

    def test_a_quarantine_of_one_who_waits_takes_nobody_else_from_work(self) -> None:
        guards = replace(ASIDE, min_active=9)
        waiting = Outstanding(announced=(1,))

        answer = refused(
            pool(10), quarantine(1), quarantine(2), guards=guards, outstanding=waiting
        )

        assert answer == [1]

    def test_a_quarantine_of_one_who_waits_needs_room_among_the_quarantined(self) -> None:
        waiting = Outstanding(announced=(1,))

        answer = refused(pool(10, aside=2), quarantine(1), guards=ASIDE, outstanding=waiting)

        assert answer == [0]

    def test_shadow_counts_what_waits(self) -> None:
        waiting = Outstanding(announced=(7,))

        answer = refused(
            pool(10),
            fire(1, is_shadow=True),
            fire(7, is_shadow=True),
            guards=POOLED,
            outstanding=waiting,
        )

        assert answer == [0]

    def test_shadow_announces_nothing_and_would_fire_at_once(self) -> None:
        answer = allotted(pool(10), announce(1, is_shadow=True), guards=POOLED)

        assert held(answer.hold) == []

    def test_shadow_fires_everybody_whose_real_fire_is_announced(self) -> None:
        cases = [fire(n, is_shadow=True) for n in (1, 2)]

        answer = allotted(
            pool(4), *cases, guards=CALM, outstanding=Outstanding(announced=(1, 2))
        )

        assert held(answer.hold) == []

    def test_whom_shadow_would_have_fired_and_who_waits_counts_once(self) -> None:
        guards = replace(POOLED, max_fired=MaxFired(share=0.2))
        before = Outstanding(announced=(7,), virtual=(VirtualFire(START - MINUTE, 7, 1),))

        answer = refused(pool(10), fire(1, is_shadow=True), guards=guards, outstanding=before)

        assert answer == []


class TestImagined:
    """What shadow would have done counts for shadow, each in its own window."""

    @pytest.mark.parametrize(("ago_ms", "holds"), [(HOUR - 1, [0]), (HOUR, []), (HOUR + 1, [])])
    @pytest.mark.parametrize(
        "guards",
        [
            pytest.param(POOLED, id="max_fired"),
            pytest.param(
                replace(CALM, max_fires=MaxFires(count=1, per_ms=HOUR)), id="max_fires"
            ),
        ],
    )
    def test_a_virtual_fire_counts_while_its_window_lasts(
        self, guards: Guards, ago_ms: int, holds: list[int]
    ) -> None:
        before = Outstanding(virtual=(VirtualFire(START - ago_ms, 7, 1),))

        answer = refused(pool(10), fire(1, is_shadow=True), guards=guards, outstanding=before)

        assert answer == holds

    def test_who_was_virtually_gone_when_the_window_began_is_not_counted_in_the_pool(
        self,
    ) -> None:
        guards = replace(CALM, max_fired=MaxFired(share=0.1, per_ms=HOUR, at_least=0))
        before = Outstanding(virtual=(VirtualFire(START - HOUR, 7, 1),))
        shadow = fire(1, is_shadow=True)

        assert refused(pool(10), shadow, guards=guards) == []
        assert refused(pool(10), shadow, guards=guards, outstanding=before) == [0]

    @pytest.mark.parametrize(
        "before",
        [
            Outstanding(virtual=(VirtualFire(START - DAY, 7, 1),)),
            Outstanding(virtually_quarantined=(7,)),
        ],
        ids=["fired", "quarantined"],
    )
    def test_who_is_virtually_gone_does_not_stay(self, before: Outstanding) -> None:
        guards = replace(CALM, min_active=9)
        shadow = fire(1, is_shadow=True)

        assert refused(pool(10), shadow, guards=guards) == []
        assert refused(pool(10), shadow, guards=guards, outstanding=before) == [0]

    def test_who_waits_and_is_virtually_set_aside_leaves_once(self) -> None:
        guards = replace(CALM, min_active=8)
        before = Outstanding(announced=(7,), virtually_quarantined=(7,))

        answer = refused(pool(10), fire(1, is_shadow=True), guards=guards, outstanding=before)

        assert answer == []

    def test_one_incarnations_virtual_fire_says_nothing_of_the_next(self) -> None:
        before = Outstanding(virtual=(VirtualFire(START - MINUTE, 7, 2),))

        answer = refused(pool(10), fire(1, is_shadow=True), guards=POOLED, outstanding=before)

        assert answer == []

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
        guards = replace(CALM, max_fired=MaxFired(share=0.0, at_least=1))
        outstanding = Outstanding(virtual=(nobody, shadow_fire(2)))

        holds = refused(
            pool(4), fire(3, is_shadow=True), guards=guards, outstanding=outstanding
        )

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


class TestLimits:
    """What is said of each pool when the guards are loaded."""

    @pytest.mark.parametrize(
        ("size", "guards", "words", "most"),
        [
            (5, Guards(), "at most 1 fire an hour", 1),
            (29, Guards(), "at most 2 fires an hour", 2),
            (30, Guards(), "at most 3 fires an hour", 3),
            (
                1,
                Guards(),
                "no policy can ever fire one, as 1 must stay (min_active)",
                0,
            ),
            (2, Guards(), "at most 1 fire an hour", 1),
            (
                12,
                Guards(min_active=11, max_fired=MaxFired(share=0.5, per_ms=DAY)),
                "at most 1 fire a day",
                1,
            ),
            (5, Guards(max_fired=MaxFired(per_ms=MINUTE)), "at most 1 fire a minute", 1),
            (5, Guards(max_fired=MaxFired(per_ms=2 * HOUR)), "at most 1 fire in 2 h", 1),
            (
                5,
                Guards(max_fired=MaxFired(at_least=0)),
                "no policy may fire any, as max_fired allows none of so few",
                0,
            ),
            (
                5,
                Guards(max_fires=MaxFires(count=0)),
                "no policy may fire anybody, as max_fires is 0",
                0,
            ),
        ],
    )
    def test_a_pool_is_told_what_it_can_lose(
        self, size: int, guards: Guards, words: str, most: int
    ) -> None:
        (limit,) = limits(World(pool(size)), guards)

        noun = "agent" if size == 1 else "agents"
        assert limit.words == f"pool researcher has {size} {noun}: {words}"
        assert (limit.pool, limit.agents, limit.max_fires) == ("researcher", size, most)
        assert (limit.per_ms, limit.min_active) == (guards.max_fired.per_ms, guards.min_active)

    def test_every_pool_with_active_agents_is_named_in_order(self) -> None:
        agents: list[Agent | None] = [
            Agent(number=1, role="tester"),
            Agent(number=2, role=None),
            None,
            Agent(number=3, role="developer"),
            Agent(number=4, role="gone", finished=True),
        ]

        assert [
            limit.words.partition(" has")[0] for limit in limits(World(agents), Guards())
        ] == [
            "the pool of agents without a role",
            "pool developer",
            "pool tester",
        ]

    @pytest.mark.parametrize(
        ("per_ms", "ago", "per"),
        [
            (HOUR, "an hour ago", "an hour"),
            (DAY, "a day ago", "a day"),
            (10 * MINUTE, "as of 10 min ago", "in 10 min"),
        ],
    )
    def test_a_pool_is_counted_as_it_was_when_the_window_began(
        self, per_ms: int, ago: str, per: str
    ) -> None:
        guards = Guards(max_fired=MaxFired(per_ms=per_ms))

        (limit,) = limits(World(grown(before=2, by=97)), guards)

        assert limit.words == f"pool researcher has 99 agents, 2 {ago}: at most 1 fire {per}"
        assert (limit.agents, limit.max_fires) == (99, 1)

    def test_a_pool_that_shrank_is_counted_as_it_was_too(self) -> None:
        agents = pool(40)
        for agent in agents[5:]:
            agent.fires = [(START - MINUTE, False)]  # type: ignore[union-attr]  # an agent

        (limit,) = limits(World(agents), Guards())

        assert limit.words == (
            "pool researcher has 5 agents, 40 an hour ago: at most 4 fires an hour"
        )

    @pytest.mark.parametrize("new", [0, 1, 30])
    @pytest.mark.parametrize("size", [1, 2, 9, 10, 25, 60])
    def test_what_is_said_is_what_is_done(self, size: int, new: int) -> None:
        guards = Guards(max_fires=MaxFires(count=1_000))
        agents = grown(before=size, by=new)
        size += new
        (limit,) = limits(World(agents), guards)

        cases = [fire(n) for n in range(1, size + 1)]

        assert size - len(refused(agents, *cases, guards=guards)) == limit.max_fires


def test_only_who_would_leave_is_asked() -> None:
    cases = (fire(1), quarantine(2), Case(number=3, action=Action.PROBATION))

    answer = allotted(pool(10), *cases, guards=CALM)

    assert answer.hold.asked is not None
    assert np.flatnonzero(answer.hold.asked).tolist() == [0, 1]


@pytest.mark.parametrize("is_shadow", [False, True])
def test_whom_another_guard_holds_spends_nothing(is_shadow: bool) -> None:
    world = World(pool(10))
    cases = make_cases(
        world,
        fire(1, 0.9, is_shadow=is_shadow),
        fire(2, 0.1, is_shadow=is_shadow),
    )

    answer = allot(
        cases,
        free=np.array([False, True]),
        view=world,
        pools=pools_of(world, "role"),
        guards=POOLED,
        outstanding=NOTHING,
    )

    assert held(answer.hold) == []
