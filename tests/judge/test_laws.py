"""What holds for every fleet, every history and every order of things."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.test_evaluate import conditions, fleets, plainly
from tests.judge.world import (
    CALM,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Agent,
    Ticker,
    World,
    make_policy,
    make_set,
)

from pinkslip.judge.judge import JudgeState, judge
from pinkslip.model.decisions import Decision
from pinkslip.model.policy import (
    Condition,
    Expression,
    Guards,
    MaxFired,
    MaxFires,
    Newborn,
    Panic,
)
from pinkslip.model.words import Action, Mode, Status, Verdict

UNHURRIED = settings(deadline=None, max_examples=60)

ACTING = {Verdict.FIRED, Verdict.NOTIFIED, Verdict.SHADOWED}
DUMB = make_policy("success_rate[1h] < 70%", name="dumb", reason="dumb", for_ms=10 * SECOND)


@UNHURRIED
@given(conditions, fleets, st.sampled_from(list(Action)), st.sampled_from(list(Mode)))
def test_only_what_is_true_acts(
    tree: Expression, fleet: list[dict[str, float]], action: Action, mode: Mode
) -> None:
    policy = replace(make_policy(action=action, mode=mode), when=Condition("", tree))
    agents: list[Agent | None] = [
        Agent(number=n + 1, values=values) for n, values in enumerate(fleet)
    ]

    decisions = Ticker(agents, policy).tick().decisions

    expected = [n + 1 for n, values in enumerate(fleet) if plainly(tree, values) is True]
    assert [each.agent_no for each in decisions] == (expected if mode is not Mode.OFF else [])


@UNHURRIED
@given(conditions, st.integers(1, 4))
def test_unknown_never_acts(tree: Expression, count: int) -> None:
    policy = replace(make_policy(), when=Condition("", tree))
    agents: list[Agent | None] = [Agent(number=n + 1) for n in range(count)]
    is_constant = plainly(tree, {}) is True

    decisions = Ticker(agents, policy).tick().decisions

    assert bool(decisions) is is_constant


silences = st.one_of(st.none(), st.sampled_from([0.0, 50.0, 91.0, 95.0, 120.0, 400.0, 9_000.0]))
rates = st.one_of(st.just(math.nan), st.sampled_from([0.0, 0.3, 0.69, 0.7, 1.0]))
roles = st.sampled_from(["a", "b", None])


@st.composite
def a_fleet(draw: st.DrawFn, *, most: int = 12) -> list[Agent]:
    count = draw(st.integers(0, most))
    return [
        Agent(
            number=number,
            role=draw(roles),
            status=draw(st.sampled_from([Status.WORKING, Status.WORKING, Status.WAITING])),
            silent_s=draw(silences),
            values={"success_rate[1h]": draw(rates), "tasks[1h]": 10.0},
            created_at=START - draw(st.sampled_from([DAY, DAY, HOUR, MINUTE])),
            protected_until=draw(st.sampled_from([0, 0, 0, START + HOUR])),
        )
        for number in range(1, count + 1)
    ]


guards = st.builds(
    Guards,
    max_fired=st.builds(
        MaxFired,
        share=st.sampled_from([0.0, 0.1, 0.29, 0.5, 1.0]),
        per_ms=st.sampled_from([MINUTE, HOUR]),
        at_least=st.integers(0, 6),
    ),
    max_fires=st.builds(
        MaxFires, count=st.integers(0, 3), per_ms=st.sampled_from([MINUTE, HOUR])
    ),
    min_active=st.integers(0, 3),
    panic=st.builds(
        Panic,
        share=st.sampled_from([0.15, 0.5]),
        at_least=st.integers(1, 4),
        per_ms=st.just(2 * MINUTE),
    ),
    newborn=st.just(Newborn()),
)
POLICIES = (
    make_policy(),
    DUMB,
    make_policy("heartbeat_age > 2m", name="shadow", mode=Mode.SHADOW),
    make_policy("heartbeat_age > 1m", name="tell", action=Action.NOTIFY, keep_for_ms=MINUTE),
)


def conclusions(agents: Sequence[Agent | None], rules: Guards) -> bytes:
    judgement = judge(
        World(agents),
        make_set(*POLICIES, guards=rules),
        JudgeState(),
        workspace_id=1,
        stopped=None,
    )
    return msgspec.json.encode(
        (
            judgement.decisions,
            judgement.episodes,
            judgement.panics,
            sorted(judgement.held.items()),
        )
    )


@UNHURRIED
@given(a_fleet(), guards, st.randoms(use_true_random=False))
def test_the_order_of_agents_and_slots_changes_nothing(
    agents: list[Agent], rules: Guards, shuffler: random.Random
) -> None:
    shuffled: list[Agent | None] = [*agents, None, None]
    shuffler.shuffle(shuffled)

    assert conclusions(shuffled, rules) == conclusions(agents, rules)


@UNHURRIED
@given(a_fleet(), guards)
def test_the_same_input_gives_the_same_bytes(agents: list[Agent], rules: Guards) -> None:
    assert conclusions(agents, rules) == conclusions(agents, rules)


steps = st.lists(
    st.tuples(
        st.sampled_from([1, 5_000, 30_000, MINUTE, 20 * MINUTE]),
        st.lists(
            st.tuples(
                st.integers(0, 11),
                st.sampled_from(["silent", "back", "fails", "finish", "reinstate", "waits"]),
            ),
            max_size=6,
        ),
    ),
    min_size=1,
    max_size=12,
)


class History(Ticker):
    """A fleet to which things happen between ticks."""

    def happen(self, number: int, what: str) -> None:
        agent = next((each for each in self.agents if each and each.number == number), None)
        if agent is None:
            return
        match what:
            case "silent":
                agent.silent_s = 100.0
            case "back":
                agent.silent_s = 0.0
                agent.values["success_rate[1h]"] = 1.0
            case "fails":
                agent.values["success_rate[1h]"] = 0.1
            case "finish":
                agent.finished = True
            case "waits":
                agent.status = Status.WAITING
            case _:
                self.reinstate(agent)

    def reinstate(self, agent: Agent) -> None:
        if agent.is_fired:
            agent.incarnation += 1
            agent.back_at = self.now + 1
            agent.created_at = self.now + 1

    def pool(self, role: str | None) -> list[Agent]:
        return [agent for agent in self.agents if agent is not None and agent.role == role]


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_promises_hold_over_every_history(
    agents: list[Agent], rules: Guards, story: list[tuple[int, list[tuple[int, str]]]]
) -> None:
    history = History([*agents], *POLICIES, guards=rules)
    fired: set[tuple[int, int]] = set()

    for wait_ms, events in story:
        for number, what in events:
            history.happen(number + 1, what)
        stale_before = {each.number: lateness(each) for each in agents}
        was_waiting = {each.number for each in agents if each.status is Status.WAITING}
        fires = [
            each for each in history.tick(wait_ms).decisions if each.verdict is Verdict.FIRED
        ]

        # 5: once per agent and incarnation, and never one that has left
        for fire in fires:
            assert (fire.agent_no, fire.incarnation) not in fired
            fired.add((fire.agent_no, fire.incarnation))
            assert not history.agent(fire.agent_no).finished
        assert len({fire.agent_no for fire in fires}) == len(fires)
        # 7 and 8, counted anew by hand
        for role in {history.agent(fire.agent_no).role for fire in fires}:
            assert_envelope(history, role)
        assert_workspace(history, fires)
        for fire in fires:
            if fire.policy == "unresponsive":
                assert fire.agent_no not in was_waiting
                assert_calm(history, history.agent(fire.agent_no).role, stale_before)


def lateness(agent: Agent) -> float | None:
    """How long it has been stale; None: it is not."""
    if agent.silent_s is None or not agent.is_active or agent.status is Status.WAITING:
        return None
    late_s = agent.silent_s - 90.0
    return late_s if late_s > 0 else None


def fired_within(agent: Agent, *, since: int) -> bool:
    return any(at > since for at, _ in agent.fires)


def assert_envelope(history: History, role: str | None) -> None:
    rule, pool = history.policy_set.guards.max_fired, history.pool(role)
    start = history.now - rule.per_ms
    size = sum(not agent.finished and agent.was_active(start) for agent in pool)
    share = round(rule.share * 100) * size // 100
    assert sum(fired_within(agent, since=start) for agent in pool) <= max(rule.at_least, share)
    assert sum(agent.is_active for agent in pool) >= history.policy_set.guards.min_active


def assert_workspace(history: History, fires: list[Decision]) -> None:
    rule = history.policy_set.guards.max_fires
    everybody = [agent for agent in history.agents if agent is not None]
    done = sum(fired_within(agent, since=history.now - rule.per_ms) for agent in everybody)
    assert not fires or done <= rule.count


def assert_calm(
    history: History, role: str | None, stale_before: dict[int, float | None]
) -> None:
    """No window of `per` in which too many of the pool fell silent that were silent still."""
    rule, pool = history.policy_set.guards.panic, history.pool(role)
    late = [since for each in pool if (since := stale_before[each.number]) is not None]
    most = max(
        sum(since <= other < since + rule.per_ms / 1000 for other in late) for since in late
    )
    # `size` before this tick's fires: those fired in it were members
    size = sum(
        each.is_active or fired_within(each, since=history.now - rule.per_ms) for each in pool
    )
    assert most < rule.at_least or most < rule.share * size


@UNHURRIED
@given(a_fleet(most=8), guards, steps)
def test_shadow_says_what_enforcing_would_have_done(
    agents: list[Agent], rules: Guards, story: list[tuple[int, list[tuple[int, str]]]]
) -> None:
    # within one window, and without panic, whose counts differ once the fired are really gone
    rules = replace(
        rules,
        max_fired=replace(rules.max_fired, per_ms=DAY),
        max_fires=replace(rules.max_fires, per_ms=DAY),
        panic=CALM.panic,
    )

    def first_acts(mode: Mode) -> dict[int, int]:
        history = History([replace(each, fires=[]) for each in agents], guards=rules)
        history.policy_set = make_set(make_policy(for_ms=10 * SECOND, mode=mode), guards=rules)
        for wait_ms, events in story:
            for number, what in events:
                if what in {"silent", "back"}:
                    history.happen(number + 1, what)
            history.tick(wait_ms)
        acts: dict[int, int] = {}
        for each in history.decisions:
            if each.verdict in ACTING:
                acts.setdefault(each.agent_no, each.at)
        return acts

    assert first_acts(Mode.SHADOW) == first_acts(Mode.ENFORCE)


@UNHURRIED
@given(a_fleet(), guards, steps)
def test_a_restart_anywhere_changes_nothing(
    agents: list[Agent], rules: Guards, story: list[tuple[int, list[tuple[int, str]]]]
) -> None:
    def lived(*, restarts: bool) -> bytes:
        history = History(
            [replace(each, fires=[], values=dict(each.values)) for each in agents],
            *POLICIES,
            guards=rules,
        )
        for wait_ms, events in story:
            for number, what in events:
                history.happen(number + 1, what)
            history.tick(wait_ms)
            if restarts:
                history.state = JudgeState.restore(
                    history.state.episodes(), shadowed=history.decisions
                )
        return msgspec.json.encode(history.decisions)

    assert lived(restarts=True) == lived(restarts=False)


@pytest.mark.parametrize("mode", [Mode.SHADOW, Mode.ENFORCE])
def test_never_earlier_than_the_limit_and_for_together(mode: Mode) -> None:
    history = History([Agent(number=1)], make_policy(for_ms=30 * SECOND, mode=mode))

    while not history.decisions:
        history.agent(1).silent_s = (history.now + 1_000 - START) / 1000
        history.tick(1_000)

    assert history.decisions[0].at - START == 121_000
