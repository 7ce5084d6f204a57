"""Ladders as operators write them, on the real fleet, through the acts of people."""

import msgspec
from tests.judge.world import HOUR, MINUTE

from pinkslip.judge.judge import JudgeState
from pinkslip.judge.nearness import nearness
from pinkslip.judge.why import why
from pinkslip.model.decisions import Place
from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.facts import Reinstated, Released, Stood
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Result, Standing, Status
from pinkslip.policies.load import Source, load
from pinkslip.replay.rehearsal import Rehearsal

GUARDS = """
version: 1
guards:
  max_fired: {share: 100%}
  max_fires: {count: 1000}
  min_active: 0
  newborn: {age: 0s, tasks: 0}
  panic: off
  common_cause: off
  mass_restart: off
  max_quarantined: {share: 100%}
policies:
"""
DUMB = """
  - name: dumb
    reason: dumb
    when: proven(success < 70%, error=1%)
    clear_when: success_rate[20 tasks] >= 90%
    ladder: [probation, quarantine 10m, fire]
    notice: 5m
    mode: enforce
"""
KIN = DUMB.replace("name: dumb", "name: kin\n    scope: lineage").replace("notice: 5m", "")
DECAYED = """
  - name: decayed
    reason: dumb
    when: decayed(success, from=85%, to=60%, limit=9)
    action: fire
    notice: 5m
    mode: enforce
"""


def policies(*texts: str) -> PolicySet:
    loaded = load([Source("policies.yaml", GUARDS + "".join(texts))])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    return loaded.policy_set


def hired(*agents: str, text: str = DUMB, lineage: str | None = None) -> Rehearsal:
    rehearsal = Rehearsal(policies(text))
    for agent in agents:
        hire(rehearsal, agent, lineage)
    rehearsal.tick(5_000)
    return rehearsal


def hire(rehearsal: Rehearsal, agent: str, lineage: str | None = None) -> str:
    beat = Heartbeat(status=Status.WORKING, interval=86_400, lineage=lineage)
    return rehearsal.report(agent, beat).verdict


def do(rehearsal: Rehearsal, agent: str, result: Result, times: int, every_ms: int = 1) -> None:
    for _ in range(times):
        rehearsal.now += every_ms
        rehearsal.report(agent, Outcome(result=result))


def fail(rehearsal: Rehearsal, agent: str = "a", times: int = 20) -> None:
    do(rehearsal, agent, Result.FAILURE, times)


def succeed(rehearsal: Rehearsal, agent: str = "a", times: int = 20) -> None:
    do(rehearsal, agent, Result.SUCCESS, times)


def verdicts(rehearsal: Rehearsal) -> list[tuple[str, str]]:
    return [(each.agent_id, each.verdict.value) for each in rehearsal.decisions]


def place(rehearsal: Rehearsal) -> Place:
    (found,) = rehearsal.state.places()
    return found


def test_a_failing_agent_goes_down_the_whole_ladder() -> None:
    rehearsal = hired("a", "b")

    for _ in range(4):
        fail(rehearsal)
        rehearsal.live(11 * MINUTE, tick_ms=30_000)

    assert verdicts(rehearsal) == [
        ("a", "probation"),
        ("a", "quarantined"),
        ("a", "noticed"),
        ("a", "fired"),
    ]
    assert rehearsal.head("a").standing is Standing.FIRED
    assert place(rehearsal).rung == 2


def test_a_quarantined_agent_is_told_to_pause_until_then() -> None:
    rehearsal = hired("a")
    for _ in range(2):
        fail(rehearsal)
        rehearsal.tick(5_000)
        rehearsal.tick(5_000)

    receipt = rehearsal.report("a", Heartbeat())

    (order,) = receipt.orders
    assert (order.type, order.until) == ("pause", place(rehearsal).until)


def test_who_does_well_again_climbs_back() -> None:
    rehearsal = hired("a")
    fail(rehearsal)
    rehearsal.tick(5_000)

    succeed(rehearsal)
    rehearsal.live(10_000)

    assert verdicts(rehearsal) == [("a", "probation"), ("a", "released")]
    assert rehearsal.head("a").standing is Standing.ACTIVE
    assert (place(rehearsal).rung, place(rehearsal).passes) == (-1, 2)


def test_a_person_releases_and_the_next_pass_needs_new_evidence() -> None:
    rehearsal = hired("a")
    fail(rehearsal)
    rehearsal.tick(5_000)
    rehearsal.now += 1_000
    number = rehearsal.head("a").agent_no
    rehearsal.tell(Released(number, rehearsal.at, rehearsal.allot()))

    rehearsal.live(MINUTE, tick_ms=30_000)
    before = len(rehearsal.decisions)
    fail(rehearsal)
    rehearsal.live(MINUTE, tick_ms=30_000)

    assert before == 1
    assert verdicts(rehearsal)[1:] == [("a", "probation")]
    assert place(rehearsal).passes == 2


def test_a_persons_quarantine_outlasts_a_policys() -> None:
    rehearsal = hired("a")
    fail(rehearsal)
    rehearsal.tick(5_000)
    number, until = rehearsal.head("a").agent_no, rehearsal.at + HOUR
    rehearsal.tell(
        Stood(
            number,
            rehearsal.at,
            rehearsal.allot(),
            Standing.QUARANTINED,
            until,
            None,
            by_person=True,
        )
    )

    rehearsal.live(50 * MINUTE, tick_ms=30_000)
    paused = rehearsal.head("a").standing
    rehearsal.live(11 * MINUTE, tick_ms=30_000)

    assert paused is Standing.QUARANTINED
    assert rehearsal.head("a").standing is Standing.PROBATION
    assert rehearsal.decisions[-1].verdict == "probation"


def test_a_notice_does_not_wipe_out_the_decay_it_was_given_for() -> None:
    rehearsal = hired("a", text=DECAYED)
    succeed(rehearsal, times=30)
    rehearsal.tick(5_000)
    fail(rehearsal, times=15)

    rehearsal.live(6 * MINUTE, tick_ms=30_000)

    assert verdicts(rehearsal) == [("a", "noticed"), ("a", "fired")]


def test_a_condemned_lineage_is_turned_away_until_one_of_it_is_reinstated() -> None:
    rehearsal = hired("a1", text=KIN, lineage="worker")
    for _ in range(3):
        fail(rehearsal, "a1")
        rehearsal.live(11 * MINUTE, tick_ms=30_000)
    assert rehearsal.head("a1").standing is Standing.FIRED
    refused = hire(rehearsal, "a2", "worker")

    number = rehearsal.head("a1").agent_no
    rehearsal.tell(Reinstated(number, rehearsal.at, rehearsal.allot(), 2))
    rehearsal.live(MINUTE, tick_ms=30_000)

    assert refused == "refused"
    now = place(rehearsal)
    assert (now.subject, now.rung, now.passes) == ("lineage:worker", -1, 2)
    assert rehearsal.head("a1").standing is Standing.ACTIVE


def test_short_lived_ids_of_one_worker_make_one_case() -> None:
    rehearsal = hired(text=KIN)
    for number in range(8):
        hire(rehearsal, f"a{number}", "worker")
        fail(rehearsal, f"a{number}", times=1)
        rehearsal.tick(5_000)

    assert place(rehearsal).rung == 0
    assert {each.evidence.lineage for each in rehearsal.decisions} == {"worker"}


def test_a_restart_of_the_judge_at_any_tick_changes_nothing() -> None:
    def lived(*, restarts: bool) -> bytes:
        rehearsal = hired("a", "b", text=DUMB + DECAYED)
        for agent, count in [("a", 8), ("b", 3), ("a", 9), ("b", 12), ("a", 20), ("b", 20)]:
            fail(rehearsal, agent, times=count)
            for _ in range(5):
                rehearsal.tick(MINUTE)
                if restarts:
                    state = rehearsal.state
                    rehearsal.state = JudgeState.restore(
                        state.episodes(), places=state.places(), told=state.memory.told
                    )
        assert len(rehearsal.decisions) > 4
        return msgspec.json.encode((rehearsal.decisions, rehearsal.state.places()))

    assert lived(restarts=True) == lived(restarts=False)


def test_why_and_the_meter_tell_how_far_evidence_has_come() -> None:
    rehearsal = hired("a", "b")
    fail(rehearsal, times=3)
    look = rehearsal.look()
    number = rehearsal.head("a").agent_no
    slot = look.slot_of(number)
    assert slot is not None

    (answer,) = why(look, rehearsal.policy_set, rehearsal.state, slot=slot, stopped=None)
    near = nearness(look, rehearsal.policy_set, rehearsal.state)

    assert answer.meter is not None
    assert 0.4 < answer.meter < 0.6
    assert near == {number: round(answer.meter, 3)}
    assert (answer.rung, answer.rungs, answer.truth) == (0, 3, "false")
    (statistic,) = answer.statistics
    assert (statistic.tasks, statistic.successes) == (3, 0)
    assert "of the way" in answer.words
