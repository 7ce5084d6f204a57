"""Why, in one sentence: what holds, what is missing, who holds it back."""

from dataclasses import replace

import pytest
from tests.judge.world import (
    CALM,
    HOUR,
    SECOND,
    START,
    Agent,
    Ticker,
    broken_condition,
    make_policy,
    unspeakable,
)

from pinkslip.judge.why import PolicyAnswer, bypassed, why
from pinkslip.model.policy import Guards, Matcher, MaxFired, Newborn, Panic, Policy
from pinkslip.model.words import Action, Guard, Mode, Status

GUARDED = replace(
    CALM,
    newborn=Newborn(age_ms=300 * SECOND, tasks=0),
    max_fired=MaxFired(share=0.1, per_ms=HOUR, at_least=1),
)
SAID = "no heartbeat for 95 s; allowed 90 s (3 x its 30 s interval)"
DUMB = make_policy("success_rate[1h] < 70%", name="dumb", reason="dumb")


def asked(ticker: Ticker, number: int = 1) -> tuple[PolicyAnswer, ...]:
    look = ticker.look()
    slot = look.slot_of(number)
    assert slot is not None
    return why(look, ticker.policy_set, ticker.state, slot=slot, stopped=ticker.stopped)


def words(ticker: Ticker) -> str:
    return asked(ticker)[0].words


def late(**given: object) -> Agent:
    return Agent(number=1, silent_s=95.0, **given)  # type: ignore[arg-type]  # fields of Agent


@pytest.mark.parametrize(
    ("agent", "policy", "expected"),
    [
        pytest.param(late(), make_policy(mode=Mode.OFF), "it is off", id="off"),
        pytest.param(
            late(),
            make_policy(match=(Matcher("role", frozenset({"tester"})),)),
            "it is not about this agent: its role is developer, not tester",
            id="not matched",
        ),
        pytest.param(
            late(status=Status.WAITING),
            make_policy(),
            "it is not about this agent: it is WAITING for a user, which is never unresponsive",
            id="waiting",
        ),
        pytest.param(
            Agent(number=1, silent_s=12.0),
            make_policy(),
            "it does not hold: no heartbeat for 12 s (at most 90 s: 3 x its 30 s interval)",
            id="false",
        ),
        pytest.param(
            Agent(number=1, values={"tasks[1h]": 2.0}),
            DUMB,
            "it cannot be told: success_rate[1h] is unknown with 2 tasks in its windows; "
            "unknown never acts",
            id="unknown",
        ),
        pytest.param(
            Agent(number=1, silent_s=None),
            make_policy(),
            "it cannot be told: heartbeat_age is unknown; unknown never acts",
            id="never beat",
        ),
        pytest.param(
            Agent(number=1, values={"tasks[1h]": 0.0, "failures[1h]": 0.0}),
            make_policy("failures[1h] / tasks[1h] > 50%"),
            "it cannot be told: it divides by zero; unknown never acts",
            id="zero",
        ),
        pytest.param(
            late(),
            make_policy(),
            f"it holds: {SAID}; nothing is missing: the next tick fires the agent",
            id="about to fire",
        ),
        pytest.param(
            late(),
            make_policy(action=Action.NOTIFY),
            f"it holds: {SAID}; nothing is missing: the next tick tells people",
            id="about to notify",
        ),
        pytest.param(
            late(),
            make_policy(mode=Mode.SHADOW),
            f"it holds: {SAID}; nothing is missing: the next tick records in shadow that "
            "enforcing fires the agent",
            id="about to shadow",
        ),
        pytest.param(
            late(),
            make_policy(for_ms=30 * SECOND),
            f"it holds: {SAID}; for 0 s of 30 s, 30 s are missing",
            id="for has not begun",
        ),
        pytest.param(
            late(created_at=START, protected_until=START + HOUR),
            make_policy(),
            f"it holds: {SAID}; held back by newborn (known for 0 s only; left alone for its first "
            "5 min) and protected (protected until 2025-11-24T17:00:00.000Z)",
            id="held back by several",
        ),
    ],
)
def test_it_says_what_is_missing(agent: Agent, policy: Policy, expected: str) -> None:
    assert words(Ticker([agent], policy, guards=GUARDED)) == expected


def test_it_says_how_much_of_for_has_passed() -> None:
    ticker = Ticker([late()], make_policy(for_ms=30 * SECOND))
    ticker.tick()
    ticker.now += 12 * SECOND

    (answer,) = asked(ticker)

    assert answer.words == f"it holds: {SAID}; for 12 s of 30 s, 18 s are missing"
    assert (answer.state, answer.truth, answer.true_since) == ("pending", "true", START)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            make_policy(mode=Mode.SHADOW),
            (
                "it is in shadow, so this was recorded and nothing done, and it does nothing more "
                "until the episode ends"
            ),
        ),
        (
            make_policy(action=Action.NOTIFY),
            "people were told, and it does nothing more until the episode ends",
        ),
    ],
)
def test_it_says_what_was_done(policy: Policy, expected: str) -> None:
    ticker = Ticker([late()], policy)
    ticker.tick()

    assert words(ticker) == f"it holds: {SAID}; {expected}"


@pytest.mark.parametrize(
    ("policy", "ends"),
    [
        (
            make_policy(action=Action.NOTIFY, keep_for_ms=60 * SECOND),
            "until it has not held for 60 s",
        ),
        (
            make_policy(action=Action.NOTIFY, clear_when="heartbeat_age < 5s"),
            "until heartbeat_age < 5s",
        ),
    ],
)
def test_it_says_what_an_open_episode_waits_for(policy: Policy, ends: str) -> None:
    ticker = Ticker([late()], policy)
    ticker.tick()
    ticker.agent(1).silent_s = 10.0
    ticker.tick()

    assert words(ticker) == (
        "it does not hold: no heartbeat for 10 s (at most 90 s: 3 x its 30 s interval); its episode of "
        f"2025-11-24T16:00:00.000Z is still acted, {ends}"
    )


def test_it_names_the_envelope_with_its_numbers() -> None:
    ticker = Ticker([late(), Agent(number=2, silent_s=99.0)], make_policy(), guards=GUARDED)
    ticker.tick()

    (answer,) = asked(ticker)

    assert answer.guard is Guard.ENVELOPE
    assert answer.guards == (
        (
            Guard.ENVELOPE,
            "pool developer had 2 agents 1 h ago (1 now): at most 1 fire in 1 h, 1 done",
        ),
    )
    assert answer.state == "held"


def test_every_policy_answers_in_order_even_a_broken_one() -> None:
    broken = replace(make_policy(name="broken"), when=broken_condition())
    ticker = Ticker([late()], make_policy(), broken, replace(DUMB, mode=Mode.OFF))

    answers = asked(ticker)

    assert [each.policy for each in answers] == ["unresponsive", "broken", "dumb"]
    assert "could not be judged" in answers[1].words


def test_a_policy_that_breaks_while_speaking_says_so_and_the_others_are_whole() -> None:
    broken = unspeakable(make_policy(name="broken"))
    ticker = Ticker([late()], broken, make_policy())
    ticker.state.apply(
        Ticker([late()], replace(make_policy(for_ms=HOUR), name="broken")).tick()
    )

    answers = asked(ticker)

    assert "could not be judged" in answers[0].words
    assert (answers[0].truth, answers[0].state) == ("unknown", "pending")
    assert (
        answers[1].words
        == f"it holds: {SAID}; nothing is missing: the next tick fires the agent"
    )


def test_a_policy_that_breaks_while_speaking_holds_no_other_back() -> None:
    broken = unspeakable(make_policy(name="broken"))
    guards = replace(CALM, panic=Panic(share=0.0, at_least=1))
    not_yet_stale = late(interval_s=60.0)

    answers = asked(Ticker([not_yet_stale], broken, make_policy(), guards=guards))

    assert [each.guards for each in answers] == [(), ()]


def test_values_carry_their_keys() -> None:
    (answer,) = asked(Ticker([late()], make_policy()))

    assert answer.values == {"heartbeat_age": 95.0, "heartbeat_interval": 30.0}
    assert answer.matches


def test_asking_changes_nothing() -> None:
    ticker = Ticker([late()], make_policy(for_ms=30 * SECOND))
    ticker.tick()
    before = ticker.state.episodes()
    ticker.now += HOUR

    asked(ticker)

    assert ticker.state.episodes() == before


def passed(ticker: Ticker, number: int = 1) -> tuple[Guard, ...]:
    look = ticker.look()
    slot = look.slot_of(number)
    assert slot is not None
    return bypassed(look, ticker.policy_set, ticker.state, slot=slot, stopped=ticker.stopped)


YOUNG = START - 60 * SECOND
OTHER = Agent(number=2)


@pytest.mark.parametrize(
    ("agent", "guards", "expected"),
    [
        pytest.param(late(), CALM, (), id="nobody holds"),
        pytest.param(late(created_at=YOUNG), GUARDED, (Guard.NEWBORN,), id="too young"),
        pytest.param(
            Agent(number=1, tasks=4),
            replace(CALM, newborn=Newborn(age_ms=0, tasks=5)),
            (Guard.NEWBORN,),
            id="too few tasks for a policy on outcomes",
        ),
        pytest.param(
            late(protected_until=START + HOUR), CALM, (Guard.PROTECTED,), id="protected"
        ),
        pytest.param(
            late(), replace(CALM, panic=Panic(at_least=1)), (Guard.PANIC,), id="its pool panics"
        ),
        pytest.param(
            late(status=Status.WAITING),
            replace(CALM, panic=Panic(at_least=1)),
            (),
            id="no silence of the WAITING is judged",
        ),
        pytest.param(late(), replace(CALM, min_active=2), (Guard.ENVELOPE,), id="too few left"),
        pytest.param(
            late(created_at=YOUNG, protected_until=START + HOUR),
            replace(GUARDED, min_active=2),
            (Guard.NEWBORN, Guard.PROTECTED, Guard.ENVELOPE),
            id="all who hold, in their order",
        ),
        pytest.param(
            late(finished=True, created_at=YOUNG),
            GUARDED,
            (),
            id="finished: no policy's matter",
        ),
    ],
)
def test_who_fires_by_hand_is_told_every_guard_that_would_hold_a_policy_back(
    agent: Agent, guards: Guards, expected: tuple[Guard, ...]
) -> None:
    assert passed(Ticker([agent, OTHER], guards=guards)) == expected


def test_stopped_enforcement_and_blindness_are_told_too() -> None:
    ticker = Ticker([late(), OTHER])
    ticker.stopped, ticker.observing_since = "an upgrade", START - 10 * SECOND

    assert passed(ticker) == (Guard.STOPPED, Guard.BLIND_TIME)


def test_a_broken_policy_keeps_nobody_from_being_told() -> None:
    broken = replace(make_policy(name="broken"), when=broken_condition())

    assert passed(Ticker([late(created_at=YOUNG), OTHER], broken, guards=GUARDED)) == (
        Guard.NEWBORN,
    )
