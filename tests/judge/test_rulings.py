"""From rulings to records: how many there is room for, whose they are, and that concluding twice is concluding once."""

from dataclasses import replace

import pytest
from tests.judge.ladders import FIRE, PROBATION, SILENT, fail, make_ladder, make_worker, rule
from tests.judge.world import (
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

from pinkslip.judge.judge import Judgement, judge
from pinkslip.model.policy import Policy, Rung
from pinkslip.model.words import Action, Mode, Verdict

CLEAR = "success_rate[1h] > 90%"
TELL = make_policy(SILENT, name="tell", action=Action.NOTIFY)


def judged(ticker: Ticker, **given: int) -> Judgement:
    """What a tick would conclude now; nothing comes of it."""
    return judge(
        ticker.look(),
        ticker.policy_set,
        ticker.state,
        workspace_id=1,
        stopped=None,
        **given,
    )


def late(number: int = 1, **given: object) -> Agent:
    return Agent(number=number, silent_s=95.0, **given)  # type: ignore[arg-type]  # fields of Agent


def recovering(*policies: Policy, agents: int = 2) -> Ticker:
    """A fleet on probation under two ladders, about to climb back from both, under more policies."""
    ladders = [
        make_ladder(PROBATION, FIRE, name=name, clear_when=CLEAR) for name in ("one", "two")
    ]
    ticker = Ticker([make_worker(number) for number in range(1, agents + 1)], *ladders)
    for number in range(1, agents + 1):
        fail(ticker, number)
    ticker.tick()
    ticker.now += HOUR
    for number in range(1, agents + 1):
        ticker.agent(number).values["success_rate[1h]"] = 0.95
        ticker.agent(number).silent_s = 95.0
    ticker.policy_set = make_set(*ladders, *policies)
    return ticker


# room


@pytest.mark.parametrize(
    ("records_max", "told", "released", "deferred"),
    [
        pytest.param(1, 1, [0, 0], 5, id="less than asks"),
        pytest.param(2, 2, [0, 0], 4, id="for what asks"),
        pytest.param(3, 2, [1, 0], 3, id="for one who climbs"),
        pytest.param(5, 2, [2, 1], 1, id="for all but one"),
        pytest.param(6, 2, [2, 2], 0, id="for everybody"),
        pytest.param(7, 2, [2, 2], 0, id="more than enough"),
    ],
)
def test_who_climbs_back_does_so_as_far_as_the_tick_has_room(
    records_max: int, told: int, released: list[int], deferred: int
) -> None:
    judgement = judged(recovering(TELL), records_max=records_max)

    made = [(each.policy, each.verdict) for each in judgement.decisions]
    assert made.count(("tell", Verdict.NOTIFIED)) == told
    assert [made.count((name, Verdict.RELEASED)) for name in ("one", "two")] == released
    assert judgement.deferred == deferred


@pytest.mark.parametrize(
    "before",
    [TELL, make_policy(SILENT, name="rehearsed", mode=Mode.SHADOW)],
    ids=["notifications", "what shadow fires"],
)
def test_a_fire_comes_first_whichever_policy_does(before: Policy) -> None:
    ticker = Ticker([late(1), late(2)], before, make_policy())

    judgement = judged(ticker, records_max=1)

    assert [each.verdict for each in judgement.decisions] == [Verdict.FIRED]
    assert judgement.deferred == 3


# concluding twice


def test_what_a_judgement_changes_of_old_episodes_waits_until_it_is_applied() -> None:
    ticker = Ticker([late()], make_policy(for_ms=MINUTE))
    ticker.tick()
    ticker.now += MINUTE
    before = ticker.state.episodes()

    once, again = judged(ticker), judged(ticker)

    assert ticker.state.episodes() == before
    assert once.decisions == again.decisions != ()


def test_who_climbs_back_beside_a_policy_that_breaks_is_told_of_as_without_it() -> None:
    broken = unspeakable(make_policy(name="broken", action=Action.NOTIFY))

    judgement = judged(recovering(broken))

    assert judgement.decisions == judged(recovering()).decisions != ()
    assert judgement.places == judged(recovering()).places
    (finding,) = judgement.findings
    assert (
        "could not be judged, and nothing was decided by it: AttributeError" in finding.message
    )


# episodes and places


def test_what_was_done_to_who_climbs_back_is_over_though_nothing_can_be_told() -> None:
    ticker = Ticker([make_worker()], make_ladder(Rung(Action.PROBATION, HOUR), FIRE))
    fail(ticker)
    ticker.tick()

    (released,) = ticker.tick(HOUR).decisions

    assert released.verdict is Verdict.RELEASED
    assert ticker.state.episodes() == []


def test_a_place_is_given_up_under_its_policys_name_and_others_are_kept() -> None:
    policy = make_ladder(PROBATION, FIRE, clear_when=CLEAR)
    ticker = Ticker([make_worker(), make_worker(2)], policy)
    fail(ticker)

    kept = ticker.tick().places
    standing = ticker.state.places()
    ticker.policy_set = make_set(make_ladder(PROBATION, FIRE, when=SILENT, version="2"))
    gone = ticker.tick(SECOND).places

    assert [(each.policy, each.subject, each.gone) for each in kept] == [
        ("dumb", "agent:1", False)
    ]
    assert standing == list(kept)
    assert not standing[0].gone
    assert [(each.policy, each.subject, each.gone) for each in gone] == [
        ("dumb", "agent:1", True)
    ]


# announced fires


def test_what_waits_says_every_reason() -> None:
    policy = make_policy("heartbeat_age > 90s and age > 1h", notice_ms=HOUR)

    (waiting,) = Ticker([late()], policy).tick().waiting

    assert waiting.words == "no heartbeat for 95 s; allowed 90 s and known for 1 d (above 1 h)"


def test_an_announced_fire_that_is_held_keeps_its_end_and_the_decision_to_veto() -> None:
    ticker = Ticker([late()], make_policy(notice_ms=MINUTE))
    (noticed,) = ticker.tick().decisions
    ticker.agent(1).protected_until = START + HOUR

    ticker.tick(MINUTE)

    (episode,) = ticker.state.episodes()
    assert episode.state == "held"
    assert (episode.decision_id, episode.until) == (noticed.id, START + MINUTE)


def test_a_question_asked_after_the_notice_keeps_the_notices_end() -> None:
    policy = make_policy(notice_ms=MINUTE)
    ticker = Ticker([late()], policy)
    ticker.tick()
    ticker.policy_set = make_set(replace(policy, approval=True))

    (asked,) = ticker.tick(2 * MINUTE).decisions
    rule(ticker, Verdict.APPROVED, asked.id)

    assert (asked.verdict, asked.evidence.until) == (Verdict.ASKED, START + MINUTE)
    assert [each.verdict for each in ticker.tick(SECOND).decisions] == [Verdict.FIRED]
