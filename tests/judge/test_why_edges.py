"""Why, at its edges: policies that break or are off, steps already begun, and guards that are told of truly."""

from dataclasses import replace

import pytest
from tests.judge.ladders import FIRE, PROBATION, QUARANTINE, SILENT, demote, make_ladder
from tests.judge.world import (
    CALM,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Agent,
    Ticker,
    make_policy,
    make_set,
    unspeakable,
)

from pinkslip.judge.why import PolicyAnswer, bypassed, why
from pinkslip.model.policy import Matcher, MaxNotices, Newborn, Panic, Rung
from pinkslip.model.words import Action, EpisodeState, Guard, Mode, Scope, Status

TESTERS = (Matcher("role", frozenset({"tester"})),)


def answer(ticker: Ticker, number: int = 1) -> PolicyAnswer:
    """The first policy's."""
    look = ticker.look()
    slot = look.slot_of(number)
    assert slot is not None
    return why(look, ticker.policy_set, ticker.state, slot=slot, stopped=ticker.stopped)[0]


def late(number: int = 1, **given: object) -> Agent:
    return Agent(number=number, silent_s=95.0, **given)  # type: ignore[arg-type]  # fields of Agent


def test_a_policy_that_cannot_say_what_comes_next_says_what_is_wrong_and_keeps_its_episode() -> (
    None
):
    endless = make_ladder(Rung(Action.QUARANTINE), FIRE, when=SILENT, for_ms=HOUR)
    ticker = Ticker([late()], endless)
    ticker.tick()
    ticker.now += MINUTE

    assert answer(ticker) == PolicyAnswer(
        policy="dumb",
        mode=Mode.ENFORCE,
        action=Action.FIRE,
        reason="dumb",
        matches=False,
        when=SILENT,
        truth="unknown",
        values={},
        state=EpisodeState.PENDING,
        began_at=START,
        true_since=START,
        for_ms=HOUR,
        guard=None,
        guard_detail="",
        guards=(),
        words="policy dumb (policies.yaml:1) could not be judged, and nothing was decided by it: "
        "ValueError: a quarantine needs a time",
        rungs=2,
    )


def test_a_policy_that_cannot_be_spoken_of_names_the_error() -> None:
    ticker = Ticker([late()], unspeakable(make_policy()))

    assert "nothing was decided by it: AttributeError" in answer(ticker).words


@pytest.mark.parametrize(
    ("agent", "matches"),
    [
        pytest.param(late(2), False, id="another role"),
        pytest.param(late(2, role="tester"), True, id="its role"),
        pytest.param(late(2, role="tester", status=Status.WAITING), True, id="waiting"),
    ],
)
def test_a_policy_that_is_off_says_whom_it_would_be_about(
    agent: Agent, *, matches: bool
) -> None:
    off = make_policy(mode=Mode.OFF, match=TESTERS)

    said = answer(Ticker([late(), agent], off), 2)

    assert (said.mode, said.words, said.matches) == (Mode.OFF, "it is off", matches)


def test_what_a_policy_had_announced_that_was_just_switched_off_is_still_told() -> None:
    policy = make_policy(notice_ms=HOUR)
    ticker = Ticker([late()], policy)
    (noticed,) = ticker.tick().decisions
    ticker.policy_set = make_set(replace(policy, mode=Mode.OFF))

    said = answer(ticker)

    assert (said.state, said.waiting_decision) == (EpisodeState.NOTICED, noticed.id)


def test_whoever_crosses_with_its_lineage_shares_the_rung_and_is_told_so() -> None:
    policy = make_ladder(PROBATION, FIRE, when=SILENT, scope=Scope.LINEAGE, for_ms=30 * SECOND)
    ticker = Ticker([late(lineage="worker"), Agent(number=2, lineage="worker")], policy)
    ticker.tick()
    ticker.agent(2).silent_s = 95.0
    ticker.tick(10 * SECOND)
    ticker.tick(20 * SECOND)
    ticker.now += 10 * SECOND

    assert "nothing is missing: the next tick puts the agent on probation" in (
        answer(ticker, 2).words
    )


def test_no_limit_on_notices_holds_a_quarantine() -> None:
    guards = replace(CALM, max_notices=MaxNotices(count=0))
    policy = make_ladder(QUARANTINE, FIRE, when=SILENT, notice_ms=HOUR)

    assert answer(Ticker([late()], policy, guards=guards)).guards == ()


def test_a_fire_that_was_announced_and_is_held_no_more_is_not_announced_again() -> None:
    ticker = Ticker([late()], make_policy(notice_ms=MINUTE))
    ticker.tick()
    ticker.agent(1).protected_until = START + HOUR
    ticker.tick(MINUTE)
    ticker.agent(1).protected_until = 0

    assert answer(ticker).words.endswith("nothing is missing: the next tick fires the agent")


def test_a_version_that_was_not_demoted_is_not_said_to_be() -> None:
    ticker = Ticker([late()], make_policy(version="2"))
    demote(ticker, make_policy(version="1"))

    said = answer(ticker)

    assert said.mode is Mode.ENFORCE
    assert "put into shadow" not in said.words


def test_stopped_enforcement_is_told_of_every_policy() -> None:
    ticker = Ticker([late()], make_policy())
    ticker.stopped = "an upgrade"

    said = answer(ticker)

    assert said.guard is Guard.STOPPED
    assert "an upgrade" in said.guard_detail


@pytest.mark.parametrize(
    ("scope", "guard"), [(Scope.LINEAGE, None), (Scope.AGENT, Guard.NEWBORN)]
)
def test_a_young_id_of_an_old_worker_is_young_where_the_policy_is_about_ids(
    scope: Scope, guard: Guard | None
) -> None:
    guards = replace(CALM, newborn=Newborn(age_ms=HOUR, tasks=0))
    old = Agent(number=2, lineage="worker", created_at=START - DAY)
    ticker = Ticker(
        [late(lineage="worker", created_at=START), old],
        make_policy(scope=scope),
        guards=guards,
    )

    assert answer(ticker).guard is guard


def test_who_fires_by_hand_hears_of_a_panic_that_policies_tell_of() -> None:
    failing = Agent(number=2, values={"failures[1h]": 9.0})
    ticker = Ticker(
        [late(), failing],
        make_policy("failures[1h] > 3", name="dumb"),
        guards=replace(CALM, panic=Panic(at_least=2)),
    )
    look = ticker.look()

    passed = bypassed(look, ticker.policy_set, ticker.state, slot=0, stopped=None)

    assert passed == (Guard.PANIC,)


@pytest.mark.parametrize(("notice_ms", "is_announced"), [(0, False), (1, True)])
def test_the_shortest_notice_is_announced(notice_ms: int, *, is_announced: bool) -> None:
    said = answer(Ticker([late()], make_policy(notice_ms=notice_ms)))

    assert ("announces its fire" in said.words) is is_announced
