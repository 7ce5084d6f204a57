"""Policy files at their limits: where in the file a problem stands, what a policy carries, what a patch keeps."""

import pytest

from pinkslip.model.policy import Guards, Policy
from pinkslip.model.words import Result
from pinkslip.policies.document import Node, read
from pinkslip.policies.expressions import CHARACTERS_MAX
from pinkslip.policies.extends import base, merged_guards
from pinkslip.policies.grammar import LENGTH_MAX
from pinkslip.policies.guards import read_guards
from pinkslip.policies.known import Known
from pinkslip.policies.load import Loaded, Source, load
from pinkslip.policies.problems import Problem
from pinkslip.policies.text import Report, Text
from pinkslip.policies.values import Values

HEAD = "version: 1\npolicies:\n"
EXTENDS = "version: 1\nextends: builtin@1\n"
LONG = f'"{"age > 1s".ljust(LENGTH_MAX)}"'
AS_MANY = CHARACTERS_MAX // LENGTH_MAX


def of(text: str, *, known: Known | None = None) -> Loaded:
    return load([Source("a.yaml", text)], known=known)


def policies(text: str) -> tuple[Policy, ...]:
    loaded = of(text)
    assert loaded.policy_set is not None, [problem.render() for problem in loaded.problems]
    return loaded.policy_set.policies


def place(problem: Problem) -> tuple[int, int, int]:
    return problem.line, problem.column, problem.width


def with_conditions(*conditions: str) -> str:
    return HEAD + "".join(
        f"  - name: p{number}\n    when: {condition}\n"
        for number, condition in enumerate(conditions)
    )


def node_of(text: str) -> Node:
    node = read(Text("guards.yaml", text), Report())
    assert node is not None
    return node


def test_conditions_beyond_what_is_read_are_refused_once_where_they_begin() -> None:
    assert len(policies(with_conditions(*[LONG] * AS_MANY))) == AS_MANY

    [problem] = of(with_conditions(*[LONG] * AS_MANY, "age > 1s", "age > 2s")).problems

    assert place(problem) == (4 + 2 * AS_MANY, 11, 8)
    assert (
        problem.message == "the conditions of one set hold more than 131072 characters together"
    )
    assert (problem.hint, problem.key_path) == ("load fewer policies", "policies[32].when")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("age > 1s and agee > 2s", (4, 24, 4)),
        ("|\n      age > 1s\n      and agee > 2s", (6, 11, 4)),
        (">  # name: when\n      name > 1s", (5, 7, 4)),
        ("|\n      when > 1s\n\n\n", (5, 7, 4)),
        ('"  agee > 1s"', (4, 14, 4)),
        (r'"age \x3e 1s and agee < 2s"  # >', (4, 28, 4)),
        (r'"1s \x3c agee"  # <', (4, 20, 4)),
    ],
    ids=[
        "plain",
        "literal",
        "folded",
        "kept",
        "led by blanks",
        "escaped",
        "right after an escape",
    ],
)
def test_a_problem_in_a_condition_stands_where_its_word_stands(
    condition: str, expected: tuple[int, int, int]
) -> None:
    [problem] = of(with_conditions(condition)).problems

    assert place(problem) == expected


@pytest.mark.parametrize(
    "own",
    [
        "  - name: a\n    when: age > 1s\n    description: |\n      said\n      twice",
        "  - name: a\n    when: >\n      age\n      > 1s",
        "  - {name: a, when: age > 1s}",
        '  - name: a\n    when: "age >\n      1s"',
    ],
    ids=["literal", "folded", "flow", "quoted"],
)
@pytest.mark.parametrize("between", ["\n", "\n\n\n"], ids=["next line", "after a gap"])
def test_a_policy_carries_its_own_lines_to_the_last_and_none_of_the_next(
    own: str, between: str
) -> None:
    following = "  - name: b\n    when: age > 2s"

    carried = [policy.text for policy in policies(f"{HEAD}{own}{between}{following}")]

    assert carried == [own, following]


def test_as_many_labels_as_allowed_are_taken_and_one_more_refuses_them() -> None:
    def labelled(count: int) -> str:
        labels = ", ".join(f"l{number:02}: x" for number in range(count))
        return f'{with_conditions("age > 1s")}    description: ""\n    labels: {{{labels}}}\n'

    [policy] = policies(labelled(20))

    assert len(policy.labels) == 20
    assert policy.description == ""
    [problem] = of(labelled(21)).problems
    assert problem.message == "policies[0].labels must be a mapping of at most 20 labels"


@pytest.mark.parametrize("key", ["name", "severity", "labels.team", "description"])
def test_a_list_for_a_word_is_refused_by_its_key(key: str) -> None:
    written = {
        "name": "  - name: [a]\n    when: age > 1s\n",
        "severity": "  - name: a\n    when: age > 1s\n    severity: [a]\n",
        "labels.team": "  - name: a\n    when: age > 1s\n    labels: {team: [a]}\n",
        "description": "  - name: a\n    when: age > 1s\n    description: [a]\n",
    }

    [problem] = of(HEAD + written[key]).problems

    assert problem.message == f"policies[0].{key} must be a word"
    assert problem.key_path == f"policies[0].{key}"


def test_the_packaged_guards_are_what_guards_are_merged_with() -> None:
    packaged = node_of("pool: model\nmax_fired: {per: 2h, share: 1%}\nmin_active: 3\n")
    own = node_of("max_fired: {share: 5%}\nmax_fires: {count: 7}\n")
    values = Values(Text("a.yaml", ""), Report())

    guards = read_guards(values, merged_guards(packaged, own))

    assert base(1).guards is not None
    assert guards is not None
    assert (guards.pool, guards.min_active, guards.max_fires.count) == ("model", 3, 7)
    assert (guards.max_fired.share, guards.max_fired.per_ms) == (0.05, 7_200_000)
    assert guards.panic == Guards().panic


def test_what_is_said_of_merged_guards_stands_at_the_own_ones() -> None:
    [problem] = of(EXTENDS + "guards:\n  max_fired: {share: 100%}\n  min_active: 0\n").problems

    assert problem.message == "these guards let policies fire everybody"
    assert place(problem)[:2] == (4, 3)


def test_a_packaged_policy_is_known_by_its_own_line_and_its_key_by_its_name() -> None:
    known = Known(results=frozenset({Result.SUCCESS, Result.OFF_TRACK, Result.UNPARSABLE}))

    loaded = of(EXTENDS, known=known)

    assert [problem.key_path for problem in loaded.problems] == ["extends.obstinate.when"]
    assert loaded.policy_set is not None
    lines = {policy.name: policy.line for policy in loaded.policy_set.policies}
    assert lines["dumb"] == 6
    assert lines["unresponsive"] == 5
