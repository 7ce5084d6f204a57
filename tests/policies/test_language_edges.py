"""Conditions at the bounds of what they may say, and how often and where they are refused beyond."""

import pytest

from pinkslip.model.policy import Call, Comparison, Measured, Unit, Window, WindowKind
from pinkslip.policies.language import compile_condition, parse_condition
from pinkslip.policies.problems import ExpressionError, Finding


def findings_of(text: str) -> tuple[Finding, ...]:
    condition, findings = compile_condition(text)
    assert condition is None
    return findings


@pytest.mark.parametrize(
    ("written", "window"),
    [
        ("1s", Window(WindowKind.TIME, 1_000)),
        ("30d", Window(WindowKind.TIME, 2_592_000_000)),
        ("1 task", Window(WindowKind.TASKS, 1)),
        ("1 tasks", Window(WindowKind.TASKS, 1)),
        ("10000 tasks", Window(WindowKind.TASKS, 10_000)),
    ],
)
def test_the_shortest_and_the_longest_window(written: str, window: Window) -> None:
    tree = parse_condition(f"failures[{written}] > 0").tree

    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Measured)
    assert tree.left.window == window


@pytest.mark.parametrize(
    ("written", "message", "hint"),
    [
        ("999ms", "a window is between 1s and 30d long", ""),
        ("721h", "a window is between 1s and 30d long", ""),
        ("0 tasks", "a window holds between 1 and 10000 tasks", ""),
        ("10001 tasks", "a window holds between 1 and 10000 tasks", ""),
        ("1w", 'the unit "w" is not known', "write weeks in days: 7d"),
        ("50", '"50" has no unit', "write [50 tasks] or [50s]"),
        (
            "1000.5ms",
            '"1000.5ms" is finer than a millisecond',
            "write for example [1h] or [50 tasks]",
        ),
    ],
)
def test_no_window(written: str, message: str, hint: str) -> None:
    [finding] = findings_of(f"failures[{written}] > 0")

    assert (finding.message, finding.hint) == (message, hint)


@pytest.mark.parametrize(
    "part",
    [
        "sucess_rate[1h] + 5%",
        "success_rate[1h] + sucess_rate[1h]",
        "success_rate[1w]",
        "abs(score[1h], score[1d])",
        "abs()",
        "min(score[1h])",
        "min(score[1h], age > 1h)",
        "min(score[1h], 90s)",
        "(age > 1h and sucess_rate[1h] > 3%)",
        "(not sucess_rate[1h] > 3%)",
    ],
)
def test_what_holds_a_wrong_part_is_not_refused_a_second_time(part: str) -> None:
    assert len(findings_of(f"{part} > 3")) == 1


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("min(3, heartbeat_age / heartbeat_interval) > 2", Unit.RATIO),
        ("min(heartbeat_age / heartbeat_interval, 3) > 2", Unit.RATIO),
        ("min(tasks[1h], 3) > 2", Unit.NUMBER),
        ("min(age, 3h, 1d) > 2m", Unit.SECONDS),
    ],
)
def test_the_least_of_some_values_has_the_unit_they_share(text: str, unit: Unit) -> None:
    tree = parse_condition(text).tree

    assert isinstance(tree, Comparison)
    assert isinstance(tree.left, Call)
    assert tree.left.unit is unit


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            "heartbeat_age - 5 > 90s",
            '"heartbeat_age" is a duration and "5" is a plain number: they cannot be subtracted',
            "write 5s",
        ),
        (
            "heartbeat_age + 5 > 90s",
            '"heartbeat_age" is a duration and "5" is a plain number: they cannot be added',
            "write 5s",
        ),
        (
            "90 < heartbeat_age",
            '"90" is a plain number and "heartbeat_age" is a duration: they cannot be compared',
            "write 90s",
        ),
        (
            "-heartbeat_age > 3%",
            '"-heartbeat_age" is a duration and "3%" is a ratio: they cannot be compared',
            "",
        ),
        (
            "(not age > 1h) > 3",
            '"not age > 1h" is a condition and "3" is a plain number: they cannot be compared',
            "join conditions with and, or",
        ),
        (
            "3 < (age > 1h)",
            '"3" is a plain number and "age > 1h" is a condition: they cannot be compared',
            "join conditions with and, or",
        ),
    ],
)
def test_two_that_do_not_fit_are_shown_as_written(text: str, message: str, hint: str) -> None:
    [finding] = findings_of(text)

    assert (finding.message, finding.hint) == (message, hint)


@pytest.mark.parametrize(
    ("number", "share"), [("0.5", "50%"), ("1", "100%"), ("1.5", "1.5%"), ("2", "2%")]
)
def test_a_bare_number_beside_a_ratio_is_given_back_as_a_share(number: str, share: str) -> None:
    [finding] = findings_of(f"success_rate[1h] < {number}")

    assert finding.hint == f"write {share}"


@pytest.mark.parametrize(
    ("text", "example"),
    [
        ("cost[1h]", "cost[1h] > $5"),
        ("tasks[1h]", "tasks[1h] >= 20"),
        ("age", "age > 90s"),
        ("score[1h]", "score[1h] < 70%"),
        ("3", "success_rate[1h] < 70%"),
        ("age / 2", "success_rate[1h] < 70%"),
    ],
)
def test_a_value_alone_is_answered_with_how_to_compare_it(text: str, example: str) -> None:
    [finding] = findings_of(text)

    assert finding.hint == f"compare it, for example {example}"


@pytest.mark.parametrize(
    ("blanks", "hint"),
    [
        (183, f"write 1{' ' * 183}+1 < 3 and 3 < 5"),
        (184, "join them with and"),
    ],
)
def test_a_chain_is_written_out_while_that_is_readable(blanks: int, hint: str) -> None:
    [finding] = findings_of(f"1{' ' * blanks}+1 < 3 < 5")

    assert finding.hint == hint


def test_ten_misspelt_names_are_guessed_at() -> None:
    findings = findings_of(" or ".join(["taks[1h] > 3"] * 12))

    assert [finding.hint for finding in findings] == ['did you mean "tasks"?'] * 10 + [""] * 2


def test_fifty_findings_are_enough() -> None:
    assert len(findings_of(" or ".join(["nonsense > 3"] * 60))) == 50


def test_a_refused_condition_is_kept_with_what_is_wrong() -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_condition("age > 3")

    assert refused.value.text == "age > 3"


def test_a_condition_is_taken_for_one_that_acts() -> None:
    [finding] = findings_of("outlier(score[7d]) > 3.5")

    assert "absolute floor" in finding.message
