"""Shadow by mode, by share and by demotion: the same ladder, and nobody feels it."""

from dataclasses import replace

import pytest
from tests.judge.ladders import (
    FIRE,
    PROBATION,
    QUARANTINE,
    SILENT,
    crossed,
    demote,
    fail,
    make_ladder,
    make_worker,
    place_of,
    succeed,
    verdicts,
)
from tests.judge.world import DAY, MINUTE, START, Agent, Ticker, World, make_policy, make_set

from pinkslip.fleet.acts import Acts
from pinkslip.judge.shadowing import as_it_may, in_shadow, in_shadow_by_key
from pinkslip.model.facts import Promoted
from pinkslip.model.policy import Policy
from pinkslip.model.words import Action, Mode, Scope, Standing

LADDER = make_ladder(PROBATION, QUARANTINE, FIRE)
SHADOW = replace(LADDER, mode=Mode.SHADOW)


def test_shadow_goes_down_the_same_ladder_and_nobody_feels_it() -> None:
    ticker = Ticker([make_worker()], SHADOW)
    crossed(ticker)
    crossed(ticker)
    changes = []
    for _ in range(3):
        changes += ticker.tick(10 * MINUTE).standings
        crossed(ticker)

    assert [(each.verdict, each.mode) for each in ticker.decisions] == [
        ("shadowed", "shadow")
    ] * 3
    assert [(each.action, each.evidence.rung) for each in ticker.decisions] == [
        (Action.PROBATION, 1),
        (Action.QUARANTINE, 2),
        (Action.FIRE, 3),
    ]
    assert changes == []
    assert ticker.agent(1).standing is Standing.ACTIVE
    assert place_of(ticker).is_shadow


def test_whom_shadow_would_have_paused_crosses_nothing_meanwhile() -> None:
    ticker = Ticker([make_worker()], make_ladder(QUARANTINE, FIRE, mode=Mode.SHADOW))
    crossed(ticker)

    fail(ticker)
    paused = ticker.tick(5 * MINUTE)
    ticker.tick(5 * MINUTE)
    fail(ticker)
    ticker.tick(5_000)

    assert (paused.decisions, paused.matched) == ((), {"dumb": 0})
    assert [each.evidence.rung for each in ticker.decisions] == [1, 2]


def test_whom_shadow_would_have_fired_stays_where_it_is() -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, FIRE, mode=Mode.SHADOW))
    for _ in range(5):
        crossed(ticker)

    assert verdicts(ticker) == ["shadowed", "shadowed"]
    assert place_of(ticker).rung == 1


def test_shadow_recovers_too() -> None:
    policy = make_ladder(PROBATION, FIRE, mode=Mode.SHADOW, clear_when="success_rate[1h] > 90%")
    ticker = Ticker([make_worker()], policy)
    crossed(ticker)
    crossed(ticker)
    ticker.agent(1).values["success_rate[1h]"] = 0.95
    ticker.tick(5_000)
    ticker.agent(1).values.clear()

    crossed(ticker)

    assert verdicts(ticker) == ["shadowed", "shadowed", "released", "shadowed"]
    assert {each.mode for each in ticker.decisions} == {Mode.SHADOW}
    assert ticker.decisions[-1].evidence.rung == 1


# percent


def agents(count: int) -> World:
    return World([Agent(number=number) for number in range(1, count + 1)])


def shares(percent: float, count: int = 2_000, **keys: object) -> int:
    world = agents(count)
    policy = make_policy(percent=percent, **keys)  # type: ignore[arg-type]  # keys of make_policy
    return count - int(in_shadow(policy, world, world.numbers - 1).sum())


def test_a_share_of_agents_is_enforced() -> None:
    assert shares(0.0) == 0
    assert shares(1.0) == 2_000
    assert 400 <= shares(0.25) <= 600


def test_the_same_agents_are_enforced_whoever_else_there_is_and_a_larger_share_keeps_them() -> (
    None
):
    few, many = agents(10), agents(1_000)
    policy = make_policy(percent=0.3)
    ten = in_shadow(policy, few, few.numbers - 1)

    assert (in_shadow(policy, many, few.numbers - 1) == ten).all()
    wider = in_shadow(replace(policy, percent=0.6), few, few.numbers - 1)
    assert not (wider & ~ten).any()


def test_known_agents_fall_where_they_always_fell() -> None:
    # pinned: another digest would move everybody over an upgrade
    policy = make_policy(percent=0.5)
    keys = [f"agent-{number}" for number in range(1, 9)]

    assert in_shadow_by_key(policy, keys).tolist() == PINNED


PINNED = [True, True, False, False, True, False, False, False]


@pytest.mark.parametrize(("percent", "in_it"), [(0.4999, True), (0.5, True), (0.5001, False)])
def test_a_share_counts_to_two_decimals(percent: float, in_it: bool) -> None:
    policy = make_policy(percent=percent, name="p")

    assert in_shadow_by_key(policy, [HALFWAY]).tolist() == [in_it]


HALFWAY = "agent-15597"
"""Its place among ten thousand is 5,000: the first that half of them leaves out."""


def test_a_lineage_is_enforced_whole() -> None:
    policy = make_policy(percent=0.5, scope=Scope.LINEAGE)
    world = World([Agent(number=number, lineage="one") for number in range(1, 50)])

    assert len(set(in_shadow(policy, world, world.numbers - 1).tolist())) == 1


def test_who_has_no_lineage_is_left_out_by_its_own_id() -> None:
    own: list[Agent | None] = [Agent(number=number) for number in range(1, 31)]
    of_worker = [Agent(number=31, lineage="worker"), Agent(number=32, lineage="")]
    world = World([*own, *of_worker])
    policy = make_policy(percent=0.5)

    by_lineage = in_shadow(
        make_policy(percent=0.5, scope=Scope.LINEAGE), world, world.numbers - 1
    )

    by_id = in_shadow(policy, world, world.numbers - 1)
    assert by_lineage[:30].tolist() == by_id[:30].tolist()
    assert by_lineage[31] == by_id[31]
    assert 0 < by_lineage[:30].sum() < 30


def test_those_left_out_are_recorded_in_shadow_and_the_others_feel_it() -> None:
    policy = make_policy(percent=0.5)
    ticker = Ticker([Agent(number=number, silent_s=95.0) for number in range(1, 30)], policy)
    shadow = in_shadow(policy, ticker.look(), ticker.look().numbers - 1)

    ticker.tick()

    for each in ticker.decisions:
        expected = ("shadowed", "shadow") if shadow[each.agent_no - 1] else ("fired", "enforce")
        assert (each.verdict, each.mode) == expected


def test_a_larger_share_acts_on_what_it_had_only_recorded() -> None:
    ticker = Ticker([Agent(number=1, silent_s=95.0)], make_policy(percent=0.0))
    ticker.tick()
    ticker.policy_set = make_set(make_policy(percent=1.0))
    ticker.state.adopt(ticker.policy_set, now=START)

    ticker.tick(5_000)

    assert verdicts(ticker) == ["shadowed", "fired"]


@pytest.mark.parametrize(("before", "after"), [(0.0, 1.0), (1.0, 0.0)])
def test_a_place_does_not_survive_the_way_into_shadow_or_out_of_it(
    before: float, after: float
) -> None:
    ticker = Ticker([make_worker()], replace(LADDER, percent=before))
    fail(ticker)
    ticker.tick()
    succeed(ticker, times=200)
    ticker.policy_set = make_set(replace(LADDER, percent=after))

    judgement = ticker.tick(5_000)

    assert [each.gone for each in judgement.places] == [True]
    assert ticker.state.places() == []
    assert ticker.agent(1).standing is Standing.ACTIVE


# demotion


def test_only_the_very_version_that_was_demoted_is_in_shadow() -> None:
    acts = Acts()
    ticker = Ticker([], LADDER)
    ticker.acts = acts
    demote(ticker, LADDER)

    assert as_it_may(LADDER, acts).mode is Mode.SHADOW
    assert as_it_may(replace(LADDER, hash="dumb2-x"), acts) == replace(LADDER, hash="dumb2-x")
    assert as_it_may(replace(LADDER, name="other"), acts).mode is Mode.ENFORCE


@pytest.mark.parametrize("is_demoted", [True, False], ids=["demoted", "left out by percent"])
def test_a_restart_or_reload_says_nothing_again_that_was_said_in_shadow(
    *, is_demoted: bool
) -> None:
    policy = make_policy(percent=1.0 if is_demoted else 0.0)
    ticker = Ticker([Agent(number=1, silent_s=95.0)], policy)
    if is_demoted:
        demote(ticker, policy)
    ticker.tick()
    ticker.state.adopt(ticker.policy_set, now=START)

    ticker.tick(5_000)

    assert verdicts(ticker) == ["shadowed"]


def test_a_demoted_policy_lets_go_of_everybody_and_only_watches() -> None:
    ticker = Ticker([make_worker(), make_worker(2)], LADDER)
    crossed(ticker)
    succeed(ticker, times=200)
    demote(ticker, LADDER)

    judgement = ticker.tick(5_000)
    fail(ticker, 2)
    ticker.tick(5_000)

    assert [(each.subject, each.gone) for each in judgement.places] == [("agent:1", True)]
    assert ticker.agent(1).standing is Standing.ACTIVE
    assert [(each.agent_no, each.verdict.value) for each in ticker.decisions[1:]] == [
        (1, "released"),
        (2, "shadowed"),
    ]


def test_demotion_calls_announced_fires_off() -> None:
    policy = make_policy(notice_ms=5 * MINUTE)
    ticker = Ticker([Agent(number=1, silent_s=95.0)], policy)
    ticker.tick()
    demote(ticker, policy)

    ticker.tick(MINUTE)
    ticker.tick(5 * MINUTE)

    assert verdicts(ticker) == ["noticed", "cancelled", "shadowed"]


def test_a_restored_policy_starts_anew() -> None:
    ticker = Ticker([make_worker()], LADDER)
    demote(ticker, LADDER)
    crossed(ticker)
    ticker.acts.fold([Promoted(ticker.now, 2, LADDER.name)])
    succeed(ticker, times=200)
    ticker.tick(5_000)
    ticker.agent(1).counted = (0, 0)

    crossed(ticker)

    assert verdicts(ticker) == ["shadowed", "probation"]
    assert place_of(ticker).rung == 0


# edits


@pytest.mark.parametrize(
    ("after", "gone"),
    [
        pytest.param(LADDER, False, id="the same"),
        pytest.param(
            replace(LADDER, hash="dumb1-other", notice_ms=5), False, id="another notice"
        ),
        pytest.param(replace(LADDER, hash="dumb2-x"), True, id="another condition"),
        pytest.param(replace(LADDER, ladder=()), True, id="no ladder any more"),
        pytest.param(SHADOW, True, id="into shadow"),
        pytest.param(replace(LADDER, mode=Mode.OFF), True, id="off"),
        pytest.param(None, True, id="removed"),
    ],
)
def test_a_reload_gives_places_up_when_they_mean_something_else(
    after: Policy | None, gone: bool
) -> None:
    ticker = Ticker([make_worker()], LADDER)
    crossed(ticker)
    succeed(ticker, times=200)
    ticker.policy_set = make_set(*([after] if after else []))
    ticker.state.adopt(ticker.policy_set, now=START)

    judgement = ticker.tick(5_000)

    assert [(each.subject, each.gone) for each in judgement.places] == (
        [("agent:1", True)] if gone else []
    )
    assert (ticker.agent(1).standing is Standing.ACTIVE) is gone
    assert (ticker.state.places() == []) is gone


def test_a_shorter_ladder_goes_on_from_its_last_rung() -> None:
    ticker = Ticker([make_worker()], make_ladder(PROBATION, QUARANTINE, FIRE))
    crossed(ticker)
    crossed(ticker)
    ticker.tick(10 * MINUTE)
    ticker.policy_set = make_set(make_ladder(PROBATION))

    crossed(ticker)

    assert verdicts(ticker)[-1] == "probation"
    assert place_of(ticker).rung == 0


def test_the_ladder_of_a_policy_on_silence_needs_silence_to_end_before_the_next_rung() -> None:
    policy = make_ladder(PROBATION, FIRE, when=SILENT)
    ticker = Ticker([Agent(number=1, silent_s=95.0)], policy)

    for _ in range(10):
        ticker.tick(DAY // 24)

    assert verdicts(ticker) == ["probation"]
