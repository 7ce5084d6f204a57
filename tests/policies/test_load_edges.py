"""What loading says about several files, about too many problems and about pools: where, and of which key."""

import pytest

from pinkslip.fleet.needs import Need
from pinkslip.model.policy import Filter, Guards
from pinkslip.model.words import Fault
from pinkslip.policies.known import Known
from pinkslip.policies.load import Loaded, Source, load, needs
from pinkslip.policies.problems import Problem, Severity

HEAD = "version: 1\npolicies:\n"
FIRES = HEAD + "  - {name: fires, when: age > 1d, action: fire, reason: dumb}\n"
GUARDS = "version: 1\n# for all\nguards: {min_active: 2}\n"


def of(*texts: str, known: Known | None = None) -> Loaded:
    sources = [Source(f"{number}.yaml", text) for number, text in enumerate(texts, start=1)]
    return load(sources, known=known)


def where(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, problem.key_path


def test_a_second_set_and_second_guards_are_refused_where_they_stand() -> None:
    text = "version: 1\nextends: builtin@1\nguards: {min_active: 2}\n"

    guards, extends = sorted(
        (
            problem
            for problem in of(text, HEAD + "  []\n", text).problems
            if problem.is_error and "second time" in problem.message
        ),
        key=lambda problem: -problem.line,
    )

    assert where(extends) == ("3.yaml", 2, 10, "extends")
    assert extends.message == "a set is extended a second time, here and in 1.yaml:2"
    assert extends.hint == "keep one of them, with all patches in its file"
    assert where(guards) == ("3.yaml", 3, 9, "guards")
    assert guards.message == "guards are given a second time, here and in 1.yaml:3"
    assert guards.hint == "keep one of them: guards hold for the whole workspace"


@pytest.mark.parametrize(
    ("texts", "place"),
    [
        ((FIRES,), ("1.yaml", 1, 1, "guards")),
        ((FIRES, GUARDS), ("2.yaml", 3, 9, "guards")),
    ],
    ids=["by default", "as written"],
)
def test_what_pools_may_lose_is_noted_where_the_guards_stand(
    texts: tuple[str, ...], place: tuple[str, int, int, str]
) -> None:
    known = Known(pools={"": 5, "tester": 1}, pool_label="role")

    nameless, tester = of(*texts, known=known).problems

    assert where(nameless) == where(tester) == place
    assert nameless.message.startswith("the pool of agents without a role has 5 agents: ")
    assert tester.message.startswith("pool tester has 1 agent: ")


def test_the_guards_of_a_file_hold_beside_a_set_that_another_extends() -> None:
    loaded = of("version: 1\nextends: builtin@1\n", GUARDS)

    assert loaded.policy_set is not None
    assert loaded.policy_set.guards == Guards(min_active=2)


def misspelt(count: int) -> str:
    return "version: 1\n" + "".join(f"key{number}: x\n" for number in range(count))


def test_of_too_many_errors_the_last_says_how_many_are_not_listed() -> None:
    loaded = of(misspelt(199), misspelt(5))

    assert len(loaded.problems) == 201
    assert loaded.problems[-1].as_json() == {
        "file": "2.yaml",
        "line": 1,
        "column": 1,
        "severity": "error",
        "message": "4 problems more, not listed",
        "hint": "put these right first",
        "excerpt": "",
        "keyPath": "",
    }


def warned(first: int, count: int) -> str:
    """Policies that can never match."""
    return "".join(
        f"  - {{name: p{number}, when: 'tasks[1h] < 0'}}\n"
        for number in range(first, first + count)
    )


def test_beyond_any_number_of_warnings_every_policy_is_read() -> None:
    fatal = "  - {name: fatal, when: age > 1h, action: fire, reason: dumb}\n"

    loaded = of(HEAD + warned(0, 205), HEAD + warned(205, 1) + fatal)

    assert loaded.policy_set is not None
    assert len(loaded.policy_set.policies) == 207


@pytest.mark.parametrize(
    "broken",
    [
        "  - {name: last, when: 'nonsense > 3'}\n",
        "  - {name: p0, when: age > 1h}\n",
        "  - {name: last, when: age > 1h, action: fire}\n",
        "  - {name: last, when: age > 1h, reason: dumb, ladder: [fire, notify]}\n",
    ],
)
def test_beyond_any_number_of_warnings_an_error_refuses_the_set(broken: str) -> None:
    loaded = of(HEAD + warned(0, 205) + broken)

    assert loaded.policy_set is None
    assert [each.severity for each in loaded.problems].count(
        Severity.ERROR
    ) == 2  # and the last says more


@pytest.mark.parametrize("before", [200, 205])
def test_beyond_any_number_of_problems_a_test_without_a_name_is_one_more(before: int) -> None:
    nameless = "tests:\n" + "- {agents: [{agent: a}], expect: nothing}\n"

    assert of(HEAD + warned(0, before) + nameless).policy_set is None
    assert (
        of(
            "version: 1\n" + nameless + "- {agents: [{agent: a}], expect: nothing}\n" * before
        ).policy_set
        is None
    )


def test_too_many_warnings_are_no_error() -> None:
    text = HEAD + "".join(
        f"  - {{name: p{number}, when: 'tasks[1h] < 0'}}\n" for number in range(199)
    )

    loaded = of(text + "  - {name: last, when: 'tasks[1h] < 0', percent: 0%}\n")

    assert loaded.policy_set is not None
    assert loaded.problems[-1].message == "1 problem more, not listed"
    assert loaded.problems[-1].severity is Severity.WARNING


@pytest.mark.parametrize(
    ("name", "shown"), [("too_slow", "too slow"), ("far-too_slow", "far too slow")]
)
def test_a_reason_is_shown_without_its_joints(name: str, shown: str) -> None:
    policy_set = load([Source("a.yaml", FIRES)], extra_reasons=(name,)).policy_set

    assert policy_set is not None
    assert dict(policy_set.displays)[name] == shown


def test_evidence_of_decay_counts_the_outcomes_its_policy_does() -> None:
    policy_set = of(
        HEAD
        + "  - {name: a, when: 'decayed(success, from=85%, to=60%)', faults: [agent, tool]}\n"
    ).policy_set

    assert policy_set is not None
    assert needs(policy_set) == [
        Need(
            "decayed",
            outcomes=Filter(frozenset({Fault.AGENT, Fault.TOOL})),
            parameters=(0.85, 0.6),
        )
    ]


CASE = """\
tests:
  - name: told
    agents: [{agent: worker}]
    expect: nothing
"""


@pytest.mark.parametrize("beside", ["", "sort: x\n"], ids=["good", "refused"])
def test_tests_are_of_the_policies_of_their_own_file(beside: str) -> None:
    own = HEAD + "  - {name: a, when: age > 1d}\n" + CASE + beside

    loaded = of(own, HEAD + "  - {name: b, when: age > 1d}\n")

    [case] = loaded.cases
    assert case.policies == ("a",)


def test_tests_of_a_file_without_policies_are_of_all() -> None:
    [case] = of(FIRES, "version: 1\n" + CASE).cases

    assert case.policies == ("fires",)
