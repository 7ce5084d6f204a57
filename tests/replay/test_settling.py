"""What comes between a tick's look and its transaction is heeded, as the store heeds it."""

from collections.abc import Callable

import pytest

from pinkslip.judge.conclusions import Judgement
from pinkslip.judge.judge import judge
from pinkslip.model.errors import Conflict
from pinkslip.model.events import Heartbeat, Outcome
from pinkslip.model.words import Result, Standing, Status
from pinkslip.policies.load import Source, load
from pinkslip.replay.people import People
from pinkslip.replay.rehearsal import Rehearsal

MINUTE = 60_000
POLICIES = """
version: 1
guards:
  newborn: {age: 0s, tasks: 0}
  min_active: 0
policies:
  - name: failing
    reason: dumb
    scope: lineage
    when: failures[1h] >= 3
    mode: enforce
    LADDER
"""


def staffed(ladder: str) -> Rehearsal:
    loaded = load([Source("policies.yaml", POLICIES.replace("LADDER", ladder))])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    played = Rehearsal(loaded.policy_set)
    for agent_id in ("a", "b"):
        played.report(agent_id, Heartbeat(status=Status.WORKING, role="x", lineage="kin"))
    played.now += MINUTE
    for _ in range(3):
        played.report("a", Outcome(result=Result.FAILURE))
    return played


def looked(played: Rehearsal) -> Judgement:
    return judge(played.look(), played.policy_set, played.state, workspace_id=1, stopped=None)


def verdicts(played: Rehearsal) -> list[str]:
    return [one.verdict for one in played.decisions]


@pytest.mark.parametrize(
    ("meanwhile", "verdict"),
    [
        (lambda people, now: None, "fired"),
        (lambda people, now: people.protect("a", until=now + MINUTE), "superseded"),
        (lambda people, now: people.protect("a", until=None), "fired"),
        (lambda people, now: people.protect("b", until=now + MINUTE), "fired"),
    ],
    ids=["nobody", "protected", "protection lifted", "another"],
)
def test_whom_a_person_protected_meanwhile_is_spared(
    meanwhile: Callable[[People, int], None], verdict: str
) -> None:
    played = staffed("action: fire")
    judgement = looked(played)

    meanwhile(People(played), played.now)
    played.enact(judgement)

    assert verdicts(played) == [verdict]


def test_what_was_vetoed_meanwhile_is_not_carried_out() -> None:
    played = staffed("action: fire\n    notice: 1m")
    played.tick()
    played.now += MINUTE
    judgement = looked(played)

    People(played).veto("a")
    played.enact(judgement)

    assert verdicts(played) == ["noticed", "vetoed", "superseded"]
    assert played.heads["a"].standing is not Standing.FIRED
    played.tick(5_000)
    assert verdicts(played)[3:] == []


def test_a_person_quarantine_outdoes_what_the_tick_found() -> None:
    played = staffed("action: probation")
    judgement = looked(played)
    until = played.now + MINUTE

    played.now += 1
    People(played).quarantine("a", until=until)
    played.enact(judgement)

    assert (played.heads["a"].standing, played.heads["a"].standing_until) == (
        Standing.QUARANTINED,
        until,
    )


def test_a_lineage_that_was_fired_is_turned_away_until_one_of_it_is_reinstated() -> None:
    played = staffed("action: fire")
    played.tick()

    refused = played.report("c", Heartbeat(lineage="kin"))
    People(played).reinstate("a")
    let_in = played.report("c", Heartbeat(lineage="kin"))

    assert (refused.verdict, let_in.verdict) == ("refused", "accepted")
    assert [order.type for order in refused.orders] == ["stop"]


def test_who_was_forgotten_is_known_again_when_it_is_spoken_of() -> None:
    played = staffed("action: fire")
    played.tick()
    played.now += MINUTE
    played.forget(left_before=played.now)
    gone = played.fleet.agent("a", now=played.now)

    People(played).reinstate("a")

    back = played.fleet.agent("a", now=played.now)
    assert gone is None
    assert back is not None
    assert (back.incarnation, back.standing) == (2, Standing.ACTIVE)


def test_a_question_that_was_answered_is_not_answered_again() -> None:
    played = staffed("action: fire\n    approval: true")
    played.tick()
    people = People(played)

    people.approve("a")

    with pytest.raises(Conflict):
        people.approve("a")
    people.veto("a")
    played.tick(5_000)
    assert verdicts(played) == ["asked", "approved", "vetoed"]
