"""Policies and agents side by side: what befalls one of them leaves the others as they are, tick after tick."""

from dataclasses import replace

from tests.judge.ladders import (
    FIRE,
    PROBATION,
    QUARANTINE,
    SILENT,
    fail,
    make_ladder,
    make_worker,
    rule,
    verdicts,
)
from tests.judge.test_episodes import FINE, LATE
from tests.judge.world import HOUR, MINUTE, Agent, Ticker, make_policy, make_set

from pinkslip.model.words import EpisodeState, Mode, Scope, Verdict

NOTICE = make_policy(notice_ms=5 * MINUTE)


def late(number: int = 1) -> Agent:
    return Agent(number=number, silent_s=95.0)


def test_a_veto_is_heard_whoever_else_waits() -> None:
    ticker = Ticker([late(1), late(2)], NOTICE)
    ticker.tick()

    rule(ticker, Verdict.VETOED, ticker.decisions[1].id)
    ticker.tick(5 * MINUTE)

    assert (ticker.state_of(1), ticker.state_of(2)) == ("acted", "vetoed")


def test_a_release_is_written_with_all_else_that_changed_and_breaks_no_policy() -> None:
    ticker = Ticker([late(1), late(2), Agent(number=3)], replace(NOTICE, for_ms=MINUTE))
    ticker.tick()
    ticker.tick(MINUTE)
    ticker.stopped = "a bad deploy"
    ticker.agent(3).silent_s = 95.0
    ticker.tick(5 * MINUTE)
    ticker.agent(1).released_at = ticker.now
    ticker.agent(2).silent_s = None

    judgement = ticker.tick(5_000)

    released, unknown = judgement.episodes
    assert judgement.findings == ()
    assert (released.agent_no, released.state) == (1, EpisodeState.VETOED)
    assert (released.guard, released.guard_detail) == (None, "")
    assert (unknown.agent_no, unknown.true_since) == (2, None)


def test_a_policy_that_is_off_keeps_no_other_from_being_heard() -> None:
    ticker = Ticker([late()], make_policy(name="off", mode=Mode.OFF), make_policy())

    ticker.tick()

    assert verdicts(ticker) == ["fired"]


def test_a_question_asked_as_the_notice_ends_is_no_second_notice() -> None:
    ticker = Ticker([late()], NOTICE)
    ticker.tick()
    ticker.policy_set = make_set(replace(NOTICE, approval=True))
    ticker.state.adopt(ticker.policy_set, now=ticker.now)
    ticker.tick(5 * MINUTE)

    ticker.tick(5_000)
    rule(ticker, Verdict.APPROVED, ticker.decisions[-1].id)
    ticker.tick(5_000)

    assert verdicts(ticker) == ["noticed", "asked", "fired"]


def test_silence_that_comes_back_within_keep_for_takes_no_further_rung() -> None:
    policy = make_ladder(PROBATION, QUARANTINE, when=SILENT, keep_for_ms=HOUR)
    ticker = Ticker([late()], policy)
    ticker.tick()

    for ticker.agent(1).silent_s in (FINE, LATE):
        ticker.tick(5_000)

    assert verdicts(ticker) == ["probation"]


def test_a_rung_another_of_its_lineage_takes_calls_no_announced_fire_off() -> None:
    policy = make_ladder(
        FIRE,
        clear_when="success_rate[1h] > 90%",
        notice_ms=5 * MINUTE,
        scope=Scope.LINEAGE,
    )
    ticker = Ticker([make_worker(1, lineage="w"), None], policy)
    fail(ticker)
    ticker.tick()
    ticker.agents[1] = make_worker(2, lineage="w")
    ticker.tick(MINUTE)
    ticker.tick(4 * MINUTE)

    ticker.tick(5_000)

    assert verdicts(ticker) == ["noticed", "noticed", "fired"]
    assert ticker.state_of(2) == "noticed"
