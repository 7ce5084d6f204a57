"""Fires that wait: for their notice to pass, for a person to approve, until a person vetoes, until recovery."""

from dataclasses import replace

import pytest
from tests.judge.ladders import (
    FIRE,
    PROBATION,
    PROVEN,
    SILENT,
    crossed,
    demote,
    fail,
    make_ladder,
    make_worker,
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
    broken_condition,
    make_policy,
    make_set,
)

from pinkslip.judge.judge import JudgeState, judge
from pinkslip.judge.why import why
from pinkslip.model.policy import Matcher, MaxFired, MaxNotices, Policy, Rung
from pinkslip.model.words import Action, EpisodeState, Mode, Scope, Standing, Verdict

NOTICE = make_policy(notice_ms=5 * MINUTE)
APPROVAL = make_policy(approval=True)
BOTH = make_policy(notice_ms=5 * MINUTE, approval=True)


def late(number: int = 1) -> Agent:
    return Agent(number=number, silent_s=95.0)


def waiting(policy: Policy = NOTICE, **given: object) -> Ticker:
    """An agent whose fire was announced at START."""
    ticker = Ticker([late()], policy, **given)  # type: ignore[arg-type]  # as Ticker takes them
    ticker.tick()
    return ticker


def announced(ticker: Ticker) -> str:
    return ticker.decisions[0].id


def test_a_fire_with_a_notice_is_announced_and_nobody_goes_yet() -> None:
    ticker = Ticker([late()], NOTICE)

    judgement = ticker.tick()

    (decision,) = judgement.decisions
    assert (decision.verdict, decision.action) == (Verdict.NOTICED, Action.FIRE)
    assert decision.evidence.until == START + 5 * MINUTE
    (episode,) = judgement.episodes
    assert (episode.state, episode.until) == (EpisodeState.NOTICED, START + 5 * MINUTE)
    (change,) = judgement.standings
    assert (change.standing, change.until) == (Standing.NOTICE, START + 5 * MINUTE)
    assert (
        change.why
        == "policy unresponsive: its fire is announced until 2025-11-24T16:05:00.000Z"
    )


@pytest.mark.parametrize(
    ("wait_ms", "expected"),
    [
        (5 * MINUTE - 1, ["noticed"]),
        (5 * MINUTE, ["noticed", "fired"]),
        (5 * MINUTE + 1, ["noticed", "fired"]),
    ],
)
def test_it_comes_when_the_notice_has_passed(wait_ms: int, expected: list[str]) -> None:
    ticker = waiting()

    ticker.tick(wait_ms)

    assert verdicts(ticker) == expected


def test_what_waits_is_told_every_tick_until_it_comes() -> None:
    ticker = waiting()

    judgement = ticker.tick(MINUTE)
    (told,) = judgement.waiting
    after = ticker.tick(5 * MINUTE).waiting

    assert told.decision_id == announced(ticker)
    assert (told.agent_id, told.state, told.policy) == ("agent-1", "noticed", "unresponsive")
    assert (told.since, told.until) == (START, START + 5 * MINUTE)
    assert told.reason == "unresponsive"
    assert told.words == "no heartbeat for 95 s; allowed 90 s (3 x its 30 s interval)"
    assert after == ()


def test_recovery_during_the_notice_calls_the_fire_off() -> None:
    ticker = waiting()
    ticker.agent(1).silent_s = 1.0

    judgement = ticker.tick(MINUTE)

    assert verdicts(ticker) == ["noticed", "cancelled"]
    (decision,) = judgement.decisions
    assert (decision.mode, decision.action) == (Mode.ENFORCE, Action.FIRE)
    assert decision.evidence.words == (
        "no heartbeat for 1 s (at most 90 s: 3 x its 30 s interval)"
    )
    assert decision.evidence.values["heartbeat_age"] == 1.0
    assert ticker.state_of() == "clear"
    assert ticker.agent(1).standing is Standing.ACTIVE


def test_keep_for_keeps_no_announced_fire_alive() -> None:
    ticker = waiting(replace(NOTICE, keep_for_ms=HOUR))
    ticker.agent(1).silent_s = 1.0

    ticker.tick(MINUTE)

    assert verdicts(ticker) == ["noticed", "cancelled"]


def test_clear_when_calls_it_off_where_when_cannot_be_told() -> None:
    policy = make_policy(
        "progress_age > 60s", clear_when="heartbeat_age < 30s", notice_ms=5 * MINUTE
    )
    agent = Agent(number=1, silent_s=95.0, values={"progress_age": 90.0})
    ticker = Ticker([agent], policy)
    ticker.tick()
    agent.values.clear()
    ticker.tick(MINUTE)
    untold = verdicts(ticker)
    agent.silent_s = 0.0

    ticker.tick(MINUTE)

    assert untold == ["noticed"]
    assert verdicts(ticker) == ["noticed", "cancelled"]
    assert ticker.decisions[-1].evidence.words == "no heartbeat for 0 s (below 30 s)"


def test_unknown_when_the_notice_has_passed_fires_nobody_and_waits() -> None:
    ticker = waiting()
    ticker.agent(1).silent_s = None
    ticker.tick(5 * MINUTE)
    before = verdicts(ticker), ticker.state_of()
    ticker.agent(1).silent_s = 95.0

    ticker.tick(5_000)

    assert before == (["noticed"], "noticed")
    assert verdicts(ticker) == ["noticed", "fired"]


def test_unknown_in_between_starts_for_again() -> None:
    ticker = Ticker([late()], replace(NOTICE, for_ms=30 * SECOND))
    ticker.tick()
    ticker.tick(30 * SECOND)
    ticker.agent(1).silent_s = None
    ticker.tick(5 * MINUTE)
    ticker.agent(1).silent_s = 95.0

    seen = []
    for wait_ms in (1, 29_999, 1):
        ticker.tick(wait_ms)
        seen.append(len(ticker.decisions))

    assert seen == [1, 1, 2]


def test_an_agent_that_is_fired_during_its_notice_is_told_of() -> None:
    ticker = waiting()
    ticker.agent(1).fires.append((START + 1, False))

    ticker.tick(MINUTE)

    assert verdicts(ticker) == ["noticed", "cancelled"]
    assert ticker.decisions[-1].evidence.words == "the agent is finished, fired or set aside"


@pytest.mark.parametrize("why", ["finished", "set aside"])
def test_nobody_calls_a_notice_off_by_being_away(why: str) -> None:
    ticker = waiting()
    agent = ticker.agent(1)
    notice = announced(ticker)
    if why == "finished":
        agent.finished = True
    else:
        agent.standing, agent.ordered_until = Standing.QUARANTINED, START + HOUR
    (away,) = ticker.tick(HOUR - MINUTE).waiting
    told = verdicts(ticker)
    agent.finished = False

    ticker.tick(MINUTE)
    ticker.tick(MINUTE)

    assert (away.decision_id, away.agent_no, told) == (notice, 1, ["noticed"])
    assert verdicts(ticker) == ["noticed", "fired"]


def test_a_notice_is_called_off_when_it_is_back_and_the_policy_does_not_hold() -> None:
    ticker = waiting()
    agent = ticker.agent(1)
    agent.finished = True
    ticker.tick(HOUR)
    agent.finished, agent.silent_s = False, 0.0

    ticker.tick(MINUTE)

    assert verdicts(ticker) == ["noticed", "cancelled"]


def test_a_veto_is_heard_while_the_agent_is_away() -> None:
    ticker = waiting()
    ticker.agent(1).finished = True
    ticker.tick(MINUTE)
    rule(ticker, Verdict.VETOED, announced(ticker))
    ticker.tick(MINUTE)
    ticker.agent(1).finished = False

    ticker.tick(HOUR)

    assert (verdicts(ticker), ticker.state_of()) == (["noticed"], "vetoed")


def test_who_is_on_notice_stands_there_while_it_is_finished() -> None:
    ticker = waiting()
    ticker.agent(1).finished = True

    ticker.tick(MINUTE)

    assert ticker.agent(1).standing is Standing.NOTICE


def test_an_agent_that_is_gone_from_memory_leaves_nothing_to_tell() -> None:
    ticker = waiting()
    ticker.agents[0] = None

    judgement = ticker.tick(MINUTE)

    assert judgement.decisions == judgement.waiting == ()
    assert ticker.state_of() == "clear"


# vetoes


def test_a_veto_ends_it_for_this_episode() -> None:
    ticker = waiting()
    rule(ticker, Verdict.VETOED, announced(ticker))

    judgement = ticker.tick(MINUTE)
    ticker.tick(HOUR)

    (episode,) = judgement.episodes
    assert (episode.state, episode.ruled_by) == (EpisodeState.VETOED, "kim")
    assert verdicts(ticker) == ["noticed"]
    assert ticker.agent(1).standing is Standing.ACTIVE
    assert judgement.waiting == ()


def test_a_release_after_the_announcement_stops_the_fire_and_one_before_it_does_not() -> None:
    for released_after_ms, fires in ((1, 0), (0, 1)):
        ticker = waiting()
        ticker.agent(1).released_at = ticker.now + released_after_ms
        ticker.tick(MINUTE)

        judgement = ticker.tick(HOUR)

        assert verdicts(ticker).count("fired") == fires
        assert judgement.waiting == ()


def test_a_vetoed_episode_ends_like_any_other_and_the_next_is_announced_again() -> None:
    ticker = waiting()
    rule(ticker, Verdict.VETOED, announced(ticker))
    for silent_s in (95.0, 1.0, 95.0):
        ticker.agent(1).silent_s = silent_s
        ticker.tick(MINUTE)

    assert verdicts(ticker) == ["noticed", "noticed"]


def test_a_veto_in_the_very_tick_the_notice_passes_still_counts() -> None:
    ticker = waiting()
    rule(ticker, Verdict.VETOED, announced(ticker))

    ticker.tick(5 * MINUTE)

    assert verdicts(ticker) == ["noticed"]


def test_a_veto_while_it_is_held_after_its_notice_counts_too() -> None:
    guards = replace(CALM, max_fired=MaxFired(share=0.0, at_least=0))
    ticker = waiting()
    ticker.policy_set = make_set(NOTICE, guards=guards)
    ticker.tick(5 * MINUTE)
    rule(ticker, Verdict.VETOED, announced(ticker))
    ticker.policy_set = make_set(NOTICE)

    ticker.tick(5_000)

    assert verdicts(ticker) == ["noticed", "held"]
    assert ticker.state_of() == "vetoed"


def test_a_superseded_fire_waits_as_before_so_that_a_veto_is_heard() -> None:
    ticker = waiting()
    ticker.now += 5 * MINUTE
    judgement = judge(
        ticker.look(), ticker.policy_set, ticker.state, workspace_id=1, stopped=None
    )
    (fire,) = judgement.decisions
    ticker.state.apply(judgement, superseded=[fire.id])
    rule(ticker, Verdict.VETOED, announced(ticker))

    ticker.tick(5_000)

    assert ticker.state_of() == "vetoed"


def test_an_approval_of_what_only_waits_for_its_notice_changes_nothing() -> None:
    ticker = waiting()
    rule(ticker, Verdict.APPROVED, announced(ticker))

    ticker.tick(MINUTE)

    assert ticker.state_of() == "noticed"


# approvals


def test_a_fire_that_asks_never_comes_by_itself() -> None:
    ticker = waiting(APPROVAL)

    ticker.tick(30 * DAY)

    assert verdicts(ticker) == ["asked"]
    assert ticker.state_of() == "awaiting"
    assert ticker.agent(1).standing is Standing.NOTICE
    assert ticker.agent(1).standing_until == 0


def test_an_approved_fire_comes_with_the_next_tick() -> None:
    ticker = waiting(APPROVAL)
    rule(ticker, Verdict.APPROVED, announced(ticker))

    judgement = ticker.tick(5_000)

    assert verdicts(ticker) == ["asked", "fired"]
    assert [each.ruled_by for each in judgement.episodes] == ["kim"]


@pytest.mark.parametrize(
    ("approved_after", "fired_after"),
    [(MINUTE, 5 * MINUTE), (5 * MINUTE, 5 * MINUTE), (6 * MINUTE, 6 * MINUTE)],
)
def test_with_a_notice_an_approved_fire_comes_when_both_are_there(
    approved_after: int, fired_after: int
) -> None:
    ticker = waiting(BOTH)

    for minute in range(1, 10):
        if minute * MINUTE == approved_after:
            rule(ticker, Verdict.APPROVED, announced(ticker))
        ticker.tick(MINUTE)

    assert verdicts(ticker) == ["asked", "fired"]
    assert ticker.decisions[-1].at - START == fired_after


def test_what_was_approved_waits_for_its_notice_and_for_nobody() -> None:
    ticker = Ticker([late()], replace(NOTICE, approval=True))
    asked = ticker.tick().waiting
    rule(ticker, Verdict.APPROVED, announced(ticker))

    told = ticker.tick(5 * SECOND).waiting

    assert [one.state for one in (*asked, *told)] == ["awaiting", "noticed"]


def test_until_it_is_approved_no_end_is_shown_at_which_nothing_happens() -> None:
    ticker = waiting(BOTH)
    asked = ticker.agent(1).standing_until, _until_told(ticker)
    rule(ticker, Verdict.APPROVED, announced(ticker))
    ticker.tick(5_000)
    approved = ticker.agent(1).standing_until, _until_told(ticker)

    assert asked == (0, None)
    assert approved == (START + 5 * MINUTE, START + 5 * MINUTE)


def _until_told(ticker: Ticker) -> int | None:
    (answer,) = why(ticker.look(), ticker.policy_set, ticker.state, slot=0, stopped=None)
    return answer.until


def test_a_question_is_vetoed_too() -> None:
    ticker = waiting(BOTH)
    rule(ticker, Verdict.VETOED, announced(ticker))

    ticker.tick(HOUR)

    assert ticker.state_of() == "vetoed"


# guards


def test_guards_are_asked_again_when_the_notice_has_passed() -> None:
    ticker = waiting()
    ticker.agent(1).protected_until = START + 10 * MINUTE

    ticker.tick(5 * MINUTE)
    held = ticker.state_of(), ticker.agent(1).standing
    ticker.tick(MINUTE)
    ticker.tick(4 * MINUTE)

    assert held == ("held", Standing.NOTICE)
    assert verdicts(ticker) == ["noticed", "held", "fired"]
    assert ticker.decisions[1].guard == "protected"


def test_held_after_its_notice_it_is_called_off_when_it_no_longer_holds() -> None:
    ticker = waiting()
    ticker.agent(1).protected_until = START + HOUR
    ticker.tick(5 * MINUTE)
    ticker.agent(1).silent_s = 1.0

    ticker.tick(MINUTE)

    assert verdicts(ticker) == ["noticed", "held", "cancelled"]


def test_a_guard_that_holds_a_notice_lets_nobody_be_told() -> None:
    ticker = Ticker([late()], NOTICE)
    ticker.agent(1).protected_until = START + MINUTE

    ticker.tick()
    ticker.tick(MINUTE)

    assert verdicts(ticker) == ["held", "noticed"]
    assert ticker.decisions[-1].evidence.until == START + 6 * MINUTE


def test_who_was_told_counts_toward_the_limit_on_notices_and_is_remembered() -> None:
    guards = replace(CALM, max_notices=MaxNotices(count=1, per_ms=10 * MINUTE))
    ticker = Ticker([late(1), late(2)], NOTICE, guards=guards)
    ticker.tick()
    told = ticker.state.memory.told
    ticker.state = JudgeState.restore(ticker.state.episodes(), told=told)

    ticker.tick(10 * MINUTE - 1)
    before = verdicts(ticker)
    ticker.tick(1)

    assert told == (START,)
    assert before == ["noticed", "held", "fired"]
    assert verdicts(ticker)[3:] == ["noticed"]


# ladders


def test_a_noticed_rung_is_taken_when_the_fire_comes() -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, FIRE, notice_ms=5 * MINUTE))
    crossed(ticker)
    fail(ticker)
    ticker.tick(5_000)
    waits = ticker.state.places()[0].rung, ticker.agent(1).standing

    ticker.tick(5 * MINUTE)

    assert waits == (0, Standing.NOTICE)
    assert ticker.state.places()[0].rung == 1
    assert verdicts(ticker) == ["probation", "noticed", "fired"]


def test_what_was_called_off_falls_back_to_the_rung_before() -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, FIRE, notice_ms=5 * MINUTE))
    crossed(ticker)
    fail(ticker)
    ticker.tick(5_000)
    tasks, _ = ticker.agent(1).counted
    ticker.agent(1).counted = tasks + 200, 200

    ticker.tick(5_000)

    assert verdicts(ticker) == ["probation", "noticed", "cancelled"]
    assert ticker.agent(1).standing is Standing.PROBATION


# policies that change


@pytest.mark.parametrize(
    ("after", "words"),
    [
        pytest.param(None, "was removed or switched off", id="removed"),
        pytest.param(
            replace(NOTICE, mode=Mode.OFF), "was removed or switched off", id="switched off"
        ),
        pytest.param(
            replace(NOTICE, hash="unresponsive2-x", for_ms=HOUR), "was edited", id="edited"
        ),
        pytest.param(
            replace(NOTICE, mode=Mode.SHADOW),
            "may not fire this agent any more",
            id="put into shadow",
        ),
        pytest.param(
            replace(NOTICE, action=Action.NOTIFY),
            "may not fire this agent any more",
            id="only notifies now",
        ),
        pytest.param(
            replace(NOTICE, percent=0.0), "may not fire this agent any more", id="other share"
        ),
    ],
)
@pytest.mark.parametrize("restart", [False, True], ids=["", "after a restart"])
def test_a_reload_calls_off_what_the_policy_may_no_longer(
    after: Policy | None, words: str, restart: bool
) -> None:
    ticker = waiting()
    ticker.state.adopt(ticker.policy_set, now=START)
    if restart:
        ticker.state = JudgeState.restore(ticker.state.episodes())
    ticker.policy_set = make_set(*([after] if after else []))
    ended = ticker.state.adopt(ticker.policy_set, now=START)

    judgement = ticker.tick(5_000)
    ticker.tick(5_000)

    assert ended == ()
    cancelled = [each for each in judgement.decisions if each.verdict is Verdict.CANCELLED]
    assert [each.evidence.words for each in cancelled] == [f"policy unresponsive {words}"]
    assert ticker.agent(1).standing is Standing.ACTIVE
    assert judgement.waiting == ()
    assert verdicts(ticker).count("cancelled") == 1


def test_a_reload_that_changes_nothing_lets_the_notice_run() -> None:
    ticker = waiting()
    ticker.state.adopt(make_set(replace(NOTICE, description="new")), now=START)

    ticker.tick(5 * MINUTE)

    assert verdicts(ticker) == ["noticed", "fired"]


def test_a_policy_that_asks_from_now_on_asks_for_what_was_announced() -> None:
    ticker = waiting()
    ticker.policy_set = make_set(BOTH)
    ticker.state.adopt(ticker.policy_set, now=START)

    ticker.tick(5 * MINUTE)

    assert verdicts(ticker) == ["noticed", "asked"]


def test_a_policy_that_asks_no_more_fires_what_was_asked() -> None:
    ticker = waiting(APPROVAL)
    ticker.policy_set = make_set(make_policy())
    ticker.state.adopt(ticker.policy_set, now=START)

    ticker.tick(5_000)

    assert verdicts(ticker) == ["asked", "fired"]


def test_a_broken_policy_keeps_its_notice_waiting() -> None:
    ticker = waiting()
    ticker.policy_set = make_set(replace(NOTICE, when=broken_condition()))

    judgement = ticker.tick(5 * MINUTE)
    ticker.policy_set = make_set(NOTICE)
    ticker.tick(5_000)

    assert [(each.decision_id, each.words) for each in judgement.waiting] == [
        (announced(ticker), "")
    ]
    assert judgement.standings == ()
    assert verdicts(ticker) == ["noticed", "fired"]


def test_a_notice_survives_a_restart() -> None:
    ticker = waiting(BOTH)
    rule(ticker, Verdict.APPROVED, announced(ticker))
    ticker.tick(MINUTE)

    ticker.state = JudgeState.restore(ticker.state.episodes())
    ticker.acts = type(ticker.acts)()
    ticker.tick(4 * MINUTE)

    assert verdicts(ticker) == ["asked", "fired"]


# time we were blind, and enforcement stopped


def test_time_in_which_we_were_blind_is_no_part_of_a_notice() -> None:
    ticker = waiting()
    ticker.blind = [(START + 30 * SECOND, START + 20 * MINUTE)]

    judgement = ticker.tick(20 * MINUTE)
    ends = START + 20 * MINUTE + 4 * MINUTE + 30 * SECOND

    (told,) = judgement.waiting
    (episode,) = judgement.episodes
    assert [told.until, episode.until] == [ends, ends]
    assert [(each.standing, each.until) for each in judgement.standings] == [
        (Standing.NOTICE, ends)
    ]
    ticker.tick(4 * MINUTE + 30 * SECOND - 1)
    assert verdicts(ticker) == ["noticed"]
    ticker.tick(1)
    assert verdicts(ticker) == ["noticed", "fired"]


def test_a_restart_leaves_the_rest_of_a_notice() -> None:
    ticker = waiting()
    for down in (1, 11):
        ticker.state = JudgeState.restore(ticker.state.episodes())
        spell = START + down * MINUTE, START + (down + 8) * MINUTE
        ticker.blind = [*ticker.blind, spell]
        ticker.now = spell[1]
        ticker.tick()
        ticker.tick(5_000)

    rule(ticker, Verdict.VETOED, announced(ticker))
    ticker.tick(HOUR)

    assert verdicts(ticker) == ["noticed"]
    assert ticker.state_of() == "vetoed"


@pytest.mark.parametrize(
    ("spell", "wait_ms"),
    [
        pytest.param((START - HOUR, START), 5 * MINUTE, id="before it was given"),
        pytest.param((START + 6 * MINUTE, START + HOUR), HOUR, id="after it had passed"),
    ],
)
def test_other_time_in_which_we_were_blind_makes_no_notice_longer(
    spell: tuple[int, int], wait_ms: int
) -> None:
    ticker = waiting()
    ticker.blind = [spell]

    ticker.tick(wait_ms)

    assert verdicts(ticker) == ["noticed", "fired"]


@pytest.mark.parametrize(
    ("notice_ms", "ends_after_ms"),
    [
        pytest.param(9 * MINUTE, 9 * MINUTE, id="longer for whom it was given already"),
        pytest.param(MINUTE, 5 * MINUTE, id="shorter not for whom it was given already"),
    ],
)
def test_a_notice_that_was_edited_is(notice_ms: int, ends_after_ms: int) -> None:
    ticker = waiting()
    ticker.policy_set = make_set(replace(NOTICE, notice_ms=notice_ms))
    ticker.state.adopt(ticker.policy_set, now=START)

    ticker.tick(ends_after_ms - 1)
    assert verdicts(ticker) == ["noticed"]
    ticker.tick(1)
    assert verdicts(ticker) == ["noticed", "fired"]


def test_a_question_after_the_notice_is_no_second_notice() -> None:
    ticker = waiting()
    ticker.policy_set = make_set(BOTH)
    ticker.state.adopt(ticker.policy_set, now=START)
    ticker.tick(6 * MINUTE)

    rule(ticker, Verdict.APPROVED, ticker.decisions[-1].id)
    ticker.tick(5_000)

    assert verdicts(ticker) == ["noticed", "asked", "fired"]


@pytest.mark.parametrize("is_vetoed", [False, True], ids=["not vetoed", "vetoed meanwhile"])
def test_a_notice_runs_on_while_enforcement_is_stopped_and_a_veto_counts(
    *, is_vetoed: bool
) -> None:
    ticker = waiting()
    ticker.stopped = "a bad deploy"
    ticker.tick(10 * MINUTE)
    if is_vetoed:
        rule(ticker, Verdict.VETOED, announced(ticker))
    ticker.tick(10 * MINUTE)

    ticker.stopped = None
    ticker.tick(5_000)

    assert verdicts(ticker) == ["noticed", "held", *([] if is_vetoed else ["fired"])]


# what a person vetoed stays vetoed

VETOERS = ["veto", "release"]


def _overruled(ticker: Ticker, how: str) -> None:
    if how == "veto":
        rule(ticker, Verdict.VETOED, announced(ticker))
    else:
        ticker.agent(1).released_at = ticker.now + 1


@pytest.mark.parametrize("at_once", [True, False], ids=["by that veto", "later"])
@pytest.mark.parametrize("how", VETOERS)
def test_a_veto_outlasts_a_demotion(how: str, *, at_once: bool) -> None:
    ticker = waiting()
    _overruled(ticker, how)
    if not at_once:
        ticker.tick(5_000)
    demote(ticker, NOTICE)
    ticker.tick(5_000)
    demoted = ticker.state_of()

    ticker.acts = type(ticker.acts)()  # people restored it
    ticker.tick(HOUR)
    ticker.tick(HOUR)

    assert (demoted, ticker.state_of()) == ("vetoed", "vetoed")
    assert verdicts(ticker) == ["noticed"]


@pytest.mark.parametrize("is_seen", [True, False], ids=["", "between two ticks"])
@pytest.mark.parametrize("how", VETOERS)
@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(replace(NOTICE, mode=Mode.SHADOW), id="shadow"),
        pytest.param(replace(NOTICE, action=Action.NOTIFY), id="notify"),
        pytest.param(replace(NOTICE, percent=0.0), id="other share"),
    ],
)
def test_a_veto_outlasts_reloads(meanwhile: Policy, how: str, *, is_seen: bool) -> None:
    ticker = waiting()
    ticker.state.adopt(ticker.policy_set, now=START)
    _overruled(ticker, how)
    if is_seen:
        ticker.tick(5_000)
    for policy in (meanwhile, NOTICE):
        ticker.policy_set = make_set(policy)
        assert ticker.state.adopt(ticker.policy_set, now=ticker.now) == ()
        ticker.tick(HOUR)

    assert ticker.state_of() == "vetoed"
    assert verdicts(ticker) == ["noticed"]


def test_in_shadow_a_veto_ends_as_it_does_elsewhere() -> None:
    ticker = waiting()
    _overruled(ticker, "veto")
    ticker.tick(5_000)
    ticker.policy_set = make_set(replace(NOTICE, mode=Mode.SHADOW))
    ticker.tick(5_000)

    ticker.agent(1).silent_s = 1.0
    ticker.tick(5_000)

    assert ticker.state_of() == "clear"


# what was proven stays proven

RATE = "success_rate[50 tasks]"
PROOF = make_policy(PROVEN, name="dumb", clear_when=f"{RATE} >= 80%", notice_ms=5 * MINUTE)
DOWN = make_ladder(PROBATION, FIRE, notice_ms=5 * MINUTE, clear_when=f"{RATE} >= 80%")


def proven(policy: Policy = PROOF, **given: object) -> Ticker:
    """A worker whose fire was announced, and whose evidence has fallen below the line since."""
    ticker = Ticker([make_worker(values={RATE: 0.2})], policy, **given)  # type: ignore[arg-type]  # as Ticker takes them
    if policy.ladder:
        crossed(ticker)
    fail(ticker)
    ticker.tick()
    succeed(ticker)
    ticker.tick(MINUTE)
    return ticker


def recover(ticker: Ticker) -> None:
    ticker.agent(1).values[RATE] = 0.9


@pytest.mark.parametrize("policy", [PROOF, DOWN], ids=["one fire", "a rung"])
def test_a_success_cancels_no_fire_that_was_proven(policy: Policy) -> None:
    ticker = proven(policy)

    ticker.tick(5 * MINUTE)

    assert verdicts(ticker)[-1] == "noticed"
    assert ticker.state_of() == "noticed"
    assert ticker.agent(1).standing is Standing.NOTICE


def test_it_comes_the_next_time_it_holds_once_its_notice_has_passed() -> None:
    ticker = proven()
    fail(ticker, times=200)
    ticker.tick(MINUTE)
    early = verdicts(ticker)
    succeed(ticker, times=1_000)
    ticker.tick(5 * MINUTE)
    passed = verdicts(ticker)
    fail(ticker, times=2_000)

    ticker.tick(5_000)

    assert early == passed == ["noticed"]
    assert verdicts(ticker) == ["noticed", "fired"]


def test_where_it_holds_when_the_notice_has_passed_it_comes_then() -> None:
    ticker = proven()
    fail(ticker, times=200)

    ticker.tick(4 * MINUTE)

    assert verdicts(ticker) == ["noticed", "fired"]


def test_a_wait_after_the_notice_starts_no_second_one_and_says_that_it_does_not_hold() -> None:
    ticker = proven()

    (told,) = ticker.tick(HOUR).waiting

    assert (told.decision_id, told.until) == (announced(ticker), START + 5 * MINUTE)
    assert not told.holds
    assert told.words.startswith("20 of 40 tasks succeeded")


@pytest.mark.parametrize("wait_ms", [MINUTE, HOUR], ids=["during the notice", "after it"])
def test_clear_when_calls_off_what_was_proven_and_is_the_reason(wait_ms: int) -> None:
    ticker = proven()
    recover(ticker)

    ticker.tick(wait_ms)

    assert verdicts(ticker) == ["noticed", "cancelled"]
    assert (
        ticker.decisions[-1].evidence.words
        == "success rate 90 % in its last 50 tasks (at least 80 %)"
    )
    assert ticker.state_of() == "clear"
    assert ticker.agent(1).standing is Standing.ACTIVE


def test_clear_when_calls_nothing_off_while_it_holds() -> None:
    ticker = proven()
    fail(ticker, times=200)
    recover(ticker)

    ticker.tick(MINUTE)

    assert verdicts(ticker) == ["noticed"]


def test_a_veto_stops_what_was_proven() -> None:
    ticker = proven()
    rule(ticker, Verdict.VETOED, announced(ticker))
    fail(ticker, times=200)

    ticker.tick(HOUR)

    assert verdicts(ticker) == ["noticed"]
    assert ticker.state_of() == "vetoed"


def test_a_release_stops_what_was_proven() -> None:
    ticker = proven()
    ticker.agent(1).released_at = ticker.now
    fail(ticker, times=200)

    ticker.tick(HOUR)

    assert verdicts(ticker) == ["noticed"]
    assert ticker.state_of() == "vetoed"


def test_a_policy_that_is_about_the_agent_no_more_calls_off_what_it_has_proven() -> None:
    ticker = proven(replace(PROOF, match=(Matcher("role", frozenset({"developer"})),)))
    ticker.agent(1).role = "tester"

    ticker.tick(MINUTE)

    assert verdicts(ticker) == ["noticed", "cancelled"]


def test_held_after_its_notice_what_was_proven_stays_announced() -> None:
    ticker = proven()
    fail(ticker, times=200)
    ticker.agent(1).protected_until = START + HOUR
    ticker.tick(5 * MINUTE)
    succeed(ticker, times=400)
    ticker.tick(HOUR)
    waits = verdicts(ticker), ticker.state_of()
    fail(ticker, times=800)

    ticker.tick(5_000)

    assert waits == (["noticed", "held"], "held")
    assert verdicts(ticker) == ["noticed", "held", "fired"]


def test_a_question_about_what_was_proven_is_withdrawn_by_clear_when_alone() -> None:
    ticker = proven(replace(PROOF, notice_ms=0, approval=True))
    rule(ticker, Verdict.APPROVED, announced(ticker))
    ticker.tick(MINUTE)
    waits = verdicts(ticker), ticker.state_of()
    fail(ticker, times=200)

    ticker.tick(5_000)

    assert waits == (["asked"], "awaiting")
    assert verdicts(ticker) == ["asked", "fired"]


@pytest.mark.parametrize(
    ("when", "clear_when"),
    [
        pytest.param(PROVEN, None, id="nothing clears it"),
        pytest.param(f"{PROVEN} or {SILENT}", f"{RATE} >= 80%", id="it may hold without proof"),
    ],
)
def test_elsewhere_a_fire_is_called_off_once_it_does_not_hold(
    when: str, clear_when: str | None
) -> None:
    ticker = proven(make_policy(when, name="dumb", clear_when=clear_when, notice_ms=5 * MINUTE))

    assert verdicts(ticker) == ["noticed", "cancelled"]


def test_while_its_fire_is_announced_no_time_takes_an_agent_back() -> None:
    timed = Rung(Action.PROBATION, 2 * MINUTE)
    ticker = proven(make_ladder(timed, FIRE, notice_ms=5 * MINUTE, clear_when=f"{RATE} >= 80%"))
    ticker.tick(HOUR)
    waits = verdicts(ticker)
    recover(ticker)

    ticker.tick(5_000)

    assert waits == ["probation", "noticed"]
    assert sorted(verdicts(ticker)[2:]) == ["cancelled", "released"]


def test_what_was_proven_of_a_lineage_counts_no_more_once_it_has_climbed_back() -> None:
    policy = replace(DOWN, scope=Scope.LINEAGE)
    one, other = (
        make_worker(number, lineage="worker", values={RATE: 0.2}) for number in (1, 2)
    )
    ticker = Ticker([one, other], policy)
    crossed(ticker)
    fail(ticker)
    ticker.tick()
    succeed(ticker, times=40)
    del other.values[RATE]
    one.values[RATE] = 0.9
    ticker.tick(MINUTE)
    climbed = verdicts(ticker)[-2:]

    ticker.tick(5_000)

    assert sorted(climbed) == ["cancelled", "released"]
    assert verdicts(ticker)[-1] == "cancelled"
    assert ticker.decisions[-1].agent_no == 2
    assert not ticker.state.episodes()
