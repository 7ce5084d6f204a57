"""What can be told of policies once a fleet was seen: who can never match, and how many a pool may lose."""

import pytest

from pinkslip.model.words import Result
from pinkslip.policies.known import Known
from pinkslip.policies.load import Source, load
from pinkslip.policies.problems import Problem

HEAD = "version: 1\npolicies:\n  - name: a\n"


EMPTY: frozenset[str] = frozenset()


def problems(keys: str, known: Known, *, more: str = "") -> tuple[Problem, ...]:
    loaded = load([Source("a.yaml", HEAD + keys + more)], known=known)
    assert loaded.policy_set is not None
    return loaded.problems


def said(keys: str, known: Known, *, more: str = "") -> list[str]:
    """Everything said of one policy, with its severity and hint."""
    return [
        f"{problem.severity}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
        for problem in problems(keys, known, more=more)
    ]


def test_nothing_is_said_of_what_is_not_known() -> None:
    keys = (
        "    when: off_track[30d] > 3 and success_rate[5 tasks] < 50%\n    match: {role: x}\n"
    )

    assert said(keys, Known()) == []


def test_a_result_that_nobody_ever_reported_is_named() -> None:
    known = Known(results=frozenset({Result.SUCCESS, Result.FAILURE}))

    [first, second] = said(
        "    when: off_track[1d] > 3 or corruptions[1d] + off_track[1d] > 3\n", known
    )

    assert first.startswith(
        "warning: no agent has ever reported off_track: off_track[1d] has always been 0"
    )
    assert "context_overflow or unparsable" in second


@pytest.mark.parametrize("result", [Result.CONTEXT_OVERFLOW, Result.UNPARSABLE])
def test_one_of_the_results_a_measure_counts_is_enough(result: Result) -> None:
    assert said("    when: corruptions[1d] > 3\n", Known(results=frozenset({result}))) == []


def test_a_word_that_no_agent_has_is_named_with_the_nearest_that_one_has() -> None:
    known = Known(
        fields={
            "role": frozenset({"researcher", "developer"}),
            "label.team": frozenset({"red", "blue"}),
        }
    )

    assert said(
        "    when: age > 1d\n    match: {role: [reseacher, developer], label.team: green}\n",
        known,
    ) == [
        'warning: no agent has role "reseacher"; did you mean "researcher"?',
        'warning: no agent has label.team "green"; seen: "blue", "red"',
    ]


def test_of_many_words_seen_some_are_named_and_the_rest_are_counted() -> None:
    known = Known(fields={"role": frozenset("abcdefg")})

    [message] = said("    when: age > 1d\n    match: {role: researcher}\n", known)

    assert message.endswith('seen: "a", "b", "c", "d", "e" and 2 more')


@pytest.mark.parametrize(
    ("match", "known", "excerpt_meant", "hint"),
    [
        pytest.param(
            "{role: [developer, tester]}",
            Known(fields={"role": frozenset({"developer"})}),
            "tester",
            'seen: "developer"',
            id="a word",
        ),
        pytest.param("{host: [h2, h1]}", Known(fields={"host": EMPTY}), "h1", "", id="a field"),
        pytest.param(
            "{role: tester}",
            Known(fields={"role": frozenset("abcde")}),
            "tester",
            'seen: "a", "b", "c", "d", "e"',
            id="as many as are listed",
        ),
        pytest.param(
            "{role: tester}",
            Known(fields={"role": frozenset("abcdef")}),
            "tester",
            'seen: "a", "b", "c", "d", "e" and 1 more',
            id="one more than are listed",
        ),
    ],
)
def test_what_nobody_has_is_pointed_at(
    match: str, known: Known, excerpt_meant: str, hint: str
) -> None:
    [problem] = problems(f"    when: age > 1d\n    match: {match}\n", known)

    meant = problem.excerpt[problem.caret : problem.caret + problem.width]
    field = match[1 : match.index(":")]
    assert (meant, problem.hint) == (excerpt_meant, hint)
    assert problem.key_path == f"policies[0].match.{field}"


def test_patterns_and_fields_nobody_told_of_are_let_be() -> None:
    known = Known(fields={"role": frozenset({"developer"})})

    assert said("    when: age > 1d\n    match: {role: ~dev.*, model: x}\n", known) == []


@pytest.mark.parametrize(
    ("match", "said_of_it"),
    [
        ("host: h1", "no agent has a host"),
        ("host: ~h.*", "no agent has a host"),
        ("lineage: [zz, yy]", "no agent has a lineage"),
        ("model: gpt", 'no agent has model "gpt"; did you mean "gpt-5"?'),
        ("agent: a1", "no agent has an agent"),
        ("label.team: y", 'no agent has a label team; did you mean "teams"?'),
        ("label.zone: eu", 'no agent has label.zone "eu"; seen: "us"'),
        ("label.build: b7", None),
        ("label.zone: us", None),
        ("role: anything", None),
    ],
)
def test_what_nobody_gives_is_told_from_what_is_not_known(
    match: str, said_of_it: str | None
) -> None:
    known = Known(
        fields={
            "host": EMPTY,
            "lineage": EMPTY,
            "agent": EMPTY,
            "model": frozenset({"gpt-5"}),
            "label.zone": frozenset({"us"}),
        },
        labels=frozenset({"zone", "build", "teams"}),
    )

    found = said(f"    when: age > 1d\n    match: {{{match}}}\n", known)

    assert len(found) == (said_of_it is not None)
    assert all(message.endswith(said_of_it or "") for message in found)


def test_where_nobody_has_labels_that_is_said_where_one_is_asked_for() -> None:
    keys = "    when: age > 1d\n    match: {label.team: y}\n"

    [message] = said(keys, Known(labels=EMPTY))
    assert message.endswith("no agent has a label team; agents give labels when they register")
    assert said(keys, Known()) == []


def test_a_window_longer_than_what_is_kept_is_named() -> None:
    known = Known(retention_ms=7 * 86_400_000)

    assert said("    when: tasks[7d] > 3\n", known) == []
    [message] = said("    when: tasks[8d] > 3\n", known)
    assert "the window is longer than outcomes are kept: 7d" in message


@pytest.mark.parametrize("known", [Known(min_tasks=5), Known()])
def test_a_rate_over_too_few_tasks_is_never_known(known: Known) -> None:
    """Where no service is asked the setting is taken for what it is unless somebody changes it."""
    assert said("    when: success_rate[5 tasks] < 50% or tasks[4 tasks] > 3\n", known) == []
    [message] = said("    when: success_rate[4 tasks] < 50%\n", known)
    assert "never known: rates of fewer than 5 tasks are unknown" in message


@pytest.mark.parametrize(
    ("key", "condition", "known", "said"),
    [
        pytest.param(
            "clear_when",
            "tasks[8d] > 3",
            Known(retention_ms=7 * 86_400_000),
            (
                "the window is longer than outcomes are kept: 7d",
                "shorten it: it can hold no more than what is kept",
            ),
            id="longer than what is kept",
        ),
        pytest.param(
            "clear_when",
            "success_rate[4 tasks] > 50%",
            Known(min_tasks=5),
            (
                "success_rate[4 tasks] is never known: rates of fewer than 5 tasks are unknown",
                "write success_rate[5 tasks] or more (setting min_tasks)",
            ),
            id="fewer than make a rate",
        ),
        pytest.param(
            "when",
            "off_track[1d] > 3",
            Known(results=frozenset()),
            (
                "no agent has ever reported off_track: off_track[1d] has always been 0",
                "have whoever reports outcomes give the result off_track, or leave it out",
            ),
            id="a result nobody reports",
        ),
    ],
)
def test_what_this_fleet_cannot_answer_is_said_with_what_to_do(
    key: str, condition: str, known: Known, said: tuple[str, str]
) -> None:
    when = condition if key == "when" else "heartbeat_age > 5m"
    clear = f"    clear_when: {condition}\n" if key == "clear_when" else ""

    [problem] = problems(f"    when: {when}\n{clear}", known)

    assert (problem.message, problem.hint) == said
    assert problem.key_path == f"policies[0].{key}"


FIRES = "    when: age > 1d\n    action: fire\n    reason: dumb\n"


def test_how_many_a_pool_may_lose_is_noted() -> None:
    known = Known(pools={"researcher": 5, "developer": 40}, pool_label="role")

    assert said(FIRES, known) == [
        "note: pool developer has 40 agents: at most 4 fires an hour",
        "note: pool researcher has 5 agents: at most 1 fire an hour",
    ]


@pytest.mark.parametrize(
    ("keys", "label"),
    [("    when: age > 1d\n", "role"), (FIRES + "    mode: off\n", "role"), (FIRES, "model")],
    ids=["nothing fires", "off", "pools by another label"],
)
def test_pools_are_noted_only_where_they_matter(keys: str, label: str) -> None:
    assert said(keys, Known(pools={"researcher": 5}, pool_label=label)) == []


def test_a_policy_of_the_packaged_set_is_named_where_it_is_extended() -> None:
    text = "version: 1\nextends: builtin@1\n"
    known = Known(results=frozenset({Result.SUCCESS, Result.OFF_TRACK, Result.UNPARSABLE}))

    [problem] = load([Source("a.yaml", text)], known=known).problems

    assert (problem.file, problem.line) == ("a.yaml", 2)
    assert problem.message.startswith("obstinate: no agent has ever reported refused")


def test_too_few_tasks_are_what_the_service_is_set_to() -> None:
    keys = "    when: tasks[1h] < 3 and success_rate[1h] < 50%\n"

    assert said(keys, Known(min_tasks=2)) == []
    [message] = said(keys, Known(min_tasks=3))
    assert "rates of fewer than 3 tasks are unknown" in message
