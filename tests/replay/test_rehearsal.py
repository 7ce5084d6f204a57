"""A rehearsal does what the service would: reports, ticks, and what follows from them."""

from collections.abc import Callable

import msgspec
import pytest

from pinkslip.judge.judge import judge
from pinkslip.model.errors import Conflict
from pinkslip.model.events import Finish, Heartbeat, Outcome
from pinkslip.model.facts import Fact
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import Result, Standing, Status, Verdict
from pinkslip.policies.load import Source, load
from pinkslip.replay.people import People
from pinkslip.replay.rehearsal import START_MS, Rehearsal

MINUTE, HOUR = 60_000, 3_600_000

POLICIES = """
version: 1
guards:
  newborn: {age: 0s, tasks: 0}
policies:
  - name: unresponsive
    reason: unresponsive
    match: {status: [IDLE, WORKING, ERROR]}
    when: heartbeat_age > 3 * heartbeat_interval
    for: 30s
    mode: enforce
    action: fire
  - name: failing
    reason: dumb
    when: failures[1h] >= 3
    mode: enforce
    action: fire
"""


def policies(text: str = POLICIES) -> PolicySet:
    loaded = load([Source("policies.yaml", text)])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    return loaded.policy_set


def staffed(*agents: str) -> Rehearsal:
    played = Rehearsal(policies())
    for each in agents:
        played.report(each, Heartbeat(status=Status.WORKING, role="a", interval=30.0))
    return played


def beating(played: Rehearsal, *agents: str) -> Callable[[int], None]:
    def beat(now: int) -> None:
        if now % 30_000 == 0:
            for each in agents:
                played.report(each, Heartbeat())

    return beat


def verdicts(played: Rehearsal) -> list[tuple[str, str, str]]:
    return [(one.agent_id, one.policy, one.verdict) for one in played.decisions]


def test_the_silent_is_fired_and_told_so() -> None:
    played = staffed("silent", "worker")

    played.live(5 * MINUTE, meanwhile=beating(played, "worker"))

    assert verdicts(played) == [("silent", "unresponsive", "fired")]
    # allowed 90 s, seen at the next tick, then 30 s more
    assert played.decisions[0].at - START_MS == 125_000
    receipt = played.report("silent", Heartbeat())
    assert [order.type for order in receipt.orders] == ["stop"]
    assert played.heads["silent"].standing is Standing.FIRED


def test_two_policies_fire_an_agent_once() -> None:
    played = staffed("a", "b")
    played.adopt(
        policies(
            POLICIES.replace("heartbeat_age > 3 * heartbeat_interval", "failures[1h] >= 3")
        )
    )
    for _ in range(3):
        played.report("a", Outcome(result=Result.FAILURE))

    played.live(MINUTE, meanwhile=beating(played, "a", "b"))

    assert verdicts(played) == [("a", "failing", "fired")]


def test_who_left_before_the_tick_was_written_is_not_fired() -> None:
    played = staffed("a", "b")
    for _ in range(3):
        played.report("a", Outcome(result=Result.FAILURE))
    concluded = judge(
        played.look(), played.policy_set, played.state, workspace_id=1, stopped=None
    )
    played.report("a", Finish())

    played.enact(concluded)

    assert verdicts(played) == [("a", "failing", "superseded")]
    assert played.heads["a"].standing is Standing.ACTIVE


def test_a_finished_agent_is_let_go() -> None:
    played = staffed("a", "b")
    played.report("a", Finish())

    played.live(HOUR, meanwhile=beating(played, "b"))

    assert verdicts(played) == []


def test_blind_time_counts_against_nobody() -> None:
    played = staffed("a")
    played.live(10 * MINUTE, meanwhile=beating(played, "a"))

    played.go_blind(HOUR)
    played.live(MINUTE + 20_000)

    assert verdicts(played) == []


def test_a_reinstated_agent_comes_back_and_may_be_fired_again() -> None:
    played = staffed("a", "b")
    played.live(5 * MINUTE, meanwhile=beating(played, "b"))
    people = People(played)

    people.reinstate("a", wrong=True)
    played.report("a", Heartbeat())
    played.live(2 * HOUR, meanwhile=beating(played, "b"))

    fired = [one for one in played.decisions if one.verdict is Verdict.FIRED]
    assert [one.incarnation for one in fired] == [1, 2]


def test_what_a_person_cannot_do_is_refused() -> None:
    played = staffed("a")
    people = People(played)

    for act in (people.reinstate, people.release, people.veto, people.approve):
        with pytest.raises(Conflict):
            act("a")


def test_its_journal_replays_to_the_same_decisions() -> None:
    journal: list[Fact] = []
    marks: list[tuple[int, int]] = []
    played = Rehearsal(policies())
    played.on_fact = journal.append
    for each in ("a", "b", "c"):
        played.report(each, Heartbeat(status=Status.WORKING, role="a"))
    for step in range(60):
        played.report("b", Heartbeat())
        if step % 7 == 0:
            played.report("c", Outcome(result=Result.FAILURE))
        played.now += 5_000
        marks.append((played.now, len(journal)))
        played.tick()

    again, seen, decisions = Rehearsal(policies()), 0, []
    for now, mark in marks:
        again.fleet.fold(journal[seen:mark])
        seen = mark
        concluded = judge(
            again.fleet.at(now), again.policy_set, again.state, workspace_id=1, stopped=None
        )
        again.state.apply(concluded)
        decisions += concluded.decisions

    assert decisions
    assert msgspec.json.encode(decisions) == msgspec.json.encode(played.decisions)
