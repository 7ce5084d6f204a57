"""`tests:` of policy files, run: what passes, and how a failure reads."""

import pytest

from pinkslip.policies.load import Source, load
from pinkslip.replay.policy_tests import Rehearsed, run

POLICIES = """\
version: 1
guards:
  newborn: {age: 1m, tasks: 5}
policies:
  - name: unresponsive
    reason: unresponsive
    match: {status: [IDLE, WORKING, ERROR]}
    when: heartbeat_age > 3 * heartbeat_interval
    clear_when: heartbeat_age < heartbeat_interval
    for: 30s
    action: fire
  - name: failing
    reason: dumb
    when: tasks[20 tasks] >= 5 and success_rate[20 tasks] < 50%
    mode: enforce
    action: fire
tests:
"""


def outcome_of(case: str) -> Rehearsed:
    loaded = load([Source("policies.yaml", POLICIES + case)])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    (only,) = loaded.cases
    return run(loaded.policy_set, only)


SILENT = """\
  - name: x
    mode: enforce
    agents:
      - {agent: silent, role: developer, interval: 30s, beats: until 10m}
      - {agent: worker, count: 9, role: developer}
"""
PASSING = {
    "the silent are fired at the tick that sees it, and nobody else": SILENT
    + """\
    expect:
      - {at: 12m, agent: silent, verdict: nothing, standing: active}
      - {at: 12m5s, agent: silent, verdict: fired, standing: fired}
      - {agent: worker, verdict: nothing}
      - {verdict: fired, count: 1}
""",
    "as written, it is in shadow": SILENT.replace("mode: enforce", "lasts: 20m")
    + """\
    expect:
      - {agent: silent, verdicts: [shadowed], never: [fired], standing: active, action: fire}
""",
    "who waits for a person may be silent": SILENT.replace(
        "beats: until 10m", "beats: until 10m, says: {at: 9m, status: WAITING}"
    )
    + "    expect: nothing\n",
    "a restart counts against nobody": SILENT.replace(
        "beats: until 10m", "silent: from 10m until 14m30s"
    )
    + """\
    happens:
      - {at: 9m55s, restart: 4m30s}
    expect: nothing
""",
    "control: without the restart they are fired": SILENT.replace(
        "beats: until 10m", "silent: from 10m until 14m30s"
    )
    + """\
    expect:
      - {agent: silent, verdict: fired}
""",
    "newborns are held, and fired when they are old enough": """\
  - name: x
    agents:
      - {agent: young, age: 0s, outcomes: 9 failure at 10s}
      - {agent: old, outcomes: 9 success}
    expect:
      - {at: 50s, agent: young, held: newborn, verdict: held}
      - {at: 1m, agent: young, verdicts: [held, fired]}
""",
    "guards of a test stand instead of the set's": """\
  - name: x
    guards: {newborn: {age: 5m}}
    agents:
      - {agent: young, age: 0s, outcomes: 9 failure at 10s}
      - {agent: old}
    lasts: 2m
    expect:
      - {agent: young, verdicts: [held]}
""",
    "who is protected is held": """\
  - name: x
    agents:
      - {agent: bad, outcomes: 9 failure at 10s}
      - {agent: good}
    happens:
      - {at: 5s, protect: bad, for: 10m}
    expect:
      - {at: 9m, agent: bad, held: protected}
      - {at: 11m, agent: bad, standing: fired}
""",
    "a tools failures are not the agents": """\
  - name: x
    agents:
      - {agent: unlucky, outcomes: 9 failure by tool every 10s}
      - {agent: other}
    expect: nothing
""",
    "who is reinstated begins anew": """\
  - name: x
    agents:
      - {agent: bad, outcomes: [9 failure at 10s, 9 failure at 30m]}
      - {agent: good}
    guards: open
    happens:
      - {at: 20m, reinstate: bad}
    expect:
      - {at: 25m, agent: bad, standing: active}
      - {agent: bad, verdicts: [fired, reinstated, fired]}
""",
    "who finished is let go": """\
  - name: x
    mode: enforce
    agents:
      - {agent: done, says: {at: 5m, leaving: true}}
      - {agent: good}
    lasts: 30m
    expect: nothing
""",
    "what enforcement stopped is held until it goes on": """\
  - name: x
    agents:
      - {agent: bad, outcomes: 9 failure at 1m}
      - {agent: good}
    happens:
      - {at: 30s, stop: looking at something}
      - {at: 5m, resume: true}
    expect:
      - {at: 4m, agent: bad, held: enforcement_stopped}
      - {at: 5m, agent: bad, verdict: fired}
""",
}


@pytest.mark.parametrize("case", PASSING.values(), ids=PASSING.keys())
def test_it_passes(case: str) -> None:
    assert outcome_of(case).failures == ()


FAILING = {
    "a verdict that came": (
        SILENT + "    expect: nothing\n    lasts: 13m\n",
        "silent: expected no verdict; unresponsive: fired at 12m5s",
    ),
    "a verdict that did not come in time": (
        SILENT + "    expect: [{at: 12m, agent: silent, verdict: fired}]\n",
        "at 12m: silent: expected fired; there was no verdict",
    ),
    "another standing": (
        SILENT + "    expect: [{at: 13m, agent: silent, standing: active}]\n",
        "at 13m: silent: expected standing active; it is fired since 12m5s",
    ),
    "another sequence": (
        SILENT + "    lasts: 13m\n    expect: [{agent: silent, verdicts: [held, fired]}]\n",
        "silent: expected held, fired; it was fired",
    ),
    "what must never be": (
        SILENT + "    lasts: 13m\n    expect: [{never: [fired]}]\n",
        "silent: expected it never to be; unresponsive: fired at 12m5s",
    ),
    "a guard": (
        SILENT + "    lasts: 13m\n    expect: [{agent: silent, held: panic}]\n",
        "silent: expected it held by panic; held by nobody",
    ),
    "a number of agents": (
        SILENT + "    lasts: 13m\n    expect: [{verdict: fired, count: 2}]\n",
        "expected it of 2 of 10 agents; it is so of 1: silent",
    ),
    "all of many": (
        SILENT + "    lasts: 13m\n    expect: [{agent: worker, verdict: fired}]\n",
        "worker-1 (and 8 more): expected fired; there was no verdict",
    ),
    "a cause": (
        SILENT + "    lasts: 13m\n    expect: [{cause: model=x}]\n",
        "expected the common cause model=x; there was nothing",
    ),
    "an act that cannot be": (
        SILENT + "    expect: nothing\n    happens: [{at: 1m, release: silent}]\n",
        "at 1m: release: agent silent is active; there is nothing to release",
    ),
    "an act while Pinkslip is down": (
        SILENT
        + "    expect: nothing\n    happens: [{at: 1m, restart: 2m}, {at: 2m, protect: silent, for: 1h}]\n",
        "at 2m: protect: Pinkslip is down then",
    ),
}


@pytest.mark.parametrize(("case", "said"), FAILING.values(), ids=FAILING.keys())
def test_it_fails_and_says_how(case: str, said: str) -> None:
    failures = outcome_of(case).failures

    assert any(f"error: {said}\n" in failure for failure in failures), failures


def test_a_failure_shows_the_course_of_its_agent_and_why_it_stands_so() -> None:
    case = SILENT + "    expect:\n      - {at: 12m, agent: silent, verdict: fired}\n"

    (failure,) = outcome_of(case).failures

    assert failure.split("\n") == [
        "policies.yaml:24:9: error: at 12m: silent: expected fired; there was no verdict",
        "  - {at: 12m, agent: silent, verdict: fired}",
        "    ^",
        "",
        "  silent",
        "       11m35s  unresponsive: holds",
        "          12m  <-- here",
        (
            "        12m5s  unresponsive: fired: no heartbeat for 2 min 5 s; allowed 90 s "
            "(3 x its 30 s interval), for 30 s"
        ),
        "        12m5s  standing fired",
        (
            "    at 12m, unresponsive: it holds: no heartbeat for 2 min; allowed 90 s "
            "(3 x its 30 s interval); for 25 s of 30 s, 5 s are missing"
        ),
        "    at 12m, failing: it does not hold: 0 tasks in its last 20 tasks (below 5)",
    ]


def test_the_same_test_gives_the_same_every_time() -> None:
    case = SILENT + "    expect: nothing\n    lasts: 13m\n"

    assert outcome_of(case) == outcome_of(case)


LADDER = """\
version: 1
guards:
  newborn: {age: 0s, tasks: 0}
policies:
  - name: failing
    reason: dumb
    when: failures[10m] >= 3
    clear_when: failures[10m] == 0
    mode: enforce
    ladder: [probation, quarantine 5m, fire]
    notice: 2m
  - name: asking
    reason: derailed
    when: off_track[10m] >= 3
    mode: enforce
    action: fire
    approval: true
tests:
"""
STAFF = """\
  - name: x
    agents:
      - agent: bad
        outcomes: OUTCOMES
      - {agent: good, count: 9}
"""


def laddered(outcomes: str, rest: str) -> Rehearsed:
    text = LADDER + STAFF.replace("OUTCOMES", outcomes) + rest
    loaded = load([Source("policies.yaml", text)])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]
    (only,) = loaded.cases
    return run(loaded.policy_set, only)


LADDERS = {
    "one bad stretch pays for one rung, and recovery climbs back": (
        "5 failure every 1m",
        """\
    lasts: 30m
    expect:
      - {at: 2m, agent: bad, standing: probation}
      - {agent: bad, verdicts: [probation, released]}
      - {at: 30m, agent: bad, standing: active}
      - {agent: good, verdict: nothing}
""",
    ),
    "a fire that was announced is vetoed": (
        "[3 off_track at 1m]",
        """\
    happens:
      - {at: 3m, veto: bad}
    lasts: 30m
    expect:
      - {at: 2m, agent: bad, verdict: asked, standing: notice}
      - {agent: bad, policy: asking, verdicts: [asked, vetoed]}
      - {at: 30m, agent: bad, standing: active}
""",
    ),
    "a fire that needs approval waits for it": (
        "[3 off_track at 1m]",
        """\
    happens:
      - {at: 3m, approve: bad}
    lasts: 5m
    expect:
      - {at: 2m59s, agent: bad, verdict: asked}
      - {at: 3m, agent: bad, verdict: fired, standing: fired}
      - {agent: bad, policy: asking, verdicts: [asked, approved, fired]}
""",
    ),
    "nobody fires what nobody approves": (
        "[3 off_track at 1m]",
        """\
    lasts: 9m
    expect:
      - {agent: bad, policy: asking, verdicts: [asked]}
""",
    ),
    "a persons quarantine holds until its end": (
        "1 success",
        """\
    happens:
      - {at: 1m, quarantine: bad, for: 10m}
    lasts: 20m
    expect:
      - {at: 5m, agent: bad, standing: quarantined}
      - {at: 12m, agent: bad, standing: active}
""",
    ),
    "who is silenced is left alone": (
        "5 failure every 1m",
        """\
    happens:
      - {at: 30s, silence: {agent: bad}, for: 4m, reason: deploy}
    expect:
      - {at: 3m, agent: bad, held: silence}
      - {at: 5m, agent: bad, standing: probation}
""",
    ),
}


@pytest.mark.parametrize(("outcomes", "rest"), LADDERS.values(), ids=LADDERS.keys())
def test_ladders_notices_and_people(outcomes: str, rest: str) -> None:
    assert laddered(outcomes, rest).failures == ()


def test_going_down_the_ladder_to_the_end_and_overruling_it_twice() -> None:
    text = (
        LADDER.replace("ladder: [probation, quarantine 5m, fire]", "action: fire")
        + """\
  - name: x
    guards: open
    agents:
      - {agent: bad, count: 2, outcomes: 3 failure at 1m}
      - {agent: later, outcomes: 3 failure at 10m}
    happens:
      - {at: 2m, veto: [bad-1, bad-2]}
    expect:
      - {at: 1m, agent: bad, verdict: noticed}
      - {at: 2m, demoted: failing}
      - {at: 10m, agent: later, verdict: shadowed}
"""
    )
    loaded = load([Source("policies.yaml", text)])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]

    assert run(loaded.policy_set, loaded.cases[0]).failures == ()


def test_thirty_that_share_a_model_are_a_cause_and_nobody_is_fired() -> None:
    text = (
        LADDER.replace(
            "    ladder: [probation, quarantine 5m, fire]\n    notice: 2m", "    action: fire"
        )
        + """\
  - name: x
    guards: {panic: off}
    agents:
      - {agent: shared, count: 30, model: gpt-9, outcomes: 5 failure at 1m}
      - {agent: other, count: 70, model: gpt-8, outcomes: 5 success at 1m}
    expect:
      - {cause: model=gpt-9}
      - {never: [fired]}
      - {agent: shared, held: common_cause}
  - name: y
    guards: {panic: off}
    agents:
      - {agent: a, count: 15, model: gpt-9, outcomes: 5 failure at 1m}
      - {agent: b, count: 35, model: gpt-9, outcomes: 5 success at 1m}
      - {agent: c, count: 15, model: gpt-8, outcomes: 5 failure at 1m}
      - {agent: d, count: 35, model: gpt-8, outcomes: 5 success at 1m}
    expect:
      - {verdict: fired, count: 3}
"""
    )
    loaded = load([Source("policies.yaml", text)])
    assert loaded.policy_set is not None, [each.render() for each in loaded.problems]

    for case in loaded.cases:
        assert run(loaded.policy_set, case).failures == ()
