"""What the judge remembers: restored, reloaded, and moved on only by what was committed."""

from dataclasses import replace

import msgspec
import pytest
from tests.judge.world import (
    CALM,
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

from pinkslip.judge.judge import JudgeState, judge
from pinkslip.model.decisions import Episode
from pinkslip.model.policy import MaxFired, MaxFires, Newborn, Panic, Policy
from pinkslip.model.words import Action, EpisodeState, Mode

YOUNG = replace(CALM, newborn=Newborn(age_ms=HOUR, tasks=0))
NOTIFY = make_policy(action=Action.NOTIFY)
SHADOW = make_policy(mode=Mode.SHADOW)
FIRE = make_policy()


def late(number: int = 1, **given: object) -> Agent:
    return Agent(number=number, silent_s=95.0, **given)  # type: ignore[arg-type]  # fields of Agent


def adopted(
    before: Policy, after: Policy | None, *, ticks: int = 1
) -> tuple[Ticker, list[Episode]]:
    """A held, shadowed or noticed episode of `before`, and what ends when `after` takes its place."""
    ticker = Ticker([late()], before)
    ticker.state.adopt(ticker.policy_set, now=START)
    for _ in range(ticks):
        ticker.tick()
    ticker.policy_set = make_set(*([after] if after else []))
    return ticker, list(ticker.state.adopt(ticker.policy_set, now=START))


def test_judging_changes_nothing_until_it_is_applied() -> None:
    ticker = Ticker([late()], NOTIFY)

    first = judge(ticker.look(), ticker.policy_set, ticker.state, workspace_id=1, stopped=None)
    again = judge(ticker.look(), ticker.policy_set, ticker.state, workspace_id=1, stopped=None)

    assert ticker.state.episodes() == []
    assert [each.verdict for each in again.decisions] == ["notified"]
    assert first.decisions == again.decisions


@pytest.mark.parametrize("policy", [NOTIFY, SHADOW, make_policy(for_ms=HOUR)])
def test_what_was_written_restores_what_was(policy: Policy) -> None:
    ticker = Ticker([late(), late(2, created_at=START)], policy, guards=YOUNG)
    written: dict[tuple[str, int], Episode] = {}
    for silent_s in (95.0, 1.0, 95.0, None, 95.0):
        ticker.agent(1).silent_s = silent_s
        for episode in ticker.tick(5_000).episodes:
            written.pop((episode.policy, episode.agent_no), None)
            if episode.state is not EpisodeState.CLEAR:
                written[episode.policy, episode.agent_no] = episode

    restored = JudgeState.restore(written.values())

    assert restored.episodes() == ticker.state.episodes()
    assert len(restored.episodes()) == 2


def test_what_shadow_has_spent_is_what_its_records_say() -> None:
    """An agent that shadow fires is still there, and may be fired so again."""
    ticker = Ticker([late()], SHADOW, replace(SHADOW, name="other"))
    for silent_s in (95.0, 1.0, 95.0):
        ticker.agent(1).silent_s = silent_s
        ticker.tick(5_000)

    restored = JudgeState.restore(ticker.state.episodes(), shadowed=ticker.decisions)

    assert [each.verdict for each in ticker.decisions] == 4 * ["shadowed"]
    assert len(restored.memory.virtual) == 2
    assert restored.memory.virtual == ticker.state.memory.virtual


def test_a_restart_between_two_ticks_changes_nothing() -> None:
    def lived(*, restarts: bool) -> bytes:
        ticker = Ticker([late(), late(2)], make_policy(for_ms=30 * SECOND), guards=YOUNG)
        ticker.agent(1).created_at = START - HOUR + MINUTE
        for _ in range(30):
            ticker.tick(5_000)
            if restarts:
                ticker.state = JudgeState.restore(ticker.state.episodes())
        return msgspec.json.encode(ticker.decisions)

    assert lived(restarts=True) == lived(restarts=False)


def test_open_episodes_are_one_agents() -> None:
    ticker = Ticker([late(), late(2)], NOTIFY, replace(FIRE, name="other", for_ms=HOUR))

    ticker.tick()

    assert [(each.policy, each.state) for each in ticker.state.open_episodes(2)] == [
        ("other", "pending"),
        ("unresponsive", "acted"),
    ]
    assert ticker.state.open_episodes(3) == []
    assert ticker.state.open_counts() == {"other": 2, "unresponsive": 2}


def test_convicted_are_those_past_pending() -> None:
    ticker = Ticker([late(3), late(2), Agent(number=1)], NOTIFY)
    pending = Ticker([late()], make_policy(for_ms=HOUR))

    ticker.tick()
    pending.tick()

    assert ticker.state.convicted().tolist() == [2, 3]
    assert pending.state.convicted().tolist() == []
    assert JudgeState().convicted().tolist() == []


@pytest.mark.parametrize(
    ("before", "after", "ends"),
    [
        pytest.param(NOTIFY, NOTIFY, False, id="the same"),
        pytest.param(NOTIFY, replace(NOTIFY, description="new"), False, id="other words"),
        pytest.param(NOTIFY, make_policy(action=Action.NOTIFY, version="2"), True, id="edited"),
        pytest.param(NOTIFY, None, True, id="removed"),
        pytest.param(NOTIFY, replace(NOTIFY, mode=Mode.OFF), True, id="off"),
        pytest.param(NOTIFY, replace(NOTIFY, mode=Mode.SHADOW), True, id="demoted to shadow"),
        pytest.param(FIRE, replace(FIRE, action=Action.NOTIFY), True, id="fire to notify"),
        pytest.param(SHADOW, replace(SHADOW, mode=Mode.ENFORCE), False, id="promoted"),
        pytest.param(NOTIFY, replace(NOTIFY, action=Action.FIRE), False, id="notify to fire"),
    ],
)
def test_a_reload_ends_what_was_edited_removed_or_demoted(
    before: Policy, after: Policy | None, ends: bool
) -> None:
    ticker, ended = adopted(before, after)

    assert [(each.agent_no, each.state) for each in ended] == ([(1, "clear")] if ends else [])
    assert (ticker.state.episodes() == []) is ends


def test_a_demoted_policy_loses_its_pending_and_held_episodes_too() -> None:
    _, pending = adopted(make_policy(for_ms=HOUR), make_policy(for_ms=HOUR, mode=Mode.SHADOW))

    assert [each.state for each in pending] == ["clear"]


@pytest.mark.parametrize(
    ("before", "after", "verdicts"),
    [
        pytest.param(
            SHADOW, replace(SHADOW, mode=Mode.ENFORCE), ["shadowed", "fired"], id="to enforce"
        ),
        pytest.param(
            NOTIFY, replace(NOTIFY, action=Action.FIRE), ["notified", "fired"], id="to fire"
        ),
        pytest.param(NOTIFY, NOTIFY, ["notified"], id="not at all"),
    ],
)
def test_a_promoted_policy_tries_again_what_it_had_only_noted(
    before: Policy, after: Policy, verdicts: list[str]
) -> None:
    ticker, _ = adopted(before, after)

    ticker.tick(5_000)

    assert [each.verdict for each in ticker.decisions] == verdicts


def test_an_edited_policy_starts_for_again() -> None:
    patient = make_policy(for_ms=30 * SECOND, action=Action.NOTIFY)
    ticker, _ = adopted(patient, replace(patient, hash="unresponsive2-x"))

    states = []
    for wait_ms in (30_000, 29_999, 1):
        ticker.tick(wait_ms)
        states.append(ticker.state_of())

    assert states == ["pending", "pending", "acted"]


def test_after_a_restart_a_reload_still_ends_what_it_must() -> None:
    ticker = Ticker([late()], NOTIFY)
    ticker.tick()
    state = JudgeState.restore(ticker.state.episodes())

    ended = state.adopt(make_set(replace(NOTIFY, mode=Mode.SHADOW)), now=START)

    assert [each.state for each in ended] == ["clear"]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(None, id="removed"),
        pytest.param(replace(NOTIFY, mode=Mode.OFF), id="off"),
        pytest.param(replace(NOTIFY, hash="unresponsive2-x", for_ms=HOUR), id="edited"),
    ],
)
def test_a_reload_while_a_tick_is_being_written_is_made_good_by_the_next_tick(
    after: Policy | None,
) -> None:
    ticker = Ticker([late()], NOTIFY)
    judgement = judge(
        ticker.look(), ticker.policy_set, ticker.state, workspace_id=1, stopped=None
    )
    ticker.policy_set = make_set(*([after] if after else []))
    ticker.state.adopt(ticker.policy_set, now=START)
    ticker.state.apply(judgement)

    episodes = ticker.tick(5_000).episodes

    is_edited = after is not None and after.mode is not Mode.OFF
    assert [each.state for each in episodes] == (["pending"] if is_edited else ["clear"])
    assert len(ticker.state.episodes()) == is_edited


def test_a_superseded_decision_is_tried_again_when_the_agent_is_still_there() -> None:
    ticker = Ticker([late()], FIRE)
    judgement = judge(
        ticker.look(), ticker.policy_set, ticker.state, workspace_id=1, stopped=None
    )
    (decision,) = judgement.decisions

    ticker.state.apply(judgement, superseded=[decision.id])

    assert ticker.state_of() == "clear"
    assert [each.verdict for each in ticker.tick(5_000).decisions] == ["fired"]


def test_a_superseded_decision_leaves_its_episode_as_it_was() -> None:
    ticker = Ticker([late()], make_policy(for_ms=30 * SECOND))
    ticker.tick()
    before = ticker.state.episodes()
    ticker.now += 30 * SECOND
    judgement = judge(
        ticker.look(), ticker.policy_set, ticker.state, workspace_id=1, stopped=None
    )
    (decision,) = judgement.decisions

    ticker.state.apply(judgement, superseded=[decision.id])

    assert ticker.state.episodes() == before
    assert [each.verdict for each in ticker.tick(5_000).decisions] == ["fired"]


def test_virtual_fires_survive_a_restart_with_their_decisions() -> None:
    guards = replace(CALM, max_fired=MaxFired(share=0.1, per_ms=HOUR, at_least=1))
    ticker = Ticker([late(), late(2), Agent(number=3)], SHADOW, guards=guards)
    ticker.tick()
    ticker.agent(1).silent_s = 1.0
    ticker.tick(5_000)

    ticker.state = JudgeState.restore(ticker.state.episodes(), shadowed=ticker.decisions)
    ticker.tick(5_000)

    assert [(each.agent_no, each.verdict) for each in ticker.decisions] == [
        (1, "shadowed"),
        (2, "held"),
    ]


BROKEN = replace(make_policy(name="broken"), when=broken_condition())


def test_a_broken_policy_is_one_finding_and_stops_nobody() -> None:
    ticker = Ticker(
        [late()], replace(NOTIFY, name="first"), BROKEN, replace(NOTIFY, name="last")
    )

    judgement = ticker.tick()

    assert [each.policy for each in judgement.decisions] == ["first", "last"]
    (finding,) = judgement.findings
    assert finding.policy == "broken"
    assert finding.message == (
        "policy broken (policies.yaml:1) could not be judged, and nothing was decided by it: "
        "ValueError: unknown function 'oops'"
    )


def test_a_policy_that_breaks_keeps_its_episodes_as_they_were() -> None:
    ticker = Ticker([late()], make_policy(for_ms=HOUR))
    ticker.tick()
    before = ticker.state.episodes()
    healthy = ticker.policy_set
    ticker.policy_set = make_set(replace(healthy.policies[0], when=broken_condition()))

    judgement = ticker.tick(5_000)

    assert judgement.episodes == ()
    assert ticker.state.episodes() == before


def test_a_policy_that_breaks_while_speaking_decides_nothing() -> None:
    ticker = Ticker([late()], unspeakable(NOTIFY), replace(NOTIFY, name="other"))

    judgement = ticker.tick()

    assert [each.policy for each in judgement.findings] == ["unresponsive"]
    assert [each.policy for each in judgement.decisions] == ["other"]
    assert judgement.matched == {"other": 1}


@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.SHADOW])
def test_a_policy_that_breaks_while_speaking_spends_nothing_of_the_envelope(mode: Mode) -> None:
    guards = replace(CALM, max_fires=MaxFires(count=1))
    broken = unspeakable(replace(FIRE, name="broken", mode=mode))
    other = replace(FIRE, name="other", mode=mode)
    ticker = Ticker([late(1), late(2)], broken, other, guards=guards)

    judgement = ticker.tick()

    alone = Ticker([late(1), late(2)], other, guards=guards).tick()
    assert [each.policy for each in judgement.findings] == ["broken"]
    assert judgement.decisions == alone.decisions
    assert {each.verdict for each in alone.decisions} == {
        "held",
        "fired" if mode is Mode.ENFORCE else "shadowed",
    }
    assert judgement.after.virtual == alone.after.virtual


def test_a_policy_that_breaks_while_speaking_makes_no_panic() -> None:
    guards = replace(CALM, panic=Panic(share=0.0, at_least=1))
    not_yet_stale = Agent(number=1, silent_s=95.0, interval_s=60.0)
    ticker = Ticker([not_yet_stale], unspeakable(FIRE), guards=guards)

    judgement = ticker.tick()

    assert [each.policy for each in judgement.findings] == ["unresponsive"]
    assert judgement.panics == ()


def test_two_policies_that_break_while_speaking_are_two_findings() -> None:
    ticker = Ticker(
        [late()],
        replace(unspeakable(NOTIFY), name="one"),
        replace(NOTIFY, name="other"),
        replace(unspeakable(FIRE), name="two"),
        BROKEN,
    )

    judgement = ticker.tick()

    assert sorted(each.policy for each in judgement.findings) == ["broken", "one", "two"]
    assert [each.policy for each in judgement.decisions] == ["other"]


def test_matched_and_holding_count_the_agents_of_a_policy() -> None:
    judgement = Ticker([late(), late(2), Agent(number=3), None], NOTIFY).tick()

    assert judgement.matched == {"unresponsive": 3}
    assert judgement.holding == {"unresponsive": 2}


def test_an_empty_fleet_and_no_policies_are_quiet() -> None:
    assert Ticker([], NOTIFY).tick().decisions == ()
    assert Ticker([late()]).tick().decisions == ()


def test_a_tick_makes_only_so_many_records_fires_first_and_the_rest_follow() -> None:
    guards = replace(CALM, max_fired=MaxFired(share=0.1, per_ms=HOUR, at_least=1))
    agents: list[Agent | None] = [late(number) for number in range(1, 8)]
    agents[6] = Agent(number=7, silent_s=900.0)
    ticker = Ticker(agents, FIRE, replace(NOTIFY, name="tell"), guards=guards)

    made, deferred = [], []
    for _ in range(4):
        judgement = judge(
            ticker.look(),
            ticker.policy_set,
            ticker.state,
            workspace_id=1,
            stopped=None,
            records_max=5,
        )
        ticker.state.apply(judgement)
        for each in judgement.decisions:
            if each.verdict == "fired":
                ticker.agent(each.agent_no).fires.append((ticker.now, True))
        made.append([(each.agent_no, each.verdict.value) for each in judgement.decisions])
        deferred.append(judgement.deferred)
        ticker.now += 5_000

    assert made == [
        [(7, "fired"), *((number, "notified") for number in range(1, 5))],
        [*((number, "held") for number in range(1, 4)), (5, "notified"), (6, "notified")],
        [(number, "held") for number in range(4, 7)],
        [],
    ]
    assert deferred == [9, 3, 0, 0]
