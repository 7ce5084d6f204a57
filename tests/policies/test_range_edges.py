"""Warnings of conditions at the edges: none where a condition can hold, one per contradiction where it cannot."""

import math

import pytest

from pinkslip.model.policy import Comparison
from pinkslip.policies.language import parse_condition
from pinkslip.policies.printing import written
from pinkslip.policies.ranges import findings, reach

INF = math.inf


def said(text: str) -> list[str]:
    return [finding.message for finding in findings(parse_condition(text).tree)]


@pytest.mark.parametrize(
    "text",
    [
        "20 == tasks[20 tasks]",
        "outlier(cost_per_success[7d]) > 3.5 and cost_per_success[7d] > $5",
        "successes[20 tasks] < 5 and failures[20 tasks] >= 20",
        "-tasks[1h] * failures[1h] < -5",
    ],
)
def test_nothing_is_said_of_a_condition_that_may_hold(text: str) -> None:
    assert said(text) == []


def test_a_side_that_cannot_reach_a_constant_is_named_also_on_the_right() -> None:
    assert said("0% > success_rate[1h]") == [
        "the condition can never match because success_rate[1h] is between 0% and 100%"
    ]


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ("peers(cost_per_success[7d])", (0.0, INF)),
        ("-tasks[1h] * failures[1h]", (-INF, 0.0)),
    ],
)
def test_what_a_side_can_be_at_all(side: str, expected: tuple[float, float]) -> None:
    tree = parse_condition(f"{side} > {'$1' if 'cost' in side else '1'}").tree
    assert isinstance(tree, Comparison)

    assert reach(tree.left) == expected


AGE = "age > 5s and age < 3s"
FULL = "successes[20 tasks] > 12 and failures[20 tasks] > 9"


@pytest.mark.parametrize(
    ("text", "said_of"),
    [
        (f"{AGE} and age < 2s", ["age < 3s"]),
        (f"{AGE} and age < 2s and tasks[1h] > 5 and tasks[1h] < 3", ["age < 3s", "tasks[1h] < 3"]),
        (f"{AGE} and tasks[1h] > 5 and tasks[1h] < 3", ["age < 3s", "tasks[1h] < 3"]),
        (f"{FULL} and failures[20 tasks] > 10", ["failures[20 tasks] > 9"]),
        (f"{AGE} and {FULL} and age < 2s", ["age < 3s", "failures[20 tasks] > 9"]),
    ],
)  # fmt: skip
def test_each_measure_that_is_asked_too_much_is_told_once(
    text: str, said_of: list[str]
) -> None:
    spans = [finding.span for finding in findings(parse_condition(text).tree)]

    assert [text[span.start : span.end] for span in spans] == said_of


def test_a_count_of_half_a_task_excludes_nothing_else() -> None:
    messages = said(f"tasks[1h] == 5.5 and {AGE}")

    assert sum("exclude each other" in message for message in messages) == 1


@pytest.mark.parametrize(
    "text",
    ["tasks[1h] > failures[1h] + 1", "tasks[1h] + 2 * failures[1h] > 2"],
)
def test_the_canonical_text_has_no_parentheses_it_can_do_without(text: str) -> None:
    """Hashes rest on it."""
    assert written(parse_condition(text).tree) == text
