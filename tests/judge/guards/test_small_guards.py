"""Enforcement stopped, blind time, newborn, protected: just before, at, just after, and in which words."""

from dataclasses import replace

import pytest
from tests.judge.guards.cases import Case, held, make_cases
from tests.judge.world import (
    CALM,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Agent,
    Ticker,
    World,
    make_policy,
)

from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.evaluate import Readings
from pinkslip.judge.guards import blind, newborn, protected, stopped
from pinkslip.model.policy import Guards, Newborn, Policy
from pinkslip.model.words import Action, Guard, Mode

FIRES = make_policy()
NOTIFIES = make_policy(action=Action.NOTIFY)
FIRES_IN_SHADOW = make_policy(mode=Mode.SHADOW)
JUDGES_TASKS = make_policy("success_rate[1h] < 70%", name="dumb", reason="dumb")
NOTIFIES_OF_TASKS = replace(JUDGES_TASKS, action=Action.NOTIFY)


def late(**given: object) -> Agent:
    return Agent(
        number=1,
        silent_s=95.0,
        values={"success_rate[1h]": 0.2, "tasks[1h]": 10.0},
        **given,  # type: ignore[arg-type]  # fields of Agent
    )


def ruled(agent: Agent, policy: Policy, guards: Guards = CALM) -> tuple[str, str]:
    """The guard that holds and its words; the verdict and nothing when none does."""
    (decision,) = Ticker([agent], policy, guards=guards).tick().decisions
    return (decision.guard or decision.verdict, decision.guard_detail)


@pytest.mark.parametrize("policy", [FIRES, JUDGES_TASKS, FIRES_IN_SHADOW])
def test_stopped_enforcement_holds_every_fire(policy: Policy) -> None:
    ticker = Ticker([late()], policy)
    ticker.stopped = "incident 4711"

    (decision,) = ticker.tick().decisions

    assert decision.guard is Guard.STOPPED
    assert decision.guard_detail == "enforcement is stopped: incident 4711"


def test_enforcement_that_is_stopped_for_no_reason_given_is_stopped() -> None:
    cases = make_cases(World([Agent(number=1)]), Case())

    answer = stopped.hold(cases, reason="")

    assert (held(answer), answer.words(0)) == ([0], "enforcement is stopped")


def test_stopped_enforcement_still_tells_people() -> None:
    ticker = Ticker([late()], NOTIFIES)
    ticker.stopped = "incident 4711"

    assert ticker.tick().decisions[0].verdict == "notified"


def test_resuming_enforcement_acts_on_what_still_holds() -> None:
    ticker = Ticker([late()], FIRES)
    ticker.stopped = "incident 4711"
    ticker.tick()
    ticker.stopped = None

    (decision,) = ticker.tick(5_000).decisions

    assert decision.verdict == "fired"


@pytest.mark.parametrize(
    ("watched_ms", "held"), [(29_999, True), (30_000, False), (30_001, False)]
)
@pytest.mark.parametrize("policy", [FIRES, NOTIFIES, FIRES_IN_SHADOW])
def test_silence_is_judged_only_after_a_whole_interval_of_watching(
    policy: Policy, watched_ms: int, held: bool
) -> None:
    ticker = Ticker([late()], policy)
    ticker.observing_since = START - watched_ms

    (decision,) = ticker.tick().decisions

    assert (decision.guard is Guard.BLIND_TIME) is held


def test_blind_time_speaks_of_both_times() -> None:
    ticker = Ticker([late()], FIRES)
    ticker.observing_since = START - 12 * SECOND

    assert ticker.tick().decisions[0].guard_detail == (
        "we have watched again for 12 s only; the agent reports every 30 s"
    )


def test_tasks_are_judged_however_short_we_have_watched() -> None:
    ticker = Ticker([late()], JUDGES_TASKS)
    ticker.observing_since = START

    assert ticker.tick().decisions[0].verdict == "fired"


YOUNG = replace(CALM, newborn=Newborn(age_ms=5 * MINUTE, tasks=5))


@pytest.mark.parametrize(
    ("age_ms", "expected"),
    [
        (299_999, ("newborn", "known for 5 min only; left alone for its first 5 min")),
        (120_000, ("newborn", "known for 2 min only; left alone for its first 5 min")),
        (300_000, ("fired", "")),
        (300_001, ("fired", "")),
    ],
)
def test_the_young_are_left_alone(age_ms: int, expected: tuple[str, str]) -> None:
    assert ruled(late(created_at=START - age_ms), FIRES, YOUNG) == expected


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        (4, ("newborn", "4 tasks done; judged by its tasks only from 5 on")),
        (1, ("newborn", "1 task done; judged by its tasks only from 5 on")),
        (5, ("fired", "")),
        (6, ("fired", "")),
    ],
)
def test_tasks_are_judged_from_the_fifth_on(tasks: int, expected: tuple[str, str]) -> None:
    assert ruled(late(tasks=tasks), JUDGES_TASKS, YOUNG) == expected


def test_silence_asks_for_age_alone() -> None:
    assert ruled(late(tasks=0), FIRES, YOUNG) == ("fired", "")


@pytest.mark.parametrize("policy", [NOTIFIES, NOTIFIES_OF_TASKS])
def test_people_are_told_of_the_young_too(policy: Policy) -> None:
    assert ruled(late(created_at=START, tasks=0), policy, YOUNG) == ("notified", "")


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        (START + 1, ("protected", "protected until 2025-11-24T16:00:00.001Z")),
        (START, ("fired", "")),
        (START - 1, ("fired", "")),
        (0, ("fired", "")),
    ],
)
def test_the_protected_are_not_fired_before_their_time(
    until: int, expected: tuple[str, str]
) -> None:
    assert ruled(late(protected_until=until), FIRES) == expected


def test_people_are_told_of_the_protected() -> None:
    assert ruled(late(protected_until=START + HOUR), NOTIFIES) == ("notified", "")


def test_the_first_guard_that_holds_names_the_verdict() -> None:
    agent = late(created_at=START, protected_until=START + HOUR)
    ticker = Ticker([agent], FIRES, guards=replace(YOUNG, min_active=1))
    ticker.observing_since = START
    ticker.stopped = "incident"
    named = []

    for change in ("nothing", "resume", "watch", "age", "lift", "spare"):
        match change:
            case "resume":
                ticker.stopped = None
            case "watch":
                ticker.observing_since = START - HOUR
            case "age":
                agent.created_at = START - HOUR
            case "lift":
                agent.protected_until = 0
            case "spare":
                ticker.agents.append(Agent(number=2))
            case _:
                pass
        named += [each.guard or each.verdict for each in ticker.tick(5_000).decisions]

    assert named == [
        "enforcement_stopped",
        "blind_time",
        "newborn",
        "protected",
        "envelope",
        "fired",
    ]


LADDER = (Action.NOTIFY, Action.PROBATION, Action.QUARANTINE, Action.FIRE)


class TestRungs:
    """Which rungs each guard holds, whatever the policy's mode."""

    @pytest.mark.parametrize("is_shadow", [False, True])
    def test_stopped_enforcement_leaves_only_telling(self, is_shadow: bool) -> None:
        cases = make_cases(
            World([late()]), *(Case(action=rung, is_shadow=is_shadow) for rung in LADDER)
        )

        assert held(stopped.hold(cases, reason="incident")) == [1, 2, 3]
        assert held(stopped.hold(cases, reason=None)) == []

    def test_blind_time_holds_every_rung_of_a_policy_on_silence(self) -> None:
        world = World([late()], observing_since=START)
        rows = [
            Case(action=rung, is_stale_type=stale) for stale in (True, False) for rung in LADDER
        ]

        assert held(blind.hold(make_cases(world, *rows), view=world)) == [0, 1, 2, 3]

    def test_the_young_are_only_told_of(self) -> None:
        world = World([late(created_at=START)])
        cases = make_cases(world, *(Case(action=rung) for rung in LADDER))

        assert held(_newborn(world, cases)) == [1, 2, 3]

    def test_the_protected_may_be_on_probation(self) -> None:
        world = World([late(protected_until=START + 1)])
        cases = make_cases(world, *(Case(action=rung) for rung in LADDER))

        assert held(protected.hold(cases, view=world)) == [2, 3]


def _newborn(world: World, cases: Cases, rule: Newborn = YOUNG.newborn) -> Hold:
    return newborn.hold(cases, view=world, age_s=Readings(world).plain("age"), newborn=rule)


class TestYoungWorkers:
    """Where evidence follows the worker, its life and tasks are those of all its ids."""

    def asked(self, *agents: Agent | None, reads_outcomes: bool = True) -> Hold:
        world = World(agents)
        case = Case(by_lineage=True, reads_outcomes=reads_outcomes)
        return _newborn(world, make_cases(world, case))

    @pytest.mark.parametrize(
        ("age_ms", "holds"), [(299_999, [0]), (300_000, []), (300_001, [])]
    )
    def test_it_is_as_old_as_its_oldest_id(self, age_ms: int, holds: list[int]) -> None:
        new = late(lineage="w", created_at=START - SECOND)
        old = Agent(number=2, lineage="w", created_at=START - age_ms, finished=True)

        assert held(self.asked(new, None, old)) == holds

    @pytest.mark.parametrize(("back_ms", "holds"), [(299_999, [0]), (300_000, []), (HOUR, [])])
    @pytest.mark.parametrize("taken_back", [1, 2])
    def test_who_takes_one_of_its_ids_back_begins_it_anew(
        self, taken_back: int, back_ms: int, holds: list[int]
    ) -> None:
        ids = [
            late(lineage="w"),
            Agent(number=2, lineage="w"),
            Agent(number=3, lineage="w", created_at=START - 2 * HOUR, incarnation=2),
        ]
        again = ids[taken_back - 1]
        again.created_at, again.incarnation = START - back_ms, 2

        assert held(self.asked(*ids)) == holds

    @pytest.mark.parametrize(("before", "holds"), [(3, [0]), (4, []), (5, [])])
    def test_it_has_done_the_tasks_of_them_all(self, before: int, holds: list[int]) -> None:
        new = late(lineage="w", tasks=1, counted=(1, 0))
        old = Agent(number=2, lineage="w", counted=(before, 0))

        assert held(self.asked(new, old)) == holds

    def test_it_says_so_with_the_workers_numbers(self) -> None:
        new = late(lineage="w", tasks=1, counted=(1, 0))
        old = Agent(number=2, lineage="w", counted=(2, 0))

        assert self.asked(new, old).words(0) == (
            "3 tasks done; judged by its tasks only from 5 on"
        )

    def test_another_worker_makes_nobody_older(self) -> None:
        new = late(lineage="w", created_at=START)

        assert held(self.asked(new, Agent(number=2, lineage="v"), Agent(number=3))) == [0]

    def test_without_a_lineage_it_is_its_own_worker(self) -> None:
        young = late(created_at=START)
        old = late()

        assert held(self.asked(young, Agent(number=2))) == [0]
        assert held(self.asked(old)) == []

    def test_a_policy_on_agents_asks_for_the_agents_own_life(self) -> None:
        world = World([late(lineage="w", created_at=START), Agent(number=2, lineage="w")])

        assert held(_newborn(world, make_cases(world, Case()))) == [0]
