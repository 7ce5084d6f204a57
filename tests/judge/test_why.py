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
)

from pinkslip.judge.why import PolicyAnswer, why
from pinkslip.model.policy import Matcher, MaxFired, Newborn, Policy
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
        f"2025-11-24T16:00:00.000Z is still noticed, {ends}"
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
