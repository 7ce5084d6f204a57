"""Whatever ladders, notices, quarantines and people do: after every tick the envelope holds (promise 7)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.judge.world import (
    CALM,
    DAY,
    HOUR,
    MINUTE,
    START,
    Agent,
    Ticker,
    World,
    make_policy,
)

from pinkslip.judge.conclusions import Judgement
from pinkslip.model.facts import Ruled
from pinkslip.model.policy import Guards, MaxFired, MaxFires, MaxNotices, MaxQuarantined, Rung
from pinkslip.model.words import Action, Mode, Standing, Verdict

LADDERS = st.sampled_from(
    [
        (),
        (Rung(Action.QUARANTINE, MINUTE),),
        (Rung(Action.QUARANTINE, MINUTE), Rung(Action.FIRE)),
        (Rung(Action.NOTIFY), Rung(Action.PROBATION), Rung(Action.FIRE)),
        (
            Rung(Action.PROBATION, MINUTE),
            Rung(Action.QUARANTINE, 5 * MINUTE),
            Rung(Action.FIRE),
        ),
    ]
)
GUARDS = st.builds(
    lambda **given: replace(CALM, **given),
    max_fired=st.builds(
        MaxFired,
        share=st.sampled_from([0.1, 0.29, 0.5]),
        per_ms=st.sampled_from([MINUTE, HOUR]),
        at_least=st.integers(0, 3),
    ),
    max_fires=st.builds(
        MaxFires, count=st.integers(1, 5), per_ms=st.sampled_from([MINUTE, HOUR])
    ),
    min_active=st.sampled_from([0, 1, 3, 6, 7]),
    max_quarantined=st.builds(
        MaxQuarantined, share=st.sampled_from([0.0, 0.2, 0.5]), at_least=st.integers(0, 2)
    ),
    max_notices=st.builds(
        MaxNotices, count=st.integers(1, 9), per_ms=st.sampled_from([MINUTE, HOUR])
    ),
)
POLICIES = st.lists(
    st.builds(
        lambda n, **given: make_policy(f"failures[1h] > {n}", **given),
        st.integers(1, 4),
        mode=st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.SHADOW]),
        ladder=LADDERS,
        notice_ms=st.sampled_from([0, MINUTE, 10 * MINUTE]),
        approval=st.sampled_from([False, False, True]),
        percent=st.sampled_from([1.0, 1.0, 1.0, 0.5]),
    ),
    min_size=1,
    max_size=3,
).map(
    lambda policies: [
        replace(
            each,
            name=f"p{n}",
            action=each.rungs[-1].action,
            hash=f"p{n}-{each.mode}",
            approval=each.approval and each.mode is Mode.ENFORCE,
        )
        for n, each in enumerate(policies)
    ]
)


@dataclass(frozen=True)
class Step:
    """What happens before a tick."""

    after_ms: int
    failures: dict[int, int]
    """By agent_no."""
    leaving: int
    """agent_no of one that finishes; 0: nobody."""
    sent_home: int
    """agent_no of one that a person puts into quarantine."""
    approves: bool
    """Whether a person says yes to all that waits."""


NUMBERS = st.integers(1, 12)
STEPS = st.lists(
    st.builds(
        Step,
        after_ms=st.sampled_from([5_000, MINUTE, 10 * MINUTE, HOUR]),
        failures=st.dictionaries(NUMBERS, st.sampled_from([0, 0, 2, 6]), max_size=12),
        leaving=st.sampled_from([0] * 9 + [3]),
        sent_home=st.sampled_from([0] * 9 + [5]),
        approves=st.booleans(),
    ),
    min_size=2,
    max_size=10,
)


@dataclass
class Course:
    """One history, tick by tick, with what people and the store make of it."""

    ticker: Ticker
    guards: Guards
    told: list[int] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def go(self, step: Step) -> tuple[World, Judgement]:
        for number, failures in step.failures.items():
            self.agent(number).values["failures[1h]"] = float(failures)
        if step.leaving:
            self.agent(step.leaving).finished = True
        if step.sent_home:
            agent = self.agent(step.sent_home)
            until = self.ticker.now + step.after_ms + 5 * MINUTE
            agent.standing, agent.standing_until = Standing.QUARANTINED, until
            agent.ordered_until = until
        before = replace_now(self.ticker, step.after_ms)
        judgement = self.ticker.tick(step.after_ms)
        if step.approves:
            self.ticker.acts.fold(
                Ruled(self.ticker.now, 1, each.decision_id, Verdict.APPROVED, "alice")
                for each in judgement.waiting
            )
        self.seen.update(each.verdict.value for each in judgement.decisions)
        return before, judgement

    def agent(self, number: int) -> Agent:
        return self.ticker.agent(number)


def replace_now(ticker: Ticker, after_ms: int) -> World:
    """The fleet as the tick will see it."""
    agents = [agent and replace(agent, fires=list(agent.fires)) for agent in ticker.agents]
    return World(agents, now=ticker.now + after_ms)


def pool_of(world: World, numbers: Iterable[int]) -> Counter[str]:
    return Counter(str(world.agents[number - 1].role) for number in numbers)  # type: ignore[union-attr]  # an agent


def members(world: World, mask: Iterable[bool]) -> list[int]:
    return [n for n, is_member in enumerate(mask, 1) if is_member]


def allowed(share: float, at_least: int, size: int) -> int:
    return max(at_least, int(round(share * 100) * size // 100))


def holds(guards: Guards, before: World, judgement: Judgement) -> None:
    """The envelope after the action, from the fleet before it and what was decided."""
    now = judgement.now
    gone = [each.agent_no for each in judgement.decisions if each.verdict is Verdict.FIRED]
    aside = {
        each.agent_no for each in judgement.decisions if each.verdict is Verdict.QUARANTINED
    }
    assert len(gone) == len(set(gone))
    rule = guards.max_fired
    start = now - rule.per_ms
    lately = pool_of(before, members(before, before.fired_by_policy_since(start)))
    fired = lately + pool_of(before, gone)
    at_start = pool_of(before, members(before, before.active_at(start)))
    for pool in pool_of(before, gone):
        assert fired[pool] <= allowed(rule.share, rule.at_least, at_start[pool])
    if gone:
        since = now - guards.max_fires.per_ms
        assert (
            len(members(before, before.fired_by_policy_since(since))) + len(gone)
            <= guards.max_fires.count
        )
    active = pool_of(before, set(members(before, before.active)) - set(gone) - aside)
    for pool in pool_of(before, {*gone, *aside}):
        assert active[pool] >= guards.min_active
    _quarantines_hold(guards.max_quarantined, before, aside, gone=set(gone), now=now)


def _quarantines_hold(
    rule: MaxQuarantined, before: World, aside: set[int], *, gone: set[int], now: int
) -> None:
    there = {
        agent.number
        for agent in before.agents
        if agent
        and agent.standing is Standing.QUARANTINED
        and not agent.finished
        and not agent.is_fired
    }
    staying = {n for n in there if before.agents[n - 1].standing_until > now}  # type: ignore[union-attr]  # an agent
    size = pool_of(before, (there | set(members(before, before.active))) - gone)
    quarantined = pool_of(before, staying | aside)
    for pool in pool_of(before, aside):
        assert quarantined[pool] <= allowed(rule.share, rule.at_least, size[pool])


TELLING = (Verdict.NOTIFIED, Verdict.NOTICED, Verdict.ASKED)


@settings(deadline=None, max_examples=80)
@given(POLICIES, GUARDS, STEPS, st.lists(st.sampled_from("aab"), min_size=12, max_size=12))
def test_the_envelope_holds_after_every_action(
    policies: list[object], guards: Guards, steps: list[Step], roles: list[str]
) -> None:
    agents: list[Agent | None] = [
        Agent(
            number=n,
            role=role,
            created_at=START - DAY,
            values={"failures[1h]": 5.0},
        )
        for n, role in enumerate(roles, 1)
    ]
    course = Course(Ticker(agents, *policies, guards=guards), guards)  # type: ignore[arg-type]  # policies

    for step in steps:
        before, judgement = course.go(step)
        holds(guards, before, judgement)
        told = [each for each in judgement.decisions if each.verdict in TELLING]
        course.told += [judgement.now] * len(told)
        per = guards.max_notices.per_ms
        if told:
            recently = [at for at in course.told if at > judgement.now - per]
            assert len(recently) <= guards.max_notices.count
    for verdict in course.seen:
        event(verdict)


@settings(deadline=None, max_examples=25)
@given(POLICIES, GUARDS, STEPS, st.permutations(range(1, 13)))
def test_the_order_of_agents_changes_nothing(
    policies: list[object], guards: Guards, steps: list[Step], order: list[int]
) -> None:
    courses = []
    for numbers in (list(range(1, 13)), order):
        agents: list[Agent | None] = [
            Agent(number=n, role="ab"[n % 2], values={"failures[1h]": 5.0}) for n in numbers
        ]
        ticker = Ticker(agents, *policies, guards=guards)  # type: ignore[arg-type]  # policies
        course = Course(ticker, guards)
        for step in steps:
            course.go(step)
        courses.append(sorted(ticker.decisions, key=lambda each: (each.at, each.id)))

    assert courses[0] == courses[1]
