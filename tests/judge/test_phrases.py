"""How the judge speaks: every measure, comparison and quantity as a person would say it."""

from math import nan

import pytest

from pinkslip.fleet.catalogue import MEASURES, MeasureKind
from pinkslip.judge.evaluate import calls_of
from pinkslip.judge.phrases import (
    Found,
    Sides,
    Weight,
    comparison_words,
    counted,
    quantity,
    span,
    window_words,
    working,
    written,
)
from pinkslip.model.policy import (
    Call,
    Comparison,
    Constant,
    Logic,
    Measured,
    Negative,
    Unit,
    Window,
    WindowKind,
)
from pinkslip.model.words import Scope
from pinkslip.policies.language import parse_condition

MINUTE = 60_000
WEIGHTS = {"upper": 0.62, "lower": 0.8, "posterior": 0.995, "peers": 0.75}
VALUES = {
    "heartbeat_age": 95.0,
    "heartbeat_interval": 30.0,
    "age": 60.0,
    "tasks[1h]": 12.0,
    "failures[1h]": 9.0,
    "successes[1h]": 3.0,
    "cost[1h]": 2.5,
    "success_rate[1h]": 0.4,
    "score[1h]": 0.25,
    "progress_age": 700.0,
    "consecutive_failures": 7.0,
}


def said(text: str, left: float, right: float, *, holds: bool = True) -> str:
    tree = parse_condition(text).tree
    assert isinstance(tree, Comparison)
    weights = {
        call: Weight(value=WEIGHTS[call.function], tasks=12, successes=1)
        for call in calls_of(tree)
    }
    found = Found(VALUES, weights)
    return comparison_words(tree, Sides(left, right), found, holds=holds, text=text)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (nan, Unit.SECONDS, "unknown"),
        (nan, Unit.NUMBER, "unknown"),
        (95.0, Unit.SECONDS, "95 s"),
        (119.9994, Unit.SECONDS, "120 s"),
        (120.0, Unit.SECONDS, "2 min"),
        (0.0, Unit.SECONDS, "0 s"),
        (-0.0, Unit.RATIO, "0 %"),
        (0.4, Unit.RATIO, "40 %"),
        (0.12345, Unit.RATIO, "12.3 %"),
        (2.5, Unit.DOLLARS, "$2.50"),
        (0.01, Unit.DOLLARS, "$0.01"),
        (0.0099, Unit.DOLLARS, "$0.0099"),
        (0.00123456, Unit.DOLLARS, "$0.00123"),
        (3.0, Unit.NUMBER, "3"),
        (-3.0, Unit.NUMBER, "-3"),
        (3.14159, Unit.NUMBER, "3.14"),
        (123_456.0, Unit.NUMBER, "123456"),
        (1e15, Unit.NUMBER, "1e+15"),
        (1e15 - 1, Unit.NUMBER, "999999999999999"),
        (1.0, Unit.TRUTH, "1"),
    ],
)
def test_a_quantity_as_people_write_it(value: float, unit: Unit, expected: str) -> None:
    assert quantity(value, unit) == expected


@pytest.mark.parametrize(
    ("value", "unit", "digits", "expected"),
    [
        (95.1234, Unit.SECONDS, 6, "95.1234 s"),
        (95.1234, Unit.SECONDS, 3, "95.1 s"),
        (3600.0, Unit.SECONDS, 4, "3600 s"),
        (0.123456, Unit.RATIO, 6, "12.3456 %"),
        (2.505, Unit.DOLLARS, 6, "$2.505"),
        (2.505, Unit.DOLLARS, 2, "$2.50"),
        (3.14159, Unit.NUMBER, 6, "3.14159"),
    ],
)
def test_a_quantity_with_as_many_digits_as_asked(
    value: float, unit: Unit, digits: int, expected: str
) -> None:
    assert quantity(value, unit, digits=digits) == expected


def test_a_quantity_has_three_digits_unless_more_are_asked_for() -> None:
    assert quantity(5_432.1, Unit.SECONDS) == "1 h 30 min"
    assert quantity(1.23456, Unit.NUMBER) == "1.23"


def test_spans_and_counts() -> None:
    assert [span(ms) for ms in (0, 1_500, 2 * MINUTE - 1, 2 * MINUTE)] == [
        "0 s",
        "1.5 s",
        "120 s",
        "2 min",
    ]
    assert [counted(count, "fire") for count in (0, 1, 2)] == ["0 fires", "1 fire", "2 fires"]


def test_windows() -> None:
    assert window_words(None) == ""
    assert window_words(Window(WindowKind.TIME, 60 * MINUTE)) == " in 1 h"
    assert window_words(Window(WindowKind.TASKS, 50)) == " in its last 50 tasks"
    assert window_words(Window(WindowKind.TASKS, 1)) == " in its last 1 task"


@pytest.mark.parametrize(
    ("text", "left", "right", "expected"),
    [
        (
            "heartbeat_age > 3 * heartbeat_interval",
            95.0,
            90.0,
            "no heartbeat for 95 s; allowed 90 s (3 x its 30 s interval)",
        ),
        ("heartbeat_age >= 90s", 90.0, 90.0, "no heartbeat for 90 s; allowed less than 90 s"),
        ("heartbeat_age < 90s", 12.0, 90.0, "no heartbeat for 12 s (below 90 s)"),
        ("heartbeat_age <= 90s", 12.0, 90.0, "no heartbeat for 12 s (at most 90 s)"),
        ("90s < heartbeat_age", 90.0, 95.0, "no heartbeat for 95 s; allowed 90 s"),
        ("progress_age > 10m", 700.0, 600.0, "no progress for 11 min 40 s; allowed 10 min"),
        ("status_age > 10m", 700.0, 600.0, "status unchanged for 11 min 40 s; allowed 10 min"),
        ("task_age > 10m", 700.0, 600.0, "on the same task for 11 min 40 s; allowed 10 min"),
        ("missed_beats > 3", 4.0, 3.0, "4 heartbeats missed; allowed 3"),
        ("heartbeat_interval > 1m", 90.0, 60.0, "its interval is 90 s (above 60 s)"),
        ("age < 5m", 60.0, 300.0, "known for 60 s (below 5 min)"),
        ("context_used >= 90%", 0.95, 0.9, "95 % of its context used (at least 90 %)"),
        ("consecutive_failures > 5", 7.0, 5.0, "7 failures in a row (above 5)"),
        ("success_rate[1h] < 70%", 0.4, 0.7, "success rate 40 % in 1 h (below 70 %)"),
        ("70% > success_rate[1h]", 0.7, 0.4, "success rate 40 % in 1 h (below 70 %)"),
        ("70% >= success_rate[1h]", 0.7, 0.4, "success rate 40 % in 1 h (at most 70 %)"),
        ("70% <= success_rate[1h]", 0.7, 0.8, "success rate 80 % in 1 h (at least 70 %)"),
        ("70% == success_rate[1h]", 0.7, 0.7, "success rate 70 % in 1 h (exactly 70 %)"),
        ("success_rate[1h] != 70%", 0.4, 0.7, "success rate 40 % in 1 h (other than 70 %)"),
        ("score[1h] < 50%", 0.25, 0.5, "mean score 25 % in 1 h (below 50 %)"),
        ("tasks[20 tasks] >= 12", 12.0, 12.0, "12 tasks in its last 20 tasks (at least 12)"),
        ("successes[1h] < 4", 3.0, 4.0, "3 successes in 1 h (below 4)"),
        ("failures[1h] > 4", 9.0, 4.0, "9 failures in 1 h (above 4)"),
        ("refusals[1h] > 4", 9.0, 4.0, "9 refusals in 1 h (above 4)"),
        ("off_track[1h] > 4", 9.0, 4.0, "9 tasks off track in 1 h (above 4)"),
        ("timeouts[1h] > 4", 9.0, 4.0, "9 timeouts in 1 h (above 4)"),
        ("corruptions[1h] > 4", 9.0, 4.0, "9 corrupted tasks in 1 h (above 4)"),
        ("errors[1h] > 4", 9.0, 4.0, "9 errors in 1 h (above 4)"),
        ("duration_mean[1h] > 1m", 90.0, 60.0, "mean duration 90 s in 1 h (above 60 s)"),
        ("duration_p50[1h] > 1m", 90.0, 60.0, "median duration 90 s in 1 h (above 60 s)"),
        (
            "duration_p95[1h] > 1m",
            90.0,
            60.0,
            "95th percentile of durations 90 s in 1 h (above 60 s)",
        ),
        ("tokens[1h] > 4", 9.0, 4.0, "9 tokens in 1 h (above 4)"),
        ("cost[1h] > $1", 2.5, 1.0, "$2.50 spent in 1 h (above $1.00)"),
        ("cost_per_success[1h] > $1", 2.5, 1.0, "$2.50 per success in 1 h (above $1.00)"),
        (
            "expected_ratio[1h] < 80%",
            0.5,
            0.8,
            "50 % of the successes its peers would have had in 1 h (below 80 %)",
        ),
        ("flap_score > 20%", 0.3, 0.2, "30 % of its beats come and go (above 20 %)"),
        ("suspicion > 8", 9.0, 8.0, "suspicion 9 of its silence (above 8)"),
        (
            "failures[1h] / tasks[1h] > 50%",
            0.75,
            0.5,
            "failures[1h] / tasks[1h] is 9 / 12 = 75 % (above 50 %)",
        ),
        (
            "cost[1h] > $1 * tasks[1h]",
            2.5,
            12.0,
            "$2.50 spent in 1 h (above $12.00: $1.00 x 12)",
        ),
        (
            "tasks[1h] - (successes[1h] - failures[1h]) > 2 * (tasks[1h] + 1)",
            18.0,
            26.0,
            "tasks[1h] - (successes[1h] - failures[1h]) is 12 - (3 - 9) = 18 (above 26: 2 x (12 + 1))",
        ),
        (
            "max(failures[1h], -successes[1h]) > 4",
            9.0,
            4.0,
            "max(failures[1h], -successes[1h]) is max(9, -3) = 9 (above 4)",
        ),
        (
            "failures[1h]   -\n successes[1h] > 4",
            6.0,
            4.0,
            "failures[1h] - successes[1h] is 9 - 3 = 6 (above 4)",
        ),
        (
            "upper(success_rate[1h], confidence=95%) < 70%",
            0.62,
            0.7,
            "at best 62 % of its tasks succeed, by 1 of 12 tasks in 1 h at 95 % confidence (below 70 %)",
        ),
        (
            "lower(success_rate[20 tasks]) > 70%",
            0.8,
            0.7,
            "at worst 80 % of its tasks succeed, by 1 of 12 tasks in its last 20 tasks at 95 % confidence (above 70 %)",
        ),
        (
            "posterior(success < 70%) > 99%",
            0.995,
            0.99,
            "less than 70 % of its tasks succeed with probability 99.5 %, by 1 of 12 tasks (above 99 %)",
        ),
        (
            "score[1h] < peers(score[1h])",
            0.25,
            0.75,
            "mean score 25 % in 1 h (below 75 %: the median of its peers)",
        ),
        (
            "score[1h] < peers(score[1h]) / 2",
            0.25,
            0.375,
            "mean score 25 % in 1 h (below 37.5 %: its peers' 75 % / 2)",
        ),
        (
            "peers(score[1h]) > 50%",
            0.75,
            0.5,
            "usual among its peers: mean score 75 % in 1 h (above 50 %)",
        ),
    ],
)
def test_a_comparison_that_holds(text: str, left: float, right: float, expected: str) -> None:
    assert said(text, left, right) == expected


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


def test_a_limit_that_is_worked_out_has_no_say_in_what_the_subject_is() -> None:
    text = "tasks[1h] > 3 * age / age"

    assert said(text, 12.0, 3.0).startswith("12 tasks in 1 h (above 3")


def test_numbers_alone_are_said_as_they_are() -> None:
    assert said("1 < 2", 1.0, 2.0) == "1 is 1 (below 2)"


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
    ("text", "left", "right", "expected"),
    [
        ("heartbeat_age > 90s", 12.0, 90.0, "no heartbeat for 12 s (at most 90 s)"),
        ("heartbeat_age < 90s", 95.0, 90.0, "no heartbeat for 95 s; allowed less than 90 s"),
        ("heartbeat_age <= 90s", 95.0, 90.0, "no heartbeat for 95 s; allowed 90 s"),
        ("success_rate[1h] >= 70%", 0.4, 0.7, "success rate 40 % in 1 h (below 70 %)"),
        ("success_rate[1h] == 70%", 0.4, 0.7, "success rate 40 % in 1 h (other than 70 %)"),
        ("success_rate[1h] != 70%", 0.7, 0.7, "success rate 70 % in 1 h (exactly 70 %)"),
    ],
)
def test_a_comparison_that_does_not_hold_is_said_the_other_way_round(
    text: str, left: float, right: float, expected: str
) -> None:
    assert said(text, left, right, holds=False) == expected


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (0.69999, 0.7, "success rate 69.999 % in 1 h (below 70 %)"),
        (0.69999999, 0.7, "success rate 69.999999 % in 1 h (below 70 %)"),
        (0.7, 0.7, "success rate 70 % in 1 h (below 70 %)"),
    ],
    ids=["by a little", "by very little", "not at all"],
)
def test_two_values_that_differ_are_told_apart(
    left: float, right: float, expected: str
) -> None:
    assert said("success_rate[1h] < 70%", left, right) == expected


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


def test_whose_tasks_are_counted_is_said_of_a_lineage() -> None:
    text = "posterior(success < 70%) > 99%"
    tree = parse_condition(text).tree
    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Call)
    weight = Weight(value=0.995, tasks=1, successes=1, scope=Scope.LINEAGE)
    found = Found({}, {tree.left: weight})

    words = comparison_words(tree, Sides(0.995, 0.99), found, holds=True, text=text)

    assert words == (
        "less than 70 % of its tasks succeed with probability 99.5 %, "
        "by 1 of 1 task of its lineage (above 99 %)"
    )


def test_a_literal_and_a_measure_alone_need_no_working() -> None:
    tree = parse_condition("heartbeat_age > 90s").tree
    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Measured)
    assert isinstance(tree.right, Constant)

    assert working(tree.left, Found(VALUES)) == ""
    assert working(tree.right, Found(VALUES)) == ""
    assert working(Negative(tree.right, tree.right.unit, tree.right.span), Found(VALUES)) == ""


def test_a_condition_is_no_number_to_be_worked_out() -> None:
    tree = parse_condition("not (age > 1s and age < 2s)").tree

    with pytest.raises(TypeError, match=r"^Not is a condition, not a number$"):
        working(tree, Found(VALUES))


def test_a_part_is_written_as_its_author_wrote_it() -> None:
    text = "age  >  1s and\n  tasks[1h] > 3"
    tree = parse_condition(text).tree

    assert written(tree, text) == "age > 1s and tasks[1h] > 3"


@pytest.mark.parametrize("kind", MEASURES.values(), ids=MEASURES)
def test_every_measure_is_said_with_its_value_and_window(kind: MeasureKind) -> None:
    one = {Unit.SECONDS: "1s", Unit.RATIO: "1%", Unit.DOLLARS: "$1"}.get(kind.unit, "1")
    text = f"{kind.name}{'[1h]' * kind.windowed} > {one}"
    tree = parse_condition(text).tree
    assert isinstance(tree, Comparison)

    words = comparison_words(tree, Sides(2.0, 1.0), Found(VALUES), holds=True, text=text)

    assert quantity(2.0, kind.unit) in words
    assert (" in 1 h" in words) is kind.windowed
    assert "_" not in words


def test_how_far_one_is_off_its_peers() -> None:
    text = "outlier(score[1h]) > 3 and score[1h] < 50%"
    tree = parse_condition(text).tree
    assert isinstance(tree, Logic)
    comparison = tree.operands[0]
    assert isinstance(comparison, Comparison)
    found = Found(VALUES, {next(calls_of(comparison)): Weight(value=4.0)})

    words = comparison_words(comparison, Sides(4.0, 3.0), found, holds=True, text=text)

    assert (
        words == "mean score 25 % in 1 h, which is 4 deviations worse than its peers (above 3)"
    )
