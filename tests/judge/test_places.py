"""Ladders through time: a rung per crossing, and for every timer the moment before, at, and after."""

from dataclasses import replace

import pytest
from tests.judge.ladders import (
    FIRE,
    NOTIFY,
    PROBATION,
    PROVEN,
    QUARANTINE,
    SILENT,
    crossed,
    demote,
    fail,
    make_ladder,
    make_worker,
    place_of,
    rule,
    succeed,
    verdicts,
)
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
)

from pinkslip.judge.judge import JudgeState
from pinkslip.judge.kinds import is_proof
from pinkslip.judge.places import quarantine_ms, remembered_quarantines, taken
from pinkslip.model.decisions import Decision, Place
from pinkslip.model.facts import Silence, Silenced
from pinkslip.model.policy import Matcher, MaxFired, Policy, Rung
from pinkslip.model.words import Action, Mode, Scope, Standing, Verdict
from pinkslip.policies.language import parse_condition

WHOLE = make_ladder(NOTIFY, PROBATION, QUARANTINE, FIRE)


def standing(ticker: Ticker, number: int = 1) -> str:
    return ticker.agent(number).standing.value


def test_each_crossing_takes_one_rung_and_only_the_last_one_fires() -> None:
    ticker = Ticker([make_worker()], WHOLE)
    ticker.tick()

    seen = [crossed(ticker), crossed(ticker), crossed(ticker)]
    paused = standing(ticker)
    ticker.tick(10 * MINUTE)
    seen.append(crossed(ticker))

    assert seen == ["notified", "probation", "quarantined", "fired"]
    assert paused == "quarantined"
    assert [(each.evidence.rung, each.evidence.rungs) for each in ticker.decisions] == [
        (1, 4),
        (2, 4),
        (3, 4),
        (4, 4),
    ]


def test_old_evidence_pays_for_one_rung_only() -> None:
    ticker = Ticker([make_worker()], WHOLE)
    fail(ticker, times=200)

    for _ in range(50):
        ticker.tick(5_000)

    assert verdicts(ticker) == ["notified"]


def test_a_rung_counts_evidence_from_its_own_tick() -> None:
    ticker = Ticker([make_worker()], WHOLE)
    fail(ticker)
    ticker.tick()

    place = place_of(ticker)

    assert (place.rung, place.base_tasks, place.base_successes, place.since) == (
        0,
        20,
        0,
        START,
    )
    assert place.decision_id == ticker.decisions[0].id


def test_a_policy_without_a_ladder_keeps_no_place() -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], make_policy(action=Action.NOTIFY))

    ticker.tick()

    assert ticker.state.places() == []


QUARANTINED = make_ladder(QUARANTINE, FIRE)


@pytest.mark.parametrize(
    ("wait_ms", "expected"),
    [
        (10 * MINUTE - 1, "quarantined"),
        (10 * MINUTE, "probation"),
        (10 * MINUTE + 1, "probation"),
    ],
)
def test_a_quarantine_ends_in_probation_when_its_time_has_passed(
    wait_ms: int, expected: str
) -> None:
    ticker = Ticker([make_worker()], QUARANTINED)
    fail(ticker)
    ticker.tick()
    assert ticker.agent(1).standing_until == START + 10 * MINUTE

    ticker.tick(wait_ms)

    assert standing(ticker) == expected
    assert place_of(ticker).rung == 0


def test_what_a_paused_agent_did_shows_nothing() -> None:
    ticker = Ticker([make_worker()], QUARANTINED)
    fail(ticker)
    ticker.tick()
    fail(ticker, times=50)

    ticker.tick(10 * MINUTE)
    ticker.tick(5_000)

    assert verdicts(ticker) == ["quarantined"]
    assert place_of(ticker).base_tasks == 70


def place(**given: object) -> Place:
    return Place(
        **{  # type: ignore[arg-type]  # fields of Place
            "policy": "dumb",
            "episode_hash": "dumb1",
            "subject": "agent:1",
            "incarnation": 1,
            "rung": 0,
            "standing": Standing.PROBATION,
            "since": START,
            **given,
        }
    )


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, 10), (2, 20), (3, 40), (4, 80), (8, 1280), (9, 1440), (10, 1440), (1_000, 1440)],
)
def test_quarantines_double_up_to_a_day(count: int, expected: int) -> None:
    assert quarantine_ms(QUARANTINE, count) == expected * MINUTE


def test_a_quarantine_longer_than_a_day_stays_as_long_and_never_doubles() -> None:
    rung = Rung(Action.QUARANTINE, 3 * DAY)

    assert [quarantine_ms(rung, count) for count in (1, 2, 9)] == [3 * DAY] * 3


def test_a_quarantine_without_a_time_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a time"):
        quarantine_ms(Rung(Action.QUARANTINE), 1)


@pytest.mark.parametrize(
    ("since_end", "expected"),
    [(-HOUR, 3), (0, 3), (DAY - 1, 3), (DAY, 2), (2 * DAY - 1, 2), (2 * DAY, 1), (9 * DAY, 0)],
)
def test_one_quarantine_is_forgotten_for_each_day_since_the_newest_ended(
    since_end: int, expected: int
) -> None:
    former = place(quarantines=3, quarantined_until=START)

    assert remembered_quarantines(former, now=START + since_end) == expected


def test_past_the_last_rung_the_last_repeats_and_doubles() -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, QUARANTINE))
    crossed(ticker)

    lengths = []
    for _ in range(3):
        crossed(ticker)
        now = place_of(ticker)
        assert now.until is not None
        lengths.append(now.until - now.since)
        ticker.tick(lengths[-1])

    assert lengths == [10 * MINUTE, 20 * MINUTE, 40 * MINUTE]
    assert place_of(ticker).rung == 1


@pytest.mark.parametrize(
    ("rungs", "clear_when", "lasts"),
    [
        pytest.param((PROBATION, FIRE), None, DAY, id="a day where nothing else ends it"),
        pytest.param(
            (Rung(Action.PROBATION, HOUR), FIRE), None, HOUR, id="as long as the rung says"
        ),
        pytest.param(
            (Rung(Action.PROBATION, HOUR), FIRE), "age < 1s", HOUR, id="with clear_when too"
        ),
        pytest.param((PROBATION, FIRE), "age < 1s", None, id="until clear_when"),
    ],
)
def test_probation_has_an_end(
    rungs: tuple[Rung, ...], clear_when: str | None, lasts: int | None
) -> None:
    ticker = Ticker([make_worker()], make_ladder(*rungs, clear_when=clear_when))
    fail(ticker)

    ticker.tick()

    until = None if lasts is None else START + lasts
    assert place_of(ticker).until == until
    assert ticker.decisions[0].evidence.until == until


@pytest.mark.parametrize(
    ("rungs", "clear_when", "lasts"),
    [
        ((QUARANTINE, FIRE), None, DAY),
        ((Rung(Action.PROBATION, HOUR), QUARANTINE, FIRE), None, HOUR),
        ((QUARANTINE, FIRE), "age < 1s", None),
    ],
)
def test_probation_after_quarantine_lasts_as_a_rung_before_says(
    rungs: tuple[Rung, ...], clear_when: str | None, lasts: int | None
) -> None:
    ticker = Ticker([make_worker()], make_ladder(*rungs, clear_when=clear_when))
    for _ in rungs[:-1]:
        crossed(ticker)

    ticker.tick(10 * MINUTE)

    assert standing(ticker) == "probation"
    assert place_of(ticker).until == (None if lasts is None else ticker.now + lasts)


@pytest.mark.parametrize(
    ("wait_ms", "expected"),
    [(HOUR - 1, "probation"), (HOUR, "active"), (HOUR + 1, "active")],
)
def test_probation_by_time_lets_go_when_it_has_passed(wait_ms: int, expected: str) -> None:
    ticker = Ticker([make_worker()], make_ladder(Rung(Action.PROBATION, HOUR), FIRE))
    fail(ticker)
    ticker.tick()

    ticker.tick(wait_ms)

    assert standing(ticker) == expected
    released = [each for each in ticker.decisions if each.verdict == "released"]
    assert len(released) == (expected == "active")
    for each in released:
        assert each.evidence.words == "1 h without another crossing".replace(
            "1 h", words(wait_ms)
        )


def words(span_ms: int) -> str:
    return "1 h" if span_ms < HOUR + SECOND else "more"


def test_a_new_pass_begins_on_no_rung_with_less_error_to_spend() -> None:
    ticker = Ticker([make_worker()], make_ladder(Rung(Action.PROBATION, HOUR), FIRE))
    fail(ticker)
    ticker.tick()

    ticker.tick(HOUR)

    now = place_of(ticker)
    assert (now.rung, now.passes, now.base_tasks, now.standing) == (-1, 2, 20, "active")


@pytest.mark.parametrize(("failures", "rungs"), [(6, 0), (7, 1)])
def test_the_second_pass_asks_for_stronger_evidence(failures: int, rungs: int) -> None:
    # at 1 % / (1 x 2) six failures are proof, at 1 % / (2 x 3) only seven
    ticker = Ticker([make_worker()], make_ladder(Rung(Action.PROBATION, HOUR), FIRE))
    fail(ticker, times=6)
    ticker.tick()
    assert verdicts(ticker) == ["probation"]
    ticker.tick(HOUR)

    fail(ticker, times=failures)
    ticker.tick(5_000)

    assert verdicts(ticker) == ["probation", "released", *["probation"] * rungs]


def test_time_lets_nobody_go_while_the_condition_holds() -> None:
    policy = make_ladder(Rung(Action.PROBATION, HOUR), FIRE, when=SILENT, name="dumb")
    ticker = Ticker([Agent(number=1, silent_s=95.0)], policy)
    ticker.tick()

    ticker.tick(2 * HOUR)
    held = standing(ticker)
    ticker.agent(1).silent_s = None  # cannot be told: that holds nothing against it
    ticker.tick(5_000)

    assert held == "probation"
    assert standing(ticker) == "active"


CLEARING = make_ladder(
    PROBATION, QUARANTINE, FIRE, clear_when="success_rate[1h] > 90%", name="dumb"
)


def test_recovery_climbs_back_and_says_why() -> None:
    ticker = Ticker([make_worker()], CLEARING)
    crossed(ticker)
    ticker.agent(1).values["success_rate[1h]"] = 0.95

    ticker.tick(5_000)

    assert standing(ticker) == "active"
    assert verdicts(ticker) == ["probation", "released"]
    decision = ticker.decisions[-1]
    assert decision.evidence.words == "success rate 95 % in 1 h (above 90 %)"
    assert decision.evidence.values == {"success_rate[1h]": 0.95}
    assert decision.action is Action.PROBATION
    assert (place_of(ticker).rung, place_of(ticker).passes) == (-1, 2)
    assert place_of(ticker).decision_id == decision.id


def test_nobody_recovers_while_quarantined_or_while_it_cannot_be_told() -> None:
    ticker = Ticker([make_worker()], CLEARING)
    crossed(ticker)
    crossed(ticker)
    ticker.agent(1).values["success_rate[1h]"] = 0.95
    ticker.tick(5_000)
    paused = standing(ticker)
    ticker.agent(1).values.clear()
    ticker.tick(10 * MINUTE)
    ticker.tick(5_000)

    assert paused == "quarantined"
    assert standing(ticker) == "probation"


def test_recovered_once_is_told_once() -> None:
    ticker = Ticker([make_worker()], CLEARING)
    crossed(ticker)
    ticker.agent(1).values["success_rate[1h]"] = 0.95

    for _ in range(5):
        ticker.tick(5_000)

    assert verdicts(ticker) == ["probation", "released"]


SILENCE = make_ladder(PROBATION, FIRE, when=SILENT, for_ms=30 * SECOND, name="dumb")


@pytest.mark.parametrize(
    ("calm_ms", "expected"), [(29_999, "probation"), (30_000, "active"), (30_001, "active")]
)
def test_without_clear_when_a_policy_on_measures_recovers_when_it_has_not_held_for_long(
    calm_ms: int, expected: str
) -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], SILENCE)
    ticker.tick()
    ticker.tick(30 * SECOND)
    ticker.agent(1).silent_s = 0.0
    ticker.tick(5_000)

    ticker.tick(calm_ms)

    assert standing(ticker) == expected


def test_keep_for_makes_recovery_longer_and_unknown_starts_it_again() -> None:
    policy = replace(SILENCE, keep_for_ms=60 * SECOND)
    ticker = Ticker([Agent(number=1, silent_s=95.0)], policy)
    ticker.tick()
    ticker.tick(30 * SECOND)
    seen = []
    for wait_ms, silent_s in [
        (0, 0.0),
        (59_999, 0.0),
        (0, None),
        (1, 0.0),
        (59_999, 0.0),
        (1, 0.0),
    ]:
        ticker.agent(1).silent_s = silent_s
        ticker.tick(wait_ms)
        seen.append(standing(ticker))

    assert seen == ["probation"] * 5 + ["active"]


def test_blind_time_is_taken_off_recovery() -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], SILENCE)
    ticker.tick()
    ticker.tick(30 * SECOND)
    ticker.agent(1).silent_s = 0.0
    ticker.tick(5_000)
    ticker.blind.append((ticker.now, ticker.now + 10_000))

    ticker.tick(39_999)
    before = standing(ticker)
    ticker.tick(1)

    assert (before, standing(ticker)) == ("probation", "active")


def test_silent_again_before_it_recovered_is_the_next_rung() -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], SILENCE)
    for wait_ms, silent_s in [(0, 95.0), (30_000, 95.0), (5_000, 0.0), (5_000, 95.0)]:
        ticker.agent(1).silent_s = silent_s
        ticker.tick(wait_ms)

    ticker.tick(30_000)

    assert verdicts(ticker) == ["probation", "fired"]


FAILURES = "failures[20 tasks] >= 3"
NONE_LEFT = "failures[20 tasks] == 0"
WORKERS = (Matcher("role", frozenset({"worker"})),)


def spent(*rungs: Rung, **keys: object) -> Policy:
    """A ladder on what a window holds, which no rung empties."""
    return make_ladder(*rungs, when=FAILURES, **keys)


def failed_once(policy: Policy) -> Ticker:
    """An agent that failed ten times, and has taken the first rung for it."""
    ticker = Ticker([make_worker(role="worker")], policy)
    ticker.agent(1).values = {"failures[20 tasks]": 10.0}
    ticker.tick()
    return ticker


def go_and_come_back(ticker: Ticker, how: str) -> None:
    """Whatever it was away for: nothing else came of it."""
    agent = ticker.agent(1)
    for is_away in (True, False):
        if how == "finished":
            agent.finished = is_away
        elif how == "forgotten":
            ticker.agents[0] = None if is_away else agent
        elif how == "unmatched":
            agent.role = "guest" if is_away else "worker"
        ticker.tick(11 * MINUTE)


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.SHADOW])
@pytest.mark.parametrize("clear_when", [None, NONE_LEFT])
@pytest.mark.parametrize("how", ["quarantined", "finished", "forgotten", "unmatched"])
@pytest.mark.parametrize("rungs", [(QUARANTINE,), (QUARANTINE, FIRE), (PROBATION, FIRE)])
def test_coming_back_is_no_crossing(
    rungs: tuple[Rung, ...], how: str, clear_when: str | None, mode: Mode
) -> None:
    ticker = failed_once(spent(*rungs, clear_when=clear_when, mode=mode, match=WORKERS))

    for _ in range(3):
        go_and_come_back(ticker, how)

    assert len(verdicts(ticker)) == 1


@pytest.mark.parametrize("how", ["quarantined", "finished", "forgotten", "unmatched"])
def test_failing_again_after_doing_well_is_one(how: str) -> None:
    ticker = failed_once(spent(QUARANTINE, FIRE, match=WORKERS))
    go_and_come_back(ticker, how)

    for failures in (2.0, 3.0):
        ticker.agent(1).values = {"failures[20 tasks]": failures}
        ticker.tick(5_000)

    assert verdicts(ticker) == ["quarantined", "released", "quarantined"]


def test_what_is_kept_of_those_who_left_is_nobody_elses() -> None:
    """The last agent of the fleet is not mistaken for one that has no slot."""
    ticker = Ticker([make_worker(), make_worker(2)], make_ladder(PROBATION, FIRE))
    fail(ticker)
    ticker.tick()
    ticker.agents[0] = None
    ticker.tick(5_000)

    assert crossed(ticker, 2) == "probation"


def test_what_was_true_of_a_paused_agent_is_asked_again_when_it_is_back() -> None:
    ticker = failed_once(spent(QUARANTINE, FIRE, keep_for_ms=MINUTE))
    ticker.tick(5_000)
    ticker.agent(1).values = {"failures[20 tasks]": 0.0}

    ticker.tick(9 * MINUTE)
    paused = ticker.state_of()
    ticker.tick(MINUTE)
    ticker.tick(5_000)
    back = ticker.state_of()
    ticker.tick(MINUTE)

    assert (paused, back, ticker.state_of()) == ("acted", "acted", "clear")


def test_a_mixed_condition_true_all_along_is_not_crossed_by_being_away() -> None:
    ticker = Ticker(
        [make_worker()], make_ladder(QUARANTINE, FIRE, when=f"{PROVEN} or age > 1s")
    )
    ticker.tick()

    for _ in range(20):
        ticker.tick(MINUTE)

    assert verdicts(ticker) == ["quarantined"]


def test_what_a_person_vetoed_stays_so_while_the_agent_is_away() -> None:
    policy = make_policy(FAILURES, reason="dumb", notice_ms=MINUTE)
    ticker = failed_once(policy)
    rule(ticker, Verdict.VETOED, ticker.decisions[0].id)
    ticker.tick(5_000)

    go_and_come_back(ticker, "finished")

    assert (verdicts(ticker), ticker.state_of()) == (["noticed"], "vetoed")


def test_a_released_agent_is_not_kept_again_for_the_same() -> None:
    ticker = failed_once(spent(QUARANTINE, FIRE))
    agent = ticker.agent(1)
    agent.standing, agent.standing_until = Standing.ACTIVE, 0
    agent.released_at = ticker.now + 1

    for _ in range(20):
        ticker.tick(MINUTE)

    assert (verdicts(ticker), standing(ticker)) == (["quarantined"], "active")


def test_a_released_agent_starts_a_new_pass() -> None:
    ticker = Ticker([make_worker()], QUARANTINED)
    fail(ticker)
    ticker.tick()
    agent = ticker.agent(1)
    agent.standing, agent.standing_until = Standing.ACTIVE, 0
    agent.released_at = ticker.now + 1

    ticker.tick(5_000)

    now = place_of(ticker)
    assert (now.rung, now.passes, now.standing) == (-1, 2, "active")
    assert now.quarantined_until == ticker.now
    assert standing(ticker) == "active"
    assert verdicts(ticker) == ["quarantined"]


def test_a_reinstated_agent_starts_a_new_pass_from_nothing() -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, FIRE))
    crossed(ticker)
    assert crossed(ticker) == "fired"
    agent = ticker.agent(1)
    agent.back_at, agent.incarnation, agent.counted = ticker.now + 1, 2, (0, 0)
    agent.created_at, agent.standing = ticker.now + 1, Standing.ACTIVE

    ticker.tick(5_000)

    now = place_of(ticker)
    assert (now.rung, now.passes, now.incarnation) == (-1, 2, 2)
    assert (now.base_tasks, now.since) == (0, agent.created_at)
    ticker.tick(5_000)
    assert place_of(ticker).passes == 2


@pytest.mark.parametrize(
    ("after_ms", "kept"), [(30 * DAY - 1, True), (30 * DAY, False), (30 * DAY + 1, False)]
)
def test_a_place_is_kept_for_30_days_when_its_agent_leaves_memory(
    after_ms: int, kept: bool
) -> None:
    ticker = Ticker([make_worker(), make_worker(2)], WHOLE)
    fail(ticker)
    ticker.tick()
    ticker.agents[0] = None

    judgement = ticker.tick(after_ms)

    gone = [] if kept else ["agent:1"]
    assert [each.subject for each in judgement.places if each.gone] == gone
    assert (bool(ticker.state.places()), ticker.state_of()) == (
        kept,
        "acted" if kept else "clear",
    )


def test_the_place_of_a_fired_agent_goes_with_it() -> None:
    ticker = Ticker([make_worker(), make_worker(2)], make_ladder(PROBATION, FIRE))
    seen = [crossed(ticker), crossed(ticker)]
    ticker.agents[0] = None

    judgement = ticker.tick(5_000)

    assert seen == ["probation", "fired"]
    assert [(each.subject, each.gone) for each in judgement.places] == [("agent:1", True)]


def test_what_shadow_would_have_fired_is_not_fired_again_when_it_is_back() -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, FIRE, mode=Mode.SHADOW))
    seen = [crossed(ticker), crossed(ticker)]
    (agent,) = ticker.agents
    for here in (None, agent):
        ticker.agents[0] = here
        ticker.tick(HOUR)

    assert [*seen, crossed(ticker)] == ["shadowed", "shadowed", ""]


def test_a_place_follows_its_agent_to_another_slot() -> None:
    ticker = Ticker([make_worker(), None], WHOLE)
    crossed(ticker)
    ticker.agents.reverse()

    assert crossed(ticker) == "probation"


def test_a_fire_that_the_guards_hold_takes_no_rung() -> None:
    guards = replace(CALM, max_fired=MaxFired(share=0.0, at_least=0))
    ticker = Ticker([make_worker()], make_ladder(PROBATION, FIRE), guards=guards)
    crossed(ticker)

    fail(ticker)
    ticker.tick(5_000)

    assert verdicts(ticker) == ["probation", "held"]
    assert place_of(ticker).rung == 0
    assert ticker.state_of() == "held"


# policies that change

DOWN = make_ladder(PROBATION, QUARANTINE, FIRE)
EDITED = "let go: policy dumb was edited"
HARDER = parse_condition("proven(success < 71%, error=1%)")
REMOVED = "let go: policy dumb was removed or switched off"


def changed(ticker: Ticker, *after: Policy, restart: bool = False) -> list[Decision]:
    """What the next two ticks decide under other policies, the evidence that was there forgotten."""
    ticker.policy_set = make_set(*after)
    if restart:
        ticker.state = JudgeState.restore(ticker.state.episodes(), places=ticker.state.places())
    ticker.state.adopt(ticker.policy_set, now=ticker.now)
    for agent in ticker.agents:
        if agent:
            agent.counted = (0, 0)
    return [*ticker.tick(5_000).decisions, *ticker.tick(5_000).decisions]


@pytest.mark.parametrize("restart", [False, True], ids=["", "after a restart"])
@pytest.mark.parametrize(("crossings", "action"), [(1, "probation"), (2, "quarantine")])
@pytest.mark.parametrize(
    ("after", "words"),
    [
        pytest.param(None, REMOVED, id="removed"),
        pytest.param(replace(DOWN, mode=Mode.OFF), REMOVED, id="switched off"),
        pytest.param(replace(DOWN, hash="x", for_ms=HOUR), EDITED, id="edited"),
        pytest.param(replace(DOWN, ladder=()), EDITED, id="without a ladder"),
        pytest.param(
            replace(DOWN, mode=Mode.SHADOW), "let go: policy dumb is in shadow", id="shadow"
        ),
        pytest.param(
            replace(DOWN, percent=0.0),
            "let go: policy dumb is in shadow for this agent",
            id="other share",
        ),
    ],
)
def test_a_policy_that_changes_lets_go_and_says_so_once(
    after: Policy | None, words: str, crossings: int, action: str, *, restart: bool
) -> None:
    ticker = Ticker([make_worker(), make_worker(2)], DOWN)
    for _ in range(crossings):
        crossed(ticker)
    since = place_of(ticker).since

    (released,) = changed(ticker, *([after] if after else []), restart=restart)

    assert (released.verdict, released.action, released.agent_no) == ("released", action, 1)
    assert (released.mode, released.evidence.words) == ("enforce", words)
    assert released.evidence.true_since == since
    assert standing(ticker) == "active"
    assert ticker.state.places() == []


@pytest.mark.parametrize("before", Scope)
@pytest.mark.parametrize("crossings", [1, 2])
def test_a_policy_that_follows_others_than_before_lets_go_and_says_so(
    before: Scope, crossings: int
) -> None:
    (after,) = set(Scope) - {before}
    ticker = Ticker([make_worker(1, lineage="w")], replace(DOWN, scope=before))
    for _ in range(crossings):
        crossed(ticker)

    (released,) = changed(ticker, replace(DOWN, hash="x", scope=after))

    assert (released.verdict, released.evidence.words) == ("released", EDITED)
    assert ticker.state.places() == []


def test_a_demotion_lets_go_and_says_so() -> None:
    ticker = Ticker([make_worker()], DOWN)
    crossed(ticker)
    demote(ticker, DOWN)

    (released,) = changed(ticker, DOWN)

    assert released.evidence.words == "let go: policy dumb is in shadow"


@pytest.mark.parametrize("after", [(), (replace(DOWN, mode=Mode.SHADOW),)])
@pytest.mark.parametrize("left", ["finished", "memory", "released", "fired", "climbed back"])
def test_nobody_is_let_go_twice(left: str, after: tuple[Policy, ...]) -> None:
    ticker = Ticker([make_worker()], DOWN)
    crossed(ticker)
    agent = ticker.agent(1)
    match left:
        case "finished":
            agent.finished = True
        case "memory":
            ticker.agents[0] = None
        case "released":
            agent.released_at = ticker.now + 1
        case "fired":
            agent.fires.append((ticker.now, False))
        case _:
            ticker.tick(DAY)

    assert changed(ticker, *after) == []


def test_what_shadow_did_lets_nobody_go() -> None:
    ticker = Ticker([make_worker()], replace(DOWN, mode=Mode.SHADOW))
    crossed(ticker)

    assert changed(ticker, DOWN) == []


def test_who_is_let_go_and_kept_again_at_once_is_told_of_in_that_order() -> None:
    ticker = Ticker([make_worker()], DOWN)
    crossed(ticker)
    ticker.policy_set = make_set(replace(DOWN, hash="x", keep_for_ms=HOUR, when=HARDER))

    made = ticker.tick(5_000).decisions

    assert [each.verdict.value for each in made] == ["released", "probation"]
    assert standing(ticker) == "probation"


@pytest.mark.parametrize("is_removed", [True, False], ids=["removed", "edited"])
def test_a_lineage_is_let_go_once(*, is_removed: bool) -> None:
    ticker = Ticker([*kin(3, 2), make_worker(4)], KIN)
    fail(ticker, 2)
    ticker.tick()

    after = [] if is_removed else [replace(KIN, hash="x", for_ms=HOUR)]
    (released,) = changed(ticker, *after)

    assert (released.agent_no, released.evidence.lineage) == (2, "worker")
    assert (standing(ticker, 2), standing(ticker, 3)) == ("active", "active")


# lineages

KIN = make_ladder(PROBATION, QUARANTINE, FIRE, scope=Scope.LINEAGE)


def kin(*numbers: int) -> list[Agent | None]:
    return [make_worker(number, lineage="worker") for number in numbers]


def test_one_of_a_lineage_that_is_back_has_not_crossed() -> None:
    """Its lineage was there all along, and nothing came of it meanwhile."""
    ticker = Ticker(kin(1, 2), spent(PROBATION, FIRE, scope=Scope.LINEAGE))
    ticker.agent(1).values = {"failures[20 tasks]": 10.0}
    ticker.tick()
    before, agent = verdicts(ticker), ticker.agent(1)

    for here in (None, agent):
        ticker.agents[0] = here
        ticker.tick(HOUR)
        ticker.tick(5_000)

    assert verdicts(ticker)[len(before) :] == []


def test_evidence_follows_a_worker_through_its_ids() -> None:
    ticker = Ticker([*kin(1)], KIN)
    fail(ticker, times=5)
    ticker.tick()
    ticker.agent(1).finished = True
    ticker.agents += kin(2)
    fail(ticker, 2, times=4)

    ticker.tick(5_000)

    (decision,) = ticker.decisions
    assert (decision.agent_no, decision.verdict, decision.evidence.lineage) == (
        2,
        "probation",
        "worker",
    )
    assert place_of(ticker).subject == "lineage:worker"


def test_whoever_of_a_lineage_crosses_at_once_shares_the_rung() -> None:
    ticker = Ticker([*kin(3, 1, 2)], KIN)
    fail(ticker, 1)

    ticker.tick()

    assert [(each.agent_no, each.verdict.value) for each in ticker.decisions] == [
        (1, "probation"),
        (2, "probation"),
        (3, "probation"),
    ]
    assert (place_of(ticker).rung, place_of(ticker).decision_id) == (0, ticker.decisions[0].id)


def test_a_new_id_of_a_quarantined_worker_is_quarantined() -> None:
    ticker = Ticker([*kin(1)], KIN)
    crossed(ticker)
    crossed(ticker)
    ticker.agents += kin(2)

    ticker.tick(5_000)

    assert standing(ticker, 2) == "quarantined"
    assert ticker.agent(2).standing_until == place_of(ticker).until


def test_an_agent_without_a_lineage_is_its_own() -> None:
    ticker = Ticker([make_worker(), make_worker(2, lineage="")], KIN)
    fail(ticker, 1)
    fail(ticker, 2)

    ticker.tick()

    assert [each.subject for each in ticker.state.places()] == ["agent:1", "agent:2"]
    assert [each.evidence.lineage for each in ticker.decisions] == [None, None]


def test_one_of_a_lineage_recovers_it_unless_another_does_not() -> None:
    policy = replace(KIN, clear_when=CLEARING.clear_when)
    ticker = Ticker([*kin(1, 2)], policy)
    crossed(ticker)
    ticker.agent(2).values["success_rate[1h]"] = 0.95
    ticker.agent(1).values["success_rate[1h]"] = 0.5
    ticker.tick(5_000)
    before = standing(ticker)
    ticker.agent(1).values.clear()
    ticker.tick(5_000)

    assert (before, standing(ticker)) == ("probation", "active")
    assert [(each.agent_no, each.verdict.value) for each in ticker.decisions[2:]] == [
        (2, "released")
    ]


def test_a_reinstated_member_begins_its_lineages_next_pass() -> None:
    ticker = Ticker([*kin(1, 2)], KIN)
    crossed(ticker)
    one, other = ticker.agent(1), ticker.agent(2)
    one.incarnation, one.created_at = 2, ticker.now + 1
    one.counted = other.counted = (0, 0)

    ticker.tick(5_000)

    now = place_of(ticker)
    assert (now.rung, now.passes, now.base_tasks, now.incarnation) == (-1, 2, 0, 0)
    assert standing(ticker, 2) == "active"


@pytest.mark.parametrize(
    ("after_ms", "kept"), [(30 * DAY - 1, True), (30 * DAY, False), (30 * DAY + 1, False)]
)
def test_a_lineages_place_outlives_its_agents_by_30_days(after_ms: int, kept: bool) -> None:
    policy = replace(KIN, clear_when=CLEARING.clear_when)
    ticker = Ticker([*kin(1)], policy)
    fail(ticker)
    ticker.tick()
    ticker.agents[0] = None

    ticker.tick(after_ms)

    assert bool(ticker.state.places()) is kept


def test_a_lineage_is_let_out_of_quarantine_when_somebody_of_it_is_there() -> None:
    ticker = Ticker([*kin(1)], KIN)
    crossed(ticker)
    fail(ticker)
    ticker.tick()
    ticker.agents[0] = None
    ticker.tick(HOUR)
    alone = place_of(ticker).standing
    ticker.agents[0] = make_worker(2, lineage="worker", counted=(40, 0))

    ticker.tick(5_000)

    assert (alone, place_of(ticker).standing) == ("quarantined", "probation")
    assert standing(ticker, 2) == "probation"
    assert place_of(ticker).base_tasks == 40


def test_a_lineage_that_was_forgotten_is_counted_from_nothing() -> None:
    ticker = Ticker([*kin(1)], KIN)
    crossed(ticker)
    ticker.agent(1).counted = (3, 0)

    ticker.tick(5_000)

    assert place_of(ticker).base_tasks == 0


def test_an_agent_that_joins_a_lineage_on_its_own_rung_gets_off_nothing() -> None:
    ticker = Ticker([make_worker(), *kin(2)], KIN)
    crossed(ticker)
    ticker.agent(1).lineage, ticker.agent(1).counted = "worker", (0, 0)
    ticker.tick(5_000)

    assert standing(ticker) == "probation"
    assert standing(ticker, 2) == "active"
    ticker.tick(DAY)
    assert standing(ticker) == "active"


def test_a_fire_leaves_the_place_on_its_rung_for_good() -> None:
    fired = taken(WHOLE, place(rung=2, until=START + 5), rung=3, now=START + 1, counts=(10, 3))

    assert (fired.rung, fired.until, fired.standing) == (3, None, Standing.PROBATION)
    assert (fired.base_tasks, fired.base_successes, fired.since) == (10, 3, START + 1)


@pytest.mark.parametrize(
    "policy", [WHOLE, KIN, SILENCE, CLEARING], ids=["whole", "kin", "silence", "clearing"]
)
def test_a_quiet_tick_changes_no_place_and_no_standing(policy: Policy) -> None:
    agents = [make_worker(number, lineage="worker") for number in (1, 2)]
    ticker = Ticker([*agents], policy)
    fail(ticker)
    succeed(ticker, 2)
    ticker.tick()
    ticker.tick(5_000)

    judgement = ticker.tick(5_000)

    assert (judgement.places, judgement.standings, judgement.decisions) == ((), (), ())


def test_evidence_begins_with_the_quarantines_end_and_with_the_next_pass() -> None:
    ticker = Ticker(
        [make_worker()], make_ladder(Rung(Action.PROBATION, HOUR), QUARANTINE, FIRE)
    )
    crossed(ticker)
    crossed(ticker)
    ticker.tick(10 * MINUTE)
    after_quarantine = place_of(ticker).since, ticker.now

    ticker.tick(HOUR)

    assert after_quarantine[0] == after_quarantine[1]
    assert (place_of(ticker).since, place_of(ticker).rung) == (ticker.now, -1)


def test_who_crossed_before_the_rung_was_taken_and_was_held_shares_it() -> None:
    policy = make_ladder(PROBATION, FIRE, when=SILENT, scope=Scope.LINEAGE)
    agents = [
        Agent(number=1, silent_s=95.0, lineage="worker"),
        Agent(number=2, silent_s=95.0, lineage="worker"),
    ]
    ticker = Ticker([*agents], policy)
    quiet = Silence(
        "s", (("agent", ("agent-2",), ()),), "kim", "deploy", START - 1, START + HOUR
    )
    ticker.acts.fold([Silenced(START, 1, quiet)])
    ticker.tick()
    taken_at = place_of(ticker).since

    ticker.tick(HOUR)

    assert [(each.agent_no, each.verdict.value) for each in ticker.decisions] == [
        (1, "probation"),
        (2, "held"),
        (2, "probation"),
    ]
    assert ticker.decisions[-1].evidence.rung == 1
    assert (place_of(ticker).rung, place_of(ticker).since) == (0, taken_at)


def test_climbing_back_closes_what_was_done_even_where_the_condition_cannot_be_told() -> None:
    policy = make_ladder(
        Rung(Action.PROBATION, HOUR), FIRE, when="success_rate[1h] < 70%", name="dumb"
    )
    ticker = Ticker([make_worker(values={"success_rate[1h]": 0.1})], policy)
    ticker.tick()
    ticker.agent(1).values.clear()
    judgement = ticker.tick(HOUR)
    ticker.agent(1).values["success_rate[1h]"] = 0.1

    ticker.tick(5_000)

    assert [each.state for each in judgement.episodes] == ["clear"]
    assert verdicts(ticker) == ["probation", "released", "probation"]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (PROVEN, True),
        (f"{PROVEN} and age > 1s", True),
        (f"age > 1s and {PROVEN}", True),
        (f"{PROVEN} or age > 1s", False),
        (f"{PROVEN} or proven(success < 50%, error=1%) and age > 1s", True),
        (f"not {PROVEN}", False),
        ("decayed(success, from=85%, to=60%)", False),
        ("posterior(success < 70%) > 99%", False),
        ("age > 1s", False),
    ],
)
def test_proof_is_what_cannot_be_true_without_new_outcomes(when: str, expected: bool) -> None:
    assert is_proof(make_policy(when)) is expected


@pytest.mark.parametrize(
    ("when", "steps", "expected"),
    [
        pytest.param(
            f"{PROVEN} or age > 1s",
            [8, 8],
            ["probation"],
            id="true by something else all along",
        ),
        pytest.param(
            PROVEN, [8, 8], ["probation", "fired"], id="proven anew between two ticks"
        ),
        pytest.param(PROVEN, [8, 1, 1], ["probation"], id="not proven anew"),
    ],
)
def test_a_crossing_needs_evidence_of_its_own(
    when: str, steps: list[int], expected: list[str]
) -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, FIRE, when=when))

    for failures in steps:
        fail(ticker, times=failures)
        ticker.tick(5_000)

    assert verdicts(ticker) == expected
