"""`match` at its bounds: how long a label's name may be, how many values there may be, where a bad pattern is shown."""

import pytest

from pinkslip.policies.load import Source, load
from pinkslip.policies.problems import Problem

HEAD = "version: 1\npolicies:\n- name: a\n  when: age > 1d\n  match: "


def problems(match: str) -> list[Problem]:
    return list(load([Source("a.yaml", f"{HEAD}{match}\n")]).problems)


@pytest.mark.parametrize("name", ["x", "x" * 64])
def test_a_label_has_a_name_of_up_to_64_characters(name: str) -> None:
    assert problems(f"{{label.{name}: red}}") == []


@pytest.mark.parametrize("name", ["", "x" * 65])
def test_a_label_with_no_name_or_a_longer_one_is_refused(name: str) -> None:
    [problem] = problems(f"{{label.{name}: red}}")

    assert problem.message == "a label's name has between 1 and 64 characters"


def test_a_misspelt_label_is_answered_with_how_labels_are_written() -> None:
    [problem] = problems("{labels.name: red}")

    assert problem.hint == 'did you mean "label.<name>"?'


def test_a_field_may_be_one_of_a_thousand_values() -> None:
    thousand = [f"v{number}" for number in range(1_000)]

    assert problems(f"{{role: [{', '.join(thousand)}]}}") == []
    [problem] = problems(f"{{role: [{', '.join([*thousand, 'more'])}]}}")
    assert problem.message == "policies[0].match.role must name between 1 and 1000 values"


def test_a_value_that_is_no_word_is_refused_under_its_key() -> None:
    [problem] = problems("{role: [[developer]]}")

    assert problem.message == "policies[0].match.role[0] must be a word"


@pytest.mark.parametrize(
    ("pattern", "column"),
    [("~", 1), ("~[z-a]", 3), ("~abc\n     [z-a]", 1)],
    ids=["empty", "in its line", "over two lines"],
)
def test_a_bad_pattern_is_shown_where_it_is_bad_or_where_it_begins(
    pattern: str, column: int
) -> None:
    [problem] = problems(f"\n    role: {pattern}")

    assert problem.line == 6
    assert problem.column - len("    role: ") == column
