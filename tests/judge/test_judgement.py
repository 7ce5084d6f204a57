"""What one tick hands back when several policies, pools or workspaces have a part in it."""

from dataclasses import replace

import pytest
from tests.judge.ladders import (
    FIRE,
    PROBATION,
    QUARANTINE,
    SILENT,
    fail,
    make_ladder,
    make_worker,
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

from pinkslip.judge.judge import Judgement, judge
from pinkslip.model.policy import (
    Guards,
    MassRestart,
    Matcher,
    MaxQuarantined,
    Newborn,
    Panic,
    Policy,
    Rung,
)
from pinkslip.model.words import Action, Mode

NOTICE = make_policy(notice_ms=5 * MINUTE)


def late(number: int = 1, **given: object) -> Agent:
    return Agent(number=number, silent_s=95.0, **given)  # type: ignore[arg-type]  # fields of Agent


def judged(ticker: Ticker, *, workspace_id: int = 1, records_max: int = 5_000) -> Judgement:
    """What a tick would come to; nothing moves on."""
    return judge(
        ticker.look(),
        ticker.policy_set,
        ticker.state,
        workspace_id=workspace_id,
        stopped=None,
        records_max=records_max,
    )


def test_what_waits_by_a_policy_that_breaks_is_still_listed_beside_the_others() -> None:
    one = replace(NOTICE, match=(Matcher("role", frozenset({"developer"})),))
    other = replace(
        NOTICE, name="other", reason="slow", match=(Matcher("role", frozenset({"tester"})),)
    )
    ticker = Ticker([late(1), late(2, role="tester")], one, other)
    ticker.tick()
    ticker.policy_set = make_set(one, replace(other, when=broken_condition()))

    first, second = judged(ticker).waiting

    assert (first.policy, first.holds) == ("unresponsive", True)
    assert (second.policy, second.reason) == ("other", "slow")
    assert (second.agent_no, second.agent_id) == (2, "agent-2")
    assert (second.words, second.holds) == ("", False)


def test_the_episodes_of_a_policy_that_is_gone_end_under_its_name() -> None:
    ticker = Ticker([late()], NOTICE)
    ticker.tick()
    ticker.policy_set = make_set()

    (ended,) = judged(ticker).episodes

    assert (ended.policy, ended.agent_no, ended.state) == ("unresponsive", 1, "clear")


@pytest.mark.parametrize(
    "after",
    [
        pytest.param([], id="removed"),
        pytest.param([replace(NOTICE, hash="other-1", for_ms=HOUR)], id="edited"),
        pytest.param([NOTICE], id="recovered"),
    ],
)
def test_no_two_workspaces_share_the_id_of_a_fire_that_is_called_off(
    after: list[Policy],
) -> None:
    ticker = Ticker([late()], NOTICE)
    ticker.tick()
    ticker.agent(1).silent_s = 0.0
    ticker.policy_set = make_set(*after)

    (here,), (there,) = (judged(ticker, workspace_id=each).decisions for each in (1, 2))

    assert here.verdict == there.verdict == "cancelled"
    assert here.id != there.id


def pooled(number: int, role: str) -> Agent:
    return late(number, role=role, boot_changed_at=START - SECOND)


@pytest.mark.parametrize(
    ("guards", "said"),
    [
        (replace(CALM, panic=Panic(at_least=1, share=0.8)), "panics"),
        (replace(CALM, mass_restart=MassRestart(at_least=1, share=0.8)), "deploys"),
    ],
)
def test_pools_come_by_name_and_one_without_a_name_first(guards: Guards, said: str) -> None:
    agents: list[Agent | None] = [
        pooled(1, "b"),
        *(pooled(number, "a") for number in (2, 3, 4, 5)),
        Agent(number=6, role="a"),
        late(7, role=None, boot_changed_at=START - SECOND),
    ]

    judgement = Ticker(agents, make_policy(), guards=guards).tick()

    assert [each.pool for each in getattr(judgement, said)] == ["", "a", "b"]


def test_a_tick_changes_only_so_many_standings_and_the_next_one_the_others() -> None:
    paused = [Agent(number=number, ordered_until=START + HOUR) for number in (1, 2, 3)]

    judgement = judged(Ticker([*paused]), records_max=2)

    assert [each.agent_no for each in judgement.standings] == [1, 2]


def test_who_climbs_back_waits_for_room_as_well() -> None:
    ticker = Ticker([make_worker(1), make_worker(2)], make_ladder(Rung(Action.PROBATION, HOUR)))
    fail(ticker, 1)
    fail(ticker, 2)
    ticker.tick()
    ticker.now += HOUR

    judgement = judged(ticker, records_max=1)

    assert [(each.agent_no, each.verdict) for each in judgement.decisions] == [(1, "released")]
    assert (judgement.deferred, judgement.findings) == (1, ())


@pytest.mark.parametrize(
    ("policy", "guards"),
    [
        pytest.param(make_policy(for_ms=30 * SECOND), CALM, id="fired"),
        pytest.param(make_policy(for_ms=30 * SECOND, notice_ms=MINUTE), CALM, id="noticed"),
        pytest.param(
            make_policy(for_ms=30 * SECOND),
            replace(CALM, newborn=Newborn(age_ms=1_000 * HOUR, tasks=0)),
            id="held",
        ),
    ],
)
def test_a_tick_that_is_not_committed_has_not_happened(policy: Policy, guards: Guards) -> None:
    ticker = Ticker([late()], policy, guards=guards)
    ticker.tick()
    ticker.now += 30 * SECOND
    before = ticker.state.episodes()

    lost = judged(ticker)

    assert len(lost.decisions) == 1
    assert ticker.state.episodes() == before
    assert judged(ticker).decisions == lost.decisions


def test_whom_shadow_keeps_in_quarantine_takes_up_room_in_shadow() -> None:
    guards = replace(CALM, max_quarantined=MaxQuarantined(share=0.0, at_least=1))
    policy = replace(make_ladder(QUARANTINE, FIRE), mode=Mode.SHADOW)
    ticker = Ticker([make_worker(number) for number in (1, 2, 3)], policy, guards=guards)
    fail(ticker, 1)
    ticker.tick()
    fail(ticker, 2)
    ticker.tick(5_000)

    assert verdicts(ticker) == ["shadowed", "held"]


@pytest.mark.parametrize("left_over", [0, 1])
def test_a_place_beyond_the_end_of_a_smaller_fleet_is_nobodys_there(left_over: int) -> None:
    ticker = Ticker(
        [late(number) for number in (1, 2, 3)], make_ladder(PROBATION, FIRE, when=SILENT)
    )
    ticker.tick()
    del ticker.agents[1 + left_over :]

    judgement = ticker.tick(31 * DAY)

    assert judgement.findings == ()
    assert [each.subject for each in ticker.state.places()] == ["agent:1", "agent:2"][
        : 1 + left_over
    ]
