"""What comes out when measures are added, multiplied and divided: the rules in the docstring of `units`, by example."""

import pytest

from pinkslip.model.policy import Comparison, Unit
from pinkslip.policies.language import compile_condition, parse_condition

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
    condition, findings = compile_condition(text)

    assert condition is None
    assert findings
