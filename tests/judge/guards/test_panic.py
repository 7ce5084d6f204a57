"""Many at once is a common cause: silence fires nobody in that pool, and everybody hears of it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
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

from pinkslip.judge.docket import Pools, pools_of
from pinkslip.judge.guards.panic import Turned, bursts
from pinkslip.judge.judge import JudgeState, PanicPool
from pinkslip.model.policy import Panic
from pinkslip.model.words import Action, Guard, Mode, Standing, Status, Verdict

ALERT = replace(CALM, panic=Panic(share=0.15, at_least=3, per_ms=2 * MINUTE))
GRACE_S = 90.0


def silent(number: int, *, late_s: float, role: str = "researcher") -> Agent:
    """An agent that has been stale for `late_s`."""
    return Agent(number=number, role=role, silent_s=GRACE_S + late_s)


def pool(
    size: int, *late_s: float, role: str = "researcher", first: int = 1
) -> list[Agent | None]:
    """`size` agents, the first of them stale for so long."""
    agents: list[Agent | None] = [
        silent(first + n, late_s=late, role=role) for n, late in enumerate(late_s)
    ]
    return agents + [Agent(number=first + n, role=role) for n in range(len(late_s), size)]


def guards_named(ticker: Ticker, after_ms: int = 0) -> set[str]:
    return {each.guard or each.verdict for each in ticker.tick(after_ms).decisions}


@pytest.mark.parametrize(
    ("size", "late", "panics"),
    [
        pytest.param(3, 2, False, id="fewer than at_least, however large a share"),
        pytest.param(3, 3, True, id="at_least"),
        pytest.param(21, 3, False, id="just below the share"),
        pytest.param(20, 3, True, id="at the share"),
        pytest.param(19, 3, True, id="above it"),
        pytest.param(100, 14, False, id="below, in a large pool"),
        pytest.param(100, 15, True, id="at, in a large pool"),
    ],
)
def test_panic_asks_for_a_share_and_a_number(size: int, late: int, panics: bool) -> None:
    ticker = Ticker(pool(size, *[10.0] * late), make_policy(), guards=ALERT)

    judgement = ticker.tick()

    assert bool(judgement.panics) is panics
    assert {each.verdict for each in judgement.decisions} == {"held" if panics else "fired"}


@pytest.mark.parametrize(
    ("spread_s", "panics"), [(119.999, True), (120.0, False), (120.001, False)]
)
def test_they_must_have_turned_within_per(spread_s: float, panics: bool) -> None:
    ticker = Ticker(
        pool(10, 1.0, 1.0 + spread_s / 2, 1.0 + spread_s), make_policy(), guards=ALERT
    )

    assert bool(ticker.tick().panics) is panics


def test_it_says_who_since_when_and_how_many() -> None:
    ticker = Ticker(pool(10, 5.0, 10.0, 20.0, 30.0), make_policy(), guards=ALERT)

    judgement = ticker.tick()

    assert judgement.panics == (PanicPool("researcher", START - 10_000, 4, 10),)
    (words,) = {each.guard_detail for each in judgement.decisions}
    assert words == (
        "pool researcher is in panic since 2025-11-24T15:59:50.000Z: "
        "4 of 10 agents turned stale or failing within 2 min"
    )


def test_another_pool_goes_on() -> None:
    agents = pool(10, 5.0, 5.0, 5.0) + pool(10, 5.0, role="tester", first=11)
    judgement = Ticker(agents, make_policy(), guards=ALERT).tick()

    assert [(each.agent_no, each.verdict) for each in judgement.decisions] == [
        (1, "held"),
        (2, "held"),
        (3, "held"),
        (11, "fired"),
    ]


def test_those_in_quarantine_are_heard_of_too_and_count_when_they_fall_silent() -> None:
    agents = pool(10, 5.0, 5.0, 5.0)
    agents[0].standing = Standing.QUARANTINED

    judgement = Ticker(agents, make_policy(), guards=ALERT).tick()

    assert {each.verdict for each in judgement.decisions} == {"held"}
    assert [(panic.newly, panic.size) for panic in judgement.panics] == [(3, 10)]


def test_time_alone_makes_nobody_guilty() -> None:
    ticker = Ticker(pool(10, 5.0, 5.0, 5.0), make_policy(), guards=ALERT)
    ticker.tick()

    for _ in range(24):
        for agent in ticker.agents[:3]:
            assert agent is not None
            agent.silent_s = (agent.silent_s or 0.0) + 3600
        judgement = ticker.tick(HOUR)
        assert judgement.decisions == ()
        assert [panic.since for panic in judgement.panics] == [START - 5_000]


def test_it_ends_when_enough_are_back() -> None:
    ticker = Ticker(pool(10, 5.0, 5.0, 5.0), make_policy(), guards=ALERT)
    ticker.tick()
    ticker.agent(3).silent_s = 1.0

    judgement = ticker.tick(5_000)

    assert judgement.panics == ()
    assert {(each.agent_no, each.verdict) for each in judgement.decisions} == {
        (1, "fired"),
        (2, "fired"),
    }


@pytest.mark.parametrize("leave", ["finished", "fired by a person", "waiting"])
def test_it_ends_when_a_person_sees_to_enough_of_them(leave: str) -> None:
    ticker = Ticker(pool(10, 5.0, 5.0, 5.0), make_policy(), guards=ALERT)
    ticker.tick()
    agent = ticker.agent(3)
    match leave:
        case "finished":
            agent.finished = True
        case "waiting":
            agent.status = Status.WAITING
        case _:
            agent.fires.append((ticker.now, False))

    assert ticker.tick(5_000).panics == ()


def test_old_silences_are_no_panic() -> None:
    late = [60.0 * 5 * n for n in range(1, 6)]

    assert Ticker(pool(10, *late), make_policy(), guards=ALERT).tick().panics == ()


def test_a_restart_neither_forgets_nor_invents_a_panic() -> None:
    agents = pool(10, 5.0, 5.0, 5.0) + pool(10, 100.0, 500.0, 900.0, role="tester", first=11)
    ticker = Ticker(agents, make_policy(for_ms=HOUR), guards=ALERT)
    before = ticker.tick()

    ticker.state = JudgeState.restore(ticker.state.episodes())

    assert ticker.tick().panics == before.panics
    assert [panic.pool for panic in before.panics] == ["researcher"]


def failing(number: int) -> Agent:
    values = {"success_rate[1h]": 0.1, "tasks[1h]": 10.0}
    return Agent(number=number, role="researcher", values=values)


DUMB = make_policy("success_rate[1h] < 70%", name="dumb", reason="dumb")


@pytest.mark.parametrize(
    ("mode", "action", "panics"),
    [
        (Mode.ENFORCE, Action.FIRE, True),
        (Mode.ENFORCE, Action.NOTIFY, True),
        (Mode.SHADOW, Action.FIRE, False),
    ],
)
def test_failing_is_newly_matched_by_an_enforcing_policy(
    mode: Mode, action: Action, panics: bool
) -> None:
    dumb = replace(DUMB, mode=mode, action=action)
    agents = [silent(1, late_s=5.0), failing(2), failing(3), *pool(7, first=4)]
    ticker = Ticker(agents, make_policy(), replace(dumb, for_ms=HOUR), guards=ALERT)

    judgement = ticker.tick()

    assert bool(judgement.panics) is panics
    assert [each.guard for each in judgement.decisions] == [Guard.PANIC if panics else None]


def test_failing_is_new_only_for_per() -> None:
    agents = [silent(1, late_s=5.0), failing(2), failing(3), *pool(7, first=4)]
    ticker = Ticker(agents, make_policy(), replace(DUMB, action=Action.NOTIFY), guards=ALERT)
    ticker.tick()

    states = [bool(ticker.tick(wait).panics) for wait in (119_999, 1)]

    assert states == [True, False]
    assert ticker.decisions[-1].verdict is Verdict.FIRED


def test_who_has_recovered_has_not_turned_when_others_do() -> None:
    ticker = Ticker(
        [failing(1), failing(2), *pool(1, first=3)],
        replace(DUMB, action=Action.NOTIFY, keep_for_ms=HOUR),
        guards=ALERT,
    )
    ticker.tick()
    ticker.agent(1).values = {"success_rate[1h]": 0.9}
    ticker.agent(3).values = failing(3).values

    assert ticker.tick(5_000).panics == ()


def test_a_new_policy_that_finds_many_long_silent_is_no_panic() -> None:
    late = [600.0 * n for n in range(1, 6)]
    ticker = Ticker(pool(10, *late), make_policy(), guards=ALERT)

    judgement = ticker.tick()

    assert judgement.panics == ()
    assert {each.verdict for each in judgement.decisions} == {"fired"}


def test_panic_holds_nothing_but_policies_on_silence() -> None:
    agents = [failing(1), failing(2), failing(3), *pool(7, first=4)]
    judgement = Ticker(agents, DUMB, guards=ALERT).tick()

    assert [panic.newly for panic in judgement.panics] == [3]
    assert {each.verdict for each in judgement.decisions} == {"fired"}


def test_an_agent_that_turned_twice_counts_once() -> None:
    agents = pool(10, 5.0, 5.0)
    ticker = Ticker(agents, make_policy(), guards=ALERT)

    assert ticker.tick().panics == ()


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


def test_those_fired_just_now_count_with_those_who_turned() -> None:
    gone = Agent(number=9, role="researcher", silent_s=100.0, fires=[(START - MINUTE, True)])
    agents = [*pool(8, 5.0, 5.0), gone]

    (panic,) = Ticker(agents, make_policy(), guards=ALERT).tick().panics

    assert (panic.newly, panic.size) == (3, 9)


def test_people_are_not_told_agent_by_agent_while_a_pool_panics() -> None:
    notify = make_policy(action=Action.NOTIFY)

    assert guards_named(Ticker(pool(10, 5.0, 5.0, 5.0), notify, guards=ALERT)) == {"panic"}


def test_shadow_panics_as_though_it_were_enforced() -> None:
    dumb = replace(DUMB, mode=Mode.SHADOW, for_ms=HOUR)
    agents = [silent(1, late_s=5.0), failing(2), failing(3), *pool(7, first=4)]
    ticker = Ticker(agents, make_policy(mode=Mode.SHADOW), dumb, guards=ALERT)

    judgement = ticker.tick()

    assert judgement.panics == ()
    assert [each.guard for each in judgement.decisions] == [Guard.PANIC]


def test_a_real_panic_is_told_without_what_shadow_adds() -> None:
    ticker = Ticker(
        [*pool(3, 5.0, 5.0, 5.0), failing(4)],
        make_policy(),
        replace(DUMB, mode=Mode.SHADOW),
        guards=ALERT,
    )

    decision = ticker.tick().decisions[0]

    assert decision.guard is Guard.PANIC
    assert "3 of 4 agents turned" in decision.guard_detail


def test_switched_off_it_holds_nobody_and_is_named_nowhere() -> None:
    ticker = Ticker(pool(10, 5.0, 5.0, 5.0), make_policy(), guards=replace(CALM, panic=None))

    judgement = ticker.tick()

    assert judgement.panics == ()
    assert {each.verdict for each in judgement.decisions} == {Verdict.FIRED}


def test_agents_without_a_pool_make_one() -> None:
    agents: list[Agent | None] = [
        Agent(number=n, role=None, silent_s=100.0) for n in range(1, 4)
    ]

    judgement = Ticker(agents, make_policy(), guards=ALERT).tick()

    assert [panic.pool for panic in judgement.panics] == [""]
    assert judgement.decisions[0].guard_detail.startswith(
        "the pool of agents without a role is in panic since"
    )


def test_an_empty_pool_label_is_none() -> None:
    world = World([Agent(number=1, role=""), Agent(number=2, role=None)])

    pools = pools_of(world, "role")

    assert pools.codes[0] == pools.codes[1]
    assert pools.spoken(int(pools.codes[0])) == "the pool of agents without a role"


def test_a_panic_is_recorded_once_per_agent_and_shown_every_tick() -> None:
    ticker = Ticker(pool(10, 5.0, 5.0, 5.0), make_policy(), guards=ALERT)
    ticker.tick()

    judgement = ticker.tick(5_000)

    assert judgement.decisions == ()
    assert judgement.held == {("unresponsive", Guard.PANIC): 3}
    assert len(judgement.panics) == 1
    assert Verdict.HELD in {each.verdict for each in ticker.decisions}


turns = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 30)), max_size=25)


@settings(deadline=None)
@given(turns, st.integers(1, 5), st.sampled_from([0.0, 0.15, 0.5, 1.0]), st.integers(1, 10))
def test_bursts_are_what_counting_by_hand_finds(
    events: list[tuple[int, int]], at_least: int, share: float, per_s: int
) -> None:
    pools = Pools(label="role", codes=np.arange(12) % 3, names=("a", "b", "c"))
    panic = Panic(share=share, at_least=at_least, per_ms=per_s * SECOND)
    slots = np.array([slot for slot, _ in events], dtype=np.int64)
    at = np.array([START + at_s * SECOND for _, at_s in events], dtype=np.int64)

    found = bursts(
        Turned(slots, at), pools=pools, members=np.ones(12, dtype=np.bool_), panic=panic
    )

    by_hand = {}
    for pool_code in range(3):
        own = [(slot, at_s) for slot, at_s in events if slot % 3 == pool_code]
        counts = {
            end: len({slot for slot, at_s in own if end - per_s < at_s <= end})
            for _, end in own
        }
        enough = {
            end: count
            for end, count in counts.items()
            if count >= at_least and count >= share * 4
        }
        if enough:
            by_hand[pool_code] = (START + min(enough) * SECOND, max(enough.values()))
    assert {code: (burst.since, burst.newly) for code, burst in found.items()} == by_hand
