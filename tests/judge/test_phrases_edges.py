"""How the judge speaks where order, brackets and small differences matter."""

import pytest
from tests.judge.test_phrases import said

from pinkslip.judge.phrases import quantity
from pinkslip.model.policy import Unit


@pytest.mark.parametrize(
    ("text", "left", "right", "expected"),
    [
        pytest.param(
            "80s < 3 * heartbeat_interval",
            80.0,
            90.0,
            "3 * heartbeat_interval is 3 x its 30 s interval = 90 s (above 80 s)",
            id="the right of a product",
        ),
        pytest.param(
            "0 > -consecutive_failures",
            0.0,
            -7.0,
            "-consecutive_failures is -7 = -7 (below 0)",
            id="a negative",
        ),
        pytest.param(
            "99% < posterior(success < 70%)",
            0.99,
            0.995,
            "less than 70 % of its tasks succeed with probability 99.5 %, by 1 of 12 tasks (above 99 %)",
            id="a chance",
        ),
    ],
)
def test_what_is_read_is_the_subject_wherever_it_is_written(
    text: str, left: float, right: float, expected: str
) -> None:
    assert said(text, left, right) == expected


@pytest.mark.parametrize(
    ("working", "expected"),
    [
        ("(failures[1h] + successes[1h]) * 2", "(9 + 3) x 2"),
        ("failures[1h] * successes[1h] + 2", "9 x 3 + 2"),
        ("failures[1h] - successes[1h] - 2", "9 - 3 - 2"),
        ("failures[1h] - (successes[1h] - 2)", "9 - (3 - 2)"),
        ("failures[1h] * (successes[1h] + 2)", "9 x (3 + 2)"),
    ],
)
def test_brackets_stand_where_they_change_the_number_and_nowhere_else(
    working: str, expected: str
) -> None:
    assert said(f"tasks[1h] > {working}", 50.0, 1.0) == f"50 tasks in 1 h (above 1: {expected})"


@pytest.mark.parametrize(
    ("left", "right", "here", "there"),
    [
        pytest.param(0.4, 0.7, "40 %", "70 %", id="three digits"),
        pytest.param(0.699994, 0.69999, "69.9994 %", "69.999 %", id="six"),
        pytest.param(0.69999, 0.699994, "69.999 %", "69.9994 %", id="six, the other way"),
        pytest.param(1 / 3, 1 / 3 - 1e-5, "33.3333 %", "33.3323 %", id="no more than six"),
        pytest.param(1 / 3, 1 / 3 - 1e-11, "33.3333333333 %", "33.3333333323 %", id="twelve"),
    ],
)
def test_two_values_have_as_many_digits_as_tell_them_apart(
    left: float, right: float, here: str, there: str
) -> None:
    text = "success_rate[1h] < 70%"

    assert said(text, left, right) == f"success rate {here} in 1 h (below {there})"


def test_a_limit_that_is_worked_out_has_no_say_in_what_the_subject_is() -> None:
    text = "tasks[1h] > 3 * age / age"

    assert said(text, 12.0, 3.0).startswith("12 tasks in 1 h (above 3")


def test_numbers_alone_are_said_as_they_are() -> None:
    assert said("1 < 2", 1.0, 2.0) == "1 is 1 (below 2)"


def test_a_quantity_has_three_digits_unless_more_are_asked_for() -> None:
    assert quantity(5_432.1, Unit.SECONDS) == "1 h 30 min"
    assert quantity(1.23456, Unit.NUMBER) == "1.23"
