"""Why, in one sentence: what holds, what is missing, who holds it back."""

from dataclasses import replace

import pytest
from tests.judge.ladders import (
    FIRE,
    PROBATION,
    PROVEN,
    QUARANTINE,
    SILENT,
    demote,
    fail,
    make_ladder,
    make_worker,
    rule,
    succeed,
)
from tests.judge.ladders import NOTIFY as LADDER_NOTIFY
from tests.judge.world import (
    CALM,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Agent,
    Ticker,
    broken_condition,
    make_policy,
    make_set,
    unspeakable,
)

from pinkslip.judge.why import PolicyAnswer, bypassed, why
from pinkslip.model.policy import (
    Guards,
    Matcher,
    MaxFired,
    MaxNotices,
    Newborn,
    Panic,
    Policy,
    Rung,
)
from pinkslip.model.words import Action, EpisodeState, Guard, Mode, Scope, Status, Verdict

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


def told(ticker: Ticker, number: int = 1) -> PolicyAnswer:
    (answer,) = asked(ticker, number)
    return answer


def words(ticker: Ticker) -> str:
    return asked(ticker)[0].words


def late(number: int = 1, **given: object) -> Agent:
    return Agent(number=number, silent_s=95.0, **given)  # type: ignore[arg-type]  # fields of Agent


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
            "when it has not held for 60 s",
        ),
        (
            make_policy(action=Action.NOTIFY, clear_when="heartbeat_age < 5s"),
            "when heartbeat_age < 5s",
        ),
    ],
)
def test_it_says_what_an_open_episode_waits_for(policy: Policy, ends: str) -> None:
    ticker = Ticker([late()], policy)
    ticker.tick()
    ticker.agent(1).silent_s = 10.0
    ticker.tick()

    assert words(ticker) == (
        "it does not hold: no heartbeat for 10 s (at most 90 s: 3 x its 30 s interval); its episode that "
        f"began 2025-11-24T16:00:00.000Z has been acted on, and ends {ends}"
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


def test_stopped_enforcement_is_told_of_every_policy() -> None:
    ticker = Ticker([late()], make_policy())
    ticker.stopped = "an upgrade"

    said = told(ticker)

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

    assert told(ticker).guard is guard


def test_every_policy_answers_in_order_even_a_broken_one() -> None:
    broken = replace(make_policy(name="broken"), when=broken_condition())
    ticker = Ticker([late()], make_policy(), broken, replace(DUMB, mode=Mode.OFF))

    answers = asked(ticker)

    assert [each.policy for each in answers] == ["unresponsive", "broken", "dumb"]
    assert "could not be judged" in answers[1].words


TESTERS = (Matcher("role", frozenset({"tester"})),)


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

    said = told(Ticker([late(), agent], off), 2)

    assert (said.mode, said.words, said.matches) == (Mode.OFF, "it is off", matches)


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


def test_a_policy_that_cannot_be_spoken_of_names_the_error() -> None:
    ticker = Ticker([late()], unspeakable(make_policy()))

    assert "nothing was decided by it: AttributeError" in told(ticker).words


def test_a_policy_that_cannot_say_what_comes_next_says_what_is_wrong_and_keeps_its_episode() -> (
    None
):
    endless = make_ladder(Rung(Action.QUARANTINE), FIRE, when=SILENT, for_ms=HOUR)
    ticker = Ticker([late()], endless)
    ticker.tick()
    ticker.now += MINUTE

    assert told(ticker) == PolicyAnswer(
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


def test_who_fires_by_hand_hears_of_a_panic_that_policies_tell_of() -> None:
    failing = Agent(number=2, values={"failures[1h]": 9.0})
    ticker = Ticker(
        [late(), failing],
        make_policy("failures[1h] > 3", name="dumb"),
        guards=replace(CALM, panic=Panic(at_least=2)),
    )

    assert passed(ticker) == (Guard.PANIC,)


def test_stopped_enforcement_and_blindness_are_told_too() -> None:
    ticker = Ticker([late(), OTHER])
    ticker.stopped, ticker.observing_since = "an upgrade", START - 10 * SECOND

    assert passed(ticker) == (Guard.STOPPED, Guard.BLIND_TIME)


def test_a_broken_policy_keeps_nobody_from_being_told() -> None:
    broken = replace(make_policy(name="broken"), when=broken_condition())

    assert passed(Ticker([late(created_at=YOUNG), OTHER], broken, guards=GUARDED)) == (
        Guard.NEWBORN,
    )


# ladders, notices, shares


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (make_ladder(PROBATION, FIRE, when=SILENT), "puts the agent on probation for 1 d"),
        (
            make_ladder(PROBATION, FIRE, when=SILENT, clear_when="age < 1s"),
            "puts the agent on probation until it recovers",
        ),
        (make_ladder(QUARANTINE, FIRE, when=SILENT), "quarantines the agent for 10 min"),
        (make_ladder(LADDER_NOTIFY, FIRE, when=SILENT), "tells people"),
        (make_policy(notice_ms=300 * SECOND), "announces its fire in 5 min"),
        (make_policy(approval=True), "asks people to approve its fire"),
        (
            make_ladder(QUARANTINE, FIRE, when=SILENT, mode=Mode.SHADOW),
            "records in shadow that enforcing quarantines the agent for 10 min",
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_it_says_what_the_next_rung_does(policy: Policy, expected: str) -> None:
    answer = told(Ticker([late()], policy))

    assert answer.words == f"it holds: {SAID}; nothing is missing: the next tick {expected}"


def test_whoever_crosses_with_its_lineage_shares_the_rung_and_is_told_so() -> None:
    policy = make_ladder(PROBATION, FIRE, when=SILENT, scope=Scope.LINEAGE, for_ms=30 * SECOND)
    ticker = Ticker([late(lineage="worker"), Agent(number=2, lineage="worker")], policy)
    ticker.tick()
    ticker.agent(2).silent_s = 95.0
    ticker.tick(10 * SECOND)
    ticker.tick(20 * SECOND)
    ticker.now += 10 * SECOND

    assert "nothing is missing: the next tick puts the agent on probation" in (
        told(ticker, 2).words
    )


def test_no_limit_on_notices_holds_a_quarantine() -> None:
    guards = replace(CALM, max_notices=MaxNotices(count=0))
    policy = make_ladder(QUARANTINE, FIRE, when=SILENT, notice_ms=HOUR)

    assert told(Ticker([late()], policy, guards=guards)).guards == ()


def test_it_says_where_the_agent_stands_and_until_when() -> None:
    ticker = Ticker([late()], make_ladder(QUARANTINE, FIRE, when=SILENT))
    ticker.tick()

    answer = told(ticker)

    assert answer.words == (
        "it is not about this agent: the agent is in quarantine until 2025-11-24T16:10:00.000Z; "
        "its episode that began 2025-11-24T16:00:00.000Z has been acted on, and ends as soon as it does not hold; it is "
        "on rung 1 of 2 "
        "(quarantine 10m) since 2025-11-24T16:00:00.000Z, in quarantine until 2025-11-24T16:10:00.000Z"
    )
    assert (answer.rung, answer.rungs) == (1, 2)
    assert (answer.standing, answer.until) == ("quarantined", START + 600 * SECOND)


def test_it_says_when_the_time_of_probation_has_passed_and_the_policy_holds() -> None:
    policy = make_ladder(Rung(Action.PROBATION, 10 * MINUTE), FIRE, when=SILENT)
    ticker = Ticker([late()], policy)
    ticker.tick()
    ticker.tick(10 * MINUTE)

    said = "on probation until it does not hold, its time having passed"
    assert told(ticker).words.endswith(said)


def test_it_says_that_the_next_quarantine_is_twice_as_long() -> None:
    ticker = Ticker([late()], make_ladder(QUARANTINE, when=SILENT, for_ms=MINUTE))
    ticker.tick()
    ticker.tick(MINUTE)
    ticker.agent(1).silent_s = 0.0
    ticker.tick(600 * SECOND)
    ticker.tick(5 * SECOND)
    ticker.agent(1).silent_s = 95.0
    ticker.tick(5 * SECOND)
    ticker.now += MINUTE

    assert "quarantines the agent for 20 min" in told(ticker).words


def test_it_says_which_pass_it_is_after_recovery() -> None:
    ticker = Ticker([late()], make_ladder(PROBATION, FIRE, when=SILENT))
    ticker.tick()
    ticker.agent(1).silent_s = 1.0
    ticker.tick(5 * SECOND)

    answer = told(ticker)

    assert answer.words.endswith("; it is on no rung, in its 2nd pass down the ladder")
    assert (answer.rung, answer.standing, answer.until) == (0, "active", None)


def test_it_says_how_a_veto_reaches_an_announced_fire() -> None:
    ticker = Ticker([late()], make_policy(notice_ms=300 * SECOND))
    ticker.tick()
    (decision,) = ticker.decisions

    answer = told(ticker)

    assert answer.words == (
        f"it holds: {SAID}; its fire is announced: it comes on 2025-11-24T16:05:00.000Z, unless a person "
        f"vetoes decision {decision.id} or it no longer holds"
    )
    assert answer.waiting_decision == decision.id
    assert (answer.standing, answer.until) == ("notice", START + 300 * SECOND)


@pytest.mark.parametrize(("notice_ms", "is_announced"), [(0, False), (1, True)])
def test_the_shortest_notice_is_announced(notice_ms: int, *, is_announced: bool) -> None:
    said = told(Ticker([late()], make_policy(notice_ms=notice_ms)))

    assert ("announces its fire" in said.words) is is_announced


def test_what_a_policy_had_announced_that_was_just_switched_off_is_still_told() -> None:
    policy = make_policy(notice_ms=HOUR)
    ticker = Ticker([late()], policy)
    (noticed,) = ticker.tick().decisions
    ticker.policy_set = make_set(replace(policy, mode=Mode.OFF))

    said = told(ticker)

    assert (said.state, said.waiting_decision) == (EpisodeState.NOTICED, noticed.id)


@pytest.mark.parametrize(
    ("wait_ms", "fails", "expected"),
    [
        (
            60 * SECOND,
            0,
            (
                "; its fire is announced: it comes on 2025-11-24T16:05:00.000Z, unless a person vetoes decision {id} "
                "or success_rate[50 tasks] >= 80%"
            ),
        ),
        (
            HOUR,
            0,
            (
                "; its notice has passed: the agent is fired the next time it holds, unless a person vetoes decision "
                "{id} or success_rate[50 tasks] >= 80%"
            ),
        ),
        (
            HOUR,
            200,
            "; its notice has passed: the next tick asks the guards again and fires the agent",
        ),
    ],
    ids=["during the notice", "after it", "after it, and it holds again"],
)
def test_it_says_what_becomes_of_a_fire_that_was_proven(
    wait_ms: int, fails: int, expected: str
) -> None:
    worker = make_worker(values={"success_rate[50 tasks]": 0.2})
    policy = make_policy(
        PROVEN, clear_when="success_rate[50 tasks] >= 80%", notice_ms=300 * SECOND
    )
    ticker = Ticker([worker], policy)
    fail(ticker)
    ticker.tick()
    (decision,) = ticker.decisions
    succeed(ticker)
    ticker.tick(wait_ms)
    fail(ticker, times=fails)

    assert told(ticker).words.endswith(expected.format(id=decision.id))


@pytest.mark.parametrize(
    ("policy", "verdict", "expected"),
    [
        (make_policy(notice_ms=HOUR), Verdict.VETOED, "kim vetoed the fire"),
        (make_policy(approval=True), None, "waits for a person who approves decision"),
        (
            make_policy(approval=True, notice_ms=HOUR),
            None,
            "not before 2025-11-24T17:00:00.000Z",
        ),
        (
            make_policy(approval=True, notice_ms=HOUR),
            Verdict.APPROVED,
            "kim approved its fire, not before 2025-11-24T17:00:00.000Z",
        ),
    ],
    ids=["vetoed", "asked", "asked with a notice", "approved"],
)
def test_it_says_what_people_said(
    policy: Policy, verdict: Verdict | None, expected: str
) -> None:
    ticker = Ticker([late()], policy)
    ticker.tick()
    if verdict is not None:
        rule(ticker, verdict, ticker.decisions[0].id)
    ticker.tick(SECOND)

    answer = told(ticker)

    assert expected in answer.words
    assert (answer.waiting_decision is None) is (verdict is Verdict.VETOED)


def test_it_says_that_an_announced_fire_is_held() -> None:
    ticker = Ticker([late()], make_policy(notice_ms=SECOND))
    ticker.tick()
    ticker.agent(1).protected_until = START + HOUR
    ticker.tick(SECOND)

    answer = told(ticker)

    assert "held back by protected" in answer.words
    assert (answer.state, answer.standing, answer.waiting_decision) == ("held", "notice", None)


def test_a_fire_that_was_announced_and_is_held_no_more_is_not_announced_again() -> None:
    ticker = Ticker([late()], make_policy(notice_ms=MINUTE))
    ticker.tick()
    ticker.agent(1).protected_until = START + HOUR
    ticker.tick(MINUTE)
    ticker.agent(1).protected_until = 0

    assert told(ticker).words.endswith("nothing is missing: the next tick fires the agent")


def test_it_says_for_whom_it_is_enforced() -> None:
    answer = told(Ticker([late()], make_policy(percent=0.25)))
    left_out = told(Ticker([late()], make_policy(percent=0.0)))

    assert answer.mode in {Mode.ENFORCE, Mode.SHADOW}
    assert left_out.mode is Mode.SHADOW
    assert left_out.words.endswith(
        "; it is enforced for 0 % of agents, and for this one it is in shadow"
    )


def test_it_says_why_a_policy_was_put_into_shadow() -> None:
    ticker = Ticker([late()], make_policy())
    demote(ticker, ticker.policy_set.policies[0])

    answer = told(ticker)

    assert answer.mode is Mode.SHADOW
    assert answer.words.endswith(
        "; it was put into shadow until a person restores it: 2 of its fires were taken back within 24 h"
    )


def test_a_version_that_was_not_demoted_is_not_said_to_be() -> None:
    ticker = Ticker([late()], make_policy(version="2"))
    demote(ticker, make_policy(version="1"))

    said = told(ticker)

    assert said.mode is Mode.ENFORCE
    assert "put into shadow" not in said.words


def test_it_says_what_shadow_would_have_made_of_the_agent() -> None:
    paused = Ticker([late()], make_ladder(QUARANTINE, FIRE, when=SILENT, mode=Mode.SHADOW))
    paused.tick()
    fired = Ticker([make_worker()], make_ladder(FIRE, mode=Mode.SHADOW))
    for _ in range(2):
        fail(fired)
        fired.tick(5 * SECOND)
        fired.tick(5 * SECOND)

    assert told(paused).words.startswith(
        "it is not about this agent: in shadow it would be in quarantine until "
        "2025-11-24T16:10:00.000Z"
    )
    assert told(paused).standing == "active"
    fail(fired)
    assert "in shadow it would have been fired" in told(fired).words


def test_it_says_how_far_evidence_has_come() -> None:
    ticker = Ticker([make_worker(counted=(3, 0))], make_ladder(PROBATION, FIRE))

    answer = told(ticker)

    assert answer.meter == pytest.approx(0.486, abs=0.001)
    assert "; its evidence has come 49 % of the way" in answer.words
    assert [each.tasks for each in answer.statistics] == [3]


def test_a_policy_that_counts_nothing_has_no_meter() -> None:
    assert told(Ticker([late()], make_policy())).meter is None
