"""Episodes as tables: for every transition the moment just before, at, and just after."""

from dataclasses import replace

import pytest
from tests.judge.ladders import PROVEN, fail, make_worker, verdicts
from tests.judge.world import (
    CALM,
    MINUTE,
    SECOND,
    START,
    Agent,
    Ticker,
    make_policy,
    make_set,
)

from pinkslip.judge.conclusions import Judgement
from pinkslip.model.decisions import Episode
from pinkslip.model.policy import Guards, Matcher, Newborn, Policy
from pinkslip.model.words import Action, EpisodeState, Guard, Mode, Status
from pinkslip.policies.language import parse_condition

LATE, FINE, UNTOLD = 95.0, 1.0, None
UNTIL_LATER = 30 * SECOND


def story(policy: Policy, *steps: tuple[int, float | None], guards: Guards = CALM) -> list[str]:
    """The episode's state after each step: (ms to wait, how long the agent has been silent)."""
    agent = Agent(number=1)
    ticker = Ticker([agent], policy, guards=guards)
    states = []
    for wait_ms, agent.silent_s in steps:
        ticker.tick(wait_ms)
        states.append(ticker.state_of())
    return states


NOTIFY = make_policy(action=Action.NOTIFY)
PATIENT = make_policy(action=Action.NOTIFY, for_ms=UNTIL_LATER)
KEEPING = make_policy(action=Action.NOTIFY, keep_for_ms=UNTIL_LATER)
CLEARING = make_policy(action=Action.NOTIFY, clear_when="heartbeat_age < heartbeat_interval")


@pytest.mark.parametrize(
    ("policy", "steps", "states"),
    [
        pytest.param(
            NOTIFY,
            [(0, 89.999), (0, 90.0), (0, 90.001)],
            ["clear", "clear", "acted"],
            id="starts when `when` turns true, and without `for` acts at once",
        ),
        pytest.param(
            PATIENT,
            [(0, LATE), (29_999, LATE), (1, LATE)],
            ["pending", "pending", "acted"],
            id="acts when `when` has been true for `for`",
        ),
        pytest.param(
            PATIENT,
            [(0, LATE), (30_001, LATE)],
            ["pending", "acted"],
            id="acts after `for` too",
        ),
        pytest.param(
            PATIENT,
            [(0, LATE), (29_999, FINE), (1, LATE), (29_999, LATE), (1, LATE)],
            ["pending", "clear", "pending", "pending", "acted"],
            id="false while pending ends it at once",
        ),
        pytest.param(
            PATIENT,
            [(0, LATE), (29_999, UNTOLD), (1, LATE), (29_999, LATE), (1, LATE)],
            ["pending", "pending", "pending", "pending", "acted"],
            id="unknown while pending starts `for` again and ends nothing",
        ),
        pytest.param(
            NOTIFY,
            [(0, LATE), (5_000, LATE), (5_000, FINE)],
            ["acted", "acted", "clear"],
            id="without keep_for it ends when `when` is false",
        ),
        pytest.param(
            NOTIFY,
            [(0, LATE), (5_000, UNTOLD), (3_600_000, UNTOLD)],
            ["acted", "acted", "acted"],
            id="unknown never ends it",
        ),
        pytest.param(
            KEEPING,
            [(0, LATE), (1, FINE), (29_999, FINE), (1, FINE)],
            ["acted", "acted", "acted", "clear"],
            id="ends when `when` has been false for keep_for",
        ),
        pytest.param(
            KEEPING,
            [(0, LATE), (1, FINE), (30_001, FINE)],
            ["acted", "acted", "clear"],
            id="ends after keep_for too",
        ),
        pytest.param(
            KEEPING,
            [(0, LATE), (1, FINE), (29_999, LATE), (1, FINE), (29_999, FINE), (1, FINE)],
            ["acted"] * 5 + ["clear"],
            id="true starts keep_for again",
        ),
        pytest.param(
            KEEPING,
            [(0, LATE), (1, FINE), (29_999, UNTOLD), (1, FINE), (29_999, FINE), (1, FINE)],
            ["acted"] * 5 + ["clear"],
            id="unknown starts keep_for again",
        ),
        pytest.param(
            CLEARING,
            [(0, LATE), (1, 30.001), (1, 30.0), (1, 29.999)],
            ["acted", "acted", "acted", "clear"],
            id="with clear_when it ends when that holds, not before",
        ),
        pytest.param(
            replace(NOTIFY, clear_when=parse_condition("heartbeat_age > 0s")),
            [(0, LATE), (1, LATE), (60_000, LATE), (1, FINE)],
            ["acted", "acted", "acted", "clear"],
            id="clear_when ends nothing while `when` holds",
        ),
        pytest.param(
            replace(CLEARING, keep_for_ms=UNTIL_LATER),
            [(0, LATE), (1, FINE)],
            ["acted", "clear"],
            id="clear_when is not asked to last",
        ),
        pytest.param(
            make_policy(action=Action.NOTIFY, clear_when="heartbeat_age > 0s"),
            [(0, LATE), (1, LATE), (1, FINE)],
            ["acted", "acted", "clear"],
            id="clear_when does not end what still holds",
        ),
        pytest.param(
            CLEARING,
            [(0, LATE), (1, UNTOLD)],
            ["acted", "acted"],
            id="an unknown clear_when ends nothing",
        ),
    ],
)
def test_episodes_go(policy: Policy, steps: list[tuple[int, float]], states: list[str]) -> None:
    assert story(policy, *steps) == states


@pytest.mark.parametrize(
    ("policy", "states"),
    [
        pytest.param(
            make_policy(action=Action.NOTIFY, for_ms=1),
            ["pending", "pending", "pending", "acted"],
            id="for",
        ),
        pytest.param(
            make_policy(notice_ms=1), ["noticed", "noticed", "acted", "clear"], id="notice"
        ),
    ],
)
def test_a_millisecond_is_a_time(policy: Policy, states: list[str]) -> None:
    assert story(policy, (0, LATE), (5_000, UNTOLD), (5_000, LATE), (5_000, LATE)) == states


@pytest.mark.parametrize(
    ("mode", "action", "state", "verdict"),
    [
        (Mode.SHADOW, Action.FIRE, "shadowed", "shadowed"),
        (Mode.SHADOW, Action.NOTIFY, "shadowed", "shadowed"),
        (Mode.ENFORCE, Action.NOTIFY, "acted", "notified"),
        (Mode.ENFORCE, Action.FIRE, "acted", "fired"),
    ],
)
def test_mode_and_action_say_what_acting_is(
    mode: Mode, action: Action, state: str, verdict: str
) -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], make_policy(mode=mode, action=action))

    judgement = ticker.tick()

    assert ticker.state_of() == state
    assert [decision.verdict for decision in judgement.decisions] == [verdict]


def test_who_was_notified_of_is_fired_once_the_policy_may() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], replace(NOTIFY, hash="same-notify"))
    ticker.tick()

    ticker.policy_set = make_set(replace(make_policy(), hash="same-fire"))
    ticker.state.adopt(ticker.policy_set, now=ticker.now)
    ticker.tick(5_000)

    assert verdicts(ticker) == ["notified", "fired"]


def test_a_policy_that_is_off_does_nothing() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], make_policy(mode=Mode.OFF))

    judgement = ticker.tick()

    assert judgement.decisions == ()
    assert judgement.episodes == ()


@pytest.mark.parametrize(
    "policy",
    [NOTIFY, make_policy(mode=Mode.SHADOW), make_policy()],
    ids=["notify", "shadow", "fire"],
)
def test_one_record_per_episode_however_long_it_lasts(policy: Policy) -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], policy)

    for _ in range(10):
        ticker.tick(5_000)

    assert len(ticker.decisions) == 1


def test_what_is_proven_without_a_ladder_is_told_once() -> None:
    ticker = Ticker([make_worker()], make_policy(PROVEN, action=Action.NOTIFY))
    fail(ticker)

    ticker.tick()
    ticker.tick(5_000)

    assert verdicts(ticker) == ["notified"]


def test_a_second_episode_is_recorded_again() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], NOTIFY)
    ticker.tick()
    ticker.agent(1).silent_s = FINE
    ticker.tick(5_000)
    ticker.agent(1).silent_s = LATE

    ticker.tick(5_000)

    assert [decision.verdict for decision in ticker.decisions] == ["notified", "notified"]
    assert len({decision.id for decision in ticker.decisions}) == 2


@pytest.mark.parametrize(("wait_ms", "state"), [(39_999, "pending"), (40_000, "acted")])
def test_blind_time_is_taken_off_for(wait_ms: int, state: str) -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], PATIENT)
    ticker.tick()
    ticker.blind.append((START + 5_000, START + 15_000))

    ticker.tick(wait_ms)

    assert ticker.state_of() == state


@pytest.mark.parametrize(("wait_ms", "state"), [(39_999, "acted"), (40_000, "clear")])
def test_blind_time_is_taken_off_keep_for(wait_ms: int, state: str) -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], KEEPING)
    ticker.tick()
    ticker.agent(1).silent_s = FINE
    ticker.tick()
    ticker.blind.append((START + 5_000, START + 15_000))

    ticker.tick(wait_ms)

    assert ticker.state_of() == state


def test_blind_time_before_an_episode_is_no_part_of_it() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], PATIENT)
    ticker.blind.append((START - 10_000, START))
    ticker.tick()

    ticker.tick(UNTIL_LATER)

    assert ticker.state_of() == "acted"


def test_an_agent_the_policy_is_no_longer_about_leaves_its_episode() -> None:
    policy = make_policy(
        action=Action.NOTIFY,
        match=(Matcher("role", frozenset({"developer"})),),
        clear_when="heartbeat_age < 1s",
    )
    ticker = Ticker([Agent(number=1, silent_s=LATE)], policy)
    ticker.tick()

    ticker.agent(1).role = "tester"
    ticker.tick(5_000)

    assert ticker.state_of() == "clear"


def test_waiting_ends_what_silence_began() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], PATIENT)
    ticker.tick()

    ticker.agent(1).status = Status.WAITING
    ticker.tick(5_000)

    assert ticker.state_of() == "clear"


@pytest.mark.parametrize("leave", ["finished", "forgotten", "fired"])
def test_an_agent_that_leaves_ends_what_has_come_to_nothing_yet(leave: str) -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], PATIENT)
    ticker.tick()

    judgement = left(ticker, leave)

    assert [(each.agent_no, each.state) for each in judgement.episodes] == [(1, "clear")]


@pytest.mark.parametrize(
    ("leave", "state"), [("forgotten", "clear"), ("fired", "clear"), ("finished", "acted")]
)
def test_what_was_done_is_over_when_the_agent_is_gone_for_good(leave: str, state: str) -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], KEEPING)
    ticker.tick()

    left(ticker, leave)

    assert ticker.state_of() == state


def left(ticker: Ticker, leave: str) -> Judgement:
    """What the next tick says when agent 1 has left."""
    if leave == "finished":
        ticker.agent(1).finished = True
    elif leave == "fired":
        ticker.agent(1).fires.append((START + 1, False))
    else:
        ticker.agents[0] = None
    return ticker.tick(5_000)


def test_an_episode_whose_agent_stood_beyond_the_fleet_of_now_ends() -> None:
    ticker = Ticker([Agent(number=1), Agent(number=2, silent_s=LATE)], NOTIFY)
    ticker.tick()
    ticker.agents.pop()

    judgement = ticker.tick(5_000)

    assert (judgement.findings, ticker.state_of(2)) == ((), "clear")


def test_a_new_incarnation_starts_clear() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], PATIENT)
    ticker.tick()

    ticker.agent(1).incarnation = 2
    judgement = ticker.tick(UNTIL_LATER)

    (episode,) = judgement.episodes
    assert (episode.state, episode.incarnation, episode.began_at) == (
        "pending",
        2,
        START + UNTIL_LATER,
    )


def test_a_slot_given_to_another_agent_gives_it_no_episode() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], PATIENT)
    ticker.tick()

    ticker.agents[0] = Agent(number=2, silent_s=LATE)
    ticker.tick(UNTIL_LATER)

    assert ticker.state_of(1) == "clear"
    assert ticker.state_of(2) == "pending"


def test_an_agent_that_moves_to_another_slot_keeps_its_episode() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE), None], PATIENT)
    ticker.tick()

    ticker.agents.reverse()
    ticker.tick(UNTIL_LATER)

    assert ticker.state_of() == "acted"


YOUNG = replace(CALM, newborn=Newborn(age_ms=MINUTE, tasks=0))


def test_a_held_episode_is_tried_again_every_tick_and_recorded_once() -> None:
    ticker = Ticker(
        [Agent(number=1, silent_s=LATE, created_at=START)], make_policy(), guards=YOUNG
    )

    states = []
    for _ in range(13):
        ticker.tick(5_000)
        states.append(ticker.state_of())

    assert states == ["held"] * 11 + ["acted", "clear"]
    assert [(each.verdict, each.guard) for each in ticker.decisions] == [
        ("held", "newborn"),
        ("fired", None),
    ]


def test_a_change_of_guard_is_a_record() -> None:
    agent = Agent(number=1, silent_s=LATE, created_at=START)
    agent.protected_until = START + 2 * MINUTE
    ticker = Ticker([agent], make_policy(), guards=YOUNG)

    for _ in range(5):
        ticker.tick(30_000)

    assert [(each.verdict, each.guard, each.at - START) for each in ticker.decisions] == [
        ("held", "newborn", 30_000),
        ("held", "protected", 60_000),
        ("fired", None, 120_000),
    ]


def test_held_does_not_act_on_unknown_and_waits_for_all_of_for_again() -> None:
    ticker = Ticker(
        [Agent(number=1, silent_s=LATE, created_at=START)],
        make_policy(for_ms=UNTIL_LATER),
        guards=YOUNG,
    )
    ticker.tick()
    ticker.tick(UNTIL_LATER)
    ticker.agent(1).silent_s = UNTOLD
    ticker.tick(UNTIL_LATER)
    ticker.agent(1).silent_s = LATE
    states = [ticker.state_of()]
    for wait_ms in (0, 29_999, 1):
        ticker.tick(wait_ms)
        states.append(ticker.state_of())

    assert states == ["held", "held", "held", "acted"]


def test_held_ends_like_any_other() -> None:
    ticker = Ticker(
        [Agent(number=1, silent_s=LATE, created_at=START)], make_policy(), guards=YOUNG
    )
    ticker.tick()
    ticker.agent(1).silent_s = FINE

    judgement = ticker.tick(5_000)

    assert ticker.state_of() == "clear"
    assert judgement.held == {}


def test_an_episode_carries_its_times_guard_and_decision() -> None:
    ticker = Ticker(
        [Agent(number=1, silent_s=LATE, created_at=START)], make_policy(), guards=YOUNG
    )

    judgement = ticker.tick(30_000)

    (decision,) = judgement.decisions
    assert judgement.episodes == (
        Episode(
            policy="unresponsive",
            episode_hash="unresponsive1",
            agent_no=1,
            incarnation=1,
            state=EpisodeState.HELD,
            began_at=START + 30_000,
            true_since=START + 30_000,
            false_since=None,
            guard=Guard.NEWBORN,
            guard_detail="known for 30 s only; left alone for its first 60 s",
            decision_id=decision.id,
        ),
    )
    assert judgement.held == {("unresponsive", Guard.NEWBORN): 1}


def test_a_quiet_tick_changes_no_episode() -> None:
    ticker = Ticker([Agent(number=1, silent_s=LATE)], NOTIFY)
    ticker.tick()

    judgement = ticker.tick(5_000)

    assert judgement.episodes == ()
