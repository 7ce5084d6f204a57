"""`tests:` of policy files: what is read, and what is refused where."""

import pytest

from pinkslip.model.policy import Guards, MaxFires
from pinkslip.model.words import Fault, Guard, Mode, Result, Source, Standing, Status, Verdict
from pinkslip.policies import load as loading
from pinkslip.policies.case_reader import read_cases
from pinkslip.policies.cases import OPEN, ActKind, Case
from pinkslip.policies.document import Fields, read
from pinkslip.policies.load import load
from pinkslip.policies.problems import LISTED_AT_MOST, Problem
from pinkslip.policies.schedules import BadSchedule, parse_rhythm, parse_series
from pinkslip.policies.text import Report, Text
from pinkslip.policies.values import Values

SECOND, MINUTE = 1_000, 60_000

WHOLE = """\
tests:
  - name: the silent are fired, and nobody else
    mode: enforce
    guards: {max_fires: {count: 9, per: 10m}}
    agents:
      - agent: silent
        role: developer
        interval: 20s
        beats: until 10m
      - agent: worker
        count: 3
        labels: {version: "2"}
        outcomes:
          - 12 success, 8 failure every 1m
          - {of: "1 failure by tool, timeout every 10s", kind: review, score: 20%, source: judge}
        says:
          - {at: 5m, status: WAITING, progress: 3}
        silent: from 6m until 7m
    happens:
      - {at: 9m, silence: {role: developer}, for: 30m, reason: deploy}
      - {at: 8m, protect: [worker-1, silent], for: 1h}
      - {at: 1m, restart: 2m}
      - {at: 20m, reinstate: silent, wrong: true}
    expect:
      - {at: 11m, agent: silent, verdict: nothing}
      - {agent: silent, policy: unresponsive, verdicts: [held, fired], standing: fired}
      - {agent: worker, never: [fired], count: 3}
      - {at: 12m, agent: silent, held: silence}
"""


def cases(text: str) -> tuple[tuple[Case, ...], list[str]]:
    report, source = Report(), Text("policies.yaml", text)
    root = read(source, report)
    assert isinstance(root, Fields)
    read_so_far = read_cases(
        Values(source, report),
        root.entries[0][1],
        policies=["unresponsive", "dumb", "elsewhere"],
        own=["unresponsive", "dumb"],
    )
    return read_so_far, [problem.render() for problem in report.problems]


def test_a_test_is_read_whole() -> None:
    (case,), problems = cases(WHOLE)

    assert problems == []
    assert (case.name, case.mode, case.tick_ms) == (
        "the silent are fired, and nobody else",
        Mode.ENFORCE,
        5 * SECOND,
    )
    assert case.policies == ("unresponsive", "dumb")
    assert case.lasts_ms == 20 * MINUTE + 5 * SECOND
    silent, worker = case.agents
    assert (silent.ids, silent.identity.role, silent.identity.interval) == (
        ("silent",),
        "developer",
        20.0,
    )
    assert list(silent.beats[0].instants(end_ms=40 * SECOND)) == [0, 20_000, 40_000]
    assert silent.beats[0].until_ms == 10 * MINUTE
    assert worker.ids == ("worker-1", "worker-2", "worker-3")
    assert worker.said[0].heartbeat.status is Status.WAITING
    assert worker.worked[1].outcome.score == 0.2
    assert worker.worked[1].source is Source.JUDGE
    assert [act.kind for act in case.acts] == [
        ActKind.RESTART,
        ActKind.PROTECT,
        ActKind.SILENCE,
        ActKind.REINSTATE,
    ]
    assert case.acts[1].agents == ("worker-1", "silent")
    first, second, third, fourth = case.expectations
    assert (first.nothing, first.at_ms, first.agents) == (True, 11 * MINUTE, ("silent",))
    assert second.verdicts == (Verdict.HELD, Verdict.FIRED)
    assert second.standing is Standing.FIRED
    assert (third.never, third.count) == (frozenset({Verdict.FIRED}), 3)
    assert fourth.held is Guard.SILENCE


@pytest.mark.parametrize(
    ("written", "judged"),
    [
        ("", ("unresponsive", "dumb")),
        ("policies: all, ", ("unresponsive", "dumb", "elsewhere")),
        ("policies: elsewhere, ", ("elsewhere",)),
        ("policies: [dumb, elsewhere], ", ("dumb", "elsewhere")),
    ],
)
def test_a_test_is_about_its_own_file_unless_it_says_otherwise(
    written: str, judged: tuple[str, ...]
) -> None:
    (case,), _ = cases(
        f"tests:\n- {{name: x, {written}agents: [{{agent: a}}], expect: nothing}}\n"
    )

    assert case.policies == judged


def test_guards_of_a_test_replace_those_of_the_set_key_by_key() -> None:
    (case,), _ = cases(WHOLE)
    theirs = Guards(min_active=7)

    over = case.guards_over(theirs)

    assert over.max_fires == MaxFires(count=9, per_ms=10 * MINUTE)
    assert over.min_active == 7


def test_open_guards_keep_the_pool() -> None:
    text = "tests:\n- {name: x, guards: open, agents: [{agent: a}], expect: nothing}\n"

    (case,), _ = cases(text)

    assert case.guards_over(Guards(pool="model")).pool == "model"
    assert case.guards_over(Guards()) == OPEN


def test_a_series_ends_by_itself_or_begins_again_until_its_end() -> None:
    once = parse_series("2 success, failure by provider every 1m from 5m")
    again = parse_series("2 success, failure every 1m until 4m")

    assert [(at // MINUTE, each.result) for at, each in once.happening(end_ms=10**9)] == [
        (5, Result.SUCCESS),
        (6, Result.SUCCESS),
        (7, Result.FAILURE),
    ]
    assert once.results[1].fault is Fault.PROVIDER
    assert [each.result.value for _, each in again.happening(end_ms=10**9)] == [
        "success",
        "success",
        "failure",
        "success",
        "success",
    ]
    assert parse_series("7 timeout at 3m").times(end_ms=3 * MINUTE) == 7


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("12 sucess every 1m", '"sucess" stands where a result is expected'),
        ("12 success by the way", '"the" stands where who is to blame is expected'),
        ("12 success evry 1m", '"evry" is not understood here'),
        ("12 success every", "every is not followed by a time"),
        ("12 success every 5", 'after every comes a time: "5" has no unit'),
        ("0 success", '"0" is no number of outcomes'),
        ("12 success, every 1m", '"every" stands where a result is expected'),
        ("success until 5m", "until needs an every"),
        ("success every 1m every 2m", "every is said twice"),
        ("success at 1m every 2m", "at stands alone"),
    ],
)
def test_a_sentence_that_cannot_be_read_is_refused(sentence: str, said: str) -> None:
    with pytest.raises(BadSchedule) as refused:
        parse_series(sentence)

    assert str(refused.value) == said


def test_a_rhythm_has_all_parts_or_none() -> None:
    assert list(parse_rhythm("every 30s from 1m until 2m").instants(end_ms=10**9)) == [
        60_000,
        90_000,
        120_000,
    ]
    assert list(parse_rhythm("at 5s").instants(end_ms=10**9)) == [5_000]
    assert list(parse_rhythm("").instants(end_ms=10**9)) == [0]


REFUSED = [
    ("- {agents: [{agent: a}], expect: nothing}", "the test has no name"),
    ("- {name: x, expect: nothing}", "the test has no agents"),
    ("- {name: x, agents: [{agent: a}]}", "the test has no expect"),
    ("- {name: x, agents: [{role: a}], expect: nothing}", "the agent has no name"),
    ("- {name: x, agents: [{agent: a}, {agent: a}], expect: nothing}", '"a" is taken already'),
    (
        "- {name: x, agents: [{agent: a}], expect: [{agent: b, verdict: fired}]}",
        'tests[0].expect[0].agent cannot be "b"',
    ),
    (
        "- {name: x, agents: [{agent: a}], expect: [{policy: dum, verdict: fired}]}",
        'tests[0].expect[0].policy cannot be "dum"',
    ),
    ("- {name: x, agents: [{agent: a}], expect: [{agent: a}]}", "claims nothing"),
    (
        "- {name: x, agents: [{agent: a}], expect: nothing, happens: [{at: 5m}]}",
        "does not say what happens",
    ),
    (
        "- {name: x, agents: [{agent: a}], expect: nothing, happens: [{at: 5m, protect: a}]}",
        "protect does not say for how long",
    ),
    ("- {name: x, tick: 1s, lasts: 30d, agents: [{agent: a}], expect: nothing}", "ticks"),
    (
        "- {name: x, lasts: 5d, agents: [{agent: a, count: 999}], expect: nothing}",
        "report",
    ),
    (
        '- {name: x, agents: [{agent: a, outcomes: "3 sucess"}], expect: nothing}',
        '"sucess" stands where',
    ),
]


@pytest.mark.parametrize(("case", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_is_wrong_is_said_with_its_place(case: str, said: str) -> None:
    read_so_far, problems = cases(f"tests:\n{case}\n")

    assert read_so_far == ()
    assert any(said in problem for problem in problems), problems


def test_the_caret_stands_under_the_word_of_a_sentence() -> None:
    text = "tests:\n- name: x\n  agents:\n  - agent: a\n    outcomes: 12 sucess every 1m\n  expect: nothing\n"

    _, (problem,) = cases(text)

    assert problem.split("\n")[1:] == [
        "  outcomes: 12 sucess every 1m",
        "               ^~~~~~",
        '  did you mean "success"?',
    ]


# as much as there may be, and values of the wrong shape

WORKER = "    agents: [{agent: worker}]\n"
NOTHING = "    expect: nothing\n"


def in_a_file(body: str) -> tuple[tuple[Case, ...], tuple[Problem, ...]]:
    """The cases and the problems of a policy file with this test."""
    loaded = load([loading.Source("a.yaml", f"version: 1\ntests:\n  - name: it\n{body}")])
    return loaded.cases, loaded.problems


def agent(text: str) -> str:
    return f"    agents: [{{agent: worker, {text}}}]\n{NOTHING}"


def act(text: str) -> str:
    return f"{WORKER}{NOTHING}    happens: [{{{text}}}]\n"


def description_of(length: int) -> str:
    return f"    description: {'x' * length}\n{WORKER}{NOTHING}"


def sentence_of(length: int) -> str:
    return agent(f'outcomes: "{"1 success":{length}}"')


@pytest.mark.parametrize(
    ("fits", "too_much", "said"),
    [
        pytest.param(
            f"    tick: 1s\n    lasts: 100000s\n{WORKER}{NOTHING}",
            f"    tick: 1s\n    lasts: 100001s\n{WORKER}{NOTHING}",
            "the test takes 100001 ticks; at most 100000",
            id="ticks",
        ),
        pytest.param(
            agent("count: 5000, beats: every 1s until 199s"),
            agent("count: 5000, beats: every 1s until 200s"),
            "the agents of this test report 1005000 times; at most 1000000",
            id="heartbeats",
        ),
        pytest.param(
            agent("count: 5000, beats: every 1s until 197s, outcomes: 2 success"),
            agent("count: 5000, beats: every 1s until 197s, outcomes: 3 success"),
            "the agents of this test report 1005000 times; at most 1000000",
            id="outcomes",
        ),
        pytest.param(
            agent("count: 5000, beats: every 1s until 198s, says: [{at: 1s}]"),
            agent("count: 5000, beats: every 1s until 198s, says: [{at: 1s}, {at: 2s}]"),
            "the agents of this test report 1005000 times; at most 1000000",
            id="what agents say",
        ),
        pytest.param(
            description_of(4_000),
            description_of(4_001),
            "tests[0].description has 4001 characters; at most 4000",
            id="description",
        ),
        pytest.param(
            sentence_of(1_000),
            sentence_of(1_001),
            "tests[0].agents[0].outcomes has 1001 characters; at most 1000",
            id="sentence",
        ),
        pytest.param(
            agent(f"outcomes: {{of: success, error: {'x' * 4_000}}}"),
            agent(f"outcomes: {{of: success, error: {'x' * 4_001}}}"),
            "tests[0].agents[0].outcomes.error has 4001 characters; at most 4000",
            id="error",
        ),
        pytest.param(
            act(f"at: 1m, stop: {'x' * 4_000}"),
            act(f"at: 1m, stop: {'x' * 4_001}"),
            "tests[0].happens[0].stop has 4001 characters; at most 4000",
            id="stop",
        ),
        pytest.param(
            agent(f"role: {'x' * 100}"),
            agent(f"role: {'x' * 101}"),
            "tests[0].agents[0]: Expected `str` of length <= 100 - at `$.role`",
            id="role",
        ),
    ],
)
def test_as_much_as_there_may_be_is_read_and_more_is_refused(
    fits: str, too_much: str, said: str
) -> None:
    (_,), no_problems = in_a_file(fits)
    refused, (problem,) = in_a_file(too_much)

    assert (no_problems, refused) == ((), ())
    assert problem.message == said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (agent("labels: {team: [1]}"), "tests[0].agents[0].labels.team must be a word"),
        (agent("progress: [1]"), "tests[0].agents[0].progress must be a word"),
        (agent("beats: [[1]]"), "tests[0].agents[0].beats[0] must be a word"),
        (agent("outcomes: {of: [1]}"), "tests[0].agents[0].outcomes.of must be a word"),
        (agent("says: {at: 5m, task: [1]}"), "tests[0].agents[0].says.task must be a word"),
        (act("at: 3m, protect: worker, for: [1]"), "tests[0].happens[0].for must be a word"),
        (act("at: 3m, release: "), '"release" has no value'),
    ],
)
def test_a_value_of_the_wrong_shape_is_refused_under_its_key(body: str, said: str) -> None:
    refused, (problem,) = in_a_file(body)

    assert refused == ()
    assert problem.message == said


def test_also_the_empty_name_may_be_given_once() -> None:
    one = f'  - name: ""\n{WORKER}{NOTHING}'

    problems = load([loading.Source("a.yaml", f"version: 1\ntests:\n{one}{one}")]).problems

    assert [problem.message for problem in problems] == [
        'another test of this file is called ""'
    ]


@pytest.mark.parametrize("text", ["outcomes: 3 sucess", "outcomes: {of: sucess}", "says: idle"])
def test_a_test_that_is_wrong_is_read_also_when_no_more_problems_are_listed(text: str) -> None:
    policies = "policies:\n" + "- {nam: a}\n" * LISTED_AT_MOST
    tests = f"tests:\n  - name: it\n{agent(text)}"

    loaded = load([loading.Source("a.yaml", f"version: 1\n{policies}{tests}")])

    assert loaded.policy_set is None
    assert len(loaded.problems) == LISTED_AT_MOST + 1


def test_what_no_agent_may_say_of_itself_is_shown_at_its_first_key() -> None:
    _, (problem,) = in_a_file(agent(f"role: {'x' * 101}"))

    assert (problem.line, problem.column, problem.key_path) == (4, 22, "tests[0].agents[0]")


@pytest.mark.parametrize(
    ("written", "line", "column"),
    [
        ("2 sucess", 5, 19),
        ('"2 sucess"', 5, 20),
        (">-\n        2 sucess", 5, 17),
    ],
    ids=["plain", "quoted", "over several lines"],
)
def test_a_sentence_is_shown_where_it_goes_wrong_or_where_it_begins(
    written: str, line: int, column: int
) -> None:
    _, (problem,) = in_a_file(
        f"    agents:\n    - outcomes: {written}\n      agent: worker\n{NOTHING}"
    )

    assert (problem.line, problem.column) == (line, column)
