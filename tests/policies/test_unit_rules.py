"""What comes out when measures are added, multiplied and divided: the rules in the docstring of `units`, by example."""

import pytest
from tests.policies.test_language import findings_of

from pinkslip.model.policy import Call, Comparison, Unit
from pinkslip.policies.language import parse_condition

QUOTIENT = "heartbeat_age / heartbeat_interval"


@pytest.mark.parametrize(
    ("side", "unit"),
    [
        ("tasks[1h] / 4", Unit.NUMBER),
        ("failures[1h] / tasks[1h]", Unit.RATIO),
        ("age / 5s", Unit.RATIO),
        ("2 * success_rate[1h]", Unit.RATIO),
        ("(1 + 1) * success_rate[1h]", Unit.RATIO),
        ("-2 * success_rate[1h]", Unit.RATIO),
        ("max(1, 2) * success_rate[1h]", Unit.RATIO),
        ("50% * tasks[1h]", Unit.NUMBER),
        ("-tasks[1h] * 50%", Unit.NUMBER),
        ("(tasks[1h] + 1) * 50%", Unit.NUMBER),
        ("(1 + tasks[1h]) * 50%", Unit.NUMBER),
        ("max(1, tasks[1h]) * 50%", Unit.NUMBER),
        (f"3 + {QUOTIENT}", Unit.RATIO),
        (f"{QUOTIENT} + 3", Unit.RATIO),
    ],
)
def test_the_unit_of_a_side(side: str, unit: Unit) -> None:
    same = "1" if unit is Unit.NUMBER else "1%"
    tree = parse_condition(f"{side} > {same}").tree

    assert isinstance(tree, Comparison)
    assert tree.left.unit is unit


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
    "side",
    [
        QUOTIENT,
        f"-({QUOTIENT})",
        f"{QUOTIENT} + 1",
        f"{QUOTIENT} - 1",
        f"1 + {QUOTIENT}",
        f"1 - {QUOTIENT}",
        f"min({QUOTIENT}, 5)",
        f"max({QUOTIENT}, 5)",
        f"abs({QUOTIENT})",
    ],
)
@pytest.mark.parametrize("other", ["3", "30%"])
def test_a_quotient_compares_with_numbers_and_shares_on_either_side(
    side: str, other: str
) -> None:
    parse_condition(f"{side} > {other}")
    parse_condition(f"{other} < {side}")


@pytest.mark.parametrize(
    "text", ["success_rate[1h] / 2 > 3", "age * cost[1h] > 5s", "age * cost[1h] > $5"]
)
def test_what_is_no_quotient_and_what_is_no_product_is_refused(text: str) -> None:
    assert findings_of(text)


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
