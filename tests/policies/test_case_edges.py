"""`tests:` of policy files at their limits, and what is said of values that have the wrong shape."""

import pytest

from pinkslip.policies.cases import TICK_MS, Case
from pinkslip.policies.load import Source, load
from pinkslip.policies.problems import LISTED_AT_MOST, Problem
from pinkslip.policies.schedules import Rhythm

SECOND, MINUTE = 1_000, 60_000
WORKER = "    agents: [{agent: worker}]\n"
NOTHING = "    expect: nothing\n"


def read(body: str) -> tuple[tuple[Case, ...], tuple[Problem, ...]]:
    loaded = load([Source("a.yaml", f"version: 1\ntests:\n  - name: it\n{body}")])
    return loaded.cases, loaded.problems


def case(body: str) -> Case:
    (found,), problems = read(body)
    assert problems == ()
    return found


def agent(text: str) -> str:
    return f"    agents: [{{agent: worker, {text}}}]\n{NOTHING}"


def act(text: str) -> str:
    return f"{WORKER}{NOTHING}    happens: [{{{text}}}]\n"


def description(length: int) -> str:
    return f"    description: {'x' * length}\n{WORKER}{NOTHING}"


def sentence(length: int) -> str:
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
            description(4_000),
            description(4_001),
            "tests[0].description has 4001 characters; at most 4000",
            id="description",
        ),
        pytest.param(
            sentence(1_000),
            sentence(1_001),
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
    case(fits)
    cases, (problem,) = read(too_much)

    assert cases == ()
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
    cases, (problem,) = read(body)

    assert cases == ()
    assert problem.message == said


@pytest.mark.parametrize("text", ["outcomes: 3 sucess", "outcomes: {of: sucess}", "says: idle"])
def test_a_test_that_is_wrong_is_read_also_when_no_more_problems_are_listed(text: str) -> None:
    policies = "policies:\n" + "- {nam: a}\n" * LISTED_AT_MOST
    tests = f"tests:\n  - name: it\n{agent(text)}"

    loaded = load([Source("a.yaml", f"version: 1\n{policies}{tests}")])

    assert loaded.policy_set is None
    assert len(loaded.problems) == LISTED_AT_MOST + 1


def test_what_no_agent_may_say_of_itself_is_shown_at_its_first_key() -> None:
    _, (problem,) = read(agent(f"role: {'x' * 101}"))

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
    _, (problem,) = read(
        f"    agents:\n    - outcomes: {written}\n      agent: worker\n{NOTHING}"
    )

    assert (problem.line, problem.column) == (line, column)


def test_the_empty_word_stays_empty() -> None:
    labels = case(agent('labels: {team: ""}')).agents[0].identity.labels
    (silence,) = case(act('at: 1m, silence: {role: dev}, for: 1m, reason: ""')).acts
    (stop,) = case(act('at: 1m, stop: ""')).acts

    assert labels == {"team": ""}
    assert (silence.reason, stop.reason) == ("", "")


def test_the_least_and_the_most_are_read_as_they_are() -> None:
    (worked,) = case(agent("outcomes: {of: success, duration: 0s}")).agents[0].worked
    (review,) = case(act("at: 0s, review: worker, score: 100%")).acts

    assert worked.outcome.duration_ms == 0
    assert (review.at_ms, review.score_e6) == (0, 1_000_000)


def test_a_rhythm_with_an_interval_and_an_end_keeps_its_interval() -> None:
    found = case(agent("interval: 30s, beats: every 10s until 5m")).agents[0]

    assert found.beats == (Rhythm(10 * SECOND, until_ms=5 * MINUTE),)


def test_a_test_that_speaks_of_no_instant_lasts_one_tick() -> None:
    found = case("    agents: [{agent: worker, beats: none}]\n    expect: []\n")

    assert found.lasts_ms == TICK_MS


def test_acts_and_expectations_know_their_place() -> None:
    found = case(
        f"{WORKER}    happens:\n      - {{at: 1m, release: worker}}\n"
        "    expect:\n      - {verdict: nothing}\n"
    )

    assert [(each.place.line, each.place.column) for each in found.acts] == [(5, 8)]
    assert [(each.place.line, each.place.column) for each in found.expectations] == [(7, 8)]


def test_also_the_empty_name_may_be_given_once() -> None:
    one = f'  - name: ""\n{WORKER}{NOTHING}'

    problems = load([Source("a.yaml", f"version: 1\ntests:\n{one}{one}")]).problems

    assert [problem.message for problem in problems] == [
        'another test of this file is called ""'
    ]
