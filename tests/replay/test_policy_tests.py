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
